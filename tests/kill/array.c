/* A process is killed at every instruction of changes to an array: an element
 * is old or new and its neighbours stay; several change together or not at all,
 * for whoever takes the lock and repairs when told. */
#include "driver.h"

#include <errno.h>
#include <stdalign.h>

#include "mp/array.h"

#define N 4

/* Room for what mp_array_size says. */
struct world {
	alignas(64) unsigned char room[1024];
};
static struct world *w;

static struct mp_array *array(void)
{
	return (struct mp_array *)w->room;
}

static int64_t get(uint64_t i)
{
	int64_t n = -1;

	must(mp_array_get_int(array(), i, &n) == 0, "get");
	return n;
}

static void fresh(void)
{
	int64_t size = mp_array_size(MP_TYPE_I16, N);

	must(size > 0 && size <= (int64_t)sizeof(w->room), "size %lld",
	     (long long)size);
	must(mp_array_init(array(), MP_TYPE_I16, N) == 0, "init");
	for (uint64_t i = 0; i < N; i++)
		mp_array_set_int(array(), i, 0x0101);
}

static int set_one(void)
{
	return mp_array_set_int(array(), 1, 0x7f7f);
}

static int add_one(void)
{
	return mp_array_add_int(array(), 1, 0x0101, NULL);
}

/* All elements are equal, but for the holder of the lock. */
static int set_all(void)
{
	int rc = mp_rlock_acquire(&array()->lock, -1);

	if (rc < 0)
		return rc;
	for (uint64_t i = 0; i < N; i++)
		mp_array_set_int(array(), i, 5);
	return mp_rlock_release(&array()->lock);
}

static int next(struct other *self)
{
	int rc = mp_rlock_acquire(&array()->lock, -1), equal = 1;
	int16_t *a = mp_array_data(array());

	(void)self;
	for (int i = 1; i < N; i++)
		equal &= a[i] == a[0];
	if (rc < 0 || (!equal && rc != MP_OWNER_DIED))
		return -EIO;
	for (int i = 0; i < N; i++)
		a[i] = 9;
	return mp_rlock_release(&array()->lock) < 0 ? -EIO : rc;
}

static void check_one(const struct point *p, int64_t new)
{
	int64_t n = get(1);

	must(n == 0x0101 || n == new, "%llx", (long long)n);
	must(!p->over || (p->result == 0 && n == new), "%llx, over",
	     (long long)n);
	must(get(0) == 0x0101 && get(2) == 0x0101, "the neighbours");
}

static void check_set(const struct point *p)
{
	check_one(p, 0x7f7f);
}

static void check_add(const struct point *p)
{
	check_one(p, 0x0202);
}

static uint32_t holding;

static void look(void)
{
	holding = atomic_load(&array()->lock.lock.node.word) & FUTEX_TID_MASK;
}

static void check_all(const struct point *p)
{
	int rc = other_run(next);

	must(rc == (holding == p->tid), "the next one: %d", rc);
	for (uint64_t i = 0; i < N; i++)
		must(get(i) == 9, "element %d", (int)i);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "array: set an element", .world = fresh,
	  .operation = set_one, .check = check_set },
	{ .what = "array: add to an element", .world = fresh,
	  .operation = add_one, .check = check_add },
	{ .what = "array: set all under its lock", .alone = 1,
	  .world = fresh, .operation = set_all, .slip = look,
	  .check = check_all },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&array()->lock.lock.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
