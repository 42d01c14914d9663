/* step1_pipe.c - a child sends its parent a line.  [works]
 *
 * Build:  cc -O2 -o step1_pipe step1_pipe.c
 * New:    pipe2()
 * Try:    ./step1_pipe
 * See:    the child has ended before the parent reads, and the bytes are there
 *         all the same: they lie in the kernel.  Then read returns 0.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	char buf[100];
	int fd[2]; /* what is written to fd[1] is read from fd[0] */
	pid_t pid;
	ssize_t n;

	if (pipe2(fd, O_CLOEXEC) < 0)
		err(1, "pipe2");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		close(fd[0]);
		if (write(fd[1], "Data from the child", 19) != 19)
			err(1, "write");
		_exit(0);
	}
	close(fd[1]);
	waitpid(pid, NULL, 0);
	printf("the child has ended\n");
	while ((n = read(fd[0], buf, sizeof(buf))) > 0)
		printf("%zd bytes: %.*s\n", n, (int)n, buf);
	if (n < 0)
		err(1, "read");
	printf("%zd bytes: the end of file\n", n);
	return 0;
}
