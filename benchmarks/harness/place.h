/* place - on which CPU the parent and its child run.
 *
 * The same pipe round trip takes 5 us on one CPU and 43 us across two on a
 * virtual machine, so unpinned numbers are never compared.
 *
 * The parent pins itself before the loop.  A child starts on its parent's CPU
 * set; where it belongs elsewhere, moving there is the first thing it does, and
 * the time includes it: that is what a child on another CPU costs.
 */
#ifndef HARNESS_PLACE_H
#define HARNESS_PLACE_H

enum place {
	PLACE_SAME,  /* both on one CPU */
	PLACE_CROSS, /* the child on another CPU, best another core */
	PLACE_FREE,  /* wherever the scheduler likes, of the CPUs allowed */
};

/* "same" "cross" "free": for gb_argument.labels */
extern const char *const place_labels[];

/* Pin the calling thread.  0; -ENODEV: cross, and there is only one CPU. */
int place_parent(enum place p);

/* What a child does first: place_child(place_child_cpu(p)).  The CPU is -1 when
 * it stays where it is.  place_child is one system call or none, and may be
 * called between vfork and _exit. */
int place_child_cpu(enum place p);
int place_parent_cpu(enum place p);
void place_child(int cpu);

/* The CPU for worker i of several: they take turns at the CPUs allowed. */
int place_spread_cpu(int i);

/* Back to all CPUs that were allowed at the start. */
void place_reset(void);

/* "same: CPU 0; cross: CPU 0 and 1 (another core)" */
const char *place_description(void);

#endif
