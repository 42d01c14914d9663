/* Queues with leases: what the dead had comes back. */
#include "mp/queue.h"

#include "queues.h"

static _Atomic int *ready; /* how many children have what they came for */

static int done(void)
{
	return mp_queue_task_done(q);
}

/* ---- what children do ---- */

static int get_n(long n)
{
	int error = 0;

	while (n-- > 0 && error >= 0)
		error = get(LONG);
	return error;
}

static int gets_and_stays(long n)
{
	if (get_n(n) < 0)
		return 1;
	atomic_fetch_add(ready, 1);
	return wait_for_kill();
}

static int gets_and_ends(long n)
{
	return get_n(n);
}

static int gets_and_execs(long n)
{
	get_n(n);
	execl("/proc/self/exe", "test-queue-lease-killed", "wait", NULL);
	return 1;
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

/* A child that has n messages on lease. */
static pid_t start_worker(int n)
{
	int before = atomic_load(ready);
	pid_t pid = start(gets_and_stays, n);

	await(atomic_load(ready) == before + 1);
	return pid;
}

/* ---- they come back ---- */

static void comes_back(void)
{
	pid_t pid;

	fresh(5, 40, MP_QUEUE_LEASE);
	put_all(0, 5);
	pid = start_worker(2);
	is(mp_queue_leased(q), 2, "a child has two on lease");
	is(done(), -EINVAL, "they are not ours");
	is(end_of(start(does, 0)), -EINVAL, "nor a third process's");
	is(get(0), 2, "the next is for somebody else");
	killed(pid);
	is(mp_queue_leased(q), 1, "killed, it has none");
	is(get(0), 0, "the first comes back");
	is(get(0), 1, "the second");
	is(get(0), 3, "before newer ones");
	is(done() | done() | done() | done(), 0, "all done");
	is(mp_queue_join(q, 0), -ETIMEDOUT, "but one");
	is(end_of(start(gets_and_ends, 1)), 4, "which a child gets");
	is(get(0), 4, "that ends without a word: it comes back");
	done();
	is(mp_queue_join(q, 0), 0, "until it is done");

	put(9, 0);
	for (int i = 0; i < 20; i++)
		killed(start_worker(1));
	is(get(0), 9, "20 times killed: it comes back as often");
	is(get(0), -ETIMEDOUT, "once");
	done();
	put(8, 0);
	pid = start(gets_and_execs, 1);
	await(get(0) == 8);
	is(done(), 0, "what one had that called exec comes back");
	killed(pid);
	put(7, 0);
	is(in_thread(gets_and_ends, 1), 7, "and what a thread had");
	is(get(0), 7, "that has ended");
	done();
	is(mp_queue_join(q, 0), 0, "all done");
	ok(holds_nothing(), "nothing is held then");
}

/* "The oldest" is the one that was got first, also when one came back: what is
 * got, done, got, done is each time the same. */
static int gets_two_does_one(long unused)
{
	(void)unused;
	if (get(LONG) != 1)
		return 1;
	atomic_store(ready, 100);
	while (get(0) != 0)
		;
	return done();
}

static void oldest(void)
{
	pid_t first, second;

	fresh(5, 40, MP_QUEUE_LEASE);
	put_all(0, 2);
	atomic_store(ready, 0);
	first = start_worker(1);
	second = start(gets_two_does_one, 0);
	await(atomic_load(ready) == 100);
	killed(first);
	is(end_of(second), 0, "1 got, then 0, which came back; one is done");
	is(get(0), 0, "it was 1: 0 comes back again");
	is(get(0), -ETIMEDOUT, "and no more");
	is(done(), 0, "done");
	is(mp_queue_join(q, 0), 0, "all done");
}

/* The one that is not done when its worker dies is the one that comes back. */
static int does_one_of_two(long unused)
{
	(void)unused;
	get(0);
	get(0);
	return done();
}

static void right_one(void)
{
	pid_t pid;

	fresh(5, 40, MP_QUEUE_LEASE);
	put_all(0, 2);
	is(end_of(start(does_one_of_two, 0)), 0, "one of two done");
	is(get(0), 1, "the other comes back");
	done();
	put_all(0, 3);
	pid = start_worker(2); /* 0, 1 */
	is(get(0), 2, "the third is ours");
	killed(pid);
	is(end_of(start(does_one_of_two, 0)), 0, "another does one of them");
	is(get(0), 1, "and dies with the other");
	is(done() | done(), 0, "done");
	is(mp_queue_join(q, 0), 0, "all done");
}

static void room(void)
{
	pid_t pid, putter, joiner;

	fresh(3, 24, MP_QUEUE_LEASE);
	put_all(0, 3);
	pid = start_worker(1);
	get(0);
	get(0);
	done();
	done();
	is(put(9, 0), -ETIMEDOUT, "newer ones done are no room");
	ok(mp_queue_full(q), "full, though none is in it");
	is(mp_queue_qsize(q), 0, "qsize says so");
	is(mp_queue_leased(q), 1, "one is on lease");
	putter = start_asleep(puts_50, LONG);
	killed(pid);
	is(get(0), 0, "it comes back");
	done();
	is(end_of(putter), 0, "done, it is room: a putter is woken");
	is(put(1, 0) | put(2, 0), 0, "for all three");
	is(get(0), 50, "its message comes");
	done();
	get(0);
	done();
	get(0);
	is(mp_queue_join(q, 0), -ETIMEDOUT, "one is not done");
	joiner = start_asleep(joins, LONG);
	done();
	is(end_of(joiner), 0, "all done: who joins is woken");
	is(mp_queue_join(q, 0), 0, "and later ones do not wait");
}

/* ---- waiting for what comes back ---- */

/* The one who dies wakes nobody: the look of a tenth of a second does. */
static void sleepers(void)
{
	pid_t worker, getter, joiner, putter;

	mp_backstop_set(20 * MS);
	fresh(2, 16, MP_QUEUE_LEASE);
	put(5, 0);
	worker = start_worker(1);
	getter = start_asleep(gets_and_does, LONG);
	joiner = start_asleep(joins, LONG);
	put(6, 0);
	is(end_of(getter), 6, "a getter that sleeps gets what is put");
	getter = start_asleep(gets_and_does, LONG);
	killed(worker);
	is(end_of(getter), 5, "or what comes back");
	is(end_of(joiner), 0, "join ends although a worker died");
	put_all(0, 2);
	worker = start_worker(2);
	putter = start_asleep(puts_50, LONG);
	getter = start_asleep(gets_and_does, LONG);
	killed(worker);
	is(end_of(getter), 0, "the first that comes back");
	is(end_of(putter), 0, "is room for a putter");
	is(end_of(start(gets_and_does, LONG)), 1, "then the second");
	is(end_of(start(gets_and_does, LONG)), 50, "then the new one");
	is(mp_queue_join(q, 0), 0, "all done");
	mp_backstop_set(0);
}

static void closed(void)
{
	pid_t worker, getter;

	fresh(3, 24, MP_QUEUE_LEASE);
	put_all(0, 2);
	mp_queue_close(q);
	is(put(2, -1), -ESHUTDOWN, "closed: no put");
	worker = start_worker(1);
	is(get(-1), 1, "get what is there");
	is(get(-1), -ESHUTDOWN, "the end for one that has not done its own");
	is(done(), 0, "done");
	is(get(0), -ETIMEDOUT, "another's may come back: not the end");
	is(mp_queue_close(q), 0, "closed again");
	is(get(0), -ETIMEDOUT, "it is as before");
	mp_backstop_set(20 * MS);
	getter = start_asleep(gets_and_does, LONG);
	killed(worker);
	is(end_of(getter), 0, "it comes back to one that sleeps");
	is(get(-1), -ESHUTDOWN, "all done: the end");
	is(mp_queue_join(q, -1), 0, "for join too");
	mp_backstop_set(0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		return wait_for_kill();
	ready = share(sizeof(*ready));
	mp_backstop_set(0);
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("killed workers", "not the robust list of glibc");
		return tap_done();
	}
	comes_back();
	oldest();
	right_one();
	room();
	sleepers();
	closed();
	return tap_done();
}
