#!/usr/bin/env python3
"""Updates that the race of lesson 05 loses, from build/results/lost_updates.json.

Several processes add 1 to the same number without a lock. Each dot is one run:
the share of its increments that are not in the sum. The stroke is the median.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import results      # noqa: E402
import shapes       # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from results import Bad, group, number, percent, plural, whole, word     # noqa: E402


REMEDY = "make it again: make bench"


class Run:
    def __init__(self, procs, each, lost, cpus):
        self.procs, self.total, self.lost, self.cpus = procs, int(procs * each), int(lost), cpus
        self.share = lost / (procs * each)


class Lost:
    def __init__(self, path):
        self.path, name = path, results.shown(path)
        entries = results.load(path, REMEDY).get("runs")
        if not isinstance(entries, list):
            raise Bad("%s: no runs in it (it is something else); give a file that `make bench` "
                      "wrote, build/results/lost_updates.json" % name)
        runs = [r for r in map(one, results.objects(entries)) if r]
        if not runs:
            raise Bad("%s: no run of processes that count without a lock in it; %s"
                      % (name, REMEDY))
        self.cpus = runs[0].cpus if len({r.cpus for r in runs}) == 1 else None
        self.groups = {}        # processes: [Run]
        for run in sorted(runs, key=lambda r: r.procs):
            self.groups.setdefault(run.procs, []).append(run)
        self.most = max(r.share for r in runs)

    def caption(self):
        out = []
        several = {n: v for n, v in self.groups.items() if n > 1}
        on = " on " + plural(self.cpus, "CPU") if self.cpus else ""
        if several:
            n = max(several, key=lambda n: (stats.median([r.share for r in several[n]]), n))
            runs, shares = several[n], [r.share for r in several[n]]
            if len(runs) > 1:
                text = "in the median of %s runs %s of their %s increments (from %s to %s)" % (
                    word(len(runs)), share(stats.median(shares)), group(str(runs[0].total)),
                    share(min(shares)), share(max(shares)))
            else:
                text = "%s of their %s increments, in one run" % (
                    share(shares[0]), group(str(runs[0].total)))
            out.append("%s%s lose %s." % (word(n).capitalize() + " processes", on, text))
        none = sum(r.lost == 0 for v in several.values() for r in v)
        if none:
            out.append("Nothing was lost in %s of the %s runs with two or more processes. That "
                       "is luck, not a proof: the next run may lose."
                       % (word(none), word(sum(map(len, several.values())))))
        elif several:
            out.append("Each run lost something; one that lost nothing would prove nothing.")
        if 1 in self.groups:
            out.append("One process alone has nobody to lose to.")
        out.append("Only the interleaving by script loses its update every time.")
        return " ".join(out)


def share(x):
    """A fraction as %; an exact 0 is none."""
    return percent(x) + "\u00a0%" if x else "none"


def one(entry):
    """The Run of an entry that makes sense, or None."""
    procs, each = whole(entry.get("processes")), whole(entry.get("increments"))
    lost = number(entry.get("lost"))
    if not procs or not each or lost is None or not 0 <= lost <= procs * each:
        return None
    return Run(procs, each, lost, whole(entry.get("cpus")))


def analyse(path):
    return Lost(path)


# Drawing

def draw(lost, path):
    top, bottom, left = 0.38, 0.50, 0.58
    fig = style.figure(top + 2.0 + bottom)
    ax = style.box(fig, left, bottom, 0.66, top)
    counts = list(lost.groups)
    high = min(1.0, max(0.05, lost.most * 1.12))
    ax.set_ylim(-0.03 * high, high)
    ax.set_xlim(-0.5, len(counts) - 0.5)
    width = 0.66 if len(counts) > 2 else 0.4
    ends = []
    for mid, runs in enumerate(lost.groups.values()):
        # Side by side in the order of the runs, so that no dot hides another.
        xs = [mid + ((i + 0.5) / len(runs) - 0.5) * width for i in range(len(runs))]
        ax.plot(xs, [r.share for r in runs], linestyle="none", marker="o", markersize=3.4,
                color=style.PAPER["vermillion"], markeredgewidth=0, zorder=3)
        middle = stats.median([r.share for r in runs])
        ax.plot([mid - width / 2 - 0.06, mid + width / 2 + 0.06], [middle, middle],
                linewidth=2, color=style.PAPER["ink"], solid_capstyle="butt", zorder=4)
        ends.append(middle)
    ax.annotate("median", (len(counts) - 0.5, ends[-1]), xytext=(3, 0),
                textcoords="offset points", va="center_baseline", fontsize=style.SMALL,
                color=style.PAPER["muted"], annotation_clip=False)
    step = shapes.nice(high / 5)
    ys = [i * step for i in range(int(high / step + 1e-9) + 1)]
    ax.set_yticks(ys)
    ax.set_yticklabels(["%g %%" % round(100 * y, 4) for y in ys])
    ax.grid(axis="y", color=style.PAPER["faint"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xticks(range(len(counts)))
    ax.set_xticklabels([str(n) for n in counts])
    ax.tick_params(axis="x", length=0)
    ax.set_xlabel("processes that add 1 without a lock")
    shapes.heading(ax, left, "Increments that are lost, each dot one run", 10)
    style.save(fig, path)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw the share of increments that a race without a lock loses.",
        epilog="Example: python3 plots/lost.py build/results/lost_updates.json -o lost.svg")
    style.arguments(p)
    args = p.parse_args(argv)
    if len(args.files) > 1:
        raise Bad("one file a picture; %d files given" % len(args.files))
    lost = analyse(args.files[0])
    style.begin(args.python)
    draw(lost, args.output)


if __name__ == "__main__":
    results.run(main)
