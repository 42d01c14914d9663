"""What was told and traced: the report's sections on lessons, timelines and
predictions.
"""
import glob
import os
import re

import results
import sections
import timeline
from page import (DASH, bad, code, esc, marked, missing, p, table, value_text)
from results import Bad, number, shown, time_text

RACE = "05"     # the lesson whose race loses updates


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
    return out + lanes_table(tr) if pictures.why else out


def lanes_table(tr):
    rows = []
    for x in tr.lanes:
        rows.append([esc(x.name)]
                    + [esc(time_text(x.total(k) * 1000)) if x.total(k) else DASH
                       for k in timeline.KINDS]
                    + [str(len(x.marks)), esc(x.end[1]) if x.end else DASH])
    return table(["Process", "runs", "at items", "waits", "holds", "marks", "end"], rows, "Lanes")


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
