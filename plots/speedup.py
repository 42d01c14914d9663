#!/usr/bin/env python3
"""Speedup against the number of processes, from build/results/speedup.json.

Each method is divided by its own sequential run: the C ways by the C loop,
Python's Pool by Python's loop, so that a slow language does not look like a
good speedup. The grey line is the ideal, one CPU's work for each process up to
the CPUs that there are. Bands are 95 % bootstrap intervals over repetitions.

Below stands Amdahl's serial fraction, fitted to the points from 2 processes up
to the number of CPUs (amdahl.py): what his law has to assume to explain the
curve, not a measurement of serial code. curves.py draws; workloads.py sets
several workloads side by side.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import amdahl       # noqa: E402
import curves       # noqa: E402
import results      # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from results import Bad, interval_text, listed, plural, times_text, word     # noqa: E402
from shapes import gap     # noqa: E402

ORDER = ("fork_index", "mp_pool", "mp_process", "fork_stride", "threads", "openmp",
         "fork_task", "fork_block", "python_pool", "python_executor")
BASES = ("sequential", "python_sequential")
NAMES = ("%s: names do not read speedup/<workload>/<how>/procs:<n>; make it again: "
         "make bench")
WAITING = ("sleeping",)     # tasks that need no CPU: n processes can do n times as much


class Point:
    def __init__(self, procs, times, base):
        self.procs = procs
        self.times = times
        self.ns = times.median()
        self.speedup = stats.ratio(base, times)


class Method:
    """One way of doing it: its points by number of processes, and its fit."""

    def __init__(self, how, base_how, base, times, most):
        """most: up to so many processes the law is fitted"""
        self.how, self.base_how, self.base = how, base_how, base
        self.label = style.label(how)
        self.points = [Point(n, times[n], base) for n in sorted(times)]
        fitted = {n: t for n, t in times.items() if 2 <= n <= most}
        self.fit = stats.amdahl(base, fitted)
        self.fit_counts = sorted(fitted)

    def at(self, procs):
        for p in self.points:
            if p.procs == procs:
                return p
        return None


class Speedup:
    """All methods of one workload."""

    def __init__(self, res, workload):
        self.workload = workload
        self.notes = []
        times = self.samples(res)
        self.bases = {}
        for base in BASES:
            if base in times:
                rows = times.pop(base)
                self.bases[base] = rows[min(rows)]
        self.most = max((n for rows in times.values() for n in rows), default=1)
        self.cpus = res.cpus() or self.most
        self.waits = workload in WAITING
        # In words, what the work is; and Python's, where that is less.
        self.what, self.python_what = (
            results.text(res.context.get("workload.%s%s" % (workload, tail)))
            for tail in ("", ".python"))
        self.methods = []
        known = [h for h in ORDER if h in times]
        for how in known + sorted(set(times) - set(known)):
            self.add(how, times[how])
        if not self.methods:
            raise Bad("%s: workload %s has nothing to divide by or nothing to divide "
                      "(no sequential, or only sequential); make it again: make bench"
                      % (", ".join(results.shown(f) for f in res.files), workload))
        self.counts = sorted({p.procs for m in self.methods for p in m.points})
        inside = [n for n in self.counts if n <= self.cpus]
        self.full = max(inside) if inside else max(self.counts)

    def samples(self, res):
        """{how: {processes: Sample}}"""
        rows = {}
        for row in res.rows:
            procs = results.whole(row.args.get("procs", 1))
            if len(row.path) >= 3 and row.path[1] == self.workload and procs:
                rows.setdefault(row.path[2], {}).setdefault(procs, []).append(row)
        return {how: {n: res.sample(r) for n, r in by.items()} for how, by in rows.items()}

    def add(self, how, times):
        base_how = "python_sequential" if how.startswith("python") else "sequential"
        base = self.bases.get(base_how)
        if base is None and 1 in times:
            base, base_how = times[1], how
            self.notes.append("%s has no sequential run of its own; it is divided by itself "
                              "at one process" % style.label(how))
        if base is None:
            self.notes.append("%s is left out: no %s run to divide by"
                              % (style.label(how), style.label(base_how)))
        else:
            self.methods.append(Method(how, base_how, base, times,
                                       self.most if self.waits else self.cpus))

    def method(self, how):
        for m in self.methods:
            if m.how == how:
                return m
        return None

    def ranked(self):
        """[(speedup at all CPUs, method)], best first; native and Python alike."""
        rows = [(m.at(self.full).speedup, m) for m in self.methods if m.at(self.full)]
        return sorted(rows, key=lambda r: -r[0].value)

    def ideal(self, n):
        """What n processes could reach at best."""
        return n if self.waits else min(n, self.cpus)

    def repetitions(self):
        return min(len(p.times) for m in self.methods for p in m.points)

    def procs_text(self, n):
        return "%s on %s" % (plural(n, "process", "processes"), plural(self.cpus, "CPU"))

    def caption(self):
        """What to see, in sentences that hold whatever the numbers are."""
        rows = self.ranked()
        out = []
        if rows:
            best, bm = rows[0]
            text = ("With %s, %s is %s%s as fast as its sequential run"
                    % (self.procs_text(self.full), bm.label, times_text(best.value),
                       gap(interval_text(best))))
            if len(rows) > 1:
                worst, wm = rows[-1]
                text += ", %s %s%s" % (wm.label, times_text(worst.value),
                                       gap(interval_text(worst)))
                if best.known() and worst.known() and best.lo <= worst.hi:
                    text += "; their intervals overlap"
            out.append(text + ".")
        beyond = [n for n in self.counts if n > self.cpus]
        if beyond and rows:
            n = max(beyond)
            gains = []
            for _, m in rows:
                a, b = m.at(self.full), m.at(n)
                if a and b:
                    gains.append((stats.ratio(a.times, b.times), m))
            if gains:
                up = [m.label for g, m in gains if g.above(1)]
                down = [m.label for g, m in gains if g.below(1)]
                text = ("Right of the dashed line there are more processes than CPUs: from %s "
                        "to %s, " % (word(self.full), word(n)))
                parts = []
                if up:
                    parts.append("%s gain%s" % (listed(up), "s" if len(up) == 1 else ""))
                if down:
                    parts.append("%s lose%s" % (listed(down), "s" if len(down) == 1 else ""))
                if not parts:
                    text += "no method changes by more than its interval."
                else:
                    text += ", ".join(parts)
                    text += "." if len(up) + len(down) == len(gains) else \
                        "; the rest cannot be told apart from no change."
                out.append(text)
        return " ".join(out)

    def fit_caption(self, brief=False):
        return amdahl.words(self, brief)


def workloads(res):
    out = []
    for row in res.rows:
        if len(row.path) >= 3 and row.path[1] not in out:
            out.append(row.path[1])
    return out


def several(res):
    """Speedup of each workload that has something to divide; or Bad."""
    found, last = [], None
    for name in workloads(res):
        try:
            found.append(analyse(res, name))
        except Bad as e:
            last = e
    if not found:
        raise last or Bad(NAMES % ", ".join(results.shown(f) for f in res.files))
    return found


def analyse(res, workload=None):
    names = workloads(res)
    if not names:
        raise Bad(NAMES % ", ".join(results.shown(f) for f in res.files))
    if workload and workload not in names:
        raise Bad("%s: no workload %s in it; it has %s"
                  % (results.shown(res.files[0]), workload, ", ".join(names)))
    return Speedup(res, workload or names[0])


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw speedup against processes, with the ideal line, 95 %% bootstrap "
        "bands and Amdahl's serial fraction.",
        epilog="Example: python3 plots/speedup.py build/results/speedup.json -o speedup.svg")
    style.arguments(p)
    p.add_argument("--workload", help="which one, if the file holds several")
    args = p.parse_args(argv)
    sp = analyse(results.read(args.files, "speedup"), args.workload)
    style.begin(args.python)
    curves.draw(sp, args.output)


if __name__ == "__main__":
    results.run(main)
