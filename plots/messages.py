"""The report's sections on messages: latency, throughput, queue, manager, `make ipc`."""
import os

import cases
import latency
import manager
import results
import style
import throughput
from page import DASH, bad, esc, missing, p, table
from results import (Bad, bytes_text, digits, group, listed, number, plural, rate_text,
                     shown, time_text)


def draw_all(tool, res, analysed, pictures, wanted):
    """wanted: [(picture, option, value or None, what the caption takes, title)]"""
    return "".join(pictures.draw(
        tool, res.files[0], analysed.caption(what, of), title, "--picture", what,
        *([option, value] if value else [])) for what, option, value, of, title in wanted)


# How long a message takes

def latency_section(res, lt, pictures):
    wanted = [("mechanisms", "--pace", None, None, "There and back, by mechanism")]
    wanted += [("curves", "--pace", pace, pace, "Percentiles of a round trip, "
                + latency.PACE.get(pace, pace)) for pace in lt.paces()]
    out = [draw_all("latency.py", res, lt, pictures, wanted)]
    calls = syscalls(res)
    columns = [(pace, place) for pace in lt.paces() for place in lt.places(pace)]
    head = ["p50, below it p99"] + ["%s, %s" % (latency.PLACE.get(place, place),
                                                latency.PACE.get(pace, pace))
                                    for pace, place in columns] + ["CPU time", "system calls"]
    rows = []
    for h in in_all(lt, latency.ORDER):
        found = [lt.at(h, place, pace) for pace, place in columns]
        last = lt.at(h, lt.places("busy")[-1]) if lt.places("busy") else None
        rows.append([esc(lt.label(h))] + [tailed(c) for c in found]
                    + [esc(time_text(last.counter("cpu_ns"))) if last and last.counter("cpu_ns")
                       else DASH, counted(calls, last)])
    out.append(table(head, rows, "Round trips"))
    note = "Of a round trip of 8 bytes. CPU time, of both sides, and system calls: %s." % (
        "%s, back to back" % latency.PLACE.get(lt.places("busy")[-1], lt.places("busy")[-1])
        if lt.places("busy") else "not counted")
    out.append(p(esc(note), "small muted"))
    every = [(h, pace, place, lt.at(h, place, pace)) for h in in_all(lt, latency.ORDER)
             for pace, place in columns]
    rows = [[esc(lt.label(h)), esc(latency.PLACE.get(place, place)),
             esc(latency.PACE.get(pace, pace))]
            + [esc(time_text(c.values.get(k))) for k in ("p50", "p90", "p99", "p99_9", "max")]
            + [str(c.n)] for h, pace, place, c in every if c]
    out.append(folded("All percentiles", ["How", "Where", "Pace", "p50", "p90", "p99", "p99.9",
                                          "max", "repetitions"], rows, 3))
    return "".join(out)


def tailed(case):
    if not case:
        return DASH
    return esc(time_text(case.p50)) + ('<span class="iv">%s</span>' % esc(time_text(case.p99))
                                       if case.p99 else "")


def in_all(family, order):
    have = {h for part in family.parts for h in family.hows(part)}
    return [h for h in order if h in have] + sorted(have - set(order))


def folded(title, head, rows, left):
    return "<details><summary>%s (%d rows)</summary>\n%s</details>\n" % (
        esc(title), len(rows), table(head, rows, title, left=left))


def syscalls(res):
    """{cell: system calls of one operation}, or the reason as text."""
    return {results.cell(*results.split(c["name"])): c.get("syscalls") for c in res.counting}


def counted(calls, case):
    value = calls.get(case.cell) if case else None
    n = number(value)
    if n is None:
        return DASH if value is None else '<span class="muted">%s</span>' % esc(value)
    return few(n)


def few(n):
    """0, 0.002, 4.00, 1183"""
    if n == 0:
        return "0"
    if n < 0.0005:
        return "< 0.001"
    return "%.3f" % n if n < 0.095 else "%.2f" % n if n < 99.5 else digits(n)


# How much goes through

def throughput_section(res, tp, pictures):
    buffers = tp.buffers()
    last = buffers[-1]

    def option(part):
        return str(part) if part else None

    wanted = [("bytes", "--buffer", option(b), b, "Bytes in a second by size of the message, "
               + throughput.buffer_text(b)) for b in buffers[::-1]]
    wanted.append(("messages", "--buffer", option(last), last,
                   "Messages in a second by size, " + throughput.buffer_text(last)))
    out = [draw_all("throughput.py", res, tp, pictures, wanted)]
    calls = syscalls(res)
    for b in buffers[::-1]:
        body = throughput_table(tp, b, calls)
        title = "With %s" % throughput.buffer_text(b)
        out.append("<h3>%s</h3>\n%s" % (esc(title), body) if b == last else
                   "<details><summary>%s</summary>\n%s</details>\n" % (esc(title), body))
    return "".join(out)


def throughput_table(tp, part, calls):
    sizes = tp.sizes(part)
    rows = []
    for h in tp.hows(part):
        found = [tp.at(part, h, n) for n in sizes]
        first = next(c for c in found if c)
        rows.append([esc(tp.label(h))]
                    + [esc(rate_text(n * c.rate, "B/s")) + '<span class="iv">%s</span>'
                       % esc(rate_text(c.rate)) if c else DASH for n, c in zip(sizes, found)]
                    + [counted(calls, tp.at(part, h, 64) or first)])
    head = ["Bytes, below them messages"] + [bytes_text(n) for n in sizes]
    return table(head + ["system calls at 64\u00a0B"], rows,
                 "Throughput, " + throughput.buffer_text(part))


# Many at one queue

def queue_section(res, q, pictures):
    n = q.usual()
    wanted = [("capacity", "--capacity", None, None, "Messages in a second by capacity"),
              ("shapes", "--capacity", str(n), n,
               "Messages in a second by producers and consumers")]
    out = [draw_all("queues.py", res, q, pictures, wanted)]
    calls = syscalls(res)
    names = q.shapes()
    rows = []
    for h in q.every_how():
        found = [q.at(s, h, n) for s in names]
        rows.append([esc(q.label(h))] + [esc(rate_text(c.rate)) if c else DASH
                                             for c in found]
                    + [counted(calls, next((c for c in found if c), None))])
    out.append("<h3>%s</h3>\n" % esc("Room for %s messages" % group(str(n))) + table(
        ["Messages of 64 bytes"] + names + ["system calls"], rows, "Queues"))
    caps = q.capacities()
    rows = [[esc(q.label(h)), s] + [esc(rate_text(c.rate)) if c else DASH
                                        for c in [q.at(s, h, k) for k in caps]]
            for h in q.every_how() for s in names if any(q.at(s, h, k) for k in caps)]
    out.append(folded("All capacities", ["Queue", "Processes"] + [group(str(k)) for k in caps],
                      rows, 2))
    return "".join(out)


# What a server keeps

def manager_section(res, mg, pictures):
    out = []
    for what in manager.PICTURES:
        case = manager.PICTURES[what][0]
        title = mg.title(what, case)
        if mg.has(what):
            out.append(pictures.draw("manager.py", res.files[0], mg.caption(what), title,
                                     "--picture", what))
        else:
            out.append(p(esc("%s: n/a (the results hold no such case). %s" % (
                title, mg.absent(case))), "missing"))
    unseen = mg.unseen()
    if unseen:
        out.append(p("Not measured: %s." % esc(listed(unseen)), "missing"))
    calls = syscalls(res)
    for i, case in enumerate(mg.cases()):
        body = manager_table(mg, case, calls)
        title = manager.CASES[case][0]
        out.append("<h3>%s</h3>\n%s" % (esc(title), body) if i == 0 else
                   "<details><summary>%s</summary>\n%s</details>\n" % (esc(title), body))
    out.append(p("One client: the median, below it p99. Several: the time of an operation of "
                 "all together, the mean; so too without a server, where a clock takes as long "
                 "as the operation. System calls: of one operation, both sides. \u00d716: "
                 "sixteen requests at once. hiredis and libmemcached are the client libraries "
                 "of Redis and memcached; plain Redis and memcached have the fastest client "
                 "there can be.", "small muted"))
    return "".join(out)


def manager_table(mg, case, calls):
    """A row for each system; one client by place, several, one paced."""
    paced = case + "/paced"
    columns = [(manager.PLACE.get(x, x), (1, x)) for x in mg.places(case)]
    columns += [(plural(n, "client"), (n, "free")) for n in mg.counts_of(case) if n > 1]
    columns += [("one each %s, %s" % (mg.pace(case), manager.PLACE.get(x, x)), (1, x, True))
                for x in mg.places(paced)]
    rows = []
    for h in cases.in_order(set(mg.hows(case)) | set(mg.hows(paced)), mg.order):
        found = [mg.at(case, h, *args) for _, args in columns]
        asked = next((c for c in [mg.at(case, h, 1, x) for x in ("cross", "free", "same")]
                      if c), None)
        rows.append([esc(mg.label(h))] + [
            tailed(c) if c and not c.mean else esc(time_text(c.p50)) if c else DASH
            for c in found] + [counted(calls, asked)])
    return table([manager.CASES[case][0]] + [text for text, _ in columns] + ["system calls"],
                 rows, manager.CASES[case][0] + ", by system")


# make ipc

def ipc_section(path):
    """The table that `make ipc` printed, what it left out and what it advises."""
    if not os.path.exists(path):
        return missing("%s is not there." % shown(path), "make ipc")
    try:
        data = results.load(path, "make it again: make ipc")
        rows = [r for r in results.objects(data.get("rows")) if r.get("mechanism")]
        if not rows:
            raise Bad("%s: no row in it; make it again: make ipc" % shown(path))
    except Bad as e:
        return bad(e)
    out = []
    if isinstance(data.get("advice"), str) and data["advice"].strip():
        out += [p(esc(t.strip())) for t in data["advice"].split("\n\n") if t.strip()]
    out.append(ipc_table(rows))
    left = [(str(x.get("mechanism", "?")), str(x.get("why") or "no reason given"))
            for x in results.objects(data.get("left_out"))]
    if left:
        out.append(p("Left out: %s." % "; ".join("%s (%s)" % (esc(style.label(a)), esc(b))
                                                 for a, b in left), "small muted"))
    return "".join(out)


def ipc_table(rows):
    """A row for each mechanism, a column for each size."""
    sizes = sorted({results.size(r.get("bytes")) or 0 for r in rows})
    found = {}
    for r in rows:
        found.setdefault(str(r["mechanism"]), {})[results.size(r.get("bytes")) or 0] = r
    return table(["Mechanism"] + [bytes_text(n) if n else "size not said" for n in sizes],
                 [[esc(style.label(name))] + [ipc_cell(by.get(n)) for n in sizes]
                  for name, by in found.items()], "What make ipc measured") + p(
        "In a cell: the median of a round trip; bytes in a second; system calls a message.",
        "small muted")


def ipc_cell(r):
    """Round trip, rate and calls, a line each; what is not there is left out."""
    if not r:
        return DASH
    calls = r.get("syscalls_per_message")
    calls = number(calls) if number(calls) is not None else calls
    ns, rate = (results.believable(r.get(k)) for k in ("p50_ns", "bytes_per_second"))
    below = [rate_text(rate, "B/s")] if rate else []
    if calls is not None:
        below.append("%s calls" % few(calls) if isinstance(calls, float) else str(calls))
    return esc(time_text(ns)) + "".join('<span class="iv">%s</span>' % esc(t) for t in below)
