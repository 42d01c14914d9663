/* step3_static.c - two workers, half of the tasks each.  [shows a bug]
 *
 * Build:  cc -O2 -o step3_static step3_static.c
 * New:    mmap() with MAP_SHARED: results of any size, without a message
 * Try:    ./step3_static
 *         ./step3_static stride
 * See:    half of the tasks are not half of the work: one worker has three
 *         quarters of it, and the other one's CPU is idle for the rest.
 */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ITEMS   1200
#define WORKERS 2

static struct shared {
	uint32_t result[ITEMS];
	long work[WORKERS]; /* multiplications */
} * s;

/* n! modulo a prime, from scratch: n multiplications. */
static uint32_t factorial(int n)
{
	uint64_t f = 1;

	for (int k = 1; k <= n; k++)
		f = f * (uint64_t)k % 1000000007;
	return (uint32_t)f;
}

static void work(int w, bool stride)
{
	int begin = stride ? w : ITEMS / WORKERS * w;
	int end = stride ? ITEMS : begin + ITEMS / WORKERS;

	for (int i = begin; i < end; i += stride ? WORKERS : 1) {
		s->result[i] = factorial(i);
		s->work[w] += i;
	}
}

int main(int argc, char *argv[])
{
	bool stride = argc > 1 && strcmp(argv[1], "stride") == 0;
	long all = ITEMS * (ITEMS - 1) / 2, most = 0;
	int wrong = 0;

	if (argc > 1 && !stride && strcmp(argv[1], "block") != 0)
		errx(2, "'%s' is not block or stride", argv[1]);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int w = 0; w < WORKERS; w++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			work(w, stride);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (int w = 0; w < WORKERS; w++) {
		printf("worker %d: %ld multiplications\n", w + 1, s->work[w]);
		if (s->work[w] > most)
			most = s->work[w];
	}
	for (int i = 0; i < ITEMS; i++)
		wrong += s->result[i] != factorial(i);
	printf("%d results, %d wrong; %.2f times as fast, at best\n", ITEMS,
	       wrong, (double)all / (double)most);
	return 0;
}
