/* Pipes: mp_conn_fileno is readable while something is there, and else not. */
#include "mp/pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "mp/eventfd.h"
#include "pipes.h"

static int fd, ep;

/* poll, epoll and select agree: 1 readable, 0 not, 2 they do not. */
static int readable(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timeval none = { 0 };
	struct epoll_event e;
	fd_set set;
	int n;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	n = poll(&p, 1, 0);
	if (epoll_wait(ep, &e, 1, 0) != n ||
	    select(fd + 1, &set, NULL, NULL, &none) != n)
		return 2;
	return n;
}

static void open_polled(bool duplex, size_t bytes)
{
	struct epoll_event e = { .events = EPOLLIN };

	open_pipe(duplex, bytes);
	fd = mp_conn_fileno(&a);
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void close_polled(void)
{
	close(ep);
	close_pipe();
}

/* ---- level-triggered ---- */

static void level(void)
{
	struct iovec v = { in, 8 };
	int bad = 0;

	open_polled(false, RING);
	ok(fd >= 0, "a descriptor");
	is(mp_conn_fileno(&a), fd, "the same one each time");
	is(readable(), 0, "nothing is there: not readable");
	send_number(1, 0);
	is(readable(), 1, "a message: readable");
	is(readable(), 1, "again, as long as it is there");
	is(mp_conn_poll(&a, 0), 1, "poll says so too");
	is(readable(), 1, "and takes nothing");
	is(mp_conn_recv(&a, in, 7, 0, NULL), -EMSGSIZE, "too little space");
	is(readable(), 1, "takes nothing either");
	is(receive(-1), 1, "received");
	is(readable(), 0, "not readable");
	is(receive(0), -ETIMEDOUT, "a try that finds nothing");
	is(readable(), 0, "leaves it so");
	is(receive(5 * MS), -ETIMEDOUT, "one that sleeps");
	is(readable(), 0, "too");
	is(mp_conn_poll(&a, 5 * MS), 0, "and poll");
	is(readable(), 0, "too");
	for (int i = 0; i < 3; i++)
		send_number(i, 0);
	is(readable(), 1, "three messages");
	is(receive(0), 0, "one received");
	is(readable(), 1, "two left: readable");
	is(receive(0), 1, "another");
	is(readable(), 1, "one left: readable");
	is(mp_conn_recvv(&a, &v, 1, -1, NULL), 0, "the last");
	is(readable(), 0, "not readable");
	mp_conn_send(&b, NULL, 0, 0);
	is(readable(), 1, "a message without bytes is one");
	is(mp_conn_recv(&a, NULL, 0, 0, NULL), 0, "received");
	is(readable(), 0, "not readable");
	for (int i = 0; i < 2000; i++) {
		bad += send_number(i & 63, 0) != 0 || readable() != 1;
		if (i % 3 == 0)
			bad += mp_conn_poll(&a, -1) != 1;
		bad += receive(i & 1 ? 0 : -1) != (i & 63);
		bad += readable() != 0;
	}
	is(bad, 0, "2000 times to and fro");
	for (int i = 0; i < 20; i++) {
		int n = fill_up();

		bad += readable() != 1;
		while (n-- > 0)
			bad += receive(0) < 0 || readable() != (n > 0);
	}
	is(bad, 0, "filled up and emptied");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_polled();
}

static void asked_late(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	open_pipe(false, RING);
	send_number(1, 0);
	send_number(2, 0);
	receive(0);
	fd = mp_conn_fileno(&a);
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	is(readable(), 1, "asked for when a message is there: readable");
	is(receive(0), 2, "received");
	is(readable(), 0, "not readable");
	close_polled();

	open_pipe(false, RING);
	receive(5 * MS); /* has slept, and armed the bell */
	send_number(1, 0);
	receive(0);
	fd = mp_conn_fileno(&a);
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	is(receive(0), -ETIMEDOUT, "asked for when one has been there");
	is(readable(), 0, "not readable");
	close_polled();
}

/* In pieces: readable while a piece is there. */
static void long_message(void)
{
	int bad = 0, sent = -ETIMEDOUT, received = -ETIMEDOUT;

	open_polled(false, RING);
	fill(50000, 1);
	for (int i = 0; i < 10000 && received == -ETIMEDOUT; i++) {
		if (sent == -ETIMEDOUT)
			sent = mp_conn_send(&b, out, 50000, 0);
		bad += readable() != 1;
		received = receive_length(sizeof(in), 0);
		bad += readable() != 0;
	}
	is(received, 50000, "a long message, piece by piece");
	is(bad, 0, "readable while a piece is there");
	close_polled();
}

static void descriptors(void)
{
	int got;

	open_polled(false, RING);
	mp_conn_send_fd(&b, 0, 0);
	is(readable(), 1, "a descriptor is there: readable");
	is(receive(0), -EBADMSG, "no message");
	is(readable(), 1, "takes nothing");
	got = mp_conn_recv_fd(&a, 0);
	ok(got >= 0, "received");
	close(got);
	is(readable(), 0, "not readable");
	is(mp_conn_recv_fd(&a, 0), -ETIMEDOUT, "a try that finds nothing");
	is(readable(), 0, "leaves it so");
	close_polled();
}

/* ---- the end ---- */

static void end_of_file(void)
{
	open_polled(false, RING);
	send_number(1, 0);
	mp_conn_close(&b);
	is(readable(), 1, "a message and the end: readable");
	is(receive(0), 1, "the message");
	is(readable(), 1, "the end: readable");
	is(receive(0), -EPIPE, "which recv tells");
	is(readable(), 1, "for ever");
	is(mp_conn_poll(&a, 0), 1, "poll too");
	is(mp_conn_close(&a), 0, "closed");
	is(fcntl(fd, F_GETFD), -1, "the descriptor is, too");
	is(mp_conn_fileno(&a), -EBADF, "and there is none any more");
	close_polled();
}

/* ---- asleep in poll(2) ---- */

static int sleeps_in_poll(long unused)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)unused;
	mp_conn_close(&b);
	return poll(&p, 1, (int)(LONG / MS)) == 1 ? receive(0) : 99;
}

static int sends_and_stays(long unused)
{
	(void)unused;
	mp_conn_close(&a);
	return wait_for_kill();
}

static void sleepers(void)
{
	pid_t pid, sender;

	open_polled(false, RING);
	pid = start_asleep(sleeps_in_poll, 0);
	send_number(42, 0);
	is(end_of(pid), 42, "one that sleeps in poll is woken");
	is(readable(), 0, "what it took is no longer there");
	sender = start(sends_and_stays, 0);
	mp_conn_close(&b);
	pid = start_asleep(sleeps_in_poll, 0);
	killed(sender);
	is(end_of(pid), -EPIPE, "and at the death of the sender");
	close_polled();
}

/* Another process sends at its own pace: who only polls misses nothing, and who
 * finds nothing does not go round and round. */
static int sends_slowly(long n)
{
	mp_conn_close(&a);
	for (long i = 0; i < n; i++) {
		if (send_number(i & 63, LONG) != 0)
			return 1;
		for (long k = 0; k < i % 50; k++)
			sched_yield();
	}
	return 0;
}

static void event_loop(void)
{
	enum { N = 5000 };
	struct pollfd p = { .events = POLLIN };
	int bad = 0, found = 0, nothing = 0, got;
	pid_t pid;

	open_polled(false, RING);
	pid = start(sends_slowly, N);
	mp_conn_close(&b);
	p.fd = fd;
	for (;;) {
		if (poll(&p, 1, (int)(LONG / MS)) != 1) {
			bad++;
			break;
		}
		got = receive(0);
		if (got == -EPIPE)
			break;
		nothing += got == -ETIMEDOUT;
		bad += got >= 0 && got != (found & 63);
		found += got >= 0;
	}
	is(found, N, "an event loop misses nothing");
	is(bad, 0, "in order");
	ok(nothing <= N / 2, "readable for nothing %d times", nothing);
	is(end_of(pid), 0, "all sent");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_polled();
}

/* The sender posts after the receiver, which did not sleep yet, has taken the
 * message.  Readable for nothing, once; and the next sleep is a sleep. */
static int64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void late_posts(void)
{
	int64_t begin, used = 0;
	int bad = 0;

	open_polled(false, RING);
	for (int i = 0; i < 10; i++) {
		mp_eventfd_post(a.bell_in, 1);
		begin = cpu_time();
		bad += i & 1 ? mp_conn_poll(&a, 20 * MS) != 0
			     : receive(20 * MS) != -ETIMEDOUT;
		used += cpu_time() - begin;
		bad += readable() != 0;
	}
	is(bad, 0, "a post that comes after its message");
	ok(used < 100 * MS, "10 sleeps of 20 ms are sleeps (%d us of CPU time)",
	   (int)(used / 1000));
	mp_eventfd_post(a.bell_in, 1);
	is(receive(0), -ETIMEDOUT, "or a try finds nothing");
	is(readable(), 0, "and leaves nothing");
	close_polled();
}

/* mp_conn_poll sleeps, and takes nothing when it is woken. */
static int polls_and_looks(long timeout_ns)
{
	if (mp_conn_poll(&a, timeout_ns) != 1)
		return 1;
	return readable() == 1 ? 0 : 2;
}

static void polled_both_ways(void)
{
	pid_t pid;

	open_polled(false, RING);
	pid = start_asleep(polls_and_looks, LONG);
	send_number(1, 0);
	is(end_of(pid), 0, "readable after mp_conn_poll has slept");
	is(readable(), 1, "until");
	is(receive(0), 1, "it is received");
	is(readable(), 0, "and no longer");
	close_polled();
}

/* ---- refused ---- */

static void refused(void)
{
	struct rlimit old, few;
	int before, n;

	open_pipe(false, RING);
	is(mp_conn_fileno(&b), -EBADF, "an end that only sends has none");
	before = tap_descriptors();
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &few);
	n = mp_conn_fileno(&a);
	setrlimit(RLIMIT_NOFILE, &old);
	is(n, -EMFILE, "no descriptor left: -EMFILE");
	is(tap_descriptors(), before, "nothing is open");
	n = mp_conn_fileno(&a);
	ok(n >= 0, "later there is one");
	is(fcntl(n, F_GETFD), FD_CLOEXEC, "close-on-exec");
	is(tap_descriptors(), before + 1, "one");
	close_pipe();
	is(tap_descriptors(), before - 4, "closed with the rest");
}

int main(void)
{
	mp_backstop_set(0);
	level();
	asked_late();
	long_message();
	descriptors();
	end_of_file();
	sleepers();
	event_loop();
	late_posts();
	polled_both_ways();
	refused();
	return tap_done();
}
