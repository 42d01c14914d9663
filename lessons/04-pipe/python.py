#!/usr/bin/env python3
"""Lesson 04 with Python's multiprocessing: the same story, the same lines.

python3 python.py                   all sections, in the order of the steps
python3 python.py SECTION [WORD…]   one of them; they are named like the steps
python3 python.py kill              kill -9 of the sender: what recv says
"""
import sys

sys.dont_write_bytecode = True

import argparse
import fcntl
import multiprocessing as mp
import os
import select
import signal
import struct
import termios
import time
from multiprocessing.connection import wait


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


def pipe():
    r, w = mp.Pipe(duplex=False)
    p = start(lambda: w.send_bytes(b"Data from the child"))
    w.close()
    p.join()
    say("the child has ended")
    try:
        while True:
            data = r.recv_bytes()
            say(f"{len(data)} bytes: {data.decode()}")
    except EOFError:
        say("0 bytes: the end of file")


def eof(*words):
    if words not in ((), ("close",)):
        refuse(f"'{words[0]}' is not close")
    r, w = mp.Pipe(duplex=False)

    def child():
        for c in "abc":
            w.send(c)

    p = start(child)
    if words:
        w.close()
    p.join()
    say("the child has sent 3 bytes and has ended")
    try:
        n = 0
        while True:
            c = r.recv()
            n += 1
            say(f"byte {n}: {c}")
    except EOFError:
        say("end of file")


# Connection has messages.  What a stream is without them, os.pipe shows.

def stream():
    r, w = os.pipe()
    size = fcntl.fcntl(w, fcntl.F_GETPIPE_SZ)

    def child():
        os.write(w, b"hello")
        os.write(w, b"hey")

    start(child).join()
    say("2 messages sent, 1 received:", os.read(r, 100).decode())
    os.write(w, b"hru")
    say(f"4 bytes asked for: {len(os.read(r, 4))} come")

    p = start(os.write, w, bytes(size + 1000))
    there = bytearray(4)
    while struct.unpack("i", there)[0] < size:
        os.sched_yield()
        fcntl.ioctl(r, termios.FIONREAD, there)
    left = size + 1000 - len(os.read(r, size + 1000))
    say(f"1 long write: all but {left} bytes come")
    os.read(r, 1000)
    p.join()
    os.close(r)
    os.close(w)


def framing(*words):
    if words not in ((), ("torn",)):
        refuse(f"'{words[0]}' is not torn")
    r, w = mp.Pipe(duplex=False)

    def sender():
        if not words:
            for text in "hello", "hey", "hru?", "END":
                w.send_bytes(text.encode())
            return
        for text in b"hello", b"hey", b"hru?", b"END":
            for byte in struct.pack("!i", len(text)) + text:
                os.write(w.fileno(), bytes([byte]))

    p = start(sender)
    w.close()
    while True:
        text = r.recv_bytes().decode()
        if text == "END":
            break
        say("Received the message:", text)
    say(f"{text}: the receiver stops")
    p.join()


def write_to_nobody(what, early, ignore):
    r, w = mp.Pipe(duplex=False)

    def child():
        # Python ignores SIGPIPE from its start on.
        signal.signal(signal.SIGPIPE,
                      signal.SIG_IGN if ignore else signal.SIG_DFL)
        try:
            w.send_bytes(b"hello")
            say(f"{what}: sent")
        except BrokenPipeError as e:
            say(f"{what}: {os.strerror(e.errno)}")

    if not early:
        r.close()
    p = start(child)
    w.close()
    p.join()
    if p.exitcode < 0:
        say(f"{what}: killed by signal {-p.exitcode}")
    if early:
        r.close()


def sigpipe():
    write_to_nobody("the reader goes after the write", True, False)
    write_to_nobody("the reader has gone", False, False)
    write_to_nobody("the same, SIGPIPE ignored", False, True)


def duplex():
    r, w = os.pipe()

    def asks_itself():
        os.write(w, b"hello world")
        say("one pipe:    child  received:", os.read(r, 100).decode())

    start(asks_itself).join()
    os.close(r)
    os.close(w)

    ours, theirs = mp.Pipe()

    def asks():
        ours.close()
        theirs.send("hello world")
        say("socket pair: child  received:", theirs.recv())

    p = start(asks)
    theirs.close()
    say("socket pair: parent received:", ours.recv())
    ours.send("hello child")
    p.join()


def deadlock(word="1000000"):
    turns = word == "turns"
    size = 1000000 if turns else int(word) if word.isdecimal() else 0
    if not 1 <= size <= 1000000:
        refuse(f"'{word}' is not turns, nor 1 to 1000000")
    say(f"two send {size} bytes and read as many;",
        "one reads first" if turns else "both send first")
    ours, theirs = mp.Pipe()

    def child():
        if turns:
            theirs.recv_bytes()
        theirs.send_bytes(bytes(size))
        if not turns:
            theirs.recv_bytes()

    p = start(child)
    ours.send_bytes(bytes(size))
    ours.recv_bytes()
    p.join()
    say("both are through")


# Python has no atomics and no fence; sections that need them keep an order in
# which put and get do not meet.

class Ring:
    SLOTS = 16
    TAIL, HEAD, WAITS, BELLS, SLOT = range(5)

    def __init__(self):
        self.word = mp.RawArray("i", self.SLOT + self.SLOTS)
        self.bell = os.eventfd(0)

    def put(self, value):
        w = self.word
        if w[self.TAIL] - w[self.HEAD] == self.SLOTS:
            return False
        w[self.SLOT + w[self.TAIL] % self.SLOTS] = value
        w[self.TAIL] += 1
        if w[self.WAITS]:
            w[self.WAITS] = 0
            w[self.BELLS] += 1
            os.eventfd_write(self.bell, 1)
        return True

    def get(self):
        w = self.word
        while w[self.TAIL] == w[self.HEAD]:
            w[self.WAITS] = 1
            if w[self.TAIL] == w[self.HEAD]:
                os.eventfd_read(self.bell)
        value = w[self.SLOT + w[self.HEAD] % self.SLOTS]
        w[self.HEAD] += 1
        return value


def ring():
    r = Ring()
    start(lambda: [r.put(i) for i in (1, 2, 3)]).join()
    total = sum(r.get() for _ in range(3))
    say(f"3 messages, nobody waits: sum {total}, bells {r.word[r.BELLS]}")

    p = start(lambda: sys.exit(r.get()))
    until(lambda: r.word[r.WAITS] and asleep(p))
    r.put(42)
    p.join()
    say(f"1 message, somebody waits: {p.exitcode}, bells {r.word[r.BELLS]}")

    n = 0
    while n < 20 and r.put(n):
        n += 1
    say(f"20 are put before anybody gets: {n} fit")
    os.close(r.bell)


def poll():
    r, w = os.pipe()
    bell = os.eventfd(0)

    def child():
        os.write(w, b"hello")
        os.eventfd_write(bell, 3)
        while True:
            signal.pause()

    p = start(child)
    os.close(w)
    pidfd = os.pidfd_open(p.pid)
    looks = select.poll()
    for fd in r, bell, pidfd:
        looks.register(fd, select.POLLIN)
    gone = 0
    while gone < 2:
        ready = dict(looks.poll())
        if ready.get(r, 0) & select.POLLIN:
            say(f"pipe:    {len(os.read(r, 20))} bytes")
        elif r in ready:
            say("pipe:    end of file")
            looks.unregister(r)
            gone += 1
        if bell in ready:
            say("eventfd:", os.eventfd_read(bell))
            p.kill()
        if pidfd in ready:
            p.join()
            say(f"pidfd:   killed by signal {-p.exitcode}")
            looks.unregister(pidfd)
            gone += 1
    for fd in r, bell, pidfd:
        os.close(fd)


FRAME = struct.pack("!i", 5) + b"hello"


def receive(r):
    try:
        return r.recv_bytes().decode()
    except EOFError:
        return "end of file"
    except OSError:     # got end of file during message
        return "cut off"


def far_end(what, n, closes=False, held=False):
    """A child sends n bytes of a message; it closes, or it is killed."""
    r, w = mp.Pipe(duplex=False)

    def child():
        r.close()
        os.write(w.fileno(), FRAME[:n])
        w.close()
        while closes:
            signal.pause()
        os.kill(os.getpid(), signal.SIGKILL)

    p = start(child)
    if not held:
        w.close()
    if not closes:
        p.join()
    if held:
        came = "poll says yes, recv hangs" if hangs(r) else "no hang"
    else:
        came = receive(r)
    say(f"{what}: {came}")
    if n == len(FRAME):
        say("and then:", receive(r))
    if closes:
        p.kill()
        p.join()
    return r


def hangs(r):
    """There is something, and recv does not come back from it."""
    if not r.poll(0.05):
        return False
    p = start(receive, r)
    p.join(0.2)
    p.kill()
    p.join()
    return p.exitcode == -signal.SIGKILL


def killed():
    far_end("the far end is closed", 0, closes=True)
    r = far_end("the far end is killed", 0)
    try:
        r.send("x")
        result = "sent"
    except OSError:     # connection is read-only
        result = "refused"
    say("sending on the receiving end:", result)


def kill():
    far_end("killed before a message", 0)
    far_end("killed in its header", 2)
    far_end("killed after its header", 4)
    far_end("killed in its bytes", 6)
    far_end("killed after it", 9)
    far_end("killed in its bytes, but we hold that end too", 6, held=True)


def all_of_them():
    ours = []

    def worker(theirs):
        for c in ours:
            c.close()
        n = theirs.recv()
        time.sleep(n * 0.005)
        if n == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        theirs.send(n * n)

    workers = []
    for n in 1, 2, 3:
        a, theirs = mp.Pipe()
        ours.append(a)
        workers.append(start(worker, theirs))
        theirs.close()
        a.send(n)
    left = list(ours)
    while left:
        for c in wait(left):
            i = ours.index(c)
            try:
                n, what = c.recv(), "answer"
            except (EOFError, ConnectionResetError):
                n, what = 0, "end of file"
            workers[i].join()
            say(f"worker {i + 1}: {what}, {n},",
                f"exit code {workers[i].exitcode}")
            left.remove(c)

    r, w = mp.Pipe(duplex=False)
    p = start(w.send_bytes, bytes(1000000))     # send has no timeout
    p.join(0.05)
    if p.is_alive():
        say("1000000 bytes that nobody reads: timed out")
    p.kill()
    p.join()
    r.close()


SECTIONS = {"pipe": pipe, "eof": eof, "stream": stream, "framing": framing,
            "sigpipe": sigpipe, "duplex": duplex, "deadlock": deadlock,
            "ring": ring, "poll": poll, "killed": killed, "mp": all_of_them}
EXTRAS = {"kill": kill}
ENDS = {"eof": ["close"], "deadlock": ["turns"]}     # the others hang


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("section", nargs="?", metavar="SECTION",
                        choices=[*SECTIONS, *EXTRAS],
                        help=", ".join([*SECTIONS, *EXTRAS]))
    parser.add_argument("words", nargs="*", metavar="WORD",
                        help="for eof: close; for framing: torn;\n"
                        "for deadlock: turns, or a number of bytes")
    args = parser.parse_args()
    most = {"eof": 1, "framing": 1, "deadlock": 1}.get(args.section, 0)
    if len(args.words) > most:
        parser.error(f"'{args.words[most]}': one word too many")
    mp.set_start_method("fork")     # no longer the default from 3.14 on
    if args.section:
        (SECTIONS | EXTRAS)[args.section](*args.words)
        return
    for name, section in SECTIONS.items():
        say(f"== {name}")
        section(*ENDS.get(name, []))


if __name__ == "__main__":
    main()
