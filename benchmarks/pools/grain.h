/* grain - measure one way to run tasks of one length: the family grain.
 *
 * The arguments of a row are the length in ns and the workers.
 */
#ifndef POOLS_GRAIN_H
#define POOLS_GRAIN_H

#include "pools/tasks.h"

/* start and stop: before and after all runs, or NULL.  run: all tasks once; the
 * ns, or < 0, after an error was said; *sum: of the tasks. */
struct grain {
	const char *name;
	void (*start)(struct gb_state *st);
	int64_t (*run)(struct gb_state *st, uint64_t *sum);
	void (*stop)(void);
	int64_t shortest; /* the first length that is measured */
	int64_t beside;   /* about what a task costs: for how many there are */
	const char *peer; /* OpenMP's schedule, Python's way */
};

/* setup, run and teardown of a benchmark whose user is a struct grain. */
void grain_setup(struct gb_state *st);
void grain_measure(struct gb_state *st);
void grain_teardown(struct gb_state *st);

/* For --ms: of work for each worker, in a run. */
const char *grain_take_ms(const char *text);

#endif
