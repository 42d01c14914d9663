/* frame.h - what judges a lock: included at its end, changed by nobody.
 *
 * Up to three processes, A, B and C, acquire the lock, add 1 to a counter and
 * release the lock.  The director (../../tools/stage.h) says who takes the next
 * step:
 *
 *	./futex_lock A.cas B.cas B.xchg B.wait A.xchg A.wake
 *
 * When the script ends the rest goes on, one point each in turn.  Where the
 * lock does something else than the script says, the director stops and tells
 * where each process stands.  A.kill kills A there.
 */
#include <pthread.h>
#include <sys/resource.h>

#define PROGRAM "./futex_lock"
#define NAMES   "ABC"
#define MOST    10000
#define SLEEP   "futex_wait"
#define AGAIN   true
static const char *const op_names[OPS] = { "load", "store", "cas",  "xchg",
					   "add",  "wait",  "wake", "kill" };

struct plot {
	const char *name;
	int cast, back;
};
static const struct plot plots[] = { { "", 1, 0 }, { "", 2, 0 }, { "", 3, 0 } };
enum { ONE, TWO, THREE, PLOTS };

#include "stage.h"

struct shared {
	_Alignas(64) atomic_uint word;
	_Alignas(64) volatile unsigned counter;
	struct mind minds[CAST];
};
static struct shared *s;

static void acquire(atomic_uint *word)
{
	if (lock_acquire(word) == -ENOSYS)
		errx(77, "not finished: a hole still returns -ENOSYS");
}

static void release(atomic_uint *word)
{
	if (lock_release(word) == -ENOSYS)
		errx(77, "not finished: a hole still returns -ENOSYS");
}

/* ---- what stage.h asks for */

static int rounds[CAST]; /* that each has begun */

static void act(int i)
{
	mind = &s->minds[i];
	acquire(&s->word);
	go(1);
	s->counter++;
	mind->leaving = 1;
	release(&s->word);
	mind->inside = mind->leaving = 0;
}

static void set(void)
{
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < CAST; i++)
		rounds[i] = 1;
}

static void look(void)
{
	int inside = 0;

	for (int i = 0; i < plot->cast; i++)
		inside += s->minds[i].inside && !actors[i].dead;
	if (inside > 1)
		give_up("%d processes are inside at the same time", inside);
}

static void killing(int i)
{
	snprintf(roles[i].said, sizeof(roles[i].said),
		 s->minds[i].inside ? "inside" : "outside");
}

/* Whoever has come to its end has had the lock alone. */
static void judge(void)
{
}

static void tell(void)
{
	printf("the word is %u, the counter %u\n", s->word, s->counter);
}

/* ---- schedules */

#define ROUNDS    2   /* of each process */
#define SCHEDULES 300 /* tried; always the same ones */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

/* Any order of the points: schedule number k.  Some switch at nearly each
 * point, some seldom. */
static void any_order(unsigned k)
{
	uint32_t seed = k * 2654435761U + 1;
	int now = 0;

	begin();
	while (!fault[0]) {
		int standing[CAST], many = 0;

		for (int i = 0; i < plot->cast; i++) {
			if (finished(i) && rounds[i] < ROUNDS) {
				rounds[i]++;
				let_run(i);
			}
			if (stands(i))
				standing[many++] = i;
		}
		if (many == 0)
			break;
		if (!stands(now) || draw(&seed, 8) < 2 * (k % 4 + 1))
			now = standing[draw(&seed, (uint32_t)many)];
		play(now);
	}
	if (!fault[0])
		judge_end();
}

/* Of the schedules that fail, play the shortest again. */
static int run_schedules(int which)
{
	static struct turn shortest[MOST];
	int least = MOST + 1;

	start_actors(&plots[which]);
	for (unsigned k = 0; k < SCHEDULES; k++) {
		int64_t begin_ms = now_ms();

		any_order(k);
		if (fault[0] && length < least) {
			memcpy(shortest, played, sizeof(shortest));
			least = length;
		}
		if (fault[0] && now_ms() - begin_ms > 500)
			break;
	}
	stop_actors();
	if (least > MOST) {
		printf("%d schedules: none fails\n", SCHEDULES);
		return 0;
	}
	memcpy(played, shortest, sizeof(played));
	length = least;
	return replay();
}

/* Let i play until it holds the lock, sleeps, or has finished. */
static void play_until(int i, bool holds)
{
	for (int k = 0; k < 200 && stands(i) && !fault[0]; k++) {
		if (holds && s->minds[i].inside)
			return;
		play(i);
	}
}

/* Each as far as it comes, twice; then the report. */
static int play_rest(void)
{
	int rc;

	for (int i = 0; i < 2 * plot->cast; i++)
		play_until(i % plot->cast, false);
	if (!fault[0])
		judge_end();
	rc = report();
	stop_actors();
	return rc;
}

/* A holds the lock, B and then C sleep for it; A releases it.  How many that
 * wakes. */
static int two_sleepers(void)
{
	int asleep;

	start_actors(&plots[THREE]);
	begin();
	play_until(0, true);
	play_until(1, false);
	play_until(2, false);
	asleep = actors[1].asleep + actors[2].asleep;
	if (!fault[0] && asleep < 2)
		give_up("%c does not sleep", actors[1].asleep ? 'C' : 'B');
	play_until(0, false);
	return asleep - actors[1].asleep - actors[2].asleep;
}

static int run_sleepers(int unused)
{
	(void)unused;
	loud = true;
	two_sleepers();
	return play_rest();
}

/* A takes the lock again before B, woken by A's release, comes to try: ten
 * times.  Then A stops. */
static int run_overtaken(int unused)
{
	(void)unused;
	loud = true;
	start_actors(&plots[TWO]);
	begin();
	play_until(0, true);
	play_until(1, false);
	for (int k = 0; k < 10 && !fault[0]; k++) {
		play_until(0, false);
		if (finished(0))
			let_run(0);
		play_until(0, true);
		play_until(1, false);
	}
	return play_rest();
}

static int count_woken(int unused)
{
	(void)unused;
	printf("%d\n", two_sleepers());
	stop_actors();
	return 0;
}

/* ---- without a script */

/* Four processes, as fast as they can; in its first rounds each gives up the
 * CPU with the lock in its hand. */
static int run_count(int unused)
{
	(void)unused;
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

static int run_sleep(int unused)
{
	bool sleeps;
	pid_t pid = new_waiter(&sleeps);

	(void)unused;
	printf("the waiter %s\n", sleeps ? "sleeps" : "computes");
	fflush(stdout);
	release(&s->word);
	waitpid(pid, NULL, 0);
	printf("the waiter has had the lock\n");
	return 0;
}

static int count_sleeps(int unused)
{
	struct rusage used;
	bool sleeps;
	pid_t pid = new_waiter(&sleeps);

	(void)unused;
	usleep(100000);
	release(&s->word);
	wait4(pid, NULL, 0, &used);
	printf("%ld\n", used.ru_nvcsw);
	return 0;
}

static void thousand_pairs(void)
{
	for (int i = 0; i < 1000; i++) {
		acquire(&s->word);
		release(&s->word);
	}
}

static int count_pairs(int unused)
{
	(void)unused;
	count_calls(thousand_pairs);
	return 0;
}

/* Nanoseconds for 1000 pairs of one process; reference: glibc's mutex. */
static void bench(bool mine, int thousands)
{
	pthread_mutex_t *mutex = shared_memory(sizeof(*mutex));
	pthread_mutexattr_t shared;
	int64_t from;

	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &shared);
	from = now_ns();
	for (int i = 0; i < thousands * 1000; i++) {
		if (mine) {
			acquire(&s->word);
			release(&s->word);
		} else {
			pthread_mutex_lock(mutex);
			pthread_mutex_unlock(mutex);
		}
	}
	printf("%lld\n", (long long)(now_ns() - from) / thousands);
}

static const struct scenario scenarios[] = {
	{ "run", "two", run_schedules, TWO },
	{ "run", "three", run_schedules, THREE },
	{ "run", "sleepers", run_sleepers, 0 },
	{ "run", "overtaken", run_overtaken, 0 },
	{ "run", "sleep", run_sleep, 0 },
	{ "run", "count", run_count, 0 },
	{ "count", "pairs", count_pairs, 0 },
	{ "count", "sleeps", count_sleeps, 0 },
	{ "count", "woken", count_woken, 0 },
};

/* The plot with all who are in the script. */
static const struct plot *plot_of(int turns, char *text[])
{
	int which = ONE;

	for (int k = 0; k < turns; k++)
		for (int i = which + 1; i < PLOTS; i++)
			if (text[k][0] == NAMES[i])
				which = i;
	return &plots[which];
}

int main(int argc, char *argv[])
{
	s = shared_memory(sizeof(*s));
	if (argc > 1 && strchr(argv[1], '.'))
		return run_script(plot_of(argc - 1, argv + 1), argc - 1,
				  argv + 1);
	return stage_main(argc, argv, scenarios,
			  sizeof(scenarios) / sizeof(scenarios[0]), bench);
}
