"""Draws for timeline.py: a lane for each process, the levels above them."""
import level
import style
from results import plural

MOST_LANES = 32
KINDS = ("run", "work", "wait", "hold")
WORDS = {"run": "runs", "work": "is at an item", "wait": "waits", "hold": "holds"}
LANE = 0.46         # inches from lane to lane
BAR = 0.17
HAIR = 1.5          # points: narrower spans have no edge of their own


def union(pairs, gap=0.0):
    out = []
    for a, b in sorted(pairs):
        if out and a <= out[-1][1] + gap:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return [tuple(p) for p in out]


def draw(tr, path, title=None):
    lanes = tr.lanes[:MOST_LANES]
    left_out = len(tr.lanes) - len(lanes)
    kinds = [k for k in KINDS if any(x.of(k) for x in lanes)]
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


LOOKS = {"run": dict(facecolor="life", edgecolor="wait", linewidth=0.6),
         "work": dict(facecolor="green", edgecolor="paper", linewidth=0.5),
         "wait": dict(facecolor="wait", edgecolor="paper", hatch="////", linewidth=0),
         "hold": dict(facecolor="blue", edgecolor="none")}


def look(found):
    return {k: style.PAPER.get(v, v) if isinstance(v, str) else v for k, v in found.items()}


def lane(ax, x, top, scale, length):
    base = top + LANE - 0.05 - BAR
    looks = dict(LOOKS, hold=dict(facecolor="blue", edgecolor="blue", linewidth=0.4))
    for layer, kind in enumerate(KINDS):
        pairs = union([s[:2] for s in x.of(kind)], 0.15 / scale) \
            if kind in ("wait", "hold") else outer(x.of(kind), 0.15 / scale)
        broad = [(a, b - a) for a, b in pairs if (b - a) * scale >= HAIR]
        hairs = [(a, max(b - a, 0.5 / scale)) for a, b in pairs if (b - a) * scale < HAIR]
        if broad:
            ax.broken_barh(broad, (base, BAR), zorder=2 + layer, **look(looks[kind]))
        if hairs:       # an edge would hide them
            edge = "wait" if kind == "run" else looks[kind]["facecolor"]
            ax.broken_barh(hairs, (base, BAR), zorder=2 + layer, **look(
                dict(facecolor=edge, edgecolor=edge, linewidth=0.4)))
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
    """Spans as (start, end), neighbours kept apart, slivers merged."""
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
                    color=style.PAPER["paper" if kind in ("hold", "work") else "ink"],
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
            fig.add_artist(Rectangle((x / w, (y - 4) / h), 15 / w, 8 / h,
                                     transform=fig.transFigure, **look(LOOKS[kind])))
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
