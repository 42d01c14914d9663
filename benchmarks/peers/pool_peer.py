#!/usr/bin/env python3
"""Python's side of benchmarks/grain.c and pool.c.

prepare HOW PROCS TASK_NS NS    tasks of about that length, as many as one
                                process runs in NS
                                -> usage (4 words), rounds of a task, tasks, ns
                                   of a serial run
grain TIMES                     -> usage, ns of each, sum of the results
open HOW PROCS                  -> usage
map TASKS                       -> usage, ns of that many tasks without work
apply PACE_NS TIMES             -> usage, ns of all, ns of each
pair TIMES                      the same of maps of two tasks
close                           -> usage; end the pool
create HOW PROCS TIMES          as apply, of: make, map of 1, terminate

HOW: pool (Pool.map with the chunk that Python chooses), pool_chunk1, executor
(ProcessPoolExecutor.map, which has chunks of 1).  Workers are there, and have
been at work, before anything is timed.  The task is that of pools/busy.c, in
Python, where a round takes a hundred times as long.
"""
import sys

sys.dont_write_bytecode = True

import concurrent.futures
import multiprocessing
import warnings

import peer

MASK = (1 << 64) - 1

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
rounds = tasks = 0
pool = None


def busy(index):
    x = index + 1
    for _ in range(rounds):
        x = x * 6364136223846793005 + 1442695040888963407 & MASK
    return x


def nothing(_index):
    return None


def following(x):
    return x + 1


class Pool:
    def __init__(self, n, chunk=None):
        self.chunk = chunk
        self.pool = fork.Pool(n, initializer=peer.die_with_parent)
        self.pool.map(nothing, range(4 * n), chunksize=1)

    def map(self, f, items):
        return self.pool.map(f, items, chunksize=self.chunk)

    def apply(self, f, item):
        return self.pool.apply(f, (item,))

    def end(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    def __init__(self, n):
        self.executor = concurrent.futures.ProcessPoolExecutor(
            n, mp_context=fork, initializer=peer.die_with_parent)
        self.map(nothing, range(4 * n))

    def map(self, f, items):
        return list(self.executor.map(f, items))

    def apply(self, f, item):
        return self.executor.submit(f, item).result()

    def end(self):
        self.executor.shutdown()


WAYS = {"pool": Pool, "pool_chunk1": lambda n: Pool(n, 1),
        "executor": Executor}


def close():
    global pool
    if pool is not None:
        pool.end()
        pool = None
    return [-1] * 4


def open_(how, n):
    """A fresh pool: its workers inherit the rounds."""
    global pool
    close()
    pool = WAYS[how](int(n))
    return [-1] * 4


def workers_cpu():
    """CPU ns of the living workers, or None where the kernel does not tell."""
    total = 0
    try:
        for child in multiprocessing.active_children():
            with open(f"/proc/{child.pid}/schedstat") as f:
                total += int(f.read().split()[0])
    except OSError:
        return None
    return total


class Used:
    """Usage, the living workers' CPU time included; their switches are not
    known."""

    def __init__(self):
        self.cpu, self.mine = workers_cpu(), peer.usage()

    def words(self):
        mine, cpu = peer.between(self.mine, peer.usage()), workers_cpu()
        if None in (cpu, self.cpu):
            return [-1] * 4
        return [mine[0] + cpu - self.cpu, -1, -1, -1]


def serial(n):
    """ns, sum"""
    begin = peer.now()
    total = sum([busy(i) for i in range(n)]) & MASK
    return peer.now() - begin, total


def calibrate(task_ns):
    """How many rounds take so long."""
    global rounds
    rounds, least = 0, []
    for rounds in 0, 1000:
        n = 2000 if rounds == 0 else 20
        least.append(min(serial(n)[0] for _ in range(5)) / n)
    each = (least[1] - least[0]) / 1000
    rounds = max(0, round((task_ns - least[0]) / each))


def prepare(how, n, task_ns, ns):
    global tasks
    calibrate(int(task_ns))
    tasks = max(4 * int(n), int(ns) // int(task_ns))
    used = Used()
    before = serial(tasks)[0]
    ns = (before + serial(tasks)[0]) // 2
    open_(how, n)
    pool.map(busy, range(tasks // 4))
    return used.words() + [rounds, tasks, ns]


def grain(times):
    used, found = Used(), []
    for _ in range(int(times)):
        begin = peer.now()
        results = pool.map(busy, range(tasks))
        found.append(peer.now() - begin)
    return used.words() + found + [sum(results) & MASK]


def map_(count):
    used = Used()
    begin = peer.now()
    results = pool.map(nothing, range(int(count)))
    ns = peer.now() - begin
    if len(results) != int(count):
        raise RuntimeError(f"{len(results)} results of {count} tasks")
    return used.words() + [ns]


def timed(times, once, pace=0):
    """usage, ns of all, ns of each; paced: after a wait, awake"""
    used, found, due = Used(), [], peer.now()
    for _ in range(int(times)):
        due += pace
        while peer.now() < due:
            pass
        begin = peer.now()
        once()
        due = peer.now()
        found.append(due - begin)
    words = used.words()
    if pace:
        words[0] = -1   # the wait is not the operation's
    return words + [sum(found)] + found


def apply(pace, times):
    def once():
        if pool.apply(following, 41) != 42:
            raise RuntimeError("not the answer to the question")

    once()
    return timed(times, once, int(pace))


def pair(times):
    def once():
        if pool.map(following, (1, 2)) != [2, 3]:
            raise RuntimeError("not the answers to the questions")

    once()
    return timed(times, once)


class Created:
    """As a user makes it: nothing but what it takes."""

    @staticmethod
    def pool(n):
        with fork.Pool(n) as p:     # terminates it at the end
            return p.map(following, (1,))

    @staticmethod
    def executor(n):
        with concurrent.futures.ProcessPoolExecutor(n, mp_context=fork) as p:
            return list(p.map(following, (1,)))


def create(how, n, times):
    close()
    call = getattr(Created, how)

    def once():
        if call(int(n)) != [2]:
            raise RuntimeError("not the answer to the question")

    once()
    before = peer.usage()
    words = timed(times, once)
    return peer.between(before, peer.usage()) + words[4:]


if __name__ == "__main__":
    peer.serve({"prepare": prepare, "grain": grain, "open": open_,
                "map": map_, "apply": apply, "pair": pair, "close": close,
                "create": create})
    close()
