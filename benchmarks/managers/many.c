/* many.c - several clients, counted for a fixed time; and one or more where
 * there is no server: there one operation in 64 is timed, for the clock takes
 * as long as the operation.
 *
 * The time is that of an operation of all together.  p90, p99, ... are what one
 * client sees.
 */
#include "managers/bench.h"

#include <string.h>

#include "harness/contest.h"
#include "harness/team.h"
#include "mp/clock.h"

struct many {
	const struct store *store;
	enum store_case what;
	enum place place;
	bool idle; /* no operation: only the way there and back */
};

/* In a client. */
static struct visit visit;

static void come(int index, void *arg)
{
	const struct many *m = arg;
	int e;

	manager_move(m->place);
	visit.board = &manager_stage->board;
	e = visit_begin(&visit, &manager_site, m->store, m->what, index);
	if (e < 0)
		manager_stage->error = e;
}

/* Some, one of them timed: an operation in 64, or in 4. */
static int operate(uint64_t round, bool quick)
{
	bool timed = !quick || round % 4 == 0;
	int64_t begin = timed ? mp_clock_now() : 0;
	int e = visit_once(&visit);

	if (timed)
		histogram_record(manager_histogram, mp_clock_now() - begin);
	for (int i = 1; e == 0 && i < (quick ? 16 : 4); i++)
		e = visit_once(&visit);
	return e;
}

static int work(struct contest *c, int index)
{
	const struct many *m = c->arg;
	int e = manager_stage->error;

	for (uint64_t k = 0; e == 0 && !m->idle && contest_on(c); k++) {
		e = operate(k, m->store->quick);
		contest_count(c, index, visit.done);
	}
	if (e == 0)
		e = visit_end(&visit);
	if (e < 0)
		manager_stage->error = e;
	return e;
}

static int idle(int index, void *arg)
{
	return index < manager_site.clients ? work(arg, index) : 0;
}

static struct many asked(const struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);

	return (struct many){ .store = u->store,
			      .what = u->what,
			      .place = manager_place(st) };
}

/* A client, or the one who looks at a contest. */
static void come_too(int index, void *arg)
{
	if (index < manager_site.clients)
		come(index, ((struct contest *)arg)->arg);
}

void manager_many_idle(struct gb_state *st)
{
	struct many m = asked(st);
	struct contest c = { .arg = &m };
	struct team team = { .n = manager_site.clients + 1,
			     .before = come_too,
			     .work = idle,
			     .arg = &c };
	int64_t ns;

	m.idle = true;
	if (team_run(&team, &ns) < 0)
		manager_complain(st, team.why);
}

void manager_many(struct gb_state *st)
{
	struct many m = asked(st);
	struct contest c = { .n = manager_site.clients,
			     .before = come,
			     .work = work,
			     .arg = &m };
	struct usage before, after;
	int64_t cpu = manager_server_cpu();

	histogram_reset(manager_histogram);
	GB_LOOP(st)
	{
		usage_now(&before);
		if (contest_run(&c, contest_windows(), contest_window_ns()) <
		    0) {
			manager_complain(st, c.why);
			break;
		}
		contest_report(&c, st);
		usage_now(&after);
		after = usage_between(&before, &after);
		if (manager_site.server > 0) {
			after.cpu_ns += manager_server_cpu() - cpu;
			after.voluntary = after.faults = -1;
		}
		gb_usage(st, &after);
	}
	if (!gb_failed(st))
		histogram_report_tail(manager_histogram, st);
	manager_believe(st);
}
