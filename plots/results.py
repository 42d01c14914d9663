"""Reads what benchmarks and traces left as JSON, or says what is wrong with it.

A benchmark file is Google Benchmark's JSON: "context" and "benchmarks", every
repetition kept. A name is a path with arguments, `process/fork/parent_MiB:0/
place:same`; suffixes that Google Benchmark adds (/real_time) are dropped.
A trace is Chrome's trace JSON.

Anything that is missing, cut off or of another family raises Bad with one
sentence that names the file and what to do. Tools print it and exit with 2.
"""
import json
import math
import os
import re
import sys
import tempfile

import stats

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
SUFFIXES = ("real_time", "manual_time", "process_time")
REMEDY = "make it again: make bench"
OPTIONS = ("threads", "repeats", "iterations", "min_time", "min_warmup_time")


class Bad(Exception):
    """Input or environment that a sentence explains; exit status 2."""


def shown(path):
    """A path as a reader would type it from the root of the tree."""
    rel = os.path.relpath(os.path.abspath(path), ROOT)
    return path if rel.startswith("..") else rel


def load(path, remedy, top=dict):
    """The JSON object in a file (or a list, if that is its top), or Bad."""
    name = shown(path)
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
    except FileNotFoundError:
        raise Bad("%s: no such file; %s" % (name, remedy)) from None
    except UnicodeDecodeError:
        raise Bad("%s: not JSON (not even text); %s" % (name, remedy)) from None
    except OSError as e:
        raise Bad("%s: %s; %s" % (name, e.strerror or e, remedy)) from None
    if not text.strip():
        raise Bad("%s: empty; %s" % (name, remedy))
    try:
        data = clean(json.loads(text))
    except RecursionError:
        raise Bad("%s: nested too deeply to be a result; %s" % (name, remedy)) from None
    except ValueError as e:
        if text.lstrip()[0] in "{[" and text.rstrip()[-1:] not in "}]":
            raise Bad("%s: cut off (%d bytes, ends inside a value); %s"
                      % (name, len(text), remedy)) from None
        where = getattr(e, "lineno", None)
        raise Bad("%s: not JSON%s; %s"
                  % (name, " (line %d)" % where if where else "", remedy)) from None
    if not isinstance(data, top):
        raise Bad("%s: JSON, but not a result (no %s at its top); %s"
                  % (name, "object" if top is dict else "list", remedy))
    return data


# What neither XML nor a terminal's reader wants: controls, lone surrogates; and
# whole escape sequences (colours) that a program printed.
UNWANTED = re.compile("\x1b\\[[0-9;?]*[A-Za-z]|\r(?=\n)")
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\r\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(x):
    """The same value with every string fit to be shown."""
    if isinstance(x, str):
        return ILLEGAL.sub("\ufffd", UNWANTED.sub("", x))
    if isinstance(x, list):
        return [clean(v) for v in x]
    if isinstance(x, dict):
        return {clean(k): clean(v) for k, v in x.items()}
    return x


def number(x):
    """A finite number, or None."""
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        return None
    try:
        return float(x) if math.isfinite(x) else None
    except OverflowError:
        return None


def whole(x, most=1 << 20):
    """A whole number from 1 on, or None: process counts in names."""
    try:
        n = int(x)
    except (TypeError, ValueError, OverflowError):
        return None
    return n if 1 <= n <= most else None


def text(x):
    """A text that is not empty, or None."""
    return x if isinstance(x, str) and x.strip() else None


def size(x):
    """A whole number in a name, 65536 or 64K; or None."""
    m = re.fullmatch(r"(\d{1,9})([KM]?)(?:i?B)?", str(x))
    return whole(int(m.group(1)) << {"": 0, "K": 10, "M": 20}[m.group(2)], 1 << 40) \
        if m else None


class Row:
    """One repetition: path (family, …), arguments by name, time, round."""

    def __init__(self, entry, pairs=False):
        self.path, self.args = split(entry.get("run_name") or entry["name"])
        self.cell = cell(self.path, self.args)
        unit = UNITS.get(str(entry.get("time_unit", "ns")), 1.0)
        t = number(entry.get("real_time"))
        self.ns = believable(entry.get("p50")) or (t and believable(t * unit))
        self.entry = entry
        self.loud = entry.get("loud") is True
        self.few_cpus = entry.get("few_cpus") is True   # its processes seldom met
        turn = number(entry.get("round"))
        self.round = None if turn is None else (pairs, turn)
        self.message = None
        if entry.get("error_occurred") or entry.get("skipped"):
            self.message = str(entry.get("error_message") or entry.get("skip_message")
                               or "no reason given")


def believable(x):
    """A time in ns, above 0 and below thirty years; or None."""
    x = number(x)
    return x if x is not None and 0 < x < 1e18 else None


def cell(path, args):
    """What is measured, whatever the order of its arguments."""
    return path, tuple(sorted(args.items()))


def split(name):
    """('process', 'fork'), {'parent_MiB': '0'} from a benchmark's name."""
    path, args = [], {}
    for part in str(name).split("/"):
        key, colon, value = part.partition(":")
        if colon:
            if key not in OPTIONS:
                args[key] = value
        elif part and part not in SUFFIXES:
            path.append(part)
    return tuple(path), args


class Results:
    """One family's repetitions out of one or more files of one machine."""

    def __init__(self, family, heads=()):
        self.family = family
        self.heads = (family,) + tuple(heads)   # how its names may begin
        self.rows = []
        self.messages = {}     # message: [names] of what was skipped or failed
        self.context = {}
        self.counting = []     # the counting pass, each {"name": …, counters}
        self.ratios = {}       # (cell, cell): the judged ratio, an Estimate
        self.goals = []        # judged ratios as the file has them
        self.rounds = []       # who disturbed which run
        self.histograms = {}   # cell: {ns: how many}
        self.files = []

    def believed(self, rows):
        """The repetitions to believe: without the disturbed, and without those whose
        processes had few CPUs, while enough are left."""
        for flaws in (("few_cpus", "loud"), ("few_cpus",), ("loud",)):
            good = [r for r in rows if not any(getattr(r, f) for f in flaws)]
            if len(good) >= max(3, len(rows) / 2):
                return good
        return rows

    def sample(self, rows):
        return stats.Sample([(r.round, r.ns) for r in self.believed(rows)])

    def machine(self):
        """doctor's object, {} if the file carries none."""
        m = self.context.get("machine")
        return m if isinstance(m, dict) else {}

    def cpus(self):
        """CPUs that the processes had: the benchmark's word, doctor's, Google's."""
        facts = self.machine().get("machine")
        facts = facts if isinstance(facts, dict) else {}
        found = [whole(value) for key, value in facts.items() if "cpus" in key.lower()]
        return (whole(self.context.get("cpus")) or min([n for n in found if n], default=None)
                or whole(self.context.get("num_cpus")))

    def brief(self):
        return str(self.context.get("brief")).lower() in ("true", "1")

    def disturbed(self):
        """(disturbed runs, all runs)"""
        return sum(r.get("loud") is True for r in self.rounds), len(self.rounds)


def read(paths, family, heads=()):
    """Results of one family, or Bad; heads: how its names begin besides."""
    out = Results(family, heads)
    for path in paths:
        data = load(path, REMEDY)
        entries = data.get("benchmarks")
        if not isinstance(entries, list):
            what = "a trace" if "traceEvents" in data else "something else"
            raise Bad("%s: no benchmark results in it (it is %s); give a file that "
                      "`make bench` wrote, such as build/results/%s.json"
                      % (shown(path), what, family))
        context = data.get("context")
        context = context if isinstance(context, dict) else {}
        if out.files and fingerprint(context) != fingerprint(out.context):
            raise Bad("%s and %s come from different machines; draw one picture "
                      "for each" % (shown(out.files[0]), shown(path)))
        out.files.append(path)
        out.context = out.context or context
        take_entries(out, path, entries)
        take_beside(out, data)
    if not out.rows:
        why = "; the first says: %s" % next(iter(out.messages)) if out.messages else ""
        raise Bad("%s: no measurement of the family %s in it%s; %s"
                  % (", ".join(shown(p) for p in paths), family, why, REMEDY))
    return out


def objects(x):
    """The objects of a list that should hold nothing else."""
    return [e for e in x if isinstance(e, dict)] if isinstance(x, list) else []


def take_entries(out, path, entries):
    families = set()
    for entry in objects(entries):
        if ("name" not in entry or entry.get("run_type") == "aggregate"
                or "aggregate_name" in entry):
            continue
        row = Row(entry)
        families.add(row.path[0] if row.path else "?")
        if not row.path or row.path[0] not in out.heads:
            continue
        if row.message is not None:
            names = out.messages.setdefault(row.message, [])
            own = row.path[1:] if row.path[0] == out.family else row.path
            name = "/".join(own + tuple("%s:%s" % a for a in row.args.items()))
            if name not in names:
                names.append(name)
        elif row.ns:
            out.rows.append(row)
    if families and not families & set(out.heads):
        raise Bad("%s: holds the family %s, not %s; give build/results/%s.json"
                  % (shown(path), ", ".join(sorted(families)), out.family, out.family))


def take_beside(out, data):
    """What run.py writes beside the benchmarks."""
    out.counting += [c for c in objects(data.get("counting")) if "name" in c]
    out.rounds += objects(data.get("rounds"))
    for r in objects(data.get("ratios")):
        value, lo, hi = (number(r.get(k)) for k in ("ratio", "low", "high"))
        if value is None or value <= 0:
            continue
        known = lo is not None and hi is not None
        e = stats.Estimate(value, lo if known else None, hi if known else None,
                           whole(r.get("n")) or 1)
        out.goals.append((str(r.get("what", "?")), e, str(r.get("goal", "")), r.get("met")))
        out.ratios[cell(*split(r.get("numerator"))), cell(*split(r.get("denominator")))] = e
    histograms = data.get("histograms")
    for name, pairs in histograms.items() if isinstance(histograms, dict) else ():
        where = out.histograms.setdefault(cell(*split(name)), {})
        for pair in pairs if isinstance(pairs, list) else ():
            if isinstance(pair, list) and len(pair) == 2:
                ns, n = believable(pair[0]), whole(pair[1], 1 << 53)
                if ns and n:
                    where[ns] = where.get(ns, 0) + n


def fingerprint(context):
    m = context.get("machine")
    facts = m.get("machine") if isinstance(m, dict) else None
    facts = facts if isinstance(facts, dict) else {}
    return (context.get("host_name"), context.get("num_cpus"),
            str(facts.get("cpu model")), str(facts.get("kernel")))


def write(path, text):
    """The whole file or none of it: a temporary file beside, then a rename."""
    name = shown(path)
    if os.path.isdir(path):
        raise Bad("%s: is a folder; name a file in it" % name)
    if os.path.exists(path) and not os.path.isfile(path):
        raise Bad("%s: not an ordinary file; name one with -o" % name)
    folder = os.path.dirname(os.path.abspath(path))
    temp = None
    try:
        os.makedirs(folder, exist_ok=True)
        fd, temp = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temp, 0o666 & ~mask)
        os.replace(temp, path)
        temp = None
    except OSError as e:
        raise Bad("%s: cannot write (%s); name another place with -o"
                  % (name, e.strerror or e)) from None
    finally:
        if temp and os.path.exists(temp):
            os.unlink(temp)


def run(main):
    """main() with Bad, Ctrl-C and a closed pipe turned into exit statuses."""
    tool = os.path.basename(sys.argv[0])
    try:
        sys.exit(main() or 0)
    except Bad as e:
        sys.stderr.write("%s: %s\n" % (tool, e))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("%s: interrupted; nothing written\n" % tool)
        sys.exit(130)


# Numbers as people read them.

def digits(x):
    """Three significant digits, no exponent: 1540, 142, 35.2, 1.95, 0.041."""
    if x == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(x))))
    text = "%.*f" % (min(places, 6), x)
    if float(text) and places and math.floor(math.log10(abs(float(text)))) > 2 - places:
        text = "%.*f" % (places - 1, x)     # 9.996 would read 10.00
    return group(text)


def group(text):
    """Thousands apart, from 10,000 on."""
    head, dot, tail = text.partition(".")
    sign = head.startswith("-")
    head = head.lstrip("-")
    if len(head) > 4:
        head = "{:,}".format(int(head))
    return ("\u2212" if sign else "") + head + dot + tail


def time_text(ns):
    if ns is None:
        return "\u2013"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0)):
        if abs(ns) >= size * 0.9995 or unit == "ns":
            return "%s\u00a0%s" % (digits(ns / size), unit)


def rate_text(x, unit="/s"):
    """So many in a second: 12.3 M/s; with unit B/s 6.24 GB/s."""
    if x is None:
        return "\u2013"
    for prefix, size_ in (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0)):
        if x >= size_ * 0.9995 or not prefix:
            return "%s\u00a0%s" % (digits(x / size_), (prefix + unit).lstrip())


def bytes_text(n):
    """8\u00a0B, 64\u00a0KiB, 1\u00a0MiB"""
    for unit, power in (("MiB", 20), ("KiB", 10)):
        if n >= 1 << power and n % (1 << power) == 0:
            return "%d\u00a0%s" % (n >> power, unit)
    return "%s\u00a0B" % group(str(n))


def times_text(x):
    """A ratio: 0.0015×, 1.95×, 35.2×, 244×."""
    text = "%.2f" % x if x == 0 or 0.0995 <= abs(x) < 9.995 else digits(x)
    if 0 < abs(x) < 0.0995:
        text = "%.*f" % (min(9, 1 - math.floor(math.log10(abs(x)))), x)
    return text.replace("-", "\u2212") + "×"


def interval_text(e, form=times_text):
    """[1.93, 1.97]; empty for a single repetition."""
    if not e.known():
        return ""
    return "[%s,\u00a0%s]" % (form(e.lo).rstrip("×"), form(e.hi).rstrip("×"))


def percent(x):
    """A fraction as %, one digit after the point below 10 %."""
    p = 100 * x
    text = "%.1f" % p if abs(p) < 9.95 else "%.0f" % p
    if text == "-0.0":
        text = "0.0"
    return text.replace("-", "\u2212")


def mib_text(mib):
    try:
        n = int(mib)
    except (TypeError, ValueError):
        return str(mib)
    if n == 0:
        return "small"
    if n >= 1024 and n % 1024 == 0:
        return "%d\u00a0GiB" % (n // 1024)
    return "%d\u00a0MiB" % n


WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
         "ten", "eleven", "twelve")


def word(n):
    return WORDS[n] if 0 <= n < len(WORDS) else group(str(n))


def plural(n, one, many=None):
    return "%s %s" % (word(n), one if n == 1 else many or one + "s")


def listed(words):
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
