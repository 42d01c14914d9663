#!/usr/bin/env python3
"""What it costs to start a process and join it, from build/results/process.json.

A row for each way of starting and each size of the parent: the dot is the
median, the hair reaches to the 99th percentile, on a logarithmic scale where
equal distances are equal ratios. What copies page tables moves to the right as
the parent grows; what does not stays. Below, the small parent again: child on
the parent's CPU, on another, or wherever the kernel likes.
"""
import argparse
import math
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from results import (Bad, interval_text, listed, mib_text, time_text,
                     times_text)     # noqa: E402
from shapes import FOOT, HEAD, LEFT, RIGHT, ROW, beside, frame, gap, rule     # noqa: E402

ORDER = ("thread", "vfork", "posix_spawn", "clone3", "fork", "mp_process",
         "mp_forkserver", "python_fork", "python_process", "python_forkserver")
PLACES = ("same", "cross", "free")


class Case(cases.Case):
    """One row of the table: repetitions of one way, parent and placement."""

    def __init__(self, how, parent, place, rows, res):
        super().__init__(rows, res)
        self.how, self.parent, self.place = how, parent, place
        self.label = style.label(how)


class Process:
    def __init__(self, res):
        self.judged = res.ratios
        found = {}
        for row in res.rows:
            if len(row.path) < 2:
                continue
            key = (row.path[1], row.args.get("parent_MiB", "0"), row.args.get("place", "free"))
            found.setdefault(key, []).append(row)
        if not found:
            raise Bad("%s: names do not read process/<how>/parent_MiB:<n>/place:<place>; "
                      "make it again: make bench"
                      % ", ".join(results.shown(f) for f in res.files))
        self.cases = {key: Case(*key, rows, res) for key, rows in found.items()}
        names = {key[0] for key in found}
        self.hows = [h for h in ORDER if h in names] + sorted(names - set(ORDER))
        self.parents = sorted({key[1] for key in found}, key=mib_key)
        self.places = [p for p in PLACES if any(k[2] == p for k in found)]
        self.places += sorted({k[2] for k in found} - set(PLACES))
        count = {p: sum(1 for k in found if k[2] == p) for p in self.places}
        most = max(count.values())
        self.place = [p for p in self.places if count[p] == most][0]

    def get(self, how, parent=None, place=None):
        return self.cases.get((how, self.parents[0] if parent is None else parent,
                               place or self.place))

    def repetitions(self):
        return min(c.n for c in self.cases.values())

    def ratio(self, a, b):
        """How many times b's time a takes; run.py's own figure where it judged it."""
        return self.judged.get((a.cell, b.cell)) or stats.ratio(a.sample, b.sample)

    def small(self):
        return "a small parent" if self.parents[0] == "0" else \
            "a parent of %s" % mib_text(self.parents[0])

    def caption(self):
        out = []
        rows = [self.get(h) for h in self.hows]
        rows = sorted((c for c in rows if c), key=lambda c: c.p50)
        if len(rows) > 1:
            r = self.ratio(rows[-1], rows[0])
            out.append("From %s, %s is the cheapest to start and join (%s) and %s the dearest "
                       "(%s, %s%s as much)."
                       % (self.small(), rows[0].label, time_text(rows[0].p50), rows[-1].label,
                          time_text(rows[-1].p50), times_text(r.value), gap(interval_text(r))))
        elif rows:
            out.append("From %s, %s takes %s." % (self.small(), rows[0].label,
                                                  time_text(rows[0].p50)))
        if len(self.parents) > 1:
            big = self.parents[-1]
            grown, same = [], []
            for h in self.hows:
                a, b = self.get(h), self.get(h, big)
                if a and b:
                    r = self.ratio(b, a)
                    if r.above(1.1):
                        grown.append((r, a.label))
                    elif r.above(0.9) and r.below(1.1):
                        same.append(a.label)
            if grown:
                grown.sort(key=lambda g: -g[0].value)
                out.append("With %s in the parent, %s." % (mib_text(big), "; ".join(
                    "%s costs %s%s as much" % (name, times_text(r.value), gap(interval_text(r)))
                    for r, name in grown[:3])))
            if same:
                out.append("%s %s within 10\u00a0%% of the cost from %s." % (
                    listed(same), "stays" if len(same) == 1 else "stay", self.small()))
        return " ".join(out)

    def place_caption(self):
        """How much the placement moves each, for the small parent."""
        moved = []
        for h in self.hows:
            a, b = self.get(h, place="same"), self.get(h, place="cross")
            if a and b:
                moved.append((self.ratio(b, a), a.label))
        if not moved:
            return "Only one placement was measured."
        moved.sort(key=lambda m: -abs(math.log(m[0].value)))
        r, name = moved[0]
        text = ("Placement matters most for %s: on another CPU than its parent it takes %s%s "
                "the time of the same CPU" % (name, times_text(r.value), gap(interval_text(r))))
        if r.known() and r.lo <= 1 <= r.hi:
            text += ", which its interval cannot tell from no difference"
        return text + "."


def mib_key(text):
    n = results.number(text) if not isinstance(text, str) else None
    try:
        n = float(text)
    except ValueError:
        pass
    return (0, n, "") if n is not None else (1, 0.0, text)


def analyse(res):
    return Process(res)


# Drawing

def draw(pr, path):
    sizes = pr.parents
    top = [(h, [(s, pr.get(h, s)) for s in sizes if pr.get(h, s)]) for h in pr.hows]
    top = [t for t in top if t[1]]
    bottom = [(h, [(p, pr.get(h, place=p)) for p in pr.places if pr.get(h, place=p)])
              for h in pr.hows]
    bottom = [b for b in bottom if len(b[1]) > 1]
    h1, h2 = shapes.block_height(top), ROW * 1.15 * len(bottom)
    height = HEAD + h1 + FOOT + ((0.30 + HEAD + h2 + FOOT) if bottom else 0.0)
    fig = style.figure(height)
    ax = style.box(fig, LEFT, height - HEAD - h1, RIGHT, HEAD)
    limits = span([c for _, found in top for _, c in found])
    shapes.rows(ax, [(style.how(h), [(mib_text(s), c.p50, c.p99) for s, c in found])
                     for h, found in top], limits, "Start and join, by size of the parent",
                "logarithmic; mark: p50, hair: to p99")
    if bottom:
        bx = style.box(fig, LEFT, FOOT, RIGHT, height - FOOT - h2)
        places_panel(bx, bottom, span([c for _, found in bottom for _, c in found], 1.15),
                     pr.small())
    style.save(fig, path)


def span(cases, tail=None):
    """Limits of the axis: medians, and the 99th percentiles unless tail is given."""
    low = min(c.p50 for c in cases)
    high = max(c.p50 if tail else max(c.p50, c.p99 or 0) for c in cases)
    return low / 1.35, high * (tail or 1.25)


def places_panel(ax, groups, limits, small):
    """A row for each way; same CPU full, another CPU open, free a stroke."""
    row = ROW * 1.15
    frame(ax, row * len(groups), limits, "By place, from " + small,
          "p50; full: parent\u2019s CPU, open: another, stroke: free")
    for g, (how, row_cases) in enumerate(groups):
        text, colour, marker, _ = style.how(how)
        colour = style.PAPER[colour]
        mid = row * (g + 0.5)
        found = dict(row_cases)
        beside(ax, style.fit(text, LEFT * 72 - 12), mid, 0, -LEFT * 72 + 5, ha="left",
               fontweight="bold" if how.startswith("mp_") else "normal")
        if g:
            rule(ax, row * g)
        times = [c.p50 for c in found.values()]
        ax.plot([min(times), max(times)], [mid, mid], color=colour, linewidth=0.8, zorder=1)
        for place, case in row_cases:
            if place == "free":
                ax.plot([case.p50], [mid], color=colour, marker="|", markersize=8,
                        markeredgewidth=1.4, zorder=2)
                continue
            full = place == "same"
            ax.plot([case.p50], [mid], color=colour, marker=marker, markersize=5.5,
                    markerfacecolor=colour if full else style.PAPER["paper"],
                    markeredgecolor=colour, markeredgewidth=1.0, zorder=4 if full else 3)
        if "same" in found and "cross" in found:
            r = found["cross"].p50 / found["same"].p50
            beside(ax, times_text(r), mid, 1, RIGHT * 72 - 4, ha="right")
    if any("same" in dict(c) and "cross" in dict(c) for _, c in groups):
        ax.annotate("another/same", (1, 1), xycoords="axes fraction",
                    xytext=(RIGHT * 72 - 4, 8), textcoords="offset points", ha="right",
                    fontsize=style.SMALL, color=style.PAPER["muted"], annotation_clip=False)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw what starting and joining a process costs: median and 99th "
        "percentile, by way of starting, size of the parent and placement.",
        epilog="Example: python3 plots/process.py build/results/process.json -o process.svg")
    style.arguments(p)
    args = p.parse_args(argv)
    pr = analyse(results.read(args.files, "process"))
    style.begin(args.python)
    draw(pr, args.output)


if __name__ == "__main__":
    results.run(main)
