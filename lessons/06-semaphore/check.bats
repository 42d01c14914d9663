#!/usr/bin/env bats
# check.bats - judges a semaphore: the exercise, the solution, a wrong one.
#
# Each case runs one scenario of the file's frame and compares what it prints;
# what a failing case says is meant for the person who wrote the hole.

load ../tools/lesson.bash

# judge SECONDS ARGUMENTS...: run the program; its output goes to $output.
judge() {
    run confined "$1" "$PROGRAM" "${@:2}"
    case $status in
    0 | 1) ;;
    124 | 137) say "./semaphore ${*:2} did not come to an end in $1 s." \
        'It printed:' "$output" ;;
    *) say "./semaphore ${*:2} ended with status $status:" "$output" ;;
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

# schedules PLOT WHO...: who does what, and all orders of their points.
schedules() {
    plays 60 "$1"
    [ "$status" -eq 0 ] ||
        say "${@:2}" 'In this order of points they come to grief; the first' \
            'line replays it:' "$output"
}

@test "correct: one waits, one gives a place back, in every order" {
    schedules waiter 'A takes a place, B gives one back; none was free.'
}

@test "correct: two wait, two places are given back" {
    schedules waiters 'A and B take a place each, C gives two back.'
}

@test "correct: whoever is overtaken waits on" {
    schedules overtaken 'B gives a place back; A and C take one and give it' \
        'back, so one of them may be woken and find nothing.'
}

@test "correct: two reach for the last place, in every order" {
    schedules takers 'A and B acquire with timeout 0, and one place is free.' \
        'Expected: one gets 0, the other -ETIMEDOUT.'
}

@test "correct: two give back the last place, in every order" {
    schedules givers 'A and B release, and the value is one below its bound.' \
        'Expected: one gets 0, the other -EOVERFLOW.'
}

@test "correct: six processes, two places" {
    sound 'this semaphore fails by a schedule' \
        waiter waiters overtaken takers givers
    judge 60 run six
    expect 'never more than 2 inside' && expect 'value 2 of 2' ||
        say 'Six processes acquired and released 3000 times, two places.' \
            'Expected: never more than 2 inside, and a value of 2 at last.' \
            'Got:' "$output"
}

@test "correct: a timeout of 0, of 50 ms, and none" {
    judge 20 run timeout
    expect 'not at all: -ETIMEDOUT' && expect '50 ms: -ETIMEDOUT, in time' &&
        expect 'for ever: asleep' && expect 'released: 0' ||
        say 'Nothing was free. Expected: -ETIMEDOUT at once, -ETIMEDOUT after' \
            '50 ms, and with -1 sleep until a place is given back. Got:' \
            "$output"
}

@test "correct: signals neither shorten nor prolong the wait" {
    judge 10 run storm
    [[ $output = '100 ms under signals: -ETIMEDOUT, in time'* ]] ||
        say 'A timeout of 100 ms while a signal handler ran each 10 ms.' \
            'Expected -ETIMEDOUT after 100 ms; you returned:' "$output" \
            'The deadline must be computed once.'
}

@test "correct: a killed waiter takes no place with it" {
    judge 20 run killed
    expect 'the other waiter has it' && expect 'another release: value 1' &&
        expect 'a newcomer: 0' ||
        say 'Two waited, one was killed, one place was given back, and then' \
            'another. Expected: the other waiter has the first, the value is 1' \
            'after the second, and a newcomer gets that. Got:' "$output"
}

@test "counted: 1000 pairs of a lone process make no system call" {
    judge 20 count pairs
    at_most 0 'System calls for 1000 pairs of acquire and release'
}

@test "counted: nor do they after a wait that timed out" {
    judge 20 count timed_out
    at_most 0 'System calls for 1000 pairs, after a wait that timed out'
}

@test "counted: a release wakes one of two sleepers" {
    judge 20 count woken
    at_most 1 'Processes woken by one release'
}

@test "counted: a wait of 100 ms takes at most 3 sleeps" {
    judge 20 count sleeps
    at_most 3 'Times that the process went to sleep while it waited 100 ms'
}
