/* alone.c - one client: each operation is timed, back to back or one each
 * millisecond. */
#include "managers/bench.h"

#include <errno.h>
#include <string.h>

#include "harness/pace.h"
#include "harness/team.h"
#include "mp/clock.h"

struct alone {
	const struct store *store;
	enum store_case what;
	enum place place;
	int64_t ns;   /* so long */
	int64_t pace; /* 0: back to back */
	struct visit visit;
};

/* Does an operation count, or is this still the warm-up? */
static bool warm_enough(const struct alone *a, uint64_t k, int64_t first)
{
	uint64_t enough = gb_counting() ? 0 : a->pace > 0 ? 3 : 100;

	return k > enough || (k > 1 && mp_clock_now() > first + a->ns / 5);
}

static int operate(struct alone *a)
{
	struct manager_stage *s = manager_stage;
	uint64_t each = a->store->batch > 0 ? (uint64_t)a->store->batch : 1;
	struct usage before, after;
	int64_t first = mp_clock_now(), begin = first, end = first;
	int64_t waited = 0, over = INT64_MAX, cpu = 0;
	bool counts = false;
	int e = 0;

	for (uint64_t k = 1; a->ns > 0 && end < over; k++) {
		if (a->pace > 0) {
			begin = first + (int64_t)k * a->pace;
			waited += pace_until(begin);
		}
		if (!counts && warm_enough(a, k, first)) {
			usage_now(&before);
			counts = true;
			waited = 0;
			cpu = manager_server_cpu();
			end = mp_clock_now();
			over = end + a->ns;
		}
		if (a->pace == 0)
			begin = end;
		e = visit_once(&a->visit);
		end = mp_clock_now();
		if (e < 0)
			return e;
		if (!counts)
			continue;
		histogram_record(manager_histogram,
				 (end - begin) / (int64_t)each);
		s->sum += end - begin;
		s->trips += each;
	}
	usage_now(&after);
	if (counts)
		s->usage = usage_between(&before, &after);
	s->usage.cpu_ns += manager_server_cpu() - cpu - waited;
	if (manager_site.server > 0) /* whose switches are not known */
		s->usage.voluntary = s->usage.faults = -1;
	return 0;
}

static void come(int index, void *arg)
{
	struct alone *a = arg;
	int e;

	manager_move(a->place);
	a->visit.board = &manager_stage->board;
	e = visit_begin(&a->visit, &manager_site, a->store, a->what, index);
	if (e < 0)
		manager_stage->error = e;
}

static int work(int index, void *arg)
{
	struct alone *a = arg;
	int e = manager_stage->error;

	(void)index;
	if (e == 0)
		e = operate(a);
	if (e == 0)
		e = visit_end(&a->visit);
	if (e < 0)
		manager_stage->error = e;
	return e;
}

static int go(struct gb_state *st, int64_t ns)
{
	const struct manager_user *u = gb_user(st);
	struct alone a = { .store = u->store,
			   .what = u->what,
			   .place = manager_place(st),
			   .ns = ns,
			   .pace = manager_pace(st) };
	struct team team = { .n = 1, .before = come, .work = work, .arg = &a };
	int64_t all;
	int e;

	manager_stage->trips = 0;
	manager_stage->sum = 0;
	memset(&manager_stage->usage, 0, sizeof(manager_stage->usage));
	histogram_reset(manager_histogram);
	e = team_run(&team, &all);
	if (e < 0)
		manager_complain(st, team.why);
	return e;
}

void manager_alone(struct gb_state *st)
{
	int64_t ns = manager_ns() * (manager_pace(st) > 0 ? 2 : 1);

	GB_LOOP(st)
	{
		if (go(st, ns) < 0)
			break;
		gb_usage(st, &manager_stage->usage);
		gb_operations(st, manager_stage->trips);
		gb_time(st, manager_stage->sum);
	}
	if (!gb_failed(st))
		histogram_report(manager_histogram, st);
	manager_believe(st);
}

void manager_alone_idle(struct gb_state *st)
{
	go(st, 0);
}
