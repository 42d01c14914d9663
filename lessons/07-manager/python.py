#!/usr/bin/env python3
"""Lesson 07 with Python's multiprocessing: the same story, the same lines.

python3 python.py                   all sections, in the order of the steps
python3 python.py SECTION [WORD…]   one of them; they are named like the steps
python3 python.py kill              kill -9 of a waiter and of the holder
python3 python.py pickle            what recv does with a message
python3 python.py leak              objects of clients that were killed
python3 python.py objects           what a manager can keep
"""
import sys

sys.dont_write_bytecode = True

import argparse
import multiprocessing as mp
import os
import select
import signal
import socket
import struct
import tempfile
import threading
import time
from multiprocessing.connection import Client, Listener
from multiprocessing.managers import BaseManager

SEQPACKET = socket.SOCK_SEQPACKET


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


def request():
    ours, theirs = mp.Pipe()
    count = 0

    def serve():
        nonlocal count
        ours.close()
        served = 0
        try:
            while True:
                op, value = theirs.recv()
                if op == "add":
                    count += value
                theirs.send(count)
                served += 1
        except EOFError:
            say(f"server: the client has gone, after {served} requests")

    def ask(op, value=0):
        ours.send((op, value))
        return ours.recv()

    p = start(serve)
    theirs.close()
    say("client: get    ", ask("get"))
    say("client: add 3  ", ask("add", 3))
    say("client: add 4  ", ask("add", 4))
    say("client: its own", count)
    ours.close()
    p.join()


# A MessagePack module is not part of Python; this much of it fits on a page.

def packed(value):
    if isinstance(value, int) and 0 <= value < 128:
        return bytes([value])
    if isinstance(value, int):
        return b"\xcd" + struct.pack("!H", value)
    if isinstance(value, str):
        return bytes([0xa0 + len(value)]) + value.encode()
    return bytes([0x90 + len(value)]) + b"".join(map(packed, value))


def unpacked(data):
    """(value, what comes behind it); IndexError or the like: it is none."""
    first, rest = data[0], data[1:]
    if first < 0x80:
        return first, rest
    if first < 0xa0:
        values = []
        for _ in range(first - 0x90):
            value, rest = unpacked(rest)
            values.append(value)
        return values, rest
    if first == 0xcd:
        return struct.unpack("!H", rest[:2])[0], rest[2:]
    size = first - 0xa0
    if first == 0xdb:
        size, rest = struct.unpack("!I", rest[:4])[0], rest[4:]
    if size > len(rest):
        raise ValueError("cut off")
    return rest[:size].decode(), rest[size:]


def shown(value):
    if isinstance(value, list):
        return "list: " + ", ".join(map(shown, value))
    return f'"{value}"' if isinstance(value, str) else str(value)


def values():
    ours, theirs = mp.Pipe()

    def serve():
        ours.close()
        try:
            while True:
                data = theirs.recv_bytes()
                try:
                    value, rest = unpacked(data)
                    what = "refused" if rest else shown(value)
                except (IndexError, ValueError):
                    what = "refused"
                say(data.hex(" "), "=", what)
        except EOFError:
            pass

    p = start(serve)
    theirs.close()
    ours.send_bytes(packed(3))
    ours.send_bytes(packed(300))
    ours.send_bytes(packed(["get", "count"]))
    ours.send_bytes(packed(["get", "count"])[:-1])
    ours.send_bytes(b"\xdb\xff\xff\xff\xff")
    ours.close()
    p.join()


def accept():
    def words_of(path):
        try:
            Client(path).close()
        except OSError as e:
            return os.strerror(e.errno)
        return "connected"

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/s"
        before = os.umask(0o177)        # only this user may connect
        listener = Listener(path)
        os.umask(before)
        say(f"a path in the file system, mode {os.stat(path).st_mode & 0o777:o}")
        p = start(lambda: Client(path).send("I am process 1, let me in"))
        conn = listener.accept()
        words = conn.recv()
        with socket.socket(fileno=os.dup(conn.fileno())) as s:
            pid, uid, _ = struct.unpack("3i", s.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        p.join()
        say("the client says:", words)
        say(f"the kernel says: {'it is the child' if pid == p.pid else 'another'},",
            f"of {'our user' if uid == os.getuid() else 'another user'}")
        # Not close(), which would unlink the path too.
        listener._listener._socket.close()
        listener._listener._unlink.cancel()
        say("nobody listens: ", words_of(path))
        os.unlink(path)
        say("no path:        ", words_of(path))


def two_clients(serve):
    """Two streams; the other ends are the server's."""
    pairs = [socket.socketpair() for _ in "AB"]

    def server():
        for ours, _ in pairs:
            ours.close()
        serve([theirs for _, theirs in pairs])

    start(server)
    for _, theirs in pairs:
        theirs.close()
    return [ours for ours, _ in pairs]


def hear(s):
    return int.from_bytes(s.recv(4), sys.byteorder)


def slow():
    def serve(clients):
        count = 0
        looks = select.poll()
        for s in clients:
            looks.register(s, select.POLLIN)
        while True:
            ready = dict(looks.poll())
            for s in clients:
                if s.fileno() in ready:
                    if len(s.recv(4, socket.MSG_WAITALL)) < 4:
                        return
                    count += 1
                    s.send(count.to_bytes(4, sys.byteorder))

    a, b = two_clients(serve)
    a.send(b"ad")
    say("A has sent half a request")
    b.send(b"add\n")
    say("B has sent a whole one")
    looks = select.poll()
    looks.register(b, select.POLLIN)
    say("B has its answer" if looks.poll(100) else "B hears nothing")
    a.send(b"d\n")
    say("A has sent the other half")
    say("A hears", hear(a))
    say("B hears", hear(b))
    a.close()
    b.close()


def epoll():
    def serve(clients):
        count = 0
        got = {s.fileno(): b"" for s in clients}
        ep = select.epoll()
        for s in clients:
            ep.register(s, select.EPOLLIN)
        while True:
            for fd, _ in ep.poll():
                s = next(x for x in clients if x.fileno() == fd)
                data = s.recv(4 - len(got[fd]), socket.MSG_DONTWAIT)
                if not data:
                    return
                got[fd] += data
                if len(got[fd]) == 4:
                    got[fd] = b""
                    count += 1
                    s.send(count.to_bytes(4, sys.byteorder))

    a, b = two_clients(serve)
    a.send(b"ad")
    say("A has sent half a request")
    b.send(b"add\n")
    say("B has sent a whole one")
    say("B hears", hear(b))
    a.send(b"d\n")
    say("A has sent the other half")
    say("A hears", hear(a))
    a.close()
    b.close()


def proxy():
    with mp.Manager() as m:
        d, l = m.dict(), m.list()
        d["c"] = 3
        l.append(7)
        say("A: d['c'] = 3, l.append(7)")
        copy = l[:]
        say(f"B: d['c'] is {d['c']}, l is {copy}")
        copy.append(8)
        say("B appends 8 to what it got: l has", len(l))
        l.append(8)
        say("B: l.append(8):             l has", len(l))


POINTS = ["A.get", "A.set", "B.get", "B.set"]


def lost(*words):
    order = list(words) or ["A.get", "B.get", "A.set", "B.set"]
    for i, point in enumerate(order):
        before = "A.get" if point == "A.set" else "B.get"
        if (len(order) != 4 or point not in POINTS or point in order[:i] or
                point.endswith("set") and before not in order[:i]):
            refuse(f"'{point}': A.get A.set, mixed with B.get B.set")
    with mp.Manager() as m:
        d, got = m.dict(c=0), {}
        for point in order:
            who = point[0]
            if point.endswith("get"):
                got[who] = d["c"]
            else:
                got[who] += 1
                d["c"] = got[who]
            say(point, "", got[who])
        say("both have added" if d["c"] == 2 else "an update is lost")


class Count:
    """Lives in the server, which has a thread for each client: so a lock."""

    def __init__(self):
        self.count, self.lock = 0, threading.Lock()

    def get(self):
        return self.count

    def add(self, n):
        with self.lock:
            self.count += n
            return self.count

    def compare_and_set(self, value, old):
        with self.lock:
            found = self.count
            if found == old:
                self.count = value
            return found


class Desk:
    """A lock of the server that can say how many are at it."""

    def __init__(self):
        self.lock, self.at = threading.Lock(), 0
        self.mutex = threading.Lock()

    def acquire(self):
        with self.mutex:
            self.at += 1
        self.lock.acquire()     # this thread waits, others serve

    def release(self):
        self.lock.release()
        with self.mutex:
            self.at -= 1

    def queued(self):
        return self.at


class Manager(BaseManager):
    pass


Manager.register("Count", Count)
Manager.register("Desk", Desk)


def mend():
    with Manager() as m:
        c = m.Count()

        def told(what, n):
            say(f"  {what:10} {n}")
            return n

        say("an operation")
        told("A.ADD", c.add(1))
        told("B.ADD", c.add(1))
        say("compare and set")
        a = told("A.GET", c.get())
        b = told("B.GET", c.get())
        told("A.CAS", c.compare_and_set(a + 1, a))
        found = told("B.CAS", c.compare_and_set(b + 1, b))
        if found != b:
            told("B.CAS", c.compare_and_set(found + 1, found))
        say("four updates, the count is", told("A.GET", c.get()))


def parked():
    with Manager() as m:
        desk = m.Desk()

        def b():
            desk.acquire()
            say("B has the lock")
            desk.release()

        desk.acquire()
        say("A has the lock")
        p = start(b)
        until(lambda: desk.queued() == 2)
        say(f"B waits, C has an answer: {desk.queued()} at the lock")
        say("A releases it")
        desk.release()
        p.join()
        say(f"C has an answer: {desk.queued()} at the lock")


# Python's manager does not look whether a client lives (see `kill`), so this
# section has a server of its own, as the step has.

class Queue:
    def __init__(self):
        self.clients, self.queue = [], []

    def leave(self, s):
        first = self.queue[:1] == [s]
        if s in self.queue:
            self.queue.remove(s)
        if first and self.queue:
            self.queue[0].send(b"\1")

    def serve_until(self, n):
        looks = select.poll()
        for s in self.clients:
            looks.register(s, select.POLLIN)
        while len(self.queue) != n:
            ready = dict(looks.poll())
            for s in list(self.clients):
                if s.fileno() not in ready:
                    continue
                if s.recv(1):
                    self.queue.append(s)
                    if len(self.queue) == 1:
                        s.send(b"\0")
                else:
                    looks.unregister(s)
                    self.clients.remove(s)
                    self.leave(s)

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, SEQPACKET)

        def client():
            theirs.send(b"a")
            while (died := theirs.recv(1)) == b"\0":
                pass
            if died:
                say("C has the lock: its holder has died")

        p = start(client)
        theirs.close()
        self.clients.append(ours)
        self.serve_until(len(self.clients))
        return p


def killed():
    q = Queue()
    a, b, _ = (q.start() for _ in "ABC")
    say("A has the lock, B and C wait:", len(q.queue))
    b.kill()
    q.serve_until(2)
    say(f"B is killed: {len(q.queue)}; A is killed")
    a.kill()
    q.serve_until(0)
    say("C has ended:", len(q.queue))


def kill():
    with Manager() as m:
        desk = m.Desk()

        def client():
            desk.acquire()
            say("C has the lock")

        def a():
            desk.acquire()
            signal.pause()

        clients = []
        for i, what in enumerate((a, client, client), 1):
            clients.append(start(what))
            until(lambda: desk.queued() == i)
        say("A has the lock, B and C wait:", desk.queued())
        clients[1].kill()
        clients[1].join()
        say(f"B is killed: {desk.queued()}; A is killed")
        clients[0].kill()
        clients[0].join()
        clients[2].join(0.3)
        if clients[2].is_alive():
            say("C waits still")
        desk.release()      # by hand, for A
        clients[2].join(0.3)
        if clients[2].is_alive():
            say("A's lock is released by hand: B, who is dead, has it")
        clients[2].kill()
        clients[2].join()


class Objects:
    """The server's part alone, as in the step."""

    def __init__(self):
        self.refs = [1] + [0] * 7
        self.inside = [0] * 8
        self.has = {"A": [0] * 8, "B": [0] * 8}

    def drop(self, n):
        if n > 0:
            self.refs[n] -= 1
            if self.refs[n] == 0:
                self.drop(self.inside[n])
                self.inside[n] = 0

    def give(self, client, n):
        self.refs[n] += 1
        self.has[client][n] += 1
        return n

    def create(self, client):
        return self.give(client, self.refs.index(0))

    def put(self, n, other):
        self.refs[other] += 1
        self.drop(self.inside[n])
        self.inside[n] = other

    def forget(self, client, n):
        self.has[client][n] -= 1
        self.drop(n)

    def gone(self, client):
        for n in range(8):
            while self.has[client][n]:
                self.forget(client, n)

    def show(self, what):
        say(f"{what:40} {sum(x > 0 for x in self.refs)}")


def handle():
    o = Objects()
    o.show("the dict")
    x = o.create("A")
    o.show("A creates a list")
    o.put(0, x)
    o.forget("A", x)
    o.show("d['l'] = l, and A forgets it")
    o.give("B", o.inside[0])
    o.put(0, 0)
    o.show("B has d['l'], and then d['l'] = None")
    o.gone("B")
    o.show("B is killed")
    x, y = o.create("A"), o.create("A")
    o.put(x, y)
    o.put(y, x)
    o.gone("A")
    o.show("x and y hold each other; A is killed")


def server():
    for what, kills in (("the server is shut down", False),
                        ("the server is killed", True)):
        # An abstract address: no path that could be left behind.
        m = Manager(address=f"\0rawmp-lesson-{os.getpid()}-{kills}")
        m.start()
        desk = m.Desk()
        desk.acquire()

        def client():
            try:
                desk.acquire()
            except (EOFError, OSError):
                sys.exit(1)

        clients = [start(client) for _ in range(3)]
        until(lambda: desk.queued() == 4)
        if kills:
            m._process.kill()
        else:
            m.shutdown()
        for p in clients:
            p.join()
        m._process.join()       # now its listener is closed, too
        errors = sum(p.exitcode == 1 for p in clients)
        try:
            Client(m.address)
            then = "connected"
        except OSError as e:
            then = os.strerror(e.errno)
        say(f"{what}: {errors} of 3 have an error, the next: {then}")


def all_of_them():
    times = 1000
    with mp.Manager() as m:
        d, l, lock = m.dict(count=0), m.list(), m.Lock()

        def worker(i):
            with lock:
                d["count"] += 1
                l.append(i)

        workers = [start(worker, i) for i in range(3)]
        for w in workers:
            w.join()
        say(f"3 workers: count {d['count']}, list", *sorted(l))

        begin = time.perf_counter_ns()
        for _ in range(times):
            with lock:
                d["count"] += 1
        middle = time.perf_counter_ns()
        value = mp.Value("i", 0)
        for _ in range(times):
            with value.get_lock():
                value.value += 1
        end = time.perf_counter_ns()
        say(f"an addition: {(middle - begin) // times} ns by the server,",
            f"{(end - middle) // times} ns without one")


class Mail:
    """What it says is done by whoever loads it."""

    def __reduce__(self):
        return say, ("this line is printed by the receiver:", "it ran", "a call")


def pickled():
    ours, theirs = mp.Pipe()
    p = start(lambda: theirs.recv())
    say("a message is sent")
    ours.send(Mail())
    p.join()
    say("recv has returned")


def leak():
    with mp.Manager() as m:
        d = m.dict()
        say("objects at first:", m._number_of_objects())

        def client(ready):
            lists = [m.list() for _ in range(10)]
            ready.send(len(lists))
            signal.pause()

        for _ in range(3):
            r, w = mp.Pipe(duplex=False)
            p = start(client, w)
            r.recv()
            p.kill()
            p.join()
        say("after three clients that were killed, with 10 lists each:",
            m._number_of_objects())
        d.clear()


def objects():
    with mp.Manager() as m:
        at_first = m._number_of_objects()
        d, l, n = m.dict(), m.list(), m.Namespace()
        v, a = m.Value("i", 7), m.Array("i", [0, 0, 0])
        lock, q = m.Lock(), m.Queue()
        d["a"] = 1
        say("dict:", d["a"])
        l.extend(range(3))
        say(f"list: {l[0]} {l[1]}, popped {l.pop()}")
        n.x = 5
        say("namespace:", n.x)
        v.value = 8
        say("value:", v.value)
        a[1] = 20
        say("array:", *a)
        q.put(1)
        q.put(2)
        say("queue:", q.get(), q.get())

        d["list"] = l
        del l

        def other():
            if lock.acquire(blocking=False):
                sys.exit(1)
            d["list"].append(3)

        lock.acquire()
        p = start(other)
        p.join()
        lock.release()
        say("lock:", "free" if p.exitcode else "held")
        l = d["list"]
        say("nested:", len(l), "entries")
        say("objects:", m._number_of_objects() - at_first, "more")
        del d, l, n, v, a, lock, q, other
        say("objects:", m._number_of_objects() - at_first, "more")


SECTIONS = {"request": request, "values": values, "accept": accept, "slow": slow,
            "epoll": epoll, "proxy": proxy, "lost": lost, "mend": mend,
            "parked": parked, "killed": killed, "handle": handle,
            "server": server, "mp": all_of_them}
EXTRAS = {"kill": kill, "pickle": pickled, "leak": leak, "objects": objects}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    parser.add_argument("words", nargs="*", metavar="WORD",
                        help="for lost: the script, as in A.get B.get A.set B.set")
    args = parser.parse_args()
    most = 4 if args.section == "lost" else 0
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
