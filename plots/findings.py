"""What is worth telling about the numbers: ratios, each in a sentence.

A sentence must hold whatever the numbers are. So it says how much, never how
good; a cause stands in it only where the interval excludes 1 and the direction
fits; else it says that no difference can be told. The largest come first, those
that cannot be told from 1 last.
"""
import math

import findings_work
import manager
import queues
import throughput
from cases import OURS, est
from finding import Finding, told
from results import (bytes_text, listed, mib_text, plural, rate_text, time_text, times_text,
                     word)


def all_of(**found):
    """Out of what was made of each family, by its name; speedup is a list."""
    out = []
    for name, of in (("speedup", findings_work.of_speedup), ("grain", findings_work.of_grain),
                     ("pool", findings_work.of_pool), ("process", of_process),
                     ("lock", of_lock), ("waiting", of_waiting),
                     ("latency", of_latency), ("throughput", of_throughput),
                     ("queue", of_queue), ("manager", of_manager)):
        out += of(found[name]) if found.get(name) else []
    return sorted(out, key=lambda f: (not f.clear, -abs(math.log(f.estimate.value))))


PLACE = {"same": "child on the parent\u2019s CPU", "cross": "child on another CPU",
         "free": "placed by the kernel"}


def of_process(pr):
    out = []
    place = PLACE.get(pr.place, "placed " + pr.place)
    x, y = pr.get("python_process"), pr.get("mp_process")
    if x and y:
        r = pr.ratio(x, y)
        out.append(Finding(r, "A Python Process takes %s as long to start and join as %s: %s, "
                           "%s (medians, %s)%s" % (
                               est(r), y.label, time_text(x.p50), time_text(y.p50), place,
                               told(r))))
    out += parent(pr) + servers(pr)
    x, y = pr.get("mp_process"), pr.get("fork")
    if x and y:
        r = pr.ratio(x, y)
        out.append(Finding(r, "%s costs %s what a bare fork, _exit and wait cost (%s, %s)%s"
                           % (x.label, est(r), time_text(x.p50), time_text(y.p50), told(r))))
    return out


def parent(pr):
    """What a large parent costs fork, and those that copy nothing."""
    big = pr.parents[-1]
    x, y = pr.get("fork", big), pr.get("fork")
    if len(pr.parents) < 2 or not x or not y:
        return []
    r = pr.ratio(x, y)
    others = []
    for how in ("vfork", "posix_spawn", "thread", "mp_forkserver"):
        a, b = pr.get(how, big), pr.get(how)
        if a and b:
            others.append("%s %s" % (a.label, times_text(pr.ratio(a, b).value)))
    text = ("With %s in the parent, fork takes %s as long: %s instead of %s%s"
            % (mib_text(big), est(r), time_text(x.p50), time_text(y.p50),
               told(r, ", because it copies the page tables")))
    if others:
        text += " Those that copy none: %s." % ", ".join(others)
    return [Finding(r, text)]


def servers(pr):
    """Fork servers with the largest parent: ours and Python's."""
    big = pr.parents[-1]
    x, y = pr.get("python_forkserver", big), pr.get("mp_forkserver", big)
    if not x or not y:
        return []
    r = pr.ratio(x, y)
    return [Finding(r, "From a parent of %s, Python\u2019s fork server takes %s the time of %s to "
                    "start and join a process: %s, %s%s" % (
                        mib_text(big), est(r), y.label, time_text(x.p50), time_text(y.p50),
                        told(r)))]


def of_lock(lk):
    out = []
    ours, other = lk.get("increments", OURS), lk.get("increments", "python")
    if ours and other:
        r = lk.ratio(other, ours)
        out.append(Finding(r, "To count up under a lock, %s at once, Python\u2019s Lock and "
                           "Value need %s the time of mp_lock: %s, %s%s" % (
                               plural(max(lk.counts("increments")), "process", "processes"),
                               est(r), time_text(other.p50), time_text(ours.p50), told(r))))
    n = max(lk.counts("contended", "none"), default=1)
    ours, peer = lk.get("contended", OURS, n), lk.best_peer("contended", n)
    if ours and peer and n > 1:
        r = lk.ratio(peer[1], ours)
        out.append(Finding(r, "When %s fight for one lock and do nothing else, an operation of "
                           "the fastest peer, %s, takes %s the time of mp_lock: %s, %s%s" % (
                               plural(n, "process", "processes"),
                               lk.label(peer[0], "contended"), est(r), time_text(peer[1].p50),
                               time_text(ours.p50), told(r))))
    ours, other = lk.get("alone", OURS), lk.get("alone", "pthread_robust")
    if ours and other:
        r = lk.ratio(other, ours)
        out.append(Finding(r, "Alone, pthread\u2019s robust mutex costs %s what mp_lock costs, "
                           "which is robust too: %s, %s%s" % (
                               est(r), time_text(other.p50), time_text(ours.p50), told(r))))
    ours, other = (lk.get("killed_holder", h, setting="same") for h in (OURS, "pthread_robust"))
    if ours and other:
        r = lk.ratio(other, ours)
        never = [lk.label(h, "killed_holder") for h in lk.never]
        out.append(Finding(r, "After the death of a holder, the next owner needs %s with "
                           "mp_lock; with pthread\u2019s robust mutex %s, %s as long%s%s" % (
                               time_text(ours.p50), time_text(other.p50), est(r), told(r),
                               " %s never gets it." % listed(never) if never else "")))
    return out


def of_waiting(w):
    """Ours and pthread's, or Python's where pthread has no such thing."""
    out = []
    for where, what, other, n, place in (
            ("semaphore/pair", "A semaphore taken and given back alone", "sem", 1, "none"),
            ("condition/round_trip", "A round trip by condition on one CPU", "pthread", 1,
             "same"),
            ("event/round_trip", "A round trip by event on one CPU", "python", 1, "same"),
            ("barrier/phase", "A phase of a barrier for %s processes", "pthread",
             max(w.counts("barrier/phase"), default=1), "none")):
        a, b = w.get(where, other, n, place), w.get(where, OURS, n, place)
        if a and b:
            r = w.ratio(a, b)
            out.append(Finding(r, "%s takes %s the time with %s that it takes with %s: %s, %s%s"
                               % (what % word(n) if "%s" in what else what, est(r),
                                  w.label(other, where), w.noun(where), time_text(a.p50),
                                  time_text(b.p50), told(r))))
    return out


def of_latency(lt):
    """Ours across two CPUs and on one, beside the best of the kernel and Python."""
    out = []
    for place, where in (("cross", "Across two CPUs"), ("same", "On one CPU")):
        ours, peer = lt.at(lt.ours, place), lt.best_peer("busy", 1, place)
        if ours and peer:
            r = lt.ratio(peer[1], ours)
            out.append(Finding(r, "%s, back to back, a round trip of 8 bytes through the fastest "
                               "peer, %s, takes %s the time of %s: %s, %s%s" % (
                                   where, lt.label(peer[0]), est(r), lt.noun(),
                                   time_text(peer[1].p50), time_text(ours.p50), told(r))))
    ours, other = lt.at(lt.ours, "same"), lt.at("python_pipe", "same")
    if ours and other:
        r = lt.ratio(other, ours)
        out.append(Finding(r, "On one CPU a round trip through Python\u2019s Pipe takes %s the "
                           "time of %s: %s, %s%s" % (
                               est(r), lt.noun(), time_text(other.p50),
                               time_text(ours.p50), told(r))))
    return out


def of_throughput(tp):
    """64 B and 64 KiB, with the largest buffer that ours was measured with."""
    out = []
    for part in [b for b in tp.buffers() if tp.ours in tp.hows(b)][-1:]:
        for n in (64, 65536):
            ours, peer = tp.at(part, tp.ours, n), tp.best_peer(part, n, tp.setting(part))
            if ours and peer:
                r = tp.ratio(ours, peer[1])
                out.append(Finding(r, "In messages of %s, with %s, %s moves %s as much as the "
                                   "fastest peer, %s: %s, %s%s" % (
                                       bytes_text(n), throughput.buffer_text(part),
                                       tp.noun(), est(r), tp.label(peer[0]), rate_text(
                                           n * ours.rate, "B/s"),
                                       rate_text(n * peer[1].rate, "B/s"), told(r))))
    return out


def of_queue(q):
    """The usual capacity, one and four at each end; and Python."""
    out = []
    n = q.usual()
    for shape in ("1P1C", "4P4C"):
        ours, peer = q.at(shape, q.ours, n), q.at(shape, *best(q, shape, n))
        if ours and peer:
            r = q.ratio(ours, peer)
            out.append(Finding(r, "With %s, %s moves %s of 64 bytes, %s as many as the "
                               "fastest peer, %s (%s)%s" % (
                                   queues.people(shape), q.noun(), q.text(ours),
                                   est(r), q.label(best(q, shape, n)[0]),
                                   q.text(peer), told(r))))
    ours, other = q.at("4P4C", q.ours, n), q.at("4P4C", "python_queue", n)
    if ours and other:
        r = q.ratio(ours, other)
        out.append(Finding(r, "Through %s go %s as many messages as through Python\u2019s Queue, "
                           "with four producers and four consumers: %s, %s%s" % (
                               q.noun(), est(r), q.text(ours),
                               q.text(other), told(r))))
    return out


def of_manager(mg):
    """A get on one CPU and across two, an addition, and what a server costs at all."""
    out = []
    for what, place in (("get", "same"), ("get", "cross"), ("counter", "free")):
        ours, lead = mg.at(what, manager.OURS, 1, place), "%s %s" % (
            manager.capital(manager.PLACE[place]), manager.CASES[what][0].lower())
        for name, x in mg.rivals(mg.best_peer(what, 1, place),
                                 mg.at(what, manager.PYTHON, 1, place)):
            if ours:
                r = mg.ratio(x, ours)
                out.append(Finding(r, "%s takes %s the time with %s that it takes with "
                                   "mp_manager: %s, %s%s" % (
                                       lead, est(r), name, time_text(x.p50),
                                       time_text(ours.p50), told(r))))
    a, b = mg.at("get", manager.OURS), mg.at("get", "mp_dict")
    if a and b:
        r = mg.ratio(a, b)
        out.append(Finding(r, "A value kept in shared memory without a server, in mp_dict, is "
                           "there in %s; a get of mp_manager takes %s as long, %s%s" % (
                               time_text(b.p50), est(r), time_text(a.p50), told(r))))
    return out


def best(q, shape, n):
    peer = q.best_peer(shape, n, q.setting(shape)) if shape in q.parts else None
    return (peer[0] if peer else "", n)
