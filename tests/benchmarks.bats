#!/usr/bin/env bats
# The benchmark harness and its tools, as a user runs them.

load helper

setup_file() {
    export BENCH="$BUILD/benchmarks"
    [ -x "$BENCH/selftest" ] || skip "benchmarks are not built"
}

setup() {
    leak_setup
    # where a run.py that is killed leaves its folder
    export TMPDIR=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

selftest() { limit 20 "$BENCH/selftest" --benchmark_min_time=0.001 "$@"; }
runner() { limit 60 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" "$@"; }

# The same as somebody who is not root; root becomes nobody.
as_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}

json() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"; }

# ---- exit codes

@test "a benchmark that works: exit 0" {
    run selftest --benchmark_filter=good
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *selftest/good* ]]
    [[ $output != *WARNING* && $output != *DEBUG* ]]
}

@test "an error: exit 1, on the console, in JSON and in CSV" {
    for format in console json csv; do
        run selftest --benchmark_filter=selftest/error --benchmark_format=$format
        echo "$output"
        [ "$status" -eq 1 ]
        [[ $output == *"this went wrong: 42"* ]]
    done
}

@test "an error with the results in a file: exit 1, and the file is whole" {
    run selftest --benchmark_filter='error|good' --benchmark_out=out.json
    [ "$status" -eq 1 ]
    [ "$(json out.json 'len(d["benchmarks"])')" -eq 2 ]
    [ "$(ls)" = out.json ]
}

@test "a skip is no error, and says why" {
    run selftest --benchmark_filter=skip --benchmark_format=json
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: not on this machine"* ]]
}

@test "a filter that matches nothing: exit 3, also into JSON; no file" {
    for format in console json; do
        run selftest --benchmark_filter=no_such --benchmark_format=$format \
            --benchmark_out=out.json
        [ "$status" -eq 3 ]
        [ -z "$(ls)" ]
    done
}

@test "wrong options: exit 2 and a sentence that names them" {
    local wrong
    for wrong in --frobnicate --benchmark_format=xml --benchmark_repetitions=x \
        --benchmark_repetitions=-3 --benchmark_min_time=-1 \
        --benchmark_min_time=100x '--benchmark_filter=*(' \
        --benchmark_out=/no/such/folder/x --sidecar=/no/such/folder/x \
        --progress-fd=x --benchmark_time_unit=weeks extra; do
        run selftest --benchmark_filter=good "$wrong"
        echo "$wrong: $status: $output"
        [ "$status" -eq 2 ]
        [[ $output == selftest:* ]]
    done
    run limit 20 "$BENCH/speedup" --last
    [ "$status" -eq 2 ]
    for wrong in -1 x 99999999; do
        run limit 20 "$BENCH/speedup" --last "$wrong"
        [ "$status" -eq 2 ]
        [[ $output == *"0 to 1000000"* ]]
        run env RAWMP_LAST="$wrong" timeout 20 "$BENCH/speedup"
        [ "$status" -eq 2 ]
        [[ $output == *RAWMP_LAST* ]]
    done
}

@test "the time may be 0.001 or 0.001s, whichever the library takes" {
    for t in 0.001 0.001s; do
        run limit 20 "$BENCH/selftest" --benchmark_filter=good \
            --benchmark_min_time=$t
        [ "$status" -eq 0 ]
    done
}

# ---- misuse

@test "a manual time that stays zero is an error, at once" {
    run selftest --benchmark_filter='manual_(zero|missing)'
    [ "$status" -eq 1 ]
    [ "$(grep -c 'manual time stayed at zero' <<<"$output")" -eq 2 ]
}

@test "a loop never reached, or left early, is an error" {
    run selftest --benchmark_filter='no_loop|left_early'
    [ "$status" -eq 1 ]
    [[ $output == *"never reached GB_LOOP"* ]]
    [[ $output == *"left GB_LOOP before its end"* ]]
}

@test "setup and teardown run once around each run" {
    run selftest --benchmark_filter=good --benchmark_format=json
    [ "$status" -eq 0 ]
    [[ $output == *'"set_up": 1.0000'* ]]
}

@test "a worker that dies or fails ends the team with an error, not a hang" {
    run selftest --benchmark_filter='team_(dead|failed|thread_failed)'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c 'worker 2 of 3 was killed by signal 9' <<<"$output")" -eq 2 ]
    [ "$(grep -c 'worker 2 of 2 failed' <<<"$output")" -eq 2 ]
}

@test "the team's time ends with its last worker" {
    run selftest --benchmark_filter='team_(processes|threads)' \
        --benchmark_out=out.json
    [ "$status" -eq 0 ]
    [ "$(json out.json 'all(b["real_time"] > 2.9e6 for b in d["benchmarks"])')" = True ]
}

# ---- results

@test "wrong results are an error: no time is believed" {
    run limit 60 "$BENCH/speedup_faulty" --smoke --python /nonexistent \
        --benchmark_filter='fork_stride|fork_index|mp_process' \
        --benchmark_format=json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"wrong results: digest"* ]]
    # the static split is not touched by the seeded fault
    run limit 60 "$BENCH/speedup_faulty" --smoke --benchmark_filter=fork_stride
    [ "$status" -eq 0 ]
}

@test "C, threads, processes and Python agree on every factorial" {
    run limit 60 "$BENCH/speedup" --last=700 --benchmark_min_time=0.0001 \
        --benchmark_filter=factorial
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *python_pool* && $output != *skipped* ]]
}

@test "the peer is missing: named, and the rest goes on" {
    run limit 60 "$BENCH/process" --smoke --python /nonexistent \
        --benchmark_filter='(fork|python_process)/parent_MiB:0/place:same'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: peer missing: /nonexistent"*--python* ]]
    [[ $output == *"process/fork"*" us "* ]]
    mkdir empty
    run env PATH="$PWD/empty" "$BENCH/process" --smoke \
        --benchmark_filter='python_fork/parent_MiB:0/place:same'
    [ "$status" -eq 0 ]
    [[ $output == *"peer missing: python3"* ]]
    # something that starts and is no Python
    run limit 60 "$BENCH/process" --smoke --python true \
        --benchmark_filter='python_fork/parent_MiB:0/place:same'
    [ "$status" -eq 0 ]
    [[ $output == *"peer missing: process_peer.py does not start under true"* ]]
}

@test "on one CPU cross is skipped with its reason" {
    run limit 30 taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')" \
        "$BENCH/process" --smoke --benchmark_filter='/fork/.*place:(same|cross)'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: one CPU is allowed"* ]]
}

@test "short of memory: the large parent is skipped, the small one is not" {
    run limit 60 bash -c "ulimit -v 900000
        exec '$BENCH/process' --benchmark_min_time=0.001 \
            --benchmark_filter='/fork/parent_MiB:(0|1024)/place:same'"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: the machine has not 1024 MiB to spare"* ]]
}

# ---- counters

@test "a count is right or n/a with a reason: never 0 for could not" {
    run limit 30 "$BENCH/selftest" --counting --benchmark_min_time=0.01 \
        --benchmark_filter=selftest/syscall --benchmark_out=out.json
    [ "$status" -eq 0 ]
    # every counter is "ok" or tells a reason and a remedy
    [ "$(json out.json 'all(v == "ok" or v.startswith("n/a (") and "; " in v
        for k, v in d["context"].items() if k.startswith("counter."))')" = True ]
    # there is a number exactly where it is ok
    [ "$(json out.json 'all((k[8:] in d["benchmarks"][0]) == (v == "ok")
        for k, v in d["context"].items() if k.startswith("counter."))')" = True ]
    if [ "$(json out.json 'd["context"]["counter.syscalls"]')" = ok ]; then
        [ "$(json out.json 'round(d["benchmarks"][0]["syscalls"], 3)')" = 1.0 ]
    fi
}

@test "an ordinary user gets n/a for switches, not the kernel's 0" {
    [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -ge 2 ] ||
        skip "kernel.perf_event_paranoid lets users count"
    as_user test -x "$BENCH/process" || skip "the build is closed to others"
    run as_user timeout 30 "$BENCH/process" --counting --smoke \
        --benchmark_filter='/fork/parent_MiB:0/place:same' \
        --benchmark_format=json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'"counter.context_switches": "n/a ('*paranoid*sysctl* ]]
    [[ $output != *'"context_switches":'* ]]
    [[ $output == *'"switches":'* ]] # getrusage always knows
}

# ---- messages: latency, throughput, queue

messages() { limit 100 "$BENCH/$1" --smoke "${@:2}"; }

@test "every way brings its messages, or says why it cannot" {
    local family
    for family in latency throughput queue; do
        run messages $family --python /nonexistent --benchmark_out=$family.json
        echo "$output"
        [ "$status" -eq 0 ]
    done
    # the kernel's are there on every machine
    for how in pipe fifo socketpair_stream tcp eventfd signal futex posix_sem \
        yield rawmp_pipe rawmp_queue; do
        [ "$(json latency.json "[('p50' in b) for b in d['benchmarks']
            if b['name'].startswith('latency/$how/place:same/pace:busy')]")" = "[True]" ]
    done
    [ "$(json throughput.json 'all((b.get("error_message", "").startswith("skipped: ")) !=
        (b.get("messages_per_second", 0) > 0) for b in d["benchmarks"])')" = True ]
    [ "$(json queue.json 'sum("/rawmp/" in b["name"] and b["messages_per_second"] > 0
        for b in d["benchmarks"])')" -eq 25 ]
}

@test "Python's Pipe and queues bring theirs" {
    for family in latency throughput queue; do
        run messages $family --benchmark_filter='python_.*(same/pace:busy|bytes:(64|65536)|P4C/capacity:1024)'
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output == *python_pipe* || $family = queue ]]
        [[ $output == *python_queue*python_simplequeue* ]]
        [[ $output != *skipped* ]]
    done
}

@test "a message that is damaged, or lost, is an error: no time is believed" {
    run messages throughput_faulty --benchmark_filter='/(ring|memcpy|pipe)/bytes:64/buffer:64K'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c 'a message was damaged' <<<"$output")" -eq 2 ]
    grep -qE '^throughput/pipe/.* [0-9.]+ [num]s ' <<<"$output"
    run messages latency_faulty --benchmark_filter='/(futex|posix_sem|pipe)/place:same/pace:busy'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c 'a message is not the one that was sent' <<<"$output")" -eq 2 ]
    [[ $output == *latency/pipe/*" us "* ]]
    run messages queue_faulty --benchmark_filter='/ring/shape:(1P1C|4P4C)/capacity:1024'
    echo "$output"
    [ "$status" -eq 1 ]
    # one reader sees the gap; of several, only the sum tells
    [ "$(grep -cE '1P1C.*(came where [0-9]+ was expected|sent)' <<<"$output")" -eq 1 ]
    [ "$(grep -cE '4P4C.*messages sent, [0-9]+ received' <<<"$output")" -eq 1 ]
}

@test "messages on one CPU: all but cross is measured, and named so" {
    local cpu
    cpu=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
    run limit 60 taskset -c "$cpu" "$BENCH/latency" --smoke --python /nonexistent \
        --benchmark_filter='/(pipe|spin|yield|rawmp_pipe)/.*busy'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'skipped: one CPU is allowed' <<<"$output")" -eq 4 ]
    [ "$(grep -c 'skipped: two that spin on one CPU' <<<"$output")" -eq 2 ]
    run limit 60 taskset -c "$cpu" "$BENCH/queue" --smoke \
        --benchmark_filter='/(rawmp|ring|pipe)/shape:.*/capacity:1024'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'all on one CPU' <<<"$output")" -eq 15 ]
}

@test "system calls: four for a pipe's round trip, none for our queue, or n/a" {
    run limit 60 "$BENCH/latency" --counting --benchmark_out=out.json \
        --benchmark_filter='/pipe/place:same/pace:busy'
    [ "$status" -eq 0 ]
    [ "$(json out.json 'd["context"]["counter.syscalls"]')" = ok ] || skip "system calls are not counted here"
    [ "$(json out.json 'round(d["benchmarks"][0]["syscalls"], 1)')" = 4.0 ]
    run limit 60 "$BENCH/queue" --counting --benchmark_out=out.json \
        --benchmark_filter='/rawmp/shape:1P1C/capacity:1024'
    [ "$status" -eq 0 ]
    [ "$(json out.json 'd["benchmarks"][0]["syscalls"] < 1')" = True ]
}

@test "messages: a wrong option is a sentence and exit 2" {
    for wrong in 0 -1 x 10001; do
        run limit 20 "$BENCH/throughput" --ms="$wrong"
        [ "$status" -eq 2 ]
        [[ $output == *"1 to 10000"* ]]
    done
    for wrong in 0 12 x 2000000; do
        run limit 20 "$BENCH/latency" --bytes="$wrong"
        [ "$status" -eq 2 ]
        [[ $output == *"multiple of 8"* ]]
    done
}

# The System V queue that a child of process $1 has sent to last.
sysv_queue() {
    local children
    children=$(grep -lE "^PPid:[[:space:]]+$1\$" /proc/[0-9]*/status 2>/dev/null | tr -dc '0-9\n')
    awk -v children=" ${children//$'\n'/ } " 'index(children, " " $6 " ") { print $2 }' \
        /proc/sysvipc/msg
}

@test "kill -9 in the middle of a System V queue leaves none" {
    [ -r /proc/sysvipc/msg ] || skip "no /proc/sysvipc"
    local pid id i
    "$BENCH/latency" --ms=10000 --benchmark_filter='sysv_mq/place:same/pace:busy' \
        >said 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        id=$(sysv_queue "$pid")
        [ -z "$id" ] || break
        read -rt 0.05 <> <(:) || :
    done
    [ -n "$id" ]
    kill -9 "$pid"
    for ((i = 0; i < 200; i++)); do
        awk -v id="$id" '$2 == id { found = 1 } END { exit !found }' \
            /proc/sysvipc/msg || break
        read -rt 0.05 <> <(:) || :
    done
    ((i < 200))
    for ((i = 0; i < 100; i++)); do
        [ -n "$(stragglers)" ] || break
        read -rt 0.02 <> <(:) || :
    done
}

# ---- run.py

@test "run.py: results are whole, valid and say what they are" {
    run runner --brief --reps 2 --out results --filter \
        '/(fork|vfork|mp_process)/parent_MiB:0/place:same|factorial/fork_stride|mp_process/procs:2|factorial/sequential'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(ls -A results)" = "process.json
speedup.json" ]
    [ "$(json results/process.json 'len(d["benchmarks"])')" -eq 6 ]
    [ "$(json results/process.json 'sorted(d["benchmarks"][0].keys() &
        {"p50", "p90", "p99", "p99_9", "max", "n", "cpu_ns", "switches"})')" = \
        "['cpu_ns', 'max', 'n', 'p50', 'p90', 'p99', 'p99_9', 'switches']" ]
    [ "$(json results/process.json 'sorted(e["name"] for e in d["counting"])')" = \
        "['process/fork/parent_MiB:0/place:same', 'process/mp_process/parent_MiB:0/place:same', 'process/vfork/parent_MiB:0/place:same']" ]
    [ "$(json results/process.json 'd["context"]["brief"], type(d["context"]["machine"]).__name__,
        "context_switches" in d["context"]["counters"]')" = "True dict True" ]
    [ "$(json results/speedup.json 'len(d["ratios"])')" -eq 1 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
}

@test "run.py: what is wrong is a sentence and exit 2" {
    run runner --out results --filter no_such_benchmark
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *no_such_benchmark*"matches"* ]]
    run runner --filter '('
    [ "$status" -eq 2 ]
    run runner nonsense
    [ "$status" -eq 2 ]
    [[ $output == *nonsense*process* ]]
    for n in 0 -1 x; do
        run runner --reps $n
        [ "$status" -eq 2 ]
    done
    touch file
    run runner --out file/below
    [ "$status" -eq 2 ]
    [[ $output == *"file/below"* ]]
    run limit 20 python3 "$ROOT/benchmarks/run.py" --build "$PWD/nowhere"
    [ "$status" -eq 2 ]
    [[ $output == *"nowhere"*"run \`make\`"* ]]
    [[ $output != *Traceback* ]]
}

@test "run.py: an unwritable folder is found at the start" {
    mkdir closed
    chmod 555 closed
    chmod 755 .
    as_user test -x "$BENCH/process" || skip "the build is closed to others"
    as_user test ! -w closed || skip "everything is writable here"
    run as_user timeout 20 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" \
        --out "$PWD/closed"
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *closed*"ermission denied"* ]]
}

@test "run.py: without a Python peer the rest goes on" {
    run runner --brief --reps 1 --out results --python /nonexistent \
        --filter '/(fork|python_fork)/parent_MiB:0/place:same'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"peer missing: /nonexistent"* ]]
    [ -s results/process.json ]
}

# Has run.py, process $1, started a program?
measuring() {
    grep -qzxsF -- "--die-with=$1" /proc/[0-9]*/cmdline
}

# Start run.py in the background, wait until it measures, and send a signal.
stop_with() {
    local pid i
    setsid python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief \
        --out results --filter "$2" >said 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        measuring "$pid" && break
        read -rt 0.1 <> <(:) || :
    done
    measuring "$pid"
    kill "-$1" "$pid"
    wait "$pid"
}

@test "run.py: Ctrl-C in the middle leaves no child and no half file" {
    run stop_with INT 'speedup/.*/(python_pool|fork_index)'
    echo "$output"
    cat said
    [ "$status" -eq 130 ]
    [ -z "$(ls -A results)" ]
    [ -z "$(stragglers)" ]
    run stop_with TERM 'process/'
    [ "$status" -eq 130 ]
    [ -z "$(ls -A results)" ]
    [ -z "$(stragglers)" ]
}

@test "kill -9 of run.py takes the benchmark, its children and peers with it" {
    run stop_with KILL 'speedup/.*/(python_pool|mp_process|fork_index)'
    [ "$status" -eq 137 ]
    for ((i = 0; i < 100; i++)); do
        [ -n "$(stragglers)" ] || break
        read -rt 0.01 <> <(:) || :
    done
    [ -z "$(stragglers)" ]
}

# ---- perf.py

@test "perf.py: each tool works or says why not" {
    run limit 100 python3 "$ROOT/benchmarks/perf.py" --build "$BUILD" \
        --seconds 20 /bin/true
    echo "$output"
    [ "$status" -le 1 ]
    [ "$(grep -c '^== ' <<<"$output")" -eq 6 ]
    [[ $output != *Traceback* ]]
    run limit 20 python3 "$ROOT/benchmarks/perf.py" --build "$BUILD" no_such_thing
    [ "$status" -eq 2 ]
    [[ $output == *no_such_thing* ]]
    run limit 20 python3 "$ROOT/benchmarks/perf.py" --build "$BUILD"
    [ "$status" -eq 2 ]
}

# A build directory whose speedup computes factorials up to $2.
build_with_last() {
    mkdir -p "$1/benchmarks"
    printf '#!/bin/sh\nexec "%s/benchmarks/speedup" "$@" --last=%s\n' \
        "$BUILD" "$2" >"$1/benchmarks/speedup"
    chmod +x "$1/benchmarks/speedup"
}

compare() {
    limit 120 python3 "$ROOT/benchmarks/compare.py" --out out --pairs 8 \
        --filter 'factorial/sequential' "$@"
}

@test "compare.py: twice the work is SLOWER, half of it faster" {
    build_with_last small 399
    build_with_last large 799
    run compare --base-build small --build large speedup
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"SLOWER"*"1 SLOWER"* ]]
    run compare --base-build large --build small speedup
    [ "$status" -eq 0 ]
    [[ $output == *"1 faster"* ]]
    [ "$(python3 -c 'import json; print(json.load(open("out/compare.json"))["benchmarks"][0]["verdict"])')" = faster ]
    grep -q faster out/compare.md
}

@test "compare.py: a build is not slower than itself" {
    build_with_last small 399
    run compare --aa --build small --threshold 30 speedup
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *SLOWER* ]]
    [[ $output == *"this machine sees changes"* ]]
}

@test "compare.py: the test and its correction are exact" {
    python3 - "$ROOT/benchmarks/harness" <<'EOF'
import sys
sys.path.insert(0, sys.argv[1])
import stats
# Wilcoxon's own tables: n = 5, all above: 2/32; n = 6, the smallest below: 4/64
assert stats.wilcoxon([1, 2, 3, 4, 5]) == 2 / 32
assert stats.wilcoxon([-1, 2, 3, 4, 5, 6]) == 4 / 64
assert stats.wilcoxon([1, -1]) == 1.0       # a tie
assert stats.wilcoxon([0, 0]) == 1.0        # no difference at all
assert stats.holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
EOF
}

@test "compare.py: what is wrong is a sentence and exit 2" {
    run compare --base no-such-revision
    [ "$status" -eq 2 ]
    [[ $output == *"no-such-revision"* || ! -e $ROOT/.git ]]
    run compare --pairs 3
    [ "$status" -eq 2 ]
    run compare --threshold 0
    [ "$status" -eq 2 ]
    run compare --aa nonsense
    [ "$status" -eq 2 ]
    [[ $output == *"no family nonsense"* ]]
    run limit 60 python3 "$ROOT/benchmarks/compare.py" --aa --out out --filter no_such --build "$BUILD"
    [ "$status" -eq 2 ]
    [[ $output == *"no_such"* && $output != *Traceback* ]]
}
