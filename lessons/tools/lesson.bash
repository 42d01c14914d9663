# lesson.bash - for every check.bats:  load ../tools/lesson.bash
#
# $JUDGE    what is judged: exercise (if not set), solution or wrong/NAME.c
# $PROGRAM  that file, built by the Build: line of its first comment
# confined SECONDS COMMAND…   run it so that nothing of it is left; 124: it
#                             took longer, 125: it had too many processes
#
# and for those that have `judge SECONDS ARGUMENTS…` and `say LINES…`:
#
# plays SECONDS PLOT          judge it, and keep how it went
# sound REASON PLOT…          each of these passes; one that does not may get
#                             through what runs free by luck
#
# While a hole is not filled, every check says so: "not started: hole 1 of 2".
# Names of checks begin with the gate that they belong to: "correct: " or
# "counted: "; a count that this machine cannot take is skipped with a reason.

setup_file() {
    local root=$BATS_TEST_DIRNAME/../..
    export BUILD=${BUILD:-$root/build/default}
    local rc=0
    PROGRAM=$(python3 "$BATS_TEST_DIRNAME/../tools/judge.py" \
        "$BATS_TEST_DIRNAME" "${JUDGE:-exercise}" "$BATS_FILE_TMPDIR") || rc=$?
    export PROGRAM NOT_STARTED=''
    case $rc in
    0) ;;
    1) NOT_STARTED=$PROGRAM ;;
    *)
        echo "$PROGRAM" >&2
        return 1
        ;;
    esac
}

setup() {
    [ -z "$NOT_STARTED" ] || {
        echo "$NOT_STARTED"
        return 1
    }
}

confined() {
    "$BUILD/lessons/tools/confine" -t "$1" -- "${@:2}" </dev/null 3>&-
}

plays() {
    judge "$1" run "$2"
    echo "$status" >"$BATS_FILE_TMPDIR/$2.status"
}

sound() {
    local plot
    for plot in "${@:2}"; do
        status=$(cat "$BATS_FILE_TMPDIR/$plot.status" 2>/dev/null) ||
            judge 60 run "$plot"
        [ "$status" -eq 0 ] || say "Not run: $1, see above."
    done
}
