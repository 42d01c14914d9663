/* array - many numbers of one type in shared memory, with a lock beside them.
 *
 * Python: multiprocessing.Array.  Floor 2.  Any process, any thread; get, set
 * and add also from a signal handler.
 *
 * Lives in: shared memory of mp_array_size bytes.
 *
 *	mp_shm_create(&m, NULL, (size_t)mp_array_size(MP_TYPE_F64, 1000));
 *	struct mp_array *a = m.addr;
 *	mp_array_init(a, MP_TYPE_F64, 1000);
 *
 *	mp_array_add_float(a, 7, 0.5, NULL);	 atomic: needs no lock
 *	double *x = mp_array_data(a);		 or as C has them
 *
 * Elements lie side by side, as in C: processes that write to neighbours at the
 * same time share their cache line, and slow each other down.
 *
 * Each call is atomic and checks the index; for more than one step, take
 * a->lock.  If a process is killed: each has happened or has not.
 */
#ifndef MP_ARRAY_H
#define MP_ARRAY_H

#include <stddef.h>

#include "mp/value.h"

struct mp_array {
	struct mp_rlock lock;
	uint64_t length; /* constant, in elements */
	uint32_t type;   /* constant */
	_Alignas(64) unsigned char data[];
};

/* How many bytes an array of n elements needs.  -EINVAL: no such type, n is 0.
 * -EOVERFLOW: more than an address space holds. */
MP_API int64_t mp_array_size(enum mp_type type, uint64_t n);

/* n zeros.  Errors as above; -EINVAL: memory that is not shared. */
MP_API int mp_array_init(struct mp_array *a, enum mp_type type, uint64_t n);

/* As mp_value_*, for element i.  -ERANGE also: i is not in the array. */
MP_API int mp_array_get_int(const struct mp_array *a, uint64_t i,
			    int64_t *result);
MP_API int mp_array_set_int(struct mp_array *a, uint64_t i, int64_t n);
MP_API int mp_array_add_int(struct mp_array *a, uint64_t i, int64_t n,
			    int64_t *result);
MP_API int mp_array_get_float(const struct mp_array *a, uint64_t i,
			      double *result);
MP_API int mp_array_set_float(struct mp_array *a, uint64_t i, double x);
MP_API int mp_array_add_float(struct mp_array *a, uint64_t i, double x,
			      double *result);

/* The elements, to be used as an array of the type's C type. */
MP_API void *mp_array_data(struct mp_array *a);

#endif
