/* latency - family latency: there and back, 8 bytes (or --bytes).
 *
 *	latency/HOW/place:PLACE/pace:busy	one after the other
 *	latency/HOW/place:PLACE/pace:1ms	one each millisecond: whoever
 *						answers is asleep meanwhile
 *
 * The ways stand in ways/; how it is measured, in ways/trips.h.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/family.h"
#include "harness/python.h"
#include "ways/flow.h"
#include "ways/trips.h"

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
static struct histogram *histogram;
static const char *const pythons[] = { "python_pipe", "python_queue",
				       "python_simplequeue" };

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
	trips_run(st, &t);
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
		if (trips_measure(st, &t) < 0)
			break;
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
		char *answer = python_ask(
			st, "latency %s %lld %d %d %d %lld",
			how + strlen("python_"), (long long)bytes, one,
			other < 0 ? one : other, t.paced ? TRIPS_PACE_NS : 0,
			(long long)t.ns);
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

	histogram = trips_prepare();
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
