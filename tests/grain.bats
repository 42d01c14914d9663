#!/usr/bin/env bats
# The families grain and pool, as a user runs them.

load helper

setup_file() {
    export BENCH="$BUILD/benchmarks"
    [ -x "$BENCH/grain" ] || skip "benchmarks are not built"
}

setup() {
    leak_setup
    export TMPDIR=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

grain() { limit 60 "$BENCH/grain" --ms=1 "$@"; }
pool() { limit 60 "$BENCH/pool" --benchmark_min_time=0.001 "$@"; }

json() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"; }

# Which figures need two CPUs?
two_cpus() { [ "$(nproc)" -ge 2 ] || skip "one CPU"; }

# Is OpenMP there?
openmp() { [ -x "$BENCH/openmp_peer" ] || skip "built without OpenMP"; }

@test "METG(50 %): where a curve crosses one half" {
    python3 - "$ROOT/benchmarks/harness" <<'EOP'
import math, sys
sys.path.insert(0, sys.argv[1])
import metg
at = metg.crossing
ns, exact = at([(10, 0.2), (100, 0.8)])
assert math.isclose(ns, math.sqrt(1000)) and exact  # in the middle
assert at([(100, 0.8), (10, 0.2)]) == at([(10, 0.2), (100, 0.8)])
assert at([(10, 0.6), (20, 0.9)]) == (10, False)    # or less
assert at([(10, 0.1), (20, 0.4)]) is None
# what falls again later was disturbed
assert at([(10, 0.4), (20, 0.6), (40, 0.3), (80, 0.9)])[0] < 20
def entry(how, t, e, number=0):
    return {"name": f"grain/{how}/task_ns:{t}/procs:2", "round": number,
            "loud": False, "serial_ns": t, "efficiency": e}
rows = metg.summary([entry("a", 10, 0.2), entry("a", 100, 0.8),
                     entry("a", 10, 0.6, 1), entry("a", 100, 0.8, 1),
                     entry("b", 10, 0.1), entry("b", 100, 0.4),
                     {"name": "grain/c/task_ns:10/procs:2", "round": 0}])
assert [(r["name"], r["round"], round(r["metg_ns"], 1), r["exact"])
        for r in rows] == [("grain_metg/a/procs:2", 0, 31.6, True),
                           ("grain_metg/a/procs:2", 1, 10, False)], rows
EOP
}

@test "tasks take as long as they are called, in one loop" {
    # of the CPU, whoever else is busy; its speed may change between the
    # calibration and the run, but hardly five times
    fits=
    for ((i = 0; i < 5 && !fits; i++)); do
        run grain --benchmark_filter='sequential/task_ns:(25|100|1000)/' --benchmark_out=out.json
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(json out.json 'all(0.5 < b["cpu_ns"] / t < 2
            for b, t in zip(d["benchmarks"], (25, 100, 1000)))')" != True ] || fits=1
    done
    [ "$fits" ]
    [ "$(json out.json 'all(b["serial_ns"] > 0.5 * t and b["efficiency"] > 0
        for b, t in zip(d["benchmarks"], (25, 100, 1000)))')" = True ]
}

@test "ours, OpenMP's and Python's tasks: each was run once" {
    two_cpus
    run grain --benchmark_out=out.json \
        --benchmark_filter='/(fork_index|openmp_.*|mp_.*|python_.*)/task_ns:(100|64000)/procs:2'
    echo "$output"
    [ "$status" -eq 0 ]
    for how in fork_index mp_pool_chunk1 mp_pool mp_pool_submit mp_imap \
        python_pool_chunk1 python_pool python_executor; do
        [ "$(json out.json "sum(b['efficiency'] > 0 and b['serial_ns'] > 0
            for b in d['benchmarks'] if '/$how/' in b['name'])")" -ge 1 ]
    done
}

@test "OpenMP is a process of its own, which ends with its benchmark" {
    two_cpus
    openmp
    run grain --benchmark_filter='openmp_(dynamic|static)/task_ns:(10|1000)/procs:2'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *skipped* ]]
    [ "$(ldd "$BENCH/grain" "$BENCH/pool" | grep -cE 'gomp|libomp')" -eq 0 ]
    # what it cannot do it says in a sentence
    printf '%s\n' 'map dynamic 2 10' 'map dynamic 0 10 1 1' 'loops 2 0' \
        'map dynamic 2 10 1 1' >asked
    timeout 20 "$BENCH/openmp_peer" <asked >said 3>&-
    cat said
    [ "$(cut -d' ' -f1 said | tr '\n' ' ')" = "ok error error error ok " ]
}

@test "a task that is not run, or twice: no time is believed" {
    two_cpus
    run limit 60 "$BENCH/grain_faulty" --ms=1 \
        --benchmark_filter='(mp_pool_chunk1|mp_pool_submit|fork_index)/task_ns:100/procs:2'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c 'wrong results' <<<"$output")" -eq 2 ]
    grep -qE 'grain/fork_index/.* [0-9.]+ [num]s ' <<<"$output"
}

@test "asleep somebody sleeps, awake hardly ever" {
    two_cpus
    run pool --benchmark_filter='apply_(asleep|awake)/mp_pool' --benchmark_out=out.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'd["benchmarks"][1]["sleeps"] < 0.5')" = True ]
    # who has to wait for a CPU does not come to sleep on it
    awk -v n="$(nproc)" '{ exit $1 > n / 2 }' /proc/loadavg || skip "others are at work"
    [ "$(json out.json 'd["benchmarks"][0]["sleeps"] > 0.5')" = True ]
}

@test "all of the family pool, with Python and without" {
    run limit 100 "$BENCH/pool" --smoke --benchmark_out=out.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'len(d["benchmarks"])')" -eq 21 ]
    run limit 60 "$BENCH/pool" --smoke --python /nonexistent
    [ "$status" -eq 0 ]
    [[ $output == *"peer missing: /nonexistent"* ]]
}

@test "system calls: none for a task, or n/a" {
    two_cpus
    run limit 60 "$BENCH/pool" --counting --benchmark_filter=noop_map/mp_pool \
        --benchmark_out=out.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'd["context"]["counter.syscalls"]')" = ok ] ||
        skip "system calls are not counted here"
    [ "$(json out.json 'all(b["syscalls"] < 0.01 for b in d["benchmarks"])')" = True ]
}

@test "on one CPU two workers are named as too many, one loop is not" {
    run limit 60 taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')" \
        "$BENCH/grain" --smoke --benchmark_filter='/(sequential|mp_pool)/'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'skipped: one CPU' <<<"$output")" -eq 2 ]
    [[ $output == *sequential*" ns "* ]]
}

@test "run.py: tables of at most 80 columns, METG in the result file" {
    two_cpus
    run limit 120 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief \
        --reps 2 --out results --filter \
        'grain/(mp_pool_chunk1|fork_index)/task_ns:(5|10|100|1000)/procs:2|pool/(map2|create)/(mp_pool|fork)' grain pool
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [ "$(ls -A results)" = "grain.json
pool.json" ]
    # a busy machine may keep half of the efficiency nowhere
    python3 - "$ROOT/benchmarks/harness" <<'EOP'
import json, sys
sys.path.insert(0, sys.argv[1])
import metg
rows = json.load(open("results/grain.json"))["benchmarks"]
assert len([r for r in rows if "efficiency" in r]) == 16, rows
assert [r for r in rows if "metg_ns" in r] == metg.summary(rows)
EOP
    [[ $output == *"METG(50%)"* ]]
}

@test "grain: a wrong option is a sentence and exit 2" {
    local wrong
    for wrong in 0 -1 x 1001; do
        run limit 20 "$BENCH/grain" --ms="$wrong"
        [ "$status" -eq 2 ]
        [[ $output == *"1 to 1000"* ]]
    done
}
