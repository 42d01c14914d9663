/* counter.c - processes add 1 by a load and a store, and no lock.
 *
 * Source: everybody's first race; lessons/05-lock-value shows it for real.
 */
#include "explore.h"

#include <stdio.h>

enum { LOAD, STORE };

struct state {
	uint8_t counter, added; /* what it is; what it should be */
	struct process {
		uint8_t at, loaded, rounds;
	} p[PROCESSES];
};

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p].rounds = (uint8_t)setup.rounds;
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (how != ACT || me->rounds == 0)
		return NULL;
	if (variant("load-store") && me->at == LOAD) {
		me->loaded = s->counter;
		me->at = STORE;
		return "load";
	}
	s->counter = variant("load-store") ? me->loaded + 1 : s->counter + 1;
	s->added++;
	me->at = LOAD;
	me->loaded = 0;
	me->rounds--;
	return variant("load-store") ? "store" : "add";
}

static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0)
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	return ended(s) && s->counter != s->added ? "an update is lost" : NULL;
}

static void show(const struct state *s)
{
	printf("counter %d of %d", s->counter, s->added);
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].at == STORE)
			printf("  %c has %d", 'A' + p, s->p[p].loaded);
}

static const struct variant variants[] = {
	{ "load-store", "the addition is a load and a store" }, { 0 }
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=1" },
	{ NULL, "processes=4 rounds=3" },
	{ "lost", "processes=2 rounds=1 variant=load-store" },
	{ "lost", "processes=4 rounds=2 variant=load-store" },
	{ 0 },
};

const struct model model = {
	.name = "counter without a lock",
	.shared = offsetof(struct state, p),
	.each = sizeof(struct process),
	.start = start,
	.move = move,
	.wrong = wrong,
	.ended = ended,
	.show = show,
	.variants = variants,
	.trials = trials,
	.most = { .processes = 4, .rounds = 9 },
};
