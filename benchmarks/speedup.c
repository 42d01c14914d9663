/* speedup - family speedup: the same work by 1, 2, ... N and 2 N workers.
 *
 * workloads/	what is to be done: workload.h
 * speedups/	how it is done: method.h
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/gbench.h"
#include "harness/peer.h"
#include "mp/clock.h"
#include "mp/cpu.h"
#include "speedups/method.h"
#include "speedups/python.h"

#define PROCS_MAX 64
#define WORKLOADS 7
#define METHODS   16

static struct workload *const workloads[WORKLOADS] = {
	&workload_factorial, &workload_primes,    &workload_mandelbrot,
	&workload_image,     &workload_wordcount, &workload_sleeping,
	&workload_irregular,
};

static struct job jobs[WORKLOADS];

/* What a benchmark is. */
struct cell {
	struct job *job;
	const struct method *method;
};

static struct cell cells[WORKLOADS][METHODS];

/* ---- measuring ---- */

/* No time is believed before this. */
static int believe(struct gb_state *st, const struct job *j)
{
	if (job_same(j))
		return 0;
	gb_error(st, "wrong results: digest %08x, sequential %08x",
		 job_digest(j), j->digest);
	return -EBADMSG;
}

static void measure(struct gb_state *st, const struct method *m, struct job *j,
		    int n)
{
	int64_t since = m->cpu != NULL ? m->cpu() : 0;

	GB_LOOP(st)
	{
		char why[96] = "";
		int64_t ns = 0, end;
		int e;

		job_reset(j);
		e = method_once(m, j, n, &ns, why);
		end = mp_clock_now();
		if (e == 0)
			e = job_end(j);
		ns += mp_clock_now() - end;
		if (e < 0) {
			gb_error(st, "%s", why[0] != '\0' ? why : strerror(-e));
			break;
		}
		if (believe(st, j) < 0)
			break;
		gb_time(st, ns);
		if (m->cpu != NULL)
			gb_usage(st, &(struct usage){ m->cpu() - since, -1, -1,
						      -1 });
	}
}

static void run(struct gb_state *st)
{
	const struct cell *c = gb_user(st);

	if (c->method->once == NULL)
		python_measure(st);
	else
		measure(st, c->method, c->job, (int)gb_argument(st, 0));
}

static void setup(struct gb_state *st)
{
	const struct cell *c = gb_user(st);
	const struct workload *w = c->job->workload;
	int n = (int)gb_argument(st, 0);
	char why[96] = "";
	int e = 0;

	if (w->missing != NULL || c->method->missing != NULL) {
		gb_skip(st, "built without %s",
			w->missing != NULL ? w->missing : c->method->missing);
		return;
	}
	if (c->method->once == NULL) {
		python_prepare(st, c->method, w, n);
		return;
	}
	if (!c->job->open)
		e = job_open(c->job, w->size, why);
	if (e == 0 && c->method->begin != NULL)
		e = c->method->begin(c->job, n, why);
	if (e < 0)
		gb_error(st, "%s", why[0] != '\0' ? why : strerror(-e));
}

static void teardown(struct gb_state *st)
{
	const struct cell *c = gb_user(st);

	if (c->method->end != NULL)
		c->method->end();
}

/* ---- registering ---- */

/* 1 to N and 2 N; above 8 CPUs the powers of two, N and 2 N. */
static int processes(int64_t rows[][GB_ARGUMENTS])
{
	int cpus = mp_cpu_count(MP_CPU_USABLE), n = 0;

	if (cpus > PROCS_MAX / 2)
		cpus = PROCS_MAX / 2;
	for (int i = 1; i < cpus; i = cpus <= 8 ? i + 1 : i * 2)
		rows[n++][0] = i;
	rows[n++][0] = cpus;
	rows[n++][0] = 2 * cpus;
	return n;
}

static bool suits(const struct workload *w, const struct method *m)
{
	size_t n = strlen(m->name);
	const char *p = strstr(w->methods, m->name);

	return p != NULL && (p[n] == ' ' || p[n] == '\0');
}

/* One row says what is missing. */
static void add(struct cell *c, const int64_t (*rows)[GB_ARGUMENTS], int nrows)
{
	static const struct gb_argument arguments[] = { { "procs", NULL } };
	const char *missing = c->job->workload->missing;
	bool alone = strstr(c->method->name, "sequential") != NULL ||
		     missing != NULL || c->method->missing != NULL;
	char name[64];

	if (missing != NULL && strcmp(c->method->name, "sequential") != 0)
		return;
	snprintf(name, sizeof(name), "speedup/%s/%s", c->job->workload->name,
		 c->method->name);
	gb_register(&(struct gb_benchmark){
		.name = name,
		.run = run,
		.setup = setup,
		.teardown = teardown,
		.arguments = arguments,
		.narguments = 1,
		.rows = rows,
		.nrows = alone ? 1 : nrows,
		.unit = GB_MS,
		.clock = GB_MANUAL_TIME,
		.user = c,
	});
}

/* In words, how much work it is; and how much Python gets. */
static void say_size(const struct workload *w)
{
	char key[64], text[96];

	snprintf(key, sizeof(key), "workload.%s", w->name);
	snprintf(text, sizeof(text), w->words, w->size);
	gb_context(key, text);
	if (w->python <= 1)
		return;
	snprintf(key, sizeof(key), "workload.%s.python", w->name);
	snprintf(text, sizeof(text), w->words, workload_python_size(w));
	gb_context(key, text);
}

static void prepare(void)
{
	static int64_t rows[PROCS_MAX][GB_ARGUMENTS];
	int nrows = processes(rows);
	char text[96];

	for (int i = 0; i < WORKLOADS; i++) {
		struct workload *w = workloads[i];

		if (gb_smoke())
			w->size = w->smoke;
		jobs[i].workload = w;
		say_size(w);
		for (int k = 0; methods[k].name != NULL; k++) {
			cells[i][k] = (struct cell){ &jobs[i], &methods[k] };
			if (suits(w, &methods[k]))
				add(&cells[i][k], rows, nrows);
		}
	}
	snprintf(text, sizeof(text), "%u", workload_factorial.size);
	gb_context("last", text);
	snprintf(text, sizeof(text), "%d", mp_cpu_count(MP_CPU_USABLE));
	gb_context("cpus", text);
}

/* ---- options ---- */

static const char *take(const char *text, uint32_t low, uint32_t high,
			uint32_t *size)
{
	static char why[64];
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < (long)low || v > (long)high) {
		snprintf(why, sizeof(why), "a number from %u to %u is wanted",
			 low, high);
		return why;
	}
	*size = (uint32_t)v;
	return NULL;
}

static const char *take_last(const char *text)
{
	return take(text, 0, 1000000, &workload_factorial.size);
}

static const char *take_primes(const char *text)
{
	return take(text, 1000, 100000000, &workload_primes.size);
}

static const char *take_mandelbrot(const char *text)
{
	return take(text, 16, 4096, &workload_mandelbrot.size);
}

static const char *take_image(const char *text)
{
	return take(text, 16, 1024, &workload_image.size);
}

static const char *take_wordcount(const char *text)
{
	return take(text, 16, 262144, &workload_wordcount.size);
}

static const char *take_sleeping(const char *text)
{
	return take(text, 1, 10000, &workload_sleeping.size);
}

static const char *take_irregular(const char *text)
{
	return take(text, 1, 10000000, &workload_irregular.size);
}

static const struct gb_option options[] = {
	{ "last", "LAST",
	  "factorial: 0! to LAST! (11999; RAWMP_LAST sets it too)", take_last },
	{ "primes", "N", "primes: those below N (1500000)", take_primes },
	{ "mandelbrot", "WIDTH", "mandelbrot: pixels in a row (512)",
	  take_mandelbrot },
	{ "image", "WIDTH", "image: 48 pictures, so many pixels wide (256)",
	  take_image },
	{ "image-folder", "DIR", "image: the PNG files there instead",
	  workload_take_image_folder },
	{ "wordcount", "KIB", "wordcount: so much text (16384)",
	  take_wordcount },
	{ "wordcount-folder", "DIR", "wordcount: all files there instead",
	  workload_take_wordcount_folder },
	{ "sleeping", "MS", "sleeping: each of 16 tasks so long (10)",
	  take_sleeping },
	{ "irregular", "STEPS", "irregular: steps of the shortest task (40000)",
	  take_irregular },
	{ "python", "PATH", "the Python 3 to measure beside ours",
	  peer_take_python },
	{ 0 },
};

/* OpenMP reads it when it is loaded, before main: threads that have nothing to
 * do are to sleep, not to spin. */
static void tell_openmp(char **argv)
{
	if (!openmp_built || getenv("OMP_WAIT_POLICY") != NULL)
		return;
	if (setenv("OMP_WAIT_POLICY", "PASSIVE", 1) == 0)
		execv("/proc/self/exe", argv); /* fails: then they spin */
}

int main(int argc, char **argv)
{
	static const struct gb_program program = {
		.about = "The same work by 1, 2, ... processes.",
		.prepare = prepare,
		.options = options,
	};
	const char *env = getenv("RAWMP_LAST"), *wrong;
	int status;

	tell_openmp(argv);
	if (env != NULL && (wrong = take_last(env)) != NULL)
		errx(2, "RAWMP_LAST=%s: %s", env, wrong);
	status = gb_main(argc, argv, &program);
	python_end();
	return status;
}
