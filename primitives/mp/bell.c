/* bell.c - arm, post, disarm. */
#include "mp/bell.h"

#include "mp/chaos.h"
#include "mp/eventfd.h"

void mp_bell_ring(_Atomic uint32_t *word, int fd, struct mp_counters *c)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);

	mp_counters_add(c, MP_WAKES);
	mp_eventfd_post(fd, 1);
	mp_chaos();
	if (old & MP_BELL_ARMED)
		atomic_compare_exchange_strong_explicit(
			word, &old, old & ~MP_BELL_ARMED, memory_order_relaxed,
			memory_order_relaxed);
}

void mp_bell_arm(_Atomic uint32_t *word)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);

	/* Others change it too, but only to disarm. */
	while (!atomic_compare_exchange_weak_explicit(
		word, &old, (old + MP_BELL_GENERATION) | MP_BELL_ARMED,
		memory_order_seq_cst, memory_order_relaxed))
		;
}
