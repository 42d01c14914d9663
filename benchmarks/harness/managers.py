"""The tables of the family manager: a table for each case, its ways below each
other, the numbers of clients side by side."""
import textwrap

import stats
from families import arguments, case, how

# Its head, which cells, how wide.
COLUMNS = [("same", "1/same", 6), ("cross", "1/cross", 6), ("free", "1/free", 6),
           ("2", "2/free", 6), ("4", "4/free", 6), ("16", "16/free", 6),
           ("p.same", "1/same/paced", 7), ("p.cross", "1/cross/paced", 8)]
WORDS = {"get": "get a value of 64 bytes", "set": "set a value of 64 bytes",
         "append": "append 64 bytes to a list of one's own",
         "counter": "add 1 to a counter of all", "lock": "acquire and release"}
LEGEND = ("same, cross, free: one client, where it runs beside its server, the "
          "median; 2, 4, 16: clients, as the scheduler puts them, an operation "
          "of all together; p.same, p.cross: one operation each ms; calls: "
          "system calls of an operation, both sides (cross)")


def column(name):
    a = arguments(name)
    return f"{a['clients']}/{a['place']}" + ("/paced" if "paced_ns" in a else "")


def short(ns):
    """At most 6 columns."""
    if ns is None:
        return "-"
    for size, unit in ((1e9, "s"), (1e6, "m"), (1e3, "u"), (1, "n")):
        if ns >= size or unit == "n":
            v = ns / size
            return f"{v:.{2 if v < 10 else 1 if v < 100 else 0}f}{unit}"


def calls(results, cells):
    name = cells.get("1/cross", cells.get("1/free"))
    v = results.counted(name, "syscalls") if name else None
    if v is None:
        return "-"
    return "0" if v < 0.005 else f"{v:.2f}" if v < 1 else f"{v:.1f}"


def table(results):
    names = [n for n in results.names() if n.startswith("manager/")]
    for what in dict.fromkeys(case(n) for n in names):
        mine = [n for n in names if case(n) == what]
        columns = [c for c in COLUMNS if any(column(n) == c[1] for n in mine)]
        yield ""
        yield f"manager: {WORDS[what.split('/')[1]]}"
        yield " " * 20 + "".join(h.rjust(w) for h, _, w in columns) + " calls"
        for way in dict.fromkeys(how(n) for n in mine):
            cells = {column(n): n for n in mine if how(n) == way}
            line = f"{way:<20}"
            for _, c, width in columns:
                times = results.times(cells[c]) if c in cells else {}
                line += short(stats.median(list(times.values()))
                              if times else None).rjust(width)
            yield line + calls(results, cells).rjust(6)
    if names:
        yield from textwrap.wrap(LEGEND, 79)
