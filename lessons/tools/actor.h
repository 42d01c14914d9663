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
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum state { RUNS, AT_POINT, FINISHED };

/* What a process shares with the one who directs it. */
struct role {
	atomic_uint state; /* the director waits while RUNS, the process else */
	enum op op;        /* where it stands, or what it did last */
	char said[48];     /* what came of the last operation */
	int result;        /* of the last call that went wrong; 0: none did */
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

#define NEVER INT64_MAX

/* The moment at which a timeout ends, for an operation that sleeps. */
static inline int64_t deadline_of(int64_t timeout_ns)
{
	struct timespec t;

	if (timeout_ns < 0)
		return NEVER;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec + timeout_ns;
}

#endif
