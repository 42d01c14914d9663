"""Lines on logarithmic axes: a few with a name and a colour, the rest grey.

Ours is thick, a limit dotted, a peer thin; an "other" is a grey hair without
marks, for the reader who wants to know that there are more.
"""
import math

import shapes
import style


class Line:
    def __init__(self, look, kind, points, marks=None):
        """look as style.how says; marks: the x that get a mark (default: all)."""
        self.name, self.colour, self.marker, self.dash = look
        self.kind = kind
        self.points = sorted(points)
        self.marks = [x for x, _ in self.points] if marks is None else marks


WIDTHS = {"ours": 2.2, "peer": 1.2, "rung": 1.2, "limit": 1.3, "other": 0.7}
LAYER = {"other": 2, "limit": 6, "rung": 8, "peer": 10, "ours": 40}


def log_axes(ax, xs, ys, text, most=6):
    """Both logarithmic; hairs and texts at 1, 2 and 5 times powers of ten up the side."""
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(*xs)
    ax.set_ylim(*ys)
    ticks = shapes.log_ticks(ys, most)
    ax.set_yticks(ticks)
    ax.set_yticklabels([text(t) for t in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", color=style.PAPER["faint"], linewidth=0.6)
    ax.set_axisbelow(True)


def rate_tick(x, unit="/s"):
    """100 k/s, 10 GB/s"""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if x >= size:
            return "%g %s%s" % (x / size, prefix, unit)
    return "%g %s" % (x, unit)


def apart(values, text, limits, points):
    """Of some numbers on a logarithmic axis, those whose texts find room: both ends,
    then the others from the right."""
    low, high = limits

    def place(v):
        return math.log(v / low) / math.log(high / low) * points

    kept = []
    for v in dict.fromkeys(sorted(values)[-1:] + sorted(values)[:1] + sorted(values)[::-1]):
        if all(abs(place(v) - place(k)) >= 5 + (style.text_width(text(v), style.SMALL)
                                                + style.text_width(text(k), style.SMALL)) / 2
               for k in kept):
            kept.append(v)
    return sorted(kept)


def stroke(ax, line, k=0):
    """One line with its marks; k: its place among the others, for what lies on top."""
    if not line.points:
        return
    other = line.kind == "other"
    colour = style.PAPER["wait" if other else line.colour]
    layer = LAYER[line.kind] + k / 100
    xs, ys = zip(*line.points)
    ax.plot(xs, ys, color=colour, linestyle="-" if other else line.dash,
            linewidth=WIDTHS[line.kind], zorder=layer, solid_joinstyle="round")
    at = [p for p in line.points if p[0] in line.marks and not other]
    ax.plot([x for x, _ in at], [y for _, y in at], linestyle="none", color=colour,
            zorder=layer + 0.005, **shapes.mark(line.marker, colour))


def draw(fig, ax, drawn, others=None, room=84):
    """Lines with their names at their ends; others: what the grey ones are called."""
    ends, grey = [], []
    for k, line in enumerate(drawn):
        if not line.points:
            continue
        stroke(ax, line, k)
        x, y = line.points[-1]
        if line.kind == "other":
            grey.append((y, x))
        else:
            ends.append((line.name, line.colour, line.marker, y, x))
    if grey and others:
        y, x = sorted(grey)[len(grey) // 2]
        ends.append((others if len(grey) > 1 else "another", "wait", None, y, x))
    bold = [line.name for line in drawn if line.kind == "ours"]
    shapes.name_ends(fig, ax, ends, room, bold=bold)


def title(fig, text):
    fig.text(5 / (style.WIDTH * 72), 1 - 13 / (fig.get_size_inches()[1] * 72), text,
             fontweight="bold", va="center_baseline")


def key(fig, looks, x, y, room):
    """A line for each name, downwards from a place in points, where lines have no room
    for names at their ends. looks: [(look, kind)]"""
    from matplotlib.lines import Line2D
    w, h = fig.get_size_inches() * 72
    for (name, colour, marker, dash), kind in looks:
        c = style.PAPER[colour]
        fig.add_artist(Line2D([x / w, (x + 20) / w], [y / h, y / h], color=c, linestyle=dash,
                              linewidth=WIDTHS[kind]))
        fig.add_artist(Line2D([(x + 10) / w], [y / h], color=c, linestyle="none",
                              **shapes.mark(marker, c)))
        fig.text((x + 25) / w, y / h, style.fit(name, room), fontsize=style.SMALL,
                 va="center_baseline", fontweight="bold" if kind == "ours" else "normal")
        y -= 11.8
