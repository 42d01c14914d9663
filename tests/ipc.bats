#!/usr/bin/env bats
# make ipc, as a user runs it.

load helper

setup_file() {
    export BENCH="$BUILD/benchmarks"
    [ -x "$BENCH/latency" ] || skip "benchmarks are not built"
}

setup() {
    leak_setup
    export TMPDIR=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

ipc() { limit 100 python3 "$ROOT/benchmarks/ipc.py" --build "$BUILD" "$@"; }

json() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"; }

# The same as somebody who is not root; root becomes nobody.
as_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}

@test "the comparison: every mechanism, readers, advice, what is left out" {
    run ipc --reps 1 --ms 2 --json ipc.json
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    for how in rawmp_pipe rawmp_queue pipe fifo 'socket stream' tcp udp vmsplice \
        python_pipe futex eventfd signal; do
        grep -qE "^$how +[-0-9]" <<<"$output"
    done
    text=${output//$'\n'/ } # a line may end anywhere
    [[ $text == *"For small messages (64 B) take "*"For large ones (1 MiB) take "* ]]
    [[ $text == *"For many readers take "* ]]
    [ "$(ls -A)" = ipc.json ]
    python3 - <<'PY'
import json
d = json.load(open("ipc.json"))
assert {"machine", "rows", "readers", "left_out", "advice"} <= set(d), d.keys()
rows = {(r["mechanism"], r["bytes"]): r for r in d["rows"]}
for r in d["rows"]:
    assert {"mechanism", "bytes", "p50_ns", "messages_per_second",
            "bytes_per_second", "syscalls_per_message"} == set(r), r
for m in "rawmp_pipe", "rawmp_queue", "pipe", "tcp":
    for b in 64, 4096, 65536, 1048576:
        r = rows[m, b]
        assert r["p50_ns"] > 0 and r["messages_per_second"] > 0, r
        share = r["bytes_per_second"] / r["messages_per_second"] / b
        assert 0.5 < share < 2, r       # medians of the same runs
assert rows["futex", 8]["p50_ns"] > 0
for l in d["left_out"]:
    assert l["why"] and l["mechanism"], l
# a mechanism is in the table, or it is named
named = {m for m, _ in rows} | {l["mechanism"] for l in d["left_out"]}
assert {"boost", "zeromq", "nng", "posix_mq", "sysv_mq",
        "process_vm_readv", "socketpair_seqpacket"} <= named, named
calls = rows["pipe", 64]["syscalls_per_message"]
assert calls is None or 1.5 < calls < 3, calls      # a write and a read
PY
}

@test "without any peer the kernel's comparison is whole" {
    run ipc --reps 1 --ms 1 --python /nonexistent --json ipc.json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"python_pipe, "*": peer missing: /nonexistent"* ||
        $output == *"peer missing: /nonexistent"*"--python"* ]]
    [[ $output == *"For small messages"* ]]
    [ "$(json ipc.json 'sum(r["mechanism"] == "pipe" for r in d["rows"])')" -eq 4 ]
    [ "$(json ipc.json 'sum(r["mechanism"].startswith("python") for r in d["rows"])')" -eq 0 ]
    [ "$(json ipc.json 'sorted(l["mechanism"] for l in d["left_out"]
        if "nonexistent" in l["why"])')" = "['python_pipe', 'python_queue', 'python_simplequeue']" ]
}

@test "the advice is what the numbers say" {
    python3 - "$ROOT/benchmarks" <<'EOF'
import sys
sys.path.insert(0, sys.argv[1])
import ipc

def row(mechanism, bytes_, trip, rate, calls=2.0):
    return {"mechanism": mechanism, "bytes": bytes_, "p50_ns": trip,
            "messages_per_second": rate, "bytes_per_second": rate * bytes_,
            "syscalls_per_message": calls}
def advice(small, large, readers):
    rows = [row(m, 64, trip, rate, calls) for m, trip, rate, calls in small]
    rows += [row(m, 1 << 20, 1e6, rate) for m, rate in large]
    return ipc.advise(rows, [{"mechanism": m, "messages_per_second": r}
                             for m, r in sorted(readers, key=lambda x: -x[1])])
text = advice([("rawmp_pipe", 500, 20e6, 0), ("pipe", 40e3, 2e6, 2),
               ("tcp", 50e3, 1e6, 2)],
              [("rawmp_pipe", 8000), ("vmsplice", 2000), ("memcpy", 10000)],
              [("rawmp_queue", 4e6), ("pipe", 1e6)])
print(text)
assert "small messages (64 B) take rawmp_pipe: 20.0 million messages" in text
assert "10 times the kernel's best (pipe, 2.00 million" in text
assert "shortest round trip is that of rawmp_pipe, 500 ns" in text
assert "pipe's, 40.0 us" in text
assert "large ones (1 MiB) take rawmp_pipe: 8.39 GB" in text
assert "4.0 times the kernel's best (vmsplice" in text and "80% of" in text
assert "many readers take rawmp_queue" in text and "4.0 times" in text
# Somebody else is better: then that is what it says.
text = advice([("rawmp_pipe", 90e3, 1e6, 0), ("pipe", 40e3, 2e6, 2)],
              [("rawmp_pipe", 100), ("socketpair_stream", 2000)],
              [("pipe", 4e6), ("rawmp_queue", 1e6)])
print(text)
assert "small messages (64 B) take pipe: 2.00 million messages a second." in text
assert "shortest round trip is that of pipe" in text and "sleep" not in text
assert "large ones (1 MiB) take socketpair_stream" in text
assert "many readers take pipe" in text
assert ipc.advise([], []) == "Nothing could be measured: no advice."
EOF
}

@test "on one CPU it says so, and compares what there is" {
    local cpu
    cpu=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
    run limit 100 taskset -c "$cpu" python3 "$ROOT/benchmarks/ipc.py" \
        --build "$BUILD" --reps 1 --ms 1 --json ipc.json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"no other"* ]]
    [[ $output == *"For small messages"* ]]
    [[ $output == *"spin: two that spin on one CPU"* ]]
}

@test "an ordinary user gets it too; what cannot be counted reads n/a" {
    as_user test -x "$BENCH/latency" || skip "the build is closed to others"
    # bats's own folders are closed to others
    local mine
    mine=$(as_user mktemp -d -p /tmp)
    TMPDIR=$mine run as_user timeout 100 python3 "$ROOT/benchmarks/ipc.py" \
        --build "$BUILD" --reps 1 --ms 1 --json "$mine/ipc.json"
    echo "$output"
    [ "$(ls -A "$mine")" = ipc.json ]
    mv "$mine/ipc.json" .
    rmdir "$mine"
    [ "$status" -eq 0 ]
    # never 0 for could not
    [ "$(json ipc.json 'all(r["syscalls_per_message"] is None or
        r["syscalls_per_message"] > 0.5 for r in d["rows"]
        if r["mechanism"] == "pipe")')" = True ]
    [ "$(json ipc.json 'any(r["syscalls_per_message"] is None for r in d["rows"])')" = False ] ||
        [[ $output == *"system calls: n/a ("*";"* ]]
}

@test "what is wrong is a sentence and exit 2" {
    for n in 0 -1 101 x; do
        run ipc --reps $n
        echo "$output"
        [ "$status" -eq 2 ]
    done
    for n in 0 10001 x; do
        run ipc --ms $n
        [ "$status" -eq 2 ]
    done
    run ipc extra
    [ "$status" -eq 2 ]
    run ipc --frobnicate
    [ "$status" -eq 2 ]
    run ipc --json .
    [ "$status" -eq 2 ]
    [[ $output == *folder* ]]
    touch file
    run ipc --json file/ipc.json
    [ "$status" -eq 2 ]
    [[ $output == *"/file"* && $output != *Traceback* ]]
    run limit 20 python3 "$ROOT/benchmarks/ipc.py" --build "$PWD/nowhere"
    [ "$status" -eq 2 ]
    [[ $output == *nowhere* && $output == *make* ]]
    run ipc --help
    [ "$status" -eq 0 ]
    [[ $output == *"Exit status"* && $output == *--json* ]]
}

@test "scoreboard: the rows of messages" {
    run limit 100 python3 "$ROOT/benchmarks/scoreboard.py" --build "$BUILD" \
        --reps 1 --json board.json \
        --rows 'round trip, same|queue 1P1C|1P1C, 16|pipe 64 B|pipe: system'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -L <<<"$output")" -le 80 ]
    [ "$(json board.json 'len(d)')" -eq 8 ]
    [ "$(json board.json 'all(r["ours"] is not None and r["ours"] > 0
        for r in d if r["unit"] == "ns")')" = True ]
    [ "$(json board.json '[(r["limit_name"], r["of"]) for r in d
        if r["row"] == "round trip, same"]')" = "[('yield', 'limit')]" ]
    [ "$(json board.json '{r["peer_name"] for r in d if r["row"] == "pipe 64 B, 64 KiB"}')" = "{'pipe'}" ]
    # the ratio says how many times better than Python: of one repetition,
    # whatever else the machine does meanwhile
    [ "$(json board.json '[abs(r["ratio"] * r["ours"] / r["peer"] - 1) < 1e-6
        for r in d if r["row"] == "queue 1P1C: Python"]')" = "[True]" ]
}

@test "make help names it" {
    run limit 20 make -s -C "$ROOT" help
    [ "$status" -eq 0 ]
    grep -qE '^ +ipc ' <<<"$output"
}

# Has process $1 started a program?
measuring() {
    grep -qzxsF -- "--die-with=$1" /proc/[0-9]*/cmdline
}

# Start it in the background, wait until it measures, and stop it.
stop_it() {
    local pid i
    setsid python3 "$ROOT/benchmarks/ipc.py" --build "$BUILD" --reps 50 \
        --json ipc.json >said 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        measuring "$pid" && break
        read -rt 0.1 <> <(:) || :
    done
    measuring "$pid"
    kill -INT "$pid"
    wait "$pid"
}

@test "Ctrl-C leaves no process and no file" {
    run stop_it
    echo "$output"
    cat said
    [ "$status" -eq 130 ]
    [ "$(ls -A)" = said ]
    [ -z "$(stragglers)" ]
    grep -q "nothing was written" said
}
