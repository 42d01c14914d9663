"""Draws one workload's speedup for speedup.py: curves above, and below them the
serial fraction of each method. The axes serve the small pictures of workloads.py
too.
"""
import stats
import style
from results import percent
from shapes import heading, mark, name_ends, nice

WIDE = 16       # from more processes on both axes are logarithmic
RIGHT = 1.38    # inches for names
OURS = "mp_pool"


def draw(sp, path):
    fits = [m for m in sp.methods if m.fit]
    upper = max(2.85, 0.166 * (len(sp.methods) + 1) + 0.88)
    row = 0.205
    lower = 0.66 + row * len(fits) if fits else 0.0
    fig = style.figure(upper + lower + 0.12)
    ax = style.box(fig, 0.42, lower + 0.62, RIGHT, 0.26)
    curves(fig, ax, sp)
    if fits:
        bx = style.box(fig, 1.28, 0.44, 0.62, upper + 0.12 + 0.18)
        serial(bx, fits)
    style.save(fig, path)


def highest(sp):
    """The top of the picture: the ideal, and what reaches higher."""
    inside = sp.ideal(max(sp.counts)) if sp.waits or sp.cpus <= max(sp.counts) \
        else max(sp.counts)
    return max([inside] + [p.speedup.hi or p.speedup.value
                           for m in sp.methods for p in m.points])


def lowest(sp):
    return min([1.0] + [p.speedup.lo or p.speedup.value for m in sp.methods
                        for p in m.points])


def axes(ax, counts, low, top, cpus):
    """Processes to the right, speedup upwards; linear up to WIDE processes."""
    wide = max(counts) > WIDE
    right = max(max(counts), 2)
    if wide:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set_ylim(max(low * 0.85, top / 4096), top * 1.12)
        ax.set_xlim(min(counts) / 1.07, right * 1.05)
        ticks = [n for n in counts if n & (n - 1) == 0 or n in (cpus, max(counts))]
        ticks = [n for i, n in enumerate(ticks)
                 if i + 1 == len(ticks) or ticks[i + 1] / n > 1.3]
        ys = [2.0 ** i for i in range(-6, 14) if ax.get_ylim()[0] <= 2.0 ** i <= top * 1.12]
    else:
        ax.set_ylim(0, top * 1.06)
        span = max(right - min(counts), 1)
        ax.set_xlim(min(counts) - 0.04 * span, right + 0.03 * span)
        ticks = counts
        if len(counts) > 8:
            ticks = [n for n in counts if n in (1, cpus, max(counts)) or n % 2 == 0]
        step = 0.5 if top <= 2.6 else 1 if top <= 8 else nice(top / 8)
        ys = [i * step for i in range(int(top * 1.06 / step) + 1)]
    ax.set_xticks(ticks)
    ax.set_xticklabels([str(n) for n in ticks])
    ax.minorticks_off()
    ax.set_yticks(ys)
    ax.set_yticklabels([("%g×" % y) for y in ys])
    ax.grid(axis="y", color=style.PAPER["faint"], linewidth=0.6)
    ax.set_axisbelow(True)


def ideal(ax, sp, named=True):
    """The grey line, and a dashed one where the CPUs end; its last point."""
    counts, right = sp.counts, max(max(sp.counts), 2)
    xs = [min(counts)] + ([sp.cpus] if min(counts) < sp.cpus < right else []) + [right]
    ys = [sp.ideal(x) for x in xs]
    ax.plot(xs, ys, color=style.PAPER["wait"], linewidth=1.1, zorder=1)
    if right > sp.cpus:
        ax.axvline(sp.cpus, color=style.PAPER["muted"], linewidth=0.8,
                   linestyle=(0, (2, 2)), zorder=1)
        if named:
            trans = ax.transData + ax.transAxes.inverted()
            left = trans.transform((sp.cpus, 0))[0] > 0.7
            ax.annotate("all %d CPUs" % sp.cpus if sp.cpus > 1 else "the one CPU",
                        (sp.cpus, 0), xycoords=("data", "axes fraction"),
                        xytext=(-4 if left else 4, 4), textcoords="offset points",
                        ha="right" if left else "left",
                        fontsize=style.SMALL, color=style.PAPER["muted"])
    return right, ys[-1]


def curves(fig, ax, sp):
    from matplotlib.transforms import ScaledTranslation
    counts, top = sp.counts, highest(sp)
    axes(ax, counts, lowest(sp), top, sp.cpus)
    x, y = ideal(ax, sp)
    ends = [("ideal", "wait", None, y, x)]
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
        ax.plot(xs, ys, color=colour, linestyle=dash, zorder=40 if m.how == OURS else 4 + k,
                **mark(marker, colour))
        if len(m.fit_counts) > 1:
            last = max(m.fit_counts)
            steps = [min(counts) + (last - min(counts)) * i / 60 for i in range(61)]
            ax.plot(steps, [stats.amdahl_speedup(max(m.fit.value, 0), n) for n in steps],
                    color=colour, linewidth=0.7, linestyle=(0, (1, 1.6)), zorder=2)
        ends.append((name, colour, marker, ys[-1], xs[-1]))
    name_ends(fig, ax, ends, 80, bold=[style.label(OURS)])
    heading(ax, 0.42, "Speedup against own sequential run", 10)
    ax.set_xlabel("processes")


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
        ax.plot([m.fit.value], [i], color=colour, zorder=3, clip_on=False,
                **mark(marker, colour))
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
