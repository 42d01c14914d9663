"""The report's sections on the families of floor 1 and 2: process, lock and waiting;
and what a reader must know before any family.

Each takes what was read, what was made of it and the Pictures to draw with, and
gives HTML. Where a picture has no numbers, its place holds a sentence that says so.
"""
import os

import cases
import lock
import lost
import process
import stats
import style
import waiting
from page import DASH, bad, code, esc, missing, p, table
from results import Bad, interval_text, mib_text, plural, shown, time_text


def warnings(res):
    """What a reader must know before the numbers of a family."""
    out = []
    if res.brief():
        out.append("This was a brief run, with few rounds and wide intervals. The full one: %s."
                   % code("make bench"))
    loud, of = res.disturbed()
    if loud:
        out.append("%d of %d runs were disturbed by other programs or by the hypervisor%s. "
                   "Ratios suffer less than times." % (
                       loud, of, "; they are left out where enough quiet ones are left"
                       if loud < of else ""))
    failed, skipped = [], []
    for message, names in res.messages.items():
        more = " and %d more" % (len(names) - 2) if len(names) > 2 else ""
        text = "%s%s: %s." % (esc(", ".join(names[:2])), more, esc(plain_reason(message)))
        if message.startswith("skipped: "):
            skipped += [] if message.startswith("skipped: never") else [text]
        else:
            failed.append("Failed and left out: " + text)
    if len(skipped) <= 2:
        return "".join(p(x, "missing") for x in out + failed + [
            "Not measured: " + x for x in skipped])
    return "".join(p(x, "missing") for x in out + failed) + (
        "<details><summary>Not measured, and why (%d)</summary>\n<ul>\n%s</ul>\n</details>\n"
        % (len(skipped), "".join("<li>%s</li>\n" % x for x in skipped)))


def plain_reason(message):
    return message[9:] if message.startswith("skipped: ") else message


def process_section(res, pr, pictures):
    out = [pictures.draw("process.py", res.files[0], [pr.caption(), pr.place_caption()],
                         "Cost of starting and joining a process")]
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


def lock_section(res, lk, pictures):
    out = []
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

def waiting_section(res, w, pictures):
    out = []
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
