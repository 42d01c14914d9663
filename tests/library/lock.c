/* Locks: who may and who may not, and for how long one waits. */
#include "mp/lock.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_lock lock;
	_Atomic int inside, turn;
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

/* ---- what children and threads do ---- */

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

static int is_mine(long unused)
{
	(void)unused;
	return mp_lock_mine(&s->lock);
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

/* ---- tests ---- */

static void one_process(void)
{
	fresh();
	is(mp_lock_locked(&s->lock), 0, "zero bytes are an unlocked lock");
	is(mp_lock_mine(&s->lock), 0, "that is not ours");
	is(mp_lock_release(&s->lock), -EPERM, "and cannot be released");
	is(mp_lock_acquire(&s->lock, -1), 0, "acquire");
	is(mp_lock_locked(&s->lock), 1, "locked");
	is(mp_lock_mine(&s->lock), 1, "ours");
	is(mp_lock_release(&s->lock), 0, "release");
	is(mp_lock_locked(&s->lock), 0, "unlocked");
	is(mp_lock_mine(&s->lock), 0, "not ours any more");
	is(mp_lock_release(&s->lock), -EPERM, "released once too often");
	is(mp_lock_acquire(&s->lock, 0), 0, "which left it usable");
	is(mp_lock_release(&s->lock), 0, "and again");
	is(mp_lock_acquire(&s->lock, INT64_MAX), 0, "a timeout of 292 years");
	is(mp_lock_release(&s->lock), 0, "is a timeout");
	for (int i = 0; i < 1000; i++)
		takes(-1);
	ok(count(MP_SLEEPS) == 0 && count(MP_WAKES) == 0 &&
		   count(MP_CONTENDED) == 0 && count(MP_RESCUES) == 0,
	   "all that without contention, and none is counted");
	ok(holds_nothing(), "nothing is held at the end");
}

static void init(void)
{
	struct mp_lock *private = not_shared();

	memset(&s->lock, 0xff, sizeof(s->lock));
	is(mp_lock_init(&s->lock, 0), 0, "init");
	is(mp_lock_locked(&s->lock), 0, "makes an unlocked lock of anything");
	is(takes(0), 0, "that can be acquired");
	is(mp_lock_init(&s->lock, 2), -EINVAL, "there is no flag 2");
	is(mp_lock_init(&s->lock, MP_LOCK_ANY | 4), -EINVAL, "nor 4");
	is(mp_lock_init(&s->lock, UINT32_MAX), -EINVAL, "nor all of them");
	is(mp_lock_init(private, 0), -EINVAL, "memory that is not shared");
	is(mp_lock_init(NULL, 0), -EINVAL, "no memory");
}

static void timeouts(void)
{
	int64_t begin;
	pid_t holder;

	fresh();
	holder = start(holds_until, 1);
	await(atomic_load(&s->inside) == 1);
	is(mp_lock_acquire(&s->lock, 0), -ETIMEDOUT, "held by another: a try");
	is(mp_lock_acquire(&s->lock, 1), -ETIMEDOUT, "a nanosecond");
	begin = mp_clock_now();
	is(mp_lock_acquire(&s->lock, 20 * MS), -ETIMEDOUT, "20 ms");
	ok(mp_clock_now() - begin >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - begin < LONG, "and not much later");
	is(mp_lock_mine(&s->lock), 0, "what timed out does not hold it");
	is(mp_lock_release(&s->lock), -EPERM, "and may not release it");
	ok(holds_nothing(), "nothing is pending");
	atomic_store(&s->turn, 1);
	is(end_of(holder), 0, "its holder noticed nothing");
	is(takes(0), 0, "and after its release a try succeeds");
}

static void not_the_holder(void)
{
	fresh();
	mp_lock_acquire(&s->lock, -1);
	is(mp_lock_acquire(&s->lock, -1), -EDEADLK, "held by this thread");
	is(mp_lock_acquire(&s->lock, 0), -EDEADLK, "a try too");
	is(mp_lock_acquire(&s->lock, MS), -EDEADLK, "a timeout too");
	ok(mp_lock_mine(&s->lock), "which leaves it held");
	is(end_of(start(takes, 0)), -ETIMEDOUT, "a child does not hold it");
	is(end_of(start(is_mine, 0)), 0, "and knows that");
	is(end_of(start(releases, 0)), -EPERM, "it may not release it");
	is(in_thread(takes, 0), -ETIMEDOUT, "nor another thread");
	is(in_thread(is_mine, 0), 0, "which knows that too");
	is(in_thread(releases, 0), -EPERM, "and may not release it");
	ok(mp_lock_mine(&s->lock), "all of which leaves it held");
	is(mp_lock_release(&s->lock), 0, "and its holder releases it");
	is(end_of(start(takes, 0)), 0, "then the child gets it");
	is(in_thread(takes, 0), 0, "and the thread");
}

/* What is in the word, and no state, is found whoever asks. */
static void corrupted(void)
{
	static const uint32_t garbage[] = { 0x00400000, 0x12345678, 0x3ffffffe,
					    0x40000001, 0x7fffffff, 0x92345678,
					    0x3fffffff, 0xffffffff };
	_Atomic uint32_t *word = &s->lock.node.word;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		fresh();
		atomic_store(word, garbage[i]);
		is(mp_lock_acquire(&s->lock, 0), -EINVAL, "%08x is no lock",
		   garbage[i]);
		is(mp_lock_acquire(&s->lock, LONG), -EINVAL, "not for long");
		is(mp_lock_acquire(&s->lock, -1), -EINVAL, "nor for ever");
		is(mp_lock_release(&s->lock), -EPERM, "nor is it held");
		ok(holds_nothing(), "nothing is left pending");

		fresh();
		mp_lock_acquire(&s->lock, -1);
		atomic_store(word, garbage[i]);
		is(mp_lock_release(&s->lock), -EINVAL, "%08x while held",
		   garbage[i]);
		is(mp_lock_locked(&s->lock), 0, "it is free all the same");
		is(takes(0), 0, "and usable");
		ok(holds_nothing(), "nothing is left in the list");
	}
}

/* ---- two views of the same memory ---- */

static struct mp_shm shm;

static struct mp_lock *other_view(void)
{
	void *p = mmap(NULL, shm.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       shm.fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static int takes_elsewhere(long timeout_ns)
{
	struct mp_lock *l = other_view();
	int result;

	munmap(shm.addr, shm.size);
	result = mp_lock_acquire(l, timeout_ns);
	return result < 0 ? result : mp_lock_release(l);
}

static int holds_elsewhere(long unused)
{
	(void)unused;
	if (mp_lock_acquire(other_view(), -1) != 0)
		return 1;
	return wait_for_kill();
}

static void views(void)
{
	struct mp_lock *l, *view;
	pid_t pid;

	if (mp_shm_create(&shm, NULL, 4096) < 0)
		errx(1, "no shared memory");
	l = shm.addr;
	view = other_view();
	is(mp_lock_acquire(l, -1), 0, "acquired through one view");
	is(mp_lock_locked(view), 1, "locked in another");
	is(mp_lock_acquire(view, -1), -EDEADLK, "by this thread");
	is(mp_lock_release(view), -EPERM, "which holds it there only");
	ok(mp_lock_mine(l), "and still does");
	pid = start(takes_elsewhere, LONG);
	await(asleep(pid));
	is(mp_lock_release(l), 0, "released where it was acquired");
	is(end_of(pid), 0, "wakes a process that has it at another address");
	pid = start(holds_elsewhere, 0);
	await(mp_lock_locked(l));
	is(mp_lock_acquire(l, 0), -ETIMEDOUT, "which may hold it there");
	killed(pid);
	is(mp_lock_acquire(l, LONG), MP_OWNER_DIED, "and die of it");
	mp_lock_release(l);
	munmap(view, shm.size);
	mp_shm_close(&shm);
}

static int use(void *object)
{
	struct mp_lock *l = object;

	return mp_lock_init(l, 0) | mp_lock_acquire(l, -1) | mp_lock_release(l);
}

int main(void)
{
	int (*acquire)(struct mp_lock *, int64_t) = mp_lock_acquire;
	int (*release)(struct mp_lock *) = mp_lock_release;

	s = share(sizeof(*s));
	mp_backstop_set(0);
	one_process();
	is(acquire(&s->lock, 0) | release(&s->lock), 0,
	   "what is inline is a function too");
	init();
	timeouts();
	not_the_holder();
	corrupted();
	views();
	is(left_of_10000(sizeof(struct mp_lock), use), 0,
	   "10,000 locks, and nothing of them is left");
	return tap_done();
}
