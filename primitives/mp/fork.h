/* fork - fork a process that runs one function and ends, right on both sides.
 *
 * Internal to the library; process.h says what "right" is.
 */
#ifndef MP_FORK_H
#define MP_FORK_H

#include <stdbool.h>
#include <sys/types.h>

/* Run body(arg) in a child, which ends with the low eight bits of its value.
 * outlive: the child stays when its creator, this thread, dies.
 * The child's pid, -EAGAIN or -ENOMEM. */
pid_t mp_fork(int (*body)(void *), void *arg, bool outlive);

#endif
