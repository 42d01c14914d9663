/* dict.c - two stripes of mp/dict-own.h: who changes, who looks, who dies.
 *
 *	lock		who holds it; or 0, DIED (lock.c: one action here)
 *	count, named	entries; and the one that is being worked on, from 1
 *	cuts		goes on when an entry leaves the chain
 *	entry		its owner (a stripe, from 1; 0: free), a key, the next
 *			one; a state, and two copies of a value, each two words
 *
 * Each stripe has one chain.  In the first one is Z for ever, behind X, which
 * the writers set and delete; in the second one they do so with Y.  Two places
 * are there for the two, so that what was X's place is Y's soon.  The first
 * `putters` write; of the others the first looks for X, then Z, then X ..., the
 * second begins with Z.
 *
 * A value is the number of the set that it came with.  What a reader finds must
 * have been there while it looked: `may` has a bit for each such value, bit 0
 * for none.
 */
#include "explore.h"

#include <stdio.h>

#define DIED   0x40
#define PLACES 2
#define Z      (PLACES + 1) /* as a link: the entry that stays */
#define LIVE   1

enum { X, Y };

enum {
	CHOOSE, /* writers */
	LOCK,
	CLEAR, /* a dead one's work */
	FIND,
	NAME, /* insert */
	TAKE,
	KEY,
	NEXT,
	LINK,
	COPY, /* set */
	COPY_2,
	PUBLISH,
	UNNAME, /* delete; here: names it */
	DROP,
	CUT,
	CUTS,
	FREE,
	SETTLE,
	UNLOCK,
	BEGIN, /* readers */
	RETRY,
	HEAD,
	STATE,
	THIS,
	WORD,
	WORD_2,
	SAME,
	FOLLOW,
	AGAIN,
	GONE
};

enum { RIGHT, TORN, NEVER, MISSED, NO_ROOM };

struct state {
	struct stripe {
		uint8_t lock, count, named, cuts;
		uint8_t head; /* entry, from 1; Z; 0 */
	} stripe[2];
	uint8_t now;  /* X's value, 0: none */
	uint8_t sets; /* so far */
	uint8_t fault;
	struct entry {
		uint8_t owner, key, next, state;
		uint8_t copy[2][2];
	} e[PLACES];
	struct process {
		uint8_t at, rounds;
		uint8_t key, deletes; /* readers: the key is X or Z */
		uint8_t i;            /* the entry */
		uint8_t old;          /* its state, as read */
		uint8_t word;         /* a value to write, or half of one */
		uint8_t cuts, may;
	} p[PROCESSES];
};

static bool writer(int p)
{
	return p < setup.putters;
}

static void start(struct state *s)
{
	s->stripe[X].head = Z;
	for (int p = 0; p < setup.processes; p++) {
		s->p[p].rounds = (uint8_t)setup.rounds;
		s->p[p].at = writer(p) ? CHOOSE : BEGIN;
		if (!writer(p))
			s->p[p].key = p == setup.putters ? X : Z;
	}
}

static bool live(const struct entry *e)
{
	return e->state & LIVE;
}

/* The copy that counts in this state. */
static uint8_t *copy_of(struct entry *e, uint8_t state)
{
	return e->copy[variant("one-copy") ? 0 : state >> 1 & 1];
}

static uint8_t *link_to(struct state *s, uint8_t chain, uint8_t i)
{
	uint8_t *link = &s->stripe[chain].head;

	while (*link != i && *link != 0 && *link != Z)
		link = &s->e[*link - 1].next;
	return *link == i ? link : NULL;
}

/* The entry with this key, or 0. */
static uint8_t find(struct state *s, uint8_t key)
{
	for (uint8_t i = 1; i <= PLACES; i++)
		if (link_to(s, key, i) != NULL)
			return i;
	return 0;
}

/* X is this now: those who look may find it. */
static void becomes(struct state *s, uint8_t value)
{
	s->now = value;
	for (int p = setup.putters; p < setup.processes; p++)
		if (s->p[p].at != BEGIN && s->p[p].at != GONE)
			s->p[p].may |= (uint8_t)(1 << value);
}

/* ---- writers */

static const char *chooses(struct process *me)
{
	int what = choose(4);

	if (me->rounds == 0)
		return NULL;
	me->key = what & 1;
	me->deletes = what >> 1 & 1;
	me->at = LOCK;
	return "choose";
}

static const char *locks(struct stripe *t, struct process *me, int p)
{
	if (t->lock != 0 && t->lock != DIED)
		return NULL;
	me->at = t->lock == DIED ? CLEAR : FIND;
	t->lock = (uint8_t)(p + 1);
	return "lock";
}

/* What did the dead leave?  Then comes one's own work: `old` says so. */
static const char *clear(struct state *s, struct stripe *t, struct process *me)
{
	struct entry *e;

	me->i = t->named;
	me->at = FIND;
	if (t->named == 0)
		return "look";
	e = &s->e[t->named - 1];
	me->at = SETTLE;
	me->old = 1;
	if (e->owner == me->key + 1 && live(e))
		me->word = 1; /* counts */
	else if (e->owner == me->key + 1)
		me->at = CUT;
	return "look";
}

static const char *find_it(struct state *s, struct process *me)
{
	me->i = find(s, me->key);
	if (me->deletes)
		me->at = me->i != 0 ? UNNAME : UNLOCK;
	else
		me->at = me->i != 0 ? COPY : NAME;
	if (!me->deletes)
		me->word = ++s->sets;
	return "find";
}

static const char *insert(struct state *s, struct stripe *t, struct process *me)
{
	struct entry *e = s->e + (me->i - 1);

	switch (me->at) {
	case NAME:
		for (me->i = 1; me->i <= PLACES && s->e[me->i - 1].owner != 0;)
			me->i++;
		if (me->i > PLACES)
			s->fault = NO_ROOM;
		me->at = TAKE;
		if (!variant("no-name"))
			t->named = me->i;
		return "name";
	case TAKE:
		me->at = e->owner == 0 ? KEY : NAME;
		if (e->owner == 0)
			e->owner = me->key + 1;
		return "take";
	case KEY:
		e->key = me->key;
		me->at = NEXT;
		return "key";
	case NEXT:
		e->next = t->head;
		me->at = LINK;
		return "next";
	default: /* LINK */
		t->head = me->i;
		me->at = COPY;
		return "link";
	}
}

static const char *set(struct state *s, struct process *me)
{
	struct entry *e = s->e + (me->i - 1);
	uint8_t new = (uint8_t)(((e->state >> 1) + 1) << 1 | LIVE);

	switch (me->at) {
	case COPY:
		copy_of(e, new)[0] = me->word;
		me->at = COPY_2;
		return "copy";
	case COPY_2:
		copy_of(e, new)[1] = me->word;
		me->at = PUBLISH;
		return "copy";
	default: /* PUBLISH */
		me->at = live(e) ? UNLOCK : SETTLE;
		e->state = new;
		if (e->key == X)
			becomes(s, me->word);
		me->word = me->at == SETTLE;
		return "publish";
	}
}

static const char *remove_it(struct state *s, struct stripe *t,
			     struct process *me)
{
	struct entry *e = s->e + (me->i - 1);
	uint8_t *link = link_to(s, me->key, me->i);

	switch (me->at) {
	case UNNAME:
		t->count--;
		if (!variant("no-name"))
			t->named = me->i;
		me->at = variant("no-drop") ? CUT : DROP;
		return "name";
	case DROP:
		e->state = (uint8_t)(((e->state >> 1) + 1) << 1);
		if (e->key == X)
			becomes(s, 0);
		me->at = CUT;
		return "drop";
	case CUT:
		if (link != NULL)
			*link = e->next;
		if (variant("no-drop") && e->key == X)
			becomes(s, 0);
		me->at = variant("cuts-late") ? FREE : CUTS;
		return "cut";
	case CUTS:
		t->cuts++;
		me->at = variant("cuts-late") ? SETTLE : FREE;
		return "cuts";
	default: /* FREE */
		e->owner = 0;
		me->at = variant("cuts-late") ? CUTS : SETTLE;
		return "free";
	}
}

/* The entry counts now, or is none; then comes what is to be done still. */
static const char *settle(struct stripe *t, struct process *me)
{
	t->count += me->word;
	t->named = 0;
	me->at = me->old ? FIND : UNLOCK;
	me->word = me->i = me->old = 0;
	return "count";
}

static const char *writes(struct state *s, struct process *me, int p)
{
	struct stripe *t = &s->stripe[me->key];

	if (me->at == CHOOSE)
		return chooses(me);
	if (me->at == LOCK)
		return locks(t, me, p);
	if (me->at == CLEAR)
		return clear(s, t, me);
	if (me->at == FIND)
		return find_it(s, me);
	if (me->at <= LINK)
		return insert(s, t, me);
	if (me->at <= PUBLISH)
		return set(s, me);
	if (me->at <= FREE)
		return remove_it(s, t, me);
	if (me->at == SETTLE)
		return settle(t, me);
	t->lock = 0;
	*me = (struct process){ .at = CHOOSE,
				.rounds = (uint8_t)(me->rounds - 1) };
	return "unlock";
}

/* ---- readers */

/* This is what was found: 0 for none. */
static void found(struct state *s, struct process *me, uint8_t value)
{
	if (me->key == Z && value != Z)
		s->fault = MISSED;
	else if (me->key == X && !(me->may >> value & 1))
		s->fault = NEVER;
	*me = (struct process){ .at = BEGIN,
				.rounds = (uint8_t)(me->rounds - 1),
				.key = me->key == X ? Z : X };
}

/* Here is a link: where does it lead? */
static void step(struct state *s, struct process *me, uint8_t i)
{
	me->i = i;
	me->at = STATE;
	if (i == 0 || (i == Z && me->key == Z))
		found(s, me, i);
	else if (i == Z) /* and then nothing */
		found(s, me, 0);
}

static void reads_entry(struct state *s, struct process *me, struct entry *e)
{
	switch (me->at) {
	case STATE:
		me->old = e->state;
		me->at = live(e) ? THIS : FOLLOW;
		break;
	case THIS:
		me->at = e->key == me->key ? WORD : FOLLOW;
		break;
	case WORD:
		me->word = copy_of(e, me->old)[0];
		me->at = WORD_2;
		break;
	case WORD_2:
		/* The two must agree, if nothing has changed: DIED says not. */
		if (copy_of(e, me->old)[1] != me->word)
			me->word = DIED;
		me->at = SAME;
		break;
	default: /* SAME */
		if (e->state != me->old && !variant("one-look"))
			me->at = RETRY;
		else if (me->word == DIED)
			s->fault = TORN;
		else
			found(s, me, me->word);
	}
}

static const char *looks(struct state *s, struct process *me)
{
	struct stripe *t = &s->stripe[X]; /* of Z too */
	struct entry *e = s->e + (me->i - 1);

	switch (me->at) {
	case BEGIN:
		if (me->rounds == 0)
			return NULL;
		me->may = (uint8_t)(1 << s->now);
		/* fall through */
	case RETRY:
		me->cuts = t->cuts;
		me->at = HEAD;
		return "cuts";
	case HEAD:
		step(s, me, t->head);
		return "head";
	case FOLLOW:
		me->word = e->next;
		me->at = AGAIN;
		return "next";
	case AGAIN:
		if (t->cuts != me->cuts && !variant("no-cuts"))
			me->at = RETRY;
		else
			step(s, me, me->word);
		return "cuts";
	default:
		reads_entry(s, me, e);
		return "look";
	}
}

/* ---- the model */

static const char *killed(struct state *s, struct process *me, int p)
{
	if (me->at == GONE || !writer(p))
		return NULL;
	for (int i = X; i <= Y; i++)
		if (s->stripe[i].lock == p + 1)
			s->stripe[i].lock = DIED;
	*me = (struct process){ .at = GONE };
	return "kill";
}

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (how == KILL)
		return killed(s, me, p);
	if (how != ACT || me->at == GONE)
		return NULL;
	return writer(p) ? writes(s, me, p) : looks(s, me);
}

static bool ended(const struct state *s)
{
	for (int p = 0; p < setup.processes; p++)
		if (s->p[p].rounds > 0)
			return false;
	return true;
}

/* As mp_dict_len has it. */
static int length(const struct state *s)
{
	int n = 0;

	for (int i = X; i <= Y; i++) {
		const struct stripe *t = &s->stripe[i];

		n += t->count;
		if (t->named != 0 && s->e[t->named - 1].owner == i + 1)
			n += live(&s->e[t->named - 1]);
	}
	return n;
}

static const char *wrong(const struct state *s)
{
	static const char *const faults[] = {
		[TORN] = "half of a value is read",
		[NEVER] = "a reader finds what was not there",
		[MISSED] = "a reader misses what is there all the time",
		[NO_ROOM] = "a place is lost"
	};
	int there = 0;

	for (int i = 0; i < PLACES; i++)
		there += s->e[i].owner != 0 && live(&s->e[i]);
	if (length(s) != there)
		return "len is wrong";
	return faults[s->fault];
}

static void show(const struct state *s)
{
	for (int i = X; i <= Y; i++) {
		const struct stripe *t = &s->stripe[i];

		printf("%sstripe %c", i == X ? "" : "  ", "XY"[i]);
		printf(" lock %c", t->lock == DIED ? '+' : "0ABCD"[t->lock]);
		printf(" count %d+%d -> %d", t->count, t->named, t->head);
	}
	for (int i = 0; i < PLACES; i++)
		printf("  %d:%s%s %c %d/%d %d/%d -> %d", i + 1,
		       s->e[i].owner ? "" : " free", live(&s->e[i]) ? "" : " -",
		       "XY"[s->e[i].key], s -> e[i].copy[0][0],
		       s->e[i].copy[0][1], s->e[i].copy[1][0],
		       s->e[i].copy[1][1], s->e[i].next);
}

static const struct variant variants[] = {
	{ "one-copy", "a value is written where it is read" },
	{ "one-look", "who has read a value does not look again" },
	{ "no-cuts", "who follows a link does not look at cuts" },
	{ "cuts-late", "an entry is free before cuts goes on" },
	{ "no-drop",
	  "who deletes only unlinks, and leaves the state as it is" },
	{ "no-name", "nothing is named before it is worked on" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 putters=1 rounds=2" },
	{ NULL, "processes=2 putters=1 rounds=3" },
	{ NULL, "processes=3 putters=2 rounds=1 kills=1" },
	{ NULL, "processes=3 putters=2 rounds=2 kills=1" },
	{ "half", "processes=2 putters=1 rounds=2 variant=one-copy" },
	{ "half", "processes=2 putters=1 rounds=3 variant=one-look" },
	{ "misses", "processes=2 putters=1 rounds=3 variant=no-cuts" },
	{ "misses", "processes=3 putters=2 rounds=2 variant=cuts-late" },
	{ "not there", "processes=2 putters=1 rounds=3 variant=no-drop" },
	{ "len", "processes=3 putters=2 rounds=2 kills=1 variant=no-name" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=3 putters=2 rounds=2 kills=2" },
	{ 0 },
};

const struct model model = {
	.name = "stripes of a dict",
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
	.most = { 3, 3, 2, 0, 0, 0, NULL, 0, 2 },
};
