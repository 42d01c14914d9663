/* manager-serve.c - requests: taken apart, done, answered. */
#include <errno.h>
#include <stdlib.h>

#include "mp/manager-own.h"

/* Answers to one message are sent when they are so many bytes. */
#define OUT_MOST    ((size_t)64 << 10)
#define NESTED_MOST ((size_t)1 << 20)

/* ---- answers ---- */

/* The client has a reference to all that the value refers to. */
static int grant(struct mp_client *c, struct mp_any v)
{
	struct mp_unpack u = mp_unpack_begin(v);
	struct mp_object *o;
	uint64_t handle;
	int error;

	if (v.type == MP_ANY_REF) {
		o = mp_object_find(c->server, v.handle);
		return o != NULL ? mp_client_refs(c, o, 1) : 0;
	}
	while (mp_unpack_ref(&u, &handle) > 0) {
		o = mp_object_find(c->server, handle);
		error = o != NULL ? mp_client_refs(c, o, 1) : 0;
		if (error < 0)
			return error;
	}
	return 0;
}

/* What the library keeps is known to be whole; what a user's type says not. */
static int pack_value(struct mp_pack *out, struct mp_any v, bool trusted)
{
	if (v.type == MP_ANY_RAW && trusted)
		return mp_pack_bytes(out, v.data, v.length);
	return mp_pack_any(out, v);
}

static int pack_answer(struct mp_client *c, struct mp_pack *out, uint64_t id,
		       int status, struct mp_any v, bool trusted)
{
	size_t start = out->size;

	mp_pack_any(out, mp_any_uint(id));
	mp_pack_any(out, mp_any_int(status));
	pack_value(out, v, trusted);
	if (out->error == 0 && out->size - start > c->server->message_max)
		return -EMSGSIZE;
	return out->error;
}

void mp_serve_answer(struct mp_client *c, struct mp_pack *out, uint64_t id,
		     int status, struct mp_any result, bool trusted)
{
	size_t start = out->size;
	int error;

	if (id == 0)
		return;
	if (status < 0)
		result = mp_any_nil();
	error = pack_answer(c, out, id, status, result, trusted);
	if (error == 0 &&
	    (result.type == MP_ANY_REF || result.type == MP_ANY_RAW))
		error = grant(c, result);
	if (error == 0)
		return;
	out->size = start;
	out->error = 0;
	pack_answer(c, out, id, error, mp_any_nil(), true);
}

/* ---- one request ---- */

struct request {
	uint64_t id, handle;
	struct mp_any op;
	struct mp_any args[MP_MANAGER_ARGS];
	uint32_t n;
};

static int take_number(struct mp_unpack *u, uint64_t *n)
{
	struct mp_any v;

	if (mp_unpack_any(u, &v) < 0 ||
	    (v.type != MP_ANY_INT && v.type != MP_ANY_UINT) ||
	    (v.type == MP_ANY_INT && v.i < 0))
		return -EBADMSG;
	*n = v.u;
	return 0;
}

/* -EBADMSG: where the next one begins is not known. */
static int take_request(struct mp_unpack *u, struct request *r)
{
	uint64_t n;

	r->id = 0;
	if (take_number(u, &r->id) < 0 || take_number(u, &r->handle) < 0 ||
	    mp_unpack_any(u, &r->op) < 0 || r->op.type != MP_ANY_STR ||
	    take_number(u, &n) < 0 || n > MP_MANAGER_ARGS)
		return -EBADMSG;
	for (r->n = 0; r->n < n; r->n++)
		if (mp_unpack_any(u, &r->args[r->n]) < 0)
			return -EBADMSG;
	return 0;
}

/* Done with what an answer was made of. */
static void tidy(struct mp_serving *v, struct mp_object *o)
{
	struct mp_server *s = v->client->server;

	if (v->given.data != NULL && o != NULL)
		mp_unkeep(o->state, &v->given);
	if (v->fresh != NULL)
		mp_object_check(v->fresh);
	if (s->nested.room > NESTED_MOST)
		mp_pack_free(&s->nested);
	mp_pack_clear(&s->nested);
	if (s->doomed != NULL)
		mp_object_sweep(s);
}

static int find_op(struct mp_server *s, const struct request *r,
		   struct mp_object **o, const struct mp_op **op)
{
	*o = r->handle != 0 ? mp_object_find(s, r->handle) : NULL;
	if (r->handle != 0 && *o == NULL)
		return -ESTALE;
	*op = mp_verbs_op(*o != NULL ? (*o)->verbs : &s->own, r->op);
	return *op != NULL ? 0 : -EOPNOTSUPP;
}

static void serve(struct mp_client *c, const struct request *r)
{
	struct mp_server *s = c->server;
	struct mp_serving v = {
		.call = { .args = r->args, .n = r->n, .pack = &s->nested },
		.client = c,
		.id = r->id
	};
	bool trusted = true;
	const struct mp_op *op;
	struct mp_object *o;
	int status = find_op(s, r, &o, &op);

	v.object = o;
	if (o != NULL) {
		trusted = o->verbs->kind != NULL;
		o->pins++;
	}
	if (status == 0)
		status = op->call(o != NULL ? (void *)o->state : s, &v.call);
	if (status != MP_PARKED && c->state != MP_CLIENT_GONE)
		mp_serve_answer(c, &c->out, r->id, status, v.call.result,
				trusted);
	tidy(&v, o);
	if (o != NULL) {
		o->pins--;
		mp_object_check(o);
		if (s->doomed != NULL)
			mp_object_sweep(s);
	}
}

void mp_serve_refuse(struct mp_client *c, uint64_t id, int error)
{
	pack_answer(c, &c->out, id, error, mp_any_nil(), true);
}

size_t mp_serve_requests(struct mp_client *c, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	struct mp_unpack u = { bytes, bytes + size };
	struct request r;

	while (u.at != u.end && c->state != MP_CLIENT_GONE &&
	       c->state != MP_CLIENT_FULL && !c->server->ended) {
		if (take_request(&u, &r) < 0) {
			mp_serve_refuse(c, r.id, -EBADMSG);
			return size;
		}
		serve(c, &r);
		if (c->out.size > OUT_MOST)
			mp_client_answer(c, &c->out);
	}
	return (size_t)(u.at - bytes);
}
