/* See bench.h. */
#include "waits/bench.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "locks/library.h"

struct stage *wait_stage;
struct histogram *wait_histogram;

/* ---- before and after each ---- */

void wait_clean(void)
{
	memset(wait_stage, 0, sizeof(*wait_stage));
	wait_stage->fd[0] = wait_stage->fd[1] = -1;
	histogram_reset(wait_histogram);
}

/* What an init said. */
void wait_judge(struct gb_state *st, int e)
{
	if (e == -ENOENT && library() == NULL)
		gb_skip(st, "%s", library_why());
	else if (e < 0)
		gb_error(st, "init: %s", strerror(-e));
}

void wait_teardown(struct gb_state *st)
{
	(void)st;
	for (int i = 0; i < 2; i++)
		if (wait_stage->fd[i] >= 0)
			close(wait_stage->fd[i]);
	wait_clean();
	place_reset();
}

/* ---- several processes, as many times as there are iterations ---- */

/* All iterations are one run of the team. */
void wait_run_team(struct gb_state *st, struct team *t)
{
	struct task *task = t->arg;
	bool done = false;
	int64_t ns;

	task->times = gb_iterations(st);
	GB_LOOP(st)
	{
		if (done) {
			gb_time(st, 0);
			continue;
		}
		if (team_run(t, &ns) < 0) {
			gb_error(st, "%s", t->why);
			break;
		}
		gb_time(st, ns);
		done = true;
	}
}

/* What the start and the end of the processes cost is not counted. */
void wait_discount(struct gb_state *st, struct team *t)
{
	int64_t ns;

	if (gb_failed(st) || !gb_counting())
		return;
	gb_discount_begin(st);
	if (team_run(t, &ns) < 0)
		gb_error(st, "%s", t->why);
	gb_discount_end(st);
}
