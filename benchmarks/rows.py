"""The rows of scoreboard.py: figures, and what they are held against.

A new row: a line in one of the functions below, or a function, which then
stands in ROWS.  Goals come from the prototypes that were measured before any
of this was written.
"""
import metg
from families import how
from results import value

# ---- figures: what a row is made of ----------------------------------------

FAMILY = {"semaphore": "waiting", "condition": "waiting", "event": "waiting",
          "barrier": "waiting"}


def family_of(cell):
    first = cell.split("/")[0]
    return FAMILY.get(first, first)


class Time:
    """The time of an operation, of one benchmark ("cell")."""
    unit, better, counting = "ns", "less", False

    def __init__(self, cell):
        self.cells, self.name = [cell], how(cell)

    def values(self, found):
        """{repetition: the figure}"""
        cell = self.cells[0]
        return found[family_of(cell), self.counting].values(cell, self.of)

    def of(self, entry):
        return value(entry)


class Share(Time):
    """The most operations of one process in 100 ms, to the fewest."""
    unit = "max/min"

    def of(self, entry):
        return entry["share_max_min"]


class Futexes(Time):
    """Calls of futex, from a run with counters on."""
    unit, counting = "calls per million", True

    def of(self, entry):
        return entry["futexes"] * 1e6 if "futexes" in entry else None


class Calls(Time):
    """System calls per message, from a run with counters on."""
    unit, counting = "calls", True

    def of(self, entry):
        return entry.get("syscalls")


class Metg(Time):
    """METG(50 %) of a way to run tasks, from some of its lengths."""

    def __init__(self, way, lengths):
        self.cells = [f"grain/{way}/task_ns:{t}/procs:2" for t in lengths]
        self.name = way

    def values(self, found):
        curves = {}
        for cell in self.cells:
            for rep, p in found["grain", False].values(cell,
                                                       metg.point).items():
                curves.setdefault(rep, []).append(p)
        crossings = {rep: metg.crossing(points)
                     for rep, points in curves.items()
                     if len(points) == len(self.cells)}
        return {rep: c[0] for rep, c in crossings.items() if c is not None}


class Speedup(Time):
    """The time of one cell divided by that of another."""
    unit, better = "times", "more"

    def __init__(self, base, cell):
        self.cells, self.name = [base, cell], how(cell)

    def values(self, found):
        a, b = (found[family_of(c), False].values(c, value)
                for c in self.cells)
        return {rep: a[rep] / b[rep] for rep in a if rep in b}


# ---- rows ------------------------------------------------------------------

class Row:
    """goal: ("<=" or ">=", number).  of: what the ratio is to, "peer" or
    "limit"; "itself": the goal is for our figure as it stands.
    With "<=" the ratio is ours / other, with ">=" how much better we are."""

    def __init__(self, name, ours, peers, limit, goal, of="peer"):
        self.name, self.ours, self.peers, self.limit = name, ours, peers, limit
        (self.sense, self.goal), self.of = goal, of

    def figures(self):
        return [self.ours, *self.peers, *([self.limit] if self.limit else [])]

    def reached(self, x):
        return x <= self.goal if self.sense == "<=" else x >= self.goal


def start_and_join():
    cell = "process/{}/parent_MiB:0/place:same".format
    yield Row("process start + join", Time(cell("mp_process")),
              [Time(cell("python_process"))], Time(cell("fork")),
              ("<=", 1.05), of="limit")


def speedup():
    def of(how, base="sequential"):
        return Speedup(f"speedup/factorial/{base}/procs:1",
                       f"speedup/factorial/{how}/procs:2")
    for mine, words in (("mp_process", ""), ("mp_pool", ": pool")):
        yield Row("speedup by 2" + words, of(mine),
                  [of("python_pool", "python_sequential")], of("fork_stride"),
                  (">=", 0.98), of="limit")


def pools():
    """Each of two workers."""
    cell = "pool/{}/{}".format
    yield Row("map, nothing to do", Time(cell("noop_map", "mp_pool")),
              [Time(cell("noop_map", "openmp_dynamic"))],
              Time(cell("noop_map", "fetch_add")), ("<=", 1.1))
    short = 10, 16, 20, 25, 32, 40, 50, 64, 100, 250, 1000
    yield Row("map, METG(50 %)", Metg("mp_pool_chunk1", short),
              [Metg("openmp_dynamic", short)], Metg("fork_index", short),
              ("<=", 1.1))
    yield Row("messages, METG(50 %)",
              Metg("mp_pool_submit",
                   (100, 250, 400, 640, 1000, 4000, 16000)),
              [Metg("python_pool_chunk1", (16000, 64000, 250000))], None,
              ("<=", 700), of="itself")
    yield Row("apply, asleep", Time(cell("apply_asleep", "mp_pool")),
              [Time(cell("apply_asleep", "python_pool"))],
              Time("latency/futex/place:cross/pace:1ms"), ("<=", 0.3))
    yield Row("apply, awake", Time(cell("apply_awake", "mp_pool")),
              [Time(cell("apply_awake", "python_pool"))],
              Time("latency/spin/place:cross/pace:busy"), ("<=", 2000),
              of="itself")
    yield Row("pool made and ended", Time(cell("create", "mp_pool")),
              [Time(cell("create", "python_pool"))],
              Time(cell("create", "fork")), (">=", 15))
    cell = "process/{}/parent_MiB:{}/place:same".format
    yield Row("fork server, 1 GiB", Time(cell("mp_forkserver", 1024)),
              [Time(cell("python_process", 1024))], Time(cell("fork", 0)),
              (">=", 150))


def lock_alone():
    cell = "lock/alone/{}".format
    for mine, words in (("rawmp", "alone"), ("rawmp_call", ".so")):
        for peer, kind, goal in (("pthread", "normal", 0.8),
                                 ("pthread_robust", "robust", 0.55)):
            yield Row(f"lock {words}: {kind}", Time(cell(mine)),
                      [Time(cell(peer))], Time(cell("fetch_add")),
                      ("<=", goal))


def lock_contended():
    """Of the spin lock only where there may be a CPU for each process: beyond
    that it starves, and takes seconds to end.  The mutex with priority
    inheritance is 50 to 900 times slower than the others."""
    kinds = ["pthread", "pthread_adaptive", "pthread_robust"]
    for work in ("none", "short", "long"):
        for n in (2, 4, 8):
            cell = f"lock/contended/{{}}/procs:{n}/work:{work}".format
            peers = kinds + (["pthread_spin"] if n == 2 else [])
            words = "no" if work == "none" else work
            yield Row(f"lock {n}, {words} work", Time(cell("rawmp")),
                      [Time(cell(p)) for p in peers], Time(cell("fetch_add")),
                      (">=", 2 if work == "none" else 0.95))
    for figure, words, goal in ((Share, "max/min", 3),
                                (Futexes, "futex", 2000)):
        for n in (2, 4, 8):
            cell = f"lock/contended/{{}}/procs:{n}/work:none".format
            yield Row(f"lock {n}, {words}", figure(cell("rawmp")),
                      [figure(cell(p)) for p in kinds],
                      figure(cell("fetch_add")) if figure is Share else None,
                      ("<=", goal), of="itself")


def increments():
    cell = "lock/increments/{}/procs:4".format
    for peer, goal in (("python", (">=", 100)), ("pthread", ("<=", 0.5))):
        yield Row(f"400,000: {peer.title() if peer == 'python' else peer}",
                  Time(cell("rawmp")), [Time(cell(peer))],
                  Time(cell("fetch_add")), goal)


def waiting():
    cell = "semaphore/pair/{}".format
    for mine, words in (("rawmp", "pair"), ("rawmp_call", ".so")):
        yield Row(f"semaphore {words}", Time(cell(mine)), [Time(cell("sem"))],
                  Time(cell("atomics")), ("<=", 0.9))
    for what, peer, goal in (("condition", "pthread", 0.75),
                             ("condition", "python", 0.4),
                             ("event", "python", 0.4)):
        cell = f"{what}/round_trip/{{}}/place:same".format
        yield Row(f"{what}: {peer}", Time(cell("rawmp")), [Time(cell(peer))],
                  Time(cell("futex")), ("<=", goal))
    for n in (2, 4, 8):
        cell = f"barrier/phase/{{}}/parties:{n}".format
        for peer, goal in (("pthread", 1.15), ("python", 0.15)):
            yield Row(f"barrier {n}: {peer}", Time(cell("rawmp")),
                      [Time(cell(peer))], Time(cell("futex")), ("<=", goal))


def killed_holder():
    for place in "same", "cross":
        cell = f"lock/killed_holder/{{}}/place:{place}".format
        yield Row(f"killed holder, {place}", Time(cell("rawmp")),
                  [Time(cell("pthread_robust"))], None, ("<=", 1.0))


def round_trips():
    cell = "latency/{}/place:{}/pace:{}".format
    for place, pace, limit, goal, of in (
            ("cross", "busy", "spin", 1.2, "limit"),
            ("same", "busy", "yield", 1.1, "limit"),
            ("cross", "1ms", "futex", 1.05, "limit")):
        peers = ["pipe", "socketpair_stream", "posix_sem", "boost", "zeromq",
                 "nng", "python_pipe"] + (["futex"] if limit != "futex" else [])
        words = pace.replace("1ms", "each ms") if pace != "busy" else place
        yield Row(f"round trip, {words}", Time(cell("rawmp_pipe", place, pace)),
                  [Time(cell(p, place, pace)) for p in peers],
                  Time(cell(limit, place, pace)), ("<=", goal), of=of)


def queues():
    """Rates as times: of one message."""
    cell = "queue/{}/shape:{}/capacity:{}".format
    for shape in "1P1C", "2P2C", "4P4C":
        for peer, words, goal in (("boost", "Boost", 2.5),
                                  ("python_queue", "Python", 60),
                                  ("ring", "ring", 0.7)):
            yield Row(f"queue {shape}: {words}", Time(cell("rawmp", shape, 1024)),
                      [Time(cell(peer, shape, 1024))],
                      Time(cell("ring", shape, 1024)), (">=", goal))
        for capacity, goal in ((16, 10), (32768, 4)):
            yield Row(f"{shape}, {capacity}: Boost",
                      Time(cell("rawmp", shape, capacity)),
                      [Time(cell("boost", shape, capacity))],
                      Time(cell("ring", shape, capacity)), (">=", goal))


def pipes():
    cell = "throughput/{}/bytes:{}/buffer:{}".format
    yield Row("pipe 64 B, 64 KiB", Time(cell("rawmp_pipe", 64, "64K")),
              [Time(cell("pipe", 64, "64K"))], Time(cell("ring", 64, "64K")),
              (">=", 5))
    for bytes_, words in ((64, "64 B"), (4096, "4 KiB"), (65536, "64 KiB"),
                          (1048576, "1 MiB")):
        peers = [cell(*p) for p in (
            ("pipe", bytes_, "64K"), ("pipe", bytes_, "1M"),
            ("socketpair_stream", bytes_, "1M"), ("vmsplice", bytes_, "1M"),
            ("process_vm_readv", bytes_, "4M"), ("boost", bytes_, "4M"),
            ("zeromq", bytes_, "4M"), ("nng", bytes_, "4M"))]
        yield Row(f"pipe {words}, 4 MiB", Time(cell("rawmp_pipe", bytes_, "4M")),
                  [Time(p) for p in peers], Time(cell("memcpy", bytes_, "4M")),
                  (">=", 1.5))


def managers():
    """Rates as times: of an operation of all clients together."""
    cell = "manager/{}/{}/clients:{}/place:{}".format
    limit = {"same": Time("latency/yield/place:same/pace:busy"),
             "cross": Time("latency/spin/place:cross/pace:busy")}
    for place, redis, python in ("same", 3.5, 6), ("cross", 100, 100):
        for peer, words, goal in (("redis", "Redis", redis),
                                  ("python_manager", "Python", python)):
            yield Row(f"get, {place}: {words}",
                      Time(cell("get", "mp_manager", 1, place)),
                      [Time(cell("get", peer, 1, place))], limit[place],
                      (">=", goal))
    paced = "/paced_ns:1000000"
    yield Row("get, each ms: Redis",
              Time(cell("get", "mp_manager", 1, "cross") + paced),
              [Time(cell("get", "redis", 1, "cross") + paced)],
              Time("latency/futex/place:cross/pace:1ms"), ("<=", 1.0))
    for n in 2, 4:
        yield Row(f"get by {n}: Redis",
                  Time(cell("get", "mp_manager", n, "free")),
                  [Time(cell("get", "redis", n, "free"))], None, (">=", 5))
    for what in "get", "set":
        for peer, words, goal in (("python_manager", "Python", 500),
                                  ("redis", "Redis", 300)):
            yield Row(f"dict {what}: {words}",
                      Time(cell(what, "mp_dict", 1, "free")),
                      [Time(cell(what, peer, 1, "free"))], None, (">=", goal))
        two = [Speedup(cell(what, how, 1, "free"), cell(what, how, 2, "free"))
               for how in ("mp_dict", "python_manager")]
        yield Row(f"dict {what}: by two", two[0], two[1:], None,
                  (">=", 1.8), of="itself")


def system_calls():
    """In the steady state: what is left are sleeps and wakes."""
    for words, mine, peer in (
            ("pipe", "throughput/rawmp_pipe/bytes:64/buffer:4M",
             "throughput/pipe/bytes:64/buffer:1M"),
            ("queue", "queue/rawmp/shape:1P1C/capacity:1024",
             "queue/python_queue/shape:1P1C/capacity:1024"),
            ("get", "manager/get/mp_manager/clients:1/place:cross",
             "manager/get/python_manager/clients:1/place:cross"),
            ("map", "pool/noop_map/mp_pool", "pool/noop_map/python_pool")):
        yield Row(f"{words}: system calls", Calls(mine), [Calls(peer)], None,
                  ("<=", 0.01), of="itself")


ROWS = [row for table in (start_and_join, speedup, pools, lock_alone,
                          lock_contended, increments, killed_holder, waiting,
                          round_trips, queues, pipes, managers, system_calls)
        for row in table()]
