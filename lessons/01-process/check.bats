#!/usr/bin/env bats
# check.bats - judges a join_timeout: the exercise, the solution, a wrong one.
#
# Each case runs one scenario of the file's frame and compares what it prints;
# what a failing case says is meant for the person who wrote the hole.

load ../tools/lesson.bash

# judge SECONDS ARGUMENTS...: run the program; its output goes to $output.
judge() {
    run confined "$1" "$PROGRAM" "${@:2}"
    case $status in
    0) ;;
    77) say 'Not finished: a hole still returns -ENOSYS.' ;;
    124 | 137) say "./join_timeout ${*:2} did not come back within $1 s." ;;
    *) say "./join_timeout ${*:2} ended with status $status:" "$output" ;;
    esac
}

# say LINES...: fail with an explanation.
say() {
    printf '%s\n' "$@" >&2
    return 1
}

# expect LINE: the program printed this line.
expect() {
    grep -qxF -- "$1" <<<"$output"
}

# at_most N WHAT: the program printed a number up to N.
at_most() {
    case $output in
    n/a*) skip "$output" ;;
    '' | *[!0-9]*) say "Nothing to count: $output." ;;
    esac
    [ "$output" -le "$1" ] || say "$2: $output; $1 are enough."
}

@test "correct: an exit status comes back as it is" {
    judge 20 run status
    expect 'exit 0: 0, code 0' && expect 'exit 3: 0, code 3' &&
        expect 'exit 255: 0, code 255' ||
        say 'Children left by _exit(0), _exit(3) and _exit(255).' \
            'Expected 0 and the codes 0, 3, 255; you returned:' "$output"
}

@test "correct: a killed child gives minus the signal" {
    judge 20 run signal
    expect 'SIGTERM: 0, code -15' && expect 'SIGKILL: 0, code -9' ||
        say 'Children were ended by SIGTERM and by SIGKILL.' \
            'Expected 0 and the codes -15 and -9; you returned:' "$output"
}

@test "correct: timeout 0 asks once and comes back" {
    judge 5 run try
    expect 'running: -ETIMEDOUT' && expect 'ended: 0, code -9' ||
        say 'Timeout 0: -ETIMEDOUT while the child runs, with code untouched;' \
            '0 and -9 once SIGKILL has ended it. You returned:' "$output"
}

@test "correct: a negative timeout waits until the child ends" {
    judge 10 run forever
    expect 'until it ends: 0, code -15' ||
        say 'Timeout -1 on a child that SIGTERM ended while you waited.' \
            'Expected 0 and the code -15; you returned:' "$output"
}

@test "correct: signals neither shorten nor prolong the wait" {
    judge 10 run storm
    [[ $output = '100 ms under signals: -ETIMEDOUT, in time'* ]] ||
        say 'A timeout of 100 ms while a signal handler ran each 10 ms.' \
            'Expected -ETIMEDOUT after 100 ms; you returned:' "$output" \
            'What is left must be computed from the deadline each time.'
}

@test "correct: success leaves no zombie" {
    judge 20 run zombie
    expect 'ended: 0, code 0' && expect 'nothing is left' ||
        say 'After a join that returned 0 nothing may be left of the child.' \
            'Got:' "$output"
}

@test "correct: no descriptor is left open" {
    judge 20 run descriptors
    for way in timeout 'not ours' success; do
        expect "$way: 0 left open" ||
            say "After a join that ended with '$way' a descriptor is open:" \
                "$output" 'Each way out of join_timeout must close the pidfd.'
    done
}

@test "correct: the end of another child is left alone" {
    judge 20 run other
    expect 'the second child: 0, code 0' &&
        expect 'the first child can still be joined' ||
        say 'Two children had ended, by _exit(7) and _exit(0).' \
            'The second was joined; you returned:' "$output"
}

@test "correct: a process that is not our child gives -ECHILD" {
    judge 20 run foreign
    expect 'our parent: -ECHILD' && expect 'reaped before: -ECHILD' ||
        say 'Joined: our own parent, and a child that was reaped before.' \
            'Expected -ECHILD twice; you returned:' "$output"
}

@test "correct: an alarm of the caller is left alone" {
    judge 20 run alarm
    expect "the caller's handler: as before" &&
        expect "the caller's alarm: as before" ||
        say 'The caller had set an alarm with a handler of its own:' "$output"
}

@test "counted: a child that has ended takes at most 4 system calls" {
    judge 20 count ended
    at_most 4 'System calls for joining a child that had ended'
}

@test "counted: waiting 100 ms takes at most 8 system calls" {
    judge 20 count waiting
    at_most 8 'System calls for waiting 100 ms'
}

@test "counted: waiting 100 ms takes at most 5 sleeps" {
    judge 20 count sleeps
    at_most 5 'Times that the process went to sleep while waiting 100 ms'
}
