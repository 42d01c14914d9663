/* Locks that anybody may release, as Python's: MP_LOCK_ANY. */
#include "mp/lock.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_lock lock;
	_Atomic int inside, turn;
	uint64_t sum; /* guarded by lock */
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
	if (mp_lock_init(&s->lock, MP_LOCK_ANY) != 0)
		errx(1, "mp_lock_init");
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

static int releases(long unused)
{
	(void)unused;
	return mp_lock_release(&s->lock);
}

static int takes_with_looks(long timeout_ns)
{
	mp_backstop_set(MS);
	return takes(timeout_ns);
}

static int holds(long unused)
{
	(void)unused;
	atomic_store(&s->inside, mp_lock_acquire(&s->lock, LONG) + 100);
	return wait_for_kill();
}

static pid_t start_holder(void)
{
	pid_t pid;

	atomic_store(&s->inside, 0);
	pid = start(holds, 0);
	await(atomic_load(&s->inside) != 0);
	return pid;
}

static void one_process(void)
{
	fresh();
	is(mp_lock_locked(&s->lock), 0, "init makes an unlocked lock");
	is(mp_lock_release(&s->lock), -EPERM, "that cannot be released");
	is(mp_lock_acquire(&s->lock, 0), 0, "acquire");
	is(mp_lock_locked(&s->lock), 1, "locked");
	is(mp_lock_mine(&s->lock), 1, "ours");
	ok(holds_nothing(), "in no list");
	is(mp_lock_acquire(&s->lock, 0), -ETIMEDOUT, "a second acquire waits");
	is(mp_lock_acquire(&s->lock, 5 * MS), -ETIMEDOUT, "and runs out");
	is(mp_lock_release(&s->lock), 0, "release");
	is(mp_lock_locked(&s->lock), 0, "unlocked");
	is(mp_lock_release(&s->lock), -EPERM, "released once too often");
	is(takes(INT64_MAX), 0, "which left it usable");
	ok(holds_nothing(), "nothing is pending");
	fresh();
	for (int i = 0; i < 1000; i++)
		takes(-1);
	ok(count(MP_SLEEPS) == 0 && count(MP_WAKES) == 0, "no system call");
	is(count(MP_CONTENDED), 0, "and no contention");
}

static void others_release(void)
{
	pid_t pid;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	is(end_of(start(releases, 0)), 0, "released by a child");
	is(mp_lock_locked(&s->lock), 0, "it is free");
	is(end_of(start(releases, 0)), -EPERM, "nobody may do it again");
	mp_lock_acquire(&s->lock, -1);
	is(in_thread(releases, 0), 0, "released by a thread");
	pid = start_holder();
	is(mp_lock_release(&s->lock), 0, "a child holds it, we release it");
	is(takes(0), 0, "and acquire it");
	killed(pid);
	is(takes(0), 0, "the death of one that holds no more is nothing");
}

/* A thread waits for a lock that it holds itself, until another releases. */
static int waits_for_itself(long unused)
{
	int result = mp_lock_acquire(&s->lock, -1);

	(void)unused;
	if (result == 0)
		result = mp_lock_acquire(&s->lock, LONG);
	return result;
}

static void sleepers(void)
{
	enum { N = 4 };
	pid_t pid[N];
	int bad = 0;

	fresh();
	pid[0] = start(waits_for_itself, 0);
	await(asleep(pid[0]));
	is(mp_lock_release(&s->lock), 0, "released for one that waits");
	is(end_of(pid[0]), 0, "for itself");

	fresh();
	mp_lock_acquire(&s->lock, -1);
	for (int i = 0; i < N; i++) {
		pid[i] = start(takes, LONG);
		await(asleep(pid[i]));
	}
	is(mp_lock_release(&s->lock), 0, "released");
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "%d sleepers get it one after the other", N);
}

static int adds(long n)
{
	for (; n > 0; n--) {
		if (mp_lock_acquire(&s->lock, -1) != 0)
			return 1;
		s->sum += 1;
		if (n % 1024 == 0)
			sched_yield();
		if (mp_lock_release(&s->lock) != 0)
			return 2;
	}
	return 0;
}

static void exclusion(void)
{
	enum { N = 4, ROUNDS = 20000 };
	pid_t pid[N];
	int bad = 0;

	fresh();
	for (int i = 0; i < N; i++)
		pid[i] = start(adds, ROUNDS);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	ok(bad == 0 && s->sum == N * ROUNDS, "%d processes add 1 each %d times",
	   N, ROUNDS);
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static void killed_holder(void)
{
	pid_t pid, sleeper;

	fresh();
	pid = start_holder();
	sleeper = start(takes_with_looks, LONG);
	await(count(MP_SLEEPS) > 0);
	killed(pid);
	is(end_of(sleeper), MP_OWNER_DIED, "a sleeper notices the death");
	is(count(MP_RESCUES), 1, "which is a rescue");
	is(takes(0), 0, "told once");

	pid = start_holder();
	kill(pid, SIGKILL);
	await(tap_state(pid) == 'Z');
	is(takes(0), -ETIMEDOUT, "without a sleeper nobody does");
	is(takes_with_looks(LONG), MP_OWNER_DIED, "a zombie is as dead");
	end_of(pid);

	mp_backstop_set(100 * MS);
	pid = start_holder();
	killed(pid);
	pid = start_holder();
	is(atomic_load(&s->inside), 100 + MP_OWNER_DIED, "told of the death");
	killed(pid);
	is(takes(LONG), MP_OWNER_DIED, "killed too: the next is told again");

	pid = start_holder();
	killed(pid);
	is(mp_lock_release(&s->lock), 0, "released in place of the dead");
	is(takes(0), 0, "then nobody is told");
	mp_backstop_set(0);
}

/* Marked by one who was killed before it took the lock: nobody holds it. */
static void over_release(void)
{
	fresh();
	atomic_store(&s->lock.node.word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	is(mp_lock_locked(&s->lock), 0, "a dead holder's lock is not locked");
	is(mp_lock_release(&s->lock), -EPERM, "nobody may release it");
	is(takes(0), MP_OWNER_DIED, "the next is told all the same");
}

/* Released by another while its holder was in mp_condition_notify, which sets
 * the sleepers' mark. */
static void marked_free(void)
{
	fresh();
	atomic_fetch_or(&s->lock.node.word, FUTEX_WAITERS);
	is(mp_lock_locked(&s->lock), 0, "free, with the sleepers' mark");
	is(mp_lock_release(&s->lock), -EPERM, "is not released");
	is(takes(0), 0, "and can be acquired");
}

static void stopped(void)
{
	pid_t pid;

	fresh();
	pid = start_holder();
	stop(pid);
	mp_backstop_set(MS);
	is(takes(50 * MS), -ETIMEDOUT, "a stopped holder is not dead");
	is(count(MP_RESCUES), 0, "however often one looks");
	mp_backstop_set(0);
	killed(pid);
}

static void corrupted(void)
{
	static const uint32_t garbage[] = {
		0x00400000, 0x12345678, 0x3ffffffe,
		0x40000001, 0x7fffffff, 0xffffffff
	};
	_Atomic uint32_t *word = &s->lock.node.word;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		fresh();
		atomic_store(word, garbage[i]);
		is(mp_lock_acquire(&s->lock, 0), -EINVAL, "%08x is no lock",
		   garbage[i]);
		atomic_store(word, garbage[i]);
		is(mp_lock_acquire(&s->lock, LONG), -EINVAL, "not for long");
		atomic_store(word, garbage[i]);
		is(mp_lock_release(&s->lock), -EINVAL, "%08x is freed",
		   garbage[i]);
		is(takes(0), 0, "and usable");
	}
}

static int use(void *object)
{
	struct mp_lock *l = object;

	return mp_lock_init(l, MP_LOCK_ANY) | mp_lock_acquire(l, -1) |
	       mp_lock_release(l);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	one_process();
	others_release();
	sleepers();
	exclusion();
	killed_holder();
	over_release();
	marked_free();
	stopped();
	corrupted();
	is(left_of_10000(sizeof(struct mp_lock), use), 0,
	   "10,000 locks, and nothing of them is left");
	return tap_done();
}
