/* manager-args.c - the arguments of an operation. */
#include <errno.h>

#include "mp/manager-own.h"

int mp_args(const struct mp_call *c, uint32_t min, uint32_t max)
{
	return c->n >= min && c->n <= max ? 0 : -EINVAL;
}

int mp_arg_int(const struct mp_call *c, uint32_t i, int64_t otherwise,
	       int64_t *n)
{
	*n = otherwise;
	if (i >= c->n || c->args[i].type == MP_ANY_NIL)
		return 0;
	if (c->args[i].type != MP_ANY_INT)
		return -EINVAL;
	*n = c->args[i].i;
	return 0;
}

int mp_arg_object(struct mp_call *c, uint32_t i, const char *const *types,
		  void **state)
{
	struct mp_serving *r = (struct mp_serving *)c;
	struct mp_object *o;

	if (i >= c->n || c->args[i].type != MP_ANY_REF)
		return -EINVAL;
	o = mp_object_find(r->client->server, c->args[i].handle);
	if (o == NULL)
		return -ESTALE;
	for (; *types != NULL; types++)
		if (mp_any_is(mp_any_str(o->verbs->type->name), *types)) {
			*state = o->state;
			return 0;
		}
	return -EINVAL;
}

struct mp_client *mp_call_client(struct mp_call *c)
{
	return ((struct mp_serving *)c)->client;
}

struct mp_hold **mp_client_holds(struct mp_client *client)
{
	return &client->holds;
}
