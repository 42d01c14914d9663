/* manager - family manager: a dict, lists, a counter and a lock that several
 * processes use.
 *
 *	manager/get		a value of 64 bytes, under a key of 11
 *	manager/set		the same
 *	manager/append		64 bytes, to a list of the client's own
 *	manager/counter		add 1, atomically
 *	manager/lock		acquire and release
 *
 *	.../HOW/clients:N/place:PLACE			one after the other
 *	.../HOW/clients:N/place:PLACE/paced_ns:1000000	one each millisecond:
 *						whoever answers is asleep
 *
 * place: the server's CPU and the clients': the same, two (`cross`), or as the
 * scheduler likes.  What keeps it all stands in managers/: our manager (by
 * shared memory, Unix socket, TCP), ours without a server, Redis and memcached
 * with the fastest client there can be and with their own.  Python's Manager
 * measures in itself (peers/manager_peer.py).
 *
 * One client: each operation is timed.  Several: they are counted for a fixed
 * time, and the time is that of an operation of all together.  No time is
 * believed before the answers were right (managers/visit.h).
 */
#include <stdio.h>

#include "harness/family.h"
#include "managers/bench.h"
#include "mp/cpu.h"

#define PACE_NS 1000000

static const struct store *const stores[] = {
	&store_manager,     &store_manager_unix, &store_manager_tcp,
	&store_manager_p16, &store_dict,         &store_list,
	&store_lock,        &store_redis,        &store_redis_p16,
	&store_hiredis,     &store_memcached,    &store_libmemcached,
};
#define STORES (sizeof(stores) / sizeof(stores[0]))

/* ---- the list ---- */

static const struct gb_argument arguments[] = { { "clients", NULL },
						{ "place", place_labels },
						{ "paced_ns", NULL } };

/* A benchmark manager/CASE/HOW, busy or paced, as in b. */
static void add(enum store_case what, const char *how,
		const struct store *store, bool paced, struct gb_benchmark b)
{
	/* Each case, each way, busy and paced: until the program ends. */
	static struct manager_user users[STORE_CASES * (STORES + 3) * 2];
	static int n;
	struct manager_user *u = &users[n++];
	char name[32];

	*u = (struct manager_user){ store, what, paced };
	b.user = u;
	b.arguments = arguments;
	b.narguments = paced ? COLUMNS : COLUMNS - 1;
	b.unit = GB_US;
	b.clock = GB_MANUAL_TIME;
	b.once = true;
	snprintf(name, sizeof(name), "manager/%s", manager_cases[what]);
	family_add(name, how, b);
}

static const int64_t busy[][GB_ARGUMENTS] = {
	{ 1, PLACE_SAME }, { 1, PLACE_CROSS }, { 1, PLACE_FREE },
	{ 2, PLACE_FREE }, { 4, PLACE_FREE },  { 16, PLACE_FREE },
};
static const int64_t paced[][GB_ARGUMENTS] = { { 1, PLACE_SAME, PACE_NS },
					       { 1, PLACE_CROSS, PACE_NS } };
/* For a blink. */
static const int64_t smoke[][GB_ARGUMENTS] = { { 1, PLACE_SAME },
					       { 2, PLACE_FREE } };

static void add_busy(enum store_case what, const char *how,
		     const struct store *store, struct gb_benchmark b)
{
	b.rows = gb_smoke() ? smoke : busy;
	b.nrows = gb_smoke() ? 2 : 6;
	/* Without a server there are no two sides. */
	if (store != NULL && store->quick && !gb_smoke()) {
		b.rows = busy + 2;
		b.nrows = 4;
	}
	add(what, how, store, false, b);
}

static void add_paced(enum store_case what, const char *how,
		      const struct store *store, struct gb_benchmark b)
{
	b.rows = paced;
	b.nrows = gb_smoke() ? 1 : 2;
	if (store == NULL || (!store->quick && store->batch == 0))
		add(what, how, store, true, b);
}

static void add_case(enum store_case what)
{
	struct gb_benchmark python = { .run = manager_python,
				       .setup = manager_python_setup,
				       .teardown = manager_teardown };
	struct gb_benchmark ours = { .run = manager_run,
				     .setup = manager_setup,
				     .teardown = manager_teardown };
	struct gb_benchmark yardstick = { .run = manager_yardstick,
					  .setup = manager_start,
					  .teardown = manager_teardown };

	for (size_t i = 0; i < STORES; i++) {
		if ((stores[i]->cases & STORE_CAN(what)) == 0)
			continue;
		add_busy(what, stores[i]->name, stores[i], ours);
		add_paced(what, stores[i]->name, stores[i], ours);
	}
	if (what != STORE_LOCK)
		add_busy(what, "redis_benchmark", &store_redis, yardstick);
	if (what == STORE_GET || what == STORE_SET)
		add_busy(what, "redis_benchmark_p16", &store_redis_p16,
			 yardstick);
	add_busy(what, "python_manager", NULL, python);
	add_paced(what, "python_manager", NULL, python);
}

static void prepare(void)
{
	char text[32];

	manager_stage = family_memory(sizeof(*manager_stage));
	manager_histogram = histogram_create();
	snprintf(text, sizeof(text), "%d", mp_cpu_count(MP_CPU_USABLE));
	gb_context("cpus", text);
	gb_context("place", place_description());
	for (int i = 0; i < STORE_CASES; i++)
		add_case((enum store_case)i);
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "ms", "N", "how long one client is measured (50)",
		  manager_take_ms },
		{ "windows", "N", "several clients: windows of 100 ms (2)",
		  contest_take_windows },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "A dict, lists, a counter and a lock for several "
			 "processes.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "manager_peer.py");
}
