#!/usr/bin/env python3
"""Measures families of benchmarks and writes build/results/FAMILY.json.

Each family is measured in rounds.  A round is a fresh process that runs every
benchmark once in random order; figures that are compared come from the same
round.  The ratios that have a goal get extra rounds of their own (pairs).  At
the end comes one round with counters on, whose times are not used.

Exit status: 0 all is well, 1 a benchmark reported an error, 2 usage or
environment.
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
import machine
import results
import runner
import tables
from families import FAMILIES, bare
from runner import Failure


def arguments():
    p = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__, usage="run.py [OPTION]... [FAMILY]...")
    p.add_argument("families", metavar="FAMILY", nargs="*",
                   help="of: " + " ".join(FAMILIES) + " (all)")
    p.add_argument("--brief", action="store_true",
                   help="smaller work, fewer rounds: two minutes and a half")
    p.add_argument("--reps", type=int, metavar="N", help="how many rounds")
    p.add_argument("--filter", metavar="RE", default="",
                   help="only benchmarks whose names it matches")
    p.add_argument("--out", metavar="DIR", help="instead of build/results")
    p.add_argument("--python", metavar="PATH", default=sys.executable,
                   help="the Python to measure beside ours (this one)")
    p.add_argument("--aa", action="store_true",
                   help="each benchmark against itself: what noise looks like")
    p.add_argument("--seed", type=int, default=None,
                   help="of the order of rounds")
    p.add_argument("--build", metavar="DIR", help="instead of build/default")
    a = p.parse_args()
    for f in a.families:
        if f not in FAMILIES:
            raise Failure(f"no family {f}; there are: " + " ".join(FAMILIES))
    if a.reps is not None and not 1 <= a.reps <= 1000:
        raise Failure(f"--reps {a.reps}: a number from 1 to 1000 is wanted")
    try:
        a.filter = re.compile(a.filter)
    except re.error as e:
        raise Failure(f"--filter {a.filter}: not a regular expression: {e}")
    a.build = a.build or os.path.join(ROOT, "build", "default")
    a.out = a.out or os.path.join(ROOT, "build", "results")
    return a


class Plan:
    """The program runs of a family: [(into, round, names)], in their order."""

    def __init__(self, a, family, names, rng):
        s = dict(family.settings["brief" if a.brief else "full"])
        if a.reps is not None:
            s.update(rounds=a.reps, slow_rounds=a.reps, pairs=a.reps)
        self.options = [*s["options"], f"--benchmark_min_time={s['min_time']}",
                        "--benchmark_enable_random_interleaving=true"]
        wanted = {n for r in family.ratios for n in r[1:3]}
        pair = [n for n in names if bare(n) in wanted]
        fast = [n for n in names
                if not (family.slow and family.slow.search(n))]
        self.runs = []
        for r in range(s["rounds"]):
            self.add("benchmarks", r, names if r < s["slow_rounds"] else fast,
                     family, rng)
        if a.aa:
            return
        for r in range(s["pairs"]):
            self.add("pairs", r, pair, family, rng)
        self.add("counting", 0, names, family, rng)

    def add(self, into, number, names, family, rng):
        self.runs += [(into, number, part)
                      for part in family.sliced(names, rng)]

    def cells(self):
        return [bare(n) for _, _, names in self.runs for n in names]


def measure(a, family, names, seed):
    rng = random.Random(seed)
    plan = Plan(a, family, names, rng)
    found = results.Results(family, a.brief, names)
    progress = runner.Progress(plan.cells())
    common = [f"--python={a.python}"] + (["--twice"] if a.aa else [])
    path = runner.program(a.build, family.name)
    try:
        for into, number, part in plan.runs:
            options = plan.options + common
            if into == "counting":
                options = options + ["--counting"]
            got = runner.run(path, part, options, progress, family.name)
            if into == "counting":
                found.add_counting(got[0])
            else:
                found.add(getattr(found, into), number, *got)
    finally:
        progress.clear()
    found.context["seed"] = seed
    found.judge_ratios()
    return found


def names_of(a, family):
    """What the filter leaves of a family; without one, what is chosen."""
    options = ["--twice"] if a.aa else []
    wanted = a.filter
    if a.brief and not wanted.pattern and family.few:
        wanted = family.few
    path = runner.program(a.build, family.name)
    return [n for n in runner.listing(path, options) if wanted.search(bare(n))]


def run(a):
    results.check_folder("--out", a.out)
    chosen = [FAMILIES[f] for f in a.families] or list(FAMILIES.values())
    names = {f.name: names_of(a, f) for f in chosen}
    if not any(names.values()):
        raise Failure(f"--filter {a.filter.pattern}: no benchmark of "
                      + ", ".join(names) + " matches; to see their names: "
                      + runner.program(a.build, chosen[0].name)
                      + " --benchmark_list_tests=true")
    busy = load.warning()
    if busy:
        print(textwrap.fill("warning: " + busy, 79), file=sys.stderr)
    card = machine.card()
    seed = a.seed if a.seed is not None else random.randrange(1 << 31)
    errors, told = False, set()
    for family in chosen:
        if not names[family.name]:
            continue
        found = measure(a, family, names[family.name], seed)
        print(tables.text(found, told, a.aa), flush=True)
        if not a.aa:
            files = {family.name: found.as_json(card),
                     "lost_updates": found.lost_updates()}
            print()
            for name, data in files.items():
                path = os.path.join(a.out, name + ".json")
                if data:
                    results.write(path, data)
                    print(f"{os.path.relpath(path)} written", flush=True)
        errors = errors or bool(found.errors())
    return 1 if errors else 0


def main():
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        return run(arguments())
    except Failure as e:
        print(f"run.py: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run.py: stopped; nothing was written for what was under way",
              file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
