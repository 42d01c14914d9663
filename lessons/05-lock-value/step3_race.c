/* step3_race.c - four processes count at the same time.  [shows a bug]
 *
 * Build:  cc -O2 -o step3_race step3_race.c
 * New:    nothing; step 2 without the wait between two children
 * Try:    ./step3_race
 *         ./step3_race 2 1000
 *         taskset -c 0 ./step3_race
 * See:    mostly a good part of the additions is lost, each time another
 *         number; sometimes, and on one CPU nearly always, none.  So a run
 *         that loses none proves nothing.
 */
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	volatile int go, counter;
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
				s->counter++;
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
