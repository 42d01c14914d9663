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
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/contest.h"
#include "harness/gbench.h"
#include "harness/histogram.h"
#include "harness/peer.h"
#include "harness/place.h"
#include "harness/team.h"
#include "locks/library.h"
#include "mp/clock.h"
#include "mp/shm.h"
#include "waits/ways.h"

static struct mp_shm shm;
static struct stage *stage;
static struct histogram *histogram;
static struct peer python = { .script = "waiting_peer.py" };

/* ---- before and after each ---- */

static void clean(void)
{
	memset(stage, 0, sizeof(*stage));
	stage->fd[0] = stage->fd[1] = -1;
	histogram_reset(histogram);
}

/* What an init said. */
static void judge(struct gb_state *st, int e)
{
	if (e == -ENOENT && library() == NULL)
		gb_skip(st, "%s", library_why());
	else if (e < 0)
		gb_error(st, "init: %s", strerror(-e));
}

static void teardown(struct gb_state *st)
{
	(void)st;
	for (int i = 0; i < 2; i++)
		if (stage->fd[i] >= 0)
			close(stage->fd[i]);
	clean();
	place_reset();
}

static void python_setup(struct gb_state *st)
{
	if (peer_start(&python) < 0)
		gb_skip(st, "%s", python.why);
}

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

/* All iterations are one question.  The answer is the time of them all, and
 * then that of each, if there is a `report` for these. */
static void ask_for_all(struct gb_state *st, const char *question,
			void (*report)(const struct histogram *,
				       struct gb_state *))
{
	char *answer = NULL;
	int64_t ns = 0;

	GB_LOOP(st)
	{
		if (answer == NULL) {
			answer = ask(st, question);
			if (answer == NULL)
				break;
			ns = strtoll(answer, &answer, 10);
		}
		gb_time(st, ns);
		ns = 0; /* all of it belongs to the first */
		if (report != NULL)
			histogram_record(histogram,
					 strtoll(answer, &answer, 10));
	}
	if (report != NULL && !gb_failed(st))
		report(histogram, st);
}

/* ---- several processes, as many times as there are iterations ---- */

/* What each of them is told. */
struct task {
	const void *way;
	enum place place;
	int parties;
	int64_t times;
};

/* All iterations are one run of the team. */
static void run_team(struct gb_state *st, struct team *t)
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
static void discount(struct gb_state *st, struct team *t)
{
	int64_t ns;

	if (gb_failed(st) || !gb_counting())
		return;
	gb_discount_begin(st);
	if (team_run(t, &ns) < 0)
		gb_error(st, "%s", t->why);
	gb_discount_end(st);
}

/* ---- semaphore ---- */

static void pair_setup(struct gb_state *st)
{
	const struct semaphore_way *w = gb_user(st);

	clean();
	place_parent(PLACE_SAME);
	judge(st, w->init(stage, 1));
}

static void pair(struct gb_state *st)
{
	const struct semaphore_way *w = gb_user(st);

	if (w->pair(st, stage) != 0)
		gb_error(st, "an acquire or a release failed");
}

static void pair_python(struct gb_state *st)
{
	char question[64];

	snprintf(question, sizeof(question), "pair %d %lld",
		 place_parent_cpu(PLACE_SAME), (long long)gb_iterations(st));
	ask_for_all(st, question, NULL);
}

static int throttled(struct contest *c, int index)
{
	const struct semaphore_way *w = c->arg;

	return w->throttle(c, index, stage);
}

static void throttle_setup(struct gb_state *st)
{
	const struct semaphore_way *w = gb_user(st);

	clean();
	judge(st, w->init(stage, THROTTLE_TOKENS));
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
	char question[96], *answer;

	snprintf(question, sizeof(question), "throttle %d %d %d %d %lld", c.n,
		 THROTTLE_TOKENS, THROTTLE_NS, contest_windows(),
		 (long long)contest_window_ns());
	GB_LOOP(st)
	{
		answer = ask(st, question);
		if (answer == NULL)
			break;
		contest_answer(&c, answer);
		contest_report(&c, st);
	}
}

/* ---- round trips ---- */

static void place_side(int index, void *arg)
{
	enum place place = ((struct task *)arg)->place;

	place_child(index == 0 ? place_parent_cpu(place)
			       : place_child_cpu(place));
}

/* Give the turn away, and wait until it is ours again. */
static int condition_trip(const struct condition_way *w)
{
	int bad = w->lock(stage);

	stage->turn = 1;
	bad |= w->notify(stage);
	while (stage->turn != 0 && bad == 0)
		bad |= w->wait(stage);
	return bad | w->unlock(stage);
}

static int condition_return(const struct condition_way *w)
{
	int bad = w->lock(stage);

	while (stage->turn != 1 && bad == 0)
		bad |= w->wait(stage);
	stage->turn = 0;
	stage->trips++;
	bad |= w->notify(stage);
	return bad | w->unlock(stage);
}

static int event_trip(const struct event_way *w)
{
	int bad = w->set(stage, 1);

	bad |= w->wait(stage, 0);
	return bad | w->clear(stage, 0);
}

static int event_return(const struct event_way *w)
{
	int bad = w->wait(stage, 1);

	bad |= w->clear(stage, 1);
	stage->trips++;
	return bad | w->set(stage, 0);
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
		histogram_record(histogram, mp_clock_now() - begin);
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
		histogram_record(histogram, mp_clock_now() - begin);
	}
	return bad;
}

/* 0, or it was said why not. */
static int two_cpus(struct gb_state *st)
{
	if (place_parent((enum place)gb_argument(st, 0)) == 0)
		return 0;
	gb_skip(st, "one CPU is allowed, cross needs two");
	return -ENODEV;
}

static void condition_setup(struct gb_state *st)
{
	const struct condition_way *w = gb_user(st);
	struct task task = { .way = w,
			     .place = (enum place)gb_argument(st, 0) };
	struct team t = { .n = 2,
			  .before = place_side,
			  .work = condition_side,
			  .arg = &task };

	clean();
	if (two_cpus(st) == 0)
		judge(st, w->init(stage));
	discount(st, &t);
}

static void event_setup(struct gb_state *st)
{
	const struct event_way *w = gb_user(st);
	struct task task = { .way = w,
			     .place = (enum place)gb_argument(st, 0) };
	struct team t = {
		.n = 2, .before = place_side, .work = event_side, .arg = &task
	};

	clean();
	if (two_cpus(st) == 0)
		judge(st, w->init(stage));
	discount(st, &t);
}

static void round_trips(struct gb_state *st, int (*side)(int, void *))
{
	struct task task = { .way = gb_user(st),
			     .place = (enum place)gb_argument(st, 0) };
	struct team t = {
		.n = 2, .before = place_side, .work = side, .arg = &task
	};

	run_team(st, &t);
	if (!gb_failed(st) && stage->trips != (uint64_t)task.times)
		gb_error(st, "%" PRIu64 " round trips, it must be %" PRId64,
			 (uint64_t)stage->trips, task.times);
	if (!gb_failed(st))
		histogram_report(histogram, st);
}

static void condition(struct gb_state *st)
{
	round_trips(st, condition_side);
}

static void event(struct gb_state *st)
{
	round_trips(st, event_side);
}

static void trip_python_setup(struct gb_state *st)
{
	clean();
	if (two_cpus(st) == 0)
		python_setup(st);
	place_reset(); /* it pins its own */
}

static void trip_python(struct gb_state *st)
{
	enum place place = (enum place)gb_argument(st, 0);
	int cpu = place_parent_cpu(place), other = place_child_cpu(place);
	char question[64];

	snprintf(question, sizeof(question), "%s %d %d %lld",
		 (const char *)gb_user(st), cpu, other < 0 ? cpu : other,
		 (long long)gb_iterations(st));
	ask_for_all(st, question, histogram_report);
}

/* ---- barrier ---- */

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
		atomic_store_explicit(&stage->party[index].phase, (uint64_t)i,
				      memory_order_relaxed);
		bad = w->wait(stage);
		end = mp_clock_now();
		if (index == 0)
			histogram_record(histogram, end - begin);
		begin = end;
		if (atomic_load_explicit(&stage->party[(index + 1) % n].phase,
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

static void barrier_setup(struct gb_state *st)
{
	const struct barrier_way *w = gb_user(st);
	struct task task;
	struct team t = parties(st, &task);

	clean();
	judge(st, w->init(stage, (uint32_t)t.n));
	discount(st, &t);
}

static void barrier(struct gb_state *st)
{
	struct task task;
	struct team t = parties(st, &task);

	run_team(st, &t);
	if (!gb_failed(st))
		histogram_report_tail(histogram, st);
}

static void barrier_python(struct gb_state *st)
{
	char question[64];

	histogram_reset(histogram);
	snprintf(question, sizeof(question), "barrier %d %lld",
		 (int)gb_argument(st, 0), (long long)gb_iterations(st));
	ask_for_all(st, question, histogram_report_tail);
}

/* ---- the list ---- */

static void add(const char *what, const char *how, struct gb_benchmark b)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", what, how);
	b.name = name;
	b.teardown = teardown;
	gb_register(&b);
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
	p.setup = t.setup = python_setup;
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

	b.run = condition;
	b.setup = condition_setup;
	for (const struct condition_way *w = condition_ways; w->name; w++) {
		b.user = w;
		add("condition/round_trip", w->name, b);
	}
	b.run = event;
	b.setup = event_setup;
	for (const struct event_way *w = event_ways; w->name; w++) {
		b.user = w;
		add("event/round_trip", w->name, b);
		if (strcmp(w->name, "futex") == 0) /* two hand-overs */
			add("condition/round_trip", w->name, b);
	}
	b.run = trip_python;
	b.setup = trip_python_setup;
	b.user = "condition";
	add("condition/round_trip", "python", b);
	b.user = "event";
	add("event/round_trip", "python", b);
}

static void add_barriers(void)
{
	static const struct gb_argument count[] = { { "parties", NULL } };
	static const int64_t rows[][GB_ARGUMENTS] = { { 2 }, { 4 }, { 8 } };
	struct gb_benchmark b = { .run = barrier,
				  .setup = barrier_setup,
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
	b.run = barrier_python;
	b.setup = python_setup;
	add("barrier/phase", "python", b);
}

static void prepare(void)
{
	int e = mp_shm_create(&shm, NULL, sizeof(*stage));

	if (e < 0) {
		fprintf(stderr, "waiting: shared memory: %s\n", strerror(-e));
		exit(2);
	}
	stage = shm.addr;
	histogram = histogram_create();
	clean();
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
		{ "python", "PATH", "the Python 3 to measure beside ours",
		  peer_take_python },
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Semaphores, conditions, events, barriers.",
		.prepare = prepare,
		.options = options,
	};
	int status = gb_main(argc, argv, &program);

	peer_stop(&python);
	mp_shm_close(&shm);
	return status;
}
