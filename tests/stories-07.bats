#!/usr/bin/env bats
# stories-07.bats - the stories that lesson 07 tells (S30 to S32), in C and in
# Python, what its other steps promise, and the exercise's bad days.
#
# The steps are built by their own first comment in a copy of the lesson;
# stories-07.c is built with the library.

load helper

setup_file() {
    cp -r "$ROOT/lessons/07-manager" "$BATS_FILE_TMPDIR/lesson"
    cd "$BATS_FILE_TMPDIR/lesson" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    build step*.c
    # shellcheck disable=SC2046 # several words
    cc -O2 -o stories-07 "$ROOT/tests/stories-07.c" \
        $(pkg-config --cflags --libs rawmp) || return
    cd "$BATS_FILE_TMPDIR/lesson/solution" && build dict_proxy.c
    cd "$BATS_FILE_TMPDIR/lesson/wrong" &&
        build waits_for_the_rest.c waits_for_the_reader.c
}

# build FILE...: each by the Build: line of its first comment, which may go on.
build() {
    local file line
    for file; do
        line=$(sed -n '/^ \* Build: /,/^ \* [A-Z]/ {
            s/^ \* Build: *//p
            s/^ \*   *\([^ ].*\)/\1/p
        }' "$file" | tr '\n' ' ')
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

@test "S30: two requests lose an update, each time, on one CPU too" {
    check() {
        [ "$output" = "A.get  0
B.get  0
A.set  1
B.set  1
an update is lost" ]
    }
    tell step7_lost lost
    tell step7_lost lost A.get B.get A.set B.set
    check() {
        [ "${lines[4]}" = 'both have added' ]
    }
    tell step7_lost lost B.get B.set A.get A.set
}

@test "S30: with the manager's lock: count 3, list 0 1 2" {
    check() {
        [ "${lines[0]}" = '3 workers: count 3, list 0 1 2' ]
        [[ ${lines[1]} = 'an addition: '*' ns by the server, '*' ns without one' ]]
    }
    tell step13_mp mp
    for _ in 1 2 3 4 5; do
        run limit 20 ./step13_mp
        check
    done
}

@test "S31: a manager's objects, one in another, and none is left" {
    check() {
        [ "$output" = "dict: 1
list: 0 1, popped 2
namespace: 5
value: 8
array: 0 20 0
queue: 1 2
lock: held
nested: 3 entries
objects: 7 more
objects: 0 more" ]
    }
    tell 'stories-07 objects' objects
}

@test "S32: the server is shut down, or killed, while clients wait" {
    check() {
        [ "$output" = "the server is shut down: 3 of 3 have an error, \
the next: Connection refused
the server is killed: 3 of 3 have an error, the next: Connection refused" ]
    }
    tell step12_server server
    for _ in 1 2 3; do
        for how in shutdown killed; do
            run limit 20 ./stories-07 "$how"
            echo "$how: status $status: $output"
            [ "$status" -eq 0 ]
            [ "$output" = '3 of 3 have an error, the next: Broken pipe' ]
        done
    done
}

@test "the server has the count; the client's own is another" {
    check() {
        [ "$output" = "client: get     0
client: add 3   3
client: add 4   7
client: its own 0
server: the client has gone, after 3 requests" ]
    }
    tell step1_request request
}

@test "values as bytes; what is cut off, or lies, is refused" {
    check() {
        [ "$output" = "03 = 3
cd 01 2c = 300
92 a3 67 65 74 a5 63 6f 75 6e 74 = list: \"get\", \"count\"
92 a3 67 65 74 a5 63 6f 75 6e = refused
db ff ff ff ff = refused" ]
    }
    tell step2_values values
}

@test "a pickle runs what it says" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 20 python3 python.py pickle
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = 'this line is printed by the receiver: it ran a call' ]
}

@test "whoever connects is known to the kernel" {
    check() {
        [ "$output" = "a path in the file system, mode 600
the client says: I am process 1, let me in
the kernel says: it is the child, of our user
nobody listens:  Connection refused
no path:         No such file or directory" ]
    }
    tell step3_accept accept
}

@test "half a request stops all the others, each time" {
    check() {
        [ "$output" = "A has sent half a request
B has sent a whole one
B hears nothing
A has sent the other half
A hears 1
B hears 2" ]
    }
    for _ in 1 2 3; do
        tell step4_slow slow
    done
}

@test "or it stops nobody" {
    check() {
        [ "$output" = "A has sent half a request
B has sent a whole one
B hears 1
A has sent the other half
A hears 2" ]
    }
    for _ in 1 2 3; do
        tell step5_epoll epoll
    done
}

@test "what a proxy brings is a copy" {
    check() {
        [ "$output" = "A: d['c'] = 3, l.append(7)
B: d['c'] is 3, l is [7]
B appends 8 to what it got: l has 1
B: l.append(8):             l has 2" ]
    }
    tell step6_proxy proxy
}

@test "one request instead of two: add, compare and set" {
    check() {
        [ "$output" = "an operation
  A.ADD      1
  B.ADD      2
compare and set
  A.GET      2
  B.GET      2
  A.CAS      2
  B.CAS      3
  B.CAS      3
  A.GET      4
four updates, the count is 4" ]
    }
    tell step8_mend mend
}

@test "whoever waits for the lock is parked; others are served" {
    check() {
        [ "$output" = "A has the lock
B waits, C has an answer: 2 at the lock
A releases it
B has the lock
C has an answer: 0 at the lock" ]
    }
    for _ in 1 2 3; do
        tell step9_parked parked
    done
}

@test "a waiter and the holder are killed: the next has the lock" {
    check() {
        [ "$output" = "A has the lock, B and C wait: 3
B is killed: 2; A is killed
C has the lock: its holder has died
C has ended: 0" ]
    }
    for _ in 1 2 3; do
        tell step10_killed killed
    done
}

@test "Python's manager keeps the lock for the dead, and their objects" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 30 python3 python.py kill
    [ "$status" -eq 0 ]
    [ "$output" = "A has the lock, B and C wait: 3
B is killed: 3; A is killed
C waits still
A's lock is released by hand: B, who is dead, has it" ]
    run limit 30 python3 python.py leak
    [ "$status" -eq 0 ]
    [ "$output" = "objects at first: 1
after three clients that were killed, with 10 lists each: 31" ]
}

@test "objects go with the last reference, but for a circle" {
    check() {
        [ "$output" = "the dict                                 1
A creates a list                         2
d['l'] = l, and A forgets it             2
B has d['l'], and then d['l'] = None     2
B is killed                              1
x and y hold each other; A is killed     3" ]
    }
    tell step11_handle handle
}

@test "the last step's trace: three workers, one at a time has the lock" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 20 ./step13_mp trace=trace.json
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
spans = [e for e in events if e["ph"] == "X"]
for what, name in ("wait", "acquire"), ("hold", "lock"):
    some = [e for e in spans if e["cat"] == what and e["name"] == name]
    assert len({e["tid"] for e in some}) == 3, (what, some)
holds = sorted((e["ts"], e["ts"] + e["dur"]) for e in spans
               if e["cat"] == "hold")
assert all(a[1] <= b[0] for a, b in zip(holds, holds[1:])), holds
PY
}

@test "kill -9 of the last step takes its server with it" {
    cd "$BATS_FILE_TMPDIR/lesson"
    child=''
    for ((i = 0; i < 50 && !child; i++)); do # until we were quick enough
        ./step13_mp </dev/null >out 2>&1 3>&- &
        parent=$!
        while [ -z "$child" ] && grep -qs '^State:.[^ZX]' "/proc/$parent/status"; do
            read -r child _ <"/proc/$parent/task/$parent/children" || true
        done
        kill -9 "$parent" || child='' # it had ended
        wait "$parent" || true
    done
    child_is_gone() { ! grep -qs '^State:.[^ZX]' "/proc/$child/status"; }
    [ -n "$child" ]
    within 20 child_is_gone
}

@test "all of python.py in one run" {
    cd "$BATS_FILE_TMPDIR/lesson"
    run limit 60 python3 python.py
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^== ' <<<"$output")" -eq "$(printf '%s\n' step*.c | wc -l)" ]
}

@test "arguments that are none are refused" {
    cd "$BATS_FILE_TMPDIR/lesson"
    refused ./step13_mp trce=x
    refused ./stories-07 object
    for how in ./step7_lost 'python3 python.py lost'; do
        # shellcheck disable=SC2086 # two command lines
        {
            run limit 10 $how A.get A.get A.set B.set
            [ "$status" -eq 2 ]
            [[ $output = *"'A.get'"* ]]
            run limit 10 $how A.set
            [ "$status" -eq 2 ]
            [[ $output = *"'A.set'"* ]]
        }
    done
    run limit 10 python3 python.py mend x
    [ "$status" -eq 2 ]
    run limit 10 ./step13_mp trace=/nowhere/trace.json
    [ "$status" -eq 1 ]
    [[ $output = *'/nowhere/trace.json: No such file or directory'* ]]
}

@test "a bad day is bad, each time: who would sleep is told so" {
    cd "$BATS_FILE_TMPDIR/lesson/wrong"
    for _ in 1 2 3 4 5; do
        run limit 10 ./waits_for_the_rest run halves
        [ "$status" -eq 3 ]
        [ "$output" = 'the server sleeps in recv, and serves nobody' ]
        run limit 10 ./waits_for_the_reader run deaf
        [ "$status" -eq 3 ]
        [ "$output" = 'the server sleeps in send, and serves nobody' ]
    done
    refused_usage() {
        run limit 10 "$@"
        [ "$status" -eq 2 ]
        [[ $output = *'run halves'* ]]
    }
    refused_usage ./waits_for_the_rest run halve
    refused_usage ./waits_for_the_rest
    refused_usage ./waits_for_the_rest --bench mine 0
}

@test "the solution: a thousand requests of two processes" {
    cd "$BATS_FILE_TMPDIR/lesson/solution"
    for _ in 1 2 3; do
        run limit 30 ./dict_proxy run two
        [ "$status" -eq 0 ]
        [ "$output" = 'two processes, 600 times 1 more each: 1200' ]
    done
}
