#!/usr/bin/env python3
"""Efficiency against the length of a task, from build/results/grain.json.

The tasks of one run all take the same time, from some nanoseconds to a
millisecond. Efficiency is what they take one after the other, divided by the
time that n processes spend on them: n times what the clock says. Whoever hands
out small tasks spends more on handing out than on the work.

METG(50 %), the minimum effective task granularity, is the length of a task at
which half of the processes' time is work: where a curve crosses the line at
50 %, between two lengths on a logarithmic scale (Task Bench: Slaughter et al.,
"Task Bench: A Parameterized Benchmark for Evaluating Parallel Runtime
Performance", 2020). Below the curves stands each crossing, on the same scale,
with its 95 % interval.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import crossings    # noqa: E402
import results      # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from cases import est     # noqa: E402
from results import Bad, listed, plural, time_text     # noqa: E402

ORDER = ("mp_pool", "mp_pool_chunk1", "mp_pool_submit", "mp_imap", "fork_index",
         "openmp_static", "openmp_dynamic", "python_pool", "python_pool_chunk1",
         "python_executor")
HALF = 0.5

# Ways that do the same: tasks one at a time, tasks and results as messages.
ALIKE = (("mp_pool_chunk1", "openmp_dynamic", "Tasks taken one at a time"),
         ("mp_pool", "openmp_static", "Tasks in chunks"),
         ("mp_pool_submit", "python_executor", "Each task and each result a message"),
         ("mp_pool_chunk1", "python_pool_chunk1", "One at a time"))


class Way:
    """One way with one number of processes: its efficiency by length of a task."""

    def __init__(self, how, by, found):
        """by: {task in ns: [(round, ns of a task alone, efficiency)]}; found: what run.py
        says of each round's crossing, [(round, ns, exact)], or nothing"""
        self.how, self.label = how, style.label(how)
        self.kind = "ours" if how.startswith("mp_") else "peer"
        self.tasks = sorted(by)
        self.by = {t: (stats.median([ns for _, ns, _ in by[t]]),
                       stats.median([e for _, _, e in by[t]])) for t in self.tasks}
        self.points = sorted(self.by.values())
        self.least = min(len(rows) for rows in by.values())
        self.found = found or each_round(by)
        exact = [(turn, ns) for turn, ns, sure in self.found if sure]
        # In most rounds between two lengths: that is METG; else beyond one end.
        crosses = 2 * len(exact) > max(self.least, len(self.found))
        self.sample = stats.Sample(exact) if crosses else None
        self.metg = stats.bootstrap(stats.median, self.sample.values) if crosses else None

    def always(self):
        """Above the line with the smallest task already."""
        return self.metg is None and 2 * len(self.found) > self.least

    def at(self, task):
        """Efficiency with tasks of that length."""
        return self.by.get(task, (None, None))[1]


def each_round(by):
    """[(round, ns, exact)] out of what each round measured, at two lengths or more."""
    rounds = {}
    for found in by.values():
        for k, (turn, ns, e) in enumerate(found):
            rounds.setdefault(k if turn is None else turn, []).append((ns, e))
    out = [(turn, crossed(points)) for turn, points in rounds.items() if len(points) > 1]
    return [(turn, *at) for turn, at in out if at]


def crossed(points):
    """(ns, exact): where efficiency first comes up to the line, between two lengths on a
    logarithmic scale; not exact: it is above it from the first on. None: never."""
    last = None
    for ns, e in sorted(points):
        if e >= HALF:
            if last is None:
                return ns, False
            t0, e0 = last
            return t0 * (ns / t0) ** ((HALF - e0) / (e - e0)), True
        last = ns, e
    return None


class Grain:
    """{processes: [Way]}"""

    def __init__(self, res):
        self.cpus = res.cpus()
        self.lacking = {results.split(n)[0][-1]: why[9:] if why.startswith("skipped: ") else why
                        for why, names in res.messages.items() for n in names
                        if results.split(n)[0]}
        cells, alone, metg = {}, {}, {}
        for case in cases.of(res).values():
            procs = results.whole(case.args.get("procs", 1))
            task = results.whole(case.args.get("task_ns"), 10 ** 12)
            if len(case.path) != 2 or not procs:
                continue
            how = case.path[1]
            if case.path[0] == "grain_metg":
                metg[procs, how] = summary(case)
            elif task and how == "sequential":
                alone[task] = per_task(case)
            elif task and case.path[0] == "grain":
                cells[procs, how, task] = case
        by = {}
        for (procs, how, task), case in cells.items():
            rows = efficiencies(case, procs, task, alone.get(task))
            if rows:
                by.setdefault(procs, {}).setdefault(how, {})[task] = rows
        if not by:
            raise Bad("%s: no efficiency in it: names do not read grain/<how>/task_ns:<n>/"
                      "procs:<n>, or nothing to divide by; make it again: make bench"
                      % ", ".join(results.shown(f) for f in res.files))
        self.ways = {n: [Way(h, hows[h], metg.get((n, h)))
                         for h in cases.in_order(hows, ORDER)] for n, hows in by.items()}

    def counts(self):
        return sorted(self.ways)

    def usual(self):
        """As many processes as CPUs, or the next fewer."""
        inside = [n for n in self.counts() if n <= (self.cpus or n)]
        return max(inside) if inside else self.counts()[0]

    def get(self, procs, how):
        return next((w for w in self.ways.get(procs, ()) if w.how == how), None)

    def repetitions(self):
        return min(w.least for ways in self.ways.values() for w in ways)

    def ratio(self, a, b):
        """METG of a divided by that of b, or None."""
        return stats.ratio(a.sample, b.sample) if a.metg and b.metg else None

    def caption(self, procs):
        """Paragraphs."""
        ways = self.ways[procs]
        out = [["METG(50\u00a0%%), the smallest task at which half of the processes\u2019 time is "
                "work, with %s: %s." % (plural(procs, "process", "processes"), listed(
                    "%s for %s" % (time_text(w.metg.value), w.label) for w in ranked(ways)))
                if ranked(ways) else "No curve crosses 50\u00a0%."]]
        out[0] += [self.flat(ways), self.absent(procs)]
        out.append(self.beside(procs))
        return [t for t in (" ".join(t for t in ts if t) for ts in out) if t]

    def flat(self, ways):
        """Those that do not cross the line."""
        out = []
        for low, text in ((True, "%s stay%s above 50\u00a0%% even with the smallest task that was "
                           "measured (%s)."), (False, "%s do%s not reach 50\u00a0%% with the "
                                               "largest (%s).")):
            found = [w for w in ways if not w.metg and w.always() == low]
            for edge in sorted({w.tasks[0 if low else -1] for w in found}):
                names = [w.label for w in found if w.tasks[0 if low else -1] == edge]
                verb = ("s" if low else "es") if len(names) == 1 else ""
                most = "In most rounds " if not low and any(w.found for w in found) else ""
                out.append(most + text % (listed(names), verb, time_text(edge)))
        return " ".join(out)

    def beside(self, procs):
        """Ways that do the same, beside each other."""
        out = []
        for ours, other, what in ALIKE:
            a, b = self.get(procs, ours), self.get(procs, other)
            r = a and b and self.ratio(b, a)
            if r:
                text = "%s: %s needs a task of %s, %s of %s, %s as long" % (
                    what, a.label, time_text(a.metg.value), b.label, time_text(b.metg.value),
                    est(r))
                out.append(text + cases.unsure(r) + ".")
        return out

    def absent(self, procs):
        """What was not measured, and why."""
        have = {w.how for w in self.ways[procs]}
        why = {}
        for how, reason in self.lacking.items():
            if how not in have and not reason.startswith("never"):
                why.setdefault(reason, []).append(style.label(how))
        return " ".join("%s: n/a (%s)." % (listed(hows), reason)
                        for reason, hows in why.items())


def ranked(ways):
    """Those that cross, the smallest METG first."""
    return sorted([w for w in ways if w.metg], key=lambda w: w.metg.value)


def per_task(case):
    """{round: ns of one task}"""
    return {row.round: results.believable(row.entry.get("ns_per_task")) or row.ns
            for row in case.believed}


def summary(case):
    """[(round, METG in ns, exact)] as run.py computed them."""
    found = [(row.round, results.believable(row.entry.get("metg_ns")),
              row.entry.get("exact") is not False) for row in case.believed]
    return [f for f in found if f[1]]


def efficiencies(case, procs, task, alone):
    """[(round, ns of a task alone, efficiency)]: as counted, else out of the sequential
    run's times."""
    out = []
    for row in case.believed:
        e = results.number(row.entry.get("efficiency"))
        ns = results.believable(row.entry.get("serial_ns"))
        if e is None and alone:
            took = results.believable(row.entry.get("ns_per_task")) or row.ns
            ns = ns or alone.get(row.round) or stats.median(list(alone.values()))
            e = ns / (procs * took)
        if e is not None and 0 < e < 4:
            out.append((row.round, ns or float(task), e))
    return out


def read(files):
    return results.read(files, "grain", ("grain_metg",))


def analyse(res):
    return Grain(res)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw efficiency against the length of a task, and where each way "
        "crosses 50 %%: METG.",
        epilog="Example: python3 plots/grain.py build/results/grain.json -o grain.svg")
    style.arguments(p)
    p.add_argument("--procs", type=int, help="the number of processes (default: as many as "
                   "CPUs, or the next fewer that there is)")
    args = p.parse_args(argv)
    gr = analyse(read(args.files))
    procs = args.procs or gr.usual()
    if procs not in gr.ways:
        raise Bad("nothing was measured with procs:%s; it has %s" % (
            procs, ", ".join(map(str, gr.counts()))))
    style.begin(args.python)
    crossings.draw(gr.ways[procs], procs, args.output)


if __name__ == "__main__":
    results.run(main)
