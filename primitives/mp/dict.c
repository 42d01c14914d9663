/* dict.c - the calls that change a dict: find the entry, then one step.
 *
 * What an entry and a stripe are: dict-own.h.  How entries come and go:
 * dict-change.c.  The calls that only look: dict-look.c.
 */
#include "mp/dict.h"

#include <assert.h>

#include "mp/dict-own.h"
#include "mp/shm.h"

static_assert(offsetof(struct mp_dict_stripe, lock) == 64, "one line of heads");
static_assert(sizeof(struct mp_dict_stripe) == 192, "three cache lines");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "must work across address spaces");

/* ---- the object ---- */

#define STRIPES_MIN 64 /* two clients seldom meet */
#define STRIPE      8  /* entries, when the dict is full */
#define SPARE       16 /* entries that are coming or going */

static uint64_t round_up(uint64_t n)
{
	return (n + 63) & ~UINT64_C(63);
}

/* All but capacity and memory is in *d. */
static size_t plan(struct mp_dict *d, uint32_t capacity, size_t key_max,
		   size_t value_max)
{
	if (capacity == 0 || capacity > MP_DICT_CAPACITY_MAX || key_max == 0 ||
	    key_max > MP_DICT_KEY_MAX || value_max > MP_DICT_VALUE_MAX)
		return 0;
	/* With an eighth more, a free one is never far. */
	*d = (struct mp_dict){ .value_max = value_max,
			       .key_max = (uint32_t)key_max,
			       .entries = capacity + capacity / 8 + SPARE,
			       .stripes = capacity / STRIPE + 1,
			       .capacity = capacity };
	if (d->stripes < STRIPES_MIN)
		d->stripes = STRIPES_MIN;
	d->owners = sizeof(*d) + d->stripes * sizeof(d->stripe[0]);
	d->first = round_up(d->owners + d->entries * sizeof(uint32_t));
	d->copies = sizeof(struct mp_dict_entry) + mp_words_size(key_max);
	d->stride = round_up(d->copies + 2 * mp_latch_room(value_max));
	return d->first + d->entries * d->stride;
}

size_t mp_dict_size(uint32_t capacity, size_t key_max, size_t value_max)
{
	struct mp_dict d;

	return plan(&d, capacity, key_max, value_max);
}

int mp_dict_init(struct mp_dict *d, uint32_t capacity, size_t key_max,
		 size_t value_max)
{
	struct mp_dict new;
	size_t size = plan(&new, capacity, key_max, value_max);

	if (size == 0 || mp_shm_check(d, size) < 0)
		return -EINVAL;
	/* The entries' first states are written when they are first used. */
	memset(d, 0, new.first);
	memcpy(d, &new, sizeof(new));
	return 0;
}

/* ---- changes ---- */

/* Find the key and hold its lock.  0, and *e is the entry or NULL; -EMSGSIZE;
 * -EINVAL. */
static int enter(struct mp_dict *d, const void *key, size_t key_length,
		 struct mp_dict_key *k, struct mp_dict_entry **e)
{
	int error = mp_dict_seek(d, key, key_length, k);

	if (error == 0)
		error = mp_dict_enter(d, k->stripe, -1);
	if (error == 0)
		*e = mp_dict_find(d, k);
	return error;
}

static int leave(struct mp_dict_key *k, int result)
{
	mp_lock_release(&k->stripe->lock);
	return result;
}

/* Copy out the value; nobody changes it meanwhile. */
static int read(struct mp_dict *d, struct mp_dict_entry *e, void *buf,
		size_t size, size_t *length)
{
	return mp_latch_read(mp_dict_latch(d, e), mp_latch_state(&e->state),
			     buf, size, length);
}

int mp_dict_set(struct mp_dict *d, const void *key, size_t key_length,
		const void *value, size_t value_length)
{
	struct mp_dict_entry *e;
	struct mp_dict_key k;
	int error;

	if (value_length > d->value_max)
		return -EMSGSIZE;
	error = enter(d, key, key_length, &k, &e);
	if (error < 0)
		return error;
	if (e == NULL)
		return leave(&k, mp_dict_insert(d, &k, value, value_length));
	mp_latch_put(mp_dict_latch(d, e), value, value_length);
	return leave(&k, 0);
}

int mp_dict_setdefault(struct mp_dict *d, const void *key, size_t key_length,
		       const void *value, size_t value_length, void *buf,
		       size_t size, size_t *length)
{
	struct mp_dict_entry *e;
	struct mp_dict_key k;
	int error;

	if (value_length > d->value_max)
		return -EMSGSIZE;
	error = enter(d, key, key_length, &k, &e);
	if (error < 0)
		return error;
	if (e != NULL)
		return leave(&k, read(d, e, buf, size, length));
	error = mp_dict_insert(d, &k, value, value_length);
	return leave(&k, error == 0 ? 1 : error);
}

int mp_dict_add(struct mp_dict *d, const void *key, size_t key_length,
		int64_t n, int64_t *result)
{
	struct mp_dict_entry *e;
	struct mp_dict_key k;
	int error;

	if (sizeof(n) > d->value_max)
		return -EMSGSIZE;
	error = enter(d, key, key_length, &k, &e);
	if (error < 0)
		return error;
	if (e != NULL)
		return leave(&k, mp_latch_add(mp_dict_latch(d, e), n, result));
	error = mp_dict_insert(d, &k, &n, sizeof(n));
	if (error == 0 && result != NULL)
		*result = n;
	return leave(&k, error);
}

/* Is it this value? */
static bool equal(struct mp_dict *d, struct mp_dict_entry *e, const void *value,
		  size_t length)
{
	struct mp_copy *c =
		mp_latch_copy(mp_dict_latch(d, e), mp_latch_state(&e->state));

	return atomic_load_explicit(&c->length, memory_order_relaxed) ==
		       length &&
	       mp_words_same(c->words, value, length);
}

int mp_dict_compare_exchange(struct mp_dict *d, const void *key,
			     size_t key_length, const void *old,
			     size_t old_length, const void *new,
			     size_t new_length)
{
	struct mp_dict_entry *e;
	struct mp_dict_key k;
	int error;

	if (new_length > d->value_max)
		return -EMSGSIZE;
	error = enter(d, key, key_length, &k, &e);
	if (error < 0)
		return error;
	if (e == NULL)
		return leave(&k, -ENOENT);
	if (!equal(d, e, old, old_length))
		return leave(&k, -EAGAIN);
	mp_latch_put(mp_dict_latch(d, e), new, new_length);
	return leave(&k, 0);
}

int mp_dict_pop(struct mp_dict *d, const void *key, size_t key_length,
		void *buf, size_t size, size_t *length)
{
	struct mp_dict_entry *e;
	struct mp_dict_key k;
	int error = enter(d, key, key_length, &k, &e);

	if (error < 0)
		return error;
	if (e == NULL)
		return leave(&k, -ENOENT);
	error = read(d, e, buf, size, length);
	if (error == 0)
		mp_dict_remove(d, k.stripe, e);
	return leave(&k, error);
}

int mp_dict_delete(struct mp_dict *d, const void *key, size_t key_length)
{
	struct mp_dict_entry *e;
	struct mp_dict_key k;
	int error = enter(d, key, key_length, &k, &e);

	if (error < 0)
		return error;
	if (e == NULL)
		return leave(&k, -ENOENT);
	mp_dict_remove(d, k.stripe, e);
	return leave(&k, 0);
}

int mp_dict_clear(struct mp_dict *d)
{
	for (uint32_t i = 0; i < d->stripes; i++) {
		struct mp_dict_stripe *s = &d->stripe[i];
		uint32_t at;
		int error;

		/* Nothing is there, and nobody is at work. */
		if (atomic_load_explicit(&s->count, memory_order_acquire) == 0)
			continue;
		error = mp_dict_enter(d, s, -1);
		if (error < 0)
			return error;
		for (int c = 0; c < MP_DICT_CHAINS; c++)
			while ((at = atomic_load_explicit(
					&s->heads[c], memory_order_relaxed)) !=
			       0)
				mp_dict_remove(d, s, mp_dict_entry(d, at - 1));
		mp_lock_release(&s->lock);
	}
	return 0;
}
