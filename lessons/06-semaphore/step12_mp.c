/* step12_mp.c - six workers, two seats: what the library offers.  [works]
 *
 * Build:  cc -O2 -o step12_mp step12_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_semaphore, mp_condition, mp_event, mp_barrier
 * Try:    ./step12_mp
 * Trace:  ./step12_mp trace=trace.json
 * See:    the trace has two lanes inside at a time, and the value beside them.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "mp/barrier.h"
#include "mp/condition.h"
#include "mp/event.h"
#include "mp/process.h"
#include "mp/semaphore.h"
#include "mp/shm.h"
#include "mp/trace.h"

static struct shared {
	struct mp_event start;
	struct mp_semaphore seats;
	struct mp_barrier all;
	struct mp_lock lock;
	struct mp_condition company;
	int came; /* guarded by the lock */
} * s;

static void must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}
#define wait_for(what, call) \
	(mp_trace_begin(MP_TRACE_WAIT, what), must(what, call), mp_trace_end())
#define trace_level() \
	mp_trace_count("semaphore", (int)mp_semaphore_value(&s->seats))

/* Nobody works alone: the first who comes waits for the second. */
static void find_company(void)
{
	must("lock", mp_lock_acquire(&s->lock, -1));
	s->came++;
	mp_condition_notify_all(&s->company, &s->lock);
	while (s->came < 2)
		must("wait", mp_condition_wait(&s->company, &s->lock, -1));
	must("unlock", mp_lock_release(&s->lock));
}

static int worker(void *unused)
{
	wait_for("start", mp_event_wait(&s->start, -1));
	wait_for("seat", mp_semaphore_acquire(&s->seats, -1));
	trace_level();
	mp_trace_begin(MP_TRACE_HOLD, "seat");
	find_company();
	usleep(10000);
	mp_trace_end();
	must("release", mp_semaphore_release(&s->seats));
	trace_level();
	wait_for("barrier", mp_barrier_wait(&s->all, -1));
	return unused != NULL;
}

int main(int argc, char *argv[])
{
	struct mp_process p[6];
	struct mp_shm shm;

	if (argc > 1 && strncmp(argv[1], "trace=", 6) != 0)
		errx(2, "'%s' is not trace=FILE", argv[1]);
	must("trace", argc > 1 ? mp_trace_start(4096) : 0);
	must("shared memory", mp_shm_create(&shm, NULL, sizeof(*s)));
	s = shm.addr;
	must("seats", mp_semaphore_init(&s->seats, 2, 2));
	must("barrier", mp_barrier_init(&s->all, 6));
	trace_level();
	for (int i = 0; i < 6; i++) {
		must("init", mp_process_init(&p[i], worker, NULL, NULL));
		must("start", mp_process_start(&p[i]));
	}
	mp_event_set(&s->start);
	for (int i = 0; i < 6; i++)
		must("join", mp_process_join(&p[i], -1));
	printf("%d workers have been inside, the value is %u\n", s->came,
	       mp_semaphore_value(&s->seats));
	must(argv[argc - 1], argc > 1 ? mp_trace_write(argv[1] + 6) : 0);
	return 0;
}
