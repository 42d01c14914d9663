/* counters.c - relaxed on purpose: a count orders nothing. */
#include "mp/counters.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "must work across address spaces");

void mp_counters_add(struct mp_counters *c, enum mp_counter which)
{
	if (c != NULL)
		atomic_fetch_add_explicit(&c->n[which], 1,
					  memory_order_relaxed);
}

uint64_t mp_counters_get(const struct mp_counters *c, enum mp_counter which)
{
	if (c == NULL)
		return 0;
	return atomic_load_explicit(&c->n[which], memory_order_relaxed);
}
