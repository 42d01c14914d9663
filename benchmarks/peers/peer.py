"""What every peer does: say who it is, then answer questions, a line each.

A question is a command and its words; an answer is "ok ..." or "error ...".
A peer is a co-process of a benchmark written in C (harness/peer.h): it measures
in itself, with its own clock, and never prints anything else.
"""
import os
import platform
import resource
import signal
import sys
import time

now = time.monotonic_ns


def usage():
    """CPU ns, switches (voluntary, not), faults: of us and reaped children."""
    total = [0, 0, 0, 0]
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        r = resource.getrusage(who)
        total[0] += int((r.ru_utime + r.ru_stime) * 1e9)
        total[1] += r.ru_nvcsw
        total[2] += r.ru_nivcsw
        total[3] += r.ru_minflt + r.ru_majflt
    return total


def between(earlier, later):
    return [b - a for a, b in zip(earlier, later)]


def die_with_parent():
    """In a child of the peer: be killed when the peer is."""
    try:
        import ctypes
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass    # a Python without ctypes: then only an orderly end is covered


def pin(cpu):
    if cpu >= 0:
        os.sched_setaffinity(0, {cpu})


class Team:
    """n children that begin together.  work(i) runs in each; go() says when
    they began, done[i] when each had done its work.

        with Team(fork, n, work) as team:
            begin = team.go()
        ns = max(team.done) - begin

    The start line is two pipes: a byte from each that is ready, and an end of
    file for all at once.  Whoever fails makes the end of the block raise."""

    def __init__(self, context, n, work, place=None, warm=None):
        """place(i): the CPU of worker i (None: any); warm(i): what it does
        before the line"""
        self.done = context.RawArray("q", n)
        self.ready, self.line = os.pipe(), os.pipe()
        self.children = [
            context.Process(target=self._child, args=(i, work, place, warm))
            for i in range(n)]

    def _child(self, i, work, place, warm):
        die_with_parent()
        if place is not None:
            pin(place(i))
        if warm is not None:
            warm(i)     # a fresh child copies each page that it touches
        os.close(self.line[1])
        os.write(self.ready[1], b".")
        os.close(self.ready[1])
        os.read(self.line[0], 1)
        work(i)
        self.done[i] = now()

    def __enter__(self):
        for c in self.children:
            c.start()
        os.close(self.ready[1])     # so that the dead are an end of file
        return self

    def go(self):
        n = 0
        while n < len(self.children):
            got = len(os.read(self.ready[0], 64))
            if got == 0:
                raise RuntimeError("a worker died before the start")
            n += got
        begin = now()
        os.close(self.line[1])
        return begin

    def __exit__(self, kind, value, trace):
        for c in self.children:
            if kind is not None:
                c.kill()
            c.join()
        os.close(self.ready[0])
        os.close(self.line[0])
        if kind is not None:
            return
        for i, c in enumerate(self.children):
            if c.exitcode != 0:
                raise RuntimeError(f"worker {i} ended with {c.exitcode}")


def contest(context, n, windows, window_ns, section, batch):
    """n children call section(batch) until the windows are over; as
    harness/contest.c.  -> operations, and the words of the answer: usage, ns of
    an operation * 1000, share * 1000, CPUs * 1000, operations."""
    over, done = context.RawValue("b"), context.RawArray("Q", n)
    cpu = context.RawArray("Q", n)
    seen = []

    def work(i):
        began = time.process_time_ns()
        while not over.value:
            section(batch)
            done[i] += batch
        cpu[i] = time.process_time_ns() - began

    before = usage()
    with Team(context, n, work) as team:
        begin = team.go()
        while not all(done):
            time.sleep(window_ns / 20e9)
        start = now()
        for w in range(windows + 1):
            time.sleep(max(0, start + w * window_ns - now()) / 1e9)
            seen.append((now(), list(done)))
        while seen[-1][1] == seen[0][1]:
            time.sleep(window_ns / 20e9)
            seen[-1] = (now(), list(done))
        over.value = 1
    ns = (seen[-1][0] - seen[0][0]) / (sum(seen[-1][1]) - sum(seen[0][1]))
    share = 1
    for (_, a), (_, b) in zip(seen, seen[1:]):
        got = between(a, b)
        share = max(share, max(got) / max(1, min(got)))
    cpus = sum(cpu) / (max(team.done) - begin)
    return sum(done), (between(before, usage()) +
                       [int(x * 1000) for x in (ns, share, cpus)] +
                       [sum(done)])


def serve(commands):
    """Answer until the input ends.  commands: name -> function of strings that
    returns the words of the answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # the benchmark decides
    ask, answer = sys.stdin, sys.stdout

    def say(text):
        answer.write(text + "\n")
        answer.flush()

    say(f"ok {platform.python_implementation()} {platform.python_version()}")
    for line in ask:
        name, *words = line.split()
        try:
            say("ok " + " ".join(map(str, commands[name](*words))))
        except Exception as e:      # whatever it is, the benchmark must know
            say(f"error {type(e).__name__}: {e}".replace("\n", " "))
