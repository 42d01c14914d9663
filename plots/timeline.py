#!/usr/bin/env python3
"""A timeline of processes, from the Chrome-trace JSON that mp_trace_write wrote.

A lane is a process: pale while it runs, grey and hatched while it waits, blue
while it holds what others wait for. A lane ends in a bar if the process
exited, in a ✕ if it was killed. Small triangles are marks. What the trace
counts, such as a semaphore's value, stands above as steps (level.py). Time is
in milliseconds from the first event.

The same file opens in https://ui.perfetto.dev, with zoom and search.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import level        # noqa: E402
import results      # noqa: E402
import style        # noqa: E402
from results import Bad, digits, plural, time_text, word     # noqa: E402

MOST_LANES = 32
REMEDY = "make it again: make trace N=1"
KINDS = ("run", "wait", "hold")
WORDS = {"run": "runs", "wait": "waits", "hold": "holds"}


class Lane:
    def __init__(self, key):
        self.key = key
        self.name = None
        self.spans = []     # (start, end, kind, name, open), µs from the first event
        self.marks = []     # (time, name)
        self.end = None     # (time, name): exited (0), killed (signal 9)

    def killed(self):
        return self.end is not None and self.end[1].startswith("killed")

    def first(self):
        return min([s[0] for s in self.spans] + [m[0] for m in self.marks]
                   + ([self.end[0]] if self.end else []))

    def pairs(self, kind):
        """(start, end) of spans of a kind, overlaps joined."""
        return union([s[:2] for s in self.spans if s[2] == kind])

    def total(self, kind):
        return sum(b - a for a, b in self.pairs(kind))


def union(pairs, gap=0.0):
    out = []
    for a, b in sorted(pairs):
        if out and a <= out[-1][1] + gap:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return [tuple(p) for p in out]


def moment(x):
    """Microseconds that a clock can show, or None."""
    x = results.number(x)
    return x if x is not None and abs(x) < 1e15 else None


class Trace:
    def __init__(self, path):
        data = results.load(path, REMEDY)
        events = data.get("traceEvents")
        name = results.shown(path)
        if not isinstance(events, list):
            what = "benchmark results" if "benchmarks" in data else "something else"
            raise Bad("%s: no trace in it (it is %s); give a file that `make trace N=1` "
                      "or mp_trace_write wrote" % (name, what))
        lanes, counts = {}, {}

        def lane(e):
            key = (str(e.get("pid")), str(e.get("tid")))
            return lanes.setdefault(key, Lane(key))

        for e in events:
            if not isinstance(e, dict):
                continue
            phase, ts = e.get("ph"), moment(e.get("ts"))
            text = str(e.get("name", ""))
            if phase == "M" and text == "thread_name":
                args = e.get("args")
                lane(e).name = str(args.get("name", "")) if isinstance(args, dict) else None
            elif phase == "X" and ts is not None:
                dur = moment(e.get("dur")) or 0.0
                cat = e.get("cat") if e.get("cat") in KINDS else "run"
                args = e.get("args")
                still = isinstance(args, dict) and bool(args.get("open"))
                lane(e).spans.append((ts, ts + max(dur, 0.0), cat, text, still))
            elif phase == "C":
                level.take(e, counts)
            elif phase in ("i", "I") and ts is not None:
                if text.startswith(("exited", "killed")):
                    lane(e).end = (ts, text)
                else:
                    lane(e).marks.append((ts, text))
        found = [x for x in lanes.values() if x.spans or x.marks or x.end]
        if not found:
            raise Bad("%s: a trace without any event; %s" % (name, REMEDY))
        self.path = path
        self.dropped = results.number(data.get("dropped")) or 0
        self.levels = [level.Level(n, p) for n, p in counts.items()]
        zero = min([x.first() for x in found] + [x.points[0][0] for x in self.levels])
        self.levels = [x.shifted(zero) for x in self.levels]
        for x in found:
            x.spans = [(a - zero, b - zero, k, n, o) for a, b, k, n, o in x.spans]
            x.spans.sort(key=lambda s: (s[0], -s[1]))
            x.marks = sorted((t - zero, n) for t, n in x.marks)
            if x.end:
                x.end = (x.end[0] - zero, x.end[1])
        self.lanes = sorted(found, key=lambda x: (x.first(), x.key))
        for x in self.lanes:
            if not x.name:
                x.name = "main" if x is self.lanes[0] else "process %s" % x.key[1]
        names = [x.name for x in self.lanes]
        for i, x in enumerate(self.lanes):
            if names.count(names[i]) > 1:       # worker 1, worker 2
                x.name = "%s %d" % (names[i], names[:i + 1].count(names[i]))
        self.length = max([s[1] for x in found for s in x.spans]
                          + [m[0] for x in found for m in x.marks]
                          + [x.end[0] for x in found if x.end]
                          + [x.points[-1][0] for x in self.levels]) or 1.0

    def caption(self):
        """What to see, in sentences that hold whatever the trace is."""
        ms = lambda us: "%s\u00a0ms" % digits(us / 1000)       # noqa: E731
        out = ["%s over %s." % (plural(len(self.lanes), "process", "processes").capitalize(),
                                ms(self.length))]
        out += [x.caption(self.length) for x in self.levels[:level.MOST]]
        waits = [(x.total("wait"), x) for x in self.lanes]
        waits = [w for w in waits if w[0] > 0]
        if waits:
            most, x = max(waits, key=lambda w: w[0])
            out.append("%s waits longest: %s, %s\u00a0%% of the picture."
                       % (x.name, ms(most), results.percent(most / self.length)))
        holds = [(x.total("hold"), x) for x in self.lanes]
        holds = [h for h in holds if h[0] > 0]
        if holds:
            out.append("The blue spans, in which something is held, add up to %s in %s."
                       % (ms(sum(h[0] for h in holds)), plural(len(holds), "lane")))
            out.append(level.held([x.pairs("hold") for x in self.lanes]))
        for x in self.lanes:
            for name in dict.fromkeys(n for _, n in x.marks):
                at = [t for t, n in x.marks if n == name]
                if len(at) > 1:
                    gaps = [b - a for a, b in zip(at, at[1:])]
                    out.append("%s marks \u201c%s\u201d %s times, %s apart on average."
                               % (x.name, name, word(len(at)), ms(sum(gaps) / len(gaps))))
        out += [self.ending(x) for x in self.lanes]
        if self.dropped:
            out.append("%s found no room in the trace and %s left out."
                       % (plural(int(self.dropped), "event").capitalize(),
                          "was" if self.dropped == 1 else "were"))
        return " ".join([t for t in out if t][:9])

    def ending(self, x):
        """How a lane ends, if it is killed or still holds something."""
        kept = [s for s in x.spans if s[4] and s[2] == "hold"]
        if not x.killed():
            return " ".join("%s still holds \u201c%s\u201d at its end." % (x.name, s[3])
                            for s in kept)
        text = "%s is %s at %s\u00a0ms" % (x.name, x.end[1], digits(x.end[0] / 1000))
        if not kept:
            return text + "."
        name = kept[0][3]
        later = [(s[0], y.name) for y in self.lanes for s in y.spans
                 if y is not x and s[2] == "hold" and s[3] == name and s[0] >= x.end[0]]
        text += ", while it holds \u201c%s\u201d; " % name
        if not later:
            return text + "in this trace nobody holds it afterwards."
        at, who = min(later)
        return text + "%s after that it is %s that holds it." % (
            time_text(1000 * (at - x.end[0])), who)


# Drawing

LANE = 0.46         # inches from lane to lane
BAR = 0.17


def draw(tr, path, title=None):
    lanes = tr.lanes[:MOST_LANES]
    left_out = len(tr.lanes) - len(lanes)
    kinds = [k for k in KINDS if any(s[2] == k for x in lanes for s in x.spans)]
    levels = tr.levels[:level.MOST]
    over = 0.34 + (0.22 if title else 0.0)
    above = over + sum(x.height() for x in levels)
    below = 0.46 + (0.18 if left_out else 0.0)
    height = above + LANE * len(lanes) + below
    fig = style.figure(height)
    style.settings()
    widths = [style.text_width(x.name, style.SMALL) for x in lanes]
    widths += [style.text_width(x.name, style.SMALL) + 8 + style.text_width(
        level.count(x.high), style.SMALL) for x in levels]
    gutter = min(max(widths), 84) + 10
    right = 0.16
    top = over
    for x in levels:
        level.draw(fig, x, tr.length, gutter / 72, height - top - x.height() + 0.08, right,
                   top, gutter)
        top += x.height()
    ax = style.box(fig, gutter / 72, below, right, above)
    inches = style.WIDTH - gutter / 72 - right
    points = inches * 72
    scale = points / tr.length          # points per µs
    ax.set_xlim(0, tr.length)
    ax.set_ylim(LANE * len(lanes), 0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    for i, x in enumerate(lanes):
        lane(ax, x, i * LANE, scale, tr.length)
        ax.annotate(style.fit(x.name, gutter - 9), (0, i * LANE + LANE - BAR * 0.5 - 0.05),
                    xycoords=("axes fraction", "data"), xytext=(-gutter + 3, 0),
                    textcoords="offset points", va="center_baseline", ha="left",
                    fontsize=style.SMALL, annotation_clip=False)
    ticks(ax, tr.length, points)
    key(fig, ax, kinds, lanes, gutter, title)
    if left_out:
        ax.annotate("\u2026 and %s that %s not drawn"
                    % (plural(left_out, "more lane", "more lanes"),
                       "is" if left_out == 1 else "are"),
                    (0, 0), xycoords="figure fraction", xytext=(3, 4),
                    textcoords="offset points", fontsize=style.SMALL,
                    color=style.PAPER["muted"])
    style.save(fig, path)


def lane(ax, x, top, scale, length):
    base = top + LANE - 0.05 - BAR
    looks = {"run": dict(facecolor=style.PAPER["life"], edgecolor=style.PAPER["wait"],
                         linewidth=0.6),
             "wait": dict(facecolor=style.PAPER["wait"], edgecolor=style.PAPER["paper"],
                          hatch="////", linewidth=0),
             "hold": dict(facecolor=style.PAPER["blue"], edgecolor=style.PAPER["blue"],
                          linewidth=0.4)}
    for layer, kind in enumerate(KINDS):
        pairs = union([s[:2] for s in x.spans if s[2] == kind],
                      0.15 / scale) if kind != "run" else \
            outer([s for s in x.spans if s[2] == "run"], 0.15 / scale)
        pairs = [(a, max(b - a, 0.5 / scale)) for a, b in pairs]
        if pairs:
            ax.broken_barh(pairs, (base, BAR), zorder=2 + layer, **looks[kind])
    words(ax, x, base, scale)
    taken = []          # [from, to] in points, of texts above the bar
    ends = x.end[0] * scale if x.end else None
    if x.end:
        at = x.end[0]
        if x.killed():
            ax.plot([at], [base + BAR / 2], marker="x", markersize=7, markeredgewidth=1.8,
                    color=style.PAPER["vermillion"], zorder=8, clip_on=False)
        else:
            ax.plot([at, at], [base - 0.03, base + BAR + 0.03], color=style.PAPER["ink"],
                    linewidth=1.6, zorder=8, clip_on=False, solid_capstyle="butt")
        how = style.fit(x.end[1], 150)
        wide = style.text_width(how, style.SMALL)
        if ends + 7 + wide < length * scale + 8:
            ax.annotate(how, (at, base + BAR / 2), xytext=(7, 0),
                        textcoords="offset points", va="center_baseline",
                        fontsize=style.SMALL, annotation_clip=False)
        else:
            ax.annotate(how, (at, base), xytext=(4, 8), textcoords="offset points",
                        ha="right", fontsize=style.SMALL, annotation_clip=False)
            taken.append((ends - wide - 2, ends + 6))
    named, last = set(), None
    for at, name in x.marks:
        p = at * scale
        if last is not None and p - last < 0.5:     # hidden under the one before
            continue
        last = p
        ax.plot([at], [base - 0.025], marker=7, markersize=4, color=style.PAPER["ink"],
                markeredgewidth=0, zorder=7, clip_on=False)
        if name in named:
            taken.append((p - 3, p + 3))
    for at, name in x.marks:
        if name in named or not name:
            continue
        p = at * scale
        text = style.fit(name, 110)
        wide = style.text_width(text, style.SMALL)
        for left in (p - 3, p + 3 - wide):      # to the right of the mark, or to the left
            left = min(max(left, 0), length * scale - wide + 8)
            if all(left + wide + 4 < a or left - 4 > b for a, b in taken):
                ax.annotate(text, (0, base), xycoords=("axes fraction", "data"),
                            xytext=(left, 8), textcoords="offset points",
                            fontsize=style.SMALL, color=style.PAPER["muted"],
                            annotation_clip=False)
                taken.append((left, left + wide))
                named.add(name)
                break


def outer(spans, gap):
    """Run spans as (start, end), neighbours kept apart, slivers merged."""
    pairs = [(a, b) for a, b, _, _, _ in spans]
    return union(pairs, gap) if len(pairs) > 400 else pairs


def words(ax, x, base, scale):
    """The names of spans inside their bars, where they fit and say something."""
    seen = set()
    for i, (a, b, kind, name, _) in enumerate(x.spans):
        if not name or name == x.name or (kind, name) in seen:
            continue
        wide = style.text_width(name[:80], style.SMALL - 0.75)
        if wide + 6 > (b - a) * scale:
            continue
        free = next((c for c, _, _, _, _ in x.spans[i + 1:] if a <= c < b), b)
        if wide + 6 > (free - a) * scale:   # a nested span covers the rest
            continue
        seen.add((kind, name))
        ax.annotate(name, (a, base + BAR / 2), xytext=(3, -0.2), textcoords="offset points",
                    va="center_baseline", fontsize=style.SMALL - 0.75, zorder=9,
                    color=style.PAPER["paper" if kind == "hold" else "ink"],
                    bbox=dict(facecolor=style.PAPER["wait"], edgecolor="none", pad=1.0)
                    if kind == "wait" else None)


def ticks(ax, length, points):
    step = 1e-3
    while length / step > max(2, points / 40):
        for k in (2, 2.5, 2):
            step *= k
            if length / step <= max(2, points / 40):
                break
    at = [i * step for i in range(int(length / step) + 1)]
    ax.set_xticks(at)
    ax.set_xticklabels([("%g" % (t / 1000)) for t in at])
    for t in at:
        ax.axvline(t, color=style.PAPER["faint"], linewidth=0.6, zorder=0)
    ax.set_xlabel("milliseconds", labelpad=2)


def key(fig, ax, kinds, lanes, gutter, title):
    """What the looks mean, those that occur, in one line above the lanes."""
    from matplotlib.patches import Rectangle
    w, h = fig.get_size_inches() * 72
    items = [(k, WORDS[k]) for k in kinds]
    if any(x.end and not x.killed() for x in lanes):
        items.append(("exit", "exits"))
    if any(x.killed() for x in lanes):
        items.append(("kill", "is killed"))
    if any(x.marks for x in lanes):
        items.append(("mark", "mark"))
    y = h - 13
    if title:
        fig.text(3 / w, (h - 13) / h, title, fontweight="bold", va="center_baseline")
        y -= 16
    x = gutter
    total = sum(21 + style.text_width(t, style.SMALL) + 9 for _, t in items)
    if x + total > w:
        x = 3
    for kind, text in items:
        if kind in KINDS:
            look = {"run": dict(facecolor=style.PAPER["life"], edgecolor=style.PAPER["wait"],
                                linewidth=0.6),
                    "wait": dict(facecolor=style.PAPER["wait"],
                                 edgecolor=style.PAPER["paper"], hatch="////", linewidth=0),
                    "hold": dict(facecolor=style.PAPER["blue"], edgecolor="none")}[kind]
            fig.add_artist(Rectangle((x / w, (y - 4) / h), 15 / w, 8 / h,
                                     transform=fig.transFigure, **look))
            x += 19
        else:
            from matplotlib.lines import Line2D
            mark = {"kill": dict(marker="x", markersize=6, markeredgewidth=1.8,
                                 color=style.PAPER["vermillion"]),
                    "exit": dict(marker="|", markersize=9, markeredgewidth=1.6,
                                 color=style.PAPER["ink"]),
                    "mark": dict(marker=7, markersize=4, markeredgewidth=0,
                                 color=style.PAPER["ink"])}[kind]
            fig.add_artist(Line2D([(x + 4) / w], [(y - (3.5 if kind == "mark" else 0)) / h],
                                  transform=fig.transFigure, linestyle="none", **mark))
            x += 11
        fig.text(x / w, y / h, text, fontsize=style.SMALL, va="center_baseline",
                 color=style.PAPER["muted"])
        x += style.text_width(text, style.SMALL) + 9


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw a timeline of processes from a Chrome-trace JSON.",
        epilog="Example: python3 plots/timeline.py build/trace/01-process.json -o timeline.svg")
    style.arguments(p)
    p.add_argument("--title", help="a heading inside the picture")
    args = p.parse_args(argv)
    if len(args.files) > 1:
        raise Bad("one trace a picture; %d files given" % len(args.files))
    tr = Trace(args.files[0])
    style.begin(args.python)
    draw(tr, args.output, args.title)


if __name__ == "__main__":
    results.run(main)
