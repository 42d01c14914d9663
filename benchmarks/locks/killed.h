/* killed - the holder of a lock is killed: how long until the next one has it?
 *
 * One process holds the lock, a second one sleeps in acquire, the first gets
 * SIGKILL.  The time is from before the kill until acquire has returned.
 */
#ifndef LOCKS_KILLED_H
#define LOCKS_KILLED_H

#include "locks/kind.h"

/* The CPUs for the holder and for the next owner; -1: any. */
struct killed_place {
	int holder, next;
};

/* 0 and the time; *result is what acquire said.  < 0: and a sentence.  Nobody
 * is left in any case. */
int killed_run(const struct kind *k, struct arena *a,
	       const struct killed_place *p, int64_t *ns, int *result,
	       char why[96]);

#endif
