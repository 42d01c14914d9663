/* A process is killed at every instruction of a value's functions: the number
 * is the old one or the new one, and its lock is as any rlock. */
#include "driver.h"

#include <errno.h>

#include "mp/value.h"

#define OLD    1000
#define ADDED  7
#define LARGER 0x0102030405060708

struct world {
	struct mp_value v;
};
static struct world *w;

static void fresh(void)
{
	must(mp_value_init(&w->v, MP_TYPE_I64) == 0, "init");
	mp_value_set_int(&w->v, OLD);
}

static void fresh_float(void)
{
	must(mp_value_init(&w->v, MP_TYPE_F64) == 0, "init");
	mp_value_set_float(&w->v, OLD);
}

static int add(void)
{
	return mp_value_add_int(&w->v, ADDED, NULL);
}

static int add_float(void)
{
	return mp_value_add_float(&w->v, ADDED, NULL);
}

static int set(void)
{
	return mp_value_set_int(&w->v, LARGER);
}

/* Two steps under the lock; the number is odd only between them. */
static int twice(void)
{
	int64_t n = 0;
	int rc = mp_rlock_acquire(&w->v.lock, -1);

	if (rc < 0)
		return rc;
	mp_value_get_int(&w->v, &n);
	mp_value_set_int(&w->v, n + 1);
	mp_value_set_int(&w->v, n + 2);
	return mp_rlock_release(&w->v.lock);
}

static int next_add(struct other *self)
{
	(void)self;
	return add();
}

static int next_add_float(struct other *self)
{
	(void)self;
	return add_float();
}

/* The next one repairs what it finds, if it is told. */
static int next_twice(struct other *self)
{
	int64_t n = 0;
	int rc = mp_rlock_acquire(&w->v.lock, -1);

	(void)self;
	mp_value_get_int(&w->v, &n);
	if (n % 2 != 0 && rc != MP_OWNER_DIED)
		return -EIO;
	mp_value_set_int(&w->v, n + n % 2 + 2);
	return mp_rlock_release(&w->v.lock) < 0 ? -EIO : rc;
}

static int64_t number(void)
{
	int64_t n = 0;

	must(mp_value_get_int(&w->v, &n) == 0, "get");
	return n;
}

static void check_add(const struct point *p)
{
	int64_t n = number();

	must(n == OLD || n == OLD + ADDED, "%lld", (long long)n);
	must(!p->over || (p->result == 0 && n == OLD + ADDED), "%lld, over",
	     (long long)n);
	must(other_run(next_add) == 0, "the next one adds");
	must(number() == n + ADDED, "and nothing more");
}

static void check_add_float(const struct point *p)
{
	double x = 0, y = 0;

	mp_value_get_float(&w->v, &x);
	must(x == OLD || x == OLD + ADDED, "%f", x);
	must(!p->over || (p->result == 0 && x == OLD + ADDED), "%f, over", x);
	must(other_run(next_add_float) == 0, "the next one adds");
	mp_value_get_float(&w->v, &y);
	must(y == x + ADDED, "and nothing more");
}

static void check_set(const struct point *p)
{
	int64_t n = number();

	must(n == OLD || n == LARGER, "%llx", (long long)n);
	must(!p->over || (p->result == 0 && n == LARGER), "%llx, over",
	     (long long)n);
}

static int64_t left;
static uint32_t holding;

static void look(void)
{
	mp_value_get_int(&w->v, &left);
	holding = atomic_load(&w->v.lock.lock.node.word) & FUTEX_TID_MASK;
}

static void check_twice(const struct point *p)
{
	int rc = other_run(next_twice);

	must(left >= OLD && left <= OLD + 2, "%lld", (long long)left);
	must(left % 2 == 0 || holding == p->tid, "odd under the lock only");
	must(rc == (holding == p->tid), "the next one: %d", rc);
	must(number() == left + left % 2 + 2, "%lld", (long long)number());
	must(!p->over || (p->result == 0 && left == OLD + 2), "over");
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "value: add", .world = fresh, .operation = add,
	  .check = check_add },
	{ .what = "value: add to a float", .world = fresh_float,
	  .operation = add_float, .check = check_add_float },
	{ .what = "value: set", .world = fresh, .operation = set,
	  .check = check_set },
	{ .what = "value: get and set under its lock", .alone = 1,
	  .world = fresh, .operation = twice, .slip = look,
	  .check = check_twice },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->v.lock.lock.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
