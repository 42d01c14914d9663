/* pool-task.c - the tasks of mp/pool-*.c: slots, the ring, gate and bell.
 *
 *	state of a slot		leaves by			to
 *	FREE			the creator			READY
 *	READY			a worker, CAS			RUNNING|worker
 *				the creator cancels, CAS	FREE
 *	RUNNING|worker		the worker			DONE
 *				its death: the creator		READY, DONE
 *	DONE			the creator has seen it		FREE
 *
 * A is the creator, the others are workers.  A appends slots to the ring; a
 * worker looks at the entry at `head`, takes its slot if it is READY, and moves
 * `head` on in any case, also for one who died before it could.  An entry names
 * the use of its slot, and after reading it the worker reads `head` once more:
 * so no task is taken by another entry than its own.  The slot of a cancelled
 * task is used again only when `head` has passed it.  So as many places as
 * there are slots are enough.
 *
 * A worker that says `looking` is not woken: it will see what comes.  Who takes
 * a task and sees another one behind it wakes the next.
 *
 * The books say how often each task was run, and its status.  It is lost if its
 * runner died in the middle of it; then it may be run once more (retry).  The
 * creator is not killed: its workers would die with it.
 */
#include "explore.h"

#include <stdio.h>

#define SLOTS 2
#define RING  SLOTS
#define TASKS 4

/* A slot's state: its kind, its worker, how often it was used. */
enum { FREE, READY, RUNNING, DONE };
#define KIND(state)   ((state)&3)
#define WORKER(state) ((state) >> 2 & 3)
#define USE           16
#define USES(state)   ((state) & ~(USE - 1))

enum { NONE, GOOD, LOST, CANCELLED }; /* statuses */

enum { RIGHT, TWO_STATUSES, NEVER_RUN, NOBODY_DIED, OVERRUN }; /* faults */

enum {
	/* A worker. */
	LOAD_HEAD,
	LOAD_TAIL,
	LOAD_ENTRY,
	HEAD_AGAIN,
	LOAD_STATE,
	CLAIM,
	PASS,
	LOAD_MORE,
	RESET, /* variant */
	BEGIN,
	RUN,
	EARLY_BELL, /* variant */
	STORE_DONE,
	STORE_BIT,
	LOAD_BELL,
	POST,
	DISARM,
	SAY_LOOKING,
	SPIN,
	SAY_NOT,
	LOOK_FIRST,
	MARK,
	LOOK_AGAIN,
	FALL_ASLEEP,
	ASLEEP,
	GONE,
	DEAD,
	/* The creator. */
	TAKE_BITS,
	SETTLE,
	REAP,
	RECOVER,
	REPLACE,
	CHOOSE,
	MAKE_ROOM,
	MAKE_ROOM_CAS,
	STORE_READY,
	STORE_ENTRY,
	STORE_TAIL,
	LATE_READY, /* variant */
	SPARE,
	CANCEL,
	ARM,
	LOOK_ARMED,
	POLL,
	CLOSE,
	LEAVE,
	/* Both. */
	OPEN,
	WAKE,
};

struct state {
	uint8_t head, tail;
	uint8_t ring[RING];
	struct slot {
		uint8_t state;
		uint8_t task;
		uint8_t begun;    /* 1: it runs, or has ended */
		uint8_t position; /* of its entry; the creator's */
		uint8_t held;     /* until head has passed that */
	} slot[SLOTS];
	uint8_t bits; /* of slots that are DONE */
	uint8_t armed, posts, closed;
	uint8_t books[TASKS]; /* status, and how often it was run */
	uint8_t died;         /* tasks whose runner died in the middle */
	uint8_t fault;
	uint8_t submitted; /* the creator's */
	struct process {
		uint8_t at;
		uint8_t head; /* as it was read; of the creator: bits taken */
		uint8_t seen; /* a slot's state; the creator: the dead one */
		uint8_t slot : 2, then : 6; /* OPEN, WAKE: where to go on */
		uint8_t mine : 1;           /* it has claimed the slot */
		uint8_t rings : 1;   /* it has seen this arming of the bell */
		uint8_t kicked : 1;  /* the gate was opened since its mark */
		uint8_t looking : 1; /* seen by all */
		uint8_t all : 1;     /* OPEN: wakes all */
	} p[PROCESSES];
};

#define STATUS(book) ((book)&3)
#define RUN_ONCE     4 /* in a book */
#define RUNS(book)   ((book) / RUN_ONCE)

static void start(struct state *s)
{
	s->p[0].at = TAKE_BITS;
}

static bool all_have_statuses(const struct state *s)
{
	for (int i = 0; i < setup.rounds; i++)
		if (STATUS(s->books[i]) == NONE)
			return false;
	return true;
}

static uint8_t ring_size(void)
{
	return (uint8_t)setup.slots;
}

static bool something(const struct state *s)
{
	return s->head != s->tail || s->closed;
}

/* The kind of a slot, and nothing else of its state, changes. */
static void set_kind(struct slot *slot, int kind)
{
	slot->state = (uint8_t)(USES(slot->state) | kind);
}

/* Does the task of this entry wait for a worker? */
static bool ready(const struct state *s, uint8_t entry)
{
	uint8_t state = s->slot[entry & 3].state;

	return KIND(state) == READY &&
	       (USES(state) == USES(entry) || variant("no-name"));
}

/* ---- the gate ---- */

static const char *open_gate(struct state *s, struct process *me)
{
	bool asleep = false;

	for (int p = 1; p < setup.processes; p++) {
		if (s->p[p].at == LOOK_AGAIN || s->p[p].at == FALL_ASLEEP)
			s->p[p].kicked = 1;
		asleep |= s->p[p].at == ASLEEP;
	}
	me->at = asleep ? WAKE : me->then;
	return "open";
}

static const char *wake(struct state *s, struct process *me)
{
	unsigned asleep = 0;

	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].at == ASLEEP)
			asleep |= 1u << p;
	if (!me->all)
		asleep = any_of(asleep);
	for (int p = 1; p < setup.processes; p++)
		if (asleep >> p & 1)
			s->p[p].at = LOAD_HEAD;
	me->at = me->then;
	return "wake";
}

/* ---- a worker ---- */

/* What comes after its task, or after an entry that had none. */
static const char *next(struct process *me, const char *action)
{
	*me = (struct process){ .at = LOAD_HEAD };
	return action;
}

static const char *load_state(const struct state *s, struct process *me)
{
	me->at = ready(s, me->seen) ? CLAIM : PASS;
	me->seen = s->slot[me->slot].state;
	if (me->at == PASS && variant("no-help"))
		return next(me, "state");
	return "state";
}

static const char *claim(struct state *s, struct process *me, int p)
{
	struct slot *slot = &s->slot[me->slot];
	uint8_t old = slot->state;

	if (variant("no-uses"))
		old = (uint8_t)(USES(me->seen) | (old & (USE - 1)));
	me->at = PASS;
	if (old == me->seen || variant("store")) {
		set_kind(slot, p << 2 | RUNNING);
		me->mine = 1;
		return "claim";
	}
	if (variant("no-help"))
		return next(me, "cas");
	return "cas";
}

/* Move `head` on, past the entry that was read. */
static const char *pass(struct state *s, struct process *me)
{
	if (s->head == me->head)
		s->head++;
	if (!me->mine)
		return next(me, "head");
	me->at = LOAD_MORE;
	me->then = variant("reset") ? RESET : BEGIN;
	if (variant("no-chain"))
		me->at = me->then;
	return "head";
}

static const char *take(struct state *s, struct process *me, int p)
{
	switch (me->at) {
	case LOAD_HEAD:
		me->head = s->head;
		me->at = LOAD_TAIL;
		return "load";
	case LOAD_TAIL:
		me->at = LOAD_ENTRY;
		if (me->head == s->tail) {
			me->head = 0;
			me->at = s->closed ? GONE : SAY_LOOKING;
		}
		return "load";
	case LOAD_ENTRY:
		me->seen = s->ring[me->head % ring_size()];
		me->slot = me->seen & 3u;
		me->at = variant("no-check") ? LOAD_STATE : HEAD_AGAIN;
		return "entry";
	case HEAD_AGAIN:
		me->at = LOAD_STATE;
		return s->head == me->head ? "load" : next(me, "load");
	case LOAD_STATE:
		return load_state(s, me);
	case CLAIM:
		return claim(s, me, p);
	case PASS:
		return pass(s, me);
	default: /* LOAD_MORE */
		me->at = s->tail > me->head + 1 ? OPEN : me->then;
		return "tail";
	}
}

static const char *run(struct state *s, struct process *me)
{
	struct slot *slot = &s->slot[me->slot];
	bool together = variant("together") || variant("no-chain");

	switch (me->at) {
	case RESET:
		slot->begun = 0;
		me->at = BEGIN;
		return "reset";
	case BEGIN:
		slot->begun = 1;
		me->at = RUN;
		return "begin";
	case RUN:
		/* The first task waits for the second. */
		if (together && slot->task == 0 && s->books[1] == 0)
			return NULL;
		s->books[slot->task] += RUN_ONCE;
		me->at = variant("early-bell") ? EARLY_BELL : STORE_DONE;
		return "run";
	case EARLY_BELL:
		me->rings = s->armed != 0;
		me->at = STORE_DONE;
		return "bell";
	case STORE_DONE:
		set_kind(slot, DONE);
		me->at = STORE_BIT;
		return "done";
	default: /* STORE_BIT */
		s->bits |= (uint8_t)(1 << me->slot);
		me->at = LOAD_BELL;
		if (!variant("early-bell"))
			return "bit";
		me->at = POST;
		return me->rings ? "bit" : next(me, "bit");
	}
}

static const char *ring(struct state *s, struct process *me)
{
	switch (me->at) {
	case LOAD_BELL:
		me->rings = s->armed != 0;
		me->at = POST;
		return me->rings ? "bell" : next(me, "bell");
	case POST:
		s->posts = 1;
		me->at = DISARM;
		return "post";
	default: /* DISARM */
		if (me->rings)
			s->armed = 0;
		return next(me, "disarm");
	}
}

static const char *idle(struct state *s, struct process *me)
{
	switch (me->at) {
	case SAY_LOOKING:
		me->looking = 1;
		me->at = SPIN;
		return "looking";
	case SPIN:
		/* It sees it, or has looked often enough. */
		me->at = SAY_NOT;
		return "spin";
	case SAY_NOT:
		me->looking = variant("keep-looking");
		me->at = LOOK_FIRST;
		return "not";
	case LOOK_FIRST:
		me->at = something(s) ? LOAD_HEAD : MARK;
		return "look";
	case MARK:
		me->kicked = 0;
		me->at = variant("no-look") ? FALL_ASLEEP : LOOK_AGAIN;
		return "mark";
	case LOOK_AGAIN:
		me->at = something(s) ? LOAD_HEAD : FALL_ASLEEP;
		return "look";
	default: /* FALL_ASLEEP */
		me->at = me->kicked ? LOAD_HEAD : ASLEEP;
		me->kicked = 0;
		return "wait";
	}
}

static const char *work(struct state *s, struct process *me, int p)
{
	if (me->at == OPEN)
		return open_gate(s, me);
	if (me->at == WAKE)
		return wake(s, me);
	if (me->at >= ASLEEP)
		return NULL;
	if (me->at >= SAY_LOOKING)
		return idle(s, me);
	if (me->at >= LOAD_BELL)
		return ring(s, me);
	return me->at >= RESET ? run(s, me) : take(s, me, p);
}

/* ---- the creator: what has become of tasks ---- */

static void settle(struct state *s, struct slot *slot, uint8_t status)
{
	uint8_t *book = &s->books[slot->task];

	if (STATUS(*book) != NONE)
		s->fault = TWO_STATUSES;
	if (status == GOOD && RUNS(*book) == 0)
		s->fault = NEVER_RUN;
	if (status == LOST && !(s->died >> slot->task & 1))
		s->fault = NOBODY_DIED;
	*book |= status;
	set_kind(slot, FREE);
}

/* The next of the slots whose bits were taken. */
static const char *settle_one(struct state *s, struct process *me)
{
	int i = me->head & 1 ? 0 : 1;
	struct slot *slot = &s->slot[i];

	me->head &= (uint8_t) ~(1 << i);
	if (KIND(slot->state) == DONE ||
	    (variant("trust-bits") && KIND(slot->state) != FREE))
		settle(s, slot, GOOD);
	me->at = me->head != 0 ? SETTLE : REAP;
	return "settle";
}

/* Has a worker died? */
static const char *reap(struct state *s, struct process *me)
{
	me->at = CHOOSE;
	for (int p = 1; p < setup.processes; p++) {
		if (s->p[p].at != DEAD)
			continue;
		s->p[p].looking = 0;
		me->seen = (uint8_t)p;
		me->slot = 0;
		me->at = RECOVER;
		if (variant("replace-first"))
			s->p[p] = (struct process){ .at = LOAD_HEAD };
		break;
	}
	return "reap";
}

/* On to the next slot of the dead one, or to its successor. */
static const char *go_on(struct process *me, const char *action)
{
	me->at = RECOVER;
	if (++me->slot < setup.slots)
		return action;
	/* It may have been about to wake another. */
	me->at = OPEN;
	me->then = REPLACE;
	me->all = 1;
	me->slot = 0;
	return action;
}

/* Is this slot the dead worker's, or has it ended? */
static const char *recover(struct state *s, struct process *me)
{
	struct slot *slot = &s->slot[me->slot];
	bool retried = variant("retry") && RUNS(s->books[slot->task]) < 2;

	if (KIND(slot->state) == DONE && !variant("running-only"))
		settle(s, slot, GOOD);
	if (KIND(slot->state) != RUNNING || WORKER(slot->state) != me->seen)
		return go_on(me, "recover");
	if (slot->begun && !retried) {
		settle(s, slot, LOST);
		return go_on(me, "recover");
	}
	me->at = MAKE_ROOM;
	if (!variant("no-append"))
		return "recover";
	slot->begun = 0;
	set_kind(slot, READY);
	return go_on(me, "recover");
}

/* ---- the creator: what is to be done ---- */

/* A slot that may be used; or none. */
static int free_slot(const struct state *s, bool *held)
{
	*held = false;
	for (int i = 0; i < setup.slots; i++) {
		if (KIND(s->slot[i].state) != FREE)
			continue;
		if (!s->slot[i].held || s->slot[i].position < s->head)
			return i;
		*held = true;
	}
	return -1;
}

/* Submit the next task, or sleep, or end. */
static const char *choose_next(struct state *s, struct process *me, bool again)
{
	bool held;
	int i = free_slot(s, &held);

	*me = (struct process){ .at = ARM };
	if (all_have_statuses(s)) {
		me->at = CLOSE;
	} else if (s->submitted < setup.rounds && i >= 0) {
		me->slot = (unsigned)i & 3u;
		s->slot[i].task = s->submitted++;
		s->slot[i].held = 0;
		me->at = STORE_READY;
	} else if (s->submitted < setup.rounds && held && !again) {
		me->at = MAKE_ROOM;
	}
	return "look";
}

/* Move `head` on over what is not READY. */
static const char *make_room(struct state *s, struct process *me)
{
	if (me->at == MAKE_ROOM_CAS) {
		if (s->head == me->head)
			s->head++;
		me->at = MAKE_ROOM;
		return "head";
	}
	me->head = s->head;
	me->at = MAKE_ROOM_CAS;
	if (s->head != s->tail && !ready(s, s->ring[s->head % ring_size()]))
		return "state";
	me->head = 0;
	me->at = STORE_READY;
	return me->seen != 0 ? "state" : choose_next(s, me, true);
}

static const char *append(struct state *s, struct process *me)
{
	struct slot *slot = &s->slot[me->slot];

	switch (me->at) {
	case STORE_READY:
		if (me->seen != 0 || !variant("reset"))
			slot->begun = 0;
		me->at = STORE_ENTRY;
		if (variant("tail-first"))
			return "fill";
		slot->state = (uint8_t)(USES(slot->state) + USE + READY);
		return "ready";
	case STORE_ENTRY:
		s->ring[s->tail % ring_size()] =
			(uint8_t)(USES(slot->state) | me->slot);
		me->at = STORE_TAIL;
		return "entry";
	case STORE_TAIL:
		slot->position = s->tail++;
		if (s->tail - s->head > ring_size())
			s->fault = OVERRUN;
		me->at = variant("tail-first") ? LATE_READY : SPARE;
		return "tail";
	default: /* LATE_READY */
		slot->state = (uint8_t)(USES(slot->state) + USE + READY);
		me->at = SPARE;
		return "ready";
	}
}

/* Does a worker look at the ring?  Else wake one.  Then: what comes next? */
static const char *spare(const struct state *s, struct process *me)
{
	me->at = OPEN;
	me->then = CHOOSE;
	if (variant("cancel") || variant("reuse-at-once") || variant("no-help"))
		me->then = CANCEL;
	if (me->seen != 0)
		me->then = REPLACE; /* and go_on, there */
	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].looking && !variant("no-spare"))
			me->at = me->then;
	return "spare";
}

/* All but the first are not wanted any more, if nobody has begun them. */
static const char *cancel(struct state *s, struct process *me)
{
	struct slot *slot = &s->slot[me->slot];

	if (slot->task > 0 && KIND(slot->state) == READY) {
		settle(s, slot, CANCELLED);
		slot->held = !variant("reuse-at-once");
	}
	me->at = CHOOSE;
	return "cancel";
}

/* Another arming: who saw the last one does not hit this one. */
static const char *arm(struct state *s, struct process *me)
{
	*me = (struct process){ .at = LOOK_ARMED };
	if (variant("no-second-look"))
		me->at = POLL;
	s->armed = 1;
	for (int p = 1; p < setup.processes; p++)
		if (s->p[p].at == DISARM && !variant("no-generation"))
			s->p[p].rings = 0;
	return "arm";
}

static const char *poll_all(struct state *s, struct process *me)
{
	bool dead = false;

	for (int p = 1; p < setup.processes; p++)
		dead |= s->p[p].at == DEAD;
	if (!s->posts && !dead)
		return NULL;
	s->posts = 0;
	me->at = TAKE_BITS;
	return "poll";
}

static const char *create(struct state *s, struct process *me)
{
	switch (me->at) {
	case TAKE_BITS:
		*me = (struct process){ .at = REAP, .head = s->bits };
		if (s->bits != 0)
			me->at = SETTLE;
		s->bits = 0;
		return "take";
	case SETTLE:
		return settle_one(s, me);
	case REAP:
		return reap(s, me);
	case RECOVER:
		return recover(s, me);
	case REPLACE:
		if (me->all) {
			if (!variant("replace-first"))
				s->p[me->seen] =
					(struct process){ .at = LOAD_HEAD };
			*me = (struct process){ .at = REAP };
			return "replace";
		}
		return go_on(me, "go-on");
	case CHOOSE:
		return choose_next(s, me, false);
	case MAKE_ROOM:
	case MAKE_ROOM_CAS:
		return make_room(s, me);
	case SPARE:
		return spare(s, me);
	case OPEN:
		return open_gate(s, me);
	case WAKE:
		return wake(s, me);
	case CANCEL:
		return cancel(s, me);
	case ARM:
		return arm(s, me);
	case LOOK_ARMED:
		me->at = s->bits != 0 ? TAKE_BITS : POLL;
		return "look";
	case POLL:
		return poll_all(s, me);
	case CLOSE:
		s->closed = 1;
		*me = (struct process){ .at = OPEN, .then = LEAVE, .all = 1 };
		return "close";
	default:
		return append(s, me);
	}
}

/* ---- the rest ---- */

static const char *killed(struct state *s, struct process *me, int p)
{
	if (p == 0 || me->at == GONE || me->at == DEAD || s->closed)
		return NULL;
	if (me->at >= RUN && me->at <= STORE_DONE && me->mine)
		s->died |= (uint8_t)(1 << s->slot[me->slot].task);
	*me = (struct process){ .at = DEAD, .looking = me->looking };
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (how == KILL)
		return killed(s, me, p);
	if (how != ACT || me->at == LEAVE)
		return NULL;
	return p == 0 ? create(s, me) : work(s, me, p);
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
		"a task has two statuses",
		"a task was never run, and is said to be done",
		"a task is said to be lost, and nobody died in it",
		"the ring overflows",
	};

	for (int i = 0; i < setup.rounds; i++)
		if (RUNS(s->books[i]) > 1 &&
		    !(variant("retry") && s->died >> i & 1 &&
		      RUNS(s->books[i]) == 2))
			return "a task is run twice";
	return faults[s->fault];
}

static void show(const struct state *s)
{
	static const char *const places[] = { "reads head",
					      "reads tail",
					      "reads the entry",
					      "reads head again",
					      "reads the slot",
					      "claims",
					      "passes",
					      "looks for more",
					      "resets",
					      "begins",
					      "runs",
					      "looks at the bell",
					      "is done",
					      "sets the bit",
					      "looks at the bell",
					      "posts",
					      "disarms",
					      "will look",
					      "looks",
					      "stops looking",
					      "looks again",
					      "marks",
					      "looks again",
					      "falls asleep",
					      "sleeps",
					      "is gone",
					      "is dead",
					      "takes bits",
					      "settles",
					      "reaps",
					      "recovers",
					      "replaces",
					      "chooses",
					      "makes room",
					      "moves head",
					      "fills",
					      "stores the entry",
					      "stores tail",
					      "fills",
					      "asks who looks",
					      "cancels",
					      "arms",
					      "looks once more",
					      "polls",
					      "closes",
					      "is gone",
					      "opens",
					      "will wake" };
	static const char *const kinds[] = { "FREE", "READY", "RUNNING",
					     "DONE" };

	printf("head %d  tail %d%s%s ", s->head, s->tail,
	       s->armed ? "  armed" : "", s->closed ? "  closed" : "");
	for (int i = 0; i < setup.slots; i++)
		printf(" %s", kinds[KIND(s->slot[i].state)]);
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p, places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "retry", "right, and what is lost is run once more" },
	{ "cancel", "right, and all but the first are cancelled if they can" },
	{ "together", "right, and the first task waits for the second" },
	{ "no-uses", "a worker claims whatever use it is of" },
	{ "store", "a worker claims by load and store" },
	{ "tail-first", "the entry is there before the slot is READY" },
	{ "no-help",
	  "only who has claimed moves head, not past a cancelled one" },
	{ "reset", "`begun` is reset by the worker who claims" },
	{ "no-append", "what the dead leave is READY, and not appended" },
	{ "running-only", "after a death, no look at slots that are DONE" },
	{ "trust-bits", "a bit is believed without a look at the slot" },
	{ "replace-first", "a successor is started, then the slots looked at" },
	{ "reuse-at-once", "a cancelled one's slot is used again at once" },
	{ "no-check", "head is not read again after the entry" },
	{ "no-name", "an entry does not name the use of its slot" },
	{ "no-chain", "who takes a task wakes nobody for the next" },
	{ "keep-looking", "a worker goes to sleep and still says it looks" },
	{ "early-bell", "a worker looks at the bell, then publishes" },
	{ "no-second-look", "the creator arms the bell and sleeps" },
	{ "no-generation", "one arming of the bell looks like the next" },
	{ "no-look", "a worker marks the gate and sleeps" },
	{ "no-spare", "right, and a worker is woken though another looks" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=3 slots=2 kills=2" },
	{ NULL, "processes=3 rounds=2 slots=2 kills=1" },
	{ NULL, "processes=3 rounds=3 slots=1" },
	{ NULL, "processes=2 rounds=3 slots=2 kills=2 variant=retry" },
	{ NULL, "processes=3 rounds=2 slots=1 kills=1 variant=retry" },
	{ NULL, "processes=2 rounds=4 slots=2 kills=1 variant=cancel" },
	{ NULL, "processes=3 rounds=2 slots=2 variant=together" },
	{ NULL, "processes=3 rounds=2 slots=1 variant=no-spare" },
	{ "run twice", "processes=3 rounds=2 slots=2 variant=store" },
	{ "for ever", "processes=2 rounds=1 slots=1 variant=tail-first" },
	{ "for ever", "processes=2 rounds=2 slots=1 variant=no-help" },
	{ "nobody died", "processes=2 rounds=2 slots=1 kills=1 variant=reset" },
	{ "for ever",
	  "processes=2 rounds=1 slots=1 kills=1 variant=no-append" },
	{ "for ever",
	  "processes=2 rounds=1 slots=1 kills=1 variant=running-only" },
	{ "never run",
	  "processes=3 rounds=3 slots=1 kills=1 variant=trust-bits" },
	{ "nobody died",
	  "processes=2 rounds=1 slots=1 kills=1 variant=replace-first" },
	{ "overflows", "processes=2 rounds=4 slots=2 variant=reuse-at-once" },
	{ "overflows", "processes=3 rounds=3 slots=1 variant=no-check" },
	{ "overflows", "processes=3 rounds=3 slots=1 variant=no-uses" },
	{ "overflows", "processes=3 rounds=3 slots=1 variant=no-name" },
	{ "for ever", "processes=3 rounds=2 slots=2 variant=no-chain" },
	{ "for ever", "processes=2 rounds=1 slots=1 variant=keep-looking" },
	{ "for ever", "processes=2 rounds=1 slots=1 variant=early-bell" },
	{ "for ever", "processes=2 rounds=1 slots=1 variant=no-second-look" },
	{ "for ever", "processes=2 rounds=2 slots=1 variant=no-generation" },
	{ "for ever", "processes=2 rounds=1 slots=1 variant=no-look" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 rounds=2 slots=2 kills=2" },
	{ NULL, "processes=3 rounds=3 slots=2" },
	{ NULL, "processes=3 rounds=3 slots=1 kills=1 variant=cancel" },
	{ NULL, "processes=3 rounds=2 slots=2 kills=1 variant=retry" },
	{ 0 },
};

const struct model model = {
	.name = "pool's tasks",
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
	.most = { 4, TASKS, 3, 0, 0, 0, NULL, SLOTS, 0 },
};
