#!/usr/bin/env python3
"""Looks at a benchmark or a command with the kernel's own tools.

perf.py 'process/fork/.*same'               benchmarks whose names match
perf.py ./build/lessons/01-process/step1_fork      a command and its words

Runs perf stat, perf trace -s, perf sched timehist -s, perf record + report and
strace -f -c on it, one after the other, and says of each that does not work
here why, and what would help.  Beside it stands perf bench sched pipe, so that
numbers of different machines can be compared.

Exit status: 0 at least one tool worked, 1 none did, 2 usage or environment.
"""
import sys

sys.dont_write_bytecode = True

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "harness"))

import runner
from families import FAMILIES, bare
from runner import Failure

LINES = 24      # of each tool's output

# What a tool says when it cannot work, and what that means.
REASONS = (
    (r"perf_event_paranoid|No permission|not have permission|EACCES|"
     r"Permission denied|may not have permission",
     "no permission: as root, or sudo sysctl kernel.perf_event_paranoid=-1"),
    (r"tracefs|debugfs|/sys/kernel/(debug/)?tracing",
     "no tracefs: as root, mount -t tracefs tracefs /sys/kernel/tracing"),
    (r"not supported", "not supported here (no PMU in this virtual machine?)"),
    (r"Operation not permitted", "blocked, as containers do: --cap-add PERFMON "
     "--cap-add SYS_PTRACE"),
)


class Tool:
    """name; the program that it needs, and its Debian package; the commands
    that make it up ({data}: a file for them, {command}: what is looked at);
    what makes many lines few."""

    def __init__(self, name, needs, package, *steps, what="", fewer=None):
        self.name, self.needs, self.package = name, needs, package
        self.steps, self.what, self.fewer = steps, what, fewer


def add_up(lines, pattern, title):
    """Lines of the same name into one: (name, number, number) each."""
    total = {}
    for line in lines:
        m = re.match(pattern, line)
        if m:
            t = total.setdefault(m[1], [0, 0, 0.0])
            t[0] += 1
            t[1] += int(m[2])
            t[2] += float(m[3])
    rows = sorted(total.items(), key=lambda r: -r[1][2])
    return [f"{'':24}{title[0]:>11}{title[1]:>11}{title[2]:>13}"] + [
        f"{name:24}{n:11}{a:11}{b:13.3f}" for name, (n, a, b) in rows
    ] if rows else []


def by_call(lines):
    """perf trace -s has a table for each process."""
    return add_up(lines, r" +(\w+) +(\d+) +\d+ +([\d.]+) ",
                  ("processes", "calls", "ms in all"))


def by_program(lines):
    """perf sched timehist -s has a line for each process."""
    return add_up(lines, r" *(\S+)\[[\d/]+\] +-?\d+ +(\d+) +([\d.]+) ",
                  ("processes", "times run", "ms run"))


TOOLS = (
    Tool("stat", "perf", "linux-perf",
         "perf stat -e task-clock,context-switches,cpu-migrations,page-faults,"
         "instructions,cycles,cache-misses {command}",
         what="events of the whole run, children too"),
    Tool("trace", "perf", "linux-perf", "perf trace -s {command}",
         what="system calls, all processes together", fewer=by_call),
    Tool("sched", "perf", "linux-perf",
         "perf sched record -o {data} {command}",
         "perf sched timehist -s -i {data}",
         what="who ran how often and how long, all of the machine",
         fewer=by_program),
    Tool("record", "perf", "linux-perf",
         "perf record -q -e cpu-clock -F 9999 -g -o {data} {command}",
         "perf report --stdio --no-children -g none -i {data}",
         what="where the time goes"),
    Tool("strace", "strace", "strace", "strace -f -c -o {data} {command}",
         "cat {data}", what="system calls, also without privilege"),
    Tool("pipe", "perf", "linux-perf", "perf bench sched pipe -l 20000",
         what="a yardstick: a round trip between two processes"),
)


def words(text, data, command):
    out = []
    for w in shlex.split(text):
        if w == "{command}":
            out += command
        else:
            out.append(w.replace("{data}", data))
    return out


def call(command, seconds):
    """-> (exit status, stdout, stderr); the command's whole group is ended
    with it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace",
                               start_new_session=True)
    try:
        out, said = process.communicate(timeout=seconds)
        return process.returncode, out, said
    except subprocess.TimeoutExpired:
        return 124, "", f"took longer than {seconds} s"
    finally:
        if process.poll() is None:
            runner.end_group(process)


def not_seen(line):
    """With paranoid=2 perf counts user space only, where there are no context
    switches: its 0 is no answer."""
    m = re.match(r"\s+0\s+((context-switches|cpu-migrations):u)", line)
    return line if not m else (f"{'n/a':>21}      {m[1]:27}# user space only; "
                               "sudo sysctl kernel.perf_event_paranoid=1")


def because(said):
    for pattern, reason in REASONS:
        if re.search(pattern, said):
            return reason
    lines = [s for s in said.splitlines() if s.strip()]
    return lines[-1].strip() if lines else "it says nothing"


def interesting(out, said, tool):
    """The lines worth a look: without comments and emptiness."""
    text = said + out if tool.name in ("stat", "trace") else out + said
    lines = [not_seen(line).rstrip() for line in text.splitlines()]
    lines = [s for s in lines if s.strip() and not s.startswith("#") and
             not s.startswith("[ perf record")]
    if tool.fewer:
        lines = tool.fewer(lines)
    if len(lines) > LINES:
        lines = lines[:LINES] + [f"... and {len(lines) - LINES} lines more"]
    return lines


def look(tool, command, seconds):
    """True when it worked."""
    print(f"\n== {tool.name}: {tool.what}", flush=True)
    if shutil.which(tool.needs) is None:
        print(f"   n/a: {tool.needs} is not installed (Debian: "
              f"{tool.package})")
        return False
    with tempfile.TemporaryDirectory(prefix="rawmp-perf-") as folder:
        out = said = ""
        for step in tool.steps:
            line = words(step, folder + "/data", command)
            status, out, said = call(line, seconds)
            if status != 0:
                print(f"   n/a: {because(said)}")
                return False
    lines = interesting(out, said, tool)
    if not lines:
        print("   n/a: it ran and showed nothing")
        return False
    print("\n".join("   " + s for s in lines))
    if tool.name == "stat" and "<not supported>" in "\n".join(lines):
        print("   (<not supported>: no PMU here)")
    return True


def benchmark_command(build, pattern):
    """The program whose benchmarks match, run briefly; or None."""
    try:
        wanted = re.compile(pattern)
    except re.error as e:
        raise Failure(f"{pattern}: neither a command nor a regular "
                      f"expression: {e}")
    missing = None
    for family in FAMILIES:
        path = os.path.join(build, "benchmarks", family)
        try:
            names = runner.listing(path, [])
        except Failure as e:
            missing = e
            continue
        names = [n for n in names if wanted.search(bare(n))]
        if names:
            return [path, f"--benchmark_filter={runner.exact(names)}",
                    "--benchmark_min_time=0.2"]
    if missing:
        raise missing
    return None


def main():
    p = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__)
    p.add_argument("--build", metavar="DIR",
                   default=os.path.join(ROOT, "build", "default"))
    p.add_argument("--tools", metavar="T,...",
                   default=",".join(t.name for t in TOOLS),
                   help="of: " + " ".join(t.name for t in TOOLS))
    p.add_argument("--seconds", type=float, default=60, metavar="N",
                   help="the time each tool may take (60)")
    p.add_argument("what", nargs=argparse.REMAINDER,
                   help="a filter of benchmarks, or a command")
    a = p.parse_args()
    chosen = a.tools.split(",")
    for t in chosen:
        if t not in {t.name for t in TOOLS}:
            raise Failure(f"--tools {t}: there are "
                          + " ".join(t.name for t in TOOLS))
    command = shlex.split(a.what[0]) if len(a.what) == 1 else a.what
    if not command:
        raise Failure("what shall be looked at?  A filter of benchmarks or a "
                      "command; --help has examples")
    if shutil.which(command[0]) is None:
        found = benchmark_command(a.build, " ".join(a.what))
        if found is None:
            raise Failure(f"{' '.join(a.what)}: no command, and no benchmark's "
                          "name matches it")
        command = found
    print("looking at: " + shlex.join(command))
    worked = [look(t, command, a.seconds) for t in TOOLS if t.name in chosen]
    return 0 if any(worked) else 1


def stop(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        sys.exit(main())
    except Failure as e:
        print(f"perf.py: {e}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("perf.py: stopped", file=sys.stderr)
        sys.exit(130)
