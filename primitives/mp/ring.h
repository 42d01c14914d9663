/* ring - messages of any length, one behind the other, round and round.
 *
 * Internal to queue*.c, lease.c, pipe*.c; pool*.c for the rounding.  Floor 2.
 *
 * A position is a number of bytes below the ring's size; all are multiples of
 * 8.  A record that begins before the end may run on behind it: there lies as
 * much memory again as the longest record needs.  So every message is in one
 * piece, the next one begins at its end, modulo the size, and what lies behind
 * the end is never touched by rings whose records happen to end there.
 */
#ifndef MP_RING_H
#define MP_RING_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t mp_ring_round(uint64_t bytes)
{
	return (bytes + 7) & ~UINT64_C(7);
}

static inline uint64_t mp_ring_next(uint64_t at, uint64_t bytes, uint64_t size)
{
	at += bytes;
	return at < size ? at : at - size;
}

/* Have a line here, to write to, before it is wanted: who read it last has it,
 * and everybody would wait while it comes. */
static inline void mp_ring_fetch(const unsigned char *line)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*line));
#else
	__builtin_prefetch(line, 1);
#endif
}

#endif
