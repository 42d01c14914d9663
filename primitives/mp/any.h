/* any - one value of any kind, and its bytes on the way: MessagePack.
 *
 * Python: what pickle is to multiprocessing; but a value is data, never code.
 * Floor 1.  Any process, any thread; not from a signal handler.
 *
 *	struct mp_any v = mp_any_str("red");
 *
 *	struct mp_pack p = { 0 };	 [1, "red"] as bytes
 *	mp_pack_array(&p, 2);
 *	mp_pack_any(&p, mp_any_int(1));
 *	mp_pack_any(&p, v);
 *	...  mp_any_raw(p.data, p.size) is this list as a value  ...
 *	mp_pack_free(&p);
 *
 * What is nested, a list or a map, is kept as its bytes (RAW), to be gone
 * through with mp_unpack:
 *
 *	struct mp_unpack u = mp_unpack_begin(v);
 *	uint32_t n;
 *
 *	mp_unpack_array(&u, &n);
 *	while (n-- > 0)
 *		mp_unpack_any(&u, &v);
 *
 * Bytes are written by msgpack-c.  They are read here: what a peer sends may
 * lie about lengths and depths, and reading it takes no memory, so no lie costs
 * any.
 *
 * Source: the MessagePack specification, github.com/msgpack/msgpack.
 */
#ifndef MP_ANY_H
#define MP_ANY_H

#include <stdbool.h>
#include <stddef.h>

#include "mp/api.h"

#define MP_ANY_DEPTH_MAX 32 /* lists in lists; an answer adds up to 4 */
#define MP_ANY_EXT       1  /* MessagePack's extension type of a reference */

enum mp_any_type {
	MP_ANY_NIL, /* all zero bytes */
	MP_ANY_BOOL,
	MP_ANY_INT,
	MP_ANY_UINT, /* above INT64_MAX only */
	MP_ANY_FLOAT,
	MP_ANY_STR, /* UTF-8 by agreement; not checked */
	MP_ANY_BIN,
	MP_ANY_REF, /* an object of a manager */
	MP_ANY_RAW  /* a list, a map, another extension: its bytes */
};

/* Bytes are the caller's, or lie in what was unpacked. */
struct mp_any {
	uint32_t type;
	uint32_t length; /* STR, BIN, RAW: bytes; a STR need not end in NUL */
	union {
		bool boolean;
		int64_t i;
		uint64_t u;
		double f;
		uint64_t handle; /* REF */
		const void *data;
	};
};

MP_API struct mp_any mp_any_nil(void);
MP_API struct mp_any mp_any_bool(bool b);
MP_API struct mp_any mp_any_int(int64_t i);
MP_API struct mp_any mp_any_uint(uint64_t u);
MP_API struct mp_any mp_any_float(double f);
MP_API struct mp_any mp_any_str(const char *s);
MP_API struct mp_any mp_any_bin(const void *data, uint32_t length);
MP_API struct mp_any mp_any_raw(const void *data, uint32_t length);
MP_API struct mp_any mp_any_ref(uint64_t handle);

/* Is it this string? */
MP_API bool mp_any_is(struct mp_any v, const char *s);

/* ---- writing ---- */

/* Bytes so far; all zero: none.  After an error nothing more is written. */
struct mp_pack {
	unsigned char *data;
	size_t size, room;
	int error; /* 0, -ENOMEM, -EINVAL, -EBADMSG; -EMSGSIZE: 4 GiB */
};

/* The next value.  The results are p->error.
 * -EINVAL: no such type.  -EBADMSG: what mp_unpack_check says. */
MP_API int mp_pack_any(struct mp_pack *p, struct mp_any v);

/* A list of n values, a map of n pairs: they follow. */
MP_API int mp_pack_array(struct mp_pack *p, uint32_t n);
MP_API int mp_pack_map(struct mp_pack *p, uint32_t n);

/* Bytes that are whole values already: not looked at. */
MP_API int mp_pack_bytes(struct mp_pack *p, const void *data, uint32_t length);

/* Give back what is not used; begin anew in the same memory; give it back. */
MP_API void mp_pack_trim(struct mp_pack *p);
MP_API void mp_pack_clear(struct mp_pack *p);
MP_API void mp_pack_free(struct mp_pack *p);

/* ---- reading ---- */

/* What is left to read. */
struct mp_unpack {
	const unsigned char *at, *end;
};

/* The bytes of a RAW; of another value: nothing. */
MP_API struct mp_unpack mp_unpack_begin(struct mp_any v);

/* The next value, nested ones whole, as RAW.  0.  -ENODATA: nothing is left.
 * -EBADMSG: these bytes are no value: cut off, a type byte that does not exist,
 * more elements than bytes are left, too deep. */
MP_API int mp_unpack_any(struct mp_unpack *u, struct mp_any *v);

/* Is a RAW exactly one value, no deeper than MP_ANY_DEPTH_MAX?  0, -EBADMSG. */
MP_API int mp_unpack_check(struct mp_any raw);

/* Go into a list, a map: *n elements, or pairs, follow.  -EBADMSG: another kind
 * of value comes next.  Otherwise as mp_unpack_any. */
MP_API int mp_unpack_array(struct mp_unpack *u, uint32_t *n);
MP_API int mp_unpack_map(struct mp_unpack *u, uint32_t *n);

/* The next reference within, at whatever depth, while u goes on through all
 * values.  1 and *handle; 0: no more. */
MP_API int mp_unpack_ref(struct mp_unpack *u, uint64_t *handle);

#endif
