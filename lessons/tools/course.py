"""What the lesson tools share: lessons, steps, blocks of a text, runs.

A lesson is a folder lessons/NN-name.  Its programs are built and run in a copy
under build/lessons, each by the Build: line of its first comment, and always
under `confine`, so that nothing of a run is left.
"""
import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "lessons"
OUT = ROOT / "build"

SECONDS = 20            # most for one command of a text
HANGS = 2               # for one that is said to hang
TIME_LIMIT, PROCESS_CAP = 124, 125      # confine's exit codes
TAGS = ("works", "shows a bug", "hangs on purpose")


class Fault(Exception):
    """Usage or environment: one sentence, exit 2."""


def shown(path):
    """A path as one would type it at the root."""
    path = Path(path)
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def write(path, text):
    """All of the file or nothing of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as e:
        raise Fault(f"{shown(path)} cannot be written: {e.strerror}") from e


def write_json(path, data):
    write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_json(path):
    """What an earlier run kept; {} if there is none or it is damaged."""
    try:
        data = json.loads(read(path))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


class Progress:
    """One rewritten line on a terminal; nothing in a pipe."""

    def __init__(self, total):
        self.total, self.done, self.begin = total, 0, time.monotonic()

    def show(self, what):
        if sys.stderr.isatty():
            used = time.monotonic() - self.begin
            left = used / self.done * (self.total - self.done) if self.done else 0
            far = f"{self.done}/{self.total} " if self.total else ""
            more = f", {left:.0f} s left" if left >= 1 else ""
            sys.stderr.write(f"\r\033[K{far}{what}{more}")
            sys.stderr.flush()
        self.done += 1

    def end(self):
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")


# ---- what a lesson consists of

class Step:
    """A program of the ladder and what its first comment says of it."""

    FIELD = re.compile(r"(Build|New|Try|See|Kill|Trace): *(.*)")

    def __init__(self, path):
        self.path, self.file, self.program = path, path.name, path.stem
        number, _, self.name = path.stem[len("step"):].partition("_")
        self.number = int(number)
        lines = first_comment(read(path))
        head = lines[0] if lines else ""
        self.tag = head[head.find("[") + 1:-1] if head.endswith("]") else ""
        self.title = head.partition(" - ")[2].partition("[")[0].strip(" .")
        self.fields = fields(lines, self.FIELD)

    def one(self, name):
        return " ".join(self.fields.get(name, []))

    def all(self, name):
        return self.fields.get(name, [])

    @property
    def seconds(self):
        return HANGS if self.tag == "hangs on purpose" else SECONDS


def first_comment(source):
    """The lines of a C file's first comment, without the stars."""
    match = re.match(r"/\*(.*?)\*/", source, re.S)
    if not match:
        return []
    return [re.sub(r"^ \* ?", "", x).rstrip() for x in match[1].strip().split("\n")]


def fields(lines, pattern):
    """{name: [line, …]}: a field goes on while lines are indented."""
    found, current = {}, None
    for line in lines:
        match = pattern.match(line)
        if match:
            current = found.setdefault(match[1], [])
            current += [match[2].strip()] if match[2] else []
        elif current is not None and line.startswith(" "):
            current.append(line.strip())
        else:
            current = None
    return found


class Block:
    """A fenced block of a README, or a prediction with its question."""

    def __init__(self, kind, words, line, lines):
        self.kind, self.line, self.lines = kind, line, lines
        self.words = attributes(words)

    def __getitem__(self, name):
        return self.words.get(name, "")


def attributes(text):
    found = re.findall(r'([\w-]+)=(?:"([^"]*)"|([^\s"]+))', text)
    return {name: quoted or bare for name, quoted, bare in found}


def blocks(text):
    """The blocks of a README that say where they come from."""
    lines, i = text.split("\n"), 0
    while i < len(lines):
        start, line = i, lines[i]
        i += 1
        if line.startswith("```"):
            while i < len(lines) and lines[i] != "```":
                i += 1
            kind = line[3:].split(" ")[0]
            yield Block(kind, line, start + 1, lines[start + 1:i])
            i += 1
        elif line.startswith("<!-- predict "):
            while i < len(lines) and lines[i].startswith(">"):
                i += 1
            question = " ".join(x[1:].strip() for x in lines[start + 1:i])
            yield Block("predict", line, start + 1, [question])


class Lesson:
    def __init__(self, path):
        self.path = path
        self.number, _, self.name = path.name.partition("-")
        self.readme = path / "README.md"
        self.exercise, self.solution, self.wrong = (
            path / x for x in ("exercise", "solution", "wrong"))
        self.work = OUT / "lessons" / path.name

    @functools.cached_property
    def text(self):
        try:
            return read(self.readme)
        except OSError:
            return ""

    @property
    def title(self):
        first = self.text.partition("\n")[0]
        return first[2:] if first.startswith("# ") else f"{self.number} {self.name}"

    @property
    def head(self):
        """What `<!-- lesson minutes=60 … -->` says."""
        match = re.search(r"<!-- lesson (.*?)-->", self.text)
        return attributes(match[1]) if match else {}

    @functools.cached_property
    def blocks(self):
        return list(blocks(self.text))

    @functools.cached_property
    def steps(self):
        files = [x for x in self.path.glob("step*.c")
                 if re.fullmatch(r"step\d+_\w+\.c", x.name)]
        return sorted(map(Step, files), key=lambda s: s.number)

    def seconds(self, command):
        """The most that a command of the text may take."""
        return min((s.seconds for s in self.steps if f"./{s.program}" in command),
                   default=SECONDS)

    def kept(self, what):
        """The file that keeps the learner's progress in something."""
        return OUT / "progress" / f"{self.number}.{what}.json"


def lessons():
    return [Lesson(x) for x in sorted(LESSONS.glob("[0-9][0-9]-*")) if x.is_dir()]


def named(number):
    """The lesson that a learner means by N, or those by "all"."""
    here = lessons()
    there = ", ".join(f"{int(x.number)} ({x.name})" for x in here) or "none"
    if not number:
        raise Fault(f"name a lesson, as in N=1; the lessons there are: {there}")
    if number == "all":
        return here
    found = [x for x in here if number.isdecimal() and int(x.number) == int(number)]
    if not found:
        raise Fault(f"there is no lesson '{number}'; the lessons there are: {there}")
    return found


# ---- building and running

class Place:
    """Where programs are built and run: meson's build folder."""

    def __init__(self, build):
        self.build = Path(build).resolve()
        self.confine = self.build / "lessons" / "tools" / "confine"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("BATS_")}
        # Inside a bats run PATH begins with bats's own parts; "bats" is not one.
        path = [x for x in os.environ.get("PATH", os.defpath).split(":")
                if not x.endswith("/bats-core")]
        self.env.update(LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1",
                        BUILD=str(self.build), PATH=":".join(path))
        for name, folder in (("PKG_CONFIG_PATH", "meson-uninstalled"),
                             ("LD_LIBRARY_PATH", "primitives")):
            old = os.environ.get(name)
            self.env[name] = f"{self.build / folder}" + (f":{old}" if old else "")
        if not os.access(self.confine, os.X_OK):
            raise Fault(f"{shown(self.confine)} is not built yet: type make")

    def run(self, command, cwd, seconds=SECONDS, processes=64, direct=False, **env):
        """A shell command: its exit status and what it printed.  direct: it
        prints to where we print, and sees a terminal if there is one."""
        out, err = (None, None) if direct else (subprocess.PIPE, subprocess.STDOUT)
        words = command if isinstance(command, list) else ["sh", "-c", command]
        with subprocess.Popen(
                [self.confine, "-t", str(seconds), "-n", str(processes), "--", *words],
                cwd=cwd, env={**self.env, **env}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True) as process:
            try:        # whatever ends us, confine is not hit and tidies up
                output, _ = process.communicate()
            except BaseException:
                process.terminate()
                process.wait()
                raise
        return process.returncode, (output or b"").decode(errors="replace")

    def compile(self, line, cwd, seconds=60):
        """A Build: line; what the compiler says if it fails, else ""."""
        if not line:
            return "it has no Build: line"
        status, output = self.run(line, cwd, seconds)
        return "" if status == 0 else f"{line}\n{output}"

    def prepare(self, lesson):
        """Bring the copy under build/ up to date and build its steps; returns
        {file: what the compiler said} of those that do not build."""
        work, bad = lesson.work, {}
        try:
            work.mkdir(parents=True, exist_ok=True)
            with open(work / ".lock", "w", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                copy_changed([s.path for s in lesson.steps] +
                             [lesson.path / "python.py"], work)
                stale = [s for s in lesson.steps if self.stale(work / s.program)]
                progress = Progress(len(stale))
                for step in stale:
                    progress.show(f"building {step.program}")
                    said = self.compile(step.one("Build"), work)
                    if said:
                        bad[step.file] = said
                progress.end()
        except OSError as e:
            raise Fault(f"{shown(work)} cannot be written: {e.strerror}") from e
        return bad

    def stale(self, program):
        if not program.exists():
            return True
        inputs = [program.with_suffix(".c"), *self.build.glob("primitives/librawmp.so*")]
        return program.stat().st_mtime_ns < max(x.stat().st_mtime_ns for x in inputs
                                                if x.is_file())


def copy_changed(files, folder):
    for source in files:
        target = folder / source.name
        if source.exists() and not (target.exists() and
                                    target.read_bytes() == source.read_bytes()):
            shutil.copyfile(source, target)


# ---- comparing what was printed

PID = re.compile(r"(\bpids?\b|\bprocess\b)([ =:]+)(\d+)")
RULES = ((re.compile(r"; it (was|and its \d+ process(es)? were) killed"), "; killed"),
         (re.compile(r"\b0x[0-9a-f]+\b"), "ADDR"),
         (re.compile(r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s)\b"), "TIME"))
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def normalise(text, words):
    """The lines without what differs from run to run.  words: what the block
    says, lines=any-order or check=shape."""
    for pattern, name in RULES:
        text = pattern.sub(name, text)
    lines = [x.rstrip() for x in text.rstrip("\n").split("\n")]
    if words.get("lines") == "any-order":
        lines.sort(key=lambda x: PID.sub(r"\1\2", x))
    text = "\n".join(lines)
    pids = list(dict.fromkeys(m[3] for m in PID.finditer(text)))
    for i, pid in enumerate(pids, 1):
        text = re.sub(rf"\b{pid}\b", f"PID{i}", text)
    if words.get("check") == "shape":
        text = NUMBER.sub("N", text)
    return text.split("\n")


def wrapped(text, width=76, indent="  "):
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)
