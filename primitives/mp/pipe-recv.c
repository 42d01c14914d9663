/* pipe-recv.c - the receiver's side of a ring. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/fence.h"
#include "mp/pipe-bell.h"
#include "mp/pipe-ring.h"
#include "mp/poll.h"
#include "mp/spin.h"

static uint64_t head_of(const struct mp_ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_relaxed);
}

static bool something(struct mp_ring *r)
{
	return mp_pipe_next(r) != 0;
}

/* ---- what has been read is room again ---- */

static void free_up(struct mp_ring *r)
{
	uint64_t head = head_of(r);

	if (atomic_load_explicit(&r->freed, memory_order_relaxed) == head)
		return;
	atomic_store_explicit(&r->recv_cpu, mp_spin_cpu(),
			      memory_order_relaxed);
	mp_chaos();
	/* Pairs with the acquire in has_room, pipe-send.c; and is the fence
	 * that mp_gate_open wants. */
	atomic_exchange_explicit(&r->freed, head, memory_order_seq_cst);
	mp_gate_open(&r->room, 1, &r->counters);
}

/* The message is received, or this piece of it, by this store. */
static void advance(struct mp_ring *r, uint64_t header)
{
	uint64_t head = head_of(r) + mp_pipe_size(header);

	r->send_cpu = header >> MP_PIPE_CPU_SHIFT & MP_PIPE_CPU;
	mp_chaos();
	atomic_store_explicit(&r->head, head, memory_order_relaxed);
	if (head - atomic_load_explicit(&r->freed, memory_order_relaxed) >=
	    r->size / 8)
		free_up(r);
}

/* ---- waiting ---- */

void mp_pipe_ring(struct mp_ring *r, int bell)
{
	uint32_t old = atomic_load_explicit(&r->bell, memory_order_relaxed);

	mp_counters_add(&r->counters, MP_WAKES);
	mp_eventfd_post(bell, 1);
	mp_chaos();
	if (old & MP_PIPE_ARMED)
		atomic_compare_exchange_strong_explicit(
			&r->bell, &old, old & ~MP_PIPE_ARMED,
			memory_order_relaxed, memory_order_relaxed);
}

void mp_pipe_arm(struct mp_conn *c)
{
	_Atomic uint32_t *bell = &c->in->bell;
	uint32_t old = atomic_load_explicit(bell, memory_order_relaxed);

	/* A sender changes it too, but only to disarm. */
	while (!atomic_compare_exchange_weak_explicit(
		bell, &old, (old + MP_PIPE_GENERATION) | MP_PIPE_ARMED,
		memory_order_relaxed, memory_order_relaxed))
		;
}

static bool polled(const struct mp_ring *r)
{
	return atomic_load_explicit(&r->bell, memory_order_relaxed) &
	       MP_PIPE_ALWAYS;
}

/* For whoever polls: readable while something is there, and else not. */
static void settle(struct mp_conn *c)
{
	if (!polled(c->in) || something(c->in))
		return;
	mp_eventfd_wait(c->bell_in, 0, NULL);
	if (something(c->in))
		mp_eventfd_post(c->bell_in, 1);
}

/* 0: look again.  -EPIPE, -ETIMEDOUT, -EINTR. */
static int sleep_on(struct mp_conn *c, int64_t deadline)
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
	if (ready == 0 && something(r))
		mp_counters_add(&r->counters, MP_RESCUES);
	else if (ready == 0 && until == deadline)
		return -ETIMEDOUT;
	if (p[0].revents != 0 && !polled(r))
		mp_eventfd_wait(c->bell_in, 0, NULL);
	settle(c);
	/* It may have sent something before it went. */
	if (p[1].revents != 0 && !something(r))
		return -EPIPE;
	return 0;
}

/* Until a record is there.  *deadline is set by the first wait.
 * 0, -EPIPE, -ETIMEDOUT, -EINTR. */
static int wait_for_record(struct mp_conn *c, int64_t timeout_ns,
			   int64_t *deadline)
{
	struct mp_ring *r = c->in;
	struct mp_spin spin = { 0 };
	int error = 0;

	if (something(r))
		return 0;
	free_up(r);
	if (timeout_ns == 0) {
		if (!mp_pipe_gone(c))
			return something(r) ? 0 : -ETIMEDOUT;
		return something(r) ? 0 : -EPIPE;
	}
	if (*deadline == 0)
		*deadline = mp_clock_deadline(timeout_ns);
	while (!something(r) && error == 0) {
		if (mp_spin(&spin, r->send_cpu, *deadline))
			continue;
		error = sleep_on(c, *deadline);
		spin = (struct mp_spin){ 0 };
	}
	return error;
}

/* ---- messages ---- */

/* Copy `size` bytes into the pieces of v, from `skip` on. */
static void scatter(const struct iovec *v, uint64_t skip,
		    const unsigned char *from, uint64_t size)
{
	uint64_t n;

	for (; size != 0; v++) {
		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		n = v->iov_len - skip < size ? v->iov_len - skip : size;
		memcpy((char *)v->iov_base + skip, from, n);
		from += n;
		size -= n;
		skip = 0;
	}
}

/* One record for the message in hand.  0: that was its last.  -EAGAIN: go on.
 * Errors as mp_conn_recv. */
static int take(struct mp_ring *r, uint64_t header, const struct iovec *v,
		uint64_t room, uint64_t *total)
{
	struct mp_pipe_progress *p = &r->receiving;
	const unsigned char *bytes = mp_pipe_bytes(r, head_of(r));
	uint64_t size = header & MP_PIPE_LENGTH;
	bool mine = p->tid == mp_owner_tid();

	if (mine && header & (MP_PIPE_FIRST | MP_PIPE_DESCRIPTOR)) {
		p->tid = 0;
		return -ECONNRESET;
	}
	if (header & MP_PIPE_DESCRIPTOR)
		return -EBADMSG;
	if (!mine && !(header & MP_PIPE_FIRST)) {
		/* The rest of a message whose receiver has died. */
		advance(r, header);
		return -EAGAIN;
	}
	*total = mine ? p->total : size;
	if (!mine && !(header & MP_PIPE_LAST)) {
		memcpy(total, bytes, sizeof(*total));
		bytes += sizeof(*total);
	}
	if (*total > room)
		return -EMSGSIZE;
	if (header & MP_PIPE_FIRST)
		*p = (struct mp_pipe_progress){ .total = *total };
	scatter(v, p->done, bytes, size);
	p->done += size;
	p->tid = header & MP_PIPE_LAST ? 0 : mp_owner_tid();
	advance(r, header);
	return header & MP_PIPE_LAST ? 0 : -EAGAIN;
}

int mp_pipe_recvv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns, size_t *length)
{
	uint64_t room = 0, total = 0;
	struct mp_ring *r = c->in;
	int64_t deadline = 0;
	int error;

	if (r == NULL)
		return -EBADF;
	for (int i = 0; i < n; i++)
		if (__builtin_add_overflow(room, v[i].iov_len, &room))
			room = UINT64_MAX;
	do {
		error = wait_for_record(c, timeout_ns, &deadline);
		if (error == 0)
			error = take(r, mp_pipe_next(r), v, room, &total);
	} while (error == -EAGAIN);
	if (error == -EPIPE && r->receiving.tid == mp_owner_tid()) {
		r->receiving.tid = 0;
		error = -ECONNRESET;
	}
	if (length != NULL && (error == 0 || error == -EMSGSIZE))
		*length = total;
	settle(c);
	return error;
}

int mp_pipe_poll(struct mp_conn *c, int64_t timeout_ns)
{
	int64_t deadline = 0;
	int error;

	if (c->in == NULL)
		return -EBADF;
	error = wait_for_record(c, timeout_ns, &deadline);
	settle(c);
	if (error == 0 || error == -EPIPE)
		return 1;
	return error == -ETIMEDOUT ? 0 : error;
}

/* ---- descriptors ---- */

/* The one with this number.  Older ones belong to records that were never sent:
 * their senders died in between.  A newer one: this one's receiver died with it,
 * -ENOENT.  First only look: without a free descriptor here the kernel would
 * drop it. */
static int fetch(const struct mp_conn *c, uint64_t number)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	uint64_t found;
	struct iovec v = { .iov_base = &found, .iov_len = sizeof(found) };
	struct msghdr m;
	struct cmsghdr *h;
	int fd;

	for (;;) {
		m = (struct msghdr){ .msg_iov = &v,
				     .msg_iovlen = 1,
				     .msg_control = control.space,
				     .msg_controllen = sizeof(control.space) };
		if (recvmsg(c->fd, &m,
			    MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
			return -ENOENT;
		h = CMSG_FIRSTHDR(&m);
		if (h == NULL)
			return -EMFILE;
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
		if (found <= number)
			recv(c->fd, &found, sizeof(found), MSG_DONTWAIT);
		if (found == number)
			return fd;
		close(fd);
		if (found > number)
			return -ENOENT;
	}
}

int mp_pipe_recv_fd(struct mp_conn *c, int64_t timeout_ns)
{
	struct mp_ring *r = c->in;
	int64_t deadline = 0;
	uint64_t header, number;
	int result;

	if (r == NULL)
		return -EBADF;
	do {
		result = wait_for_record(c, timeout_ns, &deadline);
		if (result < 0)
			break;
		header = mp_pipe_next(r);
		if (!(header & MP_PIPE_DESCRIPTOR))
			return -EBADMSG;
		memcpy(&number, mp_pipe_bytes(r, head_of(r)), sizeof(number));
		result = fetch(c, number);
		if (result != -EMFILE)
			advance(r, header);
	} while (result == -ENOENT);
	settle(c);
	return result;
}

int mp_pipe_fileno(struct mp_conn *c)
{
	struct epoll_event bell = { .events = EPOLLIN },
			   gone = { .events = EPOLLRDHUP };
	int fd, error = 0;

	if (c->in == NULL)
		return -EBADF;
	if (c->poll_fd >= 0)
		return c->poll_fd;
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
	atomic_fetch_or_explicit(&c->in->bell, MP_PIPE_ALWAYS,
				 memory_order_relaxed);
	mp_fence_heavy();
	if (something(c->in))
		mp_eventfd_post(c->bell_in, 1);
	return fd;
}
