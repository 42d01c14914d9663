#!/usr/bin/env bats
# check.bats - judges a map: the exercise, the solution, a wrong one.
#
# Each case runs one scenario of the file's frame and compares what it prints;
# what a failing case says is meant for the person who wrote the hole.

load ../tools/lesson.bash

# judge SECONDS ARGUMENTS...: run the program; its output goes to $output.
judge() {
    run confined "$1" "$PROGRAM" "${@:2}"
    case $status in
    0 | 1) ;;
    124 | 137) say "./dynamic_map ${*:2} did not come to an end in $1 s." \
        'It printed:' "$output" ;;
    *) say "./dynamic_map ${*:2} ended with status $status:" "$output" ;;
    esac
}

# say LINES...: fail with an explanation.
say() {
    printf '%s\n' "$@" >&2
    return 1
}

# at_most N WHAT: the program printed a number up to N.
at_most() {
    case $output in
    n/a*) skip "$output" ;;
    '' | *[!0-9]*) say "Nothing to count: $output." ;;
    esac
    [ "$output" -le "$1" ] || say "$2: $output; $1 are enough."
}

# passes PLOT: run it; its verdict is kept for `sound`.
passes() {
    judge 60 run "$1"
    echo "$status" >"$BATS_FILE_TMPDIR/$1.status"
    [ "$status" -eq 0 ]
}

# schedules PLOT WHO...: who does what, and all orders of their points.
schedules() {
    passes "$1" ||
        say "${@:2}" 'In this order of points they come to grief; the first' \
            'line replays it:' "$output"
}

# sound: each of these passes; a map that fails there may pass by luck.
sound() {
    local plot kept
    for plot in one two chunks fails killed; do
        kept=$(cat "$BATS_FILE_TMPDIR/$plot.status" 2>/dev/null || true)
        [ "$kept" = 0 ] || { [ -z "$kept" ] && passes $plot; } ||
            say "Not run: ./dynamic_map run $plot fails already, see above."
    done
}

@test "correct: each item once, whatever the chunk" {
    judge 5 run rest
    [ "$output" = '0 items in chunks of 1: 0 once, 0 not well
1 items in chunks of 1: 1 once, 0 not well
1 items in chunks of 5: 1 once, 0 not well
5 items in chunks of 1: 5 once, 0 not well
10 items in chunks of 4: 10 once, 0 not well
12 items in chunks of 4: 12 once, 0 not well
3 items in chunks of 3: 3 once, 0 not well
100 items in chunks of 7: 100 once, 1 not well' ] ||
        say 'One worker did a whole map, then the creator waited for it.' \
            'Expected: each item once and no others, and all are well, but' \
            'for one of the hundred, which fails. Got:' "$output"
}

@test "correct: one item, in every order of points" {
    schedules one 'A does one item, C waits for it.'
}

@test "correct: two workers, in every order" {
    schedules two 'A and B do two items, C waits for them.'
}

@test "correct: the last chunk is shorter, in every order" {
    schedules chunks 'A and B do three items in chunks of two, C waits.'
}

@test "correct: an item that fails, beside one that does not" {
    schedules fails 'A does a chunk of two items; the first one fails.'
}

@test "correct: a worker is killed, at any point" {
    passes killed ||
        say 'A is killed at this point. Expected: the item that it had begun' \
            'is LOST, all others are done once, by another A, and C returns.' \
            'The first line replays it:' "$output"
}

@test "correct: and so is the one that replaces it" {
    judge 60 run killed_twice
    [ "$status" -eq 0 ] ||
        say 'A is killed, another one is hired, and killed too. Expected: as' \
            'with one death. The first line replays it:' "$output"
}

@test "correct: 600 items, three of which kill their worker" {
    sound
    judge 10 run many
    [ "$output" = '600 run once; 594 well, 3 failed, 3 lost, 6 in all' ] ||
        say 'Three workers, chunks of 7. Expected:' \
            '600 run once; 594 well, 3 failed, 3 lost, 6 in all. Got:' \
            "$output"
}

@test "counted: 1000 items make no system call while nobody waits" {
    judge 20 count calls
    at_most 0 'System calls of a worker alone with 1000 items'
}

@test "counted: nor do they when somebody has waited before" {
    judge 20 count waited
    at_most 0 'System calls of a worker, after a map that was waited for'
}

@test "counted: 12 items in chunks of 4 take at most 9 claims" {
    judge 20 count claims
    at_most 9 'Operations that claim (cas, xchg, add) for three chunks'
}

@test "counted: the creator is woken at most once by each worker" {
    judge 20 count rings
    at_most 2 'Times that two workers rang for six items'
}

@test "counted: a wait of 100 ms takes at most 3 sleeps" {
    judge 10 count sleeps
    at_most 3 'Times that the creator slept while a worker did ten items'
}
