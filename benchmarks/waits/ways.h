/* ways - how to wait: ours, its peers, and the least that the kernel asks for.
 *
 * Each of the four objects has a table of ways; the loops around them stand in
 * waiting.c and are the same for all.  Not 0 is an error.
 */
#ifndef WAITS_WAYS_H
#define WAITS_WAYS_H

#include <stdatomic.h>
#include <stdint.h>

#include "harness/contest.h"
#include "harness/gbench.h"
#include "mp/counters.h"

#define PARTIES_MAX 8

/* Shared memory, zeroed before init. */
struct stage {
	_Alignas(128) unsigned char object[65536];
	_Alignas(128) _Atomic uint32_t turn;   /* whose it is; under a lock */
	_Alignas(128) _Atomic uint32_t inside; /* how many a semaphore let in */
	_Alignas(128) _Atomic uint64_t trips;  /* counted by the other side */
	struct {
		_Alignas(128) _Atomic uint64_t phase;
	} party[PARTIES_MAX];
	_Alignas(128) int fd[2]; /* eventfd */
};

/* A table ends with a name of NULL. */

struct semaphore_way {
	const char *name;
	int (*init)(struct stage *s, uint32_t value);
	int (*pair)(struct gb_state *st, struct stage *s);
	int (*throttle)(struct contest *c, int index, struct stage *s);
};

struct condition_way {
	const char *name;
	int (*init)(struct stage *s);
	int (*lock)(struct stage *s);
	int (*unlock)(struct stage *s);
	int (*wait)(struct stage *s);
	int (*notify)(struct stage *s);
};

/* Two events: i is 0 or 1. */
struct event_way {
	const char *name;
	int (*init)(struct stage *s);
	int (*set)(struct stage *s, int i);
	int (*clear)(struct stage *s, int i);
	int (*wait)(struct stage *s, int i);
};

struct barrier_way {
	const char *name;
	int (*init)(struct stage *s, uint32_t parties);
	int (*wait)(struct stage *s);
};

extern const struct semaphore_way semaphore_ways[];
extern const struct condition_way condition_ways[];
extern const struct event_way event_ways[];
extern const struct barrier_way barrier_ways[];

/* What the throttle lets in, and how long one is inside, and outside. */
#define THROTTLE_TOKENS 2
#define THROTTLE_NS     500

#endif
