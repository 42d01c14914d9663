#!/usr/bin/env python3
"""Check that the lessons are true: what keeps text, code and exercises one.

  files        nothing but a lesson's files lies in its folder
  steps        each step builds without a warning and does what its tag says
  listings     each listing of a text stands in its file, line by line
  outputs      each output is what the command prints now
  predictions  each predicted answer is what happens
  python       python.py prints what the steps print
  holes        starter = solution but for the holes; starter red, solution green
  wrong        each wrong solution is caught by the checks that it names,
               and each check catches a wrong solution

Pids, addresses and times are made equal before outputs are compared.
Exit status: 0 all is true, 1 something is not, 2 usage or environment.
"""
import sys

sys.dont_write_bytecode = True

import argparse     # noqa: E402
import difflib      # noqa: E402
import re           # noqa: E402
import tempfile     # noqa: E402
import textwrap     # noqa: E402
from concurrent.futures import ThreadPoolExecutor   # noqa: E402
from pathlib import Path    # noqa: E402

import course       # noqa: E402
import judge        # noqa: E402
from course import OUT, Fault, shown    # noqa: E402

LINES, COLUMNS = 90, 80
STRICT = "-Wall -Wextra -Wshadow -Werror"
FIELDS = ("Build", "New", "Try", "See")
ALLOWED = re.compile(
    r"README\.md|NOTES\.md|python\.py|check\.bats|step\d+_\w+\.c|"
    r"exercise/\w+\.h|(exercise|solution|wrong)/\w+\.c")
NEEDED = ("README.md", "NOTES.md", "python.py", "check.bats")
MISTAKE = re.compile(r"(Mistake|Caught by): *(.*)")
AT_ONCE = 2             # wrong solutions judged side by side


class Findings:
    def __init__(self):
        self.passed = self.failed = 0
        self.progress = course.Progress(0)

    def expect(self, true, path, line, message, detail=""):
        """Count a truth, or print where it is none."""
        if true:
            self.passed += 1
            return
        self.failed += 1
        self.progress.end()
        print(f"{shown(path)}:{line}: {message}")
        for row in detail.rstrip("\n").split("\n") if detail else []:
            print(f"    {row}")
        sys.stdout.flush()


def diff(here, there, a, b):
    """What stands there (-) and what is expected (+)."""
    return "\n".join(difflib.unified_diff(here, there, a, b, lineterm=""))


# ---- files, steps

def files(_, lesson, found):
    for path in sorted(lesson.path.rglob("*")):
        inside = path.relative_to(lesson.path).as_posix()
        found.expect(path.is_dir() or ALLOWED.fullmatch(inside), path, 1,
                     "this file has no place in a lesson's folder")
    for name in NEEDED:
        found.expect((lesson.path / name).is_file(), lesson.path / name, 1,
                     "the lesson lacks this file")
    numbers = [s.number for s in lesson.steps]
    found.expect(numbers == list(range(1, len(numbers) + 1)), lesson.path, 1,
                 f"the steps are numbered {numbers}, not 1 to {len(numbers)}")
    found.expect(lesson.head.get("minutes", "").isdigit(), lesson.readme, 2,
                 "no <!-- lesson minutes=… --> here")
    bar = lesson.head.get("fast", "")
    found.expect(re.fullmatch(r"\d\.\d+", bar) and lesson.text.count(bar) > 1,
                 lesson.readme, 2, 'the bar of the third gate, fast="1.25", is not '
                 "in the head, or the text does not quote it")


def steps(place, lesson, found):
    built = place.prepare(lesson)
    for step in lesson.steps:
        found.progress.show(f"{lesson.number} {step.program}")
        source = course.read(step.path)
        lines = source.rstrip("\n").split("\n")
        found.expect(len(lines) <= LINES, step.path, len(lines),
                     f"{len(lines)} lines; a step has at most {LINES}")
        wide = [i for i, x in enumerate(lines, 1) if len(x.expandtabs(8)) > COLUMNS]
        found.expect(not wide, step.path, (wide or [1])[0],
                     f"more than {COLUMNS} columns")
        found.expect(lines[0].startswith(f"/* {step.file} - "), step.path, 1,
                     f"the first line is not /* {step.file} - what it shows.  [tag]")
        found.expect(step.tag in course.TAGS, step.path, 1,
                     f"'[{step.tag}]' at the end of the first line is none of "
                     f"[{'], ['.join(course.TAGS)}]")
        lacks = [f"{x}:" for x in FIELDS if not step.one(x)]
        found.expect(not lacks, step.path, 1, f"the head says no {', '.join(lacks)}")
        found.expect(step is lesson.steps[-1] or '#include "' not in source, step.path,
                     1, "only the last step may include a header of the project")
        found.expect(step.file not in built, step.path, 1,
                     "does not build by its own first comment", built.get(step.file, ""))
        strict(place, step.path, step.one("Build"), found)
        if step.file not in built:
            tries(place, lesson, step, found)


def strict(place, path, line, found, headers=()):
    with tempfile.TemporaryDirectory() as folder:
        course.copy_changed([path, *headers], Path(folder))
        said = place.compile(f"{line} {STRICT}", folder)
        found.expect(not said, path, 1, f"does not build with {STRICT}", said)


def tries(place, lesson, step, found):
    """What the tag says of a run: its end, or that it never ends."""
    ends = []
    for command in step.all("Try") + step.all("Kill") + step.all("Trace"):
        status, output = place.run(command, lesson.work, step.seconds)
        ends.append(status)
        if step.tag == "works":
            found.expect(status == 0, step.path, 1,
                         f"[works], but '{command}' ended with status {status}", output)
        elif step.tag == "shows a bug":
            found.expect(status not in (course.TIME_LIMIT, course.PROCESS_CAP),
                         step.path, 1, f"'{command}' had to be killed", output)
    if step.tag == "hangs on purpose":
        found.expect(course.TIME_LIMIT in ends, step.path, 1,
                     f"[hangs on purpose], but every run ended: status {ends}")


# ---- listings, outputs, predictions

def listings(_, lesson, found):
    for block in lesson.blocks:
        if block.kind not in ("c", "python"):
            continue
        name = block["file"]
        path = lesson.path / name
        if not name or not path.is_file():
            found.expect(False, lesson.readme, block.line,
                         f"listing of '{name}': file=… names no file of the lesson")
            continue
        source = course.read(path).rstrip("\n").split("\n")
        at, missing = 0, None
        for run in runs(block.lines):
            start = position(run, source, at)
            if start is None:
                missing = run
                break
            at = start + len(run)
        found.expect(missing is None, lesson.readme, block.line,
                     f"listing of {name}: these lines do not stand there in a row",
                     missing and diff(dedent(missing), nearest(missing, source),
                                      lesson.readme.name, name))


def runs(lines):
    """The listing's parts between lines that are only `...`."""
    run = []
    for line in lines + ["..."]:
        if line.strip() != "...":
            run.append(line)
        elif run:
            yield run
            run = []


def dedent(lines):
    return textwrap.dedent("\n".join(lines)).split("\n")


def position(run, source, begin):
    wanted = dedent(run)
    return next((i for i in range(begin, len(source) - len(run) + 1)
                 if dedent(source[i:i + len(run)]) == wanted), None)


def nearest(run, source):
    """The lines of the file that look most like the listing."""
    def alike(i):
        return difflib.SequenceMatcher(None, "\n".join(run), "\n".join(
            source[i:i + len(run)]), False).ratio()

    best = max(range(max(1, len(source) - len(run) + 1)), key=alike)
    return dedent(source[best:best + len(run)])


def outputs(place, lesson, found):
    """Re-run each command; returns {line of the block: what it prints now}."""
    place.prepare(lesson)
    now = {}
    for block in lesson.blocks:
        if block.kind != "console":
            continue
        command = block["run"]
        found.progress.show(f"{lesson.number} $ {command}")
        prompt = block.lines[0] if block.lines else ""
        found.expect(command and prompt == f"$ {command}", lesson.readme, block.line,
                     f"output: the first line is '{prompt}', not '$ {command}'")
        _, output = place.run(command, lesson.work, lesson.seconds(command))
        here, there = (course.normalise(x, block.words)
                       for x in ("\n".join(block.lines[1:]), output))
        if here != there:
            now[block.line] = [f"$ {command}", *output.rstrip("\n").split("\n")]
        found.expect(here == there, lesson.readme, block.line,
                     f"output of '{command}': it prints something else now",
                     diff(here, there, lesson.readme.name, command))
    return now


def update(lesson, now):
    """Put what the commands print now into the text."""
    lines, found = lesson.text.split("\n"), {b.line: b for b in lesson.blocks}
    for line in sorted(now, reverse=True):
        lines[line:line + len(found[line].lines)] = now[line]
    if now:
        course.write(lesson.readme, "\n".join(lines))
        print(f"{shown(lesson.readme)}: {len(now)} outputs rewritten; look at the diff")


def predictions(place, lesson, found):
    place.prepare(lesson)
    for block in lesson.blocks:
        if block.kind != "predict":
            continue
        found.progress.show(f"{lesson.number} $ {block['run']}")
        _, output = place.run(block["run"], lesson.work, lesson.seconds(block["run"]))
        here, there = (course.normalise(x.strip(), {}) for x in (block["answer"], output))
        found.expect(here == there, lesson.readme, block.line,
                     f"prediction: '{block['run']}' has another answer",
                     diff(here, there, "answer", block["run"]))
        found.expect(block.lines[0].startswith("**Predict.**"), lesson.readme,
                     block.line, "prediction: no '> **Predict.** …' right after it")


def python(place, lesson, found):
    """Each step's command, and the same with python.py in its place."""
    place.prepare(lesson)
    for step in lesson.steps:
        found.progress.show(f"{lesson.number} python.py {step.name}")
        program = f"./{step.program}"
        in_text = [b for b in lesson.blocks if b["run"].startswith(program) and
                   b.kind == "console"]
        command = in_text[0]["run"] if in_text else (step.all("Try") or [program])[0]
        words = in_text[0].words if in_text else {}
        twin = command.replace(program, f"python3 python.py {step.name}")
        c, py = (course.normalise(place.run(x, lesson.work, step.seconds)[1], words)
                 for x in (command, twin))
        found.expect(c == py, lesson.path / "python.py", 1,
                     f"section '{step.name}' prints something else than {step.file}",
                     diff(py, c, twin, command))


# ---- holes, wrong

def holes(place, lesson, found):
    starter = judge.source_of(lesson.path, "exercise")
    solution = judge.source_of(lesson.path, "solution")
    text, ours = (course.read(p) for p in (starter, solution))
    found.expect(starter.name == solution.name, solution, 1,
                 f"the starter is called {starter.name}")
    same_frame(starter, text, ours, found)
    for hole in judge.holes(text):
        found.expect(hole.empty, starter, hole.line,
                     f"hole {hole.number} does not hold 'return -ENOSYS;' or the like")
        found.expect(len(hole.hint) > 20, starter, hole.line,
                     f"hole {hole.number} says too little of what to do")
    found.expect(judge.holes(text), starter, 1, "the exercise has no hole")
    for path in (starter, solution):
        strict(place, path, judge.build_line(path), found,
               judge.sources(lesson.path, path)[1:])

    with tempfile.TemporaryDirectory() as folder:
        for hole in judge.holes(text):
            found.progress.show(f"{lesson.number} hole {hole.number}")
            part = Path(folder) / f"{starter.stem}_{hole.number}.c"
            part.write_text(fill(text, ours, hole.number), encoding="utf-8")
            checks, output = judge.checks(place, lesson, str(part))
            message = f"not started: hole {hole.number} of "
            found.expect(checks and all(not c.ok and message in "\n".join(c.said)
                                        for c in checks),
                         starter, hole.line, f"without hole {hole.number} not every "
                         f"check is red with '{message}…'", output)
    checks, output = judge.checks(place, lesson, "solution")
    red = [c.name for c in checks if not c.ok]
    found.expect(checks and not red, solution, 1,
                 f"the solution is not green: {', '.join(red) or 'no checks ran'}",
                 output if red or not checks else "")


def fill(text, ours, spare):
    """The starter with all holes but one filled as in the solution."""
    bodies = {h.number: h.body for h in judge.holes(ours)}
    return judge.HOLE.sub(
        lambda m: m[0] if int(m[1]) == spare else
        m[0].replace(m[3], bodies.get(int(m[1]), m[3])), text)


def same_frame(path, text, ours, found, head=0):
    """Equal outside the holes; head: for files with another first comment."""
    here, there = (judge.frame(x)[x.index("*/") * head:].split("\n")
                   for x in (text, ours))
    found.expect(here == there, path, 1, "differs from the solution outside the holes",
                 diff(here, there, path.name, "solution"))


def wrong(place, lesson, found):
    ours = course.read(judge.source_of(lesson.path, "solution"))
    paths = sorted(lesson.wrong.glob("*.c"))
    found.expect(paths, lesson.wrong, 1, "there is no wrong solution")
    caught, names = set(), []

    def judged(path):
        return judge.checks(place, lesson, f"wrong/{path.name}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, (checks, output) in zip(paths, pool.map(judged, paths)):
            found.progress.show(f"{lesson.number} wrong/{path.name}")
            text = course.read(path)
            same_frame(path, text, ours, found, head=1)
            says = course.fields(course.first_comment(text), MISTAKE)
            found.expect(says.get("Mistake"), path, 1, "the head says no 'Mistake:'")
            skipped = {c.name for c in checks if c.skip}
            named = re.findall(r'"([^"]*)"', " ".join(says.get("Caught by", [])))
            expected = set(named) - skipped
            red = {c.name for c in checks if not c.ok}
            names = [c.name for c in checks if not c.skip] or names
            caught |= red
            found.expect(named and red == expected, path, 1,
                         "is not caught by exactly the checks that it names",
                         diff(sorted(expected), sorted(red), "Caught by", "red now")
                         if checks else output)
    for name in names:
        found.expect(name in caught, lesson.path / "check.bats", line_of(lesson, name),
                     f'no wrong solution is caught by "{name}"')


def line_of(lesson, name):
    lines = course.read(lesson.path / "check.bats").split("\n")
    return next((i for i, x in enumerate(lines, 1) if f'"{name}"' in x), 1)


CHECKS = {f.__name__: f for f in
          (files, steps, listings, outputs, predictions, python, holes, wrong)}


def chosen(only):
    names = only.split(",") if only else list(CHECKS)
    for name in names:
        if name not in CHECKS:
            raise Fault(f"--only '{name}': there are {', '.join(CHECKS)}")
    return names


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lesson", metavar="N", default="all", help="one lesson only")
    parser.add_argument("--only", metavar="CHECK,…", help="some of the checks only")
    parser.add_argument("--update", action="store_true",
                        help="outputs: write what is printed now into the text")
    parser.add_argument("--build", default=OUT / "default", metavar="DIR",
                        help="meson's build folder (build/default)")
    args = parser.parse_args()
    names, some = chosen(args.only), course.named(args.lesson)
    place, found = course.Place(args.build), Findings()
    place.env.pop("RAWMP_UNIT_MS", None)
    for lesson in some:
        if not lesson.solution.is_dir():
            raise Fault(f"{shown(lesson.solution)} is not there: this is a handout")
        for name in names:
            result = CHECKS[name](place, lesson, found)
            if name == "outputs" and args.update:
                update(lesson, result)
    found.progress.end()
    print(f"{found.passed} passed, {found.failed} failed")
    return 1 if found.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Fault as e:
        print(f"authors.py: {e}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
