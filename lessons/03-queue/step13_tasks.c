/* step13_tasks.c - ten tasks, four workers, and a log.  [works]
 *
 * Build:  cc -O2 -o step13_tasks step13_tasks.c
 * New:    atomic_fetch_add() hands out places
 * Try:    ./step13_tasks
 * See:    each task is done once, whoever does it.  This is right only because
 *         all tasks lie there before anybody gets, no slot is used twice, and
 *         the log is read when all who write it have ended.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 10

static struct queue {
	atomic_uint head, tail;
	char slots[TASKS][64];
} * tasks, *report;
static useconds_t ms = 5; /* that a task takes */

/* The place is ours from the addition on.  The message comes later. */
static void put(struct queue *q, const char *format, int n, const char *name)
{
	unsigned place = atomic_fetch_add(&q->tail, 1);

	snprintf(q->slots[place], sizeof(q->slots[place]), format, n, name);
}

static const char *get_nowait(struct queue *q)
{
	unsigned place = atomic_fetch_add(&q->head, 1);

	return place < q->tail ? q->slots[place] : NULL;
}

static void work(const char *name)
{
	const char *task;
	int n;

	while ((task = get_nowait(tasks)) != NULL)
		if (sscanf(task, "task %d", &n) == 1) {
			usleep(ms * 1000);
			put(report, "task %d is done by %s", n, name);
		}
}

int main(void)
{
	const char *names[] = { "worker 1", "worker 2", "worker 3",
				"worker 4" };
	const char *line, *unit = getenv("RAWMP_UNIT_MS");

	if (unit)
		ms = (useconds_t)atoi(unit);
	tasks = mmap(NULL, 2 * sizeof(*tasks), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tasks == MAP_FAILED)
		err(1, "mmap");
	report = tasks + 1;
	for (int i = 0; i < TASKS; i++)
		put(tasks, "task %d%s", i, "");
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			work(names[i]);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	while ((line = get_nowait(report)) != NULL)
		printf("%s\n", line);
	return 0;
}
