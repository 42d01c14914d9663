#!/usr/bin/env bats
# plots/: speedup of several workloads, grain, pool, a pool's timeline, results of
# other machines; from results that the cases make themselves.

load helper
load plots

# Results whose ratios are round numbers, on two CPUs. Factorials: by index and
# by mp_pool 2.00x, by blocks 1.25x (s = 60 %), a process a task 1.82x (10 %),
# Python's Pool 1.60x (25 %); images 1.60x whatever one does; sleeping tasks 4x.
# Half of the time is work: mp_pool, one at a time, from 31.6 ns on, OpenMP 316 ns,
# Python 316 us. A task there and back: mp_pool 2 us, Python 200.
setup_file() {
    plots_file
    python3 - "$F" <<'EOF'
import json, os, sys
d = sys.argv[1]
os.mkdir(d + "/others")

def context(cpus, **more):
    return dict({"date": "2026-01-02T03:04:05+00:00", "host_name": "box", "num_cpus": cpus,
                 "cpus": str(cpus), "brief": False, "counters": {"syscalls": "ok"}, "machine": {
                     "machine": {"cpu model": "Abacus %d" % cpus, "cpus online": cpus,
                                 "kernel": "6.1"}}}, **more)

def entry(name, ns, turn, **more):
    ns *= 1 + 0.001 * (turn - 3)
    name += "/manual_time"
    return dict(name=name, run_name=name, run_type="iteration", repetition_index=turn,
                round=turn, loud=False, few_cpus=False, real_time=ns, time_unit="ns", **more)

def skipped(name, why):
    return dict(name=name, run_name=name, run_type="iteration", real_time=0, time_unit="ns",
                error_occurred=True, error_message="skipped: " + why)

def write(name, cpus, rows, more={}, **beside):
    json.dump(dict(context=context(cpus, **more), benchmarks=rows, **beside),
              open("%s/%s.json" % (d, name), "w"))

WORK = {"factorial": {"sequential": {1: 1000}, "fork_index": {2: 500}, "fork_block": {2: 800},
                      "fork_task": {2: 550}, "mp_pool": {1: 1000, 2: 500, 4: 500},
                      "python_sequential": {1: 2000}, "python_pool": {2: 1250}},
        "image": {"sequential": {1: 1000}, "fork_index": {2: 625}, "fork_block": {2: 800},
                  "mp_pool": {1: 1000, 2: 625, 4: 650}, "python_sequential": {1: 150},
                  "python_pool": {2: 100}},
        "sleeping": {"sequential": {1: 1000}, "mp_pool": {2: 500, 4: 250}},
        "wordcount": {"sequential": {1: 1000}}}
rows = [entry("speedup/%s/%s/procs:%d" % (w, how, n), ms * 1e6, turn) for turn in range(7)
        for w, hows in WORK.items() for how, by in hows.items() for n, ms in by.items()]
rows.append(skipped("speedup/primes/openmp/procs:1", "built without <OpenMP>"))
write("speedup", 2, rows, {"workload.image": "48 <files>", "workload.image.python": "5 <files>",
                           "workload.factorial": 7})

TASKS = (10, 100, 1000, 10000, 100000, 1000000)
CURVES = {"mp_pool_chunk1": (.25, .75, .9, .95, .98, .98),
          "openmp_dynamic": (.1, .25, .75, .9, .95, .98), "openmp_static": (.8,) * 6,
          "mp_imap": (.1,) * 6, "mp_pool_submit": (None, .25, .75, .9, .95, .96),
          "python_pool_chunk1": (None, None, .01, .1, .25, .75)}
def curves(procs):
    return [entry("grain/%s/task_ns:%d/procs:%d" % (how, t, procs), t / e / procs, turn,
                  ns_per_task=t / e / procs, serial_ns=float(t), efficiency=e)
            for turn in range(7) for how, es in CURVES.items()
            for t, e in zip(TASKS, es) if e is not None]

def metg(how, ns, exact=True):
    rows = [entry("grain_metg/%s/procs:2" % how, ns, turn) for turn in range(7)]
    return [dict(r, metg_ns=r["real_time"], exact=exact) for r in rows]

write("grain", 2, curves(2) + metg("mp_pool_submit", 400) + [
    skipped("grain/python_executor/task_ns:1000/procs:2", "no Python <3>")])
write("others/big", 16, curves(16))

rows = []
for case, by in {"noop_map": {"fetch_add": 10, "mp_pool": 20, "openmp_dynamic": 25,
                              "python_pool": 20000},
                 "apply_awake": {"mp_pool": 2e3, "python_pool": 200e3},
                 "create": {"mp_pool": 500e3, "fork": 400e3, "python_pool": 10e6}}.items():
    for how, ns in by.items():
        rows += [entry("pool/%s/%s" % (case, how), ns, turn, **(
            dict(p50=ns, p99=3 * ns, n=1000) if "apply" in case else {})) for turn in range(7)]
rows += [entry("pool/noop_map/mp_pool_auto", 2, turn) for turn in range(7)]
rows.append(skipped("pool/map2/python_pool", "no Python <3>"))
write("pool", 2, rows, counting=[{"name": "pool/apply_awake/mp_pool", "syscalls": 0.001}])

write("process", 2, [entry("process/%s/parent_MiB:%d/place:same" % (how, mib), us * 1e3, turn)
                     for turn in range(7) for how, by in (
                         ("fork", (100, 6000)), ("mp_forkserver", (150, 150)),
                         ("python_forkserver", (12000, 12000)))
                     for mib, us in zip((0, 1024), by)])

# Two workers; the second is killed at item 2 and replaced by one of the same name.
def lane(tid, name):
    return {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}

def span(tid, name, cat, start, end, **more):
    return dict(ph="X", pid=1, tid=tid, name=name, cat=cat, ts=start, dur=end - start, **more)

def mark(tid, name, ts):
    return {"ph": "i", "pid": 1, "tid": tid, "name": name, "s": "t", "ts": ts}

STILL = {"open": True}
events = [lane(1, "MainProcess"), span(1, "map", "wait", 0, 19000)]
for tid, name, start, end, items in ((11, "PoolWorker-1", 0, 20000, (0, 3, 2)),
                                     (12, "PoolWorker-2", 100, 8000, (1, 2)),
                                     (13, "PoolWorker-2", 8500, 20000, (4,))):
    events += [lane(tid, name), span(tid, name, "run", start, end, **(
        dict(args=STILL) if tid == 12 else {}))]
    for k, item in enumerate(items):
        at = start + 200 + 4000 * k
        killed = tid == 12 and item == 2
        events.append(span(tid, str(item), "run", at, 8000 if killed else at + 3900, **(
            dict(args=STILL) if killed else {})))
    events.append(mark(tid, "killed (signal 9)" if tid == 12 else "exited (0)", end))
json.dump({"dropped": 0, "traceEvents": events}, open(d + "/crew.json", "w"))
EOF
    mkdir -p "$F/results" "$F/trace" "$F/progress"
    cp "$F"/{speedup,grain,pool}.json "$F/results"
    cp "$F/crew.json" "$F/trace/02.json"
}

setup() {
    leak_setup
    plots_setup
    cp -r "$F"/* "$D"
}

# Sentences without what keeps words together.
said() {
    plots_python "$@" >"$D/said" || { cat "$D/said"; return 1; }
    sed 's/\xc2\xa0/ /g' "$D/said"
}

@test "every tool has --help, and says 2 without a file or with an unknown option" {
    usages workloads grain pool
}

@test "each picture names what it shows, and has the same bytes elsewhere" {
    needs_matplotlib
    cat >"$D/pictures" <<'EOF'
works|workloads|@/speedup.json|factorial;image;sleeping;mp_pool;fork by blocks;Python Pool;2×;4×;processes
one|speedup|@/speedup.json --workload image|mp_pool;ideal;all 2 CPUs;fork by index
grain|grain|@/grain.json|50 %;mp_pool chunk 1: 31.6 ns;OpenMP dynamic: 316 ns;OpenMP static: below 10.0 ns;mp_imap: above 1.00 ms;mp_pool submit: 400 ns;10 ns;length of a task, alone
big|grain|@/others/big.json|Efficiency of 16 processes, by length of a task;Python Pool chunk 1: 316 µs
map|pool|@/pool.json --picture map|mp_pool;limit;20.0 µs;fetch_add;OpenMP dynamic
trips|pool|@/pool.json --picture trips|one task, workers awake;2.00 µs;200 µs;Python Pool
start|pool|@/pool.json --picture start|A pool made, used once and ended;mp_pool;10.0 ms;limit
server|process|@/process.json|mp_forkserver;fork server;12.0 ms;1 GiB
crew|timeline|@/crew.json|PoolWorker-2;PoolWorker-2 (2);is at an item;killed (signal 9);0;3
EOF
    same_bytes "$D/pictures"
}

@test "a tool by itself finds matplotlib and draws the same" {
    needs_matplotlib
    draws <<'EOF'
works|workloads|@/speedup.json|factorial
grain|grain|@/grain.json|50 %
EOF
    limit 60 python3 "$P/workloads.py" "$D/speedup.json" -o "$D/alone.svg"
    cmp "$D/works.svg" "$D/alone.svg"
    limit 60 python3 "$P/grain.py" "$D/grain.json" -o "$D/alone.svg"
    cmp "$D/grain.svg" "$D/alone.svg"
}

@test "files that are cut off, no JSON, empty, foreign or not there; nothing in them" {
    local tool file
    echo '{"context": {}, "benchmarks": []}' >"$D/none.json"
    for tool in workloads grain pool; do
        file=${tool/workloads/speedup}.json
        broken_files "$D/$file"
        {
            broken_lines "$tool" "make bench"
            echo "$tool|@/none.json|no measurement;make bench"
        } >"$D/$tool.lines"
        refusals <"$D/$tool.lines"
    done
    # Names that are none, efficiencies that are none.
    plots_python "$D" <<'EOF'
d = sys.argv[1]
row = lambda name, **more: dict(dict(name=name, real_time=5, time_unit="ns"), **more)
for file, rows in (("odd", [row("grain/x"), row("grain/y/task_ns:-5/procs:2", efficiency=1),
                            row("grain_metg/y/procs:2", metg_ns=5)]),
                   ("nan", [row("grain/y/task_ns:50/procs:2", efficiency=float("nan")),
                            row("grain/y/task_ns:60/procs:2", efficiency=float("inf")),
                            row("grain/y/task_ns:70/procs:2", efficiency=-1)]),
                   ("case", [row("pool/x/y"), row("pool/noop_map")]),
                   ("base", [row("speedup/image/mp_pool/procs:2")])):
    json.dump({"benchmarks": rows}, open("%s/%s.json" % (d, file), "w"))
EOF
    refusals <<'EOF'
grain|@/odd.json|no efficiency in it;make bench
grain|@/nan.json|no efficiency in it;make bench
pool|@/case.json|names do not read pool/
workloads|@/base.json|nothing to divide
grain|@/pool.json|family pool;grain.json
pool|@/grain.json|pool.json
workloads|@/grain.json|speedup.json
EOF
}

@test "a picture that the results do not hold, a place that cannot be written" {
    needs_matplotlib
    : >"$D/file"
    plots_python "$D/pool.json" <<'EOF'
data = json.load(open(sys.argv[1]))
data["benchmarks"] = [e for e in data["benchmarks"] if "noop_map" in e["name"]]
json.dump(data, open(sys.argv[1] + ".part", "w"))
EOF
    refusals <<'EOF'
grain|@/grain.json --procs 9|procs:9;it has 2
pool|@/pool.json.part --picture trips|nothing of trips;apply_awake;make bench
speedup|@/speedup.json --workload none|none;factorial
grain|@/grain.json -o @/file/out.svg|out.svg;cannot write
pool|@/pool.json -o @|folder
EOF
}

@test "sentences about several workloads are those of the numbers" {
    has "$(said "$D/speedup.json" <<'EOF'
res = results.read([sys.argv[1]], "speedup")
sps = speedup.several(res)
ws = workloads.Workloads(sps)
print([sp.workload for sp in ws.all])
print("\n".join(ws.caption()))
for sp in ws.all:
    print(sp.workload, "-", " ".join(amdahl.parts(sp, brief=True)))
print(amdahl.words(ws.get("factorial")))
print(ws.get("sleeping").method("mp_pool").fit_counts, ws.get("image").method("mp_pool").fit_counts)
for f in findings.all_of(speedup=sps):
    print(f.sentence)
EOF
)" \
        "['factorial', 'image', 'sleeping']" \
        "With two processes on two CPUs, mp_pool reaches 1.60× [1.60, 1.60] (image) to 2.00×" \
        "no difference can be told in factorial and image" \
        "No way in C brings image below s = 25 % [25, 25]; factorials, pure computing, come to 0.0 %" \
        "Sleeping tasks need no CPU: with four processes, mp_pool reaches 4.00× [4.00, 4.00]." \
        "factorial - fork by blocks 60 % [60, 60], fork by index 0.0 % [0.0, 0.0]: uneven shares (large numbers take longer)." \
        "fork per task: 10 % [10, 10]; what lies above fork by index is a start and an end for each task." \
        "Python Pool: 25 % [25, 25], mp_pool 0.0 % [0.0, 0.0]." "no serial part can be seen" \
        "image - fork by blocks 60 % [60, 60], fork by index 25 % [25, 25]: how the tasks are handed out." \
        "25 % [25, 25], may be starting the workers, or memory, which all CPUs share" \
        "what lies between is not serial code but uneven shares (large numbers take longer), processes that are done early and wait." \
        "[2, 4] [2]" \
        "Factorial: Tasks handed out as contiguous blocks need 1.60×" \
        "Factorial: Python’s Pool needs 2.50×"
    # Python's images are fewer: their time is not held against ours.
    run grep -E "Image: Python|image - .*Each stands" "$D/said"
    [ "$status" -eq 1 ]
}

@test "what a serial fraction consists of is said only where two ways show it" {
    said "$D/speedup.json" >"$D/text" <<'EOF'
data = json.load(open(sys.argv[1]))
def brief(change):
    changed = json.loads(json.dumps(data))
    changed["benchmarks"] = [e for e in changed["benchmarks"] if change(e) is not False]
    json.dump(changed, open(sys.argv[1] + ".changed", "w"))
    res = results.read([sys.argv[1] + ".changed"], "speedup")
    sp = speedup.analyse(res, "factorial")
    return " ".join(amdahl.parts(sp, brief=True) + amdahl.parts(sp) + [amdahl.words(sp)])
def alike(e):
    if "/procs:2" in e["name"] and "factorial/" in e["name"]:
        e["real_time"] = (1250e6 if "python" in e["name"] else 700e6) * (
            1 + 0.05 * ((e["round"] * (3 if "index" in e["name"] else 5)) % 7 - 3))
print("alike:", brief(alike))
print("none:", brief(lambda e: "fork_index" not in e["name"] and "python" not in e["name"]))
print("once:", brief(lambda e: e.get("round") == 0))
EOF
    local what
    for what in alike none once; do
        run grep -E "^$what:.*(uneven|start and an end|pickling)" "$D/text"
        [ "$status" -eq 1 ]
    done
    has "$(grep '^once' "$D/text")" "too few rounds to tell more"
    run grep '^once.*can be seen' "$D/text"
    [ "$status" -eq 1 ]
    has "$(grep '^alike' "$D/text")" "the last and largest tasks"
    run grep -F '[' <(grep '^once' "$D/text")
    [ "$status" -eq 1 ]
}

@test "speedup: one point, one way, 64 CPUs and 128 processes: pictures and sentences all the same" {
    needs_matplotlib
    plots_python "$D/speedup.json" <<'EOF'
data = json.load(open(sys.argv[1]))
def write(name, rows):
    json.dump(dict(data, benchmarks=rows), open("%s.%s" % (sys.argv[1], name), "w"))
    return speedup.several(results.read(["%s.%s" % (sys.argv[1], name)], "speedup"))
rows = data["benchmarks"]
few = [e for e in rows if "sequential/" in e["name"] or "mp_pool/procs:1/" in e["name"]]
sps = write("point", few)
ws = workloads.Workloads(sps)
assert [sp.workload for sp in ws.all] == ["factorial", "image"] and not amdahl.fitted(sps[0])
assert "nothing to fit" in sps[0].fit_caption() and "mp_pool reaches 1.00×" in ws.caption()[0]
other = write("other", [e for e in rows if "mp_pool" not in e["name"]])
assert "mp_pool was not measured" in workloads.Workloads(other).caption()[0]
data["context"].update(cpus="64", num_cpus=64)
data["context"]["machine"]["machine"]["cpus online"] = 64
many = [dict(e, name="speedup/%s/mp_pool/procs:%d" % (w, n), run_name="", real_time=1e9 / min(
    n, 128 if w == "sleeping" else 64)) for e in rows if "factorial/sequential/" in e["name"]
    for w in ("factorial", "sleeping") for n in (1, 2, 4, 8, 16, 32, 64, 128)]
sps = write("many", many + [e for e in rows if "sequential" in e["name"]])
assert max(sps[0].counts) == 128 and sps[0].full == 64
assert abs(sps[0].method("mp_pool").fit.value) < 0.01
EOF
    draws <<'EOF'
a|workloads|@/speedup.json.point|factorial;image;mp_pool
b|workloads|@/speedup.json.other|factorial;fork by index
c|workloads|@/speedup.json.many|factorial;sleeping;64×;128×;128
d|speedup|@/speedup.json.many --workload factorial|all 64 CPUs;64×;128
e|speedup|@/speedup.json.point --workload image|mp_pool;ideal
EOF
}

@test "METG: where half of the time is work, on a logarithmic scale" {
    plots_python "$D/grain.json" <<'EOF'
from math import inf
cross = grain.crossed
assert cross([(10, .25), (1000, .75)]) == (100.0, True)
assert cross([(1000, .75), (10, .25)]) == (100.0, True)           # in any order
assert cross([(10, .5), (100, .9)]) == (10, False)                # from the first on
assert cross([(10, .1), (100, .49)]) is None and cross([]) is None
assert cross([(10, .1), (100, .5)]) == (100.0, True)
assert cross([(10, .4), (100, .6), (1000, .4), (10000, .9)])[0] < 100     # the first time
gr = grain.analyse(grain.read([sys.argv[1]]))
way = lambda how: gr.get(2, how)
e = way("mp_pool_chunk1").metg
assert abs(e.value - 10 ** 1.5) < 1e-6 and abs(e.lo - e.hi) < 1e-6, e
assert way("openmp_static").metg is None and way("openmp_static").always()
assert way("mp_imap").metg is None and not way("mp_imap").always()
assert abs(way("mp_pool_submit").metg.value - 400) < 1     # the file's own figure
assert gr.ratio(way("mp_imap"), way("mp_pool_chunk1")) is None
r = gr.ratio(way("openmp_dynamic"), way("mp_pool_chunk1"))
assert abs(r.value - 10) < 1e-6 and r.known(), r
# Efficiency is computed where it is not counted; nonsense is left out.
data = json.load(open(sys.argv[1]))
rows = [e for e in data["benchmarks"] if "mp_pool_chunk1" in e["name"]]
for e in rows:
    for key in ("efficiency", "serial_ns"):
        e.pop(key)
    if "task_ns:1000/" in e["name"]:
        e["efficiency"] = float("nan")
rows += [dict(e, name=n, run_name=n, ns_per_task=int(n.split(":")[1].split("/")[0]))
         for e in rows[:7] for n in ["grain/sequential/task_ns:%d/procs:1" % t
                                     for t in (10, 100, 1000, 10000, 100000)]]
data["benchmarks"] = rows
json.dump(data, open(sys.argv[1], "w"))
again = grain.analyse(grain.read([sys.argv[1]]))
e = again.get(2, "mp_pool_chunk1").metg
assert abs(e.value - 10 ** 1.5) < 0.2, e
assert 1000000 not in again.get(2, "mp_pool_chunk1").tasks
EOF
}

@test "sentences about grain are those of the numbers" {
    has "$(said "$D/grain.json" <<'EOF'
gr = grain.analyse(grain.read([sys.argv[1]]))
print("\n".join(gr.caption(2)))
for f in findings.all_of(grain=gr):
    print(f.sentence)
EOF
)" \
        "METG(50 %), the smallest task at which half of the processes’ time is work, with two processes: 31.6 ns for mp_pool chunk 1, 316 ns for OpenMP dynamic, 400 ns for mp_pool submit and 316 µs for Python Pool chunk 1." \
        "OpenMP static stays above 50 % even with the smallest task that was measured (10.0 ns)." \
        "mp_imap does not reach 50 % with the largest (1.00 ms)." \
        "Python Executor: n/a (no Python <3>)." \
        "Tasks taken one at a time: mp_pool chunk 1 needs a task of 31.6 ns, OpenMP dynamic of 316 ns, 10.0× [10.0, 10.0] as long." \
        "Python Pool chunk 1 needs tasks 10,000× [10,000, 10,000] as long as mp_pool chunk 1: 316 µs, 31.6 ns."
}

@test "grain: one way, one length, no crossing, a single round" {
    said "$D/grain.json" >"$D/text" <<'EOF'
data = json.load(open(sys.argv[1]))
def caption(name, keep):
    rows = [e for e in data["benchmarks"] if keep(e["name"], e.get("round", 0))]
    json.dump(dict(data, benchmarks=rows), open("%s.%s" % (sys.argv[1], name), "w"))
    gr = grain.analyse(grain.read(["%s.%s" % (sys.argv[1], name)]))
    print("%s:" % name, " ".join(gr.caption(2)), gr.repetitions())
caption("imap", lambda n, r: "mp_imap" in n)
caption("point", lambda n, r: "mp_pool_chunk1/task_ns:100/" in n)
caption("round", lambda n, r: r == 0 and "grain/mp_pool_chunk1" in n)
EOF
    has "$(cat "$D/text")" "imap: No curve crosses 50 %. mp_imap does not reach 50 %" \
        "point: No curve crosses 50 %." "round: METG(50 %)" "31.6 ns for mp_pool chunk 1. 1"
    run grep -F '[' "$D/text"
    [ "$status" -eq 1 ]
    needs_matplotlib
    draws <<'EOF'
a|grain|@/grain.json.imap|mp_imap: above 1.00 ms
b|grain|@/grain.json.point|100 ns
c|grain|@/grain.json.round|mp_pool chunk 1: 31.6 ns
EOF
}

@test "sentences about the pool are those of the numbers" {
    has "$(said "$D/pool.json" "$D/process.json" <<'EOF'
pl = pool.analyse(results.read([sys.argv[1]], "pool"))
for what in pool.PICTURES:
    print("\n".join(pl.caption(what)))
pr = process.analyse(results.read([sys.argv[2]], "process"))
for f in findings.all_of(pool=pl, process=pr):
    print(f.sentence)
EOF
)" \
        "From a parent of 1 GiB, Python’s fork server takes 80.0× [80.0, 80.0] the time of mp_forkserver to start and join a process: 12.0 ms, 150 µs." \
        "mp_forkserver 1.00×" \
        "mp_pool takes 20.0 ns; the fastest peer, OpenMP dynamic, 25.0 ns, 1.25× [1.25, 1.25] as much; Python Pool 20.0 µs, 1000× [1000, 1000] as much." \
        "With the chunk that mp_pool chooses an item takes 2.00 ns, 0.10× [0.10, 0.10] as long." \
        "The bare fetch_add, the limit, takes 10.0 ns; mp_pool takes 2.00× [2.00, 2.00] as long." \
        "mp_pool takes 2.00 µs; the fastest peer, Python Pool, 200 µs, 100× [100, 100] as much." \
        "Two forks, and waiting for them, the limit, takes 400 µs; mp_pool takes 1.25×" \
        "A pool of two, made, used once and ended: Python’s Pool takes 20.0× [20.0, 20.0] the time of mp_pool: 10.0 ms, 500 µs."
}

@test "sentences hold when ours is slower, cannot be told apart, or is not there" {
    said "$D/pool.json" >"$D/text" <<'EOF'
data = json.load(open(sys.argv[1]))
def text(change):
    changed = json.loads(json.dumps(data))
    changed["benchmarks"] = [e for e in changed["benchmarks"] if change(e) is not False]
    json.dump(changed, open(sys.argv[1] + ".changed", "w"))
    pl = pool.analyse(results.read([sys.argv[1] + ".changed"], "pool"))
    return " ".join([t for what in pool.PICTURES for t in pl.caption(what)]
                    + [f.sentence for f in findings.all_of(pool=pl)])
def slower(e):
    if "/mp_" in e["name"]:
        for key in ("real_time", "p50"):
            if key in e:
                e[key] *= 1000
def alike(e):
    for key in ("real_time", "p50"):
        if key in e:
            e[key] = 1e5 * 3.0 ** ((e.get("round", 0) * (5 if "/mp_" in e["name"] else 3)) % 7 - 3)
print("slower:", text(slower))
print("alike:", text(alike))
print("gone:", text(lambda e: "/mp_" not in e["name"]))
print("alone:", text(lambda e: "/mp_" in e["name"]))
print("one:", text(lambda e: "/mp_" in e["name"] and e.get("round") == 0))
EOF
    has "$(grep '^slower' "$D/text")" "mp_pool takes 20.0 µs; the fastest peer, OpenMP dynamic, 25.0 ns, 0.0013×"
    has "$(grep '^alike' "$D/text")" "cannot tell from no difference" "no difference can be told"
    has "$(grep '^gone' "$D/text")" "mp_pool was not measured; the fastest is OpenMP dynamic, 25.0 ns"
    run grep -E '^(alone|one):.*(peer|limit)' "$D/text"
    [ "$status" -eq 1 ]
    run grep -F '[' <(grep '^one' "$D/text")
    [ "$status" -eq 1 ]
}

@test "a pool's timeline: items, the killed worker, who replaces it" {
    has "$(said "$D/crew.json" <<'EOF'
tr = timeline.Trace(sys.argv[1])
print([x.name for x in tr.lanes])
assert "again" not in tr.caption()     # item 2 of PoolWorker-1 may be one of another map
print([len(x.of("work")) for x in tr.lanes], [len(x.of("run")) for x in tr.lanes])
print(tr.caption())
EOF
)" \
        "['MainProcess', 'PoolWorker-1', 'PoolWorker-2', 'PoolWorker-2 (2)']" \
        "[0, 3, 2, 1] [0, 1, 1, 1]" \
        "Items of work: six in three lanes, from one (PoolWorker-2 (2)) to three (PoolWorker-1)." \
        'PoolWorker-2 is killed (signal 9) at 8.00 ms, at “2”; PoolWorker-2 (2) begins 500 µs after that.'
    # Nobody takes the item up, nobody comes instead: nothing is claimed.
    has "$(said "$D/crew.json" <<'EOF'
data = json.load(open(sys.argv[1]))
data["traceEvents"] = [e for e in data["traceEvents"] if e["tid"] == 12]
json.dump(data, open(sys.argv[1], "w"))
print(timeline.Trace(sys.argv[1]).caption() + "|")
EOF
)" 'PoolWorker-2 is killed (signal 9) at 7.90 ms, at “2”.|' "Items of work: two, all of them of PoolWorker-2."
}

@test "the report: sections, tables and pictures of work shared out" {
    report --others "$D/nowhere"
    page_checks "$D/out/index.html"
    local text
    text=$(grep -o '<section id="[^"]*"' "$D/out/index.html" | cut -d'"' -f2 | tr '\n' ' ')
    echo "$text"
    [[ $text == "findings lesson-02 lessons scoreboard speedup grain pool process "*"queue manager ipc counters machine made " ]]
    has "$(page_text)" '<h3>With two processes</h3>' '>2.00×<span class="iv">[2.00, 2.00]</span><' \
        '>60 %<span class="iv">[60, 60]</span><' '<b>image</b>. fork by blocks 60 %' \
        'Not measured: primes, mandelbrot, irregular and wordcount.' \
        '<summary>image: 48 &lt;files&gt;</summary>' 'work is less: 5 &lt;files&gt;' \
        '<summary>factorial: factorials, each from scratch</summary>' \
        '>31.6 ns<span class="iv">[31.6 ns, 31.6 ns]</span><' '>&lt; 10.0 ns<' '>&gt; 1.00 ms<' \
        'Not measured: mp_pool, fork by index and Python Pool.' '>0.001<' \
        'n/a (no case apply asleep in the results; map2: Python Pool: n/a (no Python &lt;3&gt;))' \
        'PoolWorker-2 (2) begins 500 µs after that'
    run grep -F 'Another machine' "$D/out/index.html"
    [ "$status" -eq 1 ]
    if [ -n "$DRAW" ]; then
        # crew; workloads and one for each of three; grain; three of pool
        [ "$(grep -c '<figure>' "$D/out/index.html")" -eq 9 ]
    fi
}

@test "other machines: a section for each with its card, none without files" {
    cp "$D/speedup.json" "$D/others/a.json"
    python3 - "$D/others" <<'EOF'
import json, sys
d = sys.argv[1]
data = json.load(open(d + "/a.json"))
data["context"].update(cpus="64", num_cpus=64)
data["context"]["machine"]["machine"].update({"cpu model": "Huge <64>", "cpus online": 64})
json.dump(data, open(d + "/a.json", "w"))
json.dump({"context": {}, "benchmarks": [{"name": "magic/x", "real_time": 1}]},
          open(d + "/magic.json", "w"))
json.dump({"runs": []}, open(d + "/runs.json", "w"))
open(d + "/cut.json", "w").write('{"benchmarks": [')
EOF
    report
    page_checks "$D/out/index.html"
    has "$(page_text)" '<section id="other-1">' '<section id="other-2">' \
        '<h2>Another machine: 64 CPUs</h2>' '<h2>Another machine: 16 CPUs</h2>' \
        '<dd>Huge &lt;64&gt;</dd>' '<dd>Abacus 16</dd>' 'others/big.json' \
        'magic.json: no family that this page knows (magic)' 'runs.json: no benchmark results' \
        'cut.json: cut off' 'with 16 processes: 31.6 ns for mp_pool chunk 1'
    # What others measured is not among the findings of this machine.
    run grep -F '16 processes' <(sed -n '/id="findings"/,/<\/section>/p' "$D/out/index.html")
    [ "$status" -eq 1 ]
    rm "$D"/others/*
    report
    run grep -F 'Another machine' "$D/out/index.html"
    [ "$status" -eq 1 ]
    : >"$D/others/x.json"
    report
    has "$(page_text)" '<h2>Another machine</h2>' 'x.json: empty'
    run report --others "$D/crew.json"
    [ "$status" -eq 2 ]
    [[ $output == *"--others"*"not a folder"* ]]
}

@test "without matplotlib the report keeps sentences and tables; one broken file costs its own" {
    bare_python
    head -c 300 "$D/results/grain.json" >"$D/cut"
    mv "$D/cut" "$D/results/grain.json"
    rm "$D/results/pool.json"
    report --python "$D/bare"
    page_checks "$D/out/index.html"
    run grep -c '<svg' "$D/out/index.html"
    [ "$output" = 0 ]
    has "$(page_text)" 'grain.json: cut off' 'pool.json is not there' '1.60×' 'at items' \
        'Sleeping tasks need no CPU' 'uneven shares'
}

@test "every way has a name and a look of its own" {
    plots_python <<'EOF'
names = ("sequential threads openmp fork_task fork_block fork_stride fork_index mp_process mp_pool "
         "python_sequential python_pool python_executor openmp_dynamic openmp_static "
         "mp_pool_chunk1 mp_pool_submit mp_imap python_pool_chunk1 mp_pool_auto mp_forkserver").split()
looks = [style.HOW.get(n) for n in names]
assert all(looks), [n for n in names if n not in style.HOW]
assert len({x[0] for x in looks}) == len(names)
for group in (speedup.ORDER, grain.ORDER):      # told apart in one picture
    drawn = [style.how(n)[1:] for n in group]
    assert len(set(map(str, drawn))) == len(drawn), drawn
EOF
}
