#!/usr/bin/env python3
"""Speedup against the number of processes, from build/results/speedup.json.

Each method is divided by its own sequential run: the C ways by the C loop,
Python's Pool by Python's loop, so that a slow language does not look like a
good speedup. The grey line is the ideal, one CPU's work for each process up to
the CPUs that there are. Bands are 95 % bootstrap intervals over repetitions.

Below stands Amdahl's serial fraction, fitted to the points from 2 processes up
to the number of CPUs. It is what Amdahl's law has to assume to explain the
curve, not a measurement of serial code: uneven shares, starting processes and
memory that all of them wait for look the same to it.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import results      # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from results import (Bad, interval_text, listed, percent, plural,
                     times_text, word)     # noqa: E402
from shapes import gap, heading, name_ends, nice     # noqa: E402

ORDER = ("fork_index", "mp_pool", "mp_process", "fork_stride", "threads", "openmp",
         "fork_block", "python_pool")
BASES = ("sequential", "python_sequential")


class Point:
    def __init__(self, procs, times, base):
        self.procs = procs
        self.times = times
        self.ns = times.median()
        self.speedup = stats.ratio(base, times)


class Method:
    """One way of doing it: its points by number of processes, and its fit."""

    def __init__(self, how, base_how, base, times, cpus):
        self.how, self.base_how, self.base = how, base_how, base
        self.label = style.label(how)
        self.points = [Point(n, times[n], base) for n in sorted(times)]
        fitted = {n: t for n, t in times.items() if 2 <= n <= cpus}
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
        most = max((n for rows in times.values() for n in rows), default=1)
        self.cpus = res.cpus() or most
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
            self.methods.append(Method(how, base_how, base, times, self.cpus))

    def method(self, how):
        for m in self.methods:
            if m.how == how:
                return m
        return None

    def ranked(self):
        """[(speedup at all CPUs, method)], best first; native and Python alike."""
        rows = [(m.at(self.full).speedup, m) for m in self.methods if m.at(self.full)]
        return sorted(rows, key=lambda r: -r[0].value)

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

    def fit_caption(self):
        fits = [(m.fit, m) for m in self.methods if m.fit]
        if not fits:
            return ("No point between 2 processes and the number of CPUs (%d): nothing "
                    "to fit Amdahl's law to." % self.cpus)
        fits.sort(key=lambda f: f[0].value)
        low, lm = fits[0]
        high, hm = fits[-1]
        out = ["Amdahl\u2019s law says time = s\u00a0+\u00a0(1\u00a0\u2212\u00a0s)/n, where s is "
               "the part that only one process can do."]
        def one(e, m):
            return "%s behaves as if s were %s\u00a0%%%s" % (
                m.label, percent(e.value), gap(interval_text(e, percent)))
        text = one(low, lm)
        if hm is not lm:
            text += ", " + one(high, hm)
        out.append(text + ".")
        near = [m.label for e, m in fits if e.known() and e.lo <= 0 <= e.hi]
        if near:
            out.append("For %s the interval holds 0: no serial part can be seen." % listed(near))
        if hm.fit.value > 1:
            out.append("More than 100\u00a0% means slower than the sequential run.")
        counts = max((m.fit_counts for m in self.methods), key=len)
        if len(counts) == 1:
            out.append("The machine has %s, so each fit rests on one point (%s processes) and "
                       "cannot be checked against a second." % (plural(self.cpus, "CPU"),
                                                                 word(counts[0])))
        block, index = self.method("fork_block"), self.method("fork_index")
        if (self.workload == "factorial" and block and index and block.fit and index.fit
                and index.fit.known() and block.fit.above(index.fit.hi)):
            out.append("Blocks and index run the same code on the same tasks, so what lies between "
                       "them is not serial code: it is processes that are done early and wait "
                       "for the one with the heaviest share. The law cannot tell the two apart.")
        return " ".join(out)


def workloads(res):
    out = []
    for row in res.rows:
        if len(row.path) >= 3 and row.path[1] not in out:
            out.append(row.path[1])
    return out


def analyse(res, workload=None):
    names = workloads(res)
    if not names:
        raise Bad("%s: names do not read speedup/<workload>/<how>/procs:<n>; make it "
                  "again: make bench" % ", ".join(results.shown(f) for f in res.files))
    if workload and workload not in names:
        raise Bad("%s: no workload %s in it; it has %s"
                  % (results.shown(res.files[0]), workload, ", ".join(names)))
    return Speedup(res, workload or names[0])


# Drawing

def draw(sp, path):
    fits = [m for m in sp.methods if m.fit]
    upper, row = 2.85, 0.205
    lower = 0.66 + row * len(fits) if fits else 0.0
    fig = style.figure(upper + lower + 0.12)
    ax = style.box(fig, 0.42, lower + 0.62, 1.28, 0.26)
    curves(fig, ax, sp)
    if fits:
        bx = style.box(fig, 1.28, 0.44, 0.62, upper + 0.12 + 0.18)
        serial(bx, fits)
    style.save(fig, path)


def curves(fig, ax, sp):
    from matplotlib.transforms import ScaledTranslation
    counts = sp.counts
    wide = max(counts) > 16
    top = max([sp.cpus if sp.cpus <= max(counts) else max(counts)]
              + [(p.speedup.hi or p.speedup.value) for m in sp.methods for p in m.points])
    right = max(max(counts), min(sp.cpus, max(counts)), 2)
    if wide:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        low = min([1.0] + [p.speedup.lo or p.speedup.value
                           for m in sp.methods for p in m.points])
        ax.set_ylim(max(low * 0.85, top / 4096), top * 1.12)
        ax.set_xlim(min(counts) / 1.07, right * 1.05)
    else:
        ax.set_ylim(0, top * 1.06)
        span = right - min(counts)
        ax.set_xlim(min(counts) - 0.04 * max(span, 1), right + 0.03 * max(span, 1))
    ideal_x = [min(counts)] + ([sp.cpus] if min(counts) < sp.cpus < right else []) + [right]
    ideal_y = [min(x, sp.cpus) for x in ideal_x]
    ax.plot(ideal_x, ideal_y, color=style.PAPER["wait"], linewidth=1.1, zorder=1)
    if right > sp.cpus:
        ax.axvline(sp.cpus, color=style.PAPER["muted"], linewidth=0.8,
                   linestyle=(0, (2, 2)), zorder=1)
        ax.annotate("all %d CPUs" % sp.cpus if sp.cpus > 1 else "the one CPU",
                    (sp.cpus, 0), xycoords=("data", "axes fraction"),
                    xytext=(4, 4), textcoords="offset points",
                    fontsize=style.SMALL, color=style.PAPER["muted"])
    ends = [("ideal", "wait", None, ideal_y[-1], right)]
    # Wide bands lie over each other: then they are tinted less and their ends spread.
    wide_bands = stats.median([(p.speedup.hi - p.speedup.lo) / top if p.speedup.known() else 0
                               for m in sp.methods for p in m.points]) > 0.12
    strength, dodge = (0.045, 2.4) if wide_bands else (0.16, 0)
    for k, m in enumerate(sp.methods):
        name, colour, marker, dash = style.how(m.how)
        colour = style.PAPER[colour]
        xs = [p.procs for p in m.points]
        ys = [p.speedup.value for p in m.points]
        if all(p.speedup.known() for p in m.points):
            lows, highs = [p.speedup.lo for p in m.points], [p.speedup.hi for p in m.points]
            ax.fill_between(xs, lows, highs, color=colour, alpha=strength, linewidth=0, zorder=2)
            # The ends of the bands beside each other, so that each can be seen.
            aside = ScaledTranslation((k - (len(sp.methods) - 1) / 2) * dodge / 72, 0,
                                      fig.dpi_scale_trans)
            ax.vlines(xs, lows, highs, color=colour, linewidth=0.9, zorder=3,
                      transform=ax.transData + aside)
        ax.plot(xs, ys, color=colour, linestyle=dash, marker=marker,
                markeredgecolor=style.PAPER["paper"], markeredgewidth=0.5,
                zorder=4 + k)
        if len(m.fit_counts) > 1:
            steps = [min(counts) + (sp.cpus - min(counts)) * i / 60 for i in range(61)]
            ax.plot(steps, [stats.amdahl_speedup(max(m.fit.value, 0), n) for n in steps],
                    color=colour, linewidth=0.7, linestyle=(0, (1, 1.6)), zorder=2)
        ends.append((name, colour, marker, ys[-1], xs[-1]))
    name_ends(fig, ax, ends)
    heading(ax, 0.42, "Speedup against own sequential run", 10)
    ax.set_xlabel("processes")
    ticks = counts
    if not wide and len(counts) > 8:
        ticks = [n for n in counts if n in (1, sp.cpus, max(counts)) or n % 2 == 0]
    elif wide:
        ticks = [n for n in counts if n & (n - 1) == 0 or n in (sp.cpus, max(counts))]
        ticks = [n for i, n in enumerate(ticks)
                 if i + 1 == len(ticks) or ticks[i + 1] / n > 1.3]
    ax.set_xticks(ticks)
    ax.set_xticklabels([str(n) for n in ticks])
    ax.minorticks_off()
    if not wide:
        step = 0.5 if top <= 2.6 else 1 if top <= 8 else nice(top / 8)
        ys = [i * step for i in range(int(top * 1.06 / step) + 1)]
    else:
        ys = [2.0 ** i for i in range(-6, 14) if ax.get_ylim()[0] <= 2.0 ** i <= top * 1.12]
    ax.set_yticks(ys)
    ax.set_yticklabels([("%g×" % y) for y in ys])
    ax.grid(axis="y", color=style.PAPER["faint"], linewidth=0.6)
    ax.set_axisbelow(True)


def serial(ax, fits):
    """The serial fraction of each method, with its interval."""
    right = max([0.02] + [f.fit.hi if f.fit.known() else f.fit.value for f in fits])
    left = min([0.0] + [f.fit.lo if f.fit.known() else f.fit.value for f in fits])
    left = max(left, -0.5 * right)
    span = right - left
    ax.set_xlim(left - 0.02 * span, right + 0.05 * span)
    ax.set_ylim(len(fits) - 0.5, -0.6)
    ax.axvline(0, color=style.PAPER["muted"], linewidth=0.7)
    for i, m in enumerate(fits):
        _, colour, marker, _ = style.how(m.how)
        colour = style.PAPER[colour]
        ax.axhline(i, color=style.PAPER["faint"], linewidth=0.6, zorder=0)
        if m.fit.known():
            ax.plot([max(m.fit.lo, left), m.fit.hi], [i, i], color=colour, linewidth=2.2,
                    solid_capstyle="butt", zorder=2)
        ax.plot([m.fit.value], [i], color=colour, marker=marker, markersize=5,
                markeredgecolor=style.PAPER["paper"], markeredgewidth=0.5, zorder=3,
                clip_on=False)
        ax.annotate("%s %%" % percent(m.fit.value), (1, i),
                    xycoords=("axes fraction", "data"), xytext=(5, 0),
                    textcoords="offset points", va="center_baseline",
                    fontsize=style.SMALL, annotation_clip=False)
    ax.set_yticks(range(len(fits)))
    ax.set_yticklabels([style.fit(m.label, 84) for m in fits])
    ax.tick_params(axis="y", length=0, pad=6)
    ax.spines["left"].set_visible(False)
    step = nice(span * 100 / 4)
    ticks = [k * step for k in range(int(left * 100 / step) - 1, int(right * 100 / step) + 2)
             if left * 100 - 0.02 * span * 100 <= k * step <= right * 100 + 0.05 * span * 100]
    ax.set_xticks([t / 100 for t in ticks])
    ax.set_xticklabels([("%g %%" % t).replace("-", "\u2212") for t in ticks])
    heading(ax, 1.28, "Serial fraction that Amdahl\u2019s law would need", 7)


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
    draw(sp, args.output)


if __name__ == "__main__":
    results.run(main)
