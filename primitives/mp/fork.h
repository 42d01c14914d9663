/* fork - fork a process that runs one function and ends, right on both sides.
 *
 * Internal to the library; process.h says what "right" is.
 */
#ifndef MP_FORK_H
#define MP_FORK_H

#include <sys/types.h>

enum {
	MP_FORK_OUTLIVE = 1,      /* stays when its creator (thread) dies */
	MP_FORK_NO_INTERRUPT = 2, /* ignores SIGINT from the start */
	MP_FORK_BLOCKED = 4       /* begins with all signals blocked */
};

/* Run body(arg) in a child, which ends with the low eight bits of its value.
 * The child's pid, -EAGAIN or -ENOMEM. */
pid_t mp_fork(int (*body)(void *), void *arg, int flags);

#endif
