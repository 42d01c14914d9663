/* Pipes: messages that are longer than the ring go through it in pieces. */
#include "mp/pipe.h"

#include "pipes.h"

enum { BIG = 100000 };

static int big(unsigned seed, int64_t timeout_ns)
{
	return mp_conn_send(&b, fill(BIG, seed), BIG, timeout_ns);
}

/* ---- whole ---- */

static const size_t lengths[] = { PIECE + 1, RING - 8,       RING,
				  RING + 1,  3 * RING + 5,   BIG,
				  1 << 19,   sizeof(out) - 8 };
enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static int sends_all(long seed)
{
	mp_conn_close(&a);
	for (unsigned i = 0; i < LENGTHS; i++) {
		fill(lengths[i], (unsigned)seed + i);
		if (mp_conn_send(&b, out, lengths[i], LONG) != 0 ||
		    send_number((int)i, LONG) != 0)
			return 1;
	}
	return 0;
}

static void whole(size_t bytes)
{
	int bad = 0;
	pid_t pid;

	open_pipe(false, bytes);
	pid = start(sends_all, 7);
	mp_conn_close(&b);
	for (unsigned i = 0; i < LENGTHS; i++) {
		bad += !receive_same(lengths[i], 7 + i, LONG);
		bad += receive(LONG) != (int)i;
	}
	is(bad, 0, "up to 1 MB through a ring of %zu bytes", bytes);
	is(end_of(pid), 0, "all sent");
	is(receive(LONG), -EPIPE, "then the end");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();
}

static int echoes_v(long n)
{
	struct iovec v[3] = { { in, 1 },
			      { in + 1, 5000 },
			      { in + 5001, sizeof(in) - 5001 } };
	size_t length;

	while (n-- > 0) {
		v[2].iov_len = sizeof(in) - 5001;
		if (mp_conn_recvv(&a, v, 3, LONG, &length) != 0)
			return 1;
		v[2].iov_len = length - 5001;
		if (mp_conn_sendv(&a, v, 3, LONG) != 0)
			return 2;
	}
	return 0;
}

static void in_pieces_of_memory(void)
{
	struct iovec from[5], to[4];
	size_t length;
	int bad = 0;
	pid_t pid;

	open_pipe(true, RING);
	pid = start(echoes_v, 20);
	for (unsigned i = 0; i < 20; i++) {
		size_t size = 5001 + i * 4999;

		fill(size, i);
		memset(in, 0, size);
		from[0] = (struct iovec){ out, 0 };
		from[1] = (struct iovec){ out, i };
		from[2] = (struct iovec){ out + i, 2000 };
		from[3] = (struct iovec){ out + i + 2000, size - i - 2000 };
		from[4] = (struct iovec){ out, 0 };
		to[0] = (struct iovec){ in, 4096 - i };
		to[1] = (struct iovec){ NULL, 0 };
		to[2] = (struct iovec){ in + 4096 - i, 8 };
		to[3] = (struct iovec){ in + 4104 - i, sizeof(in) - 5000 };
		bad += mp_conn_sendv(&b, from, 5, LONG) != 0;
		bad += mp_conn_recvv(&b, to, 4, LONG, &length) != 0;
		bad += length != size || memcmp(in, out, size) != 0;
	}
	is(bad, 0, "from and into pieces of memory, both ways");
	is(end_of(pid), 0, "by two processes");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();
}

/* ---- a call that ends half-way ---- */

/* One process does both, a step at a time. */
static void resumed(void)
{
	int sent, received, calls = 0, bad = 0;

	open_pipe(false, RING);
	for (unsigned i = 0; i < 20; i++) {
		sent = received = -ETIMEDOUT;
		while (received == -ETIMEDOUT && calls++ < 100000) {
			if (sent == -ETIMEDOUT)
				sent = big(i, calls & 1 ? 0 : 1000);
			received = receive_length(sizeof(in), 0);
		}
		fill(BIG, i);
		bad += sent != 0 || received != BIG;
		bad += memcmp(in, out, BIG) != 0;
	}
	ok(bad == 0 && calls > 20 * BIG / RING,
	   "-ETIMEDOUT half-way, on both sides: called again, it goes on");
	send_number(7, 0);
	is(receive(0), 7, "the next message is whole");
	close_pipe();
}

static void too_small(void)
{
	size_t length = 0;

	open_pipe(false, RING);
	is(big(1, 0), -ETIMEDOUT, "the first pieces of a message");
	is(mp_conn_recv(&a, in, BIG - 1, -1, &length), -EMSGSIZE, "too small");
	is((long long)length, BIG, "the length of the whole is told");
	is(mp_conn_recv(&a, in, 0, 0, &length), -EMSGSIZE, "again");
	is(mp_conn_poll(&a, 0), 1, "it stays");
	while (big(1, 0) == -ETIMEDOUT)
		if (receive_length(BIG, 0) >= 0)
			break;
	is(receive_length(BIG, 0), BIG, "received into enough");
	fill(BIG, 1);
	is(memcmp(in, out, BIG), 0, "whole");
	close_pipe();
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Both sides, each interrupted where it sleeps. */
static int sends_again(long unused)
{
	int error, calls = 0;

	(void)unused;
	mp_conn_close(&a);
	while ((error = big(3, LONG)) == -EINTR)
		calls++;
	return error == 0 ? calls > 0 : 99;
}

static int receives_again(long unused)
{
	int length, calls = 0;

	(void)unused;
	mp_conn_close(&b);
	while ((length = receive_length(BIG, LONG)) == -EINTR)
		calls++;
	fill(BIG, 3);
	return length == BIG && memcmp(in, out, BIG) == 0 ? calls > 0 : 99;
}

static void interrupted(void)
{
	pid_t pid;

	handle(SIGUSR1, on_signal, SA_RESTART);
	open_pipe(false, RING);
	pid = start_asleep(sends_again, 0);
	for (int i = 0; i < 20; i++) {
		kill(pid, SIGUSR1);
		await(asleep(pid));
	}
	ok(receive_same(BIG, 3, LONG), "a sender with -EINTR half-way goes on");
	is(end_of(pid), 1, "by calling again");
	pid = start_asleep(receives_again, 0);
	for (int i = 0; i < 20; i++) {
		big(3, 0);
		await(asleep(pid));
		kill(pid, SIGUSR1);
		await(asleep(pid));
	}
	is(big(3, LONG), 0, "and a receiver");
	is(end_of(pid), 1, "by calling again");
	close_pipe();
}

/* ---- the end ---- */

static int sends_big(long seed)
{
	mp_conn_close(&a);
	return big((unsigned)seed, LONG);
}

static void receiver_gone(void)
{
	pid_t pid;

	open_pipe(false, RING);
	pid = start_asleep(sends_big, 1);
	mp_conn_close(&a);
	is(end_of(pid), -EPIPE, "the receiver closes: a long message ends");
	is(big(1, LONG), -EPIPE, "and none begins");
	close_pipe();
}

int main(void)
{
	mp_backstop_set(0);
	whole(RING);
	whole(1 << 16);
	whole(1 << 18);
	in_pieces_of_memory();
	resumed();
	too_small();
	interrupted();
	receiver_gone();
	return tap_done();
}
