/* dict-look.c - who only looks takes no lock.
 *
 * A walk along a chain is right as long as no entry has left a chain of this
 * stripe: one that has may be in another chain by now, and lead astray.  So
 * look at `cuts` after each step, and begin again if it has gone on.  What is
 * found needs no such look: if its latch has not changed, it was this key's
 * entry all the time.
 */
#include "mp/dict-own.h"

#include "mp/spin.h"

#define LOOKS   32      /* then with the lock */
#define LOCK_NS 1000000 /* and if its holder is stopped, look again */

/* What is read from an entry that is this key's in this state.  -EAGAIN: it has
 * changed. */
typedef int reader(struct mp_latch t, uint64_t state, void *buf, size_t size,
		   size_t *length);

static int read_nothing(struct mp_latch t, uint64_t state, void *buf,
			size_t size, size_t *length)
{
	(void)buf;
	(void)size;
	(void)length;
	return mp_latch_same(t, state) ? 0 : -EAGAIN;
}

/* 0, -ENOENT, -EMSGSIZE; -EAGAIN: begin again. */
static inline int look(const struct mp_dict *d, const struct mp_dict_key *k,
		       reader *read, void *buf, size_t size, size_t *length)
{
	struct mp_dict_stripe *s = k->stripe;
	/* The loads of cuts, heads and next pair with the release in
	 * unlink_and_free and mp_dict_link. */
	uint64_t cuts = atomic_load_explicit(&s->cuts, memory_order_acquire);
	uint32_t at = atomic_load_explicit(mp_dict_head(s, k->hash),
					   memory_order_acquire);

	while (at != 0) {
		struct mp_dict_entry *e = mp_dict_entry(d, at - 1);
		uint64_t state = mp_latch_state(&e->state);

		if (mp_latch_live(state) && mp_dict_is(e, k))
			return read(mp_dict_latch(d, e), state, buf, size,
				    length);
		mp_chaos();
		at = atomic_load_explicit(&e->next, memory_order_acquire);
		if (atomic_load_explicit(&s->cuts, memory_order_relaxed) !=
		    cuts)
			return -EAGAIN;
	}
	return -ENOENT;
}

/* Others change this all the time: keep them out. */
static int look_long(struct mp_dict *d, const struct mp_dict_key *k,
		     reader *read, void *buf, size_t size, size_t *length)
{
	int error = -EAGAIN;

	while (error == -EAGAIN) {
		for (int i = 0; i < LOOKS && error == -EAGAIN; i++) {
			mp_spin_relax();
			error = look(d, k, read, buf, size, length);
		}
		if (error != -EAGAIN)
			break;
		error = mp_dict_enter(d, k->stripe, LOCK_NS);
		if (error == 0) {
			error = look(d, k, read, buf, size, length);
			mp_lock_release(&k->stripe->lock);
		} else if (error == -ETIMEDOUT) {
			error = -EAGAIN;
		}
	}
	return error;
}

int mp_dict_get(struct mp_dict *d, const void *key, size_t key_length,
		void *buf, size_t size, size_t *length)
{
	struct mp_dict_key k;
	int error = mp_dict_seek(d, key, key_length, &k);

	if (error == 0)
		error = look(d, &k, mp_latch_read, buf, size, length);
	if (error == -EAGAIN)
		error = look_long(d, &k, mp_latch_read, buf, size, length);
	return error;
}

int mp_dict_contains(struct mp_dict *d, const void *key, size_t key_length)
{
	struct mp_dict_key k;
	int error = mp_dict_seek(d, key, key_length, &k);

	if (error == 0)
		error = look(d, &k, read_nothing, NULL, 0, NULL);
	if (error == -EAGAIN)
		error = look_long(d, &k, read_nothing, NULL, 0, NULL);
	return error == 0 ? 1 : error == -ENOENT ? 0 : error;
}

/* ---- how many ---- */

/* Does the entry that is worked on count? */
static uint32_t is_there(const struct mp_dict *d,
			 const struct mp_dict_stripe *s, uint32_t i)
{
	/* Acquire: its state is one, from the owner on. */
	return atomic_load_explicit(mp_dict_owner(d, i),
				    memory_order_acquire) ==
		       mp_dict_name(d, s) &&
	       mp_latch_live(mp_latch_state(&mp_dict_entry(d, i)->state));
}

static uint32_t count_of(const struct mp_dict *d,
			 const struct mp_dict_stripe *s)
{
	uint64_t count = atomic_load_explicit(&s->count, memory_order_acquire);
	uint64_t before;
	uint32_t more;

	do {
		before = count;
		more = 0;
		if (count >> 32 != 0)
			more = is_there(d, s, (uint32_t)(count >> 32) - 1);
		mp_chaos();
		count = atomic_load_explicit(&s->count, memory_order_acquire);
	} while (count != before);
	return (uint32_t)count + more;
}

int mp_dict_len(const struct mp_dict *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->stripes; i++)
		n += count_of(d, &d->stripe[i]);
	return (int)n;
}

/* ---- one after the other ---- */

struct row {
	void *key, *value;
	size_t key_size, *key_length, value_size, *value_length;
};

/* 0, -EMSGSIZE; -ENOENT: nothing is there; -EAGAIN. */
static int look_at(const struct mp_dict *d, struct mp_dict_entry *e,
		   struct row *r)
{
	struct mp_latch t = mp_dict_latch(d, e);
	uint64_t state = mp_latch_state(t.state);
	size_t n = atomic_load_explicit(&e->key_length, memory_order_acquire);
	int error;

	if (!mp_latch_live(state))
		return -ENOENT;
	if (n <= r->key_size)
		mp_words_out(r->key, e->key, n);
	error = mp_latch_read(t, state, r->value, r->value_size,
			      r->value_length);
	if (error == -EAGAIN)
		return error;
	if (r->key_length != NULL)
		*r->key_length = n;
	if (error == -EMSGSIZE && r->value == NULL)
		error = 0;
	return n > r->key_size && r->key != NULL ? -EMSGSIZE : error;
}

/* The same, however often it changes. */
static int look_at_long(struct mp_dict *d, uint32_t i, uint32_t name,
			struct row *r)
{
	struct mp_dict_stripe *s = &d->stripe[name - 1];
	struct mp_dict_entry *e = mp_dict_entry(d, i);
	int error = -EAGAIN;

	while (error == -EAGAIN) {
		for (int k = 0; k < LOOKS && error == -EAGAIN; k++)
			error = look_at(d, e, r);
		if (error != -EAGAIN)
			break;
		error = mp_dict_enter(d, s, LOCK_NS);
		if (error == 0) {
			error = look_at(d, e, r);
			mp_lock_release(&s->lock);
		} else if (error == -ETIMEDOUT) {
			error = -EAGAIN;
		}
	}
	return error;
}

int mp_dict_next(struct mp_dict *d, uint64_t *cursor, void *key,
		 size_t key_size, size_t *key_length, void *value,
		 size_t value_size, size_t *value_length)
{
	struct row r = { .key = key,
			 .value = value,
			 .key_size = key == NULL ? 0 : key_size,
			 .key_length = key_length,
			 .value_size = value == NULL ? 0 : value_size,
			 .value_length = value_length };
	int error = -ENOENT;

	for (uint64_t i = *cursor; i < d->entries; i++) {
		/* Pairs with the release in owned_by. */
		uint32_t name = atomic_load_explicit(
			mp_dict_owner(d, (uint32_t)i), memory_order_acquire);

		*cursor = i;
		if (name != 0 && !(name & (MP_DICT_NEW | MP_DICT_FREE)))
			error = look_at_long(d, (uint32_t)i, name, &r);
		if (error == 0)
			*cursor = i + 1;
		if (error != -ENOENT)
			return error;
	}
	*cursor = d->entries;
	return -ENOENT;
}
