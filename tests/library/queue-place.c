/* Queues: messages written and read where they lie. */
#include "mp/queue.h"

#include "queues.h"

static long in;

static int reserve(size_t length, int64_t timeout_ns, void **where)
{
	return mp_queue_reserve(q, length, timeout_ns, where);
}

/* Is it `length` bytes at an address that an aligned long has? */
static int aligned(const void *where)
{
	return (uintptr_t)where % 8 == 0;
}

/* ---- one process ---- */

static void reserving(void)
{
	void *where = NULL;
	size_t length = 0;
	int bad = 0;

	fresh(3, 300, 0);
	is(reserve(8, 0, &where), 0, "room for 8 bytes");
	ok(where != NULL && aligned(where), "8-byte aligned");
	*(long *)where = 42;
	is(mp_queue_qsize(q), 0, "nothing is in the queue");
	is(get(0), -ETIMEDOUT, "nor to be got");
	is(mp_queue_commit(q, 8), 0, "until commit");
	is(mp_queue_qsize(q), 1, "then there is");
	is(get(0), 42, "what was written there");

	reserve(100, 0, &where);
	memcpy(where, "hello", 5);
	is(mp_queue_commit(q, 101), -EMSGSIZE, "more than was reserved");
	is(mp_queue_commit(q, SIZE_MAX), -EMSGSIZE, "2^64 - 1 bytes");
	is(mp_queue_commit(q, 4), 0, "the reservation still holds; less");
	is(mp_queue_get(q, &in, 8, 0, &length), 0, "is got");
	ok(length == 4 && memcmp(&in, "hell", 4) == 0, "as long as committed");
	reserve(0, 0, &where);
	is(mp_queue_commit(q, 0), 0, "a message without bytes");
	is(mp_queue_get(q, NULL, 0, 0, &length), 0, "is one");
	is((long long)length, 0, "of length 0");

	reserve(100, 0, &where);
	is(mp_queue_cancel(q), 0, "cancelled");
	is(mp_queue_qsize(q), 0, "nothing was put");
	is(reserve(301, 0, &where), -EMSGSIZE, "longer than any may be");
	is(reserve(SIZE_MAX, -1, &where), -EMSGSIZE, "2^64 - 1 bytes");
	for (int i = 0; i < 300; i++) {
		bad += reserve((size_t)i, 0, &where) != 0 || !aligned(where);
		memset(where, i, (size_t)i);
		bad += mp_queue_commit(q, (size_t)i) != 0;
		bad += mp_queue_peek(q, 0, (const void **)&where, &length);
		bad += length != (size_t)i || !aligned(where) ||
		       (i > 0 &&
			*((unsigned char *)where + i - 1) != (i & 255));
		bad += mp_queue_release(q) != 0;
	}
	is(bad, 0, "of any length, anywhere in the ring");
	put_all(0, 3);
	is(reserve(8, 0, &where), -ETIMEDOUT, "no room in a full queue");
	is(reserve(8, 5 * MS, &where), -ETIMEDOUT, "nor after 5 ms");
	ok(holds_nothing(), "nothing is held then");
}

static void peeking(void)
{
	const void *where = NULL;
	size_t length = 0;

	fresh(3, 24, 0);
	is(mp_queue_peek(q, 0, &where, &length), -ETIMEDOUT, "nothing to see");
	is(mp_queue_peek(q, 5 * MS, &where, &length), -ETIMEDOUT, "in 5 ms");
	put_all(7, 9);
	is(mp_queue_peek(q, 0, &where, &length), 0, "a message where it lies");
	ok(aligned(where) && length == 8 && *(const long *)where == 7,
	   "aligned, and whole");
	is(mp_queue_qsize(q), 2, "it is still in the queue");
	is(mp_queue_keep(q), 0, "kept");
	is(mp_queue_peek(q, -1, &where, NULL), 0, "seen again, length unasked");
	is(*(const long *)where, 7, "the same one");
	is(mp_queue_release(q), 0, "released");
	is(mp_queue_qsize(q), 1, "it is out");
	is(get(0), 8, "the next comes after it");
	ok(holds_nothing(), "nothing is held then");
	fresh(3, 24, MP_QUEUE_LEASE);
	put(1, 0);
	is(mp_queue_peek(q, 0, &where, &length), -EINVAL,
	   "no peek into a queue with leases");
}

static int commits(long length)
{
	return mp_queue_commit(q, (size_t)length);
}

static int cancels(long unused)
{
	(void)unused;
	return mp_queue_cancel(q);
}

static int releases(long unused)
{
	(void)unused;
	return mp_queue_release(q);
}

static int keeps(long unused)
{
	(void)unused;
	return mp_queue_keep(q);
}

static int closes(long unused)
{
	int64_t begin = mp_clock_now();

	(void)unused;
	return timely(begin, mp_queue_close(q));
}

static void not_mine(void)
{
	static int (*const call[])(long) = { commits, cancels, releases,
					     keeps };
	const void *seen;
	void *where;
	int bad = 0;

	fresh(3, 24, 0);
	put_all(0, 2);
	for (int i = 0; i < 4; i++)
		bad += call[i](0) != -EPERM;
	is(bad, 0, "commit, cancel, release, keep of nothing: -EPERM");
	reserve(8, 0, &where);
	bad = mp_queue_release(q) != -EPERM || mp_queue_keep(q) != -EPERM;
	is(bad, 0, "reserved: nothing to release");
	mp_queue_peek(q, 0, &seen, NULL);
	for (int i = 0; i < 4; i++)
		bad += end_of(start(call[i], 0)) != -EPERM ||
		       in_thread(call[i], 0) != -EPERM;
	is(bad, 0, "what another process or thread has: -EPERM");
	is(mp_queue_commit(q, 8), 0, "the one who has it can");
	is(mp_queue_commit(q, 8), -EPERM, "once");
	is(mp_queue_release(q), 0, "release");
	is(mp_queue_keep(q), -EPERM, "once");
	is(mp_queue_qsize(q), 2, "one put and one taken");
	ok(holds_nothing(), "nothing is held then");
}

static void deadlock(void)
{
	struct iovec v = { &in, 8 };
	const void *seen;
	void *where;
	int bad = 0;

	fresh(3, 24, 0);
	put_all(0, 2);
	reserve(8, 0, &where);
	for (int64_t t = -1; t < 2; t++)
		bad += put(1, t) != -EDEADLK ||
		       reserve(8, t, &where) != -EDEADLK ||
		       mp_queue_put_many(q, &v, 1, t) != -EDEADLK;
	is(bad, 0, "reserved: put, put_many, reserve by the same thread");
	is(mp_queue_close(q), -EDEADLK, "close");
	is(get(0), 0, "get is for the other end");
	mp_queue_peek(q, 0, &seen, NULL);
	for (int64_t t = -1; t < 2; t++)
		bad += get(t) != -EDEADLK ||
		       mp_queue_peek(q, t, &seen, NULL) != -EDEADLK ||
		       mp_queue_get_many(q, &v, 1, t) != -EDEADLK;
	is(bad, 0, "peeked: get, get_many, peek by the same thread");
	is(mp_queue_commit(q, 8), 0, "commit");
	is(mp_queue_release(q), 0, "and release are as ever");
	is(mp_queue_close(q), 0, "close too");
}

/* ---- others meanwhile ---- */

static void others(void)
{
	const void *seen;
	void *where;
	pid_t pid;

	fresh(3, 24, 0);
	reserve(8, 0, &where);
	*(long *)where = 1;
	is(end_of(start(puts_50, 0)), -EBUSY,
	   "reserved: put does not say full");
	is(end_of(start(puts_50, 5 * MS)), -ETIMEDOUT, "nor does it wait long");
	is(end_of(start(gets, 0)), -ETIMEDOUT, "the other end: empty");
	pid = start_asleep(puts_50, LONG);
	is(mp_queue_commit(q, 8), 0, "commit");
	is(end_of(pid), 0, "lets the next one put");
	is(get(0), 1, "whose message comes");
	is(get(0), 50, "after this one");

	put_all(0, 2);
	mp_queue_peek(q, 0, &seen, NULL);
	is(end_of(start(gets, 0)), -EBUSY,
	   "peeked: get does not say that it is empty");
	is(end_of(start(gets, 5 * MS)), -ETIMEDOUT, "it waits");
	is(end_of(start(puts_50, 0)), 0, "the other end: room");
	pid = start_asleep(gets, LONG);
	mp_queue_keep(q);
	is(end_of(pid), 0, "kept: the next one gets it");
	mp_queue_peek(q, 0, &seen, NULL);
	pid = start_asleep(gets, LONG);
	mp_queue_release(q);
	is(end_of(pid), 50, "released: the next one gets the next");

	reserve(8, 0, &where);
	pid = start_asleep(puts_50, LONG);
	mp_queue_cancel(q);
	is(end_of(pid), 0, "cancelled: the next one puts");
	get(0);
	mp_queue_peek(q, 0, &seen, NULL);
	mp_queue_keep(q);
	reserve(8, 0, &where);
	mp_queue_cancel(q);
	is(end_of(start(gets, 0)), -ETIMEDOUT, "nothing in place: empty");
	put_all(0, 3);
	is(end_of(start(puts_50, 0)), -ETIMEDOUT, "or full");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* The last message is in place; the queue is not empty before release. */
static void only_one(void)
{
	const void *seen;
	void *where;
	pid_t pid;

	fresh(1, 8, 0);
	put(1, 0);
	mp_queue_peek(q, 0, &seen, NULL);
	is(put(2, 0), -ETIMEDOUT, "a message in place takes its room");
	pid = start_asleep(puts_50, LONG);
	mp_queue_release(q);
	is(end_of(pid), 0, "until release, which wakes a putter");
	get(0);
	reserve(8, 0, &where);
	pid = start_asleep(gets, LONG);
	*(long *)where = 9;
	mp_queue_commit(q, 8);
	is(end_of(pid), 9, "commit wakes a getter");
	put(2, 0);
	pid = start_asleep(puts_50, LONG);
	is(get(0), 2, "room for one that sleeps");
	is(end_of(pid), 0, "which takes it");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- the end ---- */

static void ends(void)
{
	const void *seen;
	void *where;
	pid_t pid;

	fresh(3, 24, 0);
	reserve(8, 0, &where);
	*(long *)where = 5;
	pid = start_asleep(closes, 0);
	is(put(1, 0), -EDEADLK, "close waits for a message in place");
	is(mp_queue_commit(q, 8), 0, "which is put");
	is(end_of(pid), 0, "then the queue is closed");
	is(reserve(8, -1, &where), -ESHUTDOWN, "closed: no reserve");
	is(mp_queue_peek(q, -1, &seen, NULL), 0, "peek");
	is(*(const long *)seen, 5, "at what is there");
	is(mp_queue_release(q), 0, "release");
	is(mp_queue_peek(q, -1, &seen, NULL), -ESHUTDOWN, "then no peek");

	fresh(3, 24, 0);
	put(1, 0);
	reserve(8, 0, &where);
	mp_queue_peek(q, 0, &seen, NULL);
	pid = start_asleep(puts_50, LONG);
	is(mp_queue_shutdown(q), 0, "shutdown does not wait");
	is(end_of(pid), -ESHUTDOWN, "who waits for the one in place learns");
	is(end_of(start(gets, -1)), -ESHUTDOWN, "at both ends");
	is(end_of(start(closes, 0)), 0, "close does not wait either");
	mp_queue_commit(q, 8);
	is(mp_queue_release(q), 0, "what was in place is released");
	ok(holds_nothing(), "and nothing is held");
	is(reserve(8, -1, &where), -ESHUTDOWN, "shut down: no reserve");
	is(mp_queue_peek(q, -1, &seen, NULL), -ESHUTDOWN, "no peek");
}

int main(void)
{
	mp_backstop_set(0);
	reserving();
	peeking();
	not_mine();
	deadlock();
	others();
	only_one();
	ends();
	return tap_done();
}
