/* step5_log.c - the work log of two workers.  [works]
 *
 * Build:  cc -O2 -o step5_log step5_log.c
 * New:    nothing; step 4 with tasks that sleep, and a log
 * Try:    ./step5_log
 *         ./step5_log static
 * See:    who did what, and when.  11 units of work take 6: nobody is idle
 *         while a task is left.
 */
#include <err.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TASKS 4

static const int units[TASKS] = { 5, 2, 1, 3 };
static struct shared {
	atomic_int next;
	struct {
		int worker, begin, end;
	} log[TASKS];
} * s;
static long start, unit; /* milliseconds */

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void work(int w, bool dynamic)
{
	long end = start; /* of the task before */
	struct timespec t;

	for (int i = w * TASKS / 2;; i++) {
		if (dynamic)
			i = atomic_fetch_add(&s->next, 1);
		if (i >= (dynamic ? TASKS : (w + 1) * TASKS / 2))
			_exit(0);
		s->log[i].worker = w + 1;
		s->log[i].begin = (int)((now_ms() - start) / unit);
		end += units[i] * unit; /* sleep until then, not for so long: */
		t = (struct timespec){ end / 1000, end % 1000 * 1000000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		s->log[i].end = (int)((now_ms() - start) / unit);
	}
}

int main(int argc, char *argv[])
{
	const char *ms = getenv("RAWMP_UNIT_MS");
	bool dynamic = argc == 1;
	int makespan = 0;

	if (!dynamic && strcmp(argv[1], "static") != 0)
		errx(2, "'%s' is not static", argv[1]);
	unit = ms ? atoi(ms) : 50;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED || unit < 1)
		err(1, "mmap, or the unit");
	start = now_ms();
	for (int w = 0; w < 2; w++) {
		if (fork() == 0)
			work(w, dynamic);
		while (dynamic && atomic_load(&s->next) <= w)
			sched_yield(); /* until it has a task */
	}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < TASKS; i++) {
		int end = s->log[i].end;

		printf("%c: worker %d, %d to %d\n", 'A' + i, s->log[i].worker,
		       s->log[i].begin, end);
		makespan = end > makespan ? end : makespan;
	}
	return printf("makespan %d units\n", makespan) < 0;
}
