"""The shapes that several pictures share: names at line ends, rows with a dot
and a hair, bars, headings, ticks.

Rows and bars stand on logarithmic scales, where equal distances are equal
ratios. Sizes are inches unless a name says points.
"""
import style
from results import time_text

# A row, the gap between groups, the margins of rows, room for a heading.
ROW, GAP = 0.178, 0.09
LEFT, RIGHT, HEAD, FOOT = 1.62, 0.80, 0.30, 0.42
TICKS = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10)
STEPS = [t * k for t in (1e-2, 1e-1) + TICKS for k in (1, 2, 5)]


def gap(text):
    """A text with a space before it, or nothing."""
    return " " + text if text else ""


def plain(text):
    return text.replace("\u00a0", " ")


def nice(x):
    """1, 2 or 5 times a power of ten, at least x."""
    power = 1.0
    while power * 10 <= x:
        power *= 10
    while power > x:
        power /= 10
    for k in (1, 2, 5, 10):
        if power * k >= x:
            return power * k
    return power * 10


def tick_text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return "%g %s" % (ns / size, unit)
    return "%g ns" % ns


def log_ticks(limits, most=4):
    """1, 2 and 5 times powers of ten within the limits; fewer, if too many."""
    ticks = [t for t in STEPS if limits[0] <= t <= limits[1]]
    if len(ticks) > most:
        ticks = [t for t in ticks if t in TICKS]
    return ticks[::2] if len(ticks) > most else ticks


def wide_enough(low, high):
    """The same limits, or wider ones that hold two ticks."""
    while sum(low <= t <= high for t in STEPS) < 2:
        low, high = low / 1.2, high * 1.2
    return low, high


def heading(ax, left, text, above):
    """A title at the left edge of the picture, not of the axes."""
    ax.annotate(text, (0, 1), xycoords="axes fraction", xytext=(5 - left * 72, above),
                textcoords="offset points", fontweight="bold", annotation_clip=False)


def name_ends(fig, ax, ends, room=76, bold=()):
    """Each line's name at its end, moved apart, joined by a hair to its line.

    ends: [(name, colour, marker, y, x)]; names get so many points.
    """
    height = ax.get_position().height * fig.get_size_inches()[1] * 72
    trans = ax.transData + ax.transAxes.inverted()
    places = [trans.transform((x, y)) for _, _, _, y, x in ends]
    spots = style.spread([p[1] * height for p in places], style.SMALL * 1.32,
                         style.SMALL * 0.5, height + 8)
    width = ax.get_position().width * fig.get_size_inches()[0] * 72
    for (name, colour, marker, _, _), place, spot in zip(ends, places, spots):
        c = style.PAPER.get(colour, colour)
        x0 = place[0]
        at = (width + 12) / width
        if x0 > 0.7:        # a line that ends early has its marker for a sign
            ax.plot([x0, (width + 3) / width, at - 1.5 / width],
                    [place[1], place[1], spot / height],
                    transform=ax.transAxes, color=c, linewidth=0.6, clip_on=False, zorder=2)
        if marker:
            ax.plot([at + 3.5 / width], [spot / height], transform=ax.transAxes, color=c,
                    clip_on=False, linestyle="none", **mark(marker, c))
        ax.text(at + (9.5 if marker else 2) / width, spot / height, style.fit(name, room),
                transform=ax.transAxes, fontsize=style.SMALL, va="center_baseline",
                ha="left", color=style.PAPER["ink" if marker else "muted"],
                fontweight="bold" if name in bold else "normal")


STROKES = "x+|"


def edge(marker, colour):
    """A marker that is a stroke has nothing but its edge."""
    return colour if marker in STROKES else style.PAPER["paper"]


def edge_width(marker, width):
    return 1.2 if marker in STROKES else width


def mark(marker, colour):
    """How a marker on a line, or beside a name, is drawn."""
    return dict(marker=marker, markersize=7 if marker == "*" else 4.6,
                markeredgecolor=edge(marker, colour),
                markeredgewidth=edge_width(marker, 0.4))


def beside(ax, text, mid, edge, points, **more):
    """Text in a column beside the axes, on the height of a row."""
    more.setdefault("fontsize", style.SMALL)
    ax.annotate(text, (edge, mid), xycoords=("axes fraction", "data"), xytext=(points, 0),
                textcoords="offset points", va="center_baseline", annotation_clip=False, **more)


def rule(ax, y):
    """A hair across the whole picture."""
    width = style.WIDTH - LEFT - RIGHT
    ax.plot([-(LEFT * 72 - 5) / (width * 72), 1 + (RIGHT * 72 - 4) / (width * 72)], [y, y],
            transform=ax.get_yaxis_transform(), color=style.PAPER["faint"], linewidth=0.6,
            clip_on=False, zorder=0)


def frame(ax, total, limits, title, xlabel):
    """Logarithmic axes for rows that add up to a height."""
    ax.set_xscale("log")
    ax.set_xlim(*limits)
    ax.set_ylim(total, 0)
    ax.minorticks_off()
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    ticks = log_ticks(limits)
    ax.set_xticks(ticks)
    ax.set_xticklabels([tick_text(t) for t in ticks])
    for t in ticks:
        ax.axvline(t, color=style.PAPER["faint"], linewidth=0.6, zorder=0)
    ax.set_xlabel(xlabel, labelpad=3)
    if title:
        heading(ax, LEFT, title, 8)


def block_height(groups):
    return sum(ROW * len(r) for _, r in groups) + GAP * max(0, len(groups) - 1)


def rows(ax, groups, limits, title, xlabel, ours=("mp_process", "mp_forkserver")):
    """groups: [(look, [(text, ns, tail in ns or None)])], look as style.how says."""
    frame(ax, block_height(groups), limits, title, xlabel)
    y = 0.0
    for g, (how, cases) in enumerate(groups):
        text, colour, marker, _ = how
        colour = style.PAPER[colour]
        names = text.split(", ") if len(cases) > 1 else [text]      # a line each
        if g:
            rule(ax, y + GAP / 2)
            y += GAP
        for k, (what, ns, tail) in enumerate(cases):
            mid = y + ROW / 2
            if k < len(names):
                beside(ax, style.fit(names[k], 76), mid, 0, -LEFT * 72 + 5, ha="left",
                       fontweight="bold" if text in ours else "normal")
            beside(ax, plain(what), mid, 0, -6, ha="right", color=style.PAPER["muted"])
            beside(ax, plain(time_text(ns)), mid, 1, RIGHT * 72 - 4, ha="right")
            if tail:
                hair(ax, ns, max(tail, ns), mid, colour)
            ax.plot([ns], [mid], color=colour, marker=marker, markersize=5,
                    markerfacecolor=colour if k == 0 else style.PAPER["paper"],
                    markeredgecolor=colour, markeredgewidth=1.0, zorder=3)
            y += ROW


def hair(ax, low, high, mid, colour):
    """From a median to a percentile, which gets a stroke."""
    ax.plot([low, high], [mid, mid], color=colour, linewidth=1.3, solid_capstyle="butt",
            zorder=2)
    ax.plot([high], [mid], color=colour, marker="|", markersize=5.5, markeredgewidth=1.3,
            zorder=2)


# The three kinds of bars: full is ours, pale a peer, hatched a rung of a lesson.
BARS = {
    "ours": ("ours", dict(facecolor="vermillion", edgecolor="vermillion", linewidth=0.6)),
    "peer": ("peer", dict(facecolor="life", edgecolor="muted", linewidth=0.7)),
    "rung": ("step of the lesson", dict(facecolor="wait", edgecolor="paper", hatch="////",
                                        linewidth=0)),
    "limit": ("limit", dict(facecolor="ink", edgecolor="ink", linewidth=0.6)),
}


def bar_look(kind):
    return {k: style.PAPER.get(v, v) if isinstance(v, str) else v
            for k, v in BARS[kind][1].items()}


BAR_ROW = 0.215


def bars_height(found):
    return BAR_ROW * len(found)


def bars(ax, found, limits, title, xlabel):
    """found: [(name, kind, ns or None for never, tail in ns or None)].

    A bar begins at the left edge, which is no zero: it is the ratio of two ends
    that counts.
    """
    frame(ax, bars_height(found), limits, title, xlabel)
    ax.spines["left"].set_visible(True)
    for i, (name, kind, ns, tail) in enumerate(found):
        mid = BAR_ROW * (i + 0.5)
        beside(ax, style.fit(name, LEFT * 72 - 12), mid, 0, -LEFT * 72 + 5, ha="left",
               fontweight="bold" if kind == "ours" else "normal")
        end = limits[1] if ns is None else ns
        ax.barh([mid], [end - limits[0]], left=[limits[0]], height=BAR_ROW * 0.62, zorder=2,
                **bar_look(kind))
        if ns is None:      # open at its right: it goes on
            ax.plot([end], [mid], marker=">", markersize=6, color=style.PAPER["muted"],
                    clip_on=False, zorder=4, markeredgewidth=0)
        elif tail and tail > ns:
            hair(ax, ns, tail, mid, style.PAPER["ink"])
        beside(ax, "never" if ns is None else plain(time_text(ns)), mid, 1, RIGHT * 72 - 4,
               ha="right", fontweight="bold" if ns is None else "normal")


def bars_key(fig, kinds, top):
    """What the bars' looks mean, in one line so many points below the upper edge."""
    from matplotlib.patches import Rectangle
    w, h = fig.get_size_inches() * 72
    x, y = 5, h - top
    for kind in [k for k in BARS if k in kinds]:
        fig.add_artist(Rectangle((x / w, (y - 4) / h), 15 / w, 8 / h,
                                 transform=fig.transFigure, **bar_look(kind)))
        text = BARS[kind][0]
        fig.text((x + 19) / w, y / h, text, fontsize=style.SMALL, va="center_baseline",
                 color=style.PAPER["muted"])
        x += 19 + style.text_width(text, style.SMALL) + 10


def bar_limits(values):
    """From the 1, 2 or 5 below the shortest to a little beyond the longest."""
    low, high = min(values), max(values)
    below = [t for t in STEPS if t <= low / 1.5]
    return wide_enough(below[-1] if below else low / 2, high * 1.3)


def bar_chart(blocks, path, title, xlabel, line=None):
    """blocks: [(heading, [(name, kind, ns or None, tail)])], one scale for all;
    line: (ns, text) of a limit."""
    every = [f for _, found in blocks for f in found]
    times = [x for _, _, ns, tail in every for x in (ns, tail) if x]
    limits = bar_limits(times + ([line[0]] if line else [])) if times else (1.0, 1e9)
    above = [0.24 if text or line else 0.04 for text, _ in blocks]
    top = 0.50
    fig = style.figure(top + sum(above) + sum(bars_height(f) for _, f in blocks)
                       + FOOT)
    full = fig.get_size_inches()[1]
    down = top
    for i, ((text, found), room) in enumerate(zip(blocks, above)):
        down += room
        bottom = full - down - bars_height(found)
        last = i + 1 == len(blocks)
        ax = style.box(fig, LEFT, bottom, RIGHT, down)
        bars(ax, found, limits, "", xlabel if last else "")
        if not last:
            ax.tick_params(axis="x", length=0, labelbottom=False)
            ax.spines["bottom"].set_visible(False)
        ax.annotate(text, (0, 1), xycoords="axes fraction",
                    xytext=(5 - LEFT * 72, 4), textcoords="offset points",
                    fontsize=style.SMALL, color=style.PAPER["muted"], annotation_clip=False)
        if line:
            ax.axvline(line[0], color=style.PAPER["ink"], linewidth=1.1,
                       linestyle=(0, (1, 1.2)), zorder=5)
            ax.annotate(plain(line[1]), (line[0], 1), xycoords=("data", "axes fraction"),
                        xytext=(0, 4), textcoords="offset points", ha="center",
                        fontsize=style.SMALL, annotation_clip=False)
        down += bars_height(found)
    fig.text(5 / (style.WIDTH * 72), 1 - 13 / (full * 72), title, fontweight="bold",
             va="center_baseline")
    bars_key(fig, {k for _, k, _, _ in every}, 30)
    style.save(fig, path)
