/* manager-sleep.c - how a manager's server falls asleep and is woken:
 * manager-loop.c.
 *
 *	client			server
 *	send			hot: looks at the ring, round after round
 *	is the bell armed?	nothing: arms the bells of all the hot, which
 *	post, disarm		are cold then; looks again; sleeps in epoll
 *
 *	a client is	means				leaves by	to
 *	HOT		its ring is looked at		no message	COLD
 *	COLD		it is not; its bell is armed	a look, an edge	HOT
 *
 * Epoll tells of a post once, by its edge; nobody reads the eventfd.  The
 * server asks it between two rounds, too: an edge of one that is hot is no
 * news.  A sender may have seen the bell armed and post much later.  So each
 * arming has another generation, and disarming is of that one only.
 *
 * A, and B, send; C, the last one, is the server.  The fence is fence.c's, what
 * else there is to a bell pipe.c's.
 */
#include "explore.h"

#include <stdio.h>

#define ARMED       1
#define GENERATION  2
#define GENERATIONS 6 /* more than anybody remembers */

enum { SEND, LISTEN, POST, DISARM };                /* a client */
enum { ROUND, COOL, AGAIN, SLEEP, ASK, COOL_LATE }; /* the server */

struct state {
	uint8_t at, next; /* the server's: with whom it goes on */
	uint8_t found;    /* something, in this round */
	struct process {
		uint8_t at, rounds;
		uint8_t sent, taken;
		uint8_t bell, old; /* old: as the sender has read it */
		uint8_t edge;      /* epoll will tell */
		uint8_t hot;
	} p[PROCESSES];
};

static int clients(void)
{
	return setup.processes - 1;
}

static void start(struct state *s)
{
	for (int p = 0; p < clients(); p++) {
		s->p[p].rounds = (uint8_t)setup.rounds;
		s->p[p].hot = 1;
	}
}

/* ---- a client ---- */

static const char *next_message(struct process *me, const char *action)
{
	me->rounds--;
	me->at = SEND;
	me->old = 0;
	return action;
}

static const char *client(struct process *me)
{
	switch (me->at) {
	case SEND:
		if (me->rounds == 0)
			return NULL;
		me->sent++;
		me->at = LISTEN;
		return "send";
	case LISTEN:
		me->old = me->bell;
		if (!(me->bell & ARMED))
			return next_message(me, "listen");
		me->at = POST;
		return "listen";
	case POST:
		me->edge = 1;
		me->at = DISARM;
		return "post";
	default: /* DISARM */
		if (me->bell == me->old || variant("bit"))
			me->bell &= (uint8_t)~ARMED;
		return next_message(me, "disarm");
	}
}

/* ---- the server ---- */

static bool something(const struct process *c)
{
	return c->sent > c->taken;
}

static void arm(struct process *c)
{
	uint8_t g = (uint8_t)((c->bell / GENERATION + 1) % GENERATIONS);

	if (variant("bit"))
		g = 0;
	c->bell = (uint8_t)(g * GENERATION | ARMED);
	if (variant("clears"))
		c->edge = 0;
	c->hot = 0;
}

/* Has it gone through all? */
static bool through(struct state *s)
{
	s->next++;
	if (s->next < clients())
		return false;
	s->next = 0;
	return true;
}

static const char *round_of(struct state *s)
{
	struct process *c = &s->p[s->next];

	if (c->hot && something(c)) {
		c->taken++;
		s->found = 1;
	}
	if (!through(s))
		return "look";
	if (s->found)
		s->at = choose(2) ? ASK : ROUND;
	else
		s->at = variant("look-first") ? AGAIN : COOL;
	s->found = 0;
	return "look";
}

/* Arm, which makes it cold. */
static const char *cool(struct state *s)
{
	struct process *c = &s->p[s->next];

	if (c->hot)
		arm(c);
	if (through(s))
		s->at = variant("no-look") || s->at == COOL_LATE ? SLEEP
								 : AGAIN;
	return "arm";
}

static const char *look_again(struct state *s)
{
	struct process *c = &s->p[s->next];

	if (something(c)) {
		c->hot = 1;
		s->found = 1;
	}
	if (through(s)) {
		s->at = s->found                ? ROUND
			: variant("look-first") ? COOL_LATE
						: SLEEP;
		s->found = 0;
	}
	return "again";
}

/* What epoll tells of. */
static const char *ask(struct state *s)
{
	bool told = false;

	for (int p = 0; p < clients(); p++)
		told |= s->p[p].edge != 0;
	if (!told && s->at == SLEEP)
		return NULL;
	for (int p = 0; p < clients(); p++) {
		struct process *c = &s->p[p];

		if (c->edge && (s->at == SLEEP || !variant("asks-in-vain")))
			c->hot = 1;
		c->edge = 0;
	}
	s->at = ROUND;
	return "epoll";
}

static const char *server(struct state *s)
{
	switch (s->at) {
	case ROUND:
		return round_of(s);
	case COOL:
	case COOL_LATE:
		return cool(s);
	case AGAIN:
		return look_again(s);
	default:
		return ask(s);
	}
}

/* ---- the model ---- */

static const char *move(struct state *s, int p, enum how how)
{
	if (how != ACT)
		return NULL;
	return p == clients() ? server(s) : client(&s->p[p]);
}

static const char *wrong(const struct state *s)
{
	(void)s;
	return NULL;
}

static bool ended(const struct state *s)
{
	for (int p = 0; p < clients(); p++)
		if (s->p[p].rounds > 0 || something(&s->p[p]))
			return false;
	return true;
}

static void show(const struct state *s)
{
	static const char *const does[] = { "looks",  "arms", "looks again",
					    "sleeps", "asks", "arms" };

	printf("the server %s", does[s->at]);
	for (int p = 0; p < clients(); p++)
		printf("  %c %s sent %d taken %d%s%s", 'A' + p,
		       s->p[p].hot ? "HOT" : "COLD", s->p[p].sent,
		       s->p[p].taken, s->p[p].bell & ARMED ? " ARMED" : "",
		       s->p[p].edge ? " edge" : "");
}

static const struct variant variants[] = {
	{ "no-look", "it does not look again after it has armed" },
	{ "look-first", "it looks again, then arms, then sleeps" },
	{ "asks-in-vain", "what it is told between two rounds is forgotten" },
	{ "clears", "right, too: who arms a bell takes back former posts" },
	{ "bit", "the bell is a bit, without a generation" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=4" },
	{ NULL, "processes=3 rounds=3" },
	{ "for ever", "processes=2 rounds=1 variant=no-look" },
	{ "for ever", "processes=2 rounds=1 variant=look-first" },
	{ "for ever", "processes=3 rounds=2 variant=asks-in-vain" },
	{ "for ever", "processes=2 rounds=3 variant=bit" },
	{ NULL, "processes=3 rounds=3 variant=clears" },
	{ 0 },
};

static const struct trial deep[] = { { 0 } };

const struct model model = {
	.name = "sleep of a manager's server",
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
	.most = { .processes = 4, .rounds = 9 },
};
