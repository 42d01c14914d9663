/* Values and their bytes: every type at its boundaries, every truncation, lies
 * about lengths, and msgpack-c itself as the judge of what is valid.
 */
#include "mp/any.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <msgpack.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

/* Bytes as a literal, with its NULs. */
#define BYTES(s) s, sizeof(s) - 1

/* ---- what is read may not be read beyond ---- */

enum { SPACE = 1 << 20 };
static unsigned char *edge_end; /* the page from here on is not there */

static void make_edge(void)
{
	unsigned char *p = mmap(NULL, SPACE + 65536, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + SPACE, 65536, PROT_NONE) < 0)
		err(1, "mmap");
	edge_end = p + SPACE;
}

/* These bytes, with nothing behind them. */
static struct mp_unpack at_edge(const void *data, size_t n)
{
	if (n > SPACE)
		errx(1, "%zu bytes", n);
	memmove(edge_end - n, data, n);
	return (struct mp_unpack){ edge_end - n, edge_end };
}

static int read_bytes(const void *data, size_t n)
{
	struct mp_unpack u = at_edge(data, n);
	struct mp_any v;

	return mp_unpack_any(&u, &v);
}

/* ---- both readers ---- */

static int same_list(struct mp_any v, const msgpack_object *o);

static int same_bytes(const void *a, const void *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

/* Is what we read what msgpack-c reads? */
static int same(struct mp_any v, const msgpack_object *o)
{
	uint64_t handle = 0;

	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return v.type == MP_ANY_NIL;
	case MSGPACK_OBJECT_BOOLEAN:
		return v.type == MP_ANY_BOOL && v.boolean == o->via.boolean;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		if (o->via.u64 > INT64_MAX)
			return v.type == MP_ANY_UINT && v.u == o->via.u64;
		return v.type == MP_ANY_INT && v.i == (int64_t)o->via.u64;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return v.type == MP_ANY_INT && v.i == o->via.i64;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return v.type == MP_ANY_FLOAT &&
		       (memcmp(&v.f, &o->via.f64, sizeof(v.f)) == 0 ||
			(isnan(v.f) && isnan(o->via.f64)));
	case MSGPACK_OBJECT_STR:
		return v.type == MP_ANY_STR && v.length == o->via.str.size &&
		       same_bytes(v.data, o->via.str.ptr, v.length);
	case MSGPACK_OBJECT_BIN:
		return v.type == MP_ANY_BIN && v.length == o->via.bin.size &&
		       same_bytes(v.data, o->via.bin.ptr, v.length);
	case MSGPACK_OBJECT_EXT:
		if (v.type != MP_ANY_REF)
			return v.type == MP_ANY_RAW;
		for (int i = 0; i < 8; i++)
			handle = handle << 8 | (unsigned char)o->via.ext.ptr[i];
		return o->via.ext.type == MP_ANY_EXT && v.handle == handle;
	default:
		return v.type == MP_ANY_RAW && same_list(v, o);
	}
}

static int same_list(struct mp_any v, const msgpack_object *o)
{
	struct mp_unpack u = mp_unpack_begin(v);
	struct mp_any key;
	uint32_t n;

	if (o->type == MSGPACK_OBJECT_ARRAY) {
		if (mp_unpack_array(&u, &n) != 0 || n != o->via.array.size)
			return 0;
		for (uint32_t i = 0; i < n; i++)
			if (mp_unpack_any(&u, &v) != 0 ||
			    !same(v, &o->via.array.ptr[i]))
				return 0;
	} else {
		if (mp_unpack_map(&u, &n) != 0 || n != o->via.map.size)
			return 0;
		for (uint32_t i = 0; i < n; i++)
			if (mp_unpack_any(&u, &key) != 0 ||
			    mp_unpack_any(&u, &v) != 0 ||
			    !same(key, &o->via.map.ptr[i].key) ||
			    !same(v, &o->via.map.ptr[i].val))
				return 0;
	}
	return mp_unpack_any(&u, &v) == -ENODATA;
}

/* The size of the value at the beginning of these bytes; 0: there is none. */
static size_t extent(const unsigned char *data, size_t n)
{
	struct mp_unpack u = at_edge(data, n);
	const unsigned char *begin = u.at;
	struct mp_any v;

	return mp_unpack_any(&u, &v) == 0 ? (size_t)(u.at - begin) : 0;
}

/* The same, and whether both readers say so, and read the same. */
static int agree(const unsigned char *data, size_t n, size_t *size)
{
	struct mp_unpack u = at_edge(data, n);
	const unsigned char *begin = u.at;
	msgpack_unpacked m;
	msgpack_unpack_return r;
	struct mp_any v;
	size_t theirs = 0;
	int good;

	*size = extent(data, n);
	msgpack_unpacked_init(&m);
	r = msgpack_unpack_next(&m, (const char *)begin, n, &theirs);
	if (r != MSGPACK_UNPACK_SUCCESS && r != MSGPACK_UNPACK_EXTRA_BYTES)
		good = *size == 0;
	else
		good = *size == theirs && mp_unpack_any(&u, &v) == 0 &&
		       same(v, &m.data);
	msgpack_unpacked_destroy(&m);
	return good;
}

/* ---- one value at a time ---- */

static struct mp_pack p;

/* Packed anew: exactly these bytes, and both readers read it?  The size. */
static size_t packed(struct mp_any v)
{
	size_t size;

	mp_pack_clear(&p);
	if (mp_pack_any(&p, v) != 0 || !agree(p.data, p.size, &size) ||
	    size != p.size)
		return 0;
	return size;
}

static struct mp_any back(void)
{
	struct mp_unpack u = at_edge(p.data, p.size);
	struct mp_any v = { .type = 99 };

	mp_unpack_any(&u, &v);
	return v;
}

static void making(void)
{
	static const struct mp_any zero;
	struct mp_any v = mp_any_nil();

	is(memcmp(&v, &zero, sizeof(v)), 0, "nil is all zero bytes");
	is(mp_any_uint(INT64_MAX).type, MP_ANY_INT, "2^63 - 1 is an int");
	is(mp_any_uint((uint64_t)INT64_MAX + 1).type, MP_ANY_UINT,
	   "2^63 is a uint");
	ok(mp_any_is(mp_any_str("red"), "red"), "\"red\" is \"red\"");
	ok(!mp_any_is(mp_any_str("red"), "re") &&
		   !mp_any_is(mp_any_str("red"), "redd") &&
		   !mp_any_is(mp_any_str("red"), "rot") &&
		   !mp_any_is(mp_any_bin("red", 3), "red") &&
		   !mp_any_is(mp_any_nil(), ""),
	   "and nothing else is");
	ok(mp_any_is(mp_any_str(""), ""), "\"\" is \"\"");
}

/* What the specification says an integer takes. */
static size_t size_of(int64_t i)
{
	if (i >= -32 && i < 128)
		return 1;
	if (i >= INT8_MIN && i <= UINT8_MAX)
		return 2;
	if (i >= INT16_MIN && i <= UINT16_MAX)
		return 3;
	return i >= INT32_MIN && i <= UINT32_MAX ? 5 : 9;
}

static void ints(void)
{
	static const int bits[] = { 0, 5, 7, 8, 15, 16, 31, 32, 63 };
	int bad = 0, n = 0;

	for (size_t k = 0; k < sizeof(bits) / sizeof(bits[0]); k++) {
		uint64_t b = UINT64_C(1) << bits[k];

		for (int d = -2; d <= 2; d++) {
			uint64_t up = b + (uint64_t)(int64_t)d;
			int64_t i = (int64_t)up, minus = (int64_t)-up;

			n += 3;
			bad += packed(mp_any_int(i)) != size_of(i) ||
			       back().type != MP_ANY_INT || back().i != i;
			bad += packed(mp_any_int(minus)) != size_of(minus) ||
			       back().type != MP_ANY_INT || back().i != minus;
			if (up <= INT64_MAX)
				continue;
			bad += packed(mp_any_uint(up)) != 9 ||
			       back().type != MP_ANY_UINT || back().u != up;
		}
	}
	is(bad, 0, "%d integers around powers of two, in as few bytes", n);
	bad = packed(mp_any_uint(UINT64_MAX)) != 9 || back().u != UINT64_MAX;
	is(bad, 0, "2^64 - 1");
}

/* Others may write integers longer than need be. */
static void long_ints(void)
{
	static const struct {
		const char *bytes;
		size_t size;
		int64_t i;
	} t[] = {
		{ BYTES("\xcc\5"), 5 },
		{ BYTES("\xcd\0\5"), 5 },
		{ BYTES("\xce\0\0\0\5"), 5 },
		{ BYTES("\xcf\0\0\0\0\0\0\0\5"), 5 },
		{ BYTES("\xd0\xfb"), -5 },
		{ BYTES("\xd1\xff\xfb"), -5 },
		{ BYTES("\xd2\xff\xff\xff\xfb"), -5 },
		{ BYTES("\xd3\xff\xff\xff\xff\xff\xff\xff\xfb"), -5 },
		{ BYTES("\xd3\0\0\0\0\0\0\0\5"), 5 },
	};
	int bad = 0;

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		struct mp_unpack u = at_edge(t[k].bytes, t[k].size);
		struct mp_any v;

		bad += mp_unpack_any(&u, &v) != 0 || v.type != MP_ANY_INT ||
		       v.i != t[k].i || u.at != u.end;
	}
	is(bad, 0, "integers in more bytes than they need");
}

static void floats(void)
{
	const double t[] = { 0.0,      -0.0,           1.0,
			     -1.5,     DBL_MAX,        DBL_MIN,
			     INFINITY, -INFINITY,      4.9e-324,
			     1e300,    (double)FLT_MAX };
	struct mp_unpack u;
	struct mp_any v;
	int bad = 0;

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		bad += packed(mp_any_float(t[k])) != 9;
		v = back();
		bad += v.type != MP_ANY_FLOAT || memcmp(&v.f, &t[k], 8) != 0;
	}
	bad += packed(mp_any_float((double)NAN)) != 9 || !isnan(back().f);
	is(bad, 0, "floats, -0, infinities and NaN");
	u = at_edge(BYTES("\xca\x3f\xc0\0\0"));
	is(mp_unpack_any(&u, &v), 0, "a float of 4 bytes");
	ok(v.type == MP_ANY_FLOAT && v.f == 1.5 && u.at == u.end,
	   "is read, too");
}

static void small_ones(void)
{
	is(packed(mp_any_nil()), 1, "nil");
	is(back().type, MP_ANY_NIL, "is nil");
	is(packed(mp_any_bool(true)), 1, "true");
	ok(back().type == MP_ANY_BOOL && back().boolean, "is true");
	is(packed(mp_any_bool(false)), 1, "false");
	ok(back().type == MP_ANY_BOOL && !back().boolean, "is false");
}

static void strings(void)
{
	static const uint32_t t[] = { 0,   1,   31,    32,    127,   128,
				      255, 256, 32767, 65535, 65536, 100000 };
	static char s[100001];
	int bad = 0;

	for (size_t i = 0; i < sizeof(s) - 1; i++)
		s[i] = (char)('a' + i % 26);
	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		uint32_t n = t[k];
		size_t head = n < 256 ? 2 : n < 65536 ? 3 : 5;
		char end = s[n];
		struct mp_any v;

		s[n] = '\0';
		bad += packed(mp_any_str(s)) != n + (n < 32 ? 1 : head);
		v = back();
		bad += !mp_any_is(v, s);
		s[n] = end;
		bad += packed(mp_any_bin(s, n)) != n + head;
		v = back();
		bad += v.type != MP_ANY_BIN || v.length != n ||
		       memcmp(v.data, s, n) != 0;
	}
	is(bad, 0, "strings and bytes of 0 to 100000");
	bad = packed(mp_any_bin("a\0b", 3)) != 5 || back().length != 3 ||
	      memcmp(back().data, "a\0b", 3) != 0;
	is(bad, 0, "with a NUL in them");
	/* Not UTF-8: nobody asks. */
	is(packed(mp_any_str("\xff\xfe")), 3, "a string that is no UTF-8");
}

static void lists(void)
{
	static const uint32_t t[] = { 0, 1, 15, 16, 255, 65535, 65536 };
	struct mp_unpack u;
	struct mp_any v;
	size_t size;
	uint32_t n;
	int bad = 0;

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		size_t head = t[k] < 16 ? 1 : t[k] < 65536 ? 3 : 5;

		mp_pack_clear(&p);
		mp_pack_array(&p, t[k]);
		bad += p.size != head;
		for (uint32_t i = 0; i < t[k]; i++)
			mp_pack_any(&p, mp_any_int(i % 100));
		bad += !agree(p.data, p.size, &size) || size != p.size;
		bad += back().type != MP_ANY_RAW || back().length != size;
		u = at_edge(p.data, p.size);
		bad += mp_unpack_map(&u, &n) != -EBADMSG;
		u = at_edge(p.data, p.size);
		bad += mp_unpack_array(&u, &n) != 0 || n != t[k];
		for (uint32_t i = 0; i < n; i++)
			bad += mp_unpack_any(&u, &v) != 0 || v.i != i % 100;
		bad += mp_unpack_any(&u, &v) != -ENODATA;

		mp_pack_clear(&p);
		mp_pack_map(&p, t[k]);
		bad += p.size != head;
		for (uint32_t i = 0; i < t[k]; i++) {
			mp_pack_any(&p, mp_any_int(i));
			mp_pack_any(&p, mp_any_nil());
		}
		bad += !agree(p.data, p.size, &size) || size != p.size;
		u = at_edge(p.data, p.size);
		bad += mp_unpack_array(&u, &n) != -EBADMSG;
		u = at_edge(p.data, p.size);
		bad += mp_unpack_map(&u, &n) != 0 || n != t[k];
	}
	is(bad, 0, "lists and maps of 0 to 65536");
	u = at_edge(BYTES("\5"));
	ok(mp_unpack_array(&u, &n) == -EBADMSG &&
		   mp_unpack_map(&u, &n) == -EBADMSG,
	   "a number is neither");
	u = (struct mp_unpack){ 0 };
	ok(mp_unpack_any(&u, &v) == -ENODATA &&
		   mp_unpack_array(&u, &n) == -ENODATA &&
		   mp_unpack_map(&u, &n) == -ENODATA,
	   "nothing is nothing");
	u = mp_unpack_begin(mp_any_int(3));
	is(mp_unpack_any(&u, &v), -ENODATA, "nor is there anything in a 3");
	u = mp_unpack_begin(mp_any_str("abc"));
	is(mp_unpack_any(&u, &v), -ENODATA, "nor in a string");
}

static void many_values(void)
{
	struct mp_unpack u = at_edge(BYTES("\1\xc0\x92\2\3\xa1x"));
	struct mp_any v[5];
	int r[5];

	for (int i = 0; i < 5; i++)
		r[i] = mp_unpack_any(&u, &v[i]);
	ok(r[0] == 0 && v[0].i == 1 && r[1] == 0 && v[1].type == MP_ANY_NIL,
	   "values one after the other");
	ok(r[2] == 0 && v[2].type == MP_ANY_RAW && v[2].length == 3,
	   "a nested one whole");
	ok(r[3] == 0 && mp_any_is(v[3], "x") && r[4] == -ENODATA,
	   "until nothing is left");
}

/* ---- references, extensions ---- */

static void references(void)
{
	static const uint64_t t[] = { 0, 1, 0x0102030405060708, UINT64_MAX };
	int bad = 0;

	for (int k = 0; k < 4; k++)
		bad += packed(mp_any_ref(t[k])) != 10 ||
		       back().type != MP_ANY_REF || back().handle != t[k];
	is(bad, 0, "references");
	packed(mp_any_ref(t[2]));
	is(memcmp(p.data, BYTES("\xd7\1\1\2\3\4\5\6\7\10")), 0,
	   "are extension 1, 8 bytes, big-endian");
}

static void extensions(void)
{
	static const struct {
		const char *bytes;
		size_t size;
	} t[] = {
		{ BYTES("\xd4\1x") },
		{ BYTES("\xd5\1xx") },
		{ BYTES("\xd6\1xxxx") },
		{ BYTES("\xd6\xff\0\0\0\0") }, /* a timestamp */
		{ BYTES("\xd7\2xxxxxxxx") },
		{ BYTES("\xd8\1xxxxxxxxxxxxxxxx") },
		{ BYTES("\xc7\0\1") },
		{ BYTES("\xc7\3\1xxx") },
		{ BYTES("\xc8\0\3\1xxx") },
		{ BYTES("\xc9\0\0\0\3\1xxx") },
	};
	int bad = 0;

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		struct mp_unpack u = at_edge(t[k].bytes, t[k].size);
		struct mp_any v;
		size_t size;

		bad += mp_unpack_any(&u, &v) != 0 || v.type != MP_ANY_RAW ||
		       v.length != t[k].size ||
		       memcmp(v.data, t[k].bytes, t[k].size) != 0 ||
		       u.at != u.end;
		bad += packed(mp_any_raw(t[k].bytes, (uint32_t)t[k].size)) !=
		       t[k].size;
		bad += !agree((const unsigned char *)t[k].bytes, t[k].size,
			      &size);
	}
	is(bad, 0, "other extensions are kept as their bytes");
}

/* All references within, at whatever depth. */
static void references_within(void)
{
	struct mp_unpack u;
	uint64_t handle, sum = 0;
	int n = 0;

	mp_pack_clear(&p);
	mp_pack_any(&p, mp_any_ref(1));
	mp_pack_any(&p, mp_any_bin("\xd7\1xxxxxxxx", 10));
	mp_pack_map(&p, 2);
	mp_pack_any(&p, mp_any_ref(10));
	mp_pack_array(&p, 3);
	mp_pack_any(&p, mp_any_str("\xd7\1xxxxxxxx"));
	mp_pack_any(&p, mp_any_raw("\xd7\2xxxxxxxx", 10));
	mp_pack_array(&p, 1);
	mp_pack_any(&p, mp_any_ref(100));
	mp_pack_any(&p, mp_any_int(7));
	mp_pack_any(&p, mp_any_ref(1000));
	for (int i = 0; i < MP_ANY_DEPTH_MAX; i++)
		mp_pack_array(&p, 1);
	mp_pack_any(&p, mp_any_ref(10000));
	u = at_edge(p.data, p.size);
	while (mp_unpack_ref(&u, &handle) == 1 && n++ < 9)
		sum += handle;
	is(n, 5, "the references within, at any depth");
	is((long long)sum, 11111, "are those");
	ok(u.at == u.end, "and all is gone through");
	u = at_edge(BYTES("\1\x92\2\3"));
	is(mp_unpack_ref(&u, &handle), 0, "none in plain values");
	u = (struct mp_unpack){ 0 };
	is(mp_unpack_ref(&u, &handle), 0, "none in nothing");
}

/* ---- what cannot be written ---- */

static void not_written(void)
{
	static const struct {
		const char *what, *bytes;
		uint32_t size;
	} t[] = {
		{ "nothing", BYTES("") },
		{ "half a value", BYTES("\xcd\1") },
		{ "half a list", BYTES("\x92\1") },
		{ "two values", BYTES("\1\2") },
		{ "a list and more", BYTES("\x91\1\2") },
		{ "the byte that is no type", BYTES("\xc1") },
	};
	size_t size;

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		mp_pack_clear(&p);
		is(mp_pack_any(&p, mp_any_raw(t[k].bytes, t[k].size)), -EBADMSG,
		   "%s for a RAW", t[k].what);
	}
	is(p.error, -EBADMSG, "the error stays");
	size = p.size;
	ok(mp_pack_any(&p, mp_any_int(1)) == -EBADMSG &&
		   mp_pack_array(&p, 3) == -EBADMSG && p.size == size,
	   "nothing more is written");
	mp_pack_clear(&p);
	ok(p.error == 0 && mp_pack_any(&p, mp_any_int(1)) == 0 && p.size == 1,
	   "until it begins anew");
	mp_pack_clear(&p);
	is(mp_pack_any(&p, (struct mp_any){ .type = 77 }), -EINVAL,
	   "no such type");
	mp_pack_clear(&p);
	is(mp_pack_any(&p, mp_any_bin("", UINT32_MAX)), -EMSGSIZE,
	   "4 GiB less a byte");
	mp_pack_clear(&p);
	is(mp_pack_any(&p, mp_any_bin("", UINT32_MAX - 3)), -EMSGSIZE,
	   "or so much that the head does not fit besides");
	mp_pack_clear(&p);
	is(mp_pack_bytes(&p, "\1\2", 2), 0, "bytes as they are");
	is((long long)p.size, 2, "are written");
	mp_pack_free(&p);
	ok(p.data == NULL && p.size == 0 && p.room == 0 && p.error == 0,
	   "given back: as at the start");
	mp_pack_free(&p);
}

static void nested(int lists, int maps, const char *innermost, size_t n)
{
	mp_pack_clear(&p);
	for (int i = 0; i < lists; i++)
		mp_pack_array(&p, 1);
	for (int i = 0; i < maps; i++) {
		mp_pack_map(&p, 1);
		mp_pack_any(&p, mp_any_int(1));
	}
	mp_pack_any(&p, mp_any_raw(innermost, (uint32_t)n));
}

/* One list in another, n of them, is it written? */
static int written(int lists, int maps)
{
	struct mp_pack k = { 0 };
	int error;

	nested(lists, maps, BYTES("\1"));
	error = mp_pack_any(&k, mp_any_raw(p.data, (uint32_t)p.size));
	mp_pack_free(&k);
	return error;
}

static void depth(void)
{
	enum { DEEPEST = MP_ANY_DEPTH_MAX + 4 }; /* that is read */
	struct mp_any v;
	size_t size;
	int bad = 0;

	nested(MP_ANY_DEPTH_MAX, 0, BYTES("\1"));
	ok(agree(p.data, p.size, &size) && size == p.size, "32 lists in lists");
	v = back();
	is(mp_unpack_check(v), 0, "are not too deep");
	is(written(MP_ANY_DEPTH_MAX, 0), 0, "are written");
	is(written(0, MP_ANY_DEPTH_MAX), 0, "32 maps in maps");
	is(written(16, 16), 0, "16 in 16");
	for (int maps = 0; maps <= MP_ANY_DEPTH_MAX + 1; maps++)
		bad += written(MP_ANY_DEPTH_MAX + 1 - maps, maps) != -EBADMSG;
	is(bad, 0, "33 of either kind are too many to be written");
	nested(MP_ANY_DEPTH_MAX + 1, 0, BYTES("\1"));
	is(mp_unpack_check(back()), -EBADMSG, "33 are too deep");
	bad = 0;
	for (int maps = 0; maps <= DEEPEST; maps++) {
		nested(DEEPEST - maps, maps, BYTES("\1"));
		bad += read_bytes(p.data, p.size) != 0;
		nested(DEEPEST + 1 - maps, maps, BYTES("\1"));
		bad += read_bytes(p.data, p.size) != -EBADMSG;
	}
	is(bad, 0, "%d are read, for an answer adds some, and no more",
	   DEEPEST);
	mp_pack_clear(&p);
	for (int i = 0; i < 100000; i++)
		mp_pack_array(&p, 1);
	mp_pack_any(&p, mp_any_nil());
	is(read_bytes(p.data, p.size), -EBADMSG, "nor 100000");
	memset(edge_end - SPACE, 0x81, SPACE);
	is(read_bytes(edge_end - SPACE, SPACE), -EBADMSG,
	   "nor 2^20 maps that never end");
	/* A key may be a list, too. */
	mp_pack_clear(&p);
	mp_pack_map(&p, 1);
	for (int i = 0; i < DEEPEST; i++)
		mp_pack_array(&p, 1);
	mp_pack_any(&p, mp_any_nil());
	mp_pack_any(&p, mp_any_nil());
	is(read_bytes(p.data, p.size), -EBADMSG, "too deep in a key");
	mp_pack_clear(&p);
	for (int i = 0; i < DEEPEST - 1; i++)
		mp_pack_array(&p, 1);
	mp_pack_bytes(&p, BYTES("\x92\x91\1\2"));
	is(read_bytes(p.data, p.size), -EBADMSG, "too deep in a first element");
	p.size -= 4;
	mp_pack_bytes(&p, BYTES("\x93\1\2\3"));
	is(read_bytes(p.data, p.size), 0, "wide is not deep");
}

static void checks(void)
{
	is(mp_unpack_check(mp_any_raw(BYTES("\x92\1\2"))), 0, "a whole list");
	is(mp_unpack_check(mp_any_raw(BYTES("\x92\1"))), -EBADMSG, "half");
	is(mp_unpack_check(mp_any_raw(BYTES("\x91\1\2"))), -EBADMSG,
	   "one and more");
	is(mp_unpack_check(mp_any_raw(BYTES(""))), -EBADMSG, "nothing");
	is(mp_unpack_check(mp_any_int(1)), -EBADMSG, "no RAW");
}

/* ---- what cannot be read ---- */

/* Something of every kind. */
static void all_kinds(void)
{
	static const char s[300];

	mp_pack_clear(&p);
	mp_pack_array(&p, 19);
	mp_pack_any(&p, mp_any_nil());
	mp_pack_any(&p, mp_any_bool(true));
	for (int bits = 4; bits < 64; bits += 8) {
		mp_pack_any(&p, mp_any_int(INT64_C(1) << bits));
	}
	mp_pack_any(&p, mp_any_int(INT64_MIN));
	mp_pack_any(&p, mp_any_float(1.5));
	mp_pack_any(&p, mp_any_str("abc"));
	mp_pack_any(&p, mp_any_bin(s, 300));
	mp_pack_any(&p, mp_any_ref(5));
	mp_pack_any(&p, mp_any_raw("\xd8\5xxxxxxxxxxxxxxxx", 18));
	mp_pack_any(&p, mp_any_raw("\xc7\2\1xx", 5));
	mp_pack_map(&p, 2);
	mp_pack_any(&p, mp_any_str("k"));
	mp_pack_array(&p, 0);
	mp_pack_any(&p, mp_any_int(-1));
	mp_pack_map(&p, 0);
	mp_pack_array(&p, 16);
	for (int i = 0; i < 16; i++)
		mp_pack_any(&p, mp_any_int(i * i * i));
}

static void truncations(void)
{
	size_t size;
	int bad = 0;

	all_kinds();
	ok(p.error == 0 && agree(p.data, p.size, &size) && size == p.size,
	   "one value of all kinds, %zu bytes", p.size);
	for (size_t n = 1; n < p.size; n++)
		bad += read_bytes(p.data, n) != -EBADMSG;
	is(bad, 0, "cut off anywhere it is none");
	is(read_bytes(p.data, 0), -ENODATA, "cut off before it: nothing");
	bad = 0;
	for (int type = 0; type < 256; type++) {
		unsigned char b[64] = { (unsigned char)type };
		size_t whole = extent(b, sizeof(b));

		for (size_t n = 1; n < whole; n++)
			bad += read_bytes(b, n) != -EBADMSG;
		bad += whole == 0 && type != 0xc1;
		bad += !agree(b, sizeof(b), &size);
	}
	is(bad, 0, "so is each of the 256 types; c1 is none at all");
}

/* kB of address space at the most. */
static long peak(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[200];
	long kb = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmPeak: %ld", &kb);
	if (f != NULL)
		fclose(f);
	return kb;
}

static void lies(void)
{
	static const struct {
		const char *what, *bytes;
		size_t size;
	} t[] = {
		{ "a list of 2^32 - 1", BYTES("\xdd\xff\xff\xff\xff") },
		{ "and four of them", BYTES("\xdd\xff\xff\xff\xff\1\1\1\1") },
		{ "a list of 2^31", BYTES("\xdd\x80\0\0\0\1") },
		{ "a list of 65535", BYTES("\xdc\xff\xff\1") },
		{ "a list of 3 of 2", BYTES("\x93\1\2") },
		{ "a map of 2^32 - 1", BYTES("\xdf\xff\xff\xff\xff\1\1") },
		{ "a map of 2^31", BYTES("\xdf\x80\0\0\0\1\1\1\1") },
		{ "a map of 65535", BYTES("\xde\xff\xff\1\1\1\1") },
		{ "a map of 2 with 3 values", BYTES("\x82\1\2\3") },
		{ "a string of 2^32 - 1", BYTES("\xdb\xff\xff\xff\xff x") },
		{ "a string of 2^31", BYTES("\xdb\x80\0\0\0x") },
		{ "a string of 65535", BYTES("\xda\xff\xffx") },
		{ "bytes, 2^32 - 1", BYTES("\xc6\xff\xff\xff\xffx") },
		{ "bytes, 2^32 - 5", BYTES("\xc6\xff\xff\xff\xfbx") },
		{ "an extension of 2^32 - 1",
		  BYTES("\xc9\xff\xff\xff\xff\1x") },
		{ "an extension of 2^32 - 6",
		  BYTES("\xc9\xff\xff\xff\xfa\1x") },
		{ "lists of 2^32 - 1 in lists",
		  BYTES("\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff\xdd\xff\xff"
			"\xff\xff\xdd\xff\xff\xff\xff") },
	};
	long before = peak();
	struct mp_unpack u;
	uint32_t n;

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++)
		is(read_bytes(t[k].bytes, t[k].size), -EBADMSG,
		   "what only says that it is %s", t[k].what);
	for (int k = 0; k < 5; k++) {
		u = at_edge(t[k].bytes, t[k].size);
		is(mp_unpack_array(&u, &n), -EBADMSG, "to go into %s",
		   t[k].what);
	}
	for (int k = 5; k < 9; k++) {
		u = at_edge(t[k].bytes, t[k].size);
		is(mp_unpack_map(&u, &n), -EBADMSG, "to go into %s", t[k].what);
	}
	ok(peak() - before < 1024, "they take no memory (%ld kB)",
	   peak() - before);
}

/* ---- by chance ---- */

static uint64_t seed = 88172645463325252;

static uint32_t chance(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 32) * n >> 32);
}

static void any_value(int depth_left)
{
	static const char s[70000];
	uint64_t bits = seed >> chance(64);
	uint32_t n = chance(4) ? chance(40) : chance(300);
	int kind = (int)chance(depth_left > 0 ? 10 : 8);

	if (chance(500) == 0)
		n = chance(sizeof(s));
	switch (kind) {
	case 0:
		mp_pack_any(&p, mp_any_nil());
		break;
	case 1:
		mp_pack_any(&p, mp_any_bool(chance(2)));
		break;
	case 2:
		mp_pack_any(&p, mp_any_int((int64_t)bits));
		break;
	case 3:
		mp_pack_any(&p, mp_any_uint(bits));
		break;
	case 4:
		mp_pack_any(&p, mp_any_float((double)bits / 3));
		break;
	case 5:
		mp_pack_any(&p, mp_any_ref(bits));
		break;
	case 6:
		mp_pack_any(&p, mp_any_bin(s, n));
		break;
	case 7:
		mp_pack_any(&p, mp_any_str("a string"));
		break;
	case 8:
		n = chance(6);
		mp_pack_array(&p, n);
		while (n-- > 0)
			any_value(depth_left - 1);
		break;
	default:
		n = chance(4);
		mp_pack_map(&p, n);
		for (n *= 2; n-- > 0;)
			any_value(depth_left - 1);
	}
}

static void valid_ones(void)
{
	int bad = 0, n = 20000;
	size_t size, all = 0;

	for (int i = 0; i < n; i++) {
		mp_pack_clear(&p);
		do
			any_value(8);
		while (p.size > SPACE / 2);
		bad += !agree(p.data, p.size, &size) || size == 0;
		all += size;
	}
	is(bad, 0, "%d values by chance: msgpack-c reads what we read", n);
	ok(all / (size_t)n > 20, "%zu bytes each", all / (size_t)n);
}

/* A list of billions would have msgpack-c ask for so much memory: make its
 * count smaller.  Ours reads the same bytes. */
static void tame(unsigned char *b, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if (b[i] == 0xdd || b[i] == 0xdf)
			b[i + 1] = b[i + 2] = 0;
}

static void garbage(void)
{
	unsigned char b[64];
	int bad = 0, valid = 0, n = 300000;
	size_t size;

	for (int i = 0; i < n; i++) {
		size_t length = 1 + chance(sizeof(b) - 1);

		for (size_t k = 0; k < length; k++)
			/* Half of them types that are not plain numbers. */
			b[k] = (unsigned char)(chance(2) ? 0x80 + chance(96)
							 : chance(256));
		tame(b, length);
		bad += !agree(b, length, &size);
		valid += size > 0;
	}
	is(bad, 0, "%d times any bytes: both say the same, and how long", n);
	ok(valid > n / 10 && valid < n, "%d of them are valid", valid);
}

static void damaged(void)
{
	int bad = 0, valid = 0, n = 0;
	unsigned char *b = edge_end - SPACE;
	size_t size, length;

	for (int i = 0; i < 2000; i++) {
		mp_pack_clear(&p);
		any_value(5);
		if (p.size > 2000)
			continue;
		for (int k = 0; k < 20; k++) {
			length = p.size;
			memcpy(b, p.data, length);
			b[chance((uint32_t)length)] ^=
				(unsigned char)(1 << chance(8));
			if (chance(2))
				length = 1 + chance((uint32_t)length);
			tame(b, length);
			bad += !agree(b, length, &size);
			valid += size > 0;
			n++;
		}
	}
	is(bad, 0, "%d times a value with a bit turned, or cut off", n);
	ok(valid > n / 10 && valid < n, "%d of them are valid", valid);
}

int main(void)
{
	make_edge();
	making();
	small_ones();
	ints();
	long_ints();
	floats();
	strings();
	lists();
	many_values();
	references();
	extensions();
	references_within();
	not_written();
	depth();
	checks();
	truncations();
	lies();
	valid_ones();
	garbage();
	damaged();
	mp_pack_free(&p);
	return tap_done();
}
