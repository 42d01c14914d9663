"""A family's results as text of at most 80 columns."""
import textwrap

import stats
from families import arguments, how


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


def _syscalls(results, name):
    v = results.counted(name, "syscalls")
    if v is None:
        known = getattr(results, "counting_context", {}).get("syscalls", "")
        return "-" if known in ("ok", "") else "n/a"
    return count(v)


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
    widths = (18, 9, 9, 8, 9, 9, 9, 9)
    yield ""
    yield title
    yield _row(["", "median", "p99", "spread", f"x {base}", "CPU", "switches",
                "syscalls"], widths)
    reference = next((n for n in names if how(n) == base), None)
    for n in names:
        times = list(results.times(n).values())
        ratio = "-"
        if reference is not None:
            r = results.paired(n, reference)
            ratio = f"{stats.median(r):.2f}" if r else "-"
        yield _row([how(n), duration(stats.median(times)),
                    duration(results.p99(n)), _spread(times),
                    ratio, *_common(results, n)], widths)


def groups(results, base):
    """Cells by their arguments, in the order in which they were registered."""
    found = {}
    for n in results.names():
        found.setdefault(tuple(arguments(n).items()), []).append(n)
    for key, names in found.items():
        title = results.family.name + ": " + ", ".join(
            f"{k} {v}".replace("parent_MiB 0", "small parent")
            .replace("parent_MiB 1024", "parent of 1 GiB")
            .replace("parent_MiB 128", "parent of 128 MiB") for k, v in key)
        yield from _group(results, title, names, base)


def speedup(results):
    """Each method against its own sequential: median of paired rounds."""
    widths = (19, 6, 9, 9, 15, 11, 9)
    last, cpus = (results.context.get(k, "?") for k in ("last", "cpus"))
    yield ""
    yield f"speedup: factorials 0..{last}, {cpus} CPUs"
    yield _row(["", "procs", "median", "speedup", "95 %", "efficiency",
                "syscalls"], widths)
    for n in results.names():
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
        lines = groups(results, "fork")
    return "\n".join([*lines, *ratios(results), *notes(results, told)])
