#!/usr/bin/env python3
"""Many at one queue, 64 bytes a message, from build/results/queue.json.

capacity  messages in a second against the queue's capacity, a panel for each
          number of producers and consumers
shapes    the same against that number, for one capacity

2P4C reads: two producers, four consumers. A bounded ring without locks is the
limit: it never sleeps, and a process that is killed in it spoils it.
"""
import argparse
import re
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import lines        # noqa: E402
import rates        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import style        # noqa: E402
from cases import est, unsure     # noqa: E402
from results import Bad, group, plural     # noqa: E402

ORDER = ("ring", "rawmp", "boost", "mutex_cond", "pipe", "seqpacket", "posix_mq",
         "python_simplequeue", "python_queue")
SHAPES = ("1P1C", "2P2C", "4P4C", "4P1C", "1P4C")
PICTURES = ("capacity", "shapes")
USUAL = 1024        # the capacity that stands for the others


class Queue(rates.Rates):
    """One part for each shape; the number is the capacity."""

    limits, rungs, order = ("ring",), (), ORDER
    numbers, names = ("capacity",), ("place",)

    def __init__(self, res):
        super().__init__(res, [(c.args["shape"], c.path[1], c)
                               for c in cases.of(res).values()
                               if len(c.path) == 2 and "shape" in c.args])
        if not self.parts:
            raise Bad("%s: names do not read queue/<how>/shape:<n>P<n>C/capacity:<n>; make it "
                      "again: make bench" % ", ".join(results.shown(f) for f in res.files))

    def noun(self, part=None):
        return "mp_queue"

    def size(self, number):
        return 64

    def shapes(self):
        return cases.in_order(self.parts, SHAPES)

    def capacities(self):
        return sorted({k[1] for part in self.parts.values() for k in part})

    def every_how(self):
        return cases.in_order({h for part in self.parts for h in self.hows(part)}, ORDER)

    def usual(self):
        """1,024, or what was measured next to it."""
        return min(self.capacities(), key=lambda c: (abs(c - USUAL), c))

    def caption(self, picture, capacity=None):
        """Paragraphs."""
        out = self.shape_words(capacity or self.usual()) if picture == "shapes" \
            else self.capacity_words()
        return [t for t in out if t]

    def shape_words(self, capacity):
        out, first = [], True
        for shape in self.shapes():
            if not any(self.at(shape, h, capacity) for h in self.hows(shape)):
                continue
            lead = "%s%s: " % (people(shape), ", room for %s messages" % group(str(capacity))
                               if first else "")
            out.append(lead[:1].upper() + lead[1:] + self.against(
                shape, capacity, self.setting(shape)) + self.beside_ring(
                    shape, capacity, first) + ".")
            first = False
        return out[:3] + [self.one_cpu()]

    def beside_ring(self, shape, capacity, first):
        ours, ring = self.at(shape, self.ours, capacity), self.at(shape, "ring", capacity)
        if not ours or not ring:
            return ""
        r = self.ratio(ours, ring)
        return "; it reaches %s of the bare ring%s%s" % (
            est(r), " (which a kill can spoil)" if first else "", unsure(r))

    def capacity_words(self):
        out = []
        grown = []
        for shape in self.shapes()[:1]:
            for h in self.hows(shape):
                line = [(c, self.at(shape, h, c)) for c in self.capacities()]
                line = [(n, c) for n, c in line if c]
                if len(line) > 1:
                    grown.append((self.ratio(line[-1][1], line[0][1]), h, line[0][0],
                                  line[-1][0]))
            mine = [g for g in grown if g[1] == self.ours]
            for r, h, low, high in mine:
                out.append("%s: with room for %s messages instead of %s, %s is %s as fast%s."
                           % (people(shape).capitalize(), group(str(high)), group(str(low)),
                              self.label(h), est(r), unsure(r)))
            others = [g for g in grown if self.kind(g[1]) == "peer" and g[0].above(1)]
            if others:
                r, h, _, _ = max(others, key=lambda g: g[0].value)
                out.append("Of the peers capacity helps %s most: %s." % (self.label(h), est(r)))
        lost = [(self.ratio(b, a), h, shape) for h in self.every_how() for shape in
                self.shapes() for a, b in [(self.at("1P1C", h, self.usual()),
                                            self.at(shape, h, self.usual()))]
                if a and b and shape != "1P1C"]
        if lost:
            r, h, shape = min(lost, key=lambda f: f[0].value)
            if r.below(1):
                out.append("More processes cost %s most: with %s it runs at %s of its speed "
                           "with one of each." % (self.label(h), people(shape), est(r)))
        return [" ".join(out), self.one_cpu()]


def people(shape):
    """four producers and one consumer"""
    m = re.fullmatch(r"(\d{1,3})P(\d{1,3})C", shape)
    if not m:
        return shape
    return "%s and %s" % (plural(int(m.group(1)), "producer"), plural(int(m.group(2)),
                                                                      "consumer"))


def analyse(res):
    return Queue(res)


# Drawing

def limits(values):
    return shapes.wide_enough(min(values) / 1.5, max(values) * 1.5)


def capacity(q, path, _):
    """Two panels a row; the names stand in the place after the last panel."""
    names = [s for s in q.shapes() if len(q.counts(s)) > 1] or q.shapes()
    caps = q.capacities()
    hows = cases.in_order({h for s in names for h in q.hows(s)}, ORDER)
    ys = limits([c.rate for s in names for c in q.parts[s].values()])
    left, right, between, top, bottom, above = 0.64, 0.12, 0.26, 0.28, 0.46, 0.30
    room = (style.WIDTH - left - right - between) / 2
    rows = len(names) // 2 + 1
    high = max(1.12, 0.165 * len(hows) + 0.22)
    height = top + rows * (high + above) + bottom - 0.1
    fig = style.figure(height)
    for i, shape in enumerate(names):
        x = left + (i % 2) * (room + between)
        down = top + above + (i // 2) * (high + above)
        ax = style.box(fig, x, height - down - high, style.WIDTH - x - room, down)
        xs = caps[0] / 1.4, max(caps[-1], 2 * caps[0]) * 1.4
        lines.log_axes(ax, xs, ys, lambda v: lines.rate_tick(v, "/s"))
        for k, h in enumerate(hows):
            points = [(c, q.at(shape, h, c).rate) for c in caps if q.at(shape, h, c)]
            lines.stroke(ax, lines.Line(q.look(h, shape), q.kind(h), points), k)
        if i % 2:
            ax.set_yticklabels([])
        shown = lines.apart(caps, short, xs, room * 72)
        ax.set_xticks(shown)
        under = i + 2 >= len(names)
        ax.set_xticklabels([short(c) for c in shown] if under else [])
        ax.annotate(shape, (0, 1), xycoords="axes fraction", xytext=(0, 5),
                    textcoords="offset points", fontsize=style.SMALL,
                    color=style.PAPER["muted"], annotation_clip=False)
        if under:
            ax.set_xlabel("capacity, messages", labelpad=2)
    i = len(names)
    x = (left + (i % 2) * (room + between)) * 72
    y = height * 72 - (top + above + (i // 2) * (high + above)) * 72
    lines.key(fig, [(q.look(h, ""), q.kind(h)) for h in hows], x, y - (22 if i % 2 else 34),
              room * 72 - 24 if i % 2 else 200)
    lines.title(fig, "Messages of 64 bytes in a second, by capacity")
    style.save(fig, path)


def short(n):
    return "%dk" % (n // 1024) if n >= 10000 and n % 1024 == 0 else str(n)


def by_shape(q, path, capacity):
    names = [s for s in q.shapes() if any(q.at(s, h, capacity) for h in q.hows(s))]
    if not names:
        raise Bad("nothing was measured with capacity:%s; it has %s" % (
            capacity, ", ".join(map(str, q.capacities()))))
    hows = [h for h in q.every_how() if any(q.at(s, h, capacity) for s in names)]
    top, bottom, left, right = 0.40, 0.48, 0.60, 1.66
    high = max(2.0, 0.170 * len(hows) + 0.1)
    fig = style.figure(top + high + bottom)
    ax = style.box(fig, left, bottom, right, top)
    values = [q.at(s, h, capacity).rate for s in names for h in hows if q.at(s, h, capacity)]
    lines.log_axes(ax, (1, 2), limits(values), lambda v: lines.rate_tick(v, "/s"))
    ax.set_xscale("linear")
    ax.set_xlim(-0.25, max(len(names) - 1, 0.5) + 0.12)
    lines.draw(fig, ax, [lines.Line(q.look(h, ""), q.kind(h), [
        (i, q.at(s, h, capacity).rate) for i, s in enumerate(names)
        if q.at(s, h, capacity)]) for h in hows], room=96)
    ax.set_xticks(range(len(names)))
    ax.set_xticklabels(names)
    ax.set_xlabel("producers P and consumers C")
    lines.title(fig, "Messages of 64 bytes in a second, room for %s" % group(str(capacity)))
    style.save(fig, path)


DRAW = {"capacity": capacity, "shapes": by_shape}


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw messages in a second through one queue, by capacity and by the "
        "number of producers and consumers.",
        epilog="Example: python3 plots/queues.py build/results/queue.json --picture shapes "
        "-o shapes.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=PICTURES, default="capacity",
                   help="what to draw (default: capacity)")
    p.add_argument("--capacity", type=int, help="for shapes: the capacity (default: 1024, or "
                   "the next that there is)")
    args = p.parse_args(argv)
    q = analyse(results.read(args.files, "queue"))
    style.begin(args.python)
    DRAW[args.picture](q, args.output, args.capacity or q.usual())


if __name__ == "__main__":
    results.run(main)
