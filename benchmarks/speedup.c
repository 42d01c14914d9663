/* speedup - family speedup: the same work by 1, 2, ... N and 2 N processes.
 *
 * The workload is workloads/factorial.h.  For all methods in C the time holds
 * everything: making the workers, the work, and reaping them, because that is
 * what a user waits for.  Python's pool is kept warm instead, its best setting.
 *
 *	sequential	one loop
 *	threads		n threads take turns at one shared index
 *	fork_block	n processes, a block of the numbers each: unequal work
 *	fork_stride	n processes, every n-th number each
 *	fork_index	n processes take turns at one shared index
 *	mp_process	the same with our library
 *	python_*	peers/factorial_peer.py
 */
#include <errno.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/gbench.h"
#include "harness/peer.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "mp/cpu.h"
#include "mp/process.h"
#include "mp/shm.h"
#include "workloads/factorial.h"

#define PROCS_MAX 64

static uint32_t last = 11999;
static struct mp_shm shm;
static struct factorial *work;
static uint32_t expected; /* the sequential digest */
static struct peer python = { .script = "factorial_peer.py" };

struct share {
	int n;
	int (*part)(int index, void *share);
};

static int part_block(int index, void *arg)
{
	uint64_t n = (uint64_t)((struct share *)arg)->n, items = last + 1ULL;

	factorial_range(work, (uint32_t)(items * (uint64_t)index / n),
			(uint32_t)(items * ((uint64_t)index + 1) / n), 1);
	return 0;
}

static int part_stride(int index, void *arg)
{
	factorial_range(work, (uint32_t)index, last + 1,
			(uint32_t)((struct share *)arg)->n);
	return 0;
}

static int part_turns(int index, void *arg)
{
	(void)index;
	(void)arg;
	factorial_turns(work);
	return 0;
}

/* A way to do it: the time, or a sentence in why (and < 0). */
struct how {
	const char *name;
	int (*once)(const struct how *how, int n, int64_t *ns, char why[96]);
	int (*part)(int index, void *share); /* for teams */
	bool threads;
};

static int sequential(const struct how *how, int n, int64_t *ns, char why[96])
{
	int64_t begin = mp_clock_now();

	(void)how;
	(void)n;
	(void)why;
	factorial_range(work, 0, last + 1, 1);
	*ns = mp_clock_now() - begin;
	return 0;
}

static int team(const struct how *how, int n, int64_t *ns, char why[96])
{
	struct share share = { .n = n };
	struct team t = { .n = n,
			  .threads = how->threads,
			  .creation = true,
			  .work = how->part,
			  .arg = &share };
	int e = team_run(&t, ns);

	memcpy(why, t.why, sizeof(t.why));
	return e;
}

static int mp_main(void *arg)
{
	(void)arg;
	factorial_turns(work);
	return 0;
}

static int by_mp_process(const struct how *how, int n, int64_t *ns,
			 char why[96])
{
	struct mp_process p[PROCS_MAX];
	int64_t begin = mp_clock_now();
	int e = 0, made = 0, code = 0;

	(void)how;
	for (; made < n && e == 0; made += e == 0) {
		mp_process_init(&p[made], mp_main, NULL, NULL);
		e = mp_process_start(&p[made]);
	}
	for (int i = 0; i < made; i++) {
		if (e < 0)
			mp_process_kill(&p[i]);
		while (mp_process_join(&p[i], -1) == -EINTR)
			;
		mp_process_exitcode(&p[i], &code);
		if (code != 0 && e == 0)
			e = -ECHILD;
		mp_process_close(&p[i]);
	}
	*ns = mp_clock_now() - begin;
	if (e < 0)
		snprintf(why, 96, "a worker failed: %s (exit code %d)",
			 strerror(-e), code);
	return e;
}

static const struct how hows[] = {
	{ .name = "sequential", .once = sequential },
	{ .name = "threads",
	  .once = team,
	  .part = part_turns,
	  .threads = true },
	{ .name = "fork_block", .once = team, .part = part_block },
	{ .name = "fork_stride", .once = team, .part = part_stride },
	{ .name = "fork_index", .once = team, .part = part_turns },
	{ .name = "mp_process", .once = by_mp_process },
	{ .name = "python_sequential" },
	{ .name = "python_pool" },
};

/* No time is believed before this. */
static int believe(struct gb_state *st, uint32_t digest)
{
	if (digest == expected)
		return 0;
	gb_error(st, "wrong results: digest %08x, sequential %08x", digest,
		 expected);
	return -EBADMSG;
}

static void measure(struct gb_state *st, const struct how *how, int n)
{
	GB_LOOP(st)
	{
		char why[96] = "";
		int64_t ns;

		factorial_reset(work);
		if (how->once(how, n, &ns, why) < 0) {
			gb_error(st, "%s", why);
			break;
		}
		if (believe(st, factorial_digest(work)) < 0)
			break;
		gb_time(st, ns);
	}
}

/* The answer: "ns digest cpu_ns". */
static void ask_python(struct gb_state *st)
{
	struct usage u = { 0, -1, -1, -1 };
	bool known = true;

	GB_LOOP(st)
	{
		long long ns, cpu;
		unsigned digest;
		char *answer;

		if (peer_ask(&python, &answer, "run\n") < 0) {
			gb_error(st, "%s", python.why);
			break;
		}
		if (sscanf(answer, "%lld %u %lld", &ns, &digest, &cpu) != 3) {
			gb_error(st, "peer: %.60s", answer);
			break;
		}
		if (believe(st, digest) < 0)
			break;
		gb_time(st, ns);
		known = known && cpu >= 0;
		u.cpu_ns = known ? u.cpu_ns + cpu : -1;
		gb_usage(st, &u);
	}
}

static void run(struct gb_state *st)
{
	const struct how *how = gb_user(st);

	if (how->once == NULL)
		ask_python(st);
	else
		measure(st, how, (int)gb_argument(st, 0));
}

static void setup(struct gb_state *st)
{
	const struct how *how = gb_user(st);
	int64_t ns;
	char *answer;

	if (work == NULL) {
		int e = mp_shm_create(&shm, NULL, factorial_size(last));

		if (e < 0) {
			gb_error(st, "shared memory: %s", strerror(-e));
			return;
		}
		work = shm.addr;
		factorial_init(work, last);
		sequential(NULL, 1, &ns, NULL);
		expected = factorial_digest(work);
	}
	if (how->once != NULL)
		return;
	if (peer_start(&python) < 0)
		gb_skip(st, "%s", python.why);
	else if (peer_ask(&python, &answer, "prepare %s %u %d\n", how->name,
			  last, (int)gb_argument(st, 0)) < 0)
		gb_error(st, "%s", python.why);
	if (gb_failed(st) || gb_iterations(st) != 1)
		return; /* else the questions are many, and small in it */
	gb_discount_begin(st);
	if (peer_ask(&python, &answer, "nothing\n") < 0)
		gb_error(st, "%s", python.why);
	gb_discount_end(st);
}

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

static void prepare(void)
{
	static const struct gb_argument arguments[] = { { "procs", NULL } };
	static int64_t rows[PROCS_MAX][GB_ARGUMENTS];
	int nrows = processes(rows);
	char text[96];

	if (gb_smoke())
		last = 299;
	snprintf(text, sizeof(text), "%u", last);
	gb_context("last", text);
	snprintf(text, sizeof(text), "%d", mp_cpu_count(MP_CPU_USABLE));
	gb_context("cpus", text);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		bool alone = strstr(hows[i].name, "sequential") != NULL;

		snprintf(text, sizeof(text), "speedup/factorial/%s",
			 hows[i].name);
		gb_register(&(struct gb_benchmark){
			.name = text,
			.run = run,
			.setup = setup,
			.arguments = arguments,
			.narguments = 1,
			.rows = rows,
			.nrows = alone ? 1 : nrows,
			.unit = GB_MS,
			.clock = GB_MANUAL_TIME,
			.user = &hows[i],
		});
	}
}

static const char *take_last(const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < 0 || v > FACTORIAL_LAST_MAX)
		return "a number from 0 to 1000000 is wanted";
	last = (uint32_t)v;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "last", "LAST",
		  "factorials of 0 to LAST (11999; RAWMP_LAST sets it too)",
		  take_last },
		{ "python", "PATH", "the Python 3 to measure beside ours",
		  peer_take_python },
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "Factorials by 1, 2, ... processes.",
		.prepare = prepare,
		.options = options,
	};
	const char *env = getenv("RAWMP_LAST"), *wrong;
	int status;

	if (env != NULL && (wrong = take_last(env)) != NULL)
		errx(2, "RAWMP_LAST=%s: %s", env, wrong);
	status = gb_main(argc, argv, &program);
	peer_stop(&python);
	if (work != NULL)
		mp_shm_close(&shm);
	return status;
}
