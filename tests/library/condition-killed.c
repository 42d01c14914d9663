/* Conditions under other locks, shared locks, and with killed users. */
#include "mp/condition.h"

#include "mp/backstop.h"
#include "mp/rlock.h"
#include "waiting.h"

enum { SLOTS = 3, ITEMS = 1000, PRODUCERS = 2, CONSUMERS = 2 };

struct shared {
	struct mp_lock lock;
	struct mp_rlock rlock;
	struct mp_condition cond, not_full, not_empty;
	_Atomic int inside, turn;
	/* The bounded buffer, guarded by lock. */
	int slot[SLOTS], used, first, left;
	int taken[PRODUCERS * ITEMS];
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

static uint64_t rescues(void)
{
	return mp_counters_get(&s->cond.counters, MP_RESCUES);
}

/* ---- what children do ---- */

/* 100: came back without the lock. */
static int waits(long timeout_ns)
{
	int64_t begin = mp_clock_now();
	int result;

	mp_lock_acquire(&s->lock, -1);
	result = mp_condition_wait(&s->cond, &s->lock, timeout_ns);
	if (!mp_lock_mine(&s->lock))
		return result == -EINVAL ? result : 100;
	mp_lock_release(&s->lock);
	return timely(begin, result);
}

static int waits_with_looks(long timeout_ns)
{
	mp_backstop_set(MS);
	return waits(timeout_ns);
}

static int waits_at_depth_3(long timeout_ns)
{
	struct mp_rlock *r = &s->rlock;
	int result;

	for (int i = 0; i < 3; i++)
		mp_rlock_acquire(r, -1);
	result = mp_condition_wait(&s->cond, &r->lock, timeout_ns);
	return mp_rlock_depth(r) == 3 ? result : 100;
}

static int true_later(void *unused)
{
	(void)unused;
	return 0;
}

static int waits_for(long timeout_ns)
{
	int result;

	mp_lock_acquire(&s->lock, -1);
	result = mp_condition_wait_for(&s->cond, &s->lock, true_later, NULL,
				       timeout_ns);
	return mp_lock_mine(&s->lock) ? result : 100;
}

static int dies_holding(long n)
{
	mp_lock_acquire(&s->lock, -1);
	mp_condition_notify(&s->cond, &s->lock, (int)n);
	return raise(SIGKILL);
}

static int dies_holding_rlock(long n)
{
	mp_rlock_acquire(&s->rlock, -1);
	mp_condition_notify(&s->cond, &s->rlock.lock, (int)n);
	return raise(SIGKILL);
}

static void on_signal(int sig)
{
	(void)sig;
}

static pid_t start_waiter(int (*f)(long), long arg)
{
	int before = waiters();
	pid_t pid = start(f, arg);

	await(waiters() == before + 1 && asleep(pid));
	return pid;
}

/* ---- tests ---- */

static void killed_waiter(void)
{
	pid_t first, second;

	fresh();
	first = start_waiter(waits, LONG);
	second = start_waiter(waits, LONG);
	killed(first);
	is(waiters(), 1, "a waiter killed waits no more");
	is(notify(1), 1, "a notification");
	is(end_of(second), 0, "goes to the next");
	first = start_waiter(waits, LONG);
	killed(first);
	is(notify(1), 0, "or to nobody");
	is(waits(0), -ETIMEDOUT, "and is not kept");
}

static void places_of_the_dead(void)
{
	fresh();
	for (int i = 0; i < MP_CONDITION_WAITERS + 10; i++)
		killed(start_waiter(waits, LONG));
	is(waiters(), 0, "more were killed than there are places");
	is(waits(0), -ETIMEDOUT, "and there is a place");
	ok(s->cond.used < MP_CONDITION_WAITERS, "each used the same again");
}

/* Killed after it was notified: the notification is the next waiter's. */
static void killed_notified(void)
{
	pid_t first, second, third;

	fresh();
	first = start_waiter(waits, LONG);
	second = start_waiter(waits_with_looks, LONG);
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_notify(&s->cond, &s->lock, 1), 1, "notified");
	killed(first);
	mp_lock_release(&s->lock);
	is(end_of(second), 0, "and killed: the next waiter finds it by a look");
	is(rescues(), 1, "which is a rescue");

	fresh();
	first = start_waiter(waits, LONG);
	second = start_waiter(waits, LONG);
	third = start_waiter(waits, LONG);
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_notify(&s->cond, &s->lock, 1), 1, "notified");
	killed(first);
	mp_lock_release(&s->lock);
	is(waiters(), 2, "two wait");
	is(notify(1), 1, "the next notification");
	is(end_of(second), 0, "wakes one");
	is(end_of(third), 0, "and the killed one's wakes another");
	is(rescues(), 0, "without a look");

	fresh();
	first = start_waiter(waits, LONG);
	second = start_waiter(waits, LONG);
	third = start_waiter(waits_with_looks, LONG);
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_notify(&s->cond, &s->lock, 2), 2, "two notified");
	killed(first);
	killed(second);
	mp_lock_release(&s->lock);
	is(end_of(third), 0, "both killed: the third gets one");
	is(waits(5 * MS), -ETIMEDOUT, "the other is for nobody");
}

static void killed_holder(void)
{
	int first, second;
	pid_t pid[2];

	fresh();
	pid[0] = start_waiter(waits, LONG);
	end_of(start(dies_holding, 1));
	is(end_of(pid[0]), MP_OWNER_DIED,
	   "killed after notify, the lock held: the waiter is told");
	is(waits(0), -ETIMEDOUT, "the next is not");

	pid[0] = start_waiter(waits, LONG);
	end_of(start(dies_holding, 0));
	kill(pid[0], SIGUSR1);
	is(end_of(pid[0]), MP_OWNER_DIED,
	   "killed without a notify: whoever comes back is told");

	pid[0] = start_waiter(waits, LONG);
	pid[1] = start_waiter(waits, LONG);
	end_of(start(dies_holding, 2));
	first = end_of(pid[0]);
	second = end_of(pid[1]);
	ok(first + second == MP_OWNER_DIED && (first == 0 || second == 0),
	   "of two notified one is told");

	pid[0] = start_waiter(waits_for, LONG);
	end_of(start(dies_holding, 1));
	is(end_of(pid[0]), MP_OWNER_DIED, "wait_for says so too");
	mp_lock_acquire(&s->lock, -1);
	mp_lock_release(&s->lock);

	pid[0] = start_waiter(waits_at_depth_3, LONG);
	end_of(start(dies_holding_rlock, 1));
	is(end_of(pid[0]), MP_OWNER_DIED, "with an rlock, and depth 3");
	is(rescues(), 0, "nothing was rescued");
}

static void broken_lock(void)
{
	pid_t pid;

	fresh();
	pid = start_waiter(waits, LONG);
	atomic_store(&s->lock.node.word, 0x12345678);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINVAL, "a lock that breaks meanwhile is not held");
}

static void lock_for_anybody(void)
{
	pid_t pid;

	fresh();
	mp_lock_init(&s->lock, MP_LOCK_ANY);
	is(notify(1), 0, "with MP_LOCK_ANY: nobody waits");
	is(waits(0), -ETIMEDOUT, "a try");
	is(waits(5 * MS), -ETIMEDOUT, "5 ms");
	is(mp_condition_wait(&s->cond, &s->lock, 0), -EPERM, "not held");
	pid = start_waiter(waits, LONG);
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_notify(&s->cond, &s->lock, 1), 1, "notified");
	mp_lock_release(&s->lock);
	is(end_of(pid), 0, "it comes back and holds the lock");
	is(mp_lock_locked(&s->lock), 0, "it is free at the end");

	pid = start_waiter(waits_with_looks, LONG);
	end_of(start(dies_holding, 1));
	is(end_of(pid), MP_OWNER_DIED, "told of the holder's death");
}

/* ---- two conditions, one lock ---- */

static int produces(long which)
{
	for (int i = 0; i < ITEMS; i++) {
		if (mp_lock_acquire(&s->lock, LONG) != 0)
			return 1;
		while (s->used == SLOTS)
			if (mp_condition_wait(&s->not_full, &s->lock, LONG) !=
			    0)
				return 2;
		s->slot[(s->first + s->used++) % SLOTS] =
			(int)which * ITEMS + i;
		mp_condition_notify(&s->not_empty, &s->lock, 1);
		mp_lock_release(&s->lock);
	}
	return 0;
}

static int consumes(long unused)
{
	(void)unused;
	for (;;) {
		if (mp_lock_acquire(&s->lock, LONG) != 0)
			return 1;
		while (s->used == 0 && s->left > 0)
			if (mp_condition_wait(&s->not_empty, &s->lock, LONG) !=
			    0)
				return 2;
		if (s->left == 0)
			break;
		s->taken[s->slot[s->first]]++;
		s->first = (s->first + 1) % SLOTS;
		s->used--;
		mp_condition_notify(&s->not_full, &s->lock, 1);
		if (--s->left == 0)
			mp_condition_notify_all(&s->not_empty, &s->lock);
		mp_lock_release(&s->lock);
	}
	return mp_lock_release(&s->lock);
}

static void bounded_buffer(int64_t backstop)
{
	pid_t pid[PRODUCERS + CONSUMERS];
	int bad = 0;

	mp_backstop_set(backstop);
	fresh();
	s->left = PRODUCERS * ITEMS;
	for (int i = 0; i < PRODUCERS; i++)
		pid[i] = start(produces, i);
	for (int i = 0; i < CONSUMERS; i++)
		pid[PRODUCERS + i] = start(consumes, 0);
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "two producers, two consumers, %d slots", SLOTS);
	for (int i = 0; i < PRODUCERS * ITEMS; i++)
		bad += s->taken[i] != 1;
	is(bad, 0, "each of %d items once", PRODUCERS * ITEMS);
	is(mp_counters_get(&s->lock.counters, MP_RESCUES) +
		   mp_counters_get(&s->not_full.counters, MP_RESCUES) +
		   mp_counters_get(&s->not_empty.counters, MP_RESCUES),
	   0, "the back-stop had nothing to do");
	mp_backstop_set(0);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	handle(SIGUSR1, on_signal, 0);
	bounded_buffer(0);
	bounded_buffer(2000 * MS);
	lock_for_anybody();
	broken_lock();
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("killed users", "not the robust list of glibc");
		return tap_done();
	}
	killed_waiter();
	places_of_the_dead();
	killed_notified();
	killed_holder();
	return tap_done();
}
