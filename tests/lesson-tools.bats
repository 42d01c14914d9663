#!/usr/bin/env bats
# The tools of the lessons, on a lesson of two steps and two holes that is made
# here: what a learner types, what confines a program, what keeps lessons true.

load helper
bats_require_minimum_version 1.5.0

setup_file() {
    export TINY=$BATS_FILE_TMPDIR/tree
    mkdir -p "$TINY/lessons"
    cp -r "$BATS_TEST_DIRNAME/../lessons/tools" "$TINY/lessons"
    cd "$TINY/lessons" && mkdir -p 01-tiny/{exercise,solution,wrong} || return
    cd 01-tiny || return
    cat >README.md <<'END'
# 01 Tiny
<!-- lesson minutes=5 bench="" fast="1.50" needs="" -->

Up to 1.50 times the reference's time is fast enough.

```c file=step1_hello.c
	int n = 1;
	...
	printf("hello %d, pid %d\n", n, getpid());
```

```console run="./step1_hello"
$ ./step1_hello
hello 1, pid 4711
```

<!-- predict run="./step1_hello | wc -l" answer="1" -->
> **Predict.** How many
> lines?

```console run="./step2_hang"
$ ./step2_hang
confine: the program was still running after 1 s; it was killed
```
END
    cat >step1_hello.c <<'END'
/* step1_hello.c - a line.  [works]
 *
 * Build:  cc -O2 -o step1_hello step1_hello.c
 * New:    getpid()
 * Try:    ./step1_hello
 * See:    the line.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	int n = 1;

	printf("hello %d, pid %d\n", n, getpid());
	return 0;
}
END
    cat >step2_hang.c <<'END'
/* step2_hang.c - it waits for nothing.  [hangs on purpose]
 *
 * Build:  cc -O2 -o step2_hang step2_hang.c
 * New:    pause()
 * Try:    ./step2_hang
 * See:    nothing.
 * Kill:   ./step1_hello
 */
#include <unistd.h>

int main(void)
{
	return pause();
}
END
    cat >python.py <<'END'
import os, signal, sys
if sys.argv[1] == "hang":
    signal.pause()
print("hello 1, pid", os.getpid())
END
    echo "For the teacher." >NOTES.md
    cat >solution/sum.c <<'END'
/* sum.c - sums.
 *
 * Build:  cc -O2 -o sum sum.c
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int twice(int n)
{
	/* HOLE 1: return two times n, by whichever operator you like. */
	return 2 * n;
	/* END 1 */
}

int sum(int a, int b)
{
	/* HOLE 2: return a and b added up, and do not
	 * forget the sign. */
	return a + b;
	/* END 2 */
}

int main(int argc, char *argv[])
{
	if (argc > 2 && strcmp(argv[1], "--bench") == 0)
		printf("%d\n", sum(40, 60));
	else
		printf("%d %d\n", twice(4), sum(3, 4));
	return 0;
}
END
    # Nothing here takes long, unless it hangs.
    sed -i -e 's/^SECONDS = [0-9]*/SECONDS = 2/' \
        -e 's/^HANGS = [0-9]*/HANGS = 0.3/' ../tools/course.py
    sed -e 's/return 2 \* n;/(void)n;\n\treturn -ENOSYS;/' \
        -e 's/return a + b;/(void)a;\n\t(void)b;\n\treturn -ENOSYS;/' \
        solution/sum.c >exercise/sum.c
    wrong minus 'a + b' 'a - b' 'correct: adds'
    wrong thrice '2 \* n' '3 * n' 'correct: doubles'
    # (%: bats would take an @ here for its own.)
    sed 's/^%/@/' >check.bats <<'END'
load ../tools/lesson.bash

%test "correct: doubles" {
    run confined 1 "$PROGRAM"
    echo "$output"
    [[ $output = "8 "* ]]
}

%test "correct: adds" {
    run confined 1 "$PROGRAM"
    [ "$status" -ne 124 ] || { echo "$output" && return 1; }
    [[ $output = *" 7" ]]
}

%test "counted: nothing to count" {
    skip "n/a (there is no counter here)"
}
END
    python3 ../tools/lesson.py tell 1 --brief \
        --build "${BUILD:-$BATS_TEST_DIRNAME/../build/default}"
}

# wrong NAME FROM TO CHECK: a wrong solution.
wrong() {
    sed -e "1,4c/* $1.c - a wrong sum.\n *\n * Mistake: it is wrong.\n\
 * Caught by: \"$4\"\n *\n * Build:  cc -O2 -o $1 $1.c\n */" \
        -e "s/$2/$3/" solution/sum.c >"wrong/$1.c"
}

setup() {
    leak_setup
    cp -a "$TINY" "$BATS_TEST_TMPDIR/tree"
    cd "$BATS_TEST_TMPDIR/tree" || return
}

confine() { limit 60 "$BUILD/lessons/tools/confine" "$@"; }
lesson() { limit 60 python3 lessons/tools/lesson.py "$@" --build "$BUILD"; }
authors() { limit 60 python3 lessons/tools/authors.py "$@" --build "$BUILD"; }

# says STATUS TEXT: the last `run` ended so and printed that.
says() {
    if [ "$status" -ne "$1" ] || [[ $output != *"$2"* ]]; then
        printf 'expected status %s and: %s\nstatus %s and: %s\n' \
            "$1" "$2" "$status" "$output"
        return 1
    fi
}

# A program of many births; a fuse ends it if nobody else does.
bomb() {
    cat >bomb.c <<'END'
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	atomic_int *born = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGTERM, SIG_IGN);
	while (atomic_fetch_add(born, 1) < 3000)
		if (fork() == 0 && argc > 1)
			setsid();
	for (;;)
		pause();
}
END
    cc -O2 -D_GNU_SOURCE -o bomb bomb.c
}

# ---- confine

@test "confine: the program's own end" {
    run confine true
    says 0 ''
    run confine -- sh -c 'exit 7'
    says 7 ''
    run confine -- sh -c 'kill -9 $$'
    says 137 ''
    run -127 confine /nonexistent
    says 127 "confine: cannot run '/nonexistent': No such file or directory"
    run confine /
    says 126 "confine: cannot run '/': Permission denied"
}

@test "confine: a time limit" {
    run confine -t 0.2 sleep 60
    says 124 'confine: the program was still running after 0.2 s; it was killed'
    run confine -t 0.2 -- sh -c 'sleep 61 & setsid sleep 62 & wait'
    says 124 'still running after 0.2 s; it and its 2 processes were killed'
}

@test "confine: a fork bomb ends in a sentence" {
    bomb
    run confine ./bomb
    says 125 'confine: the program had more than 64 processes and threads; it and'
    # Each in a session of its own takes a share of the CPU of its own.
    run confine -t 30 ./bomb setsid
    says 125 'processes were killed'
}

@test "confine: threads count too" {
    run confine -n 20 python3 -c '
import threading, time
for _ in range(60): threading.Thread(target=time.sleep, args=(60,)).start()'
    says 125 'more than 20 processes and threads'
}

@test "confine: a daemon is killed, and with --strict a fault" {
    daemon='import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(60)
    os._exit(0)
os.wait()'
    run confine python3 -c "$daemon"
    says 0 'confine: the program ended and left 1 process running; killed'
    run confine --strict python3 -c "$daemon"
    says 123 'left 1 process running'
    run confine --strict -- sh -c 'sleep 0.1 &'
    says 0 ''
}

@test "confine: interrupted, it leaves nothing" {
    for sig in INT TERM HUP; do
        run timeout -s $sig 0.3 "$BUILD/lessons/tools/confine" -t 60 -- \
            sh -c 'sleep 61 & setsid sleep 62 & wait'
        says 124 'it and its 2 processes were killed'
    done
    # Killed itself, it takes the program along.
    run timeout -s KILL 0.3 "$BUILD/lessons/tools/confine" -t 60 sleep 63
    [ "$status" -eq 137 ]
}

@test "confine: wrong options" {
    for t in x -1 0 '' 5s nan 1e9; do
        run confine -t "$t" true
        says 2 "-t '$t': not a number from 0.01 to 86400"
    done
    run confine -n 0 true
    says 2 "-n '0': not a number from 1 to 10000"
    run confine --frob true
    says 2 usage
    run confine
    says 2 'no command given'
    run confine -m 64 -- sh -c 'ulimit -v'
    says 0 65536
}

# ---- lesson.py

@test "learner: no lesson, no such lesson, no such command" {
    run lesson tell
    says 2 'name a lesson, as in N=1; the lessons there are: 1 (tiny)'
    for n in 9 0 -1 x 1.5 1x ² ''; do
        run lesson exercise "$n"
        says 2 'the lessons there are: 1 (tiny)'
    done
    run lesson frob 1
    says 2 "'frob'"
    run lesson progress 1
    says 2 "progress takes no number, but '1' was given"
    run lesson grade all
    says 2 'grade takes one lesson at a time'
    run lesson exercise 1 --judge wrong/none.c
    says 2 "lessons/01-tiny/wrong/none.c is not there"
    run limit 20 python3 lessons/tools/lesson.py tell 1 --build /nonexistent
    says 2 '/nonexistent/lessons/tools/confine is not built yet: type make'
}

@test "learner: the story, in a pipe and as JSON" {
    run lesson tell 1
    says 0 'hello 1, pid'
    says 0 'still running after 0.3 s; it '
    [[ $output != *Enter* ]]
    run lesson tell all --brief --json out
    says 0 'lesson 01 Tiny: 2 steps told'
    python3 - <<'END'
import json
d = json.load(open("out/lesson-01.json"))
assert d["lesson"] == "01 Tiny", d
assert [s["tag"] for s in d["steps"]] == ["works", "hangs on purpose"], d
assert d["steps"][0]["commands"][0]["cmd"] == "./step1_hello", d
assert d["steps"][1]["commands"][0]["status"] == 124, d
END
}

@test "learner: a step that does not build" {
    echo 'int x = ;' >>lessons/01-tiny/step1_hello.c
    run lesson tell 1
    says 2 "lessons/01-tiny/step1_hello.c does not build: cc -O2"
}

@test "learner: predictions are kept and compared" {
    predict() { python3 lessons/tools/lesson.py predict 1 --build "$BUILD"; }
    run predict <<<'2'
    says 0 'you said: 2'
    run predict <<<' 1 '
    says 0 '1 of 1 predicted right'
    grep -q '"question": "How many lines?"' build/progress/01.predict.json
    run predict </dev/null
    says 0 'stopped: 0 of 1 questions answered'
    run lesson progress
    says 0 '1 of 1 right'
    for damaged in '' '[1' '[]' '{"predictions": 3}'; do
        echo "$damaged" >build/progress/01.predict.json
        run lesson progress
        says 0 '01 Tiny  -          -         -'
    done
}

@test "learner: Python beside C, and the kill experiment" {
    run lesson python 1
    says 0 '$ python3 python.py hello'
    run lesson kill 1
    says 0 '$ python3 python.py kill'
    run lesson trace 1
    says 0 'lesson 01 has no step that writes a trace'
    run lesson bench 1
    says 2 'lesson 01 has no benchmark'
}

@test "learner: an exercise not started, half filled, red, green" {
    run lesson exercise 1
    says 1 "not started: hole 1 of 2 (lessons/01-tiny/exercise/sum.c:"
    [ "${#lines[@]}" -eq 1 ]
    run lesson exercise 1 --hint
    says 1 'return two times n'
    run lesson next
    says 0 'not started: hole 1 of 2'
    sed -i '0,/return -ENOSYS/s//return 3 * n/' lessons/01-tiny/exercise/sum.c
    run lesson exercise 1 --hint
    says 1 'not started: hole 2 of 2'
    says 1 'return a and b added up, and do not forget the sign'
    sed -i 's/return -ENOSYS/return a + b/' lessons/01-tiny/exercise/sum.c
    run lesson exercise 1
    says 1 'red  correct: doubles
         12 7'
    run lesson next
    says 0 'correct: doubles'
    run lesson progress
    says 0 '2 of 3 checks'
    sed -i 's/return 3/return 2/' lessons/01-tiny/exercise/sum.c
    run lesson exercise 1
    says 0 "diff -u lessons/01-tiny/exercise/sum.c lessons/01-tiny/solution/sum.c"
    says 0 'n/a  counted: nothing to count (n/a (there is no counter here))'
    run lesson next
    says 0 'every exercise that is there is green'
}

@test "learner: an exercise that does not build" {
    sed 's/return a + b;/return a +;/' lessons/01-tiny/solution/sum.c >lessons/01-tiny/exercise/sum.c
    run lesson exercise 1
    says 2 'expected expression'
    run lesson grade 1
    says 2 'expected expression'
}

@test "learner: a deadlock and a fork bomb end in a sentence" {
    sed 's/return a + b;/return pause();/' lessons/01-tiny/solution/sum.c >lessons/01-tiny/exercise/sum.c
    run lesson exercise 1
    says 1 'confine: the program was still running after 1 s; it was killed'
    sed 's/return 2 \* n;/for (int i = 0; i < 9; i++) fork(); pause();/' \
        lessons/01-tiny/solution/sum.c >lessons/01-tiny/exercise/sum.c
    run lesson exercise 1
    says 1 'confine: the program had more than 64 processes and threads'
}

@test "learner: Ctrl-C in the middle leaves nothing" {
    sed 's/return a + b;/return fork() + fork() + pause();/' \
        lessons/01-tiny/solution/sum.c >lessons/01-tiny/exercise/sum.c
    sed -i 's/confined 1/confined 60/' lessons/01-tiny/check.bats
    for sig in INT TERM KILL; do
        # timeout signals the group, as a terminal does
        run timeout -s $sig 1 python3 lessons/tools/lesson.py exercise 1 \
            --build "$BUILD"
        [ "$status" -ge 124 ]
    done
    # … and here the tool alone
    run timeout --foreground -s INT 5 python3 lessons/tools/lesson.py \
        exercise 1 --build "$BUILD"
    says 124 stopped
}

@test "learner: points" {
    run lesson grade 1
    says 0 'lesson 01 Tiny, exercise: 0 of 100 points'
    says 0 'not started: hole 1 of 2'
    run lesson grade 1 --judge wrong/minus.c
    says 0 'correct    30 of 60'
    says 0 'counted    20 of 20'
    says 0 'fast        0 of 20'
    run lesson grade 1 --judge solution
    says 0 '100 of 100 points'
    python3 - <<'END'
import json
d = json.load(open("build/progress/01.grade.json"))
assert d["score"] == 100, d
assert sum(t["max_score"] for t in d["tests"]) == 100, d
assert {t["status"] for t in d["tests"]} == {"passed"}, d
END
    run lesson progress
    says 0 '100 of 100'
}

@test "learner: the third gate passes, fails, or is inconclusive" {
    cd lessons/tools
    run python3 -B - <<'END'
import fast
still = [0.99, 1, 1.01] * 5
assert fast.verdict([1.01, 1.02, 1.03] * 5, still, 1.5)[0] == "passed"
assert fast.verdict([1.91, 1.92, 1.93] * 5, still, 1.5)[0] == "failed"
assert fast.verdict([1.0, 1.5, 2.0] * 5, still, 1.5)[0] == "inconclusive"
assert fast.verdict([1.01, 1.02, 1.03] * 5, [1.2] * 15, 1.5)[0] == "inconclusive"
END
    says 0 ''
    cd ../..
    run limit 60 taskset -c "$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')" \
        python3 lessons/tools/lesson.py grade 1 --judge solution --build "$BUILD"
    says 0 'not measured on a single CPU'
    says 0 '100 of 100 points'
    [ "$(nproc)" -gt 1 ] || skip 'one CPU: there is nothing to measure'
    sed -i 's/sum(40, 60)/argv[2][0] == '"'m'"' ? 900 : 100/' lessons/01-tiny/solution/sum.c
    run lesson grade 1 --judge solution
    says 0 'fast        0 of 20'
    sed -i 's/printf("%d\\n", argv/printf("x%d\\n", argv/' lessons/01-tiny/solution/sum.c
    run lesson grade 1 --judge solution
    says 0 '--bench'
}

@test "learner: a folder that cannot be written" {
    touch build/progress
    run lesson exercise 1 --judge solution
    says 0 'all 3 checks are green'
    run lesson grade 1
    says 2 'build/progress/01.grade.json cannot be written'
    rm -r build/lessons && touch build/lessons
    run lesson tell 1
    says 2 'build/lessons/01-tiny cannot be written'
}

@test "teacher: the handout works, and holds no solution" {
    touch LICENSE
    run lesson handout
    says 0 'build/handout/rawmp.tar.xz'
    mkdir student && tar -C student -xf build/handout/rawmp.tar.xz
    cd student/rawmp
    [ -f LICENSE ] && [ -f lessons/01-tiny/exercise/sum.c ]
    run find . -name solution -o -name wrong -o -name NOTES.md -o -name build
    says 0 ''
    run lesson exercise 1
    says 1 'not started: hole 1 of 2'
    cp "$TINY/lessons/01-tiny/solution/sum.c" lessons/01-tiny/exercise
    run lesson exercise 1
    says 0 'all 3 checks are green'
    run authors
    says 2 'this is a handout'
    run lesson handout
    says 2 'this is a handout already'
    cd ../..
    cp lessons/01-tiny/solution/sum.c lessons/01-tiny/exercise
    run lesson handout
    says 2 'a handout needs the starter'
}

# ---- authors.py: each fault is caught by name

@test "authors: a true lesson" {
    run authors
    says 0 ' passed, 0 failed'
    run authors --only nothing
    says 2 "--only 'nothing': there are files, steps"
    run authors --lesson 3
    says 2 "there is no lesson '3'"
}

@test "authors: a listing that is not in the file" {
    sed -i 's/int n = 1;/int n = 2;/' lessons/01-tiny/README.md
    run authors --only listings
    says 1 "lessons/01-tiny/README.md:6: listing of step1_hello.c"
    says 1 '-int n = 2;'
    says 1 '+int n = 1;'
    sed -i 's/file=step1_hello.c/file=step7_none.c/' lessons/01-tiny/README.md
    run authors --only listings
    says 1 "listing of 'step7_none.c': file=… names no file of the lesson"
}

@test "authors: an output that has changed, and --update" {
    sed -i 's/hello %d/hallo %d/' lessons/01-tiny/step1_hello.c
    run authors --only outputs
    says 1 "lessons/01-tiny/README.md:12: output of './step1_hello': it prints something else"
    says 1 '-hello 1, pid PID1'
    says 1 '+hallo 1, pid PID1'
    run authors --only outputs --update
    says 1 '1 outputs rewritten'
    run authors --only outputs
    says 0 ' 0 failed'
    grep -q 'hallo 1, pid [0-9]' lessons/01-tiny/README.md
}

@test "authors: a prediction with another answer" {
    sed -i 's/answer="1"/answer="2"/' lessons/01-tiny/README.md
    run authors --only predictions
    says 1 "lessons/01-tiny/README.md:17: prediction: './step1_hello | wc -l' has another"
}

@test "authors: python.py that prints something else" {
    sed -i 's/hello 1/hello 2/' lessons/01-tiny/python.py
    run authors --only python
    says 1 "lessons/01-tiny/python.py:1: section 'hello' prints something else than step1_hello.c"
}

@test "authors: a stray file, a missing one, a bar that is not quoted" {
    touch lessons/01-tiny/notes.txt
    rm lessons/01-tiny/NOTES.md
    sed -i 's/^Up to 1.50/Up to 1.60/' lessons/01-tiny/README.md
    run authors --only files
    says 1 "lessons/01-tiny/notes.txt:1: this file has no place in a lesson's folder"
    says 1 "lessons/01-tiny/NOTES.md:1: the lesson lacks this file"
    says 1 "lessons/01-tiny/README.md:2: the bar of the third gate"
}

@test "authors: steps that are not what they say" {
    sed -i -e 's/\[works\]/[hangs on purpose]/' -e '/ New: /d' lessons/01-tiny/step1_hello.c
    sed -i -e 's/\[hangs on purpose\]/[works]/' -e 's/return/int unused; return/' \
        lessons/01-tiny/step2_hang.c
    run authors --only steps
    says 1 'step1_hello.c:1: the head says no New:'
    says 1 'step1_hello.c:1: [hangs on purpose], but every run ended'
    says 1 "step2_hang.c:1: [works], but './step2_hang' ended with status 124"
    says 1 'step2_hang.c:1: does not build with -Wall'
    seq 90 | sed 's,^,// ,' >>lessons/01-tiny/step1_hello.c
    printf '// %80d\n' 1 >>lessons/01-tiny/step1_hello.c
    run authors --only steps
    says 1 'lines; a step has at most 90'
    says 1 'more than 80 columns'
}

@test "authors: a starter that is not the solution with holes" {
    sed -i 's/twice(4)/twice(5)/' lessons/01-tiny/exercise/sum.c
    run authors --only holes
    says 1 'exercise/sum.c:1: differs from the solution outside the holes'
    says 1 '-		printf("%d %d\n", twice(5), sum(3, 4));'
}

@test "authors: a starter that is not red, a solution that is not green" {
    sed -i '0,/-ENOSYS/s//2 * n/' lessons/01-tiny/exercise/sum.c
    sed -i 's/return 2 \* n/return 4 * n/' lessons/01-tiny/solution/sum.c
    run authors --only holes
    says 1 'hole 1 does not hold'
    says 1 "without hole 1 not every check is red with 'not started: hole 1 of …'"
    says 1 'solution/sum.c:1: the solution is not green: correct: doubles'
}

@test "authors: a wrong solution that is not caught, or by other checks" {
    sed -i 's/a - b/a + b/' lessons/01-tiny/wrong/minus.c
    sed -i 's/"correct: doubles"/"correct: adds"/' lessons/01-tiny/wrong/thrice.c
    run authors --only wrong
    says 1 'wrong/minus.c:1: is not caught by exactly the checks that it names'
    says 1 'wrong/thrice.c:1: is not caught by exactly the checks that it names'
    says 1 '-correct: adds'
    says 1 '+correct: doubles'
    says 1 'check.bats:9: no wrong solution is caught by "correct: adds"'
}
