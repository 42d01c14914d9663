#!/usr/bin/env python3
"""Lesson 03 with Python's multiprocessing: the same story, the same lines.

python3 python.py                   all sections, in the order of the steps
python3 python.py SECTION [WORD…]   one of them; they are named like the steps
python3 python.py kill              kill -9 of a producer: what is left
"""
import sys

sys.dont_write_bytecode = True

import argparse
import multiprocessing as mp
import os
import queue
import select
import signal
import time

GIVE_UP = 1     # seconds; what has not ended then is said to hang


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


def message():
    q = mp.Queue()
    p = start(q.put, "Data from worker")
    p.join()        # goes well, as long as a pipe holds the message
    say(q.get())


def ring():
    q, put, got = mp.Queue(4), mp.RawValue("i"), 0

    def worker():
        for colour in "red", "green", "blue", "black":
            q.put(colour)
            put.value += 1
            say("put", put.value, colour)

    start(worker).join()
    while not q.empty():
        colour = q.get()
        got += 1
        say("got", got, colour)
    say(f"empty: {put.value} put, {got} got")


class Turns:
    """Each point of a script waits until it is its turn."""

    def __init__(self, points, order):
        self.points, self.order = points, list(order)
        self.turn, self.changed = mp.RawValue("i"), mp.Condition()
        for word in self.order:
            if word not in points:
                refuse(f"'{word}' cannot come here")

    def each(self, mine, act):
        """The points that mine() holds for, each in its turn."""
        for i, point in enumerate(self.order):
            if mine(point):
                with self.changed:
                    self.changed.wait_for(lambda: self.turn.value == i)
                act(point)
                with self.changed:
                    self.turn.value = i + 1
                    self.changed.notify_all()


ORDER = ["P.data", "P.index", "C.look", "C.take"]


def order(*words):
    script = words or ("P.index", "C.look", "C.take", "P.data")
    turns = Turns(ORDER, script)
    if sorted(script) != sorted(ORDER) or (
            script.index("C.look") > script.index("C.take")):
        refuse("a script mixes P.data P.index with C.look C.take")
    tail, slot = mp.RawValue("i"), mp.RawArray("c", b"old")
    seen, got = 0, "nothing"

    def act(point):
        nonlocal seen, got
        if point == "P.data":
            slot.value = b"new"
        if point == "P.index":
            tail.value = 1
        if point == "C.look":
            seen = tail.value
        if point == "C.take" and seen:
            got = slot.value.decode()
        say(f"{point:8} tail {tail.value}, slot {slot.value.decode()}")

    p = start(turns.each, lambda point: point[0] == "P", act)
    turns.each(lambda point: point[0] == "C", act)
    p.join()
    say("the consumer got:", got)


def computed():
    """Milliseconds of CPU that this process has used."""
    return int(time.process_time() * 1000)


def busy():
    q, used = mp.SimpleQueue(), mp.RawValue("i")

    def consumer():
        begin = computed()
        while q.empty():
            used.value = computed() - begin
        say(f"the message is {q.get()}; computed for it:",
            computed() - begin, "ms")

    p = start(consumer)
    while used.value < 50:
        time.sleep(0.001)
    q.put(7)
    p.join()


class Shared:
    """A ring as the C steps have it, for one producer and one consumer."""
    SLOTS = 4

    def __init__(self):
        self.slots = mp.RawArray("i", self.SLOTS)
        self.head, self.tail, self.asleep, self.writes, self.reads = (
            mp.RawValue("i") for _ in "12345")


def eventfd():
    r, filled = Shared(), os.eventfd(0, os.EFD_SEMAPHORE)

    def put(number):
        r.slots[r.tail.value % r.SLOTS] = number
        r.tail.value += 1
        os.eventfd_write(filled, 1)
        r.writes.value += 1

    def get():
        os.eventfd_read(filled)
        r.reads.value += 1
        number = r.slots[r.head.value % r.SLOTS]
        r.head.value += 1
        return number

    def child():
        time.sleep(0.05)        # it thinks
        for i in range(1, 5):
            put(i * i)

    p = start(child)
    before = computed()
    say(*(get() for _ in range(4)))
    say("empty" if r.head.value == r.tail.value else "not empty")
    p.join()
    say(f"4 messages: writes {r.writes.value}, reads {r.reads.value}")
    say("slept for 50 ms, computed for", computed() - before, "ms")
    os.close(filled)


def bell():
    r, fd = Shared(), os.eventfd(0)

    def put(number):
        r.slots[r.tail.value % r.SLOTS] = number
        r.tail.value += 1
        if r.asleep.value:
            r.writes.value += 1
            os.eventfd_write(fd, 1)

    def get():
        while r.head.value == r.tail.value:
            r.asleep.value = 1
            if r.head.value == r.tail.value:    # still empty, after the mark
                r.reads.value += 1
                os.eventfd_read(fd)
            r.asleep.value = 0
        number = r.slots[r.head.value % r.SLOTS]
        r.head.value += 1
        return number

    for i in range(1000):
        put(i)
        assert get() == i
    say(f"1000 messages, nobody sleeps: writes {r.writes.value},",
        f"reads {r.reads.value}")
    p = start(get)
    until(lambda: r.reads.value)
    put(7)
    p.join()
    say(f"1 message for a sleeper: writes {r.writes.value},",
        f"reads {r.reads.value}")
    os.close(fd)


LOST = ["C.look", "C.mark", "C.sleep", "C.take", "C.unmark",
        "P.put", "P.bell", "P.unmark"]


def lost(*words):
    turns = Turns(LOST, words or "C.look P.put P.bell C.mark C.sleep".split())
    messages, mark, sleeps, rings, since = (mp.RawValue("i") for _ in "12345")
    fd = os.eventfd(0, os.EFD_SEMAPHORE)
    empty = True

    def act(point):
        nonlocal empty
        if point == "C.look":
            empty = messages.value == 0
        if point in ("C.mark", "C.unmark", "P.unmark"):
            mark.value = point == "C.mark"
        if point == "C.sleep" and empty:
            since.value = turns.turn.value + 1
            sleeps.value += 1
        if point == "C.take" and messages.value:
            messages.value -= 1
        if point == "P.put":
            messages.value += 1
        if point == "P.bell" and mark.value:
            rings.value += 1
            os.eventfd_write(fd, 1)
        say(f"{point:8} messages {messages.value}, mark {mark.value}")

    def consumer():
        for i, point in enumerate(turns.order):
            if point[0] == "C":
                with turns.changed:
                    turns.changed.wait_for(lambda: turns.turn.value == i)
                act(point)
                with turns.changed:
                    turns.turn.value += 1
                    turns.changed.notify_all()
                if point == "C.sleep" and empty:
                    os.eventfd_read(fd)

    def stuck(i):
        """It is C's turn, but C sleeps, and only we could ring."""
        now = turns.turn.value
        return (now < i and turns.order[now][0] == "C" and
                now >= since.value and sleeps.value > rings.value)

    def reached(i):
        with turns.changed:
            turns.changed.wait_for(
                lambda: turns.turn.value == i or stuck(i))
        return turns.turn.value == i

    c = start(consumer)
    for i, point in enumerate(turns.order):
        if point[0] == "P" and reached(i):
            act(point)
            with turns.changed:
                turns.turn.value += 1
                turns.changed.notify_all()
    reached(len(turns.order))
    say("C", "sleeps," if sleeps.value > rings.value else "is awake,",
        "messages", messages.value)
    c.kill()
    c.join()
    os.close(fd)


def bound():
    q, waits = mp.Queue(2), mp.RawValue("i")

    def put(number, **how):
        try:
            q.put(number, **how)
            return "in"
        except queue.Full:
            return "full"

    def child():
        waits.value = 1
        q.put(3)

    say("put 1:", put(1))
    say("put 2:", put(2))
    say("put 3, at once:", put(3, block=False))
    say("put 3, within 50 ms:", put(3, timeout=0.05))
    p = start(child)
    until(lambda: waits.value)
    say("put 3, for ever: waits")
    number = q.get()
    p.join()
    say(f"got {number}; put 3: in")


def end():
    q = mp.Queue(2)

    def consumer():
        for number in iter(q.get, None):
            say("got message", number)
        say("got the end marker")

    p = start(consumer)
    for i in range(1, 6):
        q.put(i)
    q.put(None)
    p.join()
    say("the consumer has ended, exit status", p.exitcode)


def join(how="join-first"):
    if how not in ("get-first", "join-first"):
        refuse(f"'{how}' is not get-first or join-first")
    q = mp.Queue(100)

    def child():
        for i in range(100):
            q.put(bytes([i]) * 1024)

    def get_all():
        whole = sum(q.get() == bytes([i]) * 1024 for i in range(100))
        say(f"got {whole} messages of 1024 bytes")

    p = start(child)
    if how == "get-first":
        get_all()
    else:
        p.join(GIVE_UP)
        if p.is_alive():
            say(f"join, for {GIVE_UP} s: the child does not end")
            get_all()
            how = "get-first"
    p.join()
    say("the child has ended")
    if how == "join-first":
        get_all()


WHERE = ["amid the data", "before the index", "after the index"]


def killed():
    r = Shared()
    slots = [mp.RawArray("c", 100000) for _ in range(r.SLOTS)]

    def put(letter, where):
        def here(point):
            if point == where:
                os.kill(os.getpid(), signal.SIGKILL)

        slot = slots[r.tail.value % r.SLOTS]
        slot[:50000] = letter * 50000
        here("amid the data")
        slot[50000:] = letter * 50000
        here("before the index")
        r.tail.value += 1
        here("after the index")

    def get():
        if r.head.value == r.tail.value:
            return None
        message = slots[r.head.value % r.SLOTS][:]
        r.head.value += 1
        return message

    for where in WHERE:
        start(put, b"D", where).join()
        there = get() == b"D" * 100000
        start(put, b"N", None).join()
        say(f"killed {where}:",
            "a whole message;" if there else "no message;",
            "the next one:",
            "there" if get() == b"N" * 100000 else "lost")


def many(*words):
    script = words or "A.load B.load A.data B.data A.store B.store".split()
    points = [f"{name}.{x}" for name in "AB" for x in ("load", "data", "store")]
    turns = Turns(points, script)
    for name in "AB":
        if [x for x in script if x[0] == name] != [
                x for x in points if x[0] == name]:
            refuse("a script has three points of A and three of B")
    tail, slots = mp.RawValue("i"), mp.RawArray("c", b"--")
    loaded = 0

    def act(point):
        nonlocal loaded
        if point.endswith("load"):
            loaded = tail.value
        if point.endswith("data"):
            slots[loaded] = point[0].encode()
        if point.endswith("store"):
            tail.value = loaded + 1
        say(f"{point:8} tail {tail.value}, slots {slots.value.decode()}")

    a = start(turns.each, lambda point: point[0] == "A", act)
    turns.each(lambda point: point[0] == "B", act)
    a.join()
    say(f"2 put, {tail.value} in the ring")


def tasks():
    tasks, report, done = mp.Queue(), mp.Queue(), mp.RawValue("i")
    unit = float(os.environ.get("RAWMP_UNIT_MS", 5)) / 1000

    def fill():
        for i in range(10):
            tasks.put(f"task {i}")

    def worker(name):
        while True:
            try:
                task = tasks.get_nowait()
            except queue.Empty:     # or somebody else is just looking
                if tasks.qsize() == 0:
                    return
                continue
            time.sleep(unit)
            report.put(f"{task} is done by {name}")

    start(fill).join()      # from now on all of them are in the pipe
    workers = [start(worker, f"worker {i}") for i in range(1, 5)]
    for p in workers:
        p.join()
    for _ in range(10):
        say(report.get())


def all_of_them():
    unit = float(os.environ.get("RAWMP_UNIT_MS", 20)) / 1000

    def produce(q, consumers):
        for i in range(1, 21):
            time.sleep(unit / 5)
            q.put(i)
        for _ in range(consumers):
            q.put(None)

    def consume(q, done, who):
        for number in iter(q.get, None):
            time.sleep(unit)
            done.put((number, who))

    for consumers in 1, 2:
        q, done, last, total = mp.Queue(8), mp.Queue(), [0] * 3, 0
        started = [start(produce, q, consumers)]
        for i in range(consumers):
            started.append(start(consume, q, done, i + 1))
        for p in started:
            p.join()
        for _ in range(20):
            number, who = done.get()
            if number > last[who]:
                total += number
            last[who] = number
        say(f"consumers: {consumers}, 1 + ... + 20 in order: {total}")


def full(q):
    """The pipe behind a queue takes nothing more."""
    return not select.select([], [q._writer], [], 0)[1]


def ends(processes):
    """Whether each of them ends in time; the others are killed."""
    deadline = time.monotonic() + GIVE_UP
    for p in processes:
        p.join(max(0, deadline - time.monotonic()))
    ended = [not p.is_alive() for p in processes]
    for p in processes:
        p.kill()
        p.join()
    return ended


def kill():
    q, put = mp.Queue(), mp.RawValue("i")

    def producer():
        q.put(b"A" * 100000)
        until(lambda: full(q))
        q.put(b"B" * 100000)
        put.value = 1       # both puts have returned
        signal.pause()

    p = start(producer)
    until(lambda: put.value)
    p.kill()
    p.join()
    getters = ends([start(q.get), start(q.get)])
    say("A:", "there" if all(getters) else "half of it is there, get hangs")
    say("B:", "there" if any(getters) else "lost with the dead, get hangs")
    other, = ends([start(q.put, b"C" * 100000)])
    say("C:", "there" if other else "its producer does not end")


SECTIONS = {"message": message, "ring": ring, "order": order, "busy": busy,
            "eventfd": eventfd, "bell": bell, "lost": lost, "bound": bound,
            "end": end, "join": join, "killed": killed, "many": many,
            "tasks": tasks, "mp": all_of_them}
EXTRAS = {"kill": kill}
MOST = {"order": 4, "lost": 32, "join": 1, "many": 6}   # words


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    parser.add_argument("words", nargs="*", metavar="WORD",
                        help="for order, lost, many: a script; for join:\n"
                             "get-first or join-first")
    args = parser.parse_args()
    most = MOST.get(args.section, 0)
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
