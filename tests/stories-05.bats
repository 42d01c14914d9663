#!/usr/bin/env bats
# stories-05.bats - the stories that lesson 05 tells (S24 to S27), in C and in
# Python, what its steps refuse, and schedules played on the exercise's lock.
#
# The steps are built by their own first comment in a copy of the lesson.

load helper

setup_file() {
    cp -r "$ROOT/lessons/05-lock-value" "$BATS_FILE_TMPDIR/lesson"
    cp -r "$ROOT/lessons/tools" "$BATS_FILE_TMPDIR"
    cd "$BATS_FILE_TMPDIR/lesson" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    for step in step*.c solution/futex_lock.c wrong/retake_as_1.c; do
        [ -f "$step" ] || continue # a handout has no solution
        line=$(sed -n 's/^ \* Build: *//p' "$step")
        (cd "$(dirname "$step")" && bash -ec "$line") ||
            { echo "$step: $line" && return 1; }
    done
}

# An allowed CPU; 0 need not be one.
first_cpu() {
    sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' \
        /proc/self/status
}

# tell STEP SECTION [FILTER]: the C step, the C step on one CPU, the Python
# section on any and on one; each time `check` looks at $output.
tell() {
    local how cpu
    cpu=$(first_cpu)
    cd "$BATS_FILE_TMPDIR/lesson" || return
    for how in "./$1" "python3 python.py $2"; do
        for on in '' "taskset -c $cpu"; do
            # shellcheck disable=SC2086 # two command lines
            run limit 30 $on $how
            echo "$on $how: status $status:"
            echo "$output"
            [ "$status" -eq 0 ]
            check
        done
    done
}

# refused STATUS WORDS COMMAND…: it ends with the status, and says the words.
refused() {
    run limit 10 "${@:3}"
    echo "${*:3}: status $status: $output"
    [ "$status" -eq "$1" ]
    [[ $output = *"$2"* ]]
}

# times N COMMAND…: run it so often; $output is each different output, counted.
times() {
    # shellcheck disable=SC2016 # the inner shell's variables
    run limit 120 bash -c 'for ((i = $1; i > 0; i--)); do "${@:2}" ||
        echo "status $?"; done | sort | uniq -c | sed "s/^ *//"' times "$@"
    echo "$output"
}

@test "each process counts its own copy; in shared memory all count one" {
    check() {
        [ "$output" = "child:  counter 100000
child:  counter 100000
child:  counter 100000
child:  counter 100000
parent: counter 0" ]
    }
    tell step1_private private
    check() {
        [ "$output" = "after child 1: counter 100000
after child 2: counter 200000
after child 3: counter 300000
after child 4: counter 400000" ]
    }
    tell step2_shared shared
}

@test "S24: unlocked, four processes may lose any number (reported only)" {
    check() {
        [[ $output =~ ^'lost '[0-9]+' of 400000'$ ]]
        echo "# $on $how: $output" >&3
    }
    tell step3_race race
    run limit 10 ./step3_race 1 1000
    [ "$output" = 'lost 0 of 1000' ]
}

@test "S24: a scripted order loses an update, 200 of 200, on one CPU too" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for on in '' "taskset -c $(first_cpu)"; do
        # shellcheck disable=SC2086 # a command line
        times 200 $on ./step4_script A.load B.load A.store B.store
        [ "$output" = "200 A.load   0
200 A.store  1
200 B.load   0
200 B.store  1
200 counter 1: an update is lost" ]
    done
}

@test "S24: four of the six orders lose, in C and in Python" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for program in ./step4_script 'python3 python.py script'; do
        lost=0
        for order in 'A.load A.store B.load B.store' \
            'A.load B.load A.store B.store' 'A.load B.load B.store A.store' \
            'B.load A.load A.store B.store' 'B.load A.load B.store A.store' \
            'B.load B.store A.load A.store'; do
            # shellcheck disable=SC2086 # points
            run limit 10 $program $order
            [ "$(sed '$d; s/ .*//' <<<"$output" | xargs)" = "$order" ]
            case ${lines[-1]} in
            'counter 1: an update is lost') lost=$((lost + 1)) ;;
            'counter 2: both added') ;;
            *) false ;;
            esac
        done
        [ $lost -eq 4 ]
    done
    run limit 10 ./step4_script
    [ "${lines[-1]}" = 'counter 1: an update is lost' ]
}

@test "what the steps do not take is refused with a sentence" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for program in ./step4_script 'python3 python.py script'; do
        # shellcheck disable=SC2086 # a command line
        {
            refused 2 "no point 'A.lode'" $program A.lode B.load
            refused 2 "'A.load': a process loads once" $program A.load A.load
            refused 2 "'B.store': a process loads once" $program B.store
            refused 2 'incomplete: 3 of 4' $program A.load B.load A.store
            refused 2 "'B.store'" $program A.load A.store B.load B.store B.store
        }
    done
    for number in 0 -1 x '' 51 99999999999999999999; do
        refused 2 "'$number'" ./step3_race "$number"
        refused 2 "'$number'" ./step5_fetch_add "$number"
    done
    refused 2 "'10000001'" ./step3_race 4 10000001
    for ms in 0 -5 x 60001; do
        refused 2 "'$ms'" ./step9_killed "$ms"
    done
    refused 2 "'trce=x'" ./step11_mp trce=x
}

@test "S25: with the lock of three states exactly 400000, 100 of 100" {
    cd "$BATS_FILE_TMPDIR/lesson"
    times 100 ./step8_three
    [ "$output" = "100 alone: 1000 pairs, 0 futex calls
100 lost 0 of 400000" ]
}

@test "S25: atomic, spinning, two states, Python: exactly 400000" {
    check() {
        [ "${lines[0]}" = 'lost 0 of 400000' ]
    }
    tell step5_fetch_add fetch_add
    tell step6_spin spin
    tell step7_futex futex
    tell step8_three three
}

@test "a waiter that spins computes, one that sleeps does not" {
    cd "$BATS_FILE_TMPDIR/lesson"
    computed() {
        run limit 20 "$@"
        echo "$*: $output"
        ms=$(sed -n 's/^the holder slept 50 ms, .* computed \([0-9]*\) ms$/\1/p' \
            <<<"$output")
    }
    for on in '' "taskset -c $(first_cpu)"; do
        # On a busy machine the spinning one may get little of a CPU.
        # shellcheck disable=SC2086 # a command line
        for _ in 1 2 3; do
            computed $on ./step6_spin
            [ "$ms" -lt 10 ] || break
        done
        [ "$ms" -ge 10 ]
        # shellcheck disable=SC2086 # a command line
        computed $on ./step7_futex
        [ "$ms" -lt 10 ]
    done
    [ "${lines[-1]}" = 'alone: 1000 pairs, 1000 futex calls' ]
}

@test "S26: squares and their sum, and an array doubled three times" {
    check() {
        [ "${lines[0]}" = '[1, 4, 9, 16] sum 30' ]
        [ "${lines[1]}" = '[8, 32, 72, 128]' ]
    }
    tell step11_mp mp
}

@test "S27: a killed holder of a plain lock is waited for in vain" {
    check() {
        [ "$output" = "A took the lock and was killed
B has waited 300 ms in vain" ]
    }
    tell step9_killed killed
}

@test "S27: with a robust list the next one is told, 50 of 50" {
    check() {
        [ "$output" = "A took the lock and was killed
B, who waited for it, has it now and is told" ]
    }
    tell step10_robust robust
    times 50 ./step10_robust
    [ "$output" = "50 A took the lock and was killed
50 B, who waited for it, has it now and is told" ]
}

@test "S27: the library's lock tells, 50 of 50; Python stays stuck" {
    cd "$BATS_FILE_TMPDIR/lesson"
    times 50 ./step11_mp
    [ "$output" = "50 A took the lock and was killed
50 B is told, and puts 16 back to 8
50 [1, 4, 9, 16] sum 30
50 [8, 32, 72, 128]" ]
    run limit 10 python3 python.py kill
    [ "$output" = "A took the lock and was killed
B has waited 1000 ms in vain, and would for ever" ]
}

@test "the last step's trace: one holder at a time, and the killed one" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 10 ./step11_mp trace=trace.json
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
lanes = {e["tid"]: e["args"]["name"] for e in events
         if e["name"] == "thread_name"}
a = next(t for t, name in lanes.items() if name == "A")
holds = sorted((e["ts"], e["dur"], e["tid"]) for e in events
               if e.get("cat") == "hold")
waits = [e for e in events if e.get("cat") == "wait"]
assert len(holds) == len(waits) == 4, events
for (ts, dur, _), (after, _, _) in zip(holds, holds[1:]):
    assert ts + dur <= after, holds
assert holds[3][2] == a, holds
assert [e for e in events if e.get("cat") == "hold" and e["tid"] == a
        and e["args"]["open"]], events
assert [e for e in events if e["name"] == "killed (signal 9)"
        and e["tid"] == a], events
PY
    run limit 10 ./step11_mp trace=/nowhere/trace.json
    [ "$status" -ne 0 ]
    [[ $output = *'/nowhere/trace.json: No such file or directory'* ]]
}

# The exercise's director: a lock does what the script says, or a report says
# where each process stands.  Nothing hangs.  wrong/futex_lock is retake_as_1.

the_locks() {
    cd "$BATS_FILE_TMPDIR/lesson" || return
    [ -d wrong ] || skip 'a handout has neither solution nor wrong ones'
}

@test "a schedule of three processes refutes 'retake as 1', and that alone" {
    the_locks
    # What tests/models/futex3 finds for variant=retake.
    retake='A.cas B.cas B.xchg B.wait C.cas C.wait A.xchg A.wake B.cas B.xchg'
    # shellcheck disable=SC2086 # points
    run limit 10 wrong/futex_lock $retake
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output = *'nobody is left who could wake C'* ]]
    [[ $output = *'C  is asleep in wait'* ]]
    run limit 10 wrong/futex_lock run two
    [ "$output" = '300 schedules: none fails' ]
    run limit 10 solution/futex_lock \
        A.cas B.cas B.xchg B.wait C.cas C.xchg C.wait A.xchg A.wake B.xchg B.xchg
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${lines[-1]}" = 'the word is 0, the counter 3' ]
}

@test "what a schedule run finds, its first line plays again" {
    the_locks
    run limit 20 wrong/futex_lock run three
    [ "$status" -eq 1 ]
    read -ra script <<<"${lines[0]}"
    [ "${script[0]}" = ./futex_lock ]
    found=$(tail -n +2 <<<"$output")
    run limit 10 wrong/futex_lock "${script[@]:1}"
    [ "$status" -eq 1 ]
    [ "$output" = "$found" ]
}

@test "a killed holder, and a point that does not come: a report, no hang" {
    the_locks
    lock=solution/futex_lock
    refused 1 'nobody is left who could wake B' $lock A.cas A.kill B.cas
    [[ $output = *'A  is dead'* ]]
    refused 1 'the script says B.wait now, as number 3' $lock \
        A.cas B.cas B.wait
    [[ $output = *'B  stands before xchg'* ]]
    refused 1 'the script says B.xchg now' $lock \
        A.cas B.cas B.xchg B.wait B.xchg
    [[ $output = *'B  is asleep in wait'* ]]
    refused 1 'the script says A.cas now' $lock A.kill A.cas
    refused 2 "no point 'A.lode'" $lock A.lode
    refused 2 "no point 'D.cas'" $lock A.cas D.cas
    refused 2 'usage:' $lock
    refused 2 'usage:' $lock run nothing
}
