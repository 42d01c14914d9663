/* Locks that their holder may acquire again. */
#include "mp/rlock.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_rlock lock;
	_Atomic int inside;
	uint64_t sum; /* guarded by lock */
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
}

static int takes(long timeout_ns)
{
	int result = mp_rlock_acquire(&s->lock, timeout_ns);

	if (result >= 0)
		mp_rlock_release(&s->lock);
	return result;
}

static int releases(long unused)
{
	(void)unused;
	return mp_rlock_release(&s->lock);
}

static int depth(long unused)
{
	(void)unused;
	return (int)mp_rlock_depth(&s->lock);
}

static int holds(long n)
{
	while (n-- > 0)
		mp_rlock_acquire(&s->lock, -1);
	atomic_store(&s->inside, depth(0));
	return wait_for_kill();
}

static void one_process(void)
{
	fresh();
	is(mp_rlock_locked(&s->lock), 0, "zero bytes are an unlocked one");
	is(mp_rlock_depth(&s->lock), 0, "of depth 0");
	is(mp_rlock_release(&s->lock), -EPERM, "that cannot be released");
	for (int i = 1; i <= 5; i++) {
		is(mp_rlock_acquire(&s->lock, i % 2 ? 0 : -1), 0, "acquire");
		is(mp_rlock_depth(&s->lock), i, "depth %d", i);
	}
	is(mp_rlock_locked(&s->lock), 1, "locked");
	for (int i = 4; i >= 0; i--) {
		is(end_of(start(takes, 0)), -ETIMEDOUT, "not free at depth %d",
		   i + 1);
		is(mp_rlock_release(&s->lock), 0, "release");
		is(mp_rlock_depth(&s->lock), i, "depth %d", i);
	}
	is(mp_rlock_locked(&s->lock), 0, "free");
	is(end_of(start(takes, 0)), 0, "for others too");
	is(mp_rlock_release(&s->lock), -EPERM, "released once too often");
	is(mp_rlock_depth(&s->lock), 0, "changes nothing");
	ok(holds_nothing(), "nothing is left in the list");
}

static void init(void)
{
	memset(&s->lock, 0xff, sizeof(s->lock));
	is(mp_rlock_init(&s->lock), 0, "init");
	is(mp_rlock_depth(&s->lock), 0, "makes an unlocked one of anything");
	is(takes(0), 0, "that can be acquired");
	is(mp_rlock_init(not_shared()), -EINVAL, "memory that is not shared");
}

static void not_the_holder(void)
{
	fresh();
	mp_rlock_acquire(&s->lock, -1);
	mp_rlock_acquire(&s->lock, -1);
	is(end_of(start(takes, 0)), -ETIMEDOUT, "a child does not hold it");
	is(end_of(start(takes, 5 * MS)), -ETIMEDOUT, "and waits in vain");
	is(end_of(start(releases, 0)), -EPERM, "it may not release it");
	is(end_of(start(depth, 0)), 0, "its depth is 0");
	is(in_thread(takes, 0), -ETIMEDOUT, "nor does a thread");
	is(in_thread(takes, 5 * MS), -ETIMEDOUT, "which waits in vain");
	is(in_thread(releases, 0), -EPERM, "and may not release it");
	is(in_thread(depth, 0), 0, "its depth is 0");
	is(mp_rlock_depth(&s->lock), 2, "all of which changed nothing");
	mp_rlock_release(&s->lock);
	is(in_thread(releases, 0), -EPERM, "at depth 1 neither");
	is(mp_rlock_release(&s->lock), 0, "the holder releases it");
	is(in_thread(takes, 0), 0, "and a thread gets it");
}

static void overflow(void)
{
	fresh();
	mp_rlock_acquire(&s->lock, -1);
	s->lock.lock.depth = UINT32_MAX - 1;
	is(mp_rlock_acquire(&s->lock, -1), 0, "acquired 2^32 - 1 times");
	is(mp_rlock_depth(&s->lock), UINT32_MAX, "is the last");
	is(mp_rlock_acquire(&s->lock, -1), -EOVERFLOW, "not once more");
	is(mp_rlock_acquire(&s->lock, 0), -EOVERFLOW, "not by a try");
	is(mp_rlock_depth(&s->lock), UINT32_MAX, "which changes nothing");
	s->lock.lock.depth = 1;
	is(mp_rlock_release(&s->lock), 0, "released");
	is(mp_rlock_locked(&s->lock), 0, "free");
}

static void a_sleeper(void)
{
	pid_t pid;

	fresh();
	mp_rlock_acquire(&s->lock, -1);
	mp_rlock_acquire(&s->lock, -1);
	pid = start(takes, LONG);
	await(asleep(pid));
	mp_rlock_release(&s->lock);
	ok(asleep(pid), "at depth 1 a sleeper sleeps on");
	mp_rlock_release(&s->lock);
	is(end_of(pid), 0, "the last release wakes it");
}

static void killed_holder(void)
{
	pid_t pid;

	fresh();
	pid = start(holds, 3);
	await(atomic_load(&s->inside) == 3);
	killed(pid);
	is(mp_rlock_locked(&s->lock), 0, "killed at depth 3: nobody's");
	is(mp_rlock_release(&s->lock), -EPERM, "nor ours");
	is(mp_rlock_acquire(&s->lock, 0), MP_OWNER_DIED, "the next is told");
	is(mp_rlock_depth(&s->lock), 1, "and is at depth 1");
	is(mp_rlock_acquire(&s->lock, 0), 0, "then at depth 2, not told");
	is(mp_rlock_release(&s->lock), 0, "released");
	is(mp_rlock_release(&s->lock), 0, "twice");
	is(end_of(start(takes, 0)), 0, "it is free, and nobody is told again");
}

/* The holder holds it where it acquired it; elsewhere it changes nothing. */
static void views(void)
{
	struct mp_rlock *r, *view;
	struct mp_shm m;

	if (mp_shm_create(&m, NULL, 4096) < 0)
		errx(1, "no shared memory");
	r = m.addr;
	view = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	if (view == MAP_FAILED)
		err(1, "mmap");
	mp_rlock_acquire(r, -1);
	is(mp_rlock_release(view), -EPERM,
	   "a release through another view of the memory is refused");
	is(mp_rlock_depth(r), 1, "and changes nothing");
	is(mp_rlock_release(r), 0, "released where it was acquired");
	is(mp_rlock_locked(r), 0, "it is free");
	while (mp_lock_mine(&r->lock))
		if (mp_lock_release(&r->lock) < 0)
			break;
	munmap(view, 4096);
	mp_shm_close(&m);
}

static int adds(long n)
{
	for (; n > 0; n--) {
		if (mp_rlock_acquire(&s->lock, -1) != 0 ||
		    mp_rlock_acquire(&s->lock, -1) != 0)
			return 1;
		s->sum += 1;
		if (n % 1024 == 0)
			sched_yield(); /* let others find it held */
		mp_rlock_release(&s->lock);
		s->sum += 1;
		if (mp_rlock_release(&s->lock) != 0)
			return 2;
	}
	return 0;
}

static void exclusion(void)
{
	enum { N = 4, ROUNDS = 10000 };
	struct call thread[N];
	pid_t pid[N];
	int bad = 0;

	fresh();
	for (int i = 0; i < N; i++)
		pid[i] = start(adds, ROUNDS);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	ok(bad == 0 && s->sum == 2 * N * ROUNDS,
	   "%d processes add 1 at two depths, %d times", N, ROUNDS);
	fresh();
	for (int i = 0; i < N; i++)
		start_thread(&thread[i], adds, ROUNDS);
	for (int i = 0; i < N; i++)
		bad += end_of_thread(&thread[i]) != 0;
	ok(bad == 0 && s->sum == 2 * N * ROUNDS, "and so do %d threads", N);
}

static int use(void *object)
{
	struct mp_rlock *r = object;

	return mp_rlock_init(r) | mp_rlock_acquire(r, -1) |
	       mp_rlock_acquire(r, -1) | mp_rlock_release(r) |
	       mp_rlock_release(r);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	one_process();
	init();
	not_the_holder();
	overflow();
	a_sleeper();
	if (mp_owner_attach() == 0)
		killed_holder();
	else
		tap_skip("a killed holder", "not the robust list of glibc");
	views();
	exclusion();
	is(left_of_10000(sizeof(struct mp_rlock), use), 0,
	   "10,000 of them, and nothing is left");
	return tap_done();
}
