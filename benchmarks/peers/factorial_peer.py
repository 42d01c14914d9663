#!/usr/bin/env python3
"""Python's side of benchmarks/speedup.c: the same factorials, the same digest.

prepare HOW LAST N      HOW: python_sequential, or python_pool with N workers
run                     -> ns, digest, CPU ns
nothing                 the same for no numbers: what asking costs

The pool is made in prepare and kept warm: its best setting.  So is the chunk:
the default (items / 4 N) leaves the largest factorials to the last chunk and
half the workers idle; 4 to 32 numbers a chunk are equally fast.
"""
import sys

sys.dont_write_bytecode = True

import array
import math
import multiprocessing
import warnings
import zlib

import peer

CHUNK = 16

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
pool = None
pool_size = 0
once = None


def item(n):
    f = math.factorial(n)
    return zlib.crc32(f.to_bytes((f.bit_length() + 63) // 64 * 8, "little"))


def digest(crcs):
    words = array.array("I", crcs)
    if sys.byteorder != "little":
        words.byteswap()
    return zlib.crc32(words.tobytes())


def take_pool(n):
    """A pool of n workers; the one there is, if it has that size."""
    global pool, pool_size
    if pool_size != n:
        if pool is not None:
            pool.terminate()
            pool.join()
            pool = None
        if n > 0:
            pool = fork.Pool(n, initializer=peer.die_with_parent)
            pool.map(item, range(4 * n), chunksize=1)   # all have been at work
        pool_size = n
    return pool


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


def prepare(how, last, n):
    global once
    numbers = range(int(last) + 1)
    if how == "python_sequential":
        take_pool(0)
        once = lambda: [item(i) for i in numbers]
    else:
        workers = take_pool(int(n))
        once = lambda: workers.map(item, numbers, chunksize=CHUNK)
    return []


def nothing():
    return run(lambda: [])


def run(work=None):
    cpu, inner = peer.usage()[0], workers_cpu()
    begin = peer.now()
    crcs = (work or once)()
    ns = peer.now() - begin
    cpu, after = peer.usage()[0] - cpu, workers_cpu()
    if inner is None or after is None:
        cpu = -1
    else:
        cpu += after - inner
    return [ns, digest(crcs), cpu]


peer.serve({"prepare": prepare, "run": run, "nothing": nothing})
take_pool(0)
