/* step2_wait.c - the parent waits until the child has ended.  [works]
 *
 * Build:  cc -O2 -o step2_wait step2_wait.c
 * New:    waitpid()
 * Try:    ./step2_wait
 * See:    the two lines, always in this order, on one CPU too.  waitpid also
 *         hands over the exit status and removes the last trace of the child.
 */
#include <err.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		printf("hello from the child\n");
		return 0;
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (!WIFEXITED(status))
		errx(1, "the child was killed by signal %d", WTERMSIG(status));
	printf("the child has ended, exit status %d\n", WEXITSTATUS(status));
	return 0;
}
