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

#define EVENTS    64
#define ASK_EVERY 256     /* rounds with messages */
#define COOL      4096    /* rounds without one, while others have some */
#define FULL_NS   1000000 /* looks at rings that have no room */

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
		 mp_client_flush(c) == 1)
		mp_client_state(c, MP_CLIENT_COLD);
}

static void free_gone(struct mp_server *s)
{
	struct mp_client *c;

	while ((c = s->gone) != NULL) {
		DL_DELETE2(s->gone, c, some_prev, some_next);
		mp_client_free(c);
	}
}

/* How many events.  A deadline is met to the nanosecond by ppoll, which is
 * asked only if there is one. */
static int ask_epoll(struct mp_server *s, int64_t deadline)
{
	struct epoll_event v[EVENTS];
	int wait_ms = 0, n;

	if (deadline == MP_CLOCK_NEVER)
		wait_ms = -1;
	else if (deadline != 0)
		mp_poll(s->epoll, POLLIN, deadline);
	n = epoll_wait(s->epoll, v, EVENTS, wait_ms);
	for (int i = 0; i < n && !s->ended; i++)
		answer_event(s, v[i].data.ptr);
	free_gone(s);
	return n > 0 ? n : 0;
}

/* ---- the rings ---- */

/* It has been quiet: the next message will ring. */
static void cool(struct mp_client *c)
{
	mp_pipe_arm(&c->conn);
	mp_client_state(c, MP_CLIENT_COLD);
}

/* Those that were cooled and have sent something meanwhile are hot again. */
static int reheat(struct mp_server *s)
{
	struct mp_client *c;
	int n = 0;

	mp_fence_heavy();
	DL_FOREACH(s->clients, c)
	if (c->rings && c->state == MP_CLIENT_COLD &&
	    mp_pipe_next(c->conn.in) != 0) {
		mp_client_state(c, MP_CLIENT_HOT);
		n++;
	}
	return n;
}

/* Once round; how many messages there were. */
static int look_round(struct mp_server *s)
{
	struct mp_client *c, *next;
	int n = 0, messages;
	bool cooled = false;

	DL_FOREACH_SAFE2(s->hot, c, next, some_next)
	{
		messages = mp_client_serve(c);
		n += messages;
		if (messages != 0)
			c->idle = 0;
		else if (++c->idle == COOL && c->state == MP_CLIENT_HOT) {
			cool(c);
			cooled = true;
		}
		if (s->ended)
			return n;
	}
	if (cooled)
		n += reheat(s);
	return n;
}

/* Rings that had no room: only a look tells. */
static void look_full(struct mp_server *s)
{
	struct mp_client *c, *next;

	DL_FOREACH_SAFE2(s->full, c, next, some_next)
	if (c->rings && mp_client_flush(c) == 1)
		mp_client_state(c, MP_CLIENT_HOT);
}

static bool rings_full(const struct mp_server *s)
{
	const struct mp_client *c;

	DL_FOREACH2(s->full, c, some_next)
	if (c->rings)
		return true;
	return false;
}

static void sleep_once(struct mp_server *s, int64_t deadline)
{
	struct mp_client *c, *next;
	int64_t until = mp_backstop_deadline(deadline);

	DL_FOREACH_SAFE2(s->hot, c, next, some_next)
	cool(c);
	if (reheat(s) != 0)
		return;
	if (rings_full(s) && mp_clock_left(until) > FULL_NS)
		until = mp_clock_deadline(FULL_NS);
	if (ask_epoll(s, until) == 0)
		reheat(s);
}

void mp_server_run(struct mp_server *s)
{
	struct mp_spin spin = { 0 };
	uint32_t rounds = 0;
	int64_t deadline;

	while (!s->ended) {
		if (s->full != NULL)
			look_full(s);
		deadline = mp_park_look(s);
		mp_object_collect(s, false);
		if (look_round(s) != 0) {
			spin = (struct mp_spin){ 0 };
			if (++rounds % ASK_EVERY == 0)
				ask_epoll(s, 0);
			continue;
		}
		if (s->hot != NULL && mp_spin(&spin, s->last_cpu, deadline))
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
