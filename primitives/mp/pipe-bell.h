/* pipe-bell - an eventfd that is posted only while somebody listens.
 *
 * Internal to pipe-*.c and wait.c.  Floor 3.
 *
 * The receiver arms the bell, fences, looks at the ring once more, and sleeps
 * in poll().  The sender publishes, fences, and posts the eventfd if the bell
 * is armed; only then it disarms it, so that its death in between leaves a post
 * too many and never one too few.
 */
#ifndef MP_PIPE_BELL_H
#define MP_PIPE_BELL_H

#include "mp/eventfd.h"
#include "mp/pipe-ring.h"

/*  word                meaning                     leaves by         to
 *  generation          nobody sleeps               mp_pipe_arm       +4, ARMED
 *  generation|ARMED    the receiver may sleep      mp_pipe_ring      ARMED off
 *                                                  mp_pipe_arm       +4
 *  ...|ALWAYS          it polls by itself, at any  -
 *                      time: post with each message
 *
 *  Each arming is a new word: a sender that comes late with "off" does not hit
 *  the next one.
 */
#define MP_PIPE_ARMED      1u
#define MP_PIPE_ALWAYS     2u
#define MP_PIPE_GENERATION 4u

static inline bool mp_pipe_listens(const struct mp_ring *r)
{
	return atomic_load_explicit(&r->bell, memory_order_relaxed) &
	       (MP_PIPE_ARMED | MP_PIPE_ALWAYS);
}

/* Something was published: tell the one who listens. */
void mp_pipe_ring(struct mp_ring *r, int bell);

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
