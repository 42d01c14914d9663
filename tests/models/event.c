/* event.c - the event of mp/event.c.
 *
 *	word		meaning			leaves by	to
 *	g		clear			set		g+1|SET
 *						a waiter	g|SLEEPERS
 *	g|SLEEPERS	clear, some may sleep	set		g+1|SET, wakes
 *								all
 *	g|SET		set			clear		g
 *
 * g is the generation.  A and B wait; C, and D if there is one, set and clear.
 */
#include "explore.h"

#include <stdio.h>

#define SET        1
#define SLEEPERS   2
#define GENERATION 4

/* The word without the sleepers' bit. */
#define PLAIN(word) ((uint8_t)((word) & ~SLEEPERS))

enum { FIRST, MARK, SLEEP, AGAIN, LAST, SETS, CHANGE, WAKE, CLEARS, TO_CLEAR };

struct state {
	uint8_t word;
	uint8_t sleepers; /* on the word: bit p for process p */
	uint8_t sets;     /* how many there were */
	uint8_t fault;    /* 1: back without a set, 2: timed out after one */
	struct process {
		uint8_t at, rounds;
		uint8_t old;   /* the word as read; waits: at first */
		uint8_t since; /* sets when the wait began */
	} p[PROCESSES];
};

static bool waits(int p)
{
	return p < 2;
}

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p] = (struct process){ .at = waits(p) ? FIRST : SETS,
					    .rounds = (uint8_t)setup.rounds };
}

static const char *done(struct process *me, const char *action)
{
	*me = (struct process){ .at = me->at <= LAST ? FIRST : SETS,
				.rounds = (uint8_t)(me->rounds - 1) };
	return action;
}

/* A waiter has read the word: is it set, or was it since the first look? */
static bool back(struct state *s, struct process *me)
{
	if (!(s->word & SET) && PLAIN(s->word) == me->old)
		return false;
	if (!(s->word & SET) && s->sets == me->since)
		s->fault = 1;
	done(me, "");
	return true;
}

static const char *wait(struct state *s, struct process *me, int p)
{
	uint8_t marked = me->old | SLEEPERS;

	switch (me->at) {
	case FIRST:
		me->old = PLAIN(s->word);
		me->since = s->sets;
		/* fall through */
	case AGAIN:
		if (!back(s, me))
			me->at = s->word & SLEEPERS ? SLEEP : MARK;
		return "load";
	case MARK:
		if (s->word == me->old)
			s->word |= SLEEPERS;
		if (!back(s, me))
			me->at = SLEEP;
		return "cas";
	case SLEEP:
		if (s->word == marked || variant("blind"))
			s->sleepers |= (uint8_t)(1 << p);
		me->at = AGAIN;
		return "wait";
	default: /* LAST */
		if (back(s, me))
			return "load";
		if (s->sets != me->since)
			s->fault = 2;
		return done(me, "load");
	}
}

static const char *set(struct state *s, struct process *me)
{
	switch (me->at) {
	case SETS:
		me->old = s->word;
		me->at = me->old & SET ? CLEARS : CHANGE;
		return "load";
	case CHANGE:
		if (s->word != me->old) {
			me->old = s->word;
			me->at = me->old & SET ? CLEARS : CHANGE;
			return "cas";
		}
		s->word = PLAIN(me->old) | SET;
		if (!variant("bit"))
			s->word += GENERATION;
		s->sets++;
		me->at = me->old & SLEEPERS ? WAKE : CLEARS;
		me->old = 0;
		return "cas";
	case WAKE:
		s->sleepers &=
			variant("wake-one") ? (uint8_t)~any_of(s->sleepers) : 0;
		me->at = CLEARS;
		return "wake";
	case CLEARS:
		me->old = s->word;
		me->at = TO_CLEAR;
		if (!(me->old & SET))
			return done(me, "load");
		return "load";
	default: /* TO_CLEAR */
		if (variant("store")) {
			s->word = me->old & (uint8_t)~SET;
			return done(me, "store");
		}
		if (s->word == me->old)
			s->word &= (uint8_t)~SET;
		me->old = s->word;
		if (!(me->old & SET))
			return done(me, "cas");
		return "cas";
	}
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	uint8_t bit = (uint8_t)(1 << p);
	bool asleep = s->sleepers & bit;

	if (me->rounds == 0)
		return NULL;
	switch (how) {
	case ACT:
		if (asleep)
			return NULL;
		return waits(p) ? wait(s, me, p) : set(s, me);
	case LOOK:
		if (!asleep)
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		return "backstop";
	case TIMEOUT:
		if (!asleep)
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		me->at = LAST;
		return "timeout";
	default: /* KILL */
		s->sleepers &= (uint8_t)~bit;
		*me = (struct process){ 0 };
		return "kill";
	}
}

/* All are done, or wait and nothing was set since they came. */
static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0 &&
		    (!(s->sleepers >> p & 1) || s->sets != s->p[p].since))
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	return s->fault == 1   ? "a wait returns though nobody has set"
	       : s->fault == 2 ? "a wait times out though it was set meanwhile"
			       : NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"begins",      "marks",      "goes to sleep",
		"looks again", "looks last", "begins to set",
		"sets",        "will wake",  "begins to clear",
		"clears"
	};

	printf("word %d%s%s", s->word / GENERATION, s->word & SET ? " SET" : "",
	       s->word & SLEEPERS ? " SLEEPERS" : "");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->p[p].rounds == 0    ? "is gone"
		       : s->sleepers >> p & 1 ? "sleeps"
					      : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "bit", "no generation, only a bit for set" },
	{ "blind", "sleeps without comparing the word once more" },
	{ "wake-one", "set wakes one sleeper, not all" },
	{ "store", "clear loads the word and stores it without the bit" },
	{ "no-backstop", "nobody looks by itself" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=3 rounds=2 timeouts=2" },
	{ NULL, "processes=3 rounds=2 timeouts=1 kills=2 backstop=1" },
	{ NULL, "processes=4 rounds=1 kills=1 backstop=1" },
	{ NULL, "processes=4 rounds=2" },
	{ "for ever", "processes=3 rounds=1 variant=bit" },
	{ "for ever", "processes=3 rounds=1 variant=blind" },
	{ "for ever", "processes=3 rounds=1 variant=wake-one" },
	{ "nobody has set", "processes=4 rounds=2 variant=store" },
	{ "for ever", "processes=3 rounds=1 kills=1 variant=no-backstop" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=4 rounds=2 timeouts=1 kills=1 backstop=1" },
	{ 0 },
};

const struct model model = {
	.name = "event",
	.shared = offsetof(struct state, p),
	.each = sizeof(struct process),
	.start = start,
	.move = move,
	.wrong = wrong,
	.ended = ended,
	.show = show,
	.variants = variants,
	.trials = trials,
	.deep = deep,
	.most = { 4, 6, 3, 3, 1, 0, NULL, 0, 0 },
};
