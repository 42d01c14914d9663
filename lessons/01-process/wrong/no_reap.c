/* no_reap.c - a wrong join_timeout.
 *
 * Mistake: it reads the exit code with WNOWAIT and leaves the zombie: a slot
 *         of the process table each time, until fork says EAGAIN.
 * Caught by: "correct: success leaves no zombie"
 *
 * Build:  cc -O2 -I../exercise -o no_reap no_reap.c
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

	for (;;) {
		int64_t left = deadline - now();
		struct timespec t = { 0, 0 };
		int n;

		if (left > 0) {
			t.tv_sec = left / 1000000000;
			t.tv_nsec = left % 1000000000;
		}
		n = ppoll(&p, 1, deadline == NEVER ? NULL : &t, NULL);
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
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
	siginfo_t info = { .si_pid = 0 };
	int fd, rc;

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
		return -errno;
	if (info.si_pid == 0 && timeout_ns == 0)
		return -ETIMEDOUT;
	if (info.si_pid == 0) {
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd < 0)
			return -errno;
		rc = wait_readable(fd, deadline);
		close(fd);
		if (rc < 0)
			return rc;
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	}
	*code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
	return 0;
	/* END 3 */
}

#include "frame.h"
