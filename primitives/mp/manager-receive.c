/* manager-receive.c - a client's messages, as they come in. */
#include <errno.h>
#include <stdlib.h>

#include "mp/manager-own.h"
#include "mp/pipe-ring.h"

#define AT_ONCE 32 /* messages, before others have their turn */

/* Memory for n bytes. */
static int make_room(unsigned char **in, size_t *room, size_t n)
{
	unsigned char *more;

	if (n <= *room)
		return 0;
	more = realloc(*in, n);
	if (more == NULL)
		return -ENOMEM;
	*in = more;
	*room = n;
	return 0;
}

/* Will it be taken in one piece? */
static bool in_one(const struct mp_client *c)
{
	const uint64_t one = MP_PIPE_FIRST | MP_PIPE_LAST;

	return c->rings && (mp_pipe_next(c->conn.in) & one) == one;
}

/* The next message, if it is there: in memory that all have in common, or, if
 * it comes bit by bit, in the client's own. */
static int receive(struct mp_client *c, unsigned char **data, size_t *n)
{
	struct mp_server *s = c->server;
	bool common = in_one(c);
	unsigned char **in = common ? &s->in : &c->in;
	size_t *room = common ? &s->in_room : &c->in_room;
	int error = mp_conn_recv(&c->conn, *in, *room, 0, n);

	if (error == -EMSGSIZE) {
		if (*n > s->message_max)
			return -EMSGSIZE;
		error = make_room(in, room, *n);
		if (error == 0)
			error = mp_conn_recv(&c->conn, *in, *room, 0, n);
	}
	*data = *in;
	return error;
}

static bool something(const struct mp_client *c)
{
	return !c->rings || mp_pipe_next(c->conn.in) != 0;
}

/* Requests, and the answers to them.  What there is no room for is kept. */
static void serve(struct mp_client *c, const unsigned char *data, size_t size)
{
	size_t done = mp_serve_requests(c, data, size);

	mp_client_answer(c, &c->out);
	if (done < size &&
	    mp_pack_bytes(&c->rest, data + done, (uint32_t)(size - done)) < 0)
		mp_client_gone(c);
}

static void serve_rest(struct mp_client *c)
{
	struct mp_pack rest = c->rest;

	c->rest = (struct mp_pack){ 0 };
	serve(c, rest.data, rest.size);
	mp_pack_free(&rest);
}

/* -EMSGSIZE, and what is no message, ends the connection: what follows cannot
 * be told from it. */
int mp_client_serve(struct mp_client *c)
{
	unsigned char *data;
	int n = 0, error;
	size_t size;

	if (c->broken)
		mp_client_gone(c);
	for (; n < AT_ONCE && !c->server->ended &&
	       (c->state == MP_CLIENT_HOT || c->state == MP_CLIENT_COLD);
	     n++) {
		if (c->rest.size != 0) {
			serve_rest(c);
			continue;
		}
		if (!something(c))
			break;
		error = receive(c, &data, &size);
		/* The rest of it will come; or never. */
		if (error == -ETIMEDOUT && !c->dead)
			return n;
		if (error == -EMSGSIZE)
			mp_serve_refuse(c, 0, error);
		if (error < 0) {
			mp_client_answer(c, &c->out);
			mp_client_gone(c);
			return n;
		}
		serve(c, data, size);
	}
	if (c->rings && n > 0)
		c->server->last_cpu = c->conn.in->send_cpu;
	if (n < AT_ONCE && c->dead && c->state != MP_CLIENT_GONE)
		mp_client_gone(c);
	return n;
}
