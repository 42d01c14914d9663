#!/usr/bin/env bats
# plots/: locks, lost updates, waiting, levels over time, the scoreboard; from
# results that the cases make themselves.

load helper
load plots

# Results whose ratios are round numbers: mp_lock 10 ns, alone pthread 12 and
# robust 20; of eight processes mp_lock 10, adaptive 30, PI 8 us; Python counts
# 150 times as long; the next owner after 50 us, with pthread after 100.
setup_file() {
    plots_file
    python3 - "$F" <<'EOF'
import json, sys
d = sys.argv[1]
machine = {"machine": {"cpu model": "Abacus", "cpus online": 2, "kernel": "6.1"}}
context = {"date": "2026-01-02T03:04:05+00:00", "host_name": "box", "num_cpus": 2, "cpus": "2",
           "machine": machine, "brief": False, "counters": {"futexes": "ok"}}
UNIT = {"ns": 1, "us": 1e3, "ms": 1e6}

def entry(name, ns, turn, unit="ns", **more):
    ns *= 1 + 0.001 * (turn - 3)
    return dict(name=name + "/manual_time", run_name=name + "/manual_time",
                run_type="iteration", repetition_index=turn, round=turn, loud=False,
                few_cpus=False, real_time=ns / UNIT[unit], time_unit=unit, **more)

def tail(ns):
    return dict(p50=ns, p90=1.5 * ns, p99=3 * ns, p99_9=4 * ns, max=9 * ns, n=1000)

lock, waiting = [], []
for turn in range(7):
    for how, ns in (("fetch_add", 4), ("futex3", 14), ("rawmp", 10), ("rawmp_call", 11),
                    ("pthread", 12), ("pthread_robust", 20), ("python", 300)):
        lock.append(entry("lock/alone/" + how, ns, turn))
    for how, times, share, futexes in (
            ("fetch_add", (4, 5, 5), 1.5, 0), ("spin", (9, 20, 40), 3e6, 0),
            ("rawmp", (10, 10, 10), 1.25, 250), ("pthread_adaptive", (12, 30, 30), 2, 5000),
            ("pthread_pi", (14, 900, 8000), 40, 2e6)):
        for procs, ns in zip((1, 2, 8), times):
            more = dict(futex_per_million=futexes) if how != "spin" else {}
            lock.append(entry("lock/contended/%s/procs:%d/work:none" % (how, procs), ns, turn,
                              share_max_min=share, cpus_used=1.98, **more))
    for how, ms in (("fetch_add", 2), ("rawmp", 4), ("pthread", 8), ("python", 600)):
        lock.append(entry("lock/increments/%s/procs:4" % how, ms * 1e6, turn, "ms"))
    for how, us in (("rawmp", 50), ("pthread_robust", 100)):
        lock.append(entry("lock/killed_holder/%s/place:same" % how, us * 1e3, turn, "us",
                          **tail(us * 1e3 * (1 + 0.001 * (turn - 3)))))
    for how, ns in (("atomics", 4), ("rawmp", 5), ("sem", 6), ("python", 100)):
        waiting.append(entry("semaphore/pair/" + how, ns, turn))
    for what in ("condition", "event"):
        for how, us in (("rawmp", 5), ("pthread", 10), ("python", 20)):
            for place, more in (("same", 1), ("cross", 9)):
                ns = us * 1e3 * more * (1 + 0.001 * (turn - 3))
                waiting.append(entry("%s/round_trip/%s/place:%s" % (what, how, place), ns, turn,
                                     "us", **tail(ns)))
    for how, us in (("rawmp", 20), ("pthread", 25), ("python", 200)):
        for parties in (2, 4, 8):
            slow = {k: v for k, v in tail(us * 1e3).items() if k != "p50"}
            waiting.append(entry("barrier/phase/%s/parties:%d" % (how, parties), us * 1e3, turn,
                                 "us", **slow))

def skipped(name, why):
    return dict(name=name, run_name=name, run_type="iteration", real_time=0, time_unit="ns",
                error_occurred=True, error_message="skipped: " + why)

lock += [skipped("lock/killed_holder/python/place:same", "never: nobody is told"),
         skipped("lock/alone/flock", "no <file> here")]
waiting.append(skipped("semaphore/throttle/python/procs:6", "no Python"))
json.dump({"context": context, "benchmarks": lock}, open(d + "/lock.json", "w"))
json.dump({"context": context, "benchmarks": waiting}, open(d + "/waiting.json", "w"))

runs = [dict(processes=n, increments=100000, cpus=2, lost=0 if n == 1 or i == 0 else n * 1000 * i)
        for n in (1, 2, 4) for i in range(5)]
json.dump({"runs": runs}, open(d + "/lost_updates.json", "w"))

def row(name, ours, peer, ratio, goal, met, **more):
    return dict(dict(row=name, ours=ours, peer=peer, peer_name="pthread_adaptive", limit=4.0,
                     limit_name="fetch_add", of="peer", ratio=ratio, low=None, high=None,
                     goal=goal, met=met, unit="ns", reps=15), **more)

json.dump([row("lock & key", 10.0, 12.5, 0.8, "<= 0.85", True, low=0.79, high=0.81),
           row("lock 8", 10.0, 15.0, 1.5, ">= 2", False),
           row("fair", 1.25, None, None, "<= 3", True, of="itself", unit="max/min",
               peer_name=None),
           row("killed", None, None, None, "<= 1", None, reps=0)],
          open(d + "/scoreboard.json", "w"))

def span(tid, name, cat, start, end, **more):
    return dict(ph="X", pid=1, tid=tid, name=name, cat=cat, ts=start, dur=end - start, **more)

def lane(tid, name):
    return {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}

def mark(tid, name, ts):
    return {"ph": "i", "pid": 1, "tid": tid, "name": name, "s": "t", "ts": ts}

killed = [lane(7, "Holder"), span(7, "lock", "hold", 1000, 5000, args={"open": True}),
          mark(7, "killed (signal 9)", 5000), lane(8, "Next"),
          span(8, "acquire", "wait", 2000, 5080), span(8, "lock", "hold", 5080, 9000),
          mark(8, "exited (0)", 9000)]
json.dump({"dropped": 0, "traceEvents": killed}, open(d + "/killed.json", "w"))

# A semaphore of 2 and three workers: it is 0 from 1 to 4 ms of 10.
level = [dict(ph="C", pid=1, tid=1, name="tickets", ts=ts, args={"value": v})
         for ts, v in ((0, 2), (500, 1), (1000, 0), (4000, 1), (4000.5, 0), (4001, 1), (9000, 2))]
for i, (wait, hold, end) in enumerate(((0, 500, 4000), (0, 1000, 9000), (1500, 4000, 4001))):
    level += [lane(11 + i, "Worker-%d" % i), span(11 + i, "acquire", "wait", wait, hold),
              span(11 + i, "tickets", "hold", hold, end), mark(11 + i, "exited (0)", 10000)]
json.dump({"dropped": 0, "traceEvents": level}, open(d + "/level.json", "w"))
EOF
    D=$F P=$ROOT/plots
    mkdir -p "$F/results" "$F/trace" "$F/progress"
    cp "$F/lock.json" "$F/waiting.json" "$F/lost_updates.json" "$F/results"
    cp "$F/killed.json" "$F/trace/05.json"
    cp "$F/level.json" "$F/trace/06.json"
    local n
    for n in 01 05; do
        echo "{\"lesson\": \"$n Story\", \"steps\": [{\"step\": \"step1\", \"title\": \"told $n\"}]}" \
            >"$F/results/lesson-$n.json"
    done
}

setup() {
    leak_setup
    plots_setup
    cp -r "$F"/* "$D"
}

@test "every tool has --help, and says 2 without a file or with an unknown option" {
    usages lock lost waiting
    run drawer "$P/lock.py" "$D/lock.json" --picture nonsense -o "$D/x.svg"
    [ "$status" -eq 2 ]
}

@test "each picture names what it shows, is an SVG of its own, and has the same bytes elsewhere" {
    needs_matplotlib
    cat >"$D/pictures" <<'EOF'
contention|lock|@/lock.json --picture contention|mp_lock;fetch_add;pthread PI;10 ns;1 µs;processes on 2 CPUs
fairness|lock|@/lock.json --picture fairness|mp_lock;two processes;eight processes;spin
alone|lock|@/lock.json --picture alone|mp_lock;mp_lock, call;20.0 ns;fetch_add 4.00 ns;step of the lesson
increments|lock|@/lock.json --picture increments|400,000 increments by four processes;600 ms;limit;Python
killed|lock|@/lock.json --picture killed|the next owner on the same CPU;50.0 µs;Python;never
lost|lost|@/lost_updates.json|median;processes that add 1 without a lock
pair|waiting|@/waiting.json --picture pair|two atomics;mp_semaphore;5.00 ns
condition|waiting|@/waiting.json --picture condition|mp_condition;1 CPU;2 CPUs;45.0 µs
event|waiting|@/waiting.json --picture event|mp_event;1 CPU
barrier|waiting|@/waiting.json --picture barrier|mp_barrier;8;20.0 µs
level|timeline|@/level.json|tickets;0;2;Worker-2;waits;holds
holder|timeline|@/killed.json|killed (signal 9);is killed;Holder
EOF
    same_bytes "$D/pictures"
}

@test "a tool by itself finds matplotlib and draws the same" {
    needs_matplotlib
    draws <<<"fairness|lock|@/lock.json --picture fairness|mp_lock"
    limit 60 python3 "$P/lock.py" "$D/lock.json" --picture fairness -o "$D/alone.svg"
    cmp "$D/fairness.svg" "$D/alone.svg"
}

@test "files that are cut off, no JSON, empty, foreign or not there" {
    local tool file
    for tool in lock lost waiting; do
        file=$D/$tool.json
        [ $tool = lost ] && file=$D/lost_updates.json
        broken_files "$file"
        broken_lines $tool "make bench" >"$D/$tool.lines"
        refusals <"$D/$tool.lines"
    done
    refusals <<'EOF'
lock|@/waiting.json|waiting.json;lock.json
waiting|@/lock.json|lock.json;family lock;waiting.json
lost|@/lock.json|lock.json;no runs
lock|@/level.json|level.json;trace
EOF
}

@test "empty results, and a picture that the results do not hold" {
    needs_matplotlib
    echo '{"context": {}, "benchmarks": []}' >"$D/none.json"
    echo '{"runs": []}' >"$D/run.json"
    echo '{"runs": [{"processes": 2, "increments": 10, "lost": 99}, 5, {"processes": "x"}]}' \
        >"$D/odd.json"
    refusals <<'EOF'
lock|@/none.json|none.json;no measurement;make bench
waiting|@/none.json|none.json;no measurement
lost|@/run.json|run.json;no run;make bench
lost|@/odd.json|odd.json;no run
waiting|@/waiting.json --picture throttle|nothing of throttle;make bench
lock|@/lock.json --work long|work:long;none
EOF
}

@test "sentences about locks are those of the numbers" {
    plots_python "$D/lock.json" >"$D/said" <<'EOF'
lk = lock.analyse(results.read([sys.argv[1]], "lock"))
for what in lock.PICTURES:
    print(lk.caption(what).replace("\u00a0", " "))
for f in findings.all_of(lock=lk):
    print(f.sentence.replace("\u00a0", " "))
EOF
    cat "$D/said"
    has "$(cat "$D/said")" \
        "With eight processes on two CPUs and no work in between, an operation of mp_lock takes 10.0 ns" \
        "pthread adaptive, 30.0 ns: 3.00× [3.00, 3.00] as much" "the limit, takes 5.00 ns" \
        "pthread PI slows down most" "mp_lock makes 250 futex calls" "pthread PI makes most, 2,000,000" \
        "1.25× (two processes) and 1.25× (eight processes)" "spin with eight processes: more than 10,000×" \
        "needs 2.00× [2.00, 2.00] the time of mp_lock" "flock: n/a (no <file> here)" \
        "need 600 ms: 150× [150, 150] as long" "50.0 µs later, and is told, 99 of 100 times within 150 µs" \
        "needs 100 µs, 2.00× [2.00, 2.00] as long" "Python: never" "Python never gets it"
}

@test "what lacks is said in words: no limit, no ours, no peers, no count of futex calls" {
    plots_python "$D/lock.json" <<'EOF'
path = sys.argv[1]
data = json.load(open(path))
full = data["benchmarks"]

def caption(what, keep, **context):
    data["benchmarks"] = [e for e in full if keep(e["name"])]
    data["context"].update(context)
    json.dump(data, open(path, "w"))
    return lock.analyse(results.read([path], "lock")).caption(what)

text = caption("contention", lambda n: "rawmp" not in n)
assert "mp_lock was not measured" in text and "slows down" in text, text
text = caption("contention", lambda n: "contended/rawmp/" in n)
assert "peer" not in text and "limit" not in text and "250 futex calls" in text, text
for e in full:
    e.pop("futex_per_million", None)
text = caption("contention", lambda n: True, counters={"futexes": "n/a (no tracefs; be root)"})
assert "Calls of futex: n/a (no tracefs; be root)." in text, text
for e in full:
    e.pop("share_max_min", None)
data["benchmarks"] = full
json.dump(data, open(path, "w"))
lk = lock.analyse(results.read([path], "lock"))
assert not lk.has("fairness") and lk.has("contention"), lk.shares("none")
EOF
}

@test "runs on too few CPUs are left out while enough are left, and told of else" {
    plots_python "$D/lock.json" <<'EOF'
path = sys.argv[1]
data = json.load(open(path))
for e in data["benchmarks"]:
    if "contended/rawmp/" in e["name"] and e["round"] in (0, 1, 2):
        e.update(real_time=1.0, few_cpus=True, share_max_min=99.0)
json.dump(data, open(path, "w"))
lk = lock.analyse(results.read([path], "lock"))
case = lk.get("contended", "rawmp", 8)
assert len(case.sample) == 4 and abs(case.p50 - 10) < 0.1 and case.counter("share_max_min") == 1.25, case.p50
assert "fewer CPUs" not in lk.caption("contention")
for e in data["benchmarks"]:
    if "contended" in e["name"]:
        e.update(few_cpus=True, cpus_used=1.0)
json.dump(data, open(path, "w"))
text = lock.analyse(results.read([path], "lock")).caption("contention")
assert "fewer CPUs than there are for them (1.00" in text, text
EOF
}

@test "sentences about lost updates: a run that loses nothing is no proof" {
    plots_python "$D/lost_updates.json" <<'EOF'
path = sys.argv[1]
said = lambda: lost.analyse(path).caption().replace("\u00a0", " ")
text = said()
assert "Four processes on two CPUs lose in the median of five runs 2.0 % of their 400,000" in text, text
assert "(from none to 4.0 %)" in text and "two of the ten runs" in text, text
assert "not a proof" in text and "by script loses its update every time" in text, text
runs = json.load(open(path))["runs"]
json.dump({"runs": [r for r in runs if r["lost"]]}, open(path, "w"))
assert "Each run lost something; one that lost nothing would prove nothing." in said(), said()
json.dump({"runs": [r for r in runs if not r["lost"]]}, open(path, "w"))
assert "Nothing was lost in two of the two runs" in said(), said()
json.dump({"runs": [r for r in runs if r["processes"] == 1]}, open(path, "w"))
assert said().startswith("One process alone"), said()
EOF
}

@test "sentences about waiting are those of the numbers" {
    plots_python "$D/waiting.json" >"$D/said" <<'EOF'
w = waiting.analyse(waiting.read([sys.argv[1]]))
for what in waiting.PICTURES:
    print(w.caption(what).replace("\u00a0", " "))
for f in findings.all_of(waiting=w):
    print(f.sentence.replace("\u00a0", " "))
EOF
    cat "$D/said"
    has "$(cat "$D/said")" "mp_semaphore takes 5.00 ns; the fastest peer, sem_t, 6.00 ns: 1.20× [1.20, 1.20]" \
        "Python 100 ns: 20.0× [20.0, 20.0]" "On the same CPU: mp_condition takes 5.00 µs" \
        "On two CPUs: mp_event takes 45.0 µs" "Eight processes: mp_barrier takes 20.0 µs" \
        "pthread, 25.0 µs: 1.25×" "Python: n/a (no Python)" \
        "A phase of a barrier for eight processes takes 1.25× [1.25, 1.25] the time with pthread"
}

@test "a level over time: where it lies, how long at 0, how many hold at once" {
    plots_python "$D/level.json" "$D/killed.json" <<'EOF'
tr = timeline.Trace(sys.argv[1])
text = tr.caption().replace("\u00a0", " ")
assert "“tickets” begins at 2, lies between 0 and 2 and ends at 2" in text, text
assert "it stands at 0 for 30 % of the time" in text, text
assert "At most two lanes hold at the same time." in text, text
assert [p[0] for p in tr.levels[0].points] == sorted(p[0] for p in tr.levels[0].points)
# Values that are none, and events without a time, are left out.
data = json.load(open(sys.argv[1]))
data["traceEvents"] += [dict(ph="C", pid=1, tid=1, name="odd", ts=1, args=a)
                        for a in ({"value": "x"}, {}, [], {"value": 1e300}, {"value": None})]
data["traceEvents"] += [dict(ph="C", pid=1, tid=1, name="odd", ts="x", args={"value": 1})]
json.dump(data, open(sys.argv[1], "w"))
assert [x.name for x in timeline.Trace(sys.argv[1]).levels] == ["tickets"]
# A killed holder, and who has it next.
text = timeline.Trace(sys.argv[2]).caption().replace("\u00a0", " ")
assert ("Holder is killed (signal 9) at 4.00 ms, while it holds “lock”; 80.0 µs after that it is "
        "Next that holds it.") in text, text
data = json.load(open(sys.argv[2]))
data["traceEvents"] = data["traceEvents"][:3]
json.dump(data, open(sys.argv[2], "w"))
assert "nobody holds it afterwards" in timeline.Trace(sys.argv[2]).caption()
# Lanes of one name are told apart.
data["traceEvents"][0]["args"]["name"] = "worker"
data["traceEvents"].append(dict(ph="i", pid=1, tid=9, name="beat", s="t", ts=9))
data["traceEvents"].append(dict(ph="M", pid=1, tid=9, name="thread_name", args={"name": "worker"}))
json.dump(data, open(sys.argv[2], "w"))
assert [x.name for x in timeline.Trace(sys.argv[2]).lanes] == ["worker 1", "worker 2"]
EOF
}

@test "the report tells the lessons first, then the numbers" {
    report
    page_checks "$D/out/index.html"
    local text
    text=$(grep -o '<section id="[^"]*"' "$D/out/index.html" | cut -d'"' -f2 | tr '\n' ' ')
    echo "$text"
    [[ $text == "findings lesson-01 lesson-05 lesson-06 scoreboard speedup grain pool process lock waiting latency throughput queue manager ipc counters machine made " ]]
    has "$(page_text)" 'Lesson 05 Story' 'told 05' 'Nothing was lost in two of the ten runs' \
        'while it holds “lock”' '“tickets” begins at 2' '>never<' 'more than 10,000×' \
        'flock: n/a (no &lt;file&gt; here)' '2,000,000'
}

@test "the scoreboard: rows, goals, what is met, short and not measured" {
    bare_python
    report --python "$D/bare"
    has "$(page_text)" 'Of four goals, two are met and one not.' \
        'Short: lock 8 (1.50×, goal ≥ 2).' 'Not measured: killed.' 'lock & key' \
        '>10.0 ns<' 'pthread adaptive' '[0.79, 0.81]' '<b>short</b>' '>n/a<' 'max/min'
}

@test "a scoreboard that is missing, cut off, empty or odd costs its own section only" {
    bare_python
    rm "$D/scoreboard.json"
    report --python "$D/bare"
    has "$(page_text)" 'scoreboard.json is not there' 'make scoreboard'
    local content word
    while IFS='|' read -r content word; do
        printf '%s' "$content" >"$D/scoreboard.json"
        report --python "$D/bare"
        page_checks "$D/out/index.html"
        has "$(page_text)" "$word" '>never<'
    done <<'EOF'
[{"row": "a", |cut off
hello|not JSON
[]|no row in it
{"row": "a"}|no list at its top
[5, null, {"row": "odd <b>", "ours": "x", "ratio": [], "goal": 3, "met": "yes", "reps": -1}]|odd &lt;b&gt;
EOF
}

@test "one broken family costs its own section only" {
    head -c 300 "$D/results/lock.json" >"$D/cut"
    mv "$D/cut" "$D/results/lock.json"
    echo '{' >"$D/results/lost_updates.json"
    rm "$D/results/waiting.json"
    bare_python
    report --python "$D/bare"
    page_checks "$D/out/index.html"
    has "$(page_text)" 'lock.json: cut off' 'lost_updates.json: cut off' \
        'waiting.json is not there' 'Of four goals'
}

@test "without matplotlib the report keeps sentences and tables of locks and waiting" {
    bare_python
    report --python "$D/bare"
    run grep -c '<svg' "$D/out/index.html"
    [ "$output" = 0 ]
    has "$(page_text)" 'mp_lock takes 10.0 ns' 'mp_condition takes 5.00 µs' 'killed (signal 9)' \
        'begins at 2' 'lose in the median'
}

@test "one way, one process, one repetition: no interval, no crash" {
    plots_python "$D" <<'EOF'
d = sys.argv[1]
for name in ("lock", "waiting"):
    data = json.load(open("%s/%s.json" % (d, name)))
    data["benchmarks"] = [e for e in data["benchmarks"] if e.get("round") == 0
                          and "/rawmp" in e["name"] and "procs:2" not in e["name"]
                          and "procs:8" not in e["name"]]
    data["context"]["cpus"] = "1"
    json.dump(data, open("%s/%s.json" % (d, name), "w"))
lk = lock.analyse(results.read([d + "/lock.json"], "lock"))
w = waiting.analyse(waiting.read([d + "/waiting.json"]))
for text in [lk.caption(x) for x in lock.PICTURES] + [w.caption(x) for x in waiting.PICTURES]:
    assert "[" not in text and "peer" not in text, text
assert findings.all_of(lock=lk, waiting=w) == []
EOF
    needs_matplotlib
    draws <<'EOF'
contention|lock|@/lock.json|mp_lock
alone|lock|@/lock.json --picture alone|mp_lock
barrier|waiting|@/waiting.json --picture barrier|mp_barrier
EOF
}
