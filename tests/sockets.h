/* sockets.h - for tests of connections over sockets: one end of ours, the other
 * a bare socket that may say anything.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <fcntl.h>
#include <sys/socket.h>

#include "mp/address.h"
#include "mp/conn.h"
#include "mp/stream.h"
#include "waiting.h"

static inline void socket_pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		err(1, "socketpair");
}

/* Two ends of ours. */
static inline void conn_pair(struct mp_conn *a, struct mp_conn *b)
{
	int fd[2];

	socket_pair(fd);
	if (mp_stream_open(a, fd[0]) < 0 || mp_stream_open(b, fd[1]) < 0)
		errx(1, "mp_stream_open");
}

/* One of ours; the result is the bare one. */
static inline int bare_pair(struct mp_conn *c)
{
	int fd[2];

	socket_pair(fd);
	if (mp_stream_open(c, fd[0]) < 0)
		errx(1, "mp_stream_open");
	return fd[1];
}

/* Write all, as it stands. */
static inline void say(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	for (; size > 0; p += n, size -= (size_t)n) {
		n = send(fd, p, size, MSG_NOSIGNAL);
		if (n < 0)
			err(1, "send");
	}
}

/* A string literal, with its NULs. */
#define SAY(fd, text) say(fd, text, sizeof(text) - 1)

/* A bare socket connected to a listener's address. */
static inline int bare_client(const char *address)
{
	struct mp_address a;
	int fd;

	if (mp_address_resolve(address, &a) < 0)
		errx(1, "%s: no address", address);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &a.any, a.size) < 0)
		err(1, "connect to %s", address);
	return fd;
}

/* Send a byte with these descriptors attached. */
static inline void send_fds(int fd, const void *data, size_t size,
			    const int *fds, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec v = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h;

	memset(control, 0, sizeof(control));
	h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) != (ssize_t)size)
		err(1, "sendmsg");
}

#endif
