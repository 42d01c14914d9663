/* eventfd - a counter in the kernel that poll() and epoll can wait for.
 *
 * Python: os.eventfd.  Floor 1.  Any process that holds the descriptor, any
 * thread; mp_eventfd_post also from a signal handler.
 *
 * A futex is cheaper to sleep on (no call at all when nobody waits); an eventfd
 * can stand in one poll() beside sockets, pipes and pidfds.  Its counter never
 * fills up as a wake-up pipe does.
 *
 *	int fd = mp_eventfd_create(0, 0);
 *	uint64_t rung;
 *
 *	child:	mp_eventfd_post(fd, 1);
 *	parent:	mp_eventfd_wait(fd, -1, &rung);		 rung == 1
 *
 * If a peer is killed: the counter lives in the kernel; what was posted stays,
 * and nobody is told of the death.
 */
#ifndef MP_EVENTFD_H
#define MP_EVENTFD_H

#include "mp/api.h"

#define MP_EVENTFD_SEMAPHORE 1 /* a wait takes 1, not the whole counter */

/* The result is a descriptor, close-on-exec and not blocking: close() it.
 * -EINVAL: unknown flags.  -EMFILE, -ENFILE, -ENOMEM. */
MP_API int mp_eventfd_create(uint32_t initial, int flags);

/* Add n.  -EINVAL: n is 0.  -EOVERFLOW: the counter would pass 2^64 - 2. */
MP_API int mp_eventfd_post(int fd, uint64_t n);

/* Wait until the counter is not 0, then take all of it (a semaphore: 1) into
 * *value, which may be NULL.  -ETIMEDOUT.  -EINTR: a signal handler ran and
 * nothing was taken; call again. */
MP_API int mp_eventfd_wait(int fd, int64_t timeout_ns, uint64_t *value);

#endif
