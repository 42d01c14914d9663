/* queue - family queue: 64 bytes, from producers to consumers.
 *
 *	queue/HOW/shape:2P2C/capacity:N
 *
 * Producers on the first CPU, consumers on the second; so `ring`, which yields
 * when it has to wait, is the limit of what can be had (and is not to be
 * killed).  The ways stand in ways/, the loops around them in ways/flow.c.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/family.h"
#include "harness/python.h"
#include "ways/flow.h"

#define BYTES 64

static const char *const shape_labels[] = { "1P1C", "2P2C", "4P4C",
					    "4P1C", "1P4C", NULL };
static const struct {
	int producers, consumers;
} shapes[] = { { 1, 1 }, { 2, 2 }, { 4, 4 }, { 4, 1 }, { 1, 4 } };
static const int64_t capacities[] = { 16, 64, 256, 1024, 32768 };

#define SHAPES     (sizeof(shapes) / sizeof(shapes[0]))
#define CAPACITIES (sizeof(capacities) / sizeof(capacities[0]))

static const struct {
	const char *name;
	const struct way *way;
} ways[] = {
	{ "rawmp", &way_rawmp_queue },
	{ "ring", &way_slots },
	{ "pipe", &way_pipe },
	{ "posix_mq", &way_posix_mq },
	{ "seqpacket", &way_socketpair_seqpacket },
	{ "mutex_cond", &way_mutex_cond },
	{ "boost", &way_boost },
};
static const char *const pythons[] = { "python_queue", "python_simplequeue" };

static struct flow flow_of(const struct gb_state *st)
{
	int64_t shape = gb_argument(st, 0);

	return (struct flow){ .way = gb_user(st),
			      .channel = { .bytes = BYTES,
					   .items =
						   (uint32_t)gb_argument(st, 1),
					   .many = true },
			      .producers = shapes[shape].producers,
			      .consumers = shapes[shape].consumers };
}

static void setup(struct gb_state *st)
{
	struct flow f = flow_of(st);

	flow_prepare(st, &f);
}

static void queue(struct gb_state *st)
{
	struct flow f = flow_of(st);

	flow_measure(st, &f);
}

static void teardown(struct gb_state *st)
{
	(void)st;
	place_reset();
}

static void queue_python(struct gb_state *st)
{
	struct flow f = flow_of(st);
	const char *how = gb_user(st);
	int one = place_parent_cpu(PLACE_CROSS);
	int other = place_child_cpu(PLACE_CROSS);

	GB_LOOP(st)
	{
		char *answer = python_ask(
			st, "queue %s %d %d %lld %d %d %lld",
			how + strlen("python_"), f.producers, f.consumers,
			(long long)gb_argument(st, 1), one,
			other < 0 ? one : other, (long long)flow_ns());
		int64_t ns;

		if (answer == NULL)
			break;
		ns = strtoll(answer, &answer, 10);
		flow_report(st, strtoull(answer, NULL, 10), BYTES, ns);
	}
}

static const struct gb_argument arguments[] = { { "shape", shape_labels },
						{ "capacity", NULL } };

static void prepare(void)
{
	static int64_t rows[SHAPES * CAPACITIES][GB_ARGUMENTS];
	static int64_t pipe_rows[SHAPES][GB_ARGUMENTS];
	struct gb_benchmark b = { .run = queue,
				  .setup = setup,
				  .teardown = teardown,
				  .arguments = arguments,
				  .narguments = 2,
				  .rows = (const int64_t(*)[])rows,
				  .nrows = SHAPES * CAPACITIES,
				  .clock = GB_MANUAL_TIME,
				  .once = true };

	for (size_t i = 0; i < SHAPES * CAPACITIES; i++) {
		rows[i][0] = (int64_t)(i / CAPACITIES);
		rows[i][1] = capacities[i % CAPACITIES];
	}
	for (size_t i = 0; i < SHAPES; i++) {
		pipe_rows[i][0] = (int64_t)i;
		pipe_rows[i][1] = 1024; /* a pipe's 64 KiB: not to be chosen */
	}
	gb_context("place", place_description());
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		b.user = ways[i].way;
		family_add("queue", ways[i].name, b);
	}
	b.run = queue_python;
	b.setup = python_start;
	b.user = pythons[0];
	family_add("queue", pythons[0], b);
	b.user = pythons[1];
	b.rows = (const int64_t(*)[])pipe_rows;
	b.nrows = SHAPES;
	family_add("queue", pythons[1], b);
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "ms", "N", "how long each is measured (50)", flow_take_ms },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Messages of 64 bytes, many to many.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "messages_peer.py");
}
