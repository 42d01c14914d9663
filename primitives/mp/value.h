/* value - one number in shared memory, with a lock beside it.
 *
 * Python: multiprocessing.Value.  Floor 2.  Any process, any thread; get, set
 * and add also from a signal handler.
 *
 * Lives in: shared memory, on cache lines of its own.
 *
 *	mp_value_init(&s->hits, MP_TYPE_I32);
 *
 *	mp_value_add_int(&s->hits, 1, NULL);	 atomic: needs no lock
 *
 *	mp_rlock_acquire(&s->hits.lock, -1);	 more than one step: with it
 *	mp_value_get_int(&s->hits, &n);
 *	mp_value_set_int(&s->hits, n * 2);
 *	mp_rlock_release(&s->hits.lock);
 *
 * get, set and add are atomic each and look at no lock; what must not happen
 * between two of them is kept out by the lock, if all users take it.  (Python's
 * v.value += 1 is a get and a set, each locked for itself: it loses updates.)
 *
 * If a process is killed: each of the three has happened or has not; for the
 * lock see lock.h.
 */
#ifndef MP_VALUE_H
#define MP_VALUE_H

#include "mp/rlock.h"

enum mp_type {
	MP_TYPE_I8 = 1, /* Python: 'b' */
	MP_TYPE_U8,     /* 'B' */
	MP_TYPE_I16,    /* 'h' */
	MP_TYPE_U16,    /* 'H' */
	MP_TYPE_I32,    /* 'i' */
	MP_TYPE_U32,    /* 'I' */
	MP_TYPE_I64,    /* 'q' */
	MP_TYPE_F32,    /* 'f' */
	MP_TYPE_F64     /* 'd' */
};

struct mp_value {
	struct mp_rlock lock;
	_Alignas(64) unsigned char cell[8];
	uint32_t type; /* constant */
};

/* A value of 0.  -EINVAL: no such type, or memory that is not shared. */
MP_API int mp_value_init(struct mp_value *v, enum mp_type type);

/* For the integer types.  add puts the new value into *result, unless that is
 * NULL.  -ERANGE: out of the type's range, nothing changed.  -EINVAL: a type of
 * the other kind. */
MP_API int mp_value_get_int(const struct mp_value *v, int64_t *result);
MP_API int mp_value_set_int(struct mp_value *v, int64_t n);
MP_API int mp_value_add_int(struct mp_value *v, int64_t n, int64_t *result);

/* For the floating types.  A number beyond an F32's range becomes infinite. */
MP_API int mp_value_get_float(const struct mp_value *v, double *result);
MP_API int mp_value_set_float(struct mp_value *v, double x);
MP_API int mp_value_add_float(struct mp_value *v, double x, double *result);

#endif
