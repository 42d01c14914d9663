#!/usr/bin/env bats
# stories-03.bats - the stories that lesson 03 tells (S14 to S20), in C and in
# Python, what its other steps promise, and the scripts of its exercise.
#
# The steps are built by their own first comment in a copy of the lesson.

load helper

setup_file() {
    cp -r "$ROOT/lessons/03-queue" "$BATS_FILE_TMPDIR/lesson"
    cp -r "$ROOT/lessons/tools" "$BATS_FILE_TMPDIR"
    cd "$BATS_FILE_TMPDIR/lesson" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    export RAWMP_UNIT_MS=5
    build step*.c
    cd "$BATS_FILE_TMPDIR/lesson/solution" && build ring.c
    cd "$BATS_FILE_TMPDIR/lesson/wrong" && build clears_late.c &&
        mv ring clears_late && build clears_first.c && mv ring clears_first
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

# orders NAMES...: each word is the points of one process, in their order, with
# commas; print all mixtures of two such words, one a line.
orders() {
    python3 - "$@" <<'PY'
import itertools, sys
a, b = (x.split(",") for x in sys.argv[1:])
for places in itertools.combinations(range(len(a) + len(b)), len(a)):
    left, right = iter(a), iter(b)
    print(*(next(left if i in places else right)
            for i in range(len(a) + len(b))))
PY
}

@test "S14: one message from a worker" {
    check() {
        [ "$output" = 'Data from worker' ]
    }
    for _ in 1 2 3 4 5; do
        tell step1_message message
    done
}

@test "S15: red, green, blue, black come out as they were put" {
    check() {
        [ "$output" = 'put 1 red
put 2 green
put 3 blue
put 4 black
got 1 red
got 2 green
got 3 blue
got 4 black
empty: 4 put, 4 got' ]
    }
    tell step2_ring ring
}

@test "S16: a fast producer, one slow consumer, then two: each once, in order" {
    check() {
        [ "$output" = 'consumers: 1, 1 + ... + 20 in order: 210
consumers: 2, 1 + ... + 20 in order: 210' ]
    }
    tell step14_mp mp
}

@test "S16: the depth over time: never above 8, and empty at the end of both" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 20 ./step14_mp trace=trace.json
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
depth = [e["args"]["value"] for e in sorted(
    (e for e in events if e["ph"] == "C" and e["name"] == "queue"),
    key=lambda e: e["ts"])]
assert len(depth) == 80, depth      # 20 puts and 20 gets, twice
assert 0 <= min(depth) and 1 < max(depth) <= 8, depth
assert min(depth[-2:]) == 0, depth   # of two getters, in either order
work = [e for e in events if e["ph"] == "X" and e["cat"] == "hold"]
assert len(work) == 40 and len({e["tid"] for e in work}) == 3, work
puts = [e for e in events if e["ph"] == "X" and e["cat"] == "wait"]
assert len(puts) == 40 and len({e["tid"] for e in puts}) == 2, puts
PY
}

@test "S17: five messages, the end marker, and the consumer ends by itself" {
    check() {
        [ "$output" = 'got message 1
got message 2
got message 3
got message 4
got message 5
got the end marker
the consumer has ended, exit status 0' ]
    }
    tell step9_end end
}

@test "S18: ten tasks, four workers, ten lines in the log, each task once" {
    check() {
        [ "${#lines[@]}" -eq 10 ]
        for ((i = 0; i < 10; i++)); do
            times=$(grep -cx "task $i is done by worker [1-4]" <<<"$output")
            [ "$times" -eq 1 ]
        done
    }
    for _ in 1 2 3 4 5; do
        tell step13_tasks tasks
    done
}

@test "S19: a full queue says so at once, or in time, or blocks" {
    check() {
        [ "$output" = 'put 1: in
put 2: in
put 3, at once: full
put 3, within 50 ms: full
put 3, for ever: waits
got 1; put 3: in' ]
    }
    tell step8_bound bound
}

@test "S20: the squares of 1, 2, 3, 4, then empty; the parent has slept" {
    check() {
        [ "${lines[0]}" = '1 4 9 16' ]
        [ "${lines[1]}" = empty ]
        [ "${lines[2]}" = '4 messages: writes 4, reads 4' ]
        [[ ${lines[3]} =~ ^'slept for 50 ms, computed for '([0-9]+)' ms'$ ]]
        [ "${BASH_REMATCH[1]}" -lt 25 ]
    }
    tell step5_eventfd eventfd
}

@test "looking costs 50 ms of CPU for nothing, every time" {
    check() {
        [[ $output =~ ^'the message is 7; computed for it: '([0-9]+)' ms'$ ]]
        [ "${BASH_REMATCH[1]}" -ge 50 ]
    }
    for _ in 1 2 3; do
        tell step4_busy busy
    done
}

@test "the index before the data: garbage by script, 100 times of 100" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for on in '' "taskset -c $(first_cpu)"; do
        for ((i = 0; i < 100; i++)); do
            # shellcheck disable=SC2086 # a command line
            run limit 10 $on ./step3_order P.index C.look C.take P.data
            [ "$status" -eq 0 ]
            [ "$output" = 'P.index  tail 1, slot old
C.look   tail 1, slot old
C.take   tail 1, slot old
P.data   tail 1, slot new
the consumer got: old' ]
        done
    done
}

@test "it is the only order with the index first; with the data first none" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for points in P.index,P.data P.data,P.index; do
        old=0
        while read -r order; do
            # shellcheck disable=SC2086 # words
            run limit 10 ./step3_order $order
            [ "$status" -eq 0 ]
            case ${lines[-1]} in
            *old) old=$((old + 1)) ;;
            *new | *nothing) ;;
            *) false ;;
            esac
            said=${lines[-1]}
            # shellcheck disable=SC2086 # words
            run limit 10 python3 python.py order $order
            [ "${lines[-1]}" = "$said" ]
        done < <(orders $points C.look,C.take)
        echo "$points: $old"
        case $points in
        P.index*) [ "$old" -eq 1 ] ;;
        *) [ "$old" -eq 0 ] ;;
        esac
    done
}

@test "a mark saves all system calls but those for a sleeper" {
    check() {
        [ "$output" = '1000 messages, nobody sleeps: writes 0, reads 0
1 message for a sleeper: writes 1, reads 1' ]
    }
    tell step6_bell bell
}

@test "a look before the mark: asleep beside a message, 100 times of 100" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for on in '' "taskset -c $(first_cpu)"; do
        for ((i = 0; i < 100; i++)); do
            # shellcheck disable=SC2086 # a command line
            run limit 10 $on ./step7_lost C.look P.put P.bell C.mark C.sleep
            [ "$status" -eq 0 ]
            [ "$output" = 'C.look   messages 0, mark 0
P.put    messages 1, mark 0
P.bell   messages 1, mark 0
C.mark   messages 1, mark 1
C.sleep  messages 1, mark 1
C sleeps, messages 1' ]
        done
    done
}

@test "the mark first: no order loses; the look first: one, the bell: two" {
    cd "$BATS_FILE_TMPDIR/lesson"
    # count LOST CONSUMER PRODUCER: in so many orders C sleeps at last.
    count() {
        local lost=0
        while read -r order; do
            # shellcheck disable=SC2086 # words
            run limit 10 ./step7_lost $order
            [ "$status" -eq 0 ]
            case ${lines[-1]} in
            'C sleeps, messages 1') lost=$((lost + 1)) ;;
            'C is awake, messages 1') ;;
            *) echo "$order: ${lines[-1]}" && return 1 ;;
            esac
        done < <(orders "$2" "$3")
        echo "$2 $3: $lost"
        [ "$lost" -eq "$1" ]
    }
    count 0 C.mark,C.look,C.sleep P.put,P.bell
    count 1 C.look,C.mark,C.sleep P.put,P.bell
    count 2 C.mark,C.look,C.sleep P.bell,P.put
}

@test "a mark that the producer takes off late loses; one's own does not" {
    cd "$BATS_FILE_TMPDIR/lesson"
    late='C.mark C.look C.sleep P.put P.bell C.take C.mark C.look P.unmark
        C.sleep P.put P.bell'
    own='C.mark C.look C.sleep P.put P.bell C.unmark C.take C.mark C.look
        C.sleep P.put P.bell C.take'
    for how in ./step7_lost 'python3 python.py lost'; do
        for on in '' "taskset -c $(first_cpu)"; do
            for ((i = 0; i < 3; i++)); do
                # shellcheck disable=SC2086 # command lines
                run limit 10 $on $how $late
                [ "${lines[-1]}" = 'C sleeps, messages 1' ]
                # shellcheck disable=SC2086 # command lines
                run limit 10 $on $how $own
                [ "${lines[-1]}" = 'C is awake, messages 0' ]
            done
        done
    done
}

@test "join before get: ends here, hangs in Python" {
    cd "$BATS_FILE_TMPDIR/lesson"
    check() {
        [ "$output" = 'got 100 messages of 1024 bytes
the child has ended' ]
    }
    tell step10_join join get-first
    for on in '' "taskset -c $(first_cpu)"; do
        # shellcheck disable=SC2086 # a command line
        run limit 10 $on ./step10_join join-first
        [ "$output" = 'the child has ended
got 100 messages of 1024 bytes' ]
        # shellcheck disable=SC2086 # a command line
        run limit 20 $on python3 python.py join join-first
        [ "$output" = 'join, for 1 s: the child does not end
got 100 messages of 1024 bytes
the child has ended' ]
    done
}

@test "a producer is killed: a whole message or none, and the next goes on" {
    check() {
        [ "$output" = 'killed amid the data: no message; the next one: there
killed before the index: no message; the next one: there
killed after the index: a whole message; the next one: there' ]
    }
    tell step11_killed killed
}

@test "kill -9 after two puts: both are there; Python's queue is stuck" {
    cd "$BATS_FILE_TMPDIR/lesson"
    for on in '' "taskset -c $(first_cpu)"; do
        # shellcheck disable=SC2086 # a command line
        run limit 10 $on ./step11_killed kill
        [ "$output" = 'A: there
B: there
C: there' ]
        # shellcheck disable=SC2086 # a command line
        run limit 20 $on python3 python.py kill
        [ "$output" = 'A: half of it is there, get hangs
B: lost with the dead, get hangs
C: its producer does not end' ]
    done
}

@test "two producers: a message is lost in 18 of 20 orders" {
    check() {
        [ "$output" = 'A.load   tail 0, slots --
B.load   tail 0, slots --
A.data   tail 0, slots A-
B.data   tail 0, slots B-
A.store  tail 1, slots B-
B.store  tail 1, slots B-
2 put, 1 in the ring' ]
    }
    tell step12_many many A.load B.load A.data B.data A.store B.store
    lost=0
    while read -r order; do
        # shellcheck disable=SC2086 # words
        run limit 10 ./step12_many $order
        [ "$status" -eq 0 ]
        case ${lines[-1]} in
        '2 put, 1 in the ring') lost=$((lost + 1)) ;;
        '2 put, 2 in the ring') ;;
        *) false ;;
        esac
    done < <(orders A.load,A.data,A.store B.load,B.data,B.store)
    [ "$lost" -eq 18 ]
}

@test "a script that is none is refused, and so are other arguments" {
    cd "$BATS_FILE_TMPDIR/lesson"
    refused ./step3_order P.index P.nonsense
    refused ./step3_order C.take
    refused ./step3_order P.data P.data
    refused ./step7_lost C.look C.lok
    refused ./step12_many A.data
    refused ./step12_many A.load A.load
    refused ./step10_join first
    refused ./step11_killed kil
    refused ./step14_mp trce=x
    refused python3 python.py order P.index P.nonsense
    refused python3 python.py lost C.lok
    refused python3 python.py join first
    refused python3 python.py ring x
    for script in P.data 'P.index C.look'; do
        # shellcheck disable=SC2086 # words
        run limit 10 ./step3_order $script
        [ "$status" -eq 2 ]
        [[ $output = *'a script mixes P.data P.index with C.look C.take'* ]]
        # shellcheck disable=SC2086 # words
        run limit 10 python3 python.py order $script
        [ "$status" -eq 2 ]
    done
    run limit 10 ./step14_mp trace=/nowhere/trace.json
    [ "$status" -eq 1 ]
    [[ $output = *'/nowhere/trace.json: No such file or directory'* ]]
}

@test "kill -9 of the last step's parent takes its processes with it" {
    cd "$BATS_FILE_TMPDIR/lesson"
    child=''
    for ((i = 0; i < 50 && !child; i++)); do # until we were quick enough
        RAWMP_UNIT_MS=1000 ./step14_mp </dev/null >out 2>&1 3>&- &
        parent=$!
        while [ -z "$child" ] &&
            grep -qs '^State:.[^ZX]' "/proc/$parent/status"; do
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
    run limit 10 ./ring message C.load C.load C.store P.load P.load P.fill \
        P.store P.load P.ring
    [ "$status" -eq 0 ]
    [ "${lines[5]}" = 'P.fill   slot 0 holds 1 now' ]
    [ "${lines[8]}" = 'P.ring   data: rung' ]
    [[ $output = *'C.wait   data: was rung'* ]] || [[ $output != *C.wait* ]]
    [ "${lines[-1]}" = '  got: 1; head 1, tail 1, asleep: data 0, room 0' ]
    run limit 10 ./ring message P.load P.fill
    [ "$status" -eq 1 ]
    [ "$output" = 'P.load   tail is 0
given up: the script says P.fill now, as number 2
  P  stands before load
  C  stands before load
  got:; head 0, tail 0, asleep: data 0, room 0' ]
    run limit 10 ./ring message P.load P.load P.fill P.kill
    [ "$status" -eq 0 ]
    [[ $output = *'P  is dead'*'C  is asleep in wait'* ]]
    refused ./ring message P.load P.lod
    refused ./ring message A.load
    run limit 10 ./ring nonsense
    [ "$status" -eq 2 ]
    [[ $output = *'run killed_p'* ]]
}

@test "the exercise finds a losing order, and it can be replayed" {
    cd "$BATS_FILE_TMPDIR/lesson/wrong"
    run limit 30 ./clears_late run message
    [ "$status" -eq 0 ]
    run limit 30 ./clears_late run messages
    [ "$status" -eq 1 ]
    [[ $output = *'given up: nobody is left who could wake C'* ]]
    found=${lines[0]} said=$(sed 1d <<<"$output")
    cp clears_late ring
    for on in '' "taskset -c $(first_cpu)"; do
        for _ in 1 2 3 4 5; do
            # shellcheck disable=SC2086 # command lines
            run limit 10 $on $found
            [ "$status" -eq 1 ]
            [ "$output" = "$said" ]
        done
    done
}

@test "the exercise finds the one place where a kill does harm" {
    cd "$BATS_FILE_TMPDIR/lesson/wrong"
    for on in '' "taskset -c $(first_cpu)"; do
        # shellcheck disable=SC2086 # a command line
        run limit 30 $on ./clears_first run killed_p
        [ "$status" -eq 1 ]
        [[ $output = *'P.xchg   data.asleep was 1, is 0
P.kill'*'given up: nobody is left who could wake C'* ]]
    done
}
