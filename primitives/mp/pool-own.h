/* pool-own - what the creator of a pool knows and does.
 *
 * Internal to pool*.c, result.c, imap.c.  Floor 4.  Private memory.
 *
 *	pool.c		birth and end
 *	pool-call.c	jobs
 *	pool-tend.c	the ring; waiting
 *	pool-crew.c	workers: start, death, replacement; the creator's sleep
 *	pool-task.c	slots
 *	pool-map.c	maps: in and out
 *	pool-run.c	maps: what the dead leave
 *	pool-late.c	items that run too long
 *
 * The other side is pool-work.h.
 */
#ifndef MP_POOL_OWN_H
#define MP_POOL_OWN_H

#include "mp/imap.h"
#include "mp/pool-shared.h"
#include "mp/process.h"
#include "mp/result.h"
#include "mp/shm.h"

struct mp_pool_member {
	struct mp_process process;
	bool started;
	int exitcode;
};

/* A slot, seen from here: whose it is. */
struct mp_pool_order {
	struct mp_result *result; /* one of the two */
	struct mp_imap_state *imap;
	uint32_t tries, retries; /* of the item at `first` */
	int64_t timeout_ns;
	uint64_t position; /* in the ring */
	bool settled;      /* of an imap: done, and not taken */
	bool cancelled;    /* free once the ring has passed it */
};

/* Items of a slab that have to be run: at first all, and later what the dead
 * leave. */
struct mp_pool_span {
	size_t first, n;
	uint32_t tries;
};

/* As many items of a map as are in the ring at once. */
struct mp_pool_slab {
	struct mp_result *result; /* NULL: free */
	size_t first, n;          /* of its items */
	unsigned char *window;    /* where they were copied to, or NULL */
	unsigned char *in, *out;
	int32_t *status;
	size_t failed;

	struct mp_pool_span run; /* what is in the ring now */
	uint64_t position;       /* and where */
	bool doubt;              /* somebody died while claiming */
	bool hollow; /* nothing is left, but it still stands in the ring */
	struct mp_pool_span *rest;
	size_t nrest, room;
};

#define MP_WINDOWS 4

struct mp_pool {
	/* Constant. */
	uint64_t owner; /* id of the thread that may call */
	struct mp_shm shm;
	struct mp_pool_shared *s;
	struct mp_pool_options options;
	size_t task_bytes, window_bytes;

	/* The crew. */
	struct mp_pool_member *members;
	int epoll, bell;
	int alive;
	uint32_t barren; /* deaths in a row before any work */
	uint64_t replaced;
	int64_t looked;  /* when the crew was last looked after */
	uint32_t tended; /* times since then */

	/* Tasks. */
	struct mp_pool_order *orders;
	uint32_t *free_slots;
	uint32_t nfree, ncancelled;
	uint32_t used; /* slots that ever were: others are no memory yet */

	/* Maps. */
	struct mp_pool_slab slabs[MP_MAPS];
	struct mp_result *first, **last; /* maps with items in no slab */
	bool windows[MP_WINDOWS];        /* taken */
	uint64_t runs;
	struct {
		const void *addr;
		size_t size;
	} checked[3]; /* known to be shared */

	/* Results. */
	uint64_t outstanding, done;
	struct mp_result *called, **last_called; /* callbacks to run */
	int timed;           /* jobs with a timeout under way, */
	int64_t shortest_ns; /* and the shortest of these */
	int depth;           /* in callbacks */

	bool closed, terminated;
};

static inline uint64_t mp_pool_load(const _Atomic uint64_t *word)
{
	/* Pairs with the release with which its writer stored it. */
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void mp_pool_timed(struct mp_pool *pool,
				 const struct mp_call *call)
{
	if (call->timeout_ns <= 0)
		return;
	if (pool->timed++ == 0 || call->timeout_ns < pool->shortest_ns)
		pool->shortest_ns = call->timeout_ns;
}

static inline void mp_pool_store(_Atomic uint64_t *word, uint64_t value)
{
	/* Whoever reads it sees what was written before. */
	atomic_store_explicit(word, value, memory_order_release);
}

/* ---- pool.c, pool-tend.c ---- */

/* May the caller call?  0, -EPERM. */
int mp_pool_check(const struct mp_pool *pool);

/* May it give the pool another job?  0, -EPERM, -ESHUTDOWN, -EINVAL. */
int mp_pool_open(const struct mp_pool *pool, int (*fn)(struct mp_task *));

/* Take results, hand out work, run callbacks. */
void mp_pool_tend(struct mp_pool *pool);

/* Is there something for it to do? */
bool mp_pool_something(struct mp_pool *pool);

/* Do that until ready(arg).  0, -ETIMEDOUT, -EINTR, -ECHILD. */
int mp_pool_wait(struct mp_pool *pool, bool (*ready)(const void *),
		 const void *arg, int64_t timeout_ns);

/* One more entry, for which there always is room; n workers are wanted.  Where
 * it stands. */
uint64_t mp_pool_append(struct mp_pool *pool, uint32_t entry, int n);

/* Move head over what has been taken, or taken back. */
void mp_pool_pass(struct mp_pool *pool);

/* r is done. */
void mp_pool_finish(struct mp_pool *pool, struct mp_result *r);

/* ---- pool-crew.c ---- */

int mp_crew_start(struct mp_pool *pool, uint32_t i);
void mp_crew_kill(struct mp_pool *pool);

/* Too many have died before they could work. */
bool mp_crew_broken(const struct mp_pool *pool);

/* Reap, recover, replace. */
void mp_crew_look(struct mp_pool *pool);

/* Sleep until the bell is rung, a worker dies, or the deadline.  Once the bell
 * is armed, ready(arg) is looked at, and whether something is done.
 * 0: look again.  -EINTR. */
int mp_crew_sleep(struct mp_pool *pool, bool (*ready)(const void *),
		  const void *arg, int64_t deadline_ns);

/* ---- pool-task.c ---- */

/* Is a slot free?  Or is one, now that head has moved? */
bool mp_task_room(struct mp_pool *pool);

/* A slot with its header filled in for count items: its number.  -EAGAIN. */
int mp_task_take(struct mp_pool *pool, int (*fn)(struct mp_task *),
		 size_t in_size, size_t out_size, uint32_t count,
		 const struct mp_call *call);
void mp_task_publish(struct mp_pool *pool, uint32_t i);
void mp_task_free(struct mp_pool *pool, uint32_t i);

/* It has not begun, and never will: 0.  -EBUSY: it has. */
int mp_task_cancel(struct mp_pool *pool, uint32_t i);

bool mp_task_any_done(const struct mp_pool *pool);
void mp_task_collect(struct mp_pool *pool);

/* Worker w died: what becomes of what it ran. */
void mp_task_recover(struct mp_pool *pool, uint32_t w);
void mp_task_abandon(struct mp_pool *pool);

/* ---- pool-map.c, pool-run.c ---- */

void mp_map_issue(struct mp_pool *pool);
bool mp_map_any_done(struct mp_pool *pool);
void mp_map_collect(struct mp_pool *pool);
void mp_map_recover(struct mp_pool *pool, uint32_t w);
void mp_map_cancel(struct mp_pool *pool, struct mp_result *r);
void mp_map_abandon(struct mp_pool *pool);

/* ---- pool-late.c ---- */

/* End items that run too long; the moment at which the next one will have. */
int64_t mp_pool_end_late(struct mp_pool *pool);

/* ---- imap.c ---- */

/* A slot of it is done. */
void mp_imap_settle(struct mp_imap_state *it, uint32_t slot);

#endif
