/* Several processes want one lock, for a fixed time. */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/contest.h"
#include "harness/counters.h"
#include "harness/python.h"
#include "harness/team.h"
#include "locks/bench.h"

/* Length of the work inside and outside of the lock. */
const char *const lock_work_labels[] = { "none", "short", "long", NULL };
static const struct {
	int inside, outside;
} works[] = { { 0, 0 }, { 100, 400 }, { 2000, 2000 } };

struct contended {
	const struct kind *kind;
	int inside, outside;
};

static int contend(struct contest *c, int index)
{
	const struct contended *d = c->arg;

	return d->kind->contend(c, index, lock_arena, d->inside, d->outside);
}

static void contend_before(int index, void *arg)
{
	lock_attach(index, (void *)(uintptr_t)((struct contended *)arg)->kind);
}

static struct contended what(const struct gb_state *st)
{
	int64_t work = gb_argument(st, 1);

	return (struct contended){ .kind = gb_user(st),
				   .inside = works[work].inside,
				   .outside = works[work].outside };
}

static int idle(int index, void *arg)
{
	(void)index;
	(void)arg;
	return 0;
}

void lock_contended_setup(struct gb_state *st)
{
	struct contended d = what(st);
	struct team t = { .n = (int)gb_argument(st, 0) + 1,
			  .work = idle,
			  .arg = &d };
	int64_t ns;

	lock_setup(st);
	if (d.kind == NULL || gb_failed(st) || !gb_counting())
		return;
	/* What the start and the end of the processes cost is not counted. */
	gb_discount_begin(st);
	team_run(&t, &ns);
	gb_discount_end(st);
}

/* Ours counts its calls of futex itself: for where the kernel does not. */
static void report_own(struct gb_state *st, const struct kind *k,
		       uint64_t operations)
{
	const struct mp_counters *c = k->counters(lock_arena);
	uint64_t futexes =
		mp_counters_get(c, MP_SLEEPS) + mp_counters_get(c, MP_WAKES);

	if (gb_counting() && !counters_work("futexes"))
		gb_counter(st, "futexes", (double)futexes / (double)operations);
	if (mp_counters_get(c, MP_RESCUES) != 0)
		gb_label(st, "%" PRIu64 " sleeps ended by the back-stop",
			 mp_counters_get(c, MP_RESCUES));
}

void lock_contended(struct gb_state *st)
{
	struct contended d = what(st);
	struct contest c = { .n = (int)gb_argument(st, 0),
			     .work = contend,
			     .before = contend_before,
			     .arg = &d };

	contest_measure(&c, st);
	if (gb_failed(st) || lock_believe(st, lock_arena->counter, c.total) < 0)
		return;
	if (d.kind->counters != NULL)
		report_own(st, d.kind, c.total);
}

void lock_contended_python(struct gb_state *st)
{
	struct contest c = { .n = (int)gb_argument(st, 0) };

	GB_LOOP(st)
	{
		char *answer = python_ask(st, "contend %d %d %lld", c.n,
					  contest_windows(),
					  (long long)contest_window_ns());

		if (answer == NULL)
			break;
		contest_answer(&c, answer);
		contest_report(&c, st);
	}
}
