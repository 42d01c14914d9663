/* cell.c - all types through two steps: the bits, atomically, and what they
 * mean.  An add is a compare-and-swap loop, because it must look at the range.
 */
#include "mp/cell.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "mp/chaos.h"

/* What the types are: bytes, and the range of the integers. */
static const struct kind {
	size_t size;
	int64_t min, max;
} kinds[] = {
	[MP_TYPE_I8] = { 1, INT8_MIN, INT8_MAX },
	[MP_TYPE_U8] = { 1, 0, UINT8_MAX },
	[MP_TYPE_I16] = { 2, INT16_MIN, INT16_MAX },
	[MP_TYPE_U16] = { 2, 0, UINT16_MAX },
	[MP_TYPE_I32] = { 4, INT32_MIN, INT32_MAX },
	[MP_TYPE_U32] = { 4, 0, UINT32_MAX },
	[MP_TYPE_I64] = { 8, INT64_MIN, INT64_MAX },
	[MP_TYPE_F32] = { 4, 0, 0 },
	[MP_TYPE_F64] = { 8, 0, 0 },
};

size_t mp_cell_size(uint32_t type)
{
	return type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[type].size : 0;
}

static bool is_int(uint32_t type)
{
	return mp_cell_size(type) != 0 && type < MP_TYPE_F32;
}

static bool is_float(uint32_t type)
{
	return type == MP_TYPE_F32 || type == MP_TYPE_F64;
}

/* Acquire and release pair with each other: who reads a number sees what its
 * writer did before. */
static uint64_t load(size_t size, const void *cell)
{
	switch (size) {
	case 1:
		return atomic_load_explicit((const _Atomic uint8_t *)cell,
					    memory_order_acquire);
	case 2:
		return atomic_load_explicit((const _Atomic uint16_t *)cell,
					    memory_order_acquire);
	case 4:
		return atomic_load_explicit((const _Atomic uint32_t *)cell,
					    memory_order_acquire);
	default:
		return atomic_load_explicit((const _Atomic uint64_t *)cell,
					    memory_order_acquire);
	}
}

/* Compare with *old and replace, or put into *old what is there instead. */
#define REPLACE(type)                                                \
	do {                                                         \
		type want = (type)*old;                              \
		bool done = atomic_compare_exchange_strong_explicit( \
			(_Atomic type *)cell, &want, (type) new,     \
			memory_order_acq_rel, memory_order_acquire); \
		*old = want;                                         \
		return done;                                         \
	} while (0)

static bool replace(size_t size, void *cell, uint64_t *old, uint64_t new)
{
	mp_chaos();
	switch (size) {
	case 1:
		REPLACE(uint8_t);
	case 2:
		REPLACE(uint16_t);
	case 4:
		REPLACE(uint32_t);
	default:
		REPLACE(uint64_t);
	}
}

static int64_t to_int(uint32_t type, uint64_t bits)
{
	switch (type) {
	case MP_TYPE_I8:
		return (int8_t)bits;
	case MP_TYPE_I16:
		return (int16_t)bits;
	case MP_TYPE_I32:
		return (int32_t)bits;
	default:
		return (int64_t)bits;
	}
}

static double to_float(uint32_t type, uint64_t bits)
{
	uint32_t half = (uint32_t)bits;
	double x;
	float f;

	if (type == MP_TYPE_F32) {
		memcpy(&f, &half, sizeof(f));
		return (double)f;
	}
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint64_t from_float(uint32_t type, double x)
{
	float f = (float)x;
	uint32_t half;
	uint64_t bits;

	if (type == MP_TYPE_F32) {
		memcpy(&half, &f, sizeof(half));
		return half;
	}
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

int mp_cell_get_int(uint32_t type, const void *cell, int64_t *result)
{
	if (!is_int(type))
		return -EINVAL;
	*result = to_int(type, load(kinds[type].size, cell));
	return 0;
}

int mp_cell_set_int(uint32_t type, void *cell, int64_t n)
{
	uint64_t old;

	if (!is_int(type))
		return -EINVAL;
	if (n < kinds[type].min || n > kinds[type].max)
		return -ERANGE;
	old = load(kinds[type].size, cell);
	while (!replace(kinds[type].size, cell, &old, (uint64_t)n))
		;
	return 0;
}

int mp_cell_add_int(uint32_t type, void *cell, int64_t n, int64_t *result)
{
	int64_t sum;
	uint64_t old;

	if (!is_int(type))
		return -EINVAL;
	old = load(kinds[type].size, cell);
	do {
		if (__builtin_add_overflow(to_int(type, old), n, &sum) ||
		    sum < kinds[type].min || sum > kinds[type].max)
			return -ERANGE;
	} while (!replace(kinds[type].size, cell, &old, (uint64_t)sum));
	if (result != NULL)
		*result = sum;
	return 0;
}

int mp_cell_get_float(uint32_t type, const void *cell, double *result)
{
	if (!is_float(type))
		return -EINVAL;
	*result = to_float(type, load(kinds[type].size, cell));
	return 0;
}

int mp_cell_set_float(uint32_t type, void *cell, double x)
{
	uint64_t old;

	if (!is_float(type))
		return -EINVAL;
	old = load(kinds[type].size, cell);
	while (!replace(kinds[type].size, cell, &old, from_float(type, x)))
		;
	return 0;
}

int mp_cell_add_float(uint32_t type, void *cell, double x, double *result)
{
	uint64_t old, new;

	if (!is_float(type))
		return -EINVAL;
	old = load(kinds[type].size, cell);
	do
		new = from_float(type, to_float(type, old) + x);
	while (!replace(kinds[type].size, cell, &old, new));
	if (result != NULL)
		*result = to_float(type, new);
	return 0;
}
