/* type-list.c - list: a sequence (type-sequence.c) that grows and shrinks. */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- in and out ---- */

static int insert_at(struct mp_sequence *s, struct mp_call *c, size_t i,
		     struct mp_any v)
{
	struct mp_kept k;
	int error = mp_sequence_reserve(s, 1);

	if (error == 0)
		error = mp_keep(c, v, &k);
	if (error < 0)
		return error;
	memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof(*s->at));
	s->at[i] = k;
	s->n++;
	s->version++;
	return 0;
}

/* The caller has to do with what is returned. */
static struct mp_kept take_out(struct mp_sequence *s, size_t i)
{
	struct mp_kept k = s->at[i];

	s->n--;
	memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof(*s->at));
	s->version++;
	return k;
}

static int append(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	int error = mp_args(c, 1, 1);

	return error < 0 ? error : insert_at(s, c, s->n, c->args[0]);
}

static int extend(void *self, struct mp_call *c)
{
	int error = mp_args(c, 1, 1);

	return error < 0 ? error : mp_sequence_extend(self, c, c->args[0]);
}

static int insert(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	size_t i;
	int error = mp_args(c, 2, 2);

	if (error == 0)
		error = mp_sequence_place(s, c, 0, (int64_t)s->n, &i);
	return error < 0 ? error : insert_at(s, c, i, c->args[1]);
}

static int pop(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	struct mp_kept k;
	size_t i = s->n - 1;
	int error = mp_args(c, 0, 1);

	if (error == 0 && mp_given(c, 0))
		error = mp_sequence_index(s, c, 0, &i);
	if (error < 0)
		return error;
	if (s->n == 0)
		return -ERANGE;
	k = take_out(s, i);
	return mp_give(c, &k);
}

static int delete_at(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	struct mp_kept k;
	size_t i;
	int error = mp_args(c, 1, 1);

	if (error == 0)
		error = mp_sequence_index(s, c, 0, &i);
	if (error < 0)
		return error;
	k = take_out(s, i);
	mp_unkeep(s, &k);
	return 0;
}

static int clear(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	int64_t version = s->version + (s->n != 0);
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	mp_sequence_fini(s);
	*s = (struct mp_sequence){ .version = version };
	return 0;
}

/* ---- by value ---- */

/* Count values that are argument 0, and note the first; stop after `most`. */
static int search(struct mp_sequence *s, struct mp_call *c, int64_t most,
		  size_t *first, int64_t *found)
{
	struct mp_pack *p = c->pack;
	int error = mp_args(c, 1, 1);

	*found = 0;
	if (error == 0)
		error = mp_pack_any(p, c->args[0]);
	for (size_t i = 0; error == 0 && i < s->n && *found < most; i++) {
		if (!mp_kept_same(&s->at[i], p))
			continue;
		if ((*found)++ == 0)
			*first = i;
	}
	mp_pack_clear(p);
	return error;
}

static int take_away(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	struct mp_kept k;
	int64_t found;
	size_t i;
	int error = search(s, c, 1, &i, &found);

	if (error < 0 || found == 0)
		return error < 0 ? error : -ENOENT;
	k = take_out(s, i);
	mp_unkeep(s, &k);
	return 0;
}

static int index_of(void *self, struct mp_call *c)
{
	int64_t found;
	size_t i;
	int error = search(self, c, 1, &i, &found);

	if (error < 0 || found == 0)
		return error < 0 ? error : -ENOENT;
	return mp_answer_int(c, (int64_t)i);
}

static int count(void *self, struct mp_call *c)
{
	int64_t found;
	size_t i;
	int error = search(self, c, INT64_MAX, &i, &found);

	return error < 0 ? error : mp_answer_int(c, found);
}

static int contains(void *self, struct mp_call *c)
{
	int64_t found;
	size_t i;
	int error = search(self, c, 1, &i, &found);

	return error < 0 ? error : mp_answer_bool(c, found != 0);
}

static int compare_exchange(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	size_t i;
	int error = mp_args(c, 3, 3);

	if (error == 0)
		error = mp_sequence_index(s, c, 0, &i);
	if (error < 0)
		return error;
	return mp_kept_exchange(s, c, &s->at[i], 0, c->args[1], c->args[2]);
}

/* ---- the type ---- */

static int init(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	int error = mp_args(c, 0, 1);

	if (error == 0 && mp_given(c, 0))
		error = mp_sequence_extend(s, c, c->args[0]);
	if (error < 0)
		free(s->at);
	return error;
}

static const struct mp_op ops[] = {
	{ "get", mp_sequence_get },
	{ "set", mp_sequence_set },
	{ "append", append },
	{ "add", mp_sequence_add },
	{ "pop", pop },
	{ "length", mp_sequence_length },
	{ "extend", extend },
	{ "insert", insert },
	{ "delete", delete_at },
	{ "remove", take_away },
	{ "index", index_of },
	{ "count", count },
	{ "contains", contains },
	{ "compare_exchange", compare_exchange },
	{ "reverse", mp_sequence_reverse },
	{ "sort", mp_sequence_sort },
	{ "slice", mp_sequence_slice },
	{ "clear", clear },
	{ "copy", mp_sequence_copy },
	{ "next", mp_sequence_next },
	{ 0 },
};

const struct mp_kind mp_type_list = {
	.type = { .name = "list",
		  .size = sizeof(struct mp_sequence),
		  .ops = ops,
		  .init = init,
		  .fini = mp_sequence_fini },
	.visit = mp_sequence_visit,
};
