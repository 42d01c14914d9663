/* Barriers and their parties: who enters and leaves, how many may, and who is
 * interrupted. */
#include "mp/barrier.h"

#include "mp/backstop.h"
#include "stepper.h"
#include "waiting.h"

struct shared {
	struct mp_barrier barrier;
	_Atomic int inside, turn;
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

static int enters(long unused)
{
	(void)unused;
	return mp_barrier_enter(&s->barrier);
}

static int leaves(long unused)
{
	(void)unused;
	return mp_barrier_leave(&s->barrier);
}

static int enters_and_leaves(long unused)
{
	return enters(unused) | leaves(unused);
}

static int enters_and_stays(long unused)
{
	int result = enters(unused);

	atomic_fetch_add(&s->inside, 1);
	await(atomic_load(&s->turn) == 1);
	return result < 0 ? result : leaves(unused);
}

static pid_t start_waiter(long timeout_ns)
{
	int before = waiting();
	pid_t pid = start(waits, timeout_ns);

	await(waiting() == before + 1 && asleep(pid));
	return pid;
}

/* ---- tests ---- */

static void parties(void)
{
	fresh(2);
	is(leaves(0), -EPERM, "leave without enter");
	is(enters(0), 0, "enter");
	is(enters(0), -EALREADY, "not twice");
	is(in_thread(enters_and_leaves, 0), 0, "a thread is another party");
	is(in_thread(leaves, 0), -EPERM, "and cannot leave for us");
	is(end_of(start(leaves, 0)), -EPERM, "nor can a child");
	is(mp_barrier_broken(&s->barrier), 0,
	   "a child's end is not its parent's, who has entered");
	is(waiting(), 0, "who has entered does not wait");
	is(leaves(0), 0, "leave");
	is(leaves(0), -EPERM, "not twice");
	is(end_of(start(enters_and_leaves, 0)), 0, "one that has left");
	is(mp_barrier_broken(&s->barrier), 0, "may end");
	is(enters_and_leaves(0), 0, "and enter again");
	ok(holds_nothing(), "nothing is left in the list");
}

/* All its places taken: 256 threads that have entered. */
static void full(void)
{
	enum { PLACES = 2 * MP_BARRIER_PARTIES };
	static struct call thread[PLACES];
	int bad = 0;

	fresh(2);
	for (int i = 0; i < PLACES; i++) {
		start_thread(&thread[i], enters_and_stays, 0);
		await(atomic_load(&s->inside) == i + 1);
	}
	is(enters(0), -ENOSPC, "%d have entered, not one more", PLACES);
	is(waits(-1), -ENOSPC, "nor may one more wait");
	is(mp_barrier_broken(&s->barrier), 0, "which breaks nothing");
	atomic_store(&s->turn, 1);
	for (int i = 0; i < PLACES; i++)
		bad += end_of_thread(&thread[i]) != 0;
	is(bad, 0, "all leave");
	is(enters_and_leaves(0), 0, "and there is a place again");
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Enter, be interrupted, stay away until it is turn 1, and wait again. */
static int enters_and_waits_twice(long timeout_ns)
{
	int result = mp_barrier_enter(&s->barrier);

	if (result < 0 || waits(timeout_ns) != -EINTR)
		return 100;
	atomic_store(&s->inside, 1);
	await(atomic_load(&s->turn) == 1);
	result = waits(timeout_ns);
	return mp_barrier_leave(&s->barrier) == 0 ? result : 101;
}

static void interrupted(void)
{
	pid_t pid, other;
	int sum;

	fresh(2);
	handle(SIGUSR1, on_signal, 0);
	pid = start_waiter(LONG);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "a handler ends the wait");
	is(waiting(), 0, "as if this party had not come");
	is(mp_barrier_broken(&s->barrier), 0, "nothing is broken");
	pid = start_waiter(LONG);
	is(waiting(), 1, "one waits again");
	other = start(waits, LONG);
	sum = end_of(pid) + end_of(other);
	is(sum, 0 + 1, "and the phase needs two");

	pid = start_waiter(LONG);
	stop(pid);
	kill(pid, SIGCONT);
	await(asleep(pid));
	is(waiting(), 1, "stopped and continued, it waits");
	sum = waits(LONG) + end_of(pid);
	is(sum, 0 + 1, "that is no interruption");

	fresh(3);
	pid = start_waiter(LONG);
	other = start_waiter(LONG);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "the first of two is interrupted");
	pid = start_waiter(LONG);
	sum = waits(LONG) + end_of(pid) + end_of(other);
	is(sum, 0 + 1 + 2, "the next gets its index");
}

static void interrupted_party(void)
{
	pid_t pid;
	int sum;

	fresh(3);
	pid = start(enters_and_waits_twice, LONG);
	await(waiting() == 1 && asleep(pid));
	kill(pid, SIGUSR1);
	await(atomic_load(&s->inside) == 1);
	is(waiting(), 0, "one that has entered is interrupted");
	start_waiter(LONG);
	start_waiter(LONG);
	is(waiting(), 2, "two others are not three");
	atomic_store(&s->turn, 1);
	sum = end_of(pid) + end_of(-1) + end_of(-1);
	is(sum, 0 + 1 + 2, "it comes again, and they are");
}

/* ---- a death at any moment of another's wait ---- */

static void comes(void *unused)
{
	(void)unused;
	mp_owner_tid(); /* what is done once is done */
	raise(SIGSTOP);
	waits(LONG);
}

/* Let the child come as far as the lock of the barrier, which it then holds. */
static int to_the_lock(struct stepper *v)
{
	int at;

	mp_lock_acquire(&s->barrier.lock, -1);
	stepper_start(v, comes, NULL);
	do
		at = stepper_call(v);
	while (at == STEPPER_STOPPED && WSTOPSIG(v->status) != SIGSTOP);
	while (at == STEPPER_STOPPED)
		at = stepper_call(v);
	mp_lock_release(&s->barrier.lock);
	return stepper_settle(v, LONG);
}

/* How often a party's death went unnoticed while another was on its way to
 * sleep, at many of its instructions.  The third to come must find the
 * barrier broken. */
static int killed_meanwhile(int has_entered, int *instructions)
{
	int lost = 0, k, held = 0, at = STEPPER_STOPPED;
	struct stepper v;
	pid_t party;

	/* Until the child has released the lock again. */
	for (k = 0; at == STEPPER_STOPPED && held >= 0 && k < 3000;
	     k += 4 + k / 30) {
		fresh(3);
		if (has_entered) {
			party = start(enters_and_stays, 0);
			await(atomic_load(&s->inside) == 1);
		} else {
			party = start_waiter(LONG);
		}
		if (to_the_lock(&v) < 0)
			errx(1, "no way to the lock");
		for (int i = 0; i < k && at == STEPPER_STOPPED; i++)
			at = stepper_step(&v);
		if (mp_lock_locked(&s->barrier.lock))
			held = 1;
		else if (held == 1)
			held = -1;
		killed(party);
		if (at == STEPPER_STOPPED) {
			stepper_free(&v);
			lost += waits(0) != -ECANCELED;
		}
		stepper_kill(&v);
	}
	*instructions = k;
	return lost;
}

static void killed_parties(void)
{
	int n, lost;

	if (stepper_allowed() < 0 || mp_owner_attach() < 0) {
		tap_skip("killed parties", "no ptrace, or no robust list");
		return;
	}
	lost = killed_meanwhile(0, &n);
	is(lost, 0,
	   "a waiting party killed while another comes (%d instructions)", n);
	lost = killed_meanwhile(1, &n);
	is(lost, 0, "one that has entered (%d instructions)", n);
	ok(n > 50, "which are enough");
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	parties();
	full();
	interrupted();
	interrupted_party();
	killed_parties();
	return tap_done();
}
