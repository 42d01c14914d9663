/* pool-map.c - the maps of mp/pool-*.c, and the deaths of those who help.
 *
 *	claim		meaning
 *	0		claims nothing
 *	CLAIMING	before its first claim in a map: nobody knows whether
 *			it has got units
 *	k|units|first	it has got these, and has begun k of them; the last one
 *			runs, or its bit is set: then all have ended, and nobody
 *			knows whether it has got some more
 *
 * A is the creator, the others are workers.  A worker writes down its place in
 * the ring, reads `head` once more, and while it was the same the map stays.
 * It takes units by fetch_add until there are none, moves `head` on, clears its
 * place, and if nobody else has this place it rings the bell.
 *
 * The creator takes the map away when all units were handed out, `head` is past
 * it and nobody has its place.  What the dead have left it puts into the ring
 * again, as another run; then the next map comes, in the same memory.
 *
 * The books say how often each unit was run.  One that was running when its
 * worker died is lost, or is run once more (retry).  With timeouts a unit may
 * run too long: `since` is OLD then, the creator makes it REVOKED and kills.
 */
#include "explore.h"

#include <stdio.h>

#define UNITS 3

#define CLAIMING     0xff
#define CLAIM(f, n)  ((uint8_t)((n) << 2 | (f)))
#define FIRST(claim) ((claim)&3)
#define COUNT(claim) ((claim) >> 2 & 3)
#define BEGUN(claim) ((claim) >> 4)
#define ONE_MORE     16

enum { NONE_RUNS, YOUNG, OLD, REVOKED }; /* since */

enum { RIGHT, NOBODY_DIED, NOT_LONG, NEVER_RUN, TAKEN_AWAY }; /* faults */

enum {
	/* A worker. */
	LOAD_HEAD,
	LOAD_TAIL,
	STORE_PLACE,
	HEAD_AGAIN,
	CLEAR_BITS,
	STORE_RUN,
	STORE_CLAIMING,
	ADD,
	STORE_SINCE,
	STORE_CLAIM,
	RUN,
	NO_SINCE,
	CLAIM_NOTHING, /* variant */
	STORE_BITS,
	DROP,
	PASS,
	EARLY_SCAN, /* variant */
	CLEAR_PLACE,
	SCAN,
	LOAD_BELL,
	POST,
	DISARM,
	MARK,
	LOOK_AGAIN,
	FALL_ASLEEP,
	ASLEEP,
	PAUSED,
	GONE,
	DEAD,
	/* The creator. */
	ISSUE,
	STORE_TAIL,
	OPEN,
	LOAD_NEXT,
	HELP,
	SCAN_PLACES,
	SETTLE,
	REAP,
	RECOVER,
	UNPLACE,
	REPLACE,
	LATE,
	REVOKE,
	KILL_LATE,
	ARM,
	POLL,
	CLOSE,
	LEAVE,
};

struct state {
	uint8_t head, tail;
	uint8_t next, units; /* of the run */
	uint8_t mask;        /* which of the map's units these are */
	uint8_t run, used;   /* its number; it is not taken away */
	uint8_t armed, posts, closed;
	uint8_t runs; /* of each unit, two bits */
	/* Sets of units. */
	uint8_t died, long_ago; /* it happened to them */
	uint8_t again, lost, too_long, retried;
	uint8_t doubt;
	uint8_t fault;
	uint8_t maps; /* still to come */
	struct process {
		uint8_t at;
		uint8_t head;  /* as it was read; the creator: a worker */
		uint8_t armed; /* it has seen this arming; it has armed */
		uint8_t kicked;
		uint8_t mine; /* its claim, and of the variants */
		/* In shared memory. */
		uint8_t place, claim, bits, run;
		uint8_t since;
	} p[PROCESSES];
};

static void start(struct state *s)
{
	s->maps = (uint8_t)setup.rounds;
	s->p[0].at = ISSUE;
}

/* Which of the map's units is unit u of the run? */
static uint8_t unit(const struct state *s, int u)
{
	unsigned mask = s->mask;

	while (u-- > 0)
		mask &= mask - 1;
	return (uint8_t)(mask & -mask);
}

static int runs_of(const struct state *s, int id)
{
	return s->runs >> 2 * id & 3;
}

/* Units are claimed in twos, or one by one. */
static uint8_t want(void)
{
	return variant("pairs") ? 2 : 1;
}

/* ---- a worker ---- */

static const char *next(struct process *me, uint8_t at, const char *action)
{
	me->at = at;
	if (at == LOAD_HEAD)
		me->head = me->armed = me->kicked = me->mine = 0;
	return action;
}

static const char *enter(struct state *s, struct process *me)
{
	switch (me->at) {
	case LOAD_HEAD:
		me->head = s->head;
		return next(me, LOAD_TAIL, "load");
	case LOAD_TAIL:
		if (me->head != s->tail)
			return next(me, STORE_PLACE, "load");
		me->head = 0;
		return next(me, s->closed ? GONE : MARK, "load");
	case STORE_PLACE:
		me->place = (uint8_t)(me->head + 1);
		return next(me, HEAD_AGAIN, "place");
	case HEAD_AGAIN:
		if (s->head != me->head && variant("silent")) {
			me->place = 0;
			return next(me, LOAD_HEAD, "load");
		}
		if (s->head != me->head && !variant("no-check"))
			return next(me, CLEAR_PLACE, "load");
		if (me->run == s->run)
			return next(me, STORE_CLAIMING, "load");
		return next(me, variant("run-first") ? STORE_RUN : CLEAR_BITS,
			    "load");
	case CLEAR_BITS:
		me->bits = 0;
		return next(me,
			    variant("run-first") ? STORE_CLAIMING : STORE_RUN,
			    "clear");
	default: /* STORE_RUN */
		me->run = s->run;
		return next(me,
			    variant("run-first") ? CLEAR_BITS : STORE_CLAIMING,
			    "run-no");
	}
}

static uint8_t begin_at(void)
{
	return setup.timeouts > 0 ? STORE_SINCE : STORE_CLAIM;
}

static const char *add(struct state *s, struct process *me)
{
	uint8_t first = s->next, n = want();

	if (first >= s->units) {
		me->mine = 0;
		return next(me, DROP, "add");
	}
	s->next = (uint8_t)(first + n);
	if (n > s->units - first)
		n = (uint8_t)(s->units - first);
	me->mine = CLAIM(first, n);
	return next(me, begin_at(), "add");
}

static const char *run_unit(struct state *s, struct process *me)
{
	uint8_t id = unit(s, FIRST(me->mine) + BEGUN(me->mine) - 1);

	for (int i = 0; i < UNITS; i++)
		if (id >> i & 1 && runs_of(s, i) < 3)
			s->runs += (uint8_t)(1 << 2 * i);
	me->at = STORE_BITS;
	if (setup.timeouts > 0)
		me->at = NO_SINCE;
	else if (variant("claim-nothing"))
		me->at = CLAIM_NOTHING;
	if (BEGUN(me->mine) < COUNT(me->mine))
		me->at = begin_at();
	return "run";
}

static const char *take_units(struct state *s, struct process *me)
{
	switch (me->at) {
	case STORE_CLAIMING:
		if (!variant("no-claiming"))
			me->claim = CLAIMING;
		return next(me, ADD, "claiming");
	case ADD:
		return add(s, me);
	case STORE_SINCE:
	case NO_SINCE:
		if (me->since == REVOKED && !variant("exchange"))
			return next(me, PAUSED, "cas");
		me->since = me->at == STORE_SINCE ? YOUNG : NONE_RUNS;
		return next(me,
			    me->at == STORE_SINCE ? STORE_CLAIM : STORE_BITS,
			    "since");
	case STORE_CLAIM:
		me->mine += ONE_MORE;
		me->claim = me->mine;
		return next(me, RUN, "claim");
	case RUN:
		return run_unit(s, me);
	case CLAIM_NOTHING:
		me->claim = 0;
		return next(me, STORE_BITS, "nothing");
	case STORE_BITS:
		for (int u = 0; u < COUNT(me->mine); u++)
			me->bits |= (uint8_t)(1 << (FIRST(me->mine) + u));
		me->mine = 0;
		return next(me, ADD, "bits");
	default: /* DROP */
		me->claim = 0;
		return next(me, PASS, "nothing");
	}
}

static bool alone(const struct state *s, const struct process *me)
{
	for (const struct process *it = s->p + 1; it < s->p + setup.processes;
	     it++)
		if (it != me && it->place == me->head + 1)
			return false;
	return true;
}

static const char *go(struct state *s, struct process *me)
{
	switch (me->at) {
	case PASS:
		if (s->head == me->head)
			s->head++;
		return next(me,
			    variant("early-scan") ? EARLY_SCAN : CLEAR_PLACE,
			    "head");
	case EARLY_SCAN:
		me->mine = alone(s, me);
		return next(me, CLEAR_PLACE, "scan");
	case CLEAR_PLACE:
		me->place = 0;
		if (variant("early-scan"))
			return next(me, me->mine ? LOAD_BELL : LOAD_HEAD,
				    "leave");
		return next(me, SCAN, "leave");
	case SCAN:
		return next(me, alone(s, me) ? LOAD_BELL : LOAD_HEAD, "scan");
	case LOAD_BELL:
		me->armed = s->armed;
		return next(me, me->armed ? POST : LOAD_HEAD, "bell");
	case POST:
		s->posts = 1;
		return next(me, DISARM, "post");
	default: /* DISARM */
		if (me->armed)
			s->armed = 0;
		return next(me, LOAD_HEAD, "disarm");
	}
}

static const char *sleep_at_gate(struct state *s, struct process *me)
{
	switch (me->at) {
	case MARK:
		me->kicked = 0;
		return next(me, LOOK_AGAIN, "mark");
	case LOOK_AGAIN:
		return next(me,
			    s->head != s->tail || s->closed ? LOAD_HEAD
							    : FALL_ASLEEP,
			    "look");
	default: /* FALL_ASLEEP */
		return next(me, me->kicked ? LOAD_HEAD : ASLEEP, "wait");
	}
}

static const char *work(struct state *s, struct process *me)
{
	if (me->at >= ASLEEP)
		return NULL;
	if (me->at >= STORE_CLAIMING && me->at <= STORE_BITS &&
	    (!s->used || me->head + 1 != s->tail))
		s->fault = TAKEN_AWAY;
	if (me->at >= MARK)
		return sleep_at_gate(s, me);
	if (me->at >= PASS)
		return go(s, me);
	return me->at >= STORE_CLAIMING ? take_units(s, me) : enter(s, me);
}

/* ---- the creator: into the ring ---- */

/* Another run: the rest of this map, or all of the next one. */
static const char *issue(struct state *s, struct process *me)
{
	*me = (struct process){ .at = STORE_TAIL };
	s->mask = s->again;
	if (s->again == 0) {
		if (s->maps == 0) {
			me->at = CLOSE;
			return "look";
		}
		s->maps--;
		s->mask = (uint8_t)((1 << setup.slots) - 1);
		s->runs = s->lost = s->too_long = 0;
		s->died = s->long_ago = s->retried = 0;
	}
	s->again = s->next = s->doubt = 0;
	s->units = (uint8_t)__builtin_popcount(s->mask);
	s->run++;
	s->used = 1;
	return "issue";
}

static const char *open_gate(struct state *s, struct process *me)
{
	for (int p = 1; p < setup.processes; p++) {
		if (s->p[p].at == LOOK_AGAIN || s->p[p].at == FALL_ASLEEP)
			s->p[p].kicked = 1;
		if (s->p[p].at == ASLEEP)
			s->p[p].at = LOAD_HEAD;
	}
	me->at = s->closed ? LEAVE : LOAD_NEXT;
	return "open";
}

/* ---- the creator: is it over? ---- */

static const char *not_over(struct process *me, const char *action)
{
	me->at = me->armed ? POLL : REAP;
	me->head = 0;
	return action;
}

static const char *over(struct state *s, struct process *me)
{
	switch (me->at) {
	case LOAD_NEXT:
		if (s->next < s->units)
			return not_over(me, "next");
		me->at = HELP;
		return "next";
	case HELP:
		if (!variant("no-head") && s->head + 1 == s->tail)
			s->head++;
		me->head = 1;
		me->at = SCAN_PLACES;
		return "head";
	default: /* SCAN_PLACES */
		if (s->p[me->head].place == s->tail && !variant("no-places"))
			return not_over(me, "place");
		if (++me->head < setup.processes)
			return "place";
		me->at = SETTLE;
		return "place";
	}
}

/* All have left.  Units in nobody's bits were handed out to the dead. */
static const char *settle(struct state *s, struct process *me)
{
	uint8_t bits = 0, id;

	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].run == s->run)
			bits |= s->p[p].bits;
	for (int u = 0; u < s->units && s->doubt; u++)
		if (!(bits >> u & 1))
			s->again |= unit(s, u);
	s->used = 0;
	me->at = ISSUE;
	if (s->again != 0)
		return "settle";
	for (int i = 0; i < setup.slots; i++) {
		id = (uint8_t)(1 << i);
		if (s->lost & id && !(s->died & id))
			s->fault = NOBODY_DIED;
		if (s->too_long & id && !(s->long_ago & id))
			s->fault = NOT_LONG;
		if (!((s->lost | s->too_long) & id) && runs_of(s, i) == 0)
			s->fault = NEVER_RUN;
	}
	return "settle";
}

/* ---- the creator: deaths, and those who run too long ---- */

static void inherit(struct state *s, const struct process *dead)
{
	int first = FIRST(dead->claim), n = COUNT(dead->claim);
	int k = BEGUN(dead->claim);
	uint8_t id;

	if (dead->bits >> (first + n - 1) & 1) {
		s->doubt = !variant("no-doubt");
		return;
	}
	if (k > 0) {
		id = unit(s, first + k - 1);
		if (dead->since == REVOKED)
			s->too_long |= id;
		else if (variant("retry") && !(s->retried & id))
			s->again |= id;
		else
			s->lost |= id;
		s->retried |= id;
	}
	for (int u = k; u < n; u++)
		s->again |= unit(s, first + u);
}

static void recover(struct state *s, struct process *dead)
{
	if (dead->run != s->run)
		return;
	if (dead->claim == CLAIMING) {
		s->doubt = 1;
	} else if (dead->claim != 0) {
		inherit(s, dead);
		for (int u = 0; u < COUNT(dead->claim); u++)
			dead->bits |= (uint8_t)(1 << (FIRST(dead->claim) + u));
	}
	dead->claim = 0;
	dead->since = NONE_RUNS;
}

static const char *bury(struct state *s, struct process *me)
{
	struct process *dead = &s->p[me->head];

	switch (me->at) {
	case REAP:
		me->at = LATE;
		for (int p = 1; p < setup.processes; p++)
			if (s->p[p].at == DEAD) {
				me->at = RECOVER;
				me->head = (uint8_t)p;
			}
		return "reap";
	case RECOVER:
		if (dead->place == s->tail && s->used)
			recover(s, dead);
		me->at = UNPLACE;
		return "recover";
	case UNPLACE:
		dead->place = 0;
		me->at = REPLACE;
		return "unplace";
	default: /* REPLACE */
		dead->at = LOAD_HEAD;
		me->at = LOAD_NEXT;
		return "replace";
	}
}

/* A worker whose unit runs too long, as far as one can see. */
static const char *late(struct state *s, struct process *me)
{
	switch (me->at) {
	case LATE:
		me->at = ARM;
		me->head = 0;
		for (int p = 1; p < setup.processes; p++)
			if (s->p[p].since == OLD && s->p[p].at != DEAD) {
				me->at = REVOKE;
				me->head = (uint8_t)p;
			}
		return "late";
	case REVOKE:
		me->at = REAP;
		if (s->p[me->head].since != OLD && !variant("revoke-store"))
			return "cas";
		s->p[me->head].since = REVOKED;
		me->at = KILL_LATE;
		return "revoke";
	default: /* KILL_LATE */
		s->p[me->head].at = DEAD;
		me->at = REAP;
		return "kills";
	}
}

static const char *arm(struct state *s, struct process *me)
{
	s->armed = 1;
	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].at == DISARM)
			s->p[p].armed = 0;
	me->armed = 1;
	me->at = variant("no-second-look") ? POLL : LOAD_NEXT;
	return "arm";
}

static const char *poll_all(struct state *s, struct process *me)
{
	bool wakes = s->posts;

	for (int p = 1; p < setup.processes; p++)
		wakes |= s->p[p].at == DEAD || s->p[p].since == OLD;
	if (!wakes)
		return NULL;
	s->posts = 0;
	*me = (struct process){ .at = LOAD_NEXT };
	return "poll";
}

static const char *create(struct state *s, struct process *me)
{
	switch (me->at) {
	case ISSUE:
		return issue(s, me);
	case STORE_TAIL:
		s->tail++;
		me->at = OPEN;
		return "tail";
	case OPEN:
		return open_gate(s, me);
	case LOAD_NEXT:
	case HELP:
	case SCAN_PLACES:
		return over(s, me);
	case SETTLE:
		return settle(s, me);
	case LATE:
	case REVOKE:
	case KILL_LATE:
		return late(s, me);
	case ARM:
		return arm(s, me);
	case POLL:
		return poll_all(s, me);
	case CLOSE:
		s->closed = 1;
		me->at = OPEN;
		return "close";
	default:
		return bury(s, me);
	}
}

/* ---- the rest ---- */

/* Does it run the unit that its claim names, or has, and nobody knows? */
static void note_death(struct state *s, const struct process *me)
{
	if (me->at >= RUN && me->at <= STORE_BITS && BEGUN(me->mine) > 0)
		s->died |= unit(s, FIRST(me->mine) + BEGUN(me->mine) - 1);
	if (me->at == STORE_SINCE || me->at == STORE_CLAIM)
		if (BEGUN(me->mine) > 0)
			s->died |=
				unit(s, FIRST(me->mine) + BEGUN(me->mine) - 1);
}

static const char *killed(struct state *s, struct process *me)
{
	if (me->at == GONE || me->at == DEAD || s->closed)
		return NULL;
	note_death(s, me);
	me->at = DEAD;
	me->head = me->armed = me->kicked = me->mine = 0;
	return "kill";
}

static const char *time_out(struct state *s, struct process *me)
{
	if (me->at != RUN || me->since != YOUNG)
		return NULL;
	me->since = OLD;
	s->long_ago |= unit(s, FIRST(me->mine) + BEGUN(me->mine) - 1);
	return "too-long";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	switch (how) {
	case ACT:
		if (p == 0)
			return me->at == LEAVE ? NULL : create(s, me);
		return work(s, me);
	case TIMEOUT:
		return p == 0 ? NULL : time_out(s, me);
	case KILL:
		return p == 0 ? NULL : killed(s, me);
	default:
		return NULL;
	}
}

static bool ended(const struct state *s)
{
	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].at != GONE && s->p[p].at != DEAD)
			return false;
	return s->p[0].at == LEAVE;
}

static const char *wrong(const struct state *s)
{
	static const char *const faults[] = {
		NULL,
		"a unit is said to be lost, and nobody died in it",
		"a unit is said to have run too long, and has not",
		"a unit was never run, and is said to be done",
		"a worker takes units of a map that was taken away",
	};

	for (int i = 0; i < setup.slots; i++)
		if (runs_of(s, i) > 1 &&
		    !(variant("retry") && s->died >> i & 1 &&
		      runs_of(s, i) == 2))
			return "a unit is run twice";
	return faults[s->fault];
}

static void show(const struct state *s)
{
	static const char *const places[] = { "reads head",
					      "reads tail",
					      "stores its place",
					      "reads head again",
					      "clears its bits",
					      "stores the run",
					      "will claim",
					      "adds",
					      "stores since",
					      "stores its claim",
					      "runs",
					      "stores since",
					      "claims nothing",
					      "sets bits",
					      "claims nothing",
					      "passes",
					      "looks for others",
					      "leaves",
					      "looks for others",
					      "looks at the bell",
					      "posts",
					      "disarms",
					      "marks",
					      "looks again",
					      "falls asleep",
					      "sleeps",
					      "pauses",
					      "is gone",
					      "is dead",
					      "issues",
					      "stores tail",
					      "opens",
					      "reads next",
					      "moves head",
					      "looks at places",
					      "settles",
					      "reaps",
					      "recovers",
					      "clears the place",
					      "replaces",
					      "looks who is late",
					      "revokes",
					      "kills",
					      "arms",
					      "polls",
					      "closes",
					      "is gone" };

	printf("head %d  tail %d  next %d of %d%s%s ", s->head, s->tail,
	       s->next, s->units, s->armed ? "  armed" : "",
	       s->closed ? "  closed" : "");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p, places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "retry", "right, and what is lost is run once more" },
	{ "pairs", "right, and units are claimed in twos" },
	{ "no-check", "a worker stores its place and does not look at head" },
	{ "silent", "who comes too late clears its place and tells nobody" },
	{ "early-scan", "who leaves looks for others, then clears its place" },
	{ "run-first", "the run is noted before the bits are cleared" },
	{ "no-claiming", "no CLAIMING before the first fetch_add" },
	{ "no-doubt", "who dies when all have ended has no others" },
	{ "claim-nothing", "the claim is cleared before the bits are set" },
	{ "no-places", "the creator does not look at the places" },
	{ "no-head", "nor does it move head on" },
	{ "no-second-look", "the creator arms the bell and sleeps" },
	{ "revoke-store", "the creator revokes by a store" },
	{ "exchange", "a worker stores `since` whatever is there" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=2 slots=3 kills=2" },
	{ NULL, "processes=3 rounds=2 slots=2" },
	{ NULL, "processes=3 rounds=1 slots=2 kills=1" },
	{ NULL, "processes=3 rounds=1 slots=2 timeouts=1" },
	{ NULL, "processes=2 rounds=1 slots=3 kills=1 timeouts=2" },
	{ NULL, "processes=2 rounds=1 slots=3 kills=2 variant=retry" },
	{ NULL, "processes=2 rounds=2 slots=3 kills=2 variant=pairs" },
	{ "taken away", "processes=3 rounds=2 slots=1 variant=no-check" },
	{ "for ever", "processes=3 rounds=1 slots=1 variant=silent" },
	{ "for ever", "processes=3 rounds=1 slots=1 variant=early-scan" },
	{ "never run",
	  "processes=2 rounds=2 slots=1 kills=2 variant=run-first" },
	{ "never run",
	  "processes=2 rounds=1 slots=2 kills=1 variant=no-claiming" },
	{ "never run",
	  "processes=2 rounds=1 slots=2 kills=1 variant=no-doubt" },
	{ "never run",
	  "processes=2 rounds=1 slots=2 kills=1 variant=claim-nothing" },
	{ "never run", "processes=3 rounds=1 slots=2 variant=no-places" },
	{ "taken away",
	  "processes=2 rounds=1 slots=1 kills=1 variant=no-head" },
	{ "for ever", "processes=2 rounds=1 slots=1 variant=no-second-look" },
	{ "has not",
	  "processes=2 rounds=1 slots=2 timeouts=1 variant=revoke-store" },
	{ "nobody died",
	  "processes=2 rounds=1 slots=2 timeouts=1 variant=exchange" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 rounds=2 slots=1 kills=1" },
	{ NULL, "processes=3 rounds=1 slots=2 kills=2" },
	{ NULL, "processes=3 rounds=1 slots=2 kills=1 timeouts=1" },
	{ NULL, "processes=3 rounds=1 slots=3 kills=1 variant=pairs" },
	{ NULL, "processes=3 rounds=1 slots=2 kills=1 variant=retry" },
	{ 0 },
};

const struct model model = {
	.name = "pool's maps",
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
	.most = { 4, 3, 3, 2, 0, 0, NULL, UNITS, 0 },
};
