/* waiting - family waiting: semaphore, condition, event, barrier.
 *
 *	semaphore/pair		acquire and release; one process
 *	semaphore/throttle	6 processes, 2 may be inside
 *	condition/round_trip	"your turn", and back: one lock, one condition
 *	event/round_trip	two events: set one, wait for the other
 *	barrier/phase		all wait for all
 *
 * The ways stand in waits/: ours, inline or by a direct call (rawmp) and by one
 * into the shared library (rawmp_call), glibc's, and the least that the kernel
 * asks for (futex, atomics).  Python measures in itself
 * (peers/waiting_peer.py).
 *
 * A round trip and a phase are timed one by one, by the first process; the two
 * of a round trip are pinned, to one CPU or to two.  The parties of a barrier
 * are spread over the CPUs and pinned; its time is the mean phase, because the
 * median of one party depends on whether it tends to come early or late.
 */
#include <stdio.h>
#include <string.h>

#include "harness/contest.h"
#include "harness/family.h"
#include "harness/python.h"
#include "waits/bench.h"

/* ---- semaphore ---- */

static void pair_setup(struct gb_state *st)
{
	const struct semaphore_way *w = gb_user(st);

	wait_clean();
	place_parent(PLACE_SAME);
	wait_judge(st, w->init(wait_stage, 1));
}

static void pair(struct gb_state *st)
{
	const struct semaphore_way *w = gb_user(st);

	if (w->pair(st, wait_stage) != 0)
		gb_error(st, "an acquire or a release failed");
}

static void pair_python(struct gb_state *st)
{
	char question[64];

	snprintf(question, sizeof(question), "pair %d %lld",
		 place_parent_cpu(PLACE_SAME), (long long)gb_iterations(st));
	python_ask_for_all(st, question, NULL, NULL);
}

static int throttled(struct contest *c, int index)
{
	const struct semaphore_way *w = c->arg;

	return w->throttle(c, index, wait_stage);
}

static void throttle_setup(struct gb_state *st)
{
	const struct semaphore_way *w = gb_user(st);

	wait_clean();
	wait_judge(st, w->init(wait_stage, THROTTLE_TOKENS));
}

static void throttle(struct gb_state *st)
{
	struct contest c = { .n = (int)gb_argument(st, 0),
			     .work = throttled,
			     .arg = (void *)(uintptr_t)gb_user(st) };

	contest_measure(&c, st);
}

static void throttle_python(struct gb_state *st)
{
	struct contest c = { .n = (int)gb_argument(st, 0) };

	GB_LOOP(st)
	{
		char *answer = python_ask(st, "throttle %d %d %d %d %lld", c.n,
					  THROTTLE_TOKENS, THROTTLE_NS,
					  contest_windows(),
					  (long long)contest_window_ns());

		if (answer == NULL)
			break;
		contest_answer(&c, answer);
		contest_report(&c, st);
	}
}

/* ---- the list ---- */

static void add(const char *what, const char *how, struct gb_benchmark b)
{
	b.teardown = wait_teardown;
	family_add(what, how, b);
}

static void add_semaphores(void)
{
	static const struct gb_argument procs[] = { { "procs", NULL } };
	static const int64_t six[][GB_ARGUMENTS] = { { 6 } };
	struct gb_benchmark p = { .run = pair, .setup = pair_setup };
	struct gb_benchmark t = { .run = throttle,
				  .setup = throttle_setup,
				  .arguments = procs,
				  .narguments = 1,
				  .rows = six,
				  .nrows = 1,
				  .clock = GB_MANUAL_TIME,
				  .once = true };

	for (const struct semaphore_way *w = semaphore_ways; w->name; w++) {
		p.user = t.user = w;
		add("semaphore/pair", w->name, p);
		if (w->throttle != NULL)
			add("semaphore/throttle", w->name, t);
	}
	p.run = pair_python;
	p.clock = GB_MANUAL_TIME;
	p.setup = t.setup = python_start;
	t.run = throttle_python;
	add("semaphore/pair", "python", p);
	add("semaphore/throttle", "python", t);
}

static void add_round_trips(void)
{
	static const struct gb_argument place[] = { { "place", place_labels } };
	static const int64_t rows[][GB_ARGUMENTS] = { { PLACE_SAME },
						      { PLACE_CROSS } };
	struct gb_benchmark b = { .arguments = place,
				  .narguments = 1,
				  .rows = rows,
				  .nrows = 2,
				  .unit = GB_US,
				  .clock = GB_MANUAL_TIME };

	b.run = wait_condition;
	b.setup = wait_condition_setup;
	for (const struct condition_way *w = condition_ways; w->name; w++) {
		b.user = w;
		add("condition/round_trip", w->name, b);
	}
	b.run = wait_event;
	b.setup = wait_event_setup;
	for (const struct event_way *w = event_ways; w->name; w++) {
		b.user = w;
		add("event/round_trip", w->name, b);
		if (strcmp(w->name, "futex") == 0) /* two hand-overs */
			add("condition/round_trip", w->name, b);
	}
	b.run = wait_trip_python;
	b.setup = wait_trip_python_setup;
	b.user = "condition";
	add("condition/round_trip", "python", b);
	b.user = "event";
	add("event/round_trip", "python", b);
}

static void add_barriers(void)
{
	static const struct gb_argument count[] = { { "parties", NULL } };
	static const int64_t rows[][GB_ARGUMENTS] = { { 2 }, { 4 }, { 8 } };
	struct gb_benchmark b = { .run = wait_barrier,
				  .setup = wait_barrier_setup,
				  .arguments = count,
				  .narguments = 1,
				  .rows = rows,
				  .nrows = 3,
				  .unit = GB_US,
				  .clock = GB_MANUAL_TIME };

	for (const struct barrier_way *w = barrier_ways; w->name; w++) {
		b.user = w;
		add("barrier/phase", w->name, b);
	}
	b.run = wait_barrier_python;
	b.setup = python_start;
	add("barrier/phase", "python", b);
}

static void prepare(void)
{
	wait_stage = family_memory(sizeof(*wait_stage));
	wait_histogram = histogram_create();
	wait_clean();
	gb_context("place", place_description());
	add_semaphores();
	add_round_trips();
	add_barriers();
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "windows", "N", "throttle: windows of 100 ms (2)",
		  contest_take_windows },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Semaphores, conditions, events, barriers.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "waiting_peer.py");
}
