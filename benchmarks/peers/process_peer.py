#!/usr/bin/env python3
"""Python's side of benchmarks/process.c: one child, from start to reaped.

prepare HOW MIB PARENT_CPU CHILD_CPU    (a CPU of -1: any)
run N           -> usage (4 words), then N times in ns
"""
import sys

sys.dont_write_bytecode = True

import mmap
import multiprocessing
import os
import warnings

import peer

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
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


def python_process(cpu):
    p = fork.Process(target=peer.pin, args=(cpu,))
    p.start()
    p.join()
    code = p.exitcode
    p.close()
    return code


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
    call, cpu = {"python_process": python_process,
                 "python_fork": python_fork}[how], int(child_cpu)
    once = lambda: call(cpu)
    once()      # what is imported or made on first use is not the operation
    return []


def run(n):
    times = []
    before = peer.usage()
    for _ in range(int(n)):
        begin = peer.now()
        code = once()
        times.append(peer.now() - begin)
        if code != 0:
            raise RuntimeError(f"the child ended with {code}")
    return peer.between(before, peer.usage()) + times


peer.serve({"prepare": prepare, "run": run})
