#!/usr/bin/env python3
"""Lesson 05 with Python's multiprocessing: the same story, the same lines.

python3 python.py                    all sections, in the order of the steps
python3 python.py SECTION            one of them; they are named like the steps
python3 python.py race 2 1000        processes and additions
python3 python.py script A.load ...  who goes next
python3 python.py kill               kill -9 of the one who holds the lock
"""
import sys

sys.dont_write_bytecode = True

import argparse
import ctypes
import mmap
import multiprocessing as mp
import os
import signal
import time

POINTS = "A.load", "A.store", "B.load", "B.store"
LOSING = "A.load", "B.load", "A.store", "B.store"
libc = ctypes.CDLL(None, use_errno=True)


def say(*words):
    """A whole line by one system call, so that processes do not mix."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def usage(message):
    print(f"python.py: {message}", file=sys.stderr)
    sys.exit(2)


def start(target, *args):
    p = mp.Process(target=target, args=args)
    p.start()
    return p


def together(target, *args, processes=4):
    for p in [start(target, *args) for _ in range(processes)]:
        p.join()


counter = 0


def count_own():
    global counter
    for _ in range(100000):
        counter += 1
    say("child:  counter", counter)


def private():
    together(count_own)
    say("parent: counter", counter)


def count(v, times, go=None):
    while go and not go.value:      # until all are there
        os.sched_yield()
    for _ in range(times):
        v.value += 1


def shared():
    v = mp.RawValue("i")
    for i in range(1, 5):
        start(count, v, 100000).join()
        say(f"after child {i}: counter", v.value)


def race(processes="4", times="100000"):
    processes, times = int(processes), int(times)
    v, go = mp.RawValue("i"), mp.RawValue("i")
    children = [start(count, v, times, go) for _ in range(processes)]
    go.value = 1
    for p in children:
        p.join()
    say(f"lost {processes * times - v.value} of {processes * times}")


def add_one(who, order, changed, turn, v):
    def wait_turn(op):
        point = f"{who}.{op}"
        with changed:
            changed.wait_for(lambda: order[turn.value] == point)
        return point

    def next_turn(point, value):
        say(f"{point:8}", value)
        with changed:
            turn.value += 1
            changed.notify_all()

    point = wait_turn("load")
    value = v.value
    next_turn(point, value)
    point = wait_turn("store")
    v.value = value + 1
    next_turn(point, value + 1)


def script(*order):
    order = order or LOSING
    for i, point in enumerate(order):
        if point not in POINTS:
            usage(f"there is no point '{point}'")
        load = point.replace("store", "load")
        if point in order[:i] or point != load and load not in order[:i]:
            usage(f"'{point}': a process loads once, then stores once")
    if len(order) < 4:
        usage(f"incomplete: {len(order)} of 4 points")
    changed, turn, v = mp.Condition(), mp.RawValue("i"), mp.RawValue("i")
    for p in [start(add_one, x, order, changed, turn, v) for x in "AB"]:
        p.join()
    say(f"counter {v.value}:",
        "both added" if v.value == 2 else "an update is lost")


def count_locked(v, times):
    for _ in range(times):
        with v.get_lock():
            v.value += 1


def fetch_add():
    # There is no atomic addition: Value has a lock instead, and v.value += 1
    # has to be put under it, for it takes the lock twice, once for each half.
    v = mp.Value("i")
    together(count_locked, v, 100000)
    say("lost", 400000 - v.value, "of 400000")


def count_spinning(lock, v, times):
    for _ in range(times):
        while not lock.acquire(False):
            pass
        v.value += 1
        lock.release()


def count_sleeping(lock, v, times):
    for _ in range(times):
        with lock:
            v.value += 1


def cpu_time(pid):
    """Seconds; the clock's number is what clock_getcpuclockid computes."""
    return time.clock_gettime(~pid << 3 | 2)


def with_lock(work):
    lock, v = mp.Lock(), mp.RawValue("i")
    together(work, lock, v, 100000)
    say("lost", 400000 - v.value, "of 400000")
    with lock:
        p = start(work, lock, v, 1)     # who has to wait while we sleep
        before = cpu_time(p.pid)
        time.sleep(0.05)
        used = cpu_time(p.pid) - before
    p.join()
    say(f"the holder slept 50 ms, the waiter computed {used * 1000:.0f} ms")


def spin():
    with_lock(count_spinning)


def futex():
    with_lock(count_sleeping)


def three():
    # A Lock is a semaphore of the C library: one word with the value, one
    # with the number of those who sleep; a release that finds none wakes none.
    lock, v = mp.Lock(), mp.RawValue("i")
    together(count_sleeping, lock, v, 100000)
    say("lost", 400000 - v.value, "of 400000")


def hold(lock, held):
    lock.acquire()
    held.set()
    signal.pause()


def killed(ms="300"):
    lock, held = mp.Lock(), mp.Event()
    a = start(hold, lock, held)
    held.wait()
    a.kill()
    a.join()
    say("A took the lock and was killed")
    if not lock.acquire(timeout=int(ms) / 1000):
        say("B has waited", ms, "ms in vain")


def robust():
    # Python has nothing of the kind.  This is glibc's robust mutex, which uses
    # the same list of the kernel's; pthread_mutex_t is 40 bytes, its
    # attributes are 4.
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    mutex = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    mutex, attr = ctypes.c_void_p(mutex), ctypes.byref(ctypes.c_uint64())
    libc.pthread_mutexattr_init(attr)
    libc.pthread_mutexattr_setpshared(attr, 1)
    libc.pthread_mutexattr_setrobust(attr, 1)
    libc.pthread_mutex_init(mutex, attr)
    word = ctypes.c_uint32.from_buffer(memory)
    held = mp.Event()

    def hold_until_waited_for():
        libc.pthread_mutex_lock(mutex)
        held.set()
        while not word.value >> 31:     # FUTEX_WAITERS
            os.sched_yield()
        os.kill(os.getpid(), signal.SIGKILL)

    a = start(hold_until_waited_for)
    held.wait()
    rc = libc.pthread_mutex_lock(mutex)
    a.join()
    say("A took the lock and was killed")
    if rc == 130:                       # EOWNERDEAD
        say("B, who waited for it, has it now and is told")


def square(squares, total, i):
    squares[i] = (i + 1) ** 2
    with total.get_lock():
        total.value += (i + 1) ** 2


def twice(numbers, be_killed=False):
    with numbers.get_lock():
        for i in range(4):
            numbers[i] *= 2
            if be_killed:
                os.kill(os.getpid(), signal.SIGKILL)


def shown(numbers):
    return f"[{', '.join(f'{x:g}' for x in numbers)}]"


def mp_section():
    total, numbers = mp.Value("i"), mp.Array("d", 4)
    for p in [start(square, numbers, total, i) for i in range(4)]:
        p.join()
    say(shown(numbers), "sum", total.value)
    together(twice, numbers, processes=3)
    say(shown(numbers))
    return numbers


def kill():
    numbers = mp.Array("d", [8, 32, 72, 128])
    start(twice, numbers, True).join()
    say("A took the lock and was killed")
    if not numbers.get_lock().acquire(timeout=1):
        say("B has waited 1000 ms in vain, and would for ever")


TAKE_ARGUMENTS = race, script, killed
SECTIONS = {"private": private, "shared": shared, "race": race,
            "script": script, "fetch_add": fetch_add, "spin": spin,
            "futex": futex, "three": three, "killed": killed,
            "robust": robust, "mp": mp_section}
EXTRAS = {"kill": kill}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    parser.add_argument("argument", nargs="*", metavar="ARGUMENT",
                        help="as the step takes them")
    args = parser.parse_args()
    mp.set_start_method("fork")     # no longer the default from 3.14 on
    if args.section:
        section = (SECTIONS | EXTRAS)[args.section]
        if args.argument and section not in TAKE_ARGUMENTS:
            parser.error(f"{args.section} takes no argument")
        section(*args.argument)
        return
    for name, section in SECTIONS.items():
        say(f"== {name}")
        section()


if __name__ == "__main__":
    main()
