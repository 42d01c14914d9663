/* manager-object.c - objects: their handles, how they are used, how they go.
 *
 * An object is in use while a client has a reference to it, a value in an
 * object in use refers to it, or a request waits in it.  Counts tell, all but
 * circles: an object whose last outside reference goes, and which something
 * inside still refers to, is suspect; and when there are as many suspects as
 * half of all objects, all are looked through from those that clients hold.  So
 * circles cost at most as much memory again as what is in use, and looking them
 * through costs little for each reference given back.
 *
 * An object that goes may be the last to refer to the next one: they are lined
 * up and freed one after the other, not one within the other.
 *
 * Source: Christopher, "Reference Count Garbage Collection", 1984, for counts
 * with a trace for the circles.
 */
#include <errno.h>
#include <stdlib.h>

#include "mp/manager-own.h"

struct mp_object *mp_object_of(void *state)
{
	return (struct mp_object *)((char *)state -
				    offsetof(struct mp_object, state));
}

/* ---- the table ---- */

struct mp_object *mp_object_find(struct mp_server *s, uint64_t handle)
{
	uint64_t i = handle % MP_OBJECT_PLACES;
	struct mp_object *o = i < s->nplaces ? s->places[i].object : NULL;

	return o != NULL && o->handle == handle && !o->doomed ? o : NULL;
}

static int take_place(struct mp_server *s, uint64_t *i)
{
	struct mp_place *places;
	uint64_t room;

	if (s->free_place != 0) {
		*i = s->free_place - 1;
		s->free_place = s->places[*i].next_free;
		return 0;
	}
	if (s->nplaces == s->room) {
		room = s->room ? 2 * s->room : 64;
		if (room > MP_OBJECT_PLACES)
			return -ENOMEM;
		places = realloc(s->places, room * sizeof(*places));
		if (places == NULL)
			return -ENOMEM;
		s->places = places;
		s->room = room;
	}
	*i = s->nplaces++;
	s->places[*i] = (struct mp_place){ .generation = 1 };
	return 0;
}

struct mp_object *mp_object_make(struct mp_server *s,
				 const struct mp_verbs *verbs)
{
	struct mp_object *o = calloc(1, sizeof(*o) + verbs->type->size);
	uint64_t i;

	if (o == NULL || take_place(s, &i) < 0) {
		free(o);
		return NULL;
	}
	o->handle = s->places[i].generation * MP_OBJECT_PLACES + i;
	o->server = s;
	o->verbs = verbs;
	s->places[i].object = o;
	s->objects++;
	return o;
}

static void free_object(struct mp_object *o)
{
	struct mp_server *s = o->server;
	uint64_t i = o->handle % MP_OBJECT_PLACES;
	struct mp_place *p = &s->places[i];

	if (o->made && o->verbs->type->fini != NULL)
		o->verbs->type->fini(o->state);
	*p = (struct mp_place){ .generation = p->generation + 1,
				.next_free = s->free_place };
	s->free_place = i + 1;
	s->objects--;
	free(o);
}

/* ---- one after the other ---- */

static void doom(struct mp_object *o)
{
	o->doomed = true;
	o->next = o->server->doomed;
	o->server->doomed = o;
}

void mp_object_check(struct mp_object *o)
{
	if (o->doomed || o->held != 0 || o->pins != 0)
		return;
	if (o->inside == 0)
		doom(o);
	else
		o->server->suspects++;
}

void mp_object_sweep(struct mp_server *s)
{
	struct mp_object *o;

	while ((o = s->doomed) != NULL) {
		s->doomed = o->next;
		free_object(o);
	}
}

/* ---- circles ---- */

struct look {
	struct mp_server *server;
	struct mp_object *todo;
};

static void mark(struct look *l, struct mp_object *o)
{
	if (o->marked)
		return;
	o->marked = true;
	o->next = l->todo;
	l->todo = o;
}

static void mark_kept(struct mp_kept *k, void *arg)
{
	struct look *l = arg;
	struct mp_unpack u;
	struct mp_object *o;
	uint64_t handle;

	if (k->refs == 0)
		return;
	u = (struct mp_unpack){ k->data, k->data + k->size };
	while (mp_unpack_ref(&u, &handle) > 0) {
		o = mp_object_find(l->server, handle);
		if (o != NULL)
			mark(l, o);
	}
}

static void mark_all(struct look *l)
{
	struct mp_object *o;

	while ((o = l->todo) != NULL) {
		l->todo = o->next;
		if (o->verbs->kind != NULL && o->verbs->kind->visit != NULL)
			o->verbs->kind->visit(o->state, mark_kept, l);
	}
}

void mp_object_collect(struct mp_server *s, bool now)
{
	struct look l = { .server = s };
	struct mp_object *o;

	mp_object_sweep(s);
	if (s->suspects == 0 || (!now && s->suspects < s->objects / 2))
		return;
	s->suspects = 0;
	for (uint64_t i = 0; i < s->nplaces; i++) {
		o = s->places[i].object;
		if (o != NULL && (o->held != 0 || o->pins != 0))
			mark(&l, o);
	}
	mark_all(&l);
	for (uint64_t i = 0; i < s->nplaces; i++) {
		o = s->places[i].object;
		if (o == NULL)
			continue;
		if (!o->marked)
			doom(o);
		o->marked = false;
	}
	mp_object_sweep(s);
}

void mp_object_end(struct mp_server *s)
{
	for (uint64_t i = 0; i < s->nplaces; i++)
		if (s->places[i].object != NULL && !s->places[i].object->doomed)
			doom(s->places[i].object);
	mp_object_sweep(s);
	free(s->places);
}
