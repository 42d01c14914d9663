/* stream-fd.c - descriptors over a Unix stream socket.
 *
 * A header of length -2, then one byte with the descriptor attached.  The two
 * are sent apart: so a header can be read, by one who wants a message, without
 * taking the descriptor out of the socket.
 */
#include "mp/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/eventfd.h"
#include "mp/poll.h"

/* One byte, and room for one descriptor: CMSG_SPACE has room for two. */
struct parcel {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec v;
	struct msghdr m;
};

static void wrap(struct parcel *p)
{
	memset(p, 0, sizeof(*p));
	p->v = (struct iovec){ &p->byte, 1 };
	p->m.msg_iov = &p->v;
	p->m.msg_iovlen = 1;
	p->m.msg_control = p->control;
	p->m.msg_controllen = CMSG_LEN(sizeof(int));
}

int mp_stream_send_fd(struct mp_conn *c, int fd, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	unsigned char head[MP_FRAME_HEAD_MAX];
	struct mp_stream *s = c->stream;
	struct cmsghdr *h;
	struct parcel p;
	size_t head_size = mp_frame_encode(head, MP_FRAME_DESCRIPTOR);
	ssize_t sent;

	if (s->tcp)
		return -EOPNOTSUPP;
	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	if (s->out_done > 0 && s->out_length != MP_FRAME_DESCRIPTOR)
		return -EINVAL;
	s->out_length = MP_FRAME_DESCRIPTOR;
	while (s->out_done < head_size) {
		struct iovec v = { head + s->out_done,
				   head_size - s->out_done };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

		sent = mp_stream_send_some(c->fd, &m, deadline);
		if (sent < 0)
			return (int)sent;
		s->out_done += (uint64_t)sent;
	}
	wrap(&p);
	h = CMSG_FIRSTHDR(&p.m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	sent = mp_stream_send_some(c->fd, &p.m, deadline);
	if (sent < 0)
		return (int)sent;
	s->out_done = 0;
	return 0;
}

/* recv_fd reads no header of a message: it would be missing from what poll sees
 * of a message without bytes. */
static int descriptor_first(struct mp_conn *c, int64_t deadline)
{
	struct mp_stream *s = c->stream;
	unsigned char head[MP_FRAME_HEAD_MAX], seen;
	ssize_t n;
	int error;

	mp_frame_encode(head, MP_FRAME_DESCRIPTOR);
	while (!s->bad && s->head_have == 0) {
		n = recv(c->fd, &seen, 1, MSG_PEEK | MSG_DONTWAIT);
		if (n > 0 && seen != head[0])
			return -EBADMSG;
		if (n >= 0 || errno != EAGAIN)
			break; /* mp_stream_header tells */
		error = mp_poll(c->fd, POLLIN, deadline);
		if (error < 0)
			return error;
	}
	error = mp_stream_header(c, deadline);
	if (error == 0 && s->length != MP_FRAME_DESCRIPTOR)
		error = -EBADMSG;
	return error;
}

/* Without a free descriptor the kernel would throw this one away: ask first. */
static int room_for_descriptor(void)
{
	int spare = mp_eventfd_create(0, 0);

	if (spare < 0)
		return spare;
	close(spare);
	return 0;
}

int mp_stream_recv_fd(struct mp_conn *c, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct parcel p;
	struct cmsghdr *h;
	ssize_t n;
	int fd, error;

	if (c->stream->tcp)
		return -EOPNOTSUPP;
	error = descriptor_first(c, deadline);
	if (error == 0)
		error = room_for_descriptor();
	if (error < 0)
		return error;
	wrap(&p);
	n = mp_stream_recv_some(c->fd, &p.m, deadline);
	if (n <= 0)
		return n < 0 ? (int)n : mp_stream_ended(c->stream);
	mp_stream_next(c->stream);
	h = CMSG_FIRSTHDR(&p.m);
	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(h), sizeof(int));
		return fd;
	}
	/* Another thread took the last one, or there was none with the byte. */
	return p.m.msg_flags & MSG_CTRUNC ? -EMFILE : mp_stream_bad(c);
}
