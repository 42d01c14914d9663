/* driver.c - the loop over the points, and the processes around the victim. */
#include "driver.h"

#include <dlfcn.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "mp/backstop.h"
#include "mp/clock.h"
#include "mp/counters.h"
#include "mp/futex.h"
#include "mp/owner.h"
#include "stepper.h"
#include "tap.h"

#define LIMIT    LONG       /* a survivor that needs longer hangs */
#define PATIENCE (300 * MS) /* in a story with a known fault */
#define STEPS    50000      /* no operation is as long as this */
#define SHOWN    3          /* bad points shown of each story */

enum { STARTED = 1, OVER = 2 };

/* Shared with the victim and the others. */
struct common {
	_Atomic uint32_t stage; /* the victim's */
	_Atomic int32_t result;
	_Atomic uint32_t tid;
	_Alignas(64) struct other others[OTHERS];
	_Alignas(4096) char world[];
};
static struct common *common;

static size_t world_size;
static struct mp_counters *counters[8];
static const struct story *story;
static struct stepper victim;
static const struct point *point;
static int last; /* the operation was over before the kill */
static int every = 1, bad_here, bad_points;

void *kill_world(size_t size)
{
	world_size = size;
	common = mmap(NULL, sizeof(*common) + size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (common == MAP_FAILED)
		err(1, "mmap");
	return common->world;
}

void kill_counters(struct mp_counters *c)
{
	for (int i = 0; i < COUNT(counters); i++)
		if (counters[i] == NULL || counters[i] == c) {
			counters[i] = c;
			return;
		}
}

void kill_counters_forget(void)
{
	memset(counters, 0, sizeof(counters));
}

int kill_rescues(void)
{
	uint64_t n = 0;

	for (int i = 0; i < COUNT(counters); i++)
		n += mp_counters_get(counters[i], MP_RESCUES);
	return (int)n;
}

uint32_t victim_tid(void)
{
	return atomic_load(&common->tid);
}

/* Once something has failed the rest need not take long. */
static int64_t limit(void)
{
	if (story->fault || bad_points != 0)
		return PATIENCE;
	return tap_failures == 0 ? LIMIT : LIMIT / 5;
}

/* ---- the others */

void other_start(int i, int (*f)(struct other *))
{
	struct other *o = &common->others[i];
	pid_t parent = getpid(), pid;

	memset(o, 0, sizeof(*o));
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		o->result = f(o);
		atomic_store(&o->done, 1);
		mp_futex_wake(&o->done, 1, NULL);
		_exit(0);
	}
	o->pid = (uint32_t)pid;
}

/* Wait until the word is at least `value`. */
static int reached(_Atomic uint32_t *word, uint32_t value)
{
	int64_t deadline = mp_clock_deadline(limit());
	uint32_t old;

	while ((old = atomic_load(word)) < value)
		if (mp_futex_wait(word, old, deadline, NULL) == -ETIMEDOUT)
			return 0;
	return 1;
}

void other_reach(int i, uint32_t stage)
{
	must(reached(&common->others[i].stage, stage),
	     "process %d reaches stage %u", i, stage);
}

void other_asleep(int i)
{
	int64_t end = mp_clock_now() + limit();
	pid_t pid = (pid_t)common->others[i].pid;

	while (!asleep(pid)) {
		if (mp_clock_now() > end) {
			must(0, "process %d falls asleep", i);
			return;
		}
		sched_yield();
	}
}

void other_go(int i, uint32_t upto)
{
	atomic_store(&common->others[i].go, upto);
	mp_futex_wake(&common->others[i].go, 1, NULL);
}

int other_done(int i)
{
	return atomic_load(&common->others[i].done) != 0;
}

int other_result(int i)
{
	struct other *o = &common->others[i];

	return reached(&o->done, 1) ? o->result : HUNG;
}

int other_some(int from, int to, int n)
{
	int64_t end = mp_clock_now() + limit();
	int done;

	for (;;) {
		done = 0;
		for (int i = from; i < to; i++)
			done += other_done(i);
		if (done >= n || mp_clock_now() > end)
			return done >= n;
		sched_yield();
	}
}

int other_run(int (*f)(struct other *))
{
	int i = OTHERS - 1;

	other_kill(i); /* a former one, which has ended */
	other_start(i, f);
	return other_result(i);
}

void other_at(struct other *self, uint32_t stage)
{
	atomic_store(&self->stage, stage);
	mp_futex_wake(&self->stage, 1, NULL);
}

void other_until(struct other *self, uint32_t go)
{
	uint32_t old;

	while ((old = atomic_load(&self->go)) < go)
		mp_futex_wait(&self->go, old, MP_CLOCK_NEVER, NULL);
}

uint32_t other_pid(int i)
{
	return common->others[i].pid;
}

int other_started(int i)
{
	return other_pid(i) != 0;
}

void other_kill(int i)
{
	if (common->others[i].pid == 0)
		return;
	kill((pid_t)common->others[i].pid, SIGKILL);
	waitpid((pid_t)common->others[i].pid, NULL, 0);
	common->others[i].pid = 0;
}

/* ---- the victim */

static int yields = -1; /* the victim's; -1: this is another process */

/* Before it sleeps it yields some thirty times, and looks each time.  All these
 * looks are alike: two are tried, then it is told that it cannot yield. */
int sched_yield(void)
{
	if (yields >= 0 && yields++ >= 2)
		return -1;
	return (int)syscall(SYS_sched_yield);
}

static void live(void *unused)
{
	(void)unused;
	yields = 0;
	mp_backstop_set(story->victims_ns);
	if (!story->cold)
		mp_owner_attach();
	atomic_store(&common->tid, (uint32_t)getpid());
	if (story->before != NULL)
		story->before();
	raise(SIGSTOP);
	atomic_store(&common->stage, STARTED);
	common->result = story->operation();
	atomic_store(&common->stage, OVER);
	for (;;)
		pause();
}

/* Up to the first instruction of the operation, but for the few between the
 * mark and the call. */
static void to_the_mark(void)
{
	if (stepper_start(&victim, live, NULL) < 0)
		errx(1, "ptrace: no longer allowed");
	stepper_go(&victim, PTRACE_CONT);
	if (stepper_settle(&victim, limit()) < 0)
		errx(1, "%s: the victim does not get to its operation",
		     story->what);
	if (story->others != NULL)
		story->others();
	while (atomic_load(&common->stage) < STARTED)
		if (stepper_step(&victim) != STEPPER_STOPPED)
			errx(1, "%s: no way to the mark", story->what);
}

/* Is the victim in the library's code, or before or behind a system call?  The
 * rest is the C library's, which knows nothing of the world. */
static int in_ours(int behind_call)
{
	extern char __executable_start, etext;
	uint64_t pc = stepper_where(&victim);

	return behind_call || stepper_at_call(&victim) ||
	       (pc >= (uint64_t)&__executable_start && pc < (uint64_t)&etext);
}

static char ours[STEPS + 1]; /* which points are, as the first run found */

static uint32_t slept; /* bit n: a victim was killed in its n-th sleep */

/* n instructions, or up to a sleep in which no victim has been killed yet. */
static void steps(struct point *p, int n)
{
	int naps = 0;

	while (p->step < n && atomic_load(&common->stage) < OVER) {
		int call = stepper_at_call(&victim);
		int rc = stepper_step(&victim);

		p->step++;
		if (n == STEPS)
			ours[p->step] = (char)in_ours(call);
		if (rc == STEPPER_ASLEEP) {
			p->asleep = naps < 32 && !(slept & 1u << naps);
			if (p->asleep) {
				slept |= 1u << naps;
				return;
			}
			if (story->awaken != NULL)
				story->awaken(naps);
			naps++;
			rc = stepper_settle(&victim, limit()) == 0
				     ? STEPPER_STOPPED
				     : STEPPER_ASLEEP;
		}
		if (rc != STEPPER_STOPPED) {
			must(0, "the victim comes on at step %d", p->step);
			return;
		}
	}
	p->over = atomic_load(&common->stage) == OVER;
}

/* Let the victim come to its end. */
static void live_on(struct point *p)
{
	int64_t end = mp_clock_now() + limit();

	while (atomic_load(&common->stage) < OVER && mp_clock_now() < end)
		if (!victim.running)
			stepper_go(&victim, PTRACE_CONT);
		else if (!stepper_stopped(&victim, WNOHANG))
			sched_yield();
	p->over = atomic_load(&common->stage) == OVER;
}

/* Run to the door of FUTEX_WAKE. */
static void to_the_wake(struct point *p)
{
	int rc;

	while ((rc = stepper_call(&victim)) == STEPPER_STOPPED)
		if (victim.in_call && victim.call == SYS_futex &&
		    (victim.args[1] & 127) == FUTEX_WAKE)
			return;
	must(0, "the victim gets to FUTEX_WAKE (%d, step %d)", rc, p->step);
}

/* Linux 5.5 wakes a sleeper for an unlocker that died before it could, 6.2 also
 * if the word keeps its marks. */
static int kernel_helps(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 2);
}

/* ---- the points */

static char place[512]; /* of the victim's next instruction */

static void note_place(void)
{
	Dl_info info;
	uint64_t pc = stepper_where(&victim);

	place[0] = '\0';
	if (pc != 0 && dladdr((void *)pc, &info) != 0)
		snprintf(place, sizeof(place), "addr2line -fpie %s 0x%llx",
			 info.dli_fname,
			 (unsigned long long)pc -
				 (unsigned long long)info.dli_fbase);
}

void kill_must(int good, const char *what, const char *format, ...)
{
	va_list ap;

	if (good || bad_here++ != 0 || bad_points++ >= SHOWN)
		return;
	printf("# killed after %d instructions%s%s: ", point->step,
	       point->asleep ? ", asleep" : "", point->over ? ", over" : "");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf(" (%s)\n", what);
	if (place[0] != '\0')
		printf("# the next one: %s\n", place);
	fflush(stdout);
}

/* One point.  1 if it needed the back-stop. */
static int kill_at(struct point *p, int n)
{
	memset(common, 0, sizeof(*common) + world_size);
	place[0] = '\0';
	*p = (struct point){ 0 };
	point = p;
	bad_here = 0;
	mp_backstop_set(story->alone && kernel_helps() ? 0 : BACKSTOP);
	if (story->world != NULL)
		story->world();
	to_the_mark();
	if (story->at_wake)
		to_the_wake(p);
	else
		steps(p, n);
	note_place();
	p->tid = atomic_load(&common->tid);
	last = p->over;
	if (story->slip != NULL)
		story->slip();
	if (story->spare)
		live_on(p);
	else
		stepper_kill(&victim);
	p->result = common->result;
	story->check(p);
	stepper_kill(&victim);
	for (int i = 0; i < OTHERS; i++)
		other_kill(i);
	return kill_rescues() != 0;
}

/* Which points to try: all, or those that are ours. */
static void survey(void)
{
	struct point p;

	memset(ours, 1, sizeof(ours));
	if (story->ours) {
		memset(ours + 1, 0, STEPS);
		slept = UINT32_MAX;
		kill_at(&p, STEPS);
		memset(ours + p.step, 1, (size_t)(STEPS - p.step));
	}
}

/* A point for each n, and one for each sleep that is met. */
static void tell(void)
{
	int points = 0, rescued = 0, sleeps = 0, n = 0;
	int64_t start = mp_clock_now(), slowest = 0, begun;
	struct point p = { 0 };

	bad_points = 0;
	survey();
	last = 0;
	slept = 0;
	while (!last && n < STEPS && bad_points < SHOWN) {
		if (!ours[n]) {
			n++;
			continue;
		}
		begun = mp_clock_now();
		rescued += kill_at(&p, n);
		points++;
		sleeps += p.asleep;
		if (!p.asleep)
			n += story->fault ? 1 : every;
		last |= story->at_wake;
		if (mp_clock_now() - begun > slowest)
			slowest = mp_clock_now() - begun;
	}
	if (!story->fault)
		ok(bad_points == 0 && last, "%s", story->what);
	else
		ok(bad_points != 0, "%s: found", story->what);
	printf("# %s: %d points, %d asleep, %d needed the back-stop; "
	       "%.2f s, the slowest %.1f ms\n",
	       story->what, points, sleeps, rescued,
	       (double)(mp_clock_now() - start) / 1e9, (double)slowest / 1e6);
	fflush(stdout);
}

static int usage(FILE *f, const char *program, int status)
{
	fprintf(f,
		"usage: %s [--every N] [STORY]\n"
		"  --every N  kill at each N-th instruction only (1 to %d)\n"
		"  STORY      only stories with this in their name\n",
		program, STEPS);
	return status;
}

int kill_main(int argc, char **argv, const struct story *stories, int n)
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
	for (int i = 0; i < n; i++)
		if (strstr(stories[i].what, only) != NULL) {
			story = &stories[i];
			tell();
		}
	return tap_done();
}
