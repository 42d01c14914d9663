/* step2_eof.c - a forgotten end, and no end of file.  [hangs on purpose]
 *
 * Build:  cc -O2 -o step2_eof step2_eof.c
 * New:    close() of the end that one does not use
 * Try:    ./step2_eof
 *         ./step2_eof close
 * See:    a reader that still holds the writing end waits for itself.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	char c;
	int fd[2], bytes = 0;
	pid_t pid;
	ssize_t n;

	if (argc > 1 && strcmp(argv[1], "close") != 0)
		errx(2, "'%s' is not close", argv[1]);
	if (pipe2(fd, O_CLOEXEC) < 0)
		err(1, "pipe2");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		close(fd[0]);
		if (write(fd[1], "abc", 3) != 3)
			err(1, "write");
		_exit(0);
	}
	if (argc > 1)
		close(fd[1]);
	waitpid(pid, NULL, 0);
	dprintf(1, "the child has sent 3 bytes and has ended\n");
	while ((n = read(fd[0], &c, 1)) > 0)
		dprintf(1, "byte %d: %c\n", ++bytes, c);
	if (n < 0)
		err(1, "read");
	dprintf(1, "end of file\n");
	return 0;
}
