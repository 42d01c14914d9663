/* A worker of a pool is killed at every instruction: from its birth on, while
 * it takes a task, runs it and says so, while it helps with a map and leaves
 * it, asleep at the gate.  The creator lives: each job ends, at most the item
 * that the worker was running is lost, each other was run once, and the pool
 * goes on with a worker more.
 *
 * The worker is one that was started in the place of another.  It asks to be
 * traced, by its creator, which is this program; so driver.c, whose victim is
 * no child of a pool, is of no use here.  No back-stop: nobody may need one. */
#include "stepper.h"

#include "mp/backstop.h"
#include "mp/imap.h"
#include "mp/pool.h"
#include "mp/result.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define ITEMS        5
#define STEPS        20000
#define SHOWN        3
#define BAD          7 /* the status of the item that fails */

struct world {
	_Atomic int trap;    /* the next worker stops in its initializer */
	_Atomic int birth;   /* or right behind its fork */
	_Atomic int holding; /* the other worker is in an item, */
	_Atomic int go;      /* and may leave it */
	_Atomic int begun[100], ended[100];
};
static struct world *w;

struct story {
	const char *what;
	void (*publish)(void); /* the job */
	int (*settle)(void);   /* wait for it; not 0: it hangs */
	int chunk;
	int retries;
	int timed;  /* items may run so long that none does */
	int fails;  /* item 2 fails */
	int others; /* there is another worker, in a task of its own; 2: in */
		    /* item 0 of this job, a map */
	int slip;   /* it ends while the victim stands at its point */
	int late;   /* the victim sleeps when the job comes */
	int birth;  /* from the fork on */
};
static const struct story *story;

static struct mp_pool *pool;
static struct mp_result job[2], held;
static struct mp_imap it;
static int jobs; /* results in use */
static int in[100], out[100];
static int32_t status[100];
static struct stepper victim;

/* ---- bad points, as in driver.c ---- */

static int every = 1, step, over, bad_here, bad_points;
static int lost, unbegun, late_deaths; /* for the sums */

#define must(condition, ...) check_that(!!(condition), #condition, __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static void check_that(int good,
							     const char *what,
							     const char *format,
							     ...)
{
	va_list ap;

	if (good || bad_here++ != 0 || bad_points++ >= SHOWN)
		return;
	printf("# killed after %d instructions%s: ", step,
	       over ? ", asleep" : "");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf(" (%s)\n", what);
	fflush(stdout);
}

/* Once something has failed the rest need not take long. */
static int64_t limit(void)
{
	return bad_points != 0 || tap_failures != 0 ? 300 * MS : LONG;
}

/* ---- the workers ---- */

static int yields = -1; /* the victim's; -1: this is another process */

/* All looks of one who waits are alike; as in driver.c. */
int sched_yield(void)
{
	if (yields >= 0 && yields++ >= 2)
		return -1;
	return (int)syscall(SYS_sched_yield);
}

static void stop_here(_Atomic int *flag)
{
	if (!atomic_exchange(flag, 0))
		return;
	yields = 0;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	raise(SIGSTOP);
}

static int initializer(void *unused)
{
	(void)unused;
	stop_here(&w->trap);
	return 0;
}

static void forked(void)
{
	stop_here(&w->birth);
}

static void hold(void)
{
	atomic_store(&w->holding, 1);
	while (!atomic_load(&w->go))
		usleep(100);
}

static int work(struct mp_task *t)
{
	int i = *(const int *)t->in;

	atomic_fetch_add(&w->begun[i], 1);
	if (i == 0 && story->others == 2 && !atomic_load(&w->holding))
		hold();
	*(int *)t->out = i * i + 1;
	atomic_fetch_add(&w->ended[i], 1);
	return i == 2 && story->fails ? BAD : 0;
}

static int work_and_hold(struct mp_task *t)
{
	(void)t;
	hold();
	return 0;
}

/* ---- jobs ---- */

static struct mp_call call(void)
{
	return (struct mp_call){ .chunk = (size_t)story->chunk,
				 .retries = (uint32_t)story->retries,
				 .timeout_ns = story->timed ? 10 * LONG : 0,
				 .status = status };
}

static void publish_task(void)
{
	struct mp_call c = call();

	must(mp_pool_submit(pool, work, &in[jobs], sizeof(int), &out[jobs],
			    sizeof(int), &c, &job[jobs]) == 0,
	     "submitted");
	jobs++;
}

static void publish_two(void)
{
	publish_task();
	publish_task();
}

static int settle_tasks(void)
{
	int rc = 0, code;

	for (int i = 0; i < jobs && rc == 0; i++) {
		rc = mp_result_wait(&job[i], limit());
		status[i] = mp_result_status(&job[i]);
		if (rc == 0 && status[i] == MP_LOST)
			must(mp_result_exitcode(&job[i], &code) == 0 &&
				     code == -SIGKILL,
			     "it says how its worker ended");
	}
	return rc;
}

static void publish_map(void)
{
	struct mp_call c = call();

	jobs = ITEMS;
	must(mp_pool_map_async(pool, work, in, sizeof(int), ITEMS, out,
			       sizeof(int), &c, &job[0]) == 0,
	     "a map is begun");
}

static int settle_map(void)
{
	int rc = mp_result_wait(&job[0], limit()), failed = 0;

	for (int i = 0; i < ITEMS; i++)
		failed += status[i] != 0;
	must(rc < 0 || mp_result_status(&job[0]) == failed, "%d failed, not %d",
	     mp_result_status(&job[0]), failed);
	return rc;
}

static int numbers(void *unused, void *item)
{
	(void)unused;
	if (jobs == ITEMS)
		return 0;
	*(int *)item = jobs++;
	return 1;
}

static void publish_imap(void)
{
	struct mp_imap_options o = { .call = call() };
	int y;

	o.call.status = NULL;
	must(mp_imap_open(&it, pool, work, numbers, NULL, sizeof(int),
			  sizeof(int), &o) == 0,
	     "imap");
	must(mp_imap_next(&it, &y, 0) == -ETIMEDOUT, "the chunks are out");
}

static int settle_imap(void)
{
	int rc = 1, n = 0;

	for (; n < ITEMS; n++) {
		rc = mp_imap_next(&it, &out[n], limit());
		if (rc != 1)
			break;
		must(it.index == (uint64_t)n, "item %d is %d", n,
		     (int)it.index);
		status[n] = it.status;
	}
	must(rc == 1 && mp_imap_next(&it, NULL, limit()) == 0, "imap: %d", rc);
	mp_imap_close(&it);
	return rc == 1 ? 0 : rc;
}

/* ---- a point ---- */

static void publish(void)
{
	story->publish();
	if (story->others == 2)
		await(atomic_load(&w->holding));
}

/* The victim: the worker that comes in the place of the first. */
static void start_victim(void)
{
	pid_t old = mp_pool_worker_pid(pool, 0);

	atomic_store(story->birth ? &w->birth : &w->trap, 1);
	kill(old, SIGKILL);
	await(tap_state(old) == 'Z');
	if (story->others == 1) {
		must(mp_pool_submit(pool, work_and_hold, NULL, 0, NULL, 0, NULL,
				    &held) == 0,
		     "the other has something to do");
		await(atomic_load(&w->holding));
	}
	if (!story->late)
		publish();
	mp_pool_collect(pool, 0);
	victim = (struct stepper){ .pid = mp_pool_worker_pid(pool, 0),
				   .running = 1 };
	if (victim.pid == 0 || victim.pid == old)
		errx(1, "%s: no worker came", story->what);
	if (stepper_settle(&victim, LONG) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, victim.pid, NULL, PTRACE_O_TRACESYSGOOD) <
		    0)
		errx(1, "%s: the worker does not stop", story->what);
}

/* n instructions, or until the victim sleeps with nothing left to do. */
static void steps(int n)
{
	int slept = !story->late;

	for (step = 0; step < n; step++) {
		int rc = stepper_step(&victim);

		if (rc == STEPPER_ASLEEP && !slept) {
			slept = 1;
			publish();
			rc = stepper_settle(&victim, LONG) == 0
				     ? STEPPER_STOPPED
				     : STEPPER_ASLEEP;
		}
		over = rc == STEPPER_ASLEEP;
		if (rc == STEPPER_STOPPED)
			continue;
		must(rc != STEPPER_ENDED, "the victim goes on");
		break;
	}
	if (!slept)
		publish();
}

static void release(void)
{
	atomic_store(&w->go, 1);
	if (story->slip)
		await(asleep(mp_pool_worker_pid(pool, 1)));
}

/* What has become of each item? */
static void check_items(int n)
{
	int here = 0;

	for (int i = 0; i < n; i++) {
		int begun = atomic_load(&w->begun[i]);
		int ended = atomic_load(&w->ended[i]);
		int good = story->fails && i == 2 ? BAD : 0;

		must(begun <= 1 + story->retries, "item %d was begun %d times",
		     i, begun);
		late_deaths += begun > 1;
		if (status[i] == MP_LOST) {
			here++;
			unbegun += begun == 0;
			continue;
		}
		must(status[i] == good, "item %d has the status %d", i,
		     status[i]);
		must(ended >= 1 && out[i] == i * i + 1, "item %d: %d", i,
		     out[i]);
	}
	must(here <= (story->retries == 0), "%d are lost", here);
	lost += here;
}

static void check_pool(void)
{
	int rc;

	/* The other one may have done all the work: have a look at the dead. */
	await(strchr("Z-", tap_state(victim.pid)) != NULL);
	mp_pool_collect(pool, 0);
	memset(out, 0, sizeof(out));
	rc = mp_pool_map(pool, work, in, sizeof(int), COUNT(in), out,
			 sizeof(int), NULL);
	must(rc == story->fails, "a map of %d: %d", COUNT(in), rc);
	for (int i = 0; i < COUNT(in); i++)
		must(out[i] == i * i + 1 || (i == 2 && story->fails),
		     "item %d: %d", i, out[i]);
	must(mp_pool_workers(pool) == 1 + (story->others != 0), "%d workers",
	     mp_pool_workers(pool));
	must(mp_pool_replaced(pool) == 2, "%d were replaced",
	     (int)mp_pool_replaced(pool));
}

static void kill_at(int n)
{
	struct mp_pool_options o = { .initializer = initializer, .tasks = 8 };
	int rc;

	memset(w, 0, sizeof(*w));
	memset(out, 0, sizeof(out));
	memset(status, 1, sizeof(status));
	bad_here = over = jobs = 0;
	if (mp_pool_create(&pool, 1 + (story->others != 0), &o) < 0)
		err(1, "mp_pool_create");
	start_victim();
	steps(n);
	if (story->slip)
		release();
	kill(victim.pid, SIGKILL);
	if (!story->slip)
		release();
	rc = story->settle();
	must(rc == 0, "the job ends: %d", rc);
	if (rc == 0)
		check_items(jobs);
	if (rc == 0 && story->others == 1)
		must(mp_result_get(&held, limit()) == 0, "the other's task");
	if (rc == 0)
		check_pool();
	must(mp_pool_destroy(pool) == 0, "destroyed");
	must(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
	     "no process is left");
}

static void tell(void)
{
	int64_t begin = mp_clock_now();
	int points = 0, n;

	bad_points = over = lost = unbegun = late_deaths = 0;
	for (n = 0; !over && n < STEPS && bad_points < SHOWN; n += every) {
		kill_at(n);
		points++;
	}
	ok(bad_points == 0 && over, "%s", story->what);
	printf("# %s: %d points; at %d an item was lost, at %d of them one "
	       "about to be begun; at %d one was run again; %.2f s\n",
	       story->what, points, lost, unbegun, late_deaths,
	       (double)(mp_clock_now() - begin) / 1e9);
	fflush(stdout);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "a worker's birth", .publish = publish_task,
	  .settle = settle_tasks, .birth = 1 },
	{ .what = "a task", .publish = publish_task, .settle = settle_tasks },
	{ .what = "a task, the worker asleep", .publish = publish_task,
	  .settle = settle_tasks, .late = 1 },
	{ .what = "two tasks", .publish = publish_two,
	  .settle = settle_tasks },
	{ .what = "a task that may be run again", .publish = publish_task,
	  .settle = settle_tasks, .retries = 1 },
	{ .what = "a task, another worker goes to sleep",
	  .publish = publish_task, .settle = settle_tasks, .others = 1,
	  .slip = 1 },
	{ .what = "an imap in chunks of 3", .publish = publish_imap,
	  .settle = settle_imap, .chunk = 3 },
	{ .what = "a map", .publish = publish_map, .settle = settle_map,
	  .chunk = 1 },
	{ .what = "a map, the worker asleep", .publish = publish_map,
	  .settle = settle_map, .chunk = 1, .late = 1 },
	{ .what = "a map, an item fails", .publish = publish_map,
	  .settle = settle_map, .chunk = 1, .fails = 1 },
	{ .what = "a map in chunks of 2", .publish = publish_map,
	  .settle = settle_map, .chunk = 2 },
	{ .what = "a map in chunks as is good", .publish = publish_map,
	  .settle = settle_map },
	{ .what = "a map whose items may be run again",
	  .publish = publish_map, .settle = settle_map, .chunk = 2,
	  .retries = 1 },
	{ .what = "a map whose items have a time limit",
	  .publish = publish_map, .settle = settle_map, .chunk = 1,
	  .timed = 1 },
	{ .what = "a task with a time limit", .publish = publish_task,
	  .settle = settle_tasks, .timed = 1 },
	{ .what = "a map, another worker is in it", .publish = publish_map,
	  .settle = settle_map, .chunk = 1, .others = 2 },
	{ .what = "a map, another worker leaves it", .publish = publish_map,
	  .settle = settle_map, .chunk = 1, .others = 2, .slip = 1 },
};
/* clang-format on */

static int usage(FILE *f, const char *program, int code)
{
	fprintf(f,
		"usage: %s [--every N] [STORY]\n"
		"  --every N  kill at each N-th instruction only (1 to %d)\n"
		"  STORY      only stories with this in their name\n",
		program, STEPS);
	return code;
}

int main(int argc, char **argv)
{
	const char *only = "";

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout, argv[0], 0);
		if (strcmp(argv[i], "--every") == 0 && i + 1 < argc) {
			every = atoi(argv[++i]);
			if (every < 1 || every > STEPS)
				return usage(stderr, argv[0], 2);
		} else if (argv[i][0] == '-') {
			return usage(stderr, argv[0], 2);
		} else {
			only = argv[i];
		}
	}
	stepper_one_cpu();
	if (stepper_allowed() < 0) {
		tap_skip("kill at every instruction",
			 "no process may be single-stepped here (ptrace)");
		return tap_done();
	}
	w = share(sizeof(*w));
	pthread_atfork(NULL, NULL, forked);
	mp_backstop_set(0);
	for (int i = 0; i < COUNT(in); i++)
		in[i] = i;
	for (int i = 0; i < COUNT(stories); i++)
		if (strstr(stories[i].what, only) != NULL) {
			story = &stories[i];
			tell();
		}
	return tap_done();
}
