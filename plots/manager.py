#!/usr/bin/env python3
"""What it costs to keep something in a server, from build/results/manager.json:

places   one request of one client, by system and by where the client runs
clients  requests in a second against the number of clients
paces    one after the other, beside one every millisecond
costs    a counter of all: one client, and the most that were measured

All on logarithmic scales. --case names another request than get (costs: counter).
A system is a server, or ours without one; x16 means sixteen requests at once.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import results      # noqa: E402
import served       # noqa: E402
import stats        # noqa: E402
import style        # noqa: E402
from cases import est, unsure     # noqa: E402
from results import Bad, listed, plural, rate_text, time_text     # noqa: E402

ORDER = ("mp_manager", "mp_manager_unix", "mp_manager_tcp", "mp_manager_p16", "mp_dict",
         "mp_list", "mp_lock", "redis", "hiredis", "redis_p16", "redis_benchmark",
         "redis_benchmark_p16", "memcached", "libmemcached", "python_manager")
OURS, PYTHON = "mp_manager", "python_manager"
NO_SERVER = ("mp_dict", "mp_list", "mp_lock")
# What ours can be held against, one request at a time.
PEERS = ("redis", "hiredis", "memcached", "libmemcached", PYTHON)
PLACES = ("same", "cross", "free")
PLACE = served.PLACE
# case: what one is called, what it is in a sentence
CASES = {"get": ("A get", "A client asks for a value of 64 bytes."),
         "set": ("A set", "A client sets a value of 64 bytes."),
         "append": ("An append", "A client appends 64 bytes to a list of its own."),
         "counter": ("An addition", "A client adds 1 to a counter of all."),
         "lock": ("A lock", "A client acquires a lock of all and releases it.")}
PYTHON_ADDS = "Python\u2019s Manager cannot add: it locks, reads, writes and unlocks."
# picture: its usual case, its title
PICTURES = {"places": ("get", "%s, by system and place"),
            "clients": ("get", "%s: requests in a second by clients"),
            "paces": ("get", "%s, one after the other and one each %s"),
            "costs": ("counter", "%s: what it costs, by system")}


class Manager(cases.Family):
    """Parts: a case, and the same paced; settings are places, numbers are clients."""

    ours, order, limits, alone = OURS, ORDER, (), NO_SERVER
    numbers, names = ("clients",), ("place",)

    def __init__(self, res):
        found = [(c.path[1] + ("/paced" if "paced_ns" in c.args else ""), c.path[2], c)
                 for c in cases.of(res).values() if len(c.path) == 3 and c.path[1] in CASES]
        super().__init__(res, found)
        if not self.parts:
            raise Bad("%s: names do not read manager/<case>/<how>/clients:<n>/place:<place>; "
                      "make it again: make bench" % listed(map(results.shown, res.files)))
        for _, _, case in found:
            case.rates = stats.Sample([(r.round, 1e9 / mean(r)) for r in case.believed])
            case.rate = case.rates.median()

    def noun(self, part=None):
        return style.label(OURS)

    def kind(self, how):
        return "ours" if how.startswith("mp_") else "peer"

    def cases(self):
        return cases.in_order({part.split("/")[0] for part in self.parts}, tuple(CASES))

    def at(self, what, how, clients=1, place="free", paced=False):
        return self.get(what + "/paced" * paced, how, clients, place)

    def places(self, part, clients=1):
        return cases.in_order({k[2] for k in self.parts.get(part, {}) if k[1] == clients},
                              PLACES)

    def usual(self, part):
        """Where one client is looked at: where most systems are, two CPUs before others."""
        found = [k[2] for k in self.parts.get(part, {}) if k[1] == 1 and k[0] in (OURS,) + PEERS]
        return max(("cross", "same", "free"), key=found.count) if found else None

    def best_peer(self, part, procs=None, setting="none"):
        """The fastest of those that send one request at a time."""
        found = [(h, self.get(part, h, procs, setting)) for h in PEERS]
        return min([f for f in found if f[1]], key=lambda f: f[1].p50, default=None)

    def keeper(self, part, clients, place):
        """(how, Case) of ours that needs no server."""
        found = [(h, self.get(part, h, clients, place)) for h in NO_SERVER]
        return next((f for f in found if f[1]), None)

    def unseen(self):
        """Systems of which the results say nothing, not even why."""
        have = {h for part in self.parts for h in self.hows(part)} | {
            how for _, how in self.lacking}
        return [self.label(h) for h in ORDER if h not in have]

    # Sentences

    def caption(self, picture, what=None):
        """Paragraphs; the first sentence says what to see."""
        what = what or PICTURES[picture][0]
        found = getattr(self, picture + "_words")(what)
        return [t for t in (" ".join(s for s in ss if s) for ss in found) if t]

    def lead(self, part, clients, place):
        """Ours beside the fastest peer and Python: a sentence that begins small."""
        ours, where = self.get(part, OURS, clients, place), PLACE.get(place, place)
        if not ours:
            return "%s: %s." % (where, self.others_alone(part, clients, place))
        text = "%s %s takes %s with %s" % (where, CASES[part.split("/")[0]][0].lower(),
                                           time_text(ours.p50), self.noun())
        if ours.p99 and not ours.mean:
            text += " (99 of 100 at most %s)" % time_text(ours.p99)
        return text + self.peers(part, clients, place, ours) + "."

    def others_alone(self, part, clients, place):
        peer = self.best_peer(part, clients, place)
        return "%s was not measured%s" % (self.noun(), "; the fastest is %s, %s" % (
            self.label(peer[0]), time_text(peer[1].p50)) if peer else "")

    def rivals(self, peer, python):
        """[(what it is called, Case)]: the fastest peer, and Python\u2019s if that is another."""
        out = [("the fastest peer, %s," % self.label(peer[0]), peer[1])] if peer else []
        return out + ([(self.label(PYTHON), python)] if python and peer[0] != PYTHON else [])

    def peers(self, part, clients, place, ours):
        found = self.rivals(self.best_peer(part, clients, place),
                            self.get(part, PYTHON, clients, place))
        return "".join("; with %s %s, %s" % (name, time_text(c.p50), self.times(c, ours))
                       for name, c in found)

    def times(self, a, b):
        r = self.ratio(a, b)
        return est(r) + " as much" + unsure(r)

    def channels(self, what, place):
        """The same server by a socket; many requests at once."""
        ours = self.at(what, OURS, 1, place)
        found = [(text, self.at(what, h, 1, place)) for text, h in (
            ("through a Unix socket", "mp_manager_unix"), ("by TCP", "mp_manager_tcp"),
            ("with sixteen requests at once", "mp_manager_p16"))]
        found = ["%s %s" % (text, est(self.ratio(c, ours))) for text, c in found if ours and c]
        return "%s takes %s the time of a request by shared memory (%s)." % (
            self.noun(), listed(found), PLACE.get(place, place)) if found else ""

    def without(self, what, clients=1, place="free"):
        """Ours without a server beside ours with one."""
        keeper, ours = self.keeper(what, clients, place), self.at(what, OURS, clients, place)
        if not keeper:
            return ""
        text = "%s, which has no server, takes %s" % (self.label(keeper[0]),
                                                      time_text(keeper[1].p50))
        if ours:
            text += "; with a server it is %s" % self.times(ours, keeper[1])
        return text + "."

    def places_words(self, what):
        usual = self.usual(what)
        others = [p for p in self.places(what) if p not in (usual, "free")]
        return [[capital(self.lead(what, 1, usual)) if usual else "", CASES[what][1]],
                [capital(self.lead(what, 1, p)) for p in others]
                + [self.channels(what, usual), self.without(what), self.one_cpu(what)],
                [self.absent(what)]]

    def one_cpu(self, what):
        return "With one CPU there is no other to send to." if self.cpus == 1 \
            and "cross" not in self.places(what) else ""

    def counts_of(self, what):
        """Numbers of clients that the kernel placed."""
        return self.counts(what, "free")

    def clients_words(self, what):
        counts = self.counts_of(what)
        if not counts:
            return [["Nothing was measured where the kernel places the clients."]]
        return [[self.rate_lead(what, counts[-1]), CASES[what][1]],
                [self.growth(what, counts), self.rate_without(what, counts),
                 "Grey: the same servers, asked by other clients." if set(served.GREY) & set(
                     self.hows(what, "free")) else ""]]

    def rate_lead(self, what, n):
        ours, python = self.at(what, OURS, n), self.at(what, PYTHON, n)
        found = [(h, self.at(what, h, n)) for h in PEERS]
        peer = max([f for f in found if f[1]], key=lambda f: f[1].rate, default=None)
        with_n = "With %s" % plural(n, "client")
        if not ours:
            return "%s, %s was not measured%s." % (with_n, self.noun(), "; the fastest is %s, %s"
                                                   % (self.label(peer[0]), requests(peer[1]))
                                                   if peer else "")
        text = "%s, %s answers %s" % (with_n, self.noun(), requests(ours))
        for name, c in self.rivals(peer, python):
            r = stats.ratio(ours.rates, c.rates)
            text += "; %s what %s answers (%s)%s" % (est(r), name, rate_text(c.rate), unsure(r))
        return text + "."

    def growth(self, what, counts):
        """From the fewest to the most clients."""
        found = []
        for h in (OURS, "redis", "memcached", PYTHON):
            a, b = self.at(what, h, counts[-1]), self.at(what, h, counts[0])
            if a and b and counts[-1] > counts[0]:
                r = stats.ratio(a.rates, b.rates)
                found.append("%s %s%s" % (self.label(h), est(r), " (no difference can be told)"
                                          if unsure(r) else ""))
        return "%s instead of %s get so many times as many answers in a second: %s." % (
            plural(counts[-1], "client").capitalize(), results.word(counts[0]),
            listed(found)) if found else ""

    def rate_without(self, what, counts):
        found = [(n, f) for n in counts for f in [self.keeper(what, n, "free")] if f]
        if not found:
            return ""
        n, (how, case) = max(found, key=lambda f: f[1][1].rate)
        return "%s, which has no server, does most with %s: %s." % (
            self.label(how), plural(n, "client"), rate_text(case.rate))

    def pace(self, what):
        """The time from one to the next, as text."""
        found = [results.whole(c.args.get("paced_ns"), 1 << 50)
                 for c in self.parts.get(what + "/paced", {}).values()]
        ns = max([n for n in found if n], default=0)
        return "millisecond" if ns in (0, 1000000) else time_text(ns)

    def paces_words(self, what):
        part = what + "/paced"
        places = self.places(part)
        return [[self.slower(what, places[-1]) if places else "",
                 "One request each %s: who does not spin is asleep when it comes; its time "
                 "begins when it was due." % self.pace(what)],
                [self.paced_lead(part, p) for p in places]]

    def paced_lead(self, part, place):
        return "One each %s, %s" % (self.pace(part.split("/")[0]), self.lead(part, 1, place))

    def slower(self, what, place):
        """How many times its busy time each takes when it is paced."""
        found = []
        for h in self.hows(what + "/paced", place):
            a, b = self.at(what, h, 1, place, True), self.at(what, h, 1, place)
            if a and b:
                r = self.ratio(a, b)
                found.append((r.value, h, r))
        if not found:
            return ""
        mine = [f for f in found if f[1] == OURS or len(found) == 1]
        others = [f for f in found if f not in mine]
        words = ["%s takes %s the time%s" % (self.label(h), est(r), unsure(r))
                 for _, h, r in mine]
        if others:
            ends = ["%s (%s)" % (est(r), self.label(h))
                    for _, h, r in dict.fromkeys((min(others), max(others)))]
            words.append("the others from %s" % " to ".join(ends) if len(ends) > 1 else
                         "the other %s" % ends[0])
        return "%s, with one each %s instead of one after the other: %s." % (
            capital(PLACE.get(place, place)), self.pace(what), "; ".join(words))

    def costs_words(self, what):
        blocks = self.cost_blocks(what)
        out = []
        for n, place in blocks:
            ours = self.at(what, OURS, n, place)
            lead = "%s with %s, %s" % (CASES[what][0], plural(n, "client"),
                                       PLACE.get(place, place))
            text = ", takes %s with %s%s" % (time_text(ours.p50), self.noun(), self.peers(
                what, n, place, ours)) if ours else ": " + self.others_alone(what, n, place)
            out.append([lead + text + ".", self.without(what, n, place)])
        if out and what == "counter" and PYTHON in self.hows(what):
            out[-1].append(PYTHON_ADDS)
        if len(blocks) > 1:
            out[-1].append("With several clients the time is that of an operation of all "
                           "together, the mean.")
        return out + [[self.absent(what)]]

    def cost_blocks(self, what):
        """[(clients, place)]: one client, where most systems are, and the most clients."""
        counts = self.counts_of(what)
        out = [(1, "free" if 1 in counts else self.usual(what))] if self.usual(what) else []
        return out + [(n, "free") for n in counts[-1:] if n > 1]

    def title(self, picture, what):
        text = PICTURES[picture][1]
        return text % ((CASES[what][0], self.pace(what)) if text.count("%s") > 1
                       else CASES[what][0])

    def has(self, picture, what=None):
        what = what or PICTURES[picture][0]
        if picture == "clients":
            return bool(self.counts_of(what))
        if picture == "costs":
            return bool(self.cost_blocks(what))
        return bool(self.places(what + "/paced" * (picture == "paces")))


def capital(text):
    return text[:1].upper() + text[1:]


def mean(row):
    """A row's mean in ns: its median is none of the time of many."""
    ns = results.number(row.entry.get("real_time"))
    return (ns and results.believable(ns * results.UNITS.get(str(row.entry.get(
        "time_unit", "ns")), 1.0))) or row.ns


def requests(case):
    return rate_text(case.rate, " requests/s")


def analyse(res):
    return Manager(res)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw what it costs to keep something in a server: by place, by number of "
        "clients, busy and paced; what a counter costs.",
        epilog="Example: python3 plots/manager.py build/results/manager.json --picture clients "
        "-o clients.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=list(PICTURES), default="places",
                   help="what to draw (default: places)")
    p.add_argument("--case", choices=list(CASES),
                   help="which request (default: get; of costs: counter)")
    args = p.parse_args(argv)
    mg = analyse(results.read(args.files, "manager"))
    what = args.case or PICTURES[args.picture][0]
    if not mg.has(args.picture, what):
        raise Bad("nothing of %s in the results for the picture %s (they have %s); make it "
                  "again: make bench" % (what, args.picture, listed(mg.parts)))
    style.begin(args.python)
    served.DRAW[args.picture](mg, what, args.output)


if __name__ == "__main__":
    results.run(main)
