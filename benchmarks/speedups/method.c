/* See method.h. */
#include "speedups/method.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/team.h"
#include "mp/clock.h"
#include "mp/process.h"
#include "speedups/apart.h"

#define PROCS_MAX 64

static int sequential(const struct method *m, struct job *j, int n, int64_t *ns,
		      char why[96])
{
	int64_t begin = mp_clock_now();
	int e = job_alone(j);

	(void)m;
	(void)n;
	(void)why;
	*ns = mp_clock_now() - begin;
	return e;
}

/* ---- teams ---- */

struct share {
	const struct job *job;
	int n;
};

static int some(const struct job *j, uint32_t i, uint32_t end, uint32_t step)
{
	int e = 0;

	for (; i < end && e == 0; i += step)
		e = job_task(j, i);
	return e;
}

static int part_block(int index, void *arg)
{
	const struct share *s = arg;
	uint64_t tasks = s->job->n, i = (uint64_t)index, n = (uint64_t)s->n;

	return some(s->job, (uint32_t)(tasks * i / n),
		    (uint32_t)(tasks * (i + 1) / n), 1);
}

static int part_stride(int index, void *arg)
{
	const struct share *s = arg;

	return some(s->job, (uint32_t)index, s->job->n, (uint32_t)s->n);
}

static int part_turns(int index, void *arg)
{
	(void)index;
	return job_turns(((struct share *)arg)->job);
}

static int team(const struct method *m, struct job *j, int n, int64_t *ns,
		char why[96])
{
	struct share share = { .job = j, .n = n };
	struct team t = { .n = n,
			  .threads = m->threads,
			  .creation = true,
			  .work = m->part,
			  .arg = &share };
	int e = team_run(&t, ns);

	memcpy(why, t.why, sizeof(t.why));
	return e;
}

/* ---- a process for each task ---- */

__attribute__((noreturn)) static void one_task(const struct job *j, uint32_t i,
					       pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	_exit(job_task(j, i) == 0 ? 0 : 1);
}

/* It has no other children: it runs apart. */
static int fork_task(const struct method *m, struct job *j, int n, int64_t *ns,
		     char why[96])
{
	int64_t begin = mp_clock_now();
	pid_t parent = getpid(), pid = 0;
	int running = 0, status, e = 0;
	uint32_t i = 0;

	(void)m;
	(void)why;
	while (e == 0 && (i < j->n || running > 0)) {
		if (i < j->n && running < n) {
			pid = fork();
			if (pid == 0)
				one_task(j, i, parent);
			e = pid < 0 ? -errno : 0;
			i++;
			running++;
		} else if (wait(&status) > 0) {
			running--;
			e = status == 0 ? 0 : -ECHILD;
		}
	}
	*ns = mp_clock_now() - begin;
	return e;
}

/* ---- our library's processes ---- */

static int mp_main(void *arg)
{
	return job_turns(arg) == 0 ? 0 : 1;
}

static int by_mp_process(const struct method *m, struct job *j, int n,
			 int64_t *ns, char why[96])
{
	struct mp_process p[PROCS_MAX];
	int64_t begin = mp_clock_now();
	int e = 0, made = 0, code = 0;

	(void)m;
	for (; made < n && e == 0; made += e == 0) {
		mp_process_init(&p[made], mp_main, j, NULL);
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

/* ---- all of them ---- */

const struct method methods[] = {
	{ .name = "sequential", .once = sequential },
	{ .name = "threads",
	  .once = team,
	  .part = part_turns,
	  .threads = true,
	  .apart = true },
	{ .name = "openmp",
#ifndef HAVE_OPENMP
	  .missing = "OpenMP (gcc has it; for clang install libomp-dev)",
#endif
	  .once = openmp_once,
	  .apart = true },
	{ .name = "fork_task", .once = fork_task, .apart = true },
	{ .name = "fork_block", .once = team, .part = part_block },
	{ .name = "fork_stride", .once = team, .part = part_stride },
	{ .name = "fork_index", .once = team, .part = part_turns },
	{ .name = "mp_process", .once = by_mp_process },
	{ .name = "mp_pool",
	  .begin = pool_begin,
	  .once = pool_once,
	  .end = pool_end,
	  .cpu = pool_cpu },
	{ .name = "python_sequential" },
	{ .name = "python_pool" },
	{ .name = "python_executor" },
	{ 0 },
};

/* What goes there and comes back. */
struct order {
	const struct method *method;
	struct job *job;
	int n;
	int64_t ns;
	char why[96];
};

static int obey(void *arg)
{
	struct order *o = arg;

	return o->method->once(o->method, o->job, o->n, &o->ns, o->why);
}

int method_once(const struct method *m, struct job *j, int n, int64_t *ns,
		char why[96])
{
	static struct order *o;
	int e;

	if (!m->apart)
		return m->once(m, j, n, ns, why);
	if (o == NULL)
		o = workload_memory(sizeof(*o));
	if (o == NULL)
		return -ENOMEM;
	*o = (struct order){ .method = m, .job = j, .n = n };
	e = apart(obey, o);
	*ns = o->ns;
	memcpy(why, o->why, sizeof(o->why));
	return e;
}
