/* busy - the task whose length can be chosen, the same for all who run it.
 *
 * A task is a loop of so many rounds, each of which needs the result of the one
 * before: a multiplication and an addition, about a nanosecond.  It begins with
 * the sum of the tasks before it, so that a processor cannot run two of them at
 * once; without that, ten tasks of 5 ns would take no longer than one of 15.
 *
 * The sum tells whether each task was run, and once: it is the same in whatever
 * order, and by however many.
 *
 *	static struct busy mine;
 *	uint32_t rounds = busy_rounds(100);	 some 100 ns
 *
 *	for (uint64_t i = 0; i < n; i++)
 *		busy(&mine, i, rounds);
 *	mine.sum == busy_sum(n, rounds)
 */
#ifndef POOLS_BUSY_H
#define POOLS_BUSY_H

#include <stdint.h>

/* One for each who runs tasks, alone in its cache lines; zeroed at first. */
struct busy {
	_Alignas(128) uint64_t sum;
	uint64_t zero; /* stays 0, which the compiler does not know */
};

/* Never inline: all run the same instructions. */
void busy(struct busy *b, uint64_t index, uint32_t rounds);

/* How many rounds take so long here and now, the call included. */
uint32_t busy_rounds(int64_t ns);

/* The sum of tasks 0 to n - 1; takes as long as they do. */
uint64_t busy_sum(uint64_t n, uint32_t rounds);

#endif
