/* Queues whose users are killed: what was published is there, what was not is
 * not, and nobody else is held up. */
#include "mp/queue.h"

#include "queues.h"

static _Atomic int *inside;

/* ---- what children do ---- */

static int reserves_and_stays(long unused)
{
	void *where;

	(void)unused;
	if (mp_queue_reserve(q, 8, LONG, &where) < 0)
		return 1;
	memset(where, 0xff, 8);
	atomic_fetch_add(inside, 1);
	return wait_for_kill();
}

static int reserves_and_ends(long unused)
{
	void *where;

	(void)unused;
	return mp_queue_reserve(q, 8, LONG, &where);
}

static int peeks_and_stays(long unused)
{
	const void *where;

	(void)unused;
	if (mp_queue_peek(q, LONG, &where, NULL) < 0)
		return 1;
	atomic_fetch_add(inside, 1);
	return wait_for_kill();
}

static int peeks_and_ends(long unused)
{
	const void *where;

	(void)unused;
	return mp_queue_peek(q, LONG, &where, NULL);
}

static int closes(long unused)
{
	(void)unused;
	return mp_queue_close(q);
}

static int puts_7_and_stays(long unused)
{
	(void)unused;
	if (put(7, LONG) != 0)
		return 1;
	atomic_fetch_add(inside, 1);
	return wait_for_kill();
}

static int gets_and_stays(long unused)
{
	(void)unused;
	atomic_store(inside, get(LONG) + 100);
	return wait_for_kill();
}

static pid_t start_inside(int (*f)(long))
{
	pid_t pid;

	atomic_store(inside, 0);
	pid = start(f, 0);
	await(atomic_load(inside) != 0);
	return pid;
}

/* ---- tests ---- */

/* When put has returned its sender may end, by whatever means. */
static void after_put(void)
{
	fresh(3, 24, 0);
	killed(start_inside(puts_7_and_stays));
	is(mp_queue_qsize(q), 1, "a putter killed after put: it was put");
	is(get(0), 7, "and can be got");
	put_all(0, 2);
	killed(start_inside(gets_and_stays));
	is(mp_queue_qsize(q), 1, "a getter killed after get: it died with it");
	is(get(0), 1, "the next is there");
	is(mp_queue_task_done(q) | mp_queue_task_done(q), 0, "two are done");
	is(mp_queue_join(q, 0), -ETIMEDOUT,
	   "the one that died with its getter never is");
	is(put(1, 0), 0, "and the queue goes on");
}

static void in_place(void)
{
	pid_t pid, next;

	fresh(3, 24, 0);
	pid = start_inside(reserves_and_stays);
	is(put(1, 0), -EBUSY, "a message in place");
	killed(pid);
	is(mp_queue_qsize(q), 0, "killed before commit: never put");
	is(put(1, 0), 0, "the next one puts");
	is(get(0), 1, "its own");
	is(mp_queue_commit(q, 8), -EPERM, "nobody can commit for the dead");

	pid = start_inside(reserves_and_stays);
	next = start_asleep(puts_50, LONG);
	killed(pid);
	is(end_of(next), 0, "one that waited puts");
	is(get(0), 50, "its own");
	is(end_of(start(reserves_and_ends, 0)), 0, "one that ends so");
	is(put(1, 0), 0, "holds up nobody");
	is(in_thread(reserves_and_ends, 0), 0, "nor a thread");
	is(put(2, 0), 0, "that ends so");

	pid = start_inside(peeks_and_stays);
	is(get(0), -EBUSY, "a message in place at the other end");
	killed(pid);
	is(mp_queue_qsize(q), 2, "killed before release: it stays");
	pid = start_inside(peeks_and_stays);
	next = start_asleep(gets, LONG);
	killed(pid);
	is(end_of(next), 1, "one that waited gets it");
	is(end_of(start(peeks_and_ends, 0)), 0, "one that ends so");
	is(in_thread(peeks_and_ends, 0), 0, "or a thread");
	is(get(0), 2, "takes nothing with it");
	is(mp_queue_release(q), -EPERM, "nobody can release for the dead");
}

static void both_ends(void)
{
	pid_t putter, getter, closer;

	fresh(3, 24, 0);
	put(1, 0);
	putter = start_inside(reserves_and_stays);
	getter = start_inside(peeks_and_stays);
	closer = start_asleep(closes, 0);
	killed(putter);
	is(end_of(closer), 0, "close waits for one in place, or its death");
	killed(getter);
	is(put(2, 0), -ESHUTDOWN, "closed");
	is(get(-1), 1, "what was there is got");
	is(get(-1), -ESHUTDOWN, "and nothing of the dead");
}

static void sleepers(void)
{
	pid_t first, second;

	fresh(2, 16, 0);
	first = start_asleep(gets, LONG);
	second = start_asleep(gets, LONG);
	killed(first);
	put(3, 0);
	is(end_of(second), 3, "a getter killed asleep: the other is woken");
	put_all(0, 2);
	first = start_asleep(puts_50, LONG);
	second = start_asleep(puts_50, LONG);
	killed(first);
	is(get(0), 0, "room");
	is(end_of(second), 0, "a putter killed asleep: the other is woken");
	is(get(0), 1, "and nothing of the dead");
	is(get(0), 50, "is in the queue");
	is(get(0), -ETIMEDOUT, "at all");
	put(1, 0);
	first = start_asleep(joins, LONG);
	second = start_asleep(joins, LONG);
	killed(first);
	mp_queue_task_done(q);
	is(mp_queue_join(q, 0), -ETIMEDOUT, "one of five is done");
	for (int i = 0; i < 4; i++)
		mp_queue_task_done(q);
	is(end_of(second), 0, "one that joins killed: the other is woken");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static int gets_with_looks(long timeout_ns)
{
	mp_backstop_set(MS);
	return gets(timeout_ns);
}

static int puts_with_looks(long timeout_ns)
{
	mp_backstop_set(MS);
	return puts_50(timeout_ns);
}

/* Killed at about the moment at which it is woken.  It may have the message by
 * then, and it is gone; or not, and the other must find it. */
static void killed_while_woken(void)
{
	int bad = 0, found = 0, result;
	pid_t first, second;

	for (int i = 0; i < 50; i++) {
		fresh(1, 8, 0);
		first = start_asleep(gets, LONG);
		second = start_asleep(gets_with_looks, LONG);
		put(1, 0);
		killed(first);
		if (put(2, LONG) == 0) { /* a message was taken, by either */
			result = end_of(second);
			found += result == 1;
			bad += result != 1 && result != 2;
		} else {
			bad++;
			killed(second);
		}
	}
	is(bad, 0,
	   "a getter killed as it is woken costs nobody (%d of 50 times "
	   "it had taken nothing)",
	   found);
	for (int i = 0; i < 50; i++) {
		fresh(1, 8, 0);
		put(1, 0);
		first = start_asleep(puts_50, LONG);
		second = start_asleep(puts_with_looks, LONG);
		bad += get(0) != 1;
		killed(first);
		bad += get(LONG) != 50; /* of either */
		result = get(20 * MS);  /* of the second, if it is not it */
		bad += result != 50 && result != -ETIMEDOUT;
		bad += end_of(second) != 0;
	}
	is(bad, 0, "nor does a putter");
}

/* ---- many ---- */

struct books {
	_Atomic uint32_t put[8]; /* numbers that put has returned for */
	_Atomic uint32_t got[8];
};

static struct books *books;

static int keeps_putting(long who)
{
	struct {
		uint32_t who, number;
	} message = { .who = (uint32_t)who };

	for (;;) {
		message.number = atomic_load(&books->put[who]) + 1;
		if (mp_queue_put(q, &message, 8, LONG) != 0)
			return 1;
		atomic_store(&books->put[who], message.number);
	}
}

static int keeps_getting(long unused)
{
	struct {
		uint32_t who, number;
	} message;

	(void)unused;
	while (mp_queue_get(q, &message, 8, LONG, NULL) == 0)
		atomic_store(&books->got[message.who], message.number);
	return 1;
}

/* Putters and getters are killed at any moment, again and again: what comes out
 * is what went in, in order, and nobody waits for the dead. */
static void killed_at_any_time(uint32_t items)
{
	enum { PUTTERS = 2, GETTERS = 2, N = PUTTERS + GETTERS };
	uint32_t message[2], last[PUTTERS] = { 0 };
	int bad = 0, left = 0, error;
	pid_t pid[N];

	mp_backstop_set(20 * MS);
	fresh(items, 8 * items, 0);
	memset(books, 0, sizeof(*books));
	for (int i = 0; i < N; i++)
		pid[i] = i < PUTTERS ? start(keeps_putting, i)
				     : start(keeps_getting, 0);
	for (int round = 0; round < 100; round++) {
		uint32_t before = atomic_load(&books->got[round % PUTTERS]);
		int victim = round % N;

		/* Everybody goes on. */
		await(atomic_load(&books->got[round % PUTTERS]) != before);
		killed(pid[victim]);
		pid[victim] = victim < PUTTERS ? start(keeps_putting, victim)
					       : start(keeps_getting, 0);
	}
	for (int i = PUTTERS; i < N; i++)
		killed(pid[i]);
	for (int i = 0; i < PUTTERS; i++)
		killed(pid[i]);
	/* What is left: one after the other. */
	while ((error = mp_queue_get(q, message, 8, 0, NULL)) == 0) {
		bad += message[0] >= PUTTERS ||
		       (last[message[0] % PUTTERS] != 0 &&
			message[1] != last[message[0] % PUTTERS] + 1 &&
			message[1] != last[message[0] % PUTTERS]);
		last[message[0] % PUTTERS] = message[1];
		left++;
	}
	bad += error != -ETIMEDOUT || left > (int)items;
	for (int i = 0; i < PUTTERS; i++)
		bad += last[i] != 0 && last[i] != books->put[i] &&
		       last[i] != books->put[i] + 1;
	is(bad, 0, "%u messages: 100 times one of %d is killed", items, N);
	is(put(1, 0), 0, "the queue is as new");
	is(get(0), 1, "for who comes next");
	mp_backstop_set(0);
}

int main(void)
{
	inside = share(sizeof(*inside));
	books = share(sizeof(*books));
	mp_backstop_set(0);
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("killed users", "not the robust list of glibc");
		return tap_done();
	}
	after_put();
	in_place();
	both_ends();
	sleepers();
	killed_while_woken();
	killed_at_any_time(1);
	killed_at_any_time(64);
	return tap_done();
}
