/* lock - family lock: what it costs to be alone.
 *
 *	lock/alone		acquire, counter + 1, release; one process
 *	lock/contended		the same by several processes at once
 *	lock/increments		4 processes, 100,000 each: the whole of it
 *	lock/killed_holder	from SIGKILL to the next owner
 *	lock/lost_updates	the increments without a lock
 *
 * The kinds stand in locks/: the rungs of lesson 05, glibc's mutexes and other
 * peers, and ours, inline (rawmp), through the shared library (rawmp_call) and
 * with release by anybody (rawmp_any).  Python measures in itself
 * (peers/lock_peer.py).  All do the same section on the same memory.
 *
 * No time is believed before the counter has the value that it must have.
 */
#include <stdio.h>

#include "harness/family.h"
#include "harness/python.h"
#include "locks/bench.h"
#include "mp/cpu.h"

/* NULL: Python. */
static const struct kind *const kinds[] = {
	&kind_fetch_add,
	&kind_spin,
	&kind_futex2,
	&kind_futex3,
	&kind_rawmp,
	&kind_rawmp_call,
	&kind_rawmp_any,
	&kind_pthread,
	&kind_pthread_adaptive,
	&kind_pthread_robust,
	&kind_pthread_pi,
	&kind_pthread_spin,
	&kind_sem,
	&kind_eventfd,
	&kind_flock,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- alone ---- */

static void alone_setup(struct gb_state *st)
{
	const struct kind *k = gb_user(st);

	place_parent(PLACE_SAME);
	lock_setup(st);
	if (k != NULL && !gb_failed(st) && k->attach != NULL &&
	    k->attach(lock_arena) < 0)
		gb_error(st, "%s: it cannot be opened", k->name);
}

static void alone(struct gb_state *st)
{
	const struct kind *k = gb_user(st);

	if (k->alone(st, lock_arena) != 0)
		gb_error(st, "an acquire or a release failed");
	else
		lock_believe(st, lock_arena->counter,
			     (uint64_t)gb_iterations(st));
}

static void alone_python(struct gb_state *st)
{
	char question[64];

	snprintf(question, sizeof(question), "alone %d %lld",
		 place_parent_cpu(PLACE_SAME), (long long)gb_iterations(st));
	python_ask_for_all(st, question, NULL, NULL);
}

/* ---- the list ---- */

static const struct gb_argument procs_argument[] = { { "procs", NULL } };
static const struct gb_argument place_argument[] = { { "place",
						       place_labels } };
static const struct gb_argument contended_arguments[] = {
	{ "procs", NULL }, { "work", lock_work_labels }
};

/* A benchmark lock/WHICH/HOW; the rest as in `b`. */
static void add(const char *which, const char *how, struct gb_benchmark b)
{
	char what[64];

	snprintf(what, sizeof(what), "lock/%s", which);
	if (b.teardown == NULL)
		b.teardown = lock_teardown;
	if (b.setup == NULL)
		b.setup = lock_setup;
	family_add(what, how, b);
}

static void add_alone(void)
{
	for (size_t i = 0; i < KINDS; i++)
		add("alone", kinds[i]->name,
		    (struct gb_benchmark){ .run = alone,
					   .setup = alone_setup,
					   .unit = GB_NS,
					   .user = kinds[i] });
	add("alone", "python",
	    (struct gb_benchmark){ .run = alone_python,
				   .setup = alone_setup,
				   .unit = GB_NS,
				   .clock = GB_MANUAL_TIME });
}

static void add_contended(void)
{
	static const int64_t rows[][GB_ARGUMENTS] = {
		{ 1, 0 }, { 2, 0 }, { 4, 0 }, { 8, 0 }, { 1, 1 }, { 2, 1 },
		{ 4, 1 }, { 8, 1 }, { 1, 2 }, { 2, 2 }, { 4, 2 }, { 8, 2 },
	};
	static const int64_t smoke[][GB_ARGUMENTS] = { { 2, 0 }, { 4, 1 } };
	struct gb_benchmark b = { .run = lock_contended,
				  .setup = lock_contended_setup,
				  .arguments = contended_arguments,
				  .narguments = 2,
				  .rows = gb_smoke() ? smoke : rows,
				  .nrows = gb_smoke() ? 2 : 12,
				  .unit = GB_NS,
				  .clock = GB_MANUAL_TIME,
				  .once = true };

	for (size_t i = 0; i < KINDS; i++) {
		b.user = kinds[i];
		add("contended", kinds[i]->name, b);
	}
	b.user = NULL; /* Python: its own work would be longer than ours */
	b.run = lock_contended_python;
	b.nrows = gb_smoke() ? 1 : 4;
	add("contended", "python", b);
}

static void add_increments(void)
{
	static const int64_t row[][GB_ARGUMENTS] = { { 4 } };
	struct gb_benchmark b = { .run = lock_increments,
				  .arguments = procs_argument,
				  .narguments = 1,
				  .rows = row,
				  .nrows = 1,
				  .unit = GB_MS,
				  .clock = GB_MANUAL_TIME };

	for (size_t i = 0; i < KINDS; i++) {
		b.user = kinds[i];
		add("increments", kinds[i]->name, b);
	}
	b.user = NULL;
	b.run = lock_increments_python;
	add("increments", "python", b);
	add("increments", "python_raw", b);
}

static void add_killed(void)
{
	static const int64_t rows[][GB_ARGUMENTS] = { { PLACE_SAME },
						      { PLACE_CROSS } };
	static const struct kind *const survivors[] = { &kind_rawmp,
							&kind_rawmp_any,
							&kind_pthread_robust,
							&kind_flock, NULL };
	struct gb_benchmark b = { .run = lock_killed,
				  .setup = lock_killed_setup,
				  .arguments = place_argument,
				  .narguments = 1,
				  .rows = rows,
				  .nrows = 2,
				  .unit = GB_US,
				  .clock = GB_MANUAL_TIME,
				  .once = true };

	for (size_t i = 0; i < sizeof(survivors) / sizeof(survivors[0]); i++) {
		b.user = survivors[i];
		add("killed_holder",
		    survivors[i] != NULL ? survivors[i]->name : "python", b);
	}
}

static void add_lost_updates(void)
{
	static const int64_t rows[][GB_ARGUMENTS] = { { 1 }, { 2 }, { 3 },
						      { 4 }, { 5 }, { 6 },
						      { 7 }, { 8 } };

	/* Its user is any kind that needs nothing. */
	add("lost_updates", "unlocked",
	    (struct gb_benchmark){ .run = lock_lost_updates,
				   .arguments = procs_argument,
				   .narguments = 1,
				   .rows = rows,
				   .nrows = 8,
				   .unit = GB_MS,
				   .clock = GB_MANUAL_TIME,
				   .once = true,
				   .user = &kind_fetch_add });
}

static void prepare(void)
{
	char text[32];

	lock_arena = family_memory(sizeof(*lock_arena));
	lock_histogram = histogram_create();
	if (gb_smoke())
		lock_each = 1000;
	snprintf(text, sizeof(text), "%d", mp_cpu_count(MP_CPU_USABLE));
	gb_context("cpus", text);
	gb_context("place", place_description());
	add_alone();
	add_contended();
	add_increments();
	add_killed();
	add_lost_updates();
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "windows", "N", "contention: windows of 100 ms (2)",
		  contest_take_windows },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Locks: alone, contended, with a killed holder.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "lock_peer.py");
}
