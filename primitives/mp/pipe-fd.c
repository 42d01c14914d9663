/* pipe-fd.c - descriptors: the socket carries them, a record in the ring says
 * when.
 *
 * Each has a number.  A sender may die when its descriptor is in the socket and
 * its record not yet in the ring, a receiver in between too; by the number the
 * next one sees which belong together.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/pipe-bell.h"
#include "mp/pipe-ring.h"
#include "mp/poll.h"

static int pass(const struct mp_conn *c, int fd, uint64_t number,
		int64_t deadline)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .space = { 0 } };
	struct iovec v = { .iov_base = &number, .iov_len = sizeof(number) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control.space,
			    .msg_controllen = sizeof(control.space) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int error;

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	while (sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		error = mp_poll(c->fd, POLLOUT, deadline);
		if (error < 0)
			return error;
	}
	return 0;
}

int mp_pipe_send_fd(struct mp_conn *c, int fd, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	uint64_t header = MP_PIPE_SENT | MP_PIPE_DESCRIPTOR | sizeof(uint64_t);
	struct mp_ring *r = c->out;
	uint64_t tail, number;
	int error;

	if (r == NULL)
		return -EBADF;
	tail = mp_pipe_tail(r);
	r->sending.id = 0;
	error = mp_pipe_make_room(c, tail, mp_pipe_size(header), timeout_ns);
	if (error < 0)
		return error;
	/* Never one that another sender may have used before its death. */
	number = ++r->passed;
	error = pass(c, fd, number, deadline);
	if (error < 0)
		return error;
	memcpy(mp_pipe_bytes(r, tail), &number, sizeof(number));
	mp_pipe_publish(c, tail, header);
	return 0;
}

/* The one with this number.  Older ones were never announced: drop them.  A
 * newer one, or none: a receiver took this one and died, -ENOENT.  First only
 * look: without a free descriptor here the kernel would drop it. */
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
		result = mp_pipe_wait(c, timeout_ns, &deadline);
		if (result < 0)
			break;
		header = mp_pipe_next(r);
		if (!(header & MP_PIPE_DESCRIPTOR))
			return -EBADMSG;
		memcpy(&number, mp_pipe_bytes(r, mp_pipe_head(r)),
		       sizeof(number));
		result = fetch(c, number);
		if (result != -EMFILE)
			mp_pipe_advance(r, header);
	} while (result == -ENOENT);
	mp_pipe_settle(c);
	return result;
}
