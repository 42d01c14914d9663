#!/bin/sh
# tsan.sh PROGRAM ARGUMENT… - run a program built with -fsanitize=thread.
# A report of a data race makes it fail.  Where the kernel places mappings at
# random over more bits than ThreadSanitizer knows of, the program is run without
# that; where this is not allowed either, it is skipped.
case ${1-} in
'' | -h | --help)
    echo "usage: tsan.sh PROGRAM [ARGUMENT…]"
    [ $# -gt 0 ]
    exit $((2 * $?))
    ;;
esac
fixed=
setarch -R true 2>/dev/null && fixed='setarch -R'
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
$fixed "$@" 2>"$log"
status=$?
sed 's/^/# /' "$log"
if grep -q 'unexpected memory mapping' "$log"; then
    echo "1..0 # SKIP ThreadSanitizer cannot map its shadow memory here"
    exit 0
fi
exit $status
