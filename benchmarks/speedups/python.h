/* python - the methods that Python runs (peers/speedup_peer.py).
 *
 * Python does a smaller part of most workloads, for it is up to a hundred times
 * slower; its own sequential run does as much, and is what it is divided by.
 */
#ifndef SPEEDUPS_PYTHON_H
#define SPEEDUPS_PYTHON_H

#include "harness/gbench.h"
#include "speedups/method.h"

/* For setup: the workers are there, or the benchmark is skipped. */
void python_prepare(struct gb_state *st, const struct method *m,
		    const struct workload *w, int n);

void python_measure(struct gb_state *st);

void python_end(void);

#endif
