/* pipe-bell - a receiver that sleeps until there is a message.
 *
 * Internal to pipe-*.c and wait.c.  Floor 3.
 *
 * The receiver arms the bell of its ring, fences, looks at the ring once more,
 * and sleeps in poll(): bell.h.
 */
#ifndef MP_PIPE_BELL_H
#define MP_PIPE_BELL_H

#include "mp/bell.h"
#include "mp/pipe-ring.h"

/* Have the eventfd posted with the next message.  Then mp_fence_heavy, then
 * look at the ring once more. */
void mp_pipe_arm(struct mp_conn *c);

/* Sleep until it is posted.  0: look again.  -EPIPE, -ETIMEDOUT, -EINTR. */
int mp_pipe_sleep(struct mp_conn *c, int64_t deadline_ns);

/* It was posted: take that back. */
void mp_pipe_answered(struct mp_conn *c);

/* With ALWAYS: readable while something is there, and else not. */
void mp_pipe_settle(struct mp_conn *c);

#endif
