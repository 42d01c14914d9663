/* actor.h - a process that goes on when a script says so; changed by nobody.
 *
 * An exercise's operations (its points.h) stand on this.  Under a script each
 * operation is also a point: the process stops before it, and stage.h, which
 * directs it, lets it go on.  Without a script there is nobody to wait for.
 *
 * Before this is included: enum op, with what there is to do, among it WAIT (to
 * sleep), KILL and, last, OPS.
 */
#ifndef TOOLS_ACTOR_H
#define TOOLS_ACTOR_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum state { RUNS, AT_POINT, FINISHED };

/* What a process shares with the one who directs it. */
struct role {
	atomic_uint state; /* the director waits while RUNS, the process else */
	enum op op;        /* where it stands, or what it did last */
	char said[48];     /* what came of the last operation */
};
static struct role *self; /* NULL: no script */

/* Tell the director, and wait until it says RUNS. */
static inline void stop_as(unsigned state)
{
	atomic_store(&self->state, state);
	while (atomic_load(&self->state) != RUNS)
		syscall(SYS_futex, &self->state, FUTEX_WAIT, state, NULL);
}

static inline void point(enum op op)
{
	if (__builtin_expect(self == NULL, 1))
		return;
	self->op = op;
	stop_as(AT_POINT);
}

#define SAY(...)                                                               \
	do                                                                     \
		if (__builtin_expect(self != NULL, 0))                         \
			snprintf(self->said, sizeof(self->said), __VA_ARGS__); \
	while (0)

#endif
