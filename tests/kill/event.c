/* A process is killed at every instruction of set, clear and wait of an event:
 * it is set or it is not, and whoever waits learns of it. */
#include "driver.h"

#include <errno.h>

#include "mp/event.h"

struct world {
	struct mp_event e;
};
static struct world *w;

static int set(void)
{
	mp_event_set(&w->e);
	return 0;
}

static int clear(void)
{
	mp_event_clear(&w->e);
	return 0;
}

static int wait_for_ever(void)
{
	return mp_event_wait(&w->e, -1);
}

static int wait_shortly(void)
{
	return mp_event_wait(&w->e, NAP);
}

/* ---- the others */

static int setter(struct other *self)
{
	(void)self;
	return set();
}

static int clearer(struct other *self)
{
	(void)self;
	return clear();
}

static int waiter(struct other *self)
{
	other_at(self, 1);
	return mp_event_wait(&w->e, -1);
}

static int looker(struct other *self)
{
	(void)self;
	return mp_event_wait(&w->e, 0);
}

enum { SLEEPER, SECOND };

static void start_sleeper(int i)
{
	other_start(i, waiter);
	other_reach(i, 1);
	other_asleep(i);
}

static void two_sleep(void)
{
	start_sleeper(SLEEPER);
	start_sleeper(SECOND);
}

static void is_set(void)
{
	mp_event_set(&w->e);
}

static void two_sleep_and_set(int nth)
{
	if (nth == 0) {
		two_sleep();
		other_run(setter);
	}
}

/* The victim's own look ends its first sleep. */
static void two_sleep_and_set_later(int nth)
{
	two_sleep_and_set(nth - 1);
}

/* Set and cleared before the victim runs again. */
static void two_sleep_and_pulse(int nth)
{
	two_sleep_and_set(nth);
	if (nth == 0)
		other_run(clearer);
}

/* ---- checks */

static int was_set;

static void look(void)
{
	was_set = mp_event_is_set(&w->e);
}

/* The event works: seen as it is, set, cleared, set with a sleeper. */
static void check_rest(void)
{
	int rc = other_run(looker);

	must(rc == (mp_event_is_set(&w->e) ? 0 : -ETIMEDOUT), "seen: %d", rc);
	other_run(clearer);
	must(other_run(looker) == -ETIMEDOUT, "clear");
	start_sleeper(OTHERS - 2);
	other_run(setter);
	rc = other_result(OTHERS - 2);
	must(rc == 0, "a new sleeper: %d", rc);
	must(other_run(looker) == 0, "set");
}

static void check_sleepers(void)
{
	for (int i = SLEEPER; i <= SECOND; i++)
		if (other_started(i))
			must(other_result(i) == 0, "sleeper %d returns", i);
}

/* Set by the victim, or else by the next one. */
static void check_set(const struct point *p)
{
	must(!p->over || was_set, "set");
	if (!was_set)
		other_run(setter);
	check_sleepers();
	check_rest();
}

static void check_clear(const struct point *p)
{
	must(!p->over || !was_set, "clear");
	check_rest();
}

static void check_wait(const struct point *p)
{
	must(!p->over || p->result == 0, "waited: %d", p->result);
	check_sleepers();
	check_rest();
}

static void check_timed(const struct point *p)
{
	must(!p->over || p->result == -ETIMEDOUT, "waited: %d", p->result);
	must(!was_set, "clear");
	check_rest();
}

static void slip_kill_sleeper(void)
{
	other_kill(SLEEPER);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "event: set, nobody waits", .operation = set,
	  .slip = look, .check = check_set },
	{ .what = "event: set, two wait", .world = two_sleep,
	  .operation = set, .slip = look, .check = check_set },
	{ .what = "event: set again", .world = is_set, .operation = set,
	  .slip = look, .check = check_set },
	{ .what = "event: clear", .world = is_set, .operation = clear,
	  .slip = look, .check = check_clear },
	{ .what = "event: wait, set", .world = is_set,
	  .operation = wait_for_ever, .slip = look, .check = check_wait },
	{ .what = "event: wait, woken, two more wait",
	  .operation = wait_for_ever, .awaken = two_sleep_and_set,
	  .slip = look, .check = check_wait },
	{ .what = "event: wait, set and cleared, two more wait",
	  .operation = wait_for_ever, .awaken = two_sleep_and_pulse,
	  .slip = look, .check = check_wait },
	{ .what = "event: wait, looking by itself", .victims_ns = NAP,
	  .operation = wait_for_ever, .awaken = two_sleep_and_set_later,
	  .slip = look, .check = check_wait },
	{ .what = "event: wait, timed out", .operation = wait_shortly,
	  .slip = look, .check = check_timed },
	{ .what = "event: set, two wait, while the first dies", .spare = 1,
	  .world = two_sleep, .operation = set, .slip = slip_kill_sleeper,
	  .check = check_wait },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	kill_counters(&w->e.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
