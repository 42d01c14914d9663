/* Barriers that break: by a timeout, by abort, by an action, by a death. */
#include "mp/barrier.h"

#include "mp/backstop.h"
#include "waiting.h"

enum { PARTIES = 3 };

struct shared {
	struct mp_barrier barrier;
	_Atomic int inside, turn, actions;
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
	if (mp_barrier_init(&s->barrier, PARTIES) != 0)
		errx(1, "mp_barrier_init");
}

/* ---- what children and threads do ---- */

static int waits(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	return timely(begin, mp_barrier_wait(&s->barrier, timeout_ns));
}

static int waits_with_looks(long timeout_ns)
{
	mp_backstop_set(MS);
	return waits(timeout_ns);
}

static int fails(void *unused)
{
	(void)unused;
	atomic_fetch_add(&s->actions, 1);
	return -EIO;
}

static int waits_and_fails(long timeout_ns)
{
	mp_backstop_set(MS);
	return mp_barrier_wait_action(&s->barrier, fails, NULL, timeout_ns);
}

static int dies(void *unused)
{
	(void)unused;
	return raise(SIGKILL);
}

static int waits_and_dies(long timeout_ns)
{
	return mp_barrier_wait_action(&s->barrier, dies, NULL, timeout_ns);
}

/* Enter, and wait in as many phases; then stay away. */
static int enters(long phases)
{
	int bad = mp_barrier_enter(&s->barrier) != 0;

	while (phases-- > 0)
		bad |= waits(LONG) < 0;
	atomic_fetch_add(&s->inside, 1);
	await(atomic_load(&s->turn) != 0);
	return bad;
}

static int enters_and_leaves(long phases)
{
	int bad = enters(phases);

	return bad | (mp_barrier_leave(&s->barrier) != 0);
}

static pid_t start_waiter(int (*f)(long), long timeout_ns)
{
	int before = mp_barrier_waiting(&s->barrier);
	pid_t pid = start(f, timeout_ns);

	await(mp_barrier_waiting(&s->barrier) == before + 1 && asleep(pid));
	return pid;
}

/* Broken for all who come, until reset makes it whole and usable. */
static void broken_until_reset(void)
{
	pid_t pid[PARTIES];
	int sum = 0;

	is(mp_barrier_broken(&s->barrier), 1, "it is broken");
	is(waits(-1), -ECANCELED, "who comes later is told at once");
	is(waits(0), -ECANCELED, "a try too");
	is(end_of(start(waits, -1)), -ECANCELED, "another process too");
	is(mp_barrier_reset(&s->barrier), 0, "reset");
	is(mp_barrier_broken(&s->barrier), 0, "makes it whole");
	is(mp_barrier_waiting(&s->barrier), 0, "and empty");
	for (int i = 0; i < PARTIES; i++)
		pid[i] = start(waits, LONG);
	for (int i = 0; i < PARTIES; i++)
		sum += end_of(pid[i]);
	is(sum, 0 + 1 + 2, "and usable");
}

/* ---- tests ---- */

static void timeout(void)
{
	pid_t pid[2];
	int64_t begin;

	fresh();
	pid[0] = start_waiter(waits, LONG);
	begin = mp_clock_now();
	is(waits(20 * MS), -ETIMEDOUT, "20 ms for one of two that wait");
	ok(mp_clock_now() - begin >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - begin < LONG, "and not much later");
	is(end_of(pid[0]), -ECANCELED, "the other is told that it broke");
	broken_until_reset();

	fresh();
	pid[0] = start_waiter(waits, LONG);
	pid[1] = start_waiter(waits, -1);
	is(mp_barrier_broken(&s->barrier), 0, "two of three wait");
	killed(pid[0]);
	killed(pid[1]);
	fresh();
	is(waits(0), -ETIMEDOUT, "a try that is not the last breaks it");
	broken_until_reset();
	fresh();
	is(waits(1), -ETIMEDOUT, "so does a nanosecond");
	is(mp_barrier_broken(&s->barrier), 1, "it is broken");
}

static void aborted(void)
{
	struct call thread;
	pid_t pid;

	fresh();
	pid = start_waiter(waits, -1);
	start_thread(&thread, waits, -1);
	await(mp_barrier_waiting(&s->barrier) == 2 &&
	      asleep(atomic_load(&thread.tid)));
	is(mp_barrier_abort(&s->barrier), 0, "abort with two waiting");
	is(end_of(pid), -ECANCELED, "a process is told");
	is(end_of_thread(&thread), -ECANCELED, "a thread is told");
	is(mp_barrier_abort(&s->barrier), 0, "abort of what is broken");
	broken_until_reset();
	is(mp_barrier_abort(&s->barrier), 0, "abort with nobody waiting");
	broken_until_reset();
}

static void reset(void)
{
	pid_t pid[2], late;

	fresh();
	is(mp_barrier_reset(&s->barrier), 0, "reset of a whole one");
	is(mp_barrier_broken(&s->barrier), 0, "leaves it whole");
	for (int i = 0; i < 2; i++)
		pid[i] = start_waiter(waits, LONG);
	stop(pid[1]);
	is(mp_barrier_reset(&s->barrier), 0, "reset with two waiting");
	is(mp_barrier_waiting(&s->barrier), 0, "nobody waits now");
	is(end_of(pid[0]), -ECANCELED, "one is sent away");
	late = start_waiter(waits, LONG);
	is(waits(0), -ETIMEDOUT, "two are not three");
	is(end_of(late), -ECANCELED, "broken by that");
	is(mp_barrier_reset(&s->barrier), 0, "reset");
	kill(pid[1], SIGCONT);
	is(end_of(pid[1]), -ECANCELED,
	   "the other is sent away, however late it looks");
	is(mp_barrier_broken(&s->barrier), 0, "which breaks nothing");

	/* One that looks after the reset of what had broken before. */
	pid[0] = start_waiter(waits, LONG);
	stop(pid[0]);
	mp_barrier_abort(&s->barrier);
	mp_barrier_reset(&s->barrier);
	late = start_waiter(waits, LONG);
	kill(pid[0], SIGCONT);
	is(end_of(pid[0]), -ECANCELED, "broken and reset: told that it broke");
	ok(asleep(late), "one that came after the reset waits");
	mp_barrier_abort(&s->barrier);
	end_of(late);
}

/* Passed, though broken before it could look. */
static void late_look(void)
{
	pid_t pid[2];
	int first;

	fresh();
	for (int i = 0; i < 2; i++)
		pid[i] = start_waiter(waits, LONG);
	stop(pid[0]);
	first = waits(LONG);
	mp_barrier_abort(&s->barrier);
	kill(pid[0], SIGCONT);
	is(first + end_of(pid[0]) + end_of(pid[1]), 0 + 1 + 2,
	   "a phase passed stays passed when the next breaks");
}

static void action_fails(void)
{
	pid_t pid[2];

	fresh();
	for (int i = 0; i < 2; i++)
		pid[i] = start_waiter(waits_and_fails, LONG);
	is(atomic_load(&s->actions), 0, "no action before all have come");
	is(waits_and_fails(LONG), -EIO, "the action's error is a result");
	is(atomic_load(&s->actions), 1, "it ran once");
	for (int i = 0; i < 2; i++)
		is(end_of(pid[i]), -ECANCELED, "the others are told");
	broken_until_reset();
	mp_backstop_set(0);

	fresh();
	for (int i = 0; i < 2; i++)
		pid[i] = start_waiter(waits_with_looks, LONG);
	is(end_of(start(waits_and_dies, -1)), 1000 + SIGKILL,
	   "killed in the action");
	for (int i = 0; i < 2; i++)
		is(end_of(pid[i]), -ECANCELED, "the others are told");
	broken_until_reset();
}

static void killed_waiting(void)
{
	pid_t pid, other;

	fresh();
	pid = start_waiter(waits, LONG);
	other = start_waiter(waits_with_looks, LONG);
	killed(pid);
	is(end_of(other), -ECANCELED,
	   "a waiting party is killed: one that waits notices");
	broken_until_reset();

	pid = start_waiter(waits, LONG);
	killed(pid);
	is(waits(LONG), -ECANCELED, "one that comes is told at once");
	broken_until_reset();

	pid = start_waiter(waits, LONG);
	killed(pid);
	is(mp_barrier_broken(&s->barrier), 0, "whole until somebody looks");
	ok(mp_barrier_waiting(&s->barrier) >= 0, "who asks how many wait");
	broken_until_reset();

	pid = start_waiter(waits, LONG);
	other = start_waiter(waits, LONG);
	killed(pid);
	is(waits(LONG), -ECANCELED, "also the last one");
	is(end_of(other), -ECANCELED, "and all the others");
	broken_until_reset();
}

/* With the back-stop that everybody has. */
static void notices_in_time(void)
{
	pid_t pid, other;
	int64_t begin;

	fresh();
	pid = start_waiter(waits, LONG);
	mp_backstop_set(100 * MS);
	other = start_waiter(waits, LONG);
	mp_backstop_set(0);
	killed(pid);
	begin = mp_clock_now();
	is(end_of(other), -ECANCELED, "noticed by the default back-stop");
	ok(mp_clock_now() - begin < LONG / 4, "long before any timeout");
}

static void entered(void)
{
	pid_t pid, waiter;

	fresh();
	pid = start(enters, 0);
	await(atomic_load(&s->inside) == 1);
	waiter = start_waiter(waits_with_looks, LONG);
	killed(pid);
	is(end_of(waiter), -ECANCELED,
	   "one that entered is killed before it comes: noticed");
	broken_until_reset();

	fresh();
	pid = start(enters, 0);
	await(atomic_load(&s->inside) == 1);
	killed(pid);
	is(waits(LONG), -ECANCELED, "who comes after it is told at once");
	broken_until_reset();

	fresh();
	atomic_store(&s->turn, 1);
	is(end_of(start(enters, 0)), 0, "one that entered ends normally");
	is(waits(LONG), -ECANCELED, "without leave: told at once");
	broken_until_reset();
	is(in_thread(enters, 0), 0, "a thread that entered ends");
	is(waits(LONG), -ECANCELED, "without leave: told at once");
	broken_until_reset();
}

static void entered_after_phases(void)
{
	pid_t pid[PARTIES];
	int bad = 0;

	fresh();
	for (int i = 0; i < PARTIES; i++)
		pid[i] = start(enters, 10);
	await(atomic_load(&s->inside) == PARTIES);
	killed(pid[1]);
	is(waits(LONG), -ECANCELED, "killed after ten phases");
	atomic_store(&s->turn, 1);
	end_of(pid[0]);
	end_of(pid[2]);
	is(mp_barrier_reset(&s->barrier), 0, "reset forgets the dead");
	is(mp_barrier_broken(&s->barrier), 0, "it is whole");

	fresh();
	atomic_store(&s->turn, 1);
	for (int i = 0; i < PARTIES; i++)
		pid[i] = start(enters_and_leaves, 10);
	for (int i = 0; i < PARTIES; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "left after ten phases");
	is(mp_barrier_broken(&s->barrier), 0, "ends break nothing");
	is(waits(5 * MS), -ETIMEDOUT, "and who comes waits");
}

/* Outsiders, and those who have been through, are no parties. */
static void no_party(void)
{
	pid_t pid[2];
	int sum;

	fresh();
	for (int i = 0; i < 2; i++)
		pid[i] = start_waiter(waits, LONG);
	stop(pid[0]);
	sum = waits(LONG) + end_of(pid[1]);
	ok(sum >= 1 && sum <= 3, "two of three go on, one is stopped");
	killed(pid[0]);
	is(mp_barrier_broken(&s->barrier), 0, "and killed on its way out");
	for (int i = 0; i < 2; i++)
		pid[i] = start_waiter(waits, LONG);
	sum = waits(LONG) + end_of(pid[0]) + end_of(pid[1]);
	is(sum, 0 + 1 + 2, "which the next phase does not notice");
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	timeout();
	aborted();
	reset();
	late_look();
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("killed parties", "not the robust list of glibc");
		return tap_done();
	}
	action_fails();
	killed_waiting();
	notices_in_time();
	entered();
	entered_after_phases();
	no_party();
	return tap_done();
}
