/* Pipes: the end of file, when the other end is closed, or its process killed,
 * and when it is not. */
#include "mp/pipe.h"

#include <fcntl.h>

#include "pipes.h"

static _Atomic int *ready;

static int sends_and_stays(long n)
{
	mp_conn_close(&a);
	for (long i = 0; i < n; i++)
		if (send_number(i, LONG) != 0)
			return 1;
	atomic_store(ready, 1);
	return wait_for_kill();
}

static int sends_and_ends(long n)
{
	mp_conn_close(&a);
	for (long i = 0; i < n; i++)
		if (send_number(i, LONG) != 0)
			return 1;
	return 0;
}

static int holds_both_ends(long unused)
{
	(void)unused;
	atomic_store(ready, 1);
	return wait_for_kill();
}

static int execs(long unused)
{
	(void)unused;
	execl("/proc/self/exe", "test-pipe-end", "wait", NULL);
	return 1;
}

static int receives_and_stays(long n)
{
	mp_conn_close(&b);
	while (n-- > 0)
		if (receive(LONG) < 0)
			return 1;
	atomic_store(ready, 1);
	return wait_for_kill();
}

static int receives_fd(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	mp_conn_close(&b);
	return timely(begin, mp_conn_recv_fd(&a, timeout_ns));
}

static int sends_fd(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	mp_conn_close(&a);
	return timely(begin, mp_conn_send_fd(&b, 0, timeout_ns));
}

static int sends_50_with_looks(long timeout_ns)
{
	mp_backstop_set(20 * MS);
	return sends_50(timeout_ns);
}

static pid_t start_ready(int (*f)(long), long arg)
{
	pid_t pid;

	atomic_store(ready, 0);
	pid = start(f, arg);
	await(atomic_load(ready));
	return pid;
}

/* Is it the end, however one asks? */
static int is_end(void)
{
	struct iovec v = { in, 8 };
	int bad = 0;

	for (int64_t t = -1; t < 2; t++)
		bad += mp_conn_recv(&a, in, 8, t, NULL) != -EPIPE ||
		       mp_conn_recvv(&a, &v, 1, t, NULL) != -EPIPE ||
		       mp_conn_recv_fd(&a, t) != -EPIPE ||
		       mp_conn_poll(&a, t) != 1;
	return !bad;
}

/* ---- the sender's end ---- */

static void sender_closes(void)
{
	pid_t pid;
	int bad = 0;

	open_pipe(false, RING);
	for (int i = 0; i < 10; i++)
		send_number(i, 0);
	mp_conn_close(&b);
	for (int i = 0; i < 10; i++)
		bad += mp_conn_poll(&a, 0) != 1 || receive(i & 1 ? 0 : -1) != i;
	is(bad, 0, "closed after ten messages: they come");
	ok(is_end(), "then the end of file");
	ok(is_end(), "again and again");
	close_pipe();

	open_pipe(false, RING);
	mp_conn_close(&b);
	ok(is_end(), "closed before the first message: the end");
	close_pipe();

	open_pipe(false, RING);
	pid = start_asleep(receives, -1);
	mp_conn_close(&b);
	is(end_of(pid), -EPIPE, "a receiver that sleeps learns at once");
	close_pipe();
	open_pipe(false, RING);
	pid = start_asleep(polls, -1);
	mp_conn_close(&b);
	is(end_of(pid), 1, "one that polls");
	close_pipe();
	open_pipe(false, RING);
	pid = start_asleep(receives, -1);
	stop(pid);
	send_number(7, 0);
	mp_conn_close(&b);
	kill(pid, SIGCONT);
	is(end_of(pid), 7, "a message and the end at once: the message comes");
	close_pipe();
	open_pipe(false, RING);
	pid = start_asleep(receives_fd, LONG);
	mp_conn_close(&b);
	is(end_of(pid), -EPIPE, "one that waits for a descriptor");
	close_pipe();
}

static void sender_killed(void)
{
	pid_t pid, receiver;
	int bad = 0;

	open_pipe(false, RING);
	pid = start_ready(sends_and_stays, 10);
	mp_conn_close(&b);
	killed(pid);
	for (int i = 0; i < 10; i++)
		bad += receive(LONG) != i;
	is(bad, 0, "a sender killed after ten messages: they come");
	ok(is_end(), "then the end");
	close_pipe();

	open_pipe(false, RING);
	pid = start_ready(sends_and_stays, 0);
	mp_conn_close(&b);
	receiver = start_asleep(receives, -1);
	killed(pid);
	is(end_of(receiver), -EPIPE, "a receiver that sleeps learns at once");
	close_pipe();

	open_pipe(false, RING);
	pid = start_asleep(sends_and_ends, 100000);
	mp_conn_close(&b);
	for (int i = 0; i < 5000; i++)
		bad += receive(LONG) != i;
	killed(pid);
	for (int i = 5000, got; bad == 0; i++) {
		got = receive(LONG);
		if (got == -EPIPE)
			break;
		bad += got != i;
	}
	is(bad, 0, "killed while it sends: all that was sent comes, in order");
	close_pipe();

	for (int i = 0; i < 100; i++) {
		open_pipe(false, RING);
		pid = start(sends_and_ends, 1);
		mp_conn_close(&b);
		bad += receive(LONG) != 0 || receive(LONG) != -EPIPE;
		bad += end_of(pid) != 0;
		close_pipe();
	}
	is(bad, 0, "one that sends and ends: its message, then the end");
}

static void forgotten(void)
{
	pid_t pid, receiver;

	open_pipe(false, RING);
	send_number(7, 0);
	pid = start_ready(holds_both_ends, 0);
	mp_conn_close(&b);
	is(receive(0), 7, "somebody else holds the sender's end");
	is(receive(0), -ETIMEDOUT, "no end of file");
	is(receive(5 * MS), -ETIMEDOUT, "not later either");
	is(mp_conn_poll(&a, 0), 0, "nor for poll");
	receiver = start_asleep(receives, -1);
	ok(asleep(receiver), "nor for one that sleeps");
	killed(pid);
	is(end_of(receiver), -EPIPE, "until it ends");
	ok(is_end(), "then it is the end");
	close_pipe();

	/* The receiver itself holds it: for ever. */
	open_pipe(false, RING);
	is(receive(5 * MS), -ETIMEDOUT, "both ends here: no end of file");
	is(end_of(start(sends_and_ends, 1)), 0, "a child sends and ends");
	is(receive(0), 0, "its message comes");
	is(receive(5 * MS), -ETIMEDOUT, "and no end");
	mp_conn_close(&b);
	is(receive(-1), -EPIPE, "until the end here is closed");
	close_pipe();

	/* exec closes what it does not pass on. */
	open_pipe(false, RING);
	pid = start(execs, 0);
	mp_conn_close(&b);
	is(receive(LONG), -EPIPE, "a child that calls exec holds nothing");
	killed(pid);
	close_pipe();
}

/* ---- the receiver's end ---- */

static void receiver_closes(void)
{
	int sent = 0, error;
	pid_t pid;

	open_pipe(false, RING);
	fill_up();
	pid = start_asleep(sends_50, LONG);
	mp_conn_close(&a);
	is(end_of(pid), -EPIPE,
	   "the receiver closes: a sender that sleeps "
	   "learns at once");
	is(send_number(1, -1), -EPIPE, "no room, and never any");
	is(send_number(1, 0), -EPIPE, "also for a try");
	is(mp_conn_send_fd(&b, 0, -1), -EPIPE, "nor for a descriptor");
	close_pipe();

	open_pipe(false, RING);
	fill_up();
	pid = start_asleep(sends_fd, LONG);
	mp_conn_close(&a);
	is(end_of(pid), -EPIPE, "one that sends a descriptor");
	close_pipe();

	/* With room it learns after an eighth of the ring; SIGPIPE would kill
	 * this process. */
	open_pipe(false, 1 << 16);
	mp_conn_close(&a);
	while ((error = send_number(1, LONG)) == 0)
		sent++;
	is(error, -EPIPE, "a sender with room learns of it");
	ok(sent * 16 <= (1 << 16) / 8 + 16,
	   "after an eighth of the ring (%d messages)", sent);
	is(send_number(1, LONG), -EPIPE, "and again");
	close_pipe();

	open_pipe(false, 1 << 16);
	for (sent = 0; sent < 5000; sent++)
		if (send_number(1, 0) != 0 || receive(0) != 1)
			break;
	is(sent, 5000, "5000 sent and received");
	mp_conn_close(&a);
	for (sent = 0; (error = send_number(1, LONG)) == 0; sent++)
		;
	ok(error == -EPIPE && sent * 16 <= (1 << 16) / 4,
	   "the same anywhere in the ring (%d messages)", sent);
	close_pipe();
}

static void receiver_killed(void)
{
	pid_t pid, sender;
	int error, sent;

	open_pipe(false, RING);
	pid = start_ready(receives_and_stays, 0);
	mp_conn_close(&a);
	fill_up();
	sender = start_asleep(sends_50_with_looks, LONG);
	killed(pid);
	is(end_of(sender), -EPIPE,
	   "a receiver killed: a sender that sleeps learns by a look");
	is(send_number(1, -1), -EPIPE, "one that comes later at once");
	close_pipe();

	open_pipe(false, 1 << 16);
	pid = start_ready(receives_and_stays, 0);
	mp_conn_close(&a);
	killed(pid);
	for (sent = 0; (error = send_number(1, LONG)) == 0; sent++)
		;
	ok(error == -EPIPE && sent * 16 <= (1 << 16) / 8 + 16,
	   "with room after an eighth of the ring (%d messages)", sent);
	close_pipe();

	open_pipe(false, RING);
	pid = start_ready(holds_both_ends, 0);
	mp_conn_close(&a);
	fill_up();
	is(send_number(1, 5 * MS), -ETIMEDOUT,
	   "while somebody else holds the receiver's end it is not gone");
	killed(pid);
	is(send_number(1, LONG), -EPIPE, "until that one ends");
	close_pipe();

	/* Somebody else has the receiver's end too and goes on. */
	open_pipe(false, RING);
	sent = fill_up();
	killed(start_ready(receives_and_stays, 3));
	for (int i = 3; i < sent; i++)
		if (receive(0) != i)
			sent = -1;
	is(receive(0), -ETIMEDOUT, "a receiver killed: an heir gets the rest");
	ok(sent > 0, "all of it, in order");
	close_pipe();
}

/* ---- both ---- */

static void duplex(void)
{
	open_pipe(true, RING);
	mp_conn_send(&a, "hello", 5, 0);
	send_number(7, 0);
	mp_conn_close(&b);
	is(receive(0), 7, "duplex: what was sent comes");
	ok(is_end(), "then the end");
	fill(RING, 1);
	is(mp_conn_send(&a, out, RING, LONG), -EPIPE, "nothing can be sent");
	close_pipe();
	open_pipe(true, RING);
	mp_conn_send(&a, "hello", 5, 0);
	mp_conn_close(&a);
	is(mp_conn_recv(&b, in, 5, -1, NULL), 0, "the other end: a message");
	is(mp_conn_recv(&b, in, 5, -1, NULL), -EPIPE, "and the end");
	close_pipe();
}

/* Two processes that hold one end each, and close them at any time. */
static void any_time(void)
{
	int bad = 0, n, got;
	pid_t pid;

	for (int i = 0; i < 100; i++) {
		open_pipe(false, RING);
		pid = start(sends_and_ends, i * 7);
		mp_conn_close(&b);
		for (n = 0; (got = receive(LONG)) >= 0; n++)
			bad += got != n;
		bad += got != -EPIPE || n != i * 7;
		bad += end_of(pid) != 0;
		close_pipe();
	}
	is(bad, 0, "100 senders that end: all is received, then the end");
}

int main(int argc, char **argv)
{
	int before;

	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		return wait_for_kill();
	ready = share(sizeof(*ready));
	before = tap_descriptors();
	mp_backstop_set(0);
	sender_closes();
	sender_killed();
	forgotten();
	receiver_closes();
	receiver_killed();
	duplex();
	any_time();
	is(tap_descriptors(), before, "no descriptor is left");
	return tap_done();
}
