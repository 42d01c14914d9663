/* dict-own - what the stripes and entries of a dict look like.
 *
 * Internal to dict.c, dict-change.c and dict-look.c.  Floor 3.
 *
 * An entry is a key and a latch (latch.h), in a chain that begins in a stripe.
 * The latch says whether it is there: an entry that is linked but not live is
 * on its way in or out, and nobody sees it.  So each change is one store to one
 * word, and all else can be cleared up by the next holder of the lock, because
 * `count` has named the entry before anything was done with it.
 */
#ifndef MP_DICT_OWN_H
#define MP_DICT_OWN_H

#include "mp/dict.h"
#include "mp/latch.h"

/*  count                  what it says
 *  n                      n entries are there, nothing is going on
 *  n | (i+1) << 32        n, and entry i, if that is of this stripe and live
 *
 *  owner of an entry      what it says                      leaves by    to
 *  0                      free, and never used: what lies   insert       s|NEW
 *                         in the entry is no state
 *  s|NEW                  of stripe s-1, no state yet       insert       s
 *  s                      of stripe s-1                     remove       FREE
 *  FREE                   free, and not live                insert       s
 *
 *  insert                 if killed after it, the next holder
 *  count names i          has nothing to do
 *  owner is s             frees i
 *  key, link              unlinks and frees i
 *  live: it is there      counts i
 *  count + 1
 *
 *  remove                 if killed after it, the next holder
 *  count - 1, names i     counts i
 *  not live: it is gone   unlinks and frees i
 *  unlink, cuts + 1       frees i
 *  owner is FREE          has nothing to do
 *  count
 */
#define MP_DICT_NEW  0x80000000u
#define MP_DICT_FREE 0x40000000u

struct mp_dict_entry {
	_Atomic uint64_t state; /* latch.h */
	_Atomic uint64_t hash;
	_Atomic uint32_t next; /* entry + 1; 0: the last of the chain */
	_Atomic uint32_t key_length;
	_Atomic uint64_t key[]; /* and the copies of the value */
};

/* A key that is looked for, and where. */
struct mp_dict_key {
	const void *bytes;
	size_t length;
	uint64_t hash;
	struct mp_dict_stripe *stripe;
};

/* ---- where things lie ---- */

static inline _Atomic uint32_t *mp_dict_owner(const struct mp_dict *d,
					      uint32_t i)
{
	return (_Atomic uint32_t *)((uintptr_t)d + d->owners) + i;
}

static inline struct mp_dict_entry *mp_dict_entry(const struct mp_dict *d,
						  uint32_t i)
{
	return (struct mp_dict_entry *)((uintptr_t)d + d->first +
					i * d->stride);
}

static inline struct mp_latch mp_dict_latch(const struct mp_dict *d,
					    struct mp_dict_entry *e)
{
	return (struct mp_latch){ .state = &e->state,
				  .copies = (unsigned char *)e + d->copies,
				  .room = mp_latch_room(d->value_max) };
}

/* A number below n, by these 32 bits of a hash. */
static inline uint32_t mp_dict_part(uint64_t hash, uint32_t n)
{
	return (uint32_t)((hash & UINT32_MAX) * n >> 32);
}

static inline struct mp_dict_stripe *mp_dict_stripe(struct mp_dict *d,
						    uint64_t hash)
{
	return &d->stripe[mp_dict_part(hash >> 32, d->stripes)];
}

static inline _Atomic uint32_t *mp_dict_head(struct mp_dict_stripe *s,
					     uint64_t hash)
{
	return &s->heads[mp_dict_part(hash, MP_DICT_CHAINS)];
}

/* As an owner's name: not 0. */
static inline uint32_t mp_dict_name(const struct mp_dict *d,
				    const struct mp_dict_stripe *s)
{
	return (uint32_t)(s - d->stripe) + 1;
}

/* ---- keys ---- */

/* The two halves of a product, one over the other. */
static inline uint64_t mp_dict_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t mp_dict_hash(const void *key, size_t n)
{
	const unsigned char *bytes = key;
	uint64_t hash = UINT64_C(0xa0761d6478bd642f) ^ n, word;

	for (; n >= 8; n -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		hash = mp_dict_mix(hash ^ word, UINT64_C(0xe7037ed1a0b428db));
	}
	hash ^= mp_words_last(bytes, n);
	return mp_dict_mix(hash, UINT64_C(0x8ebc6af09c88c6e3));
}

/* 0; -EMSGSIZE. */
static inline int mp_dict_seek(struct mp_dict *d, const void *key,
			       size_t length, struct mp_dict_key *k)
{
	if (length > d->key_max)
		return -EMSGSIZE;
	k->bytes = key;
	k->length = length;
	k->hash = mp_dict_hash(key, length);
	k->stripe = mp_dict_stripe(d, k->hash);
	return 0;
}

static inline bool mp_dict_is(const struct mp_dict_entry *e,
			      const struct mp_dict_key *k)
{
	return atomic_load_explicit(&e->hash, memory_order_acquire) ==
		       k->hash &&
	       atomic_load_explicit(&e->key_length, memory_order_acquire) ==
		       k->length &&
	       mp_words_same(e->key, k->bytes, k->length);
}

/* ---- dict-change.c: with the lock of a stripe ---- */

/* Take it, and clear up after a dead holder.  0; -ETIMEDOUT; -EINVAL. */
int mp_dict_enter(struct mp_dict *d, struct mp_dict_stripe *s,
		  int64_t timeout_ns);

/* The entry, or NULL. */
struct mp_dict_entry *mp_dict_find(const struct mp_dict *d,
				   const struct mp_dict_key *k);

/* A key that is not there.  0; -ENOSPC. */
int mp_dict_insert(struct mp_dict *d, const struct mp_dict_key *k,
		   const void *value, size_t length);

/* An entry that is there. */
void mp_dict_remove(struct mp_dict *d, struct mp_dict_stripe *s,
		    struct mp_dict_entry *e);

/* The steps of insert, for tests that stop between them.  Take an entry: its
 * number, or -ENOSPC.  Give it a key and link it. */
int64_t mp_dict_claim(struct mp_dict *d, const struct mp_dict_key *k);
void mp_dict_link(struct mp_dict *d, const struct mp_dict_key *k, uint32_t i);

#endif
