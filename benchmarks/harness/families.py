"""What run.py knows of each family: how to slice a round, what to compare.

A new family is a program of that name beside run.py (benchmarks/NAME.c), and
an entry here.
"""
import re


class Family:
    """slices: regular expressions; each is a program run of its own in a round.
    slow: cells that take part in `slow_rounds` rounds only.
    few: which cells --brief measures, if no filter chooses (all).
    ours: which cells compare.py judges, if no filter chooses (all).
    ratios: (words, numerator, denominator, goal): measured in extra rounds
    that hold nothing else (sliced in the same way)."""

    def __init__(self, name, brief, full, slices=("",), slow=None, few=None,
                 ours="", ratios=()):
        self.name = name
        self.settings = {"brief": brief, "full": full}
        self.slices = [re.compile(s) for s in slices]
        self.slow, self.few, self.ratios = slow, few, ratios
        self.ours = re.compile(ours)

    def sliced(self, names, rng):
        """The names of each program run of a round, the runs in random order."""
        for part in rng.sample(self.slices, len(self.slices)):
            mine = [n for n in names if part.search(n)]
            if mine:
                yield mine


FAMILIES = {f.name: f for f in (
    Family(
        "process",
        brief=dict(rounds=5, slow_rounds=5, pairs=10, min_time=0.02,
                   options=[]),
        full=dict(rounds=11, slow_rounds=11, pairs=15, min_time=0.1,
                  options=[]),
        # After one thread, each fork of a process takes 1.4 times as long: apart.
        slices=("/(?!thread)[a-z_0-9]+/parent_MiB:0/",
                "/(?!thread)[a-z_0-9]+/parent_MiB:128/",
                "/(?!thread)[a-z_0-9]+/parent_MiB:1024/", "/thread/"),
        ratios=[(f"start + join, {place}: mp_process / fork",
                 f"process/mp_process/parent_MiB:0/place:{place}",
                 f"process/fork/parent_MiB:0/place:{place}",
                 ("<=", 1.15)) for place in ("same", "cross", "free")]),
    Family(
        "speedup",
        brief=dict(rounds=5, slow_rounds=3, pairs=15, min_time=0.02,
                   options=["--last=5999", "--primes=700000",
                            "--mandelbrot=256", "--image=96",
                            "--wordcount=8192", "--sleeping=3",
                            "--irregular=8000"]),
        full=dict(rounds=9, slow_rounds=5, pairs=21, min_time=0.02,
                  options=[]),
        # A process each: the input of one would make the other's forks dearer.
        slices=["/factorial/", "/primes/", "/mandelbrot/", "/image/",
                "/wordcount/", "/sleeping/", "/irregular/"],
        slow=re.compile("/python_|/(?!factorial)[a-z]+/"
                        "(threads|fork_task|fork_block|fork_stride)/"),
        few=re.compile("/factorial/(?!fork_task|python_executor)|"
                       "/(sequential|openmp|fork_index|mp_pool|"
                       "python_sequential|python_pool)/"),
        ours="/factorial/(?!openmp|fork_task|python)|"
             "/(primes|irregular)/(sequential|mp_pool)/",
        ratios=[("speed, 2 processes: mp_process / fork_stride",
                 "speedup/factorial/fork_stride/procs:2",
                 "speedup/factorial/mp_process/procs:2",
                 (">=", 0.98)),
                ("speed, 2 processes: mp_pool / fork_index",
                 "speedup/primes/fork_index/procs:2",
                 "speedup/primes/mp_pool/procs:2",
                 (">=", 0.98))]),
    Family(
        "lock",
        brief=dict(rounds=5, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--windows=1"]),
        full=dict(rounds=9, slow_rounds=5, pairs=0, min_time=0.05,
                  options=["--windows=2"]),
        slow=re.compile("/(contended|increments|killed_holder|lost_updates)/"),
        # 184 cells of contention, a tenth of a second each: those that a
        # reader looks for first.
        few=re.compile(
            "/(alone|lost_updates|killed_holder)/|"
            "increments/(?!pthread_pi|eventfd|flock|python_raw)|"
            "contended/(fetch_add|futex3|rawmp|pthread|pthread_adaptive|"
            "pthread_robust)/.*work:none|"
            "contended/(rawmp|pthread|pthread_adaptive|pthread_robust)/"
            "procs:[248]/work:short"),
        ours="(alone|increments)/rawmp|killed_holder/rawmp/place:same"),
    Family(
        "latency",
        brief=dict(rounds=3, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--ms=15"]),
        full=dict(rounds=9, slow_rounds=5, pairs=0, min_time=0.01,
                  options=["--ms=60"]),
        slow=re.compile("/python|pace:1ms|place:free"),
        few=re.compile("place:(same|cross)/pace:busy|place:cross/pace:1ms"),
        ours="/rawmp_.*/place:(same|cross)/pace:busy"),
    Family(
        "throughput",
        brief=dict(rounds=3, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--ms=15"]),
        full=dict(rounds=9, slow_rounds=5, pairs=0, min_time=0.01,
                  options=["--ms=60"]),
        slow=re.compile("/(python_|zeromq|nng)"),
        # Ours and the limits with 4 MiB, where they have them.
        few=re.compile("(rawmp_pipe|rawmp_queue|memcpy|ring|boost)/.*buffer:4M|"
                       "/(pipe|socketpair_.*|tcp|.*_mq|vmsplice|.*readv|python_.*|"
                       "zeromq|nng)/bytes"),
        ours="/rawmp_.*/buffer:4M"),
    Family(
        "queue",
        brief=dict(rounds=3, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--ms=15"]),
        full=dict(rounds=9, slow_rounds=5, pairs=0, min_time=0.01,
                  options=["--ms=60"]),
        slow=re.compile("/(python_|posix_mq|seqpacket|mutex_cond)"),
        few=re.compile("shape:(1P1C|2P2C|4P4C)/|capacity:1024"),
        ours="/rawmp/"),
    Family(
        "manager",
        brief=dict(rounds=3, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--ms=15", "--windows=1"]),
        full=dict(rounds=5, slow_rounds=3, pairs=0, min_time=0.01,
                  options=["--ms=40", "--windows=1"]),
        slow=re.compile("/(python_manager|redis_benchmark.*|hiredis|"
                        "libmemcached|mp_manager_tcp)/|clients:16|paced"),
        # Who keeps it, and how many come; each case by one client.
        few=re.compile(
            "/get/(mp_manager|mp_dict|redis|python_manager)/"
            "clients:(1/place:(same|cross)|[24]/place:free)|"
            "/get/(mp_manager_unix|mp_manager_tcp|redis_p16|memcached)/"
            "clients:1/place:cross$|"
            "/(get|set|append|counter|lock)/(mp_manager|mp_dict|mp_list|mp_lock|"
            "redis|python_manager)/clients:1/place:free"),
        ours="/mp_[a-z]+/clients:1/place:(same|free)$"),
    Family(
        "waiting",
        brief=dict(rounds=5, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--windows=1"]),
        full=dict(rounds=11, slow_rounds=11, pairs=0, min_time=0.1,
                  options=["--windows=3"]),
        slow=re.compile("/python|/throttle/"),
        ours="/rawmp(_call)?(/place:same|/parties:.*)?$"),
    Family(
        "grain",
        brief=dict(rounds=3, slow_rounds=2, pairs=0, min_time=0.01,
                   options=["--ms=2"]),
        full=dict(rounds=7, slow_rounds=5, pairs=0, min_time=0.01,
                  options=["--ms=10"]),
        slow=re.compile("/python_"),
        # Where the curves rise.
        few=re.compile(
            "/(openmp_dynamic|mp_pool_chunk1)/task_ns:(10|25|50|100|400)/|"
            "/mp_pool/task_ns:(5|10|32|100)/|"
            "/mp_pool_submit/task_ns:(100|400|1000|4000)/|"
            "/python_pool_chunk1/task_ns:(16000|64000|250000)/"),
        ours="/mp_pool(_chunk1|_submit)?/task_ns:(25|100|1000)/"),
    Family(
        "pool",
        brief=dict(rounds=3, slow_rounds=2, pairs=0, min_time=0.02,
                   options=[]),
        full=dict(rounds=11, slow_rounds=5, pairs=0, min_time=0.05,
                  options=[]),
        slow=re.compile("/python_"),
        few=re.compile("/(?!python_executor|mp_pool_auto)[a-z0-9_]+$"),
        ours="/mp_pool"),
)}


def bare(name):
    """Without what Google Benchmark appends."""
    return re.sub(r"/(manual_time|real_time|iterations:1)(?=$|/)", "", name)


def case(name):
    """lock/contended/rawmp/procs:2/work:none -> lock/contended"""
    parts = [p for p in bare(name).split("/") if ":" not in p]
    return "/".join(parts[:-1])


def how(name):
    """process/fork/parent_MiB:0/place:same -> fork"""
    parts = [p for p in bare(name).split("/") if ":" not in p]
    return parts[-1]


def arguments(name):
    return dict(p.split(":", 1) for p in bare(name).split("/") if ":" in p)
