"""METG(50 %): the shortest task at which half of the efficiency is left.

The minimum effective task granularity of Slaughter et al., "Task Bench: A
Parameterized Benchmark for Evaluating Parallel Runtime Performance", 2020.
The curve is that of the family grain; between two of its lengths it is taken
to be a straight line over the logarithm of the length.
"""
import math
import textwrap

import stats
from families import arguments, how

HALF = 0.5


def crossing(points):
    """points: (ns of a task alone, efficiency), in any order.  -> (ns, exact):
    where the efficiency first reaches one half; not exact: already at the
    shortest, so it is that or less.  None: nowhere."""
    before = None
    for ns, e in sorted(points):
        if e >= HALF:
            if before is None:
                return ns, False
            a, ea = before
            part = (HALF - ea) / (e - ea)
            return math.exp(math.log(a) + part * math.log(ns / a)), True
        before = ns, e
    return None


def point(entry):
    return entry["serial_ns"], entry["efficiency"]


def summary(entries):
    """The rows grain_metg/HOW/procs:N of a result file, one for each round."""
    curves = {}
    for e in entries:
        if "efficiency" not in e:
            continue
        procs = arguments(e["name"])["procs"]
        name = f"grain_metg/{how(e['name'])}/procs:{procs}"
        curves.setdefault((name, e["round"]), []).append(e)
    out = []
    for (name, number), mine in curves.items():
        found = crossing([point(e) for e in mine]) if len(mine) > 1 else None
        if found is None or how(name) == "sequential":
            continue
        out.append({"name": name, "run_name": name, "round": number,
                    "repetition_index": number, "iterations": 1,
                    "real_time": found[0], "time_unit": "ns",
                    "metg_ns": found[0], "exact": found[1],
                    "loud": any(e["loud"] for e in mine), "few_cpus": False})
    return out


# ---- the table -------------------------------------------------------------

HEADS = {"fork_index": "index", "openmp_dynamic": "omp d",
         "openmp_static": "omp s", "mp_pool_chunk1": "chunk1",
         "mp_pool": "pool", "mp_pool_submit": "submit", "mp_imap": "imap",
         "python_pool_chunk1": "py c1", "python_pool": "py p",
         "python_executor": "py ex"}
LEGEND = ("index: processes with a shared index; omp: OpenMP, dynamic 1 and "
          "static; chunk1 and pool: mp_pool_map, one at a time and as it "
          "chooses; py: Pool.map with chunk 1 and as it chooses, "
          "ProcessPoolExecutor")


def short(ns):
    """In at most 6 columns."""
    for size, unit in ((1e6, "m"), (1e3, "u"), (1, "n")):
        if ns >= size or unit == "n":
            v = ns / size
            return f"{v:.{1 if v < 10 and v != int(v) else 0}f}{unit}"


def table(results):
    """Lines, a table for each number of workers."""
    names = [n for n in results.names()
             if n.startswith("grain/") and how(n) in HEADS]
    for procs in dict.fromkeys(arguments(n)["procs"] for n in names):
        mine = [n for n in names if arguments(n)["procs"] == procs]
        hows = [h for h in HEADS if any(how(n) == h for n in mine)]
        yield ""
        yield (f"grain: efficiency of {procs} workers, by the length of a "
               "task")
        yield " " * 9 + "".join(HEADS[h].rjust(7) for h in hows)
        lengths = sorted({int(arguments(n)["task_ns"]) for n in mine})
        for t in lengths:
            cells = {how(n): n for n in mine
                     if int(arguments(n)["task_ns"]) == t}
            yield f"{short(t):>9}" + "".join(
                (_share(results, cells[h]) if h in cells else "").rjust(7)
                for h in hows).rstrip()
        rows = summary(results.benchmarks)
        yield "METG(50%)" + "".join(
            _metg(rows, f"grain_metg/{h}/procs:{procs}").rjust(7)
            for h in hows)
    if names:
        yield from textwrap.wrap(LEGEND, 79)


def _share(results, name):
    found = results.values(name, lambda e: e["efficiency"])
    return f"{stats.median(found.values()):.0%}"


def _metg(rows, name):
    mine = [r for r in rows if r["name"] == name]
    if not mine:
        return "-"
    ns = stats.median([r["metg_ns"] for r in mine])
    exact = sum(r["exact"] for r in mine) * 2 > len(mine)
    return ("" if exact else "<") + short(ns)
