/* step13_mp.c - the watchdog of step 7 with mp_process.  [works]
 *
 * Build:  cc -O2 -o step13_mp step13_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_process_start(), mp_process_terminate(), mp_process_join()
 * Try:    ./step13_mp
 * See:    the lines of step 7; what steps 3, 8, 9 and 11 taught is inside.
 * Trace:  ./step13_mp trace=trace.json
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "mp/process.h"
#include "mp/shm.h"
#include "mp/trace.h"

static int heartbeat(void *beats)
{
	const char *unit = getenv("RAWMP_UNIT_MS");
	long ms = unit ? strtol(unit, NULL, 10) : 20;
	struct timespec interval = { ms / 1000, ms % 1000 * 1000000 };

	for (int i = 0; i < 1000; i++) {
		mp_trace_begin(MP_TRACE_WAIT, "sleep");
		nanosleep(&interval, NULL);
		mp_trace_end();
		dprintf(1, "heartbeat\n");
		mp_trace_mark("heartbeat");
		atomic_fetch_add((atomic_int *)beats, 1);
	}
	return 0;
}

static int primes_below(int n)
{
	int count = 0, d;

	mp_trace_begin(MP_TRACE_RUN, "compute");
	for (int i = 2; i < n; i++) {
		for (d = 2; d * d <= i && i % d != 0; d++)
			;
		count += d * d > i;
	}
	mp_trace_end();
	return count;
}

static void must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

int main(int argc, char *argv[])
{
	struct mp_process p;
	struct mp_shm shm;
	int code, primes;

	if (argc > 1 && strncmp(argv[1], "trace=", 6) != 0)
		errx(2, "'%s' is not trace=FILE", argv[1]);
	must("trace", argc > 1 ? mp_trace_start(4096) : 0);
	must("shared memory", mp_shm_create(&shm, NULL, sizeof(atomic_int)));
	must("init", mp_process_init(&p, heartbeat, shm.addr, NULL));
	must("start", mp_process_start(&p));
	do /* the work, for as long as two beats take */
		primes = primes_below(100000);
	while (atomic_load((atomic_int *)shm.addr) < 2 &&
	       mp_process_is_alive(&p) == 1);
	must("terminate", mp_process_terminate(&p));
	must("join", mp_process_join(&p, -1));
	must("exitcode", mp_process_exitcode(&p, &code));
	printf("result: %d primes below 100000\n", primes);
	printf("watchdog ended by signal %d\n", -code);
	if (argc > 1)
		must(argv[1], mp_trace_write(argv[1] + 6));
	return 0;
}
