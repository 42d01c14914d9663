/* Any bytes, read as MessagePack by mp_unpack: it gives the values that are
 * there, at every depth, and refuses what is none.  Three readings are
 * compared: the library's, a simple one below, and msgpack-c's; and what was
 * read is written and read again.
 */
#include <errno.h>
#include <msgpack.h>
#include <string.h>

#include "fuzz.h"
#include "mp/any.h"

#define DEPTH_MAX (MP_ANY_DEPTH_MAX + 4)

#define TEN "\221\221\221\221\221\221\221\221\221\221"

const struct fuzz_seed fuzz_seeds[] = {
	FUZZ_SEED("\0\177\340\377\300\302\303"),
	FUZZ_SEED("\245hello\304\3abc\331\2xy\332\0\1z\333\0\0\0\1a"),
	FUZZ_SEED("\314\377\315\1\2\316\1\2\3\4\317\377\2\3\4\5\6\7\10"),
	FUZZ_SEED("\320\200\321\200\0\322\200\0\0\0\323\200\0\0\0\0\0\0\0"),
	FUZZ_SEED("\312\77\200\0\0\313\77\360\0\0\0\0\0\0"),
	FUZZ_SEED("\223\1\222\2\300\202\241a\221\3\2\200\220"),
	FUZZ_SEED("\334\0\2\1\2\335\0\0\0\1\300\336\0\1\1\2\337\0\0\0\0"),
	FUZZ_SEED("\327\1\0\0\0\0\1\0\0\2\222\327\1abcdefgh\324\5x"),
	FUZZ_SEED("\307\10\1abcdefgh\307\2\1ab\310\0\1\5x\311\0\0\0\0\6"),
	FUZZ_SEED(TEN TEN TEN "\221\221\1\221" TEN TEN TEN "\221\221\221\1"),
	FUZZ_SEED("\221" TEN TEN TEN "\221\221\221\221\221\1"),
	FUZZ_SEED("\334\377\377\335\377\377\377\377\336\377\377\1\1\1"),
	{ NULL, 0 }
};

/* ---- the simple reading ---- */

enum verdict {
	WHOLE,
	SHORT, /* bytes are missing, or more are promised than are there */
	BAD    /* no such type, or too deep */
};

struct reader {
	const uint8_t *at, *end;
	uint64_t refs; /* met so far */
};

static enum verdict skip_bytes(struct reader *r, uint64_t n)
{
	if ((uint64_t)(r->end - r->at) < n)
		return SHORT;
	r->at += n;
	return WHOLE;
}

static enum verdict read_count(struct reader *r, unsigned size, uint64_t *n)
{
	*n = 0;
	for (unsigned i = 0; i < size; i++) {
		if (r->at == r->end)
			return SHORT;
		*n = *n * 256 + *r->at++;
	}
	return WHOLE;
}

static enum verdict read_value(struct reader *r, int depth);

static enum verdict read_nested(struct reader *r, uint64_t n, int depth)
{
	enum verdict v = WHOLE;

	if ((uint64_t)(r->end - r->at) < n)
		return SHORT;
	if (n != 0 && depth == DEPTH_MAX)
		return BAD;
	for (; n > 0 && v == WHOLE; n--)
		v = read_value(r, depth + 1);
	return v;
}

static enum verdict read_ext(struct reader *r, uint64_t n)
{
	if (r->at < r->end && *r->at == MP_ANY_EXT && n == 8 &&
	    r->end - r->at >= 9)
		r->refs++;
	return skip_bytes(r, n + 1);
}

static enum verdict read_long(struct reader *r, uint8_t first, int depth)
{
	uint64_t n;

	if (first <= 0xc6) /* bytes */
		return read_count(r, 1u << (first - 0xc4), &n) == WHOLE
			       ? skip_bytes(r, n)
			       : SHORT;
	if (first <= 0xc9)
		return read_count(r, 1u << (first - 0xc7), &n) == WHOLE
			       ? read_ext(r, n)
			       : SHORT;
	if (first <= 0xcb)
		return skip_bytes(r, first == 0xca ? 4 : 8);
	if (first <= 0xd3)
		return skip_bytes(r, 1u << (first & 3));
	if (first <= 0xd8)
		return read_ext(r, 1u << (first - 0xd4));
	if (first <= 0xdb)
		return read_count(r, 1u << (first - 0xd9), &n) == WHOLE
			       ? skip_bytes(r, n)
			       : SHORT;
	if (read_count(r, first & 1 ? 4 : 2, &n) != WHOLE)
		return SHORT;
	return read_nested(r, first >= 0xde ? 2 * n : n, depth);
}

static enum verdict read_value(struct reader *r, int depth)
{
	uint8_t first;

	if (r->at == r->end)
		return SHORT;
	first = *r->at++;
	if (first <= 0x7f || first >= 0xe0 || first == 0xc0 || first == 0xc2 ||
	    first == 0xc3)
		return WHOLE;
	if (first <= 0x8f)
		return read_nested(r, 2 * (first & 15u), depth);
	if (first <= 0x9f)
		return read_nested(r, first & 15u, depth);
	if (first <= 0xbf)
		return skip_bytes(r, first & 31u);
	return first == 0xc1 ? BAD : read_long(r, first, depth);
}

/* ---- is it what msgpack-c says? ---- */

static void same_bytes(struct mp_any v, const char *data, uint32_t size)
{
	agree(v.length, size);
	agree(size != 0 && memcmp(v.data, data, size) != 0, 0);
}

static void same(struct mp_any v, const msgpack_object *o);

static void same_list(struct mp_any v, const msgpack_object_array *a)
{
	struct mp_unpack u = mp_unpack_begin(v);
	struct mp_any element;
	uint32_t n = 0;

	agree(mp_unpack_map(&u, &n), -EBADMSG);
	agree(mp_unpack_array(&u, &n), 0);
	agree(n, a->size);
	for (uint32_t i = 0; i < n; i++) {
		agree(mp_unpack_any(&u, &element), 0);
		same(element, &a->ptr[i]);
	}
	agree(mp_unpack_any(&u, &element), -ENODATA);
}

static void same_map(struct mp_any v, const msgpack_object_map *m)
{
	struct mp_unpack u = mp_unpack_begin(v);
	struct mp_any element;
	uint32_t n = 0;

	agree(mp_unpack_array(&u, &n), -EBADMSG);
	agree(mp_unpack_map(&u, &n), 0);
	agree(n, m->size);
	for (uint32_t i = 0; i < n; i++) {
		agree(mp_unpack_any(&u, &element), 0);
		same(element, &m->ptr[i].key);
		agree(mp_unpack_any(&u, &element), 0);
		same(element, &m->ptr[i].val);
	}
	agree(mp_unpack_any(&u, &element), -ENODATA);
}

static void same_ext(struct mp_any v, const msgpack_object_ext *x)
{
	uint64_t handle = 0;

	if (x->type != MP_ANY_EXT || x->size != 8) {
		agree(v.type, MP_ANY_RAW);
		return;
	}
	for (int i = 0; i < 8; i++)
		handle = handle << 8 | (uint8_t)x->ptr[i];
	agree(v.type, MP_ANY_REF);
	agree(v.handle, handle);
}

static void same(struct mp_any v, const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		agree(v.type, MP_ANY_NIL);
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		agree(v.type, MP_ANY_BOOL);
		agree(v.boolean, o->via.boolean);
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		agree(v.type,
		      o->via.u64 > INT64_MAX ? MP_ANY_UINT : MP_ANY_INT);
		agree(v.u, o->via.u64);
		break;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		agree(v.type, MP_ANY_INT);
		agree(v.i, o->via.i64);
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		agree(v.type, MP_ANY_FLOAT);
		agree(memcmp(&v.f, &o->via.f64, sizeof(v.f)), 0);
		break;
	case MSGPACK_OBJECT_STR:
		agree(v.type, MP_ANY_STR);
		same_bytes(v, o->via.str.ptr, o->via.str.size);
		break;
	case MSGPACK_OBJECT_BIN:
		agree(v.type, MP_ANY_BIN);
		same_bytes(v, o->via.bin.ptr, o->via.bin.size);
		break;
	case MSGPACK_OBJECT_ARRAY:
		agree(v.type, MP_ANY_RAW);
		same_list(v, &o->via.array);
		break;
	case MSGPACK_OBJECT_MAP:
		agree(v.type, MP_ANY_RAW);
		same_map(v, &o->via.map);
		break;
	case MSGPACK_OBJECT_EXT:
		same_ext(v, &o->via.ext);
		break;
	}
}

/* ---- one value ---- */

/* Written and read again; bytes in all forms become the shortest. */
static void write_again(struct mp_any v)
{
	struct mp_pack p = { 0 };
	struct mp_unpack u;
	struct mp_any again;
	int deep = v.type == MP_ANY_RAW && mp_unpack_check(v) < 0;

	agree(mp_pack_any(&p, v), deep ? -EBADMSG : 0);
	if (!deep) {
		u = (struct mp_unpack){ p.data, p.data + p.size };
		agree(mp_unpack_any(&u, &again), 0);
		agree(u.at == u.end, 1);
		agree(again.type, v.type);
		if (v.type >= MP_ANY_STR && v.type != MP_ANY_REF)
			same_bytes(again, v.data, v.length);
		else if (v.type == MP_ANY_BOOL)
			agree(again.boolean, v.boolean);
		else if (v.type != MP_ANY_NIL)
			agree(again.u, v.u);
	}
	mp_pack_free(&p);
}

/* What begins at r->at; 1: it is a value, and r is behind it. */
static int compare(struct reader *r)
{
	struct mp_unpack u = { r->at, r->end };
	const uint8_t *begin = r->at;
	enum verdict verdict = read_value(r, 0);
	size_t size = (size_t)(r->at - begin), off = 0;
	msgpack_unpacked theirs;
	msgpack_unpack_return result;
	struct mp_any v;

	agree(mp_unpack_any(&u, &v), verdict == WHOLE ? 0 : -EBADMSG);
	agree(u.at - begin, verdict == WHOLE ? size : 0);
	/* What is short it may ask memory for: no question. */
	if (verdict == SHORT)
		return 0;
	msgpack_unpacked_init(&theirs);
	result = msgpack_unpack_next(
		&theirs, (const char *)begin,
		verdict == WHOLE ? size : (size_t)(r->end - begin), &off);
	if (verdict == BAD) { /* the deep may be cut off, too */
		agree(result == MSGPACK_UNPACK_SUCCESS, 0);
	} else if (result == MSGPACK_UNPACK_SUCCESS) {
		agree(off, size);
		same(v, &theirs.data);
	} else { /* its own depth is 32 */
		agree(result, MSGPACK_UNPACK_NOMEM_ERROR);
	}
	if (verdict == WHOLE)
		write_again(v);
	msgpack_unpacked_destroy(&theirs);
	return verdict == WHOLE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { data, data + size, 0 };
	struct mp_unpack u = { data, data + size };
	uint64_t handle, n = 0;
	const uint8_t *whole;

	do
		whole = r.at;
	while (r.at != r.end && compare(&r));
	/* All references, in what is whole. */
	r = (struct reader){ data, whole, 0 };
	u.end = whole;
	while (r.at != r.end)
		read_value(&r, 0);
	while (mp_unpack_ref(&u, &handle) > 0)
		n++;
	agree(n, r.refs);
	agree(u.at == u.end, 1);
	return 0;
}
