/* step14_mp.c - a fast producer, slow consumers: mp_queue.  [works]
 *
 * Build:  cc -O2 -o step14_mp step14_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_queue_put(), mp_queue_get(), mp_queue_close()
 * Try:    ./step14_mp
 * Trace:  ./step14_mp trace=trace.json
 * See:    each once, in order.  The trace has the depth: soon 8, at last 0.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mp/process.h"
#include "mp/queue.h"
#include "mp/shm.h"
#include "mp/trace.h"

static struct mp_queue *queue, *done;
static struct mp_shm memory[2];
static useconds_t unit = 20000; /* or RAWMP_UNIT_MS */

static void must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}
#define trace_depth() mp_trace_count("queue", mp_queue_qsize(queue))

static int produce(void *n)
{
	for (int i = 1; i <= *(int *)n; i++) {
		usleep(unit / 5);
		mp_trace_begin(MP_TRACE_WAIT, "put");
		must("put", mp_queue_put(queue, &i, sizeof(i), -1));
		mp_trace_end();
		trace_depth();
	}
	must("close", mp_queue_close(queue));
	return 0;
}

static int consume(void *who) /* until the queue is closed and empty */
{
	int line[2] = { 0, *(int *)who };

	while (mp_queue_get(queue, line, sizeof(int), -1, NULL) == 0) {
		trace_depth();
		mp_trace_begin(MP_TRACE_HOLD, "work");
		usleep(unit);
		mp_trace_end();
		must("done", mp_queue_put(done, line, sizeof(line), -1));
	}
	return 0;
}

static void story(int consumers)
{
	int numbers[] = { 20, 1, 2 }, last[3] = { 0 }, line[2], sum = 0;
	struct mp_process p[3];

	must("queue", mp_queue_init(queue = memory[0].addr, 8, 1024, 0));
	must("queue", mp_queue_init(done = memory[1].addr, 20, 1024, 0));
	for (int i = 0; i <= consumers; i++) {
		must("init", mp_process_init(&p[i], i ? consume : produce,
					     &numbers[i], NULL));
		must("start", mp_process_start(&p[i]));
	}
	for (int i = 0; i <= consumers; i++)
		must("join", mp_process_join(&p[i], -1));
	for (; mp_queue_get(done, line, 8, 0, NULL) == 0; last[line[1]] = *line)
		sum += line[0] > last[line[1]] ? line[0] : 0;
	printf("consumers: %d, 1 + ... + 20 in order: %d\n", consumers, sum);
}

int main(int argc, char *argv[])
{
	if (getenv("RAWMP_UNIT_MS"))
		unit = 1000 * (useconds_t)atoi(getenv("RAWMP_UNIT_MS"));
	if (argc > 1 && strncmp(argv[1], "trace=", 6) != 0)
		errx(2, "'%s' is not trace=FILE", argv[1]);
	must("trace", argc > 1 ? mp_trace_start(4096) : 0);
	for (int i = 0; i < 2; i++)
		must("memory",
		     mp_shm_create(&memory[i], NULL, mp_queue_size(20, 1024)));
	story(1);
	story(2);
	must(argv[argc - 1], argc > 1 ? mp_trace_write(argv[1] + 6) : 0);
	return 0;
}
