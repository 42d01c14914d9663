/* contest - processes that do the same again and again for a fixed time.
 *
 * Counted for a fixed time, not timed for a fixed number: where the workers are
 * served unequally, the last ones would have the field to themselves.
 *
 *	static int work(struct contest *c, int index)
 *	{
 *		uint64_t n = 0;
 *
 *		while (contest_on(c)) {
 *			operation(c->arg);
 *			contest_count(c, index, ++n);
 *		}
 *		return 0;
 *	}
 *
 *	struct contest c = {.n = 4, .work = work};
 *	contest_measure(&c, st);
 *
 * One more process looks at the counts at the borders of the windows.  Workers
 * run where the scheduler puts them.  So look at `cpus`: two that share one CPU
 * hardly ever meet, and every lock then looks two to four times as fast.
 */
#ifndef HARNESS_CONTEST_H
#define HARNESS_CONTEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/gbench.h"

#define CONTEST_WORKERS 16
#define CONTEST_WINDOWS 64

struct contest_board; /* shared: contest.c */

struct contest {
	int n;
	void (*before)(int index, void *arg); /* or NULL; before the start */
	int (*work)(struct contest *c, int index); /* not 0: it failed */
	void *arg;

	/* Answers. */
	double ns;    /* for one operation, of all workers together */
	double share; /* the most / the fewest of a worker in a window: worst */
	double cpus;  /* that the workers had */
	uint64_t total; /* operations, those outside the windows too */
	char why[96];   /* after an error: a sentence */

	struct contest_board *board;
};

/* 0; or < 0, and why. */
int contest_run(struct contest *c, int windows, int64_t window_ns);

/* The same in a benchmark that is `once`, with the time, the counters
 * share_max_min and cpus_used, and how many windows the command line wants. */
void contest_measure(struct contest *c, struct gb_state *st);

/* Report what somebody else measured: see struct contest. */
void contest_report(const struct contest *c, struct gb_state *st);

/* Take the answers from the words of peers/peer.py's contest. */
void contest_answer(struct contest *c, char *words);

/* For --windows; 2 if it is not given.  Windows are 100 ms long, shorter with
 * --smoke and --counting. */
const char *contest_take_windows(const char *value);
int contest_windows(void);
int64_t contest_window_ns(void);

/* ---- for work, inline ---- */

/* A line each: nobody is slowed by another one's count. */
struct contest_slot {
	_Alignas(128) _Atomic uint64_t done;
	int64_t cpu_ns, began, ended;
};

struct contest_board {
	_Alignas(128) _Atomic uint32_t over;
	struct contest_slot slot[CONTEST_WORKERS];
	/* By the one who looks: */
	int64_t at[CONTEST_WINDOWS + 1];
	uint64_t done[CONTEST_WINDOWS + 1][CONTEST_WORKERS];
};

static inline bool contest_on(const struct contest *c)
{
	return !atomic_load_explicit(&c->board->over, memory_order_relaxed);
}

static inline void contest_count(const struct contest *c, int index, uint64_t n)
{
	atomic_store_explicit(&c->board->slot[index].done, n,
			      memory_order_relaxed);
}

#endif
