#!/usr/bin/env python3
"""What a learner types: lesson.py COMMAND N [options], or make COMMAND N=1.

  list            the lessons that are there
  tell N          the story: each step explained, its commands run
  predict N       questions first; then what really happens
  python N        Python's multiprocessing beside the C steps
  kill N          the kill -9 experiment, Python's outcome beside it
  trace N         a timeline of the last step
  bench N         the benchmarks that belong to the lesson
  exercise N      judge lessons/NN-name/exercise (--hint helps)
  grade N         its points, and JSON for a grading system
  next            where to go on
  progress        how far you are
  handout         for teachers: an archive without solutions and notes

tell and trace take "all" for N.
"""
import sys

sys.dont_write_bytecode = True

import argparse     # noqa: E402
import itertools    # noqa: E402
import lzma         # noqa: E402
import os           # noqa: E402
import shutil       # noqa: E402
import subprocess   # noqa: E402
import tarfile      # noqa: E402
import tempfile     # noqa: E402
from pathlib import Path    # noqa: E402

import course       # noqa: E402
import fast         # noqa: E402
import judge        # noqa: E402
from course import OUT, ROOT, Fault, shown      # noqa: E402

POINTS = {"correct": 60, "counted": 20, "fast": 20}
# What students do not get.
KEPT_BACK = {"build", ".git", "__pycache__", "solution", "wrong", "NOTES.md"}


def prepared(place, lesson):
    bad = place.prepare(lesson)
    for file, said in bad.items():
        raise Fault(f"{shown(lesson.path / file)} does not build: {said}")
    return lesson.work


def buildable(place, lessons):
    """The lessons, each built when its turn comes.  Of several, one that does not
    build here (a library is missing) is named and left out."""
    for lesson in lessons:
        try:
            yield lesson, prepared(place, lesson)
        except Fault as e:
            if len(lessons) == 1:
                raise
            print(f"lesson {lesson.number} is left out: {e}", file=sys.stderr)


def indented(text, by="    "):
    return "".join(f"{by}{x}\n" for x in text.rstrip("\n").split("\n"))


# ---- tell

def tell(place, args):
    # On a terminal the programs see it too: some print other things there.
    direct = sys.stdout.isatty() and not (args.brief or args.json)
    for lesson, work in buildable(place, args.lessons):
        steps, told = lesson.steps, []
        progress = course.Progress(sum(len(s.all("Try")) for s in steps))
        if not args.brief:
            print(f"Lesson {lesson.title}, {lesson.head.get('minutes', '?')} minutes")
        for step in steps:
            runs = []
            if not args.brief:
                introduce(step, len(steps))
            for command in step.all("Try"):
                if args.brief:
                    progress.show(f"lesson {lesson.number}: {command}")
                else:
                    print(f"    $ {command}", flush=True)
                status, output = place.run(command, work, step.seconds, direct=direct)
                runs.append({"cmd": command, "output": output, "status": status})
                if not args.brief:
                    print(indented(output) if output else "")
            told.append({"step": step.program, "title": step.title, "tag": step.tag,
                         "new": step.one("New"), "see": step.one("See"),
                         "commands": runs})
            if not args.brief:
                conclude(step, step is steps[-1])
        if args.brief:
            progress.end()
            print(f"lesson {lesson.title}: {len(steps)} steps told")
        if args.json:
            course.write_json(Path(args.json) / f"lesson-{lesson.number}.json",
                              {"lesson": lesson.title, "steps": told})
    return 0


def introduce(step, of):
    print(f"\n{step.number}/{of}  {step.title}  [{step.tag}]\n")
    print(f"  {shown(step.path)}")
    print(f"  Build:  {step.one('Build')}")
    print(f"  New:    {step.one('New')}\n")


def conclude(step, last):
    print(course.wrapped(f"See: {step.one('See')}"), flush=True)
    if sys.stdin.isatty() and sys.stdout.isatty() and not last:
        try:
            input("\n  Enter: the next step, Ctrl-C: stop ")
        except EOFError:
            raise Fault("stopped at the end of input") from None


# ---- predict

def predict(place, args):
    lesson, = args.lessons
    questions = [b for b in lesson.blocks if b.kind == "predict"]
    if not questions:
        raise Fault(f"lesson {lesson.number} asks no questions")
    work, kept = prepared(place, lesson), []
    for i, block in enumerate(questions, 1):
        question = block.lines[0].replace("**Predict.**", "").strip()
        print(f"{i}/{len(questions)}\n{course.wrapped(question)}")
        guess = ask()
        if guess is None:
            print(f"\nstopped: {len(kept)} of {len(questions)} questions answered")
            break
        _, output = place.run(block["run"], work, lesson.seconds(block["run"]))
        truth = output.rstrip("\n")
        right = same_answer(guess, truth)
        print(f"\n    $ {block['run']}\n{indented(truth)}")
        print(f"  {'right' if right else f'you said: {guess}'}\n")
        kept.append({"question": question, "run": block["run"], "guess": guess,
                     "answer": truth, "right": right})
        course.write_json(lesson.kept("predict"), {
            "lesson": lesson.title, "of": len(questions), "predictions": kept})
    else:
        print(f"{sum(x['right'] for x in kept)} of {len(kept)} predicted right; "
              f"kept in {shown(lesson.kept('predict'))}")
    return 0


def ask():
    """What is typed on a line, or None at the end of input."""
    sys.stdout.write("  > ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line.strip() if line else None


def same_answer(guess, truth):
    return guess.casefold().split() == truth.casefold().split()


# ---- C and Python

def beside(left, right):
    """Two (title, text), in two columns where the terminal is wide enough."""
    columns = shutil.get_terminal_size().columns
    rows = [[title, "-" * len(title), *text.rstrip("\n").split("\n")]
            for title, text in (left, right)]
    width = max(map(len, rows[0])) + 3
    if width + max(map(len, rows[1])) > columns:
        return "\n\n".join("\n".join(x) for x in rows) + "\n"
    return "".join(f"{a:{width}}{b}".rstrip() + "\n"
                   for a, b in itertools.zip_longest(*rows, fillvalue=""))


def run_beside(place, work, step, command, section):
    python = f"python3 python.py {section}"
    return beside((f"$ {command}", place.run(command, work, step.seconds)[1]),
                  (f"$ {python}", place.run(python, work, step.seconds)[1]))


def python(place, args):
    lesson, = args.lessons
    work = prepared(place, lesson)
    for step in lesson.steps:
        print(f"{step.number}/{len(lesson.steps)}  {step.title}\n")
        print(run_beside(place, work, step, step.all("Try")[0], step.name), flush=True)
    return 0


def kill(place, args):
    lesson, = args.lessons
    work = prepared(place, lesson)
    steps = [s for s in lesson.steps if s.one("Kill")]
    if not steps:
        raise Fault(f"lesson {lesson.number} has no kill experiment")
    for step in steps:
        print(run_beside(place, work, step, step.one("Kill"), "kill"), flush=True)
    return 0


# ---- trace, bench

def trace(place, args):
    for lesson, work in buildable(place, args.lessons):
        steps = [s for s in lesson.steps if s.one("Trace")]
        if not steps:
            print(f"lesson {lesson.number} has no step that writes a trace")
            continue
        command = steps[-1].one("Trace")
        file = work / command.rpartition("trace=")[2]
        status, output = place.run(command, work)
        if status != 0 or not file.is_file():
            raise Fault(f"{command} wrote no trace: {output.strip()}")
        target = OUT / "trace" / f"{lesson.number}.json"
        course.write(target, file.read_text(encoding="utf-8"))
        file.unlink()
        print(f"{shown(target)}: the trace of {steps[-1].program}; "
              "https://ui.perfetto.dev opens it")
        draw(target)
    return 0


def draw(target):
    tool, picture = ROOT / "plots" / "timeline.py", target.with_suffix(".svg")
    if tool.exists():
        done = subprocess.run([sys.executable, tool, target, "-o", picture],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, check=False)
        print(f"{shown(picture)}: its picture" if done.returncode == 0 else
              f"no picture: {done.stderr.strip()}")


def bench(_, args):
    lesson, = args.lessons
    families = [x for x in lesson.head.get("bench", "").split(",") if x]
    if not families:
        raise Fault(f"lesson {lesson.number} has no benchmark")
    tool = ROOT / "benchmarks" / "run.py"
    if not tool.exists():
        raise Fault(f"{shown(tool)} is not there")
    sys.stdout.flush()
    return subprocess.run([sys.executable, tool, *families], check=False).returncode


# ---- exercise, grade

def judged(place, lesson, what):
    """(path, why it is not started or "", checks)."""
    path = judge.source_of(lesson.path, what)
    message = judge.not_started(path)
    if message:
        return path, message, []
    checks, output = judge.checks(place, lesson, what)
    if not checks or checks[0].name.startswith("setup_file"):
        said = "\n".join(checks[0].said) if checks else output
        raise Fault(f"{shown(path)} could not be judged:\n{said}")
    if what == "exercise":
        course.write_json(lesson.kept("exercise"), {
            "lesson": lesson.title, "passed": sum(c.ok for c in checks),
            "of": len(checks), "green": all(c.ok for c in checks)})
    return path, "", checks


def report(check):
    mark = "n/a " if check.skip else "ok  " if check.ok else "red "
    print(f"  {mark} {check.name}" + (f" ({check.skip})" if check.skip else ""))
    if not check.ok:
        print(indented("\n".join(check.said), "         "), end="")


def exercise(place, args):
    lesson, = args.lessons
    path, message, checks = judged(place, lesson, args.judge)
    if message:
        print(message)
    for check in checks:
        report(check)
    if args.hint:
        every = judge.holes(course.read(path))
        for hole in [h for h in every if h.empty][:1] or every:
            print(f"\n  hole {hole.number}:\n{course.wrapped(hole.hint)}")
    if message or not all(c.ok for c in checks):
        return 1
    print(f"{shown(path)}: all {len(checks)} checks are green")
    if args.judge == "exercise" and lesson.solution.is_dir():
        print(f"to compare it with ours:  diff -u {shown(path)} "
              f"{shown(lesson.solution / path.name)}")
    return 0


def grade(place, args):
    lesson, = args.lessons
    _, message, checks = judged(place, lesson, args.judge)
    correct = bool(checks) and all(c.ok for c in checks if c.gate == "correct")
    tests = []
    for gate in ("correct", "counted"):
        mine = [c for c in checks if c.gate == gate]
        for c in mine:
            worth = POINTS[gate] / len(mine)
            tests.append(result(gate, c.name, "passed" if c.ok else "failed", worth,
                                c.skip or "\n".join(c.said)))
        if not mine:
            tests.append(result(gate, f"{gate}: all checks", "failed", POINTS[gate],
                                message or "there is no such check"))
    state, why = "failed", message or "measured when all that is wrong is mended"
    if correct:
        state, why = measured(place, lesson, args.judge)
    tests.append(result("fast", "fast: beside the reference", state, POINTS["fast"], why))
    score = round(sum(t["score"] for t in tests), 1)

    print(f"lesson {lesson.title}, {args.judge}: {score:g} of 100 points")
    for gate, most in POINTS.items():
        got = sum(t["score"] for t in tests if t["extra_data"]["gate"] == gate)
        print(f"  {gate:8} {round(got, 1):4g} of {most}")
    for t in tests:
        if t["status"] == "failed" or t["extra_data"]["gate"] == "fast":
            print(f"\n  {t['name']}: {t['extra_data']['verdict']}\n"
                  f"{indented(t['output'])}", end="")
    course.write_json(lesson.kept("grade"), {
        "score": score, "tests": tests,
        "extra_data": {"lesson": lesson.title, "judge": args.judge}})
    print(f"\n{shown(lesson.kept('grade'))}: the same for a grading system")
    return 0


def result(gate, name, verdict, worth, output):
    """A test as Gradescope's results.json has it; only "failed" costs points."""
    failed = verdict == "failed"
    return {"name": name, "score": 0 if failed else round(worth, 3),
            "max_score": round(worth, 3), "status": "failed" if failed else "passed",
            "output": output, "extra_data": {"gate": gate, "verdict": verdict}}


def measured(place, lesson, what):
    bar = lesson.head.get("fast")
    if not bar:
        return "inconclusive", "this lesson sets no bar"
    with tempfile.TemporaryDirectory() as folder:
        program = judge.build(place, lesson.path,
                              judge.source_of(lesson.path, what), folder)
        return fast.judge(place, program, float(bar), course.Progress(fast.ROUNDS))


# ---- next, progress, list, handout

def next_exercise(place, _):
    for lesson in course.lessons():
        path, message, checks = judged(place, lesson, "exercise")
        red = [c for c in checks if not c.ok]
        if message or red:
            print(f"{shown(path)}\n{message or red[0].name}")
            for check in red[:1]:
                print(indented("\n".join(check.said)), end="")
            print(f"make exercise N={int(lesson.number)}")
            return 0
    print("every exercise that is there is green")
    return 0


def progress(*_):
    words = {
        "predict": lambda x: "{} of {} right".format(
            sum(y["right"] for y in x["predictions"]), len(x["predictions"])),
        "exercise": lambda x: ("green" if x["green"] else
                               f"{x['passed']} of {x['of']} checks"),
        "grade": lambda x: f"{x['score']:g} of 100"}
    rows = [("lesson", "predicted", "exercise", "grade")]
    for lesson in course.lessons():
        row = [lesson.title]
        for what, said in words.items():
            try:
                row.append(said(course.read_json(lesson.kept(what))))
            except (KeyError, TypeError, ValueError):   # nothing kept, or damaged
                row.append("-")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(f"{x:{w}}" for x, w in zip(row, widths)).rstrip())
    return 0


def list_lessons(*_):
    for lesson in course.lessons():
        print(f"{lesson.title}: {len(lesson.steps)} steps, "
              f"{lesson.head.get('minutes', '?')} minutes")
    return 0


def handout(_, args):
    if not any(x.solution.is_dir() for x in course.lessons()):
        raise Fault("this is a handout already: it has no solutions")
    for lesson in course.lessons():
        path = judge.source_of(lesson.path, "exercise")
        if not all(h.empty for h in judge.holes(course.read(path))):
            raise Fault(f"{shown(path)} has been filled in; a handout needs the starter")
    target = OUT / "handout" / "rawmp.tar.xz"
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with lzma.open(part, "w", preset=6) as stream, \
                tarfile.open(fileobj=stream, mode="w") as tar:
            tar.add(ROOT, "rawmp", filter=for_students)
        os.replace(part, target)
    except OSError as e:
        raise Fault(f"{shown(target)} cannot be written: {e.strerror}") from e
    finally:
        part.unlink(missing_ok=True)
    print(f"{shown(target)}: {target.stat().st_size >> 10} KiB, without solutions, "
          "wrong solutions and notes")
    return 0


def for_students(info):
    if KEPT_BACK & set(info.name.split("/")[1:]):
        return None
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


COMMANDS = {"list": list_lessons, "tell": tell, "predict": predict, "python": python,
            "kill": kill, "trace": trace, "bench": bench, "exercise": exercise,
            "grade": grade, "next": next_exercise, "progress": progress,
            "handout": handout}
WITHOUT_NUMBER = {"list", "next", "progress", "handout"}
WITHOUT_PLACE = {"list", "progress", "handout", "bench"}
ALL = {"tell", "trace"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("number", nargs="?", default="", metavar="N")
    parser.add_argument("--build", default=OUT / "default", metavar="DIR",
                        help="meson's build folder (build/default)")
    parser.add_argument("--brief", action="store_true",
                        help="tell: run the commands, print one line a lesson")
    parser.add_argument("--json", metavar="DIR",
                        help="tell: also write DIR/lesson-NN.json")
    parser.add_argument("--hint", action="store_true",
                        help="exercise: what to do in the first hole not yet filled")
    parser.add_argument("--judge", default="exercise", metavar="WHAT",
                        help="exercise, grade: exercise, solution or wrong/NAME.c")
    args = parser.parse_args()
    if args.command not in WITHOUT_NUMBER:
        if args.number == "all" and args.command not in ALL:
            raise Fault(f"{args.command} takes one lesson at a time, as in N=1")
        args.lessons = course.named(args.number)
    elif args.number:
        raise Fault(f"{args.command} takes no number, but '{args.number}' was given")
    place = None if args.command in WITHOUT_PLACE else course.Place(args.build)
    return COMMANDS[args.command](place, args)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Fault as e:
        print(f"lesson.py: {e}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
