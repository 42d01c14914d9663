#!/usr/bin/env python3
"""Locks beside each other, from build/results/lock.json. One picture a call:

contention  ns per operation against processes, a line for each lock
fairness    the luckiest process's share divided by the unluckiest's
alone       a lock and unlock that nobody else wants
increments  4 x 100,000 locked increments of one number
killed      from the death of the holder to the next owner

The steps of lesson 05 are grey, peers coloured, ours is vermillion. fetch_add
protects nothing but one addition: it is the limit, not a lock.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from cases import OURS, est, kind, unsure     # noqa: E402
from results import Bad, digits, listed, plural, time_text, times_text, word     # noqa: E402
from shapes import gap     # noqa: E402

LIMIT = "fetch_add"
WORKS, PLACES = ("none", "short", "long"), ("same", "cross")
PLACE = {"same": "on the same CPU", "cross": "on another CPU", "none": ""}
WORK = {"none": "no work in between", "short": "a little work in between",
        "long": "much work in between"}
PICTURES = ("contention", "fairness", "alone", "increments", "killed")
PARTS = {"contention": "contended", "fairness": "contended", "alone": "alone",
         "increments": "increments", "killed": "killed_holder"}


def label(how):
    return style.label(how, "mp_lock")


class Lock(cases.Family):
    def __init__(self, res):
        super().__init__(res, [(c.path[1], c.path[2], c) for c in cases.of(res).values()
                               if len(c.path) >= 3])
        if not set(self.parts) & set(PARTS.values()):
            raise Bad("%s: names do not read lock/<what>/<how>; make it again: make bench"
                      % ", ".join(results.shown(f) for f in res.files))
        self.uncounted = cases.why_not(res, "futexes")
        # Who never gets the lock of a dead holder: a benchmark that says so.
        self.never = cases.in_order({how for (part, how), why in self.lacking.items()
                                     if part == "killed_holder" and why.startswith("never")})

    def noun(self, part):
        return "mp_lock"

    def has(self, picture):
        part = self.parts.get(PARTS[picture], {})
        if picture == "fairness":
            return any(c.counters("share_max_min") for c in part.values())
        return bool(part) or (picture == "killed" and bool(self.never))

    def works(self):
        return self.settings("contended", WORKS)

    def places(self):
        return self.settings("killed_holder", PLACES)

    def caption(self, picture, work="none"):
        words = {"contention": self.contention_caption, "fairness": self.fairness_caption}
        if picture in words:
            text = words[picture](work)
        else:
            text = {"alone": self.alone_caption, "increments": self.increments_caption,
                    "killed": self.killed_caption}[picture]()
        return " ".join(t for t in (text, self.absent(PARTS[picture])) if t)

    def on(self, procs):
        return "%s%s" % (plural(procs, "process", "processes"),
                         " on " + plural(self.cpus, "CPU") if self.cpus else "")

    def contention_caption(self, work):
        counts = self.counts("contended", work)
        if not counts:
            return ""
        most = counts[-1]
        out = ["With %s and %s, an operation of %s."
               % (self.on(most), WORK.get(work, "work " + work),
                  self.against("contended", most, work))]
        limit = self.get("contended", LIMIT, most, work)
        if limit:
            out.append("The bare fetch_add, the limit, takes %s." % time_text(limit.p50))
        grown = [(self.ratio(many, one), h) for h in self.hows("contended", work)
                 for one, many in [[self.get("contended", h, n, work)
                                    for n in (counts[0], most)]]
                 if one and many and kind(h) != "limit" and counts[0] < most]
        grown = [g for g in grown if g[0].above(1)]
        if grown:
            r, h = max(grown, key=lambda g: g[0].value)
            out.append("From %s to %s, %s slows down most: an operation takes %s the time."
                       % (word(counts[0]), plural(most, "process", "processes"), label(h),
                          est(r)))
        out += [self.futex_words(most, work), self.few_cpus(most, work)]
        return " ".join(t for t in out if t)

    def few_cpus(self, procs, work):
        """A warning, where most runs had their processes on fewer CPUs than there are."""
        found = [c for h in self.hows("contended", work)
                 for c in [self.get("contended", h, procs, work)] if c]
        rows = [r for c in found for r in c.believed]
        used = [c.counter("cpus_used") for c in found if c.counter("cpus_used") is not None]
        if not used or 2 * sum(r.few_cpus for r in rows) <= len(rows):
            return ""
        return ("In most of these runs the processes had fewer CPUs than there are for them "
                "(%.2f in the median): they seldom met, and a lock looks better than it is."
                % stats.median(used))

    def futex_words(self, procs, work):
        """Who goes to the kernel how often."""
        found = [(c.counter("futex_per_million"), h) for h in self.hows("contended", work)
                 for c in [self.get("contended", h, procs, work)] if c]
        ours = [v for v, h in found if h == OURS and v is not None]
        peers = [f for f in found if kind(f[1]) == "peer" and f[0] is not None]
        if not ours:
            return "Calls of futex: %s." % self.uncounted if self.uncounted else ""
        text = "In a million operations mp_lock makes %s futex calls" % calls(ours[0])
        if peers:
            v, h = max(peers)
            text += "; of the peers %s makes most, %s" % (label(h), calls(v))
        elif self.uncounted:
            text += "; the peers\u2019: %s" % self.uncounted
        return text + "."

    def shares(self, work):
        """{how: {processes: [max/min share of each repetition]}}"""
        out = {}
        for h in self.hows("contended", work):
            for n in self.counts("contended", work):
                c = self.get("contended", h, n, work)
                if c and n > 1 and c.counters("share_max_min"):
                    out.setdefault(h, {})[n] = c.counters("share_max_min")
        return out

    def fairness_caption(self, work):
        shares = self.shares(work)
        if not shares:
            return ""
        out = ["Each process counts its turns for 100\u00a0ms; 1 is the same for all."]
        if OURS in shares:
            out.append("With mp_lock the luckiest gets %s as many as the unluckiest." % listed(
                "%s (%s)" % (share_text(stats.median(v)), plural(n, "process", "processes"))
                for n, v in sorted(shares[OURS].items())))
        worst, n, h = max((stats.median(v), n, h) for h, by in shares.items()
                          for n, v in by.items())
        out.append("The least even is %s with %s: %s."
                   % (label(h), plural(n, "process", "processes"), share_text(worst)))
        left = [label(h) for h in self.hows("contended", work) if h not in shares]
        if left:
            out.append("Not counted for %s." % listed(left))
        return " ".join(out)

    def alone_caption(self):
        out = ["Nobody else wants the lock: take it, count, give it back. %s."
               % self.against("alone")]
        ours, limit = self.get("alone", OURS), self.get("alone", LIMIT)
        robust = self.get("alone", "pthread_robust")
        if ours and limit:
            r = self.ratio(ours, limit)
            out.append("The line is one fetch_add, %s; mp_lock has two such instructions, one to "
                       "take the lock and one to give it back, and costs %s as much."
                       % (time_text(limit.p50), est(r)))
        if ours and robust:
            r = self.ratio(robust, ours)
            out.append("pthread\u2019s robust mutex, the one that survives its owner too, "
                       "needs %s the time of mp_lock." % est(r))
        if self.get("alone", OURS + "_call"):
            out.append("\u201ccall\u201d is mp_lock through the function of the shared library, "
                       "\u201cany\u201d the kind that anybody may release.")
        return " ".join(out)

    def increments_caption(self):
        procs = max(self.counts("increments"), default=4)
        out = ["%s, %s increments each, from the first start to the last end. %s."
               % (plural(procs, "process", "processes").capitalize(),
                  results.group(str(EACH)), self.against("increments"))]
        ours, python = self.get("increments", OURS), self.get("increments", "python")
        if ours and python:
            r = self.ratio(python, ours)
            out.append("Python\u2019s Lock and Value need %s: %s as long."
                       % (time_text(python.p50), est(r)))
        return " ".join(out)

    def killed_caption(self):
        out = ["The holder is killed while another sleeps for the lock."]
        for place in self.places():
            ours, robust = (self.get("killed_holder", h, setting=place)
                            for h in (OURS, "pthread_robust"))
            where = gap(PLACE.get(place, place))
            if ours:
                out.append("With mp_lock the next owner%s has it %s later, and is told%s."
                           % (where, time_text(ours.p50),
                              ", 99 of 100 times within " + time_text(ours.p99)
                              if ours.p99 else ""))
            if ours and robust:
                r = self.ratio(robust, ours)
                out.append("pthread\u2019s robust mutex needs %s, %s as long%s."
                           % (time_text(robust.p50), est(r), unsure(r)))
        if self.never:
            out.append("%s: never. The others wait for ever." % listed(map(label, self.never)))
        return " ".join(out)


def calls(per_million):
    if per_million < 0.5:
        return "no"
    return digits(round(per_million) if per_million >= 100 else per_million)


MOST_SHARE = 1000.0     # where the picture ends
EACH = 100000           # increments of a process


def share_text(x):
    return times_text(x) if x <= 10 * MOST_SHARE else "more than 10,000×"


def analyse(res):
    return Lock(res)


# Drawing

def contention(lk, path, work):
    hows = lk.hows("contended", work)
    counts = lk.counts("contended", work)
    if not counts:
        raise Bad("no lock was measured with work:%s; it has %s"
                  % (work, ", ".join(lk.works()) or "none"))
    high = max(2.2, 0.165 * len(hows) + 0.1)
    fig = style.figure(high + 0.26 + 0.50)
    ax = style.box(fig, 0.58, 0.50, 1.40, 0.26)
    ax.set_yscale("log")
    at = {n: i for i, n in enumerate(counts)}
    ends = []
    for k, h in enumerate(hows):
        name, colour, marker, dash = lk.look(h, "contended")
        colour = style.PAPER[colour]
        found = [(at[n], lk.get("contended", h, n, work).p50) for n in counts
                 if lk.get("contended", h, n, work)]
        mine = kind(h) == "ours"
        ax.plot([x for x, _ in found], [y for _, y in found], color=colour, linestyle=dash,
                linewidth=2.2 if h == OURS else 1.2, marker=marker,
                markeredgecolor=shapes.edge(marker, colour),
                markeredgewidth=shapes.edge_width(marker, 0.5),
                zorder=40 if h == OURS else 20 + k if mine else 4 + k)
        ends.append((name, colour, marker, found[-1][1], found[-1][0]))
    ax.set_xlim(-0.12, max(len(counts) - 1, 0.5) + 0.06)
    values = [y for line in ax.get_lines() for y in line.get_ydata()]
    limits = shapes.wide_enough(min(values) / 1.3, max(values) * 1.3)
    ax.set_ylim(*limits)
    ticks = shapes.log_ticks(limits, 6)
    ax.set_yticks(ticks)
    ax.set_yticklabels([shapes.tick_text(t) for t in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", color=style.PAPER["faint"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xticks(range(len(counts)))
    ax.set_xticklabels([str(n) for n in counts])
    ax.set_xlabel("processes" + (" on %d CPU%s" % (lk.cpus, "" if lk.cpus == 1 else "s")
                                 if lk.cpus else ""))
    shapes.name_ends(fig, ax, ends, 86, bold=[label(OURS)])
    shapes.heading(ax, 0.58, "Time per operation, " + WORK.get(work, "work " + work), 10)
    style.save(fig, path)


SHARE_ROW = 0.195


def fairness(lk, path, work):
    """A panel for each number of processes; small dots are repetitions."""
    shares = lk.shares(work)
    if not shares:
        raise Bad("no share_max_min in it for work:%s; make it again: make bench" % work)
    hows = list(shares)
    counts = sorted({n for by in shares.values() for n in by})
    left, right, between, top, bottom = 1.32, 0.20, 0.18, 0.56, 0.44
    high = SHARE_ROW * len(hows)
    fig = style.figure(top + high + bottom)
    room = (style.WIDTH - left - right - between * (len(counts) - 1)) / len(counts)
    most = min(max(v for by in shares.values() for vs in by.values() for v in vs), MOST_SHARE)
    limits = 0.85, max(10.0, most) * 1.25
    for p, n in enumerate(counts):
        x = left + p * (room + between)
        ax = style.box(fig, x, bottom, style.WIDTH - x - room, top)
        ax.set_xscale("log")
        ax.set_xlim(*limits)
        ax.set_ylim(high, 0)
        ax.minorticks_off()
        ax.spines["left"].set_visible(False)
        ax.set_yticks([])
        ticks = [t for t in (1, 10, 100, 1000) if t <= limits[1]]
        ax.set_xticks(ticks)
        ax.set_xticklabels(["%d" % t if t < 1000 else "" for t in ticks])
        for t in ticks:
            ax.axvline(t, color=style.PAPER["muted" if t == 1 else "faint"], linewidth=0.6,
                       zorder=0)
        ax.annotate(plural(n, "process", "processes"), (0, 1), xycoords="axes fraction",
                    xytext=(0, 6), textcoords="offset points", fontsize=style.SMALL,
                    color=style.PAPER["muted"], annotation_clip=False)
        for i, h in enumerate(hows):
            mid = SHARE_ROW * (i + 0.5)
            ax.axhline(mid, color=style.PAPER["faint"], linewidth=0.5, zorder=0)
            if p == 0:
                ax.annotate(style.fit(label(h), left * 72 - 10), (0, mid),
                            xycoords=("axes fraction", "data"), xytext=(5 - left * 72, 0),
                            textcoords="offset points", va="center_baseline", ha="left",
                            fontsize=style.SMALL, annotation_clip=False,
                            fontweight="bold" if kind(h) == "ours" else "normal")
            if n in shares[h]:
                dots(ax, shares[h][n], mid, lk.look(h, "contended"), limits[1])
        if p == 0:
            shapes.heading(ax, left, "Fairness, " + WORK.get(work, "work " + work), 22)
    ax.annotate("most / least turns in 100 ms, logarithmic; dots: repetitions",
                (0.5, 0), xycoords="figure fraction", xytext=(0, 5),
                textcoords="offset points", ha="center", fontsize=style.SMALL,
                color=style.PAPER["muted"])
    style.save(fig, path)


def dots(ax, values, mid, how, edge):
    _, colour, marker, _ = how
    colour = style.PAPER[colour]
    inside = [v for v in values if v <= MOST_SHARE]
    ax.plot(inside, [mid] * len(inside), linestyle="none", marker=".", markersize=3,
            color=colour, markeredgewidth=0, zorder=3)
    m = stats.median(values)
    beyond = m > MOST_SHARE
    ax.plot([edge if beyond else m], [mid], marker=">" if beyond else marker, markersize=5.5,
            color=colour, zorder=5, clip_on=False,
            markeredgecolor=shapes.edge(marker, colour),
            markeredgewidth=shapes.edge_width(marker, 0.5))


def alone(lk, path, _):
    limit = lk.get("alone", LIMIT)
    shapes.bar_chart([("", lk.bars("alone", but=[LIMIT]))], path,
                     "Take, count and give back, with nobody else", "logarithmic",
                     limit and (limit.p50, "fetch_add " + time_text(limit.p50)))


def increments(lk, path, _):
    procs = max(lk.counts("increments"))
    shapes.bar_chart([("", lk.bars("increments"))], path, "%s increments by %s" % (
        results.group(str(procs * EACH)), plural(procs, "process", "processes")),
        "logarithmic; from the first start to the last end")


def killed(lk, path, _):
    never = [(label(h), kind(h), None, None) for h in lk.never]
    blocks = [("the next owner " + PLACE.get(place, place) if place != "none" else "",
               lk.bars("killed_holder", place, tail=True) + never)
              for place in lk.places() or ["none"]]
    shapes.bar_chart(blocks, path, "From the holder\u2019s death to the next owner",
                     "logarithmic; bar: p50, hair: to p99")


DRAW = {"contention": contention, "fairness": fairness, "alone": alone,
        "increments": increments, "killed": killed}


def draw(lk, path, picture, work):
    if not lk.has(picture):
        raise Bad("nothing of %s in the results; make it again: make bench" % picture)
    DRAW[picture](lk, path, work)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw locks beside each other: contention, fairness, the price of a pair "
        "alone, 400,000 increments, the killed holder.",
        epilog="Example: python3 plots/lock.py build/results/lock.json --picture fairness "
        "-o fairness.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=PICTURES, default="contention",
                   help="what to draw (default: contention)")
    p.add_argument("--work", help="the work between two turns, for contention and fairness: "
                   "none, short or long (default: the first that there is)")
    args = p.parse_args(argv)
    lk = analyse(results.read(args.files, "lock"))
    works = lk.works()
    work = args.work or (works[0] if works else "none")
    style.begin(args.python)
    draw(lk, args.output, args.picture, work)


if __name__ == "__main__":
    results.run(main)
