/* See flow.h. */
#include "ways/flow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/place.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "ways/payload.h"

static int ms = 50;

const char *flow_take_ms(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end != '\0' || n < 1 || n > 10000)
		return "a number from 1 to 10000 is wanted";
	ms = (int)n;
	return NULL;
}

int64_t flow_ns(void)
{
	int n = gb_smoke() ? 1 : gb_counting() && ms > 20 ? 20 : ms;

	return n * 1000000LL;
}

/* ---- what is shared ---- */

struct tally {
	_Alignas(128) struct usage usage; /* in the time that counts */
	int error;                        /* of enter */
	/* A producer's. */
	uint64_t sent;
	/* A consumer's. */
	uint64_t timed;     /* how many it had in that time */
	int64_t begin, end; /* of it; begin 0: none came */
	uint64_t received[FLOW_MOST], sum[FLOW_MOST]; /* of each producer */
};

struct board {
	_Atomic int64_t begun; /* when the first of all began */
	_Atomic int ended;     /* producers */
	_Atomic int told;      /* somebody has written why */
	char why[96];
	struct tally tally[2 * FLOW_MOST];
};

struct run {
	struct flow *flow;
	struct board *board;
	int64_t warm_ns, ns;
	uint64_t least; /* messages of each producer in that time */
};

__attribute__((format(printf, 2, 3))) static int fail(const struct run *r,
						      const char *format, ...)
{
	va_list ap;

	if (atomic_exchange(&r->board->told, 1) != 0)
		return 1;
	va_start(ap, format);
	vsnprintf(r->board->why, sizeof(r->board->why), format, ap);
	va_end(ap);
	return 1;
}

static int64_t begun(const struct run *r)
{
	int64_t first = 0, now = mp_clock_now();

	return atomic_compare_exchange_strong(&r->board->begun, &first, now)
		       ? now
		       : first;
}

/* So many messages between two looks at the clock. */
static uint64_t often(const struct channel *c)
{
	uint64_t n = (256 << 10) / c->bytes;

	return n < 1 ? 1 : n > 256 ? 256 : n;
}

/* A process's own buffer, touched. */
static void *buffer_of(const struct channel *c)
{
	char *p = NULL;

	if (posix_memalign((void **)&p, 4096, c->bytes + 4096) != 0)
		return NULL;
	memset(p, 1, c->bytes + 4096);
	return p + WAY_ROOM;
}

/* ---- a producer ---- */

static int end_all(const struct run *r, void *message)
{
	struct flow *f = r->flow;
	size_t n = f->channel.bytes;
	int e = 0;

	/* The last of them: what all have sent is before it. */
	if (atomic_fetch_add(&r->board->ended, 1) + 1 < f->producers)
		return 0;
	for (int i = 0; i < f->consumers && e == 0; i++) {
		if (f->way->room != NULL)
			message = f->way->room(&f->channel);
		payload_write(message, n, PAYLOAD_END);
		e = f->way->send(&f->channel, 0, message, n);
	}
	return e;
}

static int produce(const struct run *r, int index, struct tally *mine)
{
	struct flow *f = r->flow;
	struct channel *c = &f->channel;
	uint64_t sent = 0, until = 0, every = often(c);
	int64_t warm = begun(r) + r->warm_ns, now;
	void *own = buffer_of(c), *message = own;
	struct usage before, after;
	int e = 0;

	if (own == NULL)
		return fail(r, "no memory for a message");
	usage_now(&before);
	for (bool timed = false; e == 0; sent++) {
		if (sent % every == 0) {
			now = mp_clock_now();
			if (!timed && now >= warm) {
				usage_now(&before);
				timed = true;
				until = sent + r->least;
			}
			if (timed && now >= warm + r->ns && sent >= until)
				break;
		}
		if (f->way->room != NULL)
			message = f->way->room(c);
		payload_write(message, c->bytes, payload_first(index, sent));
		e = f->way->send(c, 0, message, c->bytes);
	}
	mine->sent = sent;
	usage_now(&after);
	mine->usage = usage_between(&before, &after);
	if (e == 0)
		e = end_all(r, own);
	return e == 0 ? 0 : fail(r, "send: %s", strerror(-e));
}

/* ---- a consumer ---- */

/* Is it what comes next? */
static int judge(const struct run *r, const void *message, struct tally *mine,
		 uint64_t *next)
{
	const struct flow *f = r->flow;
	uint64_t first = *(const uint64_t *)message;
	int sender = payload_sender(first);
	uint64_t number = payload_number(first);

	if (sender >= f->producers ||
	    payload_check(message, f->channel.bytes) != 0)
		return fail(r, "a message was damaged");
	if (number < next[sender] ||
	    (number > next[sender] && f->consumers == 1))
		return fail(r,
			    "message %" PRIu64 " came where %" PRIu64
			    " was expected",
			    number, next[sender]);
	next[sender] = number + 1;
	mine->received[sender]++;
	mine->sum[sender] += number;
	return 0;
}

static int consume(const struct run *r, struct tally *mine)
{
	struct flow *f = r->flow;
	struct channel *c = &f->channel;
	uint64_t next[FLOW_MOST] = { 0 };
	int64_t begin = begun(r) + r->warm_ns;
	uint64_t *message = buffer_of(c);
	struct usage before, after;
	bool timed = false;
	int e;

	if (message == NULL)
		return fail(r, "no memory for a message");
	usage_now(&before);
	while ((e = f->way->receive(c, 1, message, c->bytes)) == 0 &&
	       message[0] != PAYLOAD_END) {
		if (judge(r, message, mine, next) != 0)
			return 1;
		if (timed) {
			mine->timed++;
		} else if (mp_clock_now() >= begin) {
			usage_now(&before);
			mine->begin = mp_clock_now();
			timed = true;
		}
	}
	mine->end = mp_clock_now();
	usage_now(&after);
	mine->usage = usage_between(&before, &after);
	return e == 0 ? 0 : fail(r, "receive: %s", strerror(-e));
}

/* ---- all of them ---- */

static void before(int index, void *arg)
{
	const struct run *r = arg;
	struct flow *f = r->flow;
	int side = index < f->producers ? 0 : 1;

	place_child(side == 0 ? place_parent_cpu(PLACE_CROSS)
			      : place_child_cpu(PLACE_CROSS));
	if (f->way->enter != NULL)
		r->board->tally[index].error = f->way->enter(&f->channel, side);
}

static int member(int index, void *arg)
{
	const struct run *r = arg;
	struct flow *f = r->flow;
	struct tally *mine = &r->board->tally[index];
	int side = index < f->producers ? 0 : 1, bad;

	if (mine->error < 0)
		return fail(r, "enter: %s", strerror(-mine->error));
	bad = side == 0 ? produce(r, index, mine) : consume(r, mine);
	if (bad == 0 && f->way->leave != NULL)
		bad = f->way->leave(&f->channel, side);
	return bad;
}

/* Has each message that was sent been received, once? */
static int complete(const struct run *r)
{
	const struct flow *f = r->flow;
	const struct tally *t = r->board->tally;

	for (int p = 0; p < f->producers; p++) {
		uint64_t n = 0, sum = 0, sent = t[p].sent;

		for (int i = f->producers; i < f->producers + f->consumers;
		     i++) {
			n += t[i].received[p];
			sum += t[i].sum[p];
		}
		if (n != sent || sum != (sent > 0 ? sent * (sent - 1) / 2 : 0))
			return fail(r,
				    "%" PRIu64 " messages sent, %" PRIu64
				    " received",
				    sent, n);
	}
	return 0;
}

static void report(const struct run *r, struct gb_state *st)
{
	const struct flow *f = r->flow;
	struct usage u = { 0 };
	int64_t begin = INT64_MAX, end = 0;
	uint64_t n = 0;

	for (int i = 0; i < f->producers + f->consumers; i++) {
		const struct tally *t = &r->board->tally[i];

		u.cpu_ns += t->usage.cpu_ns;
		u.voluntary += t->usage.voluntary;
		u.involuntary += t->usage.involuntary;
		u.faults += t->usage.faults;
		n += t->timed;
		if (t->begin > 0 && t->begin < begin)
			begin = t->begin;
		if (t->end > end)
			end = t->end;
	}
	if (n == 0) {
		gb_error(st, "no message came in time");
		return;
	}
	gb_usage(st, &u);
	flow_report(st, n, f->channel.bytes, end - begin);
}

void flow_report(struct gb_state *st, uint64_t n, size_t bytes, int64_t ns)
{
	double rate = (double)n / (double)ns * 1e9;

	gb_operations(st, n);
	gb_time(st, ns);
	gb_counter(st, "messages_per_second", rate);
	gb_counter(st, "bytes_per_second", rate * (double)bytes);
}

/* 0, or it was said why not. */
static int go(struct gb_state *st, struct run *r)
{
	struct flow *f = r->flow;
	struct team t = { .n = f->producers + f->consumers,
			  .before = before,
			  .work = member,
			  .arg = r };
	int64_t ns;
	int e;

	r->board = mmap(NULL, sizeof(*r->board), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->board == MAP_FAILED) {
		gb_error(st, "no memory for the counts");
		return -ENOMEM;
	}
	e = channel_make(&f->channel, f->way);
	if (e < 0 && f->channel.why[0] != '\0')
		gb_skip(st, "%s", f->channel.why);
	else if (e < 0)
		gb_error(st, "%s: %s", f->way->name, strerror(-e));
	if (e < 0)
		return e;
	if (f->channel.but[0] != '\0')
		gb_label(st, "%s", f->channel.but);
	e = team_run(&t, &ns);
	if (e == 0 && complete(r) != 0)
		e = -EBADMSG;
	if (e < 0)
		gb_error(st, "%s",
			 atomic_load(&r->board->told) ? r->board->why : t.why);
	channel_done(&f->channel, f->way);
	return e;
}

static void end(struct run *r)
{
	if (r->board != MAP_FAILED)
		munmap(r->board, sizeof(*r->board));
}

void flow_prepare(struct gb_state *st, struct flow *f)
{
	struct run r = { .flow = f };

	if (place_parent(PLACE_CROSS) < 0) {
		place_parent(PLACE_SAME);
		gb_label(st, "all on one CPU");
	}
	if (!gb_counting())
		return;
	/* What the start and the end cost is not counted. */
	gb_discount_begin(st);
	go(st, &r);
	gb_discount_end(st);
	end(&r);
}

void flow_measure(struct gb_state *st, struct flow *f)
{
	int64_t ns = flow_ns();
	struct run r = { .flow = f,
			 .warm_ns = gb_counting() ? 0 : ns / 5,
			 .ns = ns,
			 .least = 16 };

	GB_LOOP(st)
	{
		if (go(st, &r) < 0) {
			end(&r);
			break;
		}
		report(&r, st);
		end(&r);
	}
}
