/* pool.c - birth, work and end of a pool, from its creator's side. */
#include "mp/pool-own.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/eventfd.h"
#include "mp/owner.h"

#define TASKS        256
#define TASK_BYTES   4032
#define WINDOW_BYTES ((size_t)4 << 20)
#define BYTES_MAX    ((size_t)1 << 40) /* of either */

/* ---- who may call ---- */

int mp_pool_check(const struct mp_pool *pool)
{
	return pool->owner == mp_owner_get()->id ? 0 : -EPERM;
}

int mp_pool_open(const struct mp_pool *pool, int (*fn)(struct mp_task *))
{
	if (mp_pool_check(pool) < 0)
		return -EPERM;
	if (fn == NULL)
		return -EINVAL;
	if (pool->closed)
		return -ESHUTDOWN;
	return mp_crew_broken(pool) && pool->alive == 0 ? -ECHILD : 0;
}

/* ---- birth ---- */

static void set_options(struct mp_pool *pool, const struct mp_pool_options *o)
{
	if (o != NULL)
		pool->options = *o;
	if (pool->options.tasks == 0)
		pool->options.tasks = TASKS;
	if (pool->options.task_bytes == 0)
		pool->options.task_bytes = TASK_BYTES;
	if (pool->options.window_bytes == 0)
		pool->options.window_bytes = WINDOW_BYTES;
	pool->task_bytes = mp_ring_round(pool->options.task_bytes) + 8;
	/* Parts that begin at a multiple of 64, with room for a byte each. */
	pool->window_bytes =
		(pool->options.window_bytes + 256 * MP_WINDOWS - 1) /
		(256 * MP_WINDOWS) * (256 * MP_WINDOWS);
}

/* Lay out the shared memory: the offsets, and the size of all as result. */
static size_t lay_out(const struct mp_pool *pool, uint32_t workers,
		      struct mp_pool_shared *s)
{
	uint32_t ring = 64;
	size_t at = sizeof(*s);

	*s = (struct mp_pool_shared){
		.workers = workers,
		.slots = pool->options.tasks,
		.max_tasks = pool->options.max_tasks,
		.initializer = (uintptr_t)pool->options.initializer,
		.arg = (uintptr_t)pool->options.arg,
		.slot_size = (sizeof(struct mp_pool_slot) + 8 +
			      pool->task_bytes + 63) /
			     64 * 64,
		.bits_size = MP_UNITS_MAX / 8,
		.bell_fd = pool->bell,
	};
	while (ring < s->slots + MP_MAPS + 1)
		ring *= 2;
	s->mask = ring - 1;
	s->ring = at;
	at += ring * sizeof(uint32_t);
	s->worker = at;
	at += workers * sizeof(struct mp_pool_worker);
	s->map = at;
	at += MP_MAPS * sizeof(struct mp_pool_map);
	s->progress = at;
	at += (size_t)MP_MAPS * workers * sizeof(struct mp_pool_progress);
	s->slot = at;
	at += s->slots * s->slot_size;
	s->bits = at;
	at += MP_MAPS * workers * s->bits_size;
	s->window = at;
	return at + pool->window_bytes;
}

static int prepare(struct mp_pool *pool, uint32_t workers)
{
	struct mp_pool_shared s;
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = UINT32_MAX };
	int error;

	pool->bell = mp_eventfd_create(0, 0);
	if (pool->bell < 0)
		return pool->bell;
	pool->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (pool->epoll < 0 ||
	    epoll_ctl(pool->epoll, EPOLL_CTL_ADD, pool->bell, &e) < 0)
		return -errno;
	error = mp_shm_create(&pool->shm, NULL, lay_out(pool, workers, &s));
	if (error < 0)
		return error;
	pool->s = pool->shm.addr;
	*pool->s = s;
	pool->members = calloc(workers, sizeof(*pool->members));
	pool->orders = calloc(s.slots, sizeof(*pool->orders));
	pool->free_slots = malloc(s.slots * sizeof(*pool->free_slots));
	if (pool->members == NULL || pool->orders == NULL ||
	    pool->free_slots == NULL)
		return -ENOMEM;
	while (pool->nfree < s.slots) {
		pool->free_slots[pool->nfree] = s.slots - 1 - pool->nfree;
		pool->nfree++;
	}
	return 0;
}

/* Have all workers run their initializers?  One may have failed. */
static bool initialized(const void *arg)
{
	const struct mp_pool *pool = arg;
	uint32_t state;

	if (pool->barren > 0)
		return true;
	for (uint32_t i = 0; i < pool->s->workers; i++) {
		state = atomic_load_explicit(&mp_pool_worker(pool->s, i)->state,
					     memory_order_acquire);
		if (state == MP_WORKER_STARTING)
			return false;
	}
	return true;
}

static bool initializer_failed(const struct mp_pool *pool)
{
	for (uint32_t i = 0; i < pool->s->workers; i++)
		if (atomic_load_explicit(&mp_pool_worker(pool->s, i)->state,
					 memory_order_acquire) !=
		    MP_WORKER_READY)
			return true;
	return false;
}

static void free_all(struct mp_pool *pool)
{
	for (int i = 0; i < MP_MAPS; i++)
		free(pool->slabs[i].rest);
	free(pool->members);
	free(pool->orders);
	free(pool->free_slots);
	if (pool->s != NULL)
		mp_shm_close(&pool->shm);
	if (pool->epoll >= 0)
		close(pool->epoll);
	if (pool->bell >= 0)
		close(pool->bell);
	free(pool);
}

static int start_crew(struct mp_pool *pool)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < pool->s->workers; i++)
		error = mp_crew_start(pool, i);
	if (error == 0 && pool->options.initializer != NULL) {
		/* Nobody is replaced until all have begun. */
		pool->terminated = true;
		error = mp_pool_wait(pool, initialized, pool, -1);
		pool->terminated = false;
		if (error == 0 && initializer_failed(pool))
			error = -ECANCELED;
	}
	return error;
}

int mp_pool_create(struct mp_pool **pool, int workers,
		   const struct mp_pool_options *o)
{
	struct mp_pool *p;
	int error;

	if (workers < 1 || workers > MP_POOL_WORKERS_MAX ||
	    (o != NULL &&
	     (o->tasks > MP_POOL_TASKS_MAX || o->task_bytes > BYTES_MAX ||
	      o->window_bytes > BYTES_MAX)))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->epoll = p->bell = -1;
	p->owner = mp_owner_get()->id;
	p->last = &p->first;
	p->last_called = &p->called;
	set_options(p, o);
	error = prepare(p, (uint32_t)workers);
	if (error == 0)
		error = start_crew(p);
	if (error < 0) {
		p->terminated = true;
		if (p->alive > 0)
			mp_crew_kill(p);
		free_all(p);
		return error;
	}
	*pool = p;
	return 0;
}

/* ---- work ---- */

static bool never(const void *arg)
{
	(void)arg;
	return false;
}

struct since {
	const struct mp_pool *pool;
	uint64_t done;
};

static bool more_done(const void *arg)
{
	const struct since *since = arg;

	return since->pool->done != since->done ||
	       since->pool->outstanding == 0;
}

int mp_pool_collect(struct mp_pool *pool, int64_t timeout_ns)
{
	struct since since = { pool, pool->done };
	int error = mp_pool_check(pool);

	if (error < 0)
		return error;
	error = mp_pool_wait(pool, timeout_ns == 0 ? never : more_done, &since,
			     timeout_ns);
	if (error < 0 && error != -ETIMEDOUT)
		return error;
	return pool->done - since.done > INT_MAX
		       ? INT_MAX
		       : (int)(pool->done - since.done);
}

/* ---- end ---- */

int mp_pool_close(struct mp_pool *pool)
{
	int error = mp_pool_check(pool);

	if (error == 0)
		pool->closed = true;
	return error;
}

int mp_pool_terminate(struct mp_pool *pool)
{
	int error = mp_pool_check(pool);

	if (error < 0)
		return error;
	if (!pool->terminated) {
		pool->closed = pool->terminated = true;
		mp_crew_kill(pool);
		mp_task_collect(pool);
		mp_task_abandon(pool);
		mp_map_abandon(pool);
	}
	mp_pool_tend(pool);
	return 0;
}

static bool all_done(const void *arg)
{
	const struct mp_pool *pool = arg;

	return pool->outstanding == 0;
}

static bool all_gone(const void *arg)
{
	const struct mp_pool *pool = arg;

	return pool->alive == 0;
}

int mp_pool_join(struct mp_pool *pool, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	int error = mp_pool_check(pool);

	if (error < 0)
		return error;
	if (!pool->closed)
		return -EBUSY;
	if (pool->depth > 0)
		return -EDEADLK;
	error = mp_pool_wait(pool, all_done, pool, timeout_ns);
	if (error < 0)
		return error;
	if (atomic_exchange_explicit(&pool->s->closed, 1,
				     memory_order_seq_cst) == 0)
		mp_gate_wake(&pool->s->work, INT_MAX, &pool->s->counters);
	return mp_pool_wait(pool, all_gone, pool,
			    timeout_ns < 0 ? -1 : mp_clock_left(deadline));
}

int mp_pool_destroy(struct mp_pool *pool)
{
	int error;

	if (pool == NULL)
		return 0;
	error = mp_pool_check(pool);
	if (error < 0)
		return error;
	if (pool->depth > 0)
		return -EBUSY;
	mp_pool_terminate(pool);
	free_all(pool);
	return 0;
}

int mp_pool_workers(const struct mp_pool *pool)
{
	return pool->alive;
}

pid_t mp_pool_worker_pid(const struct mp_pool *pool, int i)
{
	return i < 0 || i >= (int)pool->s->workers || !pool->members[i].started
		       ? 0
		       : mp_process_pid(&pool->members[i].process);
}

uint64_t mp_pool_replaced(const struct mp_pool *pool)
{
	return pool->replaced;
}

const struct mp_counters *mp_pool_counters(const struct mp_pool *pool)
{
	return &pool->s->counters;
}
