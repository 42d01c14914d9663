/* references.c - how a manager counts references: manager-object.c,
 * manager-serve.c, manager-client.c.
 *
 *	client			server
 *	get, pop ->		an answer with a reference: the client has one
 *				more from now on, before the answer is sent
 *	drop ->			one fewer; nobody answers
 *	store, use ->		what it names must be there
 *	dies			does what was sent before; then drops all that
 *				the client had
 *	a forked child:
 *	hello of PARENT ->	has what its parent has now, too
 *
 * One object is looked at, and a container, which may have one reference to it;
 * the object may have one to itself.  It is freed when no count of it is left,
 * or nobody reaches it any more.  Requests and answers are under way for any
 * time.
 *
 * A and B are clients, and A has the object at first; C is a child of A's, once
 * it has forked; D is the server.
 */
#include "explore.h"

#include <stdio.h>

#define SERVER  3
#define REQUEST 2 /* under way, of a client */

enum { NOTHING, GET, POP, STORE, STORE_IN_ITSELF, USE, DROP, HELLO };
enum { NO_ANSWER, DONE, REFERENCE, GREETED };
enum { ABSENT, IDLE, WAITS, DEAD, GONE }; /* a client; GONE: and forgotten */

struct state {
	uint8_t alive;         /* the object */
	uint8_t contained;     /* the container has a reference */
	uint8_t circle;        /* the object has one to itself */
	uint8_t grant;         /* to be counted still: to this client, plus 1 */
	uint8_t closed;        /* the container, at the end */
	uint8_t stale, no_ref; /* faults */
	struct process {
		uint8_t at, rounds;
		uint8_t has;    /* references, as it knows */
		uint8_t held;   /* as the server counts */
		uint8_t answer; /* under way */
		uint8_t n;      /* with it */
		uint8_t request[REQUEST];
		uint8_t shares; /* variant shared: its parent's count */
	} p[PROCESSES];
};

static void start(struct state *s)
{
	s->alive = 1;
	for (int p = 0; p < 2; p++)
		s->p[p].at = IDLE;
	for (int p = 0; p < SERVER; p++)
		s->p[p].rounds = (uint8_t)setup.rounds;
	s->p[0].has = s->p[0].held = 1;
}

/* ---- a client ---- */

static bool sends(struct process *me, uint8_t what)
{
	for (int i = 0; i < REQUEST; i++)
		if (me->request[i] == NOTHING) {
			me->request[i] = what;
			return true;
		}
	return false;
}

static const char *ask(struct process *me, uint8_t what, const char *name)
{
	if (!sends(me, what))
		return NULL;
	me->rounds--;
	if (what == DROP)
		me->has--;
	me->at = what == DROP ? IDLE : WAITS;
	return name;
}

/* A child has its parent's memory; but what is in there is not its own. */
static const char *fork_child(struct state *s)
{
	struct process *child = &s->p[2];

	if (child->at != ABSENT)
		return NULL;
	s->p[0].rounds--;
	child->at = WAITS;
	sends(child, HELLO);
	return "fork";
}

static const char *take_answer(struct state *s, struct process *me)
{
	if (me->answer == NO_ANSWER)
		return NULL;
	if (me->answer == REFERENCE) {
		me->has++;
		s->no_ref |= !s->alive;
	}
	if (me->answer == GREETED)
		me->has = me->n;
	me->answer = me->n = 0;
	me->at = IDLE;
	return "answer";
}

static const char *client(struct state *s, int p)
{
	struct process *me = &s->p[p];

	if (me->at == WAITS)
		return take_answer(s, me);
	if (me->at != IDLE)
		return NULL;
	if (me->rounds == 0) { /* it ends, with all that it has */
		me->at = DEAD;
		me->has = me->answer = me->n = 0;
		return "exit";
	}
	switch (choose(me->has > 0 ? (p == 0 ? 7 : 6) : (p == 0 ? 3 : 2))) {
	case 0:
		return ask(me, GET, "get");
	case 1:
		return ask(me, POP, "pop");
	case 2:
		if (p == 0)
			return fork_child(s);
		return ask(me, STORE, "store");
	case 3:
		return ask(me, DROP, "drop");
	case 4:
		return ask(me, USE, "use");
	case 5:
		return ask(me, STORE_IN_ITSELF, "store-in-itself");
	default:
		return ask(me, STORE, "store");
	}
}

/* ---- the server ---- */

/* Clients that the server has not forgotten. */
static bool counts(const struct process *c)
{
	return c->held > 0;
}

static void check(struct state *s)
{
	bool used = s->contained || s->circle;

	for (int p = 0; p < SERVER; p++)
		used |= counts(&s->p[p]);
	if (!used)
		s->alive = 0;
}

static void unstore(struct state *s)
{
	s->contained = 0;
	check(s);
}

/* An answer with a reference. */
static void give(struct state *s, int p)
{
	s->p[p].answer = REFERENCE;
	if (variant("send-first"))
		s->grant = (uint8_t)(p + 1);
	else
		s->p[p].held++;
}

static void greet(struct state *s, struct process *c)
{
	const struct process *parent = &s->p[0];

	c->answer = GREETED;
	c->n = parent->held;
	if (variant("parents-count"))
		c->shares = 1;
	else
		c->held = parent->held;
}

/* What is named must be there: the client has a reference. */
static void serve_one(struct state *s, int p, uint8_t what)
{
	struct process *c = &s->p[p];

	c->answer = DONE;
	s->stale |= what >= STORE && what <= DROP && !s->alive && c->at != GONE;
	switch (what) {
	case GET:
		if (s->contained)
			give(s, p);
		break;
	case POP:
		if (!s->contained)
			break;
		if (variant("drop-first"))
			unstore(s);
		give(s, p);
		unstore(s);
		break;
	case STORE:
		s->contained = s->alive;
		break;
	case STORE_IN_ITSELF:
		s->circle = s->alive;
		break;
	case DROP:
		c->answer = NO_ANSWER;
		if (c->held > 0 && !c->shares)
			c->held--;
		check(s);
		break;
	case HELLO:
		greet(s, c);
		break;
	}
	if (c->at == DEAD || c->at == GONE)
		c->answer = c->n = 0; /* nobody reads it */
}

static const char *serve(struct state *s, int p)
{
	struct process *c = &s->p[p];
	uint8_t what = c->request[0];

	for (int i = 0; i + 1 < REQUEST; i++)
		c->request[i] = c->request[i + 1];
	c->request[REQUEST - 1] = NOTHING;
	serve_one(s, p, what);
	return "serve";
}

static const char *forget(struct state *s, int p)
{
	s->p[p].at = GONE;
	if (!variant("keeps-the-dead"))
		s->p[p].held = 0;
	check(s);
	return "forget";
}

/* Free it if nobody reaches it. */
static const char *collect(struct state *s)
{
	bool reached = s->contained && !variant("roots-held-only");

	for (int p = 0; p < SERVER; p++)
		reached |= counts(&s->p[p]) && !variant("roots-inside-only");
	if (!reached)
		s->alive = s->circle = 0;
	return "collect";
}

static bool may_forget(const struct process *c)
{
	return c->at == DEAD &&
	       (c->request[0] == NOTHING || variant("death-first"));
}

/* All that may happen next; one of them. */
static const char *server(struct state *s)
{
	bool serves[SERVER], forgets[SERVER], all_gone = true, collects, closes;
	int n = 0, which;

	if (s->grant != 0) {
		s->p[s->grant - 1].held++;
		s->grant = 0;
		return "grant";
	}
	for (int p = 0; p < SERVER; p++) {
		struct process *c = &s->p[p];

		serves[p] = c->request[0] != NOTHING && c->answer == 0;
		forgets[p] = may_forget(c);
		all_gone &= (c->at == GONE || c->at == ABSENT) &&
			    c->request[0] == NOTHING;
		n += serves[p] + forgets[p];
	}
	collects = s->alive && s->circle && !variant("no-collection");
	closes = all_gone && !s->closed;
	n += collects + closes;
	if (n == 0)
		return NULL;
	which = choose(n);
	for (int p = 0; p < SERVER; p++) {
		if (serves[p] && which-- == 0)
			return serve(s, p);
		if (forgets[p] && which-- == 0)
			return forget(s, p);
	}
	if (collects && which == 0)
		return collect(s);
	s->closed = 1;
	unstore(s);
	return "close";
}

/* ---- the model ---- */

static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];

	if (how == ACT)
		return p == SERVER ? server(s) : client(s, p);
	if (how != KILL || p == SERVER || (me->at != IDLE && me->at != WAITS))
		return NULL;
	me->at = DEAD;
	me->has = me->answer = me->n = 0;
	return "killed";
}

static const char *wrong(const struct state *s)
{
	if (s->stale)
		return "what a client has a reference to is freed";
	if (s->no_ref)
		return "an answer refers to what is freed";
	return NULL;
}

/* All clients are gone, and so is the object. */
static bool ended(const struct state *s)
{
	for (int p = 0; p < SERVER; p++)
		if (s->p[p].at != GONE && s->p[p].at != ABSENT)
			return false;
	return s->closed && !s->alive;
}

static void show(const struct state *s)
{
	static const char *const places[] = { "is not there", "is idle",
					      "waits", "is dead", "is gone" };

	printf("%s%s%s", s->alive ? "there" : "freed",
	       s->contained ? " contained" : "", s->circle ? " circle" : "");
	for (int p = 0; p < SERVER; p++)
		printf("  %c %s has %d held %d", 'A' + p, places[s->p[p].at],
		       s->p[p].has, s->p[p].held);
}

static const struct variant variants[] = {
	{ "send-first", "an answer is sent, then its reference is counted" },
	{ "drop-first", "pop: the container's goes, then the client gets one" },
	{ "death-first", "a death is dealt with before what was sent" },
	{ "keeps-the-dead", "the dead keep what they had" },
	{ "parents-count", "a child uses its parent's count" },
	{ "no-collection", "circles are never looked for" },
	{ "roots-inside-only", "a collection goes out from what is contained" },
	{ "roots-held-only", "it does not go into what is contained" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=4 rounds=3" },
	{ NULL, "processes=4 rounds=2 kills=2" },
	{ NULL, "processes=4 rounds=3 kills=1" },
	{ "refers to what is freed",
	  "processes=4 rounds=3 variant=send-first" },
	{ "refers to what is freed",
	  "processes=4 rounds=3 variant=drop-first" },
	{ "for ever", "processes=4 rounds=3 kills=1 variant=death-first" },
	{ "for ever", "processes=4 rounds=2 variant=keeps-the-dead" },
	{ "is freed", "processes=4 rounds=2 variant=parents-count" },
	{ "for ever", "processes=4 rounds=2 variant=no-collection" },
	{ "is freed", "processes=4 rounds=3 variant=roots-inside-only" },
	{ "refers to what is freed",
	  "processes=4 rounds=3 variant=roots-held-only" },
	{ 0 },
};

static const struct trial deep[] = {
	{ NULL, "processes=4 rounds=3 kills=2" },
	{ NULL, "processes=4 rounds=4" },
	{ 0 },
};

const struct model model = {
	.name = "references of a manager",
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
	.most = { .processes = 4, .rounds = 5, .kills = 3 },
};
