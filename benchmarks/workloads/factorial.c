/* factorial - 0!, 1!, ..., each from scratch, in GMP: large mathematics.
 *
 * The tasks are unequal: the last costs a thousand times the first, so how the
 * numbers are dealt out decides the speedup.  What a task leaves is the CRC of
 * the factorial (over its little-endian 64-bit limbs).  In Python:
 *
 *	f = math.factorial(n)
 *	zlib.crc32(f.to_bytes((f.bit_length() + 63) // 64 * 8, "little"))
 */
#include <gmp.h>
#include <string.h>
#include <zlib.h>

#include "workloads/workload.h"

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

static int factorial_open(uint32_t last, struct workload_plan *plan)
{
	plan->tasks = last + 1;
	plan->room = sizeof(uint32_t);
	return 0;
}

static int factorial_run(uint32_t n, void *out)
{
	uint32_t crc;
	mpz_t v;

	mpz_init(v);
	mpz_fac_ui(v, n);
	crc = crc_of(v);
	mpz_clear(v);
	memcpy(out, &crc, sizeof(crc));
	return sizeof(crc);
}

struct workload workload_factorial = {
	.name = "factorial",
	.words = "factorials 0..%u",
	.methods = "sequential threads openmp fork_task fork_block fork_stride "
		   "fork_index mp_process mp_pool python_sequential "
		   "python_pool python_executor",
	.size = 11999,
	.smoke = 299,
	.python = 1,
	.open = factorial_open,
	.run = factorial_run,
};
