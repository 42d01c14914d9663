/* manager-park.c - requests that wait.
 *
 * A request that cannot be done yet stands in a queue of its object, with its
 * client and its id, and costs nobody anything until the object's type answers
 * it, its time is over, or its client goes.
 */
#include <errno.h>
#include <stdlib.h>

#include "mp/clock.h"
#include "mp/manager-own.h"

int mp_park(struct mp_call *c, struct mp_parked **queue, int64_t timeout_ns)
{
	struct mp_serving *r = (struct mp_serving *)c;
	struct mp_client *client = r->client;
	struct mp_server *s = client->server;
	struct mp_parked *w;

	if (timeout_ns == 0)
		return -ETIMEDOUT;
	if (client->nparked == MP_MANAGER_PARKED)
		return -EAGAIN;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return -ENOMEM;
	w->client = client;
	w->object = r->object;
	w->id = r->id;
	w->deadline = mp_clock_deadline(timeout_ns);
	w->queue = queue;
	DL_APPEND(*queue, w);
	DL_APPEND2(client->parked, w, client_prev, client_next);
	client->nparked++;
	w->object->pins++;
	if (w->deadline < s->alarm)
		s->alarm = w->deadline;
	r->parked = w;
	return MP_PARKED;
}

struct mp_parked *mp_parked_last(struct mp_call *c)
{
	return ((struct mp_serving *)c)->parked;
}

void mp_repark(struct mp_parked *w, struct mp_parked **queue)
{
	DL_DELETE(*w->queue, w);
	w->queue = queue;
	DL_APPEND(*queue, w);
}

void mp_unpark(struct mp_parked *w, int status, struct mp_any result)
{
	struct mp_client *client = w->client;
	struct mp_object *o = w->object;
	struct mp_pack answer = { 0 };

	DL_DELETE(*w->queue, w);
	DL_DELETE2(client->parked, w, client_prev, client_next);
	client->nparked--;
	/* At the end nobody gets what another one had to let go. */
	if (client->state != MP_CLIENT_GONE && !client->server->ended) {
		mp_serve_answer(client, &answer, w->id, status, result,
				o->verbs->kind != NULL);
		mp_client_answer(client, &answer);
		mp_pack_free(&answer);
	}
	mp_unkeep(o->state, &w->value);
	free(w);
	o->pins--;
	mp_object_check(o);
}

void mp_park_give_up(struct mp_parked *w, int why)
{
	const struct mp_kind *kind = w->object->verbs->kind;

	if (kind->give_up != NULL)
		kind->give_up(w->object->state, w, why);
	else
		mp_unpark(w, why, mp_any_nil());
}

struct mp_parked *mp_park_find(struct mp_client *c, uint64_t id)
{
	struct mp_parked *w;

	DL_FOREACH2 (c->parked, w, client_next)
		if (w->id == id)
			return w;
	return NULL;
}

/* Of c's, the first whose time has come. */
static struct mp_parked *late(struct mp_client *c, int64_t now)
{
	struct mp_parked *w;

	DL_FOREACH2 (c->parked, w, client_next)
		if (w->deadline <= now)
			return w;
	return NULL;
}

int64_t mp_park_look(struct mp_server *s)
{
	struct mp_parked *w;
	struct mp_client *c;
	int64_t now;

	if (s->alarm == MP_CLOCK_NEVER)
		return MP_CLOCK_NEVER;
	now = mp_clock_now();
	if (now < s->alarm)
		return s->alarm;
	s->alarm = MP_CLOCK_NEVER;
	DL_FOREACH (s->clients, c) {
		while ((w = late(c, now)) != NULL) {
			w->deadline = MP_CLOCK_NEVER; /* once is enough */
			mp_park_give_up(w, -ETIMEDOUT);
		}
		DL_FOREACH2 (c->parked, w, client_next)
			if (w->deadline < s->alarm)
				s->alarm = w->deadline;
	}
	return s->alarm;
}
