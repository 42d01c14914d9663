/* step7_stay.c - workers that stay, asleep between two maps.  [works]
 *
 * Build:  cc -O2 -o step7_stay step7_stay.c
 * New:    a generation word: a worker sleeps until it has changed
 * Try:    ./step7_stay
 *         ./step7_stay 1000
 * See:    four forks, however many maps.  The job lies in shared memory.
 */
#include <err.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORKERS 4
#define MOST    100

static struct pool {
	atomic_uint generation; /* of the map; its job is below */
	atomic_uint inside;     /* workers that are not done with it */
	atomic_int next;
	int n, (*fn)(int), in[MOST], out[MOST];
} * p;

static void futex(atomic_uint *word, int op, unsigned value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void work(void)
{
	for (unsigned seen = 0;; seen++) {
		while (atomic_load(&p->generation) == seen)
			futex(&p->generation, FUTEX_WAIT, seen);
		for (int i; (i = atomic_fetch_add(&p->next, 1)) < p->n;)
			p->out[i] = p->fn(p->in[i]);
		if (atomic_fetch_sub(&p->inside, 1) == 1)
			futex(&p->inside, FUTEX_WAKE, 1);
	}
}

static void map(int (*fn)(int), int n)
{
	p->fn = fn;
	p->n = n;
	p->next = 0;
	p->inside = WORKERS;
	atomic_fetch_add(&p->generation, 1); /* from here on they come */
	futex(&p->generation, FUTEX_WAKE, WORKERS);
	for (unsigned left; (left = atomic_load(&p->inside)) > 0;)
		futex(&p->inside, FUTEX_WAIT, left);
}

static int square(int x)
{
	return x * x;
}
static int triple(int x)
{
	return 3 * x;
}

int main(int argc, char *argv[])
{
	int maps = argc > 1 ? atoi(argv[1]) : 2;

	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	for (int w = 0; w < WORKERS; w++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL); /* as we end */
			work();
		}
	for (int k = 1; k <= maps; k++) {
		for (int i = 0; i < 5; i++)
			p->in[i] = i + 1;
		map(k % 2 ? square : triple, 5);
		for (int i = 0; i < 5 && k <= 2; i++)
			printf("%d%c", p->out[i], i < 4 ? ' ' : '\n');
	}
	printf("%d maps, %d forks\n", maps, WORKERS);
	return 0;
}
