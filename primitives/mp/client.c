/* client.c - connect to a listener; who is there. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "mp/address.h"
#include "mp/auth.h"
#include "mp/clock.h"
#include "mp/listener.h"
#include "mp/poll.h"
#include "mp/stream.h"

int mp_conn_peer(const struct mp_conn *c)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (c->stream == NULL)
		return -EBADF;
	if (c->stream->tcp)
		return -EOPNOTSUPP;
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.pid;
}

/* Where nobody listens, TCP may connect a socket to itself: when the port that
 * the kernel gives the client is the one that it asks for. */
static bool is_itself(int fd, const struct mp_address *to)
{
	struct mp_address mine = { .size = sizeof(mine.in6) };

	return getsockname(fd, &mine.any, &mine.size) == 0 &&
	       mine.size == to->size && memcmp(&mine, to, to->size) == 0;
}

/* TCP: connect() only begins it. */
static int connect_tcp(int fd, const struct mp_address *a, int64_t deadline)
{
	socklen_t size = sizeof(int);
	int error;

	if (connect(fd, &a->any, a->size) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		error = mp_poll(fd, POLLOUT, deadline);
		if (error < 0)
			return error;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			return -errno;
		if (error > 0)
			return -error;
	}
	return is_itself(fd, a) ? -ECONNREFUSED : 0;
}

/* connect() takes its time limit from the socket.  A limit, however long, also
 * makes a signal handler end it whatever SA_RESTART says. */
static int connect_until(int fd, const struct mp_address *a, int64_t deadline)
{
	int64_t left = mp_clock_left(deadline), day = INT64_C(86400000000000);
	struct timeval t;

	for (;;) {
		if (left > day)
			left = day;
		t.tv_sec = left / 1000000000;
		t.tv_usec = left % 1000000000 / 1000;
		if (t.tv_sec == 0 && t.tv_usec == 0)
			t.tv_usec = 1; /* 0 would be for ever */
		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
			return -errno;
		if (connect(fd, &a->any, a->size) == 0)
			return 0;
		if (errno != EAGAIN)
			return -errno;
		left = mp_clock_left(deadline);
		if (left == 0)
			return -ETIMEDOUT;
	}
}

static int connect_unix(int fd, const struct mp_address *a,
			const struct mp_listener_options *o, int64_t deadline)
{
	int error = connect_until(fd, a, deadline);

	if (error == 0 && !o->any_user && !mp_address_same_user(fd))
		error = -EACCES;
	return error;
}

static int shake_hands(struct mp_conn *c, const struct mp_listener_options *o,
		       int64_t deadline)
{
	struct mp_auth_key key = { o->authkey, o->authkey_length };
	struct mp_auth auth;
	int result = mp_auth_begin(&auth, c, false);
	int64_t left = -1;

	while (result == 0) {
		if (deadline != MP_CLOCK_NEVER)
			left = mp_clock_left(deadline);
		result = mp_auth_step(&auth, c, &key, left);
	}
	/* It hung up in the middle of a word. */
	if (result == -ECONNRESET)
		result = -EPIPE;
	return result < 0 ? result : 0;
}

int mp_client_connect(struct mp_conn *c, const char *address,
		      const struct mp_listener_options *o, int64_t timeout_ns)
{
	static const struct mp_listener_options none;
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_address a;
	int fd, error;

	*c = mp_conn_closed;
	if (o == NULL)
		o = &none;
	error = address != NULL ? mp_address_resolve(address, &a) : -EINVAL;
	if (error == 0)
		error = mp_address_check_options(&a, o);
	if (error == 0 && mp_address_is_tcp(&a) && mp_address_port(&a) == 0)
		error = -EINVAL;
	if (error < 0)
		return error;
	fd = mp_address_socket(&a, mp_address_is_tcp(&a) ? SOCK_NONBLOCK : 0);
	if (fd < 0)
		return fd;
	error = mp_address_is_tcp(&a) ? connect_tcp(fd, &a, deadline)
				      : connect_unix(fd, &a, o, deadline);
	if (error == 0)
		error = mp_stream_open(c, fd);
	if (error < 0) {
		close(fd);
		return error;
	}
	if (o->authkey != NULL) {
		error = shake_hands(c, o, deadline);
		if (error < 0)
			mp_stream_close(c);
	}
	return error;
}
