#!/usr/bin/env python3
"""Every way from one process to another, compared: what make ipc prints.

A table of mechanisms and sizes of messages: the round trip, the throughput and
the system calls per message; what is there for a mere signal; what several
readers get; and a paragraph of advice, computed from these figures.  What could
not be measured is named, with the reason.  All is kept in build/ipc.json.

It takes less than a minute.  For figures to be quoted: make bench.

Exit status: 0 measured, 1 a benchmark reported an error, 2 usage or
environment.
"""
import sys

sys.dont_write_bytecode = True

import argparse
import os
import random
import signal
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "harness"))

import load
import machine
import results
import runner
import stats
from families import FAMILIES, arguments as arguments_of, bare, how
from results import Results, value
from runner import Failure
from tables import duration, label, rate, size

SIZES = (64, 4096, 65536, 1048576)
SMALL, LARGE = SIZES[0], SIZES[-1]
REPS, MS = 3, 20

# In the order of the table; what is not here is for a signal only, or no
# mechanism of its own.
OURS = ("rawmp_pipe", "rawmp_queue")
KERNEL = ("pipe", "fifo", "socketpair_stream", "socketpair_seqpacket",
          "socketpair_dgram", "tcp", "udp", "posix_mq", "sysv_mq", "vmsplice",
          "process_vm_readv")
OTHERS = ("boost", "zeromq", "nng")
PYTHON = ("python_pipe", "python_simplequeue", "python_queue")
LIMIT = "memcpy"
TABLE = OURS + KERNEL + OTHERS + PYTHON + (LIMIT,)
SIGNALS = ("futex", "posix_sem", "sysv_sem", "eventfd", "signal", "spin")
# What a reader of several is called in the family queue.
READERS = {"rawmp": "rawmp_queue", "pipe": "pipe",
           "seqpacket": "socketpair_seqpacket", "mutex_cond": "mutex_cond",
           "boost": "boost", "python_queue": "python_queue",
           "python_simplequeue": "python_simplequeue"}


def arguments():
    p = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__, usage="ipc.py [OPTION]...")
    p.add_argument("--reps", type=int, metavar="N", default=REPS,
                   help=f"how many rounds ({REPS})")
    p.add_argument("--ms", type=int, metavar="N", default=MS,
                   help=f"milliseconds for each measurement ({MS})")
    p.add_argument("--json", metavar="FILE", help="instead of build/ipc.json")
    p.add_argument("--python", metavar="PATH", default=sys.executable,
                   help="the Python to measure (this one)")
    p.add_argument("--build", metavar="DIR", help="instead of build/default")
    a = p.parse_args()
    if not 1 <= a.reps <= 100:
        raise Failure(f"--reps {a.reps}: a number from 1 to 100 is wanted")
    if not 1 <= a.ms <= 10000:
        raise Failure(f"--ms {a.ms}: a number from 1 to 10000 is wanted")
    a.build = a.build or os.path.join(ROOT, "build", "default")
    a.json = os.path.abspath(a.json or os.path.join(ROOT, "build", "ipc.json"))
    if os.path.isdir(a.json):
        raise Failure(f"--json {a.json}: it is a folder")
    return a


# ---- what is measured ------------------------------------------------------

def largest_buffers(names):
    """Of throughput's cells of our sizes, those with the largest buffer."""
    best = {}
    for n in names:
        a = arguments_of(n)
        if int(a["bytes"]) in SIZES and how(n) in TABLE:
            best[how(n), a["bytes"]] = n    # the buffers come in order
    return list(best.values())


class Part:
    """One program with its options: some of its benchmarks."""

    def __init__(self, a, family, options, choose):
        path = runner.program(a.build, family)
        names = runner.listing(path, [])
        self.path, self.family, self.options = path, family, options
        self.names = choose(names)
        self.found = Results(FAMILIES[family], True, self.names)

    def run(self, a, progress, rep, counting=False):
        options = [*self.options, f"--ms={a.ms}", f"--python={a.python}",
                   "--benchmark_enable_random_interleaving=true"]
        if counting:
            got = runner.run(self.path, self.names, options + ["--counting"],
                             progress, "ipc")
            self.found.add_counting(got[0])
        else:
            self.found.add(self.found.benchmarks, rep, *runner.run(
                self.path, self.names, options, progress, "ipc"))

    def name(self, mechanism, **wanted):
        """The full name of its benchmark, or None."""
        for n in self.names:
            a = arguments_of(n)
            if how(n) == mechanism and all(a[k] == str(v)
                                           for k, v in wanted.items()):
                return bare(n)
        return None

    def median(self, name, of):
        """Over the rounds; None: not measured."""
        got = self.found.values(name, of) if name else {}
        return stats.median(got.values()) if got else None

    def why(self, name):
        for message, names in self.found.messages().items():
            if name in names:
                return message.replace("skipped: ", "")
        return None


def parts(a):
    place = "cross" if len(os.sched_getaffinity(0)) > 1 else "same"

    def trips(mechanisms):
        return lambda names: [
            n for n in names if how(n) in mechanisms and
            arguments_of(n) == {"place": place, "pace": "busy"}]

    def shared(names):
        return [n for n in names if how(n) in READERS and
                arguments_of(n) == {"shape": "1P4C", "capacity": "1024"}]

    p = {"throughput": Part(a, "throughput", [], largest_buffers),
         "queue": Part(a, "queue", [], shared),
         8: Part(a, "latency", [], trips(SIGNALS))}
    for bytes_ in SIZES:
        p[bytes_] = Part(a, "latency", [f"--bytes={bytes_}"], trips(TABLE))
    return p


def measure(a):
    found = parts(a)
    counting = [found["throughput"], found[8], found[SMALL]]
    cells = [bare(n) for p in found.values() for n in p.names] * a.reps
    cells += [bare(n) for p in counting for n in p.names]
    progress = runner.Progress(cells)
    try:
        for rep in range(a.reps):
            for part in random.sample(list(found.values()), len(found)):
                part.run(a, progress, rep)
        for part in counting:
            part.run(a, progress, 0, counting=True)
    finally:
        progress.clear()
    return found


# ---- what came out ---------------------------------------------------------

def row(found, mechanism, bytes_):
    """One line of the result file."""
    trip = found[bytes_]
    flow = found["throughput"] if bytes_ in SIZES else None
    t = trip.name(mechanism)
    f = flow and flow.name(mechanism, bytes=bytes_)
    out = {"mechanism": mechanism, "bytes": bytes_,
           "p50_ns": trip.median(t, value)}
    for rate_ in "messages_per_second", "bytes_per_second":
        out[rate_] = flow and flow.median(f, lambda e: e[rate_])
    calls = flow.found.counted(f, "syscalls") if f else None
    if calls is None and t and (not f or flow.median(f, value) is None):
        calls = trip.found.counted(t, "syscalls")   # of two messages
        calls = calls / 2 if calls is not None else None
    out["syscalls_per_message"] = calls
    return out


def rows(found):
    out = [row(found, m, b) for m in TABLE for b in SIZES]
    out += [row(found, m, 8) for m in SIGNALS]
    return [r for r in out if r["p50_ns"] is not None
            or r["bytes_per_second"] is not None]


def readers(found):
    part = found["queue"]
    out = [{"mechanism": READERS[how(n)], "messages_per_second":
            part.median(bare(n), lambda e: e["messages_per_second"])}
           for n in part.names]
    return sorted((r for r in out if r["messages_per_second"] is not None),
                  key=lambda r: -r["messages_per_second"])


def left_out(found):
    """[{mechanism, why}]: wholly, or some of its sizes."""
    reasons = {}
    for key, part in found.items():
        for message, names in part.found.messages().items():
            for n in names:
                a = arguments_of(n)
                bytes_ = int(a.get("bytes", 0)) or \
                    (key if isinstance(key, int) else 0)
                who = READERS.get(how(n), how(n)) if key == "queue" else how(n)
                why = message.replace("skipped: ", "")
                reasons.setdefault((who, why), set()).add(bytes_)
    out = []
    for (who, why), sizes in reasons.items():
        if 0 < len(sizes) < len(SIZES) and not {0, 8} & sizes:
            why = ", ".join(size(b) for b in sorted(sizes)) + ": " + why
        if {"mechanism": who, "why": why} not in out:
            out.append({"mechanism": who, "why": why})
    return out


# ---- advice ----------------------------------------------------------------

class Figures:
    def __init__(self, rows_):
        self.of = {(r["mechanism"], r["bytes"]): r for r in rows_}

    def best(self, bytes_, key, among, most=True):
        """(mechanism, figure), or None."""
        known = [(r[key], m) for (m, b), r in self.of.items()
                 if b == bytes_ and m in among and r.get(key)]
        if not known:
            return None
        figure, who = (max if most else min)(known)
        return who, figure


def times(a, b):
    """How many times as much a is as b, in words."""
    x = a / b
    return f"{x:.1f} times" if x < 10 else f"{x:.0f} times"


def per_second(n, unit):
    """4.22 million messages a second; 2.32 GB a second."""
    if unit == "B":
        return f"{rate(n)[:-1]} {rate(n)[-1]}B a second"
    n, word = (n / 1e6, " million") if n >= 1e6 else (round(n, -3), "")
    digits = 2 if word and n < 10 else 1 if word and n < 100 else 0
    return f"{n:,.{digits}f}{word} {unit} a second"


def beside(figure, other, unit):
    """", 7.9 times the kernel's best (pipe, 3.0 million ...)" """
    if other is None or other[1] == figure:
        return ""
    return (f", {times(figure, other[1])} the kernel's best ({other[0]}, "
            f"{per_second(other[1], unit)})")


def advise(rows_, readers_):
    f = Figures(rows_)
    take = OURS + KERNEL + OTHERS + PYTHON
    out = []
    small = f.best(SMALL, "messages_per_second", take)
    if small:
        out.append(f"For small messages ({size(SMALL)}) take {small[0]}: "
                   f"{per_second(small[1], 'messages')}"
                   + beside(small[1], f.best(SMALL, "messages_per_second",
                                             KERNEL), "messages") + ".")
    trip = f.best(SMALL, "p50_ns", take, most=False)
    kernel = f.best(SMALL, "p50_ns", KERNEL, most=False)
    if trip:
        there = f"The shortest round trip is that of {trip[0]}, {duration(trip[1])}"
        if kernel and kernel[0] != trip[0]:
            there += (f"; where both sleep in the kernel it is {kernel[0]}'s, "
                      f"{duration(kernel[1])}")
        out.append(there + ".")
    large = f.best(LARGE, "bytes_per_second", take)
    if large:
        words = f"For large ones ({size(LARGE)}) take {large[0]}: " \
                f"{per_second(large[1], 'B')}" + \
                beside(large[1], f.best(LARGE, "bytes_per_second", KERNEL),
                       "B")
        line = f.of.get((LIMIT, LARGE))
        if line and line["bytes_per_second"]:
            share = large[1] / line["bytes_per_second"]
            words += (f", and {share:.0%} of" if share < 0.95 else
                      ", and as much as") + \
                " two copies through shared memory give"
        out.append(words + ".")
    shared = [r for r in readers_ if r["mechanism"] in take]
    if shared:
        who, figure = shared[0]["mechanism"], shared[0]["messages_per_second"]
        other = next(((r["mechanism"], r["messages_per_second"])
                      for r in shared if r["mechanism"] in KERNEL), None)
        out.append(f"For many readers take {who}: one writer and four readers "
                   f"move {per_second(figure, 'messages')}"
                   + beside(figure, other, "messages") + ".")
    free = [m for m in take if all(
        (f.of.get((m, b)) or {}).get("syscalls_per_message") is not None and
        f.of[m, b]["syscalls_per_message"] < 0.05 for b in SIZES[:2])]
    calls = f.best(SMALL, "syscalls_per_message", KERNEL, most=False)
    if free and calls:
        out.append(f"No system call per message, while both sides run: "
                   f"{', '.join(free)}; the kernel's ways need {calls[1]:.1f} "
                   "or more.")
    return " ".join(out) or "Nothing could be measured: no advice."


# ---- showing ---------------------------------------------------------------

def short(ns):
    """A time in at most 5 columns."""
    if ns is None:
        return "-"
    return duration(ns).replace(" ", "").replace("us", "u").replace("ns", "n") \
        .replace("ms", "m")


def calls_text(r, counted):
    n = r["syscalls_per_message"]
    if n is None:
        return "n/a" if not counted else "-"
    return "0" if n < 0.005 else f"{n:.2f}"[1:] if n < 0.995 else \
        f"{n:.1f}" if n < 9.95 else f"{n:.0f}" if n < 999.5 else \
        f"{n / 1000:.0f}k"


def table(rows_, counted):
    of = {(r["mechanism"], r["bytes"]): r for r in rows_}
    yield " " * 16 + "".join(f"{size(b):>12}{'':4}" for b in SIZES).rstrip()
    yield " " * 16 + f"{'trip':>6}{'B/s':>6}{'sys':>4}" * len(SIZES)
    for m in TABLE:
        mine = [of.get((m, b)) for b in SIZES]
        if not any(mine):
            continue
        text = f"{label(m):<16}"
        for r in mine:
            if r is None:
                text += f"{'-':>6}{'-':>6}{'-':>4}"
            else:
                text += (f"{short(r['p50_ns']):>6}"
                         f"{rate(r['bytes_per_second']):>6}"
                         f"{calls_text(r, counted):>4}")
        yield text


def wrapped(text):
    return textwrap.fill(text, 79, break_on_hyphens=False,
                         break_long_words=False)


def show(found, data):
    counters = found["throughput"].found.counting_context.get("syscalls", "ok")
    place = found["throughput"].found.context.get("place", "")
    print("trip: there and back, p50; B/s: bytes a second, one way; sys: system "
          "calls")
    print("per message, of both sides.  " + place)
    print()
    for text in table(data["rows"], counters == "ok"):
        print(text)
    print("\nfor a signal, 8 bytes: there and back, and system calls each way")
    for r in data["rows"]:
        if r["bytes"] == 8:
            print(f"{label(r['mechanism']):<16}{short(r['p50_ns']):>6}"
                  f"{calls_text(r, counters == 'ok'):>6}")
    print("\none writer, four readers, 64 bytes: messages a second")
    for r in data["readers"]:
        print(f"{label(r['mechanism']):<16}{rate(r['messages_per_second']):>6}")
    print()
    print(wrapped(data["advice"]))
    if data["left_out"]:
        print("\nLeft out:")
    reasons = {}
    for entry in data["left_out"]:
        reasons.setdefault(entry["why"], []).append(entry["mechanism"])
    for why, who in reasons.items():
        print(textwrap.fill(f"{', '.join(who)}: {why}", 79,
                            subsequent_indent="  ", break_on_hyphens=False))
    if counters != "ok":
        print(textwrap.fill(f"system calls: {counters}", 79,
                            subsequent_indent="  "))
    rounds = [r for p in found.values() for r in p.found.rounds]
    loud = [r for r in rounds if r["loud"]]
    if loud:
        print(textwrap.fill(
            f"{len(loud)} of {len(rounds)} runs were disturbed: others took up "
            f"to {max(r['foreign'] for r in loud):.0%} of the CPUs", 79))


def run(a):
    results.check_folder("--json", os.path.dirname(a.json))
    busy = load.warning()
    if busy:
        print(textwrap.fill("warning: " + busy, 79), file=sys.stderr)
    found = measure(a)
    data = {"machine": machine.card(), "rows": rows(found),
            "readers": readers(found), "left_out": left_out(found)}
    data["advice"] = advise(data["rows"], data["readers"])
    show(found, data)
    results.write(a.json, data)
    print(f"\n{os.path.relpath(a.json)} written")
    errors = {m for p in found.values() for m in p.found.errors()}
    for m in sorted(errors):
        print(f"ipc.py: {m}", file=sys.stderr)
    return 1 if errors else 0


def main():
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        return run(arguments())
    except Failure as e:
        print(textwrap.fill(f"ipc.py: {e}", 79), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ipc.py: stopped; nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
