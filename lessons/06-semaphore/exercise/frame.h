/* frame.h - what judges a semaphore: included at its end, changed by nobody.
 *
 * Up to three processes, A, B and C, use one semaphore.  The director
 * (../../tools/stage.h) says who takes the next step:
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
 * most twice: all of them would take too long.
 */
#include <semaphore.h>

#define PROGRAM "./semaphore"
#define NAMES   "ABC"
#define SLEEP   "futex_wait"
#define REFUSED plot->why
static const char *const op_names[OPS] = { "load", "store", "cas",  "xchg",
					   "add",  "wait",  "wake", "kill" };

#define ALL (-1) /* schedules */

/* What A, B and C are to do: a acquires, r releases, t acquires if it need not
 * wait; and what it comes to. */
struct plot {
	const char *name;
	int cast, back;
	unsigned value, max;
	const char *jobs[3];
	int refused, why; /* so many calls return why, all others 0 */
	unsigned end;     /* the value at last */
};
static const struct plot plots[] = {
	{ "waiter", 2, ALL, 0, 1, { "a", "r" }, 0, 0, 0 },
	{ "waiters", 3, 2, 0, 2, { "a", "a", "rr" }, 0, 0, 0 },
	{ "overtaken", 3, 2, 0, 1, { "ar", "r", "ar" }, 0, 0, 1 },
	{ "takers", 2, ALL, 1, 2, { "t", "t" }, 1, -ETIMEDOUT, 0 },
	{ "givers", 2, ALL, 1, 2, { "r", "r" }, 1, -EOVERFLOW, 2 },
	{ "crowd", 3, 2, 0, 2, { "a", "a", "r" }, 0, 0, 0 },
};
enum { WAITER, WAITERS, OVERTAKEN, TAKERS, GIVERS, CROWD, PLOTS };

#include "timeout.h"

struct shared {
	int failed[CAST];         /* calls that did not return 0 */
	atomic_uint inside, most; /* of six processes */
};
static struct shared *s;

/* ---- what stage.h asks for */

static void act(int i)
{
	for (const char *job = plot->jobs[i]; *job; job++) {
		int64_t timeout = *job == 't' ? 0 : -1;
		int rc = *job == 'r' ? semaphore_release(semaphore)
				     : semaphore_acquire(semaphore, timeout);

		if (rc != 0) {
			s->failed[i]++;
			self->result = rc;
		}
	}
}

static void prepare(unsigned value, unsigned max)
{
	semaphore->value = value;
	semaphore->waiters = 0;
	semaphore->max = max;
}

static void set(void)
{
	prepare(plot->value, plot->max);
	memset(s->failed, 0, sizeof(s->failed));
}

static void look(void)
{
	unsigned value = semaphore->value;

	if (value > plot->max)
		give_up("the value is %d, not 0 to %u", (int)value, plot->max);
}

/* A script with a kill: what it has come to is in the report. */
static void killing(int i)
{
	(void)i;
	judged = false;
}

static void judge(void)
{
	int all = 0;

	for (int i = 0; i < plot->cast; i++)
		all += s->failed[i];
	if (all != plot->refused)
		give_up("%d of the calls were refused, not %d", all,
			plot->refused);
	if (semaphore->value != plot->end)
		give_up("the value is %d at last, not %u",
			(int)semaphore->value, plot->end);
}

static void tell(void)
{
	printf("  value %d, waiters %d\n", (int)semaphore->value,
	       (int)semaphore->waiters);
}

/* ---- without a script */

/* Six processes, two places; in its first rounds each gives up the CPU while it
 * is inside. */
static int run_six(int unused)
{
	(void)unused;
	prepare(2, 2);
	for (int i = 0; i < 6; i++) {
		if (new_process() != 0)
			continue;
		for (int k = 0; k < 3000; k++) {
			unsigned in, most;

			if (semaphore_acquire(semaphore, -1) != 0)
				_exit(1);
			in = atomic_fetch_add(&s->inside, 1) + 1;
			most = atomic_load(&s->most);
			while (in > most && !atomic_compare_exchange_weak(
						    &s->most, &most, in))
				;
			if (k < 100)
				sched_yield();
			atomic_fetch_sub(&s->inside, 1);
			if (semaphore_release(semaphore) != 0)
				_exit(1);
		}
		_exit(0);
	}
	for (int status; wait(&status) > 0;)
		if (status != 0)
			printf("a call was refused\n");
	printf("%s than 2 inside\n", s->most > 2 ? "more" : "never more");
	printf("value %d of 2\n", (int)semaphore->value);
	return 0;
}

static int acquire(int64_t timeout_ns)
{
	return semaphore_acquire(semaphore, timeout_ns);
}

static int run_timeout(int unused)
{
	int status;
	pid_t pid;

	(void)unused;
	prepare(0, 1);
	pid = tell_timeouts(acquire);
	semaphore_release(semaphore);
	printf("released: %s\n",
	       ended(pid, 2000, &status) ? error_name(-status) : "waits on");
	return 0;
}

static int run_storm(int unused)
{
	(void)unused;
	prepare(0, 1);
	tell_storm(acquire);
	return 0;
}

static int count_sleeps(int unused)
{
	(void)unused;
	prepare(0, 1);
	tell_sleeps(acquire);
	return 0;
}

/* Two wait, one is killed, two places are given back. */
static int run_killed(int unused)
{
	bool sleeps, served;
	pid_t first, second;
	int status;

	(void)unused;
	prepare(0, 2);
	first = new_waiter(acquire, &sleeps);
	second = new_waiter(acquire, &sleeps);
	end_process(first);
	semaphore_release(semaphore);
	served = ended(second, 2000, &status);
	if (!served)
		end_process(second);
	printf("the other waiter %s\n", served ? "has it" : "waits on");
	semaphore_release(semaphore);
	printf("another release: value %d\n", (int)semaphore->value);
	printf("a newcomer: %s\n", error_name(acquire(0)));
	return 0;
}

static int sleepers(void)
{
	int count = 0;

	for (int i = 0; i < plot->cast; i++)
		count += actors[i].asleep;
	return count;
}

/* A and B sleep, C gives one place back: how many it wakes. */
static int count_woken(int unused)
{
	int before;

	(void)unused;
	start_actors(&plots[CROWD]);
	begin();
	play_on(0);
	play_on(1);
	before = sleepers();
	play_on(2);
	if (fault[0])
		printf("%s\n", fault);
	else
		printf("%d\n", before - sleepers());
	stop_actors();
	return 0;
}

static void thousand_pairs(void)
{
	for (int i = 0; i < 1000; i++) {
		semaphore_acquire(semaphore, -1);
		semaphore_release(semaphore);
	}
}

/* The system calls of 1000 pairs; before that, perhaps, a wait that times
 * out. */
static int count_pairs(int timed_out)
{
	prepare(0, 2);
	if (timed_out)
		semaphore_acquire(semaphore, 1 * MS);
	semaphore->value = 1;
	count_calls(thousand_pairs);
	return 0;
}

/* Nanoseconds for 1000 pairs of one process; reference: glibc's sem_t. */
static void bench(bool mine, int rounds)
{
	sem_t *reference = shared_memory(sizeof(*reference));
	int64_t from;

	prepare(1, 2);
	sem_init(reference, 1, 1);
	from = now_ns();
	for (int i = 0; i < rounds * 1000; i++) {
		if (mine) {
			semaphore_acquire(semaphore, -1);
			semaphore_release(semaphore);
		} else {
			sem_wait(reference);
			sem_post(reference);
		}
	}
	printf("%lld\n", (long long)(now_ns() - from) / rounds);
}

static const struct scenario scenarios[] = {
	{ "run", "waiter", play_all, WAITER },
	{ "run", "waiters", play_all, WAITERS },
	{ "run", "overtaken", play_all, OVERTAKEN },
	{ "run", "takers", play_all, TAKERS },
	{ "run", "givers", play_all, GIVERS },
	{ "run", "six", run_six, 0 },
	{ "run", "timeout", run_timeout, 0 },
	{ "run", "storm", run_storm, 0 },
	{ "run", "killed", run_killed, 0 },
	{ "count", "pairs", count_pairs, 0 },
	{ "count", "timed_out", count_pairs, 1 },
	{ "count", "woken", count_woken, 0 },
	{ "count", "sleeps", count_sleeps, 0 },
};

int main(int argc, char *argv[])
{
	semaphore = shared_memory(sizeof(*semaphore));
	s = shared_memory(sizeof(*s));
	return stage_main(argc, argv, scenarios,
			  sizeof(scenarios) / sizeof(scenarios[0]), bench);
}
