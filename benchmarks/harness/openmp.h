/* openmp - the peer that runs OpenMP, peers/openmp_peer.c: a process of its
 * own, and only while its benchmark runs.
 *
 * Its threads wait for the next loop awake (OMP_WAIT_POLICY=active), the best
 * setting for loops that follow one another; on one CPU, where that is the
 * worst, asleep.  Awake they would take a CPU from everybody else: so it is
 * started in setup and ended in teardown.
 */
#ifndef HARNESS_OPENMP_H
#define HARNESS_OPENMP_H

#include "harness/gbench.h"

/* For setup: it runs, or the benchmark is skipped. */
void openmp_start(struct gb_state *st);

/* As python_ask. */
__attribute__((format(printf, 2, 3))) char *openmp_ask(struct gb_state *st,
						       const char *format, ...);

/* For teardown. */
void openmp_stop(void);

#endif
