#!/usr/bin/env python3
"""A timeline of processes, from the Chrome-trace JSON that mp_trace_write wrote.

A lane is a process: pale while it runs, green while it is at an item of work
(a span within its run), grey and hatched while it waits, blue while it holds what
others wait for. A lane ends in a bar if the process exited, in a ✕ if it was
killed. Small triangles are marks. What the trace
counts, such as a semaphore's value, stands above as steps (level.py). Time is
in milliseconds from the first event.

The same file opens in https://ui.perfetto.dev, with zoom and search.
"""
import argparse
import sys

sys.dont_write_bytecode = True

import lanes        # noqa: E402
import level        # noqa: E402
import results      # noqa: E402
import style        # noqa: E402
from results import Bad, digits, plural, time_text, word     # noqa: E402

REMEDY = "make it again: make trace N=1"
KINDS = lanes.KINDS


class Lane:
    def __init__(self, key):
        self.key = key
        self.name = None
        self.spans = []     # (start, end, kind, name, open), µs from the first event
        self.marks = []     # (time, name)
        self.end = None     # (time, name): exited (0), killed (signal 9)

    def killed(self):
        return self.end is not None and self.end[1].startswith("killed")

    def first(self):
        return min([s[0] for s in self.spans] + [m[0] for m in self.marks]
                   + ([self.end[0]] if self.end else []))

    def nest(self):
        """A run span within another one is an item of work."""
        end = None
        for i, (a, b, kind, name, still) in enumerate(self.spans):
            if kind != "run":
                continue
            if end is not None and a < end and b <= end:
                self.spans[i] = a, b, "work", name, still
            else:
                end = b

    def of(self, kind):
        return [s for s in self.spans if s[2] == kind]

    def pairs(self, kind):
        """(start, end) of spans of a kind, overlaps joined."""
        return lanes.union([s[:2] for s in self.spans if s[2] == kind])

    def total(self, kind):
        return sum(b - a for a, b in self.pairs(kind))


def moment(x):
    """Microseconds that a clock can show, or None."""
    x = results.number(x)
    return x if x is not None and abs(x) < 1e15 else None


class Trace:
    def __init__(self, path):
        data = results.load(path, REMEDY)
        events = data.get("traceEvents")
        name = results.shown(path)
        if not isinstance(events, list):
            what = "benchmark results" if "benchmarks" in data else "something else"
            raise Bad("%s: no trace in it (it is %s); give a file that `make trace N=1` "
                      "or mp_trace_write wrote" % (name, what))
        by_key, counts = {}, {}

        def lane(e):
            key = (str(e.get("pid")), str(e.get("tid")))
            return by_key.setdefault(key, Lane(key))

        for e in events:
            if not isinstance(e, dict):
                continue
            phase, ts = e.get("ph"), moment(e.get("ts"))
            text = str(e.get("name", ""))
            if phase == "M" and text == "thread_name":
                args = e.get("args")
                lane(e).name = str(args.get("name", "")) if isinstance(args, dict) else None
            elif phase == "X" and ts is not None:
                dur = moment(e.get("dur")) or 0.0
                cat = e.get("cat") if e.get("cat") in ("wait", "hold") else "run"
                args = e.get("args")
                still = isinstance(args, dict) and bool(args.get("open"))
                lane(e).spans.append((ts, ts + max(dur, 0.0), cat, text, still))
            elif phase == "C":
                level.take(e, counts)
            elif phase in ("i", "I") and ts is not None:
                if text.startswith(("exited", "killed")):
                    lane(e).end = (ts, text)
                else:
                    lane(e).marks.append((ts, text))
        found = [x for x in by_key.values() if x.spans or x.marks or x.end]
        if not found:
            raise Bad("%s: a trace without any event; %s" % (name, REMEDY))
        self.path = path
        self.dropped = results.number(data.get("dropped")) or 0
        self.levels = [level.Level(n, p) for n, p in counts.items()]
        zero = min([x.first() for x in found] + [x.points[0][0] for x in self.levels])
        self.levels = [x.shifted(zero) for x in self.levels]
        for x in found:
            x.spans = [(a - zero, b - zero, k, n, o) for a, b, k, n, o in x.spans]
            x.spans.sort(key=lambda s: (s[0], -s[1]))
            x.nest()
            x.marks = sorted((t - zero, n) for t, n in x.marks)
            if x.end:
                x.end = (x.end[0] - zero, x.end[1])
        self.lanes = sorted(found, key=lambda x: (x.first(), x.key))
        for x in self.lanes:
            if not x.name:
                x.name = "main" if x is self.lanes[0] else "process %s" % x.key[1]
        self.number()
        self.length = max([s[1] for x in found for s in x.spans]
                          + [m[0] for x in found for m in x.marks]
                          + [x.end[0] for x in found if x.end]
                          + [x.points[-1][0] for x in self.levels]) or 1.0

    def number(self):
        """Lanes of one name: worker 1, worker 2; a name with a number of its own is taken
        over by who replaces its owner: Worker-3, Worker-3 (2)."""
        names = [x.name for x in self.lanes]
        for i, x in enumerate(self.lanes):
            turn = names[:i + 1].count(names[i])
            if names.count(names[i]) == 1 or (names[i][-1:].isdigit() and turn == 1):
                continue
            x.name = ("%s (%d)" if names[i][-1:].isdigit() else "%s %d") % (names[i], turn)

    def caption(self):
        """What to see, in sentences that hold whatever the trace is."""
        ms = lambda us: "%s\u00a0ms" % digits(us / 1000)       # noqa: E731
        out = ["%s over %s." % (plural(len(self.lanes), "process", "processes").capitalize(),
                                ms(self.length))]
        out += [x.caption(self.length) for x in self.levels[:level.MOST]]
        waits = [(x.total("wait"), x) for x in self.lanes]
        waits = [w for w in waits if w[0] > 0]
        if waits:
            most, x = max(waits, key=lambda w: w[0])
            out.append("%s waits longest: %s, %s\u00a0%% of the picture."
                       % (x.name, ms(most), results.percent(most / self.length)))
        holds = [(x.total("hold"), x) for x in self.lanes]
        holds = [h for h in holds if h[0] > 0]
        if holds:
            out.append("The blue spans, in which something is held, add up to %s in %s."
                       % (ms(sum(h[0] for h in holds)), plural(len(holds), "lane")))
            out.append(level.held([x.pairs("hold") for x in self.lanes]))
        out.append(self.items())
        out += [self.ending(x) for x in self.lanes]
        for x in self.lanes:
            for name in dict.fromkeys(n for _, n in x.marks):
                at = [t for t, n in x.marks if n == name]
                if len(at) > 1:
                    gaps = [b - a for a, b in zip(at, at[1:])]
                    out.append("%s marks \u201c%s\u201d %s times, %s apart on average."
                               % (x.name, name, word(len(at)), ms(sum(gaps) / len(gaps))))
        if self.dropped:
            out.append("%s found no room in the trace and %s left out."
                       % (plural(int(self.dropped), "event").capitalize(),
                          "was" if self.dropped == 1 else "were"))
        return " ".join([t for t in out if t][:9])

    def items(self):
        """How many items of work each has been at."""
        found = sorted([(len(x.of("work")), i, x) for i, x in enumerate(self.lanes)
                        if x.of("work")])
        if not found:
            return ""
        total = word(sum(n for n, _, _ in found))
        if len(found) == 1:
            return "Items of work: %s, all of them of %s." % (total, found[0][2].name)
        return "Items of work: %s in %s, from %s (%s) to %s (%s)." % (
            total, plural(len(found), "lane"), word(found[0][0]), found[0][2].name,
            word(found[-1][0]), found[-1][2].name)

    def ending(self, x):
        """How a lane ends, if it is killed or still holds something."""
        kept = [s for s in x.spans if s[4] and s[2] == "hold"]
        if not x.killed():
            return " ".join("%s still holds \u201c%s\u201d at its end." % (x.name, s[3])
                            for s in kept)
        text = "%s is %s at %s\u00a0ms" % (x.name, x.end[1], digits(x.end[0] / 1000))
        if not kept:
            return text + self.after(x)
        name = kept[0][3]
        later = [(s[0], y.name) for y in self.lanes for s in y.of("hold")
                 if y is not x and s[3] == name and s[0] >= x.end[0]]
        text += ", while it holds \u201c%s\u201d; " % name
        if not later:
            return text + "in this trace nobody holds it afterwards."
        at, who = min(later)
        return text + "%s after that it is %s that holds it." % (
            time_text(1000 * (at - x.end[0])), who)

    def after(self, x):
        """What it was at when it was killed, who comes instead. (Items of two maps may have
        the same name: who does it again cannot be told.)"""
        work = [s for s in x.of("work") if s[4]]
        text = ", at \u201c%s\u201d" % work[-1][3] if work else ""
        new = [y for y in self.lanes if y.first() >= x.end[0]]
        if new:
            y = min(new, key=lambda y: y.first())
            text += "; %s begins %s after that" % (
                y.name, time_text(1000 * (y.first() - x.end[0])))
        return text + "."


def main(argv=None):
    p = argparse.ArgumentParser(
        description="Draw a timeline of processes from a Chrome-trace JSON.",
        epilog="Example: python3 plots/timeline.py build/trace/01-process.json -o timeline.svg")
    style.arguments(p)
    p.add_argument("--title", help="a heading inside the picture")
    args = p.parse_args(argv)
    if len(args.files) > 1:
        raise Bad("one trace a picture; %d files given" % len(args.files))
    tr = Trace(args.files[0])
    style.begin(args.python)
    lanes.draw(tr, args.output, args.title)


if __name__ == "__main__":
    results.run(main)
