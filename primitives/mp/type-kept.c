/* type-kept.c - what the types do with single values.
 *
 * A new value is kept before the old one goes: it may refer to the same object,
 * and if there is no memory for it the old one stays.
 *
 * Sums are computed in 128 bits, which hold every sum of two MessagePack
 * integers, and refused if they are none themselves.
 */
#include "mp/type-own.h"

#include <errno.h>
#include <string.h>

bool mp_given(const struct mp_call *c, uint32_t i)
{
	return i < c->n && c->args[i].type != MP_ANY_NIL;
}

int mp_answer_bool(struct mp_call *c, bool b)
{
	c->result = mp_any_bool(b);
	return 0;
}

int mp_answer_int(struct mp_call *c, int64_t i)
{
	c->result = mp_any_int(i);
	return 0;
}

int mp_answer_pack(struct mp_call *c)
{
	if (c->pack->error == 0)
		c->result = mp_any_raw(c->pack->data, (uint32_t)c->pack->size);
	return c->pack->error;
}

/* ---- cursors ---- */

int mp_cursor_get(const struct mp_call *c, int64_t version,
		  struct mp_any *position)
{
	struct mp_unpack u;
	struct mp_any v;
	uint32_t n;

	*position = mp_any_nil();
	if (!mp_given(c, 0))
		return 0;
	u = mp_unpack_begin(c->args[0]);
	if (mp_unpack_array(&u, &n) < 0 || n != 2 ||
	    mp_unpack_any(&u, &v) < 0 || v.type != MP_ANY_INT ||
	    mp_unpack_any(&u, position) < 0)
		return -EINVAL;
	return v.i == version ? 0 : -EBUSY;
}

int mp_cursor_pack(struct mp_pack *p, int64_t version, struct mp_any position)
{
	mp_pack_array(p, 2);
	mp_pack_any(p, mp_any_int(version));
	return mp_pack_any(p, position);
}

/* ---- codes ---- */

int mp_code_get(const struct mp_call *c, uint32_t i, char *code)
{
	static const char *const names[] = { "i", "d", "c", "b" };

	*code = 0;
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
		if (mp_any_is(c->args[i], names[k]))
			*code = names[k][0];
	return *code != 0 || mp_any_is(c->args[i], "any") ? 0 : -EINVAL;
}

static bool is_integer(struct mp_any v)
{
	return v.type == MP_ANY_INT || v.type == MP_ANY_UINT;
}

static bool is_number(struct mp_any v)
{
	return is_integer(v) || v.type == MP_ANY_FLOAT;
}

static double to_float(struct mp_any v)
{
	if (v.type == MP_ANY_FLOAT)
		return v.f;
	return v.type == MP_ANY_INT ? (double)v.i : (double)v.u;
}

int mp_code_fit(char code, struct mp_any *v)
{
	switch (code) {
	case 'i':
		return is_integer(*v) ? 0 : -EINVAL;
	case 'd':
		if (!is_number(*v))
			return -EINVAL;
		*v = mp_any_float(to_float(*v));
		return 0;
	case 'c':
		return v->type == MP_ANY_STR ? 0 : -EINVAL;
	case 'b':
		return v->type == MP_ANY_BOOL ? 0 : -EINVAL;
	}
	return 0;
}

struct mp_any mp_code_zero(char code)
{
	switch (code) {
	case 'i':
		return mp_any_int(0);
	case 'd':
		return mp_any_float(0);
	case 'c':
		return mp_any_str("");
	case 'b':
		return mp_any_bool(false);
	}
	return mp_any_nil();
}

/* ---- values ---- */

static __int128 to_integer(struct mp_any v)
{
	return v.type == MP_ANY_INT ? (__int128)v.i : (__int128)v.u;
}

/* 0; -EINVAL: not two numbers; -EOVERFLOW. */
static int sum(struct mp_any a, struct mp_any b, struct mp_any *s)
{
	__int128 i;

	if (!is_number(a) || !is_number(b))
		return -EINVAL;
	if (a.type == MP_ANY_FLOAT || b.type == MP_ANY_FLOAT) {
		*s = mp_any_float(to_float(a) + to_float(b));
		return 0;
	}
	i = to_integer(a) + to_integer(b);
	if (i < INT64_MIN || i > UINT64_MAX)
		return -EOVERFLOW;
	*s = i < 0 ? mp_any_int((int64_t)i) : mp_any_uint((uint64_t)i);
	return 0;
}

struct mp_any mp_kept_get(const struct mp_kept *k, char code)
{
	return k->size != 0 ? mp_kept_any(k) : mp_code_zero(code);
}

bool mp_kept_same(const struct mp_kept *k, const struct mp_pack *p)
{
	return k->size == p->size && memcmp(k->data, p->data, p->size) == 0;
}

int mp_kept_set(void *self, struct mp_call *c, struct mp_kept *k, char code,
		struct mp_any v)
{
	struct mp_kept old = *k, new;
	int error = mp_code_fit(code, &v);

	if (error == 0)
		error = mp_keep(c, v, &new);
	if (error < 0)
		return error;
	*k = new;
	mp_unkeep(self, &old);
	return 0;
}

int mp_kept_add(void *self, struct mp_call *c, struct mp_kept *k, char code,
		struct mp_any n)
{
	struct mp_any v = mp_any_int(0);
	int error;

	if (k->size != 0)
		v = mp_kept_any(k);
	error = sum(v, n, &v);
	if (error == 0)
		error = mp_kept_set(self, c, k, code, v);
	if (error == 0)
		c->result = mp_kept_any(k);
	return error;
}

int mp_kept_exchange(void *self, struct mp_call *c, struct mp_kept *k,
		     char code, struct mp_any expected, struct mp_any v)
{
	struct mp_pack *p = c->pack;
	bool same;
	int error = mp_code_fit(code, &expected);

	if (error == 0)
		error = mp_code_fit(code, &v);
	if (error == 0)
		error = mp_pack_any(p, expected);
	if (error < 0)
		return error;
	same = mp_kept_same(k, p);
	if (same)
		error = mp_kept_set(self, c, k, code, v);
	return error < 0 ? error : mp_answer_bool(c, same);
}
