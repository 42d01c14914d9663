/* list.c - the list and its end: append, pop, len.
 *
 * What an element and the count are: list-own.h.  One element: list-item.c.
 */
#include "mp/list.h"

#include <assert.h>

#include "mp/list-own.h"
#include "mp/shm.h"

#define READY 64 /* elements that get their first state at once */

static_assert(offsetof(struct mp_list, element) % 64 == 0, "lines of its own");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "must work across address spaces");

/* ---- the object ---- */

#define LOCKS_MIN 32 /* two clients seldom meet */
#define SHARE     4  /* elements that share a lock, in a longer list */

static size_t plan(struct mp_list *l, uint32_t capacity, size_t value_max)
{
	uint64_t stride = sizeof(uint64_t) + 2 * mp_latch_room(value_max);

	if (capacity == 0 || capacity > MP_LIST_CAPACITY_MAX ||
	    value_max > MP_LIST_VALUE_MAX)
		return 0;
	*l = (struct mp_list){ .value_max = value_max,
			       .stride = (stride + 63) & ~UINT64_C(63),
			       .capacity = capacity,
			       .locks = capacity / SHARE };
	if (l->locks < LOCKS_MIN)
		l->locks = LOCKS_MIN;
	l->first = sizeof(*l) + l->locks * sizeof(l->element[0]);
	return l->first + capacity * l->stride;
}

size_t mp_list_size(uint32_t capacity, size_t value_max)
{
	struct mp_list l;

	return plan(&l, capacity, value_max);
}

int mp_list_init(struct mp_list *l, uint32_t capacity, size_t value_max)
{
	struct mp_list new;
	size_t size = plan(&new, capacity, value_max);

	if (size == 0 || mp_shm_check(l, size) < 0)
		return -EINVAL;
	/* The elements' first states are written before they are used. */
	memset(l, 0, new.first);
	memcpy(l, &new, sizeof(new));
	return 0;
}

/* ---- the list's lock ---- */

static void set_count(struct mp_list *l, uint32_t n, uint32_t busy)
{
	mp_chaos();
	/* Release: whoever sees what comes of it knew before.  Pairs with the
	 * acquire in mp_list_len. */
	atomic_store_explicit(&l->count, 2 * (uint64_t)n + busy,
			      memory_order_release);
}

/* *n is how many elements it has, also when its last holder died. */
static int enter_end(struct mp_list *l, uint32_t *n)
{
	int rc = mp_lock_acquire(&l->lock, -1);
	uint64_t count = atomic_load_explicit(&l->count, memory_order_relaxed);

	if (rc < 0)
		return rc;
	*n = (uint32_t)(count >> 1);
	if (count & MP_LIST_BUSY) {
		*n += mp_list_live(l, *n);
		set_count(l, *n, 0);
	}
	return 0;
}

static int leave_end(struct mp_list *l, int result)
{
	mp_lock_release(&l->lock);
	return result;
}

int mp_list_len(const struct mp_list *l)
{
	/* Pairs with the release in set_count. */
	uint64_t count = atomic_load_explicit(&l->count, memory_order_acquire);
	uint64_t before, n;

	do {
		before = count;
		n = count >> 1;
		if (count & MP_LIST_BUSY)
			n += mp_list_live(l, (uint32_t)n);
		mp_chaos();
		count = atomic_load_explicit(&l->count, memory_order_acquire);
	} while (count != before);
	return (int)n;
}

/* ---- change the end ---- */

/* Killed in it: done again. */
static void make_ready(struct mp_list *l, uint32_t n)
{
	uint32_t end = l->capacity - n > READY ? n + READY : l->capacity;

	for (uint32_t i = n; i < end; i++)
		atomic_store_explicit(mp_list_latch(l, i).state, 0,
				      memory_order_relaxed);
	mp_chaos();
	/* Pairs with the acquire in mp_list_ready. */
	atomic_store_explicit(&l->ready, end, memory_order_release);
}

int mp_list_append(struct mp_list *l, const void *value, size_t length)
{
	uint32_t n;
	int error;

	if (length > l->value_max)
		return -EMSGSIZE;
	error = enter_end(l, &n);
	if (error < 0)
		return error;
	if (n == l->capacity)
		return leave_end(l, -ENOSPC);
	if (!mp_list_ready(l, n))
		make_ready(l, n);
	set_count(l, n, MP_LIST_BUSY);
	mp_latch_put(mp_list_latch(l, n), value, length);
	set_count(l, n + 1, 0);
	return leave_end(l, 0);
}

/* Take out the last one, number i; the list's lock is held.  Nobody sets it
 * meanwhile.  Without a buffer nobody wants to know what it was. */
static int take_out(struct mp_list *l, uint32_t i, void *buf, size_t size,
		    size_t *length, bool wanted)
{
	int error = mp_list_enter(l, i, -1);

	if (error < 0)
		return error;
	if (wanted)
		error = mp_list_look(l, i, buf, size, length);
	if (error < 0)
		return mp_list_leave(l, i, error);
	set_count(l, i, MP_LIST_BUSY);
	mp_latch_drop(mp_list_latch(l, i));
	set_count(l, i, 0);
	return mp_list_leave(l, i, 0);
}

int mp_list_pop(struct mp_list *l, void *buf, size_t size, size_t *length)
{
	uint32_t n;
	int error = enter_end(l, &n);

	if (error < 0)
		return error;
	if (n == 0)
		return leave_end(l, -ENOENT);
	return leave_end(l, take_out(l, n - 1, buf, size, length, true));
}

int mp_list_clear(struct mp_list *l)
{
	uint32_t n;
	int error = enter_end(l, &n);

	if (error < 0)
		return error;
	while (n > 0 && error == 0)
		error = take_out(l, --n, NULL, 0, NULL, false);
	return leave_end(l, error);
}
