"""Runs one benchmark program: progress, Ctrl-C, and nothing left behind."""
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time

from load import Meter


class Failure(Exception):
    """A sentence for the user; exit 2."""


class Progress:
    """One rewritten line on a terminal; silence in a pipe.  Learns how long
    each benchmark takes, so as to say how long yet."""

    def __init__(self, cells):
        """cells: the names of all benchmarks to come, in any order."""
        self.left = {}
        for name in cells:
            self.left[name] = self.left.get(name, 0) + 1
        self.total = len(cells)
        self.seconds = {}
        self.now = None
        self.show = sys.stderr.isatty()

    def cell(self, name, what):
        """A benchmark starts (None: the program ended)."""
        clock = time.monotonic()
        if self.now is not None and self.now[0] != name:
            old, began = self.now
            self.seconds.setdefault(old, []).append(clock - began)
            self.left[old] = max(0, self.left.get(old, 0) - 1)
        if name is None or self.now is None or self.now[0] != name:
            self.now = (name, clock) if name is not None else None
        if name is not None:
            self.line(what, name)

    def _remaining(self):
        known = [s for v in self.seconds.values() for s in v]
        if not known:
            return None
        mean = sum(known) / len(known)
        seconds = 0.0
        for name, n in self.left.items():
            seen = self.seconds.get(name)
            seconds += n * (sum(seen) / len(seen) if seen else mean)
        return seconds

    def line(self, what, name):
        if not self.show:
            return
        done = self.total - sum(self.left.values())
        yet = self._remaining()
        yet = "" if yet is None else f", {int(yet) // 60}:{int(yet) % 60:02d} left"
        text = f"{what}: {done + 1} of {self.total}{yet}  {name}"
        sys.stderr.write("\r\033[K" + text[:79])
        sys.stderr.flush()

    def clear(self):
        if self.show:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def end_group(process):
    """End the program and all it started, and wait until they are gone."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sig)
        except ProcessLookupError:
            pass
        try:
            process.wait(1)
            break
        except subprocess.TimeoutExpired:
            continue
    for _ in range(200):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.01)


def program(build, family):
    path = os.path.join(build, "benchmarks", family)
    if not os.access(path, os.X_OK):
        raise Failure(
            f"{path} is not there: run `make`, which builds it when "
            "Google Benchmark, GMP and zlib are installed (`make setup`)")
    return path


def listing(program, options):
    """The names of its benchmarks, as the filter sees them."""
    try:
        p = subprocess.run([program, *options, "--benchmark_list_tests=true"],
                           capture_output=True, text=True, timeout=30)
    except OSError as e:
        raise Failure(f"{program}: {e.strerror}; build it: make")
    if p.returncode != 0:
        raise Failure(p.stderr.strip() or f"{program} --benchmark_list_tests: "
                      f"exit {p.returncode}")
    return p.stdout.split()


def exact(names):
    """A filter for just these."""
    return "^(" + "|".join(n.replace(".", "\\.") for n in names) + ")$"


def _follow(process, fd, progress, what):
    """Read names from the pipe until the program closes it."""
    text = b""
    with selectors.DefaultSelector() as s:
        s.register(fd, selectors.EVENT_READ)
        while True:
            if not s.select(1) and process.poll() is not None:
                return
            data = os.read(fd, 4096) if s.select(0) else None
            if data == b"":
                return
            text += data or b""
            *lines, text = text.split(b"\n")
            for line in lines:
                progress.cell(line.decode(), what)


def run(program, names, options, progress, what):
    """Run these benchmarks once.  -> (Google Benchmark's JSON, lines of the
    sidecar, who else was at work)"""
    with tempfile.TemporaryDirectory(prefix="rawmp-bench-") as folder:
        out, side = folder + "/out.json", folder + "/side"
        read, write = os.pipe()
        command = [program, f"--benchmark_filter={exact(names)}",
                   f"--benchmark_out={out}", f"--sidecar={side}",
                   f"--progress-fd={write}", f"--die-with={os.getpid()}",
                   *options]
        meter = Meter()
        with open(folder + "/said", "w+") as said:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, pass_fds=[write],
                    stdout=subprocess.DEVNULL, stderr=said,
                    start_new_session=True)
            except OSError as e:
                os.close(read)
                os.close(write)
                raise Failure(f"{program}: {e.strerror}; build it: make")
            os.close(write)
            try:
                _follow(process, read, progress, what)
                status = process.wait()
            except BaseException:
                end_group(process)
                raise
            finally:
                os.close(read)
                progress.cell(None, what)
            said.seek(0)
            words = said.read().strip()
        if status not in (0, 1):
            how = f"signal {-status}" if status < 0 else f"exit {status}"
            raise Failure(f"{program} ended with {how}" +
                          (f": {words}" if words else ""))
        with open(out) as f:
            result = json.load(f)
        with open(side) as f:
            lines = [json.loads(line) for line in f]
        return result, lines, meter.stop()
