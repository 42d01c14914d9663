"""The report's sections on work shared out: speedup, grain, pool."""
import math

import amdahl
import grain
import messages
import pool
import style
import workloads
from page import DASH, code, esc, p, table, with_interval
from results import listed, percent, plural, time_text
from sections import quartiles


# Speedup

def speedup_section(res, sps, pictures):
    if len(sps) == 1:
        return one_workload(res, sps[0], pictures)
    ws = workloads.Workloads(sps)
    out = [pictures.draw("workloads.py", res.files[0], ws.caption(),
                         "Speedup of each workload against processes"), missing_workloads(ws),
           "<h3>%s</h3>\n" % esc("With %s" % ws.full()), speedups_table(ws),
           p("Below each its 95\u00a0%% interval; %s: not measured." % DASH, "small muted"),
           "<h3>What keeps them from more</h3>\n", p(esc(amdahl.general())),
           serial_table(ws), parts_list(ws)]
    for sp in ws.all:
        out.append("<details><summary>%s</summary>\n%s</details>\n" % (
            esc(described(sp)), one_workload(res, sp, pictures, "--workload", sp.workload)))
    return "".join(out)


def described(sp):
    what = sp.what or workloads.WHAT.get(sp.workload)
    return "%s: %s" % (sp.workload, what) if what else sp.workload


def missing_workloads(ws):
    lacking = [w for w in workloads.ORDER if not ws.get(w)]
    return p("Not measured: %s." % esc(listed(lacking)), "missing") if lacking else ""


def speedups_table(ws):
    return by_workload(ws, lambda sp, m: with_interval(m.at(sp.full).speedup)
                       if m.at(sp.full) else DASH, "Speedup by method and workload")


def serial_table(ws):
    return by_workload(ws, lambda sp, m: with_interval(m.fit, percent, "\u00a0%")
                       if m.fit else DASH, "Serial fraction by method and workload")


def by_workload(ws, cell, label):
    rows = []
    for h in ws.hows():
        found = [(sp, sp.method(h)) for sp in ws.all]
        rows.append([esc(style.label(h))] + [cell(sp, m) if m else DASH for sp, m in found])
    return table([label.split(" by ", maxsplit=1)[0]] + [sp.workload for sp in ws.all], rows,
                 label)


def parts_list(ws):
    """What the serial fraction of each workload consists of, as far as can be told."""
    items = [(sp.workload, " ".join(amdahl.parts(sp, brief=True))) for sp in ws.all]
    return '<ul class="parts">\n%s</ul>\n' % "".join(
        "<li><b>%s</b>. %s</li>\n" % (esc(name), esc(text) if text else
                                      "Nothing can be told.") for name, text in items)


def one_workload(res, sp, pictures, *options):
    words = [sp.caption(), sp.fit_caption(brief=bool(options))]
    out = [pictures.draw("speedup.py", res.files[0], words,
                         "Speedup against processes, workload %s" % sp.workload, *options)]
    out += [p(esc(n) + ".", "small muted") for n in sp.notes]
    out.append(speedup_table(sp))
    base = ", ".join("%s %s" % ("Python" if b.startswith("python") else "C",
                                time_text(t.median())) for b, t in sp.bases.items())
    if base:
        out.append(p("Sequential: %s; medians of %d. How each is measured: %s." % (
            esc(base), min(len(t) for t in sp.bases.values()),
            code("benchmarks/README.md")), "small muted"))
    if sp.python_what:
        out.append(p(esc("Python\u2019s work is less: %s. Its times stand for that, its "
                         "speedups can be compared." % sp.python_what), "small muted"))
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
        row.append("%s\u00a0%%" % percent(at.speedup.value / sp.ideal(sp.full))
                   if at else DASH)
        row.append(with_interval(m.fit, percent, "\u00a0%") if m.fit else DASH)
        rows.append(row)
    return table(head, rows, "Speedup by method and number of processes: " + sp.workload)


# Grain

def grain_section(res, gr, pictures):
    out = []
    usual = gr.usual()
    for procs in [usual] + [n for n in gr.counts() if n != usual]:
        body = pictures.draw("grain.py", res.files[0], gr.caption(procs),
                             "Efficiency against the length of a task, %s" % plural(
                                 procs, "process", "processes"), "--procs", str(procs))
        body += grain_table(gr, procs)
        out.append(body if procs == usual else "<details><summary>%s</summary>\n%s</details>\n"
                   % (esc("With %s" % plural(procs, "process", "processes")), body))
    lacking = [h for h in grain.ORDER if not gr.get(usual, h)
               and h not in gr.lacking]
    if lacking:
        out.append(p("Not measured: %s." % esc(listed(map(style.label, lacking))), "missing"))
    return "".join(out)


def decades(tasks):
    """Of some lengths those next to 10, 100, 1,000 ... ns: the columns."""
    powers = [10 ** k for k in range(0, 10) if tasks[0] <= 10 ** (k + 0.5)
              and 10 ** (k - 0.5) <= tasks[-1]]
    return sorted({min(tasks, key=lambda t: abs(math.log(t / ten))) for ten in powers})


def grain_table(gr, procs):
    ways = gr.ways[procs]
    tasks = decades(sorted({t for w in ways for t in w.tasks}))
    rows = [[esc(w.label), metg_cell(w)] + [
        "%s\u00a0%%" % percent(w.at(t)) if w.at(t) is not None else DASH for t in tasks]
        for w in ways]
    return table(["Efficiency", "METG(50\u00a0%)"] + [time_text(t) for t in tasks], rows,
                 "Efficiency by length of a task")


def metg_cell(w):
    if w.metg:
        return with_interval(w.metg, time_text)
    return esc("< " + time_text(w.tasks[0]) if w.always() else "> " + time_text(w.tasks[-1]))


# Pool

def pool_section(res, pl, pictures):
    out = []
    for what, (parts, title) in pool.PICTURES.items():
        if pl.has(what):
            out.append(pictures.draw("pool.py", res.files[0], pl.caption(what), title,
                                     "--picture", what))
        lacking = [x for x in parts if x not in pl.parts]
        if lacking:
            out.append(p("%s: n/a (%s)." % (
                esc(title), "; ".join(esc(absent(pl, x)) for x in lacking)), "missing"))
    rows = []
    calls = messages.syscalls(res)
    for part in [x for x in pool.CASES if x in pl.parts]:
        for h in pl.hows(part):
            c = pl.get(part, h)
            rows.append([esc(part.replace("_", " ")), esc(pl.label(h, part)),
                         esc(time_text(c.p50)) + quartiles(c), esc(time_text(c.p99)),
                         messages.counted(calls, c), str(c.n)])
    return "".join(out) + table(["Case", "How", "p50 or mean", "p99", "system calls",
                                 "repetitions"], rows, "A pool beside its peers", left=2)


def absent(pl, part):
    """What is not there, and why if the results say so."""
    name = part.replace("_", " ")
    why = pl.absent(part).rstrip(".")
    return "%s: %s" % (name, why) if why else "no case %s in the results" % name
