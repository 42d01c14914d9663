/* Readings of MessagePack with a fault, for fuzz-values to find: FAULT is
 * which.
 */
#define mp_unpack_any right_any
#define mp_unpack_ref right_ref
#include "../../primitives/mp/unpack.c"
#undef mp_unpack_any
#undef mp_unpack_ref

int mp_unpack_any(struct mp_unpack *u, struct mp_any *v)
{
#if FAULT == 1 /* one level more than there is room for, in the end */
	return unpack(u, v, DEPTH - 1);
#else
	int error = right_any(u, v);

#if FAULT == 2   /* a small negative integer of 8 bits, without its sign */
	if (error == 0 && v->type == MP_ANY_INT && v->i == (int8_t)v->i &&
	    u->at[-1] >= 0x80 && u->at[-1] < 0xe0)
		v->i &= 0xff;
#elif FAULT == 3 /* 2^63 and more, believed to be signed */
	if (error == 0 && v->type == MP_ANY_UINT)
		v->type = MP_ANY_INT;
#endif
	return error;
#endif
}

int mp_unpack_ref(struct mp_unpack *u, uint64_t *handle)
{
#if FAULT == 4 /* not in what is nested */
	struct mp_any v;

	while (right_any(u, &v) == 0)
		if (v.type == MP_ANY_REF) {
			*handle = v.handle;
			return 1;
		}
	return 0;
#else
	return right_ref(u, handle);
#endif
}
