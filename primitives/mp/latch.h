/* latch - a value in two copies, and one word that says which one counts.
 *
 * Internal to dict*.c and list.c.  Floor 2.  Shared memory.
 *
 * Who changes the value holds a lock, writes the copy that does not count, and
 * publishes it by one store to the word.  Killed before that store, the value
 * is the old one, and what was written is written over by the next; killed
 * after it, the value is the new one.  There is nothing to repair.
 *
 * Who reads takes no lock: look at the word, read the copy that it names, look
 * again.  If the word is the same, nobody has published in between, and who
 * writes now writes the other copy: what was read is one value, however slow
 * its writer is, stopped or dead.  If not, read again.
 *
 * The bytes go as words of 8, each by an atomic load or store: C has no other
 * way to read what somebody may be writing.  (On x86-64 these are ordinary
 * instructions.)
 *
 * Source: the seqlock of Linux (Hemminger, 2003; Lameter, "Effective
 * Synchronization on Linux/NUMA Systems", 2005), where readers wait for a
 * writer; with two copies they do not, as in its seqcount_latch_t (Desnoyers);
 * Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?",
 * 2012, for the orders.
 */
#ifndef MP_LATCH_H
#define MP_LATCH_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "mp/api.h"
#include "mp/chaos.h"

/*  state          what readers find               leaves by    to
 *  2 * n          nothing: not yet, or no more    put          2 * (n+1) + 1
 *  2 * n + 1      the value in copy n % 2         put          2 * (n+1) + 1
 *                                                 drop         2 * (n+1)
 *
 *  n only grows, 63 bits: no reader is stopped for long enough to meet the same
 *  state with another value.
 */
#define MP_LATCH_LIVE 1u

/* ---- bytes as words ---- */

/* The last n < 8 bytes as a word. */
static inline uint64_t mp_words_last(const unsigned char *bytes, size_t n)
{
	uint64_t word = 0;

	while (n-- > 0)
		word = word << 8 | bytes[n];
	return word;
}

/* Release: who reads this word, and looks at the state after that, finds it
 * changed.  Pairs with the acquire in mp_words_out and mp_words_same. */
static inline void mp_words_in(_Atomic uint64_t *words, const void *from,
			       size_t n)
{
	const unsigned char *bytes = from;
	uint64_t word;

	for (; n >= 8; n -= 8, bytes += 8, words++) {
		memcpy(&word, bytes, 8);
		atomic_store_explicit(words, word, memory_order_release);
	}
	if (n != 0)
		atomic_store_explicit(words, mp_words_last(bytes, n),
				      memory_order_release);
}

/* Acquire: pairs with the release in mp_words_in. */
static inline void mp_words_out(void *to, const _Atomic uint64_t *words,
				size_t n)
{
	unsigned char *bytes = to;
	uint64_t word;

	for (; n >= 8; n -= 8, bytes += 8, words++) {
		word = atomic_load_explicit(words, memory_order_acquire);
		memcpy(bytes, &word, 8);
	}
	if (n == 0)
		return;
	word = atomic_load_explicit(words, memory_order_acquire);
	for (; n > 0; n--, word >>= 8)
		*bytes++ = (unsigned char)word;
}

/* Acquire: pairs with the release in mp_words_in. */
static inline bool mp_words_same(const _Atomic uint64_t *words,
				 const void *from, size_t n)
{
	const unsigned char *bytes = from;
	uint64_t word;

	for (; n >= 8; n -= 8, bytes += 8, words++) {
		memcpy(&word, bytes, 8);
		if (atomic_load_explicit(words, memory_order_acquire) != word)
			return false;
	}
	return n == 0 || atomic_load_explicit(words, memory_order_acquire) ==
				 mp_words_last(bytes, n);
}

/* Bytes that n bytes take as words. */
static inline size_t mp_words_size(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* ---- the copies ---- */

struct mp_copy {
	_Atomic uint64_t length; /* in bytes */
	_Atomic uint64_t words[];
};

/* Two copies of up to `room` bytes each, length included, and their word. */
struct mp_latch {
	_Atomic uint64_t *state;
	unsigned char *copies;
	size_t room;
};

/* The room of a copy for values of at most n bytes. */
static inline size_t mp_latch_room(size_t n)
{
	return sizeof(struct mp_copy) + mp_words_size(n);
}

/* Pairs with the release in put and drop. */
static inline uint64_t mp_latch_state(const _Atomic uint64_t *state)
{
	return atomic_load_explicit(state, memory_order_acquire);
}

static inline bool mp_latch_live(uint64_t state)
{
	return state & MP_LATCH_LIVE;
}

/* The copy that counts in this state. */
static inline struct mp_copy *mp_latch_copy(struct mp_latch t, uint64_t state)
{
	return (struct mp_copy *)(t.copies + (state >> 1 & 1) * t.room);
}

/* Is the state still this one, after what was read? */
static inline bool mp_latch_same(struct mp_latch t, uint64_t state)
{
	mp_chaos();
	return atomic_load_explicit(t.state, memory_order_relaxed) == state;
}

/* Copy out the value of this state, which is a live one.  0.  -EMSGSIZE: longer
 * than size.  *length, which may be NULL, is told in both cases.  -EAGAIN:
 * there is another state now.  buf may have been written to in any case. */
static inline int mp_latch_read(struct mp_latch t, uint64_t state, void *buf,
				size_t size, size_t *length)
{
	const struct mp_copy *c = mp_latch_copy(t, state);
	size_t n = atomic_load_explicit(&c->length, memory_order_acquire);

	if (n <= size)
		mp_words_out(buf, c->words, n);
	if (!mp_latch_same(t, state))
		return -EAGAIN;
	if (length != NULL)
		*length = n;
	return n <= size ? 0 : -EMSGSIZE;
}

/* ---- with the lock ---- */

/* The value is this, whether there was one or not. */
static inline void mp_latch_put(struct mp_latch t, const void *data,
				size_t length)
{
	uint64_t old = atomic_load_explicit(t.state, memory_order_relaxed);
	uint64_t new = ((old >> 1) + 1) << 1 | MP_LATCH_LIVE;
	struct mp_copy *c = mp_latch_copy(t, new);

	atomic_store_explicit(&c->length, length, memory_order_release);
	mp_chaos();
	mp_words_in(c->words, data, length);
	mp_chaos();
	/* Pairs with the acquire in mp_latch_state. */
	atomic_store_explicit(t.state, new, memory_order_release);
}

/* There is no value any more. */
static inline void mp_latch_drop(struct mp_latch t)
{
	uint64_t old = atomic_load_explicit(t.state, memory_order_relaxed);

	mp_chaos();
	/* Pairs with the acquire in mp_latch_state. */
	atomic_store_explicit(t.state, ((old >> 1) + 1) << 1,
			      memory_order_release);
}

/* The value of a live one is an int64_t that n is added to.  0.  -EINVAL: it is
 * not 8 bytes long.  -ERANGE: the sum is none; nothing changed. */
static inline int mp_latch_add(struct mp_latch t, int64_t n, int64_t *result)
{
	uint64_t state = mp_latch_state(t.state);
	size_t length = 0;
	int64_t sum;

	if (mp_latch_read(t, state, &sum, sizeof(sum), &length) < 0 ||
	    length != sizeof(sum))
		return -EINVAL;
	if (__builtin_add_overflow(sum, n, &sum))
		return -ERANGE;
	mp_latch_put(t, &sum, sizeof(sum));
	if (result != NULL)
		*result = sum;
	return 0;
}

#endif
