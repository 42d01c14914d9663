/* bench - what the benchmarks of lock.c share, and those that stand in files of
 * their own.
 */
#ifndef LOCKS_BENCH_H
#define LOCKS_BENCH_H

#include "harness/gbench.h"
#include "harness/histogram.h"
#include "locks/kind.h"

extern struct arena *lock_arena;
extern struct histogram *lock_histogram;
extern int64_t lock_each; /* increments of a process */

/* A new lock.  -errno. */
int lock_fresh(const struct kind *k);

/* For setup and teardown: a new lock, or Python's. */
void lock_setup(struct gb_state *st);
void lock_teardown(struct gb_state *st);

/* 0; or it is an error, and was said. */
int lock_believe(struct gb_state *st, uint64_t counter, uint64_t expected);

/* In each process; arg: the kind. */
void lock_attach(int index, void *arg);

extern const char *const lock_work_labels[];
void lock_contended_setup(struct gb_state *st);
void lock_contended(struct gb_state *st);
void lock_contended_python(struct gb_state *st);

void lock_increments(struct gb_state *st);
void lock_increments_python(struct gb_state *st);
void lock_lost_updates(struct gb_state *st);

void lock_killed_setup(struct gb_state *st);
void lock_killed(struct gb_state *st);

#endif
