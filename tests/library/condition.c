/* Conditions: who is notified, how many, and what a wait returns. */
#include "mp/condition.h"

#include "mp/backstop.h"
#include "mp/rlock.h"
#include "waiting.h"

enum { N = 6 };

struct shared {
	struct mp_lock lock;
	struct mp_rlock rlock;
	struct mp_condition cond;
	_Atomic int back[N];
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

/* ---- what children and threads do ---- */

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

static int waits_as(long i)
{
	int result = waits(LONG);

	atomic_store(&s->back[i], 1);
	return result;
}

static int waits_at_depth_3(long timeout_ns)
{
	struct mp_rlock *r = &s->rlock;
	int result;

	for (int i = 0; i < 3; i++)
		mp_rlock_acquire(r, -1);
	result = mp_condition_wait(&s->cond, &r->lock, timeout_ns);
	if (mp_rlock_depth(r) != 3)
		return 100;
	for (int i = 0; i < 3; i++)
		mp_rlock_release(r);
	return mp_rlock_release(r) == -EPERM ? result : 101;
}

static int notifies(long n)
{
	return mp_condition_notify(&s->cond, &s->lock, (int)n);
}

static pid_t start_waiter(int (*f)(long), long arg)
{
	int before = waiters();
	pid_t pid = start(f, arg);

	await(waiters() == before + 1 && asleep(pid));
	return pid;
}

/* ---- tests ---- */

static void nobody_waits(void)
{
	fresh();
	is(waiters(), 0, "zero bytes: nobody waits");
	is(notify(1), 0, "a notification that nobody waits for");
	is(waits(0), -ETIMEDOUT, "is not kept for the next: a try");
	is(waits(5 * MS), -ETIMEDOUT, "nor for one that waits");
	is(waits(1), -ETIMEDOUT, "a nanosecond");
	is(waiters(), 0, "nobody waits afterwards");
	is(mp_lock_locked(&s->lock), 0, "and nobody holds the lock");
	memset(&s->cond, 0xff, sizeof(s->cond));
	is(mp_condition_init(&s->cond), 0, "init");
	is(waiters(), 0, "makes an empty one of anything");
	is(mp_condition_init(not_shared()), -EINVAL,
	   "memory that is not shared");
	ok(holds_nothing(), "nothing is left in the list");
}

static void timeout(void)
{
	int64_t begin = mp_clock_now();

	fresh();
	is(waits(20 * MS), -ETIMEDOUT, "20 ms");
	ok(mp_clock_now() - begin >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - begin < LONG, "and not much later");
}

static int never(void *unused)
{
	(void)unused;
	abort();
}

static void without_the_lock(void)
{
	struct mp_condition *c = &s->cond;
	struct mp_lock *l = &s->lock;

	fresh();
	is(mp_condition_wait(c, l, -1), -EPERM, "wait without the lock");
	is(mp_condition_wait_for(c, l, never, NULL, -1), -EPERM, "wait_for");
	is(mp_condition_notify(c, l, 1), -EPERM, "notify");
	is(mp_condition_notify_all(c, l), -EPERM, "notify_all");
	mp_lock_acquire(l, -1);
	is(end_of(start(notifies, 1)), -EPERM, "a child of the holder");
	is(in_thread(notifies, 1), -EPERM, "another thread");
	is(mp_condition_notify(c, l, -1), -EINVAL, "-1 of them");
	is(mp_condition_notify(c, l, 0), 0, "none of them");
	is(mp_condition_notify_all(c, l), 0, "all of none");
	ok(mp_lock_mine(l), "the lock is held all the while");
	mp_lock_release(l);
}

static void exact(void)
{
	int result, bad = 0;
	pid_t pid[N];

	fresh();
	for (int i = 0; i < N; i++)
		pid[i] = start_waiter(waits_as, i);
	is(waiters(), N, "%d wait", N);
	is(notify(0), 0, "none notified");
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_notify(&s->cond, &s->lock, 2), 2, "two notified");
	is(waiters(), N - 2, "the others wait");
	ok(!atomic_load(&s->back[0]) && !atomic_load(&s->back[1]),
	   "nobody comes back before the lock is free");
	mp_lock_release(&s->lock);
	await(atomic_load(&s->back[0]) && atomic_load(&s->back[1]));
	is(end_of(pid[0]) | end_of(pid[1]), 0,
	   "those two come back that have waited longest");
	for (int i = 2; i < N; i++)
		bad += atomic_load(&s->back[i]) || !asleep(pid[i]);
	is(bad, 0, "the others sleep on");
	is(notify(1), 1, "one notified");
	is(end_of(pid[2]), 0, "the next comes back");
	mp_lock_acquire(&s->lock, -1);
	result = mp_condition_notify_all(&s->cond, &s->lock);
	is(result, N - 3, "all that are left notified");
	is(mp_condition_notify(&s->cond, &s->lock, 1), 0, "and no more");
	mp_lock_release(&s->lock);
	for (int i = 3; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "they come back");
	is(waiters(), 0, "nobody waits");

	pid[0] = start_waiter(waits_as, 0);
	is(notify(INT32_MAX), 1, "more than wait: all that wait");
	is(end_of(pid[0]), 0, "which comes back");
	is(mp_counters_get(&s->cond.counters, MP_RESCUES), 0,
	   "nothing was rescued");
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Places are used again; who has waited longest is still the next. */
static void places(void)
{
	pid_t first, second, third;

	fresh();
	handle(SIGUSR1, on_signal, 0);
	first = start_waiter(waits, LONG);
	second = start_waiter(waits_as, 0);
	kill(first, SIGUSR1);
	is(end_of(first), -EINTR, "the first of two leaves");
	is(waiters(), 1, "the other waits");
	third = start_waiter(waits_as, 1);
	is(notify(1), 1, "one notified");
	is(end_of(second), 0, "it comes back before a later one");
	is(atomic_load(&s->back[1]), 0, "which waits");
	is(notify(1), 1, "one notified");
	is(end_of(third), 0, "until it is notified");
}

static void depth(void)
{
	struct mp_rlock *r = &s->rlock;
	pid_t pid;

	fresh();
	pid = start_waiter(waits_at_depth_3, LONG);
	is(mp_rlock_acquire(r, LONG), 0,
	   "one that waits at depth 3 has released it");
	mp_rlock_acquire(r, -1);
	is(mp_condition_notify(&s->cond, &r->lock, 1), 1, "notified");
	mp_rlock_release(r);
	is(mp_rlock_depth(r), 1, "from another depth");
	mp_rlock_release(r);
	is(end_of(pid), 0, "it comes back at depth 3");
	is(end_of(start(waits_at_depth_3, 0)), -ETIMEDOUT,
	   "after a timeout too");
}

static void full(void)
{
	static struct call thread[MP_CONDITION_WAITERS];
	int bad = 0;

	fresh();
	for (int i = 0; i < MP_CONDITION_WAITERS; i++) {
		start_thread(&thread[i], waits, LONG);
		await(waiters() == i + 1);
	}
	mp_lock_acquire(&s->lock, -1);
	is(mp_condition_wait(&s->cond, &s->lock, -1), -ENOSPC,
	   "%d wait: no place for one more", MP_CONDITION_WAITERS);
	ok(mp_lock_mine(&s->lock), "the lock is held as before");
	is(mp_condition_notify_all(&s->cond, &s->lock), MP_CONDITION_WAITERS,
	   "all notified");
	mp_lock_release(&s->lock);
	for (int i = 0; i < MP_CONDITION_WAITERS; i++)
		bad += end_of_thread(&thread[i]) != 0;
	is(bad, 0, "all come back");
	is(waits(0), -ETIMEDOUT, "then there is a place again");
}

static int use(void *object)
{
	struct use {
		struct mp_lock lock;
		struct mp_condition cond;
	} *u = object;
	int result = mp_condition_init(&u->cond);

	result |= mp_lock_acquire(&u->lock, -1);
	result |= mp_condition_wait(&u->cond, &u->lock, 0) != -ETIMEDOUT;
	result |= mp_condition_notify_all(&u->cond, &u->lock);
	return result | mp_lock_release(&u->lock);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	nobody_waits();
	timeout();
	without_the_lock();
	exact();
	places();
	depth();
	full();
	is(left_of_10000(sizeof(struct mp_lock) + sizeof(struct mp_condition),
			 use),
	   0, "10,000 conditions, and nothing of them is left");
	return tap_done();
}
