/* fuzz.h - a target, for two drivers: libFuzzer, and mutate.c.
 *
 * A target runs the code under test on some bytes, compares what it says with a
 * simple reading of the same bytes, and ends the process if they differ.
 *
 * A new one, NAME: NAME.c defines the two below and calls agree; NAME_faulty.c
 * has the library's functions again, with fault 1, 2, … of -DFAULT; meson.build
 * has 'NAME': [1, 2] in fuzz_targets, and in `strangers` the files it calls, or
 * NAME in `of_manager`.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Good inputs, to begin with; the last has no bytes. */
struct fuzz_seed {
	const char *bytes;
	size_t size;
};
extern const struct fuzz_seed fuzz_seeds[];

#define FUZZ_SEED(text)                \
	{                              \
		text, sizeof(text) - 1 \
	}

/* Does the code under test say what it should? */
#define agree(got, expected)                                                \
	do {                                                                \
		long long got_ = (long long)(got),                          \
			  expected_ = (long long)(expected);                \
		if (got_ != expected_) {                                    \
			fprintf(stderr, "# %s:%d: %s is %lld, not %lld\n",  \
				__FILE__, __LINE__, #got, got_, expected_); \
			abort();                                            \
		}                                                           \
	} while (0)

#endif
