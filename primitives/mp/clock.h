/* clock - the one clock of the library, and deadlines on it.
 *
 * Python: time.monotonic_ns.  Floor 1.  Any process, any thread, a signal
 * handler.
 *
 * Times are nanoseconds on CLOCK_MONOTONIC.  All processes of a machine read
 * the same clock, so a time may be kept in shared memory and compared there.
 * The clock stands still while the machine is suspended.
 *
 *	int64_t deadline = mp_clock_deadline(timeout_ns);
 *	while (!done())
 *		if (wait_until(deadline) == -ETIMEDOUT)
 *			break;
 *
 * A deadline computed once is what makes a wait that is interrupted by signals
 * end in time: the remaining time need not be computed again.
 */
#ifndef MP_CLOCK_H
#define MP_CLOCK_H

#include "mp/api.h"

#define MP_CLOCK_NEVER INT64_MAX

/* Now, in nanoseconds; never negative. */
MP_API int64_t mp_clock_now(void);

/* The moment at which a timeout ends: MP_CLOCK_NEVER for a negative timeout
 * and for one beyond what the clock holds (292 years), now for 0. */
MP_API int64_t mp_clock_deadline(int64_t timeout_ns);

/* Nanoseconds until the deadline: 0 when it has passed, MP_CLOCK_NEVER for
 * MP_CLOCK_NEVER. */
MP_API int64_t mp_clock_left(int64_t deadline_ns);

#endif
