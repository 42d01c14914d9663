/* Arrays: sizes, indices, ranges, and neighbours that do not disturb. */
#include "mp/array.h"

#include <math.h>

#include "mp/backstop.h"
#include "waiting.h"

enum { LENGTH = 100 };

static const struct type {
	enum mp_type type;
	int size;
	int64_t min, max; /* 0, 0: floating */
} types[] = {
	{ MP_TYPE_I8, 1, INT8_MIN, INT8_MAX },
	{ MP_TYPE_U8, 1, 0, UINT8_MAX },
	{ MP_TYPE_I16, 2, INT16_MIN, INT16_MAX },
	{ MP_TYPE_U16, 2, 0, UINT16_MAX },
	{ MP_TYPE_I32, 4, INT32_MIN, INT32_MAX },
	{ MP_TYPE_U32, 4, 0, UINT32_MAX },
	{ MP_TYPE_I64, 8, INT64_MIN, INT64_MAX },
	{ MP_TYPE_F32, 4, 0, 0 },
	{ MP_TYPE_F64, 8, 0, 0 },
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

static struct mp_shm shm;
static struct mp_array *a;

static void fresh(enum mp_type type, uint64_t n)
{
	int64_t size = mp_array_size(type, n);

	mp_shm_close(&shm);
	if (size < 0 || mp_shm_create(&shm, NULL, (size_t)size) < 0)
		errx(1, "mp_shm_create");
	a = shm.addr;
	if (mp_array_init(a, type, n) != 0)
		errx(1, "mp_array_init");
}

static int64_t get_int(uint64_t i)
{
	int64_t n = 12345;

	if (mp_array_get_int(a, i, &n) != 0)
		errx(1, "mp_array_get_int");
	return n;
}

static double get_float(uint64_t i)
{
	double x = 12345;

	if (mp_array_get_float(a, i, &x) != 0)
		errx(1, "mp_array_get_float");
	return x;
}

static void sizes(void)
{
	int64_t empty;
	uint64_t most;

	for (int i = 0; i < TYPES; i++) {
		enum mp_type type = types[i].type;

		empty = mp_array_size(type, 1) - types[i].size;
		ok(empty >= (int64_t)sizeof(struct mp_array),
		   "type %d: one element", type);
		is(mp_array_size(type, 1000), empty + 1000 * types[i].size,
		   "a thousand of %d bytes each", types[i].size);
		is(mp_array_size(type, 0), -EINVAL, "none");
		is(mp_array_size(type, UINT64_MAX), -EOVERFLOW, "2^64 - 1");
		most = (uint64_t)(INT64_MAX - empty) / (uint64_t)types[i].size;
		is(mp_array_size(type, most + 1), -EOVERFLOW,
		   "one too many for 2^63 bytes");
		is(mp_array_init(a, type, 0), -EINVAL, "init: none");
		is(mp_array_init(a, type, most + 1), -EOVERFLOW, "too many");
		is(mp_array_init(not_shared(), type, 1), -EINVAL,
		   "memory that is not shared");
	}
	is(mp_array_size(MP_TYPE_I64, 1ull << 61), -EOVERFLOW,
	   "2^61 of 8 bytes");
	is(mp_array_size(MP_TYPE_I64, (1ull << 61) + 1), -EOVERFLOW,
	   "whose product is small in 64 bits");
	is(mp_array_size((enum mp_type)0, 1), -EINVAL, "no type 0");
	is(mp_array_size((enum mp_type)(MP_TYPE_F64 + 1), 1), -EINVAL,
	   "nor one after the last");
	is(mp_array_init(a, (enum mp_type)77, 1), -EINVAL, "nor 77");
	is(mp_array_init(a, MP_TYPE_I64, 1 << 20), -EINVAL,
	   "more than the memory that is shared");
}

static void indices(void)
{
	int64_t n = 3;
	double x = 3;
	uint64_t beyond[] = { LENGTH, LENGTH + 1, 1ull << 32, (1ull << 61) + 1,
			      UINT64_MAX };
	int bad = 0;

	fresh(MP_TYPE_I64, LENGTH);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		is(mp_array_get_int(a, beyond[i], &n), -ERANGE, "get beyond");
		is(mp_array_set_int(a, beyond[i], 1), -ERANGE, "set");
		is(mp_array_add_int(a, beyond[i], 1, &n), -ERANGE, "add");
	}
	for (uint64_t i = 0; i < LENGTH; i++)
		bad += get_int(i) != 0;
	is(bad, 0, "none of which touched an element");
	fresh(MP_TYPE_F64, LENGTH);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		is(mp_array_get_float(a, beyond[i], &x), -ERANGE, "get beyond");
		is(mp_array_set_float(a, beyond[i], 1), -ERANGE, "set");
		is(mp_array_add_float(a, beyond[i], 1, &x), -ERANGE, "add");
	}
	ok(n == 3 && x == 3, "results are left alone");
	is(mp_array_set_float(a, LENGTH - 1, 2.5), 0, "the last is there");
	ok(get_float(LENGTH - 1) == 2.5, "and keeps its value");
}

/* Each element has the range of its type, and its neighbours keep theirs. */
static int range_of(const struct type *t)
{
	int64_t result = 77;
	int bad = 0;

	fresh(t->type, 3);
	bad += mp_array_set_int(a, 0, t->min) != 0;
	bad += mp_array_set_int(a, 2, t->max) != 0;
	bad += mp_array_add_int(a, 0, -1, &result) != -ERANGE;
	bad += mp_array_add_int(a, 2, 1, &result) != -ERANGE;
	bad += result != 77;
	if (t->max < INT64_MAX) {
		bad += mp_array_set_int(a, 1, t->max + 1) != -ERANGE;
		bad += mp_array_set_int(a, 1, t->min - 1) != -ERANGE;
	}
	bad += get_int(1) != 0;
	bad += mp_array_set_int(a, 1, t->max) != 0;
	bad += mp_array_add_int(a, 1, t->min, &result) != 0;
	bad += result != t->max + t->min || get_int(1) != result;
	bad += mp_array_add_int(a, 1, 0, NULL) != 0;
	bad += get_int(0) != t->min || get_int(2) != t->max;
	return bad;
}

static void ranges(void)
{
	double x = 3;
	int64_t n = 3;

	for (int i = 0; i < TYPES; i++) {
		if (types[i].max == 0)
			continue;
		is(range_of(&types[i]), 0, "range of type %d", types[i].type);
		is(mp_array_get_float(a, 0, &x), -EINVAL, "an integer: get");
		is(mp_array_set_float(a, 0, 1), -EINVAL, "set");
		is(mp_array_add_float(a, 0, 1, &x), -EINVAL, "add");
	}
	for (int t = MP_TYPE_F32; t <= MP_TYPE_F64; t++) {
		fresh((enum mp_type)t, 3);
		is(mp_array_get_int(a, 0, &n), -EINVAL, "a float: get");
		is(mp_array_set_int(a, 0, 1), -EINVAL, "set");
		is(mp_array_add_int(a, 0, 1, &n), -EINVAL, "add");
		mp_array_set_float(a, 1, 0.1);
		mp_array_add_float(a, 1, 1e300, &x);
		ok(get_float(0) == 0 && get_float(2) == 0,
		   "its neighbours stay 0");
		ok(t == MP_TYPE_F32 ? isinf(x) : x == 1e300,
		   "a large number added");
		mp_array_set_float(a, 1, 0.1);
		ok(get_float(1) == (t == MP_TYPE_F32 ? (double)0.1f : 0.1),
		   "0.1 as the type has it");
	}
}

/* The bytes are those of a C array. */
static void as_c_has_them(void)
{
	int16_t *h;
	double *d;

	fresh(MP_TYPE_I16, 5);
	h = mp_array_data(a);
	for (int i = 0; i < 5; i++)
		mp_array_set_int(a, (uint64_t)i, -100 * i);
	ok(h[0] == 0 && h[1] == -100 && h[4] == -400, "a C array of int16_t");
	h[3] = 333;
	is(get_int(3), 333, "both ways");
	fresh(MP_TYPE_F64, 5);
	d = mp_array_data(a);
	is((uintptr_t)d % 64, 0, "on a cache line of its own");
	d[4] = 0.25;
	ok(get_float(4) == 0.25, "a C array of double");
	is((char *)(d + 5) <= (char *)shm.addr + shm.size, 1, "inside");
	ok(a->length == 5, "its length");
}

static void init_of_garbage(void)
{
	int64_t size;
	int bad = 0;

	fresh(MP_TYPE_I8, 1000);
	size = mp_array_size(MP_TYPE_I8, 1000);
	memset(a, 0xff, (size_t)size);
	is(mp_array_init(a, MP_TYPE_I8, 1000), 0, "init over garbage");
	for (uint64_t i = 0; i < 1000; i++)
		bad += get_int(i) != 0;
	is(bad, 0, "makes 1000 zeros");
	is(mp_rlock_locked(&a->lock), 0, "and a free lock");
}

/* ---- several processes ---- */

static int adds_mine(long mine)
{
	for (int n = 0; n < 100; n++)
		for (uint64_t i = (uint64_t)mine; i < LENGTH; i += 4)
			if (mp_array_add_int(a, i, 1, NULL) != 0)
				return 1;
	return 0;
}

static int adds_all(long unused)
{
	(void)unused;
	for (int n = 0; n < 100; n++)
		for (uint64_t i = 0; i < LENGTH; i++)
			if (mp_array_add_int(a, i, 1, NULL) != 0)
				return 1;
	return 0;
}

static int adds_floats(long unused)
{
	(void)unused;
	for (int n = 0; n < 100; n++)
		for (uint64_t i = 0; i < LENGTH; i++)
			if (mp_array_add_float(a, i, 0.5, NULL) != 0)
				return 1;
	return 0;
}

static int swaps(long n)
{
	int64_t x, y;

	while (n-- > 0) {
		if (mp_rlock_acquire(&a->lock, LONG) != 0)
			return 1;
		mp_array_get_int(a, 0, &x);
		mp_array_get_int(a, 1, &y);
		if (x + y != 1000)
			return 2;
		mp_array_set_int(a, 0, x - 1);
		mp_array_set_int(a, 1, y + 1);
		mp_rlock_release(&a->lock);
	}
	return 0;
}

static int four(int (*f)(long), int arguments_differ, long arg)
{
	pid_t pid[4];
	int bad = 0;

	for (int i = 0; i < 4; i++)
		pid[i] = start(f, arguments_differ ? i : arg);
	for (int i = 0; i < 4; i++)
		bad += end_of(pid[i]) != 0;
	return bad;
}

static void together(void)
{
	int bad = 0;

	fresh(MP_TYPE_I8, LENGTH);
	is(four(adds_mine, 1, 0), 0, "four processes, each its own bytes");
	for (uint64_t i = 0; i < LENGTH; i++)
		bad += get_int(i) != 100;
	is(bad, 0, "side by side, and none disturbs its neighbours");
	for (int t = MP_TYPE_I16; t <= MP_TYPE_I64; t++) {
		fresh((enum mp_type)t, LENGTH);
		is(four(adds_all, 0, 0), 0, "type %d: all add to all", t);
		for (uint64_t i = 0; i < LENGTH; i++)
			bad += get_int(i) != 400;
		is(bad, 0, "and nothing is lost");
	}
	for (int t = MP_TYPE_F32; t <= MP_TYPE_F64; t++) {
		fresh((enum mp_type)t, LENGTH);
		is(four(adds_floats, 0, 0), 0, "type %d: all add to all", t);
		for (uint64_t i = 0; i < LENGTH; i++)
			bad += get_float(i) != 200;
		is(bad, 0, "and nothing is lost");
	}
	fresh(MP_TYPE_I32, 2);
	mp_array_set_int(a, 0, 1000);
	is(four(swaps, 0, 2000), 0,
	   "two elements change together under the "
	   "array's lock");
	is(get_int(0), -7000, "8000 times");
}

static int use(void *object)
{
	struct mp_array *array = object;
	int64_t n;

	return mp_array_init(array, MP_TYPE_I32, 100) |
	       mp_array_add_int(array, 99, 3, &n) | (n != 3) |
	       mp_rlock_acquire(&array->lock, -1) |
	       mp_rlock_release(&array->lock);
}

int main(void)
{
	mp_backstop_set(0);
	shm.fd = -1;
	fresh(MP_TYPE_I8, 1);
	sizes();
	indices();
	ranges();
	as_c_has_them();
	init_of_garbage();
	together();
	is(left_of_10000((size_t)mp_array_size(MP_TYPE_I32, 100), use), 0,
	   "10,000 arrays, and nothing of them is left");
	mp_shm_close(&shm);
	return tap_done();
}
