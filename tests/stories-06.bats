#!/usr/bin/env bats
# stories-06.bats - the stories that lesson 06 tells (S28, S29), in C and in
# Python, what its other steps promise, and the scripts of its exercise.
#
# The steps are built by their own first comment in a copy of the lesson.

load helper

setup_file() {
    cp -r "$ROOT/lessons/06-semaphore" "$BATS_FILE_TMPDIR/lesson"
    cp -r "$ROOT/lessons/tools" "$BATS_FILE_TMPDIR"
    cd "$BATS_FILE_TMPDIR/lesson" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    build step*.c
    cd "$BATS_FILE_TMPDIR/lesson/solution" && build semaphore.c
    cd "$BATS_FILE_TMPDIR/lesson/wrong" && build wakes_from_zero.c &&
        mv semaphore wakes_from_zero
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

@test "S28: of six workers at most two are inside; the value goes 2, 0, 2" {
    check() {
        [ "$output" = '6 workers: at most 2 inside; value 2, 0, 2' ]
    }
    tell step8_throttle throttle
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        tell step8_throttle throttle 1
    done
}

@test "S28: work that takes no time, or too much, is refused" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for ms in 0 x 60001 99999999999999999999; do
        refused ./step8_throttle "$ms"
        refused python3 python.py throttle "$ms"
    done
    refused ./step8_throttle -5
}

@test "S29: one release too many is refused, of two at a time exactly one" {
    check() {
        [ "$output" = "a release at 2 of 2: refused
check, then add: 2 of 2 accepted, value 3 of 2
compare and swap: 1 of 2 accepted, value 2 of 2" ]
    }
    tell step5_bounded bounded
}

@test "a wake-up is lost by script, 100 times of 100, on one CPU too" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for on in '' "taskset -c $(first_cpu)"; do
        for ((i = 0; i < 100; i++)); do
            # shellcheck disable=SC2086 # a command line
            run limit 10 $on ./step4_lost A.load B.add B.wake A.wait
            [ "$status" -eq 0 ]
            [ "$output" = "A.load  count 0
B.add   count 1
B.wake  count 1
A.wait  count 1
lost: A sleeps on" ]
        done
    done
}

@test "no other order loses it, and none does if A says what it saw" {
    cd "$BATS_FILE_TMPDIR/lesson"
    orders=('A.load A.wait B.add B.wake' 'A.load B.add A.wait B.wake'
        'B.add A.load A.wait B.wake' 'B.add A.load B.wake A.wait'
        'B.add B.wake A.load A.wait')
    for on in '' "taskset -c $(first_cpu)"; do
        for order in "${orders[@]}" \
            "${orders[@]/#/expect=old }" 'expect=old A.load B.add B.wake A.wait'; do
            for ((i = 0; i < 10; i++)); do
                # shellcheck disable=SC2086 # command lines
                run limit 10 $on ./step4_lost $order
                [ "$status" -eq 0 ]
                [ "${lines[-1]}" = 'A has ended' ]
            done
        done
    done
}

@test "Python loses the wake-up in the same order, and in no other" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 10 python3 python.py lost A.load B.add B.wake A.wait
    [ "${lines[-1]}" = 'lost: A sleeps on' ]
    for order in 'A.load A.wait B.add B.wake' 'A.load B.add A.wait B.wake' \
        'B.add B.wake A.load A.wait' 'expect=old A.load B.add B.wake A.wait'; do
        # shellcheck disable=SC2086 # words
        run limit 10 python3 python.py lost $order
        [ "${lines[-1]}" = 'A has ended' ]
    done
}

@test "a script that is none is refused" {
    cd "$BATS_FILE_TMPDIR/lesson"
    refused ./step4_lost A.load A.laod
    refused ./step4_lost A.wait
    refused ./step4_lost A.load B.wake
    refused ./step4_lost A.load A.wait B.add B.wake A.load
    for script in A.load 'expect=old A.load' 'A.load B.add A.wait'; do
        # shellcheck disable=SC2086 # words
        run limit 10 ./step4_lost $script
        [ "$status" -eq 2 ]
        [[ $output = *'a script mixes A.load A.wait with B.add B.wake'* ]]
        # shellcheck disable=SC2086 # words
        run limit 10 python3 python.py lost $script
        [ "$status" -eq 2 ]
    done
}

@test "other arguments that are none are refused" {
    cd "$BATS_FILE_TMPDIR/lesson"
    refused ./step11_killed kil
    refused ./step12_mp trce=x
    refused python3 python.py count x
    run limit 10 ./step12_mp trace=/nowhere/trace.json
    [ "$status" -eq 1 ]
    [[ $output = *'/nowhere/trace.json: No such file or directory'* ]]
}

@test "what a pair costs: 2000 calls, 1000, none" {
    check() {
        [ "$output" = "place 1 of 2 taken: free
place 2 of 2 taken: full
parent: gives one back
child:  has a place
1000 pairs alone: reads 1000, writes 1000" ]
    }
    tell step1_eventfd eventfd
    check() {
        [ "$output" = "1000 pairs alone: waits 0, wakes 1000
and one sleeper: waits 1, wakes 1" ]
    }
    tell step2_count count
    check() {
        [ "$output" = "1000 pairs alone: waits 0, wakes 0
and one sleeper: waits 1, wakes 1" ]
    }
    tell step3_waiters waiters
}

@test "a killed waiter stays counted for ever; a bit costs one call" {
    check() {
        [ "$output" = "a child waits: waiters 1
it is killed:  waiters 1
1000 pairs alone: waits 0, wakes 1000" ]
    }
    tell step6_stale stale
    check() {
        [ "$output" = "two wait: bit 1
one killed, one served: bit 1
1000 pairs alone: wakes 1, bit 0" ]
    }
    tell step7_bit bit
}

@test "a condition forgets a notify, and who is woken looks again" {
    check() {
        [ "$output" = "1 notify, then 2 clients: 2 have waited
1 item, notify all: 1 has it, 1 waits
1 item, notify 1: the other has it, 0 left" ]
    }
    tell step9_condition condition
}

@test "a barrier: nobody goes on before all are done, in each round" {
    check() {
        [ "${#lines[@]}" -eq 6 ]
        for i in 0 1 2; do
            [[ ${lines[i]} = 'round 1: '[ABC]' goes on, 3 of 3 are done' ]]
            [[ ${lines[i + 3]} = 'round 2: '[ABC]' goes on, 3 of 3 are done' ]]
        done
        [ "$(sort -u <<<"$output" | wc -l)" -eq 6 ]
    }
    for _ in 1 2 3 4 5; do
        tell step10_barrier barrier
    done
}

@test "a killed holder's place is lost, unless the parent holds it" {
    check() {
        [ "$output" = "a holder is killed: value 1 of 2
a holder is killed: value 0 of 2
acquire, 50 ms: timed out
the parent holds for its child: value 2 of 2" ]
    }
    tell step11_killed killed
}

@test "a waiter is killed: Python's notify and set hang, ours return" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 20 ./step11_killed kill
    [ "${lines[0]}" = 'condition, a waiter killed: notify returns, 5 of 5' ]
    [ "${lines[1]}" = 'event, a waiter killed: set returns, 5 of 5' ]
    run limit 30 python3 python.py kill
    [ "${lines[0]}" = 'condition, a waiter killed: notify hangs, 5 of 5' ]
    [ "${lines[1]}" = 'event, a waiter killed: set hangs, 5 of 5' ]
    [ "${lines[4]}" = 'acquire, 50 ms: timed out' ]
}

@test "the last step: event, semaphore, condition, barrier" {
    check() {
        [ "$output" = '6 workers have been inside, the value is 2' ]
    }
    for _ in 1 2 3 4 5; do
        tell step12_mp mp
    done
}

@test "its trace: six waits, six seats, two at a time, and the level 2, 0, 2" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 10 ./step12_mp trace=trace.json
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
spans = [e for e in events if e["ph"] == "X"]
seats = [e for e in spans if e["cat"] == "hold"]
assert len(seats) == len({e["tid"] for e in seats}) == 6, seats
for name in "start", "seat", "barrier":
    waits = [e for e in spans if e["cat"] == "wait" and e["name"] == name]
    assert len(waits) == 6, (name, waits)
edges = sorted([(e["ts"], 1) for e in seats] +
               [(e["ts"] + e["dur"], -1) for e in seats])
inside = most = 0
for _, step in edges:
    inside += step
    most = max(most, inside)
assert most == 2, edges
levels = [e["args"]["value"] for e in events
          if e["ph"] == "C" and e["name"] == "semaphore"]
assert levels[0] == levels[-1] == 2 and min(levels) == 0, levels
assert max(levels) == 2 and len(levels) == 13, levels
PY
}

@test "kill -9 of the last step's parent takes its workers with it" {
    cd "$BATS_FILE_TMPDIR/lesson"
    child=''
    for ((i = 0; i < 50 && !child; i++)); do # until we were quick enough
        ./step12_mp </dev/null >out 2>&1 3>&- &
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

@test "the exercise plays a script exactly, and says where it cannot" {
    cd "$BATS_FILE_TMPDIR/lesson/solution"
    run limit 10 ./semaphore waiter A.load A.add A.load B.load B.cas B.load \
        B.wake A.wait
    [ "$status" -eq 0 ]
    [ "${lines[6]}" = 'B.wake   0 woken' ]
    [ "${lines[7]}" = 'A.wait   value is not 0: no sleep' ]
    [ "${lines[-1]}" = '  value 0, waiters 0' ]
    run limit 10 ./semaphore waiter A.load B.wake
    [ "$status" -eq 1 ]
    [ "$output" = 'A.load   value is 0
given up: the script says B.wake now, as number 2
  A  stands before add
  B  stands before load
  value 0, waiters 0' ]
    run limit 10 ./semaphore waiters A.load A.add A.load A.wait A.kill
    [ "$status" -eq 0 ]
    [[ $output = *'A  is dead'*'B  has finished'*'C  has finished'* ]]
    refused ./semaphore waiter A.load A.lod
    refused ./semaphore waiter C.load
    run limit 10 ./semaphore nonsense
    [ "$status" -eq 2 ]
    [[ $output = *'run waiters'* ]]
}

@test "the exercise finds a losing order, and it can be replayed" {
    cd "$BATS_FILE_TMPDIR/lesson/wrong"
    run limit 30 ./wakes_from_zero run waiter
    [ "$status" -eq 0 ]
    run limit 30 ./wakes_from_zero run waiters
    [ "$status" -eq 1 ]
    [[ $output = *'given up: nobody is left who could wake '[AB]* ]]
    found=${lines[0]} said=$(sed 1d <<<"$output")
    cp wakes_from_zero semaphore
    for on in '' "taskset -c $(first_cpu)"; do
        for _ in 1 2 3 4 5; do
            # shellcheck disable=SC2086 # command lines
            run limit 10 $on $found
            [ "$status" -eq 1 ]
            [ "$output" = "$said" ]
        done
    done
}
