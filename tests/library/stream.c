/* Messages over a socket: whole, in pieces, too long, cut off, and rubbish. */
#include "mp/conn.h"

#include <poll.h>
#include <sys/resource.h>

#include "mp/frame.h"
#include "mp/wait.h"
#include "sockets.h"

static char out[1 << 22], in[1 << 22];

static void fill(char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (char)(seed >> 16);
	}
}

/* ---- messages ---- */

static void plain(void)
{
	struct mp_conn a, b;
	char buf[16] = "";
	size_t n = 99;

	conn_pair(&a, &b);
	is(mp_conn_poll(&b, 0), 0, "nothing has come");
	is(mp_conn_recv(&b, buf, sizeof(buf), 0, &n), -ETIMEDOUT,
	   "nor to recv");
	is(mp_conn_send(&a, "hello", 5, -1), 0, "a message is sent");
	is(mp_conn_poll(&b, -1), 1, "poll sees it");
	is(mp_conn_recv(&b, buf, sizeof(buf), -1, &n), 0, "it is received");
	ok(n == 5 && memcmp(buf, "hello", 6) == 0, "as it was sent");
	is(mp_conn_send(&b, "", 0, -1), 0, "a message without bytes");
	is(mp_conn_recv(&a, NULL, 0, -1, &n), 0, "comes");
	is((long long)n, 0, "and has length 0");
	is(mp_conn_send(&a, "x", 1, 0), 0, "sent with a timeout of 0");
	is(mp_conn_recv(&b, buf, 1, 0, NULL), 0, "received so, length unasked");
	for (int i = 0; i < 100; i++)
		mp_conn_send(&a, &i, sizeof(i), -1);
	n = 0;
	for (int i = 0, got; i < 100; i++)
		n += mp_conn_recv(&b, &got, sizeof(got), -1, NULL) == 0 &&
		     got == i;
	is((long long)n, 100, "many, in order");
	ok(mp_conn_readable(&a) && mp_conn_writable(&a), "both ways");
	is(mp_conn_close(&a), 0, "closed");
	is(mp_conn_close(&a), 0, "closed twice");
	is(mp_conn_send(&a, "x", 1, 0), -EBADF, "no send after close");
	is(mp_conn_recv(&a, buf, 1, 0, NULL), -EBADF, "no recv");
	mp_conn_close(&b);
}

static void pieces(void)
{
	enum { N = 60 };
	struct iovec from[N], to[N];
	struct mp_conn a, b;
	size_t size = 0, n;

	conn_pair(&a, &b);
	fill(out, 100000, 1);
	memset(in, 0, 100000);
	for (size_t i = 0; i < N; i++) { /* some of them empty */
		from[i] = (struct iovec){ out + size, i % 4 * i };
		size += i % 4 * i;
	}
	for (size_t i = 0, at = 0; i < N; at += size / N + 1, i++)
		to[i] = (struct iovec){ in + at, size / N + 1 };
	is(mp_conn_sendv(&a, from, N, -1), 0, "a message of %d pieces", N);
	is(mp_conn_recvv(&b, to, N, 0, &n), 0, "received into as many");
	ok(n == size && memcmp(in, out, size) == 0, "it is the same");
	is(mp_conn_sendv(&a, NULL, 0, -1), 0, "of no piece at all");
	is(mp_conn_recvv(&b, NULL, 0, -1, &n), 0, "received into none");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* The bytes themselves: what Python's Connection reads and writes. */
static void on_the_wire(void)
{
	struct mp_conn c;
	int fd = bare_pair(&c);
	unsigned char head[MP_FRAME_HEAD_MAX];
	char buf[16];
	size_t n;

	mp_conn_send(&c, "hello", 5, -1);
	is(recv(fd, buf, sizeof(buf), 0), 9, "4 bytes more than the message");
	ok(memcmp(buf, "\0\0\0\5hello", 9) == 0, "which are its length");
	SAY(fd, "\0\0\0\2ab\377\377\377\377\0\0\0\0\0\0\0\3xyz");
	mp_conn_recv(&c, buf, sizeof(buf), -1, &n);
	ok(n == 2 && memcmp(buf, "ab", 2) == 0, "a short header");
	mp_conn_recv(&c, buf, sizeof(buf), -1, &n);
	ok(n == 3 && memcmp(buf, "xyz", 3) == 0, "a long one");
	is((long long)mp_frame_encode(head, INT32_MAX), 4, "2^31 - 1: short");
	is((long long)mp_frame_encode(head, INT64_C(1) << 31), 12,
	   "2^31: long");
	ok(memcmp(head, "\377\377\377\377\0\0\0\0\200\0\0\0", 12) == 0,
	   "-1, and 8 bytes");
	close(fd);
	mp_conn_close(&c);
}

static void too_long(void)
{
	struct mp_conn a, b;
	size_t n = 0;

	conn_pair(&a, &b);
	mp_conn_send(&a, "0123456789", 10, -1);
	mp_conn_send(&a, "next", 4, -1);
	for (int i = 0; i < 3; i++)
		is(mp_conn_recv(&b, in, (size_t)i, -1, &n), -EMSGSIZE,
		   "a message of 10 into %d bytes", i);
	is((long long)n, 10, "its length is told");
	is(mp_conn_poll(&b, 0), 1, "it is still there");
	is(mp_conn_recv(&b, in, 10, -1, &n), 0, "and fits into 10");
	ok(memcmp(in, "0123456789", 10) == 0, "whole");
	is(mp_conn_recv(&b, in, 10, -1, &n), 0, "the next comes after it");
	is((long long)n, 4, "whole too");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* ---- in the middle ---- */

/* Whatever the socket does: what is sent and received a bit at a time is one
 * message.  Both ends in one process, each with a timeout of 0. */
static void a_bit_at_a_time(void)
{
	struct mp_conn a, b;
	int sent = -ETIMEDOUT, got = -ETIMEDOUT, turns = 0;
	size_t n = 0;

	conn_pair(&a, &b);
	fill(out, sizeof(out), 2);
	memset(in, 0, sizeof(in));
	for (; got == -ETIMEDOUT && turns < 100000; turns++) {
		if (sent == -ETIMEDOUT)
			sent = mp_conn_send(&a, out, sizeof(out), 0);
		got = mp_conn_recv(&b, in, sizeof(in), 0, &n);
	}
	ok(sent == 0 && got == 0 && n == sizeof(out),
	   "4 MiB through a socket of less, in %d turns", turns);
	ok(turns > 3 && memcmp(in, out, sizeof(out)) == 0, "they are the same");
	is(mp_conn_send(&a, out, sizeof(out), 0), -ETIMEDOUT, "no room");
	is(mp_conn_send(&a, out, sizeof(out) - 1, 0), -EINVAL,
	   "another message in the middle of one");
	is(mp_conn_send_fd(&a, 0, 0), -EINVAL, "nor a descriptor");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

static void byte_by_byte(void)
{
	static const char bytes[] = "\377\377\377\377\0\0\0\0\0\0\0\5hello";
	struct mp_conn c;
	int fd = bare_pair(&c), bad = 0, error;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		bad += mp_conn_recv(&c, in, 5, 0, &n) != -ETIMEDOUT;
		bad += mp_conn_poll(&c, 0) != 0;
		say(fd, bytes + i, 1);
		bad += mp_conn_poll(&c, 0) != 1;
	}
	error = mp_conn_recv(&c, in, 5, 0, &n);
	ok(bad == 0 && error == 0 && n == 5 && memcmp(in, "hello", 5) == 0,
	   "a message byte by byte, and a look after each");
	close(fd);
	mp_conn_close(&c);
}

static struct mp_conn shared;
static _Atomic int *step;

static int sends_all(long size)
{
	return mp_conn_send(&shared, out, (size_t)size, -1);
}

static int receives_slowly(long size)
{
	int error, bad = 0;
	size_t n;

	for (int i = 0; i < 10; i++) {
		await(atomic_load(step) == 1);
		do
			error = mp_conn_recv(&shared, in, sizeof(in), MS, &n);
		while (error == -ETIMEDOUT || error == -EINTR);
		bad += error != 0 || n != (size_t)size ||
		       memcmp(in, out, n) != 0;
	}
	return bad;
}

static void slow_reader(void)
{
	struct mp_conn a;
	pid_t pid;

	conn_pair(&a, &shared);
	fill(out, sizeof(out), 3);
	atomic_store(step, 0);
	pid = start(receives_slowly, sizeof(out));
	mp_conn_close(&shared);
	is(mp_conn_send(&a, out, sizeof(out), MS), -ETIMEDOUT,
	   "a reader that does not read holds up nobody for longer than asked");
	atomic_store(step, 1);
	is(mp_conn_send(&a, out, sizeof(out), LONG), 0, "it reads: go on");
	for (int i = 1; i < 10; i++)
		mp_conn_send(&a, out, sizeof(out), LONG);
	is(end_of(pid), 0, "and it has received all, each whole");
	mp_conn_close(&a);
}

static void on_signal(int sig)
{
	(void)sig;
}

static int interrupts(long parent)
{
	await(asleep((int)parent));
	kill((pid_t)parent, SIGUSR1);
	return 0;
}

static void interrupted(void)
{
	struct mp_conn a, b;
	pid_t pid;
	size_t n;

	handle(SIGUSR1, on_signal, SA_RESTART);
	conn_pair(&a, &b);
	pid = start(interrupts, getpid());
	is(mp_conn_recv(&b, in, sizeof(in), LONG, &n), -EINTR,
	   "a signal handler ends recv");
	end_of(pid);
	pid = start(interrupts, getpid());
	is(mp_conn_poll(&b, LONG), -EINTR, "and poll");
	end_of(pid);
	pid = start(interrupts, getpid());
	is(mp_conn_send(&a, out, sizeof(out), LONG), -EINTR, "and send");
	end_of(pid);
	pid = start(interrupts, getpid());
	is(mp_conn_recv(&b, in, sizeof(in), LONG, &n), -EINTR,
	   "in the middle of a message too");
	end_of(pid);
	while (mp_conn_send(&a, out, sizeof(out), 0) == -ETIMEDOUT)
		mp_conn_recv(&b, in, sizeof(in), 0, &n);
	is(mp_conn_recv(&b, in, sizeof(in), 0, &n), 0,
	   "called again, it goes on");
	ok(n == sizeof(out) && memcmp(in, out, n) == 0, "nothing was lost");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* ---- the end ---- */

static void ends(void)
{
	struct mp_conn a, b, c;
	int fd;

	conn_pair(&a, &b);
	mp_conn_send(&a, "last", 4, -1);
	mp_conn_close(&a);
	is(mp_conn_recv(&b, in, 10, -1, NULL), 0, "what was sent before close");
	is(mp_conn_poll(&b, -1), 1, "poll tells of the end");
	is(mp_conn_recv(&b, in, 10, -1, NULL), -EPIPE, "recv: the end of file");
	is(mp_conn_recv(&b, in, 10, -1, NULL), -EPIPE, "again");
	is(mp_conn_send(&b, "x", 1, -1), -EPIPE, "send, without a signal");
	mp_conn_close(&b);

	fd = bare_pair(&c);
	SAY(fd, "\0\0");
	close(fd);
	is(mp_conn_recv(&c, in, 10, -1, NULL), -ECONNRESET, "half a header");
	is(mp_conn_recv(&c, in, 10, -1, NULL), -EPIPE, "and then the end");
	mp_conn_close(&c);

	fd = bare_pair(&c);
	SAY(fd, "\0\0\0\5hell");
	close(fd);
	is(mp_conn_recv(&c, in, 10, -1, NULL), -ECONNRESET, "half a message");
	is(mp_conn_recv(&c, in, 10, -1, NULL), -EPIPE, "and then the end");
	mp_conn_close(&c);

	fd = bare_pair(&c);
	mp_conn_send(&c, "unread", 6, -1);
	close(fd);
	is(mp_conn_recv(&c, in, 10, -1, NULL), -EPIPE,
	   "a peer that left without reading: the end");
	is(mp_conn_send(&c, "x", 1, -1), -EPIPE, "for send too");
	mp_conn_close(&c);

	fd = bare_pair(&c);
	mp_conn_send(&c, "unread", 6, -1);
	SAY(fd, "\0\0\0\2hi");
	close(fd);
	is(mp_conn_recv(&c, in, 10, -1, NULL), 0, "what it had sent is there");
	mp_conn_close(&c);
}

static void killed_in_the_middle(void)
{
	struct mp_conn b;
	pid_t pid;
	size_t n;

	conn_pair(&shared, &b);
	pid = start(sends_all, sizeof(out));
	mp_conn_close(&shared);
	await(asleep(pid));
	killed(pid);
	is(mp_conn_recv(&b, in, sizeof(in), LONG, &n), -ECONNRESET,
	   "a sender is killed in the middle of a message");
	is(mp_conn_recv(&b, in, sizeof(in), LONG, &n), -EPIPE, "then the end");
	mp_conn_close(&b);

	conn_pair(&shared, &b);
	pid = start(receives_slowly, 1);
	mp_conn_close(&shared);
	is(mp_conn_send(&b, out, sizeof(out), MS), -ETIMEDOUT, "half is gone");
	killed(pid);
	is(mp_conn_send(&b, out, sizeof(out), LONG), -EPIPE,
	   "its receiver is killed: send says so");
	mp_conn_close(&b);
}

/* Nothing is read ahead: the next message is for the next who receives. */
static int receives_number(long number)
{
	int got = -1;

	return mp_conn_recv(&shared, &got, sizeof(got), LONG, NULL) ||
	       got != (int)number;
}

static void handed_over(void)
{
	struct mp_conn a;
	int bad = 0;

	conn_pair(&a, &shared);
	for (int i = 0; i < 6; i++)
		mp_conn_send(&a, &i, sizeof(i), -1);
	for (int i = 0; i < 6; i++) {
		if (i % 2)
			bad += receives_number(i);
		else
			bad += end_of(start(receives_number, i)) != 0;
	}
	is(bad, 0, "two processes receive in turn, and nothing is lost");
	mp_conn_close(&a);
	mp_conn_close(&shared);
}

/* ---- hostile lengths ---- */

static void lengths(void)
{
	static const struct {
		const char *bytes, *what;
		int size, error;
		uint64_t length;
	} t[] = {
		{ "\177\377\377\377", "2^31 - 1", 4, -EMSGSIZE, INT32_MAX },
		{ "\377\377\377\377\0\0\0\0\200\0\0\0", "2^31", 12, -EMSGSIZE,
		  UINT64_C(1) << 31 },
		{ "\377\377\377\377\177\377\377\377\377\377\377\377",
		  "2^63 - 1", 12, -EMSGSIZE, INT64_MAX },
		{ "\377\377\377\377\200\0\0\0\0\0\0\0", "2^63", 12, -EBADMSG,
		  0 },
		{ "\377\377\377\377\377\377\377\377\377\377\377\377",
		  "2^64 - 1", 12, -EBADMSG, 0 },
		{ "\377\377\377\375", "-3", 4, -EBADMSG, 0 },
		{ "\200\0\0\0", "-2^31", 4, -EBADMSG, 0 },
		{ "GET ", "of text", 4, -EMSGSIZE, 0x47455420 },
	};
	struct pollfd p = { .events = POLLIN };
	struct mp_waitable w = { 0 };
	struct mp_conn c;
	size_t n;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int fd = bare_pair(&c);

		n = 0;
		say(fd, t[i].bytes, (size_t)t[i].size);
		is(mp_conn_recv(&c, in, sizeof(in), 0, &n), t[i].error,
		   "a length %s", t[i].what);
		is((long long)n, (long long)t[i].length, "is only told");
		is(mp_conn_recv(&c, in, sizeof(in), 0, &n), t[i].error,
		   "and again");
		if (t[i].error == -EBADMSG) {
			p.fd = mp_conn_fileno(&c);
			w.conn = &c;
			is(mp_conn_poll(&c, 0), 1, "poll: there is news");
			is(poll(&p, 1, 0), 1, "for poll(2) too");
			is(mp_wait(&w, 1, 0), 1, "and mp_wait");
			is(mp_conn_recv_fd(&c, 0), -EBADMSG, "for recv_fd");
			is(send(fd, "x", 1, MSG_NOSIGNAL), -1,
			   "its sender gets an error");
		}
		close(fd);
		mp_conn_close(&c);
	}
}

/* ---- descriptors ---- */

/* Is this a descriptor of `path`'s file, close-on-exec? */
static int is_open_on(int fd, const char *path)
{
	char name[64], there[256];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, there, sizeof(there));
	return n == (ssize_t)strlen(path) &&
	       memcmp(there, path, (size_t)n) == 0 &&
	       fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static void descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	struct mp_conn a, b;

	conn_pair(&a, &b);
	is(mp_conn_send_fd(&a, null, -1), 0, "a descriptor is sent");
	is(mp_conn_recv(&b, in, 10, -1, NULL), -EBADMSG, "it is no message");
	is(mp_conn_poll(&b, 0), 1, "it waits");
	fd = mp_conn_recv_fd(&b, -1);
	ok(fd >= 0 && is_open_on(fd, "/dev/null"), "and is received");
	close(fd);
	mp_conn_send(&a, "", 0, -1);
	is(mp_conn_recv_fd(&b, -1), -EBADMSG, "a message comes first");
	is(mp_conn_poll(&b, 0), 1, "and is still there, for poll too");
	is(mp_conn_recv(&b, in, 10, -1, NULL), 0, "it is received");
	mp_conn_send(&a, "x", 1, -1);
	mp_conn_send_fd(&a, null, -1);
	is(mp_conn_recv_fd(&b, -1), -EBADMSG, "another");
	is(mp_conn_recv(&b, in, 10, -1, NULL), 0, "is received");
	close(mp_conn_recv_fd(&b, -1));
	is(mp_conn_recv_fd(&b, 0), -ETIMEDOUT, "no more");
	is(mp_conn_send_fd(&a, 9999, -1), -EBADF, "one that is not open");
	is(mp_conn_send_fd(&a, -1, -1), -EBADF, "nor is -1");
	mp_conn_send_fd(&a, null, -1); /* never received */
	mp_conn_close(&a);
	mp_conn_close(&b);
	close(null);
}

static void no_descriptor_free(void)
{
	struct rlimit old, none;
	struct mp_conn a, b;
	int fd;

	conn_pair(&a, &b);
	mp_conn_send_fd(&a, 1, -1);
	mp_conn_send(&a, "after", 5, -1);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	is(mp_conn_recv_fd(&b, -1), -EMFILE, "no descriptor is free here");
	is(mp_conn_recv_fd(&b, -1), -EMFILE, "again");
	setrlimit(RLIMIT_NOFILE, &old);
	fd = mp_conn_recv_fd(&b, -1);
	ok(fd > 2, "once one is, it comes");
	is(mp_conn_recv(&b, in, 10, -1, NULL), 0, "and what follows it");
	close(fd);
	mp_conn_close(&a);
	mp_conn_close(&b);
}

static void unasked(void)
{
	int before = tap_descriptors(), fds[8] = { 0, 1, 2, 0, 1, 2, 0, 1 };
	struct mp_conn c;
	int fd = bare_pair(&c), got, bad = 0;

	for (int i = 0; i < 1000; i++) {
		send_fds(fd, "\0\0\0\2", 4, fds, 8);
		send_fds(fd, "hi", 2, fds, 8);
		bad += mp_conn_recv(&c, in, 10, 0, NULL) != 0;
	}
	is(bad, 0, "messages with descriptors that nobody asked for");
	is(tap_descriptors(), before + 2, "none of 16,000 is open here");
	send_fds(fd, "\377\377\377\376", 4, fds, 8);
	send_fds(fd, "x", 1, fds, 8);
	got = mp_conn_recv_fd(&c, 0);
	ok(got > 2, "of eight where there should be one");
	is(tap_descriptors(), before + 3, "one is received");
	close(got);
	SAY(fd, "\377\377\377\376x");
	is(mp_conn_recv_fd(&c, 0), -EBADMSG, "none where there should be one");
	is(mp_conn_recv(&c, in, 10, 0, NULL), -EBADMSG,
	   "this is the end of it");
	close(fd);
	mp_conn_close(&c);
	is(tap_descriptors(), before, "nothing is left");
}

int main(void)
{
	int before = tap_descriptors();

	step = share(4096);
	plain();
	pieces();
	on_the_wire();
	too_long();
	a_bit_at_a_time();
	byte_by_byte();
	slow_reader();
	interrupted();
	ends();
	killed_in_the_middle();
	handed_over();
	lengths();
	descriptors();
	no_descriptor_free();
	unasked();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
