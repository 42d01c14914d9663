/* step11_mp.c - three workers, three pipes: what the library offers.  [works]
 *
 * Build:  cc -O2 -o step11_mp step11_mp.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_pipe, mp_conn, mp_wait
 * Try:    ./step11_mp
 * Trace:  ./step11_mp trace=trace.json
 * See:    an end of file from a killed worker, a timeout where step 7 hung.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "mp/pipe.h"
#include "mp/process.h"
#include "mp/trace.h"
#include "mp/wait.h"

enum { WORKERS = 3 };
static struct mp_conn ours[WORKERS], theirs[WORKERS];

static void must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

/* Gets a number, sends its square; but the second one is killed. */
static int worker(void *index)
{
	int i = *(int *)index, n;

	for (int j = 0; j <= i; j++)
		mp_conn_close(&ours[j]);
	mp_trace_begin(MP_TRACE_WAIT, "recv");
	must("recv", mp_conn_recv(&theirs[i], &n, sizeof(n), -1, NULL));
	mp_trace_end();
	usleep((unsigned)n * 5000);
	if (n == 2)
		raise(SIGKILL);
	n *= n;
	must("send", mp_conn_send(&theirs[i], &n, sizeof(n), -1));
	return 0;
}

static void answer(long i, struct mp_process *p)
{
	int n = 0, code, rc = mp_conn_recv(&ours[i], &n, sizeof(n), -1, NULL);

	must("join", mp_process_join(p, -1));
	must("exitcode", mp_process_exitcode(p, &code));
	printf("worker %ld: %s, %d, exit code %d\n", i + 1,
	       rc == -EPIPE ? "end of file" : "answer", n, code);
}

int main(int argc, char *argv[])
{
	int index[WORKERS], left = 0;
	struct mp_waitable v[WORKERS];
	struct mp_process p[WORKERS];
	struct mp_conn a, b;
	static char big[1000000];

	if (argc > 1 && strncmp(argv[1], "trace=", 6) != 0)
		errx(2, "'%s' is not trace=FILE", argv[1]);
	must("trace", argc > 1 ? mp_trace_start(4096) : 0);
	for (int i = 0, n = 1; i < WORKERS; i++, n++) {
		index[i] = i;
		must("pipe", mp_pipe(&ours[i], &theirs[i], true, 0));
		must("init", mp_process_init(&p[i], worker, &index[i], NULL));
		must("start", mp_process_start(&p[i]));
		mp_conn_close(&theirs[i]);
		must("send", mp_conn_send(&ours[i], &n, sizeof(n), -1));
		v[left++] = (struct mp_waitable){ .conn = &ours[i] };
	}
	while (left > 0) {
		must("wait", mp_wait(v, left, -1));
		for (int k = left - 1; k >= 0; k--)
			if (v[k].ready) {
				answer(v[k].conn - ours, &p[v[k].conn - ours]);
				v[k] = v[--left];
			}
	}
	must("pipe", mp_pipe(&a, &b, false, 0)); /* a receives, b sends */
	if (mp_conn_send(&b, big, sizeof(big), 50000000) == -ETIMEDOUT)
		printf("1000000 bytes that nobody reads: timed out\n");
	must(argv[argc - 1], argc > 1 ? mp_trace_write(argv[1] + 6) : 0);
	return 0;
}
