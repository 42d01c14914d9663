#!/usr/bin/env python3
"""One page out of everything that was measured, told and drawn: the report.

It reads build/results/*.json, build/trace/*.json, build/progress/*.json and
build/scoreboard.json and writes one HTML file that needs nothing else: no
network, no asset, no script. First come the findings, then the lessons, each
with its pictures, then the numbers. What is missing is named with the command
that makes it. Every sentence and every number is computed from the files;
nothing about a machine is written here.

The pictures come from the tools beside this one, started in an interpreter
that has matplotlib; without one the page holds the tables only.
"""
import argparse
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import cases        # noqa: E402
import findings     # noqa: E402
import lock         # noqa: E402
import process      # noqa: E402
import results      # noqa: E402
import sections     # noqa: E402
import speedup      # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
import timeline     # noqa: E402
import waiting      # noqa: E402
from page import (DASH, bad, code, esc, marked, missing, p, section, table, value_text,
                  with_interval)     # noqa: E402
from results import (Bad, digits, mib_text, number, percent, shown, time_text,
                     times_text)     # noqa: E402

RACE = "05"     # the lesson whose race loses updates
HERE = os.path.dirname(os.path.abspath(__file__))


# Pictures

class Pictures:
    """Starts the drawing tools; keeps what they drew, with ids of their own."""

    def __init__(self, python, total):
        self.program, asked = style.find(python)
        self.why = None if self.program else style.missing(asked)
        self.drawn = 0
        self.asked = 0
        self.total = total
        self.commands = []

    def draw(self, tool, path, caption, title, *options):
        """A figure, or the caption alone if nothing can draw."""
        words = "".join(p(esc(t)) for t in caption if t)
        if not self.program:
            return words
        self.progress(title)
        fd, temp = tempfile.mkstemp(suffix=".svg", prefix="rawmp-report-")
        os.close(fd)
        try:
            done = subprocess.run([self.program, "-B", os.path.join(HERE, tool), path, "-o",
                                   temp, *options], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, errors="replace",
                                  check=False)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                return words + missing("%s could not draw this picture: %s" % (tool, last))
            with open(temp, encoding="utf-8") as f:
                svg = f.read()
        finally:
            os.unlink(temp)
        self.drawn += 1
        name = "-".join([os.path.splitext(os.path.basename(path))[0]]
                        + [o for o in options if not o.startswith("-")])
        self.commands.append("python3 plots/%s %s -o %s.svg" % (
            tool, " ".join(shlex.quote(w) for w in (shown(path),) + options), name))
        svg = style.themed(svg, "p%d" % self.drawn)
        svg = re.sub(r'<svg\b[^>]*?(viewBox="[^"]*")[^>]*>',
                     lambda m: '<svg %s role="img" aria-label="%s">' % (m.group(1), esc(title)),
                     svg, count=1)
        return "<figure>\n%s\n<figcaption>\n%s</figcaption>\n</figure>\n" % (svg, words)

    def progress(self, title):
        """One rewritten line, on a terminal only."""
        self.asked += 1
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[Kreport: picture %d of %d, about %d s left: %s"
                             % (self.asked, self.total, 2 * (self.total - self.asked + 1),
                                title[:40]))
            sys.stderr.flush()

    def done(self):
        if self.asked and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


# Sections

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


def facts(machine):
    m = machine.get("machine")
    return m if isinstance(m, dict) else {}


def pick(machine, *words):
    """The first fact whose name has one of the words in it."""
    for word in words:
        for key, value in facts(machine).items():
            if word in key.lower() and value not in (None, ""):
                return value_text(value)
    return None


def card(machine, context):
    usable = pick(machine, "cpus usable", "usable")
    online = pick(machine, "cpus online", "online") or context.get("num_cpus")
    cpus = usable or online
    if usable and online and str(usable) != str(online):
        cpus = "%s of %s usable" % (usable, online)
    rows = [("Processor", pick(machine, "cpu model", "model", "processor")),
            ("CPUs", cpus),
            ("Memory", pick(machine, "memory", "ram")),
            ("Kernel", pick(machine, "kernel")),
            ("Virtual machine", pick(machine, "virtual", "hypervisor", "container")),
            ("/dev/shm", pick(machine, "/dev/shm", "shm")),
            ("Measured", str(context.get("date") or "")[:16].replace("T", " "))]
    rows = [(a, b) for a, b in rows if b]
    if not rows:
        return ""
    return '<dl class="card">%s</dl>\n' % "".join(
        "<div><dt>%s</dt><dd>%s</dd></div>" % (esc(a), esc(b)) for a, b in rows)


def machine_section(machine):
    if not machine:
        return missing("The results say nothing about the machine they were made on.",
                       "make bench")
    out = []
    if facts(machine):
        out.append(table(["Fact", "Value"],
                         [[esc(k), esc(value_text(v))] for k, v in facts(machine).items()],
                         "The machine", left=2, wrap=(1,)))
    checks = machine.get("checks")
    checks = [c for c in checks if isinstance(c, dict)] if isinstance(checks, list) else []
    if checks:
        rows = []
        for c in checks:
            lacks = c.get("ok") is False
            rows.append([esc(c.get("name", "?")), "<b>no</b>" if lacks else "ok",
                         esc(value_text(c.get("value"))),
                         esc(value_text(c.get("costs") or "")) if lacks else "",
                         esc(value_text(c.get("remedy") or "")) if lacks else ""])
        out.append("<h3>Checked</h3>\n" + table(
            ["Check", "", "Value", "What its lack costs", "Remedy"], rows, "Checks", left=5,
            wrap=(2, 3, 4)))
    tools = machine.get("tools")
    if isinstance(tools, dict) and tools:
        out.append("<h3>Tools</h3>\n" + table(
            ["Tool", "Version"],
            [[esc(k), esc(value_text(v) if v else "missing")] for k, v in tools.items()],
            "Tools", left=2, wrap=(1,)))
    return "".join(out)


def warnings(res):
    """What a reader must know before the numbers of a family."""
    out = []
    if is_brief(res):
        out.append("This was a brief run, with few rounds and wide intervals. The full one: %s."
                   % code("make bench"))
    loud, of = res.disturbed()
    if loud:
        out.append("%d of %d runs were disturbed by other programs or by the hypervisor%s. "
                   "Ratios suffer less than times." % (
                       loud, of, "; they are left out where enough quiet ones are left"
                       if loud < of else ""))
    found = [m for m in res.messages.items() if not m[0].startswith("skipped: never")]
    for message, names in found[:6]:
        skipped = message.startswith("skipped: ")
        more = " and %d more" % (len(names) - 2) if len(names) > 2 else ""
        out.append("%s %s%s: %s." % (
            "Not measured:" if skipped else "Failed and left out:", esc(", ".join(names[:2])),
            more, esc(message[9:] if skipped else message)))
    return "".join(p(x, "missing") for x in out)


def is_brief(res):
    return str(res.context.get("brief")).lower() in ("true", "1")


def speedup_section(res, sps, pictures):
    out = [warnings(res)]
    for sp in sps:
        options = []
        if len(sps) > 1:
            out.append("<h3>%s</h3>\n" % esc(sp.workload))
            options = ["--workload", sp.workload]
        out.append(pictures.draw("speedup.py", res.files[0], [sp.caption(), sp.fit_caption()],
                                 "Speedup against processes, workload %s" % sp.workload,
                                 *options))
        out += [p(esc(n) + ".", "small muted") for n in sp.notes]
        out.append(speedup_table(sp))
        base = ", ".join("%s %s" % ("Python" if b.startswith("python") else "C",
                                    time_text(t.median())) for b, t in sp.bases.items())
        if base:
            out.append(p("Sequential: %s; medians of %d. How each is measured: %s." % (
                esc(base), min(len(t) for t in sp.bases.values()),
                code("benchmarks/README.md")), "small muted"))
    return "".join(out)


def speedup_table(sp):
    head = ["Method"] + ["%d\u00a0process%s" % (n, "" if n == 1 else "es") for n in sp.counts]
    head += ["time at\u00a0%d" % sp.full, "efficiency at\u00a0%d" % sp.full, "serial fraction"]
    rows = []
    for m in sp.methods:
        row = [esc(m.label)]
        for n in sp.counts:
            at = m.at(n)
            row.append(with_interval(at.speedup) if at else DASH)
        at = m.at(sp.full)
        row.append(esc(time_text(at.ns)) if at else DASH)
        row.append("%s\u00a0%%" % percent(at.speedup.value / min(sp.full, sp.cpus))
                   if at else DASH)
        row.append(with_interval(m.fit, percent, "\u00a0%") if m.fit else DASH)
        rows.append(row)
    return table(head, rows, "Speedup by method and number of processes")


def process_section(res, pr, pictures):
    out = [warnings(res)]
    out.append(pictures.draw("process.py", res.files[0], [pr.caption(), pr.place_caption()],
                             "Cost of starting and joining a process"))
    head = ["p50, below it p99"] + ["small parent" if s == "0" else mib_text(s)
                                    for s in pr.parents]
    rows = []
    for h in pr.hows:
        row = [esc(style.label(h))]
        for s in pr.parents:
            c = pr.get(h, s)
            row.append(DASH if not c else esc(time_text(c.p50)) + (
                '<span class="iv">%s</span>' % esc(time_text(c.p99)) if c.p99 else ""))
        rows.append(row)
    out.append(table(head, rows, "Start and join by size of the parent"))
    if any(c.p99 is None for c in pr.cases.values()):
        out.append(p("A percentile stands only where enough starts were timed for one to lie "
                     "beyond it: 100 for p99.", "small muted"))
    rows = []
    for key in sorted(pr.cases, key=lambda k: (pr.hows.index(k[0]), process.mib_key(k[1]),
                                               pr.places.index(k[2]))):
        c = pr.cases[key]
        rows.append([esc(c.label), esc(mib_text(c.parent)), esc(c.place)]
                    + [esc(time_text(c.values[name])) for name in cases.PERCENTILES]
                    + [str(c.n)])
    out.append("<details><summary>All percentiles, every parent and placement (%d rows)"
               "</summary>\n%s</details>\n"
               % (len(rows), table(["How", "Parent", "Place", "p50", "p90", "p99", "p99.9",
                                    "max", "repetitions"], rows, "All percentiles", left=3)))
    return "".join(out)


def json_files(folder, pattern="*.json"):
    return sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))


NUMBER = re.compile(r"^(?:lesson-)?(\d\d)$")


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def lesson_parts(args, traces, pictures):
    """[(id, title, body)]: a section for each lesson that was told or traced."""
    told = {NUMBER.match(stem(f)).group(1): f for f in json_files(args.lessons, "lesson-*.json")
            if NUMBER.match(stem(f))}
    traced = {stem(f): f for f in traces if NUMBER.match(stem(f))}
    out = []
    for n in sorted(set(told) | set(traced)):
        title, steps = "Lesson %s" % n, ""
        if n in told:
            name, steps = lesson_steps(told[n])
            title = "Lesson %s" % name if name else title
        body = sections.lost_picture(args.results, pictures) if n == RACE else ""
        if n in traced:
            body += "<h3>Who did what when</h3>\n" \
                + timeline_picture(traced[n], pictures)
        out.append(("lesson-" + n, title, body + (
            "<h3>Step by step, as it ran here</h3>\n" + steps if steps else missing(
                "This lesson has not been told yet.", "make report"))))
    if not told:
        out.append(("lessons", "The lessons, as they ran here", missing(
            "No lesson has been told yet (%s/lesson-NN.json)." % shown(args.lessons),
            "make report")))
    return out


def timeline_parts(args, traces, pictures):
    """Traces that belong to no lesson; or that there is none at all."""
    if not traces:
        return [("timeline", "Who did what when", missing(
            "There is no trace in %s." % shown(args.trace), "make trace N=1"))]
    other = [f for f in traces if not NUMBER.match(stem(f))]
    return [("timeline", "Who did what when", "".join(
        "<h3>%s</h3>\n%s" % (esc(stem(f)), timeline_picture(f, pictures))
        for f in other))] if other else []


def timeline_picture(path, pictures):
    try:
        tr = timeline.Trace(path)
    except Bad as e:
        return bad(e)
    out = pictures.draw("timeline.py", path, [tr.caption()], "Timeline of processes")
    return out if pictures.program else out + lanes_table(tr)


def lanes_table(tr):
    rows = []
    for x in tr.lanes:
        rows.append([esc(x.name)]
                    + [esc(time_text(x.total(k) * 1000)) if x.total(k) else DASH
                       for k in timeline.KINDS]
                    + [str(len(x.marks)), esc(x.end[1]) if x.end else DASH])
    return table(["Process", "runs", "waits", "holds", "marks", "end"], rows, "Lanes")


def goal_table(all_results):
    """The ratios that the project set itself a goal for, as run.py judged them."""
    rows = []
    for res in all_results:
        for what, e, goal, met in res.goals:
            rows.append([esc(what), "%.3f" % e.value,
                         "%.2f \u2026 %.2f" % (e.lo, e.hi) if e.known() else DASH,
                         esc(goal.replace("<=", "\u2264").replace(">=", "\u2265")),
                         met_text(e, goal, met)])
    if not rows:
        return ""
    return "<h3>Goals</h3>\n" + table(["Ratio", "", "95\u00a0%", "Goal", "Met"], rows, "Goals",
                                      wrap=(0,))


def met_text(e, goal, met):
    """yes or no, and whether the interval leaves it open."""
    if not isinstance(met, bool):
        return DASH
    return ("yes" if met else "<b>no</b>") + (
        ', <span class="muted">within noise</span>' if sections.within_noise(e, goal) else "")


def lesson_steps(path):
    """(what the lesson is called, its steps in HTML)"""
    try:
        data = results.load(path, "make it again: make report")
    except Bad as e:
        return "", bad(e)
    steps = data.get("steps")
    steps = [s for s in steps if isinstance(s, dict)] if isinstance(steps, list) else []
    body = "".join(step_html(s) for s in steps) or missing("%s tells no step." % shown(path),
                                                           "make report")
    return str(data.get("lesson") or ""), body


def step_html(s):
    tag = str(s.get("tag") or "").strip("[] ")
    name = str(s.get("step") or "")
    m = re.match(r"(?:step)?(\d+)", name)
    head = '<h4><span class="n">%s</span> %s</h4>' % (
        esc(m.group(1) if m else name), esc(s.get("title") or name))
    if tag:
        head += '\n<span class="tag%s">%s</span>' % ("" if tag == "works" else " bug", esc(tag))
    if s.get("new"):
        head += '\n<p class="new">New: %s</p>' % code(s["new"])
    if s.get("see"):
        see = str(s["see"])
        head += '\n<p class="see">%s</p>' % marked(see[:1].upper() + see[1:])
    shows = []
    commands = s.get("commands")
    for c in commands if isinstance(commands, list) else []:
        if not isinstance(c, dict):
            continue
        text = "<b>$ %s</b>\n%s" % (esc(c.get("cmd", "")),
                                    esc(str(c.get("output") or "").rstrip("\n")))
        if c.get("status") not in (0, None):
            text = text.rstrip("\n") + "\n<i>exit status %s</i>" % esc(c["status"])
        shows.append('<pre tabindex="0">%s</pre>\n' % text.rstrip("\n"))
    return '<div class="step"><div>%s</div>\n<div>\n%s</div></div>\n' % (head, "".join(shows))


# What lesson.py keeps of a prediction, under the names that it may use.
QUESTION = ("question", "text", "run")
GUESS = ("guess", "given", "predicted", "prediction", "yours")
TRUTH = ("answer", "truth", "outcome", "happened", "actual")


def prediction_section(folder):
    out = []
    for path in json_files(folder, "*.predict.json"):
        try:
            data = results.load(path, "predict again: make predict N=1")
        except Bad as e:
            out.append(bad(e))
            continue
        rows, right = [], 0
        for item in prediction_items(data):
            guess, truth = first(item, GUESS), first(item, TRUTH)
            hit = item.get("correct", item.get("right"))
            if not isinstance(hit, bool):
                hit = str(guess).strip() == str(truth).strip()
            known = guess is not None and truth is not None
            right += known and hit
            rows.append([marked(first(item, QUESTION) or "?"), esc(value_text(guess)),
                         esc(value_text(truth)),
                         ("yes" if hit else "<b>no</b>") if known else DASH])
        if rows:
            name = data.get("lesson") or os.path.basename(path).split(".")[0]
            of = number(data.get("of")) or len(rows)
            out.append(p("Lesson %s: %d of %d predictions right%s." % (
                esc(name), right, len(rows),
                ", %d of %d made" % (len(rows), of) if of > len(rows) else "")))
            out.append(table(["Question", "Predicted", "Happened", "Right"], rows,
                             "Predictions", left=4, wrap=(0, 1, 2)))
    return "".join(out)


def prediction_items(data):
    for key in ("predictions", "answers", "questions"):
        v = data.get(key)
        if isinstance(v, list):
            return [x for x in v if isinstance(x, dict)]
        if isinstance(v, dict):
            return [dict(x, question=x.get("question", k)) if isinstance(x, dict)
                    else {"question": k, "guess": x} for k, x in v.items()]
    return []


def first(item, names):
    for n in names:
        if item.get(n) not in (None, ""):
            return item[n]
    return None


def counter_section(all_results):
    """The counting pass, and why a counter could not be had."""
    out, states = [], {}
    for res in all_results:
        c = res.context.get("counters")
        for name, state in (c.items() if isinstance(c, dict) else ()):
            states.setdefault(str(name), str(state))
        if res.counting:
            out.append("<h3>%s</h3>\n" % esc(res.family))
            out.append(counting_tables(res))
    if states:
        out.append("<h3>Which counters this machine gives</h3>\n")
        out.append(table(["Counter", "State"],
                         [[esc(k.replace("_", " ")), esc(v)] for k, v in states.items()],
                         "Counters", left=2, wrap=(1,)))
    return "".join(out)


# The cases that stand for the others.
SMALL = {"parent_MiB": "0", "place": "same", "work": "none", "parties": "4"}


def counting_key(path, args):
    """Ways in their order, arguments by their size."""
    order = cases.ORDER.index(path[-1]) if path[-1] in cases.ORDER else -1
    return path[:-1], order, path[-1], [(k, process.mib_key(v)) for k, v in sorted(args.items())]


def counting_label(family, path):
    """What is counted: how, and of what if the family has several things."""
    if family in ("process", "speedup"):
        return style.label(" ".join(path[2:] or path[1:]))
    ours = "mp_lock" if family == "lock" else "mp_" + path[0]
    what = path[1:-1] if path[0] == family else path[:-1]
    return "%s: %s" % (" ".join(what).replace("_", " "), style.label(path[-1], ours))


NOT_COUNTERS = ("name", "iterations", "label", "round", "loud")


def counting_tables(res):
    """The small cases; all of them folded away below, if there are more."""
    names, rows, few = [], [], []
    for c in res.counting:
        names += [k for k in c if k not in names and k not in NOT_COUNTERS
                  and (number(c[k]) is not None or isinstance(c[k], str))]
    for c in sorted(res.counting, key=lambda c: counting_key(*results.split(c["name"]))):
        path, args = results.split(c["name"])
        text = ", ".join([counting_label(res.family, path)]
                         + ["%s %s" % (k.replace("_", " "), v) for k, v in args.items()])
        row = [esc(text)] + [esc(time_text(number(c[k]))) if k.endswith("_ns")
                             and number(c.get(k)) else counted(c.get(k)) for k in names]
        rows.append(row)
        if all(args.get(k, v) == v for k, v in SMALL.items()) \
                and ("work" not in args or args.get("procs") == "4"):
            few.append(row)
    head = ["per operation"] + [re.sub(" ns$", "", k.replace("_", " ")) for k in names]
    label = "Counting pass, " + res.family
    if not few or len(few) == len(rows):
        return table(head, rows, label)
    return table(head, few, label) + (
        "<details><summary>All %d cases</summary>\n%s</details>\n"
        % (len(rows), table(head, rows, label + ", all")))


def counted(v):
    n = number(v)
    if n is not None:
        return esc("0" if n == 0 else "%.2f" % n if abs(n) < 100 else digits(n))
    return DASH if v is None else '<span class="muted">%s</span>' % esc(v)


def made_section(args, all_results, pictures, traces):
    rows = []
    for res in all_results:
        cases = {}
        for r in res.rows:
            cases[r.cell] = cases.get(r.cell, 0) + 1
        c = res.context
        for f in res.files:
            rows.append([code(shown(f)),
                         esc(str(c.get("date") or DASH)[:19].replace("T", " ")),
                         str(len(cases)), str(min(cases.values())),
                         "yes" if is_brief(res) else "no",
                         code(c.get("command") or c.get("executable") or DASH)])
    rows += [[code(shown(f))] + [DASH] * 5 for f in traces]
    out = []
    if rows:
        out.append(table(["File", "Measured", "Cases", "Repetitions", "Brief", "Made by"],
                         rows, "Files", left=6, wrap=(5,)))
    lines = ["python3 lessons/tools/lesson.py tell all --brief --json build/results"] \
        if json_files(args.lessons, "lesson-*.json") else []
    lines += ["python3 lessons/tools/lesson.py trace all"] if traces else []
    lines += ["python3 benchmarks/run.py %s%s" % ("--brief " if is_brief(r) else "", r.family)
              for r in all_results]
    if os.path.exists(args.scoreboard):
        lines.append("python3 benchmarks/scoreboard.py")
    lines += pictures.commands
    lines.append("python3 plots/report.py --results %s --trace %s -o %s" % tuple(
        shlex.quote(shown(x)) for x in (args.results, args.trace, args.output)))
    out.append('<pre tabindex="0">%s</pre>\n' % "\n".join("<b>$ %s</b>" % esc(x)
                                                          for x in lines))
    out.append(p("%s does all of it. The page holds no time of its own: the same files give "
                 "the same page." % code("make report"), "small muted"))
    return "".join(out)


# The page

def read_family(folder, family, analyse, heads=()):
    """(Results or None, analysis or None, a paragraph that says what is missing)."""
    path = os.path.join(folder, family + ".json")
    if not os.path.exists(path):
        return None, None, missing("%s is not there." % shown(path), "make bench")
    try:
        res = results.read([path], family, heads)
        return res, analyse(res), ""
    except Bad as e:
        return None, None, bad(e)


def every_workload(res):
    names = speedup.workloads(res)
    return [speedup.analyse(res, w) for w in names] or [speedup.analyse(res)]


def css():
    with open(os.path.join(HERE, "report.css"), encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/\s*", "", f.read(), flags=re.S)
    for mark, i in (("@LIGHT", 0), ("@DARK", 1)):
        text = text.replace(mark, " ".join("--%s: %s;" % (k, v[i])
                                           for k, v in style.COLOURS.items()))
    return text


def page(args):
    speed, sps, no_speed = read_family(args.results, "speedup", every_workload)
    proc, pr, no_proc = read_family(args.results, "process", process.analyse)
    locks, lk, no_lock = read_family(args.results, "lock", lock.analyse)
    waits, w, no_wait = read_family(args.results, "waiting", waiting.analyse, waiting.HEADS)
    sps = sps or []
    have = [r for r in (speed, proc, locks, waits) if r]
    machine = next((r.machine() for r in have if r.machine()), {})
    context = have[0].context if have else {}
    analysed = sps + [x for x in (pr, lk, w) if x]
    traces = json_files(args.trace)
    pictures = Pictures(args.python, len(sps) + (1 if pr else 0) + len(traces) + 1
                        + (len(sections.lock_pictures(lk)) if lk else 0)
                        + (sum(map(w.has, waiting.PICTURES)) if w else 0))

    first_part = findings_section(findings.all_of(sps, pr, lk, w),
                                  [x.repetitions() for x in analysed])
    if not pictures.program:
        first_part = missing("No pictures, only tables: %s." % pictures.why) + first_part
    parts = [("findings", "What the numbers say", first_part)]
    parts += lesson_parts(args, traces, pictures)
    parts += timeline_parts(args, traces, pictures)
    predicted = prediction_section(args.progress)
    if predicted:
        parts.append(("predictions", "Predicted and happened", predicted))
    parts += [
        ("scoreboard", "Where we stand",
         sections.scoreboard_section(args.scoreboard) + goal_table(have)),
        ("speedup", "How much faster with more processes",
         speedup_section(speed, sps, pictures) if speed else no_speed),
        ("process", "What a process costs",
         process_section(proc, pr, pictures) if proc else no_proc),
        ("lock", "What a lock costs",
         sections.lock_section(locks, lk, pictures, warnings(locks)) if lk else no_lock),
        ("waiting", "What waiting for each other costs",
         sections.waiting_section(waits, w, pictures, warnings(waits)) if w else no_wait),
        ("counters", "Counted, not timed", counter_section(have) or missing(
            "There is no counting pass in the results.", "make bench")),
        ("machine", "The machine", machine_section(machine)),
        ("made", "How this page was made", made_section(args, have, pictures, traces))]
    pictures.done()

    title = "rawmp: what this machine measured"
    links = "".join('<a href="#%s">%s</a>\n' % (i, esc(t)) for i, t, _ in parts)
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
        card(machine, context) or missing("Nothing is known about the machine yet.",
                                          "make bench"),
        "</header>\n<main>\n", "".join(section(*x) for x in parts),
        "</main>\n</body>\n</html>\n"])


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
    a.add_argument("-o", "--output", metavar="OUT.html",
                   default=os.path.join(build, "report", "index.html"),
                   help="the page to write (default: build/report/index.html)")
    a.add_argument("--python", metavar="PROGRAM",
                   help="the Python to draw with (default: the first that has matplotlib)")
    args = a.parse_args()
    args.lessons = args.lessons or args.results
    args.scoreboard = args.scoreboard or os.path.join(
        os.path.dirname(os.path.abspath(args.results)), "scoreboard.json")
    for name in ("results", "trace", "lessons", "progress"):
        folder = getattr(args, name)
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise Bad("--%s %s: not a folder; give the one that holds the JSON files"
                      % (name, shown(folder)))
    results.write(args.output, page(args))
    print("the report: %s" % shown(args.output))


if __name__ == "__main__":
    results.run(main)
