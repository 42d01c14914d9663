/* child - one child process as its creator sees it: wait, signal, reap once.
 *
 * Internal to the library; process.h is what it is for.  Private memory of the
 * creator, any of its threads, several at once.
 *
 * A child that has not been reaped keeps its pid, so until then the pid is as
 * good as a pidfd; the pidfd is opened by the first call that needs one.
 *
 * A child of a fork server is reaped by the server, when asked.  Its pidfd is
 * there from the start, for the server may be killed, and then the pid is
 * anybody's.
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

struct mp_forkserver;

struct mp_child {
	pid_t pid;
	_Atomic int fd; /* pidfd + 1; 0: not opened yet */
	_Atomic int32_t end;
	struct mp_forkserver *server; /* constant; NULL: a child of our own */
};

/* How waitid says it, as `end`. */
int32_t mp_child_end(int code, int status);

/* The pidfd.  -ESRCH: reaped already.  -EMFILE, -ENFILE, -ENOMEM. */
int mp_child_fd(struct mp_child *c);

/* Wait for the end, keep it in c->end and reap.  0, -ETIMEDOUT, -EINTR, and
 * with a timeout what mp_child_fd says. */
int mp_child_wait(struct mp_child *c, int64_t timeout_ns);

/* Send a signal; 0 also when the child has ended.  -EINVAL. */
int mp_child_signal(struct mp_child *c, int sig);

/* Nobody can tell any more how it ends, if it has not been seen. */
void mp_child_lose(struct mp_child *c);

/* Close the pidfd, if there is one. */
void mp_child_close(struct mp_child *c);

#endif
