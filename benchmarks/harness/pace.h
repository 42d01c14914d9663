/* pace - one request each millisecond: wait awake for the moment at which the
 * next one is due, so that only those who answer sleep.
 *
 * The CPU time of that is not the request's: leave it out.
 */
#ifndef HARNESS_PACE_H
#define HARNESS_PACE_H

#include <stdint.h>

/* Awake until then; the CPU time that it took (0 with --counting: what asks
 * for it would be counted). */
int64_t pace_until(int64_t ns);

#endif
