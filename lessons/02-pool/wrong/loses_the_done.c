/* loses_the_done.c - a wrong map.
 *
 * Mistake: it reports as lost even those items of the unit that are done.
 * Caught by: "correct: a worker is killed, at any point", "correct: and so is
 *         the one that replaces it", "correct: 600 items, three of which kill
 *         their worker"
 *
 * Build:  cc -O2 -I../exercise -I../../tools -o dynamic_map loses_the_done.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include "points.h"

/* Claim the next unit for the worker with the number `me`: which one it is.
 * -EAGAIN: none is left. */
int map_claim(struct map *m, unsigned me)
{
	/* HOLE 1: m->next tells which unit to try.  It is yours if a cas puts
	 * your number in place of FREE.  Whoever has got it, help m->next on,
	 * from this unit to the following one and no further, before you do
	 * anything else. */
	for (;;) {
		unsigned u = load(&m->next), old;

		if (u >= m->units)
			return -EAGAIN;
		old = cas(&m->unit[u], FREE, me);
		cas(&m->next, u, u + 1);
		if (old == FREE)
			return (int)u;
	}
	/* END 1 */
}

/* What a worker does: claim units and run their items, until none is left.
 * unit: one that it has already, from the dead one whose number it got; some
 * of its items may be done.  Or NONE.  0. */
int map_work(struct map *m, unsigned me, int unit)
{
	/* HOLE 2: of a unit, run the items whose status is NOT_BEGUN: BEGUN
	 * before the task, what it returned after it.  Then the unit is DONE.
	 * In the end, if all_done and the creator's mark, m->asleep, is set,
	 * ring. */
	if (unit == NONE)
		unit = map_claim(m, me);
	for (; unit >= 0; unit = map_claim(m, me)) {
		unsigned i = (unsigned)unit * m->chunk, end = i + m->chunk;

		for (; i < end && i < m->n; i++)
			if (load(&m->status[i]) == NOT_BEGUN) {
				store(&m->status[i], BEGUN);
				store(&m->status[i], task(m, i));
			}
		store(&m->unit[unit], DONE);
	}
	if (all_done(m) && load(&m->asleep))
		bell_ring(m);
	return 0;
	/* END 2 */
}

/* The worker with the number `dead` was killed; it has at most one unit. 0. */
int map_bury(struct map *m, unsigned dead)
{
	/* HOLE 3: find the unit with its number on it.  An item of this unit
	 * that is BEGUN is LOST.  Hire another worker, with this unit or NONE:
	 * it gets the number of the dead, and so all that has it. */
	int unit = NONE;

	for (unsigned u = 0; u < m->units; u++)
		if (load(&m->unit[u]) == dead)
			unit = (int)u;
	if (unit != NONE) {
		unsigned i = (unsigned)unit * m->chunk, end = i + m->chunk;

		for (; i < end && i < m->n; i++)
			if (load(&m->status[i]) != NOT_BEGUN)
				store(&m->status[i], LOST);
	}
	hire(m, dead, unit);
	return 0;
	/* END 3 */
}

/* The creator waits until the map is done: how many items are not WELL. */
int map_wait(struct map *m)
{
	/* HOLE 4: set the mark, look, and sleep as long as not all is done;
	 * bury who has died meanwhile.  Then take the mark off, and count. */
	int failed = 0, dead;

	store(&m->asleep, 1);
	while (!all_done(m)) {
		dead = bell_wait(m);
		if (dead)
			map_bury(m, (unsigned)dead);
	}
	store(&m->asleep, 0);
	for (unsigned i = 0; i < m->n; i++)
		failed += load(&m->status[i]) != WELL;
	return failed;
	/* END 4 */
}

#include "frame.h"
