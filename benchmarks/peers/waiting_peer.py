#!/usr/bin/env python3
"""Python's side of benchmarks/waiting.c.

pair CPU N              -> usage (4 words), ns of all N
throttle PROCS TOKENS NS WINDOWS WINDOW_NS
                        -> the words of peer.contest
condition CPU CPU N     -> usage, ns of all, ns of each round trip
event CPU CPU N         -> the same
barrier PARTIES N       -> usage, ns of all, ns of each phase
"""
import sys

sys.dont_write_bytecode = True

import multiprocessing
import os
import warnings

import peer

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
everywhere = sorted(os.sched_getaffinity(0))


def pair(cpu, n):
    s = fork.Semaphore(1)
    peer.pin(int(cpu))
    before = peer.usage()
    begin = peer.now()
    for _ in range(int(n)):
        s.acquire()
        s.release()
    ns = peer.now() - begin
    used = peer.between(before, peer.usage())
    os.sched_setaffinity(0, everywhere)
    return used + [ns]


def work(ns):
    end = peer.now() + ns
    while peer.now() < end:
        pass


def throttle(n, tokens, ns, windows, window_ns):
    ns = int(ns)
    s = fork.Semaphore(int(tokens))

    def section(batch):
        for _ in range(batch):
            with s:
                work(ns)
            work(ns)

    return peer.contest(fork, int(n), int(windows), int(window_ns), section,
                        1)[1]


WARM = 5


def team(n, side, place, times):
    """side(i, rounds) in n children -> usage, ns of all, ns of each"""
    before = peer.usage()
    with peer.Team(fork, n, lambda i: side(i, len(times)), place,
                   lambda i: side(i, WARM)) as t:
        begin = t.go()
    return (peer.between(before, peer.usage()) +
            [max(t.done) - begin, *times])


def condition(one, other, n):
    n, cpus = int(n), (int(one), int(other))
    c, turn = fork.Condition(), fork.RawValue("i")
    times = fork.RawArray("q", n)

    def side(i, rounds):
        for k in range(rounds):
            begin = peer.now()
            with c:
                if i == 0:
                    turn.value = 1
                    c.notify()
                    while turn.value != 0:
                        c.wait()
                else:
                    while turn.value != 1:
                        c.wait()
                    turn.value = 0
                    c.notify()
            if i == 0 and k < n:
                times[k] = peer.now() - begin

    return team(2, side, lambda i: cpus[i], times)


def event(one, other, n):
    n, cpus = int(n), (int(one), int(other))
    there, back, times = fork.Event(), fork.Event(), fork.RawArray("q", n)

    def side(i, rounds):
        for k in range(rounds):
            begin = peer.now()
            if i == 0:
                there.set()
                back.wait()
                back.clear()
                if k < n:
                    times[k] = peer.now() - begin
            else:
                there.wait()
                there.clear()
                back.set()

    return team(2, side, lambda i: cpus[i], times)


def barrier(parties, n):
    parties, n = int(parties), int(n)
    b, times = fork.Barrier(parties), fork.RawArray("q", n)

    def side(i, rounds):
        begin = peer.now()
        for k in range(rounds):
            b.wait()
            end = peer.now()
            if i == 0 and k < n:
                times[k] = end - begin
            begin = end

    return team(parties, side, lambda i: everywhere[i % len(everywhere)],
                times)


if __name__ == "__main__":
    peer.serve({"pair": pair, "throttle": throttle, "condition": condition,
                "event": event, "barrier": barrier})
