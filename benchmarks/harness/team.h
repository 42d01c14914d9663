/* team - workers that start together: processes or threads.
 *
 * The start line: all workers are ready and asleep, then go; the time ends when
 * the last one has done its work.  Making and ending workers is outside.  With
 * `creation` there is no line: workers begin as they come, and the time is from
 * before the first is made until the last has been reaped or joined, which is
 * what a user of fork experiences.
 *
 *	static int work(int index, void *arg) { ...; return 0; }
 *
 *	struct team t = {.n = 4, .work = work};
 *	if (team_run(&t, &ns) < 0)
 *		gb_error(st, "%s", t.why);
 *
 * Worker processes leave by _exit, are killed when the parent is, and one that
 * dies or fails ends the run at once with an error: the others are killed, and
 * nobody waits for what will not come.  (A thread cannot die alone; it can only
 * fail, and the others then work to their end.)
 */
#ifndef HARNESS_TEAM_H
#define HARNESS_TEAM_H

#include <stdbool.h>
#include <stdint.h>

struct team {
	int n;
	bool threads;
	bool creation;
	void (*before)(int index, void *arg); /* NULL, or before the line */
	int (*work)(int index, void *arg);    /* not 0: it failed */
	void *arg;
	char why[96]; /* after an error: a sentence */
};

/* 0 and the time.  -ECHILD: a worker died or failed.  -EAGAIN, -ENOMEM,
 * -EMFILE: it could not be made.  No worker is left in any case. */
int team_run(struct team *t, int64_t *ns);

#endif
