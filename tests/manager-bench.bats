#!/usr/bin/env bats
# The family manager of benchmarks/, as a user runs it.

load helper

setup_file() {
    export BENCH="$BUILD/benchmarks"
    [ -x "$BENCH/manager" ] || skip "benchmarks are not built"
    # What is on PATH may be a script that looks for the real one there.
    PYTHON=$(python3 -c 'import sys; print(sys.executable)')
    export PYTHON
}

setup() {
    leak_setup
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    cd "$BATS_TEST_TMPDIR" || return
}

manager() { limit 150 "$BENCH/manager" "$@"; }

json() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"; }

# A PATH on which a peer's server is what $1 holds, or nothing.
only() {
    mkdir -p bin
    if [ -n "${1-}" ]; then
        cp "$1" bin/redis-server
        chmod +x bin/redis-server
    fi
    run limit 150 env PATH="$PWD/bin" "$BENCH/manager" --python="$PYTHON" \
        --smoke --benchmark_filter="$2"
    echo "$output"
}

@test "rows are manager/CASE/HOW/clients:N/place:PLACE, and paced ones" {
    run manager --benchmark_list_tests=true
    [ "$status" -eq 0 ]
    local row='^manager/(get|set|append|counter|lock)/[a-z0-9_]+/clients:(1|2|4|16)'
    row+='/place:(same|cross|free)(/paced_ns:1000000)?/iterations:1/manual_time$'
    [ "$(grep -cvE "$row" <<<"$output")" -eq 0 ]
    for how in mp_manager mp_manager_unix mp_manager_tcp redis hiredis \
        python_manager; do
        for what in get set append counter lock; do
            grep -q "/$what/$how/clients:16/place:free/" <<<"$output"
            grep -q "/$what/$how/clients:1/place:cross/paced_ns:" <<<"$output"
        done
    done
    for cell in get/mp_dict counter/mp_dict append/mp_list lock/mp_lock \
        set/redis_p16 set/mp_manager_p16 counter/memcached lock/libmemcached \
        append/redis_benchmark get/redis_benchmark_p16; do
        grep -q "/$cell/clients:2/place:free/" <<<"$output"
    done
}

@test "without a server: get, set, append, counter and lock have times" {
    run manager --smoke --benchmark_out=out.json --benchmark_filter='/mp_(dict|list|lock)/'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'sorted({b["name"].split("/")[1] for b in d["benchmarks"]
        if 0 < b["real_time"] and b["p99"] <= b["max"]})')" = \
        "['append', 'counter', 'get', 'lock', 'set']" ]
    [[ $output != *skipped* ]]
}

@test "Python's Manager: the same" {
    run manager --smoke --benchmark_out=out.json --benchmark_filter=/python_manager/
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(json out.json 'len(d["benchmarks"])')" -eq 15 ]
    [[ $output != *skipped* ]]
    [ -z "$(ls -A "$TMPDIR")" ]
}

@test "what loses an operation has no time" {
    run limit 150 "$BENCH/manager_faulty" --smoke \
        --benchmark_filter='/mp_(dict|list|lock)/'
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -cE '/(get|set|append)/.* an answer is not what it must be' <<<"$output")" -eq 6 ]
    [ "$(grep -cE '/(counter|lock)/.* the sum is [0-9]+, it must be' <<<"$output")" -eq 4 ]
}

@test "peers that are not installed are named, and no error" {
    only "" '/(redis|redis_p16|redis_benchmark|memcached)/'
    [ "$status" -eq 0 ]
    [ "$(grep -c 'skipped: peer missing: redis-server; install' <<<"$output")" -gt 10 ]
    [ "$(grep -c 'skipped: peer missing: memcached; install' <<<"$output")" -gt 10 ]
    [ "$(grep -vc skipped <<<"$output")" -eq 2 ] # the head of the table
    [ -z "$(ls -A "$TMPDIR")" ]
    run manager --smoke --python=/nonexistent --benchmark_filter=/python
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: peer missing: /nonexistent"* ]]
}

@test "a server that does not start is named; one that lies has no time" {
    printf '#!/bin/sh\nexit 1\n' >fails
    only fails '/get/redis/clients:1/place:same/[^p]'
    [ "$status" -eq 0 ]
    [[ $output == *"skipped: peer missing: redis-server does not start"* ]]
    { echo "#!$PYTHON"; cat; } >lies <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[sys.argv.index("--unixsocket") + 1])
s.listen()
while True:
    c, _ = s.accept()
    while c.recv(1000):
        c.sendall(b"+OK\r\n")
PY
    only lies '/(get|counter)/redis/clients:1/place:same/[^p]'
    [ "$status" -eq 1 ]
    [ "$(grep -c 'an answer is not what it must be' <<<"$output")" -eq 2 ]
    [ -z "$(ls -A "$TMPDIR")" ]
}

@test "Redis, memcached and their clients, where they are: right answers" {
    command -v redis-server >/dev/null || command -v memcached >/dev/null ||
        skip "neither is installed"
    run manager --smoke --benchmark_filter='/(hi)?redis|memcached/'
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$(ls -A "$TMPDIR")" ]
    local peer
    for peer in redis memcached; do
        command -v ${peer/redis/redis-server} >/dev/null || continue
        [ "$(grep -cE "/$peer/.*skipped" <<<"$output")" -eq 0 ]
    done
}

@test "kill -9 leaves no server, no socket and no folder" {
    command -v redis-server >/dev/null || skip "redis-server is not installed"
    local pid i
    "$BENCH/manager" --ms=10000 --benchmark_filter='get/redis/clients:1/place:same' \
        >said 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        [ -S "$(echo "$TMPDIR"/rawmp-*/socket)" ] && break
        read -rt 0.05 <> <(:) || :
    done
    [ -S "$(echo "$TMPDIR"/rawmp-*/socket)" ]
    kill -9 "$pid"
    wait "$pid" || :
    for ((i = 0; i < 600; i++)); do
        [ -z "$(stragglers)$(ls -A "$TMPDIR")" ] && break
        read -rt 0.05 <> <(:) || :
    done
    [ -z "$(stragglers)" ]
    [ -z "$(ls -A "$TMPDIR")" ]
}

@test "what is wrong is a sentence and exit 2; nothing found is 3" {
    local wrong
    for wrong in 0 10001 -1 x ''; do
        run manager --ms="$wrong"
        [ "$status" -eq 2 ]
        [[ $output == *"1 to 10000"* ]]
        run manager --windows="$wrong"
        [ "$status" -eq 2 ]
        [[ $output == *"1 to 64"* ]]
    done
    run manager --frobnicate
    [ "$status" -eq 2 ]
    run manager --benchmark_filter='/clients:3/'
    [ "$status" -eq 3 ]
    run manager --help
    [ "$status" -eq 0 ]
    [[ $output == *--ms* && $output == *--windows* && $output == *--python* ]]
}

@test "run.py: a table for each case" {
    run limit 150 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief \
        --reps 1 --out out manager --filter \
        '/get/(mp_dict|python_manager)/clients:1/place:(same|free)[^p]*$|mp_lock/'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [[ $output == *"manager: get a value"*"mp_dict "*"manager: acquire"*"mp_lock "* ]]
    [ "$(json out/manager.json 'min(b["real_time"] for b in d["benchmarks"]) > 0')" = True ]
}

@test "scoreboard: the rows of the manager" {
    local rows
    rows=$(python3 -c 'import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/harness"]
import rows
print(*(r.name for r in rows.ROWS), sep="\n")' "$ROOT/benchmarks")
    [ "$(grep -cE '^get(,| by) .*: Redis$' <<<"$rows")" -eq 5 ]
    [ "$(grep -cE '^get, (same|cross): Python$' <<<"$rows")" -eq 2 ]
    [ "$(grep -cE '^dict (get|set): (Python|Redis|by two)$' <<<"$rows")" -eq 6 ]
    grep -qx 'get: system calls' <<<"$rows"
    run limit 150 python3 "$ROOT/benchmarks/scoreboard.py" --build "$BUILD" \
        --reps 1 --json board.json --rows '^(get, same|dict get: P|get: sys)'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [ "$(json board.json 'len(d)')" -eq 4 ]
    # of one repetition, whatever else the machine does meanwhile
    [ "$(json board.json '[abs(r["ratio"] * r["ours"] / r["peer"] - 1) < 1e-6
        for r in d if r["row"] == "dict get: Python"]')" = "[True]" ]
}
