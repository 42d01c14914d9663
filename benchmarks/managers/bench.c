/* See bench.h. */
#include "managers/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/family.h"
#include "harness/team.h"

struct manager_stage *manager_stage;
struct histogram *manager_histogram;
struct site manager_site;
const char *const manager_cases[] = { "get", "set", "append", "counter",
				      "lock" };

static int ms = 50;

const char *manager_take_ms(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end != '\0' || n < 1 || n > 10000)
		return "a number from 1 to 10000 is wanted";
	ms = (int)n;
	return NULL;
}

int64_t manager_ns(void)
{
	int n = gb_smoke() ? 1 : gb_counting() && ms > 20 ? 20 : ms;

	return n * 1000000LL;
}

enum place manager_place(const struct gb_state *st)
{
	return (enum place)gb_argument(st, COLUMN_PLACE);
}

int64_t manager_pace(const struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);

	return u->paced ? gb_argument(st, COLUMN_PACE) : 0;
}

/* A child stays where its parent is, if it has no CPU of its own. */
void manager_move(enum place place)
{
	place_child(place_child_cpu(place));
}

int64_t manager_server_cpu(void)
{
	struct timespec t;
	clockid_t clock;

	if (manager_site.server <= 0 ||
	    clock_getcpuclockid(manager_site.server, &clock) != 0 ||
	    clock_gettime(clock, &t) < 0)
		return 0;
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void manager_complain(struct gb_state *st, const char *team)
{
	int e = manager_stage->error;

	if (e == -EBADMSG)
		gb_error(st, "an answer is not what it must be");
	else if (e < 0)
		gb_error(st, "%s", strerror(-e));
	else
		gb_error(st, "%s", team);
}

static int believe(int index, void *user)
{
	const struct manager_user *u = user;
	int e = visit_believe(&manager_site, u->store, u->what,
			      &manager_stage->board, manager_stage->found);

	(void)index;
	if (e < 0)
		manager_stage->error = e;
	return e;
}

void manager_believe(struct gb_state *st)
{
	struct team team = { .n = 1,
			     .work = believe,
			     .arg = (void *)(uintptr_t)gb_user(st) };
	const uint64_t *found = manager_stage->found;
	int64_t ns;

	if (gb_failed(st) || team_run(&team, &ns) == 0)
		return;
	if (found[0] != found[1])
		gb_error(st, "the sum is %llu, it must be %llu",
			 (unsigned long long)found[0],
			 (unsigned long long)found[1]);
	else
		manager_complain(st, team.why);
}

/* ---- one benchmark ---- */

/* Counted for a fixed time? */
static bool by_contest(const struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);

	return manager_site.clients > 1 || u->store->quick;
}

static bool started;

void manager_start(struct gb_state *st)
{
	const struct store *store =
		((const struct manager_user *)gb_user(st))->store;
	int e;

	memset(manager_stage, 0, sizeof(*manager_stage));
	memset(&manager_site, 0, sizeof(manager_site));
	manager_site.clients = (int)gb_argument(st, COLUMN_CLIENTS);
	if (family_place(st, manager_place(st)) < 0)
		return;
	e = store->start(&manager_site);
	started = e == 0;
	if (e < 0 && manager_site.why[0] != '\0')
		gb_skip(st, "%s", manager_site.why);
	else if (e < 0)
		gb_error(st, "%s: %s", store->name, strerror(-e));
}

void manager_setup(struct gb_state *st)
{
	manager_start(st);
	if (gb_failed(st) || !gb_counting())
		return;
	gb_discount_begin(st);
	if (by_contest(st))
		manager_many_idle(st);
	else
		manager_alone_idle(st);
	gb_discount_end(st);
}

void manager_teardown(struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);

	if (started)
		u->store->stop(&manager_site);
	started = false;
	place_reset();
}

void manager_run(struct gb_state *st)
{
	if (by_contest(st))
		manager_many(st);
	else
		manager_alone(st);
}
