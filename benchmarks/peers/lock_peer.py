#!/usr/bin/env python3
"""Python's side of benchmarks/lock.c: multiprocessing.Lock.

alone CPU N             -> usage (4 words), ns of all N sections
contend PROCS WINDOWS WINDOW_NS
                        -> usage, ns of one operation * 1000, share * 1000,
                           CPUs * 1000, operations in all
increments HOW PROCS EACH
                        -> usage, ns, the counter at the end

A section is `with lock: counter.value += 1`.  The counter is a RawValue, the
fastest there is; increments/python has Lock + Value, as the documentation has
it, increments/python_raw Lock + RawValue (twice as fast).
"""
import sys

sys.dont_write_bytecode = True

import multiprocessing
import os
import warnings

import peer

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
everywhere = os.sched_getaffinity(0)


def section(lock, counter, n):
    for _ in range(n):
        with lock:
            counter.value += 1


def alone(cpu, n):
    lock, counter = fork.Lock(), fork.RawValue("Q")
    peer.pin(int(cpu))
    before = peer.usage()
    begin = peer.now()
    section(lock, counter, int(n))
    ns = peer.now() - begin
    used = peer.between(before, peer.usage())
    os.sched_setaffinity(0, everywhere)
    if counter.value != int(n):
        raise RuntimeError(f"the counter is {counter.value}, not {n}")
    return used + [ns]


def increments(how, n, each):
    n, each = int(n), int(each)
    lock = fork.Lock()
    counter = fork.Value("Q") if how == "python" else fork.RawValue("Q")
    before = peer.usage()
    with peer.Team(fork, n, lambda i: section(lock, counter, each)) as team:
        begin = team.go()
    return (peer.between(before, peer.usage()) +
            [max(team.done) - begin, counter.value])


BATCH = 16      # to look whether it is over costs a tenth of a section


def contend(n, windows, window_ns):
    lock, counter = fork.Lock(), fork.RawValue("Q")
    done, answer = peer.contest(
        fork, int(n), int(windows), int(window_ns),
        lambda batch: section(lock, counter, batch), BATCH)
    if counter.value != done:
        raise RuntimeError(f"the counter is {counter.value}, not {done}")
    return answer


if __name__ == "__main__":
    peer.serve({"alone": alone, "contend": contend, "increments": increments})
