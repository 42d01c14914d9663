#!/usr/bin/env bats
# stories-01.bats - the stories that lesson 01 tells (S1 to S6), in C and in
# Python, and what its last steps promise.
#
# The steps are built by their own first comment in a copy of the lesson.

load helper

setup_file() {
    cp -r "$ROOT/lessons/01-process" "$BATS_FILE_TMPDIR/lesson"
    cd "$BATS_FILE_TMPDIR/lesson" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    for step in step*.c; do
        line=$(sed -n 's/^ \* Build: *//p' "$step")
        bash -ec "$line" || { echo "$step: $line" && return 1; }
    done
}

# An allowed CPU; 0 need not be one.
first_cpu() {
    sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' \
        /proc/self/status
}

# tell STEP SECTION [ARGUMENT]: the C step, the C step on one CPU, the Python
# section; each time `check` looks at $output.
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

# count N LINE: the output has exactly N such lines (an extended pattern).
count() {
    [ "$(grep -cxE -- "$2" <<<"$output")" -eq "$1" ]
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

@test "S1: a child says hello, its parent joins it and says so" {
    check() {
        [ "$output" = "hello from the child
the child has ended, exit status 0" ]
    }
    tell step2_wait wait
}

@test "S2: one function, a default and three arguments; all joined" {
    check() {
        count 1 'the continent is Asia'
        count 1 'the continent is America'
        count 1 'the continent is Europe'
        count 1 'the continent is Africa'
        count 4 'the continent is .*'
        count 1 'parent, pid [0-9]+: 6 joined, none left'
        [[ ${lines[-1]} = parent* ]]
    }
    tell step6_args args
}

@test "S3: Alice and Bob have pids of their own" {
    check() {
        count 1 'hello, I am Alice, pid [0-9]+'
        count 1 'hello, I am Bob, pid [0-9]+'
        pids=$(sed -nE 's/.*pid ([0-9]+).*/\1/p' <<<"$output" | sort -u)
        [ "$(wc -l <<<"$pids")" -eq 3 ]
    }
    tell step6_args args
}

@test "S4: two heartbeats or more, then the result; the child is stopped" {
    check() {
        [ "${#lines[@]}" -ge 4 ]
        count $((${#lines[@]} - 2)) heartbeat
        [ "${lines[-2]}" = 'result: 9592 primes below 100000' ]
        [ "${lines[-1]}" = 'watchdog ended by signal 15' ]
    }
    tell step7_watchdog watchdog
    tell step13_mp mp
    export RAWMP_UNIT_MS=3
    tell step7_watchdog watchdog
    tell step13_mp mp
}

@test "S4: an interval that is none is refused" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for ms in 0 -5 x 60001 99999999999999999999; do
        run limit 5 ./step7_watchdog "$ms"
        [ "$status" -eq 2 ]
        [[ $output = *"'$ms'"*'1 to 60000 ms'* ]]
    done
}

@test "S5: CPUs online, allowed, and worth starting" {
    value() {
        sed -n "s/^$1: *//p" <<<"$output"
    }
    check() {
        online=$(value online) allowed=$(value 'allowed by affinity')
        quota=$(value 'allowed by the quota') worth=$(value 'worth starting')
        [ "$online" -eq "$(getconf _NPROCESSORS_ONLN)" ]
        [ "$quota" -ge 1 ] && [ "$quota" -le "$online" ]
        [ "$worth" -eq $((quota < allowed ? quota : allowed)) ]
        # nproc respects OMP variables, and the quota from coreutils 9.8 on.
        # shellcheck disable=SC2086 # a command line
        nproc=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT $on nproc)
        [ "$nproc" -eq "$allowed" ] || [ "$nproc" -eq "$worth" ]
    }
    tell step12_cpus cpus
}

@test "S6: a child's write stays its own, a thread's does not; both cost" {
    check() {
        count 1 'process: x is 7, the closed file is open, the offset is 100'
        count 1 'thread: x is 42, the closed file is closed, the offset is 100'
        count 1 'process: [1-9][0-9]* µs to create, end and join'
        count 1 'thread: [1-9][0-9]* µs to create, end and join'
    }
    tell step5_thread thread
}

@test "a copied buffer is written twice, unless it is flushed or left" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 5 ./step3_buffer
    [ "$output" = $'before fork\nbefore fork' ]
    run limit 5 ./step3_buffer _exit
    [ "$output" = 'before fork' ]
    run limit 5 ./step3_buffer flush
    [ "$output" = 'before fork' ]
    run limit 5 ./step3_buffer flsh
    [ "$status" -eq 2 ]
    [[ $output = *"'flsh'"* ]]
    run limit 5 python3 python.py buffer
    [ "$output" = $'before fork\nbefore fork' ]
}

@test "a private variable, a shared one, and what the copy costs" {
    check() {
        [ "$output" = "child:  private 42, shared 42
child:  0 faults per page read, 1 per page written
parent: private 7, shared 42" ]
    }
    tell step4_copy copy
}

@test "exit codes: eight bits, or minus the signal" {
    check() {
        [ "$output" = "_exit 0: raw status 0, exit code 0
_exit 3: raw status 768, exit code 3
_exit 256: raw status 0, exit code 0
signal 15: raw status 15, exit code -15
signal 9: raw status 9, exit code -9" ]
    }
    tell step8_exitcode exitcode
}

@test "join with a timeout, and a pidfd that never means anybody else" {
    check() {
        [ "$output" = "after 20 ms: running
terminated: ended
joined: exit code -15
signal after join: No such process" ]
    }
    tell step9_join join
}

@test "a zombie has no memory, survives SIGKILL, and goes when joined" {
    check() {
        [ "$output" = "ended: state Z, 0 pages of memory
after SIGKILL: state Z, 0 pages of memory
joined: exit code 3
after join: No such file or directory" ]
    }
    tell step10_zombie zombie
}

@test "the parent is killed: an orphan lives on, a tied child does not" {
    check() {
        [ "$output" = "parent killed: the child lives on
parent killed, PR_SET_PDEATHSIG: the child is killed by signal 9" ]
    }
    tell step11_orphan orphan
}

@test "Python: daemon or not, the child of a killed parent lives on" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 20 python3 python.py kill
    [ "$output" = "parent killed, daemon=False: the child lives on
parent killed, daemon=True: the child lives on" ]
}

@test "Python: a join with a timeout misses an end while a grandchild lives" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 20 python3 python.py sentinel
    [[ $output =~ ^'the child has ended; join(0.2) returns after '([0-9]+)' ms'$ ]]
    [ "${BASH_REMATCH[1]}" -ge 200 ]
}

@test "kill -9 of the last step's parent takes the watchdog with it" {
    cd "$BATS_FILE_TMPDIR/lesson"
    RAWMP_UNIT_MS=60000 ./step13_mp </dev/null >out 2>&1 3>&- &
    parent=$!
    child_is_there() {
        child=$(cat "/proc/$parent/task/$parent/children")
        child=${child% }
        [ -n "$child" ]
    }
    child_sleeps() { grep -q '^State:.S' "/proc/$child/status"; }
    child_is_gone() { ! grep -qs '^State:.[^ZX]' "/proc/$child/status"; }
    within 10 child_is_there
    within 10 child_sleeps
    kill -9 "$parent"
    wait "$parent" || true
    within 1 child_is_gone
}

@test "the last step's trace has the parent's work, the beats and the end" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 10 ./step13_mp trace=trace.json
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
lanes = {e["tid"]: e["args"]["name"] for e in events
         if e["name"] == "thread_name"}
child = next(t for t, name in lanes.items() if name == "Process-1")
work = [e for e in events if e["name"] == "compute"]
beats = [e for e in events if e["name"] == "heartbeat"]
end = [e for e in events if e["name"].startswith("killed (signal 15)")]
assert work and all(e["tid"] != child for e in work), work
assert len(beats) >= 2 and all(e["tid"] == child for e in beats), beats
assert len(end) == 1 and end[0]["tid"] == child, end
assert max(e["ts"] for e in beats) <= end[0]["ts"]
PY
    run limit 10 ./step13_mp trace=/nowhere/trace.json
    [ "$status" -ne 0 ]
    [[ $output = *'/nowhere/trace.json: No such file or directory'* ]]
    run limit 10 ./step13_mp trce=x
    [ "$status" -eq 2 ]
}
