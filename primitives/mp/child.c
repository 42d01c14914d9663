/* child.c - waitid looks, keeps and reaps; a pidfd for timeouts and signals.
 * What a fork server bore, it reaps.
 */
#include "mp/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/poll.h"
#include "mp/serve.h"
#include "mp/trace.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int32_t end_of(struct mp_child *c)
{
	/* Pairs with the exchange in reap. */
	return atomic_load_explicit(&c->end, memory_order_acquire);
}

/* waitid through the pidfd if there is one. */
static int look(struct mp_child *c, siginfo_t *si, int options)
{
	int fd = atomic_load_explicit(&c->fd, memory_order_acquire) - 1;

	si->si_pid = 0;
	return fd >= 0 ? waitid(P_PIDFD, (id_t)fd, si, WEXITED | options)
		       : waitid(P_PID, (id_t)c->pid, si, WEXITED | options);
}

static void trace_exit(const struct mp_child *c, int32_t end)
{
	char text[MP_TRACE_NAME_MAX];

	if (!mp_trace_on())
		return;
	if (end > 0)
		snprintf(text, sizeof(text), "exited (%d)", end - 1);
	else
		snprintf(text, sizeof(text), "killed (signal %d)", -end);
	mp_trace_exit(c->pid, text);
}

int32_t mp_child_end(int code, int status)
{
	return code == CLD_EXITED ? status + 1 : -status;
}

void mp_child_lose(struct mp_child *c)
{
	int32_t none = 0;

	atomic_compare_exchange_strong(&c->end, &none, MP_CHILD_LOST);
}

/* The kernel tells us that it has ended, the server how.  -EAGAIN: it runs, or
 * somebody who traces it has not let it go yet. */
static int reap_there(struct mp_child *c, int options)
{
	bool wait = !(options & WNOHANG);
	int error;

	error = mp_poll(mp_child_fd(c), POLLIN, wait ? MP_CLOCK_NEVER : 0);
	if (error < 0)
		return error == -ETIMEDOUT ? -EAGAIN : error;
	while ((error = mp_forkserver_reap(c->server, c)) == -EAGAIN && wait)
		if (poll(NULL, 0, 1) < 0)
			return -errno;
	if (error > 0)
		trace_exit(c, end_of(c));
	return error < 0 ? error : 0;
}

/* Looking (WNOWAIT) and reaping are two steps so that two threads may wait at
 * once: both see how it ended, and it does not matter which of them reaps.
 * -EAGAIN: it runs (WNOHANG in options). */
static int reap(struct mp_child *c, int options)
{
	siginfo_t si;
	int32_t end, none = 0;

	if (end_of(c) != 0)
		return 0;
	if (c->server != NULL) {
		int error = reap_there(c, options);

		/* Without the server, its children are those of init, or of
		 * whoever adopts orphans, and that may be we. */
		if (error != -EPIPE && error != -ECHILD)
			return error;
	}
	if (look(c, &si, WNOWAIT | options) < 0) {
		if (errno != ECHILD)
			return -errno;
		/* Another thread was quicker, or somebody else reaped it. */
		mp_child_lose(c);
		return 0;
	}
	if (si.si_pid == 0)
		return -EAGAIN;
	end = mp_child_end(si.si_code, si.si_status);
	/* Stored before the reaping, so that ECHILD above finds it. */
	if (!atomic_compare_exchange_strong(&c->end, &none, end))
		return 0;
	trace_exit(c, end);
	look(c, &si, WNOHANG);
	return 0;
}

/* The pid may have been reaped, and taken by a stranger, between the look at
 * c->end and pidfd_open; a stranger is nobody whom waitid lets us wait for. */
int mp_child_fd(struct mp_child *c)
{
	int fd, none = 0;
	siginfo_t si;

	fd = atomic_load_explicit(&c->fd, memory_order_acquire) - 1;
	if (fd >= 0)
		return fd;
	if (end_of(c) != 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (fd < 0)
		return -errno;
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOWAIT | WNOHANG) < 0) {
		close(fd);
		return -ESRCH;
	}
	if (!atomic_compare_exchange_strong(&c->fd, &none, fd + 1)) {
		close(fd);
		fd = none - 1;
	}
	return fd;
}

int mp_child_wait(struct mp_child *c, int64_t timeout_ns)
{
	int error, fd;

	if (timeout_ns < 0)
		return reap(c, 0);
	error = reap(c, WNOHANG);
	if (error != -EAGAIN)
		return error;
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	fd = mp_child_fd(c);
	if (fd == -ESRCH)
		return reap(c, WNOHANG);
	error = fd < 0 ? fd
		       : mp_poll(fd, POLLIN, mp_clock_deadline(timeout_ns));
	if (error == 0)
		error = reap(c, WNOHANG);
	return error == -EAGAIN ? -ETIMEDOUT : error;
}

int mp_child_signal(struct mp_child *c, int sig)
{
	int fd = mp_child_fd(c), rc;

	if (fd == -ESRCH)
		return 0;
	/* Out of descriptors, the pid must do: it was not reaped just now. */
	rc = fd < 0 ? kill(c->pid, sig)
		    : (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	return rc < 0 && errno != ESRCH ? -errno : 0;
}

void mp_child_close(struct mp_child *c)
{
	int fd = atomic_exchange(&c->fd, 0) - 1;

	if (fd >= 0)
		close(fd);
}
