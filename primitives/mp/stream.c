/* stream.c - messages over a stream socket.
 *
 * What is not asked for stays in the socket: recv reads a header, and then what
 * belongs to this message, which makes two system calls a message.  One that
 * read on into a buffer of its own would make fewer.  But then messages would
 * lie where neither poll() nor another process that receives next sees them,
 * and would die with this process.  So the socket itself is the descriptor for
 * poll, and it is readable exactly while something is left.
 *
 * The socket may be blocking; MSG_DONTWAIT and poll() give each call its
 * timeout.
 *
 * Descriptors that come unasked are closed by the kernel, since nothing here
 * gives recvmsg room for one; those that are asked for: stream-fd.c.
 */
#include "mp/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/frame.h"
#include "mp/poll.h"

#define PIECES 16 /* for one system call */

int mp_stream_open(struct mp_conn *c, int fd)
{
	struct mp_stream *s = calloc(1, sizeof(*s));
	int domain = AF_UNIX;

	if (s == NULL)
		return -ENOMEM;
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain,
		   &(socklen_t){ sizeof(domain) });
	s->tcp = domain != AF_UNIX;
	*c = (struct mp_conn){ .stream = s,
			       .fd = fd,
			       .bell_in = -1,
			       .bell_out = -1,
			       .poll_fd = -1 };
	return 0;
}

/* ---- pieces ---- */

/* The bytes [skip, skip + room) of what is added, in pieces. */
struct window {
	uint64_t skip, room;
	struct iovec v[PIECES];
	size_t n, size;
};

static void add(struct window *w, const void *data, size_t size)
{
	if (w->skip >= size) {
		w->skip -= size;
		return;
	}
	size -= w->skip;
	if (size > w->room)
		size = w->room;
	if (size == 0)
		return;
	w->v[w->n].iov_base = (char *)(uintptr_t)data + w->skip;
	w->v[w->n++].iov_len = size;
	w->skip = 0;
	w->room -= size;
	w->size += size;
}

static void add_all(struct window *w, const struct iovec *v, int n)
{
	for (int i = 0; i < n && w->room > 0 && w->n < PIECES; i++)
		add(w, v[i].iov_base, v[i].iov_len);
}

static uint64_t size_of(const struct iovec *v, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		if (__builtin_add_overflow(sum, v[i].iov_len, &sum))
			return UINT64_MAX;
	return sum;
}

/* Is it time to go?  A peer that is as quick as we are could keep us for the
 * whole of a long message. */
static bool over(const struct window *w, ssize_t n, int64_t deadline)
{
	return (size_t)n < w->size && mp_clock_left(deadline) == 0;
}

/* Is the peer gone, or its machine?  TCP's own ETIMEDOUT is not a caller's. */
static bool is_gone(int error)
{
	return error == ECONNRESET || error == ETIMEDOUT ||
	       error == EHOSTUNREACH || error == ENETUNREACH;
}

/* ---- sending ---- */

ssize_t mp_stream_send_some(int fd, const struct msghdr *m, int64_t deadline)
{
	ssize_t n;
	int error;

	for (;;) {
		n = sendmsg(fd, m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (is_gone(errno))
			return -EPIPE;
		if (errno != EAGAIN)
			return -errno;
		if (mp_clock_left(deadline) == 0)
			return -ETIMEDOUT;
		error = mp_poll(fd, POLLOUT, deadline);
		if (error < 0)
			return error;
	}
}

int mp_stream_sendv(struct mp_conn *c, const struct iovec *v, int n,
		    int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	unsigned char head[MP_FRAME_HEAD_MAX];
	struct mp_stream *s = c->stream;
	uint64_t length = size_of(v, n);
	size_t head_size;
	ssize_t sent;

	if (length > MP_FRAME_LENGTH_MAX ||
	    (s->out_done > 0 && s->out_length != length))
		return -EINVAL;
	s->out_length = length;
	head_size = mp_frame_encode(head, length);
	while (s->out_done < head_size + length) {
		struct window w = { .skip = s->out_done, .room = SSIZE_MAX };
		struct msghdr m = { .msg_iov = w.v };

		add(&w, head, head_size);
		add_all(&w, v, n);
		m.msg_iovlen = w.n;
		sent = mp_stream_send_some(c->fd, &m, deadline);
		if (sent < 0)
			return (int)sent;
		s->out_done += (uint64_t)sent;
		if (over(&w, sent, deadline))
			return -ETIMEDOUT;
	}
	s->out_done = 0;
	return 0;
}

int mp_stream_send(struct mp_conn *c, const void *data, size_t length,
		   int64_t timeout_ns)
{
	struct iovec v = { (void *)(uintptr_t)data, length };

	return mp_stream_sendv(c, &v, 1, timeout_ns);
}

/* ---- receiving ---- */

void mp_stream_next(struct mp_stream *s)
{
	s->head_have = 0;
	s->whole = false;
	s->have = 0;
}

int mp_stream_ended(struct mp_stream *s)
{
	bool inside = s->head_have > 0;

	mp_stream_next(s);
	return inside ? -ECONNRESET : -EPIPE;
}

int mp_stream_bad(struct mp_conn *c)
{
	c->stream->bad = true;
	shutdown(c->fd, SHUT_RD);
	return -EBADMSG;
}

ssize_t mp_stream_recv_some(int fd, struct msghdr *m, int64_t deadline)
{
	ssize_t n;
	int error;

	for (;;) {
		n = recvmsg(fd, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n >= 0)
			return n;
		/* The peer went without having read all that we sent. */
		if (is_gone(errno))
			return 0;
		if (errno != EAGAIN)
			return -errno;
		if (mp_clock_left(deadline) == 0)
			return -ETIMEDOUT;
		error = mp_poll(fd, POLLIN, deadline);
		if (error < 0)
			return error;
	}
}

int mp_stream_header(struct mp_conn *c, int64_t deadline)
{
	struct mp_stream *s = c->stream;
	ssize_t n;
	int more;

	if (s->bad)
		return -EBADMSG;
	while (!s->whole) {
		more = mp_frame_decode(s->head, s->head_have, &s->length);
		if (more < 0)
			return mp_stream_bad(c);
		if (more == 0) {
			s->whole = true;
			if (s->tcp && s->length == MP_FRAME_DESCRIPTOR)
				return mp_stream_bad(c);
			break;
		}
		struct iovec v = { s->head + s->head_have, (size_t)more };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

		n = mp_stream_recv_some(c->fd, &m, deadline);
		if (n <= 0)
			return n < 0 ? (int)n : mp_stream_ended(s);
		s->head_have += (size_t)n;
	}
	return 0;
}

int mp_stream_recvv(struct mp_conn *c, const struct iovec *v, int n,
		    int64_t timeout_ns, size_t *length)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_stream *s = c->stream;
	int error = mp_stream_header(c, deadline);
	ssize_t got;

	if (error < 0)
		return error;
	if (s->length == MP_FRAME_DESCRIPTOR)
		return -EBADMSG;
	if (length != NULL)
		*length = s->length;
	if (s->length > size_of(v, n))
		return -EMSGSIZE;
	while (s->have < s->length) {
		struct window w = { .skip = s->have,
				    .room = s->length - s->have };
		struct msghdr m = { .msg_iov = w.v };

		add_all(&w, v, n);
		m.msg_iovlen = w.n;
		got = mp_stream_recv_some(c->fd, &m, deadline);
		if (got <= 0)
			return got < 0 ? (int)got : mp_stream_ended(s);
		s->have += (uint64_t)got;
		if (over(&w, got, deadline) && s->have < s->length)
			return -ETIMEDOUT;
	}
	mp_stream_next(s);
	return 0;
}

int mp_stream_recv(struct mp_conn *c, void *buf, size_t size,
		   int64_t timeout_ns, size_t *length)
{
	struct iovec v = { buf, size };

	return mp_stream_recvv(c, &v, 1, timeout_ns, length);
}

int mp_stream_poll(struct mp_conn *c, int64_t timeout_ns)
{
	int error;

	if (c->stream->bad)
		return 1;
	error = mp_poll(c->fd, POLLIN, mp_clock_deadline(timeout_ns));
	return error == -ETIMEDOUT ? 0 : error == 0 ? 1 : error;
}

/* ---- the rest ---- */

int mp_stream_fileno(struct mp_conn *c)
{
	return c->fd;
}

int mp_stream_close(struct mp_conn *c)
{
	close(c->fd);
	free(c->stream);
	*c = (struct mp_conn){
		.fd = -1, .bell_in = -1, .bell_out = -1, .poll_fd = -1
	};
	return 0;
}
