/* pipe-bell.c - arm, look, sleep. */
#include "mp/pipe-bell.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mp/backstop.h"
#include "mp/eventfd.h"
#include "mp/fence.h"
#include "mp/poll.h"

static bool something(struct mp_ring *r)
{
	return mp_pipe_next(r) != 0;
}

void mp_pipe_arm(struct mp_conn *c)
{
	mp_bell_arm(&c->in->bell);
}

static bool polled(const struct mp_ring *r)
{
	return atomic_load_explicit(&r->bell, memory_order_relaxed) &
	       MP_BELL_ALWAYS;
}

void mp_pipe_settle(struct mp_conn *c)
{
	if (!polled(c->in) || something(c->in))
		return;
	mp_eventfd_wait(c->bell_in, 0, NULL);
	if (something(c->in))
		mp_eventfd_post(c->bell_in, 1);
}

void mp_pipe_answered(struct mp_conn *c)
{
	if (polled(c->in))
		mp_pipe_settle(c);
	else
		mp_eventfd_wait(c->bell_in, 0, NULL);
}

int mp_pipe_sleep(struct mp_conn *c, int64_t deadline)
{
	int64_t until = mp_backstop_deadline(deadline);
	struct pollfd p[] = { { .fd = c->bell_in, .events = POLLIN },
			      { .fd = c->fd, .events = POLLRDHUP } };
	struct mp_ring *r = c->in;
	int ready;

	mp_pipe_arm(c);
	mp_fence_heavy();
	if (something(r))
		return 0;
	mp_counters_add(&r->counters, MP_SLEEPS);
	ready = mp_poll_many(p, 2, until);
	if (ready < 0)
		return ready;
	if (ready == 0 && until == deadline)
		return something(r) ? 0 : -ETIMEDOUT;
	if (ready == 0 && something(r))
		mp_counters_add(&r->counters, MP_RESCUES);
	if (p[0].revents != 0)
		mp_pipe_answered(c);
	/* It may have sent something before it went. */
	if (p[1].revents != 0 && !something(r))
		return -EPIPE;
	return 0;
}

int mp_pipe_fileno(struct mp_conn *c)
{
	struct epoll_event bell = { .events = EPOLLIN },
			   gone = { .events = EPOLLRDHUP };
	int fd, error = 0;

	if (c->in == NULL)
		return -EBADF;
	if (c->poll_fd >= 0) {
		/* One that had this end and was killed may have taken the
		 * post of a message back. */
		if (something(c->in))
			mp_eventfd_post(c->bell_in, 1);
		return c->poll_fd;
	}
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, c->bell_in, &bell) < 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, c->fd, &gone) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	c->poll_fd = fd;
	atomic_fetch_or_explicit(&c->in->bell, MP_BELL_ALWAYS,
				 memory_order_relaxed);
	mp_fence_heavy();
	if (something(c->in))
		mp_eventfd_post(c->bell_in, 1);
	return fd;
}
