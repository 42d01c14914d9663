#!/usr/bin/env bats
# plots/: the manager beside its peers, and the timeline of a server and its clients;
# from results that the cases make themselves.

load helper
load plots

# Results whose ratios are round numbers. A get takes mp_manager 2 us on one CPU and
# 1 us across two, memcached 9 and 30, Redis 8 and 40, Python 40 and 100; one each
# millisecond mp_manager 10 and 50, Redis 16 and 80. mp_dict takes 50 ns. Of one
# client the mean is twice the median: mp_manager answers 500 k requests a second,
# 16 clients 1 M.
setup_file() {
    plots_file
    python3 - "$F" <<'EOF'
import json, sys
d = sys.argv[1]
machine = {"machine": {"cpu model": "Abacus", "cpus online": 2, "kernel": "6.1"}}
context = {"date": "2026-01-02T03:04:05+00:00", "host_name": "box", "num_cpus": 2, "cpus": "2",
           "machine": machine, "brief": False, "counters": {"syscalls": "ok"}}

def skipped(name, why):
    return dict(name=name, run_name=name, run_type="iteration", real_time=0, time_unit="ns",
                error_occurred=True, error_message="skipped: " + why)

rows = []
def row(name, us, mean=None, **more):
    for turn in range(7):
        k = 1 + 0.001 * (turn - 3)
        rows.append(dict(
            name="manager/%s/manual_time" % name, run_name="manager/%s/manual_time" % name,
            run_type="iteration", repetition_index=turn, round=turn, loud=False, few_cpus=False,
            real_time=(mean or us) * k, time_unit="us", p99=3e3 * us * k, n=1000,
            **({} if mean is None else {"p50": 1e3 * us * k})))

def one(case, how, places, paced=None):
    """One client: the mean is twice the median."""
    for place, us in places.items():
        row("%s/%s/clients:1/place:%s" % (case, how, place), us, 2 * us)
    for place, us in (paced or {}).items():
        row("%s/%s/clients:1/place:%s/paced_ns:1000000" % (case, how, place), us, 2 * us)

def many(case, how, by):
    for n, us in by.items():
        row("%s/%s/clients:%d/place:free" % (case, how, n), us)

def places(same, cross):
    return {"same": same, "cross": cross, "free": cross}

one("get", "mp_manager", places(2, 1), {"same": 10, "cross": 50})
one("get", "mp_manager_unix", places(4, 10), {"same": 12, "cross": 60})
one("get", "mp_manager_tcp", places(8, 20))
one("get", "mp_manager_p16", places(.5, .25))
one("get", "redis", places(8, 40), {"same": 16, "cross": 80})
one("get", "hiredis", places(10, 50))
one("get", "redis_p16", places(1, 2))
one("get", "memcached", places(9, 30))
one("get", "python_manager", places(40, 100), {"same": 60, "cross": 150})
many("get", "mp_dict", {1: .05, 2: .025, 4: .025})
many("get", "mp_manager", {2: 1, 4: .5, 16: 1})
many("get", "redis", {2: 20, 4: 10, 16: 5})
many("get", "redis_benchmark", {1: 40, 2: 20, 4: 10, 16: 4})
many("get", "python_manager", {2: 50, 4: 50, 16: 100})
one("set", "mp_manager", places(2, 1))
one("counter", "mp_manager", places(2, 1))
one("counter", "redis", places(8, 40))
one("counter", "python_manager", places(200, 400))
many("counter", "mp_dict", {1: .02, 4: .1})
many("counter", "mp_manager", {4: .5})
many("counter", "python_manager", {4: 500})
one("lock", "redis", places(16, 80))
rows += [skipped("manager/%s/libmemcached/clients:%d/place:free" % (case, n), "no <libmemcached>")
         for case in ("get", "counter") for n in (1, 2)]
cell = "manager/get/mp_manager/clients:1/place:cross"
json.dump(dict(context=context, benchmarks=rows, counting=[
    {"name": cell, "syscalls": 0.004}, {"name": cell.replace("mp_", "python_"), "syscalls": 8.5}],
    histograms={cell: [[1000, 8999], [2000, 900], [5000, 91], [80000, 10]]}),
    open(d + "/manager.json", "w"))

# A server; Process-2 holds the lock and is killed; the others wait, parked, and
# have it one after the other.
def lane(tid, name):
    return {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}

def span(tid, name, cat, start, end, **more):
    return dict(ph="X", pid=1, tid=tid, name=name, cat=cat, ts=start, dur=end - start, **more)

def end(tid, name, ts):
    return {"ph": "i", "pid": 1, "tid": tid, "name": name, "s": "t", "ts": ts}

STILL = {"args": {"open": True}}
json.dump({"dropped": 0, "traceEvents": [
    lane(1, "manager"), span(1, "manager", "run", 0, 9000, **STILL),
    lane(2, "Process-2"), span(2, "Process-2", "run", 500, 3000, **STILL),
    span(2, "lock", "hold", 1000, 3000, **STILL), end(2, "killed (signal 9)", 3000),
    lane(3, "Process-3"), span(3, "Process-3", "run", 500, 6000),
    span(3, "acquire", "wait", 1000, 3200), span(3, "lock", "hold", 3200, 5800),
    end(3, "exited (0)", 6000),
    lane(4, "Process-4"), span(4, "Process-4", "run", 500, 8500),
    span(4, "acquire", "wait", 1000, 5900), span(4, "lock", "hold", 5900, 8400),
    end(4, "exited (0)", 8500)]}, open(d + "/server.json", "w"))
json.dump({"lesson": "07-manager", "steps": [
    {"step": "step1_request", "title": "a request", "tag": "[works]", "see": "an `answer`.",
     "commands": [{"cmd": "./step1_request", "output": "1", "status": 0}]}]},
    open(d + "/lesson-07.json", "w"))
EOF
    mkdir -p "$F/results" "$F/trace" "$F/progress" "$F/others"
    cp "$F/manager.json" "$F/lesson-07.json" "$F/results"
    cp "$F/server.json" "$F/trace/07.json"
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

@test "the tool has --help, and says 2 without a file or with an unknown option" {
    usages manager
}

@test "each picture names what it shows, and has the same bytes elsewhere" {
    needs_matplotlib
    cat >"$D/pictures" <<'EOF'
places|manager|@/manager.json|A get, by system and place;mp_dict;50.0 ns;mp_manager ×16;mp_manager, Unix;mp_manager, TCP;1.00 µs;Redis;40.0 µs;memcached;Python Manager;100 µs;p50, 2 CPUs;on one CPU;across two CPUs;placed by the kernel;10
clients|manager|@/manager.json --picture clients|A get: requests in a second by clients;mp_manager;mp_dict;mp_manager, Unix;Redis;other clients;1;2;4;16;1 M/s;10 k/s;clients, placed by the kernel
paces|manager|@/manager.json --picture paces|A get, one after the other and one each millisecond;mp_manager, Unix;Redis;Python Manager;on one CPU;across two CPUs;one each millisecond
costs|manager|@/manager.json --picture costs|An addition: what it costs, by system;one client, placed by the kernel;four clients, placed by the kernel;mp_dict;20.0 ns;400 µs;500 ns;ours;peer
set|manager|@/manager.json --case set|A set, by system and place;mp_manager;1.00 µs
lock|manager|@/manager.json --case lock --picture costs|A lock: what it costs, by system;Redis;80.0 µs
server|timeline|@/server.json|manager;Process-2;killed (signal 9);acquire;lock;waits;holds;is killed
EOF
    same_bytes "$D/pictures"
}

@test "the tool by itself finds matplotlib and draws the same" {
    needs_matplotlib
    draws <<<"clients|manager|@/manager.json --picture clients|mp_manager"
    limit 60 python3 "$P/manager.py" "$D/manager.json" --picture clients -o "$D/alone.svg"
    cmp "$D/clients.svg" "$D/alone.svg"
}

@test "files that are cut off, no JSON, empty, foreign or not there; nothing in them" {
    broken_files "$D/manager.json"
    echo '{"context": {}, "benchmarks": []}' >"$D/none.json"
    echo '{"benchmarks": [{"name": "queue/rawmp", "real_time": 1}]}' >"$D/queue.json"
    plots_python "$D" <<'EOF'
row = lambda name, **more: dict(dict(name=name, real_time=5, time_unit="ns"), **more)
for file, rows in (("odd", [row("manager/get"), row("manager/x/mp_dict/clients:1/place:free")]),
                   ("never", [row("manager/get/redis/clients:1/place:same", real_time=x)
                              for x in (0, -5, float("nan"), float("inf"), "5", None)])):
    json.dump({"benchmarks": rows}, open("%s/%s.json" % (sys.argv[1], file), "w"))
EOF
    {
        broken_lines manager "make bench"
        cat <<'EOF'
manager|@/none.json|no measurement;make bench
manager|@/queue.json|family queue;manager.json
manager|@/server.json|trace
manager|@/odd.json|names do not read manager/;make bench
manager|@/never.json|no measurement;make bench
EOF
    } >"$D/refused"
    refusals <"$D/refused"
}

@test "a picture that the results do not hold, a place that cannot be written" {
    needs_matplotlib
    : >"$D/file"
    refusals <<'EOF'
manager|@/manager.json --case append|nothing of append;places;get
manager|@/manager.json --case lock --picture paces|nothing of lock;paces;make bench
manager|@/manager.json -o @/file/out.svg|out.svg;cannot write;-o
manager|@/manager.json -o @|folder
EOF
    run drawer "$P/manager.py" "$D/manager.json" --case push -o "$D/x.svg"
    [ "$status" -eq 2 ]
    [[ $output == *"push"* ]]
}

@test "sentences about the manager are those of the numbers" {
    has "$(said "$D/manager.json" <<'EOF'
mg = manager.analyse(results.read([sys.argv[1]], "manager"))
for what in manager.PICTURES:
    print("\n".join(mg.caption(what)))
print(mg.unseen())
for f in findings.all_of(manager=mg):
    print(f.sentence)
EOF
)" \
        "Across two CPUs a get takes 1.00 µs with mp_manager (99 of 100 at most 5.00 µs); with the fastest peer, memcached, 30.0 µs, 30.0× [30.0, 30.0] as much; with Python Manager 100 µs, 100× [100, 100] as much. A client asks for a value of 64 bytes." \
        "On one CPU a get takes 2.00 µs with mp_manager (99 of 100 at most 6.00 µs); with the fastest peer, Redis, 8.00 µs, 4.00× [4.00, 4.00] as much" \
        "mp_manager takes through a Unix socket 10.0× [10.0, 10.0], by TCP 20.0× [20.0, 20.0] and with sixteen requests at once 0.25× [0.25, 0.25] the time of a request by shared memory (across two CPUs)." \
        "mp_dict, which has no server, takes 50.0 ns; with a server it is 20.0× [20.0, 20.0] as much." \
        "libmemcached: n/a (no <libmemcached>)." \
        "With 16 clients, mp_manager answers 1.00 M requests/s; 5.00× [5.00, 5.00] what the fastest peer, Redis, answers (200 k/s); 100× [100, 100] what Python Manager answers (10.0 k/s)." \
        "16 clients instead of one get so many times as many answers in a second: mp_manager 2.00× [2.00, 2.00], Redis 16.0× [16.0, 16.0] and Python Manager 2.00× [2.00, 2.00]." \
        "mp_dict, which has no server, does most with two clients: 40.0 M/s. Grey: the same servers, asked by other clients." \
        "Across two CPUs, with one each millisecond instead of one after the other: mp_manager takes 50.0× [50.0, 50.0] the time; the others from 1.50× [1.50, 1.50] (Python Manager) to 6.00× [6.00, 6.00] (mp_manager, Unix)." \
        "One each millisecond, on one CPU a get takes 10.0 µs with mp_manager" \
        "One each millisecond, across two CPUs a get takes 50.0 µs with mp_manager (99 of 100 at most 150 µs); with the fastest peer, Redis, 80.0 µs, 1.60×" \
        "An addition with one client, placed by the kernel, takes 1.00 µs with mp_manager; with the fastest peer, Redis, 40.0 µs, 40.0× [40.0, 40.0] as much; with Python Manager 400 µs, 400×" \
        "An addition with four clients, placed by the kernel, takes 500 ns with mp_manager; with the fastest peer, Python Manager, 500 µs, 1000×" \
        "mp_dict, which has no server, takes 100 ns; with a server it is 5.00× [5.00, 5.00] as much." \
        "Python’s Manager cannot add" \
        "['mp_list', 'mp_lock', 'redis-benchmark ×16']" \
        "On one CPU a get takes 4.00× [4.00, 4.00] the time with the fastest peer, Redis, that it takes with mp_manager: 8.00 µs, 2.00 µs." \
        "Across two CPUs a get takes 100× [100, 100] the time with Python Manager that it takes with mp_manager: 100 µs, 1.00 µs." \
        "in mp_dict, is there in 50.0 ns; a get of mp_manager takes 20.0× [20.0, 20.0] as long, 1.00 µs."
    # Who asks for sixteen at once, or is a measuring program, is no peer.
    run grep -E 'peer, [^;,]*(×16|benchmark)' "$D/said"
    [ "$status" -eq 1 ]
}

@test "sentences hold when ours is slower, cannot be told apart, or is not there" {
    said "$D/manager.json" >"$D/text" <<'EOF'
data = json.load(open(sys.argv[1]))
def text(change):
    changed = json.loads(json.dumps(data))
    changed["benchmarks"] = [e for e in changed["benchmarks"] if change(e) is not False]
    changed.pop("histograms")
    json.dump(changed, open(sys.argv[1] + ".changed", "w"))
    mg = manager.analyse(results.read([sys.argv[1] + ".changed"], "manager"))
    return " ".join([t for what in manager.PICTURES for t in mg.caption(what)]
                    + [f.sentence for f in findings.all_of(manager=mg)])
def slower(e):
    if "/mp_manager/" in e["name"]:
        for key in ("real_time", "p50"):
            if key in e:
                e[key] *= 400
def alike(e):
    swing = 3.0 ** ((e.get("round", 0) * (5 if "/mp_" in e["name"] else 3)) % 7 - 3)
    e.update(real_time=100 * swing, **({"p50": 1e5 * swing} if "p50" in e else {}))
print("slower:", text(slower))
print("alike:", text(alike))
print("gone:", text(lambda e: "/mp_" not in e["name"]))
print("alone:", text(lambda e: "/mp_" in e["name"]))
print("python:", text(lambda e: "/mp_manager/" in e["name"] or "python" in e["name"]))
print("one:", text(lambda e: "/mp_" in e["name"] and e.get("round") == 0))
EOF
    [ "$(grep -c . "$D/text")" -eq 6 ]
    has "$(grep '^slower' "$D/text")" "a get takes 400 µs with mp_manager" \
        "with the fastest peer, memcached, 30.0 µs, 0.075× [0.075, 0.075] as much" \
        "mp_manager answers 2.50 k requests/s; 0.013× [0.013, 0.013] what the fastest peer"
    has "$(grep '^alike' "$D/text")" "cannot tell from no difference" "no difference can be told"
    has "$(grep '^gone' "$D/text")" \
        "Across two CPUs: mp_manager was not measured; the fastest is memcached, 30.0 µs." \
        "With 16 clients, mp_manager was not measured; the fastest is Redis, 200 k requests/s." \
        "An addition with one client, placed by the kernel: mp_manager was not measured; the fastest is Redis, 40.0 µs." \
        "instead of one after the other: the others from 1.50×"
    run grep -E '^(alone|one):.*(peer|Redis)' "$D/text"
    [ "$status" -eq 1 ]
    has "$(grep '^python' "$D/text")" "with the fastest peer, Python Manager, 100 µs, 100×" \
        "the other 1.50× [1.50, 1.50] (Python Manager)"
    run grep -E '^python:.*; (with|[0-9.]+× \[[^]]*\] what) Python Manager' "$D/text"
    [ "$status" -eq 1 ]
    run grep -F '[' <(grep '^one' "$D/text")
    [ "$status" -eq 1 ]
}

@test "one row, one round, odd places and numbers, one CPU: pictures and sentences all the same" {
    needs_matplotlib
    plots_python "$D/manager.json" >"$D/text" <<'EOF'
data = json.load(open(sys.argv[1]))
def write(name, rows, **context):
    json.dump(dict(data, benchmarks=rows, context=dict(data["context"], **context), histograms={}),
              open("%s.%s" % (sys.argv[1], name), "w"))
    mg = manager.analyse(results.read(["%s.%s" % (sys.argv[1], name)], "manager"))
    print(name + ":", " ".join(t for what in manager.PICTURES for t in mg.caption(what)
                               if mg.has(what)), [f.sentence for f in findings.of_manager(mg)])
    return mg
rows = data["benchmarks"]
get = [e for e in rows if e["name"].startswith("manager/get/mp_manager/clients:1/place:free")]
mg = write("row", get[:1])
assert mg.repetitions() == 1 and not mg.has("paces") and not mg.has("costs")
mg = write("paced", [e for e in rows if "paced" in e["name"]])
assert mg.places("get/paced") == ["same", "cross"] and not mg.has("places")
# A number of clients that is none counts as one; a place that nobody knows is a place.
odd = [dict(get[0], name=n, run_name=n) for n in
       ("manager/get/redis/clients:0/place:free", "manager/get/redis/clients:x/place:moon",
        "manager/get/mp_dict/place:free", "manager/get/<i>/clients:1/place:free",
        "manager/get/mp_manager/clients:64/place:free",
        "manager/get/mp_manager/clients:1/place:same/paced_ns:never",
        "manager/counter/mp_manager/clients:2/place:same")]
odd += [dict(get[0], name="manager/get/memcached/clients:1/place:free", run_name="", p50="fast",
             p99=float("nan"), real_time=3)]
odd += [dict(get[0], name="manager/get/hiredis/clients:1/place:free", run_name="",
             p50=float("inf"), p99=-1, real_time=float("nan"))]
mg = write("odd", odd)
assert mg.places("get") == ["free", "moon"], mg.places("get")
assert mg.at("get", "memcached").p99 is None and mg.at("get", "memcached").p50 == 3000
assert not mg.at("get", "hiredis") and mg.counts_of("get") == [1, 64]
write("single", [e for e in rows if "cross" not in e["name"]], cpus="1", num_cpus=1)
EOF
    draws <<'EOF'
a|manager|@/manager.json.row|mp_manager;997 ns;placed by the kernel
b|manager|@/manager.json.row --picture clients|mp_manager;1
c|manager|@/manager.json.paced --picture paces|mp_manager;one each millisecond
d|manager|@/manager.json.odd|Redis;memcached;<i>
e|manager|@/manager.json.odd --picture clients|64;mp_manager;<i>
f|manager|@/manager.json.odd --picture costs --case get|one client, placed by the kernel;64 clients, placed by the kernel
g|manager|@/manager.json.single|p50, 1 CPU;mp_manager
EOF
    has "$(sed 's/\xc2\xa0/ /g' "$D/text")" "With one CPU there is no other to send to." \
        "With one client, mp_manager answers 502 k requests/s."
}

@test "a request's rate is out of its mean, its time is the median" {
    plots_python "$D/manager.json" <<'EOF'
mg = manager.analyse(results.read([sys.argv[1]], "manager"))
one, many = mg.at("get", "mp_manager"), mg.at("get", "mp_manager", 4)
assert abs(one.p50 - 1000) < 1e-6 and abs(one.rate - 500e3) < 1e-3, (one.p50, one.rate)
assert abs(many.p50 - 500) < 1e-6 and abs(many.rate - 2e6) < 1e-3 and many.mean
assert mg.usual("get") == "cross" and mg.usual("set") == "cross" and not mg.usual("append")
assert mg.keeper("get", 1, "free")[0] == "mp_dict" and not mg.keeper("set", 1, "free")
assert mg.cost_blocks("counter") == [(1, "free"), (4, "free")]
# A mean has no hair to a p99 that is of something else.
import served, shapes
drawn = []
shapes.bar_chart = lambda blocks, *_: drawn.extend(blocks)
served.costs(mg, "counter", "")
hairs = {(head.split()[0], name): bool(tail) for head, bars in drawn for name, _, _, tail in bars}
assert hairs == {("one", "mp_dict"): False, ("one", "mp_manager"): True, ("one", "Redis"): True,
                 ("one", "Python Manager"): True, ("four", "mp_dict"): False,
                 ("four", "mp_manager"): False, ("four", "Python Manager"): False}, hairs
EOF
}

@test "the timeline of a server: who waits, who is killed while it holds" {
    has "$(said "$D/server.json" <<'EOF'
tr = timeline.Trace(sys.argv[1])
print([x.name for x in tr.lanes], [x.killed() for x in tr.lanes])
print(tr.caption())
EOF
)" \
        "['manager', 'Process-2', 'Process-3', 'Process-4'] [False, True, False, False]" \
        "Process-4 waits longest: 4.90 ms" "Process-2 is killed (signal 9) at 3.00 ms"
}

@test "the report: lesson 07 and the manager, its pictures, tables and what is missing" {
    report
    page_checks "$D/out/index.html"
    local text
    text=$(grep -o '<section id="[^"]*"' "$D/out/index.html" | cut -d'"' -f2 | tr '\n' ' ')
    echo "$text"
    [[ $text == "findings lesson-07 scoreboard "*"queue manager ipc counters machine made " ]]
    has "$(page_text)" '<h2>Lesson 07-manager</h2>' 'Process-2 is killed (signal 9)' \
        '<h2>What a server keeps for all</h2>' 'Across two CPUs a get takes 1.00 µs with mp_manager' \
        'no &lt;libmemcached&gt;' 'Not measured: mp_list, mp_lock and redis-benchmark ×16.' \
        '<summary>An addition</summary>' '<summary>A lock</summary>' '>0.004<' '>8.50<' \
        '>1.00 µs<span class="iv">5.00 µs</span><' '>50.0 ns<'
    if [ -n "$DRAW" ]; then
        # the timeline, and four of the manager
        [ "$(grep -c '<figure>' "$D/out/index.html")" -eq 5 ]
    fi
    # Without matplotlib, and without what some pictures need.
    bare_python
    python3 - "$D/results/manager.json" <<'EOF'
import json, sys
data = json.load(open(sys.argv[1]))
data["benchmarks"] = [e for e in data["benchmarks"] if "paced" not in e["name"]
                      and ("/get/" in e["name"] or "skipped" in e.get("error_message", ""))]
json.dump(data, open(sys.argv[1], "w"))
EOF
    report --python "$D/bare"
    page_checks "$D/out/index.html"
    run grep -c '<svg' "$D/out/index.html"
    [ "$output" = 0 ]
    has "$(page_text)" 'An addition: what it costs, by system: n/a (the results hold no such case). libmemcached: n/a' \
        'one after the other and one each millisecond: n/a' '16 clients instead of one'
    head -c 300 "$F/manager.json" >"$D/results/manager.json"
    report --python "$D/bare"
    has "$(page_text)" 'manager.json: cut off'
}

@test "every way has a name and a look of its own" {
    plots_python <<'EOF'
names = manager.ORDER
looks = [style.HOW.get(n) for n in names]
assert all(looks), [n for n in names if n not in style.HOW]
assert len({x[0] for x in looks}) == len(names)
assert len({str(x[1:]) for x in looks}) == len(names)
EOF
}
