/* poll.c - ppoll takes a relative time; the deadline makes it absolute. */
#include "mp/poll.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "mp/clock.h"

int mp_poll_many(struct pollfd *v, int n, int64_t deadline_ns)
{
	struct timespec t, *timeout = NULL;
	int64_t left;
	int ready;

	if (deadline_ns != MP_CLOCK_NEVER) {
		left = mp_clock_left(deadline_ns);
		t.tv_sec = left / 1000000000;
		t.tv_nsec = left % 1000000000;
		timeout = &t;
	}
	ready = ppoll(v, (nfds_t)n, timeout, NULL);
	return ready < 0 ? -errno : ready;
}

int mp_poll(int fd, int events, int64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = (short)events };
	int ready = mp_poll_many(&p, 1, deadline_ns);

	if (ready < 0)
		return ready;
	if (ready == 0)
		return -ETIMEDOUT;
	return p.revents & POLLNVAL ? -EBADF : 0;
}
