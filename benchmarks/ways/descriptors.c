/* Ways with descriptors: pipes, sockets, eventfd.
 *
 * Streams know no messages: who receives reads until a whole one is there.  A
 * pipe that many read and write takes and gives 64 bytes at once, because that
 * is less than PIPE_BUF, and divides a page.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ways/way.h"

static int all_send(struct channel *c, int side, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t done = write(c->fd[side][1], p, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

static int all_receive(struct channel *c, int side, void *data, size_t n)
{
	char *p = data;

	while (n > 0) {
		ssize_t got = read(c->fd[side][0], p, n);

		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EINTR)
			return -errno;
		p += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* A message in one piece, or not at all. */
static int packet_send(struct channel *c, int side, const void *data, size_t n)
{
	while (write(c->fd[side][1], data, n) != (ssize_t)n)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int packet_receive(struct channel *c, int side, void *data, size_t n)
{
	ssize_t got;

	while ((got = read(c->fd[side][0], data, n)) != (ssize_t)n)
		if (got >= 0)
			return -EBADMSG;
		else if (errno != EINTR)
			return -errno;
	return 0;
}

/* ---- pipe ---- */

static int pipe_one(struct channel *c, int from, int to)
{
	size_t size = c->items > 0 ? c->items * c->bytes : c->buffer;
	int fd[2], got;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	c->fd[to][0] = fd[0];
	c->fd[from][1] = fd[1];
	if (size == 0)
		return 0;
	got = fcntl(fd[1], F_SETPIPE_SZ, (int)size);
	if (got < 0 && errno == EPERM)
		return channel_missing(
			c, -EPERM,
			"a pipe of %zu bytes is more than fs.pipe-"
			"max-size allows",
			size);
	if (got >= 0 && (size_t)got > size && c->items > 0)
		return channel_missing(c, -EINVAL,
				       "no pipe is smaller than a page: %d "
				       "messages",
				       got / (int)c->bytes);
	return got < 0 ? -errno : 0;
}

static int pipe_make(struct channel *c)
{
	int e = pipe_one(c, 0, 1);

	return e < 0 || !c->both ? e : pipe_one(c, 1, 0);
}

const struct way way_pipe = { .name = "pipe",
			      .make = pipe_make,
			      .send = all_send,
			      .receive = all_receive };

/* ---- FIFO: a pipe with a name, for as long as it takes to open it ---- */

static int fifo_one(struct channel *c, const char *path, int from, int to)
{
	int e = 0;

	if (mkfifo(path, 0600) < 0)
		return -errno;
	/* The other end is there first: no open waits. */
	c->fd[to][0] = open(path, O_RDWR | O_CLOEXEC);
	c->fd[from][1] = open(path, O_WRONLY | O_CLOEXEC);
	if (c->fd[to][0] < 0 || c->fd[from][1] < 0)
		e = -errno;
	unlink(path);
	return e;
}

static int fifo_make(struct channel *c)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX];
	size_t n;
	int e;

	n = (size_t)snprintf(path, sizeof(path) - 8, "%s/rawmp-XXXXXX",
			     folder != NULL ? folder : "/tmp");
	if (n >= sizeof(path) - 8)
		return -ENAMETOOLONG;
	if (mkdtemp(path) == NULL)
		return channel_missing(c, -errno, "no FIFO in %.60s: %s",
				       folder != NULL ? folder : "/tmp",
				       strerror(errno));
	strcpy(path + n, "/fifo");
	e = fifo_one(c, path, 0, 1);
	if (e == 0 && c->both)
		e = fifo_one(c, path, 1, 0);
	path[n] = '\0';
	rmdir(path);
	return e;
}

const struct way way_fifo = { .name = "fifo",
			      .make = fifo_make,
			      .send = all_send,
			      .receive = all_receive };

/* ---- sockets ---- */

/* How much may lie in a socket; the kernel doubles it, for its own needs. */
static int size_socket(struct channel *c, int fd, int option, size_t size)
{
	int n = (int)size, force, got = 0;
	socklen_t length = sizeof(got);

	if (size == 0)
		return 0;
	force = option == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
	if (setsockopt(fd, SOL_SOCKET, force, &n, sizeof(n)) == 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, option, &n, sizeof(n));
	getsockopt(fd, SOL_SOCKET, option, &got, &length);
	if (got >= n)
		return 0;
	return channel_missing(c, -EPERM,
			       "a socket's buffer of %d bytes is more than "
			       "net.core.%cmem_max allows",
			       n, option == SO_SNDBUF ? 'w' : 'r');
}

static void sides(struct channel *c, int a, int b)
{
	c->fd[0][0] = c->fd[0][1] = a;
	c->fd[1][0] = c->fd[1][1] = b;
}

static int socketpair_make(struct channel *c, int type)
{
	int fd[2];
	/* A short message takes as much of the buffer as 768 bytes. */
	size_t size = c->items > 0 ? (size_t)c->items * 384 : c->buffer;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	sides(c, fd[0], fd[1]);
	return size_socket(c, fd[0], SO_SNDBUF, size);
}

static int stream_make(struct channel *c)
{
	return socketpair_make(c, SOCK_STREAM);
}

static int seqpacket_make(struct channel *c)
{
	if (c->bytes > 128 << 10)
		return channel_missing(c, -EMSGSIZE,
				       "longer than a packet may be");
	return socketpair_make(c, SOCK_SEQPACKET);
}

static int dgram_make(struct channel *c)
{
	if (c->bytes > 128 << 10)
		return channel_missing(c, -EMSGSIZE,
				       "longer than a datagram may be");
	return socketpair_make(c, SOCK_DGRAM);
}

const struct way way_socketpair_stream = { .name = "socketpair_stream",
					   .make = stream_make,
					   .send = all_send,
					   .receive = all_receive };
const struct way way_socketpair_seqpacket = { .name = "socketpair_seqpacket",
					      .make = seqpacket_make,
					      .send = packet_send,
					      .receive = packet_receive };
const struct way way_socketpair_dgram = { .name = "socketpair_dgram",
					  .make = dgram_make,
					  .send = packet_send,
					  .receive = packet_receive };

/* Loopback; *at becomes where it is bound. */
static int bound(struct channel *c, int type, struct sockaddr_in *at)
{
	socklen_t length = sizeof(*at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)at, &length) < 0) {
		channel_missing(c, -errno, "no loopback: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EADDRNOTAVAIL;
	}
	return fd;
}

/* Nagle's delay helps many short messages, and harms a round trip. */
static int tcp_prepare(struct channel *c, int fd)
{
	int one = 1, e;

	if (c->both &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return -errno;
	e = size_socket(c, fd, SO_SNDBUF, c->buffer / 2);
	return e < 0 ? e : size_socket(c, fd, SO_RCVBUF, c->buffer / 2);
}

static int tcp_make(struct channel *c)
{
	struct sockaddr_in at;
	int listening = bound(c, SOCK_STREAM, &at), a, b = -1, e = 0;

	if (listening < 0)
		return listening;
	a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (a < 0 || listen(listening, 1) < 0 ||
	    connect(a, (const struct sockaddr *)&at, sizeof(at)) < 0)
		e = -errno;
	if (e == 0) {
		b = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		e = b < 0 ? -errno : 0;
	}
	close(listening);
	sides(c, a, b);
	if (e == 0)
		e = tcp_prepare(c, a);
	return e < 0 ? e : tcp_prepare(c, b);
}

static int udp_make(struct channel *c)
{
	struct sockaddr_in at_a, at_b;
	int a, b;

	if (c->bytes > 65507)
		return channel_missing(c, -EMSGSIZE,
				       "longer than a datagram may be");
	a = bound(c, SOCK_DGRAM, &at_a);
	if (a < 0)
		return a;
	b = bound(c, SOCK_DGRAM, &at_b);
	sides(c, a, b);
	if (b < 0)
		return b;
	if (connect(a, (const struct sockaddr *)&at_b, sizeof(at_b)) < 0 ||
	    connect(b, (const struct sockaddr *)&at_a, sizeof(at_a)) < 0)
		return -errno;
	return 0;
}

const struct way way_tcp = { .name = "tcp",
			     .make = tcp_make,
			     .send = all_send,
			     .receive = all_receive };
const struct way way_udp = { .name = "udp",
			     .make = udp_make,
			     .send = packet_send,
			     .receive = packet_receive };

/* ---- eventfd: the message is the count, and may not be 0 ---- */

static int eventfd_make(struct channel *c)
{
	if (c->bytes != sizeof(uint64_t))
		return channel_missing(c, -EMSGSIZE, "it brings 8 bytes");
	for (int i = 0; i < 2; i++) {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (fd < 0)
			return -errno;
		c->fd[i][0] = fd;
		c->fd[1 - i][1] = dup(fd);
		if (c->fd[1 - i][1] < 0)
			return -errno;
	}
	return 0;
}

const struct way way_eventfd = { .name = "eventfd",
				 .make = eventfd_make,
				 .send = packet_send,
				 .receive = packet_receive };
