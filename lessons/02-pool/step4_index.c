/* step4_index.c - whoever is free takes the next task.  [works]
 *
 * Build:  cc -O2 -o step4_index step4_index.c
 * New:    atomic_fetch_add() on a shared index
 * Try:    ./step4_index
 *         ./step4_index 8
 * See:    each task once, whoever does it.  Each worker draws one number in
 *         vain, the one that tells it that nothing is left.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS 1200

static struct shared {
	_Alignas(64) atomic_int next; /* the first task that nobody has */
	_Alignas(64) atomic_int claims;
	uint32_t result[ITEMS];
	int done[ITEMS]; /* how often */
} * s;

static uint32_t factorial(int n)
{
	uint64_t f = 1;

	for (int k = 1; k <= n; k++)
		f = f * (uint64_t)k % 1000000007;
	return (uint32_t)f;
}

static void work(void)
{
	int claims = 1, i;

	while ((i = atomic_fetch_add(&s->next, 1)) < ITEMS) {
		s->result[i] = factorial(i);
		s->done[i]++;
		claims++;
	}
	atomic_fetch_add(&s->claims, claims);
}

int main(int argc, char *argv[])
{
	int workers = argc > 1 ? atoi(argv[1]) : 2, wrong = 0;

	if (workers < 1 || workers > 32)
		errx(2, "workers '%s': not 1 to 32", argv[1]);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int w = 0; w < workers; w++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			work();
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < ITEMS; i++)
		wrong += s->result[i] != factorial(i) || s->done[i] != 1;
	printf("%d tasks, %d workers, %d claims, %d wrong\n", ITEMS, workers,
	       s->claims, wrong);
	return 0;
}
