/* step1_fork.c - a process for each task.  [shows a bug]
 *
 * Build:  cc -O2 -o step1_fork step1_fork.c
 * New:    nothing; the exit status, as the result of a task
 * Try:    ./step1_fork
 * See:    the squares of 1 to 5 are right, that of 16 is not: an exit status
 *         has eight bits.
 */
#include <err.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 6

static int square(int x)
{
	return x * x;
}

int main(void)
{
	int in[TASKS] = { 1, 2, 3, 4, 5, 16 }, status;
	pid_t pid[TASKS];

	for (int i = 0; i < TASKS; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			err(1, "fork");
		if (pid[i] == 0)
			_exit(square(in[i]));
	}
	for (int i = 0; i < TASKS; i++) {
		if (waitpid(pid[i], &status, 0) < 0)
			err(1, "waitpid");
		printf("square of %d: %d\n", in[i], WEXITSTATUS(status));
	}
	return 0;
}
