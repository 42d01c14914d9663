/* trips.c - one task, or two, there and back; and a pool made for one. */
#include "pools/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/openmp.h"
#include "harness/python.h"
#include "mp/clock.h"
#include "mp/counters.h"
#include "pools/ours.h"

#define PACE_NS 1000000

static int following(struct mp_task *t)
{
	uint64_t x;

	memcpy(&x, t->in, sizeof(x));
	x++;
	memcpy(t->out, &x, sizeof(x));
	return 0;
}

static int by_apply(void)
{
	uint64_t in = 41, out = 0;
	int e = mp_pool_apply(pool_ours, following, &in, sizeof(in), &out,
			      sizeof(out), NULL);

	return e != 0 ? e : out == 42 ? 0 : -EBADMSG;
}

static int by_map2(void)
{
	uint64_t in[2] = { 1, 2 }, out[2] = { 0 };
	int e = mp_pool_map(pool_ours, following, in, sizeof(in[0]), 2, out,
			    sizeof(out[0]), NULL);

	return e != 0 ? e : out[0] == 2 && out[1] == 3 ? 0 : -EBADMSG;
}

static int by_create(void)
{
	uint64_t in = 41, out = 0;
	int e = mp_pool_create(&pool_ours, POOL_WORKERS, NULL);

	if (e < 0)
		return e;
	e = mp_pool_map(pool_ours, following, &in, sizeof(in), 1, &out,
			sizeof(out), NULL);
	mp_pool_destroy(pool_ours); /* terminates it, and waits */
	pool_ours = NULL;
	return e != 0 ? e : out == 42 ? 0 : -EBADMSG;
}

/* The least that two workers cost, and a process for each of two tasks. */
static int by_fork(void)
{
	pid_t pid[POOL_WORKERS];
	int e = 0;

	for (int i = 0; i < POOL_WORKERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(0);
		if (pid[i] < 0)
			e = -errno;
	}
	for (int i = 0; i < POOL_WORKERS; i++) {
		int status = 0;

		while (pid[i] > 0 && waitpid(pid[i], &status, 0) < 0 &&
		       errno == EINTR)
			;
		if (status != 0 && e == 0)
			e = -ECHILD;
	}
	return e;
}

/* CPU time of this process; a system call, which is not to be counted. */
static int64_t own_cpu(void)
{
	struct timespec t = { 0 };

	if (!gb_counting())
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Between two: awake, only the workers sleep.  What this process used. */
static int64_t await(int64_t due)
{
	int64_t before = own_cpu();

	while (mp_clock_now() < due)
		;
	return own_cpu() - before;
}

/* The CPU time that it used between. */
static int64_t timed(struct gb_state *st, int (*once)(void), int64_t pace)
{
	int64_t begin, end = mp_clock_now(), waited = 0;
	int e;

	GB_LOOP(st)
	{
		if (pace > 0)
			waited += await(end + pace);
		begin = mp_clock_now();
		e = once();
		end = mp_clock_now();
		if (e != 0) {
			gb_error(st, "%s", e < 0 ? strerror(-e) : "it failed");
			break;
		}
		gb_time(st, end - begin);
		histogram_record(pool_histogram, end - begin);
	}
	if (!gb_failed(st))
		histogram_report(pool_histogram, st);
	return waited;
}

static uint64_t sleeps(void)
{
	return mp_counters_get(mp_pool_counters(pool_ours), MP_SLEEPS);
}

/* How often somebody slept tells whether it is what it is called. */
static void timed_pool(struct gb_state *st, int (*once)(void), int64_t pace)
{
	static const struct usage unknown = { -1, -1, -1, -1 };
	double n = (double)gb_iterations(st);
	int64_t cpu, waited;
	uint64_t slept;

	if (once() != 0)
		gb_error(st, "the first one failed");
	slept = sleeps();
	cpu = ours_cpu(pool_ours);
	gb_usage(st, &unknown); /* getrusage does not know the workers */
	waited = timed(st, once, pace);
	gb_counter(st, "cpu_ns",
		   (double)(ours_cpu(pool_ours) - cpu - waited) / n);
	gb_counter(st, "sleeps", (double)(sleeps() - slept) / n);
}

void pool_apply_asleep(struct gb_state *st)
{
	timed_pool(st, by_apply, PACE_NS);
}

void pool_apply_awake(struct gb_state *st)
{
	timed_pool(st, by_apply, 0);
}

void pool_map2(struct gb_state *st)
{
	timed_pool(st, by_map2, 0);
}

void pool_create(struct gb_state *st)
{
	timed(st, by_create, 0);
}

void pool_forks(struct gb_state *st)
{
	timed(st, by_fork, 0);
}

void pool_map2_openmp(struct gb_state *st)
{
	int n = gb_smoke() ? 100 : 20000;

	GB_LOOP(st)
	{
		char *answer = openmp_ask(st, "loops %d %d", POOL_WORKERS, n);

		if (answer == NULL)
			break;
		gb_operations(st, (uint64_t)n);
		gb_time(st, strtoll(answer, &answer, 10));
		for (int i = 0; i < n; i++)
			histogram_record(pool_histogram,
					 strtoll(answer, &answer, 10));
	}
	if (!gb_failed(st))
		histogram_report(pool_histogram, st);
}

void pool_python(struct gb_state *st)
{
	const struct question *q = gb_user(st);
	char words[64];

	snprintf(words, sizeof(words), "%s %" PRId64, q->words,
		 gb_iterations(st));
	python_ask_for_all(st, words, pool_histogram, histogram_report);
}
