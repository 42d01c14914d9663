/* knock.c - see knock.h.
 *
 * The descriptors of a listener are inherited by a fork.  What is not its own a
 * child leaves alone: it closes its copies, and those who knocked at its parent
 * notice nothing.
 */
#include "mp/knock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "mp/address.h"
#include "mp/clock.h"
#include "mp/stream.h"

#define PATIENCE_NS INT64_C(10000000000)
#define CROWDED_NS  INT64_C(1000000000) /* patience with a full row */
#define REST_NS     INT64_C(100000000)

/* ---- watching ---- */

static int watch(const struct mp_knocking *k, int fd, int how, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(k->epoll, how, fd, &e) < 0 ? -errno : 0;
}

/* fd, under the number of an older descriptor, if there is one. */
static int take_number(int *number, int fd)
{
	int error = 0;

	if (fd < 0)
		return -errno;
	if (*number < 0) {
		*number = fd;
		return 0;
	}
	if (dup3(fd, *number, O_CLOEXEC) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* In a forked process the numbers stay, for the program may know them; what
 * they stand for must not be shared. */
int mp_knock_watch(struct mp_listener *l)
{
	struct mp_knocking *k = l->knocking;
	int error;

	while (k->n > 0)
		mp_stream_close(&k->row[--k->n].conn);
	error = take_number(&k->epoll, epoll_create1(EPOLL_CLOEXEC));
	if (error == 0)
		error = watch(k, l->fd, EPOLL_CTL_ADD, EPOLLIN);
	if (error == 0)
		error = take_number(&k->timer,
				    timerfd_create(CLOCK_MONOTONIC,
						   TFD_CLOEXEC | TFD_NONBLOCK));
	if (error == 0)
		error = watch(k, k->timer, EPOLL_CTL_ADD, EPOLLIN);
	k->alarm = k->rest = 0;
	k->shut = false;
	if (error == 0)
		k->owner = getpid();
	return error;
}

/* How long the oldest may stay. */
static int64_t patience(const struct mp_knocking *k)
{
	return k->n < MP_KNOCK_MAX ? PATIENCE_NS : CROWDED_NS;
}

/* When there is something to do though nobody says a word; 0: never. */
static int64_t next_alarm(const struct mp_knocking *k)
{
	int64_t alarm = k->n > 0 ? k->row[0].since + patience(k) : 0;

	if (k->rest != 0 && (alarm == 0 || alarm > k->rest))
		alarm = k->rest;
	return alarm;
}

/* The door, and the clock's next alarm. */
static int set_watches(struct mp_listener *l)
{
	struct mp_knocking *k = l->knocking;
	bool shut = k->n == MP_KNOCK_MAX || k->rest != 0;
	int64_t alarm = next_alarm(k);
	struct itimerspec t = { .it_value = { alarm / 1000000000,
					      alarm % 1000000000 } };
	int error;

	if (shut != k->shut) {
		error = watch(k, l->fd, EPOLL_CTL_MOD, shut ? 0 : EPOLLIN);
		if (error < 0)
			return error;
		k->shut = shut;
	}
	if (alarm != k->alarm) {
		if (timerfd_settime(k->timer, TFD_TIMER_ABSTIME, &t, NULL) < 0)
			return -errno;
		k->alarm = alarm;
	}
	return 0;
}

/* ---- the row ---- */

/* Cut off: the peer sees the end also when a forked process holds a copy. */
static void hang_up(int fd)
{
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

/* Take number i out of the row, with its connection. */
static struct mp_conn leave(struct mp_knocking *k, int i)
{
	struct mp_conn c = k->row[i].conn;

	epoll_ctl(k->epoll, EPOLL_CTL_DEL, c.fd, NULL);
	k->n--;
	memmove(k->row + i, k->row + i + 1,
		(size_t)(k->n - i) * sizeof(k->row[0]));
	return c;
}

static void refuse(struct mp_listener *l, int i)
{
	struct mp_conn c = leave(l->knocking, i);

	shutdown(c.fd, SHUT_RDWR);
	mp_stream_close(&c);
	l->refused++;
}

/* A stranger with a new connection: into the row, and asked.  -ENOMEM, and what
 * epoll_ctl says: it is sent away. */
static int admit(struct mp_listener *l, int fd)
{
	struct mp_knocking *k = l->knocking;
	struct mp_knock *new;
	int error;

	new = &k->row[k->n];
	error = mp_stream_open(&new->conn, fd);
	if (error < 0) {
		hang_up(fd);
		return error;
	}
	new->since = mp_clock_now();
	k->n++;
	error = watch(k, fd, EPOLL_CTL_ADD, EPOLLIN);
	if (error < 0)
		refuse(l, k->n - 1);
	else if (mp_auth_begin(&new->auth, &new->conn, true) < 0)
		refuse(l, k->n - 1);
	return error;
}

/* What became of him who came, says accept(2), and not of us. */
static bool is_his_error(int error)
{
	return error == ECONNABORTED || error == EINTR || error == ENETDOWN ||
	       error == EPROTO || error == ENOPROTOOPT || error == EHOSTDOWN ||
	       error == ENONET || error == EHOSTUNREACH ||
	       error == EOPNOTSUPP || error == ENETUNREACH;
}

/* Those at the door.  1: *c is one who need not be asked.  0: no more, for now:
 * those in the row want to be served too. */
static int open_door(struct mp_listener *l, struct mp_conn *c)
{
	struct mp_knocking *k = l->knocking;
	int fd, error;

	for (int i = 0; i < MP_KNOCK_MAX && k->n < MP_KNOCK_MAX; i++) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno == EAGAIN)
			return 0;
		if (fd < 0 && is_his_error(errno))
			continue;
		if (fd < 0)
			return -errno;
		if (!k->any_user && !mp_address_same_user(fd)) {
			hang_up(fd);
			l->refused++;
			continue;
		}
		if (k->key.data == NULL) {
			error = mp_stream_open(c, fd);
			if (error < 0)
				hang_up(fd);
			return error < 0 ? error : 1;
		}
		error = admit(l, fd);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Those in the row who have said something.  1: *c is one who has passed. */
static int listen_to(struct mp_listener *l, struct mp_conn *c)
{
	struct epoll_event e[MP_KNOCK_MAX + 2];
	struct mp_knocking *k = l->knocking;
	int said, i, passed;

	said = epoll_wait(k->epoll, e, MP_KNOCK_MAX + 2, 0);
	while (said-- > 0) {
		for (i = 0; i < k->n; i++)
			if (k->row[i].conn.fd == e[said].data.fd)
				break;
		if (i == k->n)
			continue; /* the door, or the clock */
		passed = mp_auth_step(&k->row[i].auth, &k->row[i].conn, &k->key,
				      0);
		if (passed == 1) {
			*c = leave(k, i);
			return 1;
		}
		if (passed < 0 && passed != -ETIMEDOUT)
			refuse(l, i);
	}
	return 0;
}

static void lose_patience(struct mp_listener *l)
{
	struct mp_knocking *k = l->knocking;

	while (k->n > 0 && mp_clock_left(k->row[0].since + patience(k)) == 0)
		refuse(l, 0);
}

int mp_knock_step(struct mp_listener *l, struct mp_conn *c)
{
	int result = listen_to(l, c), error;

	if (result == 0) {
		result = open_door(l, c);
		/* Who watches the descriptor would be called at once. */
		l->knocking->rest = result < 0 ? mp_clock_now() + REST_NS : 0;
	}
	lose_patience(l);
	error = set_watches(l);
	return result != 0 ? result : error;
}

void mp_knock_end(struct mp_listener *l)
{
	struct mp_knocking *k = l->knocking;

	while (k->n > 0 && k->owner == getpid())
		refuse(l, 0);
	while (k->n > 0)
		mp_stream_close(&k->row[--k->n].conn);
	if (k->epoll >= 0)
		close(k->epoll);
	if (k->timer >= 0)
		close(k->timer);
	k->epoll = k->timer = -1;
}
