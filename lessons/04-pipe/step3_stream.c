/* step3_stream.c - a stream has no messages.  [shows a bug]
 *
 * Build:  cc -O2 -o step3_stream step3_stream.c
 * New:    read()'s result: how much there was, not how much was asked for
 * Try:    ./step3_stream
 * See:    two writes come out of one read, and one write of several reads.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd[2];

static void send_text(const char *text)
{
	if (write(fd[1], text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "write");
}

static ssize_t receive(char *buf, size_t size)
{
	ssize_t n = read(fd[0], buf, size);

	if (n < 0)
		err(1, "read");
	return n;
}

int main(void)
{
	int size, there = 0;
	char *buf;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0 ||
	    (size = fcntl(fd[1], F_GETPIPE_SZ)) < 0 ||
	    (buf = calloc(1, (size_t)size + 1000)) == NULL ||
	    (pid = fork()) < 0)
		err(1, "cannot start");
	if (pid == 0) {
		send_text("hello");
		send_text("hey");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	receive(buf, 100);
	printf("2 messages sent, 1 received: %s\n", buf);

	send_text("hru"); /* the first part of a message of 4 bytes */
	printf("4 bytes asked for: %zd come\n", receive(buf, 4));

	if ((pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) /* 1000 bytes more than the pipe holds */
		_exit(write(fd[1], buf, (size_t)size + 1000) != size + 1000);
	while (there < size && ioctl(fd[0], FIONREAD, &there) == 0)
		sched_yield();
	printf("1 long write: all but %zd bytes come\n",
	       size + 1000 - receive(buf, (size_t)size + 1000));
	receive(buf, 1000);
	waitpid(pid, NULL, 0);
	return 0;
}
