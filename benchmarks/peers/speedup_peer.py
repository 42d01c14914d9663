#!/usr/bin/env python3
"""Python's side of benchmarks/speedup.c: the same work, the same digest.

work NAME SIZE FILE     a workload of workloads.py; FILE tells of its input
prepare HOW N           HOW: python_sequential, python_pool or python_executor
                        with N workers
run                     -> ns, digest, CPU ns
nothing                 the same for no tasks: what asking costs

Pool and executor are made in prepare and kept warm: their best setting.  So is
the chunk, which stands with each workload.
"""
import sys

sys.dont_write_bytecode = True

import concurrent.futures
import multiprocessing
import warnings

import peer
from workloads import WORKLOADS

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
work = None             # what all workers inherit
workers = made = None   # and what they were made for
once = None


def item(i):
    return work.item(i)


def end():
    global workers, made
    if made and made[0] == "python_pool":
        workers.terminate()
        workers.join()
    elif made:
        workers.shutdown()
    workers = made = None


def nap(_):
    peer.time.sleep(0.001)


def make(how, n):
    """n workers, all of which have been at work."""
    global workers, made
    end()
    if how == "python_pool":
        workers = fork.Pool(n, initializer=peer.die_with_parent)
    else:
        workers = concurrent.futures.ProcessPoolExecutor(
            n, fork, initializer=peer.die_with_parent)
    made = how, n
    list(workers.map(nap, range(4 * n), chunksize=1))


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


def take_work(name, size, file):
    global work
    end()
    lines = []
    if file != "-":
        with open(file, "rb") as f:
            lines = f.read().splitlines()
    work = WORKLOADS[name](int(size), lines)
    return []


def prepare(how, n):
    global once
    if how == "python_sequential":
        end()
        once = work.alone
        return []
    if made != (how, int(n)):
        make(how, int(n))
    once = lambda: work.whole(list(
        workers.map(item, range(work.n), chunksize=work.chunk)))
    return []


def nothing():
    return run(lambda: [])


def run(what=None):
    cpu, inner = peer.usage()[0], workers_cpu()
    begin = peer.now()
    results = (what or once)()
    ns = peer.now() - begin
    cpu, after = peer.usage()[0] - cpu, workers_cpu()
    if inner is None or after is None:
        cpu = -1
    else:
        cpu += after - inner
    return [ns, work.digest(results), cpu]


peer.serve({"work": take_work, "prepare": prepare, "run": run,
            "nothing": nothing})
end()
