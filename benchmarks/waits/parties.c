/* The phases of a barrier. */
#include <stdio.h>

#include "harness/python.h"
#include "mp/clock.h"
#include "waits/bench.h"

static void place_party(int index, void *arg)
{
	(void)arg;
	place_child(place_spread_cpu(index));
}

/* Nobody may be a phase ahead of one who is not there. */
static int party(int index, void *arg)
{
	const struct task *t = arg;
	const struct barrier_way *w = t->way;
	int n = t->parties, bad = 0;
	int64_t begin = mp_clock_now(), end;

	for (int64_t i = 1; i <= t->times && bad == 0; i++) {
		atomic_store_explicit(&wait_stage->party[index].phase,
				      (uint64_t)i, memory_order_relaxed);
		bad = w->wait(wait_stage);
		end = mp_clock_now();
		if (index == 0)
			histogram_record(wait_histogram, end - begin);
		begin = end;
		if (atomic_load_explicit(
			    &wait_stage->party[(index + 1) % n].phase,
			    memory_order_relaxed) < (uint64_t)i)
			bad = 1;
	}
	return bad;
}

static struct team parties(struct gb_state *st, struct task *task)
{
	*task = (struct task){ .way = gb_user(st),
			       .parties = (int)gb_argument(st, 0) };
	return (struct team){ .n = (int)gb_argument(st, 0),
			      .before = place_party,
			      .work = party,
			      .arg = task };
}

void wait_barrier_setup(struct gb_state *st)
{
	const struct barrier_way *w = gb_user(st);
	struct task task;
	struct team t = parties(st, &task);

	wait_clean();
	wait_judge(st, w->init(wait_stage, (uint32_t)t.n));
	wait_discount(st, &t);
}

void wait_barrier(struct gb_state *st)
{
	struct task task;
	struct team t = parties(st, &task);

	wait_run_team(st, &t);
	if (!gb_failed(st))
		histogram_report_tail(wait_histogram, st);
}

void wait_barrier_python(struct gb_state *st)
{
	char question[64];

	histogram_reset(wait_histogram);
	snprintf(question, sizeof(question), "barrier %d %lld",
		 (int)gb_argument(st, 0), (long long)gb_iterations(st));
	python_ask_for_all(st, question, wait_histogram, histogram_report_tail);
}
