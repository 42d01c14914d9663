/* Conditions: waits for a predicate, waits that a handler ends, and waits that
 * end just when they are notified. */
#include "mp/condition.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_lock lock;
	struct mp_condition cond;
	_Atomic int number, calls, notified, returned;
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
}

static int waiters(void)
{
	return mp_condition_waiters(&s->cond);
}

static int notify(int n)
{
	int result;

	mp_lock_acquire(&s->lock, -1);
	result = mp_condition_notify(&s->cond, &s->lock, n);
	mp_lock_release(&s->lock);
	return result;
}

/* 100: came back without the lock. */
static int waits(long timeout_ns)
{
	int64_t begin = mp_clock_now();
	int result;

	mp_lock_acquire(&s->lock, -1);
	result = mp_condition_wait(&s->cond, &s->lock, timeout_ns);
	if (!mp_lock_mine(&s->lock))
		return 100;
	mp_lock_release(&s->lock);
	return timely(begin, result);
}

static pid_t start_waiter(int (*f)(long), long arg)
{
	int before = waiters();
	pid_t pid = start(f, arg);

	await(waiters() == before + 1 && asleep(pid));
	return pid;
}

static int number(void *unused)
{
	(void)unused;
	atomic_fetch_add(&s->calls, 1);
	return mp_lock_mine(&s->lock) ? atomic_load(&s->number) : -EPERM;
}

static int second_call(void *unused)
{
	(void)unused;
	return atomic_fetch_add(&s->calls, 1) == 1;
}

static int waits_for(long timeout_ns)
{
	int result;

	mp_lock_acquire(&s->lock, -1);
	result = mp_condition_wait_for(&s->cond, &s->lock, number, NULL,
				       timeout_ns);
	if (!mp_lock_mine(&s->lock))
		return 100;
	mp_lock_release(&s->lock);
	return result;
}

static void predicates(void)
{
	int64_t begin;
	pid_t pid;

	fresh();
	atomic_store(&s->number, 7);
	is(waits_for(-1), 0, "a predicate that is true at once");
	is(atomic_load(&s->calls), 1, "is asked once");
	atomic_store(&s->number, -ECANCELED);
	is(waits_for(-1), -ECANCELED, "a negative result is passed on");

	fresh();
	is(waits_for(0), -ETIMEDOUT, "false, and no time");
	begin = mp_clock_now();
	is(waits_for(20 * MS), -ETIMEDOUT, "false for 20 ms");
	ok(mp_clock_now() - begin >= 20 * MS, "not before they are over");

	pid = start_waiter(waits_for, -1);
	is(notify(1), 1, "notified");
	await(waiters() == 1 && asleep(pid));
	ok(1, "it waits again while the predicate is false");
	atomic_store(&s->number, 1);
	is(notify(1), 1, "notified");
	is(end_of(pid), 0, "true: it comes back");

	atomic_store(&s->number, 0);
	pid = start(waits_for, 30 * MS);
	await(notify(1) >= 0 && tap_state(pid) == 'Z');
	is(end_of(pid), -ETIMEDOUT, "the timeout is for all waits together");

	atomic_store(&s->calls, 0);
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_wait_for(&s->cond, &s->lock, second_call, NULL, 5 * MS),
	   0, "asked once more after the timeout, it has the last word");
	mp_lock_release(&s->lock);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	pid_t pid;

	fresh();
	handle(SIGUSR1, on_signal, 0);
	pid = start_waiter(waits, LONG);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "a handler ends the wait, the lock is held");
	is(waiters(), 0, "nobody waits");
	pid = start_waiter(waits_for, LONG);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "and wait_for");
	is(notify(1), 0, "a notification finds nobody");
	pid = start_waiter(waits, LONG);
	is(notify(1), 1, "and the next finds the next");
	is(end_of(pid), 0, "who comes back");

	pid = start_waiter(waits, LONG);
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_notify(&s->cond, &s->lock, 1), 1, "notified");
	kill(pid, SIGUSR1);
	mp_lock_release(&s->lock);
	is(end_of(pid), 0, "a handler after the notification undoes nothing");
	pid = start_waiter(waits, LONG);
	stop(pid);
	kill(pid, SIGCONT);
	await(asleep(pid));
	is(notify(1), 1, "stopped, continued, notified");
	is(end_of(pid), 0, "that is no interruption");
}

static int waits_briefly(long rounds)
{
	int result;

	for (; rounds > 0; rounds--) {
		result = waits(rounds % 50 * 2000);
		if (result == 0)
			atomic_fetch_add(&s->returned, 1);
		else if (result != -ETIMEDOUT)
			return result;
	}
	return 0;
}

/* Notifications that come just when waits run out of time: each one that was
 * counted by notify is one that a wait returned. */
static void races(void)
{
	enum { PIDS = 3 };
	int bad = 0, left = PIDS;
	pid_t pid[PIDS];

	fresh();
	for (int i = 0; i < PIDS; i++)
		pid[i] = start(waits_briefly, 1500);
	while (left > 0) {
		atomic_fetch_add(&s->notified, notify(1));
		sched_yield();
		left = PIDS;
		for (int i = 0; i < PIDS; i++)
			left -= tap_state(pid[i]) == 'Z';
	}
	for (int i = 0; i < PIDS; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "three processes whose waits are over as they are notified");
	is(atomic_load(&s->returned), atomic_load(&s->notified),
	   "each notification is one return (of %d waits)", PIDS * 1500);
	is(waiters(), 0, "nobody waits");
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	predicates();
	interrupted();
	races();
	return tap_done();
}
