/* mp_wait: connections, processes and descriptors in one sleep. */
#include "mp/wait.h"

#include <fcntl.h>
#include <poll.h>

#include "sockets.h"

#include "pipes.h"

static struct mp_waitable v[4];

/* What is waited for: one of each kind, none of them ready. */
static struct mp_conn c, d; /* of a socket */
static struct mp_process child;
static int fds[2];

static int sleeps(void *unused)
{
	(void)unused;
	return wait_for_kill();
}

static int ends(void *unused)
{
	(void)unused;
	return 0;
}

static void begin(struct mp_process *p, int (*f)(void *))
{
	if (mp_process_init(p, f, NULL, NULL) < 0 || mp_process_start(p) < 0)
		errx(1, "mp_process_start");
}

static void finish(struct mp_process *p)
{
	mp_process_kill(p);
	mp_process_join(p, -1);
	mp_process_close(p);
}

static void open_all(void)
{
	open_pipe(false, RING);
	conn_pair(&c, &d);
	begin(&child, sleeps);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		err(1, "pipe2");
	v[0] = (struct mp_waitable){ .conn = &a };
	v[1] = (struct mp_waitable){ .conn = &c };
	v[2] = (struct mp_waitable){ .process = &child };
	v[3] = (struct mp_waitable){ .fd = fds[0], .events = POLLIN };
	for (int i = 0; i < 4; i++)
		v[i].ready = 99;
}

static void close_all(void)
{
	finish(&child);
	close_pipe();
	mp_conn_close(&c);
	mp_conn_close(&d);
	close(fds[0]);
	close(fds[1]);
}

/* Which are ready, as bits. */
static int ready(int n)
{
	int bits = 0;

	for (int i = 0; i < n; i++)
		bits |= (v[i].ready != 0) << i;
	return bits;
}

static int wait4_(long timeout_ns)
{
	return mp_wait(v, 4, timeout_ns);
}

/* ---- one at a time ---- */

static void each(void)
{
	open_all();
	is(wait4_(0), 0, "nothing is ready");
	is(ready(4), 0, "nothing is marked");
	is(wait4_(1), 0, "in a nanosecond");
	is(wait4_(5 * MS), 0, "nor in 5 ms");
	send_number(7, 0);
	is(wait4_(-1), 1, "a message in a pipe");
	is(ready(4), 1, "marked");
	is(v[0].ready, 1, "as 1");
	is(wait4_(0), 1, "nothing was taken");
	is(receive(0), 7, "which recv does");
	is(wait4_(0), 0, "then nothing is ready");
	mp_conn_send(&d, "x", 1, -1);
	is(wait4_(-1), 1, "a message in a socket");
	is(ready(4), 2, "marked");
	is(v[1].ready, 1, "as 1");
	mp_conn_recv(&c, in, 1, 0, NULL);
	is(write(fds[1], "x", 1), 1, "a byte in a pipe of the kernel");
	is(wait4_(LONG), 1, "is seen");
	is(ready(4), 8, "marked");
	is(v[3].ready, POLLIN, "as poll says");
	send_number(8, 0);
	is(wait4_(0), 2, "two are ready");
	is(ready(4), 1 | 8, "both are marked");
	mp_process_kill(&child);
	mp_conn_send(&d, "x", 1, -1);
	await(wait4_(-1) == 4);
	is(ready(4), 15, "all are, a child that has ended too");
	is(v[2].ready, 1, "as 1");
	mp_process_join(&child, -1);
	is(wait4_(-1), 4, "one that was joined is still ready");
	mp_conn_close(&b);
	receive(0);
	is(wait4_(-1), 4, "the end of file of a pipe");
	is(receive(0), -EPIPE, "is what recv tells");
	is(wait4_(0), 4, "again and again");
	close_all();
}

static void what_poll_says(void)
{
	open_all();
	v[0] = (struct mp_waitable){ .fd = fds[0] };
	v[1] = (struct mp_waitable){ .fd = fds[1], .events = POLLOUT };
	is(mp_wait(v, 1, 0), 0, "no events asked for: input");
	is(mp_wait(v, 2, -1), 1, "room for output");
	is(v[1].ready, POLLOUT, "as poll says");
	is(v[0].ready, 0, "the other is not ready");
	v[1].events = POLLIN | POLLOUT;
	is(mp_wait(v, 2, -1), 1, "one of two events");
	is(v[1].ready, POLLOUT, "the one that happened");
	close(fds[1]);
	is(mp_wait(v, 1, -1), 1, "its end");
	is(v[0].ready, POLLHUP, "as poll says");
	fds[1] = -1;
	close_all();
}

/* The same connection twice, the same child twice. */
static void twice(void)
{
	open_all();
	v[1] = v[0];
	v[3] = v[2];
	send_number(1, 0);
	is(wait4_(-1), 2, "one connection twice: both are ready");
	is(ready(4), 3, "both are marked");
	receive(0);
	is(wait4_(5 * MS), 0, "or none");
	mp_process_kill(&child);
	is(wait4_(LONG), 2, "a child twice");
	is(ready(4), 12, "both are marked");
	close_all();
}

/* ---- refused ---- */

static int start_not(long unused)
{
	(void)unused;
	return mp_wait(v, 3, 0) == -EPERM && v[2].ready == -1 ? 0 : 1;
}

static void refused(void)
{
	struct mp_process none;
	static const int n[] = { 0, -1, INT32_MIN };
	int bad = 0, fd;

	open_all();
	for (int i = 0; i < 3; i++)
		bad += mp_wait(v, n[i], -1) != -EINVAL;
	bad += mp_wait(NULL, 0, 0) != -EINVAL;
	is(bad, 0, "0, -1, -2^31 of them: -EINVAL");
	fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 500);
	close(fd);
	v[3].fd = fd;
	is(wait4_(-1), -EBADF, "a descriptor that is not open");
	is(v[3].ready, -1, "is marked");
	v[3].fd = -1;
	is(wait4_(-1), -EBADF, "-1");
	is(v[3].ready, -1, "is marked");
	v[3] = (struct mp_waitable){ .conn = &b };
	is(wait4_(-1), -EBADF, "an end that only sends");
	is(v[3].ready, -1, "is marked");
	mp_process_init(&none, ends, NULL, NULL);
	v[3] = (struct mp_waitable){ .process = &none };
	is(wait4_(-1), -EINVAL, "a process that was not started");
	is(v[3].ready, -1, "is marked");
	is(end_of(start(start_not, 0)), 0, "another's child: -EPERM");
	send_number(1, 0);
	v[3] = (struct mp_waitable){ .fd = fd };
	is(wait4_(-1), -EBADF, "beside one that is ready");
	is(v[3].ready, -1, "is marked");
	mp_conn_close(&b);
	mp_conn_close(&a);
	v[3].fd = fds[0];
	is(wait4_(-1), -EBADF, "a closed connection");
	is(v[0].ready, -1, "is marked");
	close_all();
}

/* ---- asleep ---- */

/* The bits, after a timely end. */
static int waits(long timeout_ns)
{
	int64_t from = mp_clock_now();
	int result;

	v[2] = (struct mp_waitable){ .fd = fds[0] }; /* not its child */
	result = mp_wait(v, 4, timeout_ns);
	if (result == 0)
		return -ETIMEDOUT;
	return timely(from, result < 0 ? result : ready(4));
}

static int waits_for_pipe(long timeout_ns)
{
	int64_t from = mp_clock_now();
	int result;

	mp_conn_close(&b);
	result = mp_wait(v, 1, timeout_ns);
	return timely(from, result == 1 ? receive(0) : result);
}

static void on_signal(int sig)
{
	(void)sig;
}

static int interrupted(int (*f)(long), long timeout_ns)
{
	pid_t pid = start_asleep(f, timeout_ns);

	await(kill(pid, SIGUSR1) == 0 && tap_state(pid) == 'Z');
	return end_of(pid);
}

static void sleepers(void)
{
	static const int64_t ever[] = { -1, INT64_MIN, INT64_MAX, LONG };
	int64_t from = mp_clock_now();
	int bad = 0;
	pid_t pid;

	open_all();
	is(wait4_(20 * MS), 0, "20 ms");
	ok(mp_clock_now() - from >= 20 * MS, "are not over before 20 ms");
	ok(mp_clock_now() - from < LONG, "and not much later");
	for (int i = 0; i < 4; i++) {
		pid = start_asleep(waits, ever[i]);
		send_number(1, 0);
		bad += end_of(pid) != 1 || receive(0) != 1;
		pid = start_asleep(waits, ever[i]);
		mp_conn_send(&d, "x", 1, -1);
		bad += end_of(pid) != 2;
		mp_conn_recv(&c, in, 1, -1, NULL);
		pid = start_asleep(waits, ever[i]);
		bad += write(fds[1], "x", 1) != 1;
		bad += end_of(pid) != (4 | 8) || read(fds[0], in, 1) != 1;
		pid = start_asleep(waits_for_pipe, ever[i]);
		send_number(2, 0);
		bad += end_of(pid) != 2;
	}
	is(bad, 0, "for ever, for 292 years, for long: woken at once");
	handle(SIGUSR1, on_signal, 0);
	is(interrupted(waits, -1), -EINTR, "a handler ends it");
	is(interrupted(waits, LONG), -EINTR, "timed or not");
	is(interrupted(waits_for_pipe, LONG), -EINTR, "for pipes alone");
	handle(SIGUSR1, on_signal, SA_RESTART);
	mp_backstop_set(100 * MS);
	is(interrupted(waits, -1), -EINTR, "with SA_RESTART");
	is(interrupted(waits_for_pipe, LONG), -EINTR, "too");
	mp_backstop_set(0);
	is(wait4_(0), 0, "nothing was taken");
	send_number(3, 0);
	is(wait4_(0), 1, "a message afterwards");
	is(receive(0), 3, "is there");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_all();
}

static void a_child_ends(void)
{
	struct mp_process p[3];
	int n = 0;

	open_all();
	for (int i = 0; i < 3; i++) {
		begin(&p[i], i < 2 ? ends : sleeps);
		v[i] = (struct mp_waitable){ .process = &p[i] };
	}
	v[3] = (struct mp_waitable){ .conn = &a };
	while (n != 3) {
		if (wait4_(LONG) < 1)
			break;
		n = ready(4);
	}
	is(n, 3, "two of three children have ended");
	is(mp_process_join(&p[0], 0) | mp_process_join(&p[1], 0), 0,
	   "and can be joined");
	for (int i = 0; i < 3; i++)
		finish(&p[i]);
	begin(&p[0], ends);
	mp_process_join(&p[0], -1);
	v[0] = (struct mp_waitable){ .process = &p[0] };
	is(mp_wait(v, 1, -1), 1, "one that was joined before");
	is(v[0].ready, 1, "is marked");
	mp_process_close(&p[0]);
	close_all();
}

static int sends_and_ends(long n)
{
	mp_conn_close(&a);
	return send_number(n, LONG);
}

static void peers_end(void)
{
	pid_t pid, sender;

	open_pipe(false, RING);
	v[0] = (struct mp_waitable){ .conn = &a };
	sender = start(sends_and_ends, 5);
	mp_conn_close(&b);
	is(mp_wait(v, 1, -1), 1, "a sender that sends and ends");
	is(receive(0), 5, "its message");
	is(mp_wait(v, 1, -1), 1, "then the end");
	is(receive(0), -EPIPE, "of file");
	is(end_of(sender), 0, "all sent");
	close_pipe();
	open_pipe(false, RING);
	v[0] = (struct mp_waitable){ .conn = &a };
	pid = start_asleep(waits_for_pipe, -1);
	mp_conn_close(&b);
	is(end_of(pid), -EPIPE, "one that sleeps learns at once");
	close_pipe();
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	each();
	what_poll_says();
	twice();
	refused();
	sleepers();
	a_child_ends();
	peers_end();
	is(tap_descriptors(), before, "no descriptor is left");
	return tap_done();
}
