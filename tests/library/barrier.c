/* Barriers that hold: indices, phases, actions. */
#include "mp/barrier.h"

#include "mp/backstop.h"
#include "waiting.h"

enum { MOST = 8, PHASES = 1000 };

struct shared {
	struct mp_barrier barrier;
	_Atomic int arrived[PHASES];
	_Atomic int index[PHASES][MOST]; /* how often it was given */
	_Atomic int actions, given[MOST];
};

static struct shared *s;

static void fresh(uint32_t parties)
{
	memset(s, 0, sizeof(*s));
	if (mp_barrier_init(&s->barrier, parties) != 0)
		errx(1, "mp_barrier_init");
}

static int waiting(void)
{
	return mp_barrier_waiting(&s->barrier);
}

/* ---- what children and threads do ---- */

static int waits(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	return timely(begin, mp_barrier_wait(&s->barrier, timeout_ns));
}

/* All phases, each with all parties there before anybody goes on. */
static int phases(long parties)
{
	int index;

	for (int i = 0; i < PHASES; i++) {
		atomic_fetch_add(&s->arrived[i], 1);
		index = mp_barrier_wait(&s->barrier, LONG);
		if (index < 0 || index >= parties)
			return 1;
		if (atomic_load(&s->arrived[i]) != parties)
			return 2;
		atomic_fetch_add(&s->index[i][index], 1);
	}
	return 0;
}

static int phases_entered(long parties)
{
	int result = mp_barrier_enter(&s->barrier);

	if (result == 0)
		result = phases(parties);
	return result == 0 ? mp_barrier_leave(&s->barrier) : result;
}

static int counts(void *unused)
{
	(void)unused;
	sched_yield();
	return atomic_fetch_add(&s->actions, 1);
}

static int phases_with_action(long parties)
{
	for (int i = 0; i < PHASES; i++) {
		atomic_fetch_add(&s->arrived[i], 1);
		if (mp_barrier_wait_action(&s->barrier, counts, NULL, LONG) < 0)
			return 1;
		/* The next cannot have run: it needs us. */
		if (atomic_load(&s->actions) != i + 1 ||
		    atomic_load(&s->arrived[i]) != parties)
			return 2;
		if (mp_barrier_wait(&s->barrier, LONG) < 0)
			return 3;
	}
	return 0;
}

static pid_t start_waiter(long timeout_ns)
{
	int before = waiting();
	pid_t pid = start(waits, timeout_ns);

	await(waiting() == before + 1 && asleep(pid));
	return pid;
}

/* ---- tests ---- */

static void init(void)
{
	struct mp_barrier *b = &s->barrier;

	is(mp_barrier_init(b, 0), -EINVAL, "no parties");
	is(mp_barrier_init(b, MP_BARRIER_PARTIES + 1), -EINVAL, "129");
	is(mp_barrier_init(b, UINT32_MAX), -EINVAL, "2^32 - 1");
	is(mp_barrier_init(not_shared(), 1), -EINVAL,
	   "memory that is not shared");
	memset(b, 0xff, sizeof(*b));
	is(mp_barrier_init(b, MP_BARRIER_PARTIES), 0, "128 parties");
	is(mp_barrier_parties(b), MP_BARRIER_PARTIES, "are its parties");
	is(mp_barrier_waiting(b), 0, "nobody waits");
	is(mp_barrier_broken(b), 0, "it is whole");
}

static void alone(void)
{
	int bad = 0;

	fresh(1);
	for (int i = 0; i < 1000; i++)
		bad += waits(i % 2 ? 0 : -1) != 0;
	is(bad, 0, "one party never waits, 1000 times");
	is(mp_counters_get(&s->barrier.counters, MP_SLEEPS), 0, "nor sleeps");
	is(waiting(), 0, "nobody waits");
}

static int permutations(int parties)
{
	int bad = 0;

	for (int i = 0; i < PHASES; i++)
		for (int k = 0; k < parties; k++)
			bad += atomic_load(&s->index[i][k]) != 1;
	return bad;
}

static void together(int parties, int (*f)(long), const char *how)
{
	struct call thread[MOST];
	pid_t pid[MOST];
	int bad = 0;

	fresh((uint32_t)parties);
	for (int i = 0; i < parties; i++)
		pid[i] = start(f, parties);
	for (int i = 0; i < parties; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "%d processes, %d phases%s", parties, PHASES, how);
	is(permutations(parties), 0, "each index once in each phase");

	fresh((uint32_t)parties);
	for (int i = 0; i < parties; i++)
		start_thread(&thread[i], f, parties);
	for (int i = 0; i < parties; i++)
		bad += end_of_thread(&thread[i]) != 0;
	is(bad, 0, "%d threads%s", parties, how);
	is(permutations(parties), 0, "each index once in each phase");
	is(waiting(), 0, "nobody waits at the end");
}

static void one_phase(void)
{
	int64_t sum = 0;
	pid_t pid[3];

	fresh(4);
	for (int i = 0; i < 3; i++) {
		pid[i] = start_waiter(LONG);
		is(waiting(), i + 1, "%d wait", i + 1);
	}
	is(mp_barrier_broken(&s->barrier), 0, "it is whole");
	sum = waits(0);
	ok(sum >= 0, "the last to come does not wait: a try succeeds");
	for (int i = 0; i < 3; i++)
		sum += end_of(pid[i]);
	is(sum, 0 + 1 + 2 + 3, "four indices");
}

static int waits_until_aborted(long unused)
{
	int index;

	(void)unused;
	while ((index = mp_barrier_wait(&s->barrier, LONG)) >= 0)
		atomic_fetch_add(&s->given[index], 1);
	return index;
}

static void more_than_parties(void)
{
	enum { THREADS = 6 };
	struct call thread[THREADS];
	pid_t pid[THREADS];
	int bad = 0, n;

	fresh(2);
	for (int i = 0; i < THREADS; i++)
		pid[i] = start(waits_until_aborted, 0);
	for (int i = 0; i < THREADS; i++)
		start_thread(&thread[i], waits_until_aborted, 0);
	await(atomic_load(&s->given[0]) >= 2000);
	is(mp_barrier_abort(&s->barrier), 0, "abort");
	for (int i = 0; i < THREADS; i++) {
		bad += end_of(pid[i]) != -ECANCELED;
		bad += end_of_thread(&thread[i]) != -ECANCELED;
	}
	is(bad, 0, "twelve at a barrier for two, until it is broken");
	n = atomic_load(&s->given[0]);
	is(atomic_load(&s->given[1]), n, "in pairs: %d phases", n);
}

static void actions(void)
{
	enum { PARTIES = 4 };
	pid_t pid[PARTIES];
	int bad = 0;

	fresh(PARTIES);
	for (int i = 0; i < PARTIES; i++)
		pid[i] = start(phases_with_action, PARTIES);
	for (int i = 0; i < PARTIES; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "the action runs when all have come, before all go on");
	is(atomic_load(&s->actions), PHASES, "once in each phase");

	fresh(1);
	atomic_store(&s->actions, 5);
	is(mp_barrier_wait_action(&s->barrier, counts, NULL, -1), 0,
	   "what it returns is not the index");
}

static int use(void *object)
{
	struct mp_barrier *b = object;

	return mp_barrier_init(b, 1) | mp_barrier_enter(b) |
	       mp_barrier_wait(b, -1) | mp_barrier_leave(b);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	init();
	alone();
	one_phase();
	together(1, phases, "");
	together(2, phases, "");
	together(8, phases, "");
	together(8, phases_entered, " that have entered");
	more_than_parties();
	actions();
	is(left_of_10000(sizeof(struct mp_barrier), use), 0,
	   "10,000 barriers, and nothing of them is left");
	return tap_done();
}
