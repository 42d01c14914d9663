/* A sleep that looks around: when it ends, and what it finds when the wake-up
 * never comes. */
#include "mp/backstop.h"

#include "mp/barrier.h"
#include "mp/condition.h"
#include "mp/event.h"
#include "mp/futex.h"
#include "mp/semaphore.h"
#include "waiting.h"

struct shared {
	_Atomic uint32_t word;
	struct mp_counters counters;
	struct mp_lock lock, other;
	struct mp_semaphore sem;
	struct mp_event event;
	struct mp_condition cond;
	struct mp_barrier barrier;
};

static struct shared *s;

static void on_signal(int sig)
{
	(void)sig;
}

/* ---- the sleep itself ---- */

static int sleeps(long timeout_ns)
{
	return mp_backstop_wait(&s->word, 0, mp_clock_deadline(timeout_ns),
				&s->counters);
}

static int sleeps_until_set(long timeout_ns)
{
	int result;

	while ((result = sleeps(timeout_ns)) == MP_BACKSTOP)
		;
	return result;
}

static void ends(void)
{
	int64_t begin = mp_clock_now();
	pid_t pid;

	is(sleeps(-1), MP_BACKSTOP, "the back-stop ends a sleep for ever");
	ok(mp_clock_now() - begin >= 100 * MS,
	   "not before a tenth of a second");
	is(sleeps(5 * MS), -ETIMEDOUT, "a deadline before it is a deadline");
	is(mp_backstop_set(-1), -EINVAL, "-1 ns is refused");
	is(mp_backstop_set(INT64_MIN), -EINVAL, "and INT64_MIN");
	is(sleeps(5 * MS), -ETIMEDOUT, "which change nothing");
	is(mp_backstop_set(MS), 0, "1 ms");
	is(sleeps(LONG), MP_BACKSTOP, "ends a longer sleep");
	is(end_of(start(sleeps, LONG)), MP_BACKSTOP, "a child's too");
	pid = start(sleeps_until_set, LONG);
	await(mp_counters_get(&s->counters, MP_SLEEPS) > 10);
	atomic_store(&s->word, 1);
	is(end_of(pid), 0, "another value in the word ends it");
	is(sleeps(-1), 0, "or does not begin it");
	atomic_store(&s->word, 0);

	is(mp_backstop_set(0), 0, "no back-stop");
	is(sleeps(5 * MS), -ETIMEDOUT, "then a deadline ends a sleep");
	handle(SIGUSR1, on_signal, 0);
	pid = start(sleeps, -1);
	await(asleep(pid));
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "or a handler");
	pid = start(sleeps, -1);
	await(asleep(pid));
	is(mp_backstop_set(MS), 0, "a back-stop set in one process");
	ok(asleep(pid), "does not reach a child forked before");
	mp_futex_wake(&s->word, 1, NULL);
	is(end_of(pid), 0, "which a wake-up ends");
	is(mp_backstop_set(INT64_MAX), 0, "292 years");
	is(sleeps(5 * MS), -ETIMEDOUT, "are no back-stop");
	mp_backstop_set(0);
}

/* ---- what it finds: done as if killed before the wake-up ---- */

static int takes(long timeout_ns)
{
	int result = mp_lock_acquire(&s->lock, timeout_ns);

	return result < 0 ? result : mp_lock_release(&s->lock);
}

static int takes_token(long timeout_ns)
{
	return mp_semaphore_acquire(&s->sem, timeout_ns);
}

static int waits_event(long timeout_ns)
{
	return mp_event_wait(&s->event, timeout_ns);
}

static int waits_condition(long timeout_ns)
{
	int result;

	mp_lock_acquire(&s->other, -1);
	result = mp_condition_wait(&s->cond, &s->other, timeout_ns);
	return result < 0 ? result : mp_lock_release(&s->other);
}

static int waits_barrier(long timeout_ns)
{
	return mp_barrier_wait(&s->barrier, timeout_ns);
}

static pid_t start_looking(int (*f)(long))
{
	pid_t pid = start(f, LONG);

	await(asleep(pid));
	return pid;
}

static uint64_t rescues(const struct mp_counters *c)
{
	return mp_counters_get(c, MP_RESCUES);
}

static void finds(void)
{
	pid_t pid;

	memset(s, 0, sizeof(*s));
	mp_barrier_init(&s->barrier, 2);
	mp_backstop_set(100 * MS);

	mp_lock_acquire(&s->lock, -1);
	pid = start_looking(takes);
	mp_owner_remove(&s->lock.node);
	atomic_store(&s->lock.node.word, 0);
	mp_owner_end();
	is(end_of(pid), 0, "a lock freed, and nobody woken");
	is(rescues(&s->lock.counters), 1, "a rescue");

	pid = start_looking(takes_token);
	atomic_fetch_add(&s->sem.word, 1);
	is(end_of(pid), 0, "a token given");
	is(rescues(&s->sem.counters), 1, "a rescue");

	pid = start_looking(waits_event);
	atomic_store(&s->event.word, 4 | 1);
	is(end_of(pid), 0, "an event set");
	is(rescues(&s->event.counters), 1, "a rescue");

	pid = start_looking(waits_condition);
	atomic_fetch_or(&s->cond.waiter[0].node.word, MP_WAITER_NOTIFIED);
	is(end_of(pid), 0, "a waiter notified");

	pid = start_looking(waits_barrier);
	atomic_fetch_add(&s->barrier.phase, 2);
	is(end_of(pid), 0, "a phase opened");
	is(rescues(&s->barrier.counters), 1, "a rescue");
	mp_backstop_set(0);
}

int main(void)
{
	s = share(sizeof(*s));
	ends();
	finds();
	return tap_done();
}
