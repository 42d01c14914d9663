/* payload - what a message holds: written by its sender, read by its receiver,
 * every byte of it, each time anew.
 *
 * Word i is the first word + i; the first says whose message this is, and which
 * of his.
 */
#ifndef WAYS_PAYLOAD_H
#define WAYS_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_END UINT64_MAX /* there will be no more */

static inline uint64_t payload_first(int sender, uint64_t number)
{
	return (uint64_t)sender << 48 | number;
}

static inline int payload_sender(uint64_t first)
{
	return (int)(first >> 48);
}

static inline uint64_t payload_number(uint64_t first)
{
	return first & 0xffffffffffff;
}

/* Two words at once, as the compiler would do it with -O3. */
typedef uint64_t payload_pair
	__attribute__((vector_size(16), aligned(8), may_alias));

static inline void payload_write(void *message, size_t n, uint64_t first)
{
	uint64_t *word = message;
	payload_pair v = { first, first + 1 }, *pair = message;
	size_t i = 0, pairs = n / 16;

	for (; i + 4 <= pairs; i += 4) {
		pair[i] = v;
		pair[i + 1] = v + 2;
		pair[i + 2] = v + 4;
		pair[i + 3] = v + 6;
		v += 8;
	}
	for (i *= 2; i < n / 8; i++)
		word[i] = first + i;
}

/* 0: as written. */
static inline uint64_t payload_check(const void *message, size_t n)
{
	const uint64_t *word = message;
	const payload_pair *pair = message;
	uint64_t first = word[0], bad = 0;
	payload_pair v = { first, first + 1 }, wrong = { 0, 0 };
	size_t i = 0, pairs = n / 16;

	for (; i + 4 <= pairs; i += 4) {
		wrong |= (pair[i] ^ v) | (pair[i + 1] ^ (v + 2)) |
			 (pair[i + 2] ^ (v + 4)) | (pair[i + 3] ^ (v + 6));
		v += 8;
	}
	for (i *= 2; i < n / 8; i++)
		bad |= word[i] ^ (first + i);
	return bad | wrong[0] | wrong[1];
}

#endif
