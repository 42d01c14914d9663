/* gate - where processes sleep until something is there to be had.
 *
 * Internal to queue*.c, lease.c and pool-*.c; in the headers for the size only.
 * Floor 2.
 *
 * An event count: who finds nothing marks the gate, looks once more, and sleeps
 * until the gate changes; who has brought something opens it, after publishing.
 *
 *	waiter					bringer
 *	while (!something())			publish
 *		mp_gate_wait(g, something)	release a lock (an exchange)
 *						mp_gate_open(g, 1)
 *
 * Without a sleeper, opening is one load.  Between publishing and that load
 * stands a full fence, for which the exchange that frees a lock will do.
 *
 * Source: Reed and Kanodia, "Synchronization with Eventcounts and Sequencers",
 * 1979; the form with a mark for sleepers is that of folly and others.
 */
#ifndef MP_GATE_H
#define MP_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "mp/counters.h"
#include "mp/fence.h"

struct mp_gate {
	_Atomic uint32_t word; /* states in gate.c */
};

/* Sleep until the gate is opened, something(arg) holds, or the deadline.
 * 0: look again.  -ETIMEDOUT.  -EINTR. */
int mp_gate_wait(struct mp_gate *g, bool (*something)(const void *),
		 const void *arg, int64_t deadline_ns, struct mp_counters *c);

/* Wake n of those who sleep. */
void mp_gate_wake(struct mp_gate *g, int n, struct mp_counters *c);

/* The same for who has just published by, or before, an exchange or another
 * read-modify-write. */
static inline void mp_gate_open(struct mp_gate *g, int n, struct mp_counters *c)
{
	mp_fence_after();
	if (atomic_load_explicit(&g->word, memory_order_relaxed) & 1)
		mp_gate_wake(g, n, c);
}

#endif
