/* How many system calls a pool makes, counted exactly: its creator, or a
 * worker, is stopped at every call between two marks (ptrace).
 *
 * While everybody has work: none, for tasks and for items of maps. */
#include "stepper.h"

#include "pools.h"

enum { TASKS = 200, ITEMS = 100000 };

static struct mp_result result[TASKS];
static int in[ITEMS], out[ITEMS], y[TASKS];

static void mark(void)
{
	syscall(SYS_getppid);
}

/* Calls from mark to mark. */
struct count {
	int marks, calls, wakes, yields;
	uint64_t call; /* the last one */
};

static struct count count(struct stepper *v)
{
	struct count c = { 0 };
	int rc;

	while (c.marks < 2 && (rc = stepper_call(v)) != STEPPER_ENDED) {
		if (rc != STEPPER_STOPPED || !v->in_call)
			continue;
		if (v->call == SYS_getppid) {
			c.marks++;
		} else if (c.marks == 1 && v->call == SYS_sched_yield) {
			c.yields++;
		} else if (c.marks == 1) {
			c.calls++;
			c.call = v->call;
			c.wakes += v->call == SYS_futex &&
				   (v->args[1] & 0x7f) == 1;
		}
	}
	return c;
}

/* ---- a worker: this process is its creator ---- */

/* The first and the last one mark. */
static int marks_at(struct mp_task *t)
{
	int i;

	memcpy(&i, t->in, sizeof(i));
	if (i == 0 || i < 0)
		mark();
	memcpy(t->out, &i, sizeof(i));
	return 0;
}

static void attach(struct stepper *v, pid_t pid)
{
	*v = (struct stepper){ .pid = pid, .running = 1 };
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 ||
	    stepper_settle(v, LONG) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0)
		err(1, "ptrace");
}

/* What is given to a worker that is stopped, and done without a call. */
static void worker(const char *what, void (*give)(void))
{
	struct stepper v;
	struct count c;

	open_pool(1, NULL);
	works();
	await(asleep(mp_pool_worker_pid(pool, 0)));
	attach(&v, mp_pool_worker_pid(pool, 0));
	give();
	c = count(&v);
	stepper_free(&v);
	ok(c.marks == 2 && c.calls + c.yields == 0,
	   "worker, %s: no call (%d, %d yields, last %d)", what, c.calls,
	   c.yields, (int)c.call);
	mp_result_wait(&result[0], LONG);
	close_pool();
}

static void give_tasks(void)
{
	for (int i = 0; i < TASKS; i++)
		submit(marks_at, i < TASKS - 1 ? i : -1, &y[i], NULL,
		       &result[i]);
}

static void give_map(size_t chunk)
{
	struct mp_call call = { .chunk = chunk };

	for (int i = 0; i < ITEMS; i++)
		in[i] = i < ITEMS - 1 ? i : -1;
	mp_pool_map_async(pool, marks_at, in, sizeof(int), ITEMS, out,
			  sizeof(int), &call, &result[0]);
}

static void give_ones(void)
{
	give_map(1);
}

static void give_some(void)
{
	give_map(0);
}

/* ---- the creator: a child, whose worker nobody stops ---- */

static int counted(struct mp_task *t)
{
	(void)t;
	atomic_fetch_add(&board->n, 1);
	return 0;
}

/* The worker is busy until go_on(ALL). */
static void busy_pool(void)
{
	static struct mp_result hold;

	open_pool(1, NULL);
	submit(holds, 0, NULL, NULL, &hold);
	await(begun(0));
}

static void submits(void *unused)
{
	(void)unused;
	busy_pool();
	mark();
	for (int i = 0; i < TASKS; i++)
		submit(square, i, &y[i], NULL, &result[i]);
	mark();
}

static void cancels(void *unused)
{
	(void)unused;
	busy_pool();
	for (int i = 0; i < TASKS; i++)
		submit(square, i, &y[i], NULL, &result[i]);
	mark();
	for (int i = 0; i < TASKS; i++)
		mp_result_cancel(&result[i]);
	mark();
}

static void maps(void *unused)
{
	(void)unused;
	busy_pool();
	memset(out, 1, sizeof(out));
	mark();
	mp_pool_map_async(pool, square, in, sizeof(int), 1000, out, sizeof(int),
			  NULL, &result[0]);
	mark();
}

static void gets(void *unused)
{
	int bad = 0;

	(void)unused;
	open_pool(1, NULL);
	for (int i = 0; i < TASKS; i++)
		submit(counted, i, NULL, NULL, &result[i]);
	await(atomic_load(&board->n) == TASKS);
	await(asleep(mp_pool_worker_pid(pool, 0)));
	mark();
	for (int i = 0; i < TASKS; i++)
		bad += mp_result_get(&result[i], -1) != 0;
	mark();
	if (bad != 0)
		_exit(1);
}

static void wakes(void *unused)
{
	(void)unused;
	open_pool(1, NULL);
	works();
	await(asleep(mp_pool_worker_pid(pool, 0)));
	mark();
	submit(square, 1, &y[0], NULL, &result[0]);
	mark();
}

static void applies(void *unused)
{
	(void)unused;
	open_pool(1, NULL);
	works();
	await(asleep(mp_pool_worker_pid(pool, 0)));
	mark();
	apply(square, 1, &y[0]);
	mark();
}

static void creator(const char *what, void (*f)(void *), int calls, int woken)
{
	struct stepper v;
	struct count c;

	memset((void *)board, 0, sizeof(*board));
	if (stepper_start(&v, f, NULL) < 0)
		errx(1, "ptrace is no longer allowed");
	c = count(&v);
	stepper_kill(&v);
	ok(c.marks == 2 && c.calls <= calls && c.wakes == woken,
	   "creator, %s: %d calls (of %d), %d wake, %d yields", what, c.calls,
	   calls, c.wakes, c.yields);
	if (c.calls > calls)
		printf("# the last was %d\n", (int)c.call);
}

__attribute__((unused)) static void count_all(void)
{
	worker("200 tasks", give_tasks);
	worker("a map of 100,000, one by one", give_ones);
	worker("a map of 100,000", give_some);
	creator("submits 200 tasks to one who is busy", submits, 0, 0);
	/* Now and then it looks whether all workers live. */
	creator("cancels them", cancels, 7, 0);
	creator("begins a map", maps, 1, 0);
	creator("gets 200 results that are there", gets, 1, 0);
	creator("submits a task to one who sleeps", wakes, 1, 1);
	/* Wake, arm, sleep, look at who woke it, take what he posted. */
	creator("applies it, and sleeps meanwhile", applies, 5, 1);
}

int main(void)
{
#ifdef MP_CHAOS
	tap_skip("system-call budgets", "chaos sleeps and yields");
#else
	if (stepper_allowed() < 0) {
		tap_skip("system-call budgets",
			 "no process may be traced here (ptrace)");
		return tap_done();
	}
	/* One CPU: nobody spins, and who waits sleeps. */
	stepper_one_cpu();
	mp_backstop_set(0);
	board = share(sizeof(*board));
	count_all();
#endif
	return tap_done();
}
