/* barrier.c - the barrier of mp/barrier.c, and the deaths of its parties.
 *
 *	phase		meaning		leaves by		to
 *	p		filling		the last party		p+2
 *					timeout, a death	p|BROKEN
 *	p|BROKEN	broken
 *
 * Each party has a place: HERE while it is a party, with the phase that it has
 * come for; DIED when it has been killed.  All have entered before they begin,
 * so the death of one breaks the barrier at any time; with variant visitors
 * they are parties while they wait only.  The lock is one that always works: it
 * is taken in one action, and passes from the dead to the next, who is told.
 */
#include "explore.h"

#include <stdio.h>

#define TID    0x07
#define DIED   0x40
#define BROKEN 1
#define NEXT   2
#define HERE   1
#define ABSENT 0xff

/* What the kernel has to do for a dead process. */
#define ITS_PLACE 1
#define ITS_LOCK  2

enum {
	HOLD,  /* the lock */
	CHECK, /* has a party died? */
	BREAK,
	BREAK_WAKE,
	ENTER, /* takes a place */
	COME,  /* for this phase */
	OPEN,  /* the last one: the next phase */
	OPEN_WAKE,
	WITHDRAW, /* interrupted */
	UNLOCK,
	SLEEP,
	READ,  /* the phase, after the sleep */
	LOOKS, /* by itself */
	LEAVE, /* the place */
	EXIT   /* dead */
};

/* Why it holds the lock. */
enum { TO_COME, TO_LOOK, OUT_OF_TIME, INTERRUPTED };

struct state {
	uint8_t lock;   /* its word */
	uint8_t phase;  /* the word */
	uint8_t asleep; /* on phase: bit p for process p */
	uint8_t fault;  /* 1: passed too early, 2: passed by some only */
	struct process {
		uint8_t at, rounds;
		uint8_t word, ticket; /* of its place */
		uint8_t phase;        /* that it waits for */
		uint8_t why, told;
		uint8_t then;         /* where it goes on after UNLOCK */
		uint8_t came, passed; /* how often it has */
		uint8_t todo;         /* dead: for the kernel */
	} p[PROCESSES];
};

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++) {
		s->p[p].rounds = (uint8_t)setup.rounds;
		s->p[p].word = variant("visitors") ? 0 : HERE;
		s->p[p].ticket = ABSENT;
	}
}

static bool here(const struct process *it, uint8_t phase)
{
	if (variant("any-phase"))
		return it->word != 0 && it->ticket != ABSENT;
	return it->word != 0 && it->ticket == (phase & ~BROKEN);
}

static bool party_died(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if ((s->p[p].word & DIED) &&
		    (here(&s->p[p], s->phase) || !variant("visitors")))
			return true;
	return false;
}

static bool all_here(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (!here(&s->p[p], s->phase))
			return false;
	return true;
}

/* The wait is over.  Where this party goes on. */
static uint8_t over(struct state *s, struct process *me, bool passed)
{
	for (int p = 0; p < setup.processes; p++) {
		if (passed && s->p[p].came <= me->passed)
			s->fault = 1;
		if (!passed && s->p[p].passed > me->passed)
			s->fault = 2;
	}
	me->passed += passed;
	me->rounds = passed ? me->rounds - 1 : 0;
	me->phase = me->why = me->told = 0;
	if (variant("any-phase"))
		me->ticket = ABSENT;
	return me->rounds == 0 || variant("visitors") ? LEAVE : HOLD;
}

/* What came of the wait for me->phase, now that the word is another. */
static uint8_t outcome(struct state *s, struct process *me)
{
	bool broken = s->phase == (me->phase | BROKEN);

	if (variant("flag"))
		broken = s->phase & BROKEN;
	return over(s, me, !broken);
}

static void unlock_then(struct process *me, uint8_t then)
{
	me->at = UNLOCK;
	me->then = then;
}

/* With the lock held, and all deaths seen. */
static void decide(struct state *s, struct process *me)
{
	bool waits = me->why != TO_COME;

	if (me->why == TO_LOOK)
		unlock_then(me, READ);
	else if (waits && s->phase != me->phase)
		unlock_then(me, outcome(s, me));
	else if (me->why == OUT_OF_TIME)
		me->at = BREAK;
	else if (me->why == INTERRUPTED)
		me->at = WITHDRAW;
	else if (s->phase & BROKEN)
		unlock_then(me, over(s, me, false));
	else
		me->at = me->word == 0 ? ENTER : COME;
}

static const char *with_lock(struct state *s, struct process *me)
{
	switch (me->at) {
	case CHECK:
		if (!(s->phase & BROKEN) && (me->told || party_died(s)))
			me->at = BREAK;
		else
			decide(s, me);
		return "look";
	case BREAK:
		s->phase |= BROKEN;
		me->at = BREAK_WAKE;
		return "break";
	case BREAK_WAKE:
		s->asleep = 0;
		decide(s, me);
		return "wake";
	case ENTER:
		me->word = HERE;
		me->at = COME;
		return "enter";
	case COME:
		me->ticket = me->phase = s->phase;
		me->came++;
		if (all_here(s))
			me->at = OPEN;
		else
			unlock_then(me, SLEEP);
		return "come";
	case OPEN:
		s->phase += NEXT;
		unlock_then(me, OPEN_WAKE);
		return "open";
	case WITHDRAW:
		me->ticket = ABSENT;
		me->came--;
		me->phase = me->why = 0;
		unlock_then(me, variant("visitors") ? LEAVE : HOLD);
		return "withdraw";
	default: /* UNLOCK */
		s->lock = 0;
		me->told = 0;
		me->at = me->then;
		me->then = 0;
		return "unlock";
	}
}

static const char *without_lock(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case HOLD:
		if (s->lock & TID)
			return NULL;
		me->told = s->lock & DIED;
		s->lock = (uint8_t)(p + 1);
		me->at = CHECK;
		return "lock";
	case OPEN_WAKE:
		if (!variant("no-wake"))
			s->asleep = 0;
		me->at = over(s, me, true);
		return "wake";
	case SLEEP:
		if (s->phase == me->phase || variant("blind"))
			s->asleep |= (uint8_t)(1 << p);
		me->at = READ;
		return "wait";
	case READ:
		me->why = 0;
		me->at = SLEEP;
		if (s->phase != me->phase)
			me->at = outcome(s, me);
		return "load";
	case LOOKS:
		me->at = READ;
		if (s->phase == me->phase && !variant("no-look")) {
			me->at = HOLD;
			me->why = TO_LOOK;
		}
		return "look";
	default: /* LEAVE */
		me->word = 0;
		me->ticket = ABSENT;
		me->at = HOLD;
		return "leave";
	}
}

static const char *exits(struct state *s, struct process *me)
{
	uint8_t what = any_of(me->todo);

	me->todo &= (uint8_t)~what;
	if (what == ITS_PLACE)
		me->word = DIED;
	else
		s->lock = DIED;
	return "exit";
}

static const char *killed(struct state *s, struct process *me, int p)
{
	uint8_t todo = 0;

	if (me->at == EXIT || (me->rounds == 0 && me->at == HOLD))
		return NULL;
	if (me->word != 0)
		todo |= ITS_PLACE;
	if ((s->lock & TID) == p + 1)
		todo |= ITS_LOCK;
	s->asleep &= (uint8_t) ~(1 << p);
	me->rounds = me->phase = me->why = me->told = me->then = 0;
	me->todo = todo;
	me->at = EXIT;
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	uint8_t bit = (uint8_t)(1 << p);
	bool asleep = s->asleep & bit;

	if (how == KILL)
		return killed(s, me, p);
	if (how != ACT) {
		if (!asleep)
			return NULL;
		s->asleep &= (uint8_t)~bit;
		me->at = how == LOOK ? LOOKS : HOLD;
		if (how == LOOK)
			return "backstop";
		me->why = choose(2) ? INTERRUPTED : OUT_OF_TIME;
		return me->why == INTERRUPTED ? "signal" : "timeout";
	}
	if (asleep || (me->rounds == 0 && me->at == HOLD))
		return NULL;
	if (me->at == EXIT)
		return me->todo != 0 ? exits(s, me) : NULL;
	if (me->at == HOLD || me->at == OPEN_WAKE || me->at >= SLEEP)
		return without_lock(s, me, p);
	return with_lock(s, me);
}

/* All are back; or visitors wait for one that was killed before it came. */
static bool ended(const struct state *s)
{
	bool absent = false;

	for (int p = 0; p < setup.processes; p++) {
		const struct process *it = &s->p[p];

		if (it->at == EXIT && it->todo != 0)
			return false;
		absent |= it->at == EXIT && !here(it, s->phase);
	}
	if (party_died(s) || (s->lock & DIED) || !variant("visitors"))
		absent = false;
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0 && !(absent && (s->asleep >> p & 1)))
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	return s->fault == 1   ? "a party passes before all have come"
	       : s->fault == 2 ? "a phase is passed by some only"
			       : NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"locks",         "checks", "breaks",    "wakes",     "enters",
		"comes",         "opens",  "will wake", "withdraws", "unlocks",
		"goes to sleep", "reads",  "looks",     "leaves",    "is dead"
	};

	printf("phase %d%s", s->phase / NEXT,
	       s->phase & BROKEN ? " BROKEN" : "");
	for (int p = 0; p < setup.processes; p++) {
		const struct process *it = &s->p[p];

		printf("  %c%s%s %s", 'A' + p,
		       here(it, s->phase) ? " HERE" : "",
		       it->word & DIED ? " DIED" : "",
		       s->asleep >> p & 1                  ? "sleeps"
		       : it->rounds == 0 && it->at == HOLD ? "is done"
							   : places[it->at]);
	}
}

static const struct variant variants[] = {
	{ "visitors", "right, without mp_barrier_enter" },
	{ "any-phase", "a place does not say for which phase" },
	{ "flag", "who wakes looks for BROKEN, not for its phase" },
	{ "no-look", "a sleeper's look does not see who died" },
	{ "no-wake", "the last party wakes nobody" },
	{ "blind", "sleeps without comparing the phase once more" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=3" },
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=3 rounds=2 timeouts=1" },
	{ NULL, "processes=3 rounds=2 kills=1 backstop=1" },
	{ NULL, "processes=3 rounds=2 kills=2 backstop=1 variant=visitors" },
	{ "before all", "processes=3 rounds=2 variant=any-phase" },
	{ "some only", "processes=3 rounds=2 timeouts=1 variant=flag" },
	{ "for ever",
	  "processes=2 rounds=1 kills=1 backstop=1 variant=no-look" },
	{ "for ever", "processes=2 rounds=1 variant=no-wake" },
	{ "for ever", "processes=2 rounds=1 variant=blind" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 rounds=3 timeouts=2 kills=2 backstop=1" },
	{ NULL, "processes=4 rounds=2 kills=1 backstop=1" },
	{ 0 },
};

const struct model model = {
	.name = "barrier",
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
	.most = { 4, 4, 3, 3, 1, 0, NULL, 0, 0 },
};
