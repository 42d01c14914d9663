/* step11_mp.c - value, array and lock; a dead holder is reported.  [works]
 *
 * Build:  cc -O2 -o step11_mp step11_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_value_add_int(), mp_array_set_float(), mp_rlock_acquire()
 * Try:    ./step11_mp
 * See:    a sum needs no lock, a change in several steps does; and whoever
 *         comes after a holder that was killed between two of them is told.
 * Kill:   ./step11_mp | tail -n 2
 * Trace:  ./step11_mp trace=trace.json
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mp/array.h"
#include "mp/shm.h"
#include "mp/trace.h"

static struct mp_value *sum;
static struct mp_array *numbers;
static double *x; /* the four of them */

static int must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
	return rc;
}

static int square(int i)
{
	must("set", mp_array_set_float(numbers, (uint64_t)i - 1, i * i));
	return must("add", mp_value_add_int(sum, i * i, NULL));
}

static int twice(int i) /* worker 4 is killed when it has doubled one */
{
	mp_trace_lane(i == 4 ? "A" : "worker");
	mp_trace_begin(MP_TRACE_WAIT, "acquire");
	must("acquire", mp_rlock_acquire(&numbers->lock, -1));
	mp_trace_end();
	mp_trace_begin(MP_TRACE_HOLD, "twice");
	for (int k = 0; k < 4; k++) {
		x[k] *= 2;
		usleep(1000); /* as if it took long */
		if (i == 4)
			raise(SIGKILL);
	}
	mp_trace_end();
	return must("release", mp_rlock_release(&numbers->lock));
}

static void run(int (*work)(int), int first, int last)
{
	for (int i = first; i <= last; i++)
		if (fork() == 0)
			_exit(work(i));
	for (int pid, status; (pid = wait(&status)) > 0;)
		mp_trace_exit(pid, status ? "killed (signal 9)" : "exited (0)");
}

int main(int argc, char *argv[])
{
	struct mp_shm m;
	int64_t n;

	if (argc > 1 && strncmp(argv[1], "trace=", 6) != 0)
		errx(2, "'%s' is not trace=FILE", argv[1]);
	must("shared memory", mp_shm_create(&m, NULL, 8192));
	must("value", mp_value_init(sum = m.addr, MP_TYPE_I32));
	numbers = (struct mp_array *)(sum + 1);
	must("array", mp_array_init(numbers, MP_TYPE_F64, 4));
	x = mp_array_data(numbers);
	run(square, 1, 4);
	must("get", mp_value_get_int(sum, &n));
	printf("[%g, %g, %g, %g] sum %d\n", x[0], x[1], x[2], x[3], (int)n);
	must("trace", argc > 1 ? mp_trace_start(4096) : 0);
	run(twice, 1, 3);
	printf("[%g, %g, %g, %g]\n", x[0], x[1], x[2], x[3]);
	run(twice, 4, 4);
	printf("A took the lock and was killed\n");
	if (must("acquire", mp_rlock_acquire(&numbers->lock, -1)) != 0)
		printf("B is told, and puts %g back to %g\n", x[0], x[0] / 2);
	x[0] /= 2;
	must("release", mp_rlock_release(&numbers->lock));
	must(argv[argc - 1], argc > 1 ? mp_trace_write(argv[1] + 6) : 0);
	return 0;
}
