/* stage.h - who takes the next step; changed by nobody.
 *
 * Some processes, the actors, play one after the other: each stops before each
 * of its points (actor.h) until the director, which is the main process, lets
 * it go on.  So a schedule is played exactly, on real processes and with real
 * system calls, as often as one likes.  The director waits until the process
 * stands at its next point, has finished, or sleeps in a WAIT: asleep is what
 * /proc says of it.
 *
 * Before this is included, the frame of an exercise defines
 *
 *	PROGRAM, NAMES		"./ring", "PC": a letter for each actor
 *	op_names[OPS]		the words of a script
 *	struct plot		with name, cast (how many actors) and back (how
 *				often somebody stands back, for play_all;
 *				negative: as often as there are points)
 *	plots[PLOTS]		what can be played; a plot without a name, "",
 *				has only scripts that need none
 *
 * and, where it wants something else,
 *
 *	MOST			points of one schedule
 *	SLEEP			what the operation WAIT is called
 *	REFUSED			what a call may return instead of 0
 *	AGAIN			true: a script may let somebody who has finished
 *				act once more
 *
 * and after it
 *
 *	act(i)			all that actor i does in a round
 *	set()			everything as it is before a round of `plot`
 *	look()			give_up() if something is wrong; also start()
 *				who is to join.  Called after each point
 *	judge()			the same when nobody stands any more
 *	killing(i)		actor i is about to be killed; it may say how it
 *				was, roles[i].said, or that this schedule is not
 *				to be judged, judged = false
 *	tell()			a line of what it has come to
 */
#ifndef TOOLS_STAGE_H
#define TOOLS_STAGE_H

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include "actor.h"

#ifndef MOST
#define MOST 300
#endif
#ifndef SLEEP
#define SLEEP "a wait"
#endif
#ifndef REFUSED
#define REFUSED 0
#endif
#ifndef AGAIN
#define AGAIN false
#endif
#define CAST ((int)sizeof(NAMES) - 1)

static void act(int i);
static void set(void);
static void look(void);
static void judge(void);
static void killing(int i);
static void tell(void);

static const struct plot *plot;
static struct role *roles; /* shared: one for each actor */

/* What the director knows of them. */
struct actor {
	pid_t pid;
	bool asleep, dead;
};
static struct actor actors[CAST];

struct turn {
	int i;
	enum op op;
};
static struct turn played[MOST];
static int length;
static bool loud;
static bool judged;     /* whether it matters how the schedule ends */
static char fault[128]; /* why it was given up */

/* ---- processes */

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

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int64_t now_ns(void)
{
	return deadline_of(0);
}

static int64_t now_ms(void)
{
	return now_ns() / 1000000;
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

static const char *error_name(int rc)
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

	if (atomic_load(&roles[i].state) != RUNS)
		return false; /* it sleeps until we let it run */
	if (state == 'S' && roles[i].op == WAIT) {
		a->asleep = true;
	} else if (state == 'Z' || state == 'X') {
		a->dead = true;
		give_up("%c has died", NAMES[i]);
	} else if (state == 'S' && now_ms() - begin_ms > 500) {
		a->asleep = true;
		give_up("%c sleeps, but not in %s", NAMES[i], SLEEP);
	} else if (cpu_ms(a->pid) - used_ms > 500) {
		give_up("%c computes without coming to a point", NAMES[i]);
	} else {
		return false;
	}
	return true;
}

/* Wait until i stands at a point, has finished, or sleeps in a WAIT. */
static void settle(int i)
{
	int64_t begin_ms = now_ms(), used_ms = -1;

	actors[i].asleep = false;
	for (int looks = 0; atomic_load(&roles[i].state) == RUNS; looks++) {
		sched_yield();
		if (roles[i].op != WAIT && looks < 100)
			continue;
		if (used_ms < 0)
			used_ms = cpu_ms(actors[i].pid);
		if (is_stuck(i, begin_ms, used_ms))
			return;
	}
}

/* Somebody may have been woken. */
static void settle_sleepers(void)
{
	for (int i = 0; i < plot->cast; i++)
		if (actors[i].asleep)
			settle(i);
}

static void let_run(int i)
{
	atomic_store(&roles[i].state, RUNS);
	syscall(SYS_futex, &roles[i].state, FUTEX_WAKE, 1);
	settle(i);
	settle_sleepers();
}

static bool stands(int i)
{
	return !actors[i].dead && !actors[i].asleep &&
	       atomic_load(&roles[i].state) == AT_POINT;
}

static bool finished(int i)
{
	return !actors[i].dead && atomic_load(&roles[i].state) == FINISHED;
}

/* Print a line, or count it if it is the one before again.  NULL: only tell
 * what was counted. */
static void print_line(const char *line)
{
	static char last[96];
	static int again;

	if (line && strcmp(line, last) == 0) {
		again++;
		return;
	}
	if (again > 1)
		printf("         ... and %d times more\n", again);
	else if (again == 1)
		printf("%s\n", last);
	again = 0;
	snprintf(last, sizeof(last), "%s", line ? line : "");
	if (line)
		printf("%s\n", line);
}

static void print_point(int i, enum op op)
{
	const char *said = roles[i].said;
	char line[96];

	if (!loud)
		return;
	if (said[0])
		snprintf(line, sizeof(line), "%c.%-6s %s", NAMES[i],
			 op_names[op], said);
	else
		snprintf(line, sizeof(line), "%c.%s", NAMES[i], op_names[op]);
	print_line(line);
}

/* The point at which i stands is played. */
static void play(int i)
{
	enum op op = roles[i].op;

	if (length == MOST) {
		give_up("no end after %d points", MOST);
		return;
	}
	played[length++] = (struct turn){ i, op };
	let_run(i);
	print_point(i, op);
	look();
}

static void kill_actor(int i)
{
	roles[i].said[0] = '\0';
	killing(i);
	end_process(actors[i].pid);
	actors[i] = (struct actor){ .dead = true };
	if (length < MOST)
		played[length++] = (struct turn){ i, KILL };
	print_point(i, KILL);
	settle_sleepers();
}

/* A process that waits for its first round. */
static void start(int i)
{
	memset(&roles[i], 0, sizeof(roles[i]));
	actors[i] = (struct actor){ .pid = new_process() };
	if (actors[i].pid == 0)
		for (self = &roles[i];; act(i))
			stop_as(FINISHED);
	settle(i);
}

/* One of us runs at a time, so one CPU is enough; to wake somebody on another
 * one costs four times as much.  If it is not allowed, it only takes longer. */
static void stay_on_this_cpu(void)
{
	cpu_set_t this_one;

	CPU_ZERO(&this_one);
	CPU_SET((unsigned)sched_getcpu(), &this_one);
	sched_setaffinity(0, sizeof(this_one), &this_one);
}

static void start_actors(const struct plot *which)
{
	plot = which;
	if (!roles) {
		roles = shared_memory(CAST * sizeof(*roles));
		stay_on_this_cpu();
	}
	for (int i = 0; i < plot->cast; i++)
		start(i);
}

static void stop_actors(void)
{
	for (int i = 0; i < plot->cast; i++)
		if (actors[i].pid > 0) {
			end_process(actors[i].pid);
			actors[i].pid = 0;
		}
}

/* A new round: everybody goes to its first point. */
static void begin(void)
{
	for (int i = 0; i < plot->cast; i++)
		if (!finished(i)) { /* the last round came to grief */
			if (actors[i].pid > 0)
				kill_actor(i);
			start(i);
		}
	fault[0] = '\0';
	length = 0;
	judged = true;
	set();
	for (int i = 0; i < plot->cast; i++) {
		roles[i].result = 0;
		let_run(i);
	}
	look();
}

/* Nobody stands any more. */
static void judge_actors(void)
{
	for (int i = 0; i < plot->cast; i++) {
		int rc = roles[i].result;

		if (actors[i].asleep)
			give_up("nobody is left who could wake %c", NAMES[i]);
		else if (rc != 0 && rc != REFUSED)
			give_up("%c got %s", NAMES[i], error_name(rc));
	}
}

static void judge_end(void)
{
	if (!judged)
		return;
	judge_actors();
	if (!fault[0])
		judge();
}

static int report(void)
{
	print_line(NULL);
	if (fault[0])
		printf("given up: %s\n", fault);
	for (int i = 0; i < plot->cast; i++) {
		printf("  %c  ", NAMES[i]);
		if (actors[i].dead)
			printf("is dead\n");
		else if (actors[i].asleep)
			printf("is asleep in %s\n", op_names[roles[i].op]);
		else if (stands(i))
			printf("stands before %s\n", op_names[roles[i].op]);
		else if (!finished(i))
			printf("computes after %s\n", op_names[roles[i].op]);
		else if (roles[i].result)
			printf("has finished with %s\n",
			       error_name(roles[i].result));
		else
			printf("has finished\n");
	}
	tell();
	return fault[0] != '\0';
}

/* i alone, as far as it comes. */
static inline void play_on(int i)
{
	while (stands(i) && !fault[0])
		play(i);
}

/* All, one point each in turn, until nobody stands. */
static void play_in_turn(void)
{
	for (bool more = true; more && !fault[0];) {
		more = false;
		for (int i = 0; i < plot->cast; i++)
			if (stands(i) && !fault[0]) {
				more = true;
				play(i);
			}
	}
	if (!fault[0])
		judge_end();
}

/* The script, then the rest in turn. */
static void follow(const struct turn *script, int turns)
{
	begin();
	for (int k = 0; k < turns && !fault[0]; k++) {
		int i = script[k].i;

		if (AGAIN && script[k].op != KILL && finished(i))
			let_run(i);
		if (script[k].op == KILL && !actors[i].dead)
			kill_actor(i);
		else if (stands(i) && roles[i].op == script[k].op)
			play(i);
		else
			give_up("the script says %c.%s now, as number %d",
				NAMES[i], op_names[script[k].op], k + 1);
	}
	if (!fault[0])
		play_in_turn();
}

/* ---- every schedule */

/* A place in a schedule where one of several can go on. */
struct choice {
	int who[CAST], many, taken;
};
static struct choice choices[MOST + 1];

/* Play one schedule: the first choices as they are, then the processes one
 * after the other.  Somebody who could go on stands back at most so many times.
 * The result is how many choices there were. */
static int play_one(int known, int back)
{
	int depth, now = -1;

	begin();
	for (depth = 0; !fault[0]; depth++) {
		struct choice *c = &choices[depth];
		bool could = now >= 0 && stands(now);

		if (depth >= known) {
			c->many = c->taken = 0;
			if (could)
				c->who[c->many++] = now;
			for (int i = 0; i < plot->cast && (!could || back > 0);
			     i++)
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

/* Print what was played as a script, and play it again with a report. */
static int replay(void)
{
	struct turn script[MOST];
	int turns = length;

	memcpy(script, played, sizeof(script));
	printf("%s%s%s", PROGRAM, *plot->name ? " " : "", plot->name);
	for (int k = 0; k < turns; k++)
		printf(" %c.%s", NAMES[script[k].i], op_names[script[k].op]);
	printf("\n");
	loud = true;
	start_actors(plot);
	follow(script, turns);
	report();
	stop_actors();
	return 1;
}

/* The schedules of a plot, simple ones first, until one fails. */
static inline int play_all(int which)
{
	int most = plots[which].back < 0 ? MOST : plots[which].back;
	int schedules = 0, known;

	start_actors(&plots[which]);
	for (int back = 0; back <= most && !fault[0]; back++) {
		if (back == 3 && plot->back < 0)
			back = MOST; /* now all that there are */
		schedules = 0;
		known = 0;
		do {
			known = next_one(play_one(known, back));
			schedules++;
		} while (known > 0 && !fault[0]);
	}
	stop_actors();
	if (fault[0])
		return replay();
	printf("%d schedules: none fails\n", schedules);
	return 0;
}

/* ---- counting */

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

/* Print the system calls that a process makes in work(), counted between two
 * SIGSTOPs by ptrace; or why not. */
static inline void count_calls(void (*work)(void))
{
	pid_t tracee = new_process();
	int stops;

	if (tracee == 0) {
		pid_t me = getpid();

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		kill(me, SIGSTOP);
		work();
		kill(me, SIGSTOP);
		_exit(0);
	}
	if (to_stop(tracee, false) < 0) {
		printf("n/a (ptrace is not allowed here)\n");
		return;
	}
	ptrace(PTRACE_SETOPTIONS, tracee, NULL, PTRACE_O_TRACESYSGOOD);
	ptrace(PTRACE_SYSCALL, tracee, NULL, NULL);
	stops = to_stop(tracee, true);
	if (stops < 0)
		printf("it did not end\n");
	else /* an entry and an exit each; the last call is the second kill */
		printf("%d\n", stops / 2 - 1);
	end_process(tracee);
}

/* ---- the command line */

struct scenario {
	const char *mode, *name;
	int (*function)(int);
	int argument;
};

static int usage(const struct scenario *v, int n)
{
	bool named = *plots[0].name;

	fprintf(stderr, "usage: %s%s WHO.OP...   %s", PROGRAM,
		named ? " PLOT" : "", named ? " PLOT:" : "");
	for (int i = 0; named && i < PLOTS; i++)
		fprintf(stderr, " %s", plots[i].name);
	fprintf(stderr, "%s WHO:", named ? ";" : "");
	for (int i = 0; i < CAST; i++)
		fprintf(stderr, " %c", NAMES[i]);
	fprintf(stderr, "; OP:");
	for (int op = 0; op < OPS; op++)
		fprintf(stderr, " %s", op_names[op]);
	fprintf(stderr, "\n       %s --bench mine|reference [ROUNDS]\n",
		PROGRAM);
	for (int i = 0; i < n; i++)
		fprintf(stderr, "       %s %s %s\n", PROGRAM, v[i].mode,
			v[i].name);
	return 2;
}

static struct turn read_turn(const char *text)
{
	const char *who = text[0] ? strchr(NAMES, text[0]) : NULL;
	struct turn t = { who ? (int)(who - NAMES) : CAST, 0 };

	if (t.i < plot->cast && text[1] == '.')
		for (; t.op < OPS; t.op++)
			if (strcmp(text + 2, op_names[t.op]) == 0)
				return t;
	errx(2, "'%s' has no point '%s'; they are %c.%s, %c.%s, ...",
	     *plot->name ? plot->name : PROGRAM, text, NAMES[0], op_names[0],
	     NAMES[0], op_names[KILL]);
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

/* bench(mine, rounds) prints nanoseconds. */
static int stage_main(int argc, char *argv[], const struct scenario *v, int n,
		      void (*bench)(bool, int))
{
	int rounds = argc > 3 ? atoi(argv[3]) : 1000;

	if (argc > 2 && strcmp(argv[1], "--bench") == 0 && rounds > 0 &&
	    (!strcmp(argv[2], "mine") || !strcmp(argv[2], "reference"))) {
		bench(argv[2][0] == 'm', rounds);
		return 0;
	}
	for (int i = 0; argc == 3 && i < n; i++)
		if (strcmp(argv[1], v[i].mode) == 0 &&
		    strcmp(argv[2], v[i].name) == 0)
			return v[i].function(v[i].argument);
	for (int i = 0; argc > 1 && i < PLOTS; i++)
		if (strcmp(argv[1], plots[i].name) == 0)
			return run_script(&plots[i], argc - 2, argv + 2);
	return usage(v, n);
}

#endif
