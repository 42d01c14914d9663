/* pools.h - for tests of pools: a pool, what its workers run, and a board in
 * shared memory where they say how far they are and are told to go on.
 *
 *	open_pool(2, NULL);
 *	submit(holds, 7, &y, NULL, &r);	 a worker has begun task 7,
 *	await(begun(7) == 1);
 *	go_on(7);			 and may end it
 *	is(mp_result_get(&r, LONG), 0, "done");
 *	close_pool();
 */
#ifndef POOLS_H
#define POOLS_H

#include <sys/resource.h>
#include <sys/time.h>

#include "mp/backstop.h"
#include "mp/counters.h"
#include "mp/imap.h"
#include "mp/pool.h"
#include "mp/result.h"
#include "waiting.h"

enum { PLACES = 128, ALL = -1 };

/* What a test shares with the workers. */
static struct board {
	_Atomic int begun[PLACES]; /* how often task i was begun */
	_Atomic int go[PLACES];    /* task i may end */
	_Atomic int pid[PLACES];   /* who runs it, or did last */
	_Atomic int all;           /* they all may */
	_Atomic int n;             /* what a test counts */
} * board;

static struct mp_pool *pool;

static inline void open_pool(int workers, const struct mp_pool_options *o)
{
	int error;

	memset((void *)board, 0, sizeof(*board));
	error = mp_pool_create(&pool, workers, o);
	if (error < 0)
		errx(1, "mp_pool_create: %s", strerror(-error));
}

static inline void close_pool(void)
{
	int error = mp_pool_destroy(pool);

	if (error < 0)
		errx(1, "mp_pool_destroy: %s", strerror(-error));
	pool = NULL;
}

/* Has this process no child, not even a zombie? */
static inline int childless(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* Is the process no more, within a second?  (Z is dead, too; who reaps orphans
 * may be late.) */
static inline int gone(pid_t pid)
{
	int64_t end = mp_clock_deadline(1000 * MS);

	while (mp_clock_left(end) > 0) {
		char state = tap_state(pid);

		if (state == '-' || state == 'Z' || state == 'X')
			return 1;
		sched_yield();
	}
	return 0;
}

/* Shared memory of the library that is mapped here. */
static inline int shared_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	if (f == NULL)
		err(1, "/proc/self/maps");
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "/memfd:rawmp") != NULL;
	fclose(f);
	return n;
}

/* A handler that does nothing, for signals that come every 2 ms. */
static inline void on_signal(int sig)
{
	(void)sig;
}

static inline void signals(bool on)
{
	struct itimerval every = { 0 };

	handle(SIGALRM, on_signal, 0);
	every.it_value.tv_usec = every.it_interval.tv_usec = on ? 2000 : 0;
	setitimer(ITIMER_REAL, &every, NULL);
}

/* f() in a process of its own that has the board; its exit status.  77: it
 * cannot be tried here. */
static inline pid_t start_apart(int (*f)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(f());
	}
	return pid;
}

/* Be an ordinary user: root is not bound by limits.  0, or -1: it cannot. */
static inline int be_ordinary(uid_t user)
{
	if (getuid() == 0 && (setgid(user) < 0 || setuid(user) < 0))
		return -1;
	/* setuid has taken this back. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* CPU time that this process has used. */
static inline int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static inline int apart(int (*f)(void))
{
	return end_of(start_apart(f));
}

/* ---- the board ---- */

static inline int begun(int i)
{
	return atomic_load(&board->begun[i]);
}

static inline void go_on(int i)
{
	if (i == ALL)
		atomic_store(&board->all, 1);
	else
		atomic_store(&board->go[i], 1);
}

static inline void nap(void)
{
	usleep(100);
}

/* ---- what workers run ---- */

/* The place is the number that it gets, or else that of the item. */
static inline int place_of(const struct mp_task *t)
{
	int i = (int)t->index;

	if (t->in_size == sizeof(i))
		memcpy(&i, t->in, sizeof(i));
	return i & (PLACES - 1);
}

static inline int begin(const struct mp_task *t)
{
	int i = place_of(t);

	atomic_store(&board->pid[i], getpid());
	atomic_fetch_add(&board->begun[i], 1);
	return i;
}

static inline int square(struct mp_task *t)
{
	int x;

	memcpy(&x, t->in, sizeof(x));
	x *= x;
	memcpy(t->out, &x, sizeof(x));
	return 0;
}

/* Until it may go on; then the square, if there is room for it. */
static inline int holds(struct mp_task *t)
{
	int i = begin(t);

	while (!atomic_load(&board->go[i]) && !atomic_load(&board->all))
		nap();
	i *= i;
	if (t->out_size == sizeof(i))
		memcpy(t->out, &i, sizeof(i));
	return 0;
}

static inline int stays(struct mp_task *t)
{
	begin(t);
	return wait_for_kill();
}

/* What it gets is what it returns. */
static inline int returns(struct mp_task *t)
{
	int x;

	memcpy(&x, t->in, sizeof(x));
	return x;
}

static inline int exits(struct mp_task *t)
{
	exit(returns(t));
}

static inline int raises(struct mp_task *t)
{
	int sig = returns(t);

	signal(sig, SIG_DFL);
	raise(sig);
	return 0;
}

static inline int pid_of_worker(struct mp_task *t)
{
	int pid = getpid();

	memcpy(t->out, &pid, sizeof(pid));
	return 0;
}

/* ---- what the creator does ---- */

static inline int submit(int (*fn)(struct mp_task *), int x, int *y,
			 const struct mp_call *call, struct mp_result *r)
{
	return mp_pool_submit(pool, fn, &x, sizeof(x), y,
			      y == NULL ? 0 : sizeof(*y), call, r);
}

static inline int apply(int (*fn)(struct mp_task *), int x, int *y)
{
	return mp_pool_apply(pool, fn, &x, sizeof(x), y,
			     y == NULL ? 0 : sizeof(*y), NULL);
}

/* Does a map come out right? */
static inline int works(void)
{
	int in[100], out[100], bad = 0;

	for (int i = 0; i < 100; i++)
		in[i] = i;
	memset(out, 0, sizeof(out));
	if (mp_pool_map(pool, square, in, sizeof(int), 100, out, sizeof(int),
			NULL) != 0)
		return 0;
	for (int i = 0; i < 100; i++)
		bad += out[i] != i * i;
	return bad == 0 && apply(square, 9, out) == 0 && out[0] == 81;
}

/* Kill worker i, which may be about to be replaced. */
static inline void strike(int i)
{
	pid_t pid;

	await((pid = mp_pool_worker_pid(pool, i)) != 0 ||
	      mp_pool_collect(pool, 0) < 0);
	if (pid <= 1 || kill(pid, SIGKILL) < 0)
		errx(1, "worker %d is process %d", i, (int)pid);
}

static inline uint64_t rescues(void)
{
	return mp_counters_get(mp_pool_counters(pool), MP_RESCUES);
}

#endif
