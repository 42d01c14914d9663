/* queue.h - for the programs that kill a user of a queue: the queue, who puts
 * and gets, and the books.
 *
 * A message is its number and some more bytes, which the number tells.  1, 2,
 * ... lie in the queue before; the victim puts 100, 101, ..., the others 200,
 * 201, ...  At the end each number that was put must have been got, by the
 * victim, by another, or by the one who empties the queue.
 *
 * The ring is turned before, so that the first message of each story runs on
 * behind its end.
 */
#ifndef KILL_QUEUE_H
#define KILL_QUEUE_H

#include <errno.h>
#include <string.h>

#include "driver.h"
#include "mp/queue.h"

#define ITEMS  3
#define BYTES  96
#define MINE   100 /* the victim's first */
#define THEIRS 200 /* the others' */

/* The queue comes behind it. */
struct world {
	_Alignas(64) int32_t seen[16];
};
static struct world *w;
static struct mp_queue *q;

static int mixed;  /* messages of several lengths, or all of 8 bytes */
static int number; /* what the next other puts */

/* ---- messages */

static inline size_t length_of(int n)
{
	return mixed ? 4 + (size_t)n * 13 % 25 : 8;
}

static inline void write_message(unsigned char *p, int n)
{
	int32_t number32 = n;

	memcpy(p, &number32, sizeof(number32));
	for (size_t i = 4; i < length_of(n); i++)
		p[i] = (unsigned char)(n * 31 + (int)i);
}

/* The number, or -EIO: not what was written. */
static inline int read_message(const unsigned char *p, size_t length)
{
	int32_t n;

	if (length < sizeof(n))
		return -EIO;
	memcpy(&n, p, sizeof(n));
	if (n <= 0 || length != length_of(n))
		return -EIO;
	for (size_t i = 4; i < length; i++)
		if (p[i] != (unsigned char)(n * 31 + (int)i))
			return -EIO;
	return n;
}

static inline int put(int n, int64_t timeout_ns)
{
	unsigned char message[BYTES];

	write_message(message, n);
	return mp_queue_put(q, message, length_of(n), timeout_ns);
}

/* The number of the message, or an error. */
static inline int get(int64_t timeout_ns)
{
	unsigned char message[BYTES];
	size_t length;
	int rc = mp_queue_get(q, message, sizeof(message), timeout_ns, &length);

	return rc < 0 ? rc : read_message(message, length);
}

static inline int done(int rc)
{
	int error = rc > 0 ? mp_queue_task_done(q) : 0;

	return error < 0 ? -EIO : rc;
}

/* ---- the others */

static inline int putter(struct other *self)
{
	other_at(self, 1);
	return put(number, -1);
}

static inline int getter(struct other *self)
{
	other_at(self, 1);
	return get(-1);
}

/* Takes one, and says that it is done. */
static inline int worker(struct other *self)
{
	other_at(self, 1);
	return done(get(-1));
}

static inline int joiner(struct other *self)
{
	other_at(self, 1);
	return mp_queue_join(q, -1);
}

/* How many there were. */
static inline int drainer(struct other *self)
{
	int n = 0, rc;

	(void)self;
	for (;;) {
		rc = done(get(0));
		if (rc == -ETIMEDOUT || rc == -ESHUTDOWN)
			return n;
		if (rc < 0 || n == COUNT(w->seen))
			return rc < 0 ? rc : -EIO;
		w->seen[n++] = rc;
	}
}

/* As long as it is new: full with ITEMS messages, and again. */
static inline int filler(struct other *self)
{
	int rc;

	(void)self;
	for (int lap = 0; lap < 3; lap++) {
		if (!mp_queue_empty(q) || mp_queue_full(q))
			return -EIO;
		for (int i = 1; i <= ITEMS; i++)
			if ((rc = put(i, 0)) < 0)
				return rc;
		if (put(ITEMS + 1, 0) != -ETIMEDOUT ||
		    mp_queue_qsize(q) != ITEMS || !mp_queue_full(q))
			return -EIO;
		for (int i = 1; i <= ITEMS; i++)
			if ((rc = done(get(0))) != i)
				return rc < 0 ? rc : -EIO;
		if (get(0) != -ETIMEDOUT)
			return -EIO;
	}
	return 0;
}

/* ---- the driver's books */

static int got[300];                   /* how often each number was got */
static uint32_t tail_0, head_0;        /* at the beginning of the story */
static int puts_by_then, gets_by_then; /* at the moment of the kill */

static inline uint32_t passed(const _Atomic uint64_t *end)
{
	return (uint32_t)atomic_load(end);
}

/* All that were put since the beginning of the story. */
static inline int put_so_far(void)
{
	return (int)(passed(&q->tail) - tail_0);
}

static inline int got_so_far(void)
{
	return (int)(passed(&q->head) - head_0);
}

static inline void look(void)
{
	puts_by_then = put_so_far();
	gets_by_then = got_so_far();
}

static inline void collect(int n)
{
	must(n > 0 && n < COUNT(got), "a message: %d", n);
	if (n > 0 && n < COUNT(got))
		got[n]++;
}

/* n numbers from `first` were got so often. */
static inline void due(int first, int n, int times)
{
	for (int i = first; i < first + n; i++)
		must(got[i] == times, "number %d was got %d times, not %d", i,
		     got[i], times);
}

/* All that is left; what one process put in its order. */
static inline int drain(void)
{
	int n = other_run(drainer), last = 0;

	must(n >= 0, "the queue can be emptied: %d", n);
	for (int i = 0; i < n; i++) {
		int k = w->seen[i];

		collect(k);
		if (k >= THEIRS) /* each by another one */
			continue;
		must(k > last, "%d came after %d", k, last);
		last = k;
	}
	must(mp_queue_qsize(q) == 0, "%d are left", mp_queue_qsize(q));
	return n;
}

static inline void as_new(void)
{
	int rc = other_run(filler);

	must(rc == 0, "the queue works as a new one: %d", rc);
}

/* Another one takes a message. */
static inline void take(void)
{
	int rc = other_run(getter);

	collect(rc);
}

static inline void start_getter(int i)
{
	other_start(i, getter);
	other_reach(i, 1);
	other_asleep(i);
}

static inline void start_putter(int i)
{
	number = THEIRS + i;
	other_start(i, putter);
	other_reach(i, 1);
	other_asleep(i);
}

static inline void start_joiner(int i)
{
	other_start(i, joiner);
	other_reach(i, 1);
	other_asleep(i);
}

/* Another one puts a number of its own. */
static inline void give(int n)
{
	int rc;

	number = n;
	rc = other_run(putter);
	must(rc == 0, "%d can be put: %d", n, rc);
}

/* ---- worlds */

/* The next record begins in the last bytes of the ring. */
static inline void turn(void)
{
	uint64_t step = mixed ? 8 : 16; /* an empty one, one of 8 bytes */
	unsigned char message[8] = { 0 };
	size_t length = mixed ? 0 : 8;

	if (q->flags & MP_QUEUE_LEASE)
		step += sizeof(struct mp_owner_node);
	while ((atomic_load(&q->tail) >> 32 << 3) + step < q->ring) {
		must(mp_queue_put(q, message, length, 0) == 0, "turned");
		must(mp_queue_get(q, message, 8, 0, &length) == 0, "turned");
		must(mp_queue_task_done(q) == 0, "turned");
	}
}

static inline void new_queue(uint32_t flags, int n)
{
	must(mp_queue_init(q, ITEMS, BYTES, flags) == 0, "init");
	turn();
	tail_0 = passed(&q->tail);
	head_0 = passed(&q->head);
	memset(got, 0, sizeof(got));
	for (int i = 1; i <= n; i++)
		must(put(i, 0) == 0, "number %d is put", i);
	tail_0 = passed(&q->tail);
}

static inline void empty(void)
{
	mixed = 0;
	new_queue(0, 0);
}

static inline void one(void)
{
	mixed = 0;
	new_queue(0, 1);
}

static inline void full(void)
{
	mixed = 0;
	new_queue(0, ITEMS);
}

static inline void mixed_empty(void)
{
	mixed = 1;
	new_queue(0, 0);
}

static inline void mixed_full(void)
{
	mixed = 1;
	new_queue(0, ITEMS);
}

static inline int queue_main(int argc, char **argv, const struct story *stories,
			     int n)
{
	w = kill_world(sizeof(*w) + mp_queue_size(ITEMS, BYTES));
	q = (struct mp_queue *)(w + 1);
	kill_counters(&q->counters);
	kill_counters(&q->put_lock.counters);
	kill_counters(&q->get_lock.counters);
	return kill_main(argc, argv, stories, n);
}

#endif
