/* See factorial.h. */
#include "workloads/factorial.h"

#include <gmp.h>
#include <stdatomic.h>
#include <string.h>
#include <zlib.h>

size_t factorial_size(uint32_t last)
{
	return sizeof(struct factorial) + (last + (size_t)1) * sizeof(uint32_t);
}

void factorial_init(struct factorial *f, uint32_t last)
{
	f->last = last;
	factorial_reset(f);
}

void factorial_reset(struct factorial *f)
{
	atomic_store_explicit(&f->next, 0, memory_order_relaxed);
	memset(f->crc, 0, (f->last + (size_t)1) * sizeof(f->crc[0]));
}

/* GMP's limbs are 64 bits wide and the machine is little-endian, nearly
 * everywhere: then its memory is what is asked for. */
static uint32_t crc_of(const mpz_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && GMP_LIMB_BITS == 64
	return (uint32_t)crc32_z(0, (const unsigned char *)mpz_limbs_read(v),
				 mpz_size(v) * 8);
#else
	size_t n;
	unsigned char *bytes = mpz_export(NULL, &n, -1, 8, -1, 0, v);
	uint32_t crc = (uint32_t)crc32_z(0, bytes, n * 8);
	void (*release)(void *, size_t);

	mp_get_memory_functions(NULL, NULL, &release);
	release(bytes, n * 8);
	return crc;
#endif
}

static void one(struct factorial *f, mpz_t v, uint32_t n)
{
	mpz_fac_ui(v, n);
	f->crc[n] = crc_of(v);
}

void factorial_range(struct factorial *f, uint32_t begin, uint32_t end,
		     uint32_t step)
{
	mpz_t v;

	mpz_init(v);
	for (uint32_t n = begin; n < end; n += step)
		one(f, v, n);
	mpz_clear(v);
}

void factorial_turns(struct factorial *f)
{
	uint32_t n;
	mpz_t v;

	mpz_init(v);
	while ((n = atomic_fetch_add_explicit(&f->next, 1,
					      memory_order_relaxed)) <= f->last)
		one(f, v, n);
	mpz_clear(v);
#ifdef FACTORIAL_FAULT /* one wrong result: is it noticed? */
	f->crc[f->last / 2] = 0;
#endif
}

uint32_t factorial_digest(const struct factorial *f)
{
	return (uint32_t)crc32_z(0, (const unsigned char *)f->crc,
				 (f->last + (size_t)1) * sizeof(f->crc[0]));
}
