/* Locks with sleepers: who is woken, and who adds up right. */
#include "mp/lock.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_lock lock;
	_Atomic int inside, turn, handled;
	uint64_t sum; /* guarded by lock */
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
}

static uint64_t count(enum mp_counter which)
{
	return mp_counters_get(&s->lock.counters, which);
}

static int takes(long timeout_ns)
{
	int result = mp_lock_acquire(&s->lock, timeout_ns);

	if (result >= 0)
		mp_lock_release(&s->lock);
	return result;
}

/* Hold the lock until it is turn number `turn`. */
static int holds_until(long turn)
{
	int result = mp_lock_acquire(&s->lock, LONG);

	if (result < 0)
		return result;
	atomic_store(&s->inside, (int)turn);
	await(atomic_load(&s->turn) >= turn);
	return mp_lock_release(&s->lock);
}

static void a_sleeper(void)
{
	pid_t pid;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	pid = start(takes, LONG);
	await(asleep(pid));
	is(mp_lock_release(&s->lock), 0, "released with a sleeper");
	is(end_of(pid), 0, "which is woken");
	is(count(MP_SLEEPS), 1, "it slept once");
	is(count(MP_CONTENDED), 1, "acquired once not at once");
	/* It cannot know whether others sleep, and wakes them. */
	ok(count(MP_WAKES) == 1 || count(MP_WAKES) == 2, "and was woken");
}

/* Each that is woken must wake the next: it knows nothing of the others. */
static void sleepers(void)
{
	enum { N = 5 };
	pid_t pid[N];
	int bad = 0;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	for (int i = 0; i < N; i++) {
		pid[i] = start(takes, LONG);
		await(asleep(pid[i]));
	}
	mp_lock_release(&s->lock);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "one release, and %d sleepers get it one after the other",
	   N);
	is(mp_lock_locked(&s->lock), 0, "it is free at the end");
}

/* One of two sleepers runs out of time: the other must not. */
static void sleeper_gives_up(void)
{
	pid_t hasty, patient;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	hasty = start(takes, 20 * MS);
	await(asleep(hasty) || tap_state(hasty) == 'Z');
	patient = start(takes, LONG);
	await(asleep(patient));
	is(end_of(hasty), -ETIMEDOUT, "one sleeper runs out of time");
	mp_lock_release(&s->lock);
	is(end_of(patient), 0, "the other is woken");
}

/* A stopped sleeper swallows no wake-up. */
static void sleeper_is_stopped(void)
{
	pid_t stopped, other;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	stopped = start(takes, LONG);
	await(asleep(stopped));
	stop(stopped);
	other = start(takes, LONG);
	await(asleep(other));
	mp_lock_release(&s->lock);
	is(end_of(other), 0, "beside a stopped sleeper the other is woken");
	kill(stopped, SIGCONT);
	is(end_of(stopped), 0, "and then the one continued");
}

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&s->handled, 1);
}

static void handlers(void)
{
	pid_t pid;

	fresh();
	handle(SIGUSR1, on_signal, 0);
	mp_lock_acquire(&s->lock, -1);
	pid = start(takes, LONG);
	for (int i = 1; i <= 5; i++) {
		await(asleep(pid));
		kill(pid, SIGUSR1);
		await(atomic_load(&s->handled) == i);
	}
	await(asleep(pid));
	mp_lock_release(&s->lock);
	is(end_of(pid), 0, "acquire goes on after each of five handlers");

	fresh();
	mp_lock_acquire(&s->lock, -1);
	pid = start(takes, 50 * MS);
	await(kill(pid, SIGUSR1) == 0 && tap_state(pid) == 'Z');
	is(end_of(pid), -ETIMEDOUT, "no stream of signals makes it longer");
	ok(atomic_load(&s->handled) > 0, "(%d handlers)",
	   atomic_load(&s->handled));
	mp_lock_release(&s->lock);
}

static int adds(long n)
{
	for (; n > 0; n--) {
		if (mp_lock_acquire(&s->lock, -1) != 0)
			return 1;
		s->sum += 1;
		if (n % 1024 == 0)
			sched_yield(); /* let others find it held */
		if (mp_lock_release(&s->lock) != 0)
			return 2;
	}
	return 0;
}

/* With the back-stop, which must have nothing to do, and without. */
static void exclusion(int64_t backstop)
{
	enum { N = 4, ROUNDS = 20000 };
	struct call thread[N];
	pid_t pid[N];
	int bad = 0;

	mp_backstop_set(backstop);
	fresh();
	for (int i = 0; i < N; i++)
		pid[i] = start(adds, ROUNDS);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	ok(bad == 0 && s->sum == N * ROUNDS, "%d processes add 1 each %d times",
	   N, ROUNDS);
	fresh();
	for (int i = 0; i < N; i++)
		start_thread(&thread[i], adds, ROUNDS);
	for (int i = 0; i < N; i++)
		bad += end_of_thread(&thread[i]) != 0;
	ok(bad == 0 && s->sum == N * ROUNDS, "and so do %d threads", N);
	is(count(MP_RESCUES), 0, "the back-stop had nothing to do");
	mp_backstop_set(0);
}

static int takes_with_looks(long timeout_ns)
{
	mp_backstop_set(200 * MS);
	return takes(timeout_ns);
}

/* A sleeper may look while the holders change: nothing went wrong, so nothing
 * was rescued. */
static void looks_are_no_rescues(void)
{
	pid_t first, second;
	uint64_t looks;

	fresh();
	for (int round = 1; round <= 2; round++) {
		mp_lock_acquire(&s->lock, -1);
		first = start(holds_until, round);
		await(asleep(first));
		second = start(takes_with_looks, LONG);
		await(asleep(second));
		mp_lock_release(&s->lock);
		await(atomic_load(&s->inside) == round);
		looks = count(MP_SLEEPS);
		await(count(MP_SLEEPS) >= looks + 1);
		atomic_store(&s->turn, round);
		end_of(first);
		end_of(second);
	}
	is(count(MP_RESCUES), 0,
	   "a long sleep while two others hold the lock is no rescue");
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	a_sleeper();
	sleepers();
	sleeper_gives_up();
	sleeper_is_stopped();
	handlers();
	exclusion(0);
	exclusion(2000 * MS);
	looks_are_no_rescues();
	return tap_done();
}
