/* python.c - Python's Manager, which measures in itself. */
#include "managers/bench.h"

#include <stdlib.h>

#include "harness/contest.h"
#include "harness/family.h"
#include "harness/python.h"

void manager_python_setup(struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);

	if (family_place(st, manager_place(st)) == 0)
		python_start(st);
	place_reset(); /* it pins its own */
	if (gb_failed(st) || !gb_counting())
		return;
	/* A server and a client that do nothing. */
	gb_discount_begin(st);
	python_ask(st, "alone %s -1 -1 0 0", manager_cases[u->what]);
	gb_discount_end(st);
}

/* The CPUs of its server and of its clients, or -1. */
static int client_cpu(enum place place)
{
	int cpu = place_child_cpu(place);

	return cpu < 0 ? place_parent_cpu(place) : cpu;
}

static void alone(struct gb_state *st, const char *what)
{
	enum place place = manager_place(st);
	int64_t pace = manager_pace(st);

	histogram_reset(manager_histogram);
	GB_LOOP(st)
	{
		char *answer = python_ask(st, "alone %s %d %d %lld %lld", what,
					  place_parent_cpu(place),
					  client_cpu(place), (long long)pace,
					  (long long)manager_ns() *
						  (pace > 0 ? 2 : 1));
		int64_t n, sum = 0;

		if (answer == NULL)
			break;
		n = strtoll(answer, &answer, 10);
		for (int64_t i = 0; i < n; i++) {
			int64_t ns = strtoll(answer, &answer, 10);

			histogram_record(manager_histogram, ns);
			sum += ns;
		}
		gb_operations(st, (uint64_t)n);
		gb_time(st, sum);
	}
	if (!gb_failed(st))
		histogram_report(manager_histogram, st);
}

static void many(struct gb_state *st, const char *what)
{
	enum place place = manager_place(st);
	struct contest c = { .n = (int)gb_argument(st, COLUMN_CLIENTS) };

	GB_LOOP(st)
	{
		char *answer = python_ask(st, "many %s %d %d %d %d %lld", what,
					  c.n, place_parent_cpu(place),
					  client_cpu(place), contest_windows(),
					  (long long)contest_window_ns());

		if (answer == NULL)
			break;
		contest_answer(&c, answer);
		contest_report(&c, st);
	}
}

void manager_python(struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);

	if (gb_argument(st, COLUMN_CLIENTS) == 1)
		alone(st, manager_cases[u->what]);
	else
		many(st, manager_cases[u->what]);
}
