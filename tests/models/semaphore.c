/* semaphore.c - the semaphore of mp/semaphore.c.
 *
 *	word		meaning			leaves by	to
 *	n > 0		tokens, nobody sleeps	acquire		n-1
 *						release		n+1
 *	0		none, nobody sleeps	release		1
 *						a waiter	SLEEPERS
 *	SLEEPERS|n	n tokens, some may	acquire		SLEEPERS|n-1
 *			sleep			release		SLEEPERS|n+1,
 *								wakes one
 *						(wakes none)	n+1
 *
 * A release that woke nobody clears the bit, if the word is the one that it
 * wrote.  It may be that one again, with new sleepers: so who has slept sets
 * the bit as it takes a token, and wakes the next if it leaves any behind.
 *
 * A and B acquire; C, and D if there is one, release: together as often.
 */
#include "explore.h"

#include <stdio.h>

#define VALUE    0x7f
#define SLEEPERS 0x80
#define BOUND    1 /* with variant bounded */

enum {
	READ,
	TAKE,
	MARK,
	SLEEP,
	WAKE_NEXT,
	GIVE,
	WAKE,
	CLEAR,
	TAKE_BACK,
	WAKE_ALL
};

struct state {
	uint8_t word;
	uint8_t sleepers; /* on the word: bit p for process p */
	uint8_t tokens;   /* what the value should be */
	uint8_t waiters;  /* variant count */
	uint8_t vain;     /* wake-ups since nobody acquires any more */
	struct process {
		uint8_t at, rounds;
		uint8_t old;     /* the word as read */
		uint8_t slept;   /* SLEEPERS: may have */
		uint8_t counted; /* variant count: among the waiters */
	} p[PROCESSES];
};

static bool acquires(int p)
{
	return p < 2;
}

static void start(struct state *s)
{
	int rounds = setup.rounds;

	if (variant("no-room"))
		s->word = s->tokens = VALUE;
	for (int p = 0; p < setup.processes; p++)
		s->p[p].rounds = (uint8_t)(acquires(p) || setup.processes > 3
						   ? rounds
						   : 2 * rounds);
}

static const char *done(struct process *me, const char *action)
{
	*me = (struct process){ .rounds = (uint8_t)(me->rounds - 1) };
	return action;
}

static void uncount(struct state *s, struct process *me)
{
	s->waiters -= me->counted;
	me->counted = 0;
}

/* An acquire goes on from the word it has seen, a release too. */
static void seen(const struct state *s, struct process *me, int p)
{
	uint8_t value = s->word & VALUE;

	me->old = s->word;
	if (acquires(p))
		me->at = value > 0 ? TAKE : MARK;
	else if (variant("bounded") && value >= BOUND)
		done(me, "");
	else
		me->at = GIVE;
}

static const char *acquire(struct state *s, struct process *me, int p)
{
	bool none = (s->word & VALUE) == 0;

	switch (me->at) {
	case READ:
		seen(s, me, p);
		return "load";
	case TAKE:
		if (s->word != me->old) {
			seen(s, me, p);
			return "cas";
		}
		s->word--;
		if (!variant("wake-all") && !variant("no-mark"))
			s->word |= me->slept;
		s->tokens--;
		uncount(s, me);
		if (!me->slept || (s->word & VALUE) == 0 || variant("alone") ||
		    variant("wake-all"))
			return done(me, "cas");
		me->at = WAKE_NEXT;
		return "cas";
	case MARK:
		me->old = 0;
		me->at = none ? SLEEP : READ;
		if (none && !variant("count"))
			s->word = SLEEPERS;
		if (!me->counted && variant("count"))
			s->waiters += me->counted = 1;
		return "cas";
	case WAKE_NEXT:
		s->sleepers &= (uint8_t)~any_of(s->sleepers);
		return done(me, "wake");
	default: /* SLEEP */
		if (variant("blind") || variant("count") ? none
							 : s->word == SLEEPERS)
			s->sleepers |= (uint8_t)(1 << p);
		if (!variant("count"))
			me->slept = SLEEPERS;
		me->at = READ;
		return "wait";
	}
}

static const char *add(struct state *s, struct process *me)
{
	me->old = s->word++;
	me->at = TAKE_BACK;
	if ((me->old & VALUE) == VALUE)
		return "add";
	s->tokens++;
	return done(me, "add");
}

static const char *release(struct state *s, struct process *me, int p)
{
	uint8_t old = me->old, woken;

	switch (me->at) {
	case READ:
		if (variant("no-room"))
			return add(s, me);
		seen(s, me, p);
		return "load";
	case GIVE:
		if (s->word != old) {
			seen(s, me, p);
			return "cas";
		}
		s->word = me->old = old + 1;
		s->tokens++;
		me->at = WAKE;
		if (!(old & SLEEPERS) && s->waiters == 0)
			return done(me, "cas");
		return "cas";
	case WAKE:
		woken = variant("no-wake") ? 0 : any_of(s->sleepers);
		s->sleepers &= (uint8_t)~woken;
		if (s->p[0].rounds + s->p[1].rounds == 0)
			s->vain++;
		me->at = CLEAR;
		if (woken || variant("count") || variant("no-wake"))
			return done(me, "wake");
		return "wake";
	case CLEAR:
		me->at = WAKE_ALL;
		if (s->word != old && !variant("inexact"))
			return done(me, "cas");
		s->word &= VALUE;
		if (!variant("wake-all"))
			return done(me, "cas");
		return "cas";
	case TAKE_BACK:
		s->word--;
		me->at = WAKE_ALL;
		return "sub";
	default: /* WAKE_ALL */
		s->sleepers = 0;
		return done(me, "wake");
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
		return acquires(p) ? acquire(s, me, p) : release(s, me, p);
	case LOOK:
		if (!asleep)
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		return "backstop";
	case TIMEOUT:
		if (!asleep)
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		uncount(s, me);
		return done(me, "timeout");
	default: /* KILL */
		s->sleepers &= (uint8_t)~bit;
		*me = (struct process){ 0 };
		return "kill";
	}
}

/* All are done, or sleep for want of a token. */
static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0 &&
		    (!(s->sleepers >> p & 1) || (s->word & VALUE) > 0))
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].at == TAKE_BACK)
			return NULL;
	if ((s->word & VALUE) != s->tokens)
		return "a token is lost, or made";
	if (variant("bounded") && s->tokens > BOUND)
		return "the value is over the maximum";
	/* Two that release may spoil each other's clearing. */
	if (s->vain > 2 && setup.processes == 3)
		return "releases go on waking though nobody is left";
	return NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"reads",          "takes",        "marks",     "goes to sleep",
		"wakes the next", "gives",        "will wake", "will clear",
		"takes back",     "will wake all"
	};

	printf("word %d%s", s->word & VALUE,
	       s->word & SLEEPERS ? " SLEEPERS" : "");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->p[p].rounds == 0    ? "is gone"
		       : s->sleepers >> p & 1 ? "sleeps"
					      : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "bounded", "right, with a maximum of 1" },
	{ "wake-all", "right, but who clears the bit wakes all instead" },
	{ "alone", "who has slept does not wake the next" },
	{ "no-mark", "who has slept does not set the bit" },
	{ "inexact", "clears the bit whatever the word is now" },
	{ "no-wake", "release wakes nobody" },
	{ "blind", "sleeps if there are no tokens, with or without the bit" },
	{ "count", "the sleepers are counted: one that is killed stays so" },
	{ "no-room", "release adds 1 and takes back what was too much" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=3 rounds=2 timeouts=2" },
	{ NULL, "processes=3 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=4 rounds=2" },
	{ NULL, "processes=4 rounds=2 variant=bounded" },
	{ NULL, "processes=4 rounds=1 timeouts=1 kills=1 backstop=1" },
	{ NULL, "processes=4 rounds=2 variant=wake-all" },
	{ "for ever", "processes=4 rounds=2 variant=alone" },
	{ NULL, "processes=3 rounds=3 variant=alone" },
	{ "for ever", "processes=4 rounds=3 variant=no-mark" },
	{ "for ever", "processes=4 rounds=3 variant=inexact" },
	{ "for ever", "processes=3 rounds=1 variant=no-wake" },
	{ "for ever", "processes=3 rounds=2 variant=blind" },
	{ "nobody is left",
	  "processes=3 rounds=3 kills=1 backstop=1 variant=count" },
	{ "lost, or made", "processes=4 rounds=1 variant=no-room" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=4 rounds=3 timeouts=1 kills=2 backstop=1" },
	{ 0 },
};

const struct model model = {
	.name = "semaphore",
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
	.most = { 4, 9, 3, 3, 1, 0, NULL, 0, 0 },
};
