/* type-dict.c - dict.
 *
 * All of it is a table (type-table.c).  What is here reads one entry, changes
 * one, or packs all; update changes many, or none: it first finds the keys and
 * keeps the values, which may fail, and then puts them together, which may not.
 */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>

/* ---- one entry ---- */

/* The key is argument 0 of min to max.  -ENOENT: not there. */
static int look_up(void *self, struct mp_call *c, uint32_t min, uint32_t max,
		   struct mp_entry **e)
{
	int error = mp_args(c, min, max);

	if (error == 0)
		error = mp_table_find(self, c, c->args[0], e);
	return error == 0 && *e == NULL ? -ENOENT : error;
}

/* The same, but what is not there is added, with no value yet. */
static int provide(void *self, struct mp_call *c, struct mp_entry **e)
{
	int error = mp_args(c, 2, 2);

	return error < 0 ? error : mp_table_add(self, c, c->args[0], e);
}

/* An error: what provide added goes again. */
static int settle(void *self, struct mp_entry *e, int error)
{
	if (error < 0 && e->value.size == 0)
		mp_table_delete(self, e);
	return error;
}

static int get(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = look_up(self, c, 1, 1, &e);

	if (error == 0)
		c->result = mp_kept_any(&e->value);
	return error;
}

static int set(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = provide(self, c, &e);

	if (error < 0)
		return error;
	error = mp_kept_set(self, c, &e->value, 0, c->args[1]);
	return settle(self, e, error);
}

static int setdefault(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = provide(self, c, &e);

	if (error < 0)
		return error;
	if (e->value.size == 0)
		error = mp_kept_set(self, c, &e->value, 0, c->args[1]);
	if (error == 0)
		c->result = mp_kept_any(&e->value);
	return settle(self, e, error);
}

static int add(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = provide(self, c, &e);

	if (error < 0)
		return error;
	error = mp_kept_add(self, c, &e->value, 0, c->args[1]);
	return settle(self, e, error);
}

static int compare_exchange(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = look_up(self, c, 3, 3, &e);

	if (error < 0)
		return error;
	return mp_kept_exchange(self, c, &e->value, 0, c->args[1], c->args[2]);
}

static int delete_key(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = look_up(self, c, 1, 1, &e);

	if (error == 0)
		mp_table_delete(self, e);
	return error;
}

static int pop(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = look_up(self, c, 1, 2, &e);

	if (error == -ENOENT && c->n == 2) {
		c->result = c->args[1];
		return 0;
	}
	if (error < 0)
		return error;
	mp_give(c, &e->value);
	mp_table_delete(self, e);
	return 0;
}

/* The youngest.  The pair is kept as one value, so that the answer has the
 * references in both. */
static int popitem(void *self, struct mp_call *c)
{
	struct mp_entry *e = mp_table_youngest(self);
	struct mp_pack *p = c->pack;
	struct mp_kept pair;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	if (e == NULL)
		return -ENOENT;
	mp_pack_array(p, 2);
	mp_pack_any(p, mp_kept_any(&e->key));
	error = mp_pack_any(p, mp_kept_any(&e->value));
	if (error == 0)
		error = mp_keep(c, mp_any_raw(p->data, (uint32_t)p->size),
				&pair);
	if (error < 0)
		return error;
	mp_table_delete(self, e);
	return mp_give(c, &pair);
}

/* ---- many ---- */

struct change {
	struct mp_entry *entry;
	struct mp_kept value;
};

static int prepare(struct mp_table *t, struct mp_call *c, struct mp_unpack *u,
		   struct change *p)
{
	struct mp_any key, value;
	int error;

	error = mp_unpack_any(u, &key);
	if (error == 0)
		error = mp_unpack_any(u, &value);
	if (error == 0)
		error = mp_table_add(t, c, key, &p->entry);
	if (error == 0)
		error = mp_keep(c, value, &p->value);
	return error;
}

/* Take over all that a map has. */
static int merge(struct mp_table *t, struct mp_call *c, struct mp_any map)
{
	struct mp_unpack u = mp_unpack_begin(map);
	uint32_t before = mp_table_count(t), n, i;
	struct change *p;
	struct mp_kept old;
	int error = 0;

	if (mp_unpack_map(&u, &n) < 0)
		return -EINVAL;
	p = calloc((size_t)n + 1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	for (i = 0; i < n && error == 0; i++)
		error = prepare(t, c, &u, &p[i]);
	n = i;
	for (i = 0; i < n; i++) {
		old = p[i].value;
		if (error == 0) {
			old = p[i].entry->value;
			p[i].entry->value = p[i].value;
		}
		mp_unkeep(t, &old);
	}
	if (error < 0)
		mp_table_trim(t, before);
	free(p);
	return error;
}

static int update(void *self, struct mp_call *c)
{
	int error = mp_args(c, 1, 1);

	return error < 0 ? error : merge(self, c, c->args[0]);
}

/* ---- the type ---- */

static int init(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 1);

	return error < 0 || !mp_given(c, 0) ? error
					    : merge(self, c, c->args[0]);
}

const struct mp_op mp_dict_ops[] = {
	{ "get", get },
	{ "set", set },
	{ "add", add },
	{ "contains", mp_table_contains },
	{ "length", mp_table_length },
	{ "delete", delete_key },
	{ "setdefault", setdefault },
	{ "compare_exchange", compare_exchange },
	{ "pop", pop },
	{ "popitem", popitem },
	{ "update", update },
	{ "clear", mp_table_clear },
	{ "copy", mp_table_copy },
	{ "keys", mp_table_keys },
	{ "values", mp_table_values },
	{ "items", mp_table_items },
	{ "next", mp_table_next },
	{ 0 },
};

const struct mp_kind mp_type_dict = {
	.type = { .name = "dict",
		  .size = sizeof(struct mp_table),
		  .ops = mp_dict_ops,
		  .init = init,
		  .fini = mp_table_fini },
	.visit = mp_table_visit,
};
