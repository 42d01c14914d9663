/* child - one child process as its creator sees it: wait, signal, reap once.
 *
 * Internal to the library; process.h is what it is for.  Private memory of the
 * creator, any of its threads, several at once.
 *
 * A child that has not been reaped keeps its pid, so until then the pid is as
 * good as a pidfd; the pidfd is opened by the first call that needs one.
 */
#ifndef MP_CHILD_H
#define MP_CHILD_H

#include "mp/api.h"

#include <sys/types.h>

/*  end         meaning                          leaves by        to
 *  0           runs, or nobody has looked yet   a look           the others
 *  1 … 256     exit status + 1                  -
 *  -1 … -64    minus the signal                 -
 *  LOST        somebody else reaped it          -
 */
#define MP_CHILD_LOST INT32_MIN

struct mp_child {
	pid_t pid;
	_Atomic int fd; /* pidfd + 1; 0: not opened yet */
	_Atomic int32_t end;
};

/* The pidfd.  -ESRCH: reaped already.  -EMFILE, -ENFILE, -ENOMEM. */
int mp_child_fd(struct mp_child *c);

/* Wait for the end, keep it in c->end and reap.  0, -ETIMEDOUT, -EINTR, and
 * with a timeout what mp_child_fd says. */
int mp_child_wait(struct mp_child *c, int64_t timeout_ns);

/* Send a signal; 0 also when the child has ended.  -EINVAL. */
int mp_child_signal(struct mp_child *c, int sig);

/* Close the pidfd, if there is one. */
void mp_child_close(struct mp_child *c);

#endif
