/* Pipes: how long a send and a receive wait, and what ends the wait. */
#include "mp/pipe.h"

#include "pipes.h"

/* ---- timeouts ---- */

static int poll_as_recv(long timeout_ns)
{
	int ready = mp_conn_poll(&a, timeout_ns);

	return ready == 0 ? -ETIMEDOUT : ready;
}

static int recv_now(long timeout_ns)
{
	return receive(timeout_ns);
}

static int recv_fd_now(long timeout_ns)
{
	return mp_conn_recv_fd(&a, timeout_ns);
}

static int send_now(long timeout_ns)
{
	return send_number(50, timeout_ns);
}

static int send_fd_now(long timeout_ns)
{
	return mp_conn_send_fd(&b, 0, timeout_ns);
}

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
	int n, bad = 0;
	pid_t pid;

	open_pipe(false, RING);
	takes_20_ms(recv_now, "recv from an empty pipe");
	takes_20_ms(recv_fd_now, "recv_fd");
	takes_20_ms(poll_as_recv, "poll");
	n = fill_up();
	takes_20_ms(send_now, "send into a full one");
	takes_20_ms(send_fd_now, "send_fd");
	for (int i = 0; i < n; i++)
		bad += receive(0) != i;
	is(bad, 0, "what is in the pipe is as before");
	is(receive(0), -ETIMEDOUT, "and no more");

	for (int i = 0; i < 4; i++) {
		pid = start_asleep(receives, ever[i]);
		send_number(42, 0);
		bad += end_of(pid) != 42;
		pid = start_asleep(polls, ever[i]);
		send_number(43, 0);
		bad += end_of(pid) != 1 || receive(0) != 43;
		n = fill_up();
		pid = start_asleep(sends_50, ever[i]);
		for (int k = 0; k < n; k++)
			bad += receive(0) != k;
		bad += end_of(pid) != 0 || receive(0) != 50;
	}
	is(bad, 0, "for ever, for 292 years, for long: woken at once");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();
}

/* ---- system calls ---- */

/* Who sleeps is woken once, and then nobody is until he sleeps again. */
static void wakes(void)
{
	uint64_t before;
	pid_t pid;

	open_pipe(false, RING);
	pid = start_asleep(receives, LONG);
	before = count(MP_WAKES);
	for (int i = 0; i < 100; i++)
		send_number(i, 0);
	is((long long)(count(MP_WAKES) - before) >= 1, 1, "a sleeper is woken");
	is(end_of(pid), 0, "by the first of 100");
	while (receive(0) >= 0)
		;
	before = count(MP_WAKES) + count(MP_SLEEPS);
	for (int i = 0; i < 10000; i++) {
		send_number(i & 63, -1);
		receive(-1);
	}
	ok(count(MP_WAKES) + count(MP_SLEEPS) <= before + 1,
	   "10,000 messages that nobody waits for: nobody is woken");
	close_pipe();
}

/* ---- handlers ---- */

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
	static int (*const receivers[])(long) = { receives, polls,
						  recv_fd_now };
	int n, bad = 0;

	handle(SIGUSR1, on_signal, flags);
	open_pipe(false, RING);
	for (int i = 0; i < 3; i++)
		bad += interrupted(receivers[i], -1) != -EINTR ||
		       interrupted(receivers[i], LONG) != -EINTR;
	is(bad, 0, "a handler %s ends recv, poll and recv_fd", how);
	n = fill_up();
	bad = interrupted(sends_50, -1) != -EINTR ||
	      interrupted(sends_50, LONG) != -EINTR ||
	      interrupted(send_fd_now, LONG) != -EINTR;
	is(bad, 0, "send and send_fd");
	for (int i = 0; i < n; i++)
		bad += receive(0) != i;
	is(bad, 0, "nothing was received");
	is(receive(0), -ETIMEDOUT, "nor sent");
	close_pipe();
}

static void handlers(void)
{
	pid_t pid;

	handlers_with(0, "without SA_RESTART");
	mp_backstop_set(100 * MS);
	handlers_with(SA_RESTART, "with SA_RESTART");
	mp_backstop_set(0);
	open_pipe(false, RING);
	pid = start_asleep(receives, LONG);
	stop(pid);
	kill(pid, SIGCONT);
	await(asleep(pid));
	send_number(7, 0);
	is(end_of(pid), 7, "stopped and continued is no interruption");
	close_pipe();
}

/* ---- to and fro ---- */

static int64_t patience;

/* Everything again that time or a handler has ended. */
static int again(int error)
{
	if (error != -ETIMEDOUT && error != -EINTR)
		return 0;
	sched_yield();
	return 1;
}

static int answers(long n)
{
	size_t length;
	int error;

	mp_conn_close(&a);
	for (long i = 0; i < n; i++) {
		while (again(error = mp_conn_recv(&b, in, sizeof(in), patience,
						  &length)))
			;
		if (error != 0)
			return 1;
		while (again(error = mp_conn_send(&b, in, length, patience)))
			;
		if (error != 0)
			return 1;
	}
	return 0;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int answers_on_0(long n)
{
	pin(0);
	return answers(n);
}

static int answers_on_1(long n)
{
	pin(1);
	return answers(n);
}

static int asks(int n, unsigned seed)
{
	size_t size;
	int bad = 0;

	for (int i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		size = (seed >> 16) % 3000 >> (seed >> 8 & 7);
		fill(size, seed);
		while (again(mp_conn_send(&a, out, size, patience)))
			;
		if (i & 1)
			while (mp_conn_poll(&a, patience) == 0)
				sched_yield();
		while (again(receive_length(sizeof(in), patience)))
			;
		bad += memcmp(in, out, size) != 0;
	}
	return bad;
}

static void to_and_fro(int64_t timeout_ns, int n, const char *what)
{
	static const struct {
		int (*f)(long);
		const char *where;
	} place[] = { { answers_on_0, "on this CPU" },
		      { answers_on_1, "on another CPU, if there is one" },
		      { answers, "anywhere" } };
	cpu_set_t all;
	pid_t pid;
	int bad;

	patience = timeout_ns;
	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < 3; i++) {
		open_pipe(true, RING);
		pid = start(place[i].f, n);
		if (i < 2)
			pin(0);
		bad = asks(n, 1);
		sched_setaffinity(0, sizeof(all), &all);
		ok(end_of(pid) == 0 && bad == 0, "%d times to and fro %s, %s",
		   n, place[i].where, what);
		is(count(MP_RESCUES), 0, "nothing was rescued");
		close_pipe();
	}
}

/* ---- one way, as fast as it goes ---- */

static int sends_stream(long n)
{
	unsigned seed = 1;
	size_t size;

	mp_conn_close(&a);
	for (long i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		size = (seed >> 16) % 600 >> (seed >> 8 & 7);
		if (mp_conn_send(&b, fill(size, seed), size, LONG) != 0)
			return 1;
	}
	return 0;
}

static void stream(size_t bytes)
{
	enum { N = 100000 };
	unsigned seed = 1;
	size_t size;
	int bad = 0;
	pid_t pid;

	open_pipe(false, bytes);
	pid = start(sends_stream, N);
	mp_conn_close(&b);
	for (long i = 0; i < N && bad == 0; i++) {
		seed = seed * 1103515245 + 12345;
		size = (seed >> 16) % 600 >> (seed >> 8 & 7);
		bad += !receive_same(size, seed, LONG);
	}
	is(bad, 0, "%d messages through a ring of %zu bytes", N, bytes);
	is(end_of(pid), 0, "all sent");
	is(receive(LONG), -EPIPE, "then the end");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();
}

static int send_thread(long n)
{
	for (long i = 0; i < n; i++)
		if (send_number(i & 63, LONG) != 0)
			return 1;
	return 0;
}

static void threads(void)
{
	struct call sender;
	int bad = 0;

	open_pipe(false, RING);
	start_thread(&sender, send_thread, 20000);
	for (int i = 0; i < 20000; i++)
		bad += receive(LONG) != (i & 63);
	is(bad, 0, "between two threads of one process");
	is(end_of_thread(&sender), 0, "all sent");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();
}

int main(void)
{
	mp_backstop_set(0);
	timeouts();
	wakes();
	handlers();
	to_and_fro(LONG, 3000, "patient");
	to_and_fro(1000, 1000, "for a microsecond each");
	to_and_fro(0, 1000, "trying only");
	stream(RING);
	stream(1 << 16);
	threads();
	return tap_done();
}
