/* step5_sigpipe.c - nobody reads any more.  [shows a bug]
 *
 * Build:  cc -O2 -o step5_sigpipe step5_sigpipe.c
 * New:    SIGPIPE, EPIPE
 * Try:    ./step5_sigpipe
 * See:    a write that comes too late kills the writer, unless it ignores
 *         SIGPIPE; then it gets an error.  One that comes early is lost.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child writes into a pipe; its reader goes before that, or after. */
static void write_to_nobody(const char *what, int early, int ignore)
{
	int fd[2], status;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		err(1, "pipe2");
	if (!early)
		close(fd[0]);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		signal(SIGPIPE, ignore ? SIG_IGN : SIG_DFL);
		ssize_t n = write(fd[1], "hello", 5);
		dprintf(1, "%s: %s\n", what, n == 5 ? "sent" : strerror(errno));
		_exit(0);
	}
	close(fd[1]);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		dprintf(1, "%s: killed by signal %d\n", what, WTERMSIG(status));
	if (early) /* without having read */
		close(fd[0]);
}

int main(void)
{
	write_to_nobody("the reader goes after the write", 1, 0);
	write_to_nobody("the reader has gone", 0, 0);
	write_to_nobody("the same, SIGPIPE ignored", 0, 1);
	return 0;
}
