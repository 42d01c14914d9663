/* A process is killed at every instruction of wait and notify of a condition:
 * its lock is free for the next one, who is told if the dead one held it, and a
 * notification that it had got and not used goes to another waiter. */
#include "driver.h"

#include <errno.h>

#include "mp/condition.h"
#include "mp/rlock.h"

struct world {
	struct mp_rlock r;
	struct mp_condition c;
};
static struct world *w;

/* ---- what the victim does */

static void hold(void)
{
	mp_lock_acquire(&w->r.lock, -1);
}

static void hold_twice(void)
{
	mp_rlock_acquire(&w->r, -1);
	mp_rlock_acquire(&w->r, -1);
}

static int wait_for_ever(void)
{
	return mp_condition_wait(&w->c, &w->r.lock, -1);
}

static int wait_at_depth(void)
{
	int rc = wait_for_ever();

	return mp_rlock_depth(&w->r) == 2 ? rc : -EIO;
}

static int wait_shortly(void)
{
	int rc = mp_condition_wait(&w->c, &w->r.lock, NAP);

	return rc == -ETIMEDOUT ? 0 : -EIO;
}

static int notify_one(void)
{
	return mp_condition_notify(&w->c, &w->r.lock, 1);
}

static int notify_all(void)
{
	return mp_condition_notify_all(&w->c, &w->r.lock);
}

/* ---- the others */

/* The result is wait's. */
static int waiter(struct other *self)
{
	int rc;

	if (mp_lock_acquire(&w->r.lock, -1) != 0)
		return -EIO;
	other_at(self, 1);
	rc = mp_condition_wait(&w->c, &w->r.lock, -1);
	return mp_lock_release(&w->r.lock) < 0 ? -EIO : rc;
}

static int next(struct other *self)
{
	int rc = mp_lock_acquire(&w->r.lock, -1);

	(void)self;
	return mp_lock_release(&w->r.lock) < 0 ? -EIO : rc;
}

/* How many were notified; between notify and release it lets the driver act.
 * With the depth of the rlock its own. */
static int notifier(struct other *self)
{
	int n;

	if (mp_rlock_acquire(&w->r, -1) < 0)
		return -EIO;
	n = notify_one();
	other_at(self, 1);
	other_until(self, 1);
	return mp_rlock_release(&w->r) < 0 ? -EIO : n;
}

static int notifier_of_all(struct other *self)
{
	int n;

	(void)self;
	if (mp_lock_acquire(&w->r.lock, -1) < 0)
		return -EIO;
	n = notify_all();
	return mp_lock_release(&w->r.lock) < 0 ? -EIO : n;
}

static int owed; /* notifications that must not be lost, whatever happens */

enum { FIRST, SECOND, THIRD, WAITERS, NOTIFIER = WAITERS };

/* It waits when it sleeps: its place is taken, and the lock is free again. */
static void start_waiter(int i)
{
	other_start(i, waiter);
	other_reach(i, 1);
	other_asleep(i);
}

static void nobody_waits(void)
{
	owed = 0;
}

static void one_waits(void)
{
	owed = 0;
	start_waiter(FIRST);
}

static void three_wait(void)
{
	owed = 0;
	for (int i = FIRST; i < WAITERS; i++)
		start_waiter(i);
}

static void first_is_dead(void)
{
	three_wait();
	other_kill(FIRST);
}

/* It dies with a notification that it has not come back with. */
static void kill_first_notified(int nth)
{
	if (nth != 0)
		return;
	other_start(NOTIFIER, notifier);
	other_reach(NOTIFIER, 1);
	other_kill(FIRST);
	other_go(NOTIFIER, 1);
	must(other_result(NOTIFIER) == 1, "one is notified");
	other_kill(NOTIFIER);
}

static void first_died_notified(void)
{
	three_wait();
	kill_first_notified(0);
	owed = 1;
}

/* The victim sleeps; others wait behind it; one is notified, the victim. */
static void notify_victim(int nth)
{
	if (nth != 0)
		return;
	start_waiter(FIRST);
	start_waiter(SECOND);
	other_start(NOTIFIER, notifier);
	other_go(NOTIFIER, 1);
	must(other_result(NOTIFIER) == 1, "one is notified");
}

/* ---- checks */

static uint32_t holding; /* whom the lock names */
static int awaited;      /* how many waiters come back without more ado */
static int doubled;      /* a dead one's notification may be there twice */

static int waits(int i)
{
	struct mp_waiter *p = w->c.waiter;

	for (uint32_t k = 0; k < w->c.used; k++)
		if (mp_waiter_word(&p[k]) == other_pid(i))
			return 1;
	return 0;
}

static int is_waiter(uint32_t tid)
{
	for (int i = FIRST; i < WAITERS; i++)
		if (tid != 0 && other_pid(i) == tid)
			return 1;
	return 0;
}

/* Who is on the way back, and what dead ones have to pass on. */
static void look(void)
{
	int passed_on = 0;

	holding = atomic_load(&w->r.lock.node.word) & FUTEX_TID_MASK;
	awaited = 0;
	for (int i = FIRST; i < WAITERS; i++)
		awaited += other_started(i) && !waits(i);
	for (uint32_t k = 0; k < w->c.used; k++) {
		uint32_t word = mp_waiter_word(&w->c.waiter[k]);

		passed_on += (word & MP_WAITER_NOTIFIED) != 0 &&
			     !is_waiter(word & FUTEX_TID_MASK);
	}
	doubled = passed_on != 0 && awaited != 0;
	awaited += passed_on;
}

static int living(void)
{
	int n = 0;

	for (int i = FIRST; i < WAITERS; i++)
		n += other_started(i);
	return n;
}

/* Nobody comes back for nothing; but who is told of a death comes back too. */
static void check(const struct point *p)
{
	int held = holding == p->tid, n = living(), told = 0, rest;

	must(awaited >= owed, "%d waiters will come back", awaited);
	if (awaited > n)
		awaited = n;
	must(other_some(FIRST, WAITERS, awaited), "%d of %d waiters come back",
	     awaited, n);
	rest = other_run(next);
	must(rest == 0 || rest == MP_OWNER_DIED, "the next one: %d", rest);
	told += rest;
	rest = other_run(notifier_of_all);
	must(rest <= n - awaited && rest >= n - awaited - held - doubled,
	     "of %d waiters, %d on their way, %d were left to notify", n,
	     awaited, rest);
	for (int i = FIRST; i < WAITERS; i++)
		if (other_started(i)) {
			int rc = other_result(i);

			must(rc == 0 || rc == MP_OWNER_DIED, "waiter %d: %d", i,
			     rc);
			told += rc;
		}
	must(told == held, "%d are told of %d death", told, held);
	for (uint32_t i = 0; i < w->c.used; i++)
		must(mp_waiter_word(&w->c.waiter[i]) == 0, "place %u is free",
		     i);
}

static void check_wait(const struct point *p)
{
	must(!p->over || p->result == 0, "wait: %d", p->result);
	check(p);
}

static void check_one(const struct point *p)
{
	must(!p->over || p->result == 1, "notified: %d", p->result);
	check(p);
}

static void check_all(const struct point *p)
{
	must(!p->over || p->result == living(), "notified: %d", p->result);
	check(p);
}

static int notify_and_release(void)
{
	int n = notify_one();

	return mp_lock_release(&w->r.lock) < 0 ? -EIO : n;
}

static int came; /* the first waiter had, before it was killed */

static void slip_kill_first(void)
{
	came = 1;
	for (uint32_t i = 0; i < w->c.used; i++)
		if ((mp_waiter_word(&w->c.waiter[i]) & FUTEX_TID_MASK) ==
		    other_pid(FIRST))
			came = 0;
	other_kill(FIRST);
}

/* The victim lives.  One comes back, the first or another in its place. */
static void check_one_comes(const struct point *p)
{
	int rest;

	must(p->over && p->result == 1, "notified: %d", p->result);
	must(other_some(SECOND, WAITERS, !came), "another comes back");
	rest = other_run(notifier_of_all);
	/* What died between coming and returning has been passed on or not. */
	must(rest == 1 + came, "%d were left to notify", rest);
	for (int i = SECOND; i < WAITERS; i++) {
		int rc = other_result(i);

		must(rc == 0 || rc == MP_OWNER_DIED, "waiter %d: %d", i, rc);
	}
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "condition: wait, notified, two wait behind",
	  .world = nobody_waits, .before = hold, .operation = wait_for_ever,
	  .awaken = notify_victim, .slip = look, .check = check_wait },
	{ .what = "condition: wait, notified, an rlock held twice",
	  .world = nobody_waits, .before = hold_twice,
	  .operation = wait_at_depth, .awaken = notify_victim,
	  .slip = look, .check = check_wait },
	{ .what = "condition: wait, timed out, one waits before",
	  .world = one_waits, .before = hold, .operation = wait_shortly,
	  .slip = look, .check = check_wait },
	{ .what = "condition: wait, after one who died notified",
	  .world = first_died_notified, .before = hold,
	  .operation = wait_shortly, .slip = look, .check = check_wait },
	{ .what = "condition: wait, one before dies notified",
	  .world = one_waits, .victims_ns = NAP, .before = hold,
	  .operation = wait_for_ever, .awaken = kill_first_notified,
	  .slip = look, .check = check_wait },
	{ .what = "condition: notify, nobody waits",
	  .world = nobody_waits, .before = hold, .operation = notify_all,
	  .slip = look, .check = check_all },
	{ .what = "condition: notify one of three", .world = three_wait,
	  .before = hold, .operation = notify_one, .slip = look,
	  .check = check_one },
	{ .what = "condition: notify all of three", .world = three_wait,
	  .before = hold, .operation = notify_all, .slip = look,
	  .check = check_all },
	{ .what = "condition: notify, the first is dead",
	  .world = first_is_dead, .before = hold, .operation = notify_one,
	  .slip = look, .check = check_one },
	{ .what = "condition: notify, the first died notified",
	  .world = first_died_notified, .before = hold,
	  .operation = notify_one, .slip = look, .check = check_one },
	{ .what = "condition: notify one of three, while the first dies",
	  .spare = 1, .world = three_wait, .before = hold,
	  .operation = notify_and_release, .slip = slip_kill_first,
	  .check = check_one_comes },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->r.lock.counters);
	kill_counters(&w->c.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
