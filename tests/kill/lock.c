/* A process is killed at every instruction of acquire and release; the next one
 * gets the lock, and is told exactly if the dead one held it. */
#include "driver.h"

#include <errno.h>
#include <pthread.h>

#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/lock.h"

struct world {
	struct mp_lock lock, other;
	pthread_mutex_t mutex; /* glibc's, held beside ours */
};
static struct world *w;

/* ---- what the victim does */

static void hold(void)
{
	mp_lock_acquire(&w->lock, -1);
}

static void hold_other(void)
{
	mp_lock_acquire(&w->other, -1);
	pthread_mutex_lock(&w->mutex);
}

/* The lock is not the first in the list, and there is one of glibc's. */
static void hold_below_other(void)
{
	hold();
	hold_other();
}

static void hold_above_other(void)
{
	hold_other();
	hold();
}

static int acquire(void)
{
	return mp_lock_acquire(&w->lock, -1);
}

static int acquire_timed(void)
{
	return mp_lock_acquire(&w->lock, NAP);
}

static int acquire_try(void)
{
	return mp_lock_acquire(&w->lock, 0);
}

static int release(void)
{
	return mp_lock_release(&w->lock);
}

/* ---- the others */

static int next(struct other *self)
{
	int rc = mp_lock_acquire(&w->lock, -1);

	(void)self;
	if (rc < 0 || mp_lock_release(&w->lock) < 0)
		return -EIO;
	return rc;
}

static int next_of_other(struct other *self)
{
	int rc = mp_lock_acquire(&w->other, -1);

	(void)self;
	mp_lock_release(&w->other);
	return rc;
}

static int next_of_mutex(struct other *self)
{
	(void)self;
	return pthread_mutex_lock(&w->mutex);
}

static int sleeper(struct other *self)
{
	other_at(self, 1);
	return next(self);
}

static int holder(struct other *self)
{
	mp_lock_acquire(&w->lock, -1);
	other_at(self, 1);
	other_until(self, 1);
	return mp_lock_release(&w->lock);
}

static int dead_holder(struct other *self)
{
	(void)self;
	return mp_lock_acquire(&w->lock, -1);
}

/* As a sleeper, but it never gets beyond being woken. */
static int woken(struct other *self)
{
	uint32_t old = atomic_fetch_or(&w->lock.node.word, FUTEX_WAITERS);

	mp_owner_begin(&w->lock.node);
	other_at(self, 1);
	mp_futex_wait(&w->lock.node.word, old | FUTEX_WAITERS, MP_CLOCK_NEVER,
		      NULL);
	other_at(self, 2);
	other_until(self, 1);
	return 0;
}

/* Tries when told to; gives back when told to. */
static int slipper(struct other *self)
{
	int rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = mp_lock_acquire(&w->lock, 0);
	other_at(self, 2);
	other_until(self, 2);
	if (rc >= 0)
		mp_lock_release(&w->lock);
	return rc;
}

/* ---- worlds: process 0 holds, 1 and 2 sleep, 3 slips in */

enum { HOLDER, SLEEPER, SECOND, SLIPPER };

static uint32_t word;   /* as the victim left it */
static uint32_t killed; /* the holder, if it was killed */

static void start_holder(void)
{
	killed = 0;
	other_start(HOLDER, holder);
	other_reach(HOLDER, 1);
}

static void start_sleeper(int i)
{
	other_start(i, sleeper);
	other_reach(i, 1);
	other_asleep(i);
}

static void one_sleeps(void)
{
	start_sleeper(SLEEPER);
}

static void two_sleep(void)
{
	start_sleeper(SLEEPER);
	start_sleeper(SECOND);
}

static void two_sleep_one_slips(void)
{
	two_sleep();
	other_start(SLIPPER, slipper);
	other_reach(SLIPPER, 1);
}

static void after_a_death(void)
{
	other_start(HOLDER, dead_holder);
	other_result(HOLDER);
	other_kill(HOLDER);
}

/* Its death has woken one, who is slow; another sleeps on. */
static void after_a_death_one_woken(void)
{
	start_holder();
	other_start(SECOND, woken);
	other_reach(SECOND, 1);
	other_asleep(SECOND);
	one_sleeps();
	other_kill(HOLDER);
	other_reach(SECOND, 2);
}

static void with_mutex(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&w->mutex, &attr);
}

static void with_mutex_and_holder(void)
{
	with_mutex();
	start_holder();
}

static void any(void)
{
	must(mp_lock_init(&w->lock, MP_LOCK_ANY) == 0, "init");
}

static void any_held(void)
{
	any();
	start_holder();
}

static void let_go(int nth)
{
	if (nth == 0)
		other_go(HOLDER, 1);
}

/* The victim sleeps, then another one, then the holder gives back: the victim
 * is woken, and the other sleeps on. */
static void sleep_and_let_go(int nth)
{
	if (nth == 0) {
		one_sleeps();
		other_go(HOLDER, 1);
	}
}

static void kill_holder(int nth)
{
	if (nth == 0 && other_started(HOLDER)) {
		killed = atomic_load(&w->lock.node.word) & FUTEX_TID_MASK;
		other_kill(HOLDER);
	}
}

/* Its own back-stop ends the first sleep. */
static void let_go_later(int nth)
{
	if (nth == 1)
		other_go(HOLDER, 1);
}

/* ---- checks */

static void look(void)
{
	word = atomic_load(&w->lock.node.word);
}

static void look_and_slip(void)
{
	look();
	other_go(SLIPPER, 1);
	other_reach(SLIPPER, 2);
}

static void look_and_kill_woken(void)
{
	look();
	other_kill(SECOND);
}

static void slip_kill_holder(void)
{
	kill_holder(0);
}

static void slip_kill_sleeper(void)
{
	look();
	other_kill(SLEEPER);
}

/* The death of a holder that nobody has been told of yet. */
static int untold(const struct point *p)
{
	uint32_t tid = word & FUTEX_TID_MASK;

	return tid == p->tid || (tid != 0 && tid == killed) ||
	       (tid == 0 && (word & FUTEX_OWNER_DIED) != 0);
}

static void check_next(const struct point *p)
{
	int rc = other_run(next);

	must(rc == untold(p), "the next one: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the one after it: %d", rc);
}

/* The holder, if it lives and still holds, gives back. */
static void check_after_holder(const struct point *p)
{
	other_go(HOLDER, 1);
	check_next(p);
}

static void check_sleeper(const struct point *p)
{
	int rc = other_result(SLEEPER);

	must(rc == untold(p), "the sleeper: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

static void check_sleeper_if_any(const struct point *p)
{
	if (other_started(SLEEPER))
		check_sleeper(p);
	else
		check_after_holder(p);
}

/* One of the two is told, if there is something to tell. */
static void check_sleepers(const struct point *p)
{
	int a = other_result(SLEEPER), b = other_result(SECOND), rc;

	must(a + b == untold(p) && a >= 0 && b >= 0, "the sleepers: %d and %d",
	     a, b);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

static void check_slipped(const struct point *p)
{
	int a, b, c, rc;

	other_go(SLIPPER, 2);
	a = other_result(SLEEPER);
	b = other_result(SECOND);
	c = other_result(SLIPPER);
	must(c == 0 || c == -ETIMEDOUT, "the one who slips in: %d", c);
	must(a + b == untold(p) && a >= 0 && b >= 0, "the sleepers: %d and %d",
	     a, b);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

static void check_hole(const struct point *p)
{
	check_slipped(p);
	must(kill_rescues() == 1, "%d rescues", kill_rescues());
}

static void check_both(const struct point *p)
{
	int rc = other_run(next_of_other);

	must(rc == MP_OWNER_DIED, "the other lock's next: %d", rc);
	rc = other_run(next_of_mutex);
	must(rc == EOWNERDEAD, "the robust mutex's next: %d", rc);
	check_after_holder(p);
}

/* The victim lives, and holds. */
static void check_told(const struct point *p)
{
	must(p->over && p->result == MP_OWNER_DIED, "told: %d", p->result);
}

/* It lives, and has given back; one sleeper is dead. */
static void check_second(const struct point *p)
{
	int rc = other_result(SECOND);

	must(p->over && p->result == 0, "released: %d", p->result);
	/* The dead one may have held it. */
	must(rc == 0 || rc == MP_OWNER_DIED, "the second sleeper: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "acquire, free", .alone = 1,
	  .operation = acquire, .slip = look, .check = check_next },
	{ .what = "acquire, free, holding another and a robust mutex",
	  .alone = 1, .world = with_mutex, .before = hold_other,
	  .operation = acquire, .slip = look, .check = check_both },
	{ .what = "acquire, the first call in its process", .alone = 1,
	  .cold = 1, .ours = 1, .operation = acquire, .slip = look,
	  .check = check_next },
	{ .what = "acquire, held, holding another and a robust mutex",
	  .alone = 1, .world = with_mutex_and_holder, .before = hold_other,
	  .operation = acquire, .awaken = let_go, .slip = look,
	  .check = check_both },
	{ .what = "acquire, held", .alone = 1, .world = start_holder,
	  .operation = acquire, .awaken = let_go, .slip = look,
	  .check = check_after_holder },
	{ .what = "acquire, held, another sleeps", .alone = 1,
	  .world = start_holder, .operation = acquire,
	  .awaken = sleep_and_let_go, .slip = look,
	  .check = check_sleeper_if_any },
	{ .what = "acquire, held, looking by itself", .alone = 1,
	  .ours = 1,
	  .world = start_holder, .victims_ns = NAP,
	  .operation = acquire, .awaken = let_go_later, .slip = look,
	  .check = check_after_holder },
	{ .what = "acquire, held, timed out", .alone = 1,
	  .world = start_holder, .operation = acquire_timed, .slip = look,
	  .check = check_after_holder },
	{ .what = "acquire, held, tried", .alone = 1, .world = start_holder,
	  .operation = acquire_try, .slip = look,
	  .check = check_after_holder },
	{ .what = "acquire, the holder dies", .alone = 1,
	  .world = start_holder, .operation = acquire,
	  .awaken = kill_holder, .slip = look, .check = check_after_holder },
	{ .what = "acquire, the holder died", .alone = 1,
	  .world = after_a_death, .operation = acquire, .slip = look,
	  .check = check_next },
	{ .what = "acquire, the holder died, one woken dies, one sleeps",
	  .alone = 1, .world = after_a_death_one_woken,
	  .operation = acquire, .slip = look_and_kill_woken,
	  .check = check_sleeper },
	{ .what = "release, nobody sleeps", .alone = 1, .before = hold,
	  .operation = release, .slip = look, .check = check_next },
	{ .what = "release, the last acquired of three", .alone = 1,
	  .world = with_mutex, .before = hold_above_other,
	  .operation = release, .slip = look, .check = check_both },
	{ .what = "release, not the last acquired", .alone = 1,
	  .world = with_mutex, .before = hold_below_other,
	  .operation = release, .slip = look, .check = check_both },
	{ .what = "release, one sleeps", .alone = 1, .before = hold,
	  .others = one_sleeps, .operation = release, .slip = look,
	  .check = check_sleeper },
	{ .what = "release, two sleep", .alone = 1, .before = hold,
	  .others = two_sleep, .operation = release, .slip = look,
	  .check = check_sleepers },
	{ .what = "release, two sleep, another slips in", .before = hold,
	  .others = two_sleep_one_slips, .operation = release,
	  .slip = look_and_slip, .check = check_slipped },
	{ .what = "release, stopped before its wake, another slips in",
	  .at_wake = 1, .before = hold, .others = two_sleep_one_slips,
	  .operation = release, .slip = look_and_slip, .check = check_hole },
	{ .what = "acquire, while the holder dies", .alone = 1, .spare = 1,
	  .world = start_holder, .operation = acquire,
	  .awaken = kill_holder, .slip = slip_kill_holder,
	  .check = check_told },
	{ .what = "release, two sleep, while the first dies", .spare = 1,
	  .before = hold, .others = two_sleep, .operation = release,
	  .slip = slip_kill_sleeper, .check = check_second },
	{ .what = "by anybody: acquire, free", .world = any,
	  .operation = acquire, .slip = look, .check = check_next },
	{ .what = "by anybody: acquire, held", .world = any_held,
	  .operation = acquire, .awaken = let_go, .slip = look,
	  .check = check_after_holder },
	{ .what = "by anybody: acquire, the holder dies", .ours = 1,
	  .world = any_held,
	  .victims_ns = NAP, .operation = acquire,
	  .awaken = kill_holder, .slip = look, .check = check_after_holder },
	{ .what = "by anybody: release, one sleeps", .world = any,
	  .before = hold, .others = one_sleeps, .operation = release,
	  .slip = look, .check = check_sleeper },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->lock.counters);
	kill_counters(&w->other.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
