#!/usr/bin/env python3
"""Python's side of benchmarks/latency.c, throughput.c and queue.c.

latency HOW BYTES CPU CPU PACE_NS NS
                                -> usage (4 words), how many, ns of each
throughput HOW BYTES CPU CPU NS -> usage, ns, messages
queue HOW PRODUCERS CONSUMERS CAPACITY CPU CPU NS
                                -> usage, ns, messages

HOW: pipe (Pipe, send_bytes: half as much again as send), queue (Queue) or
simplequeue (SimpleQueue).  A message is bytes that are made anew each time
(half of its price with long ones: a fill and a copy) and looked at by their
receiver, all of them.  Pipes are one way where that is enough: a socket pair,
which both ways have, is slower for short messages, and faster for long ones.
"""
import sys

sys.dont_write_bytecode = True

import multiprocessing
import os
import struct
import warnings

import peer

warnings.simplefilter("ignore")
fork = multiprocessing.get_context("fork")
number = struct.Struct("<Q")


class Used:
    """What each of n processes has used since it said begin()."""

    def __init__(self, n):
        self.words = fork.RawArray("q", 4 * n)
        self.n = n

    def begin(self):
        self.before = peer.usage()

    def end(self, i):
        self.words[4 * i:4 * i + 4] = peer.between(self.before, peer.usage())

    def all(self):
        return [sum(self.words[k::4]) for k in range(4)]


class Pipe:
    """Two pipes, one each way."""

    def __init__(self, _capacity):
        self.ends = fork.Pipe(duplex=False)
        self.put, self.get = self.ends[1].send_bytes, self.ends[0].recv_bytes

    def flush(self):
        pass


class Queue:
    def __init__(self, capacity):
        self.queue = fork.Queue(capacity)
        self.put, self.get = self.queue.put, self.queue.get

    def flush(self):
        """Wait until the feeder has sent it all."""
        self.queue.close()
        self.queue.join_thread()


class SimpleQueue(Queue):
    def __init__(self, _capacity):
        self.queue = fork.SimpleQueue()
        self.put, self.get = self.queue.put, self.queue.get

    def flush(self):
        pass


WAYS = {"pipe": Pipe, "queue": Queue, "simplequeue": SimpleQueue}



def latency(how, length, one, other, pace_ns, ns):
    cpus, pace, ns = (int(one), int(other)), int(pace_ns), int(ns)
    there, back = WAYS[how](0), WAYS[how](0)
    times = fork.RawArray("q", 1 << 20)
    count = fork.RawValue("q")
    counts = fork.RawValue("b")     # no longer warming up
    used = Used(2)
    warm = 3 if pace else 20
    words = int(length) // 8
    stop = bytes(8 * words)

    def ask():
        k, over, first = 0, None, peer.now()
        while True:
            k += 1
            begin = peer.now()
            if pace and k > 1:
                begin = first + k * pace
                while peer.now() < begin:
                    pass
            if over is None and (k > warm or k > 1 and
                                 peer.now() > first + ns // 5):
                used.begin()
                over, counts.value = peer.now() + ns, 1
            there.put(number.pack(k) * words)
            if back.get() != number.pack(k ^ 0xffffffffffffffff) * words:
                raise RuntimeError("not the answer to the question")
            end = peer.now()
            if k == 1:
                first = end
            if over is not None:
                times[count.value] = end - begin
                count.value += 1
                if end > over or count.value == len(times):
                    used.end(0)
                    there.put(stop)
                    there.flush()
                    return

    def answer():
        warming = True
        while True:
            question = there.get()
            if question == stop:
                used.end(1)
                back.flush()
                return
            k = number.unpack_from(question)[0]
            if warming and counts.value:
                used.begin()
                warming = False
            back.put(number.pack(k ^ 0xffffffffffffffff) * words)

    with peer.Team(fork, 2, lambda i: answer() if i else ask(),
                   None if cpus[0] < 0 else lambda i: cpus[i]) as team:
        team.go()
    words = used.all()
    if pace:
        words[0] = -1   # the asker waits awake
    return words + [count.value, *times[:count.value]]


def flow(way, length, producers, consumers, cpus, ns):
    """Messages from producers to consumers for a time."""
    sent = fork.RawArray("Q", producers)
    got = fork.RawArray("Q", producers * consumers)     # a row a consumer
    sums = fork.RawArray("Q", producers * consumers)
    timed = fork.RawArray("Q", consumers)
    begins, ends = (fork.RawArray("q", consumers) for _ in range(2))
    warm = ns // 5
    end = b"\xff" * 8 + bytes(length - 8)
    used = Used(producers + consumers)
    start = fork.RawValue("q")

    def begun():
        """When the first of all began; about, and that will do."""
        start.value = start.value or peer.now()
        return start.value

    def produce(i):
        begin = begun() + warm
        over, k, least = begin + ns, 0, None
        words = length // 8
        used.begin()
        while least is None or k < least or peer.now() < over:
            if least is None and peer.now() >= begin:
                used.begin()
                least = k + 16
            way.put(number.pack(i << 56 | k) * words)
            k += 1
        sent[i] = k
        way.flush()
        used.end(i)

    def consume(i):
        begin, n, n0, last = begun() + warm, 0, None, [-1] * producers
        counts, total = [0] * producers, [0] * producers
        used.begin()
        while True:
            message = way.get()
            if message[:8] == end[:8]:
                break
            first = number.unpack_from(message)[0]
            p, k = first >> 56, first & (1 << 56) - 1
            if k <= last[p] or message != message[:8] * (length // 8):
                raise RuntimeError(f"message {k} after {last[p]}, or damaged")
            last[p] = k
            counts[p] += 1
            total[p] += k
            n += 1
            if n0 is None and peer.now() >= begin:
                used.begin()
                begins[i], n0 = peer.now(), n
        used.end(producers + i)
        ends[i] = peer.now()
        timed[i] = 0 if n0 is None else n - n0
        got[i * producers:(i + 1) * producers] = counts
        sums[i * producers:(i + 1) * producers] = total

    with peer.Team(fork, producers + consumers,
                   lambda i: produce(i) if i < producers
                   else consume(i - producers),
                   lambda i: cpus[i >= producers]) as team:
        team.go()
        # The feeder of one may be behind the end marker of another.
        for c in team.children[:producers]:
            c.join()
        for _ in range(consumers):
            way.put(end)
        way.flush()
    for p in range(producers):
        if (sum(got[p::producers]) != sent[p] or
                sum(sums[p::producers]) != sent[p] * (sent[p] - 1) // 2):
            raise RuntimeError(f"{sent[p]} sent, {sum(got[p::producers])} got")
    n = sum(timed)
    if n == 0:
        raise RuntimeError("no message came in time")
    return used.all() + [max(ends) - min(b for b in begins if b), n]


def throughput(how, length, one, other, ns):
    return flow(WAYS[how](0), int(length), 1, 1, (int(one), int(other)),
                int(ns))


def queue(how, producers, consumers, capacity, one, other, ns):
    return flow(WAYS[how](int(capacity)), 64, int(producers), int(consumers),
                (int(one), int(other)), int(ns))


if __name__ == "__main__":
    peer.serve({"latency": latency, "throughput": throughput, "queue": queue})
