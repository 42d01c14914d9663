#!/usr/bin/env python3
"""How much goes through, by size of the message, from build/results/throughput.json.

bytes     bytes in a second
messages  messages in a second, the same runs seen the other way

The sender writes every byte on one CPU, the receiver reads every byte on
another, and the clock stops at the receiver. memcpy is two copies and hardly a
word exchanged: the line that nobody passes. A picture holds the ways that had
the same buffer, so far may the sender be ahead.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import cases        # noqa: E402
import lines        # noqa: E402
import rates        # noqa: E402
import results      # noqa: E402
import shapes       # noqa: E402
import style        # noqa: E402
from cases import est, unsure     # noqa: E402
from results import Bad, bytes_text, listed, rate_text, time_text     # noqa: E402

ORDER = ("memcpy", "ring", "rawmp_pipe", "rawmp_queue", "pipe", "vmsplice",
         "process_vm_readv", "socketpair_stream", "socketpair_seqpacket",
         "socketpair_dgram", "tcp", "posix_mq", "sysv_mq", "boost", "zeromq", "nng",
         "python_pipe", "python_simplequeue", "python_queue")
PICTURES = ("bytes", "messages")
LIMIT = "memcpy"


class Throughput(rates.Rates):
    """One part for each size of buffer; the number is the size of a message."""

    limits, rungs, order = (LIMIT, "ring"), (), ORDER
    numbers, names = ("bytes",), ("place",)

    def __init__(self, res):
        found = [(buffer(c), c.path[1], c) for c in cases.of(res).values()
                 if len(c.path) == 2 and results.size(c.args.get("bytes"))]
        buffers = sorted({b for b, _, _ in found if b})
        found = [(b or part, how, c) for b, how, c in found
                 for part in ([b] if b else buffers or [0])]
        super().__init__(res, found)
        if not self.parts:
            raise Bad("%s: names do not read throughput/<how>/bytes:<n>/buffer:<n>; make it "
                      "again: make bench" % ", ".join(results.shown(f) for f in res.files))
        have = {h for part in self.parts for h in self.hows(part)}
        self.ours = next((h for h in ("rawmp_pipe", "rawmp_queue") if h in have), "rawmp_pipe")

    def noun(self, part=None):
        return style.label(self.ours)

    def size(self, number):
        return number

    def buffers(self):
        return sorted(self.parts)

    def sizes(self, part):
        return self.counts(part, self.setting(part))

    def line(self, part, how, picture):
        """[(bytes, rate)]"""
        found = [(n, self.at(part, how, n)) for n in self.sizes(part)]
        return [(n, c.rate * (n if picture == "bytes" else 1)) for n, c in found if c]

    def caption(self, picture, part):
        """Paragraphs."""
        sizes = self.sizes(part)
        shown = [s for s in (64, 65536) if s in sizes] or sizes[:1]
        if picture == "messages":
            out = [[self.size_words(part, n, picture) for n in sizes[:1]],
                   [self.message_words(part), self.one_cpu()]]
        else:
            out = [[self.size_words(part, n, picture) for n in shown],
                   [self.ahead(part), self.limit_words(part), self.one_cpu()]]
        return [t for t in (" ".join(s for s in ss if s) for ss in out) if t]

    def size_words(self, part, n, picture):
        size, unit = (1, " messages/s") if picture == "messages" else (n, "B/s")
        ours, peer = self.at(part, self.ours, n), self.best_peer(part, n, self.setting(part))
        lead = "In messages of %s, " % bytes_text(n)
        name = self.noun()
        if not ours:
            return "%s%s was not measured%s." % (lead, name, "; the fastest is %s, %s" % (
                self.label(peer[0]), rate_text(size * peer[1].rate, unit)) if peer else "")
        out = "%s%s moves %s" % (lead, name, rate_text(size * ours.rate, unit))
        if peer:
            r = self.ratio(ours, peer[1])
            out += ", %s as much as the fastest peer, %s (%s)%s" % (
                est(r), self.label(peer[0]), rate_text(size * peer[1].rate, unit), unsure(r))
        return out + "."

    def ahead(self, part):
        """At which sizes a peer is faster than ours."""
        behind, level = [], []
        for n in self.sizes(part):
            ours, peer = self.at(part, self.ours, n), self.best_peer(
                part, n, self.setting(part))
            if ours and peer:
                r = self.ratio(ours, peer[1])
                if r.below(1) or (not r.known() and r.value < 1):
                    behind.append((n, peer[0]))
                elif not r.above(1) and r.known():
                    level.append(n)
        name = self.noun()
        out = []
        if behind:
            out.append("A peer is faster than %s at %s." % (name, listed(
                "%s (%s)" % (bytes_text(n), self.label(h)) for n, h in behind)))
        elif any(self.at(part, self.ours, n) and self.best_peer(part, n, self.setting(part))
                 for n in self.sizes(part)):
            out.append("No peer is faster at any size.")
        if level:
            out.append("At %s the fastest peer and %s cannot be told apart." % (
                listed(map(bytes_text, level)), name))
        return " ".join(out)

    def message_words(self, part):
        """Up to which size it is the message that costs, and not its bytes."""
        found = [(n, self.at(part, self.ours, n)) for n in self.sizes(part)]
        found = [(n, c) for n, c in found if c]
        if len(found) < 2:
            return ""
        (small, first), (large, last) = found[0], found[-1]
        alike = [n for n, c in found if 2 * c.rate > first.rate]
        name = self.noun()
        text = "A message of %s takes %s in %s, one of %s %s" % (
            bytes_text(small), time_text(1e9 / first.rate), name, bytes_text(large),
            time_text(1e9 / last.rate))
        if alike[-1] > small:
            text += "; up to %s more than half as many go through in a second as of %s" % (
                bytes_text(alike[-1]), bytes_text(small))
        return text + "."

    def limit_words(self, part):
        """How near ours comes to the copy, and who lies above it."""
        limits = {n: self.at(part, LIMIT, n) for n in self.sizes(part)}
        found = [(a.rate / limits[n].rate, a, n) for n in self.sizes(part)
                 for a in [self.at(part, self.ours, n)] if a and limits[n]]
        out = []
        if found:
            _, ours, n = max(found, key=lambda f: f[0])
            out.append("Beside the copy %s does best at %s: %s memcpy\u2019s rate." % (
                self.noun(), bytes_text(n), est(self.ratio(ours, limits[n]))))
        above = {}
        for n, limit in limits.items():
            for h in self.hows(part):
                a = self.at(part, h, n)
                if a and limit and h != LIMIT and a.rate > limit.rate \
                        and self.ratio(a, limit).above(1):
                    above.setdefault(h, []).append(n)
        if above:
            out.append("Above memcpy\u2019s line lies %s: it does not copy what it moves, or its "
                       "data lay nearer than memcpy\u2019s." % listed(
                           "%s (%s)" % (self.label(h), listed(map(bytes_text, ns)))
                           for h, ns in above.items()))
        return " ".join(out)


def buffer(case):
    return results.size(case.args.get("buffer")) or 0


def size_tick(n):
    return shapes.plain(bytes_text(n))


def buffer_text(part):
    return "a buffer of %s" % size_tick(part) if part else "no buffer named"


def analyse(res):
    return Throughput(res)


# Drawing

def draw(tp, path, picture, part):
    if part not in tp.parts:
        raise Bad("nothing was measured with buffer:%s; it has %s" % (
            part, ", ".join(str(b) for b in tp.buffers())))
    series = [(h, tp.line(part, h, picture)) for h in tp.hows(part)]
    series = [(h, points) for h, points in series if points]
    top, bottom, left, right = 0.40, 0.50, 0.74, 1.62
    high = max(2.4, 0.170 * len(series) + 0.1)
    fig = style.figure(top + high + bottom)
    ax = style.box(fig, left, bottom, right, top)
    sizes = tp.sizes(part)
    values = [y for _, points in series for _, y in points]
    unit = "B/s" if picture == "bytes" else "/s"
    lines.log_axes(ax, (sizes[0] / 1.3, max(sizes[-1], 2 * sizes[0]) * 1.3),
                   shapes.wide_enough(min(values) / 1.5, max(values) * 1.5),
                   lambda x: lines.rate_tick(x, unit))
    lines.draw(fig, ax, [lines.Line(tp.look(h, part), tp.kind(h), points)
                         for h, points in series], room=94)
    shown = lines.apart(sizes, size_tick, ax.get_xlim(), (style.WIDTH - left - right) * 72)
    ax.set_xticks(shown)
    ax.set_xticklabels([size_tick(n) for n in shown])
    ax.set_xlabel("size of a message")
    lines.title(fig, "%s, %s" % ("Bytes in a second" if picture == "bytes" else
                                 "Messages in a second", buffer_text(part)))
    style.save(fig, path)


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw bytes or messages in a second against the size of a message, with "
        "the copy as the limit.",
        epilog="Example: python3 plots/throughput.py build/results/throughput.json --picture "
        "messages -o messages.svg")
    style.arguments(p)
    p.add_argument("--picture", choices=PICTURES, default="bytes",
                   help="what to draw (default: bytes)")
    p.add_argument("--buffer", help="the memory between the two, such as 64K or 4M (default: "
                   "the largest that there is)")
    args = p.parse_args(argv)
    tp = analyse(results.read(args.files, "throughput"))
    if args.buffer and not results.size(args.buffer):
        p.error("--buffer %s: no size; give 65536 or 64K" % args.buffer)
    style.begin(args.python)
    draw(tp, args.output, args.picture, results.size(args.buffer) or tp.buffers()[-1])


if __name__ == "__main__":
    results.run(main)
