#!/usr/bin/env python3
"""How long a message takes there and back, from build/results/latency.json.

curves      percentiles of the round trip, p50 … p99.99, a panel for each place
mechanisms  every mechanism's p50, with a hair to p99, on one CPU and across two

A round trip is 8 bytes to another process and 8 bytes back: back to back, or
one every millisecond, so that who does not spin is asleep when it comes; then
its time begins when it was due. On the axis of percentiles equal distances are
equal ratios of 1 / (1 - q): each next nine gets as much room as the one before.
"""
import argparse
import math
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import dots         # noqa: E402
import lines        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import style        # noqa: E402
from cases import est, unsure     # noqa: E402
from results import Bad, time_text, times_text     # noqa: E402

ORDER = ("spin", "yield", "rawmp_pipe", "rawmp_queue", "pipe", "fifo", "socketpair_stream",
         "socketpair_seqpacket", "socketpair_dgram", "tcp", "udp", "posix_mq", "sysv_mq",
         "eventfd", "signal", "futex", "posix_sem", "sysv_sem", "boost", "zeromq", "nng",
         "python_pipe", "python_simplequeue", "python_queue")
PLACES, PACES = ("same", "cross", "free"), ("busy", "1ms")
PLACE = {"same": "on one CPU", "cross": "across two CPUs", "free": "placed by the kernel"}
PACE = {"busy": "back to back", "1ms": "one every millisecond"}
LOOK = {"spin": ("spun word", "ink", ".", (0, (1, 1.2))), "futex": ("futex", "sky", "v", "-")}
PICTURES = ("curves", "mechanisms")
TICKS = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999))
NAMES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "p99_99": 0.9999}


class Latency(cases.Family):
    """parts by pace; settings are places."""

    limits, rungs, order, names = ("spin", "yield"), (), ORDER, ("place",)

    def __init__(self, res):
        super().__init__(res, [(c.args.get("pace", "busy"), c.path[1], c)
                               for c in cases.of(res).values() if len(c.path) == 2])
        if not self.parts:
            raise Bad("%s: names do not read latency/<how>/place:<place>/pace:<pace>; make it "
                      "again: make bench" % ", ".join(results.shown(f) for f in res.files))
        have = {h for part in self.parts for h in self.hows(part)}
        self.ours = next((h for h in ("rawmp_pipe", "rawmp_queue") if h in have), "rawmp_pipe")

    def noun(self, part=None):
        return style.label(self.ours)

    def look(self, how, part=None):
        return LOOK.get(how) or style.how(how)

    def paces(self):
        return cases.in_order(self.parts, PACES)

    def places(self, pace=None):
        found = {p for part in self.parts if pace in (None, part)
                 for p in self.settings(part, PLACES)}
        return cases.in_order(found, PLACES)

    def at(self, how, place, pace="busy"):
        return self.get(pace, how, 1, place)

    def limit(self, place, pace):
        """(how, Case) of the faster of the two that nobody passes."""
        found = [(h, self.at(h, place, pace)) for h in self.limits]
        return min([f for f in found if f[1]], key=lambda f: f[1].p50, default=None)

    def caption(self, picture, pace="busy"):
        """Paragraphs."""
        found = self.range_words() if picture == "mechanisms" else self.curve_words(pace)
        return [t for t in found if t]

    def curve_words(self, pace):
        out = [self.tail_words(place, pace) for place in self.places(pace)]
        tails = [(t[1][1] / t[0][1], h, place) for place in self.places(pace)
                 for h in chosen(self, place, pace)
                 for t in [[x for x in curve(self.at(h, place, pace)) if x[0] in (2, 1000)]]
                 if len(t) == 2]
        if tails:
            r, h, place = max(tails)
            out.append("Of the lines with a name, %s %s has the longest tail: one round trip in "
                       "1,000 takes %s its median or more."
                       % (self.label(h), PLACE.get(place, place), times_text(r)))
        return out + [self.one_cpu(pace)]

    def one_cpu(self, pace=None):
        return "With one CPU there is no other to send to." if self.cpus == 1 \
            and "cross" not in self.places(pace) else ""

    def tail_words(self, place, pace):
        """Ours in one panel, beside the best peer and the limit."""
        lead = "%s, %s: " % (PLACE.get(place, place), PACE.get(pace, pace))
        ours, peer = self.at(self.ours, place, pace), self.best_peer(pace, 1, place)
        limit = self.limit(place, pace)
        name = self.noun()
        if not ours:
            text = "%s was not measured" % name
            if peer:
                text += "; the fastest is %s, %s" % (self.label(peer[0]),
                                                     time_text(peer[1].p50))
            return lead[:1].upper() + lead[1:] + text + "."
        text = "half of %s\u2019s round trips take at most %s" % (name, time_text(ours.p50))
        if ours.p99:
            text += ", 99 of 100 at most %s" % time_text(ours.p99)
        if peer:
            r = self.ratio(peer[1], ours)
            text += "; the fastest peer, %s, has a median of %s, %s as much%s" % (
                self.label(peer[0]), time_text(peer[1].p50), est(r), unsure(r))
        if limit:
            r = self.ratio(ours, limit[1])
            text += "; %s takes %s the time of the limit, %s (%s)%s" % (
                name, est(r), self.label(limit[0]), time_text(limit[1].p50),
                unsure(r) or ", which never sleeps" * (pace != "busy"))
        return lead[:1].upper() + lead[1:] + text + "."

    def range_words(self):
        """From the fastest to the slowest; what place and pace change."""
        out = []
        for place in self.places():
            parts = []
            for pace in self.paces():
                found = sorted((self.at(h, place, pace).p50, h) for h in self.hows(pace, place)
                               if self.kind(h) != "limit")
                if found:
                    ends = ["%s (%s)" % (self.label(h), time_text(ns))
                            for ns, h in dict.fromkeys((found[0], found[-1]))]
                    parts.append("%s, %s%s" % (PACE.get(pace, pace), "from " * (len(ends) > 1),
                                               " to ".join(ends)))
            if parts:
                lead = PLACE.get(place, place)
                out.append("%s: %s." % (lead[:1].upper() + lead[1:], "; ".join(parts)))
        last = self.places()[-1]
        return [" ".join(out), " ".join(t for t in (
            self.moved("Across two CPUs instead of on one",
                       lambda h: (self.at(h, "cross"), self.at(h, "same"))),
            self.moved("%s, with one message every millisecond instead of one after the other"
                       % (PLACE.get(last, last)[:1].upper() + PLACE.get(last, last)[1:]),
                       lambda h: (self.at(h, last, "1ms"), self.at(h, last, "busy"))),
            self.one_cpu()) if t)]

    def moved(self, lead, pair):
        """How much a change of place or pace costs ours, and which other most."""
        found = {h: self.ratio(*pair(h)) for h in self.order if all(pair(h))}
        if not found:
            return ""
        text = []
        if self.ours in found:
            text.append("%s takes %s the time" % (self.noun(), est(found[self.ours])))
        others = {h: r for h, r in found.items() if self.kind(h) == "peer"}
        if others:
            h = max(others, key=lambda k: abs(math.log(others[k].value)))
            text.append("%s moves %s most, %s the time" % (
                "of the others it" if text else "it", self.label(h), est(others[h])))
        return "%s, %s." % (lead, "; ".join(text)) if text else ""


def curve(case):
    """[(1 / (1 - q), ns)]: out of the histogram of all rounds, as far as it is rich
    enough, else the few percentiles that the rounds say."""
    total = sum(case.histogram.values())
    if not total:
        found = {"p50": case.p50, **{k: v for k, v in case.values.items() if k in NAMES}}
        extra = case.counter("p99_99")
        found["p99_99"] = extra if extra and extra > 0 else None
        return [(round(1 / (1 - q)), found[k]) for k, q in NAMES.items() if found.get(k)]
    out = []
    for i in range(0, 61):                      # 2 … 10,000 in equal ratios
        x = 2 * 5000 ** (i / 60)
        out.append((x, 1 - 1 / x))
    out += [(round(1 / (1 - q)), q) for _, q in TICKS]
    return [(x, cases.rank(case.histogram, q)) for x, q in sorted(set(out))
            if total * (1 - q) >= 0.999] or [(2, case.p50)]


def chosen(lt, place, pace):
    """Whose curves get a name: ours, the limit, the fastest peer, the pipes."""
    peer, limit = lt.best_peer(pace, 1, place), lt.limit(place, pace)
    wanted = ["rawmp_pipe", "rawmp_queue", "pipe", "python_pipe"]
    wanted += [f[0] for f in (peer, limit) if f]
    return [h for h in lt.hows(pace, place) if h in wanted]


def analyse(res):
    return Latency(res)


# Drawing

PANEL = 1.42        # inches: a panel's height, and what it needs above
ABOVE = 0.30


def curves(lt, path, pace):
    places = lt.places(pace)
    if not places:
        raise Bad("no round trip was measured with pace:%s; it has %s"
                  % (pace, ", ".join(lt.paces()) or "none"))
    top, bottom, left, right = 0.26, 0.46, 0.58, 1.46
    height = top + (PANEL + ABOVE) * len(places) + bottom
    fig = style.figure(height)
    found = {place: {h: curve(lt.at(h, place, pace)) for h in lt.hows(pace, place)}
             for place in places}
    values = [y for by in found.values() for points in by.values() for _, y in points]
    limits = shapes.wide_enough(min(values) / 1.35, max(values) * 1.35)
    most = max(x for by in found.values() for points in by.values() for x, _ in points)
    for i, place in enumerate(places):
        above = top + ABOVE + i * (PANEL + ABOVE)
        ax = style.box(fig, left, height - above - PANEL, right, above)
        lines.log_axes(ax, (1.85, max(most, 10) * 1.06), limits, shapes.tick_text)
        names = chosen(lt, place, pace)
        drawn = [lines.Line(lt.look(h, pace), lt.kind(h) if h in names else "other", found[
            place][h], [x for x, _ in found[place][h] if x in MARKS]) for h in found[place]]
        lines.draw(fig, ax, drawn, "others")
        ticks = [(t, round(1 / (1 - q))) for t, q in TICKS if 1 / (1 - q) < max(most, 10) * 1.05]
        ax.set_xticks([x for _, x in ticks])
        ax.set_xticklabels([t for t, _ in ticks] if i + 1 == len(places) else [])
        ax.minorticks_off()
        ax.annotate(PLACE.get(place, place), (0, 1), xycoords="axes fraction",
                    xytext=(5 - left * 72, 7), textcoords="offset points",
                    fontsize=style.SMALL, color=style.PAPER["muted"], annotation_clip=False)
    ax.set_xlabel("percentile of the round trips", labelpad=3)
    lines.title(fig, "There and back, 8 bytes, %s" % PACE.get(pace, pace))
    style.save(fig, path)


MARKS = {round(1 / (1 - q)) for _, q in TICKS}


def mechanisms(lt, path, _):
    """A row for each mechanism, a panel for each place; full busy, open paced."""
    places = [p for p in lt.places() if p != "free"] or lt.places()
    paces = lt.paces()
    hows = sorted({h for pace in paces for place in places for h in lt.hows(pace, place)},
                  key=lambda h: slowness(lt, h, places, paces))
    rows = [dots.Row(lt.label(h), lt.kind(h), {
        (p, q): (c.p50, c.p99) for p in places for q in paces for c in [lt.at(h, p, q)] if c})
        for h in hows]
    dots.draw(path, "There and back, 8 bytes, by mechanism", rows,
              [(p, PLACE.get(p, p)) for p in places],
              [dots.Series(q, PACE.get(q, q), q == "busy") for q in paces])


def slowness(lt, how, places, paces):
    """By the last place's median, else by the first that was measured."""
    at = [lt.at(how, p, q) for p in places[::-1] for q in paces]
    return next(c.p50 for c in at if c), how


DRAW = {"curves": curves, "mechanisms": mechanisms}


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw how long a message of 8 bytes takes there and back: percentile "
        "curves, or every mechanism's median.",
        epilog="Example: python3 plots/latency.py build/results/latency.json --picture "
        "mechanisms -o mechanisms.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=PICTURES, default="curves",
                   help="what to draw (default: curves)")
    p.add_argument("--pace", help="for curves: busy or 1ms (default: the first that there is)")
    args = p.parse_args(argv)
    lt = analyse(results.read(args.files, "latency"))
    style.begin(args.python)
    DRAW[args.picture](lt, args.output, args.pace or lt.paces()[0])


if __name__ == "__main__":
    results.run(main)
