/* list-own - what the elements of a list look like.
 *
 * Internal to list.c and list-item.c.  Floor 3.
 *
 * An element is a latch (latch.h).  It is there from the one store that makes
 * the latch live to the one that ends that; `count` says before what is going
 * on, and follows.  So get need not look at `count`, which changes with each
 * append.
 */
#ifndef MP_LIST_OWN_H
#define MP_LIST_OWN_H

#include "mp/latch.h"
#include "mp/list.h"

/*  count         what it says                          leaves by      to
 *  2 * n         n elements are there                  append         2*n + 1
 *                                                      pop            2*n - 1
 *  2 * n + 1     n, and element n if that is live      append         2*n + 2
 *                                                      pop            2*n
 *                                                      who takes the lock from
 *                                                      the dead       either
 */
#define MP_LIST_BUSY 1u

static inline struct mp_latch mp_list_latch(const struct mp_list *l, uint32_t i)
{
	uintptr_t at = (uintptr_t)l + l->first + i * l->stride;

	return (struct mp_latch){ .state = (_Atomic uint64_t *)at,
				  .copies = (unsigned char *)at +
					    sizeof(uint64_t),
				  .room = mp_latch_room(l->value_max) };
}

/* Has element i a state? */
static inline bool mp_list_ready(const struct mp_list *l, uint32_t i)
{
	/* Pairs with the release in make_ready. */
	return i < atomic_load_explicit(&l->ready, memory_order_acquire);
}

static inline bool mp_list_live(const struct mp_list *l, uint32_t i)
{
	return mp_list_ready(l, i) &&
	       mp_latch_live(mp_latch_state(mp_list_latch(l, i).state));
}

/* ---- the lock of an element ---- */

/* What the dead was writing did not happen. */
static inline int mp_list_enter(struct mp_list *l, uint32_t i,
				int64_t timeout_ns)
{
	int rc = mp_lock_acquire(&l->element[i % l->locks], timeout_ns);

	return rc == MP_OWNER_DIED ? 0 : rc;
}

static inline int mp_list_leave(struct mp_list *l, uint32_t i, int result)
{
	mp_lock_release(&l->element[i % l->locks]);
	return result;
}

/* 0, -ENOENT, -EMSGSIZE; -EAGAIN: begin again. */
static inline int mp_list_look(const struct mp_list *l, uint32_t i, void *buf,
			       size_t size, size_t *length)
{
	struct mp_latch t = mp_list_latch(l, i);
	uint64_t state = mp_latch_state(t.state);

	if (!mp_latch_live(state))
		return -ENOENT;
	return mp_latch_read(t, state, buf, size, length);
}

#endif
