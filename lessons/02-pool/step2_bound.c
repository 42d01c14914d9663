/* step2_bound.c - many tasks, but only so many processes at once.  [works]
 *
 * Build:  cc -O2 -o step2_bound step2_bound.c
 * New:    waitpid(-1): whichever child ends first
 * Try:    ./step2_bound
 *         ./step2_bound 8 8
 * See:    a task starts when another one has ended.  The pid says which one,
 *         so the results stand in order although they come in any order.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS_MAX 100

static pid_t pid[TASKS_MAX];
static int result[TASKS_MAX];

static void begin(int i)
{
	pid[i] = fork();
	if (pid[i] < 0)
		err(1, "fork");
	if (pid[i] == 0) {
		usleep(5000); /* as if it took long */
		_exit(2 * i);
	}
}

static int which(pid_t ended)
{
	for (int i = 0; i < TASKS_MAX; i++)
		if (pid[i] == ended)
			return i;
	errx(1, "pid %d is no task", ended);
}

int main(int argc, char *argv[])
{
	int tasks = argc > 1 ? atoi(argv[1]) : 8;
	int most = argc > 2 ? atoi(argv[2]) : 3;
	int begun = 0, running = 0, peak = 0, status;

	if (tasks < 1 || tasks > TASKS_MAX)
		errx(2, "tasks '%s': not 1 to %d", argv[1], TASKS_MAX);
	if (most < 1 || most > 32)
		errx(2, "at once '%s': not 1 to 32", argv[2]);
	while (begun < tasks || running > 0) {
		pid_t ended;

		while (begun < tasks && running < most) {
			begin(begun++);
			running++;
		}
		if (running > peak)
			peak = running;
		ended = waitpid(-1, &status, 0);
		if (ended < 0)
			err(1, "waitpid");
		result[which(ended)] = WEXITSTATUS(status);
		running--;
	}
	printf("%d processes, %d at once:", tasks, peak);
	for (int i = 0; i < tasks; i++)
		printf(" %d", result[i]);
	printf("\n");
	return 0;
}
