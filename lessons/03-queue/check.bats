#!/usr/bin/env bats
# check.bats - judges a ring: the exercise, the solution, a wrong one.
#
# Each case runs one scenario of the file's frame and compares what it prints;
# what a failing case says is meant for the person who wrote the hole.

load ../tools/lesson.bash

# judge SECONDS ARGUMENTS...: run the program; its output goes to $output.
judge() {
    run confined "$1" "$PROGRAM" "${@:2}"
    case $status in
    0 | 1) ;;
    124 | 137) say "./ring ${*:2} did not come to an end in $1 s." \
        'It printed:' "$output" ;;
    *) say "./ring ${*:2} ended with status $status:" "$output" ;;
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

# killed SCENARIO WHO...: what happens, and a death at each point.
killed() {
    judge 60 run "$1"
    [ "$status" -eq 0 ] ||
        say "${@:2}" 'At this point it goes wrong:' "$output"
}

@test "correct: a ring holds as many messages as it has slots" {
    plays 10 holds
    [ "$(sort -u <<<"$output")" = '4 in, out: 1 2 3 4' ] ||
        say 'Messages 1, 2, 3, ... were put into four empty slots until the' \
            'ring was full, and got until it was empty; four times, with' \
            'counters of 0, 1, 6 and 4294967293 at first.' \
            'Expected each time: 4 in, out: 1 2 3 4. Got:' "$output"
}

@test "correct: one message, in every order of points" {
    schedules message 'P puts a message, C gets it; the ring was empty.'
}

@test "correct: two messages, one after the other" {
    schedules messages 'P puts two messages, C gets two; the ring was empty.'
}

@test "correct: a full ring, and a producer that waits for room" {
    schedules full 'P puts a message, C gets one; the ring was full.'
}

@test "correct: more than once around" {
    schedules lap 'P puts three messages, C gets three; two slots, both full.'
}

@test "correct: the counters pass 4294967295" {
    schedules wrap 'P puts two messages, C gets two; head is 4294967294.'
}

@test "correct: a producer is killed, at any point" {
    killed killed_p 'C waits for a message. P puts message 1 and is killed;' \
        'another P puts message 2. Expected: C gets 1 or 2, and nobody sleeps' \
        'for ever.'
}

@test "correct: a consumer is killed, at any point" {
    killed killed_c 'P waits for room. C gets message 1 and is killed;' \
        'another C gets one. Expected: it gets 1 or 2, and nobody sleeps for' \
        'ever.'
}

@test "correct: 5000 messages through four slots" {
    sound 'this ring fails by a schedule' \
        holds message messages full lap wrap
    judge 60 run many
    expect '5000 messages, each once, in order' ||
        say 'One process puts the messages 1 to 5000, the other gets them.' \
            'Got:' "$output"
}

@test "correct: a timeout of 0, of 50 ms, and none" {
    for who in put get; do
        judge 10 run timeout_$who
        expect 'not at all: -ETIMEDOUT' &&
            expect '50 ms: -ETIMEDOUT, in time' &&
            expect 'for ever: asleep' && expect 'then: 0' ||
            say "A $who with nothing to be had: expected -ETIMEDOUT at once," \
                '-ETIMEDOUT after 50 ms, and with -1 sleep until the other' \
                'side comes. Got:' "$output"
    done
}

@test "correct: signals neither shorten nor prolong the wait" {
    for who in put get; do
        judge 10 run storm_$who
        [[ $output = '100 ms under signals: -ETIMEDOUT, in time'* ]] ||
            say "A $who with a timeout of 100 ms, while a signal handler ran" \
                'each 10 ms. Expected -ETIMEDOUT after 100 ms; you returned:' \
                "$output" 'The deadline must be computed once, and the ring' \
                'be looked at again.'
    done
}

@test "counted: 1000 messages of a lone process make no system call" {
    judge 20 count pairs
    at_most 0 'System calls for 1000 messages that were put and got'
}

@test "counted: nor do they after waits that timed out" {
    judge 20 count timed_out
    at_most 0 'System calls for 1000 messages, after waits that timed out'
}

@test "counted: a message for a sleeper rings the bell once" {
    judge 20 count rings
    at_most 1 'Times that the bell was rung for one message'
}

@test "counted: a wait of 100 ms takes at most 3 sleeps" {
    judge 20 count sleeps
    at_most 3 'Times that the process went to sleep while it waited 100 ms'
}
