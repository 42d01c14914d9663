#!/usr/bin/env python3
"""Lesson 06 with Python's multiprocessing: the same story, the same lines.

python3 python.py                   all sections, in the order of the steps
python3 python.py SECTION [WORD…]   one of them; they are named like the steps
python3 python.py kill              kill -9 of waiters and holders: who hangs
"""
import sys

sys.dont_write_bytecode = True

import argparse
import ctypes
import multiprocessing as mp
import os
import platform
import select
import signal
import time

libc = ctypes.CDLL(None, use_errno=True)
SYS_FUTEX = {"x86_64": 202, "ppc64le": 221, "s390x": 238}.get(
    platform.machine(), 98)
FUTEX_WAIT, FUTEX_WAKE = 0, 1


def say(*words):
    """A whole line by one system call, so that processes do not mix."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def start(target, *args):
    p = mp.Process(target=target, args=args)
    p.start()
    return p


def refuse(text):
    print(f"python.py: {text}", file=sys.stderr)
    sys.exit(2)


def until(condition):
    while not condition():
        os.sched_yield()


def asleep(p):
    with open(f"/proc/{p.pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0] == "S"


def eventfd():
    fd = os.eventfd(2, os.EFD_SEMAPHORE)
    reads = writes = 0
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    for i in 1, 2:
        os.eventfd_read(fd)
        say(f"place {i} of 2 taken:", "free" if poll.poll(0) else "full")

    def child():
        os.eventfd_read(fd)
        say("child:  has a place")

    p = start(child)
    say("parent: gives one back")
    os.eventfd_write(fd, 1)
    p.join()

    os.eventfd_write(fd, 1)
    for _ in range(1000):
        os.eventfd_read(fd)
        reads += 1
        os.eventfd_write(fd, 1)
        writes += 1
    say(f"1000 pairs alone: reads {reads}, writes {writes}")
    os.close(fd)


class Count:
    """A semaphore as threading.Semaphore makes it: a value and a Condition."""

    def __init__(self, value, always):
        self.value, self.always = mp.RawValue("i", value), always
        self.waiters, self.waits, self.wakes = (mp.RawValue("i") for _ in "123")
        self.changed = mp.Condition(mp.Lock())

    def acquire(self):
        with self.changed:
            while self.value.value == 0:
                self.waiters.value += 1
                self.waits.value += 1
                self.changed.wait()
                self.waiters.value -= 1
            self.value.value -= 1

    def release(self):
        with self.changed:
            self.value.value += 1
            if self.always or self.waiters.value > 0:
                self.wakes.value += 1
                self.changed.notify()


def pairs_and_a_sleeper(s):
    for _ in range(1000):
        s.acquire()
        s.release()
    say(f"1000 pairs alone: waits {s.waits.value}, wakes {s.wakes.value}")
    s.acquire()
    s.wakes.value = 0
    p = start(s.acquire)
    until(lambda: s.waits.value > 0)
    s.release()
    p.join()
    say(f"and one sleeper: waits {s.waits.value}, wakes {s.wakes.value}")


def count():
    pairs_and_a_sleeper(Count(1, always=True))


def waiters():
    pairs_and_a_sleeper(Count(1, always=False))


class Script:
    """Who does what when: each point waits for its turn."""

    POINTS = ["A.load", "A.wait", "B.add", "B.wake"]

    def __init__(self, words):
        self.order = list(words) or ["A.load", "B.add", "B.wake", "A.wait"]
        for process in "AB":
            mine = [x for x in self.order if x[:1] == process]
            if mine != [x for x in self.POINTS if x[0] == process]:
                refuse(f"{process} does not do '{' '.join(mine)}'")
        if len(self.order) != 4:
            refuse("a script mixes A.load A.wait with B.add B.wake")
        self.turn, self.count = mp.RawValue("i"), mp.RawValue("i")
        self.gate = mp.Condition()

    def wait(self, point):
        with self.gate:
            self.gate.wait_for(lambda: self.order[self.turn.value] == point)
        return self.count.value

    def done(self, point):
        say(f"{point:7} count {self.count.value}")
        with self.gate:
            self.turn.value += 1
            self.gate.notify_all()


def sleeper(script, bell, asleep, expect_old):
    old = script.wait("A.load")
    script.done("A.load")
    script.wait("A.wait")
    with bell:
        script.done("A.wait")
        if expect_old:
            old = script.count.value    # look again, with the lock in hand
        if old == 0:
            asleep.value = 1
            bell.wait()


def lost(*words):
    expect_old = words[:1] == ("expect=old",)
    script = Script(words[expect_old:])
    bell, asleep = mp.Condition(), mp.RawValue("i")
    a = start(sleeper, script, bell, asleep, expect_old)
    script.wait("B.add")
    script.count.value += 1
    script.done("B.add")
    script.wait("B.wake")
    with bell:
        asleep.value = 0
        bell.notify()
    script.done("B.wake")
    until(lambda: script.turn.value == 4)
    with bell:      # A is in bell.wait() now, or has ended
        sleeps_on = asleep.value
    if sleeps_on:
        a.kill()
    a.join()
    say("lost: A sleeps on" if sleeps_on else "A has ended")


MAX = 2


def check_then_add(s, meet, _):
    # What BoundedSemaphore.release does in C: sem_getvalue, then sem_post.
    if s.get_value() == MAX:
        return 0
    meet.wait()
    s.release()
    return 1


def compare_and_swap(s, meet, lock):
    # There is none in Python; a lock makes the two steps one.
    meet.wait()
    with lock:
        if s.get_value() == MAX:
            return 0
        s.release()
        return 1


def bounded():
    s = mp.BoundedSemaphore(MAX)
    try:
        s.release()
        result = "accepted"
    except ValueError:
        result = "refused"
    say(f"a release at {s.get_value()} of {MAX}: {result}")
    for what, how in (("check, then add", check_then_add),
                      ("compare and swap", compare_and_swap)):
        s, meet, lock = mp.Semaphore(MAX - 1), mp.Barrier(2), mp.Lock()
        p = start(lambda: sys.exit(how(s, meet, lock)))
        accepted = how(s, meet, lock)
        p.join()
        say(f"{what}: {accepted + p.exitcode} of 2 accepted,",
            f"value {s.get_value()} of {MAX}")


# Sections stale and bit use the futex itself: a Condition would hang when its
# waiter is killed (see kill).  No two processes are at work at the same time
# there, so that plain additions do.

class Words:
    VALUE, WAITERS, WAITS, WAKES = range(4)

    def __init__(self):
        self.word = mp.RawArray(ctypes.c_uint32, 4)

    def futex(self, op, n):
        self.word[self.WAITS if op == FUTEX_WAIT else self.WAKES] += 1
        address = ctypes.addressof(self.word) + 4 * self.VALUE
        return libc.syscall(SYS_FUTEX, ctypes.c_void_p(address), op,
                            ctypes.c_uint(n), None, None, 0)


def acquire_counted(s):
    while s.word[s.VALUE] == 0:
        s.word[s.WAITERS] += 1
        s.futex(FUTEX_WAIT, 0)
        s.word[s.WAITERS] -= 1
    s.word[s.VALUE] -= 1


def release_counted(s):
    s.word[s.VALUE] += 1
    if s.word[s.WAITERS] > 0:
        s.futex(FUTEX_WAKE, 1)


def kill_process(p):
    until(lambda: asleep(p))
    p.kill()
    p.join()


def stale():
    s = Words()
    p = start(acquire_counted, s)
    until(lambda: asleep(p))
    say("a child waits: waiters", s.word[s.WAITERS])
    kill_process(p)
    say("it is killed:  waiters", s.word[s.WAITERS])
    release_counted(s)
    s.word[s.WAITS] = s.word[s.WAKES] = 0
    for _ in range(1000):
        acquire_counted(s)
        release_counted(s)
    say(f"1000 pairs alone: waits {s.word[s.WAITS]}, wakes {s.word[s.WAKES]}")


SLEEPERS = 1 << 31


def acquire_bit(s):
    slept = 0
    while s.word[s.VALUE] in (0, SLEEPERS):
        s.word[s.VALUE] = SLEEPERS
        s.futex(FUTEX_WAIT, SLEEPERS)
        slept = SLEEPERS
    s.word[s.VALUE] = s.word[s.VALUE] - 1 | slept


def release_bit(s):
    s.word[s.VALUE] += 1
    if s.word[s.VALUE] & SLEEPERS and s.futex(FUTEX_WAKE, 1) == 0:
        s.word[s.VALUE] &= ~SLEEPERS


def bit():
    s = Words()
    children = []
    for _ in range(2):
        children.append(start(acquire_bit, s))
        until(lambda: asleep(children[-1]))
    say("two wait: bit", s.word[s.VALUE] // SLEEPERS)
    kill_process(children[0])
    release_bit(s)
    children[1].join()
    say("one killed, one served: bit", s.word[s.VALUE] // SLEEPERS)
    s.word[s.WAKES] = 0
    for _ in range(1000):
        release_bit(s)
        acquire_bit(s)
    say(f"1000 pairs alone: wakes {s.word[s.WAKES]},",
        f"bit {s.word[s.VALUE] // SLEEPERS}")


def throttle(ms="10"):
    if not ms.isdecimal() or not 1 <= int(ms) <= 60000:
        refuse(f"'{ms}': not 1 to 60000 ms")
    s, lock = mp.Semaphore(2), mp.Lock()
    inside, most, taken = (mp.RawValue("i") for _ in "123")

    def worker():
        with s:
            with lock:
                taken.value = max(taken.value, 2 - s.get_value())
                inside.value += 1
                most.value = max(most.value, inside.value)
            until(lambda: most.value >= 2)      # the first waits for company
            time.sleep(int(ms) / 1000)
            with lock:
                inside.value -= 1

    workers = [start(worker) for _ in range(6)]
    for p in workers:
        p.join()
    say(f"6 workers: at most {most.value} inside;",
        f"value 2, {2 - taken.value}, {s.get_value()}")


def condition():
    changed = mp.Condition()
    items, waits = mp.RawValue("i"), mp.RawValue("i")

    def client():
        with changed:
            while items.value == 0:
                waits.value += 1
                changed.wait()
            items.value -= 1

    with changed:
        changed.notify_all()
    clients = [start(client), start(client)]
    until(lambda: waits.value == 2)
    say(f"1 notify, then 2 clients: {waits.value} have waited")
    with changed:
        items.value += 1
        changed.notify_all()
    until(lambda: waits.value == 3 and len(mp.active_children()) == 1)
    say(f"1 item, notify all: 1 has it, {waits.value - 2} waits")
    with changed:
        items.value += 1
        changed.notify()
    for p in clients:
        p.join()
    say(f"1 item, notify 1: the other has it, {items.value} left")


def barrier():
    parties = 3
    all_there, lock = mp.Barrier(parties), mp.Lock()
    done = mp.RawArray("i", 3)

    def worker(name):
        for turn in 1, 2:
            with lock:
                done[turn] += 1
            all_there.wait()
            say(f"round {turn}: {name} goes on, {done[turn]} of {parties}",
                "are done")

    workers = [start(worker, name) for name in "ABC"]
    for p in workers:
        p.join()


def killed():
    s = mp.BoundedSemaphore(2)

    def holder():
        s.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(2):
        start(holder).join()
        say(f"a holder is killed: value {s.get_value()} of 2")
    acquired = s.acquire(timeout=0.05)
    say("acquire, 50 ms:", "acquired" if acquired else "timed out")

    s = mp.BoundedSemaphore(2)
    s.acquire()
    start(lambda: os.kill(os.getpid(), signal.SIGKILL)).join()
    s.release()
    say(f"the parent holds for its child: value {s.get_value()} of 2")


def all_of_them():
    begin, company = mp.Event(), mp.Condition()
    seats, together = mp.BoundedSemaphore(2), mp.Barrier(6)
    came = mp.RawValue("i")

    def worker():
        begin.wait()
        with seats:
            with company:
                came.value += 1
                company.notify_all()
                company.wait_for(lambda: came.value >= 2)
            time.sleep(0.01)
        together.wait()

    workers = [start(worker) for _ in range(6)]
    begin.set()
    for p in workers:
        p.join()
    say(f"{came.value} workers have been inside,",
        f"the value is {seats.get_value()}")


def wait_in(condition):
    with condition:
        condition.wait()


def notify(condition):
    with condition:
        condition.notify()


def how_many_hang(objects, wait, wake):
    """For each object: a waiter is killed, then a process wakes it up."""
    for x in objects:
        kill_process(start(wait, x))
    wakers = [start(wake, x) for x in objects]
    deadline = time.monotonic() + 1
    for p in wakers:
        p.join(max(0, deadline - time.monotonic()))
    hang = [p for p in wakers if p.is_alive()]
    for p in hang:
        p.kill()
        p.join()
    return len(hang)


def kill():
    n = how_many_hang([mp.Condition() for _ in range(5)], wait_in, notify)
    say(f"condition, a waiter killed: notify hangs, {n} of 5")
    n = how_many_hang([mp.Event() for _ in range(5)],
                      lambda event: event.wait(), lambda event: event.set())
    say(f"event, a waiter killed: set hangs, {n} of 5")
    killed()


SECTIONS = {"eventfd": eventfd, "count": count, "waiters": waiters,
            "lost": lost, "bounded": bounded, "stale": stale, "bit": bit,
            "throttle": throttle, "condition": condition, "barrier": barrier,
            "killed": killed, "mp": all_of_them}
EXTRAS = {"kill": kill}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    parser.add_argument("words", nargs="*", metavar="WORD",
                        help="for lost: a script; for throttle: milliseconds")
    args = parser.parse_args()
    most = {"lost": 5, "throttle": 1}.get(args.section, 0)
    if len(args.words) > most:
        parser.error(f"'{args.words[most]}': one word too many")
    mp.set_start_method("fork")     # no longer the default from 3.14 on
    if args.section:
        (SECTIONS | EXTRAS)[args.section](*args.words)
        return
    for name, section in SECTIONS.items():
        say(f"== {name}")
        section()


if __name__ == "__main__":
    main()
