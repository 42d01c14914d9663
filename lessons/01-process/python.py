#!/usr/bin/env python3
"""Lesson 01 with Python's multiprocessing: the same story, the same lines.

python3 python.py            all sections, in the order of the steps
python3 python.py SECTION    one of them; they are named like the steps
python3 python.py kill       kill -9 of a parent: what Python leaves behind
python3 python.py sentinel   a join with a timeout that misses the end
"""
import sys

sys.dont_write_bytecode = True

import argparse
import ctypes
import mmap
import multiprocessing as mp
import os
import resource
import signal
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def say(*words):
    """A whole line by one system call, so that processes do not mix."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def fork():
    pid = os.fork()
    if pid == 0:
        say("child: fork returned 0, I am pid", os.getpid())
        os._exit(0)
    say("parent: fork returned pid", pid)
    os.waitpid(pid, 0)


def hello():
    print("hello from the child")


def wait():
    p = mp.Process(target=hello)
    p.start()
    p.join()
    say("the child has ended, exit status", p.exitcode)


def buffer():
    # Process.start() flushes first, and its child ends by os._exit: to see
    # this in Python takes os.fork, and a file that is surely buffered.
    out = open(1, "w", closefd=False)
    print("before fork", file=out)
    pid = os.fork()
    if pid == 0:
        sys.exit(0)
    os.waitpid(pid, 0)


PAGES = 200
private = 7
memory = mmap.mmap(-1, PAGES * 4096, flags=mmap.MAP_PRIVATE)


def touch(write):
    pages = len(memory) // mmap.PAGESIZE
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for i in range(0, len(memory), 4096):
        if write:
            memory[i] = 1
        else:
            memory[i]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return round((after - before) / pages)


def write_both(shared):
    global private
    private = shared.value = 42
    say(f"child:  private {private}, shared {shared.value}")
    say(f"child:  {touch(False)} faults per page read, "
        f"{touch(True)} per page written")


def copy():
    shared = mp.RawValue("i", 7)
    touch(True)
    p = mp.Process(target=write_both, args=(shared,))
    p.start()
    p.join()
    say(f"parent: private {private}, shared {shared.value}")


x = file = spare = 0


def change():
    global x
    x = 42
    try:
        os.close(spare)
    except OSError:
        pass
    os.lseek(file, 100, os.SEEK_SET)


def is_open(fd):
    return os.path.exists(f"/proc/self/fd/{fd}")


def thread():
    global x, file, spare
    for kind, name in (mp.Process, "process"), (threading.Thread, "thread"):
        x = 7
        file = os.open("/proc/self/exe", os.O_RDONLY)
        spare = os.dup(file)

        def run():
            worker = kind(target=change)
            worker.start()
            worker.join()

        run()
        say(f"{name}: x is {x}, the closed file is",
            f"{'open' if is_open(spare) else 'closed'},",
            f"the offset is {os.lseek(file, 0, os.SEEK_CUR)}")
        begin = time.monotonic()
        for _ in range(50):
            run()
        us = (time.monotonic() - begin) * 1e6 / 50
        say(f"{name}: {us:.0f} µs to create, end and join")


def continent(name="Asia"):
    say("the continent is", name)


def greet(name):
    say(f"hello, I am {name}, pid {os.getpid()}")


def args():
    children = [mp.Process(target=continent)]
    for name in "America", "Europe", "Africa":
        children.append(mp.Process(target=continent, args=(name,)))
    for name in "Alice", "Bob":
        children.append(mp.Process(target=greet, args=(name,)))
    for p in children:
        p.start()
    for p in children:
        p.join()
    left = len(mp.active_children()) or "none"
    say(f"parent, pid {os.getpid()}: {len(children)} joined, {left} left")


def heartbeat(beats):
    while True:
        time.sleep(float(os.environ.get("RAWMP_UNIT_MS", 20)) / 1000)
        say("heartbeat")
        beats.value += 1


def primes_below(n):
    sieve = bytearray([1]) * n
    sieve[:2] = b"\0\0"
    for i in range(2, int(n ** 0.5) + 1):
        if sieve[i]:
            sieve[i * i::i] = bytes(len(range(i * i, n, i)))
    return sum(sieve)


def watchdog():
    beats = mp.RawValue("i", 0)
    p = mp.Process(target=heartbeat, args=(beats,), daemon=True)
    p.start()
    while True:
        primes = primes_below(100000)
        if beats.value >= 2 or not p.is_alive():
            break
    p.terminate()
    p.join()
    say(f"result: {primes} primes below 100000")
    say("watchdog ended by signal", -p.exitcode)


def end(n):
    if n >= 0:
        os._exit(n)
    os.kill(os.getpid(), -n)
    signal.pause()


def exitcode():
    for n in 0, 3, 256, -signal.SIGTERM, -signal.SIGKILL:
        pid = os.fork()
        if pid == 0:
            end(n)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        say(f"{'signal' if n < 0 else '_exit'} {abs(n)}: "
            f"raw status {status}, exit code {code}")


def running(p):
    return "running" if p.exitcode is None else "ended"


def join():
    p = mp.Process(target=signal.pause)
    p.start()
    pidfd = os.pidfd_open(p.pid)
    p.join(0.02)
    say("after 20 ms:", running(p))
    p.terminate()
    p.join()
    say("terminated:", running(p))
    say("joined: exit code", p.exitcode)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    except ProcessLookupError as e:
        say("signal after join:", e.strerror)
    os.close(pidfd)


def look(when, pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            state = f.read().rpartition(")")[2].split()[0]
        with open(f"/proc/{pid}/statm") as f:
            pages = f.read().split()[0]
        say(f"{when}: state {state}, {pages} pages of memory")
    except FileNotFoundError as e:
        say(f"{when}: {e.strerror}")


def zombie():
    p = mp.Process(target=os._exit, args=(3,))
    p.start()
    os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)
    look("ended", p.pid)
    p.kill()
    look("after SIGKILL", p.pid)
    p.join()
    say("joined: exit code", p.exitcode)
    look("after join", p.pid)


def sleeper(tied, parent, ready):
    if tied:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    ready.send(os.getpid())
    while True:
        signal.pause()


def middle(tied, daemon, ready):
    mp.Process(target=sleeper, args=(tied, os.getpid(), ready),
               daemon=daemon).start()
    while True:
        signal.pause()


def kill_parent(tied, daemon):
    """Three generations; kill -9 of the second.  The third's exit code, or
    None if it lives on (then it is killed here)."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    there, ready = mp.Pipe(duplex=False)
    parent = mp.Process(target=middle, args=(tied, daemon, ready))
    parent.start()
    orphan = there.recv()
    parent.kill()
    parent.join()
    if not tied and os.waitpid(orphan, os.WNOHANG) == (0, 0):
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
        return None
    return os.waitstatus_to_exitcode(os.waitpid(orphan, 0)[1])


def orphan():
    if kill_parent(tied=False, daemon=False) is None:
        say("parent killed: the child lives on")
    code = kill_parent(tied=True, daemon=False)
    say("parent killed, PR_SET_PDEATHSIG: the child is killed by signal",
        -code)


def quota(limit):
    with open("/proc/self/cgroup") as f:
        groups = [line[3:].strip() for line in f if line.startswith("0::")]
    group = groups[0] if groups else ""
    while True:
        try:
            with open(f"/sys/fs/cgroup{group}/cpu.max") as f:
                us, period = f.read().split()
            if us != "max":
                limit = min(limit, -(-int(us) // int(period)))
        except FileNotFoundError:
            pass
        if not group:
            return limit
        group = group.rpartition("/")[0]


def cpus():
    online, allowed = mp.cpu_count(), len(os.sched_getaffinity(0))
    worth = quota(online)
    say("online:                ", online)
    say("allowed by affinity:   ", allowed)
    say("allowed by the quota:  ", worth)
    say("worth starting:        ", min(worth, allowed))


def kill():
    for daemon in False, True:
        code = kill_parent(tied=False, daemon=daemon)
        say(f"parent killed, daemon={daemon}: the child",
            "lives on" if code is None else f"ended, exit code {code}")


def leaver(stay):
    if os.fork() == 0:
        stay.recv_bytes()       # until every other end is closed
        os._exit(0)
    os._exit(5)


def sentinel():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    stay, go = mp.Pipe(duplex=False)
    p = mp.Process(target=leaver, args=(stay,))
    p.start()
    os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)
    begin = time.monotonic()
    p.join(0.2)
    ms = (time.monotonic() - begin) * 1000
    say("the child has ended; join(0.2) returns after", f"{ms:.0f} ms")
    go.send_bytes(b"go")
    os.wait()


SECTIONS = {"fork": fork, "wait": wait, "buffer": buffer, "copy": copy,
            "thread": thread, "args": args, "watchdog": watchdog,
            "exitcode": exitcode, "join": join, "zombie": zombie,
            "orphan": orphan, "cpus": cpus, "mp": watchdog}
EXTRAS = {"kill": kill, "sentinel": sentinel}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    name = parser.parse_args().section
    mp.set_start_method("fork")     # no longer the default from 3.14 on
    if name:
        (SECTIONS | EXTRAS)[name]()
        return
    for name, section in SECTIONS.items():
        say(f"== {name}")
        section()


if __name__ == "__main__":
    main()
