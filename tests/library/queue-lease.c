/* Queues with leases: a message is out of the queue when it is done.  (What
 * comes back: queue-lease-killed.c.) */
#include "mp/queue.h"

#include "queues.h"

static const void *where;
static size_t length;
static _Atomic int *ready; /* told by a child */

static int lease(int64_t timeout_ns)
{
	int error = mp_queue_lease(q, timeout_ns, &where, &length);

	return error < 0 ? error : (int)*(const long *)where;
}

static int done(void)
{
	return mp_queue_task_done(q);
}

static int gets_and_does(long timeout_ns)
{
	int64_t begin = mp_clock_now();
	int got = get(timeout_ns);

	if (got >= 0 && done() != 0)
		return 98;
	return timely(begin, got);
}

static int does(long unused)
{
	(void)unused;
	return done();
}

/* ---- messages ---- */

static void on_lease(void)
{
	fresh(3, 24, MP_QUEUE_LEASE);
	is(mp_queue_leased(q), 0, "nothing is on lease");
	is(done(), -EINVAL, "nothing can be done");
	is(lease(0), -ETIMEDOUT, "nothing can be got");
	is(lease(5 * MS), -ETIMEDOUT, "in 5 ms");
	put_all(7, 10);
	is(lease(0), 7, "a message on lease, where it lies");
	ok((uintptr_t)where % 8 == 0 && length == 8, "aligned, and whole");
	is(mp_queue_qsize(q), 2, "it is not in the queue");
	is(mp_queue_leased(q), 1, "but on lease");
	is(get(0), 8, "the next can be got meanwhile, as a copy");
	is(mp_queue_leased(q), 2, "which is on lease too");
	is(*(const long *)where, 8 - 1, "the first still lies there");
	is(put(1, 0), -ETIMEDOUT, "both take room");
	is(done(), 0, "the first done");
	is(put(10, 0), 0, "is room for one");
	is(put(11, 0), -ETIMEDOUT, "and no more");
	is(mp_queue_join(q, 0), -ETIMEDOUT, "others are not done");
	is(done(), 0, "the second done");
	is(done(), -EINVAL, "then this thread has none");
	is(mp_queue_leased(q), 0, "nobody has");
	is(lease(0), 9, "the third");
	is(mp_queue_lease(q, 0, &where, NULL), 0, "one with length unasked");
	is(*(const long *)where, 10, "the fourth");
	is(done() | done(), 0, "done");
	is(mp_queue_join(q, 0), 0, "all are");
	ok(holds_nothing(), "nothing is held then");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	fresh(3, 24, 0);
	put(1, 0);
	is(lease(0), -EINVAL, "no lease from a queue without");
	is(mp_queue_leased(q), -EINVAL, "and none are on lease");
	is(get(0), 1, "get is as ever");
}

/* A message that is too long for a getter stays, and is not on lease. */
static void too_small(void)
{
	long number;

	fresh(3, 24, MP_QUEUE_LEASE);
	put_all(1, 3);
	length = 0;
	is(mp_queue_get(q, &number, 7, 0, &length), -EMSGSIZE, "too small");
	is((long long)length, 8, "the length is told");
	is(mp_queue_leased(q), 0, "nothing is on lease");
	is(mp_queue_qsize(q), 2, "it stays");
	is(get(0), 1, "until it is got");
	done();
	is(get(0), 2, "the next");
	done();
	ok(holds_nothing(), "nothing is held then");
}

/* A child made by fork has none of its parent's, and takes none with it. */
static void forked(void)
{
	fresh(3, 24, MP_QUEUE_LEASE);
	put_all(0, 3);
	get(0);
	is(end_of(start(does, 0)), -EINVAL, "a child has not what its parent");
	is(end_of(start(gets_and_does, 0)), 1, "it has its own");
	is(mp_queue_leased(q), 1, "the parent has its one");
	is(get(0), 2, "nothing has come back");
	is(done() | done(), 0, "done");
	is(mp_queue_join(q, 0), 0, "all done");
}

/* ---- too many ---- */

static int leases_1000(long unused)
{
	int n = 0;

	(void)unused;
	while (lease(0) >= 0)
		n++;
	return n == 1000 ? 0 : 1;
}

static int gets_one_too_many(long unused)
{
	(void)unused;
	for (int i = 0; i < MP_QUEUE_LEASES; i++)
		if (lease(0) != i)
			return 1;
	atomic_store(ready, get(LONG));
	return wait_for_kill();
}

/* One that has too many sleeps, and is woken for a message that it may not
 * have: somebody else gets it. */
static void too_many_asleep(void)
{
	pid_t first, second;

	fresh(3000, 8 * 3000, MP_QUEUE_LEASE);
	put_all(0, MP_QUEUE_LEASES);
	atomic_store(ready, 0);
	first = start_asleep(gets_one_too_many, 0);
	second = start_asleep(gets_and_does, LONG);
	put(50, 0);
	is(end_of(second), 50, "one that has too many passes a message on");
	await(atomic_load(ready) != 0);
	is(atomic_load(ready), -ENOSPC, "and learns of it");
	killed(first);
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static void too_many(void)
{
	int bad = 0;

	fresh(3000, 8 * 3000, MP_QUEUE_LEASE);
	for (int i = 0; i < MP_QUEUE_LEASES + 1000; i++)
		bad += put(i, 0) != 0;
	for (int i = 0; i < MP_QUEUE_LEASES; i++)
		bad += lease(0) != i;
	is(bad, 0, "%d leases of one thread", MP_QUEUE_LEASES);
	is(lease(0), -ENOSPC, "no more");
	is(lease(-1), -ENOSPC, "nor by waiting");
	is(get(-1), -ENOSPC, "nor by get");
	is(mp_queue_leased(q), MP_QUEUE_LEASES, "all are on lease");
	is(end_of(start(leases_1000, 0)), 0, "another process has its own");
	is(done(), 0, "one done");
	is(get(0), MP_QUEUE_LEASES, "is one more; what the dead had is there");
	is(lease(0), -ENOSPC, "and no more");
	while (done() == 0)
		;
	is(mp_queue_leased(q), 0, "all done");
	is(mp_queue_qsize(q), 0, "nothing is behind the head");
	is(get(0), MP_QUEUE_LEASES + 1, "what comes back can be got");
	while (done() == 0 && get(0) >= 0)
		;
	is(mp_queue_join(q, 0), 0, "all is done");
}

/* ---- the end ---- */

static int does_when_told(long unused)
{
	(void)unused;
	get(LONG);
	atomic_fetch_add(ready, 1);
	await(atomic_load(ready) >= 100);
	return done();
}

/* The last one done ends the wait of those for whom it might have come back. */
static void closed_and_done(void)
{
	pid_t worker, getter[2];

	fresh(3, 24, MP_QUEUE_LEASE);
	put(0, 0);
	mp_queue_close(q);
	atomic_store(ready, 0);
	worker = start(does_when_told, 0);
	await(atomic_load(ready) == 1);
	getter[0] = start_asleep(gets, LONG);
	getter[1] = start_asleep(gets, -1);
	atomic_store(ready, 100);
	is(end_of(worker), 0, "done by the one who had it");
	is(end_of(getter[0]), -ESHUTDOWN, "the end for who has waited");
	is(end_of(getter[1]), -ESHUTDOWN, "all of them");
	is(mp_queue_join(q, 0), 0, "and for join");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

int main(void)
{
	ready = share(sizeof(*ready));
	mp_backstop_set(0);
	on_lease();
	too_small();
	forked();
	closed_and_done();
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("leases of the dead", "not the robust list of glibc");
		return tap_done();
	}
	too_many_asleep();
	too_many();
	return tap_done();
}
