/* A process is killed at every instruction of acquire and release of an rlock,
 * at depth 1 and 2. */
#include "driver.h"

#include <errno.h>

#include "mp/rlock.h"

struct world {
	struct mp_rlock lock;
};
static struct world *w;

static void hold(void)
{
	mp_rlock_acquire(&w->lock, -1);
}

static void hold_twice(void)
{
	hold();
	hold();
}

static int acquire(void)
{
	return mp_rlock_acquire(&w->lock, -1);
}

static int release(void)
{
	return mp_rlock_release(&w->lock);
}

static int wrong_release(void)
{
	return mp_rlock_release(&w->lock) == -EPERM ? 0 : -EIO;
}

/* The next one holds it at depth 1, whatever the dead one's was. */
static int next(struct other *self)
{
	int rc = mp_rlock_acquire(&w->lock, -1);

	(void)self;
	if (rc < 0 || mp_rlock_depth(&w->lock) != 1 ||
	    mp_rlock_acquire(&w->lock, -1) != 0 ||
	    mp_rlock_depth(&w->lock) != 2 || mp_rlock_release(&w->lock) != 0 ||
	    mp_rlock_locked(&w->lock) != 1 || mp_rlock_release(&w->lock) != 0)
		return -EIO;
	return rc;
}

static int sleeper(struct other *self)
{
	other_at(self, 1);
	return next(self);
}

static int holder(struct other *self)
{
	hold_twice();
	other_at(self, 1);
	other_until(self, 1);
	mp_rlock_release(&w->lock);
	return mp_rlock_release(&w->lock);
}

enum { HOLDER, SLEEPER };

static void start_holder(void)
{
	other_start(HOLDER, holder);
	other_reach(HOLDER, 1);
}

static void start_sleeper(void)
{
	other_start(SLEEPER, sleeper);
	other_reach(SLEEPER, 1);
	other_asleep(SLEEPER);
}

static void let_go(int nth)
{
	if (nth == 0)
		other_go(HOLDER, 1);
}

static uint32_t holding; /* whom the word names */

static void look(void)
{
	holding = atomic_load(&w->lock.lock.node.word) & FUTEX_TID_MASK;
}

static void check_next(const struct point *p)
{
	int held = holding == p->tid, rc;

	must(!p->over || p->result == 0, "the operation: %d", p->result);
	other_go(HOLDER, 1);
	rc = other_run(next);
	must(rc == held, "the next one: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the one after it: %d", rc);
}

static void check_sleeper(const struct point *p)
{
	int held = holding == p->tid;
	int rc = other_result(SLEEPER);

	must(rc == held, "the sleeper: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "rlock: acquire, free", .alone = 1,
	  .operation = acquire, .slip = look, .check = check_next },
	{ .what = "rlock: acquire, held by itself", .alone = 1,
	  .before = hold, .operation = acquire, .slip = look,
	  .check = check_next },
	{ .what = "rlock: acquire, held by another", .alone = 1,
	  .world = start_holder, .operation = acquire, .awaken = let_go,
	  .slip = look, .check = check_next },
	{ .what = "rlock: release, nobody sleeps", .alone = 1,
	  .before = hold, .operation = release, .slip = look,
	  .check = check_next },
	{ .what = "rlock: release, one of two, one sleeps", .alone = 1,
	  .before = hold_twice, .others = start_sleeper,
	  .operation = release, .slip = look, .check = check_sleeper },
	{ .what = "rlock: release, the last, one sleeps", .alone = 1,
	  .before = hold, .others = start_sleeper, .operation = release,
	  .slip = look, .check = check_sleeper },
	{ .what = "rlock: release of another's", .alone = 1,
	  .world = start_holder, .operation = wrong_release, .slip = look,
	  .check = check_next },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->lock.lock.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
