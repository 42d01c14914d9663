#!/usr/bin/env bats
# stories-02.bats - the stories that lesson 02 tells (S7 to S13, S33), in C and
# in Python, what its other steps promise, and the scripts of its exercise.
#
# The steps are built by their own first comment in a copy of the lesson.

load helper

setup_file() {
    export LESSON="$BATS_FILE_TMPDIR/lessons/02-pool"
    mkdir -p "$BATS_FILE_TMPDIR/lessons"
    cp -r "$ROOT/lessons/02-pool" "$ROOT/lessons/tools" \
        "$BATS_FILE_TMPDIR/lessons"
    cd "$LESSON" || return
    export PKG_CONFIG_PATH="$BUILD/meson-uninstalled:${PKG_CONFIG_PATH-}"
    export LD_LIBRARY_PATH="$BUILD/primitives:${LD_LIBRARY_PATH-}"
    export RAWMP_UNIT_MS=100
    build step*.c
    cd "$LESSON/solution" && build dynamic_map.c
    cd "$LESSON/wrong" && build last_unit_rings.c && mv dynamic_map last &&
        build draws_first.c && mv dynamic_map draws
}

# build FILE...: each by the Build: line of its first comment.
build() {
    local file line
    for file; do
        line=$(sed -n 's/^ \* Build: *//p' "$file")
        bash -ec "$line" || { echo "$file: $line" && return 1; }
    done
}

# An allowed CPU; 0 need not be one.
first_cpu() {
    sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' \
        /proc/self/status
}

# tell STEP SECTION [ARGUMENT...]: the C step and the Python section, each on
# all CPUs and on one; each time `check` looks at $output.
tell() {
    local how cpu
    cpu=$(first_cpu)
    cd "$LESSON" || return
    for how in "./$1" "python3 python.py $2"; do
        for on in '' "taskset -c $cpu"; do
            # shellcheck disable=SC2086 # two command lines
            run limit 30 $on $how "${@:3}"
            echo "$on $how ${*:3}: status $status:"
            echo "$output"
            [ "$status" -eq 0 ]
            check
        done
    done
}

# refused COMMAND...: exit 2 and one sentence, which has the last word in it.
refused() {
    run limit 10 "$@"
    echo "$*: status $status: $output"
    [ "$status" -eq 2 ]
    [[ $output = *"'${*: -1}'"* ]]
}

# within SECONDS CONDITION: look every 10 ms until the condition holds.
within() {
    local tries
    for ((tries = $1 * 100; tries > 0; tries--)); do
        if "$2"; then
            return 0
        fi
        sleep 0.01
    done
    echo "not within $1 s: $2"
    return 1
}

# speedup FILTER OPTION...: the benchmark program; its results in out.json.
speedup() {
    local program="$BUILD/benchmarks/speedup"
    [ -x "$program" ] || skip "the benchmarks are not built"
    cd "$BATS_TEST_TMPDIR" || return
    run limit 100 "$program" --benchmark_filter="$1" "${@:2}" \
        --benchmark_out=out.json --benchmark_out_format=json
    echo "$output"
}

# rows PATTERN: how many results the program has left whose names match, all of
# them right: each was compared with the sequential one.
rows() {
    python3 - "$1" <<'PY'
import json, re, sys
rows = json.load(open("out.json"))["benchmarks"]
bad = [r for r in rows if r.get("error_occurred") or r.get("skipped")]
assert not bad, bad
print(sum(bool(re.search(sys.argv[1], r["name"])) for r in rows))
PY
}

@test "S7: the squares of 1 to 5 on four workers, map after map" {
    check() {
        [ "$output" = "1 4 9 16 25
3 6 9 12 15
${maps:-2} maps, 4 forks" ]
    }
    tell step7_stay stay
    maps=300
    tell step7_stay stay 300
}

@test "S8: eight naps of a unit on four workers take two to three units" {
    check() {
        [ "${lines[1]}" = '0 2 4 6 8 10 12 14' ]
        [ "${lines[2]}" = 'units: 2' ]
    }
    tell step13_mp mp
}

@test "S9: the factorials of 0 to 11999 on 5, 1, 2, ... workers" {
    [ -f "$ROOT/benchmarks/workloads/factorial.c" ]
    echo '#include <gmp.h>
#include <zlib.h>
int main(void) { return 0; }' | cc -x c -o "$BATS_TEST_TMPDIR/gmp" - \
        -lgmp -lz 2>/dev/null || skip "GMP and zlib are not here: make setup"
    cd "$BATS_TEST_TMPDIR"
    cat >factorials.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mp/clock.h"
#include "mp/pool.h"
#include "workloads/workload.h"

#define N 12000
static uint32_t alone[N], out[N];

static int factorial(struct mp_task *t)
{
	workload_factorial.run((uint32_t)t->index, t->out);
	return 0;
}

int main(int argc, char *argv[])
{
	int64_t begin = mp_clock_now(), all;
	struct mp_pool *pool;
	int failed;

	for (uint32_t i = 0; i < N; i++)
		workload_factorial.run(i, &alone[i]);
	all = mp_clock_now() - begin;
	for (int i = 1; i < argc; i++) {
		memset(out, 0, sizeof(out));
		begin = mp_clock_now();
		if (mp_pool_create(&pool, atoi(argv[i]), NULL) < 0)
			return 1;
		failed = mp_pool_map(pool, factorial, NULL, 0, N, out,
				     sizeof(out[0]), NULL);
		mp_pool_destroy(pool);
		begin = mp_clock_now() - begin;
		printf("%s workers: %d failed, %s; %.2f times as fast\n",
		       argv[i], failed,
		       memcmp(out, alone, sizeof(out)) ? "wrong" : "as alone",
		       (double)all / (double)begin);
	}
	return 0;
}
END
    # shellcheck disable=SC2046 # options
    cc -D_GNU_SOURCE -O2 -I"$ROOT/benchmarks" -o factorials factorials.c \
        "$ROOT/benchmarks/workloads/factorial.c" \
        $(pkg-config --cflags --libs rawmp) -lgmp -lz
    workers=(5)
    for ((i = 1; i <= $(nproc) && i <= 8; i++)); do
        workers+=("$i")
    done
    run limit 200 ./factorials "${workers[@]}"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'workers: 0 failed, as alone; ' <<<"$output")" \
        -eq ${#workers[@]} ]
}

@test "S10: the work log: makespan 6, who did what, and when" {
    check() {
        [ "$output" = 'A: worker 1, 0 to 5
B: worker 2, 0 to 2
C: worker 2, 2 to 3
D: worker 2, 3 to 6
makespan 6 units' ]
    }
    tell step5_log log
}

@test "S10: with two tasks each it takes 7" {
    check() {
        [ "$output" = 'A: worker 1, 0 to 5
B: worker 1, 5 to 7
C: worker 2, 0 to 1
D: worker 2, 1 to 4
makespan 7 units' ]
    }
    tell step5_log log static
}

@test "S11: apply, callbacks, starmap, map_async, imap, imap_unordered" {
    check() {
        [ "$(head -n 9 <<<"$output")" = 'apply: 49
callback: Success
apply_async: 49
error callback: Numerical argument out of domain
it failed: Numerical argument out of domain
starmap: 2 12 30
map_async: 1 4 9 16 25
imap: 0 1 4 9 16 25 36 49
imap_unordered, summed up: 140' ]
        case $how in
        ./*) [ "${lines[9]}" = 'imap took at most 4 inputs ahead' ] ;;
        *) [ "${lines[9]}" = 'imap took at most 8 inputs ahead' ] ;;
        esac
    }
    tell step12_job job
}

@test "S12: a task that fails reports it, and the pool goes on" {
    check() {
        [ "${lines[3]}" = '1 4 (Numerical argument out of domain) 16 25' ]
        [ "${lines[4]}" = 'workers replaced: 0' ]
    }
    tell step13_mp mp
    check() {
        [ "$output" = 'root of 4: 2
root of -1: Numerical argument out of domain
root of 9: 3
root of 16: 4
1 of 4 failed' ]
    }
    tell step8_status status
}

@test "S12: a task that is killed: it alone is lost; in Python the whole map" {
    cd "$LESSON"
    for on in '' "taskset -c $(first_cpu)"; do
        for ((i = 0; i < 10; i++)); do
            # shellcheck disable=SC2086 # a command line
            run limit 10 env RAWMP_UNIT_MS=20 $on ./step13_mp kill
            echo "$output"
            [ "$status" -eq 0 ]
            [ "$(sed 3d <<<"$output")" = '1 4 9 16 25
0 2 4 6 8 (Owner died) 12 14
1 4 (Numerical argument out of domain) 16 25
workers replaced: 1' ]
        done
        # shellcheck disable=SC2086 # a command line
        run limit 20 $on python3 python.py kill
        [ "$status" -eq 0 ]
        [ "$output" = '1 4 9 16 25
map, for 1 s: not one of eight results
1 4 (Numerical argument out of domain) 16 25
workers replaced: 1' ]
    done
}

@test "S12: without that, a killed worker hangs the map, in C and in Python" {
    cd "$LESSON"
    for how in ./step9_killed 'python3 python.py killed'; do
        # shellcheck disable=SC2086 # a command line
        run limit 4 $how
        echo "$how: status $status: $output"
        [ "$status" -eq 124 ]
        [ "$output" = 'task 2: its worker is killed' ]
    done
}

@test "S13: an image filter, byte for byte as alone" {
    speedup '^speedup/image/(sequential|fork_index|mp_pool)/' --image=64
    [ "$status" -eq 0 ]
    [ "$(rows image/mp_pool)" -ge 2 ]
}

@test "S13: word counts over many files, byte for byte as alone" {
    mkdir "$BATS_TEST_TMPDIR/texts"
    cp "$ROOT"/lessons/*/*.md "$ROOT"/primitives/mp/*.h \
        "$BATS_TEST_TMPDIR/texts" 2>/dev/null || true
    speedup '^speedup/wordcount/(sequential|fork_index|mp_pool)/' \
        --wordcount-folder="$BATS_TEST_TMPDIR/texts"
    [ "$status" -eq 0 ]
    [ "$(rows wordcount/mp_pool)" -ge 2 ]
}

@test "S13: large mathematics, byte for byte as alone" {
    speedup '^speedup/(primes|factorial)/(sequential|fork_index|mp_pool)/' \
        --last=1999 --primes=100000
    [ "$status" -eq 0 ]
    [ "$(rows mp_pool)" -ge 4 ]
}

@test "S33: slow tasks, images, mathematics: 1 to N processes, a table" {
    [ -x "$BUILD/benchmarks/speedup" ] || skip "the benchmarks are not built"
    cd "$BATS_TEST_TMPDIR"
    run limit 200 python3 "$ROOT/benchmarks/run.py" --build "$BUILD" --brief \
        --out "$PWD" --reps 2 --filter \
        'speedup/(sleeping|image|primes)/(sequential|mp_pool|threads)/' \
        speedup
    echo "$output"
    [ "$status" -eq 0 ]
    for words in 'tasks that sleep' 'pixels wide' 'primes' 'efficiency'; do
        grep -q "$words" <<<"$output"
    done
    python3 - <<'PY'
import json, re
rows = json.load(open("speedup.json"))["benchmarks"]
names = {r["name"] for r in rows}
for work in "sleeping", "image", "primes":
    for how in "mp_pool", "threads":
        mine = [n for n in names if f"/{work}/{how}/" in n]
        assert len(mine) >= 2, (work, how, sorted(names))
assert not any(r.get("error_occurred") for r in rows)
PY
}

@test "a result that is an exit status has eight bits" {
    check() {
        [ "${lines[4]}" = 'square of 5: 25' ]
        [ "${lines[5]}" = 'square of 16: 0' ]
    }
    tell step1_fork fork
}

@test "at most so many processes at once, and the results in order" {
    check() {
        [ "$output" = "8 processes, ${most:-3} at once: 0 2 4 6 8 10 12 14" ]
    }
    tell step2_bound bound
    for most in 1 2 8; do
        tell step2_bound bound 8 $most
    done
}

@test "half of the tasks: three quarters of the work; dealt out: half" {
    check() {
        [ "$output" = 'worker 1: 179700 multiplications
worker 2: 539700 multiplications
1200 results, 0 wrong; 1.33 times as fast, at best' ]
    }
    tell step3_static static
    check() {
        [ "${lines[2]}" = '1200 results, 0 wrong; 2.00 times as fast, at best' ]
    }
    tell step3_static static stride
}

@test "a shared index: each task once, a claim in vain for each worker" {
    check() {
        [ "$output" = \
            "1200 tasks, $n workers, $((1200 + n)) claims, 0 wrong" ]
    }
    for n in 1 2 8; do
        tell step4_index index $n
    done
}

@test "chunks: claims, cache lines of two chunks, the largest share" {
    check() {
        [ "$output" = 'chunk    1: 1202 claims, 75 of 75 lines mixed, largest  0.2 %
chunk   10:  122 claims, 75 of 75 lines mixed, largest  1.7 %
chunk  100:   14 claims,  9 of 75 lines mixed, largest 16.0 %
chunk 1000:    4 claims,  1 of 75 lines mixed, largest 69.4 %' ]
    }
    tell step6_chunk chunk
    check() {
        [ "$output" = \
            'chunk   16:   77 claims,  0 of 75 lines mixed, largest  2.6 %' ]
    }
    tell step6_chunk chunk 16
}

@test "between the draw and the note a task is nobody's" {
    check() {
        [ "$output" = 'killed after the draw: done, nobody has it, done, done
killed after the note: done, lost, done, done
killed in the task: done, lost, done, done
killed after the task: done, done, done, done' ]
    }
    tell step10_note note
}

@test "the claim that names its claimer: reported, replaced, 50 of 50" {
    check() {
        [ "$output" = 'task 0: 0
task 1: 1
task 2: lost by signal 9
task 3: 9
task 4: 16
3 workers were started' ]
    }
    tell step11_claim claim
    cd "$LESSON"
    for ((i = 0; i < 50; i++)); do
        run limit 10 ./step11_claim
        check
    done
}

@test "the trace: eight naps in four lanes, two each; one lane is killed" {
    cd "$LESSON"
    run limit 20 ./step13_mp trace=trace.json
    echo "$output"
    [ "$status" -eq 0 ]
    python3 - trace.json <<'PY'
import collections, json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
names = {e["tid"]: e["args"]["name"] for e in events
         if e["ph"] == "M" and e["name"] == "thread_name"}
spans = [e for e in events if e["ph"] == "X" and e["cat"] == "run"]
naps = [e for e in spans if e["dur"] > 25000 and e["name"].isdecimal()]
assert sorted(int(e["name"]) for e in naps) == list(range(8)), naps
lanes = collections.Counter(e["tid"] for e in naps)
assert sorted(lanes.values()) == [2, 2, 2, 2], lanes
ends = {e["tid"]: e["name"] for e in events if e["ph"] == "i"}
assert sorted(ends.values()) == ["exited (0)"] * 4 + ["killed (signal 9)"], ends
cut, = (e for e in naps if e.get("args", {}).get("open"))
assert cut["name"] == "5" and ends[cut["tid"]].startswith("killed"), cut
assert len(set(names.values()) - {"MainProcess"}) == 4, names   # one twice
PY
}

@test "what is no argument is refused" {
    cd "$LESSON"
    refused ./step2_bound 0
    refused ./step2_bound 8 33
    refused ./step3_static blocks
    refused ./step4_index 0
    refused ./step5_log dynamic
    refused ./step6_chunk 1201
    refused ./step13_mp trce=x
    refused python3 python.py bound 0
    refused python3 python.py bound 8 33
    refused python3 python.py static blocks
    refused python3 python.py index 0
    refused python3 python.py log dynamic
    refused python3 python.py chunk 1201
    refused python3 python.py fork x
    run limit 10 ./step13_mp trace=/nowhere/trace.json
    [ "$status" -eq 1 ]
    [[ $output = *"'/nowhere/trace.json' cannot be written"* ]]
}

@test "kill -9 of the pool's creator takes its workers with it" {
    cd "$LESSON"
    child=''
    for ((i = 0; i < 50 && !child; i++)); do # until we were quick enough
        RAWMP_UNIT_MS=2000 ./step13_mp </dev/null >out 2>&1 3>&- &
        parent=$!
        while [ -z "$child" ] &&
            grep -qs '^State:.[^ZX]' "/proc/$parent/status"; do
            read -r child _ <"/proc/$parent/task/$parent/children" || true
        done
        kill -9 "$parent" || child='' # it had ended
        wait "$parent" || true
    done
    child_is_gone() { ! grep -qs '^State:.[^ZX]' "/proc/$child/status"; }
    [ -n "$child" ]
    within 1 child_is_gone
}

@test "the exercise plays a script exactly, and says where it cannot" {
    cd "$LESSON/solution"
    run limit 10 ./dynamic_map one A.load A.cas A.kill C.store C.look C.wait
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = "A.cas    unit 0 was FREE, is A's" ]
    [ "${lines[5]}" = 'C.wait   worker A is dead' ]
    [[ $output = *'C.hire   worker A, with unit 0'* ]]
    [ "${lines[-1]}" = '  next 1, asleep 0, map_wait: 0' ]
    run limit 10 ./dynamic_map one A.load A.store
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$output" = 'A.load   next is 0
given up: the script says A.store now, as number 2
  A  stands before cas
  B  has finished
  C  stands before store
  next 0, asleep 0, map_wait: not yet' ]
    refused ./dynamic_map one A.lod
    refused ./dynamic_map one D.load
    run limit 10 ./dynamic_map nonsense
    [ "$status" -eq 2 ]
    [[ $output = *'run killed_twice'* ]]
}

@test "the exercise finds a losing order, and it can be replayed" {
    cd "$LESSON/wrong"
    cp last dynamic_map
    run limit 30 ./dynamic_map run one
    [ "$status" -eq 0 ]
    run limit 30 ./dynamic_map run two
    [ "$status" -eq 1 ]
    [[ $output = *'given up: nobody is left who could wake C'* ]]
    found=${lines[0]} said=$(sed 1d <<<"$output")
    for on in '' "taskset -c $(first_cpu)"; do
        for _ in 1 2 3 4 5; do
            # shellcheck disable=SC2086 # command lines
            run limit 10 $on $found
            [ "$status" -eq 1 ]
            [ "$output" = "$said" ]
        done
    done
}

@test "the exercise finds the place where a kill loses a task" {
    cd "$LESSON/wrong"
    cp draws dynamic_map
    run limit 30 ./dynamic_map run two
    [ "$status" -eq 0 ]
    for on in '' "taskset -c $(first_cpu)"; do
        # shellcheck disable=SC2086 # a command line
        run limit 30 $on ./dynamic_map run killed
        [ "$status" -eq 1 ]
        [[ $output = *'A.add    next was 0, is 1
A.kill'*'given up: nobody is left who could wake C'* ]]
    done
}
