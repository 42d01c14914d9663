/* gate.c - the gate of mp/gate.c, an event count, and the deaths at it.
 *
 *	word		meaning			leaves by	to
 *	g		nobody sleeps		a sleeper	g+1|SLEEPERS
 *	g|SLEEPERS	some may sleep		a sleeper	g+1|SLEEPERS
 *						a bringer	g+1|SLEEPERS,
 *								wakes some
 *						(wakes too few)	g
 *
 * g is the generation.  Who sleeps has marked the gate by a word that was never
 * there before, and has looked once more.  Who has woken fewer than it would
 * clears SLEEPERS if the word is the one that it wrote: nobody sleeps then.
 *
 * A and B take things, C and D bring them (of two processes A takes, B brings).
 * A taker that was woken may find that it cannot take (the thing is too long,
 * the lock is not to be had in time: a timeout here); it opens the gate for the
 * next.
 *
 * With inside=1 they are killed only where it loses no wake-up.  Where it does:
 * a bringer between publishing and waking; a taker between being woken and
 * taking.
 */
#include "explore.h"

#include <stdio.h>

#define SLEEPERS   1
#define GENERATION 2

enum {
	TAKE, /* if something is there */
	READ,
	MARK,
	AGAIN, /* the second look */
	SLEEP,
	PUBLISH,
	OPEN,
	CHANGE,
	WAKE,
	CLEAR,
	LATE /* variant flag: clears it */
};

struct state {
	uint8_t word;
	uint8_t sleepers; /* on the word: bit p for process p */
	uint8_t things;   /* published, not taken */
	uint8_t index;    /* variant flag: how many were published so far */
	struct process {
		uint8_t at, rounds;
		uint8_t old;   /* the word as read; SLEEP: as marked */
		uint8_t woken; /* and has not taken since */
		uint8_t wakes; /* OPEN to CLEAR: how many are to be woken */
	} p[PROCESSES];
};

static bool takes(int p)
{
	return p < (setup.processes > 2 ? 2 : 1);
}

/* A bringer brings so many at once. */
static uint8_t batch(void)
{
	return variant("many") ? 2 : 1;
}

/* A word that nobody remembers: the next, but the states stay few. */
static uint8_t fresh(const struct state *s)
{
	uint8_t g = 0;

again:
	g += GENERATION;
	if (g == (s->word & (uint8_t)~SLEEPERS))
		goto again;
	for (int p = 0; p < setup.processes; p++)
		if (g == (s->p[p].old & (uint8_t)~SLEEPERS))
			goto again;
	return g;
}

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p] = (struct process){ .at = takes(p) ? TAKE : PUBLISH,
					    .rounds = (uint8_t)setup.rounds };
}

static const char *done(struct process *me, int p, const char *action)
{
	*me = (struct process){ .at = takes(p) ? TAKE : PUBLISH,
				.rounds = (uint8_t)(me->rounds - 1) };
	return action;
}

/* What the taker sleeps on. */
static uint8_t *futex(struct state *s)
{
	return variant("flag") ? &s->index : &s->word;
}

static const char *mark(struct state *s, struct process *me)
{
	bool marked = me->old & SLEEPERS;

	me->at = AGAIN;
	if (variant("flag")) {
		s->word = SLEEPERS;
		return "store";
	}
	if (s->word != me->old) {
		me->at = TAKE;
		me->old = 0;
		return "cas";
	}
	if (!(marked && variant("same-mark")))
		s->word = fresh(s) | SLEEPERS;
	if (variant("bit"))
		s->word = SLEEPERS;
	if (variant("no-look"))
		me->at = SLEEP;
	me->old = s->word;
	return "cas";
}

static const char *take(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case TAKE:
		if (s->things == 0) {
			me->at = READ;
			me->woken = 0;
			return "look";
		}
		s->things--;
		return done(me, p, "take");
	case READ:
		me->old = *futex(s);
		me->at = MARK;
		return "load";
	case MARK:
		return mark(s, me);
	case AGAIN:
		me->at = s->things > 0 ? TAKE : SLEEP;
		if (me->at == TAKE)
			me->old = 0;
		return "look";
	default: /* SLEEP */
		if (*futex(s) == me->old)
			s->sleepers |= (uint8_t)(1 << p);
		me->at = TAKE;
		me->old = 0;
		return "wait";
	}
}

/* The word was read: is there anybody to wake? */
static const char *seen(struct state *s, struct process *me, int p,
			const char *action)
{
	me->old = s->word;
	if (!(me->old & SLEEPERS))
		return done(me, p, action);
	me->at = variant("same-word") || variant("flag") ? WAKE : CHANGE;
	return action;
}

static const char *wake(struct state *s, struct process *me, int p)
{
	uint8_t woken = any_of(s->sleepers);
	bool enough;

	s->sleepers &= (uint8_t)~woken;
	for (int i = 0; i < setup.processes; i++)
		if (woken >> i & 1)
			s->p[i].woken = 1;
	if (woken)
		me->wakes--;
	enough = me->wakes == 0;
	if (woken && !enough)
		return "wake";
	me->at = variant("flag") ? LATE : CLEAR;
	if (me->at == CLEAR && (enough || variant("clear-first")))
		return done(me, p, "wake");
	return "wake";
}

/* Also done by a taker, for the next. */
static const char *bring(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case PUBLISH:
		s->things += batch();
		s->index += batch();
		me->wakes = variant("all") ? PROCESSES : batch();
		me->at = OPEN;
		return "publish";
	case OPEN:
		return seen(s, me, p, "load");
	case CHANGE:
		if (s->word != me->old)
			return seen(s, me, p, "cas");
		s->word = fresh(s) | SLEEPERS;
		if (variant("clear-first"))
			s->word = me->old & (uint8_t)~SLEEPERS;
		me->old = s->word;
		me->at = WAKE;
		return "cas";
	case WAKE:
		return wake(s, me, p);
	case CLEAR:
		if (s->word == me->old || variant("inexact"))
			s->word &= (uint8_t)~SLEEPERS;
		return done(me, p, "cas");
	default: /* LATE */
		s->word = 0;
		return done(me, p, "store");
	}
}

/* Out of time: asleep, or woken and unable to take. */
static const char *time_out(struct state *s, struct process *me, int p)
{
	uint8_t bit = (uint8_t)(1 << p);

	if (s->sleepers & bit) {
		s->sleepers &= (uint8_t)~bit;
		return done(me, p, "timeout");
	}
	if (!takes(p) || me->at != TAKE || !me->woken)
		return NULL;
	if (variant("keep"))
		return done(me, p, "leave");
	me->at = OPEN;
	me->wakes = 1;
	return "leave";
}

/* Would its death lose a wake-up? */
static bool owes(const struct process *me)
{
	return me->woken || (me->at >= OPEN && me->at <= WAKE);
}

static const char *killed(struct state *s, struct process *me, int p)
{
	if (setup.inside && owes(me))
		return NULL;
	if ((variant("kill-waker") && (takes(p) || !owes(me))) ||
	    (variant("kill-woken") && (!takes(p) || !owes(me))))
		return NULL;
	s->sleepers &= (uint8_t) ~(1 << p);
	*me = (struct process){ 0 };
	return "kill";
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
		return me->at < PUBLISH ? take(s, me, p) : bring(s, me, p);
	case LOOK:
		if (!asleep)
			return NULL;
		s->sleepers &= (uint8_t)~bit;
		return "backstop";
	case TIMEOUT:
		return time_out(s, me, p);
	default: /* KILL */
		return killed(s, me, p);
	}
}

/* All are done, or sleep for want of things. */
static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0 &&
		    (!(s->sleepers >> p & 1) || s->things > 0))
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	if (s->sleepers == 0 || (s->word & SLEEPERS) || setup.variant != NULL)
		return NULL;
	return "one sleeps without the mark";
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"takes",         "reads",      "marks",     "looks again",
		"goes to sleep", "publishes",  "opens",     "changes the word",
		"will wake",     "will clear", "will clear"
	};

	printf("word %d%s  things %d", s->word / GENERATION,
	       s->word & SLEEPERS ? " SLEEPERS" : "", s->things);
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->p[p].rounds == 0    ? "is gone"
		       : s->sleepers >> p & 1 ? "sleeps"
					      : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "many", "right, with two brought, and two to be woken, at once" },
	{ "all", "right, with all woken" },
	{ "kill-waker", "killed is who has published and not woken" },
	{ "kill-woken", "killed is who was woken and has not taken" },
	{ "keep", "who was woken and cannot take does not wake the next" },
	{ "no-look", "no second look after the mark" },
	{ "same-word", "who wakes leaves the word as it is" },
	{ "clear-first", "who wakes clears SLEEPERS first, then wakes one" },
	{ "same-mark", "a mark leaves the word as it is if it has SLEEPERS" },
	{ "bit", "the mark is a bit, without a generation" },
	{ "inexact", "clears SLEEPERS whatever the word is now" },
	{ "flag", "sleeps on the index; a flag for sleepers, cleared late" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=3" },
	{ NULL, "processes=3 rounds=2" },
	{ NULL, "processes=3 rounds=2 timeouts=2" },
	{ NULL, "processes=3 rounds=2 timeouts=1 kills=2 inside=1" },
	{ NULL, "processes=3 rounds=2 timeouts=1 kills=2 backstop=1" },
	{ NULL, "processes=4 rounds=1 timeouts=1" },
	{ NULL, "processes=4 rounds=1 kills=2 inside=1" },
	{ NULL, "processes=3 rounds=2 timeouts=1 variant=many" },
	{ NULL, "processes=3 rounds=2 timeouts=1 variant=all" },
	{ "for ever", "processes=2 rounds=1 kills=1 variant=kill-waker" },
	{ NULL, "processes=2 rounds=1 kills=1 backstop=1 variant=kill-waker" },
	{ "for ever", "processes=3 rounds=1 kills=1 variant=kill-woken" },
	{ NULL, "processes=3 rounds=1 kills=1 backstop=1 variant=kill-woken" },
	{ "for ever", "processes=3 rounds=1 timeouts=1 variant=keep" },
	{ "for ever", "processes=2 rounds=1 variant=no-look" },
	{ "for ever", "processes=2 rounds=1 variant=same-word" },
	{ "for ever", "processes=4 rounds=1 variant=clear-first" },
	{ "for ever", "processes=3 rounds=2 variant=same-mark" },
	{ "for ever", "processes=4 rounds=1 variant=bit" },
	{ "for ever", "processes=3 rounds=2 variant=inexact" },
	{ "for ever", "processes=2 rounds=2 variant=flag" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=4 rounds=2 timeouts=1" },
	{ NULL, "processes=4 rounds=2 kills=1 inside=1" },
	{ NULL, "processes=4 rounds=2 kills=1 backstop=1" },
	{ NULL, "processes=4 rounds=2 variant=many" },
	{ NULL, "processes=4 rounds=2 variant=all" },
	{ 0 },
};

const struct model model = {
	.name = "gate",
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
	.most = { 4, 4, 3, 3, 1, 1, NULL, 0, 0 },
};
