/* event.c - a flag with a number that counts how often it was set. */
#include "mp/event.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/shm.h"

/*  word            meaning                     leaves by   to
 *  g               clear                       set         g+1|SET
 *                                              a waiter    g|SLEEPERS
 *  g|SLEEPERS      clear, somebody may sleep   set         g+1|SET, wakes all
 *  g|SET           set                         clear       g
 *
 *  g is the generation, a multiple of 4.  A waiter that finds another one than
 *  when it came knows that the event was set meanwhile.  (It would miss 2^30
 *  sets during one sleep of a tenth of a second.)
 */
#define SET        1u
#define SLEEPERS   2u
#define GENERATION 4u

static_assert(sizeof(struct mp_event) == 64, "one cache line");

static bool replace(struct mp_event *e, uint32_t *old, uint32_t new)
{
	mp_chaos();
	/* Pairs with the acquire loads below. */
	return atomic_compare_exchange_strong_explicit(
		&e->word, old, new, memory_order_acq_rel, memory_order_acquire);
}

static uint32_t load(const struct mp_event *e)
{
	/* Pairs with the release in set. */
	return atomic_load_explicit(&e->word, memory_order_acquire);
}

int mp_event_init(struct mp_event *e)
{
	if (mp_shm_check(e, sizeof(*e)) < 0)
		return -EINVAL;
	memset(e, 0, sizeof(*e));
	return 0;
}

void mp_event_set(struct mp_event *e)
{
	uint32_t old = load(e), new;

	do {
		if (old & SET)
			return;
		new = ((old & ~SLEEPERS) + GENERATION) | SET;
	} while (!replace(e, &old, new));
	if (old & SLEEPERS)
		mp_futex_wake(&e->word, INT32_MAX, &e->counters);
}

void mp_event_clear(struct mp_event *e)
{
	uint32_t old = load(e);

	while ((old & SET) && !replace(e, &old, old & ~SET))
		;
}

int mp_event_is_set(const struct mp_event *e)
{
	return load(e) & SET;
}

int mp_event_wait(struct mp_event *e, int64_t timeout_ns)
{
	uint32_t old = load(e), first = old & ~SLEEPERS;
	int64_t deadline = mp_clock_deadline(timeout_ns);
	int error = 0;

	for (;;) {
		/* Looked at once more after a timeout too: set has the last
		 * word. */
		if ((old & SET) || (old & ~SLEEPERS) != first) {
			if (error == MP_BACKSTOP)
				mp_counters_add(&e->counters, MP_RESCUES);
			return 0;
		}
		if (error < 0)
			return error;
		if (timeout_ns == 0)
			return -ETIMEDOUT;
		if (!(old & SLEEPERS) && !replace(e, &old, old | SLEEPERS))
			continue;
		error = mp_backstop_wait(&e->word, first | SLEEPERS, deadline,
					 &e->counters);
		old = load(e);
	}
}
