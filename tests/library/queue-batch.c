/* Queues: several messages at once. */
#include "mp/queue.h"

#include "queues.h"

enum { N = 10 };

static long from[N], to[N];
static struct iovec put_v[N], get_v[N];

/* The numbers first ... of 8 bytes; room for as many. */
static void vectors(long first)
{
	for (int i = 0; i < N; i++) {
		from[i] = first + i;
		to[i] = -1;
		put_v[i] = (struct iovec){ &from[i], sizeof(long) };
		get_v[i] = (struct iovec){ &to[i], sizeof(long) };
	}
}

static int put_many(int n, int64_t timeout_ns)
{
	return mp_queue_put_many(q, put_v, n, timeout_ns);
}

static int get_many(int n, int64_t timeout_ns)
{
	return mp_queue_get_many(q, get_v, n, timeout_ns);
}

/* Are the first n that were got the numbers from `first` on? */
static int got(int n, long first)
{
	int good = 1;

	for (int i = 0; i < n; i++)
		good &= to[i] == first + i && get_v[i].iov_len == 8;
	return good;
}

/* ---- in and out ---- */

static void all_of_them(void)
{
	fresh(N, 8 * N, 0);
	vectors(0);
	is(put_many(N, 0), N, "%d put at once", N);
	is(mp_queue_qsize(q), N, "are in the queue");
	is(get_many(N, 0), N, "and got at once");
	ok(got(N, 0), "in their order");
	is(get_many(N, 0), -ETIMEDOUT, "then none is left");
	vectors(0);
	is(put_many(1, -1), 1, "a batch of one");
	is(get_many(1, -1), 1, "is one");
	put_all(0, 3);
	vectors(0);
	is(get_many(2, 0), 2, "put one by one, got as a batch");
	ok(got(2, 0), "of the oldest");
	ok(to[2] == -1 && get_v[2].iov_len == 8, "and no more");
	is(get_many(N, -1), 1, "what is there, without waiting for more");
	put_many(3, 0);
	is(get(0) + get(0) + get(0), 3, "put as a batch, got one by one");
	is(count(MP_RESCUES) + count(MP_SLEEPS), 0, "without sleep or rescue");
}

static void none(void)
{
	static const int n[] = { 0, -1, INT32_MIN };
	int bad = 0;

	fresh(N, 8 * N, 0);
	vectors(0);
	for (int i = 0; i < 3; i++)
		bad += put_many(n[i], -1) != -EINVAL ||
		       get_many(n[i], -1) != -EINVAL;
	is(bad, 0, "0, -1, -2^31 messages: -EINVAL");
	is(mp_queue_qsize(q), 0, "nothing was put");
}

static void as_many_as_fit(void)
{
	fresh(4, 32, 0);
	vectors(0);
	is(put_many(N, 0), 4, "%d into a queue of 4: 4", N);
	is(put_many(N, 0), -ETIMEDOUT, "none into a full one");
	is(get(0), 0, "one got");
	vectors(4);
	is(put_many(N, 0), 1, "one put");
	is(get_many(N, 0), 4, "the 4 that are there");
	ok(got(4, 1), "in order");

	fresh(100, 16, 0); /* by bytes, at any place of the ring */
	for (int i = 0; i < 500; i++) {
		int n;

		vectors(i);
		n = put_many(N, 0);
		if (n < 2 || n != mp_queue_qsize(q) || get_many(N, 0) != n ||
		    !got(n, i)) {
			ok(0, "batch %d", i);
			return;
		}
		mp_queue_put(q, "xyz", (size_t)(i & 3), 0);
		mp_queue_get(q, to, 8, 0, NULL);
	}
	ok(1, "500 batches of what fits");
}

static void lengths(void)
{
	char zero, one[1], nine[9];
	struct iovec v[3] = { { &zero, 0 }, { one, 1 }, { nine, 9 } };

	fresh(10, 100, 0);
	is(mp_queue_put_many(q, v, 3, 0), 3, "messages of 0, 1 and 9 bytes");
	vectors(0);
	get_v[2] = (struct iovec){ nine, 9 };
	is(get_many(3, 0), 3, "got");
	ok(get_v[0].iov_len == 0 && get_v[1].iov_len == 1 &&
		   get_v[2].iov_len == 9,
	   "the lengths are told");
}

/* ---- too long, too small ---- */

static void too_long(void)
{
	fresh(10, 40, 0);
	vectors(0);
	put_v[0].iov_len = 41;
	is(put_many(3, -1), -EMSGSIZE, "the first is longer than any may be");
	is(mp_queue_qsize(q), 0, "nothing was put");
	put_v[0].iov_len = SIZE_MAX;
	is(put_many(3, 0), -EMSGSIZE, "2^64 - 1 bytes");
	vectors(0);
	put_v[2].iov_len = 41;
	is(put_many(N, -1), 2, "the third is: two are put");
	put_v[2].iov_len = SIZE_MAX;
	is(put_many(N, -1), 2, "2^64 - 1 bytes");
	is(mp_queue_qsize(q), 4, "those are there");
}

static void too_small(void)
{
	fresh(10, 80, 0);
	put_all(0, 5);
	vectors(0);
	get_v[0].iov_len = 7;
	is(get_many(3, -1), -EMSGSIZE, "the first space is too small");
	is((long long)get_v[0].iov_len, 8, "it tells the length");
	is(mp_queue_qsize(q), 5, "all are still there");
	vectors(0);
	get_v[2].iov_len = 7;
	is(get_many(5, -1), 2, "the third is: two are got");
	ok(got(2, 0), "as they were");
	is(mp_queue_qsize(q), 3, "the others are still there");
	is(get(0), 2, "the next is the third");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- waiting ---- */

static int gets_many(long n)
{
	int64_t begin = mp_clock_now();

	vectors(0);
	return timely(begin, get_many((int)n, LONG));
}

static int puts_many(long n)
{
	int64_t begin = mp_clock_now();

	vectors(0);
	return timely(begin, put_many((int)n, LONG));
}

static void waiting(void)
{
	pid_t pid[3];
	int sum = 0;

	fresh(4, 32, 0);
	vectors(0);
	pid[0] = start_asleep(gets_many, N);
	put_many(3, 0);
	is(end_of(pid[0]), 3,
	   "it waits for the first, and takes what is there");
	put_all(0, 4);
	pid[0] = start_asleep(puts_many, N);
	is(get_many(2, 0), 2, "two got");
	is(end_of(pid[0]), 2, "as many put by one that waited");
	is(mp_queue_qsize(q), 4, "full again");
	get_many(4, 0);

	for (int i = 0; i < 3; i++)
		pid[i] = start_asleep(gets, LONG);
	is(put_many(3, 0), 3, "three put for three that wait");
	for (int i = 0; i < 3; i++)
		sum += end_of(pid[i]);
	is(sum, 0 + 1 + 2, "each got one");
	put_all(0, 4);
	for (int i = 0; i < 3; i++)
		pid[i] = start_asleep(puts_50, LONG);
	is(get_many(3, 0), 3, "room for three that wait");
	for (int i = 0; i < 3; i++)
		sum += end_of(pid[i]);
	is(sum, 3, "each has put one");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* A getter sees all of a batch or none. */
static int puts_batches(long n)
{
	for (long i = 0; i < n; i++) {
		vectors(0);
		if (put_many(N, LONG) != N)
			return 1;
	}
	return 0;
}

static void all_or_none(void)
{
	enum { BATCHES = 1000 };
	int bad = 0, looks = 0, n;
	pid_t pid;

	fresh(N * BATCHES, 8 * N * BATCHES, 0);
	pid = start(puts_batches, BATCHES);
	while ((n = mp_queue_qsize(q)) < N * BATCHES && looks < 10000000) {
		bad += n % N != 0;
		looks++;
	}
	end_of(pid);
	is(bad, 0, "whenever one looks, whole batches are there");
	fresh(2 * N, 16 * N, 0);
	pid = start(puts_batches, BATCHES);
	for (int i = 0; i < BATCHES; i++) {
		vectors(0);
		bad += get_many(N, LONG) != N || !got(N, 0);
	}
	is(bad, 0, "%d batches, each got as one", BATCHES);
	is(end_of(pid), 0, "and put as one");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- with leases, and after the end ---- */

static void leases(void)
{
	int bad = 0;

	fresh(N, 8 * N, MP_QUEUE_LEASE);
	vectors(0);
	is(put_many(N, 0), N, "with leases: put");
	is(get_many(4, 0), 4, "four got at once");
	ok(got(4, 0), "in order");
	is(mp_queue_leased(q), 4, "are on lease");
	vectors(0);
	is(get_many(N, 0), N - 4, "the others");
	ok(got(N - 4, 4), "in order");
	is(put_many(1, 0), -ETIMEDOUT, "there is no room");
	for (int i = 0; i < N; i++)
		bad += mp_queue_task_done(q) != 0;
	is(bad, 0, "until they are done, one by one");
	is(put_many(N, 0), N, "then there is room for all");
	get_many(N, 0);
	while (mp_queue_task_done(q) == 0)
		;
	is(mp_queue_join(q, 0), 0, "all are done");
}

static void ends(void)
{
	fresh(N, 8 * N, 0);
	vectors(0);
	put_many(3, 0);
	mp_queue_close(q);
	is(put_many(3, -1), -ESHUTDOWN, "closed: no put");
	is(get_many(2, -1), 2, "get what is there");
	is(get_many(2, -1), 1, "all of it");
	is(get_many(2, -1), -ESHUTDOWN, "then the end");
	fresh(N, 8 * N, 0);
	put_many(3, 0);
	mp_queue_shutdown(q);
	is(put_many(3, -1), -ESHUTDOWN, "shut down: no put");
	is(get_many(2, -1), -ESHUTDOWN, "no get");
}

int main(void)
{
	mp_backstop_set(0);
	all_of_them();
	none();
	as_many_as_fit();
	lengths();
	too_long();
	too_small();
	waiting();
	all_or_none();
	leases();
	ends();
	return tap_done();
}
