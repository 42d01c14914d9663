#!/usr/bin/env python3
"""judge.py FOLDER JUDGE INTO - build what check.bats is to judge.

FOLDER is a lesson's, JUDGE exercise, solution or wrong/NAME.c.  Prints the
program's path; while a hole is not filled, "not started: hole 1 of 2" and
exit 1.  lesson.bash asks this; the other tools use the functions.
"""
import sys

sys.dont_write_bytecode = True

import argparse     # noqa: E402
import os           # noqa: E402
import re           # noqa: E402
import shlex        # noqa: E402
import shutil       # noqa: E402
from pathlib import Path    # noqa: E402

import course       # noqa: E402
from course import Fault, shown     # noqa: E402

HOLE = re.compile(r"^[ \t]*/\* HOLE (\d+): (.*?)\*/[ \t]*\n(.*?)^[ \t]*/\* END \1 \*/",
                  re.S | re.M)
SECONDS = 600           # most for all checks of an exercise


class Hole:
    def __init__(self, match):
        self.number = int(match[1])
        self.hint = re.sub(r"\s*\n[ \t]*\*?[ \t]*", " ", match[2]).strip()
        self.body = match[3]
        self.line = match.string.count("\n", 0, match.start()) + 1

    @property
    def empty(self):
        """Not filled yet: it still says that nothing is there."""
        return "-ENOSYS;" in self.body


def holes(source):
    return [Hole(m) for m in HOLE.finditer(source)]


def frame(source):
    """A file without what stands in its holes."""
    return HOLE.sub(lambda m: m[0].replace(m[3], "") if m[3] else m[0], source)


def source_of(folder, judge):
    """The file meant by exercise, solution or wrong/NAME.c."""
    path = Path(folder) / judge
    files = sorted(path.glob("*.c")) if path.is_dir() else [path]
    if len(files) != 1 or not files[0].is_file():
        raise Fault(f"{shown(path)} is not there, or is not one C file; to judge "
                    "there are exercise, solution and wrong/NAME.c")
    return files[0]


def not_started(path):
    """The first hole that is not filled, in words, or ""."""
    all_holes = holes(course.read(path))
    for hole in all_holes:
        if hole.empty:
            return (f"not started: hole {hole.number} of {len(all_holes)} "
                    f"({shown(path)}:{hole.line})")
    return ""


def build_line(path):
    lines = course.first_comment(course.read(path))
    return " ".join(course.fields(lines, course.Step.FIELD).get("Build", []))


def sources(folder, path):
    """An exercise file and the headers that it is built with: those that all
    exercises share, and its lesson's own."""
    return [path, *sorted(Path(__file__).parent.glob("*.h")),
            *sorted((Path(folder) / "exercise").glob("*.h"))]


def build(place, lesson_folder, path, into):
    """Build an exercise file by its Build: line; returns the program."""
    line, folder = build_line(path), Path(into)
    course.copy_changed(sources(lesson_folder, path), folder)
    said = place.compile(line, folder)
    words = shlex.split(line)
    if said or "-o" not in words[:-1]:
        raise Fault(f"{shown(path)} does not build: {said or line}")
    return folder / words[words.index("-o") + 1]


class Check:
    """One test of a check.bats: how it went and what it said."""

    def __init__(self, ok, name, skip):
        self.ok, self.name, self.skip, self.said = ok, name, skip, []

    @property
    def gate(self):
        return "counted" if self.name.startswith("counted:") else "correct"


TRACE = re.compile(r"# +(\(?(from function|in test file) |`.*' failed|bats warning:)")
RESULT = re.compile(r"(not )?ok \d+ (.*?)(?: # skip ?(.*))?$")


def checks(place, lesson, judge):
    """Run check.bats; the results, and all it printed."""
    if not shutil.which("bats", path=place.env["PATH"]):
        raise Fault("bats is not installed, so nothing can judge the exercise: make setup")
    _, output = place.run(["bats", "--tap", str(lesson.path / "check.bats")],
                          lesson.path, SECONDS, 512, JUDGE=judge)
    found = []
    for line in output.split("\n"):
        match = RESULT.match(line)
        if match:
            found.append(Check(not match[1], match[2], match[3]))
        elif found and line.startswith("#") and not TRACE.match(line):
            found[-1].said.append(line[2:])
    return found, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("judge")
    parser.add_argument("into")
    args = parser.parse_args()
    path = source_of(args.folder, args.judge)
    message = not_started(path)
    if message:
        print(message)
        return 1
    build_dir = os.environ.get("BUILD") or course.OUT / "default"
    print(build(course.Place(build_dir), args.folder, path, args.into))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Fault as e:
        print(e)
        sys.exit(2)
