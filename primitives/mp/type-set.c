/* type-set.c - set: a table (type-table.c) whose entries have no values. */
#include "mp/type-own.h"

#include <errno.h>

static int add(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = mp_args(c, 1, 1);

	return error < 0 ? error : mp_table_add(self, c, c->args[0], &e);
}

static int discard(void *self, struct mp_call *c)
{
	struct mp_entry *e;
	int error = mp_args(c, 1, 1);

	if (error == 0)
		error = mp_table_find(self, c, c->args[0], &e);
	if (error == 0 && e != NULL)
		mp_table_delete(self, e);
	return error;
}

/* As discard, but it must be there. */
static int take_away(void *self, struct mp_call *c)
{
	uint32_t before = mp_table_count(self);
	int error = discard(self, c);

	return error == 0 && mp_table_count(self) == before ? -ENOENT : error;
}

/* Python: any; here: the oldest. */
static int pop(void *self, struct mp_call *c)
{
	struct mp_table *t = self;
	struct mp_entry *e = t->head;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	if (e == NULL)
		return -ENOENT;
	mp_give(c, &e->key);
	mp_table_delete(t, e);
	return 0;
}

/* Take over all that a list has, or nothing. */
static int merge(struct mp_table *t, struct mp_call *c, struct mp_any list)
{
	struct mp_unpack u = mp_unpack_begin(list);
	uint32_t before = mp_table_count(t), n;
	struct mp_entry *e;
	struct mp_any v;
	int error = 0;

	if (mp_unpack_array(&u, &n) < 0)
		return -EINVAL;
	while (error == 0 && n-- > 0) {
		error = mp_unpack_any(&u, &v);
		if (error == 0)
			error = mp_table_add(t, c, v, &e);
	}
	if (error < 0)
		mp_table_trim(t, before);
	return error;
}

static int update(void *self, struct mp_call *c)
{
	int error = mp_args(c, 1, 1);

	return error < 0 ? error : merge(self, c, c->args[0]);
}

static int init(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 1);

	return error < 0 || !mp_given(c, 0) ? error
					    : merge(self, c, c->args[0]);
}

static const struct mp_op ops[] = {
	{ "add", add },
	{ "contains", mp_table_contains },
	{ "length", mp_table_length },
	{ "discard", discard },
	{ "remove", take_away },
	{ "pop", pop },
	{ "clear", mp_table_clear },
	{ "copy", mp_table_keys },
	{ "update", update },
	{ "next", mp_table_next },
	{ 0 },
};

const struct mp_kind mp_type_set = {
	.type = { .name = "set",
		  .size = sizeof(struct mp_table),
		  .ops = ops,
		  .init = init,
		  .fini = mp_table_fini },
	.visit = mp_table_visit,
};
