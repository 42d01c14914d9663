/* manager-keep.c - values that objects keep, and what these refer to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mp/manager-own.h"

/* Add n (1 or -1) to all that these bytes refer to; the first `most` only.  How
 * many they are; -ESTALE: one is gone, and nothing was added. */
static int64_t count_inside(struct mp_server *s, const unsigned char *data,
			    uint32_t size, int n, int64_t most)
{
	struct mp_unpack u = { data, data + size };
	struct mp_object *o;
	uint64_t handle;
	int64_t refs = 0;

	while (refs != most && mp_unpack_ref(&u, &handle) > 0) {
		o = mp_object_find(s, handle);
		if (o == NULL && n > 0) {
			count_inside(s, data, size, -1, refs);
			return -ESTALE;
		}
		refs++;
		if (o == NULL)
			continue;
		o->inside += (uint64_t)(int64_t)n;
		if (n < 0)
			mp_object_check(o);
	}
	return refs;
}

int mp_keep(struct mp_call *c, struct mp_any v, struct mp_kept *k)
{
	struct mp_server *s = ((struct mp_serving *)c)->client->server;
	struct mp_pack *p = &s->kept;
	int64_t refs = 0;

	*k = (struct mp_kept){ 0 };
	mp_pack_clear(p);
	if (mp_pack_any(p, v) < 0)
		return p->error;
	k->data = malloc(p->size);
	if (k->data == NULL)
		return -ENOMEM;
	if (v.type == MP_ANY_REF || v.type == MP_ANY_RAW)
		refs = count_inside(s, p->data, (uint32_t)p->size, 1, -1);
	if (refs < 0) {
		free(k->data);
		k->data = NULL;
		return (int)refs;
	}
	memcpy(k->data, p->data, p->size);
	k->size = (uint32_t)p->size;
	k->refs = (uint32_t)refs;
	return 0;
}

void mp_unkeep(void *self, struct mp_kept *k)
{
	struct mp_object *o = mp_object_of(self);

	if (k->refs != 0)
		count_inside(o->server, k->data, k->size, -1, -1);
	free(k->data);
	*k = (struct mp_kept){ 0 };
}

struct mp_any mp_kept_any(const struct mp_kept *k)
{
	struct mp_any v = mp_any_nil();
	struct mp_unpack u;

	if (k->size == 0)
		return v;
	/* A list or a map: as it is, without a walk through it. */
	if ((k->data[0] & 0xe0u) == 0x80 || (k->data[0] & 0xfcu) == 0xdc)
		return mp_any_raw(k->data, k->size);
	u = (struct mp_unpack){ k->data, k->data + k->size };
	mp_unpack_any(&u, &v);
	return v;
}

int mp_give(struct mp_call *c, struct mp_kept *k)
{
	struct mp_serving *r = (struct mp_serving *)c;

	r->given = *k;
	*k = (struct mp_kept){ 0 };
	c->result = mp_kept_any(&r->given);
	return 0;
}
