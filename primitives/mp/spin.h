/* spin - wait a little for what another process is about to do.
 *
 * Internal.  Floor 1.
 *
 * To sleep and be woken on another CPU takes some twenty microseconds, to see
 * a word change there a tenth of one.  So waiting as long as a wake-up takes,
 * and then sleeping, costs at most twice the best.  But if the other one is on
 * this very CPU it cannot run while we look: then yield.  Those who bring
 * something therefore publish where they are.
 *
 *	struct mp_spin spin = { 0 };
 *
 *	while (!something())
 *		if (!mp_spin(&spin, other_cpu, deadline))
 *			sleep
 *
 * Source: Karlin, Li, Manasse, Owicki, "Empirical Studies of Competitive
 * Spinning", 1991, for how long.
 */
#ifndef MP_SPIN_H
#define MP_SPIN_H

#include <sched.h>
#include <stdbool.h>

#include "mp/api.h"

struct mp_spin {
	uint32_t looks;
	bool alone; /* the other one cannot run meanwhile */
	int64_t until;
};

/* Where this thread runs, plus 1; 0 is for "unknown". */
uint32_t mp_spin_cpu(void);

static inline void mp_spin_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

#define MP_SPIN_LOOKS  200 /* some microseconds */
#define MP_SPIN_YIELDS 30  /* on the CPU of the other one */

/* Can the other one not run while this thread does? */
bool mp_spin_alone(uint32_t other_cpu);

/* Not alone: look again (true), or sleep. */
bool mp_spin_slow(struct mp_spin *s, int64_t deadline_ns);

/* The yield stands here: returns that follow a switch are slow, some 7 ns for
 * each function that the yield is in. */
static inline bool mp_spin(struct mp_spin *s, uint32_t other_cpu,
			   int64_t deadline_ns)
{
	if (s->alone || s->looks == 0 || s->looks >= MP_SPIN_LOOKS) {
		s->alone = mp_spin_alone(other_cpu);
		if (s->alone)
			return s->looks++ < MP_SPIN_YIELDS &&
			       sched_yield() == 0;
		return mp_spin_slow(s, deadline_ns);
	}
	s->looks++;
	mp_spin_relax();
	return true;
}

#endif
