"""One case of a benchmark, and a family of them: ours beside its peers.

A case is a name with its arguments, `lock/contended/pthread/procs:4/work:none`:
its repetitions, percentiles and counters. In a family each way is one of four
kinds: ours, a peer, a rung of a lesson, or the limit that nobody passes.
"""
import results
import stats
import style
from results import interval_text, listed, time_text, times_text

ORDER = ("fetch_add", "atomics", "futex", "spin", "futex2", "futex3", "rawmp", "rawmp_call",
         "rawmp_any", "pthread", "pthread_adaptive", "pthread_robust", "pthread_pi",
         "pthread_spin", "sem", "eventfd", "flock", "python_raw", "python")
LIMITS, RUNGS, OURS = ("fetch_add", "atomics", "futex"), ("spin", "futex2", "futex3"), "rawmp"


def kind(how, limits=LIMITS, rungs=RUNGS):
    if how in limits:
        return "limit"
    return "rung" if how in rungs else "ours" if how.startswith(OURS) else "peer"


def in_order(names, order=ORDER):
    """The known ones first, in their order."""
    return [n for n in order if n in names] + sorted(set(names) - set(order))

TAIL = {"p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1}
PERCENTILES = ("p50",) + tuple(TAIL)


class Case:
    def __init__(self, rows, res):
        self.rows = rows
        self.path, self.args, self.cell = rows[0].path, rows[0].args, rows[0].cell
        self.believed, self.sample = res.believed(rows), res.sample(rows)
        self.histogram = res.histograms.get(self.cell, {})
        self.n = len(rows)
        self.mean = not any("p50" in r.entry for r in rows)     # p50 is of means
        self.p50 = self.sample.median()
        self.values = dict(tail(self.histogram, rows), p50=self.p50)
        self.p99 = self.values["p99"]

    def counters(self, name):
        """What each repetition says; infinite and absurd values are left out."""
        found = [results.number(r.entry.get(name)) for r in self.believed]
        return [x for x in found if x is not None]

    def counter(self, name):
        """The median over the repetitions, or None."""
        found = self.counters(name)
        return stats.median(found) if found else None


def of(res):
    """{cell: Case} of all that has a time, in the file's order."""
    found = {}
    for row in res.rows:
        found.setdefault(row.cell, []).append(row)
    return {cell: Case(rows, res) for cell, rows in found.items()}


def tail(histogram, rows):
    """{percentile: ns or None}: out of the histogram of all rounds where there is
    one and it is rich enough, else the median of what the rounds say."""
    out = {}
    total = sum(histogram.values())
    for name, q in TAIL.items():
        if total:
            out[name] = rank(histogram, q) if total * (1 - q) >= 0.999 or q == 1 else None
        else:
            seen = [x for x in (results.believable(r.entry.get(name)) for r in rows) if x]
            out[name] = stats.median(seen) if seen else None
    return out


def rank(histogram, q):
    """Nearest rank."""
    need, seen = q * sum(histogram.values()), 0
    for ns in sorted(histogram):
        seen += histogram[ns]
        if seen >= need - 1e-9:
            return ns
    return None


def lacking(res):
    """{(part, how): why} of what says in the file that it could not be measured."""
    found = {}
    for message, names in res.messages.items():
        why = message[9:] if message.startswith("skipped: ") else message
        for name in names:
            path, _ = results.split(name)
            if len(path) >= 2:
                found.setdefault(("/".join(path[:-1]), path[-1]), why)
    return found


def why_not(res, counter):
    """n/a and the reason, if the machine could not count that; or None."""
    states = res.context.get("counters")
    state = str(states.get(counter, "")) if isinstance(states, dict) else ""
    return state if state.startswith("n/a") else None


class Family:
    """parts: {part: {(how, number, setting): Case}}, such as processes and place;
    what ours is called in a part says noun(part)."""

    ours, limits, rungs, order = OURS, LIMITS, RUNGS, ORDER
    numbers, names = ("procs", "parties"), ("work", "place")    # arguments in a key

    def __init__(self, res, found):
        """found: [(part, how, Case)]"""
        self.judged, self.cpus = res.ratios, res.cpus()
        self.lacking = lacking(res)
        self.parts = {}
        for part, how, case in found:
            n = next((case.args[k] for k in self.numbers if k in case.args), 1)
            key = (how, results.size(n) or 1,
                   next((case.args[k] for k in self.names if k in case.args), "none"))
            self.parts.setdefault(part, {})[key] = case

    def noun(self, part=None):
        raise NotImplementedError

    def kind(self, how):
        return kind(how, self.limits, self.rungs)

    def look(self, how, part=None):
        return style.how(how, self.noun(part))

    def label(self, how, part=None):
        return self.look(how, part)[0]

    def hows(self, part, setting=None):
        return in_order({k[0] for k in self.parts.get(part, {}) if setting in (None, k[2])},
                        self.order)

    def settings(self, part, order):
        return in_order({k[2] for k in self.parts.get(part, {})}, order)

    def counts(self, part, setting=None):
        return sorted({k[1] for k in self.parts.get(part, {}) if setting in (None, k[2])})

    def get(self, part, how, procs=None, setting="none"):
        """One case; without a number of processes the one with the most."""
        found = self.parts.get(part, {})
        if procs is None:
            procs = max((k[1] for k in found if k[0] == how), default=1)
        return found.get((how, procs, setting))

    def ratio(self, a, b):
        """How many times b's time a takes; run.py's own figure where it judged it."""
        return self.judged.get((a.cell, b.cell)) or stats.ratio(a.sample, b.sample)

    def repetitions(self):
        return min(c.n for part in self.parts.values() for c in part.values())

    def best_peer(self, part, procs=None, setting="none"):
        """(how, Case) of the fastest that is neither ours, nor a rung, nor the limit."""
        found = [(h, self.get(part, h, procs, setting)) for h in self.hows(part)
                 if self.kind(h) == "peer"]
        return min([f for f in found if f[1]], key=lambda f: f[1].p50, default=None)

    def against(self, part, procs=None, setting="none"):
        """Ours beside the fastest peer, a sentence without its stop."""
        ours, peer = self.get(part, self.ours, procs, setting), self.best_peer(part, procs, setting)
        if not ours:
            return "%s was not measured" % self.noun(part)
        text = "%s takes %s" % (self.noun(part), time_text(ours.p50))
        if peer:
            r = self.ratio(peer[1], ours)
            text += "; the fastest peer, %s, %s: %s as much%s" % (
                self.label(peer[0], part), time_text(peer[1].p50), est(r), unsure(r))
        return text

    def bars(self, part, setting="none", but=(), tail=False):
        """[(name, kind, p50, p99 or None)], the fastest first, for shapes.bars."""
        found = [(h, self.get(part, h, setting=setting)) for h in self.hows(part, setting)
                 if h not in but]
        return sorted([(self.label(h, part), self.kind(h), c.p50, c.p99 if tail else None)
                       for h, c in found if c], key=lambda f: f[2])

    def absent(self, part):
        """What was not measured at all, and why."""
        have = set(self.hows(part))
        reasons = {}
        for (where, how), why in self.lacking.items():
            if where == part and how not in have and not why.startswith("never"):
                reasons.setdefault(why, []).append(self.label(how, part))
        return " ".join("%s: n/a (%s)." % (listed(hows), why)
                        for why, hows in reasons.items())


def est(e):
    """1.95× [1.93, 1.97]"""
    tail = interval_text(e)
    return times_text(e.value) + (" " + tail if tail else "")


def unsure(e):
    return (", which its interval cannot tell from no difference"
            if e.known() and e.lo <= 1 <= e.hi else "")
