/* gate.c - a generation, and a bit for "somebody may sleep". */
#include "mp/gate.h"

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/futex.h"

/*  word             meaning                       leaves by      to
 *  generation       nobody sleeps                 mp_gate_wait   +2, SLEEPERS
 *  generation|      somebody may sleep            mp_gate_wait   +2
 *    SLEEPERS                                     mp_gate_wake   +2, wakes n
 *                                                 (wakes fewer)  bit off
 *
 *  Each mark and each wake makes a new word.  Who is about to sleep on an older
 *  one does not fall asleep; and the bit goes off only while the word is still
 *  the one of a wake that found too few, so when nobody has marked it since.
 */
#define SLEEPERS   1u
#define GENERATION 2u

static bool replace(struct mp_gate *g, uint32_t *old, uint32_t new)
{
	mp_chaos();
	/* The mark and the second look, the publication and this look at the
	 * mark: one of the two sides sees the other. */
	return atomic_compare_exchange_strong_explicit(
		&g->word, old, new, memory_order_seq_cst, memory_order_relaxed);
}

int mp_gate_wait(struct mp_gate *g, bool (*something)(const void *),
		 const void *arg, int64_t deadline_ns, struct mp_counters *c)
{
	uint32_t old = atomic_load_explicit(&g->word, memory_order_relaxed);
	uint32_t mark;
	int error;

	do
		mark = (old + GENERATION) | SLEEPERS;
	while (!replace(g, &old, mark));
	mp_chaos();
	if (something(arg))
		return 0;
	error = mp_backstop_wait(&g->word, mark, deadline_ns, c);
	if (error != MP_BACKSTOP)
		return error;
	if (something(arg))
		mp_counters_add(c, MP_RESCUES);
	return 0;
}

void mp_gate_wake(struct mp_gate *g, int n, struct mp_counters *c)
{
	uint32_t old = atomic_load_explicit(&g->word, memory_order_relaxed);
	uint32_t new;

	do {
		if (!(old & SLEEPERS))
			return;
		new = old + GENERATION;
	} while (!replace(g, &old, new));
	mp_chaos();
	if (mp_futex_wake(&g->word, n, c) < n)
		replace(g, &new, new & ~SLEEPERS);
}
