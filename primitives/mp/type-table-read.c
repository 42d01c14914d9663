/* type-table-read.c - the operations of a table that change nothing, and clear.
 *
 * A cursor names the key that comes next: to go on there is one look-up, and
 * the table need not remember who goes through it.
 */
#include "mp/type-own.h"

#include <errno.h>

int mp_table_contains(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = mp_args(c, 1, 1);

	if (error == 0)
		error = mp_table_find(self, c, c->args[0], &e);
	return error < 0 ? error : mp_answer_bool(c, e != NULL);
}

int mp_table_length(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_int(c, mp_table_count(self));
}

int mp_table_clear(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 0);

	if (error == 0)
		mp_table_trim(self, 0);
	return error;
}

int mp_table_keys(void *self, struct mp_call *c)
{
	struct mp_table *t = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	mp_pack_array(c->pack, mp_table_count(t));
	for (struct mp_entry *e = t->head; e != NULL; e = e->hh.next)
		mp_pack_any(c->pack, mp_kept_any(&e->key));
	return mp_answer_pack(c);
}

int mp_table_copy(void *self, struct mp_call *c)
{
	struct mp_table *t = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	mp_pack_map(c->pack, mp_table_count(t));
	for (struct mp_entry *e = t->head; e != NULL; e = e->hh.next) {
		mp_pack_any(c->pack, mp_kept_any(&e->key));
		mp_pack_any(c->pack, mp_kept_any(&e->value));
	}
	return mp_answer_pack(c);
}

int mp_table_values(void *self, struct mp_call *c)
{
	struct mp_table *t = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	mp_pack_array(c->pack, mp_table_count(t));
	for (struct mp_entry *e = t->head; e != NULL; e = e->hh.next)
		mp_pack_any(c->pack, mp_kept_any(&e->value));
	return mp_answer_pack(c);
}

int mp_table_items(void *self, struct mp_call *c)
{
	struct mp_table *t = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	mp_pack_array(c->pack, mp_table_count(t));
	for (struct mp_entry *e = t->head; e != NULL; e = e->hh.next) {
		mp_pack_array(c->pack, 2);
		mp_pack_any(c->pack, mp_kept_any(&e->key));
		mp_pack_any(c->pack, mp_kept_any(&e->value));
	}
	return mp_answer_pack(c);
}

/* Where to go on; *e: NULL at the end of an empty table. */
static int resume(struct mp_table *t, struct mp_call *c, struct mp_entry **e)
{
	struct mp_any key;
	int error = mp_args(c, 0, 1);

	*e = t->head;
	if (error == 0)
		error = mp_cursor_get(c, t->version, &key);
	if (error < 0 || !mp_given(c, 0))
		return error;
	error = mp_table_find(t, c, key, e);
	return error == 0 && *e == NULL ? -EINVAL : error;
}

int mp_table_next(void *self, struct mp_call *c)
{
	struct mp_table *t = self;
	struct mp_entry *e, *end;
	size_t bytes = 0;
	uint32_t n = 0;
	int error = resume(t, c, &e);

	if (error < 0)
		return error;
	for (end = e; end != NULL && n < MP_NEXT_MOST && bytes < MP_NEXT_BYTES;
	     end = end->hh.next, n++)
		bytes += end->key.size + end->value.size;
	mp_pack_array(c->pack, 2);
	if (end != NULL)
		mp_cursor_pack(c->pack, t->version, mp_kept_any(&end->key));
	else
		mp_pack_any(c->pack, mp_any_nil());
	mp_pack_array(c->pack, 2 * n);
	for (; e != end; e = e->hh.next) {
		mp_pack_any(c->pack, mp_kept_any(&e->key));
		mp_pack_any(c->pack, mp_kept_get(&e->value, 0));
	}
	return mp_answer_pack(c);
}
