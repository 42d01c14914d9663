#!/usr/bin/env python3
"""What waiting for each other costs, from build/results/waiting.json:

pair        take and give back a semaphore that nobody else wants
throttle    six processes through a semaphore that lets in two
condition   a round trip: two waits and two notifications
event       the same with two events
barrier     one phase: until the last has come and all go on

In round trips the mark is the median, in phases the mean; the hair reaches to
the 99th percentile, on a logarithmic scale.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import style        # noqa: E402
from cases import OURS, est, unsure     # noqa: E402
from results import Bad, plural, time_text     # noqa: E402

HEADS = ("semaphore", "condition", "event", "barrier")
# picture: part, title, what a case is in a sentence
PICTURES = {
    "pair": ("semaphore/pair", "A semaphore taken and given back, with nobody else",
             "Nobody else wants the semaphore: take it, give it back."),
    "throttle": ("semaphore/throttle", "A semaphore that lets in two",
                 "Two may be inside, for half a microsecond each; the time is that of one "
                 "visit, of all processes together."),
    "condition": ("condition/round_trip", "Condition: there and back",
                  "A round trip: each waits for the other once and notifies it once."),
    "event": ("event/round_trip", "Event: there and back",
              "A round trip: each sets the other\u2019s event and waits for its own."),
    "barrier": ("barrier/phase", "Barrier: until the last has come",
                "A phase: from the last arrival\u2019s way in to everybody\u2019s way out."),
}
PLACES = ("same", "cross")
PLACE = {"same": "On the same CPU", "cross": "On two CPUs", "none": ""}
SHORT = {"same": "1 CPU", "cross": "2 CPUs", "none": ""}


class Waiting(cases.Family):
    def __init__(self, res):
        found = [(part(c.path), c.path[-1], c) for c in cases.of(res).values()]
        super().__init__(res, found)
        known = {p for p, _, _ in PICTURES.values()}
        if not set(self.parts) & known:
            raise Bad("%s: names do not read semaphore/<what>/<how> and the like; make it "
                      "again: make bench" % ", ".join(results.shown(f) for f in res.files))

    def noun(self, where):
        return "mp_" + where.split("/")[0]

    def has(self, picture):
        return bool(self.parts.get(PICTURES[picture][0]))

    def means(self, where):
        """Is the time of a case a mean, because one process cannot tell the median?"""
        return all(c.mean for c in self.parts[where].values())

    def places(self, where):
        return self.settings(where, PLACES)

    def caption(self, picture):
        where, _, what = PICTURES[picture]
        out = [what]
        counts = self.counts(where)
        for place in self.places(where):
            for n in counts:
                if any(self.get(where, h, n, place) for h in self.hows(where)):
                    out.append(self.beside(where, n, place, len(counts) > 1))
        return " ".join(t for t in out + [self.absent(where)] if t)

    def beside(self, where, n, place, several):
        """Ours, the fastest peer and Python in one case."""
        lead = PLACE.get(place, place)
        if several or n > 1:
            lead = (lead + ", " if lead else "") + plural(n, "process", "processes")
        text = self.against(where, n, place)
        text = lead[:1].upper() + lead[1:] + ": " + text if lead else text
        ours, python = self.get(where, OURS, n, place), self.get(where, "python", n, place)
        peer = self.best_peer(where, n, place)
        if ours and python and peer and peer[0] != "python":
            r = self.ratio(python, ours)
            text += "; Python %s: %s%s" % (time_text(python.p50), est(r), unsure(r))
        return text + "."

    def groups(self, where):
        """For shapes.rows: a group for each way, its rows by place and by number."""
        out = []
        for h in self.hows(where):
            found = []
            for place in self.places(where):
                for n in self.counts(where, place):
                    c = self.get(where, h, n, place)
                    if c:
                        text = SHORT.get(place, place) or str(n)
                        found.append((text, c.p50, c.p99))
            out.append((self.look(h, where), found))
        return out


def part(path):
    """semaphore/pair, whether or not the family's name stands before it."""
    path = path[1:] if path[0] == "waiting" else path
    return "/".join(path[:-1])


def read(files):
    return results.read(files, "waiting", HEADS)


def analyse(res):
    return Waiting(res)


# Drawing

def draw(w, path, picture):
    if not w.has(picture):
        raise Bad("nothing of %s in the results; make it again: make bench" % picture)
    where, title, _ = PICTURES[picture]
    if picture in ("pair", "throttle"):
        shapes.bar_chart([("", w.bars(where))], path, title, "logarithmic")
        return
    groups = w.groups(where)
    times = [x for _, found in groups for _, ns, tail in found for x in (ns, tail) if x]
    high = shapes.block_height(groups)
    fig = style.figure(shapes.HEAD + high + shapes.FOOT)
    ax = style.box(fig, shapes.LEFT, shapes.FOOT, shapes.RIGHT, shapes.HEAD)
    shapes.rows(ax, groups, shapes.wide_enough(min(times) / 1.35, max(times) * 1.25), title,
                "logarithmic; mark: %s, hair: to p99" % ("mean" if w.means(where) else "p50"),
                ours=(w.noun(where),))
    style.save(fig, path)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw what waiting costs: semaphores, conditions, events, barriers.",
        epilog="Example: python3 plots/waiting.py build/results/waiting.json --picture event "
        "-o event.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=list(PICTURES), default="condition",
                   help="what to draw (default: condition)")
    args = p.parse_args(argv)
    w = analyse(read(args.files))
    style.begin(args.python)
    draw(w, args.output, args.picture)


if __name__ == "__main__":
    results.run(main)
