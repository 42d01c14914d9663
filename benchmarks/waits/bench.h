/* bench - what the benchmarks of waiting.c share, and those that stand in files
 * of their own.
 */
#ifndef WAITS_BENCH_H
#define WAITS_BENCH_H

#include "harness/gbench.h"
#include "harness/histogram.h"
#include "harness/place.h"
#include "harness/team.h"
#include "waits/ways.h"

extern struct stage *wait_stage;
extern struct histogram *wait_histogram;

/* Before and after each. */
void wait_clean(void);
void wait_judge(struct gb_state *st, int e); /* what an init said */
void wait_teardown(struct gb_state *st);

/* Several processes, as many times as there are iterations. */

/* What each of them is told. */
struct task {
	const void *way;
	enum place place;
	int parties;
	int64_t times;
};

/* All iterations are one run of the team; its arg is a task. */
void wait_run_team(struct gb_state *st, struct team *t);

/* For setup: what the start and the end of the processes cost is not
 * counted. */
void wait_discount(struct gb_state *st, struct team *t);

void wait_condition_setup(struct gb_state *st);
void wait_condition(struct gb_state *st);
void wait_event_setup(struct gb_state *st);
void wait_event(struct gb_state *st);
void wait_trip_python_setup(struct gb_state *st); /* user: what it asks */
void wait_trip_python(struct gb_state *st);

void wait_barrier_setup(struct gb_state *st);
void wait_barrier(struct gb_state *st);
void wait_barrier_python(struct gb_state *st);

#endif
