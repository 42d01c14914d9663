"""A family's results as text of at most 80 columns."""
import textwrap

import managers
import metg
import stats
from families import arguments, case, how
from results import value


def duration(ns):
    if ns is None:
        return "-"
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")):
        if ns >= size or unit == "ns":
            v = ns / size
            return f"{v:.{2 if v < 10 else 1 if v < 100 else 0}f} {unit}"


def count(v):
    if v is None:
        return "-"
    return f"{v:.1f}" if v < 1000 else f"{v:.0f}"


def _spread(times):
    if len(times) < 3:
        return "-"
    share = stats.spread(times)
    return f"{share:.0%}" if share < 10 else "> 999%"


def _missing(results, counter):
    """For a count that is not there."""
    known = getattr(results, "counting_context", {}).get(counter, "")
    return "-" if known in ("ok", "") else "n/a"


def _syscalls(results, name):
    v = results.counted(name, "syscalls")
    return _missing(results, "syscalls") if v is None else count(v)


def _row(cells, widths):
    first = cells[0].ljust(widths[0])
    return (first + "".join(c.rjust(w) for c, w in
                            zip(cells[1:], widths[1:]))).rstrip()


def _common(results, name):
    return [duration(results.mean_of(name, "cpu_ns")),
            count(results.mean_of(name, "switches")),
            _syscalls(results, name)]


def _group(results, title, names, base):
    """One table: the cells that share all arguments."""
    widths = (17, 9, 8, 8, 11, 9, 9, 9)
    yield ""
    yield title
    word = {"openmp_dynamic": "OpenMP", "python_pool": "Python"}.get(
        base, base.replace("pthread_", ""))
    yield _row(["", "median", "p99", "spread", "x " + word, "CPU", "switches",
                "syscalls"], widths)
    reference = next((n for n in names if how(n) == base), None)
    for n in names:
        times = list(results.times(n).values())
        ratio = "-"
        if reference is not None:
            r = results.paired(n, reference)
            ratio = f"{stats.median(r):.2f}" if r else "-"
        yield _row([label(how(n)), duration(stats.median(times)),
                    duration(results.p99(n)), _spread(times),
                    ratio, *_common(results, n)], widths)


def label(mechanism):
    """Who, in at most 16 columns."""
    return (mechanism.replace("socketpair_", "socket ")
            .replace("simplequeue", "simple"))


# Of a case: the words above its table, and what its rows are compared with.
CASES = {
    "process": ("process", "fork"),
    "lock/alone": ("lock: acquire, counter + 1, release by one process",
                   "pthread"),
    "lock/increments": ("lock: 100,000 increments by each process", "pthread"),
    "lock/killed_holder": ("lock: from the holder's death to the next owner",
                           "pthread_robust"),
    "latency": ("latency: 8 bytes there and back", "futex"),
    "semaphore/pair": ("semaphore: acquire and release by one process", "sem"),
    "semaphore/throttle": ("semaphore: two inside for 0.5 us, four wait", "sem"),
    "condition/round_trip": ("condition: your turn, and back", "pthread"),
    "event/round_trip": ("event: set one, wait for the other", "futex"),
    "barrier/phase": ("barrier: a phase", "pthread"),
    "pool/noop_map": ("pool: a task without work of a map, one at a time",
                      "openmp_dynamic"),
    "pool/apply_asleep": ("pool: a task there and back, one each ms",
                          "python_pool"),
    "pool/apply_awake": ("pool: a task there and back, busy", "python_pool"),
    "pool/map2": ("pool: a map of two tasks", "python_pool"),
    "pool/create": ("pool: make it, map one task, terminate", "python_pool"),
}


def groups(results):
    """Cells by their arguments, in the order in which they were registered."""
    found = {}
    for n in results.names():
        if case(n) in CASES:
            found.setdefault((case(n), *arguments(n).items()), []).append(n)
    for (what, *given), names in found.items():
        words, base = CASES[what]
        words = [words] + [f"{k} {v}" for k, v in given]
        title = ", ".join(words).replace("process, ", "process: ")
        title = (title.replace("parent_MiB 0", "small parent")
                 .replace("parent_MiB 1024", "parent of 1 GiB")
                 .replace("parent_MiB 128", "parent of 128 MiB"))
        yield from _group(results, title, names, base)


def _short(ns):
    """A time in at most 7 columns."""
    return "-" if ns is None else duration(ns).replace(" ", "").replace(
        "us", "u").replace("ns", "").replace("ms", "m")


def _figure(results, names, of, worst=max):
    """The worst over some cells of the median over their rounds, or None."""
    found = [stats.median(v.values()) for v in
             (results.values(n, of) for n in names) if v]
    return worst(found) if found else None


def contended(results):
    """A table for each length of work: the numbers of processes side by side."""
    names = [n for n in results.names() if case(n) == "lock/contended"]
    for work in dict.fromkeys(arguments(n)["work"] for n in names):
        mine = [n for n in names if arguments(n)["work"] == work]
        procs = sorted({int(arguments(n)["procs"]) for n in mine})
        widths = (17,) + (8,) * len(procs) + (11, 12, 7)
        yield ""
        yield f"lock: contended, work {work}: an operation of all together, in ns"
        yield _row(["processes"] + [str(p) for p in procs] +
                   ["max/min", "futex/M", "CPUs"], widths)
        for kind in dict.fromkeys(how(n) for n in mine):
            cells = {int(arguments(n)["procs"]): n for n in mine
                     if how(n) == kind}
            many = [n for p, n in cells.items() if p > 1]
            times = [_figure(results, [cells[p]], value) if p in cells
                     else None for p in procs]
            share = _figure(results, many, lambda e: e["share_max_min"])
            cpus = _figure(results, many, lambda e: e["cpus_used"], min)
            counts = [results.counted(n, "futex_per_million") for n in many]
            counts = [c for c in counts if c is not None]
            yield _row([kind, *map(_short, times),
                        f"{share:.4g}" if share else "-",
                        f"{max(counts):.0f}" if counts else
                        _missing(results, "futexes"),
                        f"{cpus:.2f}" if cpus else "-"], widths)
    if names:
        yield "max/min: of operations in 100 ms; futex/M: calls in a million " \
              "operations;"
        yield "the worst of all columns with two processes or more; CPUs: the " \
              "fewest used"


def rate(v):
    """12.3M, 456k: at most 5 columns."""
    if v is None:
        return "-"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")):
        if v >= size or unit == "":
            v /= size
            return f"{v:.{2 if v < 10 else 1 if v < 100 else 0}f}{unit}"


def size(text):
    n = int(text)
    for size, unit in ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")):
        if n >= size and n % size == 0:
            return f"{n // size} {unit}"


def _rates(results, title, names, counter, column, heads):
    """A table of rates: a row for each way (and buffer), a column for each
    value of an argument."""
    columns = list(dict.fromkeys(arguments(n)[column] for n in names))
    others = [k for k in arguments(names[0]) if k not in (column, *heads)]
    widths = (19,) + (6,) * len(others) + (9,) * len(columns)
    yield ""
    yield title
    words = [size(c) if column == "bytes" else c for c in columns]
    yield _row(["", *others, *words], widths)
    rows = {}
    for n in names:
        a = arguments(n)
        key = (label(how(n)), *(a[k] for k in others))
        rows.setdefault(key, {})[a[column]] = n
    for key, cells in rows.items():
        yield _row([*key, *(rate(_figure(
            results, [cells[c]], lambda e: e[counter])) if c in cells else "-"
            for c in columns)], widths)


def throughput(results):
    names = [n for n in results.names() if case(n) == "throughput"]
    if names:
        yield from _rates(results, "throughput: bytes a second", names,
                          "bytes_per_second", "bytes", ())
        small = [n for n in names if int(arguments(n)["bytes"]) <= 4096]
        if small:
            yield from _rates(results, "throughput: messages a second", small,
                              "messages_per_second", "bytes", ())


def queue(results):
    names = [n for n in results.names() if case(n) == "queue"]
    for capacity in dict.fromkeys(arguments(n)["capacity"] for n in names):
        mine = [n for n in names if arguments(n)["capacity"] == capacity]
        yield from _rates(results, f"queue of {capacity}: messages of 64 bytes "
                          "a second", mine, "messages_per_second", "shape",
                          ("capacity",))


def lost(results):
    names = [n for n in results.names() if case(n) == "lock/lost_updates"]
    widths = (11, 14, 10)
    if names:
        yield ""
        yield "lock: increments without a lock"
        yield _row(["processes", "lost (median)", "of"], widths)
    for n in names:
        procs = int(arguments(n)["procs"])
        gone = _figure(results, [n], lambda e: e["lost"])
        each = _figure(results, [n], lambda e: e["increments"])
        yield _row([str(procs), f"{gone / each / procs:.1%}",
                    f"{each * procs:.0f}"], widths)


def speedup(results):
    """A table for each workload: each method against its own sequential."""
    for work in dict.fromkeys(n.split("/")[1] for n in results.names()):
        yield from _workload(results, work)


def _workload(results, work):
    widths = (19, 6, 9, 9, 15, 11, 9)
    words = results.context.get("workload." + work, work)
    little = results.context.get(f"workload.{work}.python")
    names = [n for n in results.names() if n.split("/")[1] == work]
    yield ""
    yield f"speedup: {words}; {results.context.get('cpus', '?')} CPUs"
    if little and any("/python_" in n for n in names):
        yield f"python_*: {little}"
    yield _row(["", "procs", "median", "speedup", "95 %", "efficiency",
                "syscalls"], widths)
    for n in names:
        times, procs = list(results.times(n).values()), arguments(n)["procs"]
        mine = "python_sequential" if "/python_" in n else "sequential"
        base = n.rsplit("/", 2)[0] + f"/{mine}/procs:1"
        cells = [how(n), procs, duration(stats.median(times))]
        r = results.paired(base, n)
        if r and n != base:
            s, ends = stats.median(r), stats.interval(r)
            cells += [f"{s:.2f}",
                      f"{ends[0]:.2f} .. {ends[1]:.2f}" if ends else "-",
                      f"{s / int(procs):.2f}"]
        else:
            cells += ["1" if n == base else "-", "", ""]
        yield _row(cells + [_syscalls(results, n)], widths)


def again(results):
    """--aa: the same benchmark twice; how far apart do the two lie?"""
    widths = (52, 8, 18)
    yield ""
    yield "the same benchmark against itself: second / first"
    yield _row(["", "ratio", "95 %"], widths)
    for n in results.names():
        if n.endswith("/again") or n + "/again" not in results.names():
            continue
        r = results.paired(n + "/again", n)
        ends = stats.interval(r)
        yield _row([n, f"{stats.median(r):.3f}",
                    f"{ends[0]:.3f} .. {ends[1]:.3f}" if ends else "-"],
                   widths)


def ratios(results):
    widths = (44, 7, 15, 9)
    if results.ratios:
        yield ""
        yield _row(["ratio", "", "95 %", "goal"], widths)
    for r in results.ratios:
        ends = "-" if r["low"] is None else f"{r['low']:.2f} .. {r['high']:.2f}"
        yield _row([r["what"], f"{r['ratio']:.3f}", ends, r["goal"]],
                   widths) + ("" if r["met"] else " no")


def _wrapped(text, indent=""):
    return textwrap.wrap(text, 79, subsequent_indent=indent + "  ",
                         initial_indent=indent, break_on_hyphens=False)


def notes(results, told):
    """What is missing and why, and what disturbed.  told: what an earlier
    family has said already."""
    absent = {}
    for name, state in getattr(results, "counting_context", {}).items():
        if state != "ok":
            absent.setdefault(state, []).append(name)
    sentences = [", ".join(names) + ": " + state
                 for state, names in absent.items()]
    for what, names in results.messages().items():
        few = ", ".join(names[:2])
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        sentences.append(f"{what}: {few}{more}")
    loud = [r for r in results.rounds if r["loud"]]
    if loud:
        sentences.append(
            f"{results.family.name}: {len(loud)} of {len(results.rounds)} runs "
            f"were disturbed: others took up to "
            f"{max(r['foreign'] for r in loud):.0%} of the CPUs, the "
            f"hypervisor up to {max(r['steal'] for r in loud):.0%}; where half "
            "of a benchmark's runs were quiet, only these count")
    for s in sentences:
        if s not in told:
            told.add(s)
            yield ""
            yield from _wrapped(s)


def text(results, told, aa=False):
    if aa:
        lines = again(results)
    elif results.family.name == "speedup":
        lines = speedup(results)
    else:
        lines = [*groups(results), *contended(results), *lost(results),
                 *throughput(results), *queue(results),
                 *managers.table(results), *metg.table(results)]
    return "\n".join([*lines, *ratios(results), *notes(results, told)])
