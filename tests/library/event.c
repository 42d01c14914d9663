/* Events: set before, while and after others wait, and from handlers. */
#include "mp/event.h"

#include <sys/time.h>

#include "mp/backstop.h"
#include "waiting.h"

enum { N = 20 };

struct shared {
	struct mp_event event;
	_Atomic int handled, woken, ready;
};

static struct shared *s;

static void fresh(void)
{
	memset(s, 0, sizeof(*s));
}

static uint64_t count(enum mp_counter which)
{
	return mp_counters_get(&s->event.counters, which);
}

static int waits(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	return timely(begin, mp_event_wait(&s->event, timeout_ns));
}

static int sets(long unused)
{
	(void)unused;
	mp_event_set(&s->event);
	return 0;
}

static pid_t start_waiter(void)
{
	pid_t pid = start(waits, LONG);

	await(asleep(pid));
	return pid;
}

/* ---- tests ---- */

static void one_process(void)
{
	struct mp_event *e = &s->event;

	fresh();
	is(mp_event_is_set(e), 0, "zero bytes are a clear event");
	is(mp_event_wait(e, 0), -ETIMEDOUT, "a try");
	is(mp_event_wait(e, 1), -ETIMEDOUT, "a nanosecond");
	for (int i = 0; i < 3; i++) {
		mp_event_set(e);
		is(mp_event_is_set(e), 1, "set");
		mp_event_set(e);
		is(mp_event_is_set(e), 1, "set twice is set");
		is(mp_event_wait(e, 0), 0, "no wait: a try");
		is(mp_event_wait(e, 1), 0, "a nanosecond");
		is(mp_event_wait(e, INT64_MAX), 0, "292 years");
		is(mp_event_wait(e, -1), 0, "for ever");
		is(mp_event_is_set(e), 1, "it stays set");
		mp_event_clear(e);
		is(mp_event_is_set(e), 0, "clear");
		mp_event_clear(e);
		is(mp_event_is_set(e), 0, "cleared twice is clear");
		is(mp_event_wait(e, 0), -ETIMEDOUT, "waits again");
	}
	ok(count(MP_WAKES) <= 1, "nobody is woken but for a wait that ran out");
	memset(e, 0xff, sizeof(*e));
	is(mp_event_init(e), 0, "init");
	is(mp_event_is_set(e), 0, "makes a clear one of anything");
	is(mp_event_init(not_shared()), -EINVAL, "memory that is not shared");
}

static void timeout(void)
{
	int64_t begin = mp_clock_now();

	fresh();
	is(mp_event_wait(&s->event, 20 * MS), -ETIMEDOUT, "20 ms");
	ok(mp_clock_now() - begin >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - begin < LONG, "and not much later");
	mp_event_set(&s->event);
	is(mp_event_wait(&s->event, 20 * MS), 0, "then it is set");
}

static void wakes(void)
{
	struct call thread;
	pid_t pid[N];
	int bad = 0;

	fresh();
	for (int i = 0; i < N; i++)
		pid[i] = start_waiter();
	mp_event_clear(&s->event);
	for (int i = 0; i < N; i++)
		bad += !asleep(pid[i]);
	is(bad, 0, "%d wait, whatever is cleared", N);
	is(end_of(start(sets, 0)), 0, "set by another");
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "wakes all");
	is(end_of(start(waits, -1)), 0, "who comes later does not wait");
	is(count(MP_WAKES), 1, "all by one call");
	is(count(MP_SLEEPS), N, "each slept once");

	mp_event_clear(&s->event);
	start_thread(&thread, waits, LONG);
	await(asleep(atomic_load(&thread.tid)));
	mp_event_set(&s->event);
	is(end_of_thread(&thread), 0, "a thread is woken too");
}

/* Stopped, they cannot look before it is clear again: that it was set must be
 * kept for them. */
static void set_and_cleared(void)
{
	enum { FEW = 4 };
	pid_t pid[FEW], late;
	int bad = 0;

	fresh();
	for (int round = 1; round <= 3; round++) {
		for (int i = 0; i < FEW; i++)
			pid[i] = start_waiter();
		for (int i = 0; i < FEW; i++)
			stop(pid[i]);
		for (int i = 0; i < round; i++) {
			mp_event_set(&s->event);
			mp_event_clear(&s->event);
		}
		late = start_waiter();
		for (int i = 0; i < FEW; i++)
			kill(pid[i], SIGCONT);
		for (int i = 0; i < FEW; i++)
			bad += end_of(pid[i]) != 0;
		bad += !asleep(late);
		mp_event_set(&s->event);
		bad += end_of(late) != 0;
		mp_event_clear(&s->event);
	}
	is(bad, 0,
	   "set and cleared at once: who waited passes, who came "
	   "later waits");

	for (int i = 0; i < FEW; i++)
		pid[i] = start_waiter();
	mp_event_set(&s->event);
	mp_event_clear(&s->event);
	for (int i = 0; i < FEW; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "those that are not stopped too");
	is(mp_event_is_set(&s->event), 0, "it is clear");
}

/* ---- signals ---- */

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&s->handled, 1);
}

static void on_signal_set(int sig)
{
	(void)sig;
	mp_event_set(&s->event);
}

static void on_signal_flash(int sig)
{
	(void)sig;
	mp_event_set(&s->event);
	mp_event_clear(&s->event);
	atomic_fetch_add(&s->handled, 1);
}

static int signalled(void (*handler)(int))
{
	pid_t pid;

	fresh();
	handle(SIGUSR1, handler, 0);
	pid = start_waiter();
	kill(pid, SIGUSR1);
	return end_of(pid);
}

static void handlers(void)
{
	pid_t pid;

	is(signalled(on_signal), -EINTR, "a handler ends the wait");
	is(mp_event_is_set(&s->event), 0, "which sets nothing");
	mp_event_set(&s->event);
	is(mp_event_wait(&s->event, -1), 0, "set, nobody waits");
	is(signalled(on_signal_set), 0, "a handler sets the event waited for");
	is(mp_event_is_set(&s->event), 1, "and it is set");
	is(signalled(on_signal_flash), 0, "or sets and clears it");
	is(mp_event_is_set(&s->event), 0, "and it is clear");

	fresh();
	pid = start_waiter();
	stop(pid);
	kill(pid, SIGCONT);
	await(asleep(pid));
	mp_event_set(&s->event);
	is(end_of(pid), 0, "stopped and continued is no interruption");

	fresh();
	handle(SIGUSR1, on_signal_set, 0);
	pid = start_waiter();
	raise(SIGUSR1);
	is(end_of(pid), 0, "a handler here sets what a child waits for");
}

/* The example of the header. */
static int beats(long interval_ns)
{
	while (mp_event_wait(&s->event, interval_ns) == -ETIMEDOUT)
		atomic_fetch_add(&s->woken, 1);
	return mp_event_is_set(&s->event) ? 42 : 1;
}

static void heartbeat(void)
{
	pid_t pid;

	fresh();
	handle(SIGTERM, on_signal_set, 0);
	pid = start(beats, MS);
	await(atomic_load(&s->woken) >= 5);
	kill(pid, SIGTERM);
	is(end_of(pid), 42, "beats until SIGTERM sets the event");
}

static int waits_often(long unused)
{
	int result = 0;

	(void)unused;
	atomic_store(&s->ready, 1);
	while (mp_event_is_set(&s->event) == 0 || result < 0)
		result = mp_event_wait(&s->event, 20000);
	return result;
}

/* A handler at any instruction of set and clear. */
static void interrupts(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	int bad = 0;
	pid_t pid;

	fresh();
	pid = start(waits_often, 0);
	await(atomic_load(&s->ready) == 1);
	handle(SIGALRM, on_signal_flash, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; atomic_load(&s->handled) < 100; i++) {
		mp_event_clear(&s->event);
		bad += mp_event_is_set(&s->event);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	is(bad, 0, "100 handlers set and clear it while it is cleared");
	mp_event_set(&s->event);
	is(mp_event_is_set(&s->event), 1, "it is set at the end");
	is(end_of(pid), 0, "and one that waits sees it");
}

static void killed_waiters(void)
{
	pid_t first, second;
	uint64_t before;

	fresh();
	first = start_waiter();
	second = start_waiter();
	killed(first);
	mp_event_set(&s->event);
	is(end_of(second), 0, "a waiter killed: the other is woken");
	mp_event_clear(&s->event);
	killed(start_waiter());
	mp_event_set(&s->event);
	before = count(MP_WAKES);
	for (int i = 0; i < 100; i++) {
		mp_event_clear(&s->event);
		mp_event_set(&s->event);
	}
	ok(count(MP_WAKES) == before, "one killed is not woken for ever after");
}

static int use(void *object)
{
	struct mp_event *e = object;
	int result = mp_event_init(e) | (mp_event_wait(e, 0) != -ETIMEDOUT);

	mp_event_set(e);
	result |= mp_event_wait(e, -1);
	mp_event_clear(e);
	return result;
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	one_process();
	timeout();
	wakes();
	set_and_cleared();
	handlers();
	heartbeat();
	interrupts();
	killed_waiters();
	is(left_of_10000(sizeof(struct mp_event), use), 0,
	   "10,000 events, and nothing of them is left");
	return tap_done();
}
