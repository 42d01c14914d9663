/* step4_lost.c - a wake-up that is lost, by script.  [shows a bug]
 *
 * Build:  cc -O2 -o step4_lost step4_lost.c
 * New:    nothing; the script of lesson 05, with a process that sleeps
 * Try:    ./step4_lost A.load B.add B.wake A.wait
 *         ./step4_lost expect=old A.load B.add B.wake A.wait
 * See:    between A's look and its sleep B has come and gone, so A sleeps on.
 *         With expect=old the kernel compares the count with what A saw.
 */
#include <err.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define futex(word, op, n) syscall(SYS_futex, word, op, n, NULL, NULL, 0)
enum { LOAD, WAIT, ADD, WAKE };
static const char *points[] = { "A.load", "A.wait", "B.add", "B.wake" };
static int order[] = { LOAD, ADD, WAKE, WAIT };
static atomic_int *turn, *count; /* turn: the place in the order */

static void read_script(int n, char *script[])
{
	int done[2] = { 0 }, p; /* points of A, of B */

	for (int i = 0; i < n; i++) {
		for (p = 0; p < 4 && strcmp(points[p], script[i]) != 0; p++)
			;
		if (p == 4 || done[p / 2]++ != p % 2)
			errx(2, "'%s' cannot come here", script[i]);
		order[i] = p;
	}
	if (n % 4 != 0)
		errx(2, "a script mixes A.load A.wait with B.add B.wake");
}

/* sure: A has ended or is on its way to sleep; try until it is one of both. */
static long wake(int sure)
{
	long n = futex(count, FUTEX_WAKE, 1);

	while (n == 0 && sure && waitpid(-1, NULL, WNOHANG) == 0)
		n = futex(count, FUTEX_WAKE, 1);
	return n;
}

/* Wait for the turn of a point, do it, pass on; the count of then. */
static int step(int point)
{
	int now;

	while (order[now = atomic_load(turn)] != point)
		futex(turn, FUTEX_WAIT, now);
	if (point == ADD)
		atomic_fetch_add(count, 1);
	if (point == WAKE)
		wake(now == 3);
	dprintf(1, "%-7s count %d\n", points[point], now = *count);
	atomic_fetch_add(turn, 1);
	futex(turn, FUTEX_WAKE, 1);
	return now;
}

int main(int argc, char *argv[])
{
	int expect_old = argc > 1 && strcmp(argv[1], "expect=old") == 0;
	pid_t a;

	read_script(argc - 1 - expect_old, argv + 1 + expect_old);
	turn = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	count = turn + 1;
	if (turn == MAP_FAILED || (a = fork()) < 0)
		err(1, "mmap or fork");
	if (a == 0) { /* if (*count == 0) futex(…, FUTEX_WAIT, *count) */
		int old = step(LOAD), now = step(WAIT);

		if (old == 0)
			futex(count, FUTEX_WAIT, expect_old ? old : now);
		_exit(0);
	}
	step(ADD);
	step(WAKE);
	puts(wake(1) ? "lost: A sleeps on" : "A has ended");
	return 0;
}
