/* step13_mp.c - a dict, a list and a lock: what the library offers.  [works]
 *
 * Build:  cc -O2 -o step13_mp step13_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_manager, mp_proxy; and mp_dict, which has no server
 * Try:    ./step13_mp
 * Trace:  ./step13_mp trace=trace.json
 * See:    no update is lost; and what the server costs.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "mp/clock.h"
#include "mp/dict.h"
#include "mp/process.h"
#include "mp/proxy.h"
#include "mp/shm.h"
#include "mp/trace.h"

enum { WORKERS = 3, TIMES = 1000 };
static struct mp_manager m;
static struct mp_proxy dict, list, lock;
#define COUNT mp_any_str("count") /* += 1 is two requests here too */

static void must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

static int worker(void *i)
{
	struct mp_any n;

	mp_trace_begin(MP_TRACE_WAIT, "acquire");
	must("acquire", mp_proxy_acquire(&lock, -1));
	mp_trace_end();
	mp_trace_begin(MP_TRACE_HOLD, "lock");
	must("get", mp_proxy_get(&dict, COUNT, &n));
	must("set", mp_proxy_set(&dict, COUNT, mp_any_int(n.i + 1)));
	must("append", mp_proxy_append(&list, mp_any_int(*(int *)i)));
	usleep(5000); /* so that the trace has something to show */
	mp_trace_end();
	return mp_proxy_release(&lock) < 0;
}

int main(int argc, char *argv[])
{
	int index[WORKERS] = { 0, 1, 2 };
	struct mp_process w[WORKERS];
	struct mp_shm shm;
	struct mp_any v;
	int64_t t[3];

	if (argc > 1 && strncmp(argv[1], "trace=", 6) != 0)
		errx(2, "'%s' is not trace=FILE", argv[1]);
	must("trace", argc > 1 ? mp_trace_start(4096) : 0);
	must("manager", mp_manager_start(&m, NULL));
	must("dict", mp_manager_create(&m, &dict, "dict", NULL, 0));
	must("list", mp_manager_create(&m, &list, "list", NULL, 0));
	must("lock", mp_manager_create(&m, &lock, "lock", NULL, 0));
	must("set", mp_proxy_set(&dict, COUNT, mp_any_int(0)));
	for (int i = 0; i < WORKERS; i++) {
		must("init", mp_process_init(&w[i], worker, &index[i], NULL));
		must("start", mp_process_start(&w[i]));
	}
	for (int i = 0; i < WORKERS; i++)
		must("join", mp_process_join(&w[i], -1));
	must("get", mp_proxy_get(&dict, COUNT, &v));
	printf("%d workers: count %d, list", WORKERS, (int)v.i);
	must("sort", mp_proxy_call(&list, "sort", NULL, 0, NULL));
	for (int i = 0; i < WORKERS; i++) {
		must("get", mp_proxy_get(&list, mp_any_int(i), &v));
		printf(" %d", (int)v.i);
	}
	must("shm", mp_shm_create(&shm, NULL, mp_dict_size(10, 8, 8)));
	must("init", mp_dict_init(shm.addr, 10, 8, 8));
	t[0] = mp_clock_now();
	for (int i = 0; i < TIMES; i++)
		must("add", mp_proxy_add(&dict, COUNT, 1, NULL));
	t[1] = mp_clock_now();
	for (int i = 0; i < 50 * TIMES; i++)
		must("add", mp_dict_add(shm.addr, "count", 5, 1, NULL));
	t[2] = mp_clock_now();
	printf("\nan addition: %ld ns by the server, %ld ns without one\n",
	       (long)(t[1] - t[0]) / TIMES, (long)(t[2] - t[1]) / 50 / TIMES);
	must(argv[argc - 1], argc > 1 ? mp_trace_write(argv[1] + 6) : 0);
	must("shutdown", mp_manager_shutdown(&m));
	return 0;
}
