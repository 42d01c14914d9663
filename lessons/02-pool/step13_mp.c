/* step13_mp.c - naps, a task that fails, a worker that is killed.  [works]
 *
 * Build:  cc -O2 -o step13_mp step13_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_pool_map(), and a status for each item
 * Try:    ./step13_mp
 * Kill:   ./step13_mp kill
 * Trace:  ./step13_mp trace=trace.json
 * See:    eight naps of one unit take two, with four workers.  With kill, and
 *         in the trace, one of the naps kills its worker.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mp/clock.h"
#include "mp/pool.h"
#include "mp/trace.h"

static struct mp_pool *pool;
static int in[8] = { 1, 2, 3, 4, 5 }, out[8], status[8];
static int64_t unit = 100; /* milliseconds, or RAWMP_UNIT_MS */
static bool deadly;

static int square(struct mp_task *t)
{
	int x = *(const int *)t->in;

	*(int *)t->out = x * x;
	return x < 0 ? -EDOM : 0;
}

static int nap(struct mp_task *t)
{
	usleep((useconds_t)unit * 500);
	if (deadly && t->index == 5)
		raise(SIGKILL);
	usleep((useconds_t)unit * 500);
	*(int *)t->out = 2 * (int)t->index;
	return 0;
}

static void map(int (*fn)(struct mp_task *), int n)
{
	struct mp_call call = { .status = status };
	int rc = mp_pool_map(pool, fn, in, 4, (size_t)n, out, 4, &call);

	if (rc < 0)
		errx(1, "map: %s", strerror(-rc));
	for (int i = 0; i < n; i++) {
		if (status[i] == 0)
			printf("%d", out[i]);
		else
			printf("(%s)", strerror(-status[i]));
		printf(i < n - 1 ? " " : "\n");
	}
}

int main(int argc, char *argv[])
{
	const char *how = argc > 1 ? argv[1] : "",
		   *ms = getenv("RAWMP_UNIT_MS");
	bool trace = strncmp(how, "trace=", 6) == 0;
	int64_t begin;

	deadly = trace || strcmp(how, "kill") == 0;
	if (*how && !deadly)
		errx(2, "'%s' is not kill or trace=FILE", how);
	unit = ms ? atoi(ms) : unit;
	if ((trace && mp_trace_start(4096) < 0) ||
	    mp_pool_create(&pool, 4, NULL) < 0)
		errx(1, "no pool");
	map(square, 5);
	begin = mp_clock_now();
	map(nap, 8);
	begin = mp_clock_now() - begin;
	printf("units: %d\n", (int)(begin / 1000000 / unit));
	in[2] = -3;
	map(square, 5);
	printf("workers replaced: %d\n", (int)mp_pool_replaced(pool));
	mp_pool_close(pool);
	mp_pool_join(pool, -1);
	if (trace && mp_trace_write(how + 6) < 0)
		errx(1, "'%s' cannot be written", how + 6);
	return -mp_pool_destroy(pool);
}
