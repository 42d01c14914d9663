"""The report's sections on locks, waiting and the scoreboard.

Each takes what was read and the Pictures to draw with, and gives HTML. Where a
picture has no numbers, its place holds a sentence that says so.
"""
import os
import re

import cases
import lock
import lost
import results
import stats
import style
import waiting
from page import DASH, esc, missing, bad, p, table, with_interval
from results import (Bad, digits, interval_text, number, plural, shown, time_text,
                     times_text, word)


# Scoreboard

# What a goal is held against, if not the best peer.
OTHER = {"limit": "to the limit", "itself": "of ours itself"}


class Goal:
    """One row of build/scoreboard.json."""

    def __init__(self, entry):
        self.row = str(entry.get("row", "?"))
        self.unit = str(entry.get("unit") or "")
        self.ours, self.peer, self.limit = (number(entry.get(k))
                                            for k in ("ours", "peer", "limit"))
        name = entry.get("peer_name")
        self.peer_name = style.label(str(name)) if name else ""
        self.of = str(entry.get("of") or "peer")
        self.own = self.of == "itself"      # the goal is for our figure as it stands
        ratio, low, high = (number(entry.get(k)) for k in ("ratio", "low", "high"))
        value = self.ours if self.own else ratio
        known = low is not None and high is not None
        self.estimate = None if value is None else stats.Estimate(
            value, low if known else None, high if known else None,
            results.whole(entry.get("reps")) or 1)
        self.goal = str(entry.get("goal") or "")
        self.met = entry.get("met") if isinstance(entry.get("met"), bool) else None
        self.reps = results.whole(entry.get("reps")) or 0

    def text(self, x):
        if x is None:
            return DASH
        if self.unit in results.UNITS:
            return time_text(x * results.UNITS[self.unit])
        return digits(x)


def goals(path):
    """The rows, or Bad."""
    found = results.load(path, "make it again: make scoreboard", list)
    found = [Goal(e) for e in results.objects(found) if e.get("row")]
    if not found:
        raise Bad("%s: no row in it; make it again: make scoreboard" % shown(path))
    return found


def scoreboard_caption(found):
    met = [g for g in found if g.met is True]
    short = [g for g in found if g.met is False]
    open_ = [g for g in found if g.met is None]
    out = ["Of %s, %s met and %s not." % (plural(len(found), "goal"), are(len(met)),
                                          word(len(short)))]
    if short:
        out.append("Short: %s." % "; ".join(
            "%s (%s, goal %s)" % (g.row, number_text(g), signs(g.goal)) for g in short[:6])
            + (" And %s more." % word(len(short) - 6) if len(short) > 6 else ""))
    if open_:
        out.append("Not measured: %s." % ", ".join(g.row for g in open_[:6]))
    return " ".join(out)


def are(n):
    return "%s %s" % (word(n), "is" if n == 1 else "are")


def number_text(goal):
    if goal.estimate is None:
        return "n/a"
    return digits(goal.estimate.value) if goal.own else times_text(goal.estimate.value)


def signs(goal):
    return goal.replace("<=", "\u2264").replace(">=", "\u2265")


def scoreboard_section(path):
    if not os.path.exists(path):
        return missing("%s is not there." % shown(path), "make scoreboard")
    try:
        found = goals(path)
    except Bad as e:
        return bad(e)
    rows = []
    for g in found:
        peer = esc(g.text(g.peer))
        if g.peer_name:
            peer += '<span class="iv">%s</span>' % esc(g.peer_name)
        ratio = DASH if g.own else "n/a"
        if g.estimate is not None and not g.own:
            ratio = with_interval(g.estimate)
        goal = esc(signs(g.goal))
        if g.of in OTHER:
            goal += '<span class="iv">%s</span>' % OTHER[g.of]
        rows.append([esc(g.row), met_text(g), ratio,
                     goal, esc(g.text(g.ours)), peer, esc(g.text(g.limit)),
                     str(g.reps)])
    units = sorted({g.unit for g in found} - set(results.UNITS) - {""})
    note = ("Medians; a ratio is taken repetition by repetition. With \u2264 it is ours divided "
            "by the other\u2019s time, with \u2265 how many times faster ours is.")
    if units:
        note += " Figures that are no times: %s." % ", ".join(units)
    return p(esc(scoreboard_caption(found))) + table(
        ["Row", "", "Ratio", "Goal", "Ours", "Best peer", "Limit", "Repetitions"], rows,
        "Scoreboard", left=2, wrap=(0,)) + p(esc(note), "small muted")


def within_noise(e, goal):
    """Does the interval hold the goal's number?"""
    m = re.search(r"[0-9]+(\.[0-9]+)?", goal)
    return bool(m and e and e.known() and e.lo <= float(m.group()) <= e.hi)


def met_text(goal):
    if goal.met is None:
        return "n/a"
    return ("met" if goal.met else "<b>short</b>") + (
        '<span class="iv">within noise</span>' if within_noise(goal.estimate, goal.goal) else "")


# Lesson 05: what the race loses

def lost_picture(folder, pictures):
    path = os.path.join(folder, "lost_updates.json")
    if not os.path.exists(path):
        return missing("%s is not there, so there is no picture of lost updates."
                       % shown(path), "make bench")
    try:
        found = lost.analyse(path)
    except Bad as e:
        return bad(e)
    return pictures.draw("lost.py", path, [found.caption()],
                         "Increments lost without a lock, by number of processes")


# Locks

LOCK_TITLES = {"contention": "Time per operation against processes, by lock",
               "fairness": "Share of the luckiest and the unluckiest process, by lock",
               "alone": "What a lock costs when nobody else wants it",
               "increments": "Locked increments by several processes",
               "killed": "From the death of the holder to the next owner"}


def lock_pictures(lk):
    """[(picture, work)]: what can be drawn, in the order of the page."""
    works = lk.works()
    found = [("alone", None)] + [("contention", w) for w in works]
    found += [("fairness", w) for w in works[:1]]
    found += [("increments", None), ("killed", None)]
    return [(what, w) for what, w in found if lk.has(what)
            and (what != "fairness" or lk.shares(w))]


def lock_section(res, lk, pictures, noted):
    out = [noted]
    drawn = lock_pictures(lk)
    for what, work in drawn:
        options = ["--picture", what] + (["--work", work] if work else [])
        out.append(pictures.draw("lock.py", res.files[0],
                                 [lk.caption(what, work or "none")], LOCK_TITLES[what],
                                 *options))
    for what in lock.PICTURES:
        if what not in [d for d, _ in drawn]:
            out.append(p("%s: n/a (the results hold no such case%s)." % (
                esc(LOCK_TITLES[what]), "; " + esc(lk.absent(lock.PARTS[what]).rstrip("."))
                if lk.absent(lock.PARTS[what]) else ""), "missing"))
    out += [contended_table(lk, w) for w in lk.works()]
    out.append(single_table(lk))
    return "".join(out)


def contended_table(lk, work):
    """ns per operation; and fairness, futex calls and CPUs with the most processes."""
    counts = lk.counts("contended", work)
    head = ["Lock"] + ["%d\u00a0process%s" % (n, "" if n == 1 else "es") for n in counts]
    head += ["max/min share", "futex per million", "CPUs used"]
    rows = []
    for h in lk.hows("contended", work):
        found = [lk.get("contended", h, n, work) for n in counts]
        last = [c for c in found if c][-1]
        rows.append([esc(lk.label(h, "contended"))]
                    + [esc(time_text(c.p50)) if c else "n/a" for c in found]
                    + [counter(last, "share_max_min", lock.share_text),
                       counter(last, "futex_per_million",
                               lambda x: "0" if x < 0.5 else lock.calls(x)),
                       counter(last, "cpus_used", lambda x: "%.2f" % x)])
    most = plural(counts[-1], "process", "processes")
    return "<h3>%s</h3>\n" % esc("Per operation, " + lock.WORK.get(work, "work " + work)) \
        + table(head, rows, "Locks under contention") + p(
            "The last three columns: with %s, or the most that were measured. n/a: not measured."
            % esc(most), "small muted")


def counter(case, name, text):
    value = case.counter(name)
    return "n/a" if value is None else esc(text(value))


def single_table(lk):
    """The cases without a number of processes: alone, increments, killed holder."""
    places = lk.places()
    columns = [("alone", "alone", "none"), ("increments", "400,000 increments", "none")]
    columns += [("killed_holder", "holder killed" + (", " + waiting.SHORT.get(x, x)
                                                     if x != "none" else ""), x)
                for x in places]
    columns = [c for c in columns if lk.parts.get(c[0])]
    if not columns:
        return ""
    rows = []
    for h in cases.in_order({h for part, _, _ in columns for h in lk.hows(part)}
                            | set(lk.never)):
        row = [esc(style.label(h, "mp_lock"))]
        for part, _, setting in columns:
            c = lk.get(part, h, setting=setting)
            never = part == "killed_holder" and h in lk.never
            row.append(DASH if not c and not never else "never" if never else
                       esc(time_text(c.p50)) + quartiles(c))
        rows.append(row)
    return "<h3>Alone, and with a killed holder</h3>\n" + table(
        ["Lock"] + [text for _, text, _ in columns], rows, "Locks, other cases")


def quartiles(case):
    """The 95 % interval of a median, below it."""
    e = stats.bootstrap(stats.median, case.sample.values)
    return '<span class="iv">%s</span>' % esc(interval_text(e, time_text)) if e.known() else ""


# Semaphores, conditions, events, barriers

def waiting_section(res, w, pictures, noted):
    out = [noted]
    for what, (where, title, _) in waiting.PICTURES.items():
        if w.has(what):
            out.append(pictures.draw("waiting.py", res.files[0], [w.caption(what)], title,
                                     "--picture", what))
        else:
            why = w.absent(where).rstrip(".")
            out.append(p("%s: n/a (the results hold no such case%s)."
                         % (esc(title), "; " + esc(why) if why else ""), "missing"))
    rows = []
    for where in [x for x, _, _ in waiting.PICTURES.values() if x in w.parts]:
        for (h, n, place), c in sorted(w.parts[where].items(), key=lambda i: (
                cases.in_order(w.hows(where)).index(i[0][0]), i[0][1], i[0][2] != "same")):
            rows.append([esc(w.label(h, where)), esc(where.replace("/", ", ").replace("_", " ")),
                         esc(waiting.SHORT.get(place, place)) or DASH,
                         str(n) if n > 1 else DASH,
                         esc(time_text(c.p50)) + (" mean" if c.mean else "")]
                        + [esc(time_text(c.values[k])) for k in ("p90", "p99", "max")]
                        + [str(c.n)])
    out.append("<details><summary>All cases (%d rows)</summary>\n%s</details>\n" % (
        len(rows), table(["How", "What", "CPUs", "Processes", "p50 or mean", "p90", "p99", "max",
                          "repetitions"], rows, "All cases of waiting", left=3)))
    return "".join(out)
