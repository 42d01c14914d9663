/* counters - what an object did, counted beside it in shared memory.
 *
 * Python: none.  Floor 1.  Any process, any thread, a signal handler.
 *
 * Lives in: shared memory; all zero bytes are a fresh set.  Counters tell
 * tests, graders and plots what happened; nothing in the library ever decides
 * by them.  A process killed between an event and its count leaves the count
 * one short.
 *
 *	static struct mp_counters *c;		 in shared memory
 *
 *	mp_futex_wait(&word, 0, deadline, c);
 *	if (mp_counters_get(c, MP_SLEEPS) != 0)
 *		puts("somebody slept");
 */
#ifndef MP_COUNTERS_H
#define MP_COUNTERS_H

#include "mp/api.h"

enum mp_counter {
	MP_SLEEPS,    /* calls of FUTEX_WAIT */
	MP_WAKES,     /* calls of FUTEX_WAKE */
	MP_CONTENDED, /* acquisitions that did not succeed at once */
	MP_RESCUES,   /* sleeps that only a look ended: backstop.h */
	MP_COUNTERS
};

struct mp_counters {
	_Atomic uint64_t n[MP_COUNTERS];
};

/* Count one event.  c may be NULL: nothing is counted. */
MP_API void mp_counters_add(struct mp_counters *c, enum mp_counter which);

/* How many so far; 0 for NULL. */
MP_API uint64_t mp_counters_get(const struct mp_counters *c,
				enum mp_counter which);

#endif
