/* cell - a number of a given type somewhere in shared memory.  Internal, for
 * value.c and array.c; floor 2.  Results as mp_value_*. */
#ifndef MP_CELL_H
#define MP_CELL_H

#include <stddef.h>

#include "mp/value.h"

/* Bytes of a number; 0: no such type. */
size_t mp_cell_size(uint32_t type);

int mp_cell_get_int(uint32_t type, const void *cell, int64_t *result);
int mp_cell_set_int(uint32_t type, void *cell, int64_t n);
int mp_cell_add_int(uint32_t type, void *cell, int64_t n, int64_t *result);
int mp_cell_get_float(uint32_t type, const void *cell, double *result);
int mp_cell_set_float(uint32_t type, void *cell, double x);
int mp_cell_add_float(uint32_t type, void *cell, double x, double *result);

#endif
