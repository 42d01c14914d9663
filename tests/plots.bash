# What the tests of plots/ share.
# shellcheck disable=SC2119,SC2120,SC2154 # arguments are optional; bats sets status and output

# Once a file, from setup_file: an interpreter that can draw, and a folder for
# what several cases read.
plots_file() {
    F=$BATS_FILE_TMPDIR
    DRAW=$(python3 -c 'import sys
sys.path.insert(0, sys.argv[1])
import style
print(style.find()[0] or "")' "$ROOT/plots")
    export F DRAW
}

plots_setup() {
    D=$BATS_TEST_TMPDIR
    P=$ROOT/plots
}

# What a tool is started with where it does not matter who finds matplotlib.
drawer() {
    limit 120 "${DRAW:-python3}" -B "$@"
}

# Python from stdin, with the modules of plots/ at hand.
plots_python() {
    {
        echo "import json, sys"
        echo "sys.path.insert(0, '$P')"
        echo "import amdahl, findings, grain, latency, lock, lost, manager, pool, process, queues"
        echo "import results, speedup, stats, style, throughput, timeline, waiting, workloads"
        cat
    } >"$D/program.py"
    drawer "$D/program.py" "$@"
}

needs_matplotlib() {
    [ -n "$DRAW" ] || skip "no Python here has matplotlib"
}

# Many pictures, many refusals, in one process: lines as plots_run.py has them,
# with @ for the case's folder.
draws() {
    sed "s:@:$D:g" >"$D/lines"
    timeout -k 2 120 "${DRAW:-python3}" -B "$ROOT/tests/plots_run.py" draw "${1:-$D}" \
        <"$D/lines" 3>&-
}

refusals() {
    sed "s:@:$D:g" >"$D/lines"
    timeout -k 2 120 "${DRAW:-python3}" -B "$ROOT/tests/plots_run.py" refuse "$D" \
        <"$D/lines" 3>&-
}

# The same pictures again, under other circumstances, have the same bytes.
same_bytes() {
    local svg
    mkdir "$D/again"
    draws <"$1"
    HOME=/nonexistent LC_ALL=C TZ=Asia/Tokyo PYTHONHASHSEED=7 draws "$D/again" <"$1"
    for svg in "$D"/*.svg; do
        cmp "$svg" "$D/again/${svg##*/}"
    done
}

# Files that are none: cut.json (of the file given) and five more.
broken_files() {
    head -c "${2:-300}" "$1" >"$D/cut.json"
    echo 'hello, world' >"$D/prose.json"
    head -c 300 /dev/urandom >"$D/noise.json"
    : >"$D/empty.json"
    echo '[1, 2]' >"$D/list.json"
    mkdir -p "$D/folder.json"
}

# broken_lines TOOL COMMAND: what a tool says to each of them; COMMAND makes the file.
broken_lines() {
    cat <<END
$1|@/cut.json|cut.json;cut off;$2
$1|@/prose.json|prose.json;not JSON;$2
$1|@/noise.json|noise.json;not JSON
$1|@/empty.json|empty.json;empty;$2
$1|@/list.json|list.json;not a result
$1|@/folder.json|folder.json
$1|@/absent.json|absent.json;no such file;$2
END
}

report() {
    drawer "$P/report.py" --results "$D/results" --trace "$D/trace" \
        --progress "$D/progress" --others "$D/others" -o "$D/out/index.html" "$@"
}

page_checks() {
    python3 "$ROOT/tests/page_check.py" "$1"
}

# The page without what keeps words apart or together.
page_text() {
    sed 's/\xc2\xa0/ /g; s/&amp;/\&/g' "${1:-$D/out/index.html}"
}

# has TEXT WORD…: each is in it.
has() {
    local text=$1 word
    shift
    for word in "$@"; do
        grep -qF -- "$word" <<<"$text" || {
            echo "not there: $word"
            return 1
        }
    done
}

# --help of each tool, and what an unknown option and no file at all end with.
usages() {
    local tool
    for tool in "$@"; do
        run limit 20 python3 "$P/$tool.py" --help
        [ "$status" -eq 0 ]
        [[ $output == *Example* ]]
        run limit 20 python3 "$P/$tool.py" --nonsense
        [ "$status" -eq 2 ]
        [ "$tool" != report ] || continue
        run limit 20 python3 "$P/$tool.py"
        [ "$status" -eq 2 ]
    done
}

# A Python without matplotlib (-S: no site-packages): pages without pictures.
bare_python() {
    printf '#!/bin/sh\nexec "%s" -S "$@"\n' "${DRAW:-python3}" >"$D/bare"
    chmod +x "$D/bare"
}
