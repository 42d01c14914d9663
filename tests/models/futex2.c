/* futex2.c - a lock of two states, which wakes at every release.
 *
 *	word	meaning		leaves by	to
 *	0	free		acquire		1
 *	1	held		release		0, wakes one
 */
#include "explore.h"

#include <stdio.h>

enum { TRY, SLEEP, HELD, LEAVE };

struct state {
	uint8_t word;
	uint8_t sleepers; /* on the word: bit p for process p */
	struct process {
		uint8_t at, rounds;
	} p[PROCESSES];
};

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p].rounds = (uint8_t)setup.rounds;
}

static const char *set_free(struct state *s)
{
	s->word = 0;
	return "xchg";
}

static const char *wake(struct state *s)
{
	s->sleepers &= (uint8_t)~any_of(s->sleepers);
	return "wake";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	uint8_t bit = (uint8_t)(1 << p);

	if (how != ACT || me->rounds == 0 || (s->sleepers & bit))
		return NULL;
	switch (me->at) {
	case TRY:
		me->at = s->word == 0 ? HELD : SLEEP;
		s->word = 1;
		return "cas";
	case SLEEP:
		if (s->word == 1 || variant("blind"))
			s->sleepers |= bit;
		me->at = variant("if") ? HELD : TRY;
		return "wait";
	case HELD:
		me->at = LEAVE;
		return variant("wake-first") ? wake(s) : set_free(s);
	default: /* LEAVE */
		me->at = TRY;
		me->rounds--;
		return variant("wake-first") ? set_free(s) : wake(s);
	}
}

static bool ended(const struct state *s)
{
	int rounds = 0;

	for (int p = 0; p < setup.processes; p++)
		rounds += s->p[p].rounds;
	return rounds == 0;
}

static const char *wrong(const struct state *s)
{
	int holders = 0;

	for (int p = 0; p < setup.processes; p++)
		holders += s->p[p].at == HELD && !(s->sleepers >> p & 1);
	return holders > 1 ? "two hold the lock" : NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = { "outside", "goes to sleep",
					      "HOLDS", "leaves" };

	printf("word %d", s->word);
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->sleepers >> p & 1 ? "sleeps" : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "blind", "sleeps without comparing the word once more" },
	{ "if", "a woken process takes the lock for its own: no loop" },
	{ "wake-first", "wakes, and then frees the lock" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=2" },
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=4 rounds=2" },
	{ "for ever", "processes=2 rounds=1 variant=blind" },
	{ "two hold", "processes=3 rounds=1 variant=if" },
	{ "for ever", "processes=2 rounds=1 variant=wake-first" },
	{ 0 },
};

const struct model model = {
	.name = "futex lock with two states",
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
