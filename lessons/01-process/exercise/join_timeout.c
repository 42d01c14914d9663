/* join_timeout.c - join a child, but not longer than asked.
 *
 * Build:  cc -O2 -I../exercise -o join_timeout join_timeout.c
 * Try:    ./join_timeout run status
 *         ./join_timeout run storm
 *         ./join_timeout count waiting
 *
 * Three functions have a hole; fill them in this order.  frame.h has the main
 * that tries them out: read it if you like, change nothing there.
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
	(void)status;
	return -ENOSYS;
	/* END 1 */
}

/* Sleep until fd is readable: 0, or -ETIMEDOUT when the deadline has passed. */
int wait_readable(int fd, int64_t deadline)
{
	/* HOLE 2: one ppoll sleeps as long as is left; it needs no loop
	 * unless a signal handler ran (EINTR).  Then compute anew what is
	 * left.  NEVER is a null pointer for ppoll.  A deadline that has
	 * passed asks once. */
	(void)fd;
	(void)deadline;
	return -ENOSYS;
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
	(void)deadline;
	(void)code;
	return -ENOSYS;
	/* END 3 */
}

#include "frame.h"
