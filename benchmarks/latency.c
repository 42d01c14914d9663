/* latency - family latency: there and back, 8 bytes (or --bytes).
 *
 *	latency/HOW/place:PLACE/pace:busy	one after the other
 *	latency/HOW/place:PLACE/pace:1ms	one each millisecond: whoever
 *						answers is asleep meanwhile
 *
 * The ways stand in ways/.  The asker times each round trip; the answer must be
 * the question's complement.  With a pace the time begins when the question was
 * to be sent, so that one that is late makes the next ones late too; the asker
 * waits for that moment awake, and the CPU time of that is not counted.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/family.h"
#include "harness/histogram.h"
#include "harness/python.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "mp/spin.h"
#include "ways/flow.h"
#include "ways/payload.h"

#define PACE_NS 1000000
#define STOP    (UINT64_MAX - 1) /* the last question */

enum { BUSY, PACED };
static const char *const pace_labels[] = { "busy", "1ms", NULL };

static const struct way *const ways[] = {
	&way_pipe,
	&way_fifo,
	&way_socketpair_stream,
	&way_socketpair_seqpacket,
	&way_socketpair_dgram,
	&way_tcp,
	&way_udp,
	&way_posix_mq,
	&way_sysv_mq,
	&way_eventfd,
	&way_signal,
	&way_futex,
	&way_posix_sem,
	&way_sysv_sem,
	&way_spin,
	&way_yield,
	&way_rawmp_pipe,
	&way_rawmp_queue,
	&way_boost,
	&way_zeromq,
	&way_nng,
};
static const char *const pythons[] = { "python_pipe", "python_queue",
				       "python_simplequeue" };

/* ---- two processes ---- */

/* Shared. */
static struct stage {
	_Atomic int error;     /* of a side */
	_Atomic bool counts;   /* no longer warming up */
	struct usage usage[2]; /* in the time that counts */
	uint64_t trips;
	int64_t sum;
} * stage;
static struct histogram *histogram;

struct trips {
	const struct way *way;
	struct channel channel;
	enum place place;
	int64_t ns;    /* so long */
	uint64_t warm; /* at most so many before, which do not count */
	bool paced;
};

static int64_t bytes = 8;

static const char *take_bytes(const char *value)
{
	char *end;

	bytes = strtol(value, &end, 10);
	if (end == value || *end != '\0' || bytes < 8 || bytes > 1 << 20 ||
	    bytes % 8 != 0)
		return "a multiple of 8 from 8 to 1048576 is wanted";
	return NULL;
}

/* A side's own buffer, touched. */
static uint64_t *message_of(const struct trips *t)
{
	size_t n = t->channel.bytes + WAY_ROOM;
	char *p = malloc(n);

	if (p == NULL)
		return NULL;
	memset(p, 1, n);
	return (uint64_t *)(void *)(p + WAY_ROOM);
}

static int64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Awake until then; the CPU time of it. */
static int64_t wait_until(int64_t ns)
{
	/* What asks for it would be counted. */
	int64_t begin = gb_counting() ? 0 : cpu_now();

	while (mp_clock_now() < ns)
		mp_spin_relax();
	return gb_counting() ? 0 : cpu_now() - begin;
}

/* Question k, and its answer: how long it took; -errno. */
static int64_t trip(struct trips *t, uint64_t *m, uint64_t k, int64_t begin)
{
	size_t n = t->channel.bytes;
	int e;

	payload_write(m, n, k);
	e = t->way->send(&t->channel, 0, m, n);
	if (e == 0)
		e = t->way->receive(&t->channel, 0, m, n);
	if (e == 0 && (m[0] != ~k || payload_check(m, n) != 0))
		e = -EBADMSG;
	return e < 0 ? e : mp_clock_now() - begin;
}

/* Does trip k count? */
static bool warm_enough(const struct trips *t, uint64_t k, int64_t first)
{
	return k > t->warm || (k > 1 && mp_clock_now() > first + t->ns / 5);
}

static int asker(struct trips *t)
{
	uint64_t *m = message_of(t);
	struct usage before, after;
	int64_t begin = 0, waited = 0, ns = 0, over = INT64_MAX;
	int64_t first = mp_clock_now();
	bool counts = false;

	if (m == NULL)
		return -ENOMEM;
	for (uint64_t k = 1; t->ns > 0 && begin + ns < over; k++) {
		if (t->paced && k > 1) {
			begin = first + (int64_t)k * PACE_NS;
			waited += wait_until(begin);
		}
		if (!counts && warm_enough(t, k, first)) {
			usage_now(&before);
			waited = 0;
			over = mp_clock_now() + t->ns;
			counts = true;
			stage->counts = true;
		}
		if (!t->paced || k == 1)
			begin = mp_clock_now();
		ns = trip(t, m, k, begin);
		if (ns < 0)
			return (int)ns;
		if (k == 1) /* it may have had to connect */
			first = mp_clock_now();
		if (!counts)
			continue;
		histogram_record(histogram, ns);
		stage->sum += ns;
		stage->trips++;
	}
	usage_now(&after);
	if (t->ns > 0)
		stage->usage[0] = usage_between(&before, &after);
	stage->usage[0].cpu_ns -= waited;
	payload_write(m, t->channel.bytes, STOP);
	return t->way->send(&t->channel, 0, m, t->channel.bytes);
}

static int answerer(struct trips *t)
{
	struct usage before, after;
	size_t n = t->channel.bytes;
	uint64_t *m = message_of(t), k = 0;
	bool counts = false;
	int e;

	if (m == NULL)
		return -ENOMEM;
	usage_now(&before);
	while ((e = t->way->receive(&t->channel, 1, m, n)) == 0 &&
	       m[0] != STOP) {
		if (m[0] != ++k || payload_check(m, n) != 0)
			return -EBADMSG;
		if (!counts && stage->counts) {
			usage_now(&before);
			counts = true;
		}
		payload_write(m, n, ~k);
		e = t->way->send(&t->channel, 1, m, n);
		if (e < 0)
			break;
	}
	usage_now(&after);
	stage->usage[1] = usage_between(&before, &after);
	return e;
}

static void place_side(int side, void *arg)
{
	struct trips *t = arg;
	int e = 0;

	place_child(side == 0 ? place_parent_cpu(t->place)
			      : place_child_cpu(t->place));
	if (t->way->enter != NULL)
		e = t->way->enter(&t->channel, side);
	if (e < 0)
		stage->error = e;
}

static int side(int index, void *arg)
{
	struct trips *t = arg;
	int e = stage->error;

	if (e == 0)
		e = index == 0 ? asker(t) : answerer(t);
	if (e == 0 && t->way->leave != NULL)
		e = t->way->leave(&t->channel, index);
	if (e < 0)
		stage->error = e;
	return e;
}

/* 0, or it was said why not. */
static int go(struct gb_state *st, struct trips *t)
{
	struct team team = {
		.n = 2, .before = place_side, .work = side, .arg = t
	};
	int64_t ns;
	int e;

	memset(stage, 0, sizeof(*stage));
	histogram_reset(histogram);
	e = channel_make(&t->channel, t->way);
	if (e < 0 && t->channel.why[0] != '\0')
		gb_skip(st, "%s", t->channel.why);
	else if (e < 0)
		gb_error(st, "%s: %s", t->way->name, strerror(-e));
	if (e < 0)
		return e;
	e = team_run(&team, &ns);
	channel_done(&t->channel, t->way);
	if (e < 0 && stage->error == -EBADMSG)
		gb_error(st, "a message is not the one that was sent");
	else if (e < 0 && stage->error < 0)
		gb_error(st, "%s", strerror(-stage->error));
	else if (e < 0)
		gb_error(st, "%s", team.why);
	return e;
}

/* ---- benchmarks ---- */

static struct trips trips_of(const struct gb_state *st)
{
	bool paced = gb_argument(st, 1) == PACED;

	return (struct trips){ .way = gb_user(st),
			       .channel = { .bytes = (size_t)bytes,
					    .both = true },
			       .place = (enum place)gb_argument(st, 0),
			       .ns = flow_ns() * (paced ? 2 : 1),
			       .warm = paced ? 3 : 100,
			       .paced = paced };
}

/* Two on one CPU, and one that never gives it away? */
static bool hopeless(const struct trips *t)
{
	return t->way->spins &&
	       (t->place == PLACE_SAME || place_child_cpu(PLACE_CROSS) < 0);
}

static void setup(struct gb_state *st)
{
	struct trips t = trips_of(st);

	if (family_place(st, t.place) < 0)
		return;
	if (hopeless(&t)) {
		gb_skip(st, "two that spin on one CPU wait for the end of each "
			    "other's time slice");
		return;
	}
	if (!gb_counting())
		return;
	t.ns = 0;
	gb_discount_begin(st);
	go(st, &t);
	gb_discount_end(st);
}

static void teardown(struct gb_state *st)
{
	(void)st;
	place_reset();
}

static void latency(struct gb_state *st)
{
	struct trips t = trips_of(st);

	if (gb_counting())
		t.warm = 0;
	GB_LOOP(st)
	{
		struct usage u;

		if (go(st, &t) < 0)
			break;
		u = stage->usage[0];
		u.cpu_ns += stage->usage[1].cpu_ns;
		u.voluntary += stage->usage[1].voluntary;
		u.involuntary += stage->usage[1].involuntary;
		u.faults += stage->usage[1].faults;
		gb_usage(st, &u);
		gb_operations(st, stage->trips);
		gb_time(st, stage->sum);
	}
	if (!gb_failed(st))
		histogram_report(histogram, st);
}

static void python_setup(struct gb_state *st)
{
	if (family_place(st, (enum place)gb_argument(st, 0)) == 0)
		python_start(st);
	place_reset(); /* it pins its own */
}

static void latency_python(struct gb_state *st)
{
	struct trips t = trips_of(st);
	const char *how = gb_user(st);
	int one = place_parent_cpu(t.place), other = place_child_cpu(t.place);

	histogram_reset(histogram);
	GB_LOOP(st)
	{
		char *answer =
			python_ask(st, "latency %s %lld %d %d %d %lld",
				   how + strlen("python_"), (long long)bytes,
				   one, other < 0 ? one : other,
				   t.paced ? PACE_NS : 0, (long long)t.ns);
		int64_t n, sum = 0;

		if (answer == NULL)
			break;
		n = strtoll(answer, &answer, 10);
		for (int64_t i = 0; i < n; i++) {
			int64_t ns = strtoll(answer, &answer, 10);

			histogram_record(histogram, ns);
			sum += ns;
		}
		gb_operations(st, (uint64_t)n);
		gb_time(st, sum);
	}
	if (!gb_failed(st))
		histogram_report(histogram, st);
}

/* ---- the list ---- */

static const struct gb_argument arguments[] = { { "place", place_labels },
						{ "pace", pace_labels } };

static void prepare(void)
{
	static const int64_t rows[][GB_ARGUMENTS] = {
		{ PLACE_SAME, BUSY },   { PLACE_CROSS, BUSY },
		{ PLACE_FREE, BUSY },   { PLACE_SAME, PACED },
		{ PLACE_CROSS, PACED }, { PLACE_FREE, PACED },
	};
	struct gb_benchmark b = { .run = latency,
				  .setup = setup,
				  .teardown = teardown,
				  .arguments = arguments,
				  .narguments = 2,
				  .rows = rows,
				  .nrows = 6,
				  .unit = GB_US,
				  .clock = GB_MANUAL_TIME,
				  .once = true };

	stage = family_memory(sizeof(*stage));
	histogram = histogram_create();
	gb_context("place", place_description());
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		b.user = ways[i];
		family_add("latency", ways[i]->name, b);
	}
	b.run = latency_python;
	b.setup = python_setup;
	for (size_t i = 0; i < sizeof(pythons) / sizeof(pythons[0]); i++) {
		b.user = pythons[i];
		family_add("latency", pythons[i], b);
	}
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "bytes", "N", "of a message (8)", take_bytes },
		{ "ms", "N", "how long each is measured (50)", flow_take_ms },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Round trips of 8 bytes.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "messages_peer.py");
}
