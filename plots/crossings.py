"""Draws for grain.py: curves of efficiency above, below them, on the same scale of
lengths, where each of them crosses the line at 50 %.
"""
import math

import shapes
import style
from results import plural, time_text

HALF = 0.5
LEFT, RIGHT, ROW, HIGH = 0.50, 0.16, 0.190, 2.05


def draw(ways, procs, path):
    drawn = sorted(ways, key=place)
    top, between, bottom = 0.34, 0.42, 0.44
    rows = ROW * len(drawn)
    height = top + HIGH + between + rows + bottom
    fig = style.figure(height)
    tasks = sorted({t for w in ways for t, _ in w.points}
                   | {w.metg.value for w in ways if w.metg})
    limits = (tasks[0] / 1.5, max(tasks[-1], 2 * tasks[0]) * 1.5)
    ax = style.box(fig, LEFT, bottom + rows + between, RIGHT, top)
    curves(ax, drawn, limits)
    shapes.heading(ax, LEFT, "Efficiency of %s, by length of a task" % plural(
        procs, "process", "processes"), 9)
    bx = style.box(fig, LEFT, bottom, RIGHT, top + HIGH + between)
    for k, w in enumerate(drawn):
        crossing(bx, w, ROW * (k + 0.5), limits)
    below(bx, rows, limits)
    style.save(fig, path)


def place(way):
    """Those that are above the line all along, then by METG, then those below."""
    return (0, 0) if way.always() else (1, way.metg.value) if way.metg else (2, 0)


def horizontal(ax, limits, labels):
    ax.set_xscale("log")
    ax.set_xlim(*limits)
    ax.minorticks_off()
    ticks = shapes.log_ticks(shapes.wide_enough(*limits), 8)
    ticks = [t for t in ticks if limits[0] <= t <= limits[1]]
    ax.set_xticks(ticks)
    ax.set_xticklabels([shapes.tick_text(t) for t in ticks] if labels else [])
    for t in ticks:
        ax.axvline(t, color=style.PAPER["faint"], linewidth=0.6, zorder=0)


def curves(ax, ways, limits):
    horizontal(ax, limits, False)
    ax.tick_params(axis="x", length=0)
    most = max(1.0, min(1.5, max(e for w in ways for _, e in w.points)))
    ax.set_ylim(0, most * 1.04)
    ticks = [t for t in (0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5) if t <= most * 1.04]
    ax.set_yticks(ticks)
    ax.set_yticklabels(["%.0f %%" % (100 * t) for t in ticks])
    ax.grid(axis="y", color=style.PAPER["faint"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.axhline(HALF, color=style.PAPER["ink"], linewidth=1.0, zorder=1.5)
    for k, w in enumerate(ways):
        _, colour, marker, dash = style.how(w.how)
        colour = style.PAPER[colour]
        ours = w.kind == "ours"
        xs, ys = zip(*w.points)
        ax.plot(xs, [min(y, most * 1.04) for y in ys], color=colour, linestyle=dash,
                linewidth=2.0 if ours else 1.3, zorder=(20 if ours else 4) + k / 100,
                **(shapes.mark(marker, colour) if len(xs) == 1 else {}))
        if w.metg:
            at = w.metg.value
            ax.plot([at, at], [0, HALF], color=colour, linewidth=0.5, zorder=2)
            ax.plot([at], [HALF], color=colour, zorder=40 + k / 100,
                    **shapes.mark(marker, colour))


def crossing(ax, way, y, limits):
    """One row: the mark at its METG, the interval, the name beside it."""
    name, colour, marker, _ = style.how(way.how)
    colour = style.PAPER[colour]
    ours = way.kind == "ours"
    if way.metg:
        at, text = way.metg.value, time_text(way.metg.value)
        if way.metg.known():
            ax.plot([way.metg.lo, way.metg.hi], [y, y], color=colour, linewidth=2.0,
                    solid_capstyle="butt", zorder=2)
    elif way.always():
        at, marker, text = limits[0], "<", "below %s" % time_text(way.tasks[0])
    else:
        at, marker, text = limits[1], ">", "above %s" % time_text(way.tasks[-1])
    ax.plot([at], [y], color=colour, zorder=3, clip_on=False, **shapes.mark(marker, colour))
    right = math.log(at / limits[0]) / math.log(limits[1] / limits[0]) < 0.5
    ends = [at] if not way.metg or not way.metg.known() else [way.metg.lo, way.metg.hi]
    ax.annotate(name + ": " + shapes.plain(text), (max(ends) if right else min(ends), y),
                xytext=(7 if right else -7, 0), textcoords="offset points",
                ha="left" if right else "right", va="center_baseline", fontsize=style.SMALL,
                fontweight="bold" if ours else "normal", annotation_clip=False)


def below(ax, rows, limits):
    horizontal(ax, limits, True)
    ax.set_ylim(rows, 0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    shapes.heading(ax, LEFT, "METG: where half of it is work", 7)
    ax.set_xlabel("length of a task, alone", labelpad=2)
