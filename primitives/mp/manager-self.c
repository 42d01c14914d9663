/* manager-self.c - what clients ask of the server itself: handle 0. */
#include <errno.h>

#include "mp/manager-own.h"

static struct mp_client *asker(struct mp_call *c)
{
	return ((struct mp_serving *)c)->client;
}

static int arg_handle(const struct mp_call *c, struct mp_object **o)
{
	if (c->n < 1 || c->args[0].type != MP_ANY_REF)
		return -EINVAL;
	*o = mp_object_find(((const struct mp_serving *)c)->client->server,
			    c->args[0].handle);
	return *o != NULL ? 0 : -ESTALE;
}

static int create(void *self, struct mp_call *c)
{
	struct mp_serving *r = (struct mp_serving *)c;
	struct mp_call init = *c;
	const struct mp_verbs *verbs;
	struct mp_object *o;
	int error = 0;

	if (c->n < 1 || c->args[0].type != MP_ANY_STR)
		return -EINVAL;
	verbs = mp_verbs_find(self, c->args[0]);
	if (verbs == NULL)
		return -ENOENT;
	o = mp_object_make(self, verbs);
	if (o == NULL)
		return -ENOMEM;
	init.args++;
	init.n--;
	o->pins++;
	if (verbs->type->init != NULL) {
		/* It is the same request, with other arguments. */
		r->call = init;
		r->object = o;
		error = verbs->type->init(o->state, &r->call);
		r->call = *c;
	}
	o->pins--;
	o->made = error == 0;
	r->fresh = o;
	c->result = mp_any_ref(o->handle);
	return error;
}

static int hello(void *self, struct mp_call *c)
{
	struct mp_client *client = asker(c), *parent;
	struct mp_server *s = self;
	struct mp_reference *r, *next;
	int64_t version, number;

	if (mp_args(c, 1, 2) < 0 || mp_arg_int(c, 0, 0, &version) < 0 ||
	    mp_arg_int(c, 1, 0, &number) < 0)
		return -EINVAL;
	if (version != MP_MANAGER_VERSION)
		return -EPROTONOSUPPORT;
	DL_FOREACH (s->clients, parent)
		if (number > 0 && parent->number == (uint64_t)number)
			break;
	if (parent != NULL && parent != client)
		HASH_ITER (hh, parent->references, r, next)
			if (mp_client_refs(client, mp_object_find(s, r->handle),
					   r->n) < 0)
				return -ENOMEM;
	mp_pack_array(c->pack, 2);
	mp_pack_any(c->pack, mp_any_uint(client->number));
	mp_pack_any(c->pack, mp_any_uint(s->message_max));
	c->result = mp_any_raw(c->pack->data, (uint32_t)c->pack->size);
	return c->pack->error;
}

static int ref(void *self, struct mp_call *c)
{
	struct mp_object *o;
	int error = arg_handle(c, &o);

	(void)self;
	return error < 0 ? error : mp_client_refs(asker(c), o, 1);
}

static int drop(void *self, struct mp_call *c)
{
	struct mp_object *o;
	int error = arg_handle(c, &o);
	int64_t n;

	(void)self;
	if (error == 0 && (mp_arg_int(c, 1, 1, &n) < 0 || n < 1))
		error = -EINVAL;
	return error < 0 ? error : mp_client_drop(asker(c), o, (uint64_t)n);
}

static int cancel(void *self, struct mp_call *c)
{
	struct mp_parked *w;
	int64_t id;

	(void)self;
	if (mp_args(c, 1, 1) < 0 || mp_arg_int(c, 0, 0, &id) < 0)
		return -EINVAL;
	w = mp_park_find(asker(c), (uint64_t)id);
	if (w != NULL)
		mp_park_give_up(w, -EINTR);
	return 0;
}

static int count(void *self, struct mp_call *c)
{
	struct mp_server *s = self;

	mp_object_collect(s, true);
	c->result = mp_any_uint(s->objects);
	return 0;
}

static int shut_down(void *self, struct mp_call *c)
{
	struct mp_server *s = self;

	(void)c;
	s->ended = true;
	return 0;
}

static int bye(void *self, struct mp_call *c)
{
	(void)self;
	mp_client_gone(asker(c));
	return 0;
}

static const struct mp_op ops[] = {
	{ "create", create },      { "hello", hello },   { "ref", ref },
	{ "drop", drop },          { "cancel", cancel }, { "count", count },
	{ "shutdown", shut_down }, { "bye", bye },       { NULL, NULL }
};

const struct mp_type mp_manager_self = { .name = "manager", .ops = ops };
