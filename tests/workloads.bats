#!/usr/bin/env bats
# The workloads of the family speedup, and the ways to do them.

load helper

setup_file() {
    export BENCH="$BUILD/benchmarks"
    [ -x "$BENCH/speedup" ] || skip "benchmarks are not built"
}

setup() {
    leak_setup
    export TMPDIR=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR" || return
}

# Sizes for a blink: but each task does something.
SIZES=(--last=400 --primes=20000 --mandelbrot=64 --image=64 --wordcount=512
    --sleeping=1 --irregular=300)

speedup() {
    limit 60 "$BENCH/speedup" --benchmark_min_time=0.0001 "${SIZES[@]}" \
        --benchmark_filter="$1"
}

# What was built; a row says what was not.
built() { [[ $("$BENCH/speedup" --smoke --benchmark_filter="$1/sequential") != *"built without"* ]]; }

workloads() {
    local w
    for w in factorial primes mandelbrot image wordcount sleeping irregular; do
        ! built "$w" || echo "$w"
    done
}

@test "every method in C leaves the sequential results, in every workload" {
    run speedup '.*/(threads|openmp|fork_.*|mp_.*)/'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *wrong* ]]
    for w in $(workloads); do
        for how in threads fork_task fork_index mp_pool; do
            [ "$(grep -c "^speedup/$w/$how/procs:[0-9]* *[0-9]" <<<"$output")" -ge 2 ]
        done
    done
}

@test "Python comes to the same results, in every workload" {
    run speedup '.*/(sequential|python_.*)/procs:1'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *wrong* ]]
    for w in $(workloads); do
        [ "$(grep -c "^speedup/$w/python_[a-z]*/procs:1 *[0-9]" <<<"$output")" -eq 3 ]
    done
    [ -z "$(ls)" ]  # what Python was told of the texts is gone
}

@test "one wrong result is an error in every workload" {
    run limit 60 "$BENCH/speedup_faulty" --smoke --benchmark_filter=fork_index/procs:2
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c "wrong results: digest" <<<"$output")" -eq "$(workloads | wc -l)" ]
}

@test "wrong sizes and folders: exit 2 and a sentence" {
    local wrong
    mkdir empty junk
    echo no picture >junk/a.png
    for wrong in --primes=10 --mandelbrot=x --image=0 --wordcount=-1 --sleeping=0 \
        --irregular= --image-folder=empty --image-folder=nowhere --image-folder=junk \
        --wordcount-folder=empty --wordcount-folder=nowhere; do
        run limit 20 "$BENCH/speedup" "$wrong" --benchmark_filter=sleeping
        echo "$wrong: $status: $output"
        [ "$status" -eq 2 ]
        [[ $output == "speedup: ${wrong%%=*} ${wrong#*=}: "* ]]
        [ "${#lines[@]}" -eq 1 ]
    done
}

@test "a folder of PNG files, gray and transparent ones among them" {
    built image || skip "built without libpng"
    mkdir -p pictures/more
    python3 - "$ROOT/benchmarks/peers" <<'EOF'
import struct, sys, zlib
def png(name, w, h, kind, channels):
    def chunk(what, data):
        return (struct.pack(">I", len(data)) + what + data +
                struct.pack(">I", zlib.crc32(what + data)))
    lines = b"".join(b"\0" + bytes((x * y + y) & 255 for x in range(w * channels))
                     for y in range(h))
    with open("pictures/" + name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" +
                chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, kind, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))
png("rgb.png", 40, 30, 2, 3)
png("gray.png", 1, 1, 0, 1)
png("more/clear.PNG", 7, 90, 6, 4)
EOF
    run limit 60 "$BENCH/speedup" --benchmark_min_time=0.0001 --image-folder=pictures \
        --benchmark_filter='image/(sequential|fork_index|mp_pool|python_pool)/procs:[12]'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c "procs:[12] *[0-9]" <<<"$output")" -ge 3 ]
    [[ $output == *"skipped: Python's library cannot read this input"* ]]
    # a picture that is damaged inside is an error, not a time
    head -c 60 pictures/rgb.png >short
    mv short pictures/rgb.png
    run limit 60 "$BENCH/speedup" --benchmark_min_time=0.0001 --image-folder=pictures \
        --benchmark_filter=image/fork_index
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output != *"procs:1 "*" us "* && $output != *"procs:1 "*" ms "* ]]
}

@test "a folder of texts: C, processes and Python count alike" {
    built wordcount || skip "built without uthash"
    mkdir -p texts/below
    printf 'One two TWO.\nthree\tThree-three; caf\303\251 x' >texts/a
    : >texts/empty
    head -c 90000 /dev/zero | tr '\0' a >texts/below/long
    head -c 700000 /dev/urandom >texts/below/noise
    run limit 60 "$BENCH/speedup" --benchmark_min_time=0.0001 --wordcount-folder=texts \
        --benchmark_filter='wordcount/(sequential|fork_task|fork_index|mp_pool|python_.*)/procs:[12]'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *python_pool* && $output != *skipped* && $output != *wrong* ]]
}

@test "threads and OpenMP leave the program without threads" {
    # a process that has had threads forks more slowly ever after
    command -v strace >/dev/null || skip "no strace"
    run limit 60 strace -f -qq -e trace=clone,clone3,fork,vfork -o calls "$BENCH/speedup" \
        --smoke --benchmark_filter='primes/(threads|openmp|sequential)'
    [ "$status" -eq 0 ] || skip "strace does not work here"
    first=$(awk '{ print $1; exit }' calls)
    [ "$(grep -c "^$first .*CLONE_THREAD" calls)" -eq 0 ]
    grep -q CLONE_THREAD calls
}

# S13, S33: what a user does with `make bench`; --brief makes the work smaller.
@test "large math, pictures, texts, sleep: a table of speedup with its interval" {
    run limit 150 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief --reps 3 \
        --out results --filter 'speedup/(factorial/(sequential|mp_pool)|image/(sequential|threads|mp_pool)|(wordcount|sleeping)/(sequential|mp_pool|python_sequential|python_pool))/' \
        speedup
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"wrong results"* ]]
    [ "$(wc -L <<<"$output")" -le 80 ]
    for w in $(workloads); do
        case $w in primes | mandelbrot | irregular) continue ;; esac
        python3 - "$w" "$output" <<'EOF'
import json, re, sys
work, said = sys.argv[1:]
words = json.load(open("results/speedup.json"))["context"]["workload." + work]
table = said.split("speedup: " + words)[1].split("\n\n")[0]
# how, processes, time, speedup, its interval, efficiency
rows = re.findall(r"^(\w+) +(\d+) +[\d.]+ \w+ +([\d.]+) +([\d.]+) \.\. ([\d.]+) +([\d.]+)",
                  table, re.M)
assert rows, table
counts = {int(n) for how, n, *_ in rows if how == "mp_pool"}
assert 1 in counts and len(counts) >= 2, table
for how, n, s, low, high, efficiency in rows:
    assert float(low) <= float(s) <= float(high), (how, n, s, low, high)
    assert abs(float(s) / int(n) - float(efficiency)) < 0.02, (how, n, s, efficiency)
if work == "sleeping":     # needs no CPU: the workers that there are
    s = {int(n): float(s) for how, n, s, *_ in rows if how == "mp_pool"}
    assert s[max(s)] > 1.2, s
    assert any(how == "python_pool" for how, *_ in rows), table
EOF
    done
}
