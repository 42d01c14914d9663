"""A number over time: the counter events of a trace, such as a semaphore's value
or how many messages wait in a queue.

timeline.py draws them as steps above the lanes, on the same axis of time, so
that one sees who does what while the level is low or high. Each value holds
until the next event; the last one until the end of the trace.
"""
import results
import shapes
import style
from results import digits, percent, word

MOST = 3            # levels in a picture
FEW = 8             # so many values each get a hair of their own


class Level:
    def __init__(self, name, points):
        """points: [(µs, value)], any order"""
        self.name = name
        self.points = sorted(points, key=lambda p: p[0])
        self.values = [v for _, v in self.points]
        self.low, self.high = min(self.values), max(self.values)

    def height(self):
        """Inches; a level of many values gets more."""
        return 0.62 if self.high - min(0, self.low) <= FEW else 1.0

    def shifted(self, zero):
        return Level(self.name, [(t - zero, v) for t, v in self.points])

    def share_at(self, value, end):
        """The part of the time until the end at which it stood there."""
        begin = self.points[0][0]
        steps = zip(self.points, [t for t, _ in self.points[1:]] + [end])
        spent = sum(b - a for (a, v), b in steps if v == value)
        return spent / (end - begin) if end > begin else 0.0

    def average(self, end):
        """Over time: a value counts for as long as it holds."""
        ends = [t for t, _ in self.points[1:]] + [end]
        spent = sum(v * (b - a) for (a, v), b in zip(self.points, ends))
        begin = self.points[0][0]
        return spent / (end - begin) if end > begin else self.values[-1]

    def thinned(self, end, columns):
        """The points, or for each column of the picture its first, lowest, highest and
        last: no more can be seen."""
        if len(self.points) <= 4 * columns:
            return self.points
        out = {}
        for t, v in self.points:
            out.setdefault(int(t / end * columns), []).append((t, v))
        return [p for found in out.values() for p in sorted(
            {found[0], found[-1], min(found, key=lambda p: p[1]),
             max(found, key=lambda p: p[1])}, key=lambda p: p[0])]

    def caption(self, end):
        text = "\u201c%s\u201d begins at %s" % (self.name, count(self.values[0]))
        if self.low == self.high:
            return text + " and stays there."
        text += ", lies between %s and %s and ends at %s" % (
            count(self.low), count(self.high), count(self.values[-1]))
        stand = 0 if 0 in self.values else self.low
        text += "; it stands at %s for %s\u00a0%% of the time" % (
            count(stand), percent(self.share_at(stand, end)))
        if len(set(self.values)) > 2 and stand != self.high:
            text += " and at %s, its highest, for %s\u00a0%%" % (
                count(self.high), percent(self.share_at(self.high, end)))
        if self.high - self.low >= 4:
            text += "; its average is %s" % digits(self.average(end))
        return text + "."


def count(v):
    text = "%g" % v
    return text.replace("-", "\u2212")


def take(event, found):
    """One counter event into {name: [(µs, value)]}; what makes no sense is left out."""
    ts, args = results.number(event.get("ts")), event.get("args")
    name = str(event.get("name", ""))
    if ts is None or abs(ts) >= 1e15 or not isinstance(args, dict):
        return
    for key, value in args.items():
        value = results.number(value)
        if value is not None and abs(value) < 1e12:
            full = name if key == "value" else "%s %s" % (name, key)
            found.setdefault(full, []).append((ts, value))


def most_at_once(lanes):
    """How many lanes hold something at the same time, at most. A span that begins
    where another ends does not overlap it."""
    steps = sorted((t, d) for pairs in lanes for a, b in pairs for t, d in ((a, 1), (b, -1)))
    most = now = 0
    for _, d in steps:
        now += d
        most = max(most, now)
    return most


def held(lanes):
    most = most_at_once(lanes)
    return "" if most < 2 else "At most %s lanes hold at the same time." % word(most)


# Drawing

def marks(low, high):
    """(hairs, texts): few values each get a hair, many one every nice step."""
    if high - low <= FEW:
        return sorted({low, high, *range(int(low), int(high) + 1)}), (low, high)
    step = shapes.nice((high - low) / 4)
    hairs = [k * step for k in range(int(low // step), int(high // step) + 1)
             if low <= k * step < high - 0.6 * step] + [high]
    return hairs, hairs


def draw(fig, level, length, left, bottom, right, top, gutter):
    """Steps in axes of their own; left … top are margins in inches, gutter points."""
    ax = style.box(fig, left, bottom, right, top)
    ax.set_xlim(0, length)
    low, high = min(0, level.low), max(1, level.high)
    ax.set_ylim(low - 0.08 * (high - low), high + 0.22 * (high - low))
    inches = fig.get_size_inches()[0] - left - right
    points = level.thinned(length, int(inches * 72 * 2))
    ts = [t for t, _ in points] + [length]
    vs = [v for _, v in points] + [level.values[-1]]
    ax.fill_between(ts, vs, [low] * len(vs), step="post", color=style.PAPER["life"],
                    linewidth=0, zorder=1)
    ax.step(ts, vs, where="post", color=style.PAPER["ink"], linewidth=1.3, zorder=3,
            solid_joinstyle="miter")
    ax.set_xticks([])
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.set_yticks([])
    hairs, texts = marks(low, high)
    for v in hairs:
        ax.axhline(v, color=style.PAPER["faint"], linewidth=0.6, zorder=0)
    for v in texts:
        ax.annotate(count(v), (0, v), xycoords=("axes fraction", "data"), xytext=(-4, 0),
                    textcoords="offset points", ha="right", va="center_baseline",
                    fontsize=style.SMALL, color=style.PAPER["muted"], annotation_clip=False)
    room = gutter - 9 - max(style.text_width(count(v), style.SMALL) for v in texts) - 4
    ax.annotate(style.fit(level.name, room), (0, (low + high) / 2),
                xycoords=("axes fraction", "data"), xytext=(-gutter + 3, 0),
                textcoords="offset points", ha="left", va="center_baseline",
                fontsize=style.SMALL, annotation_clip=False)
    return ax
