/* condition.c - the condition of mp/condition.c, and the deaths of its users.
 *
 * Each waiter has a place, with a word of its own to sleep on:
 *
 *	word		meaning			leaves by	to
 *	0		free			wait		HERE
 *	HERE		waits			notify		HERE|NOTIFIED
 *						its death	DIED
 *						wait's return	0
 *	HERE|NOTIFIED	notified, not yet back	wait's return	0
 *						its death	DIED|NOTIFIED
 *	DIED, DIED|NOTIFIED			tidying up	0
 *
 * (HERE is the thread's id.)  Notify moves the sleeper to the word of the lock.
 * The lock is that of lock.c, except that to take it, or else to mark it and to
 * sleep, is one action here.  The last process notifies; the others wait.
 */
#include "explore.h"

#include <stdio.h>

#define TID      0x07
#define DIED     0x40
#define SLEEPERS 0x80

#define HERE     0x01
#define NOTIFIED 0x80

/* What the kernel has to do for a dead process. */
#define ITS_PLACE 0x01
#define ITS_LOCK  0x02
#define A_WAKE    0x04

enum {
	ACQUIRE, /* the lock, before wait and notify and after the sleep */
	TIDY,    /* looks for places of the dead */
	CLEAR,   /* and frees one */
	PICK,    /* notify: marks a place */
	MARK,    /* the lock's word */
	MOVE,    /* its sleeper to there */
	ENTER,   /* wait: takes a place */
	UNLOCK,
	WAKE,
	SLEEP,
	LOOKS,  /* by itself, for places with DIED|NOTIFIED */
	RETURN, /* with what kind of lock? */
	LEAVE,  /* the place */
	EXIT    /* dead */
};

/* What ended the sleep, if not a notification: time, or what LOOKS found. */
enum { NOTHING, TIME, FOUND };

#define DONE 2 /* a notification is passed on */

struct state {
	uint8_t lock;       /* its word */
	uint8_t sleepers;   /* on that word: bit p for process p */
	uint8_t asleep;     /* on the words of their places */
	uint8_t tickets;    /* given so far */
	uint8_t given, got; /* notifications, and returns of wait with one */
	uint8_t missed;     /* 1: notify did not see somebody that waits */
	struct process {
		uint8_t at, rounds;
		uint8_t word, ticket; /* of its place */
		uint8_t waits;        /* 1: has called wait, and is not back */
		uint8_t error;        /* what ended its sleep */
		uint8_t told, slept;  /* DIED, SLEEPERS or 0, of the lock */
		uint8_t then;         /* where it goes on after UNLOCK */
		uint8_t place;        /* whose place it tidies up */
		uint8_t passes;       /* 1: on what that one had got; DONE */
		uint8_t todo;         /* to be notified; dead: ITS_… */
		uint8_t target;       /* who is being notified */
	} p[PROCESSES];
};

static bool notifies(int p)
{
	return p == setup.processes - 1;
}

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p].rounds = (uint8_t)(notifies(p) ? setup.rounds * p
						       : setup.rounds);
}

static const char *done(struct process *me, const char *action)
{
	me->at = ACQUIRE;
	me->rounds--;
	me->then = 0;
	return action;
}

static void wake_one(struct state *s)
{
	s->sleepers &= (uint8_t)~any_of(s->sleepers);
}

/* ---- with the lock held ---- */

/* All places are tidied up: what now? */
static void tidied(struct process *me, int p)
{
	me->place = 0;
	if (notifies(p)) {
		me->at = PICK;
		me->todo = variant("all") ? PROCESSES : 1;
	} else if (me->word == 0) {
		me->at = variant("late") ? UNLOCK : ENTER;
		me->then = ENTER;
		me->waits = 1;
	} else if (me->word == HERE && !me->told) {
		me->at = UNLOCK;
		me->then = SLEEP;
		me->error = NOTHING;
	} else {
		me->at = LEAVE;
	}
}

/* Who has waited longest; -1: nobody waits. */
static int longest(const struct state *s)
{
	int best = -1;

	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].word == HERE &&
		    (best < 0 || s->p[p].ticket < s->p[best].ticket))
			best = p;
	return best;
}

/* A notification that reaches nobody: no loss, if nobody waits. */
static void vanish(struct state *s)
{
	if (longest(s) < 0)
		s->given--;
}

static const char *tidy(struct state *s, struct process *me, int p)
{
	uint8_t *place = &me->place;

	if (me->at == CLEAR) {
		if ((s->p[*place].word & NOTIFIED) && me->passes != DONE)
			vanish(s);
		s->p[*place].word = 0;
		me->at = me->passes && variant("clear-first") ? PICK : TIDY;
		return "clear";
	}
	while (*place < setup.processes && !(s->p[*place].word & DIED))
		++*place;
	me->at = CLEAR;
	me->passes = 0;
	if (*place == setup.processes) {
		tidied(me, p);
	} else if ((s->p[*place].word & NOTIFIED) && !variant("drop")) {
		me->todo = me->passes = 1;
		me->at = variant("clear-first") ? CLEAR : PICK;
	}
	return "look";
}

static const char *notified(struct process *me, const char *action)
{
	me->todo = me->target = 0;
	if (me->passes)
		me->at = variant("clear-first") ? TIDY : CLEAR;
	else
		me->at = UNLOCK;
	return action;
}

static const char *pick(struct state *s, struct process *me)
{
	int target = longest(s);

	if (target >= 0) {
		s->p[target].word |= NOTIFIED;
		if (me->passes)
			me->passes = DONE;
		else
			s->given++;
		me->target = (uint8_t)target;
		me->at = MARK;
		return "cas";
	}
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].waits && !(s->p[p].word & NOTIFIED))
			s->missed = 1;
	return notified(me, "look");
}

static const char *notify(struct state *s, struct process *me)
{
	uint8_t bit = (uint8_t)(1 << me->target);

	switch (me->at) {
	case PICK:
		return pick(s, me);
	case MARK:
		if (!variant("no-mark"))
			s->lock |= SLEEPERS;
		me->at = MOVE;
		return "or";
	default: /* MOVE */
		s->sleepers |= s->asleep & bit;
		s->asleep &= (uint8_t)~bit;
		me->at = PICK;
		if (--me->todo == 0)
			return notified(me, "requeue");
		return "requeue";
	}
}

/* ---- the lock, and wait ---- */

static const char *acquire(struct state *s, struct process *me, int p)
{
	if (s->lock & TID) {
		s->lock |= SLEEPERS;
		s->sleepers |= (uint8_t)(1 << p);
		me->slept = SLEEPERS;
		return "wait";
	}
	me->told = s->lock & DIED;
	s->lock = (uint8_t)(p + 1) | (s->lock & SLEEPERS) | me->slept;
	me->slept = 0;
	me->at = me->word == 0 || me->error == FOUND ? TIDY : LEAVE;
	return "acquire";
}

static const char *unlocked(struct process *me, const char *action)
{
	if (me->then == 0)
		return done(me, action);
	me->at = me->then;
	me->then = 0;
	return action;
}

static const char *leave(struct state *s, struct process *me)
{
	bool told = me->error != TIME || !variant("swallow");
	bool notified = me->word & NOTIFIED;

	me->word = me->waits = me->ticket = me->error = me->told = 0;
	if (notified && told)
		s->got++;
	else if (notified)
		vanish(s);
	me->at = UNLOCK;
	return "leave";
}

static bool notified_died(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].word == (DIED | NOTIFIED))
			return !variant("no-look");
	return false;
}

static const char *wait(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case ACQUIRE:
		return acquire(s, me, p);
	case ENTER:
		me->word = HERE;
		me->ticket = ++s->tickets;
		me->at = variant("late") ? SLEEP : UNLOCK;
		me->then = variant("late") ? 0 : SLEEP;
		return "enter";
	case UNLOCK:
		me->at = WAKE;
		if (s->lock & SLEEPERS) {
			s->lock = 0;
			return "xchg";
		}
		s->lock = 0;
		return unlocked(me, "xchg");
	case WAKE:
		wake_one(s);
		return unlocked(me, "wake");
	case SLEEP:
		if (me->word == HERE)
			s->asleep |= (uint8_t)(1 << p);
		else
			me->at = RETURN;
		return "wait";
	case LOOKS:
		me->error = notified_died(s) ? FOUND : NOTHING;
		me->at = notified_died(s) ? RETURN : SLEEP;
		return "look";
	case RETURN: /* has it slept on the lock's word? */
		if (!variant("fresh"))
			me->slept = me->word & NOTIFIED;
		me->at = ACQUIRE;
		return "load";
	default:
		return leave(s, me);
	}
}

/* ---- deaths ---- */

static const char *exits(struct state *s, struct process *me, int p)
{
	uint8_t tid = s->lock & TID, mine = (uint8_t)(p + 1);

	if (me->todo & A_WAKE) {
		me->todo &= (uint8_t)~A_WAKE;
		wake_one(s);
		return "wake";
	}
	if (any_of(me->todo) == ITS_PLACE) {
		me->todo &= (uint8_t)~ITS_PLACE;
		me->word = (me->word & NOTIFIED) | DIED;
		return "exit";
	}
	me->todo &= (uint8_t)~ITS_LOCK;
	if (tid == 0 || (tid == mine && (s->lock & SLEEPERS)))
		me->todo |= A_WAKE;
	if (tid == mine)
		s->lock = (s->lock & SLEEPERS) | DIED;
	return "exit";
}

/* Is the lock in the list, or pending?  The store before ACQUIRE may have been
 * done or not. */
static bool knows_lock(const struct state *s, const struct process *me, int p)
{
	if ((s->lock & TID) == p + 1 || me->at == WAKE)
		return true;
	if (me->at != ACQUIRE)
		return false;
	return (me->slept && me->word == 0) || choose(2);
}

static const char *killed(struct state *s, struct process *me, int p)
{
	uint8_t bit = (uint8_t)(1 << p), todo = 0;

	if (me->at == EXIT || me->rounds == 0)
		return NULL;
	if (me->word != 0)
		todo |= ITS_PLACE;
	if (knows_lock(s, me, p))
		todo |= ITS_LOCK;
	*me = (struct process){
		.at = EXIT, .word = me->word, .ticket = me->ticket, .todo = todo
	};
	s->sleepers &= (uint8_t)~bit;
	s->asleep &= (uint8_t)~bit;
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	uint8_t bit = (uint8_t)(1 << p);
	bool asleep = (s->asleep | s->sleepers) & bit;

	if (how == KILL)
		return killed(s, me, p);
	if (how != ACT) {
		if (!asleep || (how == TIMEOUT && me->at != SLEEP))
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		s->asleep &= (uint8_t)~bit;
		if (me->at == SLEEP)
			me->at = how == LOOK ? LOOKS : RETURN;
		if (how == TIMEOUT)
			me->error = TIME;
		return how == LOOK ? "backstop" : "timeout";
	}
	if (asleep || (me->at == EXIT ? me->todo == 0 : me->rounds == 0))
		return NULL;
	if (me->at == EXIT)
		return exits(s, me, p);
	if (me->at == TIDY || me->at == CLEAR)
		return tidy(s, me, p);
	if (me->at >= PICK && me->at <= MOVE)
		return notify(s, me);
	return wait(s, me, p);
}

/* All are done, or wait for a notification that nobody has given. */
static bool ended(const struct state *s)
{
	bool waiting = false, died = false;

	for (int p = 0; p < setup.processes; p++) {
		const struct process *it = &s->p[p];

		died |= it->word == (DIED | NOTIFIED);
		if (it->at == EXIT ? it->todo == 0 : it->rounds == 0)
			continue;
		if (!(s->asleep >> p & 1) || it->word != HERE)
			return false;
		waiting = true;
	}
	return !waiting || (!died && s->got >= s->given);
}

static const char *wrong(const struct state *s)
{
	int deaths = 0;

	for (int p = 0; p < setup.processes; p++)
		deaths += s->p[p].at == EXIT;
	if (s->missed)
		return "notify misses a process that waits";
	/* Killed while it passes one on, a process leaves it to the next. */
	if (s->got > s->given + deaths)
		return "more return notified than were notified";
	return NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"acquires", "tidies",  "clears", "picks",  "marks",
		"moves",    "enters",  "frees",  "wakes",  "goes to sleep",
		"looks",    "returns", "leaves", "is dead"
	};

	printf("lock");
	if (s->lock & TID)
		printf(" %c", 'A' + (s->lock & TID) - 1);
	printf("%s%s", s->lock & DIED ? " DIED" : "",
	       s->lock & SLEEPERS ? " SLEEPERS" : "");
	for (int p = 0; p < setup.processes; p++) {
		uint8_t word = s->p[p].word;

		printf("  %c%s%s%s %s", 'A' + p, word & HERE ? " HERE" : "",
		       word & DIED ? " DIED" : "",
		       word & NOTIFIED ? " NOTIFIED" : "",
		       s->asleep >> p & 1     ? "sleeps"
		       : s->sleepers >> p & 1 ? "sleeps on the lock"
		       : s->p[p].rounds == 0 && s->p[p].at != EXIT
			       ? "is done"
			       : places[s->p[p].at]);
	}
}

static const struct variant variants[] = {
	{ "all", "right, with notify_all" },
	{ "drop", "the notification of a dead waiter is not passed on" },
	{ "no-look",
	  "a sleeper's look does not see a dead one's notification" },
	{ "clear-first", "a dead one's place is freed before it is passed on" },
	{ "swallow", "a timeout is a timeout, notified or not" },
	{ "fresh", "who was moved takes the lock as if it had not slept" },
	{ "no-mark", "notify moves sleepers to a lock without SLEEPERS" },
	{ "late", "wait frees the lock, and then takes its place" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=3 rounds=1" },
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=3 rounds=2 variant=all" },
	{ NULL, "processes=3 rounds=1 timeouts=2" },
	{ NULL, "processes=3 rounds=1 timeouts=1 kills=1 backstop=1" },
	{ NULL, "processes=3 rounds=1 kills=2 backstop=1" },
	{ "for ever", "processes=3 rounds=1 kills=1 backstop=1 variant=drop" },
	{ "for ever",
	  "processes=3 rounds=1 kills=1 backstop=1 variant=no-look" },
	{ "for ever",
	  "processes=3 rounds=1 kills=2 backstop=1 variant=clear-first" },
	{ "for ever", "processes=3 rounds=1 timeouts=1 variant=swallow" },
	{ "for ever", "processes=3 rounds=1 variant=fresh" },
	{ "for ever", "processes=3 rounds=1 variant=no-mark" },
	{ "misses", "processes=3 rounds=1 variant=late" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 rounds=1 timeouts=2 kills=2 backstop=1" },
	{ NULL, "processes=3 rounds=2 timeouts=1 kills=1 backstop=1" },
	{ NULL, "processes=4 rounds=1 kills=1 backstop=1" },
	{ NULL, "processes=4 rounds=1 timeouts=1 variant=all" },
	{ 0 },
};

const struct model model = {
	.name = "condition",
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
