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
