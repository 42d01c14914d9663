/* manager-loop.c - the server: look round, serve, sleep.
 *
 * Who talks through shared memory is hot after a message: the loop looks at its
 * ring each time round, which costs a load that mostly hits the cache.  Nobody
 * makes a system call meanwhile.  When nothing has come for a while, the bells
 * of all the hot are armed, and the server sleeps in epoll, with all others;
 * from then on they are cold, until a bell rings.
 *
 *	round:	serve the hot
 *		now and then, or when nothing came: ask epoll, not waiting
 *		nothing for some fifty microseconds: arm, fence, look, sleep
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mp/backstop.h"
#include "mp/clock.h"
#include "mp/fence.h"
#include "mp/manager-own.h"
#include "mp/pipe-bell.h"
#include "mp/poll.h"

#define EVENTS       64
#define ASK_EVERY    512  /* rounds with messages */
#define COOL         4096 /* rounds without one, while others have some */
#define MS_NS        INT64_C(1000000)
#define FULL_MOST_NS (100 * MS_NS)

/* ---- what epoll tells ---- */

static void answer_event(struct mp_server *s, const struct mp_watch *w)
{
	struct mp_client *c = w->client;

	if (w->kind == MP_WATCH_DOOR) {
		while (mp_door_step(s))
			;
		return;
	}
	if (w->kind == MP_WATCH_LISTENER) {
		mp_door_listener(s);
		return;
	}
	if (c->state == MP_CLIENT_GONE)
		return;
	if (w->kind == MP_WATCH_PROCESS ||
	    (w->kind == MP_WATCH_SOCKET && c->rings))
		mp_client_died(c);
	else if (c->state == MP_CLIENT_COLD && c->rings)
		mp_client_state(c, MP_CLIENT_HOT);
	else if (c->state == MP_CLIENT_COLD)
		mp_client_serve(c);
	else if (c->state == MP_CLIENT_FULL && !c->rings &&
		 mp_client_flush(c) == 1) {
		mp_client_state(c, MP_CLIENT_COLD);
		if (c->rest.size != 0)
			mp_client_serve(c);
	}
}

static void free_gone(struct mp_server *s)
{
	struct mp_client *c;

	while ((c = s->gone) != NULL) {
		DL_DELETE2(s->gone, c, some_prev, some_next);
		mp_client_free(c);
	}
}

/* How many events.  epoll_wait counts milliseconds: the rest of a deadline is
 * ppoll's. */
static int ask_epoll(struct mp_server *s, int64_t deadline)
{
	int64_t left = deadline == 0 ? 0 : mp_clock_left(deadline);
	struct epoll_event v[EVENTS];
	int wait_ms = 0, n;

	if (left == MP_CLOCK_NEVER)
		wait_ms = -1;
	else if (left >= MS_NS)
		wait_ms =
			left / MS_NS < INT_MAX ? (int)(left / MS_NS) : INT_MAX;
	else if (left > 0)
		mp_poll(s->epoll, POLLIN, deadline);
	n = epoll_wait(s->epoll, v, EVENTS, wait_ms);
	for (int i = 0; i < n && !s->ended; i++)
		answer_event(s, v[i].data.ptr);
	free_gone(s);
	return n > 0 ? n : 0;
}

/* ---- the rings ---- */

static bool something(const struct mp_client *c)
{
	return mp_pipe_next(c->conn.in) != 0;
}

/* From now on the next message rings; unless it has come already. */
static void cool_one(struct mp_client *c)
{
	mp_pipe_arm(&c->conn);
	mp_fence_heavy();
	if (!something(c))
		mp_client_state(c, MP_CLIENT_COLD);
}

/* All; how many are hot still. */
static int cool_all(struct mp_server *s)
{
	struct mp_client *c, *next;
	int n = 0;

	DL_FOREACH2 (s->hot, c, some_next)
		if (c->rings)
			mp_pipe_arm(&c->conn);
	mp_fence_heavy();
	DL_FOREACH_SAFE2 (s->hot, c, next, some_next) {
		if (c->broken || c->dead || something(c))
			n++;
		else
			mp_client_state(c, MP_CLIENT_COLD);
	}
	return n;
}

/* The back-stop's look. */
static void look_cold(struct mp_server *s)
{
	struct mp_client *c;

	DL_FOREACH (s->clients, c)
		if (c->rings && c->state == MP_CLIENT_COLD && something(c))
			mp_client_state(c, MP_CLIENT_HOT);
}

/* Once round; how many messages there were. */
static int look_round(struct mp_server *s)
{
	struct mp_client *c, *next;
	int n = 0, messages;

	DL_FOREACH_SAFE2 (s->hot, c, next, some_next) {
		messages = mp_client_serve(c);
		n += messages;
		if (s->ended)
			return n;
		if (messages != 0)
			c->idle = 0;
		else if (c->rings && ++c->idle == COOL &&
			 c->state == MP_CLIENT_HOT)
			cool_one(c);
	}
	return n;
}

/* Rings that had no room: only a look tells.  Did any go on? */
static bool look_full(struct mp_server *s)
{
	struct mp_client *c, *next;
	bool moved = false;
	uint64_t tail;

	DL_FOREACH_SAFE2 (s->full, c, next, some_next) {
		if (!c->rings)
			continue;
		tail = mp_pipe_tail(c->conn.out);
		if (mp_client_flush(c) == 1)
			mp_client_state(c, MP_CLIENT_HOT);
		moved |= c->state != MP_CLIENT_FULL ||
			 mp_pipe_tail(c->conn.out) != tail;
	}
	if (moved)
		s->full_ns = 0;
	return moved;
}

/* While one of them is full: more and more seldom. */
static int64_t next_look(struct mp_server *s, int64_t until)
{
	const struct mp_client *c;

	DL_FOREACH2 (s->full, c, some_next)
		if (c->rings)
			break;
	if (c == NULL)
		return until;
	s->full_ns = s->full_ns < MS_NS ? MS_NS : 2 * s->full_ns;
	if (s->full_ns > FULL_MOST_NS)
		s->full_ns = FULL_MOST_NS;
	return mp_clock_left(until) > s->full_ns ? mp_clock_deadline(s->full_ns)
						 : until;
}

static void sleep_once(struct mp_server *s, int64_t deadline)
{
	if (cool_all(s) != 0 || s->gone != NULL)
		return;
	if (ask_epoll(s, next_look(s, mp_backstop_deadline(deadline))) == 0)
		look_cold(s);
}

void mp_server_run(struct mp_server *s)
{
	struct mp_spin spin = { 0 };
	uint32_t rounds = 0;
	bool moved;
	int64_t deadline;

	while (!s->ended) {
		moved = s->full != NULL && look_full(s);
		if (s->suspects != 0)
			mp_object_collect(s, false);
		if (s->gone != NULL)
			free_gone(s);
		deadline = mp_park_look(s);
		if (look_round(s) != 0 || moved) {
			spin = (struct mp_spin){ 0 };
			if (++rounds % ASK_EVERY == 0)
				ask_epoll(s, 0);
			continue;
		}
		if ((s->hot != NULL || s->full != NULL) &&
		    mp_spin(&spin, s->last_cpu, deadline))
			continue;
		spin = (struct mp_spin){ 0 };
		sleep_once(s, deadline);
	}
}

/* ---- beginning and end ---- */

/* A client takes four descriptors. */
static void many_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int watch(struct mp_server *s, int fd, struct mp_watch *w)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = w };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int mp_server_init(struct mp_server *s, const struct mp_manager_options *o,
		   int door)
{
	static struct mp_watch at_door = { .kind = MP_WATCH_DOOR },
			       at_listener = { .kind = MP_WATCH_LISTENER };
	struct mp_listener_options l = { .authkey = o->authkey,
					 .authkey_length = o->authkey_length,
					 .remote = o->remote };
	int error;

	*s = (struct mp_server){ .door = door,
				 .alarm = MP_CLOCK_NEVER,
				 .message_max = o->message_max
							? o->message_max
							: MP_MANAGER_MESSAGE };
	many_descriptors();
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	error = mp_verbs_init(s, o->types);
	if (error == 0 && o->address != NULL) {
		error = mp_listener_init(&s->listener, o->address, &l);
		s->listens = error == 0;
	}
	if (s->listens)
		error = watch(s, mp_listener_fileno(&s->listener),
			      &at_listener);
	if (error == 0 && door >= 0)
		error = watch(s, door, &at_door);
	if (error < 0)
		mp_server_end(s);
	return error;
}

void mp_server_end(struct mp_server *s)
{
	while (s->clients != NULL)
		mp_client_gone(s->clients);
	free_gone(s);
	mp_object_end(s);
	mp_verbs_end(s);
	if (s->listens)
		mp_listener_close(&s->listener);
	if (s->epoll >= 0)
		close(s->epoll);
	mp_pack_free(&s->nested);
	mp_pack_free(&s->kept);
	free(s->in);
}
