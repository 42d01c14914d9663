/* lock.c - the lock of mp/lock.c, and the deaths of those who use it.
 *
 *	word		meaning			leaves by	to
 *	0		free			acquire		TID
 *	TID		held			release		0
 *						a waiter	TID|SLEEPERS
 *						holder's death	DIED
 *	TID|SLEEPERS	held, some may sleep	release		0, wakes one
 *						holder's death	DIED|SLEEPERS,
 *								wakes one
 *	DIED, DIED|SLEEPERS
 *			free, its holder died	acquire		TID, bit kept
 *
 * The list of what a process holds, and its pending entry, mean nothing before
 * it is killed.  From the first action of acquire to the last of release the
 * word is pending or in the list.  At EXIT the kernel reads and marks the word,
 * at EXIT_WAKE it wakes a sleeper: two steps, with others' in between.
 */
#include "explore.h"

#include <stdio.h>

#define TID      0x07
#define DIED     0x40
#define SLEEPERS 0x80

enum {
	TRY, /* acquire: the fast path; outside before that */
	READ,
	TAKE,
	MARK,
	SLEEP,
	LOOK_AT, /* by itself, at the word and the holder */
	OWN,     /* variant owner-field: says who holds it */
	HELD,
	FREE,
	WAKE,
	EXIT, /* dead */
	EXIT_WAKE,
	DEAD
};

struct state {
	uint8_t word;
	uint8_t sleepers; /* on the word: bit p for process p */
	uint8_t owner;    /* variant owner-field: who holds it */
	uint8_t untold;   /* a holder was killed; its successor is to be told */
	uint8_t fault;    /* 1: not told, 2: told of no death, 3: a rescue */
	struct process {
		uint8_t at, rounds;
		uint8_t old;   /* the word as read */
		uint8_t slept; /* SLEEPERS: may have */
	} p[PROCESSES];
};

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p].rounds = (uint8_t)setup.rounds;
}

/* Does a sleeper that wakes by itself look at the word, and for the holder?
 * What the kernel marks is seen without. */
static bool looks(void)
{
	return variant("long-list") || variant("any") ||
	       variant("owner-field") || variant("count");
}

static bool holds(const struct process *me)
{
	return me->at == OWN || me->at == HELD || me->at == FREE;
}

static const char *wake(struct state *s, struct process *me, uint8_t next)
{
	s->sleepers &= (uint8_t)~any_of(s->sleepers);
	me->at = next;
	return "wake";
}

static const char *outside(struct process *me, const char *action)
{
	*me = (struct process){ .at = TRY,
				.rounds = (uint8_t)(me->rounds - 1) };
	return action;
}

/* The word held `old` and names this process now. */
static void taken(struct state *s, struct process *me, uint8_t old)
{
	bool told = old & DIED;

	if (s->untold != told)
		s->fault = s->untold ? 1 : 2;
	s->untold = 0;
	me->at = variant("owner-field") ? OWN : HELD;
	me->old = me->slept = 0;
}

static const char *take(struct state *s, struct process *me, uint8_t tid)
{
	uint8_t old = me->old, new = tid | (old & SLEEPERS) | me->slept;

	if (variant("retake"))
		new = tid | (old & SLEEPERS);
	if (variant("takeover") && (old & DIED))
		new = tid;
	me->at = READ;
	if (s->word == old) {
		s->word = new;
		taken(s, me, old);
	}
	return "cas";
}

static const char *look(struct state *s, struct process *me)
{
	uint8_t tid = variant("owner-field") ? s->owner : me->old & TID;

	if (s->word == (me->old | SLEEPERS) && tid != 0 &&
	    s->p[tid - 1].at == DEAD)
		s->word = DIED | SLEEPERS;
	if (variant("count") && !(s->word & SLEEPERS))
		s->fault = 3;
	me->at = READ;
	return "look";
}

static const char *acquire(struct state *s, struct process *me, int p)
{
	uint8_t tid = (uint8_t)(p + 1);

	switch (me->at) {
	case TRY:
		me->at = READ;
		if (s->word == 0) {
			s->word = tid;
			taken(s, me, 0);
		}
		return "cas";
	case READ:
		me->old = s->word;
		me->at = (me->old & TID) == 0   ? TAKE
			 : (me->old & SLEEPERS) ? SLEEP
						: MARK;
		return "load";
	case TAKE:
		return take(s, me, tid);
	case MARK:
		me->at = s->word == me->old ? SLEEP : READ;
		if (s->word == me->old)
			s->word |= SLEEPERS;
		return "cas";
	case SLEEP:
		if (s->word == (me->old | SLEEPERS))
			s->sleepers |= (uint8_t)(1 << p);
		me->slept = SLEEPERS;
		me->at = READ;
		return "wait";
	default: /* LOOK_AT */
		return look(s, me);
	}
}

static const char *release(struct state *s, struct process *me, int p)
{
	uint8_t old = s->word;

	switch (me->at) {
	case OWN:
		s->owner = (uint8_t)(p + 1);
		me->at = HELD;
		return "store";
	case HELD:
		if (variant("owner-field")) {
			s->owner = 0;
			me->at = FREE;
			return "store";
		}
		/* fall through */
	case FREE:
		s->word = 0;
		if (!(old & SLEEPERS))
			return outside(me, "xchg");
		me->at = WAKE;
		return "xchg";
	default: /* WAKE */
		wake(s, me, TRY);
		return outside(me, "wake");
	}
}

/* What the kernel does for the dead. */
static const char *exits(struct state *s, struct process *me, int p)
{
	uint8_t old = s->word, tid = old & TID;

	if (me->at == EXIT_WAKE)
		return wake(s, me, DEAD);
	me->at = DEAD;
	if (tid == p + 1) {
		s->word = (old & SLEEPERS) | DIED;
		if (old & SLEEPERS)
			me->at = EXIT_WAKE;
	} else if (variant("kernel-6.1") ? old == 0 : tid == 0) {
		me->at = EXIT_WAKE;
	}
	return "exit";
}

/* Will the kernel look at the word?  Where a private store comes before or
 * after the last action, it may do so or not. */
static bool known(const struct process *me)
{
	bool held = holds(me);

	if (me->at == TRY)
		return me->rounds == 0 || choose(2);
	if (variant("late-pending"))
		return held ? choose(2) : me->at == WAKE;
	if (variant("any"))
		return held && choose(2);
	if (variant("long-list"))
		return !held || choose(2);
	return !variant("owner-field");
}

static const char *killed(struct state *s, struct process *me, int p)
{
	if (me->at >= EXIT || (setup.inside && !holds(me)))
		return NULL;
	s->sleepers &= (uint8_t) ~(1 << p);
	if (holds(me))
		s->untold = 1;
	me->at = known(me) ? EXIT : DEAD;
	me->rounds = me->old = me->slept = 0;
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	uint8_t bit = (uint8_t)(1 << p);
	bool asleep = s->sleepers & bit;

	switch (how) {
	case ACT:
		if (asleep || me->at == DEAD ||
		    (me->at == TRY && me->rounds == 0))
			return NULL;
		if (me->at >= EXIT)
			return exits(s, me, p);
		return me->at < OWN ? acquire(s, me, p) : release(s, me, p);
	case LOOK:
		if (!asleep)
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		me->at = looks() ? LOOK_AT : READ;
		return "backstop";
	case TIMEOUT:
		if (!asleep && !(variant("early") && me->slept))
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		return outside(me, "timeout");
	default:
		return killed(s, me, p);
	}
}

static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0 || s->p[p].at == EXIT ||
		    s->p[p].at == EXIT_WAKE)
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	int holders = 0;

	for (int p = 0; p < setup.processes; p++)
		holders += holds(&s->p[p]);
	if (holders > 1)
		return "two hold the lock";
	if (s->fault == 3)
		return "a rescue is counted though nobody was killed";
	return s->fault == 1   ? "the next holder is not told of the death"
	       : s->fault == 2 ? "told of a death, and nobody had died"
			       : NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"outside",   "reads", "takes",     "marks", "goes to sleep",
		"looks",     "owns",  "HOLDS",     "frees", "will wake",
		"is killed", "exits", "is no more"
	};

	printf("word");
	if (s->word & TID)
		printf(" %c", 'A' + (s->word & TID) - 1);
	printf("%s%s%s", s->word & DIED ? " DIED" : "",
	       s->word & SLEEPERS ? " SLEEPERS" : "", s->word == 0 ? " 0" : "");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->sleepers >> p & 1 ? "sleeps" : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "kernel-6.1", "right, on a kernel that wakes only if the word is 0" },
	{ "long-list", "right, with more in the list than the kernel walks" },
	{ "any", "right, with MP_LOCK_ANY: no list" },
	{ "no-backstop", "nobody looks by itself" },
	{ "retake", "who has slept takes the lock without SLEEPERS" },
	{ "takeover", "who takes over from the dead drops SLEEPERS" },
	{ "late-pending", "pending is set after the cas, not before" },
	{ "owner-field", "who holds it stands in a word of its own" },
	{ "early", "looks at its deadline when woken, before it marks" },
	{ "count", "a look that finds no SLEEPERS is counted as a rescue" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=3 rounds=2 timeouts=2" },
	{ NULL, "processes=2 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=3 rounds=1 kills=1 backstop=1" },
	{ NULL, "processes=3 rounds=1 kills=2 backstop=1" },
	{ NULL, "processes=3 rounds=1 kills=2 inside=1" },
	{ NULL, "processes=4 rounds=1 kills=2 backstop=1" },
	{ NULL, "processes=3 rounds=1 kills=2 backstop=1 variant=kernel-6.1" },
	{ NULL, "processes=3 rounds=1 kills=2 backstop=1 variant=long-list" },
	{ NULL, "processes=3 rounds=1 kills=2 backstop=1 variant=any" },
	{ "for ever", "processes=3 rounds=1 kills=1 variant=no-backstop" },
	{ "for ever", "processes=3 rounds=1 variant=retake" },
	{ "for ever",
	  "processes=3 rounds=1 kills=1 inside=1 variant=takeover" },
	{ "for ever",
	  "processes=2 rounds=1 kills=1 backstop=1 variant=late-pending" },
	{ "for ever",
	  "processes=2 rounds=1 kills=1 backstop=1 variant=owner-field" },
	{ "for ever", "processes=3 rounds=2 timeouts=1 variant=early" },
	{ "rescue", "processes=2 rounds=1 backstop=1 variant=count" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 rounds=3 timeouts=1 kills=2 backstop=1" },
	{ NULL, "processes=4 rounds=2 kills=2 backstop=1" },
	{ 0 },
};

const struct model model = {
	.name = "robust lock",
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
	.most = { 4, 9, 3, 3, 1, 1, NULL, 0, 0 },
};
