# helper.bash - for every bats file:  load helper
#
# $ROOT   the source tree            $BUILD  the meson build directory
# limit SECONDS COMMAND…   run it with a time limit that also kills what it
#                          started, without stdin and bats's own descriptors
# A case fails if it leaves a process behind or an entry in /dev/shm.

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BUILD=${BUILD:-$ROOT/build/default}
export ROOT BUILD PYTHONDONTWRITEBYTECODE=1
# What a caller's make or python had set would change what is tested.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES

limit() {
    local seconds=$1
    shift
    timeout -k 2 "$seconds" "$@" </dev/null 3>&-
}

# Living processes whose environment carries this case's tag.
stragglers() {
    local environ pid
    grep -lzxsF "RAWMP_CASE=$RAWMP_CASE" /proc/[0-9]*/environ |
        while read -r environ; do
            pid=${environ//[!0-9]/}
            case $(readlink "/proc/$pid/exe") in
            '' | */bash | */grep) ;;
            *) echo "$pid" ;;
            esac
        done
}

leak_setup() {
    export RAWMP_CASE="$BATS_ROOT_PID.$BATS_TEST_NUMBER.$RANDOM"
    SHM_BEFORE=$(ls /dev/shm 2>/dev/null)
}

# Teardown runs without errexit: the verdict is the status returned.
leak_check() {
    local rc=0 pid left
    # A process that was just killed may still be on its way out.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(stragglers)
        [ -n "$left" ] || break
    done
    for pid in $left; do
        echo "left behind: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)($pid)"
        kill -9 "$pid" 2>/dev/null
        rc=1
    done
    left=$(comm -13 <(echo "$SHM_BEFORE") <(ls /dev/shm 2>/dev/null) |
        grep -E '^(rawmp|sem\.)' || true)
    if [ -n "$left" ]; then
        echo "left in /dev/shm: $left"
        rc=1
    fi
    return $rc
}

setup() { leak_setup; }
teardown() { leak_check; }
