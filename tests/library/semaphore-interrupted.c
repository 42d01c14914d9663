/* Semaphores, interrupted: handlers that end a wait or give tokens, and waiters
 * that are killed. */
#include "mp/semaphore.h"

#include <sys/time.h>

#include "mp/backstop.h"
#include "waiting.h"

struct shared {
	struct mp_semaphore sem;
	_Atomic int taken, handled;
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

static int takes(long timeout_ns)
{
	int result = mp_semaphore_acquire(&s->sem, timeout_ns);

	if (result == 0)
		atomic_fetch_add(&s->taken, 1);
	return result;
}

static int takes_with_looks(long timeout_ns)
{
	mp_backstop_set(MS);
	return takes(timeout_ns);
}

static int gives(long n)
{
	int result = 0;

	while (n-- > 0 && result == 0)
		result = mp_semaphore_release(&s->sem);
	return result;
}

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&s->handled, 1);
}

static void on_signal_give(int sig)
{
	(void)sig;
	mp_semaphore_release(&s->sem);
	atomic_fetch_add(&s->handled, 1);
}

static int takes_with_backstop(long timeout_ns)
{
	mp_backstop_set(100 * MS);
	return takes(timeout_ns);
}

/* (Again and again: the first may come between two sleeps.) */
static int interrupted(int (*f)(long), long timeout_ns)
{
	pid_t pid = start(f, timeout_ns);

	await(asleep(pid));
	await(kill(pid, SIGUSR1) == 0 && tap_state(pid) == 'Z');
	return end_of(pid);
}

static void handlers(void)
{
	pid_t pid;

	fresh();
	handle(SIGUSR1, on_signal, 0);
	is(interrupted(takes, -1), -EINTR, "a handler ends the wait");
	is(interrupted(takes, LONG), -EINTR, "a timed one too");
	is(mp_semaphore_value(&s->sem), 0, "no token was taken");
	is(gives(2), 0, "two given");
	is(mp_semaphore_value(&s->sem), 2, "are both there");
	is(takes(0) | takes(0), 0, "and can be taken");
	handle(SIGUSR1, on_signal, SA_RESTART);
	is(interrupted(takes_with_backstop, -1), -EINTR,
	   "one with SA_RESTART ends the wait too");
	is(interrupted(takes_with_backstop, LONG), -EINTR, "timed or not");

	pid = start(takes, LONG);
	await(asleep(pid));
	stop(pid);
	kill(pid, SIGCONT);
	await(asleep(pid));
	gives(1);
	is(end_of(pid), 0, "stopped and continued is no interruption");
}

/* Take one, for which a handler of this process gives the token. */
static int takes_from_handler(long unused)
{
	int result;

	(void)unused;
	while ((result = mp_semaphore_acquire(&s->sem, LONG)) == -EINTR)
		;
	return result;
}

static void release_in_handler(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	int bad = 0, given;
	pid_t pid;

	fresh();
	handle(SIGUSR1, on_signal_give, 0);
	pid = start(takes_from_handler, 0);
	await(asleep(pid));
	kill(pid, SIGUSR1);
	is(end_of(pid), 0, "a handler gives what its own process waits for");
	pid = start(takes, LONG);
	await(asleep(pid));
	raise(SIGUSR1);
	is(end_of(pid), 0, "or what another does");

	/* A handler at any instruction of acquire and release. */
	fresh();
	handle(SIGALRM, on_signal_give, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 300; i++) {
		bad += takes_from_handler(0) != 0;
		mp_semaphore_release(&s->sem);
		bad += takes_from_handler(0) != 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	given = atomic_load(&s->handled);
	ok(bad == 0 && (int)mp_semaphore_value(&s->sem) == given - 300,
	   "%d tokens of a handler, 300 taken, none lost", given);
}

/* ---- kills ---- */

static void killed_waiters(void)
{
	uint64_t wakes;
	pid_t first, second;

	fresh();
	first = start(takes, LONG);
	await(asleep(first));
	second = start(takes, LONG);
	await(asleep(second));
	killed(first);
	mp_semaphore_release(&s->sem);
	is(end_of(second), 0, "a waiter killed: the other gets the token");

	first = start(takes, LONG);
	await(asleep(first));
	killed(first);
	gives(2);
	is(mp_semaphore_value(&s->sem), 2, "the only one killed: tokens stay");
	wakes = count(MP_WAKES);
	gives(1000);
	ok(count(MP_WAKES) == wakes, "and nobody is woken for ever after");
}

/* Killed at about the moment at which it is woken.  It may have the token by
 * then, and the token is gone; or not, and the other waiter must find it. */
static void killed_while_woken(void)
{
	int bad = 0, found = 0;
	pid_t first, second;

	for (int i = 0; i < 50; i++) {
		fresh();
		first = start(takes, LONG);
		await(asleep(first));
		second = start(takes_with_looks, LONG);
		await(asleep(second));
		mp_semaphore_release(&s->sem);
		killed(first);
		if (mp_semaphore_value(&s->sem) == 0)
			mp_semaphore_release(&s->sem);
		else
			found++;
		bad += end_of(second) != 0;
	}
	is(bad, 0,
	   "a waiter killed as it is woken costs nobody (%d of 50 "
	   "times it had taken nothing)",
	   found);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	handlers();
	release_in_handler();
	killed_waiters();
	killed_while_woken();
	return tap_done();
}
