/* manager-client.c - a client as the server sees it: answers, references, its
 * end. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mp/manager-own.h"
#include "mp/pipe-bell.h"

/* ---- states ---- */

static struct mp_client **list_of(struct mp_server *s, enum mp_client_state st)
{
	switch (st) {
	case MP_CLIENT_HOT:
		return &s->hot;
	case MP_CLIENT_FULL:
		return &s->full;
	case MP_CLIENT_GONE:
		return &s->gone;
	default:
		return NULL;
	}
}

/* A stranger's socket is asked for room instead of messages while it is full:
 * for both, the kernel tells. */
static void watch_socket(struct mp_client *c)
{
	struct epoll_event e = { .events = c->state == MP_CLIENT_FULL ? EPOLLOUT
								      : EPOLLIN,
				 .data.ptr = &c->socket };

	epoll_ctl(c->server->epoll, EPOLL_CTL_MOD, mp_conn_fileno(&c->conn),
		  &e);
}

void mp_client_state(struct mp_client *c, enum mp_client_state state)
{
	struct mp_client **from = list_of(c->server, c->state);
	struct mp_client **to = list_of(c->server, state);
	bool was_full = c->state == MP_CLIENT_FULL;

	if (c->state == state)
		return;
	if (from != NULL)
		DL_DELETE2(*from, c, some_prev, some_next);
	if (to != NULL)
		DL_APPEND2(*to, c, some_prev, some_next);
	c->state = state;
	c->idle = 0;
	if (!c->rings && state != MP_CLIENT_GONE &&
	    (was_full || state == MP_CLIENT_FULL))
		watch_socket(c);
}

/* ---- answers ---- */

int mp_client_flush(struct mp_client *c)
{
	struct mp_unsent *u;
	int error;

	while ((u = c->unsent) != NULL) {
		error = mp_conn_send(&c->conn, u->message.data, u->message.size,
				     0);
		if (error == -ETIMEDOUT)
			return 0;
		if (error < 0) {
			mp_client_gone(c);
			return 0;
		}
		LL_DELETE(c->unsent, u);
		mp_pack_free(&u->message);
		free(u);
	}
	return 1;
}

void mp_client_answer(struct mp_client *c, struct mp_pack *message)
{
	struct mp_unsent *u;
	int error = -ETIMEDOUT;

	if (message->size == 0 || c->dead || c->broken ||
	    c->state == MP_CLIENT_GONE) {
		mp_pack_clear(message);
		return;
	}
	if (c->unsent == NULL)
		error = mp_conn_send(&c->conn, message->data, message->size, 0);
	if (error == -ETIMEDOUT) {
		u = calloc(1, sizeof(*u));
		if (u != NULL) {
			u->message = *message;
			mp_pack_trim(&u->message);
			*message = (struct mp_pack){ 0 };
			LL_APPEND(c->unsent, u);
			mp_client_state(c, MP_CLIENT_FULL);
			return;
		}
	}
	/* An answer that is lost must not be waited for. */
	if (error < 0) {
		c->broken = true;
		mp_client_state(c, MP_CLIENT_HOT);
	}
	mp_pack_clear(message);
}

/* ---- references ---- */

int mp_client_refs(struct mp_client *c, struct mp_object *o, uint64_t n)
{
	struct mp_reference *r;

	if (o == NULL)
		return 0;
	HASH_FIND(hh, c->references, &o->handle, sizeof(o->handle), r);
	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			return -ENOMEM;
		r->handle = o->handle;
		HASH_ADD(hh, c->references, handle, sizeof(r->handle), r);
		if (r->hh.tbl == NULL) {
			free(r);
			return -ENOMEM;
		}
	}
	r->n += n;
	o->held += n;
	return 0;
}

int mp_client_drop(struct mp_client *c, struct mp_object *o, uint64_t n)
{
	struct mp_reference *r;

	HASH_FIND(hh, c->references, &o->handle, sizeof(o->handle), r);
	if (r == NULL || r->n < n)
		return -ESTALE;
	r->n -= n;
	o->held -= n;
	if (r->n == 0) {
		HASH_DELETE(hh, c->references, r);
		free(r);
	}
	mp_object_check(o);
	return 0;
}

/* ---- beginning and end ---- */

static void drop_unsent(struct mp_client *c)
{
	struct mp_unsent *u;

	while ((u = c->unsent) != NULL) {
		LL_DELETE(c->unsent, u);
		mp_pack_free(&u->message);
		free(u);
	}
}

/* What it has sent is still done. */
void mp_client_died(struct mp_client *c)
{
	if (c->dead || c->state == MP_CLIENT_GONE)
		return;
	c->dead = true;
	drop_unsent(c);
	epoll_ctl(c->server->epoll, EPOLL_CTL_DEL, c->conn.fd, NULL);
	epoll_ctl(c->server->epoll, EPOLL_CTL_DEL, c->pidfd, NULL);
	mp_client_state(c, MP_CLIENT_HOT);
}

void mp_client_free(struct mp_client *c)
{
	drop_unsent(c);
	mp_conn_close(&c->conn);
	if (c->pidfd >= 0)
		close(c->pidfd);
	mp_pack_free(&c->out);
	mp_pack_free(&c->rest);
	free(c->in);
	free(c);
}

static int watch(struct mp_client *c, struct mp_watch *w,
		 enum mp_watch_kind kind, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	*w = (struct mp_watch){ .kind = kind, .client = c };
	return epoll_ctl(c->server->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno
								      : 0;
}

/* A bell is told of once a ring, by the edge: nobody needs to read it. */
int mp_client_add(struct mp_server *s, struct mp_client *c)
{
	int error;

	c->server = s;
	c->number = ++s->numbers;
	if (c->rings) {
		error = watch(c, &c->bell, MP_WATCH_BELL, c->conn.bell_in,
			      EPOLLIN | EPOLLET);
		if (error == 0)
			error = watch(c, &c->socket, MP_WATCH_SOCKET,
				      c->conn.fd, EPOLLRDHUP);
		if (error == 0)
			error = watch(c, &c->process, MP_WATCH_PROCESS,
				      c->pidfd, EPOLLIN);
	} else {
		error = watch(c, &c->socket, MP_WATCH_SOCKET,
			      mp_conn_fileno(&c->conn), EPOLLIN);
	}
	if (error < 0)
		return error;
	DL_APPEND(s->clients, c);
	if (c->rings)
		mp_client_state(c, MP_CLIENT_HOT);
	return 0;
}

static void drop_references(struct mp_client *c)
{
	struct mp_reference *r, *next;
	struct mp_object *o;

	HASH_ITER (hh, c->references, r, next) {
		o = mp_object_find(c->server, r->handle);
		if (o != NULL) {
			o->held -= r->n;
			mp_object_check(o);
		}
		HASH_DELETE(hh, c->references, r);
		free(r);
	}
}

void mp_client_gone(struct mp_client *c)
{
	if (c->state == MP_CLIENT_GONE)
		return;
	mp_client_state(c, MP_CLIENT_GONE);
	DL_DELETE(c->server->clients, c);
	/* Waits first: a condition's waiter must not get the lock. */
	while (c->parked != NULL)
		mp_park_give_up(c->parked, -EPIPE);
	while (c->holds != NULL)
		mp_hold_abandon(c->holds);
	drop_references(c);
	mp_object_sweep(c->server);
}
