/* trips - there and back: what latency measures.
 *
 * The asker times each round trip; the answer must be the question's
 * complement.  With a pace the time begins when the question was to be sent, so
 * that one that is late makes the next ones late too; the asker waits for that
 * moment awake, and the CPU time of that is not counted.
 */
#ifndef WAYS_TRIPS_H
#define WAYS_TRIPS_H

#include "harness/gbench.h"
#include "harness/histogram.h"
#include "harness/place.h"
#include "ways/way.h"

#define TRIPS_PACE_NS 1000000

struct trips {
	const struct way *way;
	struct channel channel;
	enum place place;
	int64_t ns;    /* so long; 0: only the start and the end */
	uint64_t warm; /* at most so many before, which do not count */
	bool paced;
};

/* In prepare; the histogram that trips are recorded in. */
struct histogram *trips_prepare(void);

/* 0, or it was said why not. */
int trips_run(struct gb_state *st, struct trips *t);

/* The same, reported: in a GB_LOOP. */
int trips_measure(struct gb_state *st, struct trips *t);

#endif
