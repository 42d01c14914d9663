/* A server with a fault, for fuzz-requests to find: FAULT is which. */
#include "mp/manager-own.h"

#if FAULT == 1 /* a reference that a client gives back is not counted */
#define mp_client_drop right_drop
#include "../../primitives/mp/manager-client.c"
#undef mp_client_drop

int mp_client_drop(struct mp_client *c, struct mp_object *o, uint64_t n)
{
	int error = right_drop(c, o, n);

	if (error == 0 && !o->doomed)
		o->held += n;
	return error;
}
#elif FAULT == 2 /* what is kept no more still counts for what it refers to */
#define mp_unkeep right_unkeep
#include "../../primitives/mp/manager-keep.c"
#undef mp_unkeep

void mp_unkeep(void *self, struct mp_kept *k)
{
	k->refs = 0;
	right_unkeep(self, k);
}
#elif FAULT == 3 /* any generation of an object */
#define mp_object_find right_find
#include "../../primitives/mp/manager-object.c"
#undef mp_object_find

struct mp_object *mp_object_find(struct mp_server *s, uint64_t handle)
{
	uint64_t i = handle % MP_OBJECT_PLACES;

	return i < s->nplaces ? s->places[i].object : NULL;
}
#elif FAULT == 4 /* an answer that was late is answered again */
#define mp_serve_requests right_requests
#include "../../primitives/mp/manager-serve.c"
#undef mp_serve_requests

size_t mp_serve_requests(struct mp_client *c, const void *data, size_t size)
{
	uint32_t parked = c->nparked;
	size_t done = right_requests(c, data, size);

	if (c->nparked > parked && c->out.size != 0)
		mp_serve_answer(c, &c->out, 1, 0, mp_any_nil(), true);
	return done;
}
#endif
