"""Families whose figure is a rate: messages in a second, where more is better."""
import cases
import results
import stats
from cases import est, unsure
from results import rate_text


def rate(case, size=1):
    """The Sample of messages in a second: as counted, else out of the time."""
    found = []
    for row in case.believed:
        per = positive(row.entry.get("messages_per_second"))
        volume = positive(row.entry.get("bytes_per_second"))
        found.append((row.round, per or (volume / size if volume else 1e9 / row.ns)))
    return stats.Sample(found)


def positive(x):
    x = results.number(x)
    return x if x is not None and 0 < x < 1e18 else None


class Rates(cases.Family):
    def __init__(self, res, found):
        super().__init__(res, found)
        for part in self.parts.values():
            for (_, n, _), case in part.items():
                case.rates = rate(case, self.size(n))
                case.rate = case.rates.median()

    def size(self, number):
        """Bytes of a message in the cases of such a number."""
        raise NotImplementedError

    def setting(self, part):
        """Where its cases ran: usually all across two CPUs."""
        found = [k[2] for k in self.parts[part]]
        return max(sorted(set(found)), key=found.count)

    def at(self, part, how, number):
        return self.get(part, how, number, self.setting(part)) if part in self.parts else None

    def one_cpu(self):
        return "All of it ran on one CPU." if self.cpus == 1 else ""

    def ratio(self, a, b):
        """How many times as fast as b a is."""
        return stats.ratio(a.rates, b.rates)

    def best_peer(self, part, procs=None, setting="none"):
        found = [(h, self.get(part, h, procs, setting)) for h in self.hows(part)
                 if self.kind(h) == "peer"]
        return max([f for f in found if f[1]], key=lambda f: f[1].rate, default=None)

    def text(self, case):
        return rate_text(case.rate, " messages/s")

    def against(self, part, procs=None, setting="none"):
        """Ours beside the fastest peer, a sentence without its stop."""
        ours, peer = self.get(part, self.ours, procs, setting), self.best_peer(
            part, procs, setting)
        if not ours:
            text = "%s was not measured" % self.noun(part)
            return text + ("; the fastest is %s, %s" % (self.label(peer[0], part),
                                                        self.text(peer[1])) if peer else "")
        text = "%s moves %s" % (self.noun(part), self.text(ours))
        if peer:
            r = self.ratio(ours, peer[1])
            text += "; the fastest peer, %s, %s: %s is %s as fast%s" % (
                self.label(peer[0], part), self.text(peer[1]), self.noun(part), est(r),
                unsure(r))
        return text
