/* step10_killed.c - the far end is closed, or killed.  [works]
 *
 * Build:  cc -O2 -o step10_killed step10_killed.c
 * New:    the end of file as news: in the middle of what?
 * Try:    ./step10_killed
 * Kill:   ./step10_killed kill
 * See:    both are the end of file, unless somebody else holds that end.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd[2], ms;

/* How many bytes; fewer at the end of file; -1: no more for so many ms. */
static int read_all(char *buf, int size)
{
	struct pollfd p = { .fd = fd[0], .events = POLLIN };
	int got = 0, n = 1;

	for (; got < size && n > 0; got += n)
		if (poll(&p, 1, ms) < 1 ||
		    (n = (int)read(p.fd, buf + got, (size_t)(size - got))) < 0)
			return -1;
	return got;
}

static const char *receive(void)
{
	static char header[4], text[100];
	int n = read_all(header, 4);

	if (n == 0)
		return "end of file";
	if (n == 4 && (n = read_all(text, header[3])) == header[3])
		return text;
	return n < 0 ? "nothing for 50 ms" : "cut off";
}

/* A child sends the first bytes of a message; it closes, or it is killed. */
static void far_end(const char *what, int bytes, int closes, int held)
{
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		err(1, "pipe2 or fork");
	if (pid == 0) {
		if (write(fd[1], "\0\0\0\5hello", (size_t)bytes) != bytes)
			err(1, "write");
		close(fd[1]);
		while (closes)
			pause();
		raise(SIGKILL);
	}
	close(held ? -1 : fd[1]);
	if (!closes)
		waitpid(pid, NULL, 0);
	ms = held ? 50 : -1; /* for poll */
	dprintf(1, "%s: %s\n", what, receive());
	if (bytes == 9)
		dprintf(1, "and then: %s\n", receive());
	if (closes)
		kill(pid, SIGKILL);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "kill") != 0)
		errx(2, "'%s' is not kill", argv[1]);
	if (argc < 2) {
		far_end("the far end is closed", 0, 1, 0);
		far_end("the far end is killed", 0, 0, 0);
		dprintf(1, "sending on the receiving end: %s\n",
			write(fd[0], "x", 1) < 0 ? "refused" : "sent");
		return 0;
	}
	far_end("killed before a message", 0, 0, 0);
	far_end("killed in its header", 2, 0, 0);
	far_end("killed after its header", 4, 0, 0);
	far_end("killed in its bytes", 6, 0, 0);
	far_end("killed after it", 9, 0, 0);
	far_end("killed in its bytes, but we hold that end too", 6, 0, 1);
	return 0;
}
