/* A process is killed at every instruction of acquire and release of a
 * semaphore.  A token that it had taken is lost; no other is, and nobody sleeps
 * while there is one. */
#include "driver.h"

#include <errno.h>

#include "mp/semaphore.h"

#define MAX 2

struct world {
	struct mp_semaphore s;
};
static struct world *w;

/* ---- what the victim does */

static int acquire(void)
{
	return mp_semaphore_acquire(&w->s, -1);
}

static int acquire_timed(void)
{
	return mp_semaphore_acquire(&w->s, NAP);
}

static int release(void)
{
	return mp_semaphore_release(&w->s);
}

/* ---- the others */

static int taker(struct other *self)
{
	other_at(self, 1);
	return mp_semaphore_acquire(&w->s, -1);
}

static int giver(struct other *self)
{
	(void)self;
	return mp_semaphore_release(&w->s);
}

/* Takes a token when told to, if there is one; gives it back when told to. */
static int slipper(struct other *self)
{
	int rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = mp_semaphore_acquire(&w->s, 0);
	other_at(self, 2);
	other_until(self, 2);
	if (rc == 0)
		mp_semaphore_release(&w->s);
	return rc;
}

enum { SLEEPER, SECOND, SLIPPER, GIVER };

static void start_sleeper(int i)
{
	other_start(i, taker);
	other_reach(i, 1);
	other_asleep(i);
}

static void no_token(void)
{
	must(mp_semaphore_init(&w->s, 0, MAX) == 0, "init");
}

static void one_token(void)
{
	must(mp_semaphore_init(&w->s, 1, MAX) == 0, "init");
}

static void full(void)
{
	must(mp_semaphore_init(&w->s, MAX, MAX) == 0, "init");
}

static void one_sleeps(void)
{
	no_token();
	start_sleeper(SLEEPER);
}

static void two_sleep(void)
{
	one_sleeps();
	start_sleeper(SECOND);
}

static void two_sleep_one_slips(void)
{
	two_sleep();
	other_start(SLIPPER, slipper);
	other_reach(SLIPPER, 1);
}

/* Another one falls asleep behind the victim, then there is one token. */
static void sleep_and_give(int nth)
{
	if (nth == 0) {
		start_sleeper(SLEEPER);
		other_start(GIVER, giver);
		must(other_result(GIVER) == 0, "a token is given");
	}
}

/* The victim's own look ends its first sleep. */
static void sleep_and_give_later(int nth)
{
	sleep_and_give(nth - 1);
}

/* ---- checks */

static int left; /* tokens, at the moment of the kill */

static void look(void)
{
	left = (int)mp_semaphore_value(&w->s);
}

static void look_and_slip(void)
{
	other_go(SLIPPER, 1);
	other_reach(SLIPPER, 2);
	look();
}

static void give(int n)
{
	while (n-- > 0)
		must(other_run(giver) == 0, "a token can be given");
}

static void take(int n)
{
	while (n-- > 0)
		must(other_run(taker) == 0, "a token can be taken");
}

/* All that is left can be taken, and then the semaphore is as new. */
static void check_rest(void)
{
	int n = (int)mp_semaphore_value(&w->s);

	must(n <= MAX, "never more than the bound: %d", n);
	take(n);
	must(mp_semaphore_value(&w->s) == 0, "none is left");
	give(MAX);
	must(other_run(giver) == -EOVERFLOW, "the bound");
	take(MAX);
}

static void check_acquire(const struct point *p)
{
	must(left == 1 || left == 0, "%d tokens", left);
	must(!p->over || (p->result == 0 && left == 0), "acquired: %d, %d left",
	     p->result, left);
	check_rest();
}

/* A token that the victim did not take goes to the other sleeper. */
static void check_asleep(const struct point *p)
{
	int rc, over;

	must(!p->over || (p->result == 0 && left == 0), "acquired: %d, %d left",
	     p->result, left);
	if (!other_started(SLEEPER)) {
		must(left == 0, "%d tokens", left);
	} else {
		give(1 - left);
		rc = other_result(SLEEPER);
		must(rc == 0, "the sleeper: %d", rc);
		/* The other sleeper may have been the faster one, by a look of
		 * its own, and then the victim has none. */
		over = (int)mp_semaphore_value(&w->s);
		must(over == 0 || (over == 1 && left == 0 && !p->over),
		     "%d tokens too many", over);
	}
	check_rest();
}

static void check_timed(const struct point *p)
{
	must(left == 0, "%d tokens", left);
	must(!p->over || p->result == -ETIMEDOUT, "%d", p->result);
	check_rest();
}

static void check_release(const struct point *p)
{
	must(left == 0 || left == 1, "%d tokens", left);
	must(!p->over || (p->result == 0 && left == 1), "released: %d, %d left",
	     p->result, left);
	check_rest();
}

static void check_full(const struct point *p)
{
	must(left == MAX, "%d tokens", left);
	must(!p->over || p->result == -EOVERFLOW, "%d", p->result);
	check_rest();
}

/* The victim's token, if it gave one, and those given now are as many as the
 * sleepers take, or one more. */
static void check_sleepers(const struct point *p)
{
	int sleepers = 1 + other_started(SECOND), rc, over;

	if (other_started(SLIPPER))
		other_go(SLIPPER, 2);
	give(sleepers - left);
	for (int i = 0; i < sleepers; i++) {
		rc = other_result(i);
		must(rc == 0, "sleeper %d: %d", i, rc);
	}
	over = (int)mp_semaphore_value(&w->s);
	must(over == 0 || over == 1, "%d tokens too many", over);
	must(!p->over || p->result == 0, "released: %d", p->result);
	check_rest();
}

static void slip_kill_sleeper(void)
{
	other_kill(SLEEPER);
}

/* The victim lives, and has given a token; the one who was woken for it may
 * have taken it and died. */
static void check_second(const struct point *p)
{
	int rc;

	must(p->over && p->result == 0, "released: %d", p->result);
	if (mp_semaphore_value(&w->s) == 0 && !other_done(SECOND))
		give(1);
	rc = other_result(SECOND);
	must(rc == 0, "the second sleeper: %d", rc);
	check_rest();
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "semaphore: acquire, a token is there", .world = one_token,
	  .operation = acquire, .slip = look, .check = check_acquire },
	{ .what = "semaphore: acquire, asleep, another sleeps behind",
	  .world = no_token, .operation = acquire,
	  .awaken = sleep_and_give, .slip = look, .check = check_asleep },
	{ .what = "semaphore: acquire, asleep, looking by itself",
	  .world = no_token, .victims_ns = NAP, .operation = acquire,
	  .awaken = sleep_and_give_later, .slip = look,
	  .check = check_asleep },
	{ .what = "semaphore: acquire, timed out", .world = no_token,
	  .operation = acquire_timed, .slip = look, .check = check_timed },
	{ .what = "semaphore: release, nobody sleeps", .world = no_token,
	  .operation = release, .slip = look, .check = check_release },
	{ .what = "semaphore: release, full", .world = full,
	  .operation = release, .slip = look, .check = check_full },
	{ .what = "semaphore: release, one sleeps", .world = one_sleeps,
	  .operation = release, .slip = look, .check = check_sleepers },
	{ .what = "semaphore: release, two sleep", .world = two_sleep,
	  .operation = release, .slip = look, .check = check_sleepers },
	{ .what = "semaphore: release, two sleep, another slips in",
	  .world = two_sleep_one_slips, .operation = release,
	  .slip = look_and_slip, .check = check_sleepers },
	{ .what = "semaphore: release, two sleep, while the first dies",
	  .spare = 1, .world = two_sleep, .operation = release,
	  .slip = slip_kill_sleeper, .check = check_second },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->s.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
