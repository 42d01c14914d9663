/* queue.c - the queue of mp/queue.c, and the deaths of its users.
 *
 *	tail, head	count and position of the next message: one word each,
 *			so that one store publishes both
 *	put_lock	held from the look for room to the store of tail
 *	get_lock	held from the look for a message to the store of head
 *	closed		OPEN; CLOSED: nothing more is put; SHUTDOWN: all give up
 *
 * The locks are those of lock.c: to take one is one action here, and it passes
 * from the dead to the next, who is told, and opens the gate that the dead may
 * have left.  The gates are those of gate.c: who opens one keeps those that
 * have marked it from sleeping, then wakes sleepers.
 *
 * The first `putters` put, then A closes; the others get until there is no
 * more.  A's messages are as long as the ring with variant mixed; all others
 * are one slot long.
 *
 * With inside=1 they are killed only where it loses no wake-up, as in gate.c.
 */
#include "explore.h"

#include <stdio.h>

#define SLOTS 2
#define NONE  0xff
#define DIED  0x40

enum { OPEN, CLOSED, SHUTDOWN };

enum {
	LOCK,
	READ_CLOSED,
	READ_OTHER, /* the other end: is there room, a message? */
	COPY,
	STORE,
	STORE_POS, /* variant two-stores */
	UNLOCK,
	READ_MIXED,
	MARK,
	AGAIN,
	SLEEP,
	ASLEEP,
	OPEN_GATE,
	WAKE,
	CLOSE_LOCK,
	CLOSE,
	CLOSE_UNLOCK,
	GONE
};

enum { NOT_FULL = 1, NOT_EMPTY };

enum { RIGHT, LEFT_ONE, GARBAGE, TWICE, ORDER };

struct end {
	uint8_t count, pos;
};

struct state {
	uint8_t put_lock, get_lock; /* who holds it, from 1; or 0, DIED */
	uint8_t closed;
	struct end tail, head;
	uint8_t data[SLOTS];    /* the message that starts here */
	uint8_t published, got; /* bit n for message n */
	uint8_t need;           /* of the last message */
	uint8_t mixed;          /* messages have needed different room */
	uint8_t fault;
	struct process {
		uint8_t at, rounds; /* getters: 1 until they end */
		uint8_t message;    /* that it puts, or has copied */
		uint8_t seen;       /* closed, as read */
		uint8_t finds;      /* 1: room, a message */
		uint8_t kicked;     /* opened since it marked its gate */
		uint8_t woken;      /* and has not put or got since */
		uint8_t gate;       /* that it opens; 0: none */
		uint8_t wakes;      /* and how many it wakes there */
		uint8_t both;       /* then not_full too */
		uint8_t then;       /* where it goes on after that */
	} p[PROCESSES];
};

static bool putter(int p)
{
	return p < setup.putters;
}

static uint8_t gate_of(int p)
{
	return putter(p) ? NOT_FULL : NOT_EMPTY;
}

static bool sizes_differ(void)
{
	return variant("mixed") || variant("mixed-first") ||
	       variant("wake-one");
}

/* A's messages are 0, 2, 4, 6, B's 1, 3, 5, 7. */
static uint8_t size_of(uint8_t message)
{
	return sizes_differ() && message % 2 == 0 ? (uint8_t)setup.slots : 1;
}

static void start(struct state *s)
{
	for (int i = 0; i < SLOTS; i++)
		s->data[i] = NONE;
	for (int p = 0; p < setup.processes; p++) {
		s->p[p].rounds = (uint8_t)(putter(p) ? setup.rounds : 1);
		s->p[p].message = putter(p) ? (uint8_t)p : NONE;
	}
}

/* ---- what the words say ---- */

static bool empty(const struct state *s)
{
	return s->tail.count == s->head.count;
}

static bool room(const struct state *s, uint8_t message)
{
	int ring = setup.slots;
	int used = (s->tail.pos + ring - s->head.pos) % ring;

	if (used == 0 && !empty(s))
		used = ring;
	return used + size_of(message) <= ring;
}

/* Is there what process p waits for? */
static bool something(const struct state *s, int p)
{
	return putter(p) ? room(s, s->p[p].message) : !empty(s);
}

static uint8_t advance(uint8_t pos, uint8_t message)
{
	return (uint8_t)((pos + size_of(message)) % setup.slots);
}

/* ---- gates ---- */

/* A call is over: what comes now? */
static const char *next(const struct state *s, struct process *me, int p,
			const char *action)
{
	*me = (struct process){ .at = LOCK,
				.rounds = me->rounds,
				.message = me->message };
	if (me->rounds > 0)
		return action;
	*me = (struct process){ .at = GONE };
	if (p == 0 && s->closed == OPEN)
		me->at = variant("shutdown") ? CLOSE : CLOSE_LOCK;
	return action;
}

static uint8_t asleep_at(const struct state *s, uint8_t gate)
{
	uint8_t set = 0;

	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].at == ASLEEP && gate_of(p) == gate)
			set |= (uint8_t)(1 << p);
	return set;
}

/* Open this gate, and go on from there. */
static void must_open(struct process *me, uint8_t gate, uint8_t wakes,
		      uint8_t then)
{
	me->at = OPEN_GATE;
	me->gate = gate;
	me->wakes = wakes;
	me->then = then;
}

static const char *opened(const struct state *s, struct process *me, int p,
			  const char *action)
{
	if (me->both) {
		me->both = 0;
		must_open(me, NOT_FULL, PROCESSES, me->then);
		return action;
	}
	me->gate = me->wakes = 0;
	me->at = me->then;
	me->then = 0;
	return me->at == 0 ? next(s, me, p, action) : action;
}

static const char *open_gate(struct state *s, struct process *me, int p)
{
	struct process *it = s->p;

	for (; it < s->p + setup.processes; it++)
		if ((it->at == AGAIN || it->at == SLEEP) &&
		    gate_of((int)(it - s->p)) == me->gate)
			it->kicked = 1;
	if (!asleep_at(s, me->gate))
		return opened(s, me, p, "open");
	me->at = WAKE;
	return "open";
}

/* One of those asleep there, or all: the kernel does it in one step. */
static const char *wake(struct state *s, struct process *me, int p)
{
	uint8_t set = asleep_at(s, me->gate);

	if (me->wakes == 1)
		set = any_of(set);
	for (int i = 0; i < setup.processes; i++)
		if (set >> i & 1) {
			s->p[i].at = LOCK;
			s->p[i].woken = 1;
		}
	return opened(s, me, p, "wake");
}

static const char *sleep_at_gate(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case MARK:
		me->kicked = me->woken = 0;
		me->at = AGAIN;
		return "mark";
	case AGAIN:
		me->at = something(s, p) || s->closed != OPEN ? LOCK : SLEEP;
		return "look";
	default: /* SLEEP */
		me->at = me->kicked ? LOCK : ASLEEP;
		me->kicked = 0;
		return "wait";
	}
}

/* ---- put and get ---- */

/* End without having put or got; somebody else may be able to. */
static const char *leave(struct state *s, struct process *me, int p, bool woken,
			 const char *action)
{
	bool pass = woken && !variant("keep");

	me->rounds = putter(p) && s->closed == OPEN ? me->rounds - 1 : 0;
	if (putter(p))
		me->message += 2;
	if (!pass)
		return next(s, me, p, action);
	must_open(me, gate_of(p), 1, 0);
	return action;
}

static const char *unlock(struct state *s, struct process *me, int p)
{
	*(putter(p) ? &s->put_lock : &s->get_lock) = 0;
	me->at = me->gate == 0 ? MARK : OPEN_GATE;
	if (me->at == OPEN_GATE && sizes_differ() && !putter(p)) {
		me->at = variant("mixed-first") ? READ_MIXED : OPEN_GATE;
		me->then = variant("mixed") ? READ_MIXED : 0;
	}
	if (me->gate == 0 && me->seen != OPEN)
		return leave(s, me, p, me->woken, "unlock");
	me->seen = me->finds = 0;
	return "unlock";
}

/* The words are read: what now? */
static const char *decide(struct state *s, struct process *me, int p)
{
	if (me->seen == SHUTDOWN || (me->seen == CLOSED && putter(p)))
		me->finds = 0;
	if (me->seen == CLOSED && !me->finds && !putter(p) && !empty(s))
		s->fault = LEFT_ONE;
	me->at = COPY;
	if (variant(putter(p) ? "index-first" : "head-first"))
		me->at = STORE;
	if (!me->finds)
		me->at = UNLOCK;
	return "load";
}

/* A message comes out. */
static void got(struct state *s, uint8_t message)
{
	uint8_t bit = (uint8_t)(1 << message % 8);
	uint8_t later = (uint8_t)((0x55 << message % 2) & ~(2 * bit - 1));

	if (message == NONE || !(s->published & bit))
		s->fault = GARBAGE;
	else if (s->got & bit)
		s->fault = TWICE;
	else if (s->got & later)
		s->fault = ORDER;
	s->got |= bit;
}

static const char *copy(struct state *s, struct process *me, int p)
{
	bool stored = me->gate != 0;

	me->at = stored ? UNLOCK : STORE;
	if (putter(p)) {
		s->data[variant("index-first") ? me->finds - 1 : s->tail.pos] =
			me->message;
	} else {
		me->message = s->data[variant("head-first") ? me->finds - 1
							    : s->head.pos];
		if (stored)
			got(s, me->message);
	}
	if (stored && putter(p))
		me->message += 2;
	return "copy";
}

static const char *put(struct state *s, struct process *me)
{
	me->gate = NOT_EMPTY;
	me->wakes = 1;
	me->woken = 0;
	me->rounds--;
	s->published |= (uint8_t)(1 << me->message);
	s->tail.count++;
	me->at = UNLOCK;
	if (variant("two-stores")) {
		me->at = STORE_POS;
		return "count";
	}
	if (variant("index-first")) {
		me->at = COPY;
		me->finds = s->tail.pos + 1;
	}
	s->tail.pos = advance(s->tail.pos, me->message);
	if (!variant("index-first"))
		me->message += 2;
	return "tail";
}

static const char *get(struct state *s, struct process *me)
{
	me->gate = NOT_FULL;
	me->wakes = 1;
	me->woken = 0;
	me->at = UNLOCK;
	if (variant("head-first")) {
		me->at = COPY;
		me->finds = s->head.pos + 1;
		me->message = s->data[s->head.pos];
	} else {
		got(s, me->message);
	}
	s->head.count++;
	s->head.pos = advance(s->head.pos, me->message);
	me->message = NONE;
	return "head";
}

/* Take the lock; if its holder has died, open the other side's gate first. */
static const char *take_lock(struct state *s, struct process *me, int p,
			     uint8_t then)
{
	uint8_t *lock = putter(p) ? &s->put_lock : &s->get_lock;
	uint8_t others = putter(p) ? NOT_EMPTY : NOT_FULL;
	bool told = *lock == DIED;

	if (*lock != 0 && !told)
		return NULL;
	*lock = (uint8_t)(p + 1);
	me->at = then;
	if (told)
		must_open(me, others, PROCESSES, then);
	return "lock";
}

/* Is there room?  The mark for different sizes comes with the question. */
static const char *read_other(struct state *s, struct process *me, int p)
{
	uint8_t need = putter(p) ? size_of(me->message) : 0;
	bool first = need != s->need && s->need != 0 && !s->mixed;

	me->finds = something(s, p);
	if (putter(p) && first)
		s->mixed = 1;
	if (putter(p))
		s->need = need;
	if (!variant("closed-last"))
		return decide(s, me, p);
	me->at = READ_CLOSED;
	return "load";
}

static const char *inside(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case LOCK:
		return take_lock(s, me, p,
				 variant("closed-last") ? READ_OTHER
							: READ_CLOSED);
	case READ_CLOSED:
		me->seen = s->closed;
		me->at = READ_OTHER;
		if (variant("closed-last"))
			return decide(s, me, p);
		return "closed";
	case READ_OTHER:
		return read_other(s, me, p);
	case COPY:
		return copy(s, me, p);
	case STORE:
		return putter(p) ? put(s, me) : get(s, me);
	case STORE_POS:
		s->tail.pos = advance(s->tail.pos, me->message);
		me->message += 2;
		me->at = UNLOCK;
		return "pos";
	case UNLOCK:
		return unlock(s, me, p);
	default: /* READ_MIXED */
		if (s->mixed)
			must_open(me, NOT_FULL, PROCESSES, 0);
		else if (variant("mixed-first"))
			me->at = OPEN_GATE;
		else
			next(s, me, p, "");
		return "mixed";
	}
}

/* By A, when it has put all: close, or shutdown without the lock. */
static const char *close_queue(struct state *s, struct process *me)
{
	switch (me->at) {
	case CLOSE_LOCK:
		return take_lock(s, me, 0, CLOSE);
	case CLOSE:
		s->closed = variant("shutdown") ? SHUTDOWN : CLOSED;
		me->both = 1;
		must_open(me, NOT_EMPTY, PROCESSES,
			  variant("shutdown") ? GONE : CLOSE_UNLOCK);
		return "close";
	default: /* CLOSE_UNLOCK */
		s->put_lock = 0;
		me->at = GONE;
		return "unlock";
	}
}

/* ---- the rest ---- */

/* Would its death lose a wake-up?  Not that of one who does it for the dead. */
static bool owes(const struct process *me)
{
	bool for_dead = me->then == READ_CLOSED || me->then == CLOSE;

	return me->woken || me->at == READ_MIXED ||
	       (me->gate != 0 && !for_dead);
}

static const char *killed(struct state *s, struct process *me, int p)
{
	if (setup.inside && owes(me))
		return NULL;
	if (s->put_lock == p + 1)
		s->put_lock = DIED;
	if (s->get_lock == p + 1)
		s->get_lock = DIED;
	*me = (struct process){ .at = GONE };
	return "kill";
}

/* Asleep; or woken and waiting for the lock; or it has the lock, and cannot
 * take the message (cancels what it has reserved, keeps what it has peeked at):
 * that frees the lock in the same step. */
static const char *time_out(struct state *s, struct process *me, int p)
{
	if (me->at == COPY && me->gate == 0) {
		*(putter(p) ? &s->put_lock : &s->get_lock) = 0;
		return leave(s, me, p, true, "cancel");
	}
	if (me->at != ASLEEP && !(me->at == LOCK && me->woken))
		return NULL;
	return leave(s, me, p, me->woken, "timeout");
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (me->at == GONE)
		return NULL;
	switch (how) {
	case ACT:
		if (me->at == ASLEEP)
			return NULL;
		if (me->at >= CLOSE_LOCK)
			return close_queue(s, me);
		if (me->at >= OPEN_GATE)
			return me->at == WAKE ? wake(s, me, p)
					      : open_gate(s, me, p);
		return me->at >= MARK ? sleep_at_gate(s, me, p)
				      : inside(s, me, p);
	case LOOK:
		if (me->at != ASLEEP)
			return NULL;
		me->at = LOCK;
		return "backstop";
	case TIMEOUT:
		return time_out(s, me, p);
	default: /* KILL */
		return killed(s, me, p);
	}
}

/* All are gone, or sleep for want of what they wait for. */
static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].at != GONE &&
		    (s->p[p].at != ASLEEP || s->closed != OPEN ||
		     something(s, p)))
			return false;
	return true;
}

static const char *wrong(const struct state *s)
{
	static const char *const faults[] = {
		NULL, "the end is told though a message is left",
		"what is got is no message", "a message is got twice",
		"the messages of one putter are out of order"
	};

	if (s->fault == RIGHT && empty(s) && s->published != s->got &&
	    !variant("head-first"))
		return "a message is lost";
	return faults[s->fault];
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"locks",     "reads closed",  "looks",          "copies",
		"publishes", "publishes pos", "unlocks",        "reads mixed",
		"marks",     "looks again",   "goes to sleep",  "sleeps",
		"opens",     "will wake",     "locks to close", "closes",
		"unlocks",   "is gone"
	};

	printf("tail %d at %d  head %d at %d%s", s->tail.count, s->tail.pos,
	       s->head.count, s->head.pos,
	       s->closed == CLOSED     ? "  CLOSED"
	       : s->closed == SHUTDOWN ? "  SHUTDOWN"
				       : "");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p, places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "mixed", "right, with messages of two sizes" },
	{ "shutdown", "right, with shutdown instead of close" },
	{ "wake-one", "messages of two sizes, and get wakes one putter" },
	{ "mixed-first", "get asks whether sizes differ, then wakes" },
	{ "index-first", "tail is stored before the message is copied in" },
	{ "head-first", "head is stored before the message is copied out" },
	{ "two-stores", "count and position are stored one after the other" },
	{ "closed-last", "get looks for a message, then whether it is closed" },
	{ "keep", "who was woken and gives up does not wake the next" },
	{ "no-backstop", "nobody looks by itself" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 putters=1 slots=1 rounds=3 kills=1 backstop=1" },
	{ NULL, "processes=2 putters=1 slots=2 rounds=3 kills=1 backstop=1" },
	{ NULL, "processes=3 putters=1 slots=1 rounds=2 timeouts=1" },
	{ NULL, "processes=3 putters=2 slots=1 rounds=1 timeouts=1" },
	{ NULL, "processes=3 putters=1 slots=1 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=1 kills=2 backstop=1" },
	{ NULL, "processes=3 putters=1 slots=1 rounds=2 kills=1 inside=1" },
	{ NULL, "processes=3 putters=2 slots=1 rounds=2 kills=1 inside=1" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=2 variant=mixed" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=3 kills=1 inside=1 "
		"variant=mixed" },
	{ NULL, "processes=3 putters=1 slots=1 rounds=2 kills=1 backstop=1 "
		"variant=shutdown" },
	{ NULL, "processes=3 putters=2 slots=1 rounds=1 variant=shutdown" },
	{ "for ever", "processes=3 putters=2 slots=2 rounds=3 kills=1 inside=1 "
		      "variant=wake-one" },
	{ "for ever", "processes=3 putters=2 slots=2 rounds=3 kills=1 inside=1 "
		      "variant=mixed-first" },
	{ "no message",
	  "processes=2 putters=1 slots=1 rounds=1 variant=index-first" },
	{ "no message",
	  "processes=2 putters=1 slots=1 rounds=2 variant=head-first" },
	{ "no message",
	  "processes=3 putters=2 slots=2 rounds=1 kills=1 backstop=1 "
	  "variant=two-stores" },
	{ "message is left",
	  "processes=2 putters=1 slots=1 rounds=1 variant=closed-last" },
	{ "for ever", "processes=4 putters=2 slots=1 rounds=1 timeouts=1 "
		      "variant=keep" },
	{ "for ever", "processes=2 putters=1 slots=1 rounds=1 kills=1 "
		      "variant=no-backstop" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 putters=1 slots=2 rounds=4 timeouts=1 kills=2 "
		"backstop=1" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=3 timeouts=1 kills=2 "
		"backstop=1 variant=mixed" },
	{ NULL, "processes=4 putters=2 slots=1 rounds=1 timeouts=1 kills=1 "
		"backstop=1" },
	{ NULL, "processes=4 putters=2 slots=1 rounds=2 kills=1 inside=1" },
	{ NULL, "processes=4 putters=2 slots=2 rounds=2 kills=1 backstop=1" },
	{ 0 },
};

const struct model model = {
	.name = "queue",
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
	.most = { 4, 4, 3, 3, 1, 1, NULL, SLOTS, 2 },
};
