/* array.c - cells side by side. */
#include "mp/array.h"

#include <errno.h>
#include <string.h>

#include "mp/cell.h"
#include "mp/shm.h"

int64_t mp_array_size(enum mp_type type, uint64_t n)
{
	uint64_t size = mp_cell_size(type);

	if (size == 0 || n == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(size, n, &size) ||
	    __builtin_add_overflow(size, sizeof(struct mp_array), &size) ||
	    size > INT64_MAX)
		return -EOVERFLOW;
	return (int64_t)size;
}

int mp_array_init(struct mp_array *a, enum mp_type type, uint64_t n)
{
	int64_t size = mp_array_size(type, n);

	if (size < 0)
		return (int)size;
	if (mp_shm_check(a, (size_t)size) < 0)
		return -EINVAL;
	memset(a, 0, (size_t)size);
	a->type = type;
	a->length = n;
	return 0;
}

void *mp_array_data(struct mp_array *a)
{
	return a->data;
}

int mp_array_get_int(const struct mp_array *a, uint64_t i, int64_t *result)
{
	if (i >= a->length)
		return -ERANGE;
	return mp_cell_get_int(a->type, a->data + i * mp_cell_size(a->type),
			       result);
}

int mp_array_set_int(struct mp_array *a, uint64_t i, int64_t n)
{
	if (i >= a->length)
		return -ERANGE;
	return mp_cell_set_int(a->type, a->data + i * mp_cell_size(a->type), n);
}

int mp_array_add_int(struct mp_array *a, uint64_t i, int64_t n, int64_t *result)
{
	if (i >= a->length)
		return -ERANGE;
	return mp_cell_add_int(a->type, a->data + i * mp_cell_size(a->type), n,
			       result);
}

int mp_array_get_float(const struct mp_array *a, uint64_t i, double *result)
{
	if (i >= a->length)
		return -ERANGE;
	return mp_cell_get_float(a->type, a->data + i * mp_cell_size(a->type),
				 result);
}

int mp_array_set_float(struct mp_array *a, uint64_t i, double x)
{
	if (i >= a->length)
		return -ERANGE;
	return mp_cell_set_float(a->type, a->data + i * mp_cell_size(a->type),
				 x);
}

int mp_array_add_float(struct mp_array *a, uint64_t i, double x, double *result)
{
	if (i >= a->length)
		return -ERANGE;
	return mp_cell_add_float(a->type, a->data + i * mp_cell_size(a->type),
				 x, result);
}
