/* What a pool costs in a steady state: no system call for a task.  One process
 * is traced (ptrace), the creator or a worker, each on a CPU of its own, and
 * all its calls are counted: it may sleep and be woken now and then.
 *
 * And what is left: nothing of 100 pools, and an imap over as many items as one
 * likes needs no more memory than at its beginning. */
#include "stepper.h"

#include <sys/resource.h>

#include "mp/backstop.h"
#include "mp/cpu.h"
#include "mp/imap.h"
#include "mp/pool.h"
#include "mp/result.h"

#define TASKS 20000
#define FEW   (TASKS / 20)
#define POOLS 100

struct world {
	_Atomic int ready, go, done, leave;
	_Atomic pid_t worker;
};
static struct world *w;
static struct mp_pool *pool;
static cpu_set_t one, other;

static int nothing(struct mp_task *t)
{
	(void)t;
	return 0;
}

static int square(struct mp_task *t)
{
	int x = *(const int *)t->in;

	*(int *)t->out = x * x;
	return 0;
}

/* ---- the work of the creator ---- */

static void map_one_by_one(void)
{
	struct mp_call call = { .chunk = 1 };

	for (int i = 0; i < 10; i++)
		mp_pool_map(pool, nothing, NULL, 0, TASKS / 10, NULL, 0, &call);
}

static void map_as_is_good(void)
{
	for (int i = 0; i < 10; i++)
		mp_pool_map(pool, nothing, NULL, 0, TASKS / 10, NULL, 0, NULL);
}

static void apply(void)
{
	int y;

	for (int x = 0; x < TASKS; x++)
		mp_pool_apply(pool, square, &x, sizeof(x), &y, sizeof(y), NULL);
}

static void submit_and_collect(void)
{
	enum { FLYING = 64 };
	static struct mp_result r[FLYING];
	static int y[FLYING];

	for (int x = 0; x < TASKS; x++) {
		struct mp_result *next = &r[x % FLYING];

		if (x >= FLYING)
			mp_result_wait(next, -1);
		mp_pool_submit(pool, square, &x, sizeof(x), &y[x % FLYING],
			       sizeof(int), NULL, next);
	}
	while (mp_pool_collect(pool, -1) > 0)
		;
}

static int numbers(void *arg, void *in)
{
	uint64_t *left = arg;

	if (*left == 0)
		return 0;
	*(int *)in = (int)(--*left & 0x3fff);
	return 1;
}

static void imap(void)
{
	struct mp_imap_options o = { .call = { .chunk = 8 }, .window = 128 };
	uint64_t left = TASKS;
	struct mp_imap it;
	int y;

	mp_imap_open(&it, pool, square, numbers, &left, sizeof(int),
		     sizeof(int), &o);
	while (mp_imap_next(&it, &y, -1) == 1)
		;
	mp_imap_close(&it);
}

static const struct steady {
	const char *what;
	void (*work)(void);
} steadies[] = {
	{ "map, one by one", map_one_by_one },
	{ "map", map_as_is_good },
	{ "apply", apply },
	{ "submit, 64 under way", submit_and_collect },
	{ "imap, chunks of 8", imap },
}, *steady;

/* ---- who does it ---- */

static int there(void *unused)
{
	(void)unused;
	sched_setaffinity(0, sizeof(other), &other);
	return 0;
}

/* The marks are calls that nothing else makes. */
static void create(void *unused)
{
	struct mp_pool_options o = { .initializer = there };

	(void)unused;
	if (mp_pool_create(&pool, 1, &o) < 0)
		err(1, "mp_pool_create");
	/* Not before: the pool would take it that there is one CPU only. */
	sched_setaffinity(0, sizeof(one), &one);
	steady->work(); /* what comes once has come */
	atomic_store(&w->worker, mp_pool_worker_pid(pool, 0));
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->go));
	syscall(SYS_getppid);
	steady->work();
	syscall(SYS_getppid);
	atomic_store(&w->done, 1);
	await(atomic_load(&w->leave));
	mp_pool_destroy(pool);
}

static int create_traced(long unused)
{
	(void)unused;
	create(NULL);
	return 0;
}

/* To sleep, to wake, to let others run. */
static int is_waiting(uint64_t call)
{
	return call == SYS_futex || call == SYS_epoll_pwait ||
#ifdef SYS_epoll_wait
	       call == SYS_epoll_wait ||
#endif
	       call == SYS_ppoll || call == SYS_read || call == SYS_write ||
	       call == SYS_restart_syscall;
}

static struct counts {
	int waits, yields, rest, first;
} counts;

static void count_call(uint64_t call)
{
	if (call == SYS_sched_yield)
		counts.yields++;
	else if (is_waiting(call))
		counts.waits++;
	else if (counts.rest++ == 0)
		counts.first = (int)call;
}

static void trace_creator(void)
{
	struct stepper v;
	int marks = 0, rc;

	memset(w, 0, sizeof(*w));
	atomic_store(&w->go, 1);
	atomic_store(&w->leave, 1);
	counts = (struct counts){ 0 };
	if (stepper_start(&v, create, NULL) < 0)
		errx(1, "ptrace is no longer allowed");
	while (marks < 2 && (rc = stepper_call(&v)) != STEPPER_ENDED) {
		if (rc != STEPPER_STOPPED || !v.in_call)
			continue;
		if (v.call == SYS_getppid)
			marks++;
		else if (marks == 1)
			count_call(v.call);
	}
	stepper_kill(&v);
}

/* It is no child of this process: so it is not there from the beginning. */
static void trace_worker(void)
{
	struct stepper v = { 0 };
	pid_t creator;
	int rc = STEPPER_STOPPED;

	memset(w, 0, sizeof(*w));
	counts = (struct counts){ 0 };
	fflush(stdout);
	creator = start(create_traced, 0);
	/* On a busy machine that takes its time. */
	while (!atomic_load(&w->ready) && tap_state(creator) != 'Z')
		usleep(1000);
	v.pid = atomic_load(&w->worker);
	if (ptrace(PTRACE_SEIZE, v.pid, NULL, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, v.pid, NULL, NULL) < 0) {
		tap_skip(steady->what, "a grandchild may not be traced here");
		killed(creator);
		return;
	}
	v.running = 1;
	stepper_settle(&v, LONG);
	while (!atomic_load(&w->done) && rc != STEPPER_ENDED) {
		rc = stepper_call(&v);
		atomic_store(&w->go, 1);
		if (rc == STEPPER_STOPPED && v.in_call)
			count_call(v.call);
	}
	if (v.running) {
		ptrace(PTRACE_INTERRUPT, v.pid, NULL, NULL);
		stepper_settle(&v, LONG);
	}
	stepper_free(&v);
	atomic_store(&w->leave, 1);
	end_of(creator);
}

/* Who is kept from running makes the other one sleep: on a busy machine the
 * best of some is meant. */
static void tell(const char *who, void (*trace)(void))
{
	for (int i = 0; i < 10; i++) {
		trace();
		if (counts.waits + counts.yields < FEW)
			break;
	}
	ok(counts.rest == 0 && counts.waits + counts.yields < FEW,
	   "%s: few calls of the %s, for %d tasks", steady->what, who, TASKS);
	printf("# %s, %s: %d calls to sleep and to wake, %d yields, %d "
	       "others (%d)\n",
	       steady->what, who, counts.waits, counts.yields, counts.rest,
	       counts.first);
	fflush(stdout);
}

static void count_all(void)
{
	cpu_set_t usable;
	int n = 0;

	sched_getaffinity(0, sizeof(usable), &usable);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &usable))
			CPU_SET(cpu, n++ == 0 ? &one : &other);
	if (n < 2) {
		tap_skip("calls in a steady state", "one CPU");
		return;
	}
	if (stepper_allowed() < 0) {
		tap_skip("calls in a steady state",
			 "no process may be traced here (ptrace)");
		return;
	}
	for (size_t i = 0; i < sizeof(steadies) / sizeof(*steadies); i++) {
		steady = &steadies[i];
		tell("creator", trace_creator);
		tell("worker", trace_worker);
	}
	sched_setaffinity(0, sizeof(usable), &usable);
}

/* ---- what is left ---- */

static int use_pool(int i)
{
	struct mp_pool_options o = { .initializer = NULL };
	int in[] = { 1, 2, 3 }, out[3], rc;

	if (mp_pool_create(&pool, 2, &o) < 0)
		return 1;
	rc = mp_pool_map(pool, square, in, sizeof(int), 3, out, sizeof(int),
			 NULL);
	if (i % 4 == 0)
		kill(mp_pool_worker_pid(pool, 0), SIGKILL);
	if (i % 2 == 0)
		rc |= mp_pool_close(pool) | mp_pool_join(pool, LONG);
	return rc != 0 || out[2] != 9 || mp_pool_destroy(pool) != 0;
}

static void count_left(void)
{
	int descriptors = tap_descriptors(), maps = 0, bad = 0;

	for (int i = 0; i < POOLS; i++) {
		bad += use_pool(i);
		if (i == 10) /* what the C library maps once has come */
			maps = mappings();
	}
	is(bad, 0, "%d pools", POOLS);
	is(tap_descriptors(), descriptors, "they leave no descriptor");
	is(mappings(), maps, "they leave no mapping");
	is(names(), 0, "they leave no name");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
	   "they leave no process");
}

static long peak(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

static void long_imap(uint64_t n)
{
	uint64_t left = n, got = 0;
	struct mp_imap it;
	long begin = 0;
	int y;

	if (mp_pool_create(&pool, 2, NULL) < 0)
		err(1, "mp_pool_create");
	mp_imap_open(&it, pool, square, numbers, &left, sizeof(int),
		     sizeof(int),
		     &(struct mp_imap_options){ .call = { .chunk = 32 } });
	for (; mp_imap_next(&it, &y, -1) == 1; got++)
		if (got == n / 100)
			begin = peak();
	mp_imap_close(&it);
	mp_pool_destroy(pool);
	is((long long)got, (long long)n, "imap over %d items", (int)n);
	ok(peak() - begin < 256, "in constant memory");
	printf("# %ld KiB at most, %ld more than near its beginning\n", peak(),
	       peak() - begin);
}

int main(int argc, char **argv)
{
	int items = argc > 1 ? atoi(argv[1]) : 1000000;

	if (argc > 2 || items < 1000) {
		fprintf(stderr, "usage: %s [ITEMS (from 1000)]\n", argv[0]);
		return 2;
	}
	w = share(sizeof(*w));
#ifdef MP_CHAOS
	tap_skip("calls in a steady state", "chaos sleeps and yields");
	items /= 10;
	(void)count_all;
#else
	count_all();
#endif
	count_left();
	long_imap((uint64_t)items);
	return tap_done();
}
