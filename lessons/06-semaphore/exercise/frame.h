/* frame.h - what judges a semaphore: included at its end, changed by nobody.
 *
 * Up to three processes, A, B and C, use one semaphore.  The director (we) says
 * who takes the next step, so a schedule is played exactly, on real processes
 * and the real futex, as often as one likes:
 *
 *	./semaphore waiter A.load A.add A.load B.load B.cas B.load A.wait
 *
 * When the script ends the rest goes on, one point each in turn.  Where the
 * semaphore does something else than the script says, the director stops and
 * tells where each process stands.  A.kill kills A there.
 *
 *	./semaphore run waiter
 *
 * plays every schedule there is, and stops at the first that comes to grief;
 * with three processes, those in which somebody who could go on stands back at
 * most twice.
 */
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define MOST 300 /* points of one schedule */
#define MS   1000000LL

static const char *const op_names[OPS] = { "load", "store", "cas",  "xchg",
					   "add",  "wait",  "wake", "kill" };

struct shared {
	_Alignas(64) struct semaphore semaphore;
	_Alignas(64) atomic_uint inside, most;
	struct process p[3];
};
static struct shared *s;

/* What A, B and C are to do: a acquires, r releases, t acquires if it need not
 * wait; and what it comes to. */
struct plot {
	const char *name;
	unsigned value, max;
	const char *jobs[3];
	int refused, why; /* so many calls return why, all others 0 */
	unsigned end;     /* the value at last */
};
static const struct plot plots[] = {
	{ "waiter", 0, 1, { "a", "r", NULL }, 0, 0, 0 },
	{ "waiters", 0, 2, { "a", "a", "rr" }, 0, 0, 0 },
	{ "overtaken", 0, 1, { "ar", "r", "ar" }, 0, 0, 1 },
	{ "takers", 1, 2, { "t", "t", NULL }, 1, -ETIMEDOUT, 0 },
	{ "givers", 1, 2, { "r", "r", NULL }, 1, -EOVERFLOW, 2 },
	{ "crowd", 0, 2, { "a", "a", "r" }, 0, 0, 0 },
};
enum { WAITER, WAITERS, OVERTAKEN, TAKERS, GIVERS, CROWD, PLOTS };
static const struct plot *plot;

/* What the director knows of A, B and C. */
struct actor {
	pid_t pid;
	bool asleep, dead;
};
static struct actor actors[3];
static int n;

struct turn {
	int i;
	enum op op;
};
static struct turn played[MOST];
static int length;
static bool loud;
static char fault[128]; /* why the schedule was given up */

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

static pid_t new_process(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The CPU time that a process has used. */
static int64_t cpu_ms(pid_t pid)
{
	struct timespec t = { 0, 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static char state_in_proc(pid_t pid)
{
	char path[32], state = 'X';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f)
		fclose(f);
	return state;
}

/* ---- what A, B and C do */

static void live(int i)
{
	struct semaphore *semaphore = &s->semaphore;

	for (self = &s->p[i];;) {
		stop_as(FINISHED);
		for (const char *job = plot->jobs[i]; *job; job++) {
			int64_t timeout = *job == 't' ? 0 : -1;
			int rc = *job == 'r' ? semaphore_release(semaphore)
					     : semaphore_acquire(semaphore,
								 timeout);

			if (rc != 0) {
				self->failed++;
				self->result = rc;
			}
		}
	}
}

/* ---- the director */

static void give_up(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (!fault[0])
		vsnprintf(fault, sizeof(fault), format, list);
	va_end(list);
}

/* i runs: does it sleep, or has it come to grief? */
static bool is_stuck(int i, int64_t begin_ms, int64_t used_ms)
{
	struct actor *a = &actors[i];
	char state = state_in_proc(a->pid);

	if (atomic_load(&s->p[i].state) != RUNS)
		return false; /* it sleeps until we let it run */
	if (state == 'S' && s->p[i].op == WAIT) {
		a->asleep = true;
	} else if (state == 'Z' || state == 'X') {
		a->dead = true;
		give_up("%c has died", 'A' + i);
	} else if (state == 'S' && now_ms() - begin_ms > 500) {
		a->asleep = true;
		give_up("%c sleeps, but not in futex_wait", 'A' + i);
	} else if (cpu_ms(a->pid) - used_ms > 500) {
		give_up("%c computes without coming to a point", 'A' + i);
	} else {
		return false;
	}
	return true;
}

/* Wait until i stands at a point, has finished, or sleeps in futex_wait. */
static void settle(int i)
{
	int64_t begin_ms = now_ms(), used_ms = -1;

	actors[i].asleep = false;
	for (int look = 0; atomic_load(&s->p[i].state) == RUNS; look++) {
		sched_yield();
		if (s->p[i].op != WAIT && look < 100)
			continue;
		if (used_ms < 0)
			used_ms = cpu_ms(actors[i].pid);
		if (is_stuck(i, begin_ms, used_ms))
			return;
	}
}

static void let_run(int i)
{
	atomic_store(&s->p[i].state, RUNS);
	futex_call(&s->p[i].state, FUTEX_WAKE, 1, NULL);
	settle(i);
	for (int j = 0; j < n; j++) /* those that i has woken */
		if (actors[j].asleep)
			settle(j);
}

static bool stands(int i)
{
	return !actors[i].dead && !actors[i].asleep &&
	       atomic_load(&s->p[i].state) == AT_POINT;
}

static bool finished(int i)
{
	return !actors[i].dead && atomic_load(&s->p[i].state) == FINISHED;
}

/* The point at which i stands is played. */
static void play(int i)
{
	enum op op = s->p[i].op;
	unsigned value;

	if (length == MOST) {
		give_up("no end after %d points", MOST);
		return;
	}
	played[length++] = (struct turn){ i, op };
	let_run(i);
	if (loud)
		printf("%c.%-6s %s\n", 'A' + i, op_names[op], s->p[i].said);
	value = atomic_load(&s->semaphore.value);
	if (value > plot->max)
		give_up("the value is %d, not 0 to %u", (int)value, plot->max);
}

static void kill_actor(int i)
{
	kill(actors[i].pid, SIGKILL);
	waitpid(actors[i].pid, NULL, 0);
	actors[i].dead = true;
	actors[i].asleep = false;
	if (loud)
		printf("%c.kill\n", 'A' + i);
}

static void start_actors(const struct plot *which)
{
	plot = which;
	memset(s, 0, sizeof(*s));
	memset(actors, 0, sizeof(actors));
	for (n = 0; n < 3 && plot->jobs[n]; n++) {
		s->p[n].semaphore = &s->semaphore;
		actors[n].pid = new_process();
		if (actors[n].pid == 0)
			live(n);
		settle(n);
	}
}

static void stop_actors(void)
{
	for (int i = 0; i < n; i++) {
		kill(actors[i].pid, SIGKILL);
		waitpid(actors[i].pid, NULL, 0);
	}
}

static void set(unsigned value, unsigned max)
{
	s->semaphore.value = value;
	s->semaphore.waiters = 0;
	s->semaphore.max = max;
}

/* Everybody begins anew, and goes to its first point. */
static void begin(void)
{
	set(plot->value, plot->max);
	fault[0] = '\0';
	length = 0;
	for (int i = 0; i < n; i++) {
		s->p[i].failed = s->p[i].result = s->p[i].woken = 0;
		let_run(i);
	}
}

static const char *name(int rc)
{
	static char number[16];

	switch (-rc) {
	case 0:
		return "0";
	case EAGAIN:
		return "-EAGAIN";
	case ETIMEDOUT:
		return "-ETIMEDOUT";
	case EOVERFLOW:
		return "-EOVERFLOW";
	}
	snprintf(number, sizeof(number), "%d", rc);
	return number;
}

/* Nobody stands any more: has it come to what it should? */
static void judge_end(void)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		if (actors[i].dead)
			return; /* a script with kill: see the report */
		if (actors[i].asleep)
			give_up("nobody is left who could wake %c", 'A' + i);
		failed += s->p[i].failed;
		if (s->p[i].failed && s->p[i].result != plot->why)
			give_up("%c got %s", 'A' + i, name(s->p[i].result));
	}
	if (failed != plot->refused)
		give_up("%d of the calls were refused, not %d", failed,
			plot->refused);
	if (s->semaphore.value != plot->end)
		give_up("the value is %d at last, not %u",
			(int)s->semaphore.value, plot->end);
}

static int report(void)
{
	if (fault[0])
		printf("given up: %s\n", fault);
	for (int i = 0; i < n; i++) {
		struct process *p = &s->p[i];

		printf("  %c  ", 'A' + i);
		if (actors[i].dead)
			printf("is dead\n");
		else if (actors[i].asleep)
			printf("is asleep in %s\n", op_names[p->op]);
		else if (stands(i))
			printf("stands before %s\n", op_names[p->op]);
		else if (!finished(i))
			printf("computes after %s\n", op_names[p->op]);
		else if (p->failed)
			printf("has finished with %s\n", name(p->result));
		else
			printf("has finished\n");
	}
	printf("  value %d, waiters %d\n", (int)s->semaphore.value,
	       (int)s->semaphore.waiters);
	return fault[0] != '\0';
}

/* The script, then the rest, one point each in turn. */
static void follow(const struct turn *script, int turns)
{
	bool more = true;

	begin();
	for (int k = 0; k < turns && !fault[0]; k++) {
		int i = script[k].i;

		if (script[k].op == KILL && !actors[i].dead)
			kill_actor(i);
		else if (stands(i) && s->p[i].op == script[k].op)
			play(i);
		else
			give_up("the script says %c.%s now, as number %d",
				'A' + i, op_names[script[k].op], k + 1);
	}
	while (more && !fault[0]) {
		more = false;
		for (int i = 0; i < n; i++)
			if (stands(i) && !fault[0]) {
				more = true;
				play(i);
			}
	}
	if (!fault[0])
		judge_end();
}

/* ---- every schedule */

/* A place in a schedule where one of several can go on. */
struct choice {
	int who[3], many, taken;
};
static struct choice choices[MOST];

/* Play one schedule: the first choices as they are, then the processes one
 * after the other.  Somebody who could go on stands back at most so many times.
 * The result is how many choices there were. */
static int play_one(int known, int back)
{
	int depth, now = -1;

	begin();
	for (depth = 0; depth < MOST && !fault[0]; depth++) {
		struct choice *c = &choices[depth];
		bool could = now >= 0 && stands(now);

		if (depth >= known) {
			c->many = c->taken = 0;
			if (could)
				c->who[c->many++] = now;
			for (int i = 0; i < n && (!could || back > 0); i++)
				if (stands(i) && i != now)
					c->who[c->many++] = i;
		}
		if (c->many == 0)
			break;
		back -= could && c->who[c->taken] != now;
		now = c->who[c->taken];
		play(now);
	}
	if (!fault[0])
		judge_end();
	return depth;
}

/* The next schedule: another choice at the last place that has one. */
static int next_one(int depth)
{
	while (depth > 0 &&
	       ++choices[depth - 1].taken == choices[depth - 1].many)
		depth--;
	return depth;
}

/* The schedules of a plot, until one fails: that is printed and replayed. */
static int run_plot(int which)
{
	/* With three processes, all schedules would take too long. */
	int times = plots[which].jobs[2] ? 3 : 4, schedules = 0, known, rc;
	static const int back[] = { 0, 1, 2, MOST }; /* simple ones first */
	struct turn script[MOST];

	start_actors(&plots[which]);
	for (int i = 0; i < times && !fault[0]; i++) {
		schedules = 0;
		known = 0;
		do {
			known = next_one(play_one(known, back[i]));
			schedules++;
		} while (known > 0 && !fault[0]);
	}
	stop_actors();
	if (!fault[0]) {
		printf("%d schedules: none fails\n", schedules);
		return 0;
	}
	memcpy(script, played, sizeof(script));
	printf("./semaphore %s", plot->name);
	for (int k = 0; k < length; k++)
		printf(" %c.%s", 'A' + script[k].i, op_names[script[k].op]);
	printf("\n");
	loud = true;
	start_actors(&plots[which]);
	follow(script, length);
	rc = report();
	stop_actors();
	return rc;
}

/* ---- without a script */

/* Six processes, two places; in its first rounds each gives up the CPU while it
 * is inside. */
static int run_six(int unused)
{
	(void)unused;
	set(2, 2);
	for (int i = 0; i < 6; i++) {
		if (new_process() != 0)
			continue;
		for (int k = 0; k < 3000; k++) {
			unsigned in, most;

			if (semaphore_acquire(&s->semaphore, -1) != 0)
				_exit(1);
			in = atomic_fetch_add(&s->inside, 1) + 1;
			most = atomic_load(&s->most);
			while (in > most && !atomic_compare_exchange_weak(
						    &s->most, &most, in))
				;
			if (k < 100)
				sched_yield();
			atomic_fetch_sub(&s->inside, 1);
			if (semaphore_release(&s->semaphore) != 0)
				_exit(1);
		}
		_exit(0);
	}
	for (int status; wait(&status) > 0;)
		if (status != 0)
			printf("a call was refused\n");
	printf("%s than 2 inside\n", s->most > 2 ? "more" : "never more");
	printf("value %d of 2\n", (int)s->semaphore.value);
	return 0;
}

/* The value is 0; a process that waits, which now sleeps, or has computed for
 * 50 ms, or has ended. */
static pid_t new_waiter(bool *sleeps)
{
	pid_t pid = new_process();
	char state;

	if (pid == 0)
		_exit(semaphore_acquire(&s->semaphore, -1) != 0);
	do {
		usleep(1000);
		state = state_in_proc(pid);
	} while (state != 'S' && state != 'Z' && cpu_ms(pid) < 50);
	*sleeps = state == 'S';
	return pid;
}

/* 0: it has ended, with its status; -1: not within two seconds. */
static int ended(pid_t pid, int *status)
{
	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 0;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

static int run_timeout(int unused)
{
	int rc, status;
	int64_t ms;
	bool sleeps;
	pid_t pid;

	(void)unused;
	set(0, 1);
	rc = semaphore_acquire(&s->semaphore, 0);
	printf("not at all: %s\n", name(rc));
	ms = now_ms();
	rc = semaphore_acquire(&s->semaphore, 50 * MS);
	ms = now_ms() - ms;
	printf("50 ms: %s, %s\n", name(rc),
	       ms < 49 || ms > 1500 ? "at the wrong time" : "in time");
	fflush(stdout);
	pid = new_waiter(&sleeps);
	printf("for ever: %s\n", sleeps ? "asleep" : "not asleep");
	semaphore_release(&s->semaphore);
	rc = ended(pid, &status);
	printf("released: %s\n", rc < 0 ? "waits on" : name(-status));
	return 0;
}

static void ignore(int sig)
{
	(void)sig;
}

/* 100 ms under a signal each 10 ms, for 3 s at most. */
static int run_storm(int unused)
{
	struct sigaction sa = { .sa_handler = ignore };
	pid_t us = getpid(), storm;
	int64_t ms;
	int rc;

	(void)unused;
	set(0, 1);
	sigaction(SIGUSR1, &sa, NULL);
	storm = new_process();
	if (storm == 0) {
		for (int i = 0; i < 300; i++) {
			usleep(10000);
			kill(us, SIGUSR1);
		}
		_exit(0);
	}
	ms = now_ms();
	rc = semaphore_acquire(&s->semaphore, 100 * MS);
	ms = now_ms() - ms;
	printf("100 ms under signals: %s, %s (%lld ms)\n", name(rc),
	       ms < 99 || ms > 1500 ? "at the wrong time" : "in time",
	       (long long)ms);
	kill(storm, SIGKILL);
	waitpid(storm, NULL, 0);
	return 0;
}

/* Two wait, one is killed, two places are given back. */
static int run_killed(int unused)
{
	bool sleeps;
	int status, rc;
	pid_t first, second;

	(void)unused;
	set(0, 2);
	first = new_waiter(&sleeps);
	second = new_waiter(&sleeps);
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	semaphore_release(&s->semaphore);
	printf("the other waiter %s\n",
	       ended(second, &status) < 0 ? "waits on" : "has it");
	semaphore_release(&s->semaphore);
	printf("another release: value %d\n", (int)s->semaphore.value);
	rc = semaphore_acquire(&s->semaphore, 0);
	printf("a newcomer: %s\n", name(rc));
	return 0;
}

/* A and B sleep, C gives one place back: how many it wakes. */
static int count_woken(int unused)
{
	(void)unused;
	start_actors(&plots[CROWD]);
	begin();
	for (int i = 0; i < 3; i++)
		while (stands(i) && !fault[0])
			play(i);
	if (fault[0])
		printf("%s\n", fault);
	else
		printf("%d\n", s->p[2].woken);
	stop_actors();
	return 0;
}

/* How often a process slept that waited for 100 ms. */
static int count_sleeps(int unused)
{
	struct rusage before, after;
	int rc;

	(void)unused;
	set(0, 1);
	getrusage(RUSAGE_SELF, &before);
	rc = semaphore_acquire(&s->semaphore, 100 * MS);
	getrusage(RUSAGE_SELF, &after);
	if (rc == -ETIMEDOUT)
		printf("%ld\n", after.ru_nvcsw - before.ru_nvcsw);
	else
		printf("the result was %s\n", name(rc));
	return 0;
}

/* Let a traced process run to its next SIGSTOP: how often it stopped at a
 * system call on the way, or -1 if it ended instead. */
static int to_stop(pid_t tracee, bool calls)
{
	int status, stops = 0;

	while (waitpid(tracee, &status, 0) == tracee && WIFSTOPPED(status)) {
		long sig = WSTOPSIG(status);

		if (sig == SIGSTOP)
			return stops;
		if (sig == (SIGTRAP | 0x80)) {
			stops++;
			sig = 0;
		}
		ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, tracee, NULL, sig);
	}
	return -1;
}

/* The system calls of 1000 pairs, counted between two SIGSTOPs by ptrace;
 * before that, perhaps, a wait that times out. */
static int count_pairs(int timed_out)
{
	pid_t tracee;
	int stops;

	set(0, 2);
	tracee = new_process();
	if (tracee == 0) {
		pid_t me = getpid();

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		if (timed_out)
			semaphore_acquire(&s->semaphore, 1 * MS);
		s->semaphore.value = 1;
		kill(me, SIGSTOP);
		for (int i = 0; i < 1000; i++) {
			semaphore_acquire(&s->semaphore, -1);
			semaphore_release(&s->semaphore);
		}
		kill(me, SIGSTOP);
		_exit(0);
	}
	if (to_stop(tracee, false) < 0) {
		printf("n/a (ptrace is not allowed here)\n");
		return 0;
	}
	ptrace(PTRACE_SETOPTIONS, tracee, NULL, PTRACE_O_TRACESYSGOOD);
	ptrace(PTRACE_SYSCALL, tracee, NULL, NULL);
	stops = to_stop(tracee, true);
	if (stops < 0)
		printf("the pairs did not end\n");
	else /* an entry and an exit each; the last call is the second kill */
		printf("%d\n", stops / 2 - 1);
	kill(tracee, SIGKILL);
	waitpid(tracee, NULL, 0);
	return 0;
}

/* Nanoseconds for 1000 pairs of one process; reference: glibc's sem_t. */
static void bench(bool mine, int rounds)
{
	sem_t *reference = shared_memory(sizeof(*reference));
	struct timespec from, to;

	set(1, 2);
	sem_init(reference, 1, 1);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < rounds * 1000; i++) {
		if (mine) {
			semaphore_acquire(&s->semaphore, -1);
			semaphore_release(&s->semaphore);
		} else {
			sem_wait(reference);
			sem_post(reference);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%lld\n", ((to.tv_sec - from.tv_sec) * 1000000000LL +
			  to.tv_nsec - from.tv_nsec) /
				 rounds);
}

/* ---- the command line */

static const struct {
	const char *mode, *name;
	int (*function)(int);
	int argument;
} scenarios[] = {
	{ "run", "waiter", run_plot, WAITER },
	{ "run", "waiters", run_plot, WAITERS },
	{ "run", "overtaken", run_plot, OVERTAKEN },
	{ "run", "takers", run_plot, TAKERS },
	{ "run", "givers", run_plot, GIVERS },
	{ "run", "six", run_six, 0 },
	{ "run", "timeout", run_timeout, 0 },
	{ "run", "storm", run_storm, 0 },
	{ "run", "killed", run_killed, 0 },
	{ "count", "pairs", count_pairs, 0 },
	{ "count", "timed_out", count_pairs, 1 },
	{ "count", "woken", count_woken, 0 },
	{ "count", "sleeps", count_sleeps, 0 },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static int usage(const char *program)
{
	fprintf(stderr, "usage: %s PLOT P.OP...    PLOT:", program);
	for (int i = 0; i < PLOTS; i++)
		fprintf(stderr, " %s", plots[i].name);
	fprintf(stderr, "; P: A B C; OP:");
	for (int op = 0; op < OPS; op++)
		fprintf(stderr, " %s", op_names[op]);
	fprintf(stderr, "\n       %s --bench mine|reference [ROUNDS]\n",
		program);
	for (size_t i = 0; i < SCENARIOS; i++)
		fprintf(stderr, "       %s %s %s\n", program, scenarios[i].mode,
			scenarios[i].name);
	return 2;
}

static struct turn read_turn(const char *text)
{
	struct turn t = { text[0] - 'A', 0 };

	if (t.i >= 0 && t.i < 3 && plot->jobs[t.i] && text[1] == '.')
		for (; t.op < OPS; t.op++)
			if (strcmp(text + 2, op_names[t.op]) == 0)
				return t;
	errx(2, "'%s' has no point '%s'; they are A.cas, B.wait, A.kill, ...",
	     plot->name, text);
}

static int run_script(const struct plot *which, int turns, char *text[])
{
	struct turn script[MOST];
	int rc;

	if (turns > MOST)
		errx(2, "a script has at most %d points", MOST);
	plot = which;
	for (int k = 0; k < turns; k++)
		script[k] = read_turn(text[k]);
	loud = true;
	start_actors(which);
	follow(script, turns);
	rc = report();
	stop_actors();
	return rc;
}

int main(int argc, char *argv[])
{
	int rounds = argc > 3 ? atoi(argv[3]) : 1000;

	s = shared_memory(sizeof(*s));
	if (argc > 2 && strcmp(argv[1], "--bench") == 0 && rounds > 0 &&
	    (!strcmp(argv[2], "mine") || !strcmp(argv[2], "reference"))) {
		bench(argv[2][0] == 'm', rounds);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < SCENARIOS; i++)
		if (strcmp(argv[1], scenarios[i].mode) == 0 &&
		    strcmp(argv[2], scenarios[i].name) == 0)
			return scenarios[i].function(scenarios[i].argument);
	for (int i = 0; argc > 1 && i < PLOTS; i++)
		if (strcmp(argv[1], plots[i].name) == 0)
			return run_script(&plots[i], argc - 2, argv + 2);
	return usage(argv[0]);
}
