/* Rings in shared memory without a library: what can be had for how little.
 *
 *	memcpy		no word is exchanged but four times a round: the line
 *			that nobody passes
 *	ring		one sender, one receiver: an index each, and spinning
 *	slots		many to many: Vyukov's bounded queue, a ticket a slot,
 *			try and yield; whoever is killed between taking a slot
 *			and filling it stops the others for ever
 *	mutex_cond	the textbook's: a mutex, two conditions
 *
 * Source of slots: Vyukov, "Bounded MPMC queue", 1024cores.net, 2011.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "mp/spin.h"
#include "ways/way.h"

#ifdef WAYS_FAULT /* for the tests: each 100th is damaged, or lost */
#define FAULT(n) ((n) % 100 == 99)
#else
#define FAULT(n) 0
#endif

/* ---- one sender, one receiver ---- */

struct ring {
	_Alignas(128) _Atomic uint64_t sent;
	/* The sender's. */
	uint64_t sent_mine, sent_at, sent_left, received_seen;
	_Alignas(128) _Atomic uint64_t received;
	/* The receiver's. */
	uint64_t received_mine, received_at, received_left, sent_seen;
	/* Constant. */
	_Alignas(128) uint64_t slots;
	uint64_t batch; /* how many are published at once */
	uint64_t free;  /* how many are given back at once */
	_Alignas(128) unsigned char data[];
};

static int ring_make_batch(struct channel *c, int parts)
{
	int n = channel_slots(c), e;
	struct ring *r;

	if (n < 1)
		return -EMSGSIZE;
	e = channel_memory(c, sizeof(*r) + (size_t)n * c->bytes);
	if (e < 0)
		return e;
	r = c->memory;
	r->slots = (uint64_t)n;
	r->batch = parts == 0 || n < parts ? 1 : (uint64_t)(n / parts);
	r->free = n > 8 ? (uint64_t)(n / 8) : 1;
	r->sent_left = r->batch;
	r->received_left = r->free;
	return 0;
}

static int ring_make(struct channel *c)
{
	return ring_make_batch(c, 0);
}

static int memcpy_make(struct channel *c)
{
	return ring_make_batch(c, 4);
}

static uint64_t await(const _Atomic uint64_t *word, uint64_t old)
{
	uint64_t new;

	/* Pairs with the releases of `sent` and `received`. */
	for (int i = 0;
	     (new = atomic_load_explicit(word, memory_order_acquire)) == old;
	     i++)
		if (i < 1000)
			mp_spin_relax();
		else
			sched_yield();
	return new;
}

static int ring_send(struct channel *c, int side, const void *data, size_t n)
{
	struct ring *r = c->memory;

	(void)side;
	if (r->sent_mine - r->received_seen == r->slots)
		r->received_seen = await(&r->received, r->received_seen);
	memcpy(r->data + r->sent_at * n, data, n);
	if (FAULT(r->sent_mine))
		r->data[r->sent_at * n + n - 1] ^= 1;
	r->sent_at = r->sent_at + 1 == r->slots ? 0 : r->sent_at + 1;
	r->sent_mine++;
	if (--r->sent_left == 0) {
		r->sent_left = r->batch;
		atomic_store_explicit(&r->sent, r->sent_mine,
				      memory_order_release);
	}
	return 0;
}

static int ring_receive(struct channel *c, int side, void *data, size_t n)
{
	struct ring *r = c->memory;

	(void)side;
	if (r->sent_seen == r->received_mine)
		r->sent_seen = await(&r->sent, r->sent_seen);
	memcpy(data, r->data + r->received_at * n, n);
	r->received_at =
		r->received_at + 1 == r->slots ? 0 : r->received_at + 1;
	r->received_mine++;
	/* Not each one: the line would travel back and forth. */
	if (--r->received_left == 0 || r->received_mine == r->sent_seen) {
		r->received_left = r->free;
		atomic_store_explicit(&r->received, r->received_mine,
				      memory_order_release);
	}
	return 0;
}

/* What is left of a batch. */
static int ring_leave(struct channel *c, int side)
{
	struct ring *r = c->memory;

	if (side == 0)
		atomic_store_explicit(&r->sent, r->sent_mine,
				      memory_order_release);
	return 0;
}

const struct way way_memcpy = { .name = "memcpy",
				.make = memcpy_make,
				.send = ring_send,
				.receive = ring_receive,
				.leave = ring_leave };
const struct way way_ring = { .name = "ring",
			      .make = ring_make,
			      .send = ring_send,
			      .receive = ring_receive };

/* ---- many to many ---- */

struct slots {
	_Alignas(128) _Atomic uint64_t tail;
	_Alignas(128) _Atomic uint64_t head;
	_Alignas(128) uint64_t mask, size; /* size: of a slot */
	uint64_t lost;                     /* by a fault */
	_Alignas(128) unsigned char data[];
};

/*  turn          the slot is
 *  position      free, for the message of this position
 *  position + 1  full
 */
struct slot {
	_Atomic uint64_t turn;
	unsigned char message[];
};

static struct slot *slot_at(struct slots *s, uint64_t position)
{
	return (struct slot *)(void *)(s->data +
				       (position & s->mask) * s->size);
}

static int slots_make(struct channel *c)
{
	size_t size = (sizeof(struct slot) + c->bytes + 127) / 128 * 128;
	struct slots *s;
	int n = channel_slots(c), e;

	if (n < 1)
		return -EMSGSIZE;
	if ((n & (n - 1)) != 0)
		return channel_missing(c, -EINVAL, "not a power of two");
	e = channel_memory(c, sizeof(*s) + (size_t)n * size);
	if (e < 0)
		return e;
	s = c->memory;
	s->mask = (uint64_t)n - 1;
	s->size = size;
	for (int i = 0; i < n; i++)
		slot_at(s, (uint64_t)i)->turn = (uint64_t)i;
	return 0;
}

/* Take the next position from `word` when its slot has that turn (plus lead);
 * yield until it has. */
static uint64_t take(struct slots *s, _Atomic uint64_t *word, uint64_t lead)
{
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed), turn;

	for (;;) {
		/* Pairs with the release of the slot's last user. */
		turn = atomic_load_explicit(&slot_at(s, old)->turn,
					    memory_order_acquire);
		if (turn == old + lead) {
			if (atomic_compare_exchange_weak_explicit(
				    word, &old, old + 1, memory_order_relaxed,
				    memory_order_relaxed))
				return old;
			continue;
		}
		if ((int64_t)(turn - (old + lead)) < 0)
			sched_yield();
		old = atomic_load_explicit(word, memory_order_relaxed);
	}
}

static int slots_send(struct channel *c, int side, const void *data, size_t n)
{
	struct slots *s = c->memory;
	uint64_t position;
	struct slot *slot;

	(void)side;
	if (FAULT(atomic_load_explicit(&s->tail, memory_order_relaxed)) &&
	    !s->lost++)
		return 0;
	position = take(s, &s->tail, 0);
	slot = slot_at(s, position);
	memcpy(slot->message, data, n);
	/* Pairs with the acquire in take. */
	atomic_store_explicit(&slot->turn, position + 1, memory_order_release);
	return 0;
}

static int slots_receive(struct channel *c, int side, void *data, size_t n)
{
	struct slots *s = c->memory;
	uint64_t position = take(s, &s->head, 1);
	struct slot *slot = slot_at(s, position);

	(void)side;
	memcpy(data, slot->message, n);
	atomic_store_explicit(&slot->turn, position + s->mask + 1,
			      memory_order_release);
	return 0;
}

const struct way way_slots = { .name = "ring",
			       .make = slots_make,
			       .send = slots_send,
			       .receive = slots_receive };

/* ---- a mutex, two conditions ---- */

struct textbook {
	pthread_mutex_t mutex;
	pthread_cond_t not_empty, not_full;
	uint64_t head, tail, slots;
	_Alignas(128) unsigned char data[];
};

static int textbook_make(struct channel *c)
{
	pthread_mutexattr_t m;
	pthread_condattr_t d;
	struct textbook *t;
	int n = channel_slots(c), e;

	if (n < 1)
		return -EMSGSIZE;
	e = channel_memory(c, sizeof(*t) + (size_t)n * c->bytes);
	if (e < 0)
		return e;
	t = c->memory;
	t->slots = (uint64_t)n;
	pthread_mutexattr_init(&m);
	pthread_condattr_init(&d);
	if (pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_condattr_setpshared(&d, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_mutex_init(&t->mutex, &m) != 0 ||
	    pthread_cond_init(&t->not_empty, &d) != 0 ||
	    pthread_cond_init(&t->not_full, &d) != 0)
		e = -ENOTSUP;
	pthread_mutexattr_destroy(&m);
	pthread_condattr_destroy(&d);
	return e;
}

static int textbook_send(struct channel *c, int side, const void *data,
			 size_t n)
{
	struct textbook *t = c->memory;

	(void)side;
	pthread_mutex_lock(&t->mutex);
	while (t->tail - t->head == t->slots)
		pthread_cond_wait(&t->not_full, &t->mutex);
	memcpy(t->data + t->tail++ % t->slots * n, data, n);
	pthread_cond_signal(&t->not_empty);
	pthread_mutex_unlock(&t->mutex);
	return 0;
}

static int textbook_receive(struct channel *c, int side, void *data, size_t n)
{
	struct textbook *t = c->memory;

	(void)side;
	pthread_mutex_lock(&t->mutex);
	while (t->tail == t->head)
		pthread_cond_wait(&t->not_empty, &t->mutex);
	memcpy(data, t->data + t->head++ % t->slots * n, n);
	pthread_cond_signal(&t->not_full);
	pthread_mutex_unlock(&t->mutex);
	return 0;
}

const struct way way_mutex_cond = { .name = "mutex_cond",
				    .make = textbook_make,
				    .send = textbook_send,
				    .receive = textbook_receive };
