/* step5_fetch_add.c - an addition that nobody can come between.  [works]
 *
 * Build:  cc -O2 -o step5_fetch_add step5_fetch_add.c
 * New:    atomic_fetch_add()
 * Try:    ./step5_fetch_add
 *         ./step5_fetch_add 50 10000
 * See:    one line differs from step 3, and nothing is lost: load, addition
 *         and store are a single instruction, and the CPU holds the counter's
 *         cache line until it is done.
 */
#include <err.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	volatile int go;
	atomic_int counter;
};

static long argument(const char *text, long most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (n < 1 || n > most || *end)
		errx(2, "'%s' is not a number from 1 to %ld", text, most);
	return n;
}

int main(int argc, char *argv[])
{
	long processes = argc > 1 ? argument(argv[1], 50) : 4;
	long times = argc > 2 ? argument(argv[2], 10000000) : 100000;
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		err(1, "mmap");
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			while (!s->go) /* until all are there */
				sched_yield();
			for (long j = 0; j < times; j++)
				atomic_fetch_add(&s->counter, 1);
			_exit(0);
		}
	}
	s->go = 1;
	while (wait(NULL) > 0)
		;
	printf("lost %ld of %ld\n", processes * times - s->counter,
	       processes * times);
	return 0;
}
