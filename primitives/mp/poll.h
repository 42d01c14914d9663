/* poll - sleep until one descriptor is ready.
 *
 * Python: select.poll, multiprocessing.connection.wait for one object.
 * Floor 1.  Any process, any thread.
 *
 *	error = mp_poll(pidfd, POLLIN, mp_clock_deadline(timeout_ns));
 */
#ifndef MP_POLL_H
#define MP_POLL_H

#include "mp/api.h"

/* Sleep until one of the events (POLLIN, POLLOUT) or an end of file is there,
 * or until the deadline (mp_clock_*).
 * 0: ready.  -ETIMEDOUT.  -EINTR: a signal handler ran.  -EBADF: not open. */
MP_API int mp_poll(int fd, int events, int64_t deadline_ns);

#endif
