"""The report's section on the counting pass: what was counted, not timed."""
import re

import cases
import grain
import latency
import manager
import pool
import process
import queues
import results
import style
import throughput
from page import DASH, esc, table
from results import digits, number, time_text


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


ORDER = (cases.ORDER + latency.ORDER + throughput.ORDER + queues.ORDER + grain.ORDER + pool.ORDER
         + manager.ORDER)

# The cases that stand for the others.
SMALL = {"parent_MiB": "0", "place": "same", "work": "none", "parties": "4", "pace": "busy",
         "bytes": "64", "shape": "1P1C", "capacity": "1024", "task_ns": "1000",
         "clients": "1", "paced_ns": ""}


FIRST = ("factorial",)      # the workload


def counting_key(path, args):
    """Ways in their order, arguments by their size."""
    order = ORDER.index(path[-1]) if path[-1] in ORDER else -1
    return path[:-1], order, path[-1], [(k, process.mib_key(v)) for k, v in sorted(args.items())]


def counting_label(family, path):
    """What is counted: how, and of what if the family has several things."""
    if family == "speedup" and len(path) > 2:
        return "%s: %s" % (path[1], style.label(path[2]))
    if family == "process":
        return style.label(" ".join(path[2:] or path[1:]))
    if len(path) == 2:
        return style.label(path[1], "mp_" + family)
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
                and ("work" not in args or args.get("procs") == "4") \
                and (res.family != "speedup" or path[1:2] == FIRST):
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
