/* Round trips, timed one by one: of a condition, and of two events. */
#include <inttypes.h>
#include <stdio.h>

#include "harness/family.h"
#include "harness/python.h"
#include "mp/clock.h"
#include "waits/bench.h"

static void place_side(int index, void *arg)
{
	enum place place = ((struct task *)arg)->place;

	place_child(index == 0 ? place_parent_cpu(place)
			       : place_child_cpu(place));
}

/* Give the turn away, and wait until it is ours again. */
static int condition_trip(const struct condition_way *w)
{
	int bad = w->lock(wait_stage);

	wait_stage->turn = 1;
	bad |= w->notify(wait_stage);
	while (wait_stage->turn != 0 && bad == 0)
		bad |= w->wait(wait_stage);
	return bad | w->unlock(wait_stage);
}

static int condition_return(const struct condition_way *w)
{
	int bad = w->lock(wait_stage);

	while (wait_stage->turn != 1 && bad == 0)
		bad |= w->wait(wait_stage);
	wait_stage->turn = 0;
	wait_stage->trips++;
	bad |= w->notify(wait_stage);
	return bad | w->unlock(wait_stage);
}

static int event_trip(const struct event_way *w)
{
	int bad = w->set(wait_stage, 1);

	bad |= w->wait(wait_stage, 0);
	return bad | w->clear(wait_stage, 0);
}

static int event_return(const struct event_way *w)
{
	int bad = w->wait(wait_stage, 1);

	bad |= w->clear(wait_stage, 1);
	wait_stage->trips++;
	return bad | w->set(wait_stage, 0);
}

static int condition_side(int index, void *arg)
{
	const struct task *t = arg;
	int bad = 0;

	for (int64_t i = 0; i < t->times && bad == 0; i++) {
		int64_t begin = mp_clock_now();

		if (index == 1) {
			bad = condition_return(t->way);
			continue;
		}
		bad = condition_trip(t->way);
		histogram_record(wait_histogram, mp_clock_now() - begin);
	}
	return bad;
}

static int event_side(int index, void *arg)
{
	const struct task *t = arg;
	int bad = 0;

	for (int64_t i = 0; i < t->times && bad == 0; i++) {
		int64_t begin = mp_clock_now();

		if (index == 1) {
			bad = event_return(t->way);
			continue;
		}
		bad = event_trip(t->way);
		histogram_record(wait_histogram, mp_clock_now() - begin);
	}
	return bad;
}

void wait_condition_setup(struct gb_state *st)
{
	const struct condition_way *w = gb_user(st);
	struct task task = { .way = w,
			     .place = (enum place)gb_argument(st, 0) };
	struct team t = { .n = 2,
			  .before = place_side,
			  .work = condition_side,
			  .arg = &task };

	wait_clean();
	if (family_place(st, (enum place)gb_argument(st, 0)) == 0)
		wait_judge(st, w->init(wait_stage));
	wait_discount(st, &t);
}

void wait_event_setup(struct gb_state *st)
{
	const struct event_way *w = gb_user(st);
	struct task task = { .way = w,
			     .place = (enum place)gb_argument(st, 0) };
	struct team t = {
		.n = 2, .before = place_side, .work = event_side, .arg = &task
	};

	wait_clean();
	if (family_place(st, (enum place)gb_argument(st, 0)) == 0)
		wait_judge(st, w->init(wait_stage));
	wait_discount(st, &t);
}

static void round_trips(struct gb_state *st, int (*side)(int, void *))
{
	struct task task = { .way = gb_user(st),
			     .place = (enum place)gb_argument(st, 0) };
	struct team t = {
		.n = 2, .before = place_side, .work = side, .arg = &task
	};

	wait_run_team(st, &t);
	if (!gb_failed(st) && wait_stage->trips != (uint64_t)task.times)
		gb_error(st, "%" PRIu64 " round trips, it must be %" PRId64,
			 (uint64_t)wait_stage->trips, task.times);
	if (!gb_failed(st))
		histogram_report(wait_histogram, st);
}

void wait_condition(struct gb_state *st)
{
	round_trips(st, condition_side);
}

void wait_event(struct gb_state *st)
{
	round_trips(st, event_side);
}

void wait_trip_python_setup(struct gb_state *st)
{
	wait_clean();
	if (family_place(st, (enum place)gb_argument(st, 0)) == 0)
		python_start(st);
	place_reset(); /* it pins its own */
}

void wait_trip_python(struct gb_state *st)
{
	enum place place = (enum place)gb_argument(st, 0);
	int cpu = place_parent_cpu(place), other = place_child_cpu(place);
	char question[64];

	snprintf(question, sizeof(question), "%s %d %d %lld",
		 (const char *)gb_user(st), cpu, other < 0 ? cpu : other,
		 (long long)gb_iterations(st));
	python_ask_for_all(st, question, wait_histogram, histogram_report);
}
