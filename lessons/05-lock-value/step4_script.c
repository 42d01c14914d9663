/* step4_script.c - the loss, every time: you say who goes next.  [shows a bug]
 *
 * Build:  cc -O2 -o step4_script step4_script.c
 * New:    futex(FUTEX_WAIT) and futex(FUTEX_WAKE)
 * Try:    ./step4_script A.load B.load A.store B.store
 *         ./step4_script A.load A.store B.load B.store
 * See:    A and B add 1 each, by a load and a store, and each of these points
 *         waits for its turn.  Without arguments: the first of the two orders.
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

static const char *points[] = { "A.load", "A.store", "B.load", "B.store" };
static int order[] = { 0, 2, 1, 3 }; /* which point is first, second, ... */
static atomic_uint *turn;            /* the place in the order that is next */
static volatile int *counter;

static void read_script(int n, char *script[])
{
	int done[2] = { 0 }, p; /* points of A, of B */

	for (int i = 0; i < n; i++) {
		for (p = 0; p < 4 && strcmp(points[p], script[i]) != 0; p++)
			;
		if (p == 4)
			errx(2, "there is no point '%s'", script[i]);
		if (done[p / 2]++ != p % 2)
			errx(2, "'%s': a process loads once, then stores once",
			     script[i]);
		order[i] = p;
	}
	if (n < 4)
		errx(2, "incomplete: %d of 4 points", n);
}

static void wait_turn(int point)
{
	for (unsigned now; order[now = atomic_load(turn)] != point;)
		syscall(SYS_futex, turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void next(int point, int value)
{
	dprintf(1, "%-8s %d\n", points[point], value);
	atomic_fetch_add(turn, 1);
	syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void add_one(int load, int store) /* (*counter)++, taken apart */
{
	int value;

	wait_turn(load);
	value = *counter;
	next(load, value);
	wait_turn(store);
	*counter = value + 1;
	next(store, value + 1);
}

int main(int argc, char *argv[])
{
	turn = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (turn == MAP_FAILED)
		err(1, "mmap");
	counter = (int *)turn + 1;
	if (argc > 1)
		read_script(argc - 1, argv + 1);
	for (int i = 0, pid; i < 4; i += 2) {
		if ((pid = fork()) < 0)
			err(1, "fork");
		if (pid == 0) {
			add_one(i, i + 1);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	printf("counter %d: %s\n", *counter,
	       *counter == 2 ? "both added" : "an update is lost");
	return 0;
}
