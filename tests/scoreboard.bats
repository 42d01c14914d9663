#!/usr/bin/env bats
# The families lock and waiting, and make scoreboard, as a user runs them.

load helper

setup_file() {
    export BENCH="$BUILD/benchmarks"
    [ -x "$BENCH/lock" ] || skip "benchmarks are not built"
}

setup() {
    leak_setup
    export TMPDIR=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

selftest() { limit 20 "$BENCH/selftest" --benchmark_min_time=0.001 "$@"; }
scoreboard() { limit 100 python3 "$ROOT/benchmarks/scoreboard.py" --build "$BUILD" "$@"; }

json() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"; }

# The same as somebody who is not root; root becomes nobody.
as_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}

# ---- the harness

@test "a benchmark that counts its own operations: one iteration, the time of one" {
    run selftest --benchmark_filter=once --benchmark_out=out.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'd["benchmarks"][0]["iterations"]')" = 1 ]
    [ "$(json out.json 'round(d["benchmarks"][0]["real_time"], 6)')" = 5.0 ]
}

@test "a contest: who did three times as much is seen" {
    run selftest --benchmark_filter=contest_three --benchmark_out=out.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'abs(d["benchmarks"][0]["share_max_min"] - 3) < 0.05')" = True ]
    # one of the two did nothing: one CPU at most
    [ "$(json out.json '0 < d["benchmarks"][0]["cpus_used"] < 1.05')" = True ]
}

@test "a contest without work, or with a dead worker, is an error and no hang" {
    run selftest --benchmark_filter='contest_(dead|lazy)'
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"worker 2 of 3 was killed by signal 9"* ]]
    [[ $output == *"nobody did anything"* ]]
}

@test "windows: a wrong number is a sentence and exit 2" {
    local wrong
    for wrong in 0 65 -1 x ''; do
        run limit 20 "$BENCH/lock" --windows="$wrong" --benchmark_filter=none
        [ "$status" -eq 2 ]
        [[ $output == *"1 to 64"* ]]
    done
}

# ---- results before times

@test "a lock that loses an update has no time" {
    run limit 60 "$BENCH/lock_faulty" --smoke --benchmark_filter='/(spin|fetch_add)'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c 'spin.*the counter is 0, it must be' <<<"$output")" -eq 4 ]
    [ "$(grep -c 'fetch_add.*the counter is' <<<"$output")" -eq 0 ]
}

@test "a barrier that lets one through, a semaphore of one too many: no time" {
    run limit 60 "$BENCH/waiting_faulty" --benchmark_min_time=0.001 --windows=4 \
        --benchmark_filter='throttle/(eventfd|sem)|phase/(futex|pthread)/parties:8'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -cE 'eventfd.*failed|futex.*failed' <<<"$output")" -eq 2 ]
    [ "$(grep -c 'failed' <<<"$output")" -eq 2 ]
}

@test "400,000 increments are 400,000: ours, pthread's and Python's" {
    run limit 60 "$BENCH/lock" --benchmark_min_time=0.0001 --benchmark_out=out.json \
        --benchmark_filter='increments/(rawmp|rawmp_call|pthread_robust|python)/'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'len(d["benchmarks"])')" -eq 4 ]
    [[ $output != *skipped* ]]
}

@test "one process alone loses no update" {
    run limit 30 "$BENCH/lock" --benchmark_filter='lost_updates/.*procs:(1|8)' \
        --benchmark_out=out.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'd["benchmarks"][0]["lost"]')" = 0.0 ]
    [ "$(json out.json '[b["increments"] for b in d["benchmarks"]]')" = "[100000.0, 100000.0]" ]
}

@test "the holder is killed: the next owner is told" {
    run limit 60 "$BENCH/lock" --smoke --benchmark_filter=killed_holder
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: never: Python"* ]]
    grep -qE 'killed_holder/rawmp/place:same .* us' <<<"$output"
}

@test "on one CPU all but cross is measured" {
    local cpu
    cpu=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
    run limit 60 taskset -c "$cpu" "$BENCH/lock" --smoke \
        --benchmark_filter='contended/(spin|rawmp|sem)|killed_holder/(rawmp/|flock)'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'skipped: one CPU' <<<"$output")" -eq 2 ]
    run limit 60 taskset -c "$cpu" "$BENCH/waiting" --smoke
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'skipped: one CPU' <<<"$output")" -eq 11 ]
}

@test "futex calls: right or n/a, never 0 for could not" {
    run limit 60 "$BENCH/lock" --counting --benchmark_out=out.json \
        --benchmark_filter='contended/(fetch_add|futex2|rawmp)/procs:2/work:none'
    echo "$output"
    [ "$status" -eq 0 ]
    # ours counts its own, whatever the kernel lets us see
    [ "$(json out.json '"futexes" in d["benchmarks"][2]')" = True ]
    if [ "$(json out.json 'd["context"]["counter.futexes"]')" = ok ]; then
        [ "$(json out.json 'd["benchmarks"][0]["futexes"] < 1e-4')" = True ]
        # a wake for each release, and the waits
        [ "$(json out.json '0.99 < d["benchmarks"][1]["futexes"] < 2.5')" = True ]
    else
        [ "$(json out.json '"futexes" in d["benchmarks"][1]')" = False ]
    fi
}

@test "run.py: lock and lost_updates, with their tables" {
    run limit 100 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief \
        --reps 2 --out results --filter \
        'lock/(alone/(rawmp|pthread)|contended/(rawmp|pthread)/procs:2/work:none|lost_updates/unlocked/procs:[12])'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(ls -A results)" = "lock.json
lost_updates.json" ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [ "$(json results/lost_updates.json 'sorted(d["runs"][0])')" = \
        "['cpus', 'increments', 'lost', 'processes']" ]
    [ "$(json results/lost_updates.json 'len(d["runs"])')" -eq 4 ]
    [ "$(json results/lock.json 'sum("share_max_min" in b and "cpus_used" in b
        for b in d["benchmarks"])')" -eq 4 ]
    # names without what Google Benchmark appends for one iteration
    [ "$(json results/lock.json 'any("iterations:" in b["name"]
        for b in d["benchmarks"])')" = False ]
}

@test "run.py: waiting, with Python beside it" {
    run limit 100 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief \
        --reps 1 --out results --filter '/(rawmp|python)(/|$)' waiting
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [ "$(json results/waiting.json 'len(d["benchmarks"])')" -eq 18 ]
}

@test "Python's team: a worker that dies is an error, before the line and after" {
    cat >team.py <<'EOF'
import multiprocessing, os, sys
sys.path.insert(0, sys.argv[1])
import peer
fork = multiprocessing.get_context("fork")
def dies(i):
    if i == 1:
        os._exit(3)
for options in (dict(work=dies), dict(work=lambda i: 0, warm=dies)):
    try:
        with peer.Team(fork, 2, **options) as team:
            team.go()
    except RuntimeError as e:
        print(e)
EOF
    run limit 20 python3 team.py "$ROOT/benchmarks/peers"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = "worker 1 ended with 3
a worker died before the start" ]
}

# ---- the scoreboard

@test "scoreboard: rows with ours, peer, limit, ratio, goal" {
    run scoreboard --reps 3 --json board.json \
        --rows 'lock alone: n|lock 2, (no work|max|futex)|semaphore pair|start'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [ "$(ls -A)" = board.json ]
    [ "$(json board.json '", ".join(r["row"] for r in d)')" = \
        "process start + join, lock alone: normal, lock 2, no work, lock 2, max/min, lock 2, futex, semaphore pair" ]
    python3 - <<'EOF'
import json
rows = {r["row"]: r for r in json.load(open("board.json"))}
for r in rows.values():
    assert {"row", "ours", "peer", "peer_name", "limit", "ratio", "goal", "met",
            "unit", "reps"} <= set(r), r
    sense, number = r["goal"].split()
    assert sense in ("<=", ">="), r
    if r["ratio"] is not None:
        reached = r["ratio"] <= float(number) if sense == "<=" else \
            r["ratio"] >= float(number)
        assert r["met"] is reached, r
        assert r["low"] is None or r["low"] <= r["ratio"] <= r["high"], r
    assert 1 <= r["reps"] <= 3 or r["met"] is None, r
alone = rows["lock alone: normal"]
assert alone["unit"] == "ns" and alone["peer_name"] == "pthread", alone
assert 0.5 < alone["ours"] < 10000, alone
assert rows["lock 2, max/min"]["unit"] == "max/min"
assert rows["lock 2, max/min"]["ours"] >= 1
# ours / limit, not ours / Python
start = rows["process start + join"]
assert start["of"] == "limit" and start["peer_name"] == "python_process"
assert start["ratio"] > 2 * start["ours"] / start["peer"], start
EOF
}

@test "scoreboard: ratios go by repetition, and >= is how much better ours is" {
    python3 - "$ROOT/benchmarks" <<'EOF'
import sys
sys.path.insert(0, sys.argv[1])
import scoreboard as s
class Fake:
    def __init__(self, name, values, better="less"):
        self.name, self.v, self.better, self.unit = name, values, better, "ns"
    def values(self, found):
        return self.v
ours = Fake("rawmp", {0: 10, 1: 20, 2: 30})
slow = Fake("a", {0: 40, 1: 80, 2: 120})
fast = Fake("b", {0: 20, 1: 40})                # one repetition is missing
none = Fake("c", {})
limit = Fake("l", {0: 5, 1: 10, 2: 15})
def judge(goal, of="peer", ours=ours, peers=(slow, fast, none), limit=limit):
    return s.judge(s.Row("r", ours, list(peers), limit, goal, of), None)
j = judge((">=", 2))
assert (j["peer_name"], j["ratio"], j["met"], j["reps"]) == ("b", 2, True, 2), j
assert judge((">=", 2.1))["met"] is False
assert judge(("<=", 0.5))["ratio"] == 0.5
assert judge(("<=", 1.9), "limit")["met"] is False
more = [Fake(n, {0: v}, "more")
        for n, v in (("rawmp", 1.9), ("p", 1.6), ("l", 1.95))]
j = judge((">=", 0.98), "limit", more[0], [more[1]], more[2])
assert abs(j["ratio"] - 1.9 / 1.95) < 1e-9 and j["met"] is False, j
j = judge(("<=", 3), "itself", Fake("rawmp", {0: 2, 1: 4, 2: 2}))
assert j["met"] is True and j["ratio"] is None and j["reps"] == 3, j
j = judge(("<=", 3), peers=[none])              # no peer: no ratio, not 0
assert j["met"] is None and j["ratio"] is None and j["peer"] is None, j
EOF
}

@test "scoreboard: a missing Python is named, the rest goes on" {
    run scoreboard --reps 1 --json board.json --python /nonexistent \
        --rows 'condition|event'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"peer missing: /nonexistent"* ]]
    [ "$(json board.json '[(r["peer"] is None, r["met"] is None) for r in d]')" = \
        "[(False, False), (True, True), (True, True)]" ]
}

@test "scoreboard: a benchmark with an error is exit 2, and never a peer" {
    mkdir -p build/benchmarks
    printf '#!/bin/sh\nexec "%s/lock_faulty" "$@"\n' "$BENCH" >build/benchmarks/lock
    chmod +x build/benchmarks/lock
    # the faulty spin lock plays a peer's part
    sed -e 's/"pthread_spin"/"spin"/' "$ROOT/benchmarks/rows.py" >rows.py
    sed -e "s|^HERE = .*|HERE = '$ROOT/benchmarks'|" \
        "$ROOT/benchmarks/scoreboard.py" >board.py
    run limit 60 python3 board.py --build "$PWD/build" --reps 1 \
        --json board.json --rows 'lock 2, no work'
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"the counter is 0, it must be"* ]]
    [ "$(json board.json 'd[0]["peer_name"] != "spin"')" = True ]
}

@test "scoreboard: what is wrong is a sentence and exit 2" {
    run scoreboard --rows no_such_row
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"matches none"*"semaphore pair"* ]]
    run scoreboard --rows '('
    [ "$status" -eq 2 ]
    for n in 0 1001 x; do
        run scoreboard --reps $n
        [ "$status" -eq 2 ]
    done
    run scoreboard extra
    [ "$status" -eq 2 ]
    touch file
    run scoreboard --json file/board.json
    [ "$status" -eq 2 ]
    [[ $output == *"/file"* && $output != *Traceback* ]]
    run scoreboard --json .
    [ "$status" -eq 2 ]
    [[ $output == *folder* ]]
    run limit 20 python3 "$ROOT/benchmarks/scoreboard.py" --build "$PWD/nowhere"
    [ "$status" -eq 2 ]
    [[ $output == *nowhere* && $output == *make* ]]
}

@test "scoreboard: an unwritable place is found at the start" {
    mkdir closed
    chmod 555 closed
    chmod 755 .
    as_user test -x "$BENCH/lock" || skip "the build is closed to others"
    as_user test ! -w closed || skip "everything is writable here"
    run as_user timeout 20 python3 "$ROOT/benchmarks/scoreboard.py" \
        --build "$BUILD" --json "$PWD/closed/board.json"
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *closed*"ermission denied"* ]]
}

# Has process $1 started a program?
measuring() {
    grep -qzxsF -- "--die-with=$1" /proc/[0-9]*/cmdline
}

# Start the scoreboard, wait until it measures, and send a signal.
stop_with() {
    local pid i
    setsid python3 "$ROOT/benchmarks/scoreboard.py" --build "$BUILD" --reps 50 \
        --json board.json --rows 'lock [24]|event: p|barrier' >said 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        measuring "$pid" && break
        read -rt 0.1 <> <(:) || :
    done
    measuring "$pid"
    kill "-$1" "$pid"
    wait "$pid"
}

@test "scoreboard: Ctrl-C leaves no process and no file" {
    run stop_with INT
    echo "$output"
    cat said
    [ "$status" -eq 130 ]
    [ "$(ls -A)" = said ]
    [ -z "$(stragglers)" ]
    grep -q "nothing was written" said
}

@test "scoreboard: kill -9 takes the benchmark and its workers with it" {
    run stop_with KILL
    [ "$status" -eq 137 ]
    for ((i = 0; i < 100; i++)); do
        [ -n "$(stragglers)" ] || break
        read -rt 0.01 <> <(:) || :
    done
    [ -z "$(stragglers)" ]
    [ ! -e board.json ]
}
