"""What is worth telling about work shared out: speedup, grain, pool. findings.py
has the rules.
"""
import math

import amdahl
import stats
from cases import est
from finding import Finding, told
from results import plural, time_text, word


def of_speedup(sps):
    """Of each kind the workload in which it shows most; with one workload, that."""
    best = {}
    for sp in sps:
        for kind, f in of_workload(sp):
            rank = (f.clear, abs(math.log(f.estimate.value)))
            if kind not in best or rank > best[kind][0]:
                best[kind] = rank, sp, f
    out = []
    for _, sp, f in best.values():
        if len(sps) > 1:
            f.sentence = "%s: %s" % (sp.workload.capitalize(), f.sentence)
        out.append(f)
    return out


def of_workload(sp):
    """[(kind, Finding)]"""
    n = sp.full
    at = {m.how: m.at(n) for m in sp.methods if m.at(n)}
    found = [("shares", shares(sp, at)), ("threads", threads(sp, at, n))] if n > 1 else []
    found += [("pool", pool(sp, at, n)), ("beyond", beyond(sp, n))]
    return [(kind, f) for kind, f in found if f]


def shares(sp, at):
    """Contiguous blocks against the shared next index."""
    if "fork_block" not in at or "fork_index" not in at:
        return None
    a, b = at["fork_block"], at["fork_index"]
    r = stats.ratio(a.times, b.times)
    return Finding(r, "Tasks handed out as contiguous blocks need %s the time of tasks taken "
                   "one by one from a shared counter: with %s, blocks reach %s the "
                   "sequential speed, the counter %s%s" % (
                       est(r), sp.procs_text(sp.full), est(a.speedup), est(b.speedup),
                       told(r, ". The shares are equal in number, not in work"
                            if sp.workload in amdahl.UNEVEN else "")))


def pool(sp, at, n):
    """Python's Pool against ours, or the best native way while there is no pool."""
    if "python_pool" not in at or sp.python_what:
        return None
    native = [h for h in at if not h.startswith("python")]
    ours = [h for h in ("mp_pool", "mp_process") if h in at] or sorted(
        native, key=lambda h: at[h].ns)[:1]
    if not ours:
        return None
    a, b = at["python_pool"], at[ours[0]]
    r = stats.ratio(a.times, b.times)
    return Finding(r, "Python\u2019s Pool needs %s the time of %s for the same work with %s "
                   "(%s, %s)%s Each against its own sequential run, Pool reaches %s, %s %s."
                   % (est(r), sp.method(ours[0]).label, plural(n, "process", "processes"),
                      time_text(a.ns), time_text(b.ns), told(r), est(a.speedup),
                      sp.method(ours[0]).label, est(b.speedup)))


def threads(sp, at, n):
    other = next((h for h in ("fork_index", "mp_process") if h in at), None)
    if "threads" not in at or not other:
        return None
    a, b = at["threads"], at[other]
    r = stats.ratio(a.times, b.times)
    return Finding(r, "In C, %s need %s the time of as many processes (%s): they reach %s and "
                   "%s%s" % (plural(n, "thread"), est(r), sp.method(other).label,
                             est(a.speedup), est(b.speedup), told(r)))


def beyond(sp, n):
    """More processes than CPUs: the method that it changes most."""
    more = max(sp.counts)
    if more <= sp.cpus:
        return None
    moves = [(stats.ratio(m.at(n).times, m.at(more).times), m)
             for m in sp.methods if m.at(n) and m.at(more)]
    if not moves:
        return None
    r, m = max(moves, key=lambda t: abs(t[0].value - 1))
    return Finding(r, "With %s on %s instead of %s, %s runs at %s the speed; it changes more "
                   "than any other way%s" % (
                       plural(more, "process", "processes"), plural(sp.cpus, "CPU"), word(n),
                       m.label, est(r), told(r)))


def of_grain(gr):
    """One task at a time, and tasks as messages, beside Python; and beside OpenMP."""
    out, procs = [], gr.usual()
    for ours, other in (("mp_pool_chunk1", "python_pool_chunk1"),
                        ("mp_pool_chunk1", "openmp_dynamic"),
                        ("mp_pool_submit", "python_executor")):
        a, b = gr.get(procs, other), gr.get(procs, ours)
        r = a and b and gr.ratio(a, b)
        if r:
            out.append(Finding(r, "For half of the time of %s to be work, %s needs tasks %s as "
                               "long as %s: %s, %s%s" % (
                                   plural(procs, "process", "processes"), a.label, est(r),
                                   b.label, time_text(a.metg.value), time_text(b.metg.value),
                                   told(r))))
    return out


TRIPS = (("apply_awake", "One task there and back, workers awake"),
         ("apply_asleep", "One task there and back, workers asleep"),
         ("create", "A pool of two, made, used once and ended"))


def of_pool(pl):
    out = []
    for part, what in TRIPS:
        ours, other = pl.get(part, pl.mine(part)), pl.get(part, "python_pool")
        if ours and other:
            r = pl.ratio(other, ours)
            out.append(Finding(r, "%s: Python\u2019s Pool takes %s the time of %s: %s, %s%s" % (
                what, est(r), pl.noun(part), time_text(other.p50), time_text(ours.p50),
                told(r))))
    return out
