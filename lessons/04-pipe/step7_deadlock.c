/* step7_deadlock.c - both send before they read.  [hangs on purpose]
 *
 * Build:  cc -O2 -o step7_deadlock step7_deadlock.c
 * New:    nothing; a write of more than the pipe holds
 * Try:    ./step7_deadlock
 *         ./step7_deadlock turns
 *         ./step7_deadlock 1000
 * See:    a million bytes do not fit into the pipe: each waits until the other
 *         one reads.  If one of them reads first, or if it is little that they
 *         send, both get through.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[1000000];
static size_t size = sizeof(buf);

static void send_all(int fd)
{
	if (write(fd, buf, size) != (ssize_t)size)
		err(1, "write");
}

static void receive_all(int fd)
{
	size_t got = 0;
	ssize_t n;

	while (got < size && (n = read(fd, buf, size - got)) > 0)
		got += (size_t)n;
	if (got < size)
		errx(1, "only %zu bytes", got);
}

int main(int argc, char *argv[])
{
	int there[2], back[2], turns = 0;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "turns") == 0)
		turns = 1;
	else if (argc > 1)
		size = strtoul(argv[1], NULL, 10);
	if (size < 1 || size > sizeof(buf))
		errx(2, "'%s' is not turns, nor 1 to 1000000", argv[1]);
	dprintf(1, "two send %zu bytes and read as many; %s\n", size,
		turns ? "one reads first" : "both send first");
	if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0 ||
	    (pid = fork()) < 0)
		err(1, "pipe2 or fork");
	if (pid == 0) {
		if (turns)
			receive_all(there[0]);
		send_all(back[1]);
		if (!turns)
			receive_all(there[0]);
		_exit(0);
	}
	send_all(there[1]);
	receive_all(back[0]);
	waitpid(pid, NULL, 0);
	dprintf(1, "both are through\n");
	return 0;
}
