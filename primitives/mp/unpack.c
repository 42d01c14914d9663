/* unpack.c - MessagePack in.
 *
 * The bytes are gone through once, value by value, and no length is believed
 * that the bytes left over do not bear out: so a list that claims 2^32 elements
 * in five bytes is an error, and not a loop or an allocation.  (msgpack-c makes
 * objects of what it reads, in memory of the size that the peer names.)
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "mp/any.h"

/* Answers put what is kept into lists of their own. */
#define DEPTH (MP_ANY_DEPTH_MAX + 4)

/* ---- the head of a value ---- */

/*  first byte     value                            what follows
 *  00 … 7f        the integer 0 … 127              -
 *  80 … 8f        map of 0 … 15 pairs              their keys and values
 *  90 … 9f        array of 0 … 15                  its elements
 *  a0 … bf        string of 0 … 31 bytes           the bytes
 *  c0 c2 c3       nil false true                   -
 *  c4 c5 c6       bytes                            1, 2, 4 of length, bytes
 *  c7 c8 c9       extension                        1, 2, 4, type, bytes
 *  ca cb          float                            4, 8
 *  cc … cf        unsigned integer                 1, 2, 4, 8
 *  d0 … d3        integer                          1, 2, 4, 8
 *  d4 … d8        extension of 1, 2, 4, 8, 16      type, bytes
 *  d9 da db       string                           1, 2, 4 of length, bytes
 *  dc dd          array                            2, 4 of count, elements
 *  de df          map                              2, 4 of count, pairs
 *  e0 … ff        the integer -32 … -1             -
 *  c1             never used
 */
struct head {
	struct mp_any v; /* whole, unless: */
	uint64_t inside; /* RAW: values that follow */
};

/* `size` bytes, 0, 1, 2, 4 or 8. */
static inline uint64_t number(const unsigned char *at, size_t size)
{
	uint64_t n8;
	uint32_t n4;
	uint16_t n2;

	switch (size) {
	case 8:
		memcpy(&n8, at, sizeof(n8));
		return be64toh(n8);
	case 4:
		memcpy(&n4, at, sizeof(n4));
		return be32toh(n4);
	case 2:
		memcpy(&n2, at, sizeof(n2));
		return be16toh(n2);
	default:
		return size == 1 ? *at : 0;
	}
}

/* `size` bytes, big-endian.  0, or -EBADMSG. */
static int take(struct mp_unpack *u, size_t size, uint64_t *n)
{
	if ((size_t)(u->end - u->at) < size)
		return -EBADMSG;
	*n = number(u->at, size);
	u->at += size;
	return 0;
}

static int take_bytes(struct mp_unpack *u, uint32_t type, uint64_t n,
		      struct head *h)
{
	if ((uint64_t)(u->end - u->at) < n)
		return -EBADMSG;
	h->v = mp_any_bin(u->at, (uint32_t)n);
	h->v.type = type;
	u->at += n;
	return 0;
}

/* From its type byte on. */
static int take_ext(struct mp_unpack *u, uint64_t n, struct head *h)
{
	uint64_t type;

	if (take(u, 1, &type) < 0 || take_bytes(u, MP_ANY_RAW, n, h) < 0)
		return -EBADMSG;
	if (type == MP_ANY_EXT && n == 8)
		h->v = mp_any_ref(number(h->v.data, 8));
	return 0;
}

/* At least as many bytes must be left as values are promised. */
static int take_inside(struct mp_unpack *u, uint64_t n, struct head *h)
{
	if ((uint64_t)(u->end - u->at) < n)
		return -EBADMSG;
	h->v.type = MP_ANY_RAW;
	h->inside = n;
	return 0;
}

static struct mp_any float_of(uint64_t bits, size_t size)
{
	uint32_t low = (uint32_t)bits;
	double d;
	float f;

	if (size == sizeof(d)) {
		memcpy(&d, &bits, sizeof(d));
		return mp_any_float(d);
	}
	memcpy(&f, &low, sizeof(f));
	return mp_any_float((double)f);
}

static int64_t extend(uint64_t n, size_t size)
{
	unsigned int shift = 64 - 8 * (unsigned int)size;

	return (int64_t)(n << shift) >> shift;
}

/* c4 … df: a number of 1, 2, 4 or 8 bytes comes first, but for d4 … d8. */
static int take_long(struct mp_unpack *u, unsigned char first, struct head *h)
{
	static const unsigned char sizes[] = {
		1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, /* c4 … d1 */
		4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4  /* d2 … df */
	};
	size_t size = sizes[first - 0xc4];
	uint64_t n;

	if (take(u, size, &n) < 0)
		return -EBADMSG;
	switch (first) {
	case 0xc4 ... 0xc6:
		return take_bytes(u, MP_ANY_BIN, n, h);
	case 0xc7 ... 0xc9:
		return take_ext(u, n, h);
	case 0xca ... 0xcb:
		h->v = float_of(n, size);
		return 0;
	case 0xcc ... 0xcf:
		h->v = mp_any_uint(n);
		return 0;
	case 0xd0 ... 0xd3:
		h->v = mp_any_int(extend(n, size));
		return 0;
	case 0xd4 ... 0xd8:
		return take_ext(u, UINT64_C(1) << (first - 0xd4), h);
	case 0xd9 ... 0xdb:
		return take_bytes(u, MP_ANY_STR, n, h);
	case 0xdc ... 0xdd:
		return take_inside(u, n, h);
	default:
		return take_inside(u, 2 * n, h);
	}
}

/* Without what is inside. */
static int take_head(struct mp_unpack *u, struct head *h)
{
	unsigned char first;

	if (u->at == u->end)
		return -EBADMSG;
	first = *u->at++;
	h->inside = 0;
	h->v = mp_any_nil();
	switch (first) {
	case 0x00 ... 0x7f:
		h->v = mp_any_int(first);
		return 0;
	case 0x80 ... 0x8f:
		return take_inside(u, 2 * (first & 0xfu), h);
	case 0x90 ... 0x9f:
		return take_inside(u, first & 0xfu, h);
	case 0xa0 ... 0xbf:
		return take_bytes(u, MP_ANY_STR, first & 0x1fu, h);
	case 0xc0:
		return 0;
	case 0xc1:
		return -EBADMSG;
	case 0xc2 ... 0xc3:
		h->v = mp_any_bool(first == 0xc3);
		return 0;
	case 0xe0 ... 0xff:
		h->v = mp_any_int((int8_t)first);
		return 0;
	default:
		return take_long(u, first, h);
	}
}

/* ---- whole values ---- */

/* Past what is inside a list or map, nested ones too. */
static int skip(struct mp_unpack *u, uint64_t inside, int most)
{
	uint64_t left[DEPTH];
	struct head h;
	int depth = 0;

	left[0] = inside;
	while (depth >= 0) {
		if (left[depth] == 0) {
			depth--;
			continue;
		}
		left[depth]--;
		if (take_head(u, &h) < 0)
			return -EBADMSG;
		if (h.inside == 0)
			continue;
		if (++depth == most)
			return -EBADMSG;
		left[depth] = h.inside;
	}
	return 0;
}

struct mp_unpack mp_unpack_begin(struct mp_any v)
{
	struct mp_unpack u = { NULL, NULL };

	if (v.type == MP_ANY_RAW) {
		u.at = v.data;
		u.end = u.at + v.length;
	}
	return u;
}

/* Numbers and short strings, which most are, without all of that. */
static inline bool unpack_small(struct mp_unpack *u, struct mp_any *v)
{
	unsigned char first = *u->at;
	uint32_t length = first & 0x1fu;

	if (first < 0x80) {
		v->type = MP_ANY_INT;
		v->i = first;
		u->at++;
		return true;
	}
	if (first >= 0xcc && first <= 0xcf) {
		length = 1u << (first - 0xcc);
		if (u->end - u->at <= (ptrdiff_t)length)
			return false;
		*v = mp_any_uint(number(u->at + 1, length));
		u->at += 1 + length;
		return true;
	}
	if ((first & 0xe0u) != 0xa0 || u->end - u->at <= (ptrdiff_t)length)
		return false;
	v->type = MP_ANY_STR;
	v->length = length;
	v->data = u->at + 1;
	u->at += 1 + length;
	return true;
}

static int unpack(struct mp_unpack *u, struct mp_any *v, int most)
{
	const unsigned char *begin = u->at;
	struct head h;

	if (u->at == u->end)
		return -ENODATA;
	if (unpack_small(u, v))
		return 0;
	if (take_head(u, &h) < 0 ||
	    (h.inside != 0 && skip(u, h.inside, most) < 0)) {
		u->at = begin;
		return -EBADMSG;
	}
	*v = h.v.type == MP_ANY_RAW
		     ? mp_any_raw(begin, (uint32_t)(u->at - begin))
		     : h.v;
	return 0;
}

int mp_unpack_any(struct mp_unpack *u, struct mp_any *v)
{
	return unpack(u, v, DEPTH);
}

int mp_unpack_check(struct mp_any raw)
{
	struct mp_unpack u = mp_unpack_begin(raw);
	struct mp_any v;

	return unpack(&u, &v, MP_ANY_DEPTH_MAX) == 0 && u.at == u.end
		       ? 0
		       : -EBADMSG;
}

/* first … first+15, or one of two: a count follows. */
static int enter(struct mp_unpack *u, unsigned char small, unsigned char two,
		 uint32_t *n)
{
	struct mp_unpack in = *u;
	struct head h;
	unsigned char first;

	if (u->at == u->end)
		return -ENODATA;
	first = *u->at;
	if (((first & 0xf0u) != small && (first & 0xfeu) != two) ||
	    take_head(&in, &h) < 0)
		return -EBADMSG;
	u->at = in.at;
	*n = (uint32_t)h.inside;
	return 0;
}

int mp_unpack_array(struct mp_unpack *u, uint32_t *n)
{
	return enter(u, 0x90, 0xdc, n);
}

int mp_unpack_map(struct mp_unpack *u, uint32_t *n)
{
	int error = enter(u, 0x80, 0xde, n);

	if (error == 0)
		*n /= 2;
	return error;
}

int mp_unpack_ref(struct mp_unpack *u, uint64_t *handle)
{
	struct head h;

	while (u->at != u->end && take_head(u, &h) == 0)
		if (h.v.type == MP_ANY_REF) {
			*handle = h.v.handle;
			return 1;
		}
	return 0;
}
