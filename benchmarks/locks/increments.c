/* A fixed number of increments by several processes: with a lock, the whole of
 * it; without, how many are lost.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/python.h"
#include "harness/team.h"
#include "locks/bench.h"

static int increment(int index, void *arg)
{
	const struct kind *k = arg;

	(void)index;
	return k->count(lock_arena, lock_each);
}

void lock_increments(struct gb_state *st)
{
	const struct kind *k = gb_user(st);
	struct team t = { .n = (int)gb_argument(st, 0),
			  .before = lock_attach,
			  .work = increment,
			  .arg = (void *)(uintptr_t)k };
	int64_t ns;

	GB_LOOP(st)
	{
		atomic_store(&lock_arena->counter, 0);
		if (team_run(&t, &ns) < 0) {
			gb_error(st, "%s", t.why);
			break;
		}
		if (lock_believe(st, lock_arena->counter,
				 (uint64_t)(t.n * lock_each)) < 0)
			break;
		gb_time(st, ns);
	}
}

/* "python" with a Value, "python_raw" with a RawValue. */
void lock_increments_python(struct gb_state *st)
{
	const char *value =
		strstr(gb_name(st), "/python_raw") ? "python_raw" : "python";
	int64_t n = gb_argument(st, 0);

	GB_LOOP(st)
	{
		char *answer = python_ask(st, "increments %s %d %lld", value,
					  (int)n, (long long)lock_each);
		int64_t ns;

		if (answer == NULL)
			break;
		ns = strtoll(answer, &answer, 10);
		if (lock_believe(st, (uint64_t)strtoll(answer, &answer, 10),
				 (uint64_t)(n * lock_each)) < 0)
			break;
		gb_time(st, ns);
	}
}

/* ---- without a lock ---- */

static int unlocked(int index, void *arg)
{
	(void)index;
	(void)arg;
	for (int64_t i = 0; i < lock_each; i++)
		kind_increment(lock_arena);
	return 0;
}

void lock_lost_updates(struct gb_state *st)
{
	struct team t = { .n = (int)gb_argument(st, 0), .work = unlocked };
	uint64_t expected = (uint64_t)(t.n * lock_each);
	int64_t ns;

	GB_LOOP(st)
	{
		atomic_store(&lock_arena->counter, 0);
		if (team_run(&t, &ns) < 0) {
			gb_error(st, "%s", t.why);
			break;
		}
		gb_time(st, ns);
	}
	if (gb_failed(st) ||
	    ((t.n == 1 || lock_arena->counter > expected) &&
	     lock_believe(st, lock_arena->counter, expected) < 0))
		return;
	gb_counter(st, "increments", (double)lock_each);
	gb_counter(st, "lost", (double)(expected - lock_arena->counter));
}
