/* throughput - family throughput: from one process to one on another CPU.
 *
 *	throughput/HOW/bytes:N/buffer:SIZE
 *
 * The ways stand in ways/, the loops around them in ways/flow.c.  `buffer` is
 * how far the sender may be ahead, the same for all where it can be chosen.
 * The line that nobody passes is memcpy: two copies, and hardly a word
 * exchanged.  Python measures in itself (peers/messages_peer.py).
 */
#include <stdlib.h>
#include <string.h>

#include "harness/family.h"
#include "harness/python.h"
#include "ways/flow.h"

static const char *const buffer_labels[] = { "64K", "1M", "4M", NULL };
static const size_t buffer_sizes[] = { 64 << 10, 1 << 20, 4 << 20 };
static const int64_t sizes[] = { 8, 64, 1024, 4096, 64 << 10, 1 << 20 };

enum { SMALL = 1, MIDDLE = 2, LARGE = 4, ALL = 7 };

/* And which buffers it can have, or gains by. */
static const struct {
	const struct way *way;
	int buffers;
} ways[] = {
	{ &way_pipe, SMALL | MIDDLE },
	{ &way_socketpair_stream, SMALL | MIDDLE },
	{ &way_socketpair_seqpacket, SMALL | MIDDLE },
	{ &way_tcp, SMALL | LARGE },
	{ &way_posix_mq, SMALL },
	{ &way_sysv_mq, SMALL },
	{ &way_vmsplice, SMALL | MIDDLE },
	{ &way_process_vm_readv, SMALL | LARGE },
	{ &way_rawmp_pipe, ALL },
	{ &way_rawmp_queue, ALL },
	{ &way_memcpy, ALL },
	{ &way_ring, ALL },
	{ &way_boost, ALL },
	{ &way_zeromq, LARGE },
	{ &way_nng, LARGE },
};
static const char *const pythons[] = { "python_pipe", "python_queue",
				       "python_simplequeue" };

static struct flow flow_of(const struct gb_state *st)
{
	return (struct flow){
		.way = gb_user(st),
		.channel = { .bytes = (size_t)gb_argument(st, 0),
			     .buffer = buffer_sizes[gb_argument(st, 1)] },
		.producers = 1,
		.consumers = 1
	};
}

static void setup(struct gb_state *st)
{
	struct flow f = flow_of(st);

	flow_prepare(st, &f);
}

static void throughput(struct gb_state *st)
{
	struct flow f = flow_of(st);

	flow_measure(st, &f);
}

static void teardown(struct gb_state *st)
{
	(void)st;
	place_reset();
}

static void throughput_python(struct gb_state *st)
{
	const char *how = gb_user(st);
	int64_t bytes = gb_argument(st, 0);
	int one = place_parent_cpu(PLACE_CROSS);
	int other = place_child_cpu(PLACE_CROSS);

	GB_LOOP(st)
	{
		char *answer = python_ask(
			st, "throughput %s %lld %d %d %lld",
			how + strlen("python_"), (long long)bytes, one,
			other < 0 ? one : other, (long long)flow_ns());
		int64_t ns;

		if (answer == NULL)
			break;
		ns = strtoll(answer, &answer, 10);
		flow_report(st, strtoull(answer, NULL, 10), (size_t)bytes, ns);
	}
}

static const struct gb_argument arguments[] = { { "bytes", NULL },
						{ "buffer", buffer_labels } };
#define ROWS (3 * sizeof(sizes) / sizeof(sizes[0]))

/* A row for each size and each of these buffers; how many there are. */
static int rows_of(int buffers, const int64_t (**rows)[GB_ARGUMENTS])
{
	static int64_t all[ALL + 1][ROWS][GB_ARGUMENTS];
	int64_t(*mine)[GB_ARGUMENTS] = all[buffers];
	int n = 0;

	for (size_t i = 0; i < ROWS / 3; i++)
		for (int b = 0; b < 3; b++)
			if (buffers & 1 << b) {
				mine[n][0] = sizes[i];
				mine[n++][1] = b;
			}
	*rows = (const int64_t(*)[GB_ARGUMENTS])mine;
	return n;
}

static void prepare(void)
{
	struct gb_benchmark b = { .run = throughput,
				  .setup = setup,
				  .teardown = teardown,
				  .arguments = arguments,
				  .narguments = 2,
				  .clock = GB_MANUAL_TIME,
				  .once = true };

	gb_context("place", place_description());
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		b.user = ways[i].way;
		b.nrows = rows_of(ways[i].buffers, &b.rows);
		family_add("throughput", ways[i].way->name, b);
	}
	b.run = throughput_python;
	b.setup = python_start;
	b.nrows = rows_of(SMALL, &b.rows);
	for (size_t i = 0; i < sizeof(pythons) / sizeof(pythons[0]); i++) {
		b.user = pythons[i];
		family_add("throughput", pythons[i], b);
	}
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "ms", "N", "how long each is measured (50)", flow_take_ms },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Messages of all sizes, from one process to another.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "messages_peer.py");
}
