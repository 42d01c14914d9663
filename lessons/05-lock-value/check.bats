#!/usr/bin/env bats
# check.bats - judges a lock: the exercise, the solution, a wrong one.
#
# Each case runs one scenario of the file's frame and compares what it prints;
# what a failing case says is meant for the person who wrote the hole.

load ../tools/lesson.bash

# judge SECONDS ARGUMENTS...: run the program; its output goes to $output.
judge() {
    run confined "$1" "$PROGRAM" "${@:2}"
    case $status in
    0 | 1) ;;
    77) say 'Not finished: a hole still returns -ENOSYS.' ;;
    124 | 137) say "./futex_lock ${*:2} did not come to an end in $1 s." \
        "It printed:" "$output" ;;
    *) say "./futex_lock ${*:2} ended with status $status:" "$output" ;;
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

# schedules HOW: 300 orders of the points of two or three processes.
schedules() {
    plays 40 "$1"
    [ "$status" -eq 0 ] ||
        say "In this order of points $1 processes come to grief;" \
            'the first line replays it:' "$output"
}

@test "correct: two processes, in 300 orders" {
    schedules two
}

@test "correct: three processes, in 300 orders" {
    schedules three
}

@test "correct: each of two sleepers gets the lock" {
    judge 20 run sleepers
    [ "$status" -eq 0 ] ||
        say 'A held the lock, B and then C waited for it, A released it.' \
            'Expected: B and C sleep, and each gets the lock. Got:' "$output"
}

@test "correct: whoever is overtaken goes on waiting" {
    plays 20 overtaken
    [ "$status" -eq 0 ] ||
        say 'B waited; ten times A released the lock and took it again before' \
            'B came to try. Expected: B waits on, then has it. Got:' "$output"
}

@test "correct: whoever waits is asleep" {
    judge 3 run sleep
    expect 'the waiter sleeps' && expect 'the waiter has had the lock' ||
        say 'One process held the lock, another waited for it. Expected: it' \
            'sleeps, and gets the lock when it is released. Got:' "$output"
}

@test "correct: four processes count to 400000" {
    sound 'this lock fails in a given order already' \
        two three overtaken
    judge 40 run count
    expect 'counter 400000' ||
        say 'Four processes added 100000 each, one by one, under the lock.' \
            'Expected: counter 400000. Got:' "$output"
}

@test "counted: 1000 pairs of a lone process make no system call" {
    judge 20 count pairs
    at_most 0 'System calls for 1000 pairs of acquire and release'
}

@test "counted: a wait takes at most 3 sleeps" {
    judge 3 count sleeps
    at_most 3 'Times that a process slept while it waited 100 ms'
}

@test "counted: a release wakes one of two sleepers" {
    judge 20 count woken
    at_most 1 'Processes woken by one release'
}
