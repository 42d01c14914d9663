/* type-sequence.c - what list and array share: values in a row.
 *
 * The row has room for more than there are, and doubles; so adding at the end
 * is cheap, and at the beginning moves all (as Python's list).
 */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>

static struct mp_any element(const struct mp_sequence *s, size_t i)
{
	return mp_kept_get(&s->at[i], s->code);
}

int mp_sequence_index(const struct mp_sequence *s, const struct mp_call *c,
		      uint32_t i, size_t *at)
{
	int64_t n = (int64_t)s->n, k;

	if (c->args[i].type == MP_ANY_UINT)
		return -ERANGE;
	if (c->args[i].type != MP_ANY_INT)
		return -EINVAL;
	k = c->args[i].i;
	if (k >= n || k < -n)
		return -ERANGE;
	*at = (size_t)(k < 0 ? k + n : k);
	return 0;
}

int mp_sequence_place(const struct mp_sequence *s, const struct mp_call *c,
		      uint32_t i, int64_t otherwise, size_t *at)
{
	int64_t n = (int64_t)s->n, k;
	int error = mp_arg_int(c, i, otherwise, &k);

	if (error < 0)
		return error;
	if (k < 0)
		k = k < -n ? 0 : k + n;
	*at = (size_t)(k > n ? n : k);
	return 0;
}

int mp_sequence_reserve(struct mp_sequence *s, size_t n)
{
	size_t room = s->room ? s->room : 8;
	struct mp_kept *at;

	if (n <= s->room - s->n)
		return 0;
	if (n > SIZE_MAX / sizeof(*at) / 2 - s->n)
		return -ENOMEM;
	while (room < s->n + n)
		room *= 2;
	at = realloc(s->at, room * sizeof(*at));
	if (at == NULL)
		return -ENOMEM;
	s->at = at;
	s->room = room;
	return 0;
}

/* The next value of u. */
static int keep_next(struct mp_sequence *s, struct mp_call *c,
		     struct mp_unpack *u, struct mp_kept *k)
{
	struct mp_any v;
	int error = mp_unpack_any(u, &v);

	if (error == 0)
		error = mp_code_fit(s->code, &v);
	return error < 0 ? error : mp_keep(c, v, k);
}

int mp_sequence_extend(struct mp_sequence *s, struct mp_call *c,
		       struct mp_any v)
{
	struct mp_unpack u = mp_unpack_begin(v);
	size_t end = s->n;
	uint32_t n;
	int error;

	if (mp_unpack_array(&u, &n) < 0)
		return -EINVAL;
	error = mp_sequence_reserve(s, n);
	for (; error == 0 && n > 0; n--) {
		error = keep_next(s, c, &u, &s->at[end]);
		if (error == 0)
			end++;
	}
	if (error < 0) {
		while (end > s->n)
			mp_unkeep(s, &s->at[--end]);
		return error;
	}
	s->version += end != s->n;
	s->n = end;
	return 0;
}

/* ---- operations ---- */

int mp_sequence_get(void *self, struct mp_call *c)
{
	size_t i = 0;
	int error = mp_args(c, 1, 1);

	if (error == 0)
		error = mp_sequence_index(self, c, 0, &i);
	if (error == 0)
		c->result = element(self, i);
	return error;
}

int mp_sequence_set(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	size_t i = 0;
	int error = mp_args(c, 2, 2);

	if (error == 0)
		error = mp_sequence_index(s, c, 0, &i);
	if (error < 0)
		return error;
	return mp_kept_set(s, c, &s->at[i], s->code, c->args[1]);
}

int mp_sequence_add(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	size_t i = 0;
	int error = mp_args(c, 2, 2);

	if (error == 0)
		error = mp_sequence_index(s, c, 0, &i);
	if (error < 0)
		return error;
	return mp_kept_add(s, c, &s->at[i], s->code, c->args[1]);
}

int mp_sequence_length(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_int(c, (int64_t)s->n);
}

static int pack(const struct mp_sequence *s, struct mp_call *c, size_t from,
		size_t to)
{
	if (to - from > UINT32_MAX)
		return -EMSGSIZE;
	mp_pack_array(c->pack, (uint32_t)(to - from));
	for (; from < to; from++)
		if (mp_pack_any(c->pack, element(s, from)) < 0)
			break;
	return mp_answer_pack(c);
}

int mp_sequence_copy(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : pack(s, c, 0, s->n);
}

int mp_sequence_slice(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	size_t from = 0, to = 0;
	int error = mp_args(c, 2, 2);

	if (error == 0)
		error = mp_sequence_place(s, c, 0, 0, &from);
	if (error == 0)
		error = mp_sequence_place(s, c, 1, (int64_t)s->n, &to);
	if (error < 0)
		return error;
	return pack(s, c, from, from < to ? to : from);
}

int mp_sequence_next(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	size_t from = 0, to, bytes = 0;
	struct mp_any position;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_cursor_get(c, s->version, &position);
	if (error < 0)
		return error;
	if (position.type == MP_ANY_INT && position.i >= 0)
		from = (size_t)position.i;
	else if (position.type != MP_ANY_NIL)
		return -EINVAL;
	if (from > s->n)
		return -EINVAL;
	for (to = from;
	     to < s->n && to - from < MP_NEXT_MOST && bytes < MP_NEXT_BYTES;
	     to++)
		bytes += s->at[to].size;
	mp_pack_array(c->pack, 2);
	if (to < s->n)
		mp_cursor_pack(c->pack, s->version, mp_any_int((int64_t)to));
	else
		mp_pack_any(c->pack, mp_any_nil());
	mp_pack_array(c->pack, (uint32_t)(2 * (to - from)));
	for (; from < to; from++) {
		mp_pack_any(c->pack, mp_any_int((int64_t)from));
		mp_pack_any(c->pack, element(s, from));
	}
	return mp_answer_pack(c);
}

void mp_sequence_visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		       void *arg)
{
	struct mp_sequence *s = self;

	for (size_t i = 0; i < s->n; i++)
		each(&s->at[i], arg);
}

void mp_sequence_fini(void *self)
{
	struct mp_sequence *s = self;

	for (size_t i = 0; i < s->n; i++)
		mp_unkeep(s, &s->at[i]);
	free(s->at);
}
