/* Locks whose holder is no more: the next one is told, once. */
#include "mp/lock.h"

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_lock lock, other, third;
	_Atomic int inside, turn;
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
}

static uint64_t rescues(void)
{
	return mp_counters_get(&s->lock.counters, MP_RESCUES);
}

/* ---- what children and threads do ---- */

static int takes(long timeout_ns)
{
	int result = mp_lock_acquire(&s->lock, timeout_ns);

	if (result >= 0)
		mp_lock_release(&s->lock);
	return result;
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

static int ends_holding(long unused)
{
	(void)unused;
	return mp_lock_acquire(&s->lock, -1);
}

static int execs_holding(long unused)
{
	(void)unused;
	mp_lock_acquire(&s->lock, -1);
	execl("/proc/self/exe", "test-lock-killed", "wait", NULL);
	return 1;
}

static pid_t start_holder(void)
{
	pid_t pid = start(holds, 0);

	await(atomic_load(&s->inside) != 0);
	return pid;
}

/* ---- one death ---- */

static void told_once(void)
{
	pid_t pid;

	fresh();
	pid = start_holder();
	is(mp_lock_acquire(&s->lock, 0), -ETIMEDOUT, "held by a child");
	killed(pid);
	is(mp_lock_locked(&s->lock), 0, "killed, it holds no more");
	is(mp_lock_acquire(&s->lock, 0), MP_OWNER_DIED, "the next is told");
	ok(mp_lock_mine(&s->lock), "and holds the lock");
	is(mp_lock_acquire(&s->lock, 0), -EDEADLK, "as any other holder");
	is(mp_lock_release(&s->lock), 0, "it can release");
	is(mp_lock_acquire(&s->lock, 0), 0, "the one after it is not told");
	is(mp_lock_release(&s->lock), 0, "and can release");
	ok(holds_nothing(), "nothing is left in the list");
}

static void told_again(void)
{
	pid_t first, second;

	fresh();
	first = start_holder();
	atomic_store(&s->inside, 0);
	second = start(holds, 0);
	await(asleep(second));
	killed(first);
	await(atomic_load(&s->inside) != 0);
	is(atomic_load(&s->inside), 100 + MP_OWNER_DIED,
	   "a sleeper is told of the death");
	killed(second);
	is(takes(LONG), MP_OWNER_DIED, "killed too, the next is told again");
	is(takes(LONG), 0, "and then nobody");
	is(end_of(start(ends_holding, 0)), 0, "one that ends while holding");
	is(takes(LONG), MP_OWNER_DIED, "is as one killed");
}

static void with_sleepers(void)
{
	enum { N = 4 };
	pid_t holder, pid[N];
	int told = 0, others = 0, result;

	fresh();
	holder = start_holder();
	for (int i = 0; i < N; i++) {
		pid[i] = start(takes, LONG);
		await(asleep(pid[i]));
	}
	killed(holder);
	for (int i = 0; i < N; i++) {
		result = end_of(pid[i]);
		told += result == MP_OWNER_DIED;
		others += result == 0;
	}
	is(told, 1, "of %d sleepers one is told, without a back-stop", N);
	is(others, N - 1, "and the others get the lock after it");
	is(rescues(), 0, "nothing was rescued");
}

/* Killed, and the sleeper that the kernel woke killed too: whoever comes next
 * has not slept, and must still wake those who do. */
static void takes_over(void)
{
	pid_t pid;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	pid = start(takes, LONG);
	await(asleep(pid));
	mp_owner_remove(&s->lock.node);
	atomic_store(&s->lock.node.word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	mp_owner_end();
	is(mp_lock_acquire(&s->lock, 0), MP_OWNER_DIED,
	   "taken from the dead while another sleeps");
	is(mp_lock_release(&s->lock), 0, "and released");
	is(end_of(pid), 0, "which wakes it");
}

static void not_reaped(void)
{
	pid_t pid;

	fresh();
	pid = start_holder();
	kill(pid, SIGKILL);
	await(tap_state(pid) == 'Z');
	is(takes(0), MP_OWNER_DIED, "a zombie holds nothing");
	end_of(pid);
}

static void threads(void)
{
	struct call thread;
	pid_t pid;

	fresh();
	is(in_thread(ends_holding, 0), 0, "a thread ends while holding");
	is(takes(LONG), MP_OWNER_DIED, "its process is told");
	is(takes(LONG), 0, "once");

	pid = start_holder();
	start_thread(&thread, takes, LONG);
	await(asleep(atomic_load(&thread.tid)));
	killed(pid);
	is(end_of_thread(&thread), MP_OWNER_DIED, "a thread can be told");
}

static void exec(void)
{
	pid_t pid;

	fresh();
	pid = start(execs_holding, 0);
	await(atomic_load(&s->lock.node.word) != 0);
	is(takes(LONG), MP_OWNER_DIED, "exec while holding is a death");
	ok(tap_state(pid) != 'Z', "though the process lives");
	is(takes(0), 0, "told once");
	killed(pid);
	is(takes(0), 0, "not again when it ends");
}

/* ---- lives that are not deaths ---- */

static int forks_while_holding(long unused)
{
	pid_t child;
	int bad = 0;

	(void)unused;
	mp_lock_acquire(&s->other, -1);
	mp_lock_acquire(&s->lock, -1);
	child = fork();
	if (child == 0) {
		bad |= mp_lock_mine(&s->lock) != 0;
		bad |= mp_lock_release(&s->lock) != -EPERM;
		bad |= mp_lock_acquire(&s->lock, 0) != -ETIMEDOUT;
		bad |= mp_lock_acquire(&s->third, 0) != 0;
		_exit(bad);
	}
	bad |= end_of(child) != 0;
	bad |= !mp_lock_mine(&s->lock) << 1;
	bad |= (mp_lock_release(&s->lock) != 0) << 2;
	bad |= (mp_lock_release(&s->other) != 0) << 3;
	return bad;
}

/* Fork while holding; the child outlives its parent, the holder. */
static int leaves_a_child(long unused)
{
	(void)unused;
	mp_lock_acquire(&s->lock, -1);
	if (fork() == 0) {
		atomic_store(&s->inside, getpid());
		await(atomic_load(&s->turn) == 1);
		_exit(0);
	}
	await(atomic_load(&s->inside) != 0);
	return raise(SIGKILL);
}

static void fork_while_holding(void)
{
	fresh();
	is(end_of(start(forks_while_holding, 0)), 0,
	   "a child forked by the holder holds nothing, and its end is no "
	   "death of the holder");
	is(takes(0), 0, "nobody is told");
	is(mp_lock_acquire(&s->third, 0), MP_OWNER_DIED,
	   "but of what the child took itself");
	mp_lock_release(&s->third);
	end_of(start(leaves_a_child, 0));
	is(takes(LONG), MP_OWNER_DIED,
	   "a child that lives on does not hold for its dead parent");
	atomic_store(&s->turn, 1);
	await(tap_state(atomic_load(&s->inside)) == '-' ||
	      tap_state(atomic_load(&s->inside)) == 'Z');
	is(takes(0), 0, "and its end means nothing");
}

static void stopped(void)
{
	pid_t pid;

	fresh();
	pid = start_holder();
	stop(pid);
	mp_backstop_set(MS);
	is(takes(50 * MS), -ETIMEDOUT, "a stopped holder is not dead");
	is(mp_lock_locked(&s->lock), 1, "nothing is taken from it");
	is(rescues(), 0, "however often one looks");
	mp_backstop_set(0);
	kill(pid, SIGCONT);
	is(takes(0), -ETIMEDOUT, "continued, it holds the lock");
	killed(pid);
	is(takes(LONG), MP_OWNER_DIED, "until it dies");
}

/* ---- waiters ---- */

static void killed_waiter(void)
{
	pid_t first, second;

	fresh();
	mp_lock_acquire(&s->lock, -1);
	first = start(takes, LONG);
	await(asleep(first));
	second = start(takes, LONG);
	await(asleep(second));
	killed(first);
	is(mp_lock_release(&s->lock), 0, "a waiter killed: nobody notices");
	is(end_of(second), 0, "the other waiter is woken");
	is(takes(0), 0, "and nobody is told");
}

/* Killed at about the moment at which it is woken; the wake-up is not lost,
 * whether it had the lock by then or not. */
static void killed_while_woken(void)
{
	int bad = 0, told = 0, result;
	pid_t first, second;

	for (int i = 0; i < 50; i++) {
		fresh();
		mp_lock_acquire(&s->lock, -1);
		first = start(holds, 0);
		await(asleep(first));
		second = start(takes_with_looks, LONG);
		await(asleep(second));
		mp_lock_release(&s->lock);
		killed(first);
		result = end_of(second);
		told += result == MP_OWNER_DIED;
		bad += result < 0;
	}
	is(bad, 0,
	   "a waiter killed as it is woken: the next gets the lock "
	   "(%d of 50 times told)",
	   told);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		return wait_for_kill();
	s = share(sizeof(*s));
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("killed holders", "not the robust list of glibc");
		return tap_done();
	}
	mp_backstop_set(0);
	is(mp_backstop_set(-1), -EINVAL, "no back-stop of -1 ns");
	told_once();
	told_again();
	with_sleepers();
	takes_over();
	not_reaped();
	threads();
	exec();
	fork_while_holding();
	stopped();
	killed_waiter();
	killed_while_woken();
	return tap_done();
}
