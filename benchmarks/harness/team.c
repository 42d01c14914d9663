/* See team.h. */
#include "harness/team.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/futex.h"

#define LOOK_NS 20000000 /* how often the line looks for the dead */

/*  ready  go        meaning
 *  < n    0         some are still being made
 *  n      0         all are at the line
 *  n      GO        the parent stored it and woke them all
 *  any    GO_HOME   the same, but there will be no run
 */
enum { GO = 1, GO_HOME };

struct line {
	_Atomic uint32_t ready, go;
	_Atomic int64_t done[]; /* when each worker had done its work */
};

struct worker {
	struct run *run;
	int index;
	pid_t pid; /* 0: not made, or reaped */
	int fd;    /* pidfd */
	pthread_t thread;
	int result;
};

struct run {
	struct team *team;
	struct line *line;
	struct worker *workers;
	struct pollfd *fds; /* for reap_some */
	int made;
};

static size_t line_size(int n)
{
	return sizeof(struct line) + (size_t)n * sizeof(int64_t);
}

static int work(struct run *r, int i)
{
	struct line *l = r->line;
	uint32_t n = (uint32_t)r->team->n;
	int result;

	if (r->team->before != NULL)
		r->team->before(i, r->team->arg);
	if (!r->team->creation) {
		if (atomic_fetch_add_explicit(&l->ready, 1,
					      memory_order_acq_rel) == n - 1)
			mp_futex_wake(&l->ready, 1, NULL);
		/* pairs with the release in start */
		while (!atomic_load_explicit(&l->go, memory_order_acquire))
			mp_futex_wait(&l->go, 0, MP_CLOCK_NEVER, NULL);
		if (atomic_load_explicit(&l->go, memory_order_relaxed) ==
		    GO_HOME)
			return 0;
	}
	result = r->team->work(i, r->team->arg);
	atomic_store_explicit(&l->done[i], mp_clock_now(),
			      memory_order_release);
	return result;
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;

	w->result = work(w->run, w->index);
	return NULL;
}

static int make_process(struct worker *w, pid_t parent)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		_exit(work(w->run, w->index) == 0 ? 0 : 1);
	}
	w->pid = pid;
	w->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return w->fd < 0 ? -errno : 0;
}

static int make_all(struct run *r)
{
	pid_t parent = getpid();

	fflush(NULL);
	for (int i = 0; i < r->team->n; i++) {
		struct worker *w = &r->workers[i];
		int e;

		*w = (struct worker){ .run = r, .index = i, .fd = -1 };
		if (r->team->threads)
			e = -pthread_create(&w->thread, NULL, thread_main, w);
		else
			e = make_process(w, parent);
		if (e < 0 && w->pid == 0) {
			snprintf(r->team->why, sizeof(r->team->why),
				 "worker %d of %d could not be made: %s", i + 1,
				 r->team->n, strerror(-e));
			return e;
		}
		r->made = i + 1;
		if (e < 0)
			return e;
	}
	return 0;
}

/* Take the end of one worker that is known to have ended (or soon will). */
static int reap(struct worker *w)
{
	struct team *t = w->run->team;
	int status = 0;

	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
	close(w->fd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (t->why[0] == '\0' && WIFSIGNALED(status))
		snprintf(t->why, sizeof(t->why),
			 "worker %d of %d was killed by signal %d",
			 w->index + 1, t->n, WTERMSIG(status));
	else if (t->why[0] == '\0')
		snprintf(t->why, sizeof(t->why),
			 "worker %d of %d failed (exit status %d)",
			 w->index + 1, t->n, WEXITSTATUS(status));
	return -ECHILD;
}

static void kill_all(struct run *r)
{
	for (int i = 0; i < r->made; i++)
		if (r->workers[i].pid != 0)
			kill(r->workers[i].pid, SIGKILL);
}

/* Reap those that have ended within the time; on a bad end kill the others.
 * How many are left. */
static int reap_some(struct run *r, int timeout_ms, int *error)
{
	struct pollfd *fds = r->fds;
	int left = 0;

	for (int i = 0; i < r->made; i++) {
		fds[i].fd = r->workers[i].pid != 0 ? r->workers[i].fd : -1;
		fds[i].events = POLLIN;
	}
	if (poll(fds, (nfds_t)r->made, timeout_ms) < 0 && errno != EINTR)
		*error = -errno;
	for (int i = 0; i < r->made; i++) {
		if (fds[i].fd >= 0 && (fds[i].revents & POLLIN) != 0 &&
		    reap(&r->workers[i]) < 0 && *error == 0) {
			*error = -ECHILD;
			kill_all(r);
		}
		left += r->workers[i].pid != 0;
	}
	return left;
}

/* Wait until all are at the line; a dead one never comes. */
static int gather(struct run *r)
{
	struct line *l = r->line;
	uint32_t n = (uint32_t)r->team->n, ready;
	int error = 0;

	while (error == 0 && (ready = atomic_load_explicit(
				      &l->ready, memory_order_acquire)) < n) {
		int64_t until = mp_clock_deadline(LOOK_NS);

		if (mp_futex_wait(&l->ready, ready, until, NULL) ==
			    -ETIMEDOUT &&
		    !r->team->threads)
			reap_some(r, 0, &error);
	}
	return error;
}

static int64_t start(struct run *r, uint32_t go)
{
	int64_t begin = mp_clock_now();

	atomic_store_explicit(&r->line->go, go, memory_order_release);
	mp_futex_wake(&r->line->go, r->team->n, NULL);
	return begin;
}

static int end_all(struct run *r, int error)
{
	if (error < 0)
		kill_all(r);
	if (!r->team->threads)
		while (reap_some(r, -1, &error) > 0)
			;
	for (int i = 0; r->team->threads && i < r->made; i++) {
		struct worker *w = &r->workers[i];

		pthread_join(w->thread, NULL);
		if (w->result != 0 && error == 0) {
			error = -ECHILD;
			snprintf(r->team->why, sizeof(r->team->why),
				 "worker %d of %d failed (%d)", i + 1,
				 r->team->n, w->result);
		}
	}
	return error;
}

static int64_t last_done(const struct run *r)
{
	int64_t last = 0;

	for (int i = 0; i < r->team->n; i++) {
		int64_t t = atomic_load_explicit(&r->line->done[i],
						 memory_order_acquire);

		last = t > last ? t : last;
	}
	return last;
}

int team_run(struct team *t, int64_t *ns)
{
	struct run r = { .team = t };
	int64_t begin = 0;
	int e;

	t->why[0] = '\0';
	if (t->n < 1)
		return -EINVAL;
	r.workers = calloc((size_t)t->n, sizeof(*r.workers));
	r.fds = calloc((size_t)t->n, sizeof(*r.fds));
	r.line = mmap(NULL, line_size(t->n), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	e = -ENOMEM;
	if (r.workers == NULL || r.fds == NULL || r.line == MAP_FAILED)
		goto out;
	begin = mp_clock_now();
	e = make_all(&r);
	if (e == 0 && !t->creation)
		e = gather(&r);
	if (!t->creation)
		begin = start(&r, e == 0 ? GO : GO_HOME);
	e = end_all(&r, e);
	*ns = (t->creation ? mp_clock_now() : last_done(&r)) - begin;
out:
	if (r.line != MAP_FAILED)
		munmap(r.line, line_size(t->n));
	free(r.fds);
	free(r.workers);
	return e;
}
