/* fence.c - the fences around the bell of a pipe: mp/fence.h.
 *
 *	sender				receiver
 *	sent = n			bell = armed
 *	light fence			heavy fence
 *	is the bell armed?  post	is n sent?  sleep
 *
 * A processor keeps its stores in a buffer for a while, first in, first out:
 * its own loads see them, the others' do not.  Here the buffer is explicit, and
 * at any time its first store may come out.  membarrier, the heavy fence,
 * empties everybody's buffer; then the light fence is none.  With variant full
 * both sides have a fence that empties their own.
 *
 * A sends, B receives.  An atomic compare-and-swap empties the buffer as well.
 * What else there is to the bell: pipe.c.
 */
#include "explore.h"

#include <stdio.h>

#define ARMED      1
#define GENERATION 2
#define BUFFER     2 /* stores of A */

enum {
	SEND, /* A */
	LIGHT,
	LISTEN,
	POST,
	DISARM,
	LOOK_AT, /* B */
	ARM,
	HEAVY,
	AGAIN,
	POLL,
	DRAIN
};

struct state {
	uint8_t sent, taken;
	uint8_t bell;
	uint8_t post; /* the eventfd */
	struct process {
		uint8_t at, rounds;
		uint8_t buffered; /* A: stores of sent; B: 1: of the bell, */
		uint8_t value;    /* this one */
		uint8_t old;      /* the bell as read */
	} p[PROCESSES];
};

static void start(struct state *s)
{
	s->p[0] = (struct process){ .at = SEND, .rounds = 0 };
	s->p[0].rounds = s->p[1].rounds = (uint8_t)setup.rounds;
	s->p[1].at = LOOK_AT;
}

/* The first store of a buffer comes out. */
static void come_out(struct state *s, int p)
{
	struct process *it = &s->p[p];

	if (it->buffered == 0)
		return;
	it->buffered--;
	if (p == 0)
		s->sent++;
	else
		s->bell = it->value;
	if (p == 1)
		it->value = 0;
}

static void empty(struct state *s, int p)
{
	while (s->p[p].buffered > 0)
		come_out(s, p);
}

/* Does this side have a fence of its own? */
static bool fences(int p)
{
	return variant("full") ||
	       variant(p == 0 ? "sender-only" : "receiver-only");
}

static const char *send(struct state *s, struct process *me)
{
	switch (me->at) {
	case SEND:
		if (me->buffered == BUFFER)
			come_out(s, 0);
		me->buffered++;
		me->at = LIGHT;
		return "send";
	case LIGHT:
		if (fences(0))
			empty(s, 0);
		me->at = LISTEN;
		return "light";
	case LISTEN:
		me->old = s->bell;
		me->at = POST;
		if (s->bell & ARMED)
			return "load";
		me->old = 0;
		me->rounds--;
		me->at = SEND;
		return "load";
	case POST:
		s->post = 1;
		me->at = DISARM;
		return "post";
	default: /* DISARM */
		empty(s, 0);
		if (s->bell == me->old)
			s->bell &= (uint8_t)~ARMED;
		me->old = 0;
		me->rounds--;
		me->at = SEND;
		return "cas";
	}
}

static const char *receive(struct state *s, struct process *me)
{
	uint8_t g = GENERATION;

	switch (me->at) {
	case LOOK_AT:
		me->at = s->sent > s->taken ? LOOK_AT : ARM;
		if (s->sent > s->taken) {
			s->taken++;
			me->rounds--;
		}
		return "look";
	case ARM: /* by a word that nobody remembers */
		while (g == (s->bell & ~ARMED) || g == (s->p[0].old & ~ARMED))
			g += GENERATION;
		me->buffered = 1;
		me->value = g | ARMED;
		me->at = HEAVY;
		return "arm";
	case HEAVY:
		if (setup.variant == NULL)
			empty(s, 0);
		if (setup.variant == NULL || fences(1))
			empty(s, 1);
		me->at = AGAIN;
		return "heavy";
	case AGAIN:
		me->at = s->sent > s->taken ? LOOK_AT : POLL;
		return "look";
	case POLL:
		empty(s, 1);
		if (s->post == 0)
			return NULL;
		me->at = DRAIN;
		return "poll";
	default: /* DRAIN */
		s->post = 0;
		me->at = LOOK_AT;
		return "drain";
	}
}

/* The next action of the program, or of its buffer. */
static const char *move(struct state *s, int p, enum how how)
{
	struct process *me = &s->p[p];
	bool runs = me->rounds > 0 &&
		    (me->at != POLL || s->post > 0 || me->buffered > 0);
	int options = runs + (me->buffered > 0);

	if (how != ACT || options == 0)
		return NULL;
	if (choose(options) == 1 || !runs) {
		come_out(s, p);
		return "flush";
	}
	if (me->at == POLL && s->post == 0) { /* asleep: all has come out */
		empty(s, p);
		return "poll";
	}
	return p == 0 ? send(s, me) : receive(s, me);
}

static bool ended(const struct state *s)
{
	return s->p[0].rounds == 0 && s->p[1].rounds == 0;
}

static const char *wrong(const struct state *s)
{
	(void)s;
	return NULL;
}

static void show(const struct state *s)
{
	static const char *const places[] = { "sends", "fences",  "listens",
					      "posts", "disarms", "looks",
					      "arms",  "fences",  "looks again",
					      "polls", "drains" };

	printf("sent %d (and %d)  bell%s%s  post %d", s->sent, s->p[0].buffered,
	       s->bell & ARMED ? " ARMED" : "",
	       s->p[1].buffered ? " (will be ARMED)" : "", s->post);
	for (int p = 0; p < setup.processes; p++)
		printf("  %c %s", 'A' + p,
		       s->p[p].rounds == 0 ? "is done" : places[s->p[p].at]);
}

static const struct variant variants[] = {
	{ "full", "right, with a fence on each side" },
	{ "none", "no fence on either side" },
	{ "sender-only", "only the sender has a fence" },
	{ "receiver-only", "only the receiver has one, for itself; or the "
			   "sender is not registered for membarrier" },
	{ 0 },
};

static const struct trial trials[] = {
	{ NULL, "processes=2 rounds=4" },
	{ NULL, "processes=2 rounds=4 variant=full" },
	{ "for ever", "processes=2 rounds=1 variant=none" },
	{ "for ever", "processes=2 rounds=1 variant=sender-only" },
	{ "for ever", "processes=2 rounds=1 variant=receiver-only" },
	{ 0 },
};

static const struct trial deep[] = { { 0 } };

const struct model model = {
	.name = "fences of a pipe's bell, with store buffers",
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
	.most = { .processes = 2, .rounds = 9 },
};
