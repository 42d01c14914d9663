/* value.c - a cell with a lock beside it. */
#include "mp/value.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "mp/cell.h"
#include "mp/shm.h"

static_assert(offsetof(struct mp_value, cell) == 128, "its own cache line");

int mp_value_init(struct mp_value *v, enum mp_type type)
{
	if (mp_cell_size(type) == 0 || mp_shm_check(v, sizeof(*v)) < 0)
		return -EINVAL;
	memset(v, 0, sizeof(*v));
	v->type = type;
	return 0;
}

int mp_value_get_int(const struct mp_value *v, int64_t *result)
{
	return mp_cell_get_int(v->type, v->cell, result);
}

int mp_value_set_int(struct mp_value *v, int64_t n)
{
	return mp_cell_set_int(v->type, v->cell, n);
}

int mp_value_add_int(struct mp_value *v, int64_t n, int64_t *result)
{
	return mp_cell_add_int(v->type, v->cell, n, result);
}

int mp_value_get_float(const struct mp_value *v, double *result)
{
	return mp_cell_get_float(v->type, v->cell, result);
}

int mp_value_set_float(struct mp_value *v, double x)
{
	return mp_cell_set_float(v->type, v->cell, x);
}

int mp_value_add_float(struct mp_value *v, double x, double *result)
{
	return mp_cell_add_float(v->type, v->cell, x, result);
}
