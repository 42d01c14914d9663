/* See contest.h. */
#include "harness/contest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "harness/team.h"
#include "mp/clock.h"

#define LIMIT_NS 1000000000 /* for a beginning */

struct round {
	struct contest *c;
	int windows;
	int64_t window_ns;
};

static int windows = 2;

const char *contest_take_windows(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end != '\0' || n < 1 || n > CONTEST_WINDOWS)
		return "a number from 1 to 64 is wanted";
	windows = (int)n;
	return NULL;
}

int contest_windows(void)
{
	return gb_counting() || gb_smoke() ? 1 : windows;
}

int64_t contest_window_ns(void)
{
	return gb_smoke() ? 5000000 : gb_counting() ? 50000000 : 100000000;
}

static int64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000,
			      .tv_nsec = ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

static void note(const struct contest *c, int window)
{
	struct contest_board *b = c->board;

	b->at[window] = mp_clock_now();
	for (int i = 0; i < c->n; i++)
		b->done[window][i] = atomic_load_explicit(&b->slot[i].done,
							  memory_order_relaxed);
}

/* Done by all between two looks; *idle: how many did nothing. */
static uint64_t between(const struct contest *c, int from, int to, int *idle)
{
	const struct contest_board *b = c->board;
	uint64_t sum = 0;

	*idle = 0;
	for (int i = 0; i < c->n; i++) {
		uint64_t n = b->done[to][i] - b->done[from][i];

		sum += n;
		*idle += n == 0;
	}
	return sum;
}

/* The one who looks.  On a busy machine a worker may need longer than a window
 * to get a CPU at all: all must have begun, and something must be done. */
static int look(const struct round *r)
{
	const struct contest *c = r->c;
	int64_t limit = mp_clock_deadline(LIMIT_NS), start;
	int last = r->windows, idle = c->n;

	while (idle > 0 && mp_clock_left(limit) > 0) {
		sleep_until(mp_clock_now() + r->window_ns / 20);
		note(c, 1); /* 0 is the beginning, all zero */
		between(c, 0, 1, &idle);
	}
	start = mp_clock_now();
	for (int w = 0; w <= last; w++) {
		sleep_until(start + w * r->window_ns);
		note(c, w);
	}
	while (between(c, 0, last, &idle) == 0 && mp_clock_left(limit) > 0) {
		sleep_until(mp_clock_now() + r->window_ns / 20);
		note(c, last);
	}
	atomic_store_explicit(&c->board->over, 1, memory_order_relaxed);
	return 0;
}

static int member(int index, void *arg)
{
	const struct round *r = arg;
	struct contest_slot *mine = &r->c->board->slot[index];
	int64_t cpu;
	int result;

	if (index == r->c->n)
		return look(r);
	mine->began = mp_clock_now();
	cpu = cpu_now();
	result = r->c->work(r->c, index);
	mine->cpu_ns = cpu_now() - cpu;
	mine->ended = mp_clock_now();
	return result;
}

static void before(int index, void *arg)
{
	struct contest *c = ((const struct round *)arg)->c;

	if (index < c->n && c->before != NULL)
		c->before(index, c->arg);
}

/* The most that one did in a window, to the fewest. */
static double share(const struct contest *c, int window)
{
	const struct contest_board *b = c->board;
	uint64_t most = 0, fewest = UINT64_MAX;

	for (int i = 0; i < c->n; i++) {
		uint64_t n = b->done[window + 1][i] - b->done[window][i];

		most = n > most ? n : most;
		fewest = n < fewest ? n : fewest;
	}
	return (double)most / (fewest > 0 ? (double)fewest : 1.0);
}

static int judge(const struct round *r)
{
	struct contest *c = r->c;
	const struct contest_board *b = c->board;
	int64_t began = INT64_MAX, ended = 0, cpu = 0;
	int idle;
	uint64_t timed = between(c, 0, r->windows, &idle);

	c->total = 0;
	c->share = 1;
	for (int i = 0; i < c->n; i++) {
		const struct contest_slot *s = &b->slot[i];

		c->total += s->done;
		cpu += s->cpu_ns;
		began = s->began < began ? s->began : began;
		ended = s->ended > ended ? s->ended : ended;
	}
	if (timed == 0) {
		snprintf(c->why, sizeof(c->why), "nobody did anything");
		return -ENODATA;
	}
	for (int w = 0; w < r->windows; w++)
		c->share = share(c, w) > c->share ? share(c, w) : c->share;
	c->ns = (double)(b->at[r->windows] - b->at[0]) / (double)timed;
	c->cpus = (double)cpu / (double)(ended - began);
	return 0;
}

int contest_run(struct contest *c, int n, int64_t window_ns)
{
	struct round r = { .c = c, .windows = n, .window_ns = window_ns };
	struct team t = {
		.n = c->n + 1, .before = before, .work = member, .arg = &r
	};
	int64_t ns;
	int e;

	c->board = mmap(NULL, sizeof(*c->board), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->board == MAP_FAILED) {
		snprintf(c->why, sizeof(c->why), "no memory for the counts");
		return -ENOMEM;
	}
	e = team_run(&t, &ns);
	if (e < 0)
		memcpy(c->why, t.why, sizeof(c->why));
	else
		e = judge(&r);
	munmap(c->board, sizeof(*c->board));
	return e;
}

void contest_answer(struct contest *c, char *words)
{
	c->ns = (double)strtoll(words, &words, 10) / 1000;
	c->share = (double)strtoll(words, &words, 10) / 1000;
	c->cpus = (double)strtoll(words, &words, 10) / 1000;
	c->total = (uint64_t)strtoll(words, &words, 10);
}

void contest_report(const struct contest *c, struct gb_state *st)
{
	gb_operations(st, c->total);
	gb_time(st, (int64_t)(c->ns * (double)c->total));
	gb_counter(st, "share_max_min", c->share);
	gb_counter(st, "cpus_used", c->cpus);
}

void contest_measure(struct contest *c, struct gb_state *st)
{
	GB_LOOP(st)
	{
		if (contest_run(c, contest_windows(), contest_window_ns()) <
		    0) {
			gb_error(st, "%s", c->why);
			break;
		}
		contest_report(c, st);
	}
}
