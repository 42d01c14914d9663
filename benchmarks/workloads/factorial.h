/* factorial - a workload: 0!, 1!, ..., last!, each from scratch, in GMP.
 *
 * The items are unequal: the last costs a thousand times the first, so how the
 * numbers are dealt out decides the speedup.  What a worker makes of a number
 * is the CRC of the factorial (zlib's crc32 over its little-endian 64-bit
 * limbs), stored at the number's place in shared memory; the digest of a run is
 * the CRC over all of these.  No time is believed before its digest equals the
 * sequential one.  In Python:
 *
 *	f = math.factorial(n)
 *	zlib.crc32(f.to_bytes((f.bit_length() + 63) // 64 * 8, "little"))
 */
#ifndef WORKLOADS_FACTORIAL_H
#define WORKLOADS_FACTORIAL_H

#include <stddef.h>
#include <stdint.h>

#define FACTORIAL_LAST_MAX 1000000

/* In memory that all workers share, factorial_size() bytes, zeroed. */
struct factorial {
	uint32_t last;
	_Alignas(64) _Atomic uint32_t next; /* for those who take turns */
	_Alignas(64) uint32_t crc[];
};

size_t factorial_size(uint32_t last);
void factorial_init(struct factorial *f, uint32_t last);

/* Before each run: no result may be a remainder of the run before. */
void factorial_reset(struct factorial *f);

/* What workers do: begin, begin + step, ... below end; or whichever is next. */
void factorial_range(struct factorial *f, uint32_t begin, uint32_t end,
		     uint32_t step);
void factorial_turns(struct factorial *f);

uint32_t factorial_digest(const struct factorial *f);

#endif
