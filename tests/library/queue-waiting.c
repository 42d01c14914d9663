/* Queues: how long a put and a get wait, who is woken, and what a signal
 * handler leaves behind. */
#include "mp/queue.h"

#include <poll.h>

#include "queues.h"

static char out[256], in[256];

/* ---- timeouts ---- */

static void takes_20_ms(int (*f)(long), const char *what)
{
	int64_t begin = mp_clock_now();

	is(f(0), -ETIMEDOUT, "%s: a try", what);
	is(f(1), -ETIMEDOUT, "a nanosecond");
	is(f(20 * MS), -ETIMEDOUT, "20 ms");
	ok(mp_clock_now() - begin >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - begin < LONG, "and not much later");
}

static void timeouts(void)
{
	static const int64_t ever[] = { -1, INT64_MIN, INT64_MAX, LONG };
	pid_t pid;
	int bad = 0;

	fresh(2, 16, 0);
	takes_20_ms(gets, "get from an empty queue");
	is(joins(0), 0, "join of an empty queue does not wait");
	put_all(0, 2);
	takes_20_ms(puts_50, "put into a full one");
	takes_20_ms(joins, "join with two not done");
	is(mp_queue_qsize(q), 2, "the queue is as before");
	bad = (get(0) != 0) + (get(0) != 1);
	is(bad, 0, "with the same messages");

	for (int i = 0; i < 4; i++) {
		pid = start_asleep(gets, ever[i]);
		put(42, 0);
		bad += end_of(pid) != 42;
		put_all(0, 2);
		pid = start_asleep(puts_50, ever[i]);
		bad += get(0) != 0 || end_of(pid) != 0;
		bad += get(0) != 1 || get(0) != 50;
	}
	is(bad, 0, "for ever, for 292 years, for long: woken at once");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- who is woken ---- */

static void one_for_each(void)
{
	enum { N = 5 };
	pid_t pid[N];
	int bad = 0, sum = 0;

	fresh(N, 8 * N, 0);
	for (int i = 0; i < N; i++)
		pid[i] = start_asleep(gets, LONG);
	for (int i = 0; i < N; i++) {
		bad += put(1 << i, 0) != 0;
		sum += end_of(pid[i]);
	}
	is(sum, (1 << N) - 1, "%d getters, woken one by one by a put", N);
	put_all(0, N);
	for (int i = 0; i < N; i++)
		pid[i] = start_asleep(puts_50, LONG);
	for (int i = 0; i < N; i++)
		bad += get(0) != i || end_of(pid[i]) != 0;
	is(bad, 0,
	   "and as many putters by a get, who has waited longest first");
	is(mp_queue_qsize(q), N, "all of theirs are there");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static void no_sleepers_no_wakes(void)
{
	pid_t pid;
	uint64_t wakes;

	fresh(10, 80, 0);
	pid = start_asleep(gets, LONG);
	put(1, 0);
	end_of(pid);
	pid = start_asleep(gets, LONG);
	killed(pid);
	put_all(0, 10); /* the first finds that nobody sleeps */
	wakes = count(MP_WAKES);
	for (int i = 0; i < 1000; i++) {
		get(0);
		put(0, 0);
	}
	ok(count(MP_WAKES) == wakes,
	   "nobody sleeps any more: no system call to wake");
}

/* Who is woken and takes nothing leaves it to the next. */
static int gets_into_4(long timeout_ns)
{
	return mp_queue_get(q, in, 4, timeout_ns, NULL);
}

static int peeks_and_keeps(long timeout_ns)
{
	const void *where;
	int error = mp_queue_peek(q, timeout_ns, &where, NULL);

	return error < 0 ? error : mp_queue_keep(q);
}

static int reserves_and_cancels(long timeout_ns)
{
	void *where;
	int error = mp_queue_reserve(q, 8, timeout_ns, &where);

	return error < 0 ? error : mp_queue_cancel(q);
}

static void passed_on(void)
{
	pid_t first, second;

	fresh(1, 8, 0);
	first = start_asleep(gets_into_4, LONG);
	second = start_asleep(gets, LONG);
	put(1, 0);
	is(end_of(second), 1, "a getter with too little space passes it on");
	is(end_of(first), -EMSGSIZE, "and learns of it");

	first = start_asleep(peeks_and_keeps, LONG);
	second = start_asleep(gets, LONG);
	put(2, 0);
	is(end_of(second), 2, "one that keeps the message passes it on");
	is(end_of(first), 0, "after its look");

	put(3, 0);
	first = start_asleep(reserves_and_cancels, LONG);
	second = start_asleep(puts_50, LONG);
	is(get(0), 3, "room");
	is(end_of(second), 0, "a putter that cancels passes it on");
	is(end_of(first), 0, "after its look");
	is(get(0), 50, "what the other has put");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* Room for a short message may not be room for a long one. */
static int puts_as_long(long length)
{
	return mp_queue_put(q, out, (size_t)length, LONG);
}

static void mixed(void)
{
	pid_t big, little = 0;
	int bad = 0;

	for (int i = 0; i < 20; i++) {
		fresh(100, 64, 0);
		while (mp_queue_put(q, out, 64, 0) == 0)
			;
		while (mp_queue_put(q, out, 0, 0) == 0)
			;
		if (i & 1)
			little = start_asleep(puts_as_long, 1);
		big = start_asleep(puts_as_long, 64);
		if (!(i & 1))
			little = start_asleep(puts_as_long, 1);
		/* The first is 64 bytes long, and makes room for one of them or
		 * both. */
		for (int n = 0; n < 100 && mp_queue_empty(q) == 0; n++)
			get_length(in, sizeof(in));
		bad += end_of(big) != 0 || end_of(little) != 0;
		bad += count(MP_RESCUES) != 0;
	}
	is(bad, 0, "a long message and a short one wait for room");
}

/* The long one was woken, and there is no room for it yet: the short one, for
 * which there is, must not wait. */
static void short_behind_long(void)
{
	pid_t big, little;

	fresh(100, 200, 0);
	mp_queue_put(q, out, 1, 0);
	while (mp_queue_put(q, out, 200, 0) == 0)
		;
	while (mp_queue_put(q, out, 1, 0) == 0)
		;
	big = start_asleep(puts_as_long, 200);
	little = start_asleep(puts_as_long, 1);
	is(get_length(in, 1), 1, "room for a short message");
	is(end_of(little), 0, "which waited behind a long one, that waits on");
	await(asleep(big));
	killed(big);
}

/* ---- handlers ---- */

static int puts_3(long timeout_ns)
{
	long number[3] = { 0 };
	struct iovec v[3];

	for (int i = 0; i < 3; i++)
		v[i] = (struct iovec){ &number[i], sizeof(long) };
	return mp_queue_put_many(q, v, 3, timeout_ns);
}

static int gets_2(long timeout_ns)
{
	long number[2];
	struct iovec v[2] = { { &number[0], 8 }, { &number[1], 8 } };

	return mp_queue_get_many(q, v, 2, timeout_ns);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* (Again and again: the first may come between two sleeps.) */
static int interrupted(int (*f)(long), long timeout_ns)
{
	pid_t pid = start_asleep(f, timeout_ns);

	await(kill(pid, SIGUSR1) == 0 && tap_state(pid) == 'Z');
	return end_of(pid);
}

static void handlers_with(int flags, const char *how)
{
	static int (*const putters[])(long) = { puts_50, puts_3,
						reserves_and_cancels, joins };
	static int (*const getters[])(long) = { gets, gets_2, peeks_and_keeps };
	int bad = 0;

	handle(SIGUSR1, on_signal, flags);
	fresh(3, 24, 0);
	for (int i = 0; i < 3; i++)
		bad += interrupted(getters[i], -1) != -EINTR ||
		       interrupted(getters[i], LONG) != -EINTR;
	is(bad, 0, "a handler %s ends get, get_many and peek", how);
	put_all(0, 3);
	is(mp_queue_qsize(q), 3, "nothing was got");
	for (int i = 0; i < 4; i++)
		bad += interrupted(putters[i], -1) != -EINTR ||
		       interrupted(putters[i], LONG) != -EINTR;
	is(bad, 0, "put, put_many, reserve and join");
	is(mp_queue_qsize(q), 3, "nothing was put");
	for (int i = 0; i < 3; i++)
		bad += get(0) != i;
	is(bad, 0, "the messages are as before");
	is(get(0), -ETIMEDOUT, "and no more");
}

static void handlers(void)
{
	pid_t pid;

	handlers_with(0, "without SA_RESTART");
	mp_backstop_set(100 * MS);
	handlers_with(SA_RESTART, "with SA_RESTART");
	mp_backstop_set(0);
	pid = start_asleep(gets, LONG);
	stop(pid);
	kill(pid, SIGCONT);
	await(asleep(pid));
	put(7, 0);
	is(end_of(pid), 7, "stopped and continued is no interruption");
}

/* ---- lost wake-ups ---- */

/* Two processes, each of which waits for the other again and again, and which
 * dawdle about as long as the other looks before it sleeps.  There is no time
 * limit: on a busy machine a turn may take seconds.  That a wake-up was lost
 * shows in that both are asleep. */

enum { TURNS = 2000, LAST = -1 };
#define AT_MOST (3000 * MS) /* then fewer turns will do */

static struct mp_queue *back;

struct turns {
	_Atomic int asked, answered;
};
static struct turns *turns;

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0) {
		CPU_SET((size_t)cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	prctl(PR_SET_TIMERSLACK, 1L);
}

/* Not every time, and up to 80 us. */
static void dawdle(unsigned *seed)
{
	struct timespec t = { .tv_nsec = rand_r(seed) % 80000 };

	if (rand_r(seed) % 2)
		nanosleep(&t, NULL);
}

static int asks(long cpu)
{
	int64_t begin = mp_clock_now();
	unsigned seed = 1;
	long number = 0;
	int bad = 0;

	pin(cpu);
	for (int i = 1; number != LAST && bad == 0; i++) {
		dawdle(&seed);
		number = i == TURNS || mp_clock_now() - begin > AT_MOST ? LAST
									: i;
		bad += mp_queue_put(q, &number, 8, -1) != 0;
		bad += mp_queue_get(back, &number, 8, -1, NULL) != 0;
		atomic_fetch_add(&turns->asked, 1);
	}
	return bad;
}

static int answers_back(long cpu)
{
	unsigned seed = 2;
	long number = 0;
	int bad = 0;

	pin(cpu);
	while (number != LAST && bad == 0) {
		bad += mp_queue_get(q, &number, 8, -1, NULL) != 0;
		dawdle(&seed);
		bad += mp_queue_put(back, &number, 8, -1) != 0;
		atomic_fetch_add(&turns->answered, 1);
	}
	return bad;
}

static int running(pid_t pid)
{
	return tap_state(pid) != 'Z';
}

/* Who has been woken is not asleep any more, also if it cannot run yet. */
static int idle(pid_t pid)
{
	return asleep(pid) || !running(pid);
}

/* Does one sleep, and the other too, or has it ended? */
static int sleep_for_ever(const pid_t pid[2])
{
	int asked = atomic_load(&turns->asked);
	int answered = atomic_load(&turns->answered);

	for (int i = 0; i < 50; i++) {
		if (!idle(pid[0]) || !idle(pid[1]) ||
		    atomic_load(&turns->asked) != asked ||
		    atomic_load(&turns->answered) != answered)
			return 0;
		sched_yield();
	}
	return running(pid[0]) || running(pid[1]);
}

static void to_and_fro(void)
{
	static const struct {
		long asks, answers;
		const char *where;
	} place[] = { { 0, 0, "on one CPU" },
		      { 0, 1, "on two CPUs, if there are two" },
		      { -1, -1, "anywhere" } };
	int stuck = 0;
	pid_t pid[2];

	back = share(SPACE);
	turns = share(sizeof(*turns));
	for (int i = 0; i < 3; i++) {
		memset(turns, 0, sizeof(*turns));
		fresh(1, 8, 0);
		mp_queue_init(back, 1, 8, 0);
		pid[0] = start(asks, place[i].asks);
		pid[1] = start(answers_back, place[i].answers);
		while ((running(pid[0]) || running(pid[1])) && !stuck) {
			poll(NULL, 0, 10); /* not to be in their way */
			stuck = sleep_for_ever(pid);
		}
		is(stuck, 0, "to and fro %s: nobody sleeps for ever",
		   place[i].where);
		if (stuck) {
			printf("# after %d questions, %d answers\n",
			       turns->asked, turns->answered);
			killed(pid[0]);
			killed(pid[1]);
			return;
		}
		is(end_of(pid[0]), 0, "all was asked");
		printf("# %d times, %d sleeps\n", turns->asked,
		       (int)count(MP_SLEEPS));
		is(end_of(pid[1]), 0, "and answered");
		is(count(MP_RESCUES), 0, "nothing was rescued");
	}
}

int main(void)
{
	mp_backstop_set(0);
	timeouts();
	one_for_each();
	no_sleepers_no_wakes();
	passed_on();
	mixed();
	short_behind_long();
	handlers();
	to_and_fro();
	return tap_done();
}
