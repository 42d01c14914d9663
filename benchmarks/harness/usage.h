/* usage - what the work cost, by getrusage: free, and without privilege.
 *
 * Counts this process with all its threads, and its children once they have
 * been reaped.  The split into user and system time follows the clock tick and
 * is not to be trusted, so only the sum is kept.
 */
#ifndef HARNESS_USAGE_H
#define HARNESS_USAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct usage { /* -1: not known */
	int64_t cpu_ns;
	int64_t voluntary;   /* context switches: it had to wait */
	int64_t involuntary; /* it was taken off the CPU */
	int64_t faults;
};

void usage_now(struct usage *u);

/* later - earlier */
struct usage usage_between(const struct usage *earlier,
			   const struct usage *later);

#ifdef __cplusplus
}
#endif

#endif
