#!/usr/bin/env python3
"""What a pool costs beside the work, from build/results/pool.json:

map      a map of items with nothing to do, one at a time: the time of one item
trips    a task there and back: workers awake, or asleep; and a map of two items
start    a pool of two made, used once and ended

All on logarithmic scales: a bar twice as long is not twice as much.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import style        # noqa: E402
from cases import est, unsure     # noqa: E402
from results import Bad, listed, time_text     # noqa: E402

ORDER = ("fetch_add", "mp_pool", "mp_pool_auto", "openmp_dynamic", "fork", "python_pool",
         "python_executor")

# case: what stands above its bars, and what it is in a sentence
CASES = {
    "noop_map": ("", "An item of a map with nothing to do, each claimed by itself."),
    "apply_awake": ("one task, workers awake",
                    "A task is handed over, run, and its result taken, one after the other, "
                    "so that nobody is asleep for long."),
    "apply_asleep": ("one task, workers asleep",
                     "The same once in a while, so that the workers sleep: two wakes."),
    "map2": ("a map of two items", "A map of two items, from the call to its return."),
    "create": ("",
               "Two workers are started, one item is mapped, all is ended."),
}
OURS = "mp_pool"

# What cannot be beaten.
LIMITS = {"noop_map": "fetch_add", "create": "fork"}
LIMIT_WORDS = {"noop_map": "The bare fetch_add", "create": "Two forks, and waiting for them"}

# picture: its cases, its title
PICTURES = {
    "map": (("noop_map",), "One item of a map with nothing to do"),
    "trips": (("apply_awake", "apply_asleep", "map2"), "One task there and back"),
    "start": (("create",), "A pool made, used once and ended"),
}


class Pool(cases.Family):
    """One part for each case."""

    order = ORDER

    def __init__(self, res):
        super().__init__(res, [(c.path[1], c.path[2], c) for c in cases.of(res).values()
                               if len(c.path) >= 3 and c.path[1] in CASES])
        if not self.parts:
            raise Bad("%s: names do not read pool/<case>/<how>; make it again: make bench"
                      % ", ".join(results.shown(f) for f in res.files))

    def kind(self, how, part=None):
        if how.startswith("mp_"):
            return "ours"
        return "limit" if how == LIMITS.get(part) else "peer"

    def mine(self, part):
        """Ours in this case: mp_pool, or what else there is."""
        have = [h for h in self.hows(part) if h.startswith("mp_")]
        return next(iter([h for h in have if h == OURS] + have), OURS)

    def best_peer(self, part, procs=None, setting="none"):
        found = [(h, self.get(part, h, procs, setting)) for h in self.hows(part)
                 if self.kind(h, part) == "peer"]
        return min([f for f in found if f[1]], key=lambda f: f[1].p50, default=None)

    def bars(self, part, setting="none", but=(), tail=False):
        found = [(h, self.get(part, h, setting=setting)) for h in self.hows(part, setting)]
        return sorted([(self.label(h, part), self.kind(h, part), c.p50,
                        c.p99 if tail else None) for h, c in found if c],
                      key=lambda f: f[2])

    def noun(self, part=None):
        return style.label(self.mine(part) if part else OURS)

    def has(self, picture):
        return any(self.parts.get(part) for part in PICTURES[picture][0])

    def against(self, part, procs=None, setting="none"):
        """Ours beside the fastest peer, and beside Python's."""
        ours = self.get(part, self.mine(part), procs, setting)
        peer = self.best_peer(part, procs, setting)
        if not ours:
            text = "%s was not measured" % self.noun(part)
            return text + ("; the fastest is %s, %s" % (
                self.label(peer[0], part), time_text(peer[1].p50)) if peer else "")
        text = "%s takes %s" % (self.noun(part), time_text(ours.p50))
        python = self.python(part, setting)
        for how, case in [f for f in (peer, python) if f and (f is peer or f[0] != peer[0])]:
            r = self.ratio(case, ours)
            text += "; %s%s %s, %s as much%s" % (
                "the fastest peer, " if (how, case) == peer else "",
                self.label(how, part) + ("," if (how, case) == peer else ""),
                time_text(case.p50), est(r), unsure(r))
        return text

    def python(self, part, setting):
        found = [(h, self.get(part, h, setting=setting)) for h in self.hows(part)
                 if h.startswith("python")]
        return min([f for f in found if f[1]], key=lambda f: f[1].p50, default=None)

    def own_chunk(self, part):
        """With as many items at once as mp_pool likes."""
        ours, own = self.get(part, OURS), self.get(part, OURS + "_auto")
        if not ours or not own:
            return ""
        return "With the chunk that %s chooses an item takes %s, %s as long." % (
            self.noun(), time_text(own.p50), est(self.ratio(own, ours)))

    def limit_words(self, part):
        limit = self.get(part, LIMITS.get(part))
        ours = self.get(part, self.mine(part))
        if not limit or not ours:
            return ""
        return "%s, the limit, takes %s; %s takes %s as long." % (
            LIMIT_WORDS[part], time_text(limit.p50), self.noun(part),
            est(self.ratio(ours, limit)))

    def caption(self, picture):
        """Paragraphs: one for each case."""
        out = []
        for part in PICTURES[picture][0]:
            if part not in self.parts:
                continue
            words = [CASES[part][1], self.against(part) + ".", self.own_chunk(part),
                     self.limit_words(part), self.absent(part)]
            out.append(" ".join(t for t in words if t))
        return out

    def blocks(self, picture):
        """[(heading, bars)] for shapes.bar_chart."""
        return [(CASES[part][0], self.bars(part, tail=True))
                for part in PICTURES[picture][0] if part in self.parts]


def analyse(res):
    return Pool(res)


def draw(pl, path, picture):
    if not pl.has(picture):
        raise Bad("nothing of %s in the results (%s); make it again: make bench" % (
            picture, listed(PICTURES[picture][0])))
    blocks = pl.blocks(picture)
    tails = any(tail for _, found in blocks for _, _, _, tail in found)
    shapes.bar_chart(blocks, path, PICTURES[picture][1],
                     "logarithmic; bar: p50, hair: to p99" if tails else "logarithmic")


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw what a pool costs beside the work: an item of a map, a task there "
        "and back, beginning and end.",
        epilog="Example: python3 plots/pool.py build/results/pool.json --picture trips "
        "-o trips.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=list(PICTURES), default="trips",
                   help="what to draw (default: trips)")
    args = p.parse_args(argv)
    pl = analyse(results.read(args.files, "pool"))
    style.begin(args.python)
    draw(pl, args.output, args.picture)


if __name__ == "__main__":
    results.run(main)
