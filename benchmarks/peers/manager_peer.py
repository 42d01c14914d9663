#!/usr/bin/env python3
"""Python's side of benchmarks/manager.c: multiprocessing.Manager.

alone CASE CPU CPU PACE_NS NS   -> usage (4 words), how many, ns of each; NS 0:
                                   only the start and the end
many CASE CLIENTS CPU CPU WINDOWS WINDOW_NS
                                -> usage, ns of an operation * 1000, share *
                                   1000, CPUs * 1000, operations in all

The first CPU is the server's, the second the clients'; -1: any.  CASE: get and
set of a dict proxy (bytes of 64, under keys of 11 characters), append to a list
of the client's own, counter, lock.

A Manager can not add: the counter is `with lock: v.value += 1`, as the
documentation has it, four requests.  A proxy is the fastest way in; each client
has one connection, and the server a thread for it.
"""
import sys

sys.dont_write_bytecode = True

import multiprocessing
import multiprocessing.managers
import os
import struct
import time
import warnings

import peer

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
number = struct.Struct("<Q")
KEYS, LIST = 64, 1024


def cpu_of(pid):
    """CPU time so far of a living process, with all its threads."""
    return int(time.clock_gettime((~pid << 3) | 2) * 1e9)


class Server:
    """A Manager, and what is counted beside it."""

    def __init__(self, cpu):
        self.manager = multiprocessing.managers.SyncManager(ctx=fork)
        self.manager.start(self._begin, (cpu,))
        m = self.manager
        self.dict, self.lock = m.dict(), m.Lock()
        self.lists = [m.list() for _ in range(16)]
        self.value = m.Value("Q", 0)
        self.guarded = fork.RawValue("Q")   # by the lock
        self.done = fork.RawArray("Q", 16)  # operations of each client

    @staticmethod
    def _begin(cpu):
        peer.die_with_parent()
        peer.pin(cpu)

    def cpu(self):
        return cpu_of(self.manager._process.pid)

    def check(self, case):
        n = sum(self.done)
        found = {"counter": lambda: self.value.value,
                 "lock": lambda: self.guarded.value}.get(case, lambda: n)()
        if found != n:
            raise RuntimeError(f"the sum is {found}, it must be {n}")


class Client:
    """Made in its own process; `once` is the operation."""

    def __init__(self, server, case, who):
        self.server, self.who, self.k = server, who, 0
        self.case = case
        self.keys = [f"key:{who:02}:{i:04}" for i in range(KEYS)]
        self.version = [0] * KEYS
        self.once = getattr(self, case)
        self.dict = server.dict
        self.list = server.lists[who]
        if case in ("get", "set"):
            for _ in range(KEYS):
                self.set()

    def word(self, i):
        return number.pack(self.who << 48 | i << 32 | self.version[i]) * 8

    def get(self):
        i = self.k % KEYS
        self.k += 1
        if self.dict[self.keys[i]] != self.word(i):
            raise RuntimeError("a value is not the one that was set")

    def set(self):
        i = self.k % KEYS
        self.k += 1
        self.version[i] += 1
        self.dict[self.keys[i]] = self.word(i)

    def append(self):
        self.k += 1
        self.list.append(number.pack(self.k) * 8)
        if self.k % LIST == 0:
            self.empty(LIST)

    def empty(self, n):
        if len(self.list) != n:
            raise RuntimeError(f"{len(self.list)} in the list, not {n}")
        del self.list[:]

    def counter(self):
        self.k += 1
        with self.server.lock:
            self.server.value.value += 1

    def lock(self):
        self.k += 1
        with self.server.lock:
            self.server.guarded.value += 1

    def end(self):
        """Is all there that was done?"""
        if self.case == "set":
            for _ in range(KEYS):
                self.get()
        if self.case == "append":
            self.empty(self.k % LIST)
        self.server.done[self.who] = self.k


def alone(case, server_cpu, cpu, pace_ns, ns):
    pace, ns, cpu = int(pace_ns), int(ns), int(cpu)
    server = Server(int(server_cpu))
    times = fork.RawArray("q", 1 << 20)
    count, used = fork.RawValue("q"), fork.RawArray("q", 5)
    warm = 3 if pace else 20

    def work(_):
        client = Client(server, case, 0)
        once, over, n, k = client.once, None, 0, 0
        before, cpu_before = peer.usage(), server.cpu()
        first = end = peer.now()
        while ns > 0 and (over is None or end < over and n < len(times)):
            k += 1
            if pace:
                begin = first + k * pace
                while peer.now() < begin:
                    pass
            if over is None and (k > warm or k > 1 and
                                 peer.now() > first + ns // 5):
                before, cpu_before = peer.usage(), server.cpu()
                end = peer.now()
                over = end + ns
            if not pace:
                begin = end
            once()
            end = peer.now()
            if over is not None:
                times[n] = end - begin
                n += 1
        used[:4] = peer.between(before, peer.usage())
        used[4] = server.cpu() - cpu_before
        count.value = n
        client.end()

    try:
        with peer.Team(fork, 1, work, lambda i: cpu) as team:
            team.go()
        server.check(case)
    finally:
        server.manager.shutdown()
    # The switches of the server are not known; a client that waits for its
    # turn waits awake.
    cpu_ns = -1 if pace else used[0] + used[4]
    return [cpu_ns, -1, -1, -1, count.value, *times[:count.value]]


def many(case, n, server_cpu, cpu, windows, window_ns):
    n, cpu = int(n), int(cpu)
    server = Server(int(server_cpu))
    turn, line = fork.RawValue("i"), fork.Lock()
    client = None

    def section(batch):
        nonlocal client
        if client is None:      # in a fresh child
            peer.pin(cpu)
            with line:
                who = turn.value
                turn.value += 1
            client = Client(server, case, who)
        for _ in range(batch):
            client.once()
        server.done[client.who] = client.k

    try:
        before = server.cpu()
        done, answer = peer.contest(fork, n, int(windows), int(window_ns),
                                    section, 1)
        answer[0] += server.cpu() - before
        answer[1:4] = [-1, -1, -1]
        if case in ("get", "set"):
            done += n * KEYS
        if sum(server.done) != done:
            raise RuntimeError(f"{sum(server.done)} done, {done} counted")
        server.check(case)
    finally:
        server.manager.shutdown()
    return answer


if __name__ == "__main__":
    peer.serve({"alone": alone, "many": many})
