#!/usr/bin/env bats
# The front door: setup, doctor, make's targets, what is installed.

load helper

# A PATH that holds the basics, and the stubs that a case adds: no compiler,
# no package manager, no sudo.
bare_path() {
    STUBS=$BATS_TEST_TMPDIR/bin
    mkdir -p "$STUBS"
    for tool in sh awk uname mktemp tail rm cat sed head grep dirname; do
        ln -s "$(command -v $tool)" "$STUBS/$tool"
    done
}

stub() {
    local name=$1
    shift
    printf '#!/bin/sh\n%s\n' "$*" >"$STUBS/$name"
    chmod +x "$STUBS/$name"
}

bare_setup() {
    env -i PATH="$STUBS" HOME=/ sh "$ROOT/tests/machine/setup.sh" "$@"
}

@test "setup: says nothing when nothing is missing" {
    run limit 60 "$ROOT/tests/machine/setup.sh"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "setup: names what is missing, and --check installs nothing" {
    bare_path
    stub apt-get 'echo called >&2; exit 9'
    run limit 20 env -i PATH="$STUBS" sh "$ROOT/tests/machine/setup.sh" --check
    [ "$status" -eq 1 ]
    # modules are looked for in /usr/bin/python3 too, whatever PATH says
    output=${output/ matplotlib/}
    [ "${output/ python3-msgpack/}" = "missing: cc c++ make pkg-config meson ninja bats google-benchmark gmp zlib libpng uthash nettle msgpack python3 xz" ]
}

@test "setup: prints the line for each package manager" {
    for manager in apt-get dnf pacman zypper; do
        bare_path
        stub $manager :
        run bare_setup --print
        [ "$status" -eq 0 ]
        [[ "$output" == *"$manager"*"meson"*"bats"* ]]
        rm -r "$STUBS"
    done
}

@test "setup: an ordinary user gets the line to type and status 2" {
    bare_path
    stub apt-get 'echo called; exit 9'
    stub id 'echo 1000'
    run bare_setup
    [ "$status" -eq 2 ]
    [[ "$output" == *"Type, as root:"* ]]
    [[ "$output" == *"apt-get install -y --no-install-recommends gcc libc6-dev g++"* ]]
    [[ "$output" != *called* ]]
}

@test "setup: sudo without a password installs" {
    bare_path
    stub apt-get 'exit 1'
    stub id 'echo 1000'
    # shellcheck disable=SC2016
    stub sudo 'test "$2" = true || echo "sudo $*" >&2'
    run bare_setup
    [ "$status" -eq 1 ]
    [[ "$output" == *"installing: cc"* ]]
}

@test "setup: a failed installation shows why and ends with 2" {
    bare_path
    stub apt-get 'echo "no network at all"; exit 100'
    stub id 'echo 0'
    run bare_setup
    [ "$status" -eq 2 ]
    [[ "$output" == *"no network at all"* ]]
    [[ "$output" == *"this failed: apt-get update"* ]]
}

@test "setup: no known package manager, and no Linux" {
    bare_path
    stub id 'echo 0'
    run bare_setup
    [ "$status" -eq 2 ]
    [[ "$output" == *"with your system's package manager: cc"* ]]
    rm "$STUBS/uname"
    stub uname 'echo Darwin'
    run bare_setup
    [ "$status" -eq 2 ]
    [[ "$output" == *"on Darwin, use a Linux"* ]]
    [ "${#lines[@]}" -eq 1 ]
}

@test "setup: an unknown argument is named" {
    run limit 20 "$ROOT/tests/machine/setup.sh" --everything
    [ "$status" -eq 2 ]
    [[ "$output" == *"unknown argument '--everything'"* ]]
}

@test "doctor: a table for people, one object for programs" {
    run limit 60 python3 "$ROOT/tests/machine/doctor.py"
    [ "$status" -eq 0 ]
    [[ "$output" == *"cpus online"* ]]
    [[ "$output" == *"perf software events"* ]]
    limit 60 python3 "$ROOT/tests/machine/doctor.py" --json --build "$BUILD" >"$BATS_TEST_TMPDIR/d"
    run python3 -c '
import json, os, sys
d = json.load(open(sys.argv[1]))
assert d["machine"]["cpus by affinity"] == len(os.sched_getaffinity(0))
for c in d["checks"]:
    assert c["ok"] or (c["costs"] and c["remedy"]), c
' "$BATS_TEST_TMPDIR/d"
    [ "$status" -eq 0 ]
}

@test "doctor: what is lacking has a cost and a remedy" {
    bare_path
    ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$STUBS/python3"
    run env -i PATH="$STUBS" "$STUBS/python3" "$ROOT/tests/machine/doctor.py"
    [ "$status" -eq 0 ]
    [[ "$output" == *"bats: missing."* ]]
    [[ "$output" == *"remedy: make setup"* ]]
}

@test "doctor: an unknown argument is named" {
    run limit 20 python3 "$ROOT/tests/machine/doctor.py" --fix
    [ "$status" -eq 2 ]
    [[ "$output" == *"--fix"* ]]
}

@test "make: help lists every target" {
    cd "$ROOT"
    targets=$(sed -n '/^\.PHONY/,$p' Makefile | tr -d "\\\\" | sed 's/^.PHONY: //')
    run limit 20 make help
    [ "$status" -eq 0 ]
    for target in $targets; do
        [ "$target" = configured ] || grep -q "^  $target " <<<"$output" ||
            { echo "not listed: $target"; return 1; }
    done
}

@test "make: an unknown target is named, with status 2" {
    cd "$ROOT"
    run limit 20 make no-such-target
    [ "$status" -eq 2 ]
    [[ "$output" == *"there is no target 'no-such-target'; 'make help' lists them"* ]]
}

@test "make: a lesson that does not exist is a sentence, with status 2" {
    cd "$ROOT"
    for n in 0 8 -1 abc 99999999999999999999 ''; do
        run limit 60 make lesson N="$n"
        [ "$status" -eq 2 ] || { echo "N=$n: $status"; return 1; }
        [[ "$output" == *"the lessons there are: 1 (process)"* ]]
        [[ "$output" != *Traceback* ]]
    done
}

@test "count: failed cases, crashed programs and failed commands all count" {
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' \
        '{"name": "a", "result": "OK", "stdout": "ok 1 - x\nok 2 - y # SKIP no\n1..2\n"}' \
        '{"name": "s", "result": "OK", "stdout": "ok 1 - x # SKIP no\n1..1\n"}' \
        '{"name": "b", "result": "FAIL", "stdout": "ok 1 - x\nnot ok 2 - y\n# why\n"}' \
        '{"name": "c", "result": "TIMEOUT", "stdout": "ok 1 - x\n"}' >t.json
    echo "Full log written to $PWD/t.txt" >log
    run limit 10 "$ROOT/tests/machine/count.py" 1 log
    [ "$output" = "3 2" ]
    run limit 10 "$ROOT/tests/machine/count.py" --failed t.json
    [[ "$output" == *"b: FAIL"*"not ok 2 - y"*"# why"*"c: TIMEOUT"* ]]
    [[ "$output" != *"a: "* ]]
    echo "12 passed, 0 failed" >log
    run limit 10 "$ROOT/tests/machine/count.py" 0 log
    [ "$output" = "12 0" ]
    run limit 10 "$ROOT/tests/machine/count.py" 2 log
    [ "$output" = "12 1" ]
}

@test "install: headers, both libraries and rawmp.pc make a program" {
    prefix=$BATS_TEST_TMPDIR/install
    DESTDIR=$prefix limit 60 meson install -C "$BUILD" --no-rebuild --quiet
    pc=$(find "$prefix" -name rawmp.pc)
    [ -f "$pc" ]
    [ -n "$(find "$prefix" -name librawmp.so)" ]
    [ -n "$(find "$prefix" -name librawmp.a)" ]
    cat >"$BATS_TEST_TMPDIR/p.c" <<'EOF'
#include <mp/process.h>
#include <stdio.h>

static int hello(void *name)
{
	return printf("hello %s\n", (char *)name) < 0;
}

int main(void)
{
	struct mp_process p;

	return mp_process_init(&p, hello, "world", NULL) < 0 ||
	       mp_process_start(&p) < 0 || mp_process_join(&p, -1) < 0;
}
EOF
    export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$prefix
    # shellcheck disable=SC2046
    cc -o "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/p.c" $(pkg-config --cflags --libs rawmp)
    LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name librawmp.so)") \
        run limit 20 "$BATS_TEST_TMPDIR/p"
    [ "$status" -eq 0 ]
    [ "$output" = "hello world" ]
}

@test "library: every public function is exported, and nothing else" {
    # chaos.h declares its function in a chaos build only
    declared=$(find "$ROOT/primitives/mp" -name '*.h' ! -name chaos.h -exec cat {} + |
        tr '\n' ' ' | grep -oE 'MP_API [^(;]*\(' | grep -oE 'mp_[a-z0-9_]+\(' |
        tr -d '(' | sort -u)
    exported=$(nm -D --defined-only "$BUILD/primitives/librawmp.so" |
        awk '{ print $3 }' | grep -vE '^(_init|_fini)$' | sort -u)
    # the inline paths need one variable of each thread
    diff <(printf '%s\n' "$declared" mp_owner_self | sort) <(echo "$exported")
}

@test "library: each header compiles alone" {
    for header in "$ROOT"/primitives/mp/*.h; do
        echo "#include \"mp/${header##*/}\"" |
            cc -std=c11 -Wall -Wextra -Werror -I"$ROOT/primitives" -x c -fsyntax-only -
    done
}

