/* naps.c - a wrong join_timeout.
 *
 * Mistake: it looks, naps for a millisecond, and looks again: the wait ends
 *         late, and a sleeping machine is woken a thousand times a second.
 * Caught by: "counted: waiting 100 ms takes at most 8 system calls",
 *            "counted: waiting 100 ms takes at most 5 sleeps"
 *
 * Build:  cc -O2 -I../exercise -o naps naps.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEVER INT64_MAX

/* Nanoseconds on the clock that nobody sets. */
static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A signal handler that does nothing, but interrupts what sleeps. */
static void ignore(int sig)
{
	(void)sig;
}

/* The moment at which a timeout ends. */
static int64_t deadline_of(int64_t timeout_ns)
{
	int64_t start = now();

	if (timeout_ns < 0 || timeout_ns > NEVER - start)
		return NEVER;
	return start + timeout_ns;
}

/* Python's exit code for what waitpid reports. */
int exit_code(int status)
{
	/* HOLE 1: the exit status if the child left by _exit, and minus the
	 * signal if a signal ended it.  See WIFSIGNALED in wait(2). */
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	/* END 1 */
}

/* Sleep until fd is readable: 0, or -ETIMEDOUT when the deadline has passed. */
int wait_readable(int fd, int64_t deadline)
{
	/* HOLE 2: one ppoll sleeps as long as is left; it needs no loop
	 * unless a signal handler ran (EINTR).  Then compute anew what is
	 * left.  NEVER is a null pointer for ppoll.  A deadline that has
	 * passed asks once. */
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 0) != 1) {
		if (deadline != NEVER && now() >= deadline)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
	/* END 2 */
}

/* Wait until the child pid has ended, reap it and store its exit code.
 *
 * timeout_ns: nanoseconds; negative waits for ever, 0 tries once.
 * 0: it has ended and *code is its exit code.  -ETIMEDOUT: it still runs.
 * -ECHILD: pid is no child of ours, or has been reaped.
 * Signal handlers that run meanwhile neither shorten nor prolong the wait. */
int join_timeout(pid_t pid, int64_t timeout_ns, int *code)
{
	int64_t deadline = deadline_of(timeout_ns);

	if (pid <= 0)
		return -ECHILD; /* 0 and -1 mean "any child" to waitpid */

	/* HOLE 3: ask waitpid without waiting (WNOHANG): it tells "ended", "not
	 * ours" and "still running" apart.  If there is something to wait for,
	 * open a pidfd as in step 9, wait_readable, close it, then reap. */
	int fd, rc, status;
	pid_t got = waitpid(pid, &status, WNOHANG);

	if (got == 0 && timeout_ns == 0)
		return -ETIMEDOUT;
	if (got == 0) {
		/* The pid cannot be somebody else's: nobody has reaped it. */
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd < 0)
			return -errno;
		rc = wait_readable(fd, deadline);
		close(fd);
		if (rc < 0)
			return rc;
		got = waitpid(pid, &status, 0);
	}
	if (got < 0)
		return -errno;
	*code = exit_code(status);
	return 0;
	/* END 3 */
}

#include "frame.h"
