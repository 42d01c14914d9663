#!/usr/bin/env bats
# stories-04.bats - the stories that lesson 04 tells (S21 to S23), in C and in
# Python, what its other steps promise, and the exercise's bad days.
#
# The steps are built by their own first comment in a copy of the lesson.

load helper

setup_file() {
    cp -r "$ROOT/lessons/04-pipe" "$BATS_FILE_TMPDIR/lesson"
    cd "$BATS_FILE_TMPDIR/lesson" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    build step*.c
    cd "$BATS_FILE_TMPDIR/lesson/solution" && build framing.c
    cd "$BATS_FILE_TMPDIR/lesson/wrong" && build header_at_once.c
}

# build FILE...: each by the Build: line of its first comment.
build() {
    local file line
    for file; do
        line=$(sed -n 's/^ \* Build: *//p' "$file")
        bash -ec "$line" || { echo "$file: $line" && return 1; }
    done
}

# An allowed CPU; 0 need not be one.
first_cpu() {
    sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' \
        /proc/self/status
}

# tell STEP SECTION [ARGUMENT...]: the C step and the Python section, each on
# all CPUs and on one; each time `check` looks at $output.
tell() {
    local how cpu
    cpu=$(first_cpu)
    cd "$BATS_FILE_TMPDIR/lesson" || return
    for how in "./$1" "python3 python.py $2"; do
        for on in '' "taskset -c $cpu"; do
            # shellcheck disable=SC2086 # two command lines
            run limit 30 $on $how "${@:3}"
            echo "$on $how ${*:3}: status $status:"
            echo "$output"
            [ "$status" -eq 0 ]
            check
        done
    done
}

# asleep PID...: ten looks in a row, so that no short sleep is taken for the long
# one.
asleep() {
    local i pid
    for ((i = 0; i < 10; i++)); do
        for pid; do
            grep -qs '^State:.S' "/proc/$pid/status" || return 1
        done
        sleep 0.01
    done
}

both_asleep() {
    read -r child _ <"/proc/$parent/task/$parent/children" || [ -n "$child" ]
    asleep "$parent" "$child"
}

reader_asleep() {
    grep -q 'byte 3: c' out && asleep "$parent"
}

# refused COMMAND...: exit 2 and one sentence, which has the last word in it.
refused() {
    run limit 10 "$@"
    echo "$*: status $status: $output"
    [ "$status" -eq 2 ]
    [[ $output = *"'${*: -1}'"* ]]
}

# within SECONDS CONDITION: look every 10 ms until the condition holds.
within() {
    local tries
    for ((tries = $1 * 100; tries > 0; tries--)); do
        if "$2"; then
            return 0
        fi
        sleep 0.01
    done
    echo "not within $1 s: $2"
    return 1
}

@test "S21: the child says hello world, the parent answers, the child has it" {
    check() {
        [ "$output" = "one pipe:    child  received: hello world
socket pair: parent received: hello world
socket pair: child  received: hello child" ]
    }
    tell step6_duplex duplex
}

@test "S22: hello, hey, hru?, and the receiver stops at END" {
    check() {
        [ "$output" = "Received the message: hello
Received the message: hey
Received the message: hru?
END: the receiver stops" ]
    }
    tell step4_framing framing
    tell step4_framing framing torn
}

@test "S23: sending on the receiving end is refused; closed or killed is EOF" {
    check() {
        [ "$output" = "the far end is closed: end of file
the far end is killed: end of file
sending on the receiving end: refused" ]
    }
    for _ in 1 2 3 4 5; do
        tell step10_killed killed
    done
}

@test "killed at each place of a message: a whole one, an end, or cut off" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for _ in 1 2 3 4 5; do
        run limit 20 ./step10_killed kill
        [ "$status" -eq 0 ]
        [ "$output" = "killed before a message: end of file
killed in its header: cut off
killed after its header: cut off
killed in its bytes: cut off
killed after it: hello
and then: end of file
killed in its bytes, but we hold that end too: nothing for 50 ms" ]
    done
}

@test "Python takes one cut for an orderly end, and hangs in another" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 30 python3 python.py kill
    [ "$status" -eq 0 ]
    [ "$output" = "killed before a message: end of file
killed in its header: cut off
killed after its header: end of file
killed in its bytes: cut off
killed after it: hello
and then: end of file
killed in its bytes, but we hold that end too: poll says yes, recv hangs" ]
}

@test "what was written outlives the writer" {
    check() {
        [ "$output" = "the child has ended
19 bytes: Data from the child
0 bytes: the end of file" ]
    }
    tell step1_pipe pipe
}

@test "without the forgotten end: the end of file" {
    check() {
        [ "$output" = "the child has sent 3 bytes and has ended
byte 1: a
byte 2: b
byte 3: c
end of file" ]
    }
    tell step2_eof eof close
}

@test "with it: none, the reader sleeps" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for how in ./step2_eof 'python3 python.py eof'; do
        # shellcheck disable=SC2086 # two command lines
        $how </dev/null >out 2>&1 3>&- &
        parent=$!
        within 20 reader_asleep
        kill -9 "$parent" || child='' # it had ended
        wait "$parent" || true
        [ "$(tail -n 1 out)" = 'byte 3: c' ]
    done
}

@test "two writes by one read, one write by several, each time" {
    check() {
        [ "$output" = "2 messages sent, 1 received: hellohey
4 bytes asked for: 3 come
1 long write: all but 1000 bytes come" ]
    }
    for _ in 1 2 3 4 5; do
        tell step3_stream stream
    done
}

@test "a write to nobody kills, or fails, or is lost" {
    check() {
        [ "$output" = "the reader goes after the write: sent
the reader has gone: killed by signal 13
the same, SIGPIPE ignored: Broken pipe" ]
    }
    tell step5_sigpipe sigpipe
    (
        trap '' PIPE # as a caller may leave it
        tell step5_sigpipe sigpipe
    )
}

@test "both send first: 1000 bytes get through, a million with turns" {
    check() {
        [ "${lines[1]}" = 'both are through' ]
    }
    tell step7_deadlock deadlock 1000
    tell step7_deadlock deadlock turns
}

@test "both send a million first: both sleep" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for how in ./step7_deadlock 'python3 python.py deadlock'; do
        # shellcheck disable=SC2086 # two command lines
        $how </dev/null >out 2>&1 3>&- &
        parent=$! child=''
        within 20 both_asleep
        kill -9 "$parent" "$child"
        wait "$parent" || true
        [ "$(cat out)" = 'two send 1000000 bytes and read as many; both send first' ]
    done
}

@test "a ring rings for whoever waits, and holds so much" {
    check() {
        [ "$output" = "3 messages, nobody waits: sum 6, bells 0
1 message, somebody waits: 42, bells 1
20 are put before anybody gets: 16 fit" ]
    }
    for _ in 1 2 3 4 5; do
        tell step8_ring ring
    done
}

@test "one poll: a message, a bell, and a death twice" {
    check() {
        [ "$output" = "pipe:    5 bytes
eventfd: 3
pipe:    end of file
pidfd:   killed by signal 9" ]
    }
    for _ in 1 2 3 4 5; do
        tell step9_poll poll
    done
}

@test "the last step: one wait for three workers, one of them killed" {
    check() {
        [ "$(sort <<<"$output")" = "1000000 bytes that nobody reads: timed out
worker 1: answer, 1, exit code 0
worker 2: end of file, 0, exit code -9
worker 3: answer, 9, exit code 0" ]
    }
    for _ in 1 2 3 4 5; do
        tell step11_mp mp
    done
}

@test "its trace: three workers wait for a number, one of them is killed" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 10 ./step11_mp trace=trace.json
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
waits = [e for e in events if e["ph"] == "X" and e["cat"] == "wait"]
assert len(waits) == len({e["tid"] for e in waits}) == 3, waits
assert {e["name"] for e in waits} == {"recv"}, waits
ends = sorted(e["name"] for e in events if e["ph"] == "i")
assert ends == ["exited (0)", "exited (0)", "killed (signal 9)"], ends
PY
}

@test "kill -9 of the last step's parent takes its workers with it" {
    cd "$BATS_FILE_TMPDIR/lesson"
    child=''
    for ((i = 0; i < 50 && !child; i++)); do # until we were quick enough
        ./step11_mp </dev/null >out 2>&1 3>&- &
        parent=$!
        while [ -z "$child" ] && grep -qs '^State:.[^ZX]' "/proc/$parent/status"; do
            read -r child _ <"/proc/$parent/task/$parent/children" || true
        done
        kill -9 "$parent" || child='' # it had ended
        wait "$parent" || true
    done
    child_is_gone() { ! grep -qs '^State:.[^ZX]' "/proc/$child/status"; }
    [ -n "$child" ]
    within 1 child_is_gone
}

@test "arguments that are none are refused" {
    cd "$BATS_FILE_TMPDIR/lesson"
    refused ./step2_eof clos
    refused ./step4_framing tron
    refused ./step10_killed kil
    refused ./step11_mp trce=x
    refused python3 python.py eof clos
    refused python3 python.py framing tron
    refused python3 python.py pipe x
    for bytes in 0 x 1000001 99999999999999999999; do
        refused ./step7_deadlock "$bytes"
        refused python3 python.py deadlock "$bytes"
    done
    run limit 10 ./step11_mp trace=/nowhere/trace.json
    [ "$status" -eq 1 ]
    [[ $output = *'/nowhere/trace.json: No such file or directory'* ]]
}

@test "the exercise's solution and Python's Connection understand each other" {
    cd "$BATS_FILE_TMPDIR/lesson/solution"
    run limit 10 ./framing run wire
    [ "${lines[0]}" = 'sent: 00 00 00 05 68 65 6c 6c 6f' ]
    run limit 10 python3 -c '
import multiprocessing, os
r, w = multiprocessing.Pipe(duplex=False)
os.write(w.fileno(), bytes.fromhex("00 00 00 05 68 65 6c 6c 6f"))
print(r.recv_bytes().decode())
w.send_bytes(b"hello")
print(os.read(r.fileno(), 100).hex(" "))'
    [ "${lines[0]}" = hello ]
    [ "${lines[1]}" = '00 00 00 05 68 65 6c 6c 6f' ]
}

@test "a bad day is bad, each time: what a wrong sender puts on its way" {
    cd "$BATS_FILE_TMPDIR/lesson/wrong"
    for _ in 1 2 3 4 5; do
        run limit 10 ./header_at_once run torn_writes
        [ "$status" -ne 0 ] || [[ $output = 'writes of at most 1 bytes: '* ]]
    done
    refused_usage() {
        run limit 10 "$@"
        [ "$status" -eq 2 ]
        [[ $output = *'run torn_writes'* ]]
    }
    refused_usage ./header_at_once run nonsens
    refused_usage ./header_at_once
    refused_usage ./header_at_once --bench mine 0
}
