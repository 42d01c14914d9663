#!/usr/bin/env python3
"""Is this tree slower than another revision?

Builds the revision in a worktree under build/compare, with the build type of
this one, and runs both builds in pairs, in random order, a fresh process each.
A benchmark's figure in a process is its median operation (speedup: the mean
run).  For each: the median of the ratios of the pairs with its bootstrap 95 %
interval, Wilcoxon's signed-rank test, Holm's correction for their number.

SLOWER or faster: the test says so and the whole interval lies beyond the
threshold.  same: the interval lies within it.  Otherwise inconclusive.
Benchmarks that only one of them has, and families whose sources differ, are
named and not judged.

Exit status: 0 none is slower, 1 one is, 2 usage or environment.
"""
import sys

sys.dont_write_bytecode = True

import argparse
import json
import math
import os
import random
import re
import signal
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "harness"))

import results
import runner
import stats
from families import FAMILIES, bare
from runner import Failure

ALPHA = 0.05


def arguments():
    p = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__, usage="compare.py [OPTION]... [FAMILY]...")
    p.add_argument("families", metavar="FAMILY", nargs="*",
                   help="of: " + " ".join(FAMILIES) + " (all)")
    p.add_argument("--base", metavar="REV", default="HEAD",
                   help="the revision to compare with (HEAD)")
    p.add_argument("--base-build", metavar="DIR",
                   help="a build that is there already, instead of --base")
    p.add_argument("--aa", action="store_true",
                   help="this build against itself: what the machine can see")
    p.add_argument("--pairs", type=int, metavar="N", default=15)
    p.add_argument("--threshold", type=float, metavar="PERCENT", default=5)
    p.add_argument("--filter", metavar="RE", default="",
                   help="only benchmarks whose names it matches")
    p.add_argument("--force", action="store_true",
                   help="judge families whose sources differ, too")
    p.add_argument("--strict", action="store_true",
                   help="inconclusive is a finding, too: exit 1")
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--out", metavar="DIR", help="instead of build/compare")
    p.add_argument("--build", metavar="DIR", help="instead of build/default")
    a = p.parse_args()
    for f in a.families:
        if f not in FAMILIES:
            raise Failure(f"no family {f}; there are: " + " ".join(FAMILIES))
    if not 5 <= a.pairs <= 1000:
        raise Failure(f"--pairs {a.pairs}: a number from 5 to 1000 is wanted")
    if not 0 < a.threshold <= 100:
        raise Failure(f"--threshold {a.threshold}: more than 0 and up to 100")
    try:
        a.filter = re.compile(a.filter)
    except re.error as e:
        raise Failure(f"--filter {a.filter}: not a regular expression: {e}")
    a.build = os.path.abspath(a.build or os.path.join(ROOT, "build", "default"))
    a.out = os.path.abspath(a.out or os.path.join(ROOT, "build", "compare"))
    return a


def sh(*command, cwd=ROOT):
    """What a command prints; a Failure with its words if it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    except OSError as e:
        raise Failure(f"{command[0]}: {e.strerror}")
    if done.returncode != 0:
        words = (done.stderr + done.stdout).strip().splitlines()[-5:]
        raise Failure(" ".join(command) + " failed:\n" + "\n".join(words))
    return done.stdout.strip()


def build_base(a):
    """-> the build directory of the revision, built if need be."""
    sh("git", "rev-parse", "--is-inside-work-tree")
    try:
        sha = sh("git", "rev-parse", "--verify", "--quiet", a.base + "^{commit}")
    except Failure:
        raise Failure(f"--base {a.base}: there is no such revision")
    tree = os.path.join(a.out, "tree-" + sha[:12])
    if not os.path.isdir(tree):
        sh("git", "worktree", "prune")
        sh("git", "worktree", "add", "--detach", "--force", tree, sha)
    build = os.path.join(tree, "build", "default")
    if not os.path.exists(os.path.join(build, "build.ninja")):
        with open(os.path.join(a.build, "meson-info",
                               "intro-buildoptions.json")) as f:
            option = {o["name"]: o["value"] for o in json.load(f)}
        sh("meson", "setup", build, *(f"-D{name}={option[name]}".lower() for name in
                                      ("buildtype", "b_sanitize", "b_lto")),
           cwd=tree)
    sh("ninja", "-C", build)
    return build


def changed(a, family):
    """Do the sources of a family differ from the revision's?"""
    if a.aa or a.base_build or a.force:
        return False
    parts = [f"benchmarks/{family}.c", *(f"benchmarks/{folder}" for folder in (
        "workloads", "locks", "managers", "waits", "ways", "speedups", "pools",
        "peers")),
        *(f"benchmarks/harness/*.{x}" for x in ("c", "h", "cc"))]
    return bool(sh("git", "diff", "--name-only", a.base, "--", *parts))


def link(a, name, build):
    """Paths of equal length: the length of argv moves the stack."""
    path = os.path.join(a.out, name)
    if os.path.islink(path):
        os.unlink(path)
    os.symlink(build, path)
    return path


class Judged:
    """One benchmark: its figures in both builds, pair by pair."""

    def __init__(self, name, base, new, threshold):
        self.name, self.limit = name, threshold / 100
        self.base, self.new = stats.median(base), stats.median(new)
        ratios = [n / b for n, b in zip(new, base)]
        self.change = stats.median(ratios) - 1
        self.low, self.high = (x - 1 for x in stats.interval(ratios))
        self.p = stats.wilcoxon([math.log(r) for r in ratios])

    @property
    def verdict(self):
        if self.p < ALPHA and self.low > self.limit:
            return "SLOWER"
        if self.p < ALPHA and self.high < -self.limit:
            return "faster"
        if -self.limit < self.low and self.high < self.limit:
            return "same"
        return "inconclusive"


def pairs(a, family, programs, names, rng):
    """-> {name: ([ns of base], [ns of new])}"""
    s = FAMILIES[family].settings["brief"]
    options = [*s["options"], f"--benchmark_min_time={s['min_time']}",
               "--benchmark_enable_random_interleaving=true"]
    slices = [[n for n in names if part.search(n)]
              for part in FAMILIES[family].slices]
    slices = [part for part in slices if part]
    progress = runner.Progress(
        [bare(n) for n in names] * 2 * a.pairs)
    found = {bare(n): ([], []) for n in names}
    try:
        for _ in range(a.pairs):
            for part in rng.sample(slices, len(slices)):
                for which in rng.sample((0, 1), 2):
                    got = runner.run(programs[which], part, options, progress,
                                     family)[0]
                    for e in got["benchmarks"]:
                        if results.message(e) is None:
                            found[bare(e["name"])][which].append(
                                results.value(e))
    finally:
        progress.clear()
    return {n: f for n, f in found.items() if len(f[0]) == len(f[1]) == a.pairs}


def shown(ns):
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= factor:
            return f"{ns / factor:.3g} {unit}"
    return f"{ns:.3g} ns"


def table(judged, rule):
    width = max(len(j.name) for j in judged)
    rows = [f"{'benchmark':<{width}} {'base':>8} {'new':>8} {'change':>8} "
            f"{'95 %':>18} {'p':>6}  verdict"]
    for j in judged:
        span = f"[{j.low:+.1%}, {j.high:+.1%}]"
        rows.append(f"{j.name:<{width}} {shown(j.base):>8} {shown(j.new):>8} "
                    f"{j.change:>+8.1%} {span:>18} {j.p:6.3f}  {j.verdict}")
    return "\n".join(rows + ["", rule])


def compare(a):
    os.makedirs(a.out, exist_ok=True)
    base = a.build if a.aa else a.base_build or build_base(a)
    places = link(a, "a", os.path.abspath(base)), link(a, "b", a.build)
    seed = a.seed if a.seed is not None else random.randrange(1 << 31)
    rng, found, notes = random.Random(seed), {}, []
    for family in a.families or FAMILIES:
        programs = [os.path.join(p, "benchmarks", family) for p in places]
        if not os.path.exists(programs[0]):
            notes.append(f"new: the family {family}")
            continue
        wanted = a.filter if a.filter.pattern else FAMILIES[family].ours
        lists = [[n for n in runner.listing(p, []) if wanted.search(bare(n))
                  and "/python" not in n] for p in programs]
        notes += [f"{word}: {bare(n)}" for word, one, other in
                  (("gone", *lists), ("new", *lists[::-1]))
                  for n in one if n not in other]
        names = [n for n in lists[1] if n in lists[0]]
        if names and changed(a, family):
            notes.append(f"not judged, its sources differ: {family} (--force)")
        elif names:
            found.update(pairs(a, family, programs, names, rng))
    if not found and not notes:
        raise Failure(f"--filter {a.filter.pattern}: no benchmark matches")
    judged = [Judged(n, *f, a.threshold) for n, f in found.items()]
    for j, p in zip(judged, stats.holm([j.p for j in judged])):
        j.p = p
    return judged, notes, seed


def report(a, judged, notes, seed):
    counts = {v: sum(j.verdict == v for j in judged)
              for v in ("SLOWER", "faster", "same", "inconclusive")}
    rule = (f"{a.pairs} interleaved pairs; threshold {a.threshold:g} %, p after "
            f"Holm; " + ", ".join(f"{n} {v}" for v, n in counts.items() if n))
    text = "\n".join(([table(judged, rule)] if judged else []) + notes)
    print(text)
    against = "itself" if a.aa else a.base_build or a.base
    results.write(os.path.join(a.out, "compare.json"), {
        "against": against, "pairs": a.pairs, "threshold": a.threshold,
        "seed": seed, "notes": notes, "benchmarks": [
            {"name": j.name, "base_ns": j.base, "new_ns": j.new,
             "change": j.change, "low": j.low, "high": j.high, "p": j.p,
             "verdict": j.verdict} for j in judged]})
    with open(os.path.join(a.out, "compare.md"), "w") as f:
        f.write(f"Against {against}:\n\n```\n{text}\n```\n")
    if a.aa and judged:
        worst = max(judged, key=lambda j: j.high - j.low)
        print(f"this machine sees changes of {worst.name} from about "
              f"{(worst.high - worst.low) / 2 + a.threshold / 100:.0%} on, "
              "and smaller ones of the others")
    return 1 if counts["SLOWER"] or a.strict and counts["inconclusive"] else 0


def main():
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        a = arguments()
        return report(a, *compare(a))
    except Failure as e:
        print(f"compare.py: {e}", file=sys.stderr)
        return 2
    except OSError as e:
        print(f"compare.py: {e.filename}: {e.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("compare.py: stopped; nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
