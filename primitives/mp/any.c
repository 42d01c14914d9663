/* any.c - values, and their bytes: MessagePack, by msgpack-c. */
#include "mp/any.h"

#include <endian.h>
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#define SMALL 32 /* a string this long says so in its first byte no more */

/* ---- making ---- */

struct mp_any mp_any_nil(void)
{
	return (struct mp_any){ .type = MP_ANY_NIL };
}

struct mp_any mp_any_bool(bool b)
{
	return (struct mp_any){ .type = MP_ANY_BOOL, .boolean = b };
}

struct mp_any mp_any_int(int64_t i)
{
	return (struct mp_any){ .type = MP_ANY_INT, .i = i };
}

struct mp_any mp_any_uint(uint64_t u)
{
	if (u <= INT64_MAX)
		return mp_any_int((int64_t)u);
	return (struct mp_any){ .type = MP_ANY_UINT, .u = u };
}

struct mp_any mp_any_float(double f)
{
	return (struct mp_any){ .type = MP_ANY_FLOAT, .f = f };
}

static struct mp_any bytes(uint32_t type, const void *data, uint32_t length)
{
	return (struct mp_any){ .type = type, .length = length, .data = data };
}

/* Too long: a length that mp_pack_any refuses with the rest of it. */
struct mp_any mp_any_str(const char *s)
{
	size_t length = strlen(s);

	return bytes(MP_ANY_STR, s,
		     length < UINT32_MAX ? (uint32_t)length : UINT32_MAX);
}

struct mp_any mp_any_bin(const void *data, uint32_t length)
{
	return bytes(MP_ANY_BIN, data, length);
}

struct mp_any mp_any_raw(const void *data, uint32_t length)
{
	return bytes(MP_ANY_RAW, data, length);
}

struct mp_any mp_any_ref(uint64_t handle)
{
	return (struct mp_any){ .type = MP_ANY_REF, .handle = handle };
}

bool mp_any_is(struct mp_any v, const char *s)
{
	return v.type == MP_ANY_STR && v.length == strlen(s) &&
	       memcmp(v.data, s, v.length) == 0;
}

/* ---- writing ---- */

static int grow(struct mp_pack *p, size_t n)
{
	size_t room = p->room ? p->room : 128;
	unsigned char *data;

	if (n >= UINT32_MAX || p->size + n >= UINT32_MAX)
		return p->error = -EMSGSIZE;
	while (room < p->size + n)
		room *= 2;
	data = realloc(p->data, room);
	if (data == NULL)
		return p->error = -ENOMEM;
	p->data = data;
	p->room = room;
	return 0;
}

/* Most pieces are a few bytes, and then a call of memcpy costs more than they
 * do. */
static inline void copy(unsigned char *to, const char *from, size_t n)
{
	uint64_t first, last;
	uint32_t begin, end;

	if (n == 1) {
		*to = (unsigned char)*from;
	} else if (n > 16) {
		memcpy(to, from, n);
	} else if (n >= 8) {
		memcpy(&first, from, 8);
		memcpy(&last, from + n - 8, 8);
		memcpy(to, &first, 8);
		memcpy(to + n - 8, &last, 8);
	} else if (n >= 4) {
		memcpy(&begin, from, 4);
		memcpy(&end, from + n - 4, 4);
		memcpy(to, &begin, 4);
		memcpy(to + n - 4, &end, 4);
	} else if (n != 0) {
		to[0] = (unsigned char)from[0];
		to[n / 2] = (unsigned char)from[n / 2];
		to[n - 1] = (unsigned char)from[n - 1];
	}
}

/* For msgpack-c: bytes behind the others. */
static int put(void *pack, const char *data, size_t n)
{
	struct mp_pack *p = pack;

	if (p->error != 0 || (n > p->room - p->size && grow(p, n) < 0))
		return -1;
	if (n == 0)
		return 0;
	copy(p->data + p->size, data, n);
	p->size += n;
	return 0;
}

int mp_pack_bytes(struct mp_pack *p, const void *data, uint32_t length)
{
	put(p, data, length);
	return p->error;
}

static void pack_ref(msgpack_packer *k, uint64_t handle)
{
	unsigned char b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (unsigned char)(handle >> (56 - 8 * i));
	msgpack_pack_ext(k, sizeof(b), MP_ANY_EXT);
	msgpack_pack_ext_body(k, b, sizeof(b));
}

static void fail(struct mp_pack *p, int error)
{
	if (p->error == 0)
		p->error = error;
}

/* As short as it can be, which makes keys the same that are. */
static size_t put_number(unsigned char *at, uint64_t n)
{
	uint64_t big = htobe64(n);
	size_t size = n < 0x100 ? 1 : n < 0x10000 ? 2 : n >> 32 == 0 ? 4 : 8;

	if (n < 0x80) {
		*at = (unsigned char)n;
		return 1;
	}
	*at = (unsigned char)(0xcc + __builtin_ctzl(size));
	copy(at + 1, (const char *)&big + sizeof(big) - size, size);
	return 1 + size;
}

/* Numbers and short strings, which most are, in one go. */
static bool pack_small(struct mp_pack *p, struct mp_any v)
{
	unsigned char *at;

	if (p->error != 0 || p->room - p->size < SMALL)
		return false;
	at = p->data + p->size;
	if (v.type == MP_ANY_INT && v.i >= 0) {
		p->size += put_number(at, v.u);
		return true;
	}
	if (v.type != MP_ANY_STR || v.length >= SMALL)
		return false;
	*at = (unsigned char)(0xa0 | v.length);
	copy(at + 1, v.data, v.length);
	p->size += 1 + v.length;
	return true;
}

int mp_pack_any(struct mp_pack *p, struct mp_any v)
{
	msgpack_packer k;

	if (pack_small(p, v))
		return 0;

	msgpack_packer_init(&k, p, put);
	switch (v.type) {
	case MP_ANY_NIL:
		msgpack_pack_nil(&k);
		break;
	case MP_ANY_BOOL:
		v.boolean ? msgpack_pack_true(&k) : msgpack_pack_false(&k);
		break;
	case MP_ANY_INT:
		msgpack_pack_int64(&k, v.i);
		break;
	case MP_ANY_UINT:
		msgpack_pack_uint64(&k, v.u);
		break;
	case MP_ANY_FLOAT:
		msgpack_pack_double(&k, v.f);
		break;
	case MP_ANY_STR:
		msgpack_pack_str(&k, v.length);
		msgpack_pack_str_body(&k, v.data, v.length);
		break;
	case MP_ANY_BIN:
		msgpack_pack_bin(&k, v.length);
		msgpack_pack_bin_body(&k, v.data, v.length);
		break;
	case MP_ANY_REF:
		pack_ref(&k, v.handle);
		break;
	case MP_ANY_RAW:
		if (mp_unpack_check(v) == 0)
			put(p, v.data, v.length);
		else
			fail(p, -EBADMSG);
		break;
	default:
		fail(p, -EINVAL);
	}
	return p->error;
}

int mp_pack_array(struct mp_pack *p, uint32_t n)
{
	msgpack_packer k;

	msgpack_packer_init(&k, p, put);
	msgpack_pack_array(&k, n);
	return p->error;
}

int mp_pack_map(struct mp_pack *p, uint32_t n)
{
	msgpack_packer k;

	msgpack_packer_init(&k, p, put);
	msgpack_pack_map(&k, n);
	return p->error;
}

void mp_pack_clear(struct mp_pack *p)
{
	p->size = 0;
	p->error = 0;
}

void mp_pack_trim(struct mp_pack *p)
{
	unsigned char *data = p->size != 0 ? realloc(p->data, p->size) : NULL;

	if (data == NULL)
		return;
	p->data = data;
	p->room = p->size;
}

void mp_pack_free(struct mp_pack *p)
{
	free(p->data);
	*p = (struct mp_pack){ 0 };
}
