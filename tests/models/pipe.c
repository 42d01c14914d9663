/* pipe.c - one way of the pipe of mp/pipe.c, and the deaths at its ends.
 *
 *	header		what lies there
 *	0		nothing yet
 *	FIRST|LAST|m	message m
 *	FIRST|m		its first half
 *	LAST|m		its second half
 *
 *	bell		meaning			leaves by	to
 *	g		nobody sleeps		the receiver	g+1|ARMED
 *	g|ARMED		the receiver may sleep	the receiver	g+1|ARMED
 *						a sender	g
 *
 * The sender writes the bytes, 0 into the header that comes next, then this
 * header; if the bell is armed it posts the eventfd, and disarms the bell only
 * then.  head counts what was received; freed, which the sender looks at, is
 * set to head when two records are to be freed, and before the receiver sleeps.
 * The receiver sleeps in poll on the eventfd and on the socket, which tells
 * when no process holds the other end; the sender sleeps for room at a gate, as
 * in queue.c.  With variant always the receiver polls by itself and arms
 * nothing: each message is posted; the eventfd is drained when none is left.
 *
 * A sends, B receives; then they close their ends.  C holds A's end too
 * (putters=2), or B's, and goes on when the first is gone or killed.  A timeout
 * is a receiver that gives up and closes.
 */
#include "explore.h"

#include <stdio.h>

#define CELLS 3 /* records: one more than there is room for */

#define FIRST   0x40
#define LAST    0x80
#define MESSAGE 0x0f

#define ARMED      1
#define GENERATION 2

enum {
	NOWHERE,
	FIND_TAIL, /* the sender */
	ROOM,
	HUNG_UP,
	MARK,
	AGAIN,
	SLEEP,
	ASLEEP,
	BYTES,
	ZERO,
	HEADER,
	TAIL,
	LISTEN,
	READ_BELL,
	POST,
	DISARM,
	POST_LATE, /* variant post-last */
	LOOK_AT,   /* the receiver */
	TAKE,
	HEAD,
	FREE,
	OPEN_GATE,
	WAKE,
	ARM,
	SECOND,
	DRAIN_LATE, /* variant drain-late */
	POLL,
	DRAIN,
	SETTLE, /* variant always: once more, after draining */
	AFTER,
	CLOSE, /* both */
	HOLDS, /* variants held, post-last: does nothing more, closes nothing */
	CLOSE_GATE,
	CLOSE_WAKE,
	GONE,
	DEAD
};

enum { RIGHT, TORN, NOT_SENT, TWICE, ORDER, RESET, CUT, LOST };

struct state {
	uint8_t header[CELLS], bytes[CELLS];
	uint8_t tail, head, freed;
	uint8_t bell, posted;
	uint8_t sent, got; /* bit n for message n */
	uint8_t fault;
	struct process {
		uint8_t at, rounds;
		uint8_t message, half; /* sends; receives: copied, halves */
		uint8_t tail;          /* as it knows it */
		uint8_t old;           /* the bell as read; the header */
		uint8_t kicked, hung_up;
		uint8_t then;
	} p[PROCESSES];
};

static uint8_t cells(void)
{
	return (uint8_t)(setup.slots + 1);
}

static bool sends(int p)
{
	return p == 0 || (p == 2 && setup.putters == 2);
}

static bool holds_open(void)
{
	return variant("held") || variant("post-last") || variant("undrained");
}

static bool always(void)
{
	return variant("always") || variant("undrained");
}

static void start(struct state *s)
{
	for (int p = 0; p < setup.processes; p++) {
		s->p[p].at = sends(p) ? FIND_TAIL : LOOK_AT;
		s->p[p].rounds = (uint8_t)setup.rounds;
		if (sends(p))
			s->p[p].message = (uint8_t)(p == 0 ? 0 : setup.rounds);
	}
}

/* ---- who is there ---- */

/* Does nobody hold the end of the senders (the receivers)? */
static bool gone(const struct state *s, bool senders)
{
	for (int p = 0; p < setup.processes; p++)
		if (sends(p) == senders && s->p[p].at < CLOSE_GATE)
			return false;
	return true;
}

/* C goes on when the one before it has stopped. */
static bool waits_for_turn(const struct state *s, int p)
{
	return p == 2 && s->p[sends(p) ? 0 : 1].at < HOLDS;
}

static bool killed_one(const struct state *s, bool sender)
{
	for (int p = 0; p < setup.processes; p++)
		if (sends(p) == sender && s->p[p].at == DEAD)
			return true;
	return false;
}

/* ---- the sender ---- */

static bool room(const struct state *s, const struct process *me)
{
	return (uint8_t)(me->tail + 2 - s->freed) <= cells();
}

/* All is sent, or nobody will receive. */
static const char *finish(struct process *me, const char *action)
{
	*me = (struct process){ .at = holds_open() ? HOLDS : CLOSE };
	return action;
}

static const char *sent(struct process *me, const char *action)
{
	me->old = 0;
	me->at = ROOM;
	if (variant("long") && me->half == 0) {
		me->half = 1;
		return action;
	}
	me->half = 0;
	me->message++;
	me->at = FIND_TAIL;
	if (--me->rounds > 0)
		return action;
	return finish(me, action);
}

static const char *wait_for_room(struct state *s, struct process *me)
{
	bool hung_up;

	switch (me->at) {
	case ROOM:
		me->at = variant("header-first") ? ZERO : BYTES;
		if (!room(s, me))
			me->at = HUNG_UP;
		return "room";
	case HUNG_UP:
		me->at = MARK;
		if (gone(s, false))
			return finish(me, "gone");
		return "gone";
	case MARK:
		me->kicked = 0;
		me->at = AGAIN;
		return "mark";
	case AGAIN:
		hung_up = gone(s, false) && !variant("gone-first");
		me->at = SLEEP;
		if (room(s, me) || hung_up) {
			me->at = ROOM;
			me->kicked = 0;
		}
		return "look";
	default: /* SLEEP */
		me->at = me->kicked ? ROOM : ASLEEP;
		me->kicked = 0;
		return "wait";
	}
}

static uint8_t header(const struct process *me)
{
	uint8_t half = FIRST | LAST;

	if (variant("long"))
		half = me->half ? LAST : FIRST;
	return half | me->message;
}

static const char *write_record(struct state *s, struct process *me)
{
	uint8_t at = me->tail % cells();
	uint8_t next = (uint8_t)(me->tail + 1) % cells();

	switch (me->at) {
	case FIND_TAIL:
		me->tail = s->tail;
		if (s->header[me->tail % cells()] != 0 &&
		    !variant("trust-tail") && !variant("no-zero"))
			me->tail++; /* one that died has sent this */
		me->at = ROOM;
		return "load";
	case BYTES:
		s->bytes[at] = header(me);
		me->at = ZERO;
		if (variant("no-zero") || variant("zero-late"))
			me->at = HEADER;
		if (variant("header-first"))
			me->at = TAIL;
		return "bytes";
	case ZERO:
		s->header[next] = 0;
		me->at = variant("zero-late") ? TAIL : HEADER;
		return "zero";
	case HEADER:
		s->header[at] = header(me);
		if (header(me) & LAST)
			s->sent |= (uint8_t)(1 << me->message);
		me->at = TAIL;
		if (variant("zero-late"))
			me->at = ZERO;
		if (variant("header-first"))
			me->at = BYTES;
		return "header";
	default: /* TAIL */
		s->tail = ++me->tail;
		me->at = LISTEN;
		return "tail";
	}
}

static const char *ring(struct state *s, struct process *me)
{
	switch (me->at) {
	case LISTEN:
		me->at = READ_BELL;
		if (!(s->bell & ARMED) && !always())
			return sent(me, "bell");
		return "bell";
	case READ_BELL:
		me->old = s->bell;
		me->at = variant("post-last") ? DISARM : POST;
		return "load";
	case POST:
		s->posted = 1;
		me->at = DISARM;
		if (!(me->old & ARMED))
			return sent(me, "post");
		return "post";
	case DISARM:
		if (s->bell == me->old)
			s->bell &= (uint8_t)~ARMED;
		if (!variant("post-last"))
			return sent(me, "cas");
		me->at = POST_LATE;
		return "cas";
	default: /* POST_LATE */
		s->posted = 1;
		return sent(me, "post");
	}
}

/* ---- the receiver ---- */

/* Message m is received, or has died with its receiver. */
static void got(struct state *s, uint8_t m)
{
	uint8_t bit = (uint8_t)(1 << m);

	if (!(s->sent & bit))
		s->fault = NOT_SENT;
	else if (s->got & bit)
		s->fault = TWICE;
	else if (s->got >= 2 * bit)
		s->fault = ORDER;
	s->got |= bit;
}

/* The record at the head. */
static const char *take(struct state *s, struct process *me)
{
	uint8_t h = s->header[s->head % cells()];

	me->at = HEAD;
	me->old = h;
	if (h == 0)
		s->fault = NOT_SENT;
	if (me->half && (h & FIRST)) { /* its sender died in between */
		if (!killed_one(s, true))
			s->fault = RESET;
		me->half = 0;
		me->at = LOOK_AT;
		me->old = 0;
		return "reset";
	}
	if (h != 0 && !me->half && !(h & FIRST)) { /* its receiver did */
		if (!killed_one(s, false))
			s->fault = CUT;
		return "skip";
	}
	if (h != 0 && s->bytes[s->head % cells()] != h)
		s->fault = TORN;
	return "copy";
}

static const char *receive(struct state *s, struct process *me)
{
	switch (me->at) {
	case LOOK_AT:
		if (variant("lazy-head") && me->rounds > 0)
			s->head = s->freed;
		me->rounds = 0;
		me->at = TAKE;
		if (s->header[s->head % cells()] != 0)
			return "look";
		me->at = always() ? POLL : ARM;
		if (s->freed != s->head && !variant("lazy-room")) {
			me->then = me->at;
			me->at = FREE;
		}
		return "look";
	case TAKE:
		return take(s, me);
	case HEAD:
		s->head++;
		if (me->old & LAST)
			got(s, me->old & MESSAGE);
		me->half = (me->old & FIRST) && !(me->old & LAST);
		me->old = 0;
		me->at = always() ? DRAIN : LOOK_AT;
		if ((uint8_t)(s->head - s->freed) >= 2) {
			me->then = me->at;
			me->at = FREE;
		}
		return "head";
	default: /* FREE */
		s->freed = s->head;
		me->at = OPEN_GATE;
		return "freed";
	}
}

/* Also at CLOSE_GATE, CLOSE_WAKE. */
static const char *open_gate(struct state *s, struct process *me)
{
	bool asleep = false, closes = me->at >= CLOSE_GATE;

	for (int p = 0; p < setup.processes; p++) {
		if (me->at == WAKE || me->at == CLOSE_WAKE) {
			if (s->p[p].at == ASLEEP)
				s->p[p].at = ROOM;
			continue;
		}
		asleep |= s->p[p].at == ASLEEP;
		if (s->p[p].at == AGAIN || s->p[p].at == SLEEP)
			s->p[p].kicked = 1;
	}
	if (asleep) {
		me->at = closes ? CLOSE_WAKE : WAKE;
		return "open";
	}
	if (closes) {
		*me = (struct process){ .at = GONE };
		return "open";
	}
	me->at = me->then;
	me->then = 0;
	return "open";
}

/* A word that nobody remembers. */
static uint8_t fresh(const struct state *s)
{
	uint8_t g = 0;

again:
	g += GENERATION;
	if (g == (s->bell & (uint8_t)~ARMED))
		goto again;
	for (int p = 0; p < setup.processes; p++)
		if (sends(p) && g == (s->p[p].old & (uint8_t)~ARMED))
			goto again;
	return variant("flag") ? 0 : g;
}

static const char *sleep_in_poll(struct state *s, struct process *me)
{
	switch (me->at) {
	case ARM:
		s->bell = fresh(s) | ARMED;
		me->at = SECOND;
		if (variant("no-look"))
			me->at = POLL;
		return "arm";
	case SECOND:
		me->at = POLL;
		if (variant("drain-late"))
			me->at = DRAIN_LATE;
		if (s->header[s->head % cells()] != 0)
			me->at = LOOK_AT;
		return "look";
	case DRAIN_LATE:
		s->posted = 0;
		me->at = POLL;
		return "drain";
	case POLL:
		me->hung_up = gone(s, true);
		if (!s->posted && !me->hung_up)
			return NULL;
		me->at = s->posted && !variant("undrained") ? DRAIN : AFTER;
		return "poll";
	case DRAIN:
		if (always() && s->header[s->head % cells()] != 0) {
			me->at = AFTER;
			return "look";
		}
		s->posted = 0;
		me->at = always() ? SETTLE : AFTER;
		return "drain";
	case SETTLE:
		if (s->header[s->head % cells()] != 0)
			s->posted = 1;
		me->at = AFTER;
		return "look";
	default: /* AFTER */
		me->at = LOOK_AT;
		if (me->hung_up && (variant("hup-first") ||
				    s->header[s->head % cells()] == 0)) {
			if (s->sent != s->got)
				s->fault = LOST;
			*me = (struct process){ .at = CLOSE };
		}
		me->hung_up = 0;
		return "look";
	}
}

/* ---- the ends ---- */

/* A receiver that closes its end tells a sender that sleeps. */
static const char *close_end(struct process *me, int p)
{
	me->at = GONE;
	if (!sends(p) && !variant("close-silent"))
		me->at = CLOSE_GATE;
	return "close";
}

static const char *killed(struct process *me, int p)
{
	if (me->at >= GONE || (holds_open() && p != 0))
		return NULL;
	*me = (struct process){ .at = DEAD };
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (how == KILL)
		return killed(me, p);
	if (me->at == HOLDS || me->at >= GONE || waits_for_turn(s, p))
		return NULL;
	if (how == LOOK) {
		if (me->at != ASLEEP && me->at != POLL)
			return NULL;
		me->at = me->at == POLL ? LOOK_AT : ROOM;
		return "backstop";
	}
	if (how == TIMEOUT) {
		if (sends(p) || me->half || (me->at != POLL && me->at != HEAD))
			return NULL;
		*me = (struct process){ .at = CLOSE };
		return "timeout";
	}
	if (me->at == ASLEEP)
		return NULL;
	if (me->at == OPEN_GATE || me->at == WAKE || me->at >= CLOSE_GATE)
		return open_gate(s, me);
	if (me->at == CLOSE)
		return close_end(me, p);
	if (me->at >= ARM)
		return sleep_in_poll(s, me);
	if (me->at >= LOOK_AT)
		return receive(s, me);
	if (me->at >= LISTEN)
		return ring(s, me);
	return me->at >= BYTES || me->at == FIND_TAIL ? write_record(s, me)
						      : wait_for_room(s, me);
}

/* All are gone; or nobody closes, and the receiver has got all. */
static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++) {
		bool got_all =
			s->p[p].at == POLL && !s->posted && s->sent == s->got;

		if (s->p[p].at < HOLDS && !(holds_open() && got_all))
			return false;
	}
	return true;
}

static const char *wrong(const struct state *s)
{
	static const char *const faults[] = {
		NULL,
		"a header comes with the bytes of another message",
		"what is received was not sent",
		"a message is received twice",
		"messages are out of order",
		"a message is cut off, and no sender died",
		"half a message is left, and no receiver died",
		"the end is told though a message is left"
	};

	return faults[s->fault];
}

static void show(const struct state *s)
{
	static const char *const places[] = {
		"nowhere",        "finds the tail",
		"looks for room", "looks at the socket",
		"marks",          "looks again",
		"goes to sleep",  "sleeps",
		"writes",         "zeroes the next",
		"sends",          "moves tail",
		"listens",        "reads the bell",
		"posts",          "disarms",
		"posts",          "looks",
		"copies",         "moves head",
		"frees",          "opens",
		"will wake",      "arms",
		"looks again",    "drains",
		"polls",          "drains",
		"looks",          "looks",
		"closes",         "holds its end",
		"opens",          "will wake",
		"is gone",        "is no more"
	};

	printf("tail %d head %d freed %d ", s->tail, s->head, s->freed);
	for (int i = 0; i < cells(); i++)
		printf(" %x", s->header[i]);
	printf("  bell %d%s%s", s->bell / GENERATION,
	       s->bell & ARMED ? " ARMED" : "", s->posted ? " posted" : "");
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p, places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "long", "right, with messages of two records" },
	{ "held", "right, with nobody closing, and A alone killed" },
	{ "always", "right, and the receiver polls by itself" },
	{ "header-first", "the header is stored before the bytes" },
	{ "no-zero", "no 0 into the header that comes next" },
	{ "zero-late", "0 into the next header after this header" },
	{ "trust-tail", "C does not look whether A has sent at the tail" },
	{ "post-last", "held, and the bell is disarmed first, then posted" },
	{ "flag", "the bell is a flag, without a generation" },
	{ "no-look", "no second look after arming" },
	{ "drain-late", "the eventfd is drained between arming and poll" },
	{ "undrained", "held, always; not drained when it wakes in vain" },
	{ "hup-first", "the end is told without another look at the ring" },
	{ "lazy-head", "only freed tells C how far B was" },
	{ "lazy-room", "freed is not stored before the receiver sleeps" },
	{ "close-silent", "who closes does not open the gate of the senders" },
	{ "gone-first", "a sender looks at the socket only before its mark" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 slots=1 rounds=4" },
	{ NULL, "processes=2 slots=2 rounds=4" },
	{ NULL, "processes=2 slots=1 rounds=3 timeouts=1" },
	{ NULL, "processes=2 slots=2 rounds=3 kills=1 backstop=1" },
	{ NULL, "processes=3 putters=1 slots=1 rounds=3 kills=2 backstop=1" },
	{ NULL, "processes=3 putters=1 slots=2 rounds=4 kills=2 backstop=1" },
	{ NULL, "processes=3 putters=2 slots=1 rounds=2 kills=2 backstop=1" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=3 kills=2 backstop=1" },
	{ NULL, "processes=2 slots=2 rounds=3 variant=long" },
	{ NULL, "processes=3 putters=1 slots=2 rounds=3 kills=2 backstop=1 "
		"variant=long" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=2 kills=2 backstop=1 "
		"variant=long" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=2 kills=1 variant=held" },
	{ NULL, "processes=2 slots=2 rounds=4 variant=always" },
	{ NULL, "processes=3 putters=1 slots=2 rounds=3 kills=2 backstop=1 "
		"variant=always" },
	{ "bytes of another",
	  "processes=2 slots=1 rounds=1 variant=header-first" },
	{ "twice", "processes=2 slots=2 rounds=3 variant=no-zero" },
	{ "not sent", "processes=2 slots=2 rounds=3 variant=zero-late" },
	{ "bytes of another", "processes=3 putters=2 slots=2 rounds=1 kills=1 "
			      "backstop=1 variant=trust-tail" },
	{ "for ever", "processes=3 putters=2 slots=2 rounds=1 kills=1 "
		      "variant=post-last" },
	{ "for ever", "processes=2 slots=1 rounds=3 variant=flag" },
	{ "for ever", "processes=2 slots=1 rounds=2 variant=no-look" },
	{ "for ever", "processes=2 slots=1 rounds=2 variant=drain-late" },
	{ "awake", "processes=2 slots=1 rounds=1 variant=undrained" },
	{ "message is left", "processes=2 slots=1 rounds=1 variant=hup-first" },
	{ "twice", "processes=3 putters=1 slots=2 rounds=2 kills=1 backstop=1 "
		   "variant=lazy-head" },
	{ "for ever", "processes=2 slots=1 rounds=2 variant=lazy-room" },
	{ "for ever",
	  "processes=2 slots=1 rounds=3 timeouts=1 variant=close-silent" },
	{ "for ever",
	  "processes=2 slots=1 rounds=3 timeouts=1 variant=gone-first" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 putters=1 slots=2 rounds=4 kills=2 timeouts=1 "
		"backstop=1" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=4 kills=2 timeouts=1 "
		"backstop=1" },
	{ NULL, "processes=3 putters=1 slots=2 rounds=4 kills=2 backstop=1 "
		"variant=long" },
	{ NULL, "processes=3 putters=2 slots=2 rounds=3 kills=2 backstop=1 "
		"variant=long" },
	{ 0 },
};

const struct model model = {
	.name = "pipe",
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
	.most = { 3, 4, 3, 3, 1, 0, NULL, CELLS - 1, 2 },
};
