/* Pipes: messages of any length from one end to the other, and what is
 * refused. */
#include "mp/pipe.h"

#include <sys/resource.h>

#include "pipes.h"

/* ---- the two ends ---- */

/* Is everything refused through this end? */
static int is_closed(struct mp_conn *c)
{
	struct iovec v = { in, 8 };

	return mp_conn_send(c, "x", 1, 0) == -EBADF &&
	       mp_conn_sendv(c, &v, 1, -1) == -EBADF &&
	       mp_conn_recv(c, in, 1, -1, NULL) == -EBADF &&
	       mp_conn_recvv(c, &v, 1, 0, NULL) == -EBADF &&
	       mp_conn_poll(c, -1) == -EBADF &&
	       mp_conn_send_fd(c, 0, -1) == -EBADF &&
	       mp_conn_recv_fd(c, -1) == -EBADF &&
	       mp_conn_fileno(c) == -EBADF && !mp_conn_readable(c) &&
	       !mp_conn_writable(c) && mp_conn_counters(c) == NULL;
}

static void made(void)
{
	static const size_t bad[] = { 1, RING - 1, MP_PIPE_BYTES_MAX + 1,
				      SIZE_MAX / 2, SIZE_MAX };
	static const size_t good[] = { 0, RING, RING + 1, 100000, 1 << 20 };
	int before = tap_descriptors(), wrong = 0;

	for (int i = 0; i < 5; i++) {
		wrong += mp_pipe(&a, &b, i & 1, bad[i]) != -EINVAL;
		wrong += !is_closed(&a) || !is_closed(&b);
		wrong += mp_conn_close(&a) != 0;
	}
	is(wrong, 0, "a ring of 1 byte, 2^64 - 1, ...: -EINVAL, both closed");
	is(tap_descriptors() - before + rings(), 0, "nothing is open");
	for (int i = 0; i < 5; i++) {
		wrong += mp_pipe(&a, &b, i & 1, good[i]) != 0;
		wrong += send_number(i, 0) != 0 || receive(0) != i;
		wrong += rings() != 2;
		is(mp_conn_close(&a) | mp_conn_close(&b), 0, "closed");
	}
	is(wrong, 0, "a ring of 4 KB, 100,000 bytes, 1 MB");
	is(tap_descriptors() - before + rings(), 0, "nothing is left");
}

static void one_way(void)
{
	struct iovec v = { in, 8 };
	int wrong;

	open_pipe(false, RING);
	ok(mp_conn_readable(&a) && !mp_conn_writable(&a), "a receives only");
	ok(mp_conn_writable(&b) && !mp_conn_readable(&b), "b sends only");
	wrong = mp_conn_send(&a, "x", 1, -1) != -EBADF ||
		mp_conn_sendv(&a, &v, 1, -1) != -EBADF ||
		mp_conn_send_fd(&a, 0, -1) != -EBADF;
	is(wrong, 0, "a sends nothing: -EBADF");
	wrong = mp_conn_recv(&b, in, 1, -1, NULL) != -EBADF ||
		mp_conn_recvv(&b, &v, 1, -1, NULL) != -EBADF ||
		mp_conn_poll(&b, -1) != -EBADF ||
		mp_conn_recv_fd(&b, -1) != -EBADF ||
		mp_conn_fileno(&b) != -EBADF;
	is(wrong, 0, "b receives nothing: -EBADF");
	is(send_number(7, -1), 0, "sent through b");
	is(receive(-1), 7, "received through a");
	ok(mp_conn_counters(&a) != NULL && mp_conn_counters(&b) != NULL,
	   "both have counters");
	ok(mp_counters_get(mp_conn_counters(&b), MP_SLEEPS) == count(MP_SLEEPS),
	   "of the one way that there is");
	is(mp_conn_close(&a), 0, "closed");
	ok(is_closed(&a), "everything is refused then: -EBADF");
	is(mp_conn_close(&a), 0, "closed again: nothing");
	is(mp_conn_close(&b), 0, "the other end");
	ok(is_closed(&b), "is closed too");
}

static void both_ways(void)
{
	int n = 0;

	open_pipe(true, RING);
	ok(mp_conn_readable(&a) && mp_conn_writable(&a) &&
		   mp_conn_readable(&b) && mp_conn_writable(&b),
	   "duplex: both ends send and receive");
	n = fill_up();
	is(mp_conn_poll(&b, 0), 0, "one way full, the other empty");
	is(mp_conn_send(&a, "hello", 5, 0), 0, "and open");
	is(mp_conn_recv(&b, in, 5, 0, NULL), 0, "received");
	is(receive(0), 0, "the first of those that fill the other way");
	while (receive(0) >= 0)
		n--;
	is(n, 1, "all of them");
	close_pipe();
}

/* ---- messages ---- */

static void lengths(void)
{
	static const size_t of[] = { 0,     1,         7,         8,
				     9,     63,        64,        65,
				     999,   PIECE - 9, PIECE - 8, PIECE - 1,
				     PIECE, PIECE + 1, PIECE + 8, 3 * PIECE };
	enum { N = sizeof(of) / sizeof(of[0]) };
	int bad = 0;

	open_pipe(false, RING);
	for (unsigned i = 0; i < N; i++)
		for (unsigned k = 0; k < 100; k++) {
			bad += mp_conn_send(&b, fill(of[i], i + k), of[i], 0);
			bad += mp_conn_poll(&a, 0) != 1;
			bad += !receive_same(of[i], i + k, 0);
		}
	is(bad, 0, "messages of 0 to %d bytes, 100 times each", 3 * PIECE);
	is(mp_conn_poll(&a, 0), 0, "then there is nothing");
	is(mp_conn_send(&b, NULL, 0, -1), 0, "no bytes, from nowhere");
	is(mp_conn_recv(&a, NULL, 0, -1, NULL), 0,
	   "to nowhere, length unasked");
	is(count(MP_RESCUES) + count(MP_SLEEPS), 0, "nobody slept");
	close_pipe();
}

static void too_small(void)
{
	size_t length = 99;

	open_pipe(false, RING);
	mp_conn_send(&b, "0123456789", 10, 0);
	send_number(7, 0);
	memset(in, 0x55, 16);
	for (size_t i = 0; i < 10; i += 3)
		is(mp_conn_recv(&a, in, i, -1, &length), -EMSGSIZE,
		   "10 bytes into %zu", i);
	is((long long)length, 10, "the length is told");
	ok(in[0] == 0x55, "nothing was copied");
	is(mp_conn_poll(&a, 0), 1, "it stays");
	is(mp_conn_recv(&a, in, 9, 0, NULL), -EMSGSIZE, "length unasked");
	is(receive_length(10, 0), 10, "and is received into 10");
	ok(memcmp(in, "0123456789", 10) == 0, "whole");
	is(receive(0), 7, "the next one after it");
	length = 99;
	is(mp_conn_recv(&a, in, 9, 0, &length), -ETIMEDOUT, "nothing there");
	is((long long)length, 99, "tells no length");
	close_pipe();
}

static void pieces(void)
{
	enum { N = 60 };
	struct iovec from[N], to[N];
	size_t size = 0, n;

	open_pipe(false, 1 << 16);
	fill(sizeof(out), 1);
	memset(in, 0, sizeof(in));
	for (size_t i = 0; i < N; i++) { /* some of them empty */
		from[i] = (struct iovec){ out + size, i % 4 * i };
		size += i % 4 * i;
	}
	for (size_t i = 0, at = 0; i < N; at += size / N + 1, i++)
		to[i] = (struct iovec){ in + at, i % 7 ? size / N + 1 : 0 };
	for (size_t i = 0, at = 0; i < N; at += to[i].iov_len, i++)
		to[i].iov_base = in + at;
	to[N - 1].iov_len = size;
	is(mp_conn_sendv(&b, from, N, 0), 0, "a message of %d pieces", N);
	is(mp_conn_recvv(&a, to, N, 0, &n), 0, "received into as many");
	ok(n == size && memcmp(in, out, size) == 0, "it is the same");
	mp_conn_sendv(&b, from, N, 0);
	to[N - 1].iov_len = 0;
	is(mp_conn_recvv(&a, to, N, 0, &n), -EMSGSIZE, "together too small");
	is((long long)n, (long long)size, "the length is told");
	is(receive_length(sizeof(in), 0), (int)size, "it stays");
	is(mp_conn_sendv(&b, NULL, 0, 0), 0, "of no piece at all");
	is(mp_conn_recvv(&a, NULL, 0, 0, &n), 0, "received into none");
	is((long long)n, 0, "has length 0");
	close_pipe();
}

/* Lengths that nobody has memory for. */
static void absurd(void)
{
	struct iovec v[3] = { { out, 8 }, { out, 0 }, { out, 0 } };
	static const size_t of[][2] = {
		{ SIZE_MAX, 0 },     { SIZE_MAX, SIZE_MAX },
		{ SIZE_MAX - 7, 0 }, { SIZE_MAX / 2, SIZE_MAX / 2 + 2 },
		{ SIZE_MAX / 2, 0 }, { (size_t)1 << 60, (size_t)1 << 60 }
	};
	int bad = 0;
	size_t n;

	open_pipe(false, RING);
	for (int i = 0; i < 6; i++) {
		v[1].iov_len = of[i][0];
		v[2].iov_len = of[i][1];
		bad += mp_conn_sendv(&b, v, 3, 0) != -EMSGSIZE;
		bad += mp_conn_sendv(&b, v, 3, -1) != -EMSGSIZE;
	}
	bad += mp_conn_send(&b, out, SIZE_MAX, -1) != -EMSGSIZE;
	is(bad, 0, "lengths of 2^60 ... 2^64, also as a sum: -EMSGSIZE");
	is(mp_conn_poll(&a, 0), 0, "nothing was sent");
	send_number(7, 0);
	v[0] = (struct iovec){ in, SIZE_MAX - 2 };
	v[1] = (struct iovec){ in, 3 }; /* together 2^64 */
	v[2] = (struct iovec){ in, 0 };
	is(mp_conn_recvv(&a, v, 3, 0, &n), 0, "space of as many is space");
	is((long long)n, 8, "for what was sent");
	close_pipe();
}

/* ---- the ring ---- */

/* Beside a list of what should be in there.  (None that goes in pieces: it may
 * be refused half-way.) */
static void any_lengths(size_t bytes, size_t longest)
{
	enum { LAST = 1024 };
	size_t length[LAST], n;
	unsigned first = 0, last = 0, seed = 1;
	int bad = 0, refused = 0;

	open_pipe(false, bytes);
	for (int i = 0; i < 50000; i++) {
		seed = seed * 1103515245 + 12345;
		n = (seed >> 12) % (longest + 1) >> (seed >> 8 & 7);
		if (seed >> 30 & 1) {
			if (mp_conn_send(&b, fill(n, last), n, 0) == 0)
				length[last++ % LAST] = n;
			else
				refused++;
		} else if (first == last) {
			bad += receive(0) != -ETIMEDOUT;
			bad += mp_conn_poll(&a, 0) != 0;
		} else {
			bad += !receive_same(length[first % LAST], first, 0);
			first++;
		}
		bad += last - first >= LAST;
	}
	ok(bad == 0 && refused > 0,
	   "a ring of %zu bytes: 50,000 sends and receives (%d refused)", bytes,
	   refused);
	close_pipe();
}

/* Full and empty, again and again, at every place of the ring. */
static void full_and_empty(void)
{
	int bad = 0, n, least = INT32_MAX;

	open_pipe(false, RING);
	for (int lap = 0; lap < 600; lap++) {
		n = fill_up();
		least = n < least ? n : least;
		for (int i = 0; i < n; i++)
			bad += receive(0) != i;
		bad += receive(0) != -ETIMEDOUT;
		mp_conn_send(&b, "1234567", (size_t)lap % 8, 0);
		receive_length(8, 0);
	}
	is(bad, 0, "filled up and emptied 600 times");
	ok(least * 16 + 32 >= RING, "it holds all of its %d bytes (%d)", RING,
	   least);
	close_pipe();
}

/* ---- no descriptors ---- */

static void no_descriptors(bool duplex)
{
	int before = tap_descriptors(), bad = 0, n;
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	for (n = 0; n < 100; n++) {
		few.rlim_cur = (rlim_t)n;
		setrlimit(RLIMIT_NOFILE, &few);
		if (mp_pipe(&a, &b, duplex, RING) == 0)
			break;
		bad += mp_pipe(&a, &b, duplex, RING) != -EMFILE;
		bad += !is_closed(&a) || !is_closed(&b);
		setrlimit(RLIMIT_NOFILE, &old);
		bad += tap_descriptors() != before || rings() != 0;
	}
	setrlimit(RLIMIT_NOFILE, &old);
	ok(n >= 4 && n < 100, "with %d descriptors there is a pipe", n);
	is(bad, 0, "with fewer -EMFILE, and nothing is open");
	is(send_number(7, 0), 0, "the one that there is");
	is(receive(0), 7, "works");
	close_pipe();
}

/* 10,000 pipes: descriptors and mappings that are left. */
static void many(void)
{
	int before = tap_descriptors(), bad = 0;

	for (int i = 0; i < 10000; i++) {
		open_pipe(i & 1, RING);
		bad += send_number(i & 63, 0) != 0 || receive(0) != (i & 63);
		bad += i % 100 == 0 && mp_conn_fileno(&a) < 0;
		close_pipe();
	}
	is(bad, 0, "10,000 pipes");
	is(tap_descriptors() - before + rings() + names(), 0,
	   "and nothing of them is left");
}

int main(void)
{
	mp_backstop_set(0);
	made();
	one_way();
	both_ways();
	lengths();
	too_small();
	pieces();
	absurd();
	any_lengths(RING, PIECE);
	any_lengths(RING, 20);
	any_lengths(1 << 16, 1 << 14);
	full_and_empty();
	no_descriptors(false);
	no_descriptors(true);
	many();
	return tap_done();
}
