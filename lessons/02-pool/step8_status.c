/* step8_status.c - a task that fails, beside those that do not.  [works]
 *
 * Build:  cc -O2 -o step8_status step8_status.c
 * New:    nothing; a status for each task, beside its result
 * Try:    ./step8_status
 * See:    the task that fails reports it, and nobody else.
 */
#include <err.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS   4
#define WORKERS 2

static const int in[TASKS] = { 4, -1, 9, 16 };
static struct shared {
	atomic_int next;
	int out[TASKS];
	int status[TASKS]; /* 0, or -errno: then out holds nothing of use */
} * s;

static int root(int x, int *y)
{
	if (x < 0)
		return -EDOM;
	for (*y = 0; (*y + 1) * (*y + 1) <= x; ++*y)
		;
	return 0;
}

static void work(void)
{
	for (int i; (i = atomic_fetch_add(&s->next, 1)) < TASKS;)
		s->status[i] = root(in[i], &s->out[i]);
}

int main(void)
{
	int failed = 0;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int w = 0; w < WORKERS; w++) {
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
	for (int i = 0; i < TASKS; i++) {
		failed += s->status[i] != 0;
		if (s->status[i] == 0)
			printf("root of %d: %d\n", in[i], s->out[i]);
		else
			printf("root of %d: %s\n", in[i],
			       strerror(-s->status[i]));
	}
	printf("%d of %d failed\n", failed, TASKS);
	return 0;
}
