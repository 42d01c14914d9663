#!/usr/bin/env python3
"""Speedup of several workloads side by side, from build/results/speedup.json.

A small picture for each workload: speedup against the number of processes, each
method against its own sequential run, as in speedup.py. A few methods have a
colour, all others are grey hairs. The grey line is the ideal: the CPUs that
there are, or, where tasks only sleep, the number of processes.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import amdahl       # noqa: E402
import curves       # noqa: E402
import lines        # noqa: E402
import results      # noqa: E402
import speedup      # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from shapes import gap     # noqa: E402
from results import interval_text, listed, plural, times_text     # noqa: E402

ORDER = ("factorial", "primes", "mandelbrot", "irregular", "image", "wordcount", "sleeping")
OURS, PLAIN = "mp_pool", "fork_index"
COLOURED = (OURS, "fork_index", "fork_block", "openmp", "python_pool")

WHAT = {
    "factorial": "factorials, each from scratch",
    "primes": "primes, by trial division",
    "mandelbrot": "the Mandelbrot set, row by row",
    "image": "pictures decoded, blurred and encoded",
    "wordcount": "words counted in files, then added up",
    "sleeping": "tasks that only sleep",
    "irregular": "a few long tasks among many short ones",
}


class Workloads:
    def __init__(self, sps):
        known = [sp for w in ORDER for sp in sps if sp.workload == w]
        self.all = known + [sp for sp in sps if sp.workload not in ORDER]
        self.cpus = self.all[0].cpus

    def get(self, workload):
        return next((sp for sp in self.all if sp.workload == workload), None)

    def hows(self):
        have = {m.how for sp in self.all for m in sp.methods}
        return [h for h in (OURS, "mp_process") if h in have] + [
            h for h in speedup.ORDER if h in have and not h.startswith("mp_")] + sorted(
                have - set(speedup.ORDER))

    def reached(self, how):
        """[(speedup with all CPUs, workload's Speedup)], the lowest first."""
        found = [(sp.method(how).at(sp.full).speedup, sp) for sp in self.all
                 if sp.method(how) and sp.method(how).at(sp.full)]
        return sorted(found, key=lambda f: f[0].value)

    def full(self):
        """How many processes the table stands for, in words."""
        counts = sorted({sp.full for sp in self.all})
        return plural(counts[-1], "process", "processes") if len(counts) == 1 else \
            "as many processes as each was measured with, up to the CPUs"

    def caption(self):
        """Paragraphs."""
        found = self.reached(OURS)
        out = []
        if found:
            low, high = found[0], found[-1]
            text = "With %s on %s, %s reaches %s" % (
                self.full(), plural(self.cpus, "CPU"), style.label(OURS), reach(*low))
            out.append(text + (" to %s." % reach(*high) if len(found) > 1 else "."))
            out.append(self.beside_fork())
        else:
            out.append("%s was not measured." % style.label(OURS))
        paragraphs = [out, [self.kept(), self.sleepers()]]
        return [t for t in (" ".join(t for t in ts if t) for ts in paragraphs) if t]

    def beside_fork(self):
        """Ours beside the same tasks taken by plain forks, workload by workload."""
        found = {"slower": [], "faster": [], "alike": []}
        for sp in self.all:
            a, b = (m and m.at(sp.full) for m in (sp.method(OURS), sp.method(PLAIN)))
            if a and b:
                r = stats.ratio(a.times, b.times)
                kind = "slower" if r.above(1) else "faster" if r.below(1) else "alike"
                found[kind].append("%s (%s the time)" % (sp.workload, times_text(r.value))
                                   if kind != "alike" else sp.workload)
        out = ["%s in %s" % (kind, listed(found[kind])) for kind in ("slower", "faster")
               if found[kind]]
        if found["alike"]:
            out.append("no difference can be told in %s" % listed(found["alike"]))
        return "Beside %s, the same tasks without a pool (its processes are started within " \
            "the time, the pool\u2019s workers before): %s." % (
                style.label(PLAIN), "; ".join(out)) if out else ""

    def kept(self):
        """Workloads that no way of handing out makes scale as factorials do."""
        base = best_fit(self.get("factorial"))
        found = [(sp.workload, best_fit(sp)) for sp in self.all
                 if sp.workload != "factorial" and not sp.waits]
        found = [(w, m) for w, m in found if base and m and base.fit.known()
                 and m.fit.above(base.fit.hi)]
        if not found:
            return ""
        return "No way in C brings %s; factorials, pure computing, come to %s. So it is not " \
            "how the tasks are handed out; what it may be stands below." % (
                listed("%s below s = %s" % (w, amdahl.one(m)) for w, m in found),
                amdahl.one(base))

    def sleepers(self):
        sp = self.get("sleeping")
        most = sp and max(sp.counts)
        m = sp and sp.method(OURS)
        if not m or not m.at(most) or most <= sp.cpus:
            return ""
        return "Sleeping tasks need no CPU: with %s, %s reaches %s." % (
            plural(most, "process", "processes"), m.label,
            speed(m.at(most).speedup))


def best_fit(sp):
    """The native method with the smallest serial fraction."""
    fits = [m for m in sp.methods if m.fit and not m.how.startswith("python")] if sp else []
    return min(fits, key=lambda m: m.fit.value, default=None)


def speed(e):
    return times_text(e.value) + gap(interval_text(e))


def reach(e, sp):
    return "%s (%s)" % (speed(e), sp.workload)


def analyse(res):
    return Workloads(speedup.several(res))


# Drawing

def draw(ws, path):
    """Two panels a row; the names stand in the place after the last panel, or below."""
    top, bottom, left, right, above = 0.26, 0.46, 0.42, 0.10, 0.30
    alike = [sp.waits == ws.all[i - 1].waits for i, sp in enumerate(ws.all) if i % 2]
    between = 0.22 if all(alike) else 0.46
    room = (style.WIDTH - left - right - between) / 2
    high = 1.18
    have = ws.hows()
    named = [h for h in COLOURED if h in have]
    key = 0.164 * (len(named) + 1 + (len(have) > len(named))) + 0.14
    beside = len(ws.all) % 2
    rows = (len(ws.all) + 1) // 2
    height = top + rows * (high + above) + bottom - 0.06 + (0 if beside else key)
    fig = style.figure(height)
    counts = sorted({n for sp in ws.all for n in sp.counts})
    # One scale for all that can reach as far: sleeping tasks have their own.
    tops = {flag: max([curves.highest(sp) for sp in ws.all if sp.waits == flag], default=1)
            for flag in (False, True)}
    low = min(curves.lowest(sp) for sp in ws.all)
    for i, sp in enumerate(ws.all):
        x = left + (i % 2) * (room + between)
        down = top + above + (i // 2) * (high + above)
        ax = style.box(fig, x, height - down - high, style.WIDTH - x - room, down)
        curves.axes(ax, counts, low, tops[sp.waits], sp.cpus)
        curves.ideal(ax, sp, named=False)
        for k, h in enumerate(have):
            m = sp.method(h)
            if m:
                kind = "ours" if h == OURS else "peer" if h in named else "other"
                lines.stroke(ax, lines.Line(style.how(h), kind, [
                    (p.procs, p.speedup.value) for p in m.points]), k)
        if i % 2 and alike[i // 2]:
            ax.set_yticklabels([])
        under = i + 2 >= len(ws.all)
        if not under:
            ax.set_xticklabels([])
        else:
            ax.set_xlabel("processes", labelpad=2)
        ax.annotate(sp.workload, (0, 1), xycoords="axes fraction", xytext=(0, 5),
                    textcoords="offset points", fontsize=style.SMALL,
                    color=style.PAPER["muted"], annotation_clip=False)
    x = (left + room + between) * 72 - 8 if beside else left * 72
    y = (bottom + high) * 72 - 20 if beside else key * 72 - 10
    names(fig, ws, named, len(have) - len(named), x, y)
    lines.title(fig, "Speedup against own sequential run")
    style.save(fig, path)


def names(fig, ws, named, others, x, y):
    """The coloured lines, the grey ones and the ideal."""
    from matplotlib.lines import Line2D
    w, h = fig.get_size_inches() * 72
    lines.key(fig, [(style.how(n), "ours" if n == OURS else "peer") for n in named], x, y, 110)
    y -= 11.8 * len(named)
    rest = [("ideal; dashed: all CPUs", 1.1)]
    if others:
        rest.insert(0, ("%d more, in the table" % others, 0.6))
    for text, width in rest:
        fig.add_artist(Line2D([x / w, (x + 20) / w], [y / h, y / h], linewidth=width,
                              color=style.PAPER["wait"]))
        fig.text((x + 25) / w, y / h, text, fontsize=style.SMALL, va="center_baseline",
                 color=style.PAPER["muted"])
        y -= 11.8


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw the speedup of every workload in small pictures side by side.",
        epilog="Example: python3 plots/workloads.py build/results/speedup.json -o "
        "workloads.svg")
    style.arguments(p)
    args = p.parse_args(argv)
    ws = analyse(results.read(args.files, "speedup"))
    style.begin(args.python)
    draw(ws, args.output)


if __name__ == "__main__":
    results.run(main)
