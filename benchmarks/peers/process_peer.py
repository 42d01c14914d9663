#!/usr/bin/env python3
"""Python's side of benchmarks/process.c: one child, from start to reaped.

prepare HOW MIB PARENT_CPU CHILD_CPU    (a CPU of -1: any)
run N           -> usage (4 words), then N times in ns
"""
import sys

sys.dont_write_bytecode = True

import functools
import mmap
import multiprocessing
import multiprocessing.forkserver
import os
import warnings

import peer

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
forkserver = multiprocessing.get_context("forkserver")
everywhere = os.sched_getaffinity(0)
ballast = None
once = None


def hold(mebibytes):
    """Touched memory in 4 KiB pages, as harness/ballast.c has it."""
    global ballast
    size = mebibytes << 20
    if ballast is not None and len(ballast) == size:
        return
    ballast = None
    if size == 0:
        return
    ballast = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        ballast.madvise(mmap.MADV_NOHUGEPAGE)
    for i in range(0, size, 4096):
        ballast[i] = 1


def start_and_join(context, cpu):
    p = context.Process(target=peer.pin, args=(cpu,))
    p.start()
    p.join()
    code = p.exitcode
    p.close()
    return code


def python_process(cpu):
    return start_and_join(fork, cpu)


def python_forkserver(cpu):
    return start_and_join(forkserver, cpu)


def stop_server():
    """Its children begin on the CPUs that it began on: so each place needs one
    of its own, which the next start brings."""
    multiprocessing.forkserver._forkserver._stop()


def python_fork(cpu):
    pid = os.fork()
    if pid == 0:
        peer.pin(cpu)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def prepare(how, mebibytes, parent_cpu, child_cpu):
    global once
    hold(int(mebibytes))
    os.sched_setaffinity(0, everywhere)
    peer.pin(int(parent_cpu))
    stop_server()
    once = functools.partial({"python_process": python_process,
                              "python_fork": python_fork,
                              "python_forkserver": python_forkserver}[how],
                             int(child_cpu))
    once()      # what is imported or made on first use is not the operation
    return []


def run(n):
    times, unknown = [], once.func is python_forkserver
    before = peer.usage()
    for _ in range(int(n)):
        begin = peer.now()
        code = once()
        times.append(peer.now() - begin)
        if code != 0:
            raise RuntimeError(f"the child ended with {code}")
    # A server's children are not ours: what they cost is not known here.
    used = [-1] * 4 if unknown else peer.between(before, peer.usage())
    return used + times


# The fork server imports this file.
if __name__ == "__main__":
    peer.serve({"prepare": prepare, "run": run})
    stop_server()
