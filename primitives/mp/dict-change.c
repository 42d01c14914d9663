/* dict-change.c - entries come and go, under the lock of their stripe.
 *
 * dict-own.h has the order of the stores, and what is to do for one who was
 * killed between two of them.  Clearing up may end half-way too: it does what
 * the dead would have done, and the next one finds less to do.
 */
#include "mp/dict-own.h"

#include <assert.h>

static_assert(sizeof(struct mp_dict_entry) == 24, "the key's place is aligned");

/* ---- count, and what is going on ---- */

static uint32_t counted(const struct mp_dict_stripe *s)
{
	return (uint32_t)atomic_load_explicit(&s->count, memory_order_relaxed);
}

/* n entries, and this one is being worked on.  Release: whoever sees what comes
 * of it knew before.  Pairs with the acquire in mp_dict_len. */
static void working_on(struct mp_dict_stripe *s, uint32_t n, uint32_t i)
{
	atomic_store_explicit(&s->count, n | ((uint64_t)i + 1) << 32,
			      memory_order_release);
}

/* n entries, and nothing is going on. */
static void settled(struct mp_dict_stripe *s, uint32_t n)
{
	mp_chaos();
	atomic_store_explicit(&s->count, n, memory_order_release);
}

static void owned_by(struct mp_dict *d, uint32_t i, uint32_t owner)
{
	mp_chaos();
	/* Pairs with the acquire in take and in mp_dict_next. */
	atomic_store_explicit(mp_dict_owner(d, i), owner, memory_order_release);
}

/* ---- chains ---- */

/* The word that leads to entry i in the chain of this hash, or NULL. */
static _Atomic uint32_t *link_to(const struct mp_dict *d,
				 struct mp_dict_stripe *s, uint64_t hash,
				 uint32_t i)
{
	_Atomic uint32_t *link = mp_dict_head(s, hash);
	uint32_t at;

	while ((at = atomic_load_explicit(link, memory_order_relaxed)) != 0) {
		if (at == i + 1)
			return link;
		link = &mp_dict_entry(d, at - 1)->next;
	}
	return NULL;
}

/* Nobody finds it any more, and who still stands there learns of it before it
 * is used again: cuts goes on in between. */
static void unlink_and_free(struct mp_dict *d, struct mp_dict_stripe *s,
			    uint32_t i)
{
	struct mp_dict_entry *e = mp_dict_entry(d, i);
	uint64_t hash = atomic_load_explicit(&e->hash, memory_order_relaxed);
	uint32_t next = atomic_load_explicit(&e->next, memory_order_relaxed);
	_Atomic uint32_t *link = link_to(d, s, hash, i);
	uint64_t cuts = atomic_load_explicit(&s->cuts, memory_order_relaxed);

	mp_chaos();
	/* Pairs with the acquire in dict-look.c. */
	if (link != NULL)
		atomic_store_explicit(link, next, memory_order_release);
	mp_chaos();
	atomic_store_explicit(&s->cuts, cuts + 1, memory_order_release);
	owned_by(d, i, MP_DICT_FREE);
}

/* ---- the lock ---- */

/* Its last holder died. */
static void clear_up(struct mp_dict *d, struct mp_dict_stripe *s)
{
	uint64_t count = atomic_load_explicit(&s->count, memory_order_relaxed);
	uint32_t n = counted(s), i = (uint32_t)(count >> 32) - 1, owner;
	struct mp_dict_entry *e;

	if (count >> 32 == 0)
		return;
	owner = atomic_load_explicit(mp_dict_owner(d, i), memory_order_acquire);
	e = mp_dict_entry(d, i);
	if (owner == (mp_dict_name(d, s) | MP_DICT_NEW))
		owned_by(d, i, 0);
	else if (owner == mp_dict_name(d, s) &&
		 mp_latch_live(mp_latch_state(&e->state)))
		n++;
	else if (owner == mp_dict_name(d, s))
		unlink_and_free(d, s, i);
	settled(s, n);
}

int mp_dict_enter(struct mp_dict *d, struct mp_dict_stripe *s,
		  int64_t timeout_ns)
{
	int rc = mp_lock_acquire(&s->lock, timeout_ns);

	if (rc == MP_OWNER_DIED) {
		clear_up(d, s);
		rc = 0;
	}
	return rc;
}

/* Free what those hold who died in other stripes.  Never waits: who holds the
 * lock of one stripe may be doing the same.  Was there any? */
static bool clear_up_all(struct mp_dict *d, const struct mp_dict_stripe *mine)
{
	bool found = false;

	for (uint32_t i = 0; i < d->stripes; i++) {
		struct mp_dict_stripe *s = &d->stripe[i];
		int rc;

		if (s == mine ||
		    atomic_load_explicit(&s->count, memory_order_relaxed) <=
			    UINT32_MAX)
			continue;
		rc = mp_lock_acquire(&s->lock, 0);
		if (rc == MP_OWNER_DIED) {
			clear_up(d, s);
			found = true;
		}
		if (rc >= 0)
			mp_lock_release(&s->lock);
	}
	return found;
}

/* ---- find, insert, remove ---- */

struct mp_dict_entry *mp_dict_find(const struct mp_dict *d,
				   const struct mp_dict_key *k)
{
	_Atomic uint32_t *link = mp_dict_head(k->stripe, k->hash);
	struct mp_dict_entry *e;
	uint32_t at;

	while ((at = atomic_load_explicit(link, memory_order_relaxed)) != 0) {
		e = mp_dict_entry(d, at - 1);
		if (mp_dict_is(e, k))
			return e;
		link = &e->next;
	}
	return NULL;
}

/* Is entry i free?  Then it is ours. */
static bool take(struct mp_dict *d, struct mp_dict_stripe *s, uint32_t i)
{
	_Atomic uint32_t *owner = mp_dict_owner(d, i);
	uint32_t old = atomic_load_explicit(owner, memory_order_relaxed);
	uint32_t name = mp_dict_name(d, s);
	uint32_t new = old == 0 ? name | MP_DICT_NEW : name;

	if (old != 0 && old != MP_DICT_FREE)
		return false;
	working_on(s, counted(s), i);
	mp_chaos();
	/* Pairs with the release in owned_by. */
	if (!atomic_compare_exchange_strong_explicit(owner, &old, new,
						     memory_order_acq_rel,
						     memory_order_relaxed))
		return false;
	if (new == name)
		return true;
	atomic_store_explicit(&mp_dict_entry(d, i)->state, 0,
			      memory_order_release);
	owned_by(d, i, name);
	return true;
}

/* From where the hash says on, so that what belongs together lies together and
 * two who insert seldom want the same. */
int64_t mp_dict_claim(struct mp_dict *d, const struct mp_dict_key *k)
{
	uint32_t i = mp_dict_part(k->hash >> 32, d->entries);

	do {
		for (uint32_t n = 0; n < d->entries; n++) {
			if (take(d, k->stripe, i))
				return i;
			i = i + 1 < d->entries ? i + 1 : 0;
		}
	} while (clear_up_all(d, k->stripe));
	settled(k->stripe, counted(k->stripe));
	return -ENOSPC;
}

void mp_dict_link(struct mp_dict *d, const struct mp_dict_key *k, uint32_t i)
{
	struct mp_dict_entry *e = mp_dict_entry(d, i);
	_Atomic uint32_t *head = mp_dict_head(k->stripe, k->hash);
	uint32_t next = atomic_load_explicit(head, memory_order_relaxed);

	/* Release, as mp_words_in: who stands here from former times finds
	 * cuts changed. */
	atomic_store_explicit(&e->hash, k->hash, memory_order_release);
	atomic_store_explicit(&e->key_length, (uint32_t)k->length,
			      memory_order_release);
	mp_words_in(e->key, k->bytes, k->length);
	mp_chaos();
	atomic_store_explicit(&e->next, next, memory_order_release);
	mp_chaos();
	/* Pairs with the acquire in dict-look.c. */
	atomic_store_explicit(head, i + 1, memory_order_release);
}

int mp_dict_insert(struct mp_dict *d, const struct mp_dict_key *k,
		   const void *value, size_t length)
{
	int64_t i = mp_dict_claim(d, k);

	if (i < 0)
		return (int)i;
	mp_dict_link(d, k, (uint32_t)i);
	mp_latch_put(mp_dict_latch(d, mp_dict_entry(d, (uint32_t)i)), value,
		     length);
	settled(k->stripe, counted(k->stripe) + 1);
	return 0;
}

void mp_dict_remove(struct mp_dict *d, struct mp_dict_stripe *s,
		    struct mp_dict_entry *e)
{
	uint32_t i = (uint32_t)(((uintptr_t)e - (uintptr_t)d - d->first) /
				d->stride);

	working_on(s, counted(s) - 1, i);
	mp_latch_drop(mp_dict_latch(d, e));
	unlink_and_free(d, s, i);
	settled(s, counted(s));
}
