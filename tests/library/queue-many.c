/* Queues with many putters and getters: each message once, those of a putter in
 * its order, nobody asleep for ever. */
#include "mp/queue.h"

#include "queues.h"

enum { MOST = 8 };

struct message {
	uint32_t who, number;
	uint64_t sum; /* of the length and what follows */
	unsigned char rest[48];
};

/* What the children count together. */
struct books {
	_Atomic uint64_t messages, bytes, bad;
};

static struct books *books;
static int putters, getters, each; /* messages of each putter */
static int64_t patience;           /* of one call */

static size_t length_of(uint32_t number)
{
	return offsetof(struct message, rest) + number * 7 % 49;
}

static void fill(struct message *m, uint32_t who, uint32_t number)
{
	*m = (struct message){ .who = who, .number = number };
	m->sum = length_of(number) + who;
	for (size_t i = 0; i < sizeof(m->rest); i++) {
		m->rest[i] = (unsigned char)(number * 31 + who + i);
		if (offsetof(struct message, rest) + i < length_of(number))
			m->sum += m->rest[i];
	}
}

static int good(const struct message *m, size_t length)
{
	uint64_t sum = length + m->who;

	for (size_t i = offsetof(struct message, rest); i < length; i++)
		sum += m->rest[i - offsetof(struct message, rest)];
	return sum == m->sum && length == length_of(m->number);
}

/* Did time, a handler, or somebody with a message in place end the call? */
static int again(int error)
{
	if (error != -ETIMEDOUT && error != -EINTR && error != -EBUSY)
		return 0;
	sched_yield();
	return 1;
}

static int put_one(const struct message *m, int how)
{
	struct iovec v = { (void *)(uintptr_t)m, length_of(m->number) };
	void *where;
	int error;

	if (how == 0)
		return mp_queue_put(q, m, v.iov_len, patience);
	if (how == 1)
		return mp_queue_put_many(q, &v, 1, patience) - 1;
	error = mp_queue_reserve(q, sizeof(*m), patience, &where);
	if (error < 0)
		return error;
	memcpy(where, m, v.iov_len);
	return mp_queue_commit(q, v.iov_len);
}

static int putter(long who)
{
	struct message m;
	int error;

	for (int i = 0; i < each; i++) {
		fill(&m, (uint32_t)who, (uint32_t)i);
		/* (put_many says 1 - 1, or its error - 1.) */
		while ((error = put_one(&m, i % 3)) != 0)
			if (!again(i % 3 == 1 ? error + 1 : error))
				return 1;
	}
	return 0;
}

static int get_one(struct message *m, size_t *length, int how)
{
	struct iovec v = { m, sizeof(*m) };
	const void *where;
	int error;

	if (how == 0)
		return mp_queue_get(q, m, sizeof(*m), patience, length);
	if (how == 1) {
		error = mp_queue_get_many(q, &v, 1, patience);
		*length = v.iov_len;
		return error == 1 ? 0 : error;
	}
	error = q->flags & MP_QUEUE_LEASE
			? mp_queue_lease(q, patience, &where, length)
			: mp_queue_peek(q, patience, &where, length);
	if (error < 0)
		return error;
	memcpy(m, where, *length);
	return q->flags & MP_QUEUE_LEASE ? 0 : mp_queue_release(q);
}

static int getter(long unused)
{
	int64_t last[MOST], bad = 0;
	struct message m;
	size_t length;
	int error;

	(void)unused;
	memset(last, -1, sizeof(last));
	for (int i = 0;; i++) {
		error = get_one(&m, &length, i % 3);
		if (error == -ESHUTDOWN)
			break;
		if (again(error))
			continue;
		if (error != 0 || !good(&m, length) || m.who >= MOST) {
			bad++;
			break;
		}
		bad += m.number <= last[m.who];
		last[m.who] = m.number;
		atomic_fetch_add(&books->messages, 1);
		atomic_fetch_add(&books->bytes, length);
		bad += mp_queue_task_done(q) != 0;
	}
	atomic_fetch_add(&books->bad, (uint64_t)bad);
	return bad != 0;
}

/* Start all, let the putters end, close, let the getters end. */
static void run(const char *what)
{
	uint64_t bytes = 0, total = (uint64_t)(putters * each);
	pid_t pid[2 * MOST];
	int bad = 0, error;

	memset(books, 0, sizeof(*books));
	for (int i = 0; i < each; i++)
		bytes += length_of((uint32_t)i) * (uint64_t)putters;
	for (int i = 0; i < putters + getters; i++)
		pid[i] = i < putters ? start(putter, i) : start(getter, i);
	for (int i = 0; i < putters; i++)
		bad += end_of(pid[i]) != 0;
	while ((error = mp_queue_join(q, LONG)) == -EINTR)
		;
	bad += error != 0;
	mp_queue_close(q);
	for (int i = 0; i < getters; i++)
		bad += end_of(pid[putters + i]) != 0;
	ok(bad == 0 && books->bad == 0 && books->messages == total &&
		   books->bytes == bytes && mp_queue_empty(q),
	   "%s: %d putters, %d getters, %u items%s: each once, in order", what,
	   putters, getters, q->items, q->flags ? ", leases" : "");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static void shapes(int64_t timeout_ns, int n, const char *what)
{
	static const int shape[][2] = {
		{ 1, 1 }, { 2, 2 }, { 4, 1 }, { 1, 4 }, { 3, 3 }
	};
	static const uint32_t items[] = { 1, 2, 16, 1000 };

	patience = timeout_ns;
	each = n;
	for (int i = 0; i < 5; i++) {
		putters = shape[i][0];
		getters = shape[i][1];
		for (int k = 0; k < 4; k++) {
			if ((i + k) % 2) /* half of them */
				continue;
			fresh(items[k], 64 * items[k],
			      i % 2 ? MP_QUEUE_LEASE : 0);
			run(what);
		}
	}
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* All on one CPU from their first instruction on. */
static int one_cpu(long unused)
{
	(void)unused;
	pin();
	shapes(LONG, 500, "on one CPU");
	return tap_failures;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A million messages, from one process to one. */
static int puts_a_million(long n)
{
	for (long i = 0; i < n; i++)
		if (put(i, LONG) != 0)
			return 1;
	return 0;
}

static void a_million(void)
{
	enum { N = 1000000 };
	long number, bad = 0;
	pid_t pid;

	fresh(1000, 8000, 0);
	pid = start(puts_a_million, N);
	for (long i = 0; i < N && bad == 0; i++)
		bad += mp_queue_get(q, &number, 8, LONG, NULL) != 0 ||
		       number != i;
	is(bad, 0, "a million messages, in order");
	is(end_of(pid), 0, "all put");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* Signals all the time: calls end with -EINTR, and no message is lost. */
static int signals(long unused)
{
	(void)unused;
	for (;;) {
		kill(0, SIGUSR1);
		for (int i = 0; i < 20; i++)
			sched_yield();
	}
	return 0;
}

static void with_handlers(void)
{
	pid_t pid;

	handle(SIGUSR1, on_signal, 0);
	setpgid(0, 0);
	pid = start(signals, 0);
	shapes(LONG, 300, "interrupted");
	killed(pid);
	signal(SIGUSR1, SIG_IGN);
}

int main(void)
{
	books = share(sizeof(*books));
	mp_backstop_set(0);
	shapes(LONG, 2000, "patient");
	shapes(1000, 500, "for a microsecond each");
	shapes(0, 300, "trying only");
	with_handlers();
	a_million();
	one_cpu(0);
	return tap_done();
}
