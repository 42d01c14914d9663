#!/usr/bin/env python3
"""Where we stand: ours, the best peer and the limit, row by row, with goals.

A repetition runs the benchmarks of all rows once, each program run a fresh
process, in random order.  What is shown are medians over the repetitions;
ratios are taken repetition by repetition.  The best peer is the one with the
best median.  The table is kept in build/scoreboard.json.

Exit status: 0 measured, whether the goals are met or not; 2 usage,
environment, or a benchmark that reported an error.
"""
import sys

sys.dont_write_bytecode = True

import argparse
import os
import random
import re
import signal
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "harness"))

import load
import results
import runner
import stats
from families import FAMILIES, bare
from results import Results
from rows import ROWS, Row, family_of
from runner import Failure
from tables import duration

REPS, BRIEF_REPS = 15, 3

# ---- measuring -------------------------------------------------------------

def arguments():
    p = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__, usage="scoreboard.py [OPTION]...")
    p.add_argument("--reps", type=int, metavar="N",
                   help=f"repetitions ({REPS})")
    p.add_argument("--brief", action="store_true",
                   help=f"{BRIEF_REPS} repetitions: less than a minute")
    p.add_argument("--rows", metavar="RE", default="",
                   help="only rows whose names it matches")
    p.add_argument("--json", metavar="FILE",
                   help="instead of build/scoreboard.json")
    p.add_argument("--python", metavar="PATH", default=sys.executable,
                   help="the Python to measure beside ours (this one)")
    p.add_argument("--seed", type=int, default=None, help="of the order")
    p.add_argument("--build", metavar="DIR", help="instead of build/default")
    a = p.parse_args()
    if a.reps is None:
        a.reps = BRIEF_REPS if a.brief else REPS
    if not 1 <= a.reps <= 1000:
        raise Failure(f"--reps {a.reps}: a number from 1 to 1000 is wanted")
    try:
        a.rows = [r for r in ROWS if re.search(a.rows, r.name)]
    except re.error as e:
        raise Failure(f"--rows {a.rows}: not a regular expression: {e}")
    if not a.rows:
        raise Failure("--rows: it matches none of these: "
                      + "; ".join(r.name for r in ROWS))
    a.build = a.build or os.path.join(ROOT, "build", "default")
    a.json = os.path.abspath(a.json or os.path.join(ROOT, "build",
                                                    "scoreboard.json"))
    if os.path.isdir(a.json):
        raise Failure(f"--json {a.json}: it is a folder")
    return a


def cells(rows):
    """{(family, counting): the cells that the rows need}"""
    found = {}
    for row in rows:
        for figure in row.figures():
            for cell in figure.cells:
                mine = found.setdefault((family_of(cell), figure.counting), [])
                if cell not in mine:
                    mine.append(cell)
    return found


def listing(a, family):
    """{cell: its name as the filter sees it}"""
    path = runner.program(a.build, family)
    return {bare(n): n for n in runner.listing(path, [])}


def plan(a, rng):
    """-> the Results to fill, and the runs: (into, repetition, names)."""
    found, runs, names = {}, [], {}
    for key, wanted in cells(a.rows).items():
        listed = listing(a, key[0])
        absent = [c for c in wanted if c not in listed]
        if absent:
            raise Failure(f"{key[0]} has no benchmark {absent[0]}: build it "
                          "again: make")
        found[key] = Results(FAMILIES[key[0]], a.brief, wanted)
        names[key] = [listed[c] for c in wanted]
    for rep in range(a.reps):
        parts = [(key, rep, part) for key, f in found.items()
                 for part in f.family.sliced(names[key], rng)]
        runs += rng.sample(parts, len(parts))
    return found, runs


def measure(a):
    rng = random.Random(a.seed)
    found, runs = plan(a, rng)
    progress = runner.Progress([bare(n) for _, _, part in runs for n in part])
    try:
        for key, rep, part in runs:
            family = found[key].family
            s = family.settings["brief"]
            options = [*s["options"], f"--benchmark_min_time={s['min_time']}",
                       "--benchmark_enable_random_interleaving=true",
                       f"--python={a.python}"]
            if key[1]:
                options.append("--counting")
            got = runner.run(runner.program(a.build, family.name), part,
                             options, progress, "scoreboard")
            found[key].add(found[key].benchmarks, rep, *got)
    finally:
        progress.clear()
    return found


# ---- judging ---------------------------------------------------------------

def middle(figure, found):
    """The median over the repetitions, or None."""
    known = [v for v in figure.values(found).values() if v is not None]
    return stats.median(known) if known else None


def best(figures, found):
    """Of the peers that could be measured, the one with the best median."""
    known = [(middle(f, found), f) for f in figures]
    known = [(m, f) for m, f in known if m is not None]
    if not known:
        return None, None
    pick = min if known[0][1].better == "less" else max
    return pick(known, key=lambda k: k[0])


def ratios(row, other, found):
    a, b = row.ours.values(found), other.values(found)
    upside_down = (row.sense == ">=") == (row.ours.better == "less")
    pairs = [(a[r], b[r]) for r in a if r in b]
    return [y / x if upside_down else x / y for x, y in pairs]


def judge(row, found):
    ours = middle(row.ours, found)
    peer, who = best(row.peers, found)
    out = {"row": row.name, "ours": ours, "peer": peer,
           "peer_name": who.name if who else None,
           "limit": middle(row.limit, found) if row.limit else None,
           "limit_name": row.limit.name if row.limit else None,
           "of": row.of, "ratio": None, "low": None, "high": None,
           "goal": f"{row.sense} {row.goal:g}", "met": None,
           "unit": row.ours.unit, "reps": 0}
    if row.of == "itself":
        figures = [v for v in row.ours.values(found).values() if v is not None]
    else:
        other = row.limit if row.of == "limit" else who
        figures = ratios(row, other, found) if other is not None else []
    if not figures:
        return out
    mid = stats.median(figures)
    out["low"], out["high"] = stats.interval(figures) or (None, None)
    out.update(met=row.reached(mid), reps=len(figures))
    if row.of != "itself":
        out["ratio"] = mid
    return out


# ---- showing ---------------------------------------------------------------

def shown(x, unit):
    if x is None:
        return "-"
    if unit == "ns":
        return duration(x).replace(" ", "")
    if unit == "calls":
        return f"{x:.2g}"
    return f"{x:.0f}" if unit.startswith("calls") else f"{x:.2f}"


def plain(x):
    """A ratio in few characters."""
    if x is None:
        return "-"
    return f"{x:.2f}" if x < 10 else f"{x:.0f}"


def line(j):
    low, high = j["low"], j["high"]
    span = f"{plain(low)}..{plain(high)}" if low is not None else "-"
    if len(span) > 10:
        span = f"{low:.3g}..{high:.3g}"
    word = {True: "met", False: "short", None: "n/a"}[j["met"]]
    peer = j["peer_name"] or "-"
    return (f"{j['row']:<20}{shown(j['ours'], j['unit']):>7}"
            f"{shown(j['peer'], j['unit']):>7} "
            f"{peer.replace('pthread_', '').split('_')[0]:<8}"
            f"{shown(j['limit'], j['unit']):>7}{plain(j['ratio']):>6} "
            f"{span:>10} {j['goal'].replace(' ', ''):>6} {word}")


def remarks(a, judged, found):
    limits = [j["row"] for j in judged if j["of"] == "limit"]
    yield (f"{a.reps} repetitions; medians.  Ratio: with <= ours / peer, with >= "
           "how many times better ours is"
           + (f"; to the limit: {', '.join(limits)}" if limits else "") + ".")
    told = set()
    for f in found.values():
        for message, names in f.messages().items():
            if message not in told:
                told.add(message)
                yield f"{message}: {', '.join(names[:2])}" + \
                    (" …" if len(names) > 2 else "")
    for key, f in found.items():
        what = "futexes" if key[0] == "lock" else "syscalls"
        state = f.context.get("counter." + what, "ok") if key[1] else "ok"
        if state != "ok":
            yield (f"futex calls of peers: {state}" if what == "futexes" else
                   f"system calls: {state}")
    rounds = [r for f in found.values() for r in f.rounds]
    loud = [r for r in rounds if r["loud"]]
    if loud:
        yield (f"{len(loud)} of {len(rounds)} runs were disturbed: others took "
               f"up to {max(r['foreign'] for r in loud):.0%} of the CPUs; where "
               "half of a benchmark's runs were quiet, only these count.")


def show(a, judged, found):
    print(f"{'':<20}{'ours':>7}{'peer':>7} {'':<8}{'limit':>7}{'ratio':>6} "
          f"{'95 %':>10} {'goal':>6}")
    for j in judged:
        print(line(j))
    for sentence in remarks(a, judged, found):
        print()
        print(textwrap.fill(sentence, 79, subsequent_indent="  ",
                            break_on_hyphens=False))
    met = sum(j["met"] is True for j in judged)
    known = sum(j["met"] is not None for j in judged)
    print(f"\n{met} of {len(judged)} rows met, {known - met} short"
          + (f", {len(judged) - known} n/a" if known < len(judged) else ""))


def run(a):
    results.check_folder("--json", os.path.dirname(a.json))
    busy = load.warning()
    if busy:
        print(textwrap.fill("warning: " + busy, 79), file=sys.stderr)
    found = measure(a)
    judged = [judge(row, found) for row in a.rows]
    show(a, judged, found)
    results.write(a.json, judged)
    print(f"{os.path.relpath(a.json)} written")
    errors = any(f.errors() for f in found.values())
    if errors or all(j["met"] is None for j in judged):
        print("scoreboard.py: some rows could not be measured, see above",
              file=sys.stderr)
        return 2
    return 0


def main():
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        return run(arguments())
    except Failure as e:
        print(textwrap.fill(f"scoreboard.py: {e}", 79), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("scoreboard.py: stopped; nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
