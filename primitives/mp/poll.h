/* poll - sleep until a descriptor is ready.
 *
 * Python: select.poll.
 * Floor 1.  Any process, any thread.
 *
 *	error = mp_poll(pidfd, POLLIN, mp_clock_deadline(timeout_ns));
 */
#ifndef MP_POLL_H
#define MP_POLL_H

#include <poll.h>

#include "mp/api.h"

/* poll(2) with a deadline (mp_clock_*).  How many are ready; 0: none until
 * then.  -EINTR: a signal handler ran. */
MP_API int mp_poll_many(struct pollfd *v, int n, int64_t deadline_ns);

/* Sleep until one of the events (POLLIN, POLLOUT) or an end of file is there,
 * or until the deadline (mp_clock_*).
 * 0: ready.  -ETIMEDOUT.  -EINTR: a signal handler ran.  -EBADF: not open. */
MP_API int mp_poll(int fd, int events, int64_t deadline_ns);

#endif
