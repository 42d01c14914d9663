/* bell - wake one who sleeps in poll(), and only then make a system call.
 *
 * Internal to pipe-*.c and pool-*.c.  Floor 2.
 *
 * A word in shared memory and an eventfd.  Who wants to sleep arms the bell,
 * looks once more, and polls the eventfd beside whatever else may happen.  Who
 * brings something publishes it, and posts the eventfd if the bell is armed;
 * only then it disarms it, so that its death in between leaves a post too many
 * and never one too few.
 *
 * Between the two steps of each side stands a full fence: mp_fence_heavy and
 * mp_fence_light, or one on both sides.
 */
#ifndef MP_BELL_H
#define MP_BELL_H

#include <stdatomic.h>

#include "mp/counters.h"

/*  word                meaning                     leaves by         to
 *  generation          nobody sleeps               mp_bell_arm       +4, ARMED
 *  generation|ARMED    somebody may sleep          mp_bell_ring      ARMED off
 *                                                  mp_bell_arm       +4
 *  ...|ALWAYS          he polls by himself, at any -
 *                      time: post each time
 *
 *  Each arming is a new word: who comes late with "off" does not hit the next
 *  one.
 */
#define MP_BELL_ARMED      1u
#define MP_BELL_ALWAYS     2u
#define MP_BELL_GENERATION 4u

/* Must it be rung? */
static inline uint32_t mp_bell_listens(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed) &
	       (MP_BELL_ARMED | MP_BELL_ALWAYS);
}

void mp_bell_ring(_Atomic uint32_t *word, int fd, struct mp_counters *c);
void mp_bell_arm(_Atomic uint32_t *word);

#endif
