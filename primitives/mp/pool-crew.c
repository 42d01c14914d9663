/* pool-crew.c - the workers: start, death, replacement; where the creator
 * sleeps.
 *
 * One epoll descriptor holds the bell and the pidfd of each worker: whatever
 * happens ends the sleep.
 */
#include "mp/pool-own.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mp/backstop.h"
#include "mp/bell.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/eventfd.h"
#include "mp/poll.h"

#define BELL   UINT32_MAX /* in epoll's data; else the worker's number */
#define EVENTS 16

#define RETRY_NS 5000000 /* to start a worker for which there was no process */

static int watch(struct mp_pool *pool, uint32_t i)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };
	int fd = mp_process_fd(&pool->members[i].process);

	if (fd < 0)
		return fd;
	return epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int mp_crew_start(struct mp_pool *pool, uint32_t i)
{
	struct mp_pool_member *member = &pool->members[i];
	struct mp_pool_worker *worker = mp_pool_worker(pool->s, i);
	const int fds[] = { pool->bell, -1 };
	struct mp_process_options o = { .daemon = true,
					.no_interrupt = true,
					.server = pool->options.server,
					.shm = &pool->shm,
					.fds = fds };
	char name[MP_PROCESS_NAME_MAX];
	int error;

	snprintf(name, sizeof(name), "PoolWorker-%u", i + 1);
	o.name = name;
	worker->index = i;
	worker->items = 0;
	worker->pool = (uintptr_t)pool->s;
	atomic_store_explicit(&worker->state, MP_WORKER_STARTING,
			      memory_order_relaxed);
	error = mp_process_init(&member->process, mp_pool_work, worker, &o);
	if (error == 0)
		error = mp_process_start(&member->process);
	if (error < 0)
		return error;
	error = watch(pool, i);
	if (error < 0) {
		mp_process_kill(&member->process);
		mp_process_join(&member->process, -1);
		mp_process_close(&member->process);
		return error;
	}
	member->started = true;
	pool->alive++;
	return 0;
}

/* ---- death ---- */

/* It has ended, and is reaped: what did it leave? */
static void bury(struct mp_pool *pool, uint32_t i)
{
	struct mp_pool_member *member = &pool->members[i];
	struct mp_pool_worker *worker = mp_pool_worker(pool->s, i);

	if (mp_process_exitcode(&member->process, &member->exitcode) != 1)
		member->exitcode = -SIGKILL; /* nobody knows any more */
	/* Workers forked later have a copy of it: to close it is not enough. */
	epoll_ctl(pool->epoll, EPOLL_CTL_DEL, mp_process_fd(&member->process),
		  NULL);
	mp_process_close(&member->process);
	member->started = false;
	pool->alive--;
	if (atomic_load_explicit(&worker->state, memory_order_acquire) ==
	    MP_WORKER_READY)
		pool->barren = 0;
	else
		pool->barren++;
	atomic_store_explicit(&worker->looking, 0, memory_order_relaxed);
	mp_task_recover(pool, i);
	mp_map_recover(pool, i);
	/* It may have been about to wake another. */
	mp_gate_wake(&pool->s->work, INT_MAX, &pool->s->counters);
}

bool mp_crew_broken(const struct mp_pool *pool)
{
	return pool->barren > 16 + 4 * pool->s->workers;
}

static void replace(struct mp_pool *pool)
{
	if (pool->terminated || mp_crew_broken(pool) ||
	    atomic_load_explicit(&pool->s->closed, memory_order_relaxed))
		return;
	for (uint32_t i = 0; i < pool->s->workers; i++) {
		if (pool->members[i].started)
			continue;
		if (mp_crew_start(pool, i) < 0) {
			/* No process or descriptor to be had; try again. */
			pool->barren += pool->alive == 0;
			return;
		}
		pool->replaced++;
	}
}

void mp_crew_look(struct mp_pool *pool)
{
	struct epoll_event e[EVENTS];
	int n;

	pool->looked = mp_clock_now();
	do {
		n = epoll_wait(pool->epoll, e, EVENTS, 0);
		for (int i = 0; i < n; i++) {
			if (e[i].data.u32 == BELL)
				mp_eventfd_wait(pool->bell, 0, NULL);
			else if (mp_process_join(
					 &pool->members[e[i].data.u32].process,
					 0) != -ETIMEDOUT)
				bury(pool, e[i].data.u32);
		}
	} while (n == EVENTS);
	if (pool->alive < (int)pool->s->workers)
		replace(pool);
}

void mp_crew_kill(struct mp_pool *pool)
{
	for (uint32_t i = 0; i < pool->s->workers; i++)
		if (pool->members[i].started)
			mp_process_kill(&pool->members[i].process);
	for (uint32_t i = 0; i < pool->s->workers; i++) {
		if (!pool->members[i].started)
			continue;
		while (mp_process_join(&pool->members[i].process, -1) == -EINTR)
			;
		bury(pool, i);
	}
}

/* ---- sleep ---- */

int mp_crew_sleep(struct mp_pool *pool, bool (*ready)(const void *),
		  const void *arg, int64_t deadline)
{
	struct mp_pool_shared *s = pool->s;
	int64_t until = mp_backstop_deadline(deadline);
	int64_t late = mp_pool_end_late(pool);
	int64_t retry = mp_clock_now() + RETRY_NS;
	bool backstop = late > until && until != deadline;
	int error;

	if (pool->alive < (int)s->workers && retry < until)
		until = retry;
	mp_bell_arm(&s->bell);
	atomic_thread_fence(memory_order_seq_cst);
	mp_chaos();
	if (mp_pool_something(pool) || ready(arg))
		return 0;
	mp_counters_add(&s->counters, MP_SLEEPS);
	error = mp_poll(pool->epoll, POLLIN, late < until ? late : until);
	if (error == -EINTR)
		return error;
	if (error == -ETIMEDOUT && backstop && mp_pool_something(pool))
		mp_counters_add(&s->counters, MP_RESCUES);
	mp_crew_look(pool);
	return 0;
}
