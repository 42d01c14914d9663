"""Rows of marks on a logarithmic scale: a row for each way, in it a mark for each
circumstance, with a hair to the 99th percentile; panels side by side.
"""
import lines
import shapes
import style

ROW, TWIN = 0.205, 0.080    # a row; how far its marks lie apart
COLOUR = {"ours": "vermillion", "limit": "ink", "peer": "muted"}


class Row:
    """One way: marks are {(panel, series): (ns, tail in ns or None)}; value is a text
    for the column at the right, if there is one."""

    def __init__(self, label, kind, marks, value=""):
        self.label, self.kind, self.marks, self.value = label, kind, marks, value


class Series:
    """One circumstance: full or open, round or another mark."""

    def __init__(self, key, text, full, marker="o"):
        self.key, self.text, self.full, self.marker = key, text, full, marker


def draw(path, title, rows, panels, series, column=""):
    """panels: [(key, text)]; column: what stands above the values at the right."""
    left, right, between = 1.50, 0.72 if column else 0.14, 0.16
    top, bottom = 0.78, 0.44
    tall = ROW + TWIN * max(0, len(series) - 2)
    high = tall * len(rows)
    fig = style.figure(top + high + bottom)
    room = (style.WIDTH - left - right - between * (len(panels) - 1)) / len(panels)
    times = [x for row in rows for pair in row.marks.values() for x in pair if x]
    limits = shapes.wide_enough(min(times) / 1.5, max(times) * 1.3)
    for i, (panel, text) in enumerate(panels):
        x = left + i * (room + between)
        ax = style.box(fig, x, bottom, style.WIDTH - x - room, top)
        shapes.frame(ax, high, limits, "", "")
        ticks = shapes.log_ticks(limits, 5 if len(panels) < 3 else 3)
        ticks = lines.apart(ticks, micro, limits, room * 72)
        ax.set_xticks(ticks)
        ax.set_xticklabels([micro(t) for t in ticks])
        ax.annotate(text, (0, 1), xycoords="axes fraction",
                    xytext=(0, 6), textcoords="offset points", fontsize=style.SMALL,
                    color=style.PAPER["muted"], annotation_clip=False)
        if column and i + 1 == len(panels):
            ax.annotate(column, (1, 1), xycoords="axes fraction", ha="right",
                        xytext=(right * 72 - 4, 6), textcoords="offset points",
                        fontsize=style.SMALL, color=style.PAPER["muted"],
                        annotation_clip=False)
        for k, row in enumerate(rows):
            mid = tall * (k + 0.5)
            ax.axhline(tall * (k + 1), color=style.PAPER["faint"], linewidth=0.5, zorder=0)
            if i == 0:
                ax.annotate(style.fit(row.label, left * 72 - 12), (0, mid),
                            xycoords=("axes fraction", "data"), xytext=(5 - left * 72, 0),
                            textcoords="offset points", va="center_baseline", ha="left",
                            fontsize=style.SMALL, annotation_clip=False,
                            fontweight="bold" if row.kind == "ours" else "normal")
            here = [s for s in series if (panel, s.key) in row.marks or len(series) < 3]
            for j, s in enumerate(here):
                if (panel, s.key) in row.marks:
                    mark(ax, *row.marks[panel, s.key],
                         mid + TWIN * (j - (len(here) - 1) / 2), COLOUR[row.kind], s)
            if column and i + 1 == len(panels):
                shapes.beside(ax, shapes.plain(row.value), mid, 1, right * 72 - 4, ha="right")
    fig.text(0.5, 6 / (72 * (top + high + bottom)),
             "microseconds, logarithmic; mark: p50, hair: to p99", ha="center",
             fontsize=style.SMALL, color=style.PAPER["muted"])
    key(fig, series, any(row.kind == "limit" for row in rows))
    lines.title(fig, title)
    style.save(fig, path)


def micro(ns):
    return "%g" % (ns / 1000)


def look(series, colour):
    colour = style.PAPER[colour]
    return dict(color=colour, marker=series.marker, markersize=4.2, markeredgewidth=0.9,
                markerfacecolor=colour if series.full else style.PAPER["paper"])


def mark(ax, ns, tail, y, colour, series):
    if tail and tail > ns:
        ax.plot([ns, tail], [y, y], color=style.PAPER[colour], linewidth=0.9, zorder=2,
                solid_capstyle="butt")
    ax.plot([ns], [y], zorder=3, markeredgecolor=style.PAPER[colour], **look(series, colour))


def key(fig, series, limit):
    """What marks and colours mean, in one line below the title."""
    from matplotlib.lines import Line2D
    w, h = fig.get_size_inches() * 72
    x, y = 5, h - 31
    items = [(s, "muted", s.text) for s in series]
    items += [(Series("", "", True), "ink", "the limit")] if limit else []
    for s, colour, text in items:
        fig.add_artist(Line2D([(x + 3) / w], [y / h], linestyle="none", **look(s, colour)))
        fig.text((x + 10) / w, y / h, text, fontsize=style.SMALL, va="center_baseline",
                 color=style.PAPER["muted"])
        x += 10 + style.text_width(text, style.SMALL) + 10
