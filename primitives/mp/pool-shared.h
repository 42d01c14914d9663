/* pool-shared - what creator and workers of a pool both see.
 *
 * Internal to pool-*.c, imap.c, result.c.  Floor 4.  Shared memory; addresses
 * in it (functions, arrays) are the same in all of them.
 *
 * Work stands in one ring, in the order in which it came.  An entry is a slot
 * (a task: one worker takes it whole) or a map (all workers help, until its
 * items are handed out).  The creator alone appends; `head` is the first entry
 * that may have something left, and is moved on by whoever sees that it has
 * not.  So a worker that dies anywhere leaves nothing that others wait for.
 *
 * Whatever a worker does it first writes down where the creator finds it when
 * the worker is dead: in the state of a slot, or in its progress in a map.
 */
#ifndef MP_POOL_SHARED_H
#define MP_POOL_SHARED_H

#include <stdatomic.h>

#include "mp/gate.h"
#include "mp/pool.h"
#include "mp/ring.h"

/* ---- one who runs items ----
 *
 *  claim            meaning
 *  0                claims nothing
 *  MP_CLAIMING      may have made its first fetch_add
 *  k|units|first    has units [first, first + units), and has begun their
 *                   items up to item k - 1; those before it have ended.  This
 *                   one has too if `failed` names it.  If the last of these
 *                   units is in the worker's bits, all have ended, and it may
 *                   have made its next fetch_add.  (In a slot units and first
 *                   are 0.)
 *
 *                   What a worker got that died before it could say so, the
 *                   bits of all others tell: pool-run.c.
 *
 *  failed           how many in this run, and which item, plus 1, was the last
 *
 *  since            if items are timed: when item k - 1 was begun; INT64_MAX:
 *                   none runs; MP_REVOKED: it ran too long, and the creator
 *                   kills this worker, which makes no further step
 */
#define MP_CLAIMING            UINT64_MAX
#define MP_CLAIM_ITEM          (UINT64_C(1) << 36) /* one step of k */
#define MP_CLAIM_ITEMS         (1u << 27)          /* k stays below */
#define MP_CLAIM(first, units) ((uint64_t)(units) << 18 | (first))
#define MP_CLAIM_FIRST(claim)  ((uint32_t)(claim)&0x3ffff)
#define MP_CLAIM_UNITS(claim)  ((uint32_t)((claim) >> 18) & 0x3ffff)
#define MP_CLAIM_BEGUN(claim)  ((claim) >> 36)
#define MP_REVOKED             (-1)

struct mp_pool_progress {
	_Alignas(64) _Atomic uint64_t claim;
	_Atomic uint64_t failed; /* count << 32 | item + 1 */
	_Atomic int64_t since;
	_Atomic uint64_t run; /* which run of the map all this is of */
};

struct mp_pool_worker {
	/* Ring position + 1 of the map it is in; 0: none.  Written first, then
	 * `head` is read again: while it is the same, the map is not taken away
	 * (a hazard pointer). */
	_Alignas(64) _Atomic uint64_t place;
	_Atomic uint32_t state;   /* MP_WORKER_… */
	uint32_t items;           /* run since it was started */
	_Atomic uint32_t looking; /* where it looks for work, plus 1; or 0 */
	uint32_t index;
	uint64_t pool; /* address of struct mp_pool_shared */
};

enum { MP_WORKER_STARTING, MP_WORKER_READY, MP_WORKER_FAILED };

/* ---- tasks ----
 *
 *  state              meaning                         leaves by     to
 *  FREE               in the creator's list           creator       READY
 *  READY              stands in the ring              a worker, CAS RUNNING
 *                                                     cancel, CAS   FREE
 *  RUNNING|worker     that worker runs its items      the worker    DONE
 *                                                     its death     READY, DONE
 *  DONE               the creator has not looked yet  creator       FREE
 *
 *  The high half counts the uses of a slot, and its entry in the ring names the
 *  use: so nobody who slept meanwhile takes it by an old entry.  Items of one
 *  slot run one after the other, from `first` on.
 */
enum { MP_SLOT_FREE, MP_SLOT_READY, MP_SLOT_RUNNING, MP_SLOT_DONE };
#define MP_SLOT_KIND(state)   ((uint32_t)(state)&0xff)
#define MP_SLOT_WORKER(state) ((uint32_t)(state) >> 8)
#define MP_SLOT_USE           (UINT64_C(1) << 32)
#define MP_SLOT_USES(state)   ((state) & ~(MP_SLOT_USE - 1))

/* An entry: a map's number, or a slot's and, as far as it fits, its use. */
#define MP_ENTRY_MAP         (UINT32_C(1) << 31)
#define MP_ENTRY_SLOT(entry) ((entry) % MP_POOL_TASKS_MAX)
#define MP_ENTRY(slot, state) \
	((slot) |             \
	 ((uint32_t)((state) >> 32) * MP_POOL_TASKS_MAX & ~MP_ENTRY_MAP))

struct mp_pool_slot {
	_Alignas(64) _Atomic uint64_t state;
	uint64_t fn;
	uint64_t index;             /* of item 0 */
	uint32_t count, first;      /* items; the first that is to be run */
	uint32_t room;              /* items that the parts of data are for */
	uint32_t in_size, out_size; /* of each item */
	uint32_t size;              /* of the result, if there is one item */
	uint32_t timed;
	struct mp_pool_progress progress;
	/* Statuses, items, results; each part from a multiple of 8. */
	unsigned char data[];
};

/* ---- maps ---- */

#define MP_MAPS      8                   /* at a time; others wait */
#define MP_UNITS_MAX (1u << 17)          /* of one map */
#define MP_STOP      (UINT64_C(1) << 40) /* in next: hand out no more */

struct mp_pool_map {
	/* Constant while it is in the ring. */
	_Alignas(64) uint64_t fn;
	uint64_t in, out, status; /* addresses; status may be 0 */
	uint64_t in_size, out_size;
	uint64_t n;      /* items */
	uint64_t index;  /* of item 0 */
	uint64_t run;    /* a new number each time it is put into the ring */
	uint32_t unit;   /* items in a unit, which is what is handed out */
	uint32_t units;  /* in all */
	uint32_t guided; /* claim as many units as is good; else one */
	uint32_t timed;
	uint32_t fail_fast;

	_Alignas(64) _Atomic uint64_t next; /* unit; by fetch_add */
	_Alignas(64) _Atomic uint32_t stop; /* begin no further item */
};

static inline bool mp_map_stopped(const struct mp_pool_map *m)
{
	return atomic_load_explicit(&m->stop, memory_order_relaxed) != 0;
}

/* True: not one of its units had been handed out. */
static inline bool mp_map_stop(struct mp_pool_map *m)
{
	atomic_store_explicit(&m->stop, 1, memory_order_relaxed);
	return atomic_fetch_or_explicit(&m->next, MP_STOP,
					memory_order_relaxed) == 0;
}

/* ---- all of it ---- */

struct mp_pool_shared {
	/* Constant. */
	_Alignas(64) uint32_t workers;
	uint32_t slots;
	uint32_t mask; /* of the ring, 2^k - 1 */
	uint32_t max_tasks;
	uint64_t slot_size; /* bytes, header and all */
	uint64_t initializer, arg;
	uint64_t ring, worker, slot, map, progress, bits, window; /* offsets */
	uint64_t bits_size; /* bytes of one worker's bits of one map */
	uint64_t window_size;
	int32_t bell_fd;

	_Alignas(64) _Atomic uint64_t tail; /* stored by the creator */
	_Atomic uint32_t closed;            /* leave when the ring is empty */
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) struct mp_gate work; /* workers sleep here */
	_Alignas(
		64) _Atomic uint32_t bell; /* the creator sleeps here; bell.h */
	_Atomic uint32_t cpu;              /* the creator's, plus 1, */
	_Atomic uint32_t taken_cpu;        /* and of who took something last */
	/* A bit for each slot that is DONE; the creator takes them. */
	_Alignas(64) _Atomic uint64_t done[MP_POOL_TASKS_MAX / 64];
	_Alignas(64) struct mp_counters counters;
};

static inline void *mp_pool_at(const struct mp_pool_shared *s, uint64_t offset)
{
	return (unsigned char *)(uintptr_t)s + offset;
}

static inline struct mp_pool_worker *mp_pool_worker(
	const struct mp_pool_shared *s, uint32_t i)
{
	return (struct mp_pool_worker *)mp_pool_at(s, s->worker) + i;
}

static inline struct mp_pool_slot *mp_pool_slot(const struct mp_pool_shared *s,
						uint32_t i)
{
	return mp_pool_at(s, s->slot + i * s->slot_size);
}

/* Does the slot of this entry, whose state that is, wait to be taken? */
static inline bool mp_pool_ready(uint32_t entry, uint64_t state)
{
	return MP_SLOT_KIND(state) == MP_SLOT_READY &&
	       MP_ENTRY(MP_ENTRY_SLOT(entry), state) == entry;
}

static inline struct mp_pool_map *mp_pool_map_at(const struct mp_pool_shared *s,
						 uint32_t i)
{
	return (struct mp_pool_map *)mp_pool_at(s, s->map) + i;
}

/* What worker w does in map i, and which units it has done there. */
static inline struct mp_pool_progress *mp_pool_progress(
	const struct mp_pool_shared *s, uint32_t i, uint32_t w)
{
	return (struct mp_pool_progress *)mp_pool_at(s, s->progress) +
	       (size_t)i * s->workers + w;
}

static inline uint64_t *mp_pool_bits(const struct mp_pool_shared *s, uint32_t i,
				     uint32_t w)
{
	return mp_pool_at(s, s->bits + ((uint64_t)i * s->workers + w) *
					       s->bits_size);
}

static inline _Atomic uint32_t *mp_pool_entry(const struct mp_pool_shared *s,
					      uint64_t position)
{
	return (_Atomic uint32_t *)mp_pool_at(s, s->ring) +
	       (position & s->mask);
}

/* The parts of a slot's data. */
static inline int32_t *mp_slot_status(struct mp_pool_slot *slot)
{
	return (int32_t *)(void *)slot->data;
}

static inline unsigned char *mp_slot_in(struct mp_pool_slot *slot)
{
	return slot->data + mp_ring_round(slot->room * sizeof(int32_t));
}

static inline unsigned char *mp_slot_out(struct mp_pool_slot *slot)
{
	return mp_slot_in(slot) +
	       mp_ring_round((size_t)slot->room * slot->in_size);
}

/* The life of a worker; arg is its struct mp_pool_worker. */
int mp_pool_work(void *arg);

#endif
