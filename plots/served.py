"""Draws for manager.py: what a server, or ours without one, takes for a request."""
import math

import cases
import dots
import lines
import shapes
import style
from results import plural, time_text

PLACE = {"same": "on one CPU", "cross": "across two CPUs", "free": "placed by the kernel"}
COLUMN = {"same": "p50, 1 CPU", "cross": "p50, 2 CPUs"}
# full or open, and which mark
LOOKS = {"same": (True, "o"), "cross": (False, "o"), "free": (False, "D")}


def marks(mg, what, how, places, paces):
    """{(place, pace): (p50, p99)} of one client."""
    found = {(p, q): mg.at(what, how, 1, p, q) for p in places for q in paces}
    return {k: (c.p50, c.p99) for k, c in found.items() if c}


def rows(mg, what, places_, paces_):
    """[(how, marks)], the fastest first, where most of them are."""
    usual = mg.usual(what)
    hows = cases.in_order({h for q in paces_ for h in mg.hows(what + "/paced" * q)}, mg.order)
    found = [(h, m) for h in hows for m in [marks(mg, what, h, places_, paces_)] if m]
    return sorted(found, key=lambda f: min([ns for (p, _), (ns, _) in f[1].items()
                                            if p == usual] or [ns for ns, _ in f[1].values()]))


def places(mg, what, path):
    """A row for each system; a mark for each place. Without a server there are no two
    sides, and so one place only: its value stands beside the others."""
    where, usual = mg.places(what), mg.usual(what)
    found = []
    for h, by in rows(mg, what, where, [False]):
        value = by.get((usual, False)) or (by.get(("free", False)) if h in mg.alone else None)
        found.append(dots.Row(mg.label(h), mg.kind(h), {
            ("", p): by[p, False] for p in where if (p, False) in by},
            time_text(value and value[0])))
    dots.draw(path, mg.title("places", what), found, [("", "")],
              [dots.Series(p, PLACE.get(p, p), *LOOKS.get(p, (False, "s"))) for p in where],
              COLUMN.get(usual, "p50"))


def paces(mg, what, path):
    """A row for each system, a panel for each place: busy full, paced open."""
    where = mg.places(what + "/paced")
    slept = set(mg.hows(what + "/paced"))
    found = [dots.Row(mg.label(h), mg.kind(h), by)
             for h, by in rows(mg, what, where, [False, True]) if h in slept]
    dots.draw(path, mg.title("paces", what), found, [(p, PLACE.get(p, p)) for p in where],
              [dots.Series(False, "one after the other", True),
               dots.Series(True, "one each " + mg.pace(what), False)])


# Other ways into the same servers: grey. And of ours the thin ones.
GREY = ("hiredis", "libmemcached", "redis_benchmark", "redis_benchmark_p16")
THIN = ("mp_manager_unix", "mp_manager_tcp", "mp_manager_p16")


def clients(mg, what, path):
    """A line for each system."""
    counts = mg.counts_of(what)
    series = [(h, [(n, mg.at(what, h, n).rate) for n in counts if mg.at(what, h, n)])
              for h in mg.hows(what, "free")]
    top, bottom, left, right = 0.40, 0.50, 0.60, 1.66
    high = max(2.4, 0.170 * len(series) + 0.1)
    fig = style.figure(top + high + bottom)
    ax = style.box(fig, left, bottom, right, top)
    values = [y for _, points in series for _, y in points]
    low, most = counts[0], max(counts[-1], 2 * counts[0])
    pad = math.exp(math.log(most / low) * 0.06)
    lines.log_axes(ax, (low / pad, most * pad),
                   shapes.wide_enough(min(values) / 1.5, max(values) * 1.5), lines.rate_tick)
    lines.draw(fig, ax, [lines.Line(mg.look(h), "other" if h in GREY else "peer" if h in THIN
                                    else mg.kind(h), points) for h, points in series],
               "other clients", room=98)
    shown = lines.apart(counts, str, ax.get_xlim(), (style.WIDTH - left - right) * 72)
    ax.set_xticks(shown)
    ax.set_xticklabels([str(n) for n in shown])
    ax.set_xlabel("clients, placed by the kernel")
    lines.title(fig, mg.title("clients", what))
    style.save(fig, path)


def costs(mg, what, path):
    """Bars: one client, and many."""
    blocks = []
    for n, place in mg.cost_blocks(what):
        found = [(h, mg.at(what, h, n, place)) for h in mg.hows(what, place)]
        blocks.append(("%s, %s" % (plural(n, "client"), PLACE.get(place, place)), sorted([
            (mg.label(h), mg.kind(h), c.p50, None if c.mean else c.p99)
            for h, c in found if c], key=lambda f: f[2])))
    shapes.bar_chart(blocks, path, mg.title("costs", what),
                     "logarithmic; bar: p50 or mean, hair: to p99")


DRAW = {"places": places, "clients": clients, "paces": paces, "costs": costs}
