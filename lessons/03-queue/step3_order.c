/* step3_order.c - the index before the data, by script.  [shows a bug]
 *
 * Build:  cc -O2 -o step3_order step3_order.c
 * New:    a script: each point waits on a futex until it is its turn
 * Try:    ./step3_order P.index C.look C.take P.data
 *         ./step3_order P.data P.index C.look C.take
 * See:    the producer says that a message is there, and it is not there yet.
 *         The consumer takes what lay in the slot before.
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

enum { DATA, INDEX, LOOK, TAKE };
static const char *points[] = { "P.data", "P.index", "C.look", "C.take" };
static int order[] = { INDEX, LOOK, TAKE, DATA };

static struct shared {
	atomic_int turn, tail; /* turn: the place in the order */
	char slot[8];
} * s;
static char got[8] = "nothing";

static void read_script(int n, char *script[])
{
	int done = 0, p; /* a bit for each point */

	for (int i = 0; i < n; i++) {
		for (p = 0; p < 4 && strcmp(points[p], script[i]) != 0; p++)
			;
		if (p == 4 || done & 1 << p ||
		    (p == TAKE && !(done & 1 << LOOK)))
			errx(2, "'%s' cannot come here", script[i]);
		done |= 1 << p;
		order[i] = p;
	}
	if (n % 4 != 0)
		errx(2, "a script mixes P.data P.index with C.look C.take");
}

static void act(int point)
{
	static int seen;

	if (point == DATA)
		strcpy(s->slot, "new");
	if (point == INDEX)
		s->tail = 1;
	if (point == LOOK)
		seen = s->tail;
	if (point == TAKE && seen)
		strcpy(got, s->slot);
	dprintf(1, "%-8s tail %d, slot %s\n", points[point], s->tail, s->slot);
}

/* The points of the producer (0) or of the consumer (1), each in its turn. */
static void play(int who)
{
	for (int now, i = 0; i < 4; i++) {
		if (order[i] / 2 != who)
			continue;
		while ((now = atomic_load(&s->turn)) != i)
			syscall(SYS_futex, &s->turn, FUTEX_WAIT, now, NULL);
		act(order[i]);
		atomic_store(&s->turn, i + 1);
		syscall(SYS_futex, &s->turn, FUTEX_WAKE, 1);
	}
}

int main(int argc, char *argv[])
{
	read_script(argc - 1, argv + 1);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	strcpy(s->slot, "old");
	play(fork() == 0 ? 0 : 1);
	if (wait(NULL) > 0)
		dprintf(1, "the consumer got: %s\n", got);
	return 0;
}
