/* A process is killed at every instruction of a barrier's functions: those who
 * wait go on together, or learn that the barrier is broken, or still wait for a
 * party that can come. */
#include "driver.h"

#include <errno.h>

#include "mp/barrier.h"

#define PARTIES 3

struct world {
	struct mp_barrier b;
	uint32_t actions;
};
static struct world *w;

/* ---- what the victim does */

static int come(void)
{
	return mp_barrier_wait(&w->b, -1);
}

static int count(void *unused)
{
	(void)unused;
	w->actions++;
	return 0;
}

static int come_with_action(void)
{
	return mp_barrier_wait_action(&w->b, count, NULL, -1);
}

static int come_shortly(void)
{
	return mp_barrier_wait(&w->b, NAP);
}

static void entered(void)
{
	mp_barrier_enter(&w->b);
}

static int enter(void)
{
	return mp_barrier_enter(&w->b);
}

static int leave(void)
{
	return mp_barrier_leave(&w->b);
}

static int break_it(void)
{
	return mp_barrier_abort(&w->b);
}

static int reset(void)
{
	return mp_barrier_reset(&w->b);
}

/* ---- the others */

static int party(struct other *self)
{
	other_at(self, 1);
	return mp_barrier_wait(&w->b, -1);
}

static int resetter(struct other *self)
{
	(void)self;
	return mp_barrier_reset(&w->b);
}

/* A party that does not come. */
static int idler(struct other *self)
{
	int rc = mp_barrier_enter(&w->b);

	other_at(self, 1);
	other_until(self, 1);
	return rc;
}

static void world(void)
{
	must(mp_barrier_init(&w->b, PARTIES) == 0, "init");
}

static void start(int i)
{
	other_start(i, party);
	other_reach(i, 1);
}

static void start_asleep(int i)
{
	start(i);
	other_asleep(i);
}

static void one_waits(void)
{
	world();
	start_asleep(0);
}

static void two_wait(void)
{
	one_waits();
	start_asleep(1);
}

static void one_waits_one_idles(void)
{
	one_waits();
	other_start(1, idler);
	other_reach(1, 1);
}

static void broken(void)
{
	world();
	mp_barrier_abort(&w->b);
}

/* The victim sleeps; the others come. */
static void two_come(int nth)
{
	if (nth == 0) {
		start(0);
		start(1);
	}
}

static void break_now(int nth)
{
	if (nth == 0)
		mp_barrier_abort(&w->b);
}

/* The victim sleeps; a party comes and dies. */
static void one_dies(int nth)
{
	if (nth == 0) {
		start_asleep(0);
		other_kill(0);
	}
}

/* ---- checks */

static int open;    /* the phase was over at the kill */
static int counted; /* the victim's death breaks it: it is in its place, */
		    /* has entered, or holds the lock */

static void look(void)
{
	uint32_t phase = atomic_load(&w->b.phase), tid = victim_tid();

	open = phase != 0;
	counted = (atomic_load(&w->b.lock.node.word) & FUTEX_TID_MASK) == tid;
	for (uint32_t i = 0; i < w->b.used; i++) {
		struct mp_waiter *p = &w->b.waiter[i];

		if ((mp_waiter_word(p) & FUTEX_TID_MASK) == tid)
			counted |= p->stays || p->ticket == (phase & ~1u) + 2;
	}
}

/* A reset makes a barrier of any state whole: it opens for three. */
static void check_reset(void)
{
	int seen = 0, rc;

	rc = other_run(resetter);
	must(rc == 0 && mp_barrier_broken(&w->b) == 0, "reset: %d", rc);
	for (int i = 0; i < PARTIES; i++) {
		other_kill(i);
		start(i);
	}
	for (int i = 0; i < PARTIES; i++) {
		rc = other_result(i);
		must(rc >= 0 && rc < PARTIES, "after a reset, party %d: %d", i,
		     rc);
		seen |= rc < 0 ? 0 : 1 << rc;
	}
	must(seen == 7, "after a reset, all indexes: %x", seen);
}

/* The others come, one more if the victim was no party: all go on or none. */
static void check(const struct point *p)
{
	int parties = open || counted ? 2 : 3, seen = 0, canceled = 0;

	for (int i = 0; i < parties; i++)
		if (!other_started(i))
			start(i);
	for (int i = 0; i < parties; i++) {
		int rc = other_result(i);

		must(rc == -ECANCELED || (rc >= 0 && rc < PARTIES),
		     "party %d: %d", i, rc);
		if (rc >= 0)
			seen |= 1 << rc;
		canceled += rc == -ECANCELED;
	}
	if (open && !mp_barrier_broken(&w->b)) {
		must(canceled == 0, "open, but for %d", canceled);
	} else if (open) {
		/* broken by an abort or a timeout, or after it opened */
		must(canceled == 0 || canceled == 2, "%d canceled", canceled);
	} else if (counted) {
		must(canceled == 2, "broken, but for %d", 2 - canceled);
		must(mp_barrier_broken(&w->b), "it stays broken");
	} else {
		must(canceled == 0 && seen == 7, "%d canceled", canceled);
	}
	(void)p;
	check_reset();
}

/* Three come: to a barrier that is whole again, or still broken. */
static void check_whole(const struct point *p)
{
	int whole = atomic_load(&w->b.phase) == 2, canceled = 0;

	must(!p->over || (p->result == 0 && whole), "reset: %d", p->result);
	for (int i = 0; i < PARTIES; i++)
		start(i);
	for (int i = 0; i < PARTIES; i++)
		canceled += other_result(i) == -ECANCELED;
	must(canceled == (whole && !counted ? 0 : PARTIES), "%d canceled",
	     canceled);
	check_reset();
}

/* Those who waited are sent away, unless the death came before. */
static void check_sent(const struct point *p)
{
	int whole = atomic_load(&w->b.phase) == 2, canceled = 0;
	int parties = whole ? 2 : 3;

	must(!p->over || (p->result == 0 && whole), "reset: %d", p->result);
	if (!whole)
		start(2);
	for (int i = 0; i < parties; i++)
		canceled += other_result(i) == -ECANCELED;
	must(canceled == (whole || counted ? parties : 0), "%d canceled",
	     canceled);
	check_reset();
}

static void check_come(const struct point *p)
{
	must(!p->over || (p->result >= 0 && p->result < PARTIES && open),
	     "wait: %d", p->result);
	check(p);
}

static void check_action(const struct point *p)
{
	must(w->actions == (uint32_t)open ||
		     (!open && counted && w->actions == 1),
	     "%u actions", w->actions);
	check_come(p);
}

static void check_done(const struct point *p)
{
	must(!p->over || p->result == 0, "%d", p->result);
	check(p);
}

static void check_canceled(const struct point *p)
{
	must(!p->over || p->result == -ECANCELED, "wait: %d", p->result);
	check(p);
}

static void check_timed(const struct point *p)
{
	must(!p->over || p->result == -ETIMEDOUT, "wait: %d", p->result);
	check(p);
}

/* ---- another party dies, at each instruction of the victim's */

static void kill_second(int nth)
{
	if (nth == 0)
		other_kill(1);
}

static void slip_kill_second(void)
{
	other_kill(1);
}

static void check_none_goes(const struct point *p)
{
	int rc = other_result(0);

	must(p->over && p->result == -ECANCELED, "the victim: %d", p->result);
	must(rc == -ECANCELED, "the party that waits: %d", rc);
	check_reset();
}

/* It may have died when the barrier was open already. */
static void check_together(const struct point *p)
{
	int rc = other_result(0);

	must(p->over && (p->result == -ECANCELED || p->result >= 0),
	     "the victim: %d", p->result);
	must((rc == -ECANCELED) == (p->result == -ECANCELED) &&
		     (rc == -ECANCELED || rc >= 0),
	     "the party that waits: %d, the victim: %d", rc, p->result);
	check_reset();
}

static void check_one_stays(const struct point *p)
{
	int rc = other_result(0);

	must(p->over && p->result == 0, "the victim: %d", p->result);
	must(rc == -ECANCELED, "the party that waits: %d", rc);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "barrier: wait, the first", .world = world,
	  .operation = come, .awaken = two_come, .slip = look,
	  .check = check_come },
	{ .what = "barrier: wait, the second", .world = one_waits,
	  .operation = come_shortly, .slip = look, .check = check_timed },
	{ .what = "barrier: wait, the last", .world = two_wait,
	  .operation = come, .slip = look, .check = check_come },
	{ .what = "barrier: wait, the last, with an action",
	  .world = two_wait, .operation = come_with_action, .slip = look,
	  .check = check_action },
	{ .what = "barrier: wait, the first, entered", .world = world,
	  .before = entered, .operation = come, .awaken = two_come,
	  .slip = look, .check = check_come },
	{ .what = "barrier: wait, the last, entered", .world = two_wait,
	  .before = entered, .operation = come, .slip = look,
	  .check = check_come },
	{ .what = "barrier: wait, another party dies", .world = world,
	  .victims_ns = NAP, .operation = come, .awaken = one_dies,
	  .slip = look, .check = check_canceled },
	{ .what = "barrier: wait, aborted", .world = world,
	  .operation = come, .awaken = break_now, .slip = look,
	  .check = check_canceled },
	{ .what = "barrier: wait, broken", .world = broken,
	  .operation = come, .slip = look, .check = check_canceled },
	{ .what = "barrier: enter, two wait", .world = two_wait,
	  .operation = enter, .slip = look, .check = check_done },
	{ .what = "barrier: leave, two wait", .world = two_wait,
	  .before = entered, .operation = leave, .slip = look,
	  .check = check_done },
	{ .what = "barrier: abort, two wait", .world = two_wait,
	  .operation = break_it, .slip = look, .check = check_done },
	{ .what = "barrier: reset, two wait", .world = two_wait,
	  .operation = reset, .slip = look, .check = check_sent },
	{ .what = "barrier: reset, broken", .world = broken,
	  .operation = reset, .slip = look, .check = check_whole },
	{ .what = "barrier: wait, while one that waits dies", .spare = 1,
	  .victims_ns = NAP, .world = two_wait, .operation = come,
	  .awaken = kill_second, .slip = slip_kill_second,
	  .check = check_together },
	{ .what = "barrier: wait, while one that has entered dies",
	  .spare = 1, .victims_ns = NAP, .world = one_waits_one_idles,
	  .operation = come, .awaken = kill_second,
	  .slip = slip_kill_second, .check = check_none_goes },
	{ .what = "barrier: wait, entered, while another dies",
	  .spare = 1, .victims_ns = NAP, .world = one_waits_one_idles,
	  .before = entered, .operation = come, .awaken = kill_second,
	  .slip = slip_kill_second, .check = check_none_goes },
	{ .what = "barrier: enter, while one that has entered dies",
	  .spare = 1, .world = one_waits_one_idles, .operation = enter,
	  .slip = slip_kill_second, .check = check_one_stays },
	{ .what = "barrier: leave, while one that has entered dies",
	  .spare = 1, .world = one_waits_one_idles, .before = entered,
	  .operation = leave, .slip = slip_kill_second,
	  .check = check_one_stays },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->b.counters);
	kill_counters(&w->b.lock.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
