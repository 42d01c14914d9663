/* queues.h - for tests of queues: one queue, shared with children, and what
 * children do with it.
 *
 *	fresh(3, 24, 0);		 3 messages of together 24 bytes
 *	put(7, -1);			 the number 7, 8 bytes long
 *	pid_t pid = start_asleep(gets, LONG);
 *	...
 *	is(end_of(pid), 7, "got");	 below 100, or the error
 */
#ifndef QUEUES_H
#define QUEUES_H

#include "mp/backstop.h"
#include "mp/queue.h"
#include "waiting.h"

enum { SPACE = 1 << 20 };

static struct mp_queue *q;

/* An empty queue in the same memory. */
__attribute__((unused)) static void fresh(uint32_t items, size_t bytes,
					  uint32_t flags)
{
	if (q == NULL)
		q = share(SPACE);
	if (mp_queue_size(items, bytes) > SPACE ||
	    mp_queue_init(q, items, bytes, flags) < 0)
		errx(1, "mp_queue_init");
}

static inline int put(long number, int64_t timeout_ns)
{
	return mp_queue_put(q, &number, sizeof(number), timeout_ns);
}

/* The number, or an error. */
static inline int get(int64_t timeout_ns)
{
	long number = 0;
	int error = mp_queue_get(q, &number, sizeof(number), timeout_ns, NULL);

	return error < 0 ? error : (int)number;
}

/* The length of the next message, got into enough space; or an error. */
static inline int get_length(void *buf, size_t size)
{
	size_t length = 0;
	int error = mp_queue_get(q, buf, size, 0, &length);

	return error < 0 ? error : (int)length;
}

static inline void put_all(int from, int to)
{
	for (int i = from; i < to; i++)
		if (put(i, 0) != 0)
			errx(1, "put %d", i);
}

static inline uint64_t count(enum mp_counter which)
{
	return mp_counters_get(&q->counters, which);
}

/* ---- what children do ---- */

static inline int gets(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	return timely(begin, get(timeout_ns));
}

/* 50, for LONG. */
static inline int puts_50(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	return timely(begin, put(50, timeout_ns));
}

static inline int joins(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	return timely(begin, mp_queue_join(q, timeout_ns));
}

/* A child that sleeps in a call of the queue. */
static inline pid_t start_asleep(int (*f)(long), long arg)
{
	pid_t pid = start(f, arg);

	await(asleep(pid));
	return pid;
}

#endif
