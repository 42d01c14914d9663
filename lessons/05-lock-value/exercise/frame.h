/* frame.h - what judges a lock: included at its end, changed by nobody.
 *
 * The scenarios that check.bats judges, and scripts:
 *
 *	./futex_lock A.cas B.cas B.xchg B.wait A.xchg A.wake
 *
 * When the script ends the rest goes on, one point each in turn.  Where the
 * lock does something else than the script says, the director stops and tells
 * where each process stands.  A.kill kills A there.
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include "director.h"

/* ---- schedules */

/* The script, then the rest, one point each in turn. */
static void follow(const struct schedule *script)
{
	bool more = true;

	for (int k = 0; k < script->length && !fault[0]; k++) {
		struct turn t = script->turns[k];
		struct process *p = &s->p[t.i];

		if (t.op == KILL) {
			kill_actor(t.i);
			continue;
		}
		if (finished(t.i))
			begin_round(t.i);
		if (stands(t.i) && p->op == t.op)
			play(t.i);
		else
			give_up("the script says %c.%s now, as number %d",
				'A' + t.i, op_names[t.op], k + 1);
	}
	while (more && !fault[0]) {
		more = false;
		for (int i = 0; i < n; i++)
			if (stands(i) && !fault[0]) {
				more = true;
				play(i);
			}
	}
	nobody_stands();
}

#define ROUNDS    2   /* of each process */
#define SCHEDULES 300 /* tried; always the same ones */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

/* Any order of the points of count processes: schedule number k.  Some switch
 * at nearly each point, some seldom. */
static void any_order(int count, int k)
{
	uint32_t seed = (uint32_t)k * 2654435761U + 1;
	int now = 0;

	start_actors(count);
	while (!fault[0]) {
		int standing[3], many = 0;

		for (int i = 0; i < n; i++) {
			if (finished(i) && actors[i].rounds < ROUNDS)
				begin_round(i);
			if (stands(i))
				standing[many++] = i;
		}
		if (many == 0)
			break;
		if (!stands(now) || draw(&seed, 8) < 2U * (k % 4 + 1))
			now = standing[draw(&seed, (uint32_t)many)];
		play(now);
	}
	nobody_stands();
	stop_actors();
}

static int run_schedules(int count)
{
	struct schedule *shortest = calloc(1, sizeof(*shortest));
	int rc;

	for (int k = 0; k < SCHEDULES; k++) {
		int64_t begin = now_ms();

		any_order(count, k);
		if (fault[0] &&
		    (!shortest->length || played.length < shortest->length))
			*shortest = played;
		if (fault[0] && now_ms() - begin > 500)
			break;
	}
	if (!shortest->length) {
		printf("%d schedules: none fails\n", SCHEDULES);
		return 0;
	}
	printf("./futex_lock");
	for (int k = 0; k < shortest->length; k++)
		printf(" %c.%s", 'A' + shortest->turns[k].i,
		       op_names[shortest->turns[k].op]);
	printf("\n");
	loud = true;
	start_actors(count);
	follow(shortest);
	rc = report();
	stop_actors();
	return rc;
}

/* Let i play until it holds the lock, sleeps, or has finished. */
static void play_until(int i, bool holds)
{
	for (int k = 0; k < 200 && stands(i) && !fault[0]; k++) {
		if (holds && s->p[i].inside)
			return;
		play(i);
	}
}

/* A holds the lock, B and then C sleep for it; A releases it. */
static void two_sleepers(void)
{
	start_actors(3);
	play_until(0, true);
	play_until(1, false);
	play_until(2, false);
	if (!fault[0] && !(actors[1].asleep && actors[2].asleep))
		give_up("%c does not sleep", actors[1].asleep ? 'C' : 'B');
	play_until(0, false);
}

static int run_sleepers(void)
{
	int rc;

	loud = true;
	two_sleepers();
	for (int i = 0; i < 2 * n; i++)
		play_until(i % n, false);
	nobody_stands();
	rc = report();
	stop_actors();
	return rc;
}

/* A takes the lock again before B, woken by A's release, comes to try: ten
 * times.  Then A stops. */
static int run_overtaken(void)
{
	int rc;

	loud = true;
	start_actors(2);
	play_until(0, true);
	play_until(1, false);
	for (int k = 0; k < 10 && !fault[0]; k++) {
		play_until(0, false);
		if (finished(0))
			begin_round(0);
		play_until(0, true);
		play_until(1, false);
	}
	for (int i = 0; i < 2 * n; i++)
		play_until(i % n, false);
	nobody_stands();
	rc = report();
	stop_actors();
	return rc;
}

static int count_woken(void)
{
	two_sleepers();
	printf("%d\n", s->p[0].woken);
	stop_actors();
	return 0;
}

/* ---- without a script */

static int run_two(void)
{
	return run_schedules(2);
}

static int run_three(void)
{
	return run_schedules(3);
}

/* Four processes, as fast as they can; in its first rounds each gives up the
 * CPU with the lock in its hand. */
static int run_count(void)
{
	for (int i = 0; i < 4; i++) {
		if (new_process() != 0)
			continue;
		for (int k = 0; k < 100000; k++) {
			unsigned value;

			acquire(&s->word);
			value = s->counter;
			if (k < 100)
				sched_yield();
			s->counter = value + 1;
			release(&s->word);
		}
		_exit(0);
	}
	for (int status; wait(&status) > 0;)
		if (status != 0)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	printf("counter %u\n", s->counter);
	return 0;
}

/* We hold the lock; a process that waits for it, which now sleeps, or has
 * computed for 50 ms. */
static pid_t new_waiter(bool *sleeps)
{
	pid_t pid;

	acquire(&s->word);
	pid = new_process();
	if (pid == 0) {
		acquire(&s->word);
		release(&s->word);
		_exit(0);
	}
	do {
		usleep(1000);
		*sleeps = state_in_proc(pid) == 'S';
	} while (!*sleeps && cpu_ms(pid) < 50);
	return pid;
}

static int run_sleep(void)
{
	bool sleeps;
	pid_t pid = new_waiter(&sleeps);

	printf("the waiter %s\n", sleeps ? "sleeps" : "computes");
	fflush(stdout);
	release(&s->word);
	waitpid(pid, NULL, 0);
	printf("the waiter has had the lock\n");
	return 0;
}

static int count_sleeps(void)
{
	struct rusage used;
	bool sleeps;
	pid_t pid = new_waiter(&sleeps);

	usleep(100000);
	release(&s->word);
	wait4(pid, NULL, 0, &used);
	printf("%ld\n", used.ru_nvcsw);
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

/* The system calls of 1000 pairs, counted between two SIGSTOPs by ptrace. */
static int count_pairs(void)
{
	pid_t tracee = new_process();
	int stops;

	if (tracee == 0) {
		pid_t me = getpid();

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		kill(me, SIGSTOP);
		for (int i = 0; i < 1000; i++) {
			acquire(&s->word);
			release(&s->word);
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

/* Nanoseconds for 1000 pairs of one process; reference: glibc's mutex. */
static void bench(bool mine, int rounds)
{
	pthread_mutex_t *mutex = shared_memory(sizeof(*mutex));
	struct timespec begin, end;
	pthread_mutexattr_t shared;

	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &shared);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < rounds * 1000; i++) {
		if (mine) {
			acquire(&s->word);
			release(&s->word);
		} else {
			pthread_mutex_lock(mutex);
			pthread_mutex_unlock(mutex);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%lld\n", ((end.tv_sec - begin.tv_sec) * 1000000000LL +
			  end.tv_nsec - begin.tv_nsec) /
				 rounds);
}

/* ---- the command line */

static const struct {
	const char *mode, *name;
	int (*function)(void);
} scenarios[] = {
	{ "run", "two", run_two },
	{ "run", "three", run_three },
	{ "run", "sleepers", run_sleepers },
	{ "run", "overtaken", run_overtaken },
	{ "run", "sleep", run_sleep },
	{ "run", "count", run_count },
	{ "count", "pairs", count_pairs },
	{ "count", "sleeps", count_sleeps },
	{ "count", "woken", count_woken },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static int usage(const char *program)
{
	fprintf(stderr, "usage: %s P.OP...    P: A B C; OP:", program);
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

	if (t.i >= 0 && t.i < 3 && text[1] == '.')
		for (; t.op < OPS; t.op++)
			if (strcmp(text + 2, op_names[t.op]) == 0)
				return t;
	errx(2, "there is no point '%s'; they are A.cas, B.wait, C.kill, ...",
	     text);
}

static int run_script(int length, char *text[])
{
	struct schedule script = { .length = length };
	int count = 1, rc;

	if (length > MOST)
		errx(2, "a script has at most %d points", MOST);
	for (int k = 0; k < length; k++) {
		struct turn t = read_turn(text[k]);

		script.turns[k] = t;
		if (t.i >= count)
			count = t.i + 1;
	}
	loud = true;
	start_actors(count);
	follow(&script);
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
			return scenarios[i].function();
	if (argc > 1 && strchr(argv[1], '.'))
		return run_script(argc - 1, argv + 1);
	return usage(argv[0]);
}
