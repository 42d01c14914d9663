#!/usr/bin/env bats
# check.bats - judges framing: the exercise, the solution, a wrong one.
#
# Each case runs one scenario of the file's frame and compares what it prints;
# what a failing case says is meant for the person who wrote the hole.

load ../tools/lesson.bash

# judge SECONDS ARGUMENTS...: run the program; its output goes to $output.
judge() {
    run confined "$1" "$PROGRAM" "${@:2}"
    case $status in
    0) ;;
    124 | 137) say "./framing ${*:2} did not come to an end in $1 s." \
        'It printed:' "$output" ;;
    *) say "./framing ${*:2} ended with status $status:" "$output" ;;
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

# exactly LINES...: the program printed these lines and no others.
exactly() {
    [ "$output" = "$(printf '%s\n' "$@")" ]
}

# at_most N WHAT: the program printed a number up to N.
at_most() {
    case $output in
    '' | *[!0-9]*) say "Nothing to count: $output." ;;
    esac
    [ "$output" -le "$1" ] || say "$2: $output; $1 are enough."
}

@test "correct: a message on its way is its length and its bytes" {
    judge 5 run wire
    exactly 'sent: 00 00 00 05 68 65 6c 6c 6f' 'received: 0, 3 bytes: hey' ||
        say "send_message of 'hello' should send 00 00 00 05 68 65 6c 6c 6f," \
            "and 00 00 00 03 68 65 79 be received as 'hey'. Got:" "$output"
}

@test "correct: four messages in the pipe come out as four" {
    judge 5 run glued
    exactly '0, 5 bytes: hello' '0, 0 bytes: ' '0, 300 bytes: right' \
        '0, 3 bytes: hey' ||
        say "Sent: 'hello', an empty message, 300 bytes, 'hey'; then received" \
            'four times. Got:' "$output"
}

@test "correct: reads that bring little" {
    judge 5 run torn_reads
    expect 'reads of at most 1 to 12 bytes: right' ||
        say 'A read may bring fewer bytes than it asked for. Received three' \
            "messages, 'hello', an empty one and 'hey'. Got:" "$output"
}

@test "correct: writes that take little" {
    judge 5 run torn_writes
    expect 'writes of at most 1 to 12 bytes: right' ||
        say 'A write may take fewer bytes than it was given, and stop in the' \
            'header too. What was on its way then:' "$output"
}

@test "correct: a call that a signal interrupts is made again" {
    judge 5 run interrupted
    exactly 'interrupted writes: right' 'interrupted reads: right' ||
        say 'Each second call failed with EINTR, and then one took a few bytes.' \
            'Expected: the messages arrive all the same. Got:' "$output"
}

@test "correct: the end of file between messages" {
    judge 5 run end
    exactly '0, 5 bytes: hello' '-EPIPE' '-EPIPE' ||
        say "'hello' was sent, and the sender closed its end. Expected: the" \
            'message, and -EPIPE from then on. Got:' "$output"
}

@test "correct: the end of file in the middle of a message" {
    judge 5 run cut
    expect 'the end after 1 to 8 of 9 bytes: -ECONNRESET' ||
        say 'The sender was gone before all bytes of a message were sent.' \
            'Expected: -ECONNRESET, wherever that was. Got:' "$output"
}

@test "correct: a message that is longer than the buffer" {
    judge 5 run too_long
    exactly '-EMSGSIZE, 300 bytes' '-EMSGSIZE, 300 bytes' \
        '0, 300 bytes: right' '0, 5 bytes: hello' ||
        say 'A message of 300 bytes and one of 5. Received with room for 10,' \
            '299, 300 and 10 bytes. Expected: -EMSGSIZE twice and 300 as' \
            'length, then the message, then the other one. Got:' "$output"
}

@test "correct: a header that no sender makes" {
    judge 5 run nonsense
    exactly 'header ffffffff: -EBADMSG' 'header 00100001: -EBADMSG' \
        'header 00100000: -EMSGSIZE, 1048576 bytes' ||
        say 'A header says how many bytes follow, at most MOST (00100000).' \
            'More is -EBADMSG. There was room for 1000. Got:' "$output"
}

@test "correct: a message that is longer than allowed" {
    judge 5 run too_much
    expect '1 bytes too many: -EMSGSIZE, nothing was sent' ||
        say 'A message of MOST + 1 bytes. Expected: -EMSGSIZE, before a byte' \
            'is sent. Got:' "$output"
}

@test "correct: nobody reads any more" {
    judge 5 run gone
    exactly 'before: -EPIPE' 'in the middle: -EPIPE' ||
        say 'The reader closed its end before a message, and in the middle of' \
            'one. Expected: -EPIPE, twice. Got:' "$output"
}

# A framing that fails above may get through this one by luck.
@test "correct: two processes, 300 messages, a small pipe" {
    for scenario in glued torn_reads torn_writes interrupted; do
        run confined 5 "$PROGRAM" run $scenario
        case $status:$output in
        0:*' bytes: hello'*' bytes: right'*' bytes: hey' | \
            0:'reads of'*': right' | 0:'writes of'*': right' | \
            0:*'writes: right'*'reads: right') ;;
        *) say 'Not run: this one fails by a scenario of its own, see above.' ;;
        esac
    done
    judge 20 run two
    expect '300 of 300 messages right' ||
        say 'Messages of 0 to 20000 bytes through a pipe of 4096, with signals' \
            'all the time. Got:' "$output"
}

@test "counted: 1000 messages are sent by 1000 calls" {
    judge 5 count sends
    at_most 1000 'Calls of write and writev for 1000 messages'
}

@test "counted: 1000 messages are received by 2000 calls" {
    judge 5 count receives
    at_most 2000 'Calls of read and readv for 1000 messages'
}

@test "counted: waiting for a message takes at most 3 sleeps" {
    judge 5 count sleeps
    at_most 3 'Times that the process went to sleep while it waited 100 ms'
}

@test "counted: waiting for a message takes at most 3 reads" {
    judge 5 count looks
    at_most 3 'Calls of read and readv while it waited 100 ms for a message'
}
