/* wait.c - one poll for all.
 *
 * Rings in shared memory are looked at before; while this thread sleeps their
 * bells are armed, with one fence for all of them.
 */
#include "mp/wait.h"

#include <errno.h>
#include <stdlib.h>

#include "mp/backstop.h"
#include "mp/clock.h"
#include "mp/fence.h"
#include "mp/pipe-bell.h"
#include "mp/poll.h"
#include "mp/spin.h"

static struct mp_ring *ring_of(const struct mp_waitable *w)
{
	return w->conn != NULL ? w->conn->in : NULL;
}

static bool something(const struct mp_waitable *v, int n)
{
	for (int i = 0; i < n; i++)
		if (ring_of(&v[i]) != NULL && mp_pipe_next(ring_of(&v[i])) != 0)
			return true;
	return false;
}

/* Two for each: what is ready, and for a ring, that its peer is gone. */
static int prepare(struct mp_waitable *w, struct pollfd p[2])
{
	int fd = w->fd;

	w->ready = 0;
	p[0] = (struct pollfd){ .events = POLLIN };
	p[1] = (struct pollfd){ .fd = -1, .events = POLLRDHUP };
	if (ring_of(w) != NULL) {
		fd = w->conn->bell_in;
		p[1].fd = w->conn->fd;
	} else if (w->conn != NULL) {
		fd = mp_conn_fileno(w->conn);
	} else if (w->process != NULL) {
		fd = mp_process_fd(w->process);
		if (fd == -ESRCH) {
			w->ready = 1; /* and was joined */
			return 0;
		}
	} else if (w->events != 0) {
		p[0].events = w->events;
	}
	p[0].fd = fd;
	if (fd >= 0)
		return 0;
	w->ready = -1;
	return w->conn == NULL && w->process == NULL ? -EBADF : fd;
}

/* After poll: 1 it is ready, 0, -EBADF. */
static int judge(struct mp_waitable *w, const struct pollfd p[2])
{
	struct mp_ring *r = ring_of(w);

	if (p[0].revents & POLLNVAL) {
		w->ready = -1;
		return -EBADF;
	}
	if (r != NULL) {
		if (p[0].revents != 0)
			mp_pipe_answered(w->conn);
		w->ready = p[1].revents != 0 || mp_pipe_next(r) != 0;
	} else if (w->conn != NULL || w->process != NULL) {
		w->ready |= p[0].revents != 0;
	} else {
		w->ready = p[0].revents;
	}
	return w->ready != 0;
}

/* Poll once, until then; how many are ready. */
static int poll_all(struct mp_waitable *v, struct pollfd *p, int n,
		    int64_t deadline)
{
	int error = mp_poll_many(p, 2 * n, deadline), ready = 0;

	for (int i = 0; i < n && error >= 0; i++) {
		error = judge(&v[i], &p[2 * i]);
		ready += error > 0;
	}
	return error < 0 ? error : ready;
}

static void arm(struct mp_waitable *v, int n)
{
	for (int i = 0; i < n; i++)
		if (ring_of(&v[i]) != NULL)
			mp_pipe_arm(v[i].conn);
	mp_fence_heavy();
}

static int wait_all(struct mp_waitable *v, struct pollfd *p, int n,
		    int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_spin spin = { 0 };
	int ready, rings = 0;
	int64_t until;

	for (int i = 0; i < n; i++) {
		ready = prepare(&v[i], &p[2 * i]);
		if (ready < 0)
			return ready;
		rings += ring_of(&v[i]) != NULL;
		if (v[i].ready)
			timeout_ns = 0;
	}
	/* With other descriptors among them, to spin would make those late. */
	while (timeout_ns != 0 && rings == n && !something(v, n) &&
	       mp_spin(&spin, 0, deadline))
		;
	ready = poll_all(v, p, n, 0);
	while (ready == 0 && timeout_ns != 0) {
		until = deadline;
		if (rings != 0) {
			arm(v, n);
			until = something(v, n)
					? 0
					: mp_backstop_deadline(deadline);
		}
		ready = poll_all(v, p, n, until);
		if (mp_clock_left(deadline) == 0)
			break;
	}
	return ready;
}

int mp_wait(struct mp_waitable *v, int n, int64_t timeout_ns)
{
	struct pollfd *p;
	int ready;

	if (n < 1)
		return -EINVAL;
	p = calloc((size_t)n, 2 * sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	ready = wait_all(v, p, n, timeout_ns);
	free(p);
	return ready;
}
