"""What a family's rounds gave: the result file, and the figures in it."""
import collections
import json
import os
import tempfile

import metg
import stats
from families import arguments, bare, case, how
from runner import Failure

UNIT_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
CPUS = 0.925    # of those that contenders could use: below, they seldom met
ALONE = ("mp_dict", "mp_list", "mp_lock")   # clients without a server


def value(entry):
    """The time of an entry in ns: its median operation, or the mean."""
    if "p50" in entry:
        return entry["p50"]
    return entry["real_time"] * UNIT_NS[entry["time_unit"]]


def message(entry):
    """Why there is no time, or None."""
    return entry.get("error_message") or entry.get("skip_message")


def few_cpus(entry, context):
    """Had the contenders fewer CPUs than there are for them?  On one CPU every
    lock looks two to four times as fast."""
    if "cpus_used" not in entry or "cpus" not in context:
        return False
    given = arguments(entry["name"])
    if "clients" in given and how(entry["name"]) not in ALONE:
        return False    # a server has part of the CPUs
    could = min(int(given.get("procs", given.get("clients", 1))),
                int(context["cpus"]))
    return entry["cpus_used"] < CPUS * could


class Results:
    def __init__(self, family, brief, order):
        """order: the names, as the program lists them"""
        self.family, self.brief = family, brief
        self.order = [bare(n) for n in order]
        self.context = None
        self.benchmarks, self.pairs, self.counting = [], [], []
        self.rounds = []
        self.histograms = {}
        self.ratios = []

    # -- filling ----------------------------------------------------------

    def add(self, into, number, result, lines, load):
        """One program run: its entries, histograms, and who disturbed it."""
        if self.context is None:
            self.context = result["context"]
        for e in result["benchmarks"]:
            e["round"] = e["repetition_index"] = number
            e["loud"] = load["loud"]
            e["few_cpus"] = few_cpus(e, result["context"])
            e["name"] = e["run_name"] = e["name"].replace("/iterations:1", "")
            into.append(e)
        self.rounds.append(dict(load, round=number,
                                of="pairs" if into is self.pairs else "all"))
        # The library tries out how many iterations it needs: the last line of
        # a name is the run that was reported.
        last = {line["name"]: line for line in lines if "histogram" in line}
        for name, line in last.items():
            total = self.histograms.setdefault(name, collections.Counter())
            for ns, n in line["histogram"]:
                total[ns] += n

    def add_counting(self, result):
        self.counting_context = {
            k[8:]: v for k, v in result["context"].items()
            if k.startswith("counter.")}
        skip = {"repetition_index", "repetitions", "threads", "family_index",
                "per_family_instance_index", "run_type", "run_name",
                "time_unit", "real_time", "cpu_time", "p50", "p90", "p99",
                "p99_9", "max", "n"}
        for e in result["benchmarks"]:
            if message(e) is None:
                kept = {k: v for k, v in e.items() if k not in skip}
                if "futexes" in kept:
                    kept["futex_per_million"] = kept["futexes"] * 1e6
                self.counting.append(dict(kept, name=bare(e["name"])))

    # -- asking -----------------------------------------------------------

    def names(self):
        """Of what has a time, in the program's order."""
        found = {bare(e["name"]) for e in self.benchmarks
                 if message(e) is None}
        return [n for n in self.order if n in found]

    def messages(self):
        """{message: [names]} of what was skipped or went wrong."""
        found = {}
        for e in self.benchmarks + self.pairs:
            if message(e) is not None:
                names = found.setdefault(message(e), [])
                if bare(e["name"]) not in names:
                    names.append(bare(e["name"]))
        return found

    def errors(self):
        return {m: n for m, n in self.messages().items()
                if not m.startswith("skipped: ")}

    def times(self, name, pairs=False):
        """{(which, round): ns}; what was loud or had few CPUs is left out
        while enough is left."""
        return self.values(name, value, pairs)

    def values(self, name, of, pairs=False):
        """The same for any figure `of` an entry."""
        entries = [("all", e) for e in self.benchmarks]
        entries += [("pairs", e) for e in self.pairs] if pairs else []
        mine = [(w, e) for w, e in entries
                if bare(e["name"]) == name and message(e) is None]
        for flaws in (("few_cpus", "loud"), ("few_cpus",), ("loud",)):
            good = [(w, e) for w, e in mine if not any(e[f] for f in flaws)]
            if len(good) >= max(3, len(mine) / 2):
                mine = good
                break
        return {(w, e["round"]): of(e) for w, e in mine}

    def mean_of(self, name, counter):
        found = [e[counter] for e in self.benchmarks
                 if bare(e["name"]) == name and counter in e]
        return sum(found) / len(found) if found else None

    def counted(self, name, counter):
        for e in self.counting:
            if e["name"] == name and counter in e:
                return e[counter]
        return None

    def p99(self, name):
        h = self.histograms.get(name)
        return stats.percentile(h, 0.99) if h and sum(h.values()) >= 100 \
            else None

    def paired(self, upper, lower, pairs=False):
        """The ratios of two cells, round by round."""
        a, b = self.times(upper, pairs), self.times(lower, pairs)
        return [a[r] / b[r] for r in a if r in b]

    def judge_ratios(self):
        for sentence, upper, lower, (sense, goal) in self.family.ratios:
            found = self.paired(upper, lower, pairs=True)
            if not found:
                continue
            mid = stats.median(found)
            ends = stats.interval(found) or (None, None)
            self.ratios.append({
                "what": sentence, "numerator": upper, "denominator": lower, "ratio": mid,
                "low": ends[0], "high": ends[1], "n": len(found),
                "goal": f"{sense} {goal}",
                "met": mid <= goal if sense == "<=" else mid >= goal})

    # -- the file ---------------------------------------------------------

    def as_json(self, machine):
        context = {k: v for k, v in self.context.items()
                   if not k.startswith("counter.")}
        # Debian builds the library without NDEBUG; its loop is compiled into
        # our programs, so "debug" would be a false alarm.
        context.pop("library_build_type", None)
        context.update(machine=machine, brief=self.brief,
                       counters=getattr(self, "counting_context", {}))
        for e in self.benchmarks:
            e["repetitions"] = 1 + max(x["round"] for x in self.benchmarks)
            futexes = self.counted(bare(e["name"]), "futex_per_million")
            if case(e["name"]) == "lock/contended" and futexes is not None:
                e["futex_per_million"] = futexes    # from the counting pass
        return {"context": context,
                "benchmarks": self.benchmarks + metg.summary(self.benchmarks),
                "counting": self.counting, "pairs": self.pairs,
                "ratios": self.ratios, "rounds": self.rounds,
                "histograms": {n: sorted(h.items())
                               for n, h in self.histograms.items()}}


    def lost_updates(self):
        """What plots/ draws of increments without a lock, or None."""
        runs = [{"processes": int(arguments(e["name"])["procs"]),
                 "increments": int(e["increments"]), "lost": int(e["lost"]),
                 "cpus": int(self.context["cpus"])}
                for e in self.benchmarks if "lost" in e]
        return {"runs": runs} if runs else None


def check_folder(option, folder):
    """Fail now, not after ten minutes."""
    try:
        os.makedirs(folder, exist_ok=True)
        probe = os.path.join(folder, f".part-{os.getpid()}")
        with open(probe, "w"):
            pass
        os.unlink(probe)
    except OSError as e:
        raise Failure(f"{option} {folder}: {e.strerror}")


def write(path, data):
    """All of it or nothing."""
    fd, part = tempfile.mkstemp(prefix=".part-", dir=os.path.dirname(path))
    try:
        with os.fdopen(fd, "w") as f:
            json.dump(data, f, indent=1)
            f.write("\n")
        os.chmod(part, 0o644)
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise

