/* From the death of the holder to the next owner: see killed.h. */
#include <errno.h>

#include "harness/family.h"
#include "locks/bench.h"
#include "locks/killed.h"
#include "mp/lock.h"

#define KILLS 100 /* in a run */

void lock_killed_setup(struct gb_state *st)
{
	if (family_place(st, (enum place)gb_argument(st, 0)) < 0)
		return;
	if (gb_user(st) == NULL)
		gb_skip(st,
			"never: Python's lock stays with a dead holder, and "
			"the next one waits for ever");
	else
		lock_setup(st);
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

	if (killed_run(k, lock_arena, cpus, ns, &result, why) < 0) {
		gb_error(st, "%s", why);
		return -1;
	}
	if (result != told(k)) {
		gb_error(st, "acquire said %d, it should say %d", result,
			 told(k));
		return -1;
	}
	histogram_record(lock_histogram, *ns);
	if (k->destroy != NULL)
		k->destroy(lock_arena);
	lock_fresh(k);
	return 0;
}

void lock_killed(struct gb_state *st)
{
	enum place place = (enum place)gb_argument(st, 0);
	struct killed_place cpus = { .holder = place_parent_cpu(place),
				     .next = place_child_cpu(place) };
	/* The back-stop's tenth of a second, each time. */
	int kills = gb_smoke() || gb_user(st) == &kind_rawmp_any ? 3 : KILLS;
	int64_t sum = 0, ns;

	histogram_reset(lock_histogram);
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
		histogram_report(lock_histogram, st);
}
