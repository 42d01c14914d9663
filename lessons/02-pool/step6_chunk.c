/* step6_chunk.c - several tasks with one claim.  [works]
 *
 * Build:  cc -O2 -o step6_chunk step6_chunk.c
 * New:    atomic_fetch_add() of more than 1
 * Try:    ./step6_chunk
 *         ./step6_chunk 16
 * See:    a large chunk saves claims, and cache lines that two workers write;
 *         but one of them may hold much of the work, and all wait for it.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS   1200
#define WORKERS 2
#define IN_LINE 16 /* results in one cache line of 64 bytes */

static struct shared {
	_Alignas(64) atomic_int next;
	_Alignas(64) atomic_int claims;
	_Alignas(64) int result[ITEMS];
} * s;

static void work(int chunk)
{
	int claims = 1, first;

	while ((first = atomic_fetch_add(&s->next, chunk)) < ITEMS) {
		int end = first + chunk < ITEMS ? first + chunk : ITEMS;

		for (int i = first; i < end; i++)
			s->result[i] = i * i;
		claims++;
	}
	atomic_fetch_add(&s->claims, claims);
}

static void map(int chunk)
{
	long all = ITEMS * (ITEMS - 1) / 2, most = 0;
	int mixed = 0;

	*s = (struct shared){ 0 };
	for (int w = 0; w < WORKERS; w++)
		if (fork() == 0) {
			work(chunk);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < ITEMS; i++)
		if (s->result[i] != i * i)
			errx(1, "result %d is wrong", i);
	for (int i = 0; i < ITEMS; i += IN_LINE) /* two chunks in one line */
		mixed += i / chunk != (i + IN_LINE - 1) / chunk;
	for (int i = 0; i < ITEMS; i += chunk) { /* if task n had a cost of n */
		long cost = 0;

		for (int n = i; n < i + chunk && n < ITEMS; n++)
			cost += n;
		most = cost > most ? cost : most;
	}
	printf("chunk %4d: %4d claims, %2d of %d lines mixed, largest %4.1f "
	       "%%\n",
	       chunk, s->claims, mixed, ITEMS / IN_LINE,
	       100.0 * (double)most / (double)all);
}

int main(int argc, char *argv[])
{
	int chunk = argc > 1 ? atoi(argv[1]) : 1;

	if (chunk < 1 || chunk > ITEMS)
		errx(2, "chunk '%s': not 1 to %d", argv[1], ITEMS);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	map(chunk);
	for (chunk *= 10; argc == 1 && chunk < ITEMS; chunk *= 10)
		map(chunk);
	return 0;
}
