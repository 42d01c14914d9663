#!/bin/sh
# lint.sh - what can be said of the sources without running them.
# Prints a line a check, the details of those that fail, and the count.
set -u
cd "$(dirname "$0")/../.." || exit 2

usage() {
    echo "usage: lint.sh    exit 0 all passed, 1 a finding, 2 a tool is missing"
}
case ${1-} in
'') ;;
-h | --help)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

passed=0 failed=0
check() {
    name=$1
    shift
    if said=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        echo "$said" | head -n 40
    fi
}

# Tracked files, and those that are about to be.
files() { git ls-files --cached --others --exclude-standard -- "$@"; }

for tool in clang clang-format shellcheck git; do
    command -v $tool >/dev/null 2>&1 || {
        echo "lint.sh: $tool is missing; tests/machine/setup.sh --authors installs it" >&2
        exit 2
    }
done

warnings() {
    rm -rf "build/$1"
    CC=$1 CXX=$2 meson setup "build/$1" --werror >"build/$1.log" 2>&1 ||
        { cat "build/$1.log"; return 1; }
    ninja -C "build/$1" --quiet
}

python_compiles() {
    files '*.py' | while read -r f; do
        python3 - "$f" <<'EOF' || exit 1
import sys
compile(open(sys.argv[1]).read(), sys.argv[1], "exec")
EOF
    done
}

shell_clean() {
    # shellcheck disable=SC2046
    shellcheck -x -P SCRIPTDIR $(files '*.sh' '*.bash' .ci/run)
    # shellcheck disable=SC2046
    shellcheck -s bats -x -P SCRIPTDIR -e SC1091,SC2154,SC2030,SC2031 $(files '*.bats')
}

# The pages of a course: 80 columns, tabs as 8.
narrow() {
    files '*.[ch]' | python3 -c '
import sys
wide = 0
for path in sys.stdin.read().split():
    for n, line in enumerate(open(path, encoding="utf-8"), 1):
        columns = len(line.rstrip("\n").expandtabs(8))
        if columns > 80:
            wide = 1
            print(f"{path}:{n}: {columns} columns")
sys.exit(wide)'
}

formatted() {
    # shellcheck disable=SC2046
    clang-format --dry-run --Werror $(files '*.[ch]' '*.cc')
}

only_these() {
    stray=$(files | sed 's|/.*||' | sort -u | grep -vE \
        '^(\..*|LICENSE|Makefile|README\.md|meson\.build|meson_options\.txt|lessons|primitives|benchmarks|tests|plots)$')
    [ -z "$stray" ] || { echo "at the top level: $stray"; return 1; }
}

mkdir -p build
check "gcc: no warning" warnings gcc g++
check "clang: no warning" warnings clang clang++
check "Python compiles" python_compiles
check "shellcheck" shell_clean
check "C fits in 80 columns" narrow
check "C is formatted ($(clang-format --version))" formatted
check "nothing else at the top level" only_these
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
