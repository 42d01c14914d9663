/* manager-ask.c - a client's requests, and the answers to them.
 *
 * Requests are collected, so that many travel in one message; an answer that
 * comes while another one is waited for is put aside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mp/manager-own.h"
#include "mp/poll.h"

#define COLLECT ((size_t)16 << 10) /* bytes, then they are sent */
#define IN_MIN  ((size_t)4096)
#define SEND_NS 1000000   /* for room, then answers are fetched */
#define LOOK_NS 100000000 /* at the server's pidfd */

/* ---- requests ---- */

/* No more calls on this connection. */
static int over(struct mp_manager_client *c)
{
	c->over = true;
	return -EPIPE;
}

/* Is the server gone, though somebody else may have inherited its end? */
static bool server_gone(const struct mp_manager_client *c)
{
	return c->server >= 0 && mp_poll(c->server, POLLIN, 0) == 0;
}

static int take_early(struct mp_manager_client *c, bool wait);

/* A server that waits until we take answers takes no requests. */
int mp_channel_flush(struct mp_manager_client *c)
{
	int error = 0;

	if (c->out.size == 0)
		return 0;
	while ((error = mp_conn_send(&c->conn, c->out.data, c->out.size,
				     SEND_NS)) == -ETIMEDOUT ||
	       error == -EINTR) {
		if (server_gone(c))
			return over(c);
		error = take_early(c, false);
		if (error < 0 && error != -ETIMEDOUT && error != -EINTR)
			return error;
	}
	mp_pack_clear(&c->out);
	return error < 0 ? over(c) : 0;
}

static int pack_request(struct mp_pack *p, uint64_t id, uint64_t handle,
			const char *op, const struct mp_any *args, uint32_t n)
{
	mp_pack_any(p, mp_any_uint(id));
	mp_pack_any(p, mp_any_uint(handle));
	mp_pack_any(p, mp_any_str(op));
	mp_pack_any(p, mp_any_int(n));
	for (uint32_t i = 0; i < n; i++)
		mp_pack_any(p, args[i]);
	return p->error;
}

/* Only the first `size` bytes: with the rest it would be too long. */
static int flush_before(struct mp_manager_client *c, size_t size)
{
	size_t all = c->out.size;
	int error;

	c->out.size = size;
	error = mp_channel_flush(c);
	if (error < 0)
		return error;
	memmove(c->out.data, c->out.data + size, all - size);
	c->out.size = all - size;
	return 0;
}

/* For one request more without an answer. */
static int make_way(struct mp_manager_client *c)
{
	int error = 0;

	while (error == 0 && c->under_way == MP_UNDER_WAY) {
		error = mp_channel_flush(c);
		if (error == 0)
			error = take_early(c, true);
		if (error == -EINTR)
			error = 0;
	}
	return error < 0 ? error : 0;
}

int64_t mp_channel_request(struct mp_manager_client *c, uint64_t handle,
			   const char *op, const struct mp_any *args,
			   uint32_t n, bool silent)
{
	uint64_t id = silent ? 0 : ++c->last;
	size_t start;
	int error;

	if (n > MP_MANAGER_ARGS)
		return -EINVAL;
	error = silent ? 0 : make_way(c);
	if (error < 0)
		return error;
	start = c->out.size;
	error = pack_request(&c->out, id, handle, op, args, n);
	if (error == 0 && c->message_max != 0 &&
	    c->out.size - start > c->message_max)
		error = -EMSGSIZE;
	if (error < 0) {
		c->out.size = start;
		c->out.error = 0;
		return error;
	}
	if (!silent)
		c->waited_for[c->under_way++] = id;
	if (c->message_max != 0 && start != 0 && c->out.size > c->message_max)
		error = flush_before(c, start);
	else if (c->out.size >= COLLECT)
		error = mp_channel_flush(c);
	return error < 0 ? error : (int64_t)id;
}

/* ---- answers ---- */

/* One message.  0: it lies in c->in, *n bytes.  -EPIPE, also when it makes no
 * sense.  -ETIMEDOUT: none is here, and we should not wait.  -EINTR,
 * -ENOMEM. */
static int receive(struct mp_manager_client *c, bool wait, size_t *n)
{
	unsigned char *more;
	int error;

	for (;;) {
		error = mp_conn_recv(&c->conn, c->in, c->in_room,
				     wait ? LOOK_NS : 0, n);
		if (error == -EMSGSIZE) {
			more = realloc(c->in, *n < IN_MIN ? IN_MIN : *n);
			if (more == NULL)
				return -ENOMEM;
			c->in = more;
			c->in_room = *n < IN_MIN ? IN_MIN : *n;
			continue;
		}
		if (error == -ETIMEDOUT && server_gone(c))
			return over(c);
		if (error != -ETIMEDOUT || !wait)
			break;
	}
	if (error == -ETIMEDOUT || error == -EINTR)
		return error;
	return error < 0 ? over(c) : 0;
}

struct answer {
	uint64_t id;
	int status;
	struct mp_any value;
};

static int take_answer(struct mp_unpack *u, struct answer *a)
{
	struct mp_any v;

	if (mp_unpack_any(u, &v) < 0 ||
	    (v.type != MP_ANY_INT && v.type != MP_ANY_UINT))
		return -EPIPE;
	a->id = v.u;
	if (mp_unpack_any(u, &v) < 0 || v.type != MP_ANY_INT ||
	    mp_unpack_any(u, &a->value) < 0)
		return -EPIPE;
	a->status = (int)v.i;
	return 0;
}

static bool under_way(const struct mp_manager_client *c, uint64_t id,
		      uint32_t *i)
{
	for (*i = 0; *i < c->under_way; ++*i)
		if (c->waited_for[*i] == id)
			return true;
	return false;
}

static int put_aside(struct mp_manager_client *c, const struct answer *a)
{
	struct mp_early *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	e->id = a->id;
	mp_pack_any(&e->answer, mp_any_int(a->status));
	/* What an answer has in it may be deeper than what can be sent. */
	if (a->value.type == MP_ANY_RAW)
		mp_pack_bytes(&e->answer, a->value.data, a->value.length);
	else
		mp_pack_any(&e->answer, a->value);
	if (e->answer.error < 0) {
		mp_pack_free(&e->answer);
		free(e);
		return -ENOMEM;
	}
	LL_PREPEND(c->early, e);
	return 0;
}

/* The answers in the message at hand: that to `id` to *wanted; the others are
 * put aside.  1: it was there. */
static int sort_answers(struct mp_manager_client *c, size_t n, uint64_t id,
			struct answer *wanted)
{
	struct mp_unpack u = { c->in, n != 0 ? c->in + n : c->in };
	struct answer a;
	int error, found = 0;
	uint32_t i;

	while (u.at != u.end) {
		if (take_answer(&u, &a) < 0)
			return over(c);
		/* Nobody asked, or (0) it did not understand us. */
		if (!under_way(c, a.id, &i))
			return over(c);
		c->waited_for[i] = c->waited_for[--c->under_way];
		if (a.id == id) {
			*wanted = a;
			found = 1;
			continue;
		}
		error = put_aside(c, &a);
		if (error < 0)
			return error;
	}
	return found;
}

static int take_early(struct mp_manager_client *c, bool wait)
{
	size_t n;
	int error = receive(c, wait, &n);

	return error < 0 ? error : sort_answers(c, n, 0, NULL);
}

/* Was it put aside? */
static bool find_early(struct mp_manager_client *c, uint64_t id,
		       struct answer *a)
{
	struct mp_unpack u;
	struct mp_early *e;
	struct mp_any status;

	LL_SEARCH_SCALAR(c->early, e, id, id);
	if (e == NULL)
		return false;
	LL_DELETE(c->early, e);
	mp_pack_free(&c->result);
	c->result = e->answer;
	free(e);
	u = (struct mp_unpack){ c->result.data,
				c->result.data + c->result.size };
	mp_unpack_any(&u, &status);
	mp_unpack_any(&u, &a->value);
	a->status = (int)status.i;
	return true;
}

/* It waits there no more, or it is answered just now. */
static int cancel(struct mp_manager_client *c, uint64_t id)
{
	struct mp_any number = mp_any_uint(id);

	mp_channel_request(c, 0, "cancel", &number, 1, true);
	return mp_channel_flush(c);
}

int mp_channel_answer(struct mp_manager_client *c, uint64_t id,
		      enum mp_channel_signal then, struct mp_any *result)
{
	struct answer a = { .id = 0 };
	int error = mp_channel_flush(c);
	bool found = error == 0 && c->early != NULL && find_early(c, id, &a);
	uint32_t i;
	size_t n;

	if (error == 0 && !found && !under_way(c, id, &i))
		return -ENOENT;
	while (error == 0 && !found) {
		error = receive(c, true, &n);
		if (error == 0) {
			error = sort_answers(c, n, id, &a);
			found = error == 1;
		} else if (error == -EINTR && then == MP_CHANNEL_CANCEL) {
			error = cancel(c, id);
			then = MP_CHANNEL_GO_ON;
		} else if (error == -EINTR && then == MP_CHANNEL_GO_ON) {
			error = 0;
		}
	}
	if (!found)
		return error;
	if (result != NULL)
		*result = a.value;
	return a.status;
}

int mp_channel_call(struct mp_manager *m, uint64_t handle, const char *op,
		    const struct mp_any *args, uint32_t n,
		    enum mp_channel_signal then, struct mp_any *result)
{
	struct mp_manager_client *c;
	int64_t id;
	int error = mp_channel_get(m, &c);

	if (error < 0)
		return error;
	id = mp_channel_request(c, handle, op, args, n, false);
	return id < 0 ? (int)id
		      : mp_channel_answer(c, (uint64_t)id, then, result);
}
