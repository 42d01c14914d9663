/* lease.c - the leases of mp/lease.c: what a dead getter had comes back.
 *
 *	word	meaning			leaves by		to
 *	0	in the queue		take			TID
 *	TID	on lease		done			DONE
 *					its death		DIED
 *	DIED	comes back		take			TID
 *	DONE	done			the next message there	0
 *
 *	freed <= head <= tail: records before freed are room again, records
 *	before head have been taken, records before tail are there.
 *
 * A puts its messages, closes the queue, and joins.  The others get, work, and
 * say done, until the queue is closed and nothing can come back.  With variant
 * two B has two messages at a time.
 *
 * Locks and gates are those of queue.c here; A alone puts, without a lock.  The
 * kernel marks the words of the dead one by one, in any order.  Nobody is woken
 * by that: a sleeper looks by itself.
 */
#include "explore.h"

#include <stdio.h>

#define SLOTS 2
#define TID   0x07 /* who, from 1 */
#define DONE  0x20
#define DIED  0x40

enum {
	NOWHERE,
	PUT, /* A: is there room? */
	WRITE,
	ZERO,
	TAIL,
	CLOSE,
	JOIN,
	LOCK, /* the others */
	FIND,
	TAKE,
	LIST, /* variant late-list */
	HEAD,
	UNLOCK,
	WORK,
	DONE_LOCK,
	SAY_DONE,
	RECLAIM, /* moves freed */
	TELL,
	MARK, /* all */
	AGAIN,
	SLEEP,
	ASLEEP,
	WOKEN,
	TIDY_LOCK,
	TIDY,   /* for a dead one, as RECLAIM and TELL */
	REPAIR, /* the same, on taking the lock from it */
	TIDY_UNLOCK,
	OPEN_GATE,
	WAKE,
	EXIT,
	DEAD,
	GONE
};

/* Gates: where one waits; what is to be opened is a set of them. */
enum { NOT_EMPTY = 1, NOT_FULL = 2, ALL_DONE = 4 };

enum { RIGHT, EARLY, AGAIN_DONE, TWO, OVERWRITTEN, UNWORKED };

struct state {
	uint8_t lock; /* get_lock: who holds it, from 1; 0; DIED */
	uint8_t tail, head, freed;
	uint8_t closed;
	uint8_t word[SLOTS], message[SLOTS];
	uint8_t worked, done; /* bit n for message n */
	uint8_t fault;
	struct process {
		uint8_t at, rounds;
		uint8_t has[2]; /* records, from 1, in the order taken */
		uint8_t found;  /* the record to take, from 1 */
		uint8_t new;    /* it is the one at the head */
		uint8_t kicked; /* opened since it marked its gate */
		uint8_t wait;   /* the gate where it waits */
		uint8_t gates;  /* that it opens */
		uint8_t wakes;  /* how many at each */
		uint8_t then;   /* where it goes on after that, */
		uint8_t after;  /* and where after REPAIR */
	} p[PROCESSES];
};

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		s->p[p] = (struct process){ .at = p == 0 ? PUT : LOCK,
					    .rounds = (uint8_t)setup.rounds };
}

/* ---- what the words say ---- */

static uint8_t slot(uint8_t n)
{
	return n % (uint8_t)setup.slots;
}

/* What is among the taken: one that comes back (its slot, from 1), others'. */
static uint8_t comes_back(const struct state *s)
{
	for (uint8_t n = s->freed; n != s->head; n++)
		if (s->word[slot(n)] == DIED)
			return slot(n) + 1;
	return 0;
}

static bool others_have(const struct state *s, int p)
{
	for (uint8_t n = s->freed; n != s->head; n++)
		if (s->word[slot(n)] != DONE && s->word[slot(n)] != p + 1)
			return true;
	return false;
}

/* Without the lock; so it does not look for what comes back. */
static bool something(const struct state *s, const struct process *me)
{
	switch (me->wait) {
	case NOT_FULL:
		return s->tail - s->freed < setup.slots;
	case ALL_DONE:
		return s->freed == s->tail;
	default:
		return s->tail != s->head ||
		       (s->closed && (s->freed == s->head ||
				      (me->has[0] && !variant("own"))));
	}
}

/* ---- gates, the lock ---- */

static const char *must_open(struct process *me, uint8_t gates, uint8_t wakes,
			     uint8_t then, const char *action)
{
	me->at = gates == 0 ? then : OPEN_GATE;
	me->then = gates == 0 ? 0 : then;
	me->gates = gates;
	me->wakes = gates == 0 ? 0 : wakes;
	return action;
}

static uint8_t asleep_at(const struct state *s, uint8_t gate)
{
	uint8_t set = 0;

	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].at == ASLEEP && s->p[p].wait == gate)
			set |= (uint8_t)(1 << p);
	return set;
}

/* The first of the gates: keep those that have marked it from sleeping. */
static const char *open_gate(struct state *s, struct process *me)
{
	uint8_t gate = (uint8_t)(me->gates & -me->gates), set;

	if (me->at == WAKE) {
		set = asleep_at(s, gate);
		if (me->wakes == 1)
			set = any_of(set);
		for (int p = 0; p < setup.processes; p++)
			if (set >> p & 1)
				s->p[p].at = WOKEN;
		return must_open(me, me->gates & (uint8_t)~gate, me->wakes,
				 me->then, "wake");
	}
	if (gate == ALL_DONE && s->freed != s->tail)
		return must_open(me, 0, 0, me->then, "look");
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].wait == gate &&
		    (s->p[p].at == AGAIN || s->p[p].at == SLEEP))
			s->p[p].kicked = 1;
	if (asleep_at(s, gate)) {
		me->at = WAKE;
		return "open";
	}
	return must_open(me, me->gates & (uint8_t)~gate, me->wakes, me->then,
			 "open");
}

/* Who takes it from a dead one opens the gate that the dead may have left, and
 * moves freed for it. */
static const char *lock(struct state *s, struct process *me, int p,
			uint8_t then)
{
	bool told = s->lock == DIED;

	if (s->lock != 0 && !told)
		return NULL;
	s->lock = (uint8_t)(p + 1);
	me->at = then;
	if (!told || variant("no-tidy"))
		return "lock";
	me->after = then;
	return must_open(me, NOT_FULL, PROCESSES, REPAIR, "lock");
}

/* freed moves over what is done. */
static bool move_freed(struct state *s, uint8_t done)
{
	uint8_t old = s->freed, to = s->head;

	if (variant("no-limit"))
		to = (uint8_t)(s->freed + setup.slots);
	while (s->freed != to &&
	       (s->word[slot(s->freed)] == DONE || slot(s->freed) + 1 == done))
		s->freed++;
	return s->freed != old;
}

/* The gates of those to whom that is something. */
static uint8_t to_tell(const struct state *s, bool moved)
{
	return (s->closed ? NOT_EMPTY : 0) | (moved ? NOT_FULL | ALL_DONE : 0);
}

static const char *tidy(struct state *s, struct process *me, int p)
{
	uint8_t then = me->after;
	bool moved;

	switch (me->at) {
	case TIDY_LOCK:
		return lock(s, me, p, TIDY);
	case TIDY:
		then = TIDY_UNLOCK;
		/* fall through */
	case REPAIR:
		me->after = 0;
		moved = move_freed(s, 0);
		return must_open(me, to_tell(s, moved), PROCESSES, then,
				 "freed");
	default: /* TIDY_UNLOCK */
		s->lock = 0;
		me->at = p > 0 ? LOCK : me->rounds > 0 ? PUT : JOIN;
		return "unlock";
	}
}

static const char *wait(struct state *s, struct process *me, int p)
{
	uint8_t back = p > 0 ? LOCK : me->rounds > 0 ? PUT : JOIN;

	switch (me->at) {
	case MARK:
		me->kicked = 0;
		me->at = AGAIN;
		return "mark";
	case AGAIN:
		me->at = SLEEP;
		if (!something(s, me))
			return "look";
		me->wait = me->kicked = 0;
		me->at = back;
		return "look";
	case SLEEP:
		me->at = me->kicked ? WOKEN : ASLEEP;
		me->kicked = 0;
		return "wait";
	default: /* WOKEN */
		me->at = something(s, me) || variant("no-tidy") ? back
								: TIDY_LOCK;
		me->wait = 0;
		return "look";
	}
}

/* ---- A ---- */

static const char *put(struct state *s, struct process *me)
{
	uint8_t i = slot(s->tail);

	switch (me->at) {
	case PUT:
		me->at = WRITE;
		if (me->rounds == 0)
			me->at = variant("join-first") ? JOIN : CLOSE;
		else if (s->tail - s->freed >= setup.slots)
			me->at = MARK;
		if (me->at == MARK)
			me->wait = NOT_FULL;
		return "look";
	case WRITE:
		if (s->tail >= setup.slots && !(s->done >> s->message[i] & 1))
			s->fault = OVERWRITTEN;
		s->message[i] = s->tail;
		me->at = ZERO;
		return "copy";
	case ZERO:
		s->word[i] = 0;
		me->at = TAIL;
		return "zero";
	case TAIL:
		s->tail++;
		me->rounds--;
		return must_open(me, NOT_EMPTY, 1, PUT, "tail");
	case CLOSE:
		s->closed = 1;
		return must_open(me, NOT_EMPTY | NOT_FULL | ALL_DONE, PROCESSES,
				 variant("join-first") ? GONE : JOIN, "close");
	default: /* JOIN */
		me->wait = s->freed == s->tail ? 0 : ALL_DONE;
		me->at = me->wait ? MARK : GONE;
		if (me->at == GONE && s->done != (1 << s->tail) - 1)
			s->fault = EARLY;
		if (me->at == GONE && variant("join-first"))
			me->at = CLOSE;
		return "look";
	}
}

/* ---- the others ---- */

static const char *find(struct state *s, struct process *me, int p)
{
	bool others = others_have(s, p) && !variant("closed-empty");

	me->found = variant("no-look") ? 0 : comes_back(s);
	me->new = 0;
	me->at = TAKE;
	if (me->found)
		return "find";
	me->new = s->tail != s->head;
	me->found = me->new ? slot(s->head) + 1 : 0;
	if (me->new) {
		me->at = variant("head-first") ? HEAD : TAKE;
		return "find";
	}
	/* Who has some itself finishes them before it waits for others. */
	if (me->has[0] && !variant("own"))
		others = false;
	s->lock = 0;
	me->at = MARK;
	me->wait = NOT_EMPTY;
	if (!s->closed || others)
		return "unlock";
	me->wait = 0;
	me->at = me->has[0] ? WORK : GONE;
	return "unlock";
}

/* Does B go for a second one? */
static bool wants_two(int p)
{
	return p == 1 &&
	       (variant("two") || variant("own") || variant("ring-order"));
}

static const char *taken(struct process *me)
{
	me->has[me->has[0] != 0] = me->found;
	me->found = me->new = 0;
	me->at = UNLOCK;
	return "list";
}

static const char *take(struct state *s, struct process *me, int p)
{
	uint8_t i = (uint8_t)(me->found - 1), old = s->word[i];

	if (s->done >> s->message[i] & 1)
		s->fault = AGAIN_DONE;
	else if (!me->new && (old & TID))
		s->fault = TWO;
	s->word[i] = (uint8_t)(p + 1);
	me->at = LIST;
	if (variant("late-list"))
		return "tid";
	me->at = HEAD;
	if (me->new && !variant("head-first"))
		return "tid";
	taken(me);
	return "tid";
}

static const char *get(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case LOCK:
		return lock(s, me, p, FIND);
	case FIND:
		return find(s, me, p);
	case TAKE:
		return take(s, me, p);
	case LIST:
		me->at = HEAD;
		if (!me->new)
			return taken(me);
		return "list";
	case HEAD:
		s->head++;
		me->at = TAKE;
		if (!variant("head-first"))
			taken(me);
		return "head";
	case UNLOCK:
		s->lock = 0;
		me->at = wants_two(p) && !me->has[1] ? LOCK : WORK;
		return "unlock";
	default: /* WORK */
		s->worked |= (uint8_t)(1 << s->message[me->has[0] - 1]);
		me->at = DONE_LOCK;
		return "work";
	}
}

/* Which of its two records is done? */
static int which(const struct state *s, const struct process *me)
{
	uint8_t first = slot(s->freed) + 1;

	return variant("ring-order") && me->has[1] == first;
}

static const char *say_done(struct state *s, struct process *me, int p)
{
	int n = which(s, me);
	uint8_t i = (uint8_t)(me->has[n] - 1), bit;
	bool moved, first = variant("freed-first");

	switch (me->at) {
	case DONE_LOCK:
		return lock(s, me, p, first ? RECLAIM : SAY_DONE);
	case SAY_DONE:
		bit = (uint8_t)(1 << s->message[i]);
		if (!(s->worked & bit))
			s->fault = UNWORKED;
		s->word[i] = DONE;
		s->done |= bit;
		me->has[n] = me->has[1];
		me->has[1] = 0;
		me->at = first ? TELL : RECLAIM;
		return "done";
	case RECLAIM:
		me->found = move_freed(s, first ? me->has[0] : 0);
		me->at = first ? SAY_DONE : TELL;
		return "freed";
	default: /* TELL, having unlocked */
		s->lock = 0;
		moved = me->found;
		me->found = 0;
		return must_open(me, to_tell(s, moved), PROCESSES,
				 me->has[0] ? WORK : LOCK, "unlock");
	}
}

/* ---- deaths ---- */

/* The kernel marks what the dead one had: one word at a time. */
static const char *exits(struct state *s, struct process *me, int p)
{
	uint8_t mine = (uint8_t)(p + 1), set = 0, one;

	for (int i = 0; i < SLOTS; i++)
		if (s->word[i] == mine && i + 1 != me->found)
			set |= (uint8_t)(1 << i);
	if (s->lock == mine)
		set |= 1 << SLOTS;
	one = any_of(set);
	for (int i = 0; i < SLOTS; i++)
		if (one >> i & 1)
			s->word[i] = DIED;
	if (one >> SLOTS)
		s->lock = DIED;
	if (set == one)
		*me = (struct process){ .at = DEAD };
	return "exit";
}

static const char *killed(struct process *me)
{
	bool unknown = me->at == LIST;

	if (me->at >= EXIT)
		return NULL;
	*me = (struct process){ .at = EXIT, .found = unknown ? me->found : 0 };
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (how == KILL)
		return killed(me);
	if (how == LOOK && me->at == ASLEEP) {
		me->at = WOKEN;
		return "backstop";
	}
	if (how != ACT || me->at == ASLEEP || me->at >= DEAD)
		return NULL;
	if (me->at == EXIT)
		return exits(s, me, p);
	if (me->at >= OPEN_GATE)
		return open_gate(s, me);
	if (me->at >= TIDY_LOCK)
		return tidy(s, me, p);
	if (me->at >= MARK)
		return wait(s, me, p);
	if (me->at >= DONE_LOCK)
		return say_done(s, me, p);
	return me->at >= LOCK ? get(s, me, p) : put(s, me);
}

/* Is A right to wait for ever?  All getters were killed, and the oldest message
 * is not done. */
static bool alone(const struct state *s)
{
	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].at != DEAD)
			return false;
	return s->freed == s->head || s->word[slot(s->freed)] != DONE;
}

static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++) {
		const struct process *it = &s->p[p];

		if (it->at >= DEAD)
			continue;
		if (it->at != ASLEEP || something(s, it))
			return false;
		if (p == 0 ? !alone(s) : s->closed || comes_back(s))
			return false;
	}
	return true;
}

static const char *wrong(const struct state *s)
{
	static const char *const faults[] = {
		NULL,
		"join ends, and not all is done",
		"what is done comes back",
		"two have the same message",
		"a message that is not done is written over",
		"done is said of what nobody has worked on"
	};

	return faults[s->fault];
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"nowhere",         "looks for room", "writes",
		"zeroes the word", "publishes",      "closes",
		"joins",           "locks",          "looks",
		"takes",           "lists it",       "moves head",
		"unlocks",         "works",          "locks",
		"says done",       "moves freed",    "unlocks",
		"marks",           "looks again",    "goes to sleep",
		"sleeps",          "looks",          "locks to tidy",
		"tidies",          "tidies",         "unlocks",
		"opens",           "will wake",      "is killed",
		"is no more",      "is gone"
	};

	printf("freed %d head %d tail %d%s ", s->freed, s->head, s->tail,
	       s->closed ? " CLOSED" : "");
	for (int i = 0; i < setup.slots; i++)
		printf(" %s", s->word[i] == 0      ? "0"
			      : s->word[i] == DONE ? "DONE"
			      : s->word[i] == DIED ? "DIED"
			      : s->word[i] == 2    ? "B"
			      : s->word[i] == 3    ? "C"
						   : "D");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p, places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "join-first", "right, with join before close" },
	{ "two", "right, and B has two at a time" },
	{ "own", "two, and B waits for others' while it has one itself" },
	{ "ring-order", "two; of its own the first in the ring is done, not "
			"the first taken" },
	{ "no-tidy", "what one killed between DONE and freed has left, stays" },
	{ "freed-first", "freed is moved before the word is DONE" },
	{ "no-limit", "freed is moved past head, over a DONE of the last lap" },
	{ "head-first", "head is moved before the word names the getter" },
	{ "late-list", "the word names the getter before it is in its list" },
	{ "no-look", "get looks at the head only" },
	{ "closed-empty", "get says the end though others have some on lease" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 slots=1 rounds=3" },
	{ NULL, "processes=2 slots=2 rounds=3 kills=1 backstop=1" },
	{ NULL, "processes=3 slots=1 rounds=3" },
	{ NULL, "processes=3 slots=2 rounds=3" },
	{ NULL, "processes=3 slots=1 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=3 slots=2 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=3 slots=2 rounds=2 kills=1 backstop=1 "
		"variant=join-first" },
	{ NULL, "processes=3 slots=2 rounds=2 variant=two" },
	{ NULL, "processes=3 slots=2 rounds=2 kills=1 backstop=1 variant=two" },
	{ "for ever", "processes=3 slots=2 rounds=2 variant=own" },
	{ "worked on", "processes=3 slots=2 rounds=2 kills=1 backstop=1 "
		       "variant=ring-order" },
	{ "for ever", "processes=2 slots=1 rounds=1 kills=1 backstop=1 "
		      "variant=no-tidy" },
	{ "written over", "processes=2 slots=1 rounds=2 variant=freed-first" },
	{ "not all is done", "processes=2 slots=2 rounds=3 variant=no-limit" },
	{ "for ever", "processes=3 slots=1 rounds=1 kills=1 backstop=1 "
		      "variant=head-first" },
	{ "for ever", "processes=4 slots=1 rounds=1 kills=2 backstop=1 "
		      "variant=late-list" },
	{ "for ever", "processes=3 slots=1 rounds=1 kills=1 backstop=1 "
		      "variant=no-look" },
	{ "for ever", "processes=3 slots=1 rounds=1 kills=1 backstop=1 "
		      "variant=closed-empty" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 slots=2 rounds=4 kills=2 backstop=1" },
	{ NULL, "processes=4 slots=2 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=4 slots=2 rounds=2 kills=2 backstop=1 variant=two" },
	{ 0 },
};

const struct model model = {
	.name = "lease",
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
	.most = { 4, 6, 3, 0, 1, 0, NULL, SLOTS, 0 },
};
