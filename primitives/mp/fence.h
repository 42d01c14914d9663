/* fence - a full fence that costs only the side that is about to sleep.
 *
 * Internal to gate, pipe-*.c, pool-*.c and wait.c.  Floor 1.  Any process, any
 * thread.
 *
 * "Publish, then look whether somebody sleeps" and "mark that I sleep, then
 * look once more" need a full fence each between their two steps.  The first
 * happens with every message, the second hardly ever.  So who is about to sleep
 * interrupts the others by membarrier(), which makes each of them pass a fence
 * wherever it is, and they need none of their own.  (On a busy machine that is
 * some ten microseconds for the one who goes to sleep.)
 *
 * Where the kernel has no membarrier, the light fence is a full one.
 *
 * Source: Linux, Documentation and membarrier(2); Dice, Huang, Yang,
 * "Asymmetric Dekker Synchronization", 2001.
 */
#ifndef MP_FENCE_H
#define MP_FENCE_H

#include <stdatomic.h>

#include "mp/owner.h"

#define MP_FENCE_ASYMMETRIC 1 /* the kernel interrupts this process */
#define MP_FENCE_FULL       2

/* Register this process, and fence. */
void mp_fence_attach(void);

/* What I published is seen by one that marks later, or I see its mark. */
static inline void mp_fence_light(void)
{
	if (__builtin_expect(mp_owner_self.fence == MP_FENCE_ASYMMETRIC, 1))
		atomic_signal_fence(memory_order_seq_cst);
	else
		mp_fence_attach();
}

void mp_fence_heavy(void);

/* A full fence for who has just made an exchange or another read-modify-write:
 * on x86-64 that is one already. */
static inline void mp_fence_after(void)
{
#if defined(__x86_64__)
	atomic_signal_fence(memory_order_seq_cst);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

#endif
