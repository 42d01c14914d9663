/* Semaphores: tokens given and taken, by processes and threads. */
#include "mp/semaphore.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_semaphore sem;
	_Atomic int taken, inside, most;
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
}

static uint64_t count(enum mp_counter which)
{
	return mp_counters_get(&s->sem.counters, which);
}

/* ---- what children and threads do ---- */

static int takes(long timeout_ns)
{
	int result = mp_semaphore_acquire(&s->sem, timeout_ns);

	if (result == 0)
		atomic_fetch_add(&s->taken, 1);
	return result;
}

static int gives(long n)
{
	int result = 0;

	while (n-- > 0 && result == 0)
		result = mp_semaphore_release(&s->sem);
	return result;
}

/* ---- tests ---- */

static void values(void)
{
	fresh();
	is(mp_semaphore_value(&s->sem), 0, "zero bytes: no token");
	is(mp_semaphore_acquire(&s->sem, 0), -ETIMEDOUT, "none to take");
	is(mp_semaphore_release(&s->sem), 0, "one given");
	is(mp_semaphore_value(&s->sem), 1, "value 1");
	is(mp_semaphore_acquire(&s->sem, 0), 0, "taken");
	is(mp_semaphore_value(&s->sem), 0, "value 0");

	is(mp_semaphore_init(&s->sem, 3, 0), 0, "three tokens, no bound");
	for (int i = 2; i >= 0; i--) {
		is(mp_semaphore_acquire(&s->sem, -1), 0, "take one");
		is(mp_semaphore_value(&s->sem), i, "%d left", i);
	}
	is(mp_semaphore_acquire(&s->sem, 0), -ETIMEDOUT, "not a fourth");
	is(gives(7), 0, "seven given");
	is(mp_semaphore_value(&s->sem), 7, "are more than at first");
	is(mp_semaphore_acquire(&s->sem, INT64_MAX), 0, "292 years");
	is(mp_semaphore_acquire(&s->sem, 1), 0, "a nanosecond");
	is(mp_semaphore_value(&s->sem), 5, "value 5");
	ok(count(MP_SLEEPS) == 0 && count(MP_WAKES) == 0 &&
		   count(MP_CONTENDED) == 0 && count(MP_RESCUES) == 0,
	   "nobody waited, and nothing is counted");
}

static void bounds(void)
{
	struct mp_semaphore *sem = &s->sem;

	is(mp_semaphore_init(sem, 2, 2), 0, "two of at most two");
	is(mp_semaphore_release(sem), -EOVERFLOW, "not a third");
	is(mp_semaphore_value(sem), 2, "nothing was given");
	is(mp_semaphore_acquire(sem, -1), 0, "one taken");
	is(mp_semaphore_release(sem), 0, "can be given back");
	is(mp_semaphore_release(sem), -EOVERFLOW, "once");
	is(mp_semaphore_init(sem, 0, 1), 0, "none of at most one");
	is(mp_semaphore_release(sem), 0, "given");
	is(mp_semaphore_release(sem), -EOVERFLOW, "and no more");

	is(mp_semaphore_init(sem, MP_SEMAPHORE_MAX, 0), 0, "2^30 - 1 tokens");
	is(mp_semaphore_value(sem), MP_SEMAPHORE_MAX, "are all there can be");
	is(mp_semaphore_release(sem), -EOVERFLOW, "not one more");
	is(mp_semaphore_value(sem), MP_SEMAPHORE_MAX, "nothing was given");
	is(mp_semaphore_acquire(sem, 0), 0, "one taken");
	is(mp_semaphore_release(sem), 0, "and given");
	is(mp_semaphore_init(sem, MP_SEMAPHORE_MAX, MP_SEMAPHORE_MAX), 0,
	   "bounded too");
	is(mp_semaphore_release(sem), -EOVERFLOW, "not one more");

	is(mp_semaphore_init(sem, 3, 2), -EINVAL, "three of at most two");
	is(mp_semaphore_init(sem, 0, MP_SEMAPHORE_MAX + 1), -EINVAL,
	   "a bound of 2^30");
	is(mp_semaphore_init(sem, MP_SEMAPHORE_MAX + 1, 0), -EINVAL,
	   "2^30 tokens");
	is(mp_semaphore_init(sem, UINT32_MAX, 0), -EINVAL, "2^32 - 1 tokens");
	is(mp_semaphore_init(sem, UINT32_MAX, UINT32_MAX), -EINVAL,
	   "of as many");
	is(mp_semaphore_value(sem), MP_SEMAPHORE_MAX,
	   "a refused init does nothing");
	is(mp_semaphore_init(not_shared(), 1, 1), -EINVAL,
	   "memory that is not shared");
}

static void timeouts(void)
{
	int64_t begin = mp_clock_now();

	fresh();
	is(mp_semaphore_acquire(&s->sem, 20 * MS), -ETIMEDOUT, "20 ms");
	ok(mp_clock_now() - begin >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - begin < LONG, "and not much later");
	is(mp_semaphore_acquire(&s->sem, 1), -ETIMEDOUT, "a nanosecond");
	is(mp_semaphore_value(&s->sem), 0, "which leaves no debt");
	is(mp_semaphore_release(&s->sem), 0, "a token given");
	is(mp_semaphore_value(&s->sem), 1, "is there");
	is(end_of(start(takes, 0)), 0, "and a child takes it");
	is(end_of(start(gives, 2)), 0, "which may give what it never took");
	is(in_thread(takes, -1), 0, "to a thread");
	is(mp_semaphore_value(&s->sem), 1, "value 1");
}

/* One token wakes one sleeper, and each that wakes knows that others sleep. */
static void sleepers(void)
{
	enum { N = 5 };
	int slept = 0, bad = 0;
	pid_t pid[N];

	fresh();
	for (int i = 0; i < N; i++) {
		pid[i] = start(takes, LONG);
		await(asleep(pid[i]));
	}
	for (int i = 1; i <= N; i++) {
		mp_semaphore_release(&s->sem);
		await(atomic_load(&s->taken) == i);
		is(mp_semaphore_value(&s->sem), 0, "a token, a sleeper: %d", i);
	}
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "all %d have come back", N);
	slept = (int)count(MP_SLEEPS);
	is(slept, N, "none woke in vain");
	is(count(MP_CONTENDED), N, "none took one at once");

	fresh();
	for (int i = 0; i < N; i++) {
		pid[i] = start(takes, LONG);
		await(asleep(pid[i]));
	}
	is(gives(N), 0, "%d tokens given in a row", N);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "wake %d sleepers", N);
	is(mp_semaphore_value(&s->sem), 0, "which take them all");
	gives(3);
	slept = (int)count(MP_WAKES);
	gives(1000);
	ok((int)count(MP_WAKES) == slept,
	   "and later releases make no system call");
}

static int overflows(long n)
{
	int bad = 0;

	while (n-- > 0) {
		bad |= mp_semaphore_release(&s->sem) != -EOVERFLOW;
		bad |= mp_semaphore_value(&s->sem) != MP_SEMAPHORE_MAX;
		if (n % 1024 == 0)
			sched_yield();
	}
	return bad;
}

/* At the bound, however many try. */
static void full(uint32_t max)
{
	pid_t pid[4];
	int bad = 0;

	fresh();
	mp_semaphore_init(&s->sem, MP_SEMAPHORE_MAX, max);
	for (int i = 0; i < 4; i++)
		pid[i] = start(overflows, 20000);
	for (int i = 0; i < 4; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "four give at once what is one too many");
	is(mp_semaphore_value(&s->sem), MP_SEMAPHORE_MAX,
	   "which changes nothing");
	is(mp_semaphore_acquire(&s->sem, 0), 0, "one taken");
	is(mp_semaphore_release(&s->sem), 0, "and given");
}

static int passes(long n)
{
	int inside, most;

	for (; n > 0; n--) {
		if (mp_semaphore_acquire(&s->sem, LONG) != 0)
			return 1;
		inside = atomic_fetch_add(&s->inside, 1) + 1;
		most = atomic_load(&s->most);
		while (most < inside &&
		       !atomic_compare_exchange_weak(&s->most, &most, inside))
			;
		sched_yield();
		atomic_fetch_sub(&s->inside, 1);
		if (mp_semaphore_release(&s->sem) != 0)
			return 2;
	}
	return 0;
}

static void throttle(int64_t backstop)
{
	enum { N = 6 };
	pid_t pid[N];
	int bad = 0;

	mp_backstop_set(backstop);
	fresh();
	mp_semaphore_init(&s->sem, 2, 2);
	for (int i = 0; i < N; i++)
		pid[i] = start(passes, 2000);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "six processes pass through two seats");
	is(atomic_load(&s->most), 2, "two at most at a time");
	is(mp_semaphore_value(&s->sem), 2, "and leave both free");
	is(count(MP_RESCUES), 0, "the back-stop had nothing to do");
	mp_backstop_set(0);
}

static int use(void *object)
{
	struct mp_semaphore *sem = object;

	return mp_semaphore_init(sem, 1, 2) | mp_semaphore_release(sem) |
	       mp_semaphore_acquire(sem, -1);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	values();
	bounds();
	timeouts();
	sleepers();
	full(0);
	full(MP_SEMAPHORE_MAX);
	throttle(0);
	throttle(2000 * MS);
	is(left_of_10000(sizeof(struct mp_semaphore), use), 0,
	   "10,000 semaphores, and nothing of them is left");
	return tap_done();
}
