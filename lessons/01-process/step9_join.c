/* step9_join.c - join with a timeout: a descriptor for the child.  [works]
 *
 * Build:  cc -O2 -o step9_join step9_join.c
 * New:    pidfd_open(), and poll() and pidfd_send_signal() on its result
 * Try:    ./step9_join
 * See:    waitpid has no timeout; poll has one, and a pidfd becomes readable
 *         when its process ends.  The pidfd never means another process, even
 *         after the pid has been given to somebody else.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Old C libraries have no wrapper for these two. */
static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int pidfd_kill(int fd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

/* 1: the child has ended; 0: it still runs after so many ms (-1: for ever). */
static int ended(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = poll(&p, 1, ms);

	if (n < 0)
		err(1, "poll");
	return n;
}

int main(void)
{
	int fd, status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		for (;;)
			pause();
	fd = pidfd_of(pid);
	if (fd < 0)
		err(1, "pidfd_open");

	dprintf(1, "after 20 ms: %s\n", ended(fd, 20) ? "ended" : "running");
	if (pidfd_kill(fd, SIGTERM) < 0)
		err(1, "pidfd_send_signal");
	dprintf(1, "terminated: %s\n", ended(fd, -1) ? "ended" : "running");

	if (waitpid(pid, &status, 0) < 0) /* does not wait any more */
		err(1, "waitpid");
	dprintf(1, "joined: exit code %d\n", -WTERMSIG(status));
	if (pidfd_kill(fd, SIGTERM) < 0)
		dprintf(1, "signal after join: %s\n", strerror(errno));
	close(fd);
	return 0;
}
