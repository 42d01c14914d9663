# What the tests of plots/ share.
# shellcheck disable=SC2119,SC2120,SC2154 # arguments are optional; bats sets status and output

plots_setup() {
    D=$BATS_TEST_TMPDIR
    P=$ROOT/plots
}

# Python from stdin, with the modules of plots/ at hand.
plots_python() {
    {
        echo "import json, sys"
        echo "sys.path.insert(0, '$P')"
        echo "import findings, lock, lost, process, results, speedup, stats, style, timeline, waiting"
        cat
    } >"$D/program.py"
    limit 60 python3 "$D/program.py" "$@"
}

needs_matplotlib() {
    plots_python <<<'sys.exit(0 if style.find()[0] else 1)' || skip "no Python here has matplotlib"
}

# Fails with 2 and one sentence that holds each word; leaves nothing behind.
refused() {
    local file=$1 tool=$2 word
    shift 2
    mkdir -p "$D/left"
    run limit 60 python3 "$P/$tool.py" "$file" -o "$D/left/out.svg"
    echo "$tool: $output"
    [ "$status" -eq 2 ] || return 1
    [ "${#lines[@]}" -eq 1 ] || return 1
    for word in "$@"; do
        [[ $output == *"$word"* ]] || return 1
    done
    [ -z "$(ls -A "$D/left")" ]
}

report() {
    limit 120 python3 "$P/report.py" --results "$D/results" --trace "$D/trace" \
        --progress "$D/progress" -o "$D/out/index.html" "$@"
}

page_checks() {
    python3 "$ROOT/tests/page_check.py" "$1"
}

# A Python without matplotlib (-S: no site-packages): pages without pictures.
bare_python() {
    printf '#!/bin/sh\nexec python3 -S "$@"\n' >"$D/bare"
    chmod +x "$D/bare"
}
