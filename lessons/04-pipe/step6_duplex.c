/* step6_duplex.c - one channel, two ways.  [works]
 *
 * Build:  cc -O2 -o step6_duplex step6_duplex.c
 * New:    socketpair()
 * Try:    ./step6_duplex
 * See:    whoever asks by a pipe and reads the answer from the same pipe gets
 *         its own question.  A socket pair is two streams.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(int fd, const char *text, size_t length)
{
	if (write(fd, text, length) != (ssize_t)length)
		err(1, "write");
}

static void hear(const char *who, int fd)
{
	char buf[100];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		err(1, "read");
	dprintf(1, "%s received: %.*s\n", who, (int)n, buf);
}

int main(void)
{
	int fd[2], end[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		err(1, "pipe2 or fork");
	if (pid == 0) {
		say(fd[1], "hello world", 11);
		hear("one pipe:    child ", fd[0]);
		_exit(0);
	}
	waitpid(pid, NULL, 0);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) < 0 ||
	    (pid = fork()) < 0)
		err(1, "socketpair or fork");
	if (pid == 0) {
		close(end[0]);
		say(end[1], "hello world", 11);
		hear("socket pair: child ", end[1]);
		_exit(0);
	}
	close(end[1]);
	hear("socket pair: parent", end[0]);
	say(end[0], "hello child", 11);
	waitpid(pid, NULL, 0);
	return 0;
}
