#!/usr/bin/env python3
"""Lesson 02 with Python's multiprocessing: the same story, the same lines.

python3 python.py                   all sections but killed, which hangs
python3 python.py SECTION [WORD…]   one of them; they are named like the steps
python3 python.py kill              kill -9 of a pool's worker: what is left
"""
import sys

sys.dont_write_bytecode = True

import argparse
import errno
import multiprocessing as mp
import os
import signal
import time
from multiprocessing import connection

GIVE_UP = 1     # seconds; what has not ended then is said to hang
ITEMS = 1200


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


def number(what, text, most):
    if not text.isdecimal() or not 1 <= int(text) <= most:
        refuse(f"{what} '{text}': not 1 to {most}")
    return int(text)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def fork():
    numbers = [1, 2, 3, 4, 5, 16]
    started = [start(sys.exit, x * x) for x in numbers]
    for x, p in zip(numbers, started):
        p.join()
        say(f"square of {x}: {p.exitcode}")


def bound(tasks="8", most="3"):
    tasks, most = number("tasks", tasks, 100), number("at once", most, 32)
    running, result, begun, peak = {}, [0] * tasks, 0, 0

    def task(i):
        time.sleep(0.005)       # as if it took long
        sys.exit(2 * i)

    while begun < tasks or running:
        while begun < tasks and len(running) < most:
            p = start(task, begun)
            running[p.sentinel] = begun, p
            begun += 1
        peak = max(peak, len(running))
        for sentinel in connection.wait(running):
            i, p = running.pop(sentinel)
            p.join()
            result[i] = p.exitcode
    say(f"{tasks} processes, {peak} at once:", *result)


def factorial(n):
    f = 1
    for k in range(1, n + 1):
        f = f * k % 1000000007
    return f


def static(how="block"):
    if how not in ("block", "stride"):
        refuse(f"'{how}' is not block or stride")
    result, work = mp.RawArray("I", ITEMS), mp.RawArray("l", 2)

    def worker(w):
        half = ITEMS // 2
        for i in (range(w, ITEMS, 2) if how == "stride" else
                  range(half * w, half * (w + 1))):
            result[i] = factorial(i)
            work[w] += i

    for p in [start(worker, w) for w in range(2)]:
        p.join()
    for w in range(2):
        say(f"worker {w + 1}: {work[w]} multiplications")
    wrong = sum(result[i] != factorial(i) for i in range(ITEMS))
    say(f"{ITEMS} results, {wrong} wrong;",
        f"{sum(work) / max(work):.2f} times as fast, at best")


def draw(index, many=1):
    """fetch_add, by the lock that comes with a Value."""
    with index.get_lock():
        old = index.value
        index.value += many
    return old


def index(workers="2"):
    workers = number("workers", workers, 32)
    result, done = mp.RawArray("I", ITEMS), mp.RawArray("i", ITEMS)
    following, claims = mp.Value("i"), mp.Value("i")

    def worker():
        mine = 1
        while (i := draw(following)) < ITEMS:
            result[i] = factorial(i)
            done[i] += 1
            mine += 1
        draw(claims, mine)

    for p in [start(worker) for _ in range(workers)]:
        p.join()
    wrong = sum(result[i] != factorial(i) or done[i] != 1 for i in range(ITEMS))
    say(f"{ITEMS} tasks, {workers} workers, {claims.value} claims, {wrong} wrong")


def unit_of(default):
    return float(os.environ.get("RAWMP_UNIT_MS", default)) / 1000


def log(how=""):
    if how not in ("", "static"):
        refuse(f"'{how}' is not static")
    units, unit = [5, 2, 1, 3], unit_of(50)
    tasks = len(units)
    following, entries = mp.Value("i"), mp.RawArray("i", 3 * tasks)
    begin = time.monotonic()

    def worker(w):
        end, i = begin, w * tasks // 2
        last = (w + 1) * tasks // 2 if how else tasks
        while True:
            if not how:
                i = draw(following)
            if i >= last:
                return
            entries[3 * i] = w + 1
            entries[3 * i + 1] = int((time.monotonic() - begin) / unit)
            end += units[i] * unit      # sleep until then, not for so long
            while time.monotonic() < end:
                time.sleep(max(0, end - time.monotonic()))
            entries[3 * i + 2] = int((time.monotonic() - begin) / unit)
            i += 1

    started = []
    for w in range(2):
        started.append(start(worker, w))
        while not how and following.value <= w:
            os.sched_yield()    # until it has a task
    for p in started:
        p.join()
    for i in range(tasks):
        who, since, until = entries[3 * i:3 * i + 3]
        say(f"{chr(65 + i)}: worker {who}, {since} to {until}")
    say("makespan", max(entries[2::3]), "units")


def chunk(only=""):
    result = mp.RawArray("i", ITEMS)

    def job(size):
        following, claims = mp.Value("i"), mp.Value("i")

        def worker():
            mine = 1
            while (first := draw(following, size)) < ITEMS:
                for i in range(first, min(first + size, ITEMS)):
                    result[i] = i * i
                mine += 1
            draw(claims, mine)

        for p in [start(worker) for _ in range(2)]:
            p.join()
        mixed = sum(i // size != (i + 15) // size for i in range(0, ITEMS, 16))
        most = max(sum(range(i, min(i + size, ITEMS)))
                   for i in range(0, ITEMS, size))
        say(f"chunk {size:4}: {claims.value:4} claims, {mixed:2} of",
            f"{ITEMS // 16} lines mixed, largest",
            f"{100 * most / sum(range(ITEMS)):4.1f} %")

    for size in [number("chunk", only, ITEMS)] if only else [1, 10, 100, 1000]:
        job(size)


def square(x):
    return x * x


def triple(x):
    return 3 * x


def stay(maps="2"):
    maps = number("maps", maps, 10**6)
    with mp.Pool(4) as pool:
        pids = {p.pid for p in pool._pool}
        for k in range(1, maps + 1):
            out = pool.map(square if k % 2 else triple, range(1, 6))
            if k <= 2:
                say(*out)
        pids |= {p.pid for p in pool._pool}
    say(f"{maps} maps, {len(pids)} forks")


def root(x):
    if x < 0:
        raise OSError(errno.EDOM, os.strerror(errno.EDOM))
    y = 0
    while (y + 1) * (y + 1) <= x:
        y += 1
    return y


def status():
    numbers, failed = [4, -1, 9, 16], 0
    with mp.Pool(2) as pool:
        results = [pool.apply_async(root, (x,)) for x in numbers]
        for x, r in zip(numbers, results):
            try:
                say(f"root of {x}: {r.get()}")
            except OSError as e:
                failed += 1
                say(f"root of {x}: {e.strerror}")
    say(f"{failed} of {len(numbers)} failed")


def deadly(x):
    if x == 2:
        say("task 2: its worker is killed")
        die()
    return x * x


def killed():
    signal.alarm(10)    # for whoever runs this without a time limit
    with mp.Pool(2) as pool:
        say(len(pool.map(deadly, range(4))), "squares")


def note():
    tasks, nothing = 4, "nobody has it"
    places = ["after the draw", "after the note", "in the task",
              "after the task"]
    for place in places:
        following, mine = mp.Value("i"), mp.RawValue("i")
        states = mp.RawArray("i", tasks)

        def worker(where):
            def here(point):
                if i == 1 and point == where:
                    die()

            while (i := draw(following)) < tasks:
                here("after the draw")
                mine.value = i + 1
                here("after the note")
                i * i
                here("in the task")
                states[i] = 1
                here("after the task")
                mine.value = 0

        for where in place, None:       # the second one replaces the first
            start(worker, where).join()
            if mine.value and not states[mine.value - 1]:
                states[mine.value - 1] = 2
            mine.value = 0
        words = (nothing, "done", "lost")
        say(f"killed {place}:", ", ".join(words[x] for x in states))


def claim():
    tasks, done, lost = 5, -1, -2
    following, out = mp.Value("i"), mp.RawArray("i", tasks)
    states, by = mp.Array("i", tasks), mp.RawArray("i", tasks)
    running, started = {}, 0

    def worker(me):
        while (i := following.value) < tasks:
            with states.get_lock():     # Python's compare and exchange
                mine = states[i] == 0
                if mine:
                    states[i] = me
            with following.get_lock():
                if following.value == i:
                    following.value += 1
            if mine:
                if i == 2:
                    die()
                out[i] = i * i
                states[i] = done

    def begin(w):
        nonlocal started
        started += 1
        p = start(worker, w)
        running[p.sentinel] = w, p

    begin(1)
    begin(2)
    while running:
        for sentinel in connection.wait(running):
            w, p = running.pop(sentinel)
            p.join()
            if p.exitcode < 0:
                for i in range(tasks):
                    if states[i] == w:
                        by[i] = -p.exitcode
                        states[i] = lost
                begin(w)
    for i in range(tasks):
        say(f"task {i}:", out[i] if states[i] == done else
            f"lost by signal {by[i]}")
    say(started, "workers were started")


def well(x):
    """A square, as the jobs have it: not of a negative number."""
    if x < 0:
        raise OSError(errno.EDOM, os.strerror(errno.EDOM))
    return x * x


def area(a, b):
    return a * b


def job():
    taken, got, ahead = 0, 0, 0

    def source():
        nonlocal taken, ahead
        while taken < 8:
            taken += 1
            ahead = max(ahead, taken - got)
            yield taken - 1

    with mp.Pool(4) as pool:
        say("apply:", pool.apply(well, (7,)))
        r = pool.apply_async(well, (7,), callback=lambda _: say(
            "callback: Success"))
        say("apply_async:", r.get())
        r = pool.apply_async(well, (-1,), error_callback=lambda e: say(
            "error callback:", e.strerror))
        try:
            r.get()
        except OSError as e:
            say("it failed:", e.strerror)
        say("starmap:", *pool.starmap(area, [(1, 2), (3, 4), (5, 6)]))
        say("map_async:", *pool.map_async(well, range(1, 6)).get())
        results = pool.imap(well, source())
        while taken < 8:        # a thread of the pool reads it all
            time.sleep(0.001)
        out = []
        for y in results:
            got += 1
            out.append(y)
        say("imap:", *out)
        say("imap_unordered, summed up:",
            sum(pool.imap_unordered(well, range(8))))
    say(f"imap took at most {ahead} inputs ahead")


def nap(i):
    time.sleep(unit_of(100))
    return 2 * i


def deadly_nap(i):
    time.sleep(unit_of(100) / 2)
    if i == 5:
        die()
    time.sleep(unit_of(100) / 2)
    return 2 * i


def pids(pool):
    return {p.pid for p in pool._pool}


def one_by_one(pool):
    """A result or what it failed with; map would give up all of them."""
    for r in [pool.apply_async(well, (x,)) for x in (1, 2, -3, 4, 5)]:
        try:
            yield r.get()
        except OSError as e:
            yield f"({e.strerror})"


def all_of_them():
    with mp.Pool(4) as pool:
        before = pids(pool)
        say(*pool.map(well, range(1, 6)))
        begin = time.monotonic()
        say(*pool.map(nap, range(8), chunksize=1))
        say("units:", int((time.monotonic() - begin) / unit_of(100)))
        say(*one_by_one(pool))
        say("workers replaced:", len(before - pids(pool)))


def kill():
    with mp.Pool(4) as pool:
        before = pids(pool)
        say(*pool.map(well, range(1, 6)))
        try:
            say(*pool.map_async(deadly_nap, range(8), chunksize=1).get(GIVE_UP))
        except mp.TimeoutError:
            say(f"map, for {GIVE_UP} s: not one of eight results")
        say(*one_by_one(pool))
        say("workers replaced:", len(before - pids(pool)))


SECTIONS = {"fork": fork, "bound": bound, "static": static, "index": index,
            "log": log, "chunk": chunk, "stay": stay, "status": status,
            "note": note, "claim": claim, "job": job, "mp": all_of_them}
EXTRAS = {"killed": killed, "kill": kill}
MOST = {"bound": 2, "static": 1, "index": 1, "log": 1, "chunk": 1, "stay": 1}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    parser.add_argument("words", nargs="*", metavar="WORD",
                        help="for bound, static, index, log, chunk, stay: what\n"
                             "the C step takes")
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
