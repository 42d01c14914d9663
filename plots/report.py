#!/usr/bin/env python3
"""One page out of everything that was measured, told and drawn: the report.

It reads build/results/*.json, build/trace/*.json, build/progress/*.json,
build/scoreboard.json, build/ipc.json and plots/data/*.json (other machines) and
writes one HTML file that needs nothing else: no network, no asset, no script.
First come the findings, then the lessons, each with its pictures, then the
numbers. What is missing is named with the command that makes it. Every sentence
and every number is computed from the files; nothing about a machine is written
here.

The pictures come from the tools beside this one, drawn in the first interpreter
that has matplotlib; without one the page holds the tables only.
"""
import argparse
import os
import re
import shlex
import sys

sys.dont_write_bytecode = True

import counted      # noqa: E402
import findings     # noqa: E402
import grain        # noqa: E402
import latency      # noqa: E402
import lock         # noqa: E402
import machine      # noqa: E402
import manager      # noqa: E402
import messages     # noqa: E402
import others       # noqa: E402
import pool         # noqa: E402
import process      # noqa: E402
import queues       # noqa: E402
import results      # noqa: E402
import scoreboard   # noqa: E402
import sections     # noqa: E402
import speedup      # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
import throughput   # noqa: E402
import told         # noqa: E402
import waiting      # noqa: E402
import work         # noqa: E402
from page import DASH, bad, code, esc, missing, p, section, table     # noqa: E402
from pictures import Pictures     # noqa: E402
from results import Bad, shown, times_text     # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def findings_section(found, reps):
    if not found:
        return missing("No measurement to find anything in.", "make bench")
    out = finding_list(found[:8])
    if len(found) > 8:
        out += "<details><summary>%d more</summary>\n%s</details>\n" % (
            len(found) - 8, finding_list(found[8:]))
    least = min(reps)
    if least < 2:
        note = ("Each ratio divides single runs: one repetition has no interval, and no "
                "sentence here is proved.")
    else:
        note = ("A ratio is taken round by round, then the median of these; in brackets stands "
                "its 95\u00a0% bootstrap interval. A number in grey: its interval holds 1.")
        if not stats.enough(least):
            note += (" With %d repetitions such an interval can be too narrow: read it as the "
                     "spread that was seen." % least)
    return out + p(note, "small muted")


def finding_list(found):
    return '<ol class="findings">\n%s</ol>\n' % "".join(
        '<li><span class="num%s">%s</span><p>%s</p></li>\n'
        % ("" if f.clear else " same", esc(times_text(f.estimate.value)), esc(f.sentence))
        for f in found)


def made_section(args, all_results, elsewhere, pictures, traces):
    rows = []
    for res in all_results + elsewhere:
        cases = {}
        for r in res.rows:
            cases[r.cell] = cases.get(r.cell, 0) + 1
        c = res.context
        for f in res.files:
            rows.append([code(shown(f)),
                         esc(str(c.get("date") or DASH)[:19].replace("T", " ")),
                         str(len(cases)), str(min(cases.values())),
                         "yes" if res.brief() else "no",
                         code(c.get("command") or c.get("executable") or DASH)])
    rows += [[code(shown(f))] + [DASH] * 5 for f in traces]
    out = []
    if rows:
        out.append(table(["File", "Measured", "Cases", "Repetitions", "Brief", "Made by"],
                         rows, "Files", left=6, wrap=(5,)))
    lines = ["python3 lessons/tools/lesson.py tell all --brief --json build/results"] \
        if told.json_files(args.lessons, "lesson-*.json") else []
    lines += ["python3 lessons/tools/lesson.py trace all"] if traces else []
    lines += ["python3 benchmarks/run.py %s%s" % ("--brief " if r.brief() else "", r.family)
              for r in all_results]
    if os.path.exists(args.scoreboard):
        lines.append("python3 benchmarks/scoreboard.py")
    if os.path.exists(args.ipc):
        lines.append("make ipc")
    lines += pictures.commands
    lines.append("python3 plots/report.py --results %s --trace %s -o %s" % tuple(
        shlex.quote(shown(x)) for x in (args.results, args.trace, args.output)))
    out.append('<pre tabindex="0">%s</pre>\n' % "\n".join("<b>$ %s</b>" % esc(x)
                                                          for x in lines))
    out.append(p("%s does all of it. The page holds no time of its own: the same files give "
                 "the same page." % code("make report"), "small muted"))
    return "".join(out)


# The page

class Part:
    """One family of results: what was read of it, what it says, what is missing."""

    def __init__(self, name, title, analyse, section, heads=()):
        self.name, self.title, self.analyse = name, title, analyse
        self.section, self.heads = section, heads
        self.res = self.found = None
        self.lack = ""

    def read(self, folder):
        path = os.path.join(folder, self.name + ".json")
        if not os.path.exists(path):
            self.lack = missing("%s is not there." % shown(path), "make bench")
            return
        try:
            res = results.read([path], self.name, self.heads)
            self.res, self.found = res, self.analyse(res)
        except Bad as e:
            self.res, self.lack = None, bad(e)

    def html(self, pictures):
        if not self.res:
            return self.lack
        return sections.warnings(self.res) + self.section(self.res, self.found, pictures)


def families():
    return [
        Part("speedup", "How much faster with more processes", speedup.several,
             work.speedup_section),
        Part("grain", "How small a task may be", grain.analyse, work.grain_section,
             ("grain_metg",)),
        Part("pool", "What a pool costs", pool.analyse, work.pool_section),
        Part("process", "What a process costs", process.analyse, sections.process_section),
        Part("lock", "What a lock costs", lock.analyse, sections.lock_section),
        Part("waiting", "What waiting for each other costs", waiting.analyse,
             sections.waiting_section, waiting.HEADS),
        Part("latency", "How long a message takes", latency.analyse,
             messages.latency_section),
        Part("throughput", "How much goes through", throughput.analyse,
             messages.throughput_section),
        Part("queue", "Many at one queue", queues.analyse, messages.queue_section),
        Part("manager", "What a server keeps for all", manager.analyse,
             messages.manager_section)]


def css():
    with open(os.path.join(HERE, "report.css"), encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/\s*", "", f.read(), flags=re.S)
    for mark, i in (("@LIGHT", 0), ("@DARK", 1)):
        text = text.replace(mark, " ".join("--%s: %s;" % (k, v[i])
                                           for k, v in style.COLOURS.items()))
    return text


def page(args, pictures):
    parts = families()
    for part in parts:
        part.read(args.results)
    found = {part.name: part.found for part in parts if part.found}
    have = [part.res for part in parts if part.res]
    facts = next((r.machine() for r in have if r.machine()), {})
    context = have[0].context if have else {}
    analysed = [x for f in found.values() for x in (f if isinstance(f, list) else [f])]
    traces = told.json_files(args.trace)

    first = findings_section(findings.all_of(**found), [x.repetitions() for x in analysed])
    if pictures.why:
        first = missing("No pictures, only tables: %s." % pictures.why) + first
    body = [("findings", "What the numbers say", first)]
    body += told.lesson_parts(args, traces, pictures)
    body += told.timeline_parts(args, traces, pictures)
    predicted = told.prediction_section(args.progress)
    if predicted:
        body.append(("predictions", "Predicted and happened", predicted))
    body.append(("scoreboard", "Where we stand", scoreboard.scoreboard_section(
        args.scoreboard) + scoreboard.goal_table(have)))
    body += [(part.name, part.title, part.html(pictures)) for part in parts]
    elsewhere = others.read(args.others, parts)
    body += others.parts(elsewhere, pictures)
    body += [
        ("ipc", "Which mechanism to take", messages.ipc_section(args.ipc)),
        ("counters", "Counted, not timed", counted.counter_section(have) or missing(
            "There is no counting pass in the results.", "make bench")),
        ("machine", "The machine", machine.machine_section(facts)),
        ("made", "How this page was made", made_section(
            args, have, [x.res for x in elsewhere if x.res], pictures, traces))]
    pictures.done()

    title = "rawmp: what this machine measured"
    links = "".join('<a href="#%s">%s</a>\n' % (i, esc(t)) for i, t, _ in body)
    lede = ("Python\u2019s multiprocessing, rebuilt from the kernel\u2019s own parts. Every number "
            "and every sentence below was computed from a run on this machine.")
    return "".join([
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="color-scheme" content="light dark">\n',
        # An empty icon: without one a browser asks a server for /favicon.ico.
        '<link rel="icon" href="data:,">\n',
        "<title>%s</title>\n<style>\n%s</style>\n</head>\n<body>\n" % (esc(title), css()),
        "<header>\n<h1>%s</h1>\n" % esc(title), p(lede, "lede"),
        '<nav aria-label="Contents">\n%s</nav>\n' % links,
        machine.card(facts, context) or missing("Nothing is known about the machine yet.",
                                                "make bench"),
        "</header>\n<main>\n", "".join(section(*x) for x in body),
        "</main>\n</body>\n</html>\n"])


def pictures_with(python):
    """Goes on in an interpreter that has matplotlib; without one there are no pictures."""
    try:
        style.begin(python)
    except Bad as e:
        return Pictures(str(e))
    return Pictures()


def main():
    build = os.path.join(results.ROOT, "build")
    a = argparse.ArgumentParser(
        description="Make one HTML page of the results, traces and lessons; it needs no "
        "network and no other file.",
        epilog="Example: python3 plots/report.py -o build/report/index.html")
    a.add_argument("--results", metavar="DIR", default=os.path.join(build, "results"),
                   help="benchmark results (default: build/results)")
    a.add_argument("--trace", metavar="DIR", default=os.path.join(build, "trace"),
                   help="traces (default: build/trace)")
    a.add_argument("--lessons", metavar="DIR",
                   help="told lessons, lesson-NN.json (default: the folder of results)")
    a.add_argument("--progress", metavar="DIR", default=os.path.join(build, "progress"),
                   help="predictions, NN.predict.json (default: build/progress)")
    a.add_argument("--scoreboard", metavar="FILE",
                   help="ours beside the best peers (default: scoreboard.json beside the "
                   "folder of results)")
    a.add_argument("--others", metavar="DIR", default=os.path.join(HERE, "data"),
                   help="results of other machines (default: plots/data)")
    a.add_argument("--ipc", metavar="FILE",
                   help="what `make ipc` found (default: ipc.json beside the folder of results)")
    a.add_argument("-o", "--output", metavar="OUT.html",
                   default=os.path.join(build, "report", "index.html"),
                   help="the page to write (default: build/report/index.html)")
    a.add_argument("--python", metavar="PROGRAM",
                   help="the Python to draw with (default: the first that has matplotlib)")
    args = a.parse_args()
    args.lessons = args.lessons or args.results
    beside = os.path.dirname(os.path.abspath(args.results))
    args.scoreboard = args.scoreboard or os.path.join(beside, "scoreboard.json")
    args.ipc = args.ipc or os.path.join(beside, "ipc.json")
    for name in ("results", "trace", "lessons", "progress", "others"):
        folder = getattr(args, name)
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise Bad("--%s %s: not a folder; give the one that holds the JSON files"
                      % (name, shown(folder)))
    results.write(args.output, page(args, pictures_with(args.python)))
    print("the report: %s" % shown(args.output))


if __name__ == "__main__":
    results.run(main)
