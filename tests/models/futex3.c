/* futex3.c - the lock of three states, as lesson 05 builds it.
 *
 *	word	meaning			leaves by	to
 *	0	free			acquire		1
 *	1	held, nobody sleeps	release		0
 *					second acquire	2
 *	2	held, some may sleep	release		0, wakes one
 *
 *	acquire:	if (cas(0, 1) != 0)		TRY
 *				while (xchg(2) != 0)	MARK
 *					wait(2);	SLEEP
 *	release:	if (xchg(0) == 2)		HELD
 *				wake(1);		WAKE
 *
 * Most wrong variants are those of lessons/05-lock-value/wrong, and the actions
 * the same calls: a schedule found here can be played there, by real processes.
 * Source: Drepper, "Futexes Are Tricky", 2011.
 */
#include "explore.h"

#include <stdio.h>

enum { TRY, SET, MARK, SLEEP, HELD, FREE, FREE_2, WAKE };

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

static uint8_t xchg(struct state *s, uint8_t new)
{
	uint8_t old = s->word;

	s->word = new;
	return old;
}

static uint8_t cas(struct state *s, uint8_t old, uint8_t new)
{
	return s->word == old ? xchg(s, new) : s->word;
}

/* What follows a first look that found the lock held. */
static int after_try(int old)
{
	return variant("retake_as_1") && old == 2 ? SLEEP : MARK;
}

static const char *acquire(struct state *s, struct process *me, uint8_t bit)
{
	bool wait_1 = variant("waits_for_1") || variant("no_mark");
	int old = s->word;

	switch (me->at) {
	case TRY:
		if (variant("test_then_set")) {
			me->at = old == 0 ? SET : MARK;
			return "load";
		}
		old = cas(s, 0, 1);
		me->at = (uint8_t)(old == 0 ? HELD : after_try(old));
		return "cas";
	case SET:
		s->word = 1;
		me->at = HELD;
		return "store";
	case MARK:
		if (variant("no_mark")) {
			me->at = cas(s, 0, 1) == 0 ? HELD : SLEEP;
			return "cas";
		}
		me->at = xchg(s, 2) == 0 ? HELD : SLEEP;
		return "xchg";
	default: /* SLEEP */
		if (s->word == (wait_1 ? 1 : 2))
			s->sleepers |= bit;
		me->at = MARK;
		if (variant("retake_as_1"))
			me->at = TRY;
		if (variant("no_loop"))
			me->at = HELD;
		return "wait";
	}
}

/* After the last action of a release: outside again. */
static const char *leave(struct process *me, const char *action)
{
	me->at = TRY;
	me->rounds--;
	return action;
}

static const char *wake(struct state *s)
{
	s->sleepers &= (uint8_t)~any_of(s->sleepers);
	return "wake";
}

/* if (load() == 2) { store(0); wake(1); } else store(0); */
static const char *store_in_release(struct state *s, struct process *me)
{
	if (me->at == HELD) {
		me->at = s->word == 2 ? FREE_2 : FREE;
		return "load";
	}
	s->word = 0;
	if (me->at == FREE)
		return leave(me, "store");
	me->at = WAKE;
	return "store";
}

/* if (cas(1, 0) != 1) { wake(1); store(0); } */
static const char *wakes_first(struct state *s, struct process *me)
{
	switch (me->at) {
	case HELD:
		if (cas(s, 1, 0) == 1)
			return leave(me, "cas");
		me->at = FREE_2;
		return "cas";
	case FREE_2:
		me->at = FREE;
		return wake(s);
	default: /* FREE */
		s->word = 0;
		return leave(me, "store");
	}
}

static const char *release(struct state *s, struct process *me)
{
	if (me->at == WAKE)
		return leave(me, wake(s));
	if (variant("store_in_release"))
		return store_in_release(s, me);
	if (variant("wakes_first"))
		return wakes_first(s, me);
	if (xchg(s, 0) != 2)
		return leave(me, "xchg");
	me->at = WAKE;
	return "xchg";
}

/* The word stays as it is, and nobody is woken. */
static const char *killed(struct state *s, struct process *me, uint8_t bit)
{
	if (variant("killed_waiter") && me->at != SLEEP && me->at != MARK)
		return NULL;
	*me = (struct process){ 0 };
	s->sleepers &= (uint8_t)~bit;
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	uint8_t bit = (uint8_t)(1 << p);

	if (me->rounds == 0)
		return NULL;
	if (how == KILL)
		return killed(s, me, bit);
	if (how != ACT || (s->sleepers & bit))
		return NULL;
	return me->at < HELD ? acquire(s, me, bit) : release(s, me);
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
	static const char *const places[] = { "outside",      "sets",
					      "marks",        "goes to sleep",
					      "HOLDS",        "frees",
					      "will free it", "will wake" };

	printf("word %d", s->word);
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->sleepers >> p & 1 ? "sleeps" : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "retake_as_1",
	  "a woken process begins anew: it takes the lock as 1" },
	{ "store_in_release", "release loads the word, and then stores 0" },
	{ "wakes_first", "release wakes, and then frees the lock" },
	{ "no_loop", "a woken process takes the lock for its own" },
	{ "waits_for_1", "sleeps while the word is 1, not 2" },
	{ "no_mark", "sleeps while the word is 1, and leaves no mark" },
	{ "test_then_set", "acquire loads the word, and then stores 1" },
	{ "killed", "right, but a process is killed" },
	{ "killed_waiter", "right, but one that waits is killed" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=2" },
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=4 rounds=2" },
	{ "for ever", "processes=3 rounds=1 variant=retake_as_1" },
	/* Two processes do not find it, whatever they do. */
	{ NULL, "processes=2 rounds=4 variant=retake_as_1" },
	{ "for ever", "processes=2 rounds=1 variant=store_in_release" },
	{ "for ever", "processes=2 rounds=1 variant=wakes_first" },
	{ "two hold", "processes=2 rounds=2 variant=no_loop" },
	{ "for ever", "processes=2 rounds=2 variant=waits_for_1" },
	{ "for ever", "processes=2 rounds=1 variant=no_mark" },
	{ "two hold", "processes=2 rounds=1 variant=test_then_set" },
	{ "for ever", "processes=2 rounds=1 kills=1 variant=killed" },
	{ "for ever", "processes=3 rounds=1 kills=1 variant=killed_waiter" },
	{ 0 },
};

const struct model model = {
	.name = "futex lock with three states",
	.shared = offsetof(struct state, p),
	.each = sizeof(struct process),
	.start = start,
	.move = move,
	.wrong = wrong,
	.ended = ended,
	.show = show,
	.variants = variants,
	.trials = trials,
	.most = { .processes = 4, .rounds = 9, .kills = 2 },
};
