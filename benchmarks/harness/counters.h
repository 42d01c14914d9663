/* counters - the counting pass: what the kernel counts while a benchmark runs.
 *
 * perf events with inherit=1 on this process: children and threads made later
 * are counted too, the living and the dead.  They slow down what they count (a
 * pipe round trip by a fifth), so times are never taken with counters on.
 *
 * A value is right, or it is not there and counters_reason says why, and what
 * to do about it.  Never 0 for "could not": with kernel.perf_event_paranoid=2
 * an ordinary user may count user space only, and the kernel then answers 0
 * context switches without an error.  Such an event is refused here.
 */
#ifndef HARNESS_COUNTERS_H
#define HARNESS_COUNTERS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Open them all.  Before the first child that is to be counted. */
void counters_open(void);

int counters_number(void);
const char *counters_name(int i);
const char *counters_reason(int i); /* NULL: it counts; else "why; remedy" */

/* Is there a counter of that name, and does it count? */
int counters_work(const char *name);

/* Note where all counters stand; and the difference to now. */
void counters_start(void);
void counters_stop(void);

/* Counted between start and stop, only where counters_reason is NULL; NaN
 * when the event had no turn on the PMU in that time. */
double counters_value(int i);

#ifdef __cplusplus
}
#endif

#endif
