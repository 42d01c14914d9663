"""The report's section on where we stand: build/scoreboard.json, and the goals
that run.py judged.
"""
import os
import re

import results
import stats
import style
from page import DASH, bad, esc, missing, p, table, with_interval
from results import Bad, digits, number, plural, shown, time_text, times_text, word

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


def goal_table(all_results):
    """The ratios that the project set itself a goal for, as run.py judged them."""
    rows = []
    for res in all_results:
        for what, e, goal, met in res.goals:
            rows.append([esc(what), "%.3f" % e.value,
                         "%.2f \u2026 %.2f" % (e.lo, e.hi) if e.known() else DASH,
                         esc(goal.replace("<=", "\u2264").replace(">=", "\u2265")),
                         judged_text(e, goal, met)])
    if not rows:
        return ""
    return "<h3>Goals</h3>\n" + table(["Ratio", "", "95\u00a0%", "Goal", "Met"], rows, "Goals",
                                      wrap=(0,))


def judged_text(e, goal, met):
    """yes or no, and whether the interval leaves it open."""
    if not isinstance(met, bool):
        return DASH
    return ("yes" if met else "<b>no</b>") + (
        ', <span class="muted">within noise</span>' if within_noise(e, goal) else "")
