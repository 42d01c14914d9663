/* step12_many.c - two producers at one ring, by script.  [shows a bug]
 *
 * Build:  cc -O2 -o step12_many step12_many.c
 * New:    nothing; the script of step 3 for two producers
 * Try:    ./step12_many A.load B.load A.data B.data A.store B.store
 *         ./step12_many A.load A.data A.store B.load B.data B.store
 * See:    both have put, both were told that it went well, and one message is
 *         gone.  tail has two writers now.
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

static const char *points[] = { "A.load", "A.data", "A.store",
				"B.load", "B.data", "B.store" };
static int order[] = { 0, 3, 1, 4, 2, 5 };

static struct shared {
	atomic_int turn, tail; /* turn: the place in the order */
	char slots[4];
} * s;

static void read_script(int n, char *script[])
{
	int done[2] = { 0 }, p; /* points of A, of B */

	for (int i = 0; i < n; i++) {
		for (p = 0; p < 6 && strcmp(points[p], script[i]) != 0; p++)
			;
		if (p == 6 || done[p / 3]++ != p % 3)
			errx(2, "'%s' cannot come here", script[i]);
		order[i] = p;
	}
	if (n % 6 != 0)
		errx(2, "a script has three points of A and three of B");
}

static void wait_turn(int point)
{
	for (int now; order[now = atomic_load(&s->turn)] != point;)
		syscall(SYS_futex, &s->turn, FUTEX_WAIT, now, NULL);
}

static void next(int point)
{
	dprintf(1, "%-8s tail %d, slots %s\n", points[point], s->tail,
		s->slots);
	atomic_fetch_add(&s->turn, 1);
	syscall(SYS_futex, &s->turn, FUTEX_WAKE, 1);
}

/* put of the steps before, with a pause before each line. */
static void put(char name)
{
	int first = name == 'A' ? 0 : 3, tail;

	wait_turn(first);
	tail = s->tail;
	next(first);
	wait_turn(first + 1);
	s->slots[tail] = name;
	next(first + 1);
	wait_turn(first + 2);
	s->tail = tail + 1;
	next(first + 2);
}

int main(int argc, char *argv[])
{
	read_script(argc - 1, argv + 1);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	strcpy(s->slots, "--");
	put(fork() == 0 ? 'A' : 'B');
	if (wait(NULL) > 0)
		printf("2 put, %d in the ring\n", s->tail);
	return 0;
}
