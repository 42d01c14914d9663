/* Our pool: its workers are made before it is timed, and have the results'
 * memory from then on. */
#include "speedups/method.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mp/clock.h"
#include "mp/pool.h"

static struct mp_pool *pool;
static const struct job *job; /* the workers inherit it */

static int item(struct mp_task *t)
{
	return job_task(job, (uint32_t)t->index);
}

int pool_begin(struct job *j, int n, char why[96])
{
	int e;

	job = j;
	e = mp_pool_create(&pool, n, NULL);
	if (e < 0)
		snprintf(why, 96, "a pool of %d: %s", n, strerror(-e));
	return e;
}

int pool_once(const struct method *m, struct job *j, int n, int64_t *ns,
	      char why[96])
{
	const struct mp_call call = { .shared = true };
	int64_t begin = mp_clock_now();
	int e = mp_pool_map(pool, item, NULL, 0, j->n, j->results, j->stride,
			    &call);

	*ns = mp_clock_now() - begin;
	(void)m;
	(void)n;
	if (e > 0) {
		snprintf(why, 96, "%d of %u tasks failed", e, j->n);
		e = -ECHILD;
	}
	return e;
}

void pool_end(void)
{
	mp_pool_destroy(pool);
	pool = NULL;
}

static int64_t cpu_of(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &t) < 0)
		return 0;
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Of this process and the workers. */
int64_t pool_cpu(void)
{
	int64_t ns = cpu_of(0);

	for (int i = 0; i < mp_pool_workers(pool); i++)
		ns += cpu_of(mp_pool_worker_pid(pool, i));
	return ns;
}
