#!/bin/sh
# setup.sh - install what rawmp needs and this machine lacks.
#
# As root, or where sudo asks no password, it installs; elsewhere it prints the
# line to type and ends with 2.  With nothing missing it prints nothing.
set -u

usage() {
    cat <<EOF
usage: setup.sh [--check | --print] [--authors]

Install what building, testing and reporting need and this machine lacks.

  --check    only tell what is missing: exit 1 if anything is
  --print    only print the line that would install it
  --authors  also what the deeper checks need (clang, shellcheck, valgrind …)

exit: 0 nothing (more) is missing; 1 --check found something;
      2 it must be installed by hand, or not on Linux
EOF
}

act=install authors=
while [ $# -gt 0 ]; do
    case $1 in
    --check) act=check ;;
    --print) act=print ;;
    --authors) authors=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "setup.sh: unknown argument '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done

if [ "$(uname -s)" != Linux ]; then
    echo "rawmp rebuilds multiprocessing from Linux's own system calls;" \
        "on $(uname -s), use a Linux virtual machine or container." >&2
    exit 2
fi

# What is there is asked for by what is used of it, not by package names, which
# differ: a command, a pkg-config name, a header, a Python module.
command_found() { command -v "$1" >/dev/null 2>&1; }

library_found() {
    command_found pkg-config && pkg-config --exists "$1" && return
    # GMP has had no .pc file everywhere
    [ "$1" = gmp ] && echo '#include <gmp.h>' | cc -E - >/dev/null 2>&1
}

compiles() { command_found "$1" && echo "$2" | "$1" -x "$3" -c -o /dev/null - 2>/dev/null; }

sanitizers_found() {
    program=$(mktemp) || return
    echo 'int main(void) { return 0; }' |
        cc -fsanitize=address,undefined -x c -o "$program" - 2>/dev/null
    found_status=$?
    rm -f "$program"
    return $found_status
}

module_found() {
    for python in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
        "$python" -c 'import importlib.util as u, sys
sys.exit(u.find_spec(sys.argv[1]) is None)' "$1" 2>/dev/null && return
    done
    return 1
}

# need NAME TEST… -- apt dnf pacman zypper: the package under each manager.
missing='' apt='' dnf='' pacman='' zypper=''
need() {
    what=$1
    shift
    found=
    while [ "$1" != -- ]; do
        [ -n "$found" ] || ! eval "$1" || found=yes
        shift
    done
    shift
    [ -z "$found" ] || return 0
    missing="$missing $what"
    apt="$apt $1" dnf="$dnf $2" pacman="$pacman $3" zypper="$zypper $4"
}

need cc 'compiles cc "#include <unistd.h>" c' -- \
    'gcc libc6-dev' 'gcc glibc-devel' gcc 'gcc glibc-devel'
need c++ 'compiles c++ "#include <string>" c++' -- \
    g++ gcc-c++ gcc gcc-c++
need make 'command_found make' -- make make make make
need pkg-config 'command_found pkg-config' -- \
    pkg-config pkgconf-pkg-config pkgconf pkgconf-pkg-config
need meson 'command_found meson' -- meson meson meson meson
need ninja 'command_found ninja' 'command_found ninja-build' -- \
    ninja-build ninja-build ninja ninja
need bats 'command_found bats' -- bats bats bats bats
need google-benchmark 'library_found benchmark' -- \
    libbenchmark-dev google-benchmark-devel benchmark benchmark-devel
need gmp 'library_found gmp' -- libgmp-dev gmp-devel gmp gmp-devel
need zlib 'library_found zlib' -- zlib1g-dev zlib-devel zlib zlib-devel
need libpng 'library_found libpng' -- \
    libpng-dev libpng-devel libpng libpng16-devel
need uthash 'compiles cc "#include <uthash.h>" c' -- \
    uthash-dev uthash-devel uthash uthash-devel
need nettle 'library_found nettle' -- \
    nettle-dev nettle-devel nettle libnettle-devel
# msgpack-c is libmsgpack-dev in some Debians and libmsgpack-c-dev in others
need msgpack 'library_found msgpack-c' 'library_found msgpack' -- \
    "'^libmsgpack(-c)?-dev\$'" msgpack-devel msgpack-c msgpack-c-devel
need python3 'command_found python3' -- python3 python3 python python3
need matplotlib 'module_found matplotlib' -- \
    python3-matplotlib python3-matplotlib python-matplotlib python3-matplotlib
need python3-msgpack 'module_found msgpack' -- \
    python3-msgpack python3-msgpack python-msgpack python3-msgpack
need xz 'command_found xz' -- xz-utils xz xz xz
if [ -n "$authors" ]; then
    need clang 'command_found clang' -- clang clang clang clang
    need clang-format 'command_found clang-format' -- \
        clang-format clang-tools-extra clang clang-tools
    need shellcheck 'command_found shellcheck' -- \
        shellcheck ShellCheck shellcheck ShellCheck
    need strace 'command_found strace' -- strace strace strace strace
    need sanitizers sanitizers_found -- \
        gcc 'libasan libubsan' gcc 'libasan8 libubsan1'
fi

[ -n "$missing" ] || exit 0

if command_found apt-get; then
    line="apt-get update && apt-get install -y --no-install-recommends$apt"
elif command_found dnf; then
    line="dnf install -y$dnf"
elif command_found pacman; then
    line="pacman -Sy --needed --noconfirm$pacman"
elif command_found zypper; then
    line="zypper --non-interactive install$zypper"
else
    line=
fi

case $act in
check)
    echo "missing:$missing"
    exit 1
    ;;
print)
    echo "${line:-no package manager that setup.sh knows; missing:$missing}"
    exit 0
    ;;
esac

if [ -z "$line" ]; then
    echo "setup.sh: install these with your system's package manager:$missing" >&2
    exit 2
fi
if [ "$(id -u)" -eq 0 ]; then
    run='sh -c'
elif command_found sudo && sudo -n true 2>/dev/null; then
    run='sudo -n DEBIAN_FRONTEND=noninteractive sh -c'
else
    echo "setup.sh: missing:$missing. Type, as root:" >&2
    echo "  $line" >&2
    exit 2
fi

echo "installing:$missing (a minute or two)" >&2
log=$(mktemp) && status=$(mktemp) || exit 2
trap 'rm -f "$log" "$status"' EXIT
terminal=
[ ! -t 2 ] || terminal=/dev/stderr

# On a terminal one rewritten line says what is being done and, for apt, which
# explains itself best, how far it is.
progress() {
    awk -v log_file="$log" -v terminal="$terminal" '
        { print >log_file }
        / newly installed/ { for (i = 2; i <= NF; i++) if ($i == "newly") n = 2 * $(i - 1) }
        /^(Unpacking|Setting up) / { done++ }
        terminal {
            printf "\r\033[K%s%.60s", (n ? int(100 * done / n) " % " : ""), $0 >terminal
            fflush(terminal)
        }
        END { if (terminal) printf "\r\033[K" >terminal }'
}

{
    DEBIAN_FRONTEND=noninteractive $run "$line" 2>&1 </dev/null
    echo $? >"$status"
} | progress
if [ "$(cat "$status")" -ne 0 ]; then
    tail -n 15 "$log" >&2
    echo "setup.sh: this failed: $line" >&2
    exit 2
fi
# A package that did not bring what it should is found out here, not later.
exec "$0" --check ${authors:+--authors}
