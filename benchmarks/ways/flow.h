/* flow - messages from producers to consumers, as fast as they go, for a fixed
 * time: what throughput and queue measure.
 *
 * Producers run on the first CPU, consumers on the second.  Each message is
 * written and read, every byte; each must arrive once, undamaged, and those of
 * one producer in their order.  Time and messages are counted by the consumers:
 * from the end of a warm-up until each has received the end marker, which comes
 * last.
 */
#ifndef WAYS_FLOW_H
#define WAYS_FLOW_H

#include "harness/gbench.h"
#include "ways/way.h"

#define FLOW_MOST 4 /* producers, and consumers */

struct flow {
	const struct way *way;
	struct channel channel; /* what is wanted of it */
	int producers, consumers;
};

/* In a benchmark that is `once`: the time of a message, and the counters
 * messages_per_second and bytes_per_second. */
void flow_measure(struct gb_state *st, struct flow *f);

/* The same of messages, bytes each, that somebody else moved in ns. */
void flow_report(struct gb_state *st, uint64_t messages, size_t bytes,
		 int64_t ns);

/* For setup: pins this process; and what is counted beside the messages. */
void flow_prepare(struct gb_state *st, struct flow *f);

/* For --ms: how long a benchmark lasts, 50 if it is not given; shorter with
 * --smoke and --counting. */
const char *flow_take_ms(const char *value);
int64_t flow_ns(void);

#endif
