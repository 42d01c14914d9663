/* frame.h - what judges a ring: included at its end, changed by nobody.
 *
 * A producer, P, and a consumer, C, use one ring.  The director (we) says who
 * takes the next step, so a schedule is played exactly, on real processes and
 * real eventfds, as often as one likes:
 *
 *	./ring message C.load C.load C.store P.load P.load P.fill P.store
 *
 * When the script ends the rest goes on, one point each in turn.  Where the
 * ring does something else than the script says, the director stops and tells
 * where each process stands.  P.kill kills P there.
 *
 *	./ring run message
 *
 * plays every schedule in which somebody who could go on stands back at most so
 * many times (two to four, see plots), and stops at the first that comes to
 * grief.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define MOST 300 /* points of one schedule */
#define MS   1000000LL

static const char *const op_names[OPS] = { "load", "store", "xchg", "fill",
					   "take", "wait",  "ring", "kill" };

struct shared {
	_Alignas(64) struct ring ring;
	_Alignas(64) struct process p[2];
};
static struct shared *s;

/* In a ring of two slots there are messages 1 to `full`.  P puts the next ones,
 * C gets. */
struct plot {
	const char *name;
	unsigned head, full; /* the counters begin at head */
	unsigned puts, gets;
	int back; /* how often somebody stands back */
};
static const struct plot plots[] = {
	{ "message", 0, 0, 1, 1, 4 },
	{ "messages", 0, 0, 2, 2, 3 },
	{ "full", 0, 2, 1, 1, 4 },
	{ "lap", 0, 2, 3, 3, 2 },
	{ "wrap", UINT32_MAX - 1, 1, 2, 2, 2 },
};
enum { MESSAGE, MESSAGES, FULL, LAP, WRAP, PLOTS };
static const struct plot *plot;

/* What the director knows of P and C. */
struct actor {
	pid_t pid;
	bool asleep, dead;
};
static struct actor actors[2];
#define NAME(i) "PC"[i]

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

/* ---- what P and C do */

static void live(int i)
{
	struct ring *r = &s->ring;

	for (self = &s->p[i];;) {
		stop_as(FINISHED);
		for (unsigned k = 0; k < (i ? plot->gets : plot->puts); k++) {
			unsigned message = self->next + k;
			int rc = i ? ring_get(r, &message, -1)
				   : ring_put(r, message, -1);

			if (rc != 0)
				self->result = rc;
			else
				self->got[self->count++] = message;
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
		give_up("%c has died", NAME(i));
	} else if (state == 'S' && now_ms() - begin_ms > 500) {
		a->asleep = true;
		give_up("%c sleeps, but not in bell_wait", NAME(i));
	} else if (cpu_ms(a->pid) - used_ms > 500) {
		give_up("%c computes without coming to a point", NAME(i));
	} else {
		return false;
	}
	return true;
}

/* Wait until i stands at a point, has finished, or sleeps in bell_wait. */
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
	futex_call(&s->p[i].state, FUTEX_WAKE, 1);
	settle(i);
	if (actors[!i].asleep) /* i may have woken it */
		settle(!i);
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
	unsigned many;

	if (length == MOST) {
		give_up("no end after %d points", MOST);
		return;
	}
	played[length++] = (struct turn){ i, op };
	let_run(i);
	if (loud)
		printf("%c.%-6s %s\n", NAME(i), op_names[op], s->p[i].said);
	many = atomic_load(&s->ring.tail) - atomic_load(&s->ring.head);
	if (many > s->ring.size)
		give_up("%d messages in %u slots", (int)many, s->ring.size);
}

static void kill_actor(int i)
{
	kill(actors[i].pid, SIGKILL);
	waitpid(actors[i].pid, NULL, 0);
	actors[i].dead = true;
	actors[i].asleep = false;
	if (loud)
		printf("%c.kill\n", NAME(i));
}

/* Forget that the bell was rung. */
static void silence(struct bell *b)
{
	uint64_t times;

	if (read(b->fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
		err(1, "eventfd");
	b->asleep = 0;
}

/* So many slots, messages 1 to `full` in them, and in the others what lay there
 * before. */
static void set(unsigned size, unsigned head, unsigned full)
{
	struct ring *r = &s->ring;

	silence(&r->data);
	silence(&r->room);
	r->size = size;
	r->head = head;
	r->tail = head + full;
	for (unsigned k = 0; k < SLOTS_MAX; k++)
		r->slots[k] = 99;
	for (unsigned k = 0; k < full; k++)
		r->slots[(head + k) % size] = k + 1;
}

static void start_actor(int i)
{
	memset(&s->p[i], 0, sizeof(s->p[i]));
	memset(&actors[i], 0, sizeof(actors[i]));
	s->p[i].ring = &s->ring;
	actors[i].pid = new_process();
	if (actors[i].pid == 0)
		live(i);
	settle(i);
}

static void start_actors(const struct plot *which)
{
	plot = which;
	start_actor(0);
	start_actor(1);
}

static void stop_actors(void)
{
	for (int i = 0; i < 2; i++) {
		kill(actors[i].pid, SIGKILL);
		waitpid(actors[i].pid, NULL, 0);
	}
}

/* Both begin anew, and go to their first point. */
static void begin(void)
{
	set(2, plot->head, plot->full);
	fault[0] = '\0';
	length = 0;
	for (int i = 0; i < 2; i++) {
		s->p[i].result = s->p[i].count = 0;
		s->p[i].next = plot->full + 1;
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
	}
	snprintf(number, sizeof(number), "%d", rc);
	return number;
}

/* The message that was got as number k, or that is left. */
static unsigned message_at(unsigned k)
{
	struct ring *r = &s->ring;

	return k < plot->gets ? s->p[1].got[k]
			      : r->slots[(r->head + k - plot->gets) % r->size];
}

/* Nobody stands any more: has it come to what it should? */
static void judge_end(void)
{
	unsigned all = plot->full + plot->puts, left;

	for (int i = 0; i < 2; i++) {
		if (actors[i].dead)
			return; /* a script with kill: see the report */
		if (actors[i].asleep)
			give_up("nobody is left who could wake %c", NAME(i));
		if (s->p[i].result)
			give_up("%c got %s", NAME(i), name(s->p[i].result));
	}
	left = s->ring.tail - s->ring.head;
	if (left != all - plot->gets)
		give_up("%d messages are left, not %u", (int)left,
			all - plot->gets);
	for (unsigned k = 0; k < all; k++)
		if (message_at(k) != k + 1)
			give_up("message %u is %u, not %u", k + 1,
				message_at(k), k + 1);
}

static int report(void)
{
	struct ring *r = &s->ring;

	if (fault[0])
		printf("given up: %s\n", fault);
	for (int i = 0; i < 2; i++) {
		struct process *p = &s->p[i];

		printf("  %c  ", NAME(i));
		if (actors[i].dead)
			printf("is dead\n");
		else if (actors[i].asleep)
			printf("is asleep in %s\n", op_names[p->op]);
		else if (stands(i))
			printf("stands before %s\n", op_names[p->op]);
		else if (!finished(i))
			printf("computes after %s\n", op_names[p->op]);
		else if (p->result)
			printf("has finished with %s\n", name(p->result));
		else
			printf("has finished\n");
	}
	printf("  got:");
	for (int k = 0; k < s->p[1].count; k++)
		printf(" %u", s->p[1].got[k]);
	printf("; head %u, tail %u, asleep: data %u, room %u\n", r->head,
	       r->tail, r->data.asleep, r->room.asleep);
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
				NAME(i), op_names[script[k].op], k + 1);
	}
	while (more && !fault[0]) {
		more = false;
		for (int i = 0; i < 2; i++)
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
	int who[2], many, taken;
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
			for (int i = 0; i < 2 && (!could || back > 0); i++)
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
	int schedules = 0, known, rc;
	struct turn script[MOST];

	start_actors(&plots[which]);
	for (int i = 0; i <= plots[which].back && !fault[0]; i++) {
		schedules = 0;
		known = 0;
		do { /* simple ones first */
			known = next_one(play_one(known, i));
			schedules++;
		} while (known > 0 && !fault[0]);
	}
	stop_actors();
	if (!fault[0]) {
		printf("%d schedules: none fails\n", schedules);
		return 0;
	}
	memcpy(script, played, sizeof(script));
	printf("./ring %s", plot->name);
	for (int k = 0; k < length; k++)
		printf(" %c.%s", NAME(script[k].i), op_names[script[k].op]);
	printf("\n");
	loud = true;
	start_actors(&plots[which]);
	follow(script, length);
	rc = report();
	stop_actors();
	return rc;
}

/* ---- one of both is killed */

static void play_on(int i)
{
	while (stands(i) && !fault[0])
		play(i);
}

/* What C got and what is left must be messages in a row, from the first or the
 * second up to `last`. */
static void judge_killed(unsigned last)
{
	struct ring *r = &s->ring;
	unsigned left = r->tail - r->head, first = s->p[1].got[0];

	for (int i = 0; i < 2; i++)
		if (actors[i].asleep)
			give_up("nobody is left who could wake %c", NAME(i));
	if (s->p[1].count != 1 || first < 1 || first > 2)
		give_up("C got %u, and that is none of the messages", first);
	if (left != last - first)
		give_up("after message %u, %d are left, not %u", first,
			(int)left, last - first);
	for (unsigned k = 0; k < left; k++)
		if (r->slots[(r->head + k) % r->size] != first + 1 + k)
			give_up("message %u is %u", first + 1 + k,
				r->slots[(r->head + k) % r->size]);
}

/* The other one sleeps; `who` is killed at its point number k, and another
 * process does the same as it.  false: it has not so many points. */
static bool play_killed(int who, int k)
{
	start_actors(&plots[who ? FULL : MESSAGE]);
	begin();
	play_on(!who);
	for (; k > 0 && stands(who) && !fault[0]; k--)
		play(who);
	if (!stands(who) && !fault[0])
		return false;
	kill_actor(who);
	start_actor(who);
	s->p[who].next = plot->full + 2;
	let_run(who);
	while ((stands(0) || stands(1)) && !fault[0]) {
		play_on(who);
		play_on(!who);
	}
	if (!fault[0])
		judge_killed(plot->full + 1 + !who);
	return true;
}

static int run_killed(int who)
{
	int k = 0, rc = 0;

	while (play_killed(who, k) && !fault[0]) {
		stop_actors();
		k++;
	}
	stop_actors();
	if (!fault[0]) {
		printf("killed at each of %d points: none fails\n", k);
		return 0;
	}
	loud = true;
	play_killed(who, k);
	rc = report();
	stop_actors();
	return rc;
}

/* ---- without a script */

#define MANY 5000

/* One process puts, the other gets, as fast as they can, through four slots. */
static int run_many(int unused)
{
	unsigned message = 0;
	int k, status;
	pid_t pid;

	(void)unused;
	set(4, 0, 0);
	pid = new_process();
	if (pid == 0) {
		for (unsigned i = 1; i <= MANY; i++)
			if (ring_put(&s->ring, i, -1) != 0)
				_exit(1);
		_exit(0);
	}
	for (k = 1; k <= MANY; k++)
		if (ring_get(&s->ring, &message, -1) != 0 ||
		    message != (unsigned)k)
			break;
	if (k <= MANY) {
		printf("message %d is %u\n", k, message);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	if (k > MANY && status == 0)
		printf("%d messages, each once, in order\n", MANY);
	return 0;
}

/* How many messages go into four slots, and what comes out, at each place where
 * the counters may be. */
static int run_holds(int unused)
{
	static const unsigned heads[] = { 0, 1, 6, UINT32_MAX - 2 };
	unsigned message;

	(void)unused;
	for (int k = 0; k < 4; k++) {
		int in = 0;

		set(4, heads[k], 0);
		while (in < 8 && ring_try_put(&s->ring, (unsigned)in + 1) == 0)
			in++;
		printf("%d in, out:", in);
		for (in = 0; in < 8 && !ring_try_get(&s->ring, &message); in++)
			printf(" %u", message);
		printf("\n");
	}
	return 0;
}

/* A process that puts (or gets) in vain, which now sleeps, or has computed for
 * 50 ms, or has ended. */
static pid_t new_waiter(bool gets, bool *sleeps)
{
	unsigned message = 0;
	pid_t pid = new_process();
	char state;

	if (pid == 0)
		_exit(gets ? ring_get(&s->ring, &message, -1) != 0
			   : ring_put(&s->ring, 5, -1) != 0);
	do {
		usleep(1000);
		state = state_in_proc(pid);
	} while (state != 'S' && state != 'Z' && cpu_ms(pid) < 50);
	*sleeps = state == 'S';
	return pid;
}

/* 0: it has ended, with its status; -1: not within so many ms. */
static int ended(pid_t pid, int *status, int ms)
{
	for (int i = 0; i < ms; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 0;
		usleep(1000);
	}
	return -1;
}

static int put_or_get(bool gets, int64_t timeout_ns)
{
	unsigned message;

	return gets ? ring_get(&s->ring, &message, timeout_ns)
		    : ring_put(&s->ring, 5, timeout_ns);
}

static int run_timeout(int gets)
{
	int rc, status = 0;
	int64_t ms;
	bool sleeps;
	pid_t pid;

	set(4, 0, gets ? 0 : 4);
	rc = put_or_get(gets, 0);
	printf("not at all: %s\n", name(rc));
	ms = now_ms();
	rc = put_or_get(gets, 50 * MS);
	ms = now_ms() - ms;
	printf("50 ms: %s, %s\n", name(rc),
	       ms < 49 || ms > 1500 ? "at the wrong time" : "in time");
	fflush(stdout);
	pid = new_waiter(gets, &sleeps);
	printf("for ever: %s\n", sleeps ? "asleep" : "not asleep");
	rc = -1;
	for (int i = 0; i < 3 && rc < 0; i++) { /* it may come a little late */
		put_or_get(!gets, 0);
		rc = ended(pid, &status, i < 2 ? 200 : 2000);
	}
	printf("then: %s\n", rc < 0 ? "waits on" : name(-status));
	if (rc < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static void ignore(int sig)
{
	(void)sig;
}

/* 100 ms under a signal each 10 ms, for 3 s at most. */
static int run_storm(int gets)
{
	struct sigaction sa = { .sa_handler = ignore };
	pid_t us = getpid(), storm;
	int64_t ms;
	int rc;

	set(4, 0, gets ? 0 : 4);
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
	rc = put_or_get(gets, 100 * MS);
	ms = now_ms() - ms;
	printf("100 ms under signals: %s, %s (%lld ms)\n", name(rc),
	       ms < 99 || ms > 1500 ? "at the wrong time" : "in time",
	       (long long)ms);
	kill(storm, SIGKILL);
	waitpid(storm, NULL, 0);
	return 0;
}

/* How often a process slept that waited for 100 ms. */
static int count_sleeps(int unused)
{
	struct rusage before, after;
	int rc;

	(void)unused;
	set(4, 0, 0);
	getrusage(RUSAGE_SELF, &before);
	rc = put_or_get(true, 100 * MS);
	getrusage(RUSAGE_SELF, &after);
	if (rc == -ETIMEDOUT)
		printf("%ld\n", after.ru_nvcsw - before.ru_nvcsw);
	else
		printf("the result was %s\n", name(rc));
	return 0;
}

/* C sleeps, P puts one message: how often the bell is rung for it. */
static int count_rings(int unused)
{
	int rings = 0;

	(void)unused;
	start_actors(&plots[MESSAGE]);
	begin();
	play_on(1);
	while (stands(0) && !fault[0]) {
		rings += s->p[0].op == RING;
		play(0);
	}
	if (fault[0])
		printf("%s\n", fault);
	else
		printf("%d\n", rings);
	stop_actors();
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

/* The system calls of 1000 messages put and got by one process, counted between
 * two SIGSTOPs by ptrace; before that, perhaps, waits that time out. */
static int count_pairs(int timed_out)
{
	unsigned message;
	pid_t tracee;
	int stops;

	set(4, 0, 0);
	tracee = new_process();
	if (tracee == 0) {
		pid_t me = getpid();

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		if (timed_out) {
			ring_get(&s->ring, &message, 1 * MS);
			for (unsigned i = 0; i < 5; i++)
				ring_put(&s->ring, i, 1 * MS);
			for (unsigned i = 0; i < 4; i++)
				ring_try_get(&s->ring, &message);
		}
		kill(me, SIGSTOP);
		for (unsigned i = 0; i < 1000; i++) {
			ring_put(&s->ring, i, -1);
			ring_get(&s->ring, &message, -1);
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

/* The reference: the textbook's ring, with a lock of the C library. */
struct reference {
	pthread_mutex_t mutex;
	unsigned head, tail, size, slots[SLOTS_MAX];
};

static bool reference_put(struct reference *r, unsigned message)
{
	bool room;

	pthread_mutex_lock(&r->mutex);
	room = r->tail - r->head < r->size;
	if (room)
		r->slots[r->tail++ % r->size] = message;
	pthread_mutex_unlock(&r->mutex);
	return room;
}

static bool reference_get(struct reference *r, unsigned *message)
{
	bool there;

	pthread_mutex_lock(&r->mutex);
	there = r->head != r->tail;
	if (there)
		*message = r->slots[r->head++ % r->size];
	pthread_mutex_unlock(&r->mutex);
	return there;
}

/* Nanoseconds for 1000 messages put and got by one process. */
static void bench(bool mine, int rounds)
{
	struct reference *r = shared_memory(sizeof(*r));
	pthread_mutexattr_t shared;
	struct timespec from, to;
	unsigned message;

	set(SLOTS_MAX, 0, 0);
	r->size = SLOTS_MAX;
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&r->mutex, &shared);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < (unsigned)rounds * 1000; i++) {
		if (mine) {
			ring_put(&s->ring, i, -1);
			ring_get(&s->ring, &message, -1);
		} else {
			reference_put(r, i);
			reference_get(r, &message);
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
	{ "run", "message", run_plot, MESSAGE },
	{ "run", "messages", run_plot, MESSAGES },
	{ "run", "full", run_plot, FULL },
	{ "run", "lap", run_plot, LAP },
	{ "run", "wrap", run_plot, WRAP },
	{ "run", "killed_p", run_killed, 0 },
	{ "run", "killed_c", run_killed, 1 },
	{ "run", "many", run_many, 0 },
	{ "run", "holds", run_holds, 0 },
	{ "run", "timeout_put", run_timeout, 0 },
	{ "run", "timeout_get", run_timeout, 1 },
	{ "run", "storm_put", run_storm, 0 },
	{ "run", "storm_get", run_storm, 1 },
	{ "count", "pairs", count_pairs, 0 },
	{ "count", "timed_out", count_pairs, 1 },
	{ "count", "sleeps", count_sleeps, 0 },
	{ "count", "rings", count_rings, 0 },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static int usage(const char *program)
{
	fprintf(stderr, "usage: %s PLOT P.OP...    PLOT:", program);
	for (int i = 0; i < PLOTS; i++)
		fprintf(stderr, " %s", plots[i].name);
	fprintf(stderr, "; P or C; OP:");
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
	struct turn t = { text[0] == 'C', 0 };

	if ((text[0] == 'P' || text[0] == 'C') && text[1] == '.')
		for (; t.op < OPS; t.op++)
			if (strcmp(text + 2, op_names[t.op]) == 0)
				return t;
	errx(2, "'%s' has no point '%s'; they are P.fill, C.wait, P.kill, ...",
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
	s->ring.data.fd = eventfd(0, EFD_NONBLOCK);
	s->ring.room.fd = eventfd(0, EFD_NONBLOCK);
	if (s->ring.data.fd < 0 || s->ring.room.fd < 0)
		err(1, "eventfd");
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
