/* Values: each type's range, adds that lose nothing, and the lock beside. */
#include "mp/value.h"

#include <float.h>
#include <math.h>
#include <sys/time.h>

#include "mp/backstop.h"
#include "waiting.h"

static const struct integer {
	enum mp_type type;
	const char *name;
	int64_t min, max;
} integers[] = {
	{ MP_TYPE_I8, "I8", INT8_MIN, INT8_MAX },
	{ MP_TYPE_U8, "U8", 0, UINT8_MAX },
	{ MP_TYPE_I16, "I16", INT16_MIN, INT16_MAX },
	{ MP_TYPE_U16, "U16", 0, UINT16_MAX },
	{ MP_TYPE_I32, "I32", INT32_MIN, INT32_MAX },
	{ MP_TYPE_U32, "U32", 0, UINT32_MAX },
	{ MP_TYPE_I64, "I64", INT64_MIN, INT64_MAX },
};

enum { INTEGERS = sizeof(integers) / sizeof(integers[0]) };

struct shared {
	struct mp_value value;
	_Atomic int handled;
};

static struct shared *s;

static struct mp_value *fresh(enum mp_type type)
{
	memset(s, 0, sizeof(*s));
	if (mp_value_init(&s->value, type) != 0)
		errx(1, "mp_value_init");
	return &s->value;
}

static int64_t get_int(void)
{
	int64_t n = 12345;

	if (mp_value_get_int(&s->value, &n) != 0)
		errx(1, "mp_value_get_int");
	return n;
}

static double get_float(void)
{
	double x = 12345;

	if (mp_value_get_float(&s->value, &x) != 0)
		errx(1, "mp_value_get_float");
	return x;
}

static void init(void)
{
	struct mp_value *v = &s->value;

	is(mp_value_init(v, (enum mp_type)0), -EINVAL, "no type 0");
	is(mp_value_init(v, (enum mp_type)(MP_TYPE_F64 + 1)), -EINVAL,
	   "nor one after the last");
	is(mp_value_init(v, (enum mp_type)UINT32_MAX), -EINVAL, "nor 2^32-1");
	for (int t = MP_TYPE_I8; t <= MP_TYPE_F64; t++) {
		memset(v, 0xff, sizeof(*v));
		is(mp_value_init(v, (enum mp_type)t), 0, "type %d", t);
		is(mp_value_init(not_shared(), (enum mp_type)t), -EINVAL,
		   "not in memory that is not shared");
		ok(t >= MP_TYPE_F32 ? get_float() == 0 : get_int() == 0,
		   "its value is 0");
		is(mp_rlock_locked(&v->lock), 0, "its lock is free");
	}
	ok((uintptr_t)v->cell % 64 == 0 && sizeof(*v) % 64 == 0,
	   "it has a cache line of its own");
}

static void range_of(const struct integer *t)
{
	struct mp_value *v = fresh(t->type);
	int64_t result = 77;

	is(mp_value_set_int(v, t->max), 0, "%s: the greatest", t->name);
	is(get_int(), t->max, "is kept");
	is(mp_value_add_int(v, 1, &result), -ERANGE, "one more is not");
	is(mp_value_add_int(v, INT64_MAX, &result), -ERANGE, "nor many more");
	is(get_int(), t->max, "and changes nothing");
	is(result, 77, "nor the result");
	is(mp_value_add_int(v, -1, &result), 0, "one less");
	ok(result == t->max - 1 && get_int() == result, "is kept, and told");
	is(mp_value_set_int(v, t->min), 0, "the least");
	is(get_int(), t->min, "is kept");
	is(mp_value_add_int(v, -1, NULL), -ERANGE, "one less is not");
	is(mp_value_add_int(v, INT64_MIN, NULL), -ERANGE, "nor many less");
	is(get_int(), t->min, "and changes nothing");
	is(mp_value_add_int(v, 1, NULL), 0, "one more, the result unasked");
	is(get_int(), t->min + 1, "is kept");
	is(mp_value_set_int(v, 5), 0, "5");
	if (t->max < INT64_MAX) {
		is(mp_value_set_int(v, t->max + 1), -ERANGE, "set too great");
		is(mp_value_set_int(v, t->min - 1), -ERANGE, "set too small");
		is(mp_value_set_int(v, INT64_MAX), -ERANGE, "far too great");
		is(mp_value_set_int(v, INT64_MIN), -ERANGE, "far too small");
		is(mp_value_add_int(v, t->max, NULL), -ERANGE, "5 too many");
	}
	is(get_int(), 5, "5 it is");
	is(mp_value_add_int(v, 0, &result), 0, "add nothing");
	is(result, 5, "5");
}

static void wrong_kind(void)
{
	struct mp_value *v;
	double x = 3;
	int64_t n = 3;
	int bad = 0;

	for (int i = 0; i < INTEGERS; i++) {
		v = fresh(integers[i].type);
		bad += mp_value_get_float(v, &x) != -EINVAL;
		bad += mp_value_set_float(v, 1) != -EINVAL;
		bad += mp_value_add_float(v, 1, &x) != -EINVAL;
		bad += get_int() != 0;
	}
	is(bad, 0, "integers refuse the calls for floating numbers");
	for (int t = MP_TYPE_F32; t <= MP_TYPE_F64; t++) {
		v = fresh((enum mp_type)t);
		bad += mp_value_get_int(v, &n) != -EINVAL;
		bad += mp_value_set_int(v, 1) != -EINVAL;
		bad += mp_value_add_int(v, 1, &n) != -EINVAL;
		bad += get_float() != 0;
	}
	is(bad, 0, "and the other way round");
	ok(x == 3 && n == 3, "which leaves the results alone");
}

static void floats(void)
{
	struct mp_value *v = fresh(MP_TYPE_F64);
	double x = 0;

	is(mp_value_set_float(v, 0.1), 0, "F64: 0.1");
	ok(get_float() == 0.1, "is kept exactly");
	is(mp_value_add_float(v, 0.2, &x), 0, "add 0.2");
	ok(x == 0.1 + 0.2 && get_float() == x, "as C adds them");
	is(mp_value_add_float(v, 1, NULL), 0, "the result unasked");
	mp_value_set_float(v, -DBL_MAX);
	ok(get_float() == -DBL_MAX, "the least");
	mp_value_set_float(v, NAN);
	ok(isnan(get_float()), "not a number");
	mp_value_add_float(v, 1, &x);
	ok(isnan(x), "which it stays");
	mp_value_set_float(v, -0.0);
	ok(signbit(get_float()), "minus zero");

	v = fresh(MP_TYPE_F32);
	is(mp_value_set_float(v, 0.1), 0, "F32: 0.1");
	ok(get_float() == (double)0.1f, "is rounded");
	mp_value_set_float(v, 16777216);
	mp_value_add_float(v, 1, &x);
	ok(x == 16777216, "2^24 + 1 is rounded, and so is what is told");
	mp_value_set_float(v, -FLT_MAX);
	ok(get_float() == (double)-FLT_MAX, "the least");
	is(mp_value_set_float(v, 1e39), 0, "beyond the greatest");
	ok(isinf(get_float()) && get_float() > 0, "is infinite");
	mp_value_set_float(v, -FLT_MAX);
	is(mp_value_add_float(v, (double)-FLT_MAX, &x), 0, "added up too");
	ok(isinf(x) && x < 0 && get_float() == x, "and told");
	mp_value_set_float(v, NAN);
	ok(isnan(get_float()), "not a number");
}

/* ---- several processes ---- */

static int adds(long n)
{
	while (n-- > 0)
		if (mp_value_add_int(&s->value, 1, NULL) != 0)
			return 1;
	return 0;
}

static int adds_floats(long n)
{
	while (n-- > 0)
		if (mp_value_add_float(&s->value, 0.5, NULL) != 0)
			return 1;
	return 0;
}

/* Get and set, which only the lock makes one. */
static int doubles_back(long n)
{
	struct mp_value *v = &s->value;
	int64_t x;

	while (n-- > 0) {
		if (mp_rlock_acquire(&v->lock, LONG) != 0 ||
		    mp_rlock_acquire(&v->lock, LONG) != 0)
			return 1;
		mp_value_get_int(v, &x);
		if (n % 1024 == 0)
			sched_yield();
		mp_value_set_int(v, x + 1);
		if (mp_rlock_release(&v->lock) != 0 ||
		    mp_rlock_release(&v->lock) != 0)
			return 2;
	}
	return 0;
}

static int four(int (*f)(long), long n)
{
	pid_t pid[4];
	int bad = 0;

	for (int i = 0; i < 4; i++)
		pid[i] = start(f, n);
	for (int i = 0; i < 4; i++)
		bad += end_of(pid[i]) != 0;
	return bad;
}

static void together(void)
{
	for (int i = 0; i < INTEGERS; i++) {
		long n = integers[i].max < 300 ? 25 : 5000;

		fresh(integers[i].type);
		is(four(adds, n), 0, "%s: four processes", integers[i].name);
		is(get_int(), 4 * n, "add 1 each %ld times", n);
	}
	for (int t = MP_TYPE_F32; t <= MP_TYPE_F64; t++) {
		fresh((enum mp_type)t);
		is(four(adds_floats, 5000), 0, "floats: four processes");
		ok(get_float() == 10000, "add 0.5 each 5000 times");
	}
	fresh(MP_TYPE_I64);
	is(four(doubles_back, 5000), 0, "get and set, under the value's lock");
	is(get_int(), 20000, "lose nothing");
}

static int add_until_full(long unused)
{
	int n = 0;

	(void)unused;
	while (mp_value_add_int(&s->value, 1, NULL) == 0)
		n++;
	return n;
}

/* However many add, the range holds. */
static void full(void)
{
	pid_t pid[4];
	int sum = 0;

	fresh(MP_TYPE_I8);
	for (int i = 0; i < 4; i++)
		pid[i] = start(add_until_full, 0);
	for (int i = 0; i < 4; i++)
		sum += end_of(pid[i]);
	is(sum, INT8_MAX, "four fill an I8 together, each step once");
	is(get_int(), INT8_MAX, "to its greatest");
}

static void on_alarm(int sig)
{
	(void)sig;
	atomic_fetch_add(&s->handled, 1);
	mp_value_add_int(&s->value, 1, NULL);
}

static void handler(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	int64_t n = 0;

	fresh(MP_TYPE_I64);
	handle(SIGALRM, on_alarm, SA_RESTART);
	setitimer(ITIMER_REAL, &often, NULL);
	for (; atomic_load(&s->handled) < 100; n++)
		mp_value_add_int(&s->value, 1, NULL);
	setitimer(ITIMER_REAL, &off, NULL);
	is(get_int(), n + atomic_load(&s->handled),
	   "a handler that adds while the same process adds");
}

static int holds(long unused)
{
	(void)unused;
	mp_rlock_acquire(&s->value.lock, -1);
	atomic_store(&s->handled, 1);
	return wait_for_kill();
}

static void beside_the_lock(void)
{
	struct mp_value *v = fresh(MP_TYPE_I32);
	pid_t pid = start(holds, 0);

	await(atomic_load(&s->handled) == 1);
	is(mp_value_set_int(v, 3), 0, "held by another: set looks at no lock");
	is(mp_value_add_int(v, 3, NULL), 0, "nor add");
	is(get_int(), 6, "nor get");
	killed(pid);
	if (mp_owner_attach() == 0)
		is(mp_rlock_acquire(&v->lock, LONG), MP_OWNER_DIED,
		   "its holder was killed");
}

static int use(void *object)
{
	struct mp_value *v = object;
	int64_t n;

	return mp_value_init(v, MP_TYPE_I32) | mp_value_add_int(v, 3, &n) |
	       (n != 3) | mp_rlock_acquire(&v->lock, -1) |
	       mp_rlock_release(&v->lock);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	init();
	for (int i = 0; i < INTEGERS; i++)
		range_of(&integers[i]);
	wrong_kind();
	floats();
	together();
	full();
	handler();
	is(left_of_10000(sizeof(struct mp_value), use), 0,
	   "10,000 values, and nothing of them is left");
	beside_the_lock();
	return tap_done();
}
