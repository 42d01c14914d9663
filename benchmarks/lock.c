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
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/contest.h"
#include "harness/counters.h"
#include "harness/gbench.h"
#include "harness/histogram.h"
#include "harness/peer.h"
#include "harness/place.h"
#include "harness/team.h"
#include "locks/kind.h"
#include "locks/killed.h"
#include "locks/library.h"
#include "mp/cpu.h"
#include "mp/lock.h"
#include "mp/shm.h"

#define KILLS 100 /* in a run */

static struct mp_shm shm;
static struct arena *arena;
static struct histogram *histogram;
static struct peer python = { .script = "lock_peer.py" };
static int64_t each = 100000; /* increments */

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

/* Length of the work inside and outside of the lock. */
static const char *const work_labels[] = { "none", "short", "long", NULL };
static const struct {
	int inside, outside;
} works[] = { { 0, 0 }, { 100, 400 }, { 2000, 2000 } };

/* ---- a fresh lock, and what it must have done ---- */

static int fresh(const struct kind *k)
{
	memset(arena, 0, sizeof(*arena));
	return k->init != NULL ? k->init(arena) : 0;
}

static void setup(struct gb_state *st)
{
	const struct kind *k = gb_user(st);
	int e = k != NULL ? fresh(k) : 0;

	if (e == -ENOENT && k == &kind_rawmp_call)
		gb_skip(st, "%s", library_why());
	else if (e == -ENOTSUP || e == -ENOSYS)
		gb_skip(st, "the kernel has no such lock");
	else if (e < 0)
		gb_error(st, "%s: %s", k->name, strerror(-e));
	else if (k == NULL && peer_start(&python) < 0)
		gb_skip(st, "%s", python.why);
}

static void teardown(struct gb_state *st)
{
	const struct kind *k = gb_user(st);

	if (k != NULL && k->destroy != NULL)
		k->destroy(arena);
	place_reset();
}

static int believe(struct gb_state *st, uint64_t counter, uint64_t expected)
{
	if (counter == expected)
		return 0;
	gb_error(st, "the counter is %" PRIu64 ", it must be %" PRIu64, counter,
		 expected);
	return -EBADMSG;
}

/* In each process. */
static void attach(int index, void *arg)
{
	const struct kind *k = arg;

	(void)index;
	if (k->attach != NULL && k->attach(arena) < 0)
		_Exit(1);
}

/* ---- what Python says ---- */

/* Ask, take the usage; the words behind it, or NULL. */
static char *ask(struct gb_state *st, const char *question)
{
	struct usage u;
	char *answer;

	if (peer_ask(&python, &answer, "%s\n", question) < 0) {
		gb_error(st, "%s", python.why);
		return NULL;
	}
	u.cpu_ns = strtoll(answer, &answer, 10);
	u.voluntary = strtoll(answer, &answer, 10);
	u.involuntary = strtoll(answer, &answer, 10);
	u.faults = strtoll(answer, &answer, 10);
	gb_usage(st, &u);
	return answer;
}

/* ---- alone ---- */

static void alone_setup(struct gb_state *st)
{
	const struct kind *k = gb_user(st);

	place_parent(PLACE_SAME);
	setup(st);
	if (k != NULL && !gb_failed(st) && k->attach != NULL &&
	    k->attach(arena) < 0)
		gb_error(st, "%s: it cannot be opened", k->name);
}

static void alone(struct gb_state *st)
{
	const struct kind *k = gb_user(st);

	if (k->alone(st, arena) != 0)
		gb_error(st, "an acquire or a release failed");
	else
		believe(st, arena->counter, (uint64_t)gb_iterations(st));
}

/* One question for all iterations. */
static void alone_python(struct gb_state *st)
{
	char question[64], *answer = NULL;

	snprintf(question, sizeof(question), "alone %d %lld",
		 place_parent_cpu(PLACE_SAME), (long long)gb_iterations(st));
	GB_LOOP(st)
	{
		if (answer != NULL) {
			gb_time(st, 0);
			continue;
		}
		answer = ask(st, question);
		if (answer == NULL)
			break;
		gb_time(st, strtoll(answer, NULL, 10));
	}
}

/* ---- contended ---- */

struct contended {
	const struct kind *kind;
	int inside, outside;
};

static int contend(struct contest *c, int index)
{
	const struct contended *d = c->arg;

	return d->kind->contend(c, index, arena, d->inside, d->outside);
}

static void contend_before(int index, void *arg)
{
	attach(index, (void *)(uintptr_t)((struct contended *)arg)->kind);
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

static void contended_setup(struct gb_state *st)
{
	struct contended d = what(st);
	struct team t = { .n = (int)gb_argument(st, 0) + 1,
			  .work = idle,
			  .arg = &d };
	int64_t ns;

	setup(st);
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
	const struct mp_counters *c = k->counters(arena);
	uint64_t futexes =
		mp_counters_get(c, MP_SLEEPS) + mp_counters_get(c, MP_WAKES);

	if (gb_counting() && !counters_work("futexes"))
		gb_counter(st, "futexes", (double)futexes / (double)operations);
	if (mp_counters_get(c, MP_RESCUES) != 0)
		gb_label(st, "%" PRIu64 " sleeps ended by the back-stop",
			 mp_counters_get(c, MP_RESCUES));
}

static void contended(struct gb_state *st)
{
	struct contended d = what(st);
	struct contest c = { .n = (int)gb_argument(st, 0),
			     .work = contend,
			     .before = contend_before,
			     .arg = &d };

	contest_measure(&c, st);
	if (gb_failed(st) || believe(st, arena->counter, c.total) < 0)
		return;
	if (d.kind->counters != NULL)
		report_own(st, d.kind, c.total);
}

static void contended_python(struct gb_state *st)
{
	struct contest c = { .n = (int)gb_argument(st, 0) };
	char question[64], *answer;

	snprintf(question, sizeof(question), "contend %d %d %lld", c.n,
		 contest_windows(), (long long)contest_window_ns());
	GB_LOOP(st)
	{
		answer = ask(st, question);
		if (answer == NULL)
			break;
		contest_answer(&c, answer);
		contest_report(&c, st);
	}
}

/* ---- increments ---- */

static int increment(int index, void *arg)
{
	const struct kind *k = arg;

	(void)index;
	return k->count(arena, each);
}

static void increments(struct gb_state *st)
{
	const struct kind *k = gb_user(st);
	struct team t = { .n = (int)gb_argument(st, 0),
			  .before = attach,
			  .work = increment,
			  .arg = (void *)(uintptr_t)k };
	int64_t ns;

	GB_LOOP(st)
	{
		atomic_store(&arena->counter, 0);
		if (team_run(&t, &ns) < 0) {
			gb_error(st, "%s", t.why);
			break;
		}
		if (believe(st, arena->counter, (uint64_t)(t.n * each)) < 0)
			break;
		gb_time(st, ns);
	}
}

/* "python" with a Value, "python_raw" with a RawValue. */
static void increments_python(struct gb_state *st)
{
	char question[64], *answer;
	int64_t n = gb_argument(st, 0);

	snprintf(question, sizeof(question), "increments %s %d %lld",
		 strstr(gb_name(st), "/python_raw") ? "python_raw" : "python",
		 (int)n, (long long)each);
	GB_LOOP(st)
	{
		int64_t ns;

		answer = ask(st, question);
		if (answer == NULL)
			break;
		ns = strtoll(answer, &answer, 10);
		if (believe(st, (uint64_t)strtoll(answer, &answer, 10),
			    (uint64_t)(n * each)) < 0)
			break;
		gb_time(st, ns);
	}
}

/* ---- killed holder ---- */

static void killed_setup(struct gb_state *st)
{
	if (place_parent((enum place)gb_argument(st, 0)) < 0)
		gb_skip(st, "one CPU is allowed, cross needs two");
	else if (gb_user(st) == NULL)
		gb_skip(st,
			"never: Python's lock stays with a dead holder, and "
			"the next one waits for ever");
	else
		setup(st);
}

/* What acquire must say: that the last one died, where that can be known. */
static int told(const struct kind *k)
{
	if (k == &kind_flock)
		return 0;
	return k == &kind_pthread_robust ? EOWNERDEAD : MP_OWNER_DIED;
}

/* One kill: 0, or it was said why not. */
static int kill_once(struct gb_state *st, const struct killed_place *cpus,
		     int64_t *ns)
{
	const struct kind *k = gb_user(st);
	char why[96];
	int result;

	if (killed_run(k, arena, cpus, ns, &result, why) < 0) {
		gb_error(st, "%s", why);
		return -1;
	}
	if (result != told(k)) {
		gb_error(st, "acquire said %d, it should say %d", result,
			 told(k));
		return -1;
	}
	histogram_record(histogram, *ns);
	if (k->destroy != NULL)
		k->destroy(arena);
	fresh(k);
	return 0;
}

static void killed(struct gb_state *st)
{
	enum place place = (enum place)gb_argument(st, 0);
	struct killed_place cpus = { .holder = place_parent_cpu(place),
				     .next = place_child_cpu(place) };
	/* The back-stop's tenth of a second, each time. */
	int kills = gb_smoke() || gb_user(st) == &kind_rawmp_any ? 3 : KILLS;
	int64_t sum = 0, ns;

	histogram_reset(histogram);
	GB_LOOP(st)
	{
		for (int i = 0; i < kills && !gb_failed(st); i++)
			if (kill_once(st, &cpus, &ns) == 0)
				sum += ns;
		if (gb_failed(st))
			break;
		gb_operations(st, (uint64_t)kills);
		gb_time(st, sum);
	}
	if (!gb_failed(st))
		histogram_report(histogram, st);
}

/* ---- lost updates ---- */

static int unlocked(int index, void *arg)
{
	(void)index;
	(void)arg;
	for (int64_t i = 0; i < each; i++)
		kind_increment(arena);
	return 0;
}

static void lost_updates(struct gb_state *st)
{
	struct team t = { .n = (int)gb_argument(st, 0), .work = unlocked };
	uint64_t expected = (uint64_t)(t.n * each);
	int64_t ns;

	GB_LOOP(st)
	{
		atomic_store(&arena->counter, 0);
		if (team_run(&t, &ns) < 0) {
			gb_error(st, "%s", t.why);
			break;
		}
		gb_time(st, ns);
	}
	if (gb_failed(st) || ((t.n == 1 || arena->counter > expected) &&
			      believe(st, arena->counter, expected) < 0))
		return;
	gb_counter(st, "increments", (double)each);
	gb_counter(st, "lost", (double)(expected - arena->counter));
}

/* ---- the list ---- */

static const struct gb_argument procs_argument[] = { { "procs", NULL } };
static const struct gb_argument place_argument[] = { { "place",
						       place_labels } };
static const struct gb_argument contended_arguments[] = {
	{ "procs", NULL }, { "work", work_labels }
};

/* A benchmark lock/WHICH/HOW; the rest as in `b`. */
static void add(const char *which, const char *how, struct gb_benchmark b)
{
	char name[64];

	snprintf(name, sizeof(name), "lock/%s/%s", which, how);
	b.name = name;
	if (b.teardown == NULL)
		b.teardown = teardown;
	if (b.setup == NULL)
		b.setup = setup;
	gb_register(&b);
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
	struct gb_benchmark b = { .run = contended,
				  .setup = contended_setup,
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
	b.run = contended_python;
	b.nrows = gb_smoke() ? 1 : 4;
	add("contended", "python", b);
}

static void add_increments(void)
{
	static const int64_t row[][GB_ARGUMENTS] = { { 4 } };
	struct gb_benchmark b = { .run = increments,
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
	b.run = increments_python;
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
	struct gb_benchmark b = { .run = killed,
				  .setup = killed_setup,
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
	    (struct gb_benchmark){ .run = lost_updates,
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
	int e = mp_shm_create(&shm, NULL, sizeof(*arena));

	if (e < 0) {
		fprintf(stderr, "lock: shared memory: %s\n", strerror(-e));
		exit(2);
	}
	arena = shm.addr;
	histogram = histogram_create();
	if (gb_smoke())
		each = 1000;
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
		{ "python", "PATH", "the Python 3 to measure beside ours",
		  peer_take_python },
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Locks: alone, contended, with a killed holder.",
		.prepare = prepare,
		.options = options,
	};
	int status = gb_main(argc, argv, &program);

	peer_stop(&python);
	mp_shm_close(&shm);
	return status;
}
