/* Pipes: long messages that are cut off: the sender gives up, or one of the two
 * is killed half-way. */
#include "mp/pipe.h"

#include <fcntl.h>

#include "pipes.h"

enum { BIG = 100000 };

static int big(unsigned seed, int64_t timeout_ns)
{
	return mp_conn_send(&b, fill(BIG, seed), BIG, timeout_ns);
}

/* ---- given up ---- */

static int fd_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static int sends_big(long seed)
{
	mp_conn_close(&a);
	return big((unsigned)seed, LONG);
}

/* This process does both, a step at a time. */
static int sends_and_receives(unsigned seed)
{
	int sent = -ETIMEDOUT, received = -ETIMEDOUT;

	for (int i = 0; i < 10000 && received == -ETIMEDOUT; i++) {
		if (sent == -ETIMEDOUT)
			sent = big(seed, 0);
		received = receive_length(BIG, 0);
	}
	fill(BIG, seed);
	return sent == 0 && received == BIG && memcmp(in, out, BIG) == 0;
}

static void given_up(void)
{
	int fd;

	open_pipe(false, RING);
	is(big(1, 0), -ETIMEDOUT, "a sender gives up half-way");
	is(receive_length(BIG, 0), -ETIMEDOUT, "the receiver has what came");
	is(send_number(7, 0), 0, "it sends something shorter");
	is(receive_length(BIG, 0), -ECONNRESET, "which tells of the first");
	is(receive(0), 7, "and comes");
	ok(sends_and_receives(2), "one of the same length is whole");

	is(big(1, 0), -ETIMEDOUT, "given up again");
	is(receive_length(BIG, 0), -ETIMEDOUT, "half of it received");
	fd = fd_of("/dev/null");
	is(mp_conn_send_fd(&b, fd, 0), 0, "then a descriptor is sent");
	close(fd);
	is(receive_length(BIG, 0), -ECONNRESET, "which tells of the first");
	fd = mp_conn_recv_fd(&a, 0);
	ok(fd >= 0, "and comes");
	close(fd);
	ok(sends_and_receives(3), "one of the same length is whole");
	is(big(1, 0), -ETIMEDOUT, "given up before anything was received");
	while (send_number(7, 0) == -ETIMEDOUT)
		receive_length(BIG, 0);
	is(receive_length(BIG, 0), -ECONNRESET, "a shorter one tells of it");
	is(receive(0), 7, "and comes");
	close_pipe();
}

/* ---- killed half-way ---- */

static int receives_big(long timeout_ns)
{
	int64_t begin = mp_clock_now();
	int length;

	mp_conn_close(&b);
	length = receive_length(sizeof(in), timeout_ns);
	return timely(begin, length < 0 ? length : 0);
}

static int sends_half_and_stays(long seed)
{
	mp_conn_close(&a);
	return big((unsigned)seed, 0) == -ETIMEDOUT ? wait_for_kill() : 1;
}

/* A child that sleeps with the first half of a message. */
static pid_t start_receiver(void)
{
	pid_t pid = start(receives_big, LONG);

	await(asleep(pid) && mp_conn_poll(&a, 0) == 0);
	return pid;
}

static int send_big_thread(long seed)
{
	return big((unsigned)seed, 0);
}

static void sender_killed(void)
{
	pid_t pid, receiver;
	size_t length = 99;

	open_pipe(false, RING);
	send_number(7, 0);
	pid = start_asleep(sends_big, 1);
	mp_conn_close(&b);
	killed(pid);
	is(receive(LONG), 7, "what was sent completely is received");
	is(mp_conn_recv(&a, in, BIG, LONG, &length), -ECONNRESET,
	   "what its death has cut off is not");
	is((long long)length, 99, "no length is told");
	is(mp_conn_recv(&a, in, BIG, LONG, NULL), -EPIPE, "then the end");
	close_pipe();

	open_pipe(false, RING);
	pid = start(sends_half_and_stays, 1);
	await(mp_conn_poll(&a, 0) == 1);
	mp_conn_close(&b);
	receiver = start(receives_big, LONG);
	await(asleep(receiver) && mp_conn_poll(&a, 0) == 0);
	killed(pid);
	is(end_of(receiver), -ECONNRESET,
	   "a receiver that sleeps half-way learns at once");
	close_pipe();

	open_pipe(false, RING);
	is(in_thread(send_big_thread, 1), -ETIMEDOUT, "a thread half-way");
	is(send_number(9, 0), 0, "ends, and another sends");
	is(receive_length(BIG, 0), -ECONNRESET, "the receiver learns of it");
	is(receive(0), 9, "and gets the other one's");
	close_pipe();
}

/* Somebody else has the sender's end too and goes on. */
static void heir_of_sender(void)
{
	pid_t pid, receiver;

	open_pipe(false, RING);
	pid = start(sends_half_and_stays, 1);
	await(mp_conn_poll(&a, 0) == 1);
	receiver = start_receiver();
	killed(pid);
	ok(asleep(receiver),
	   "a sender killed half-way, its end held by others");
	is(send_number(7, LONG), 0, "an heir sends");
	is(end_of(receiver), -ECONNRESET, "the receiver is told of the first");
	is(receive(LONG), 7, "and the second comes");
	close_pipe();
}

/* Somebody else has the receiver's end too: the rest of the message is for
 * nobody, the next one is whole. */
static void heir_of_receiver(void)
{
	pid_t sender;

	open_pipe(false, RING);
	is(big(1, 0), -ETIMEDOUT, "a long message begins");
	killed(start_receiver());
	sender = start(sends_big, 5); /* another process: begins anew */
	ok(receive_same(BIG, 5, LONG),
	   "its receiver is killed half-way: an heir gets the next one");
	is(end_of(sender), 0, "all sent");
	close_pipe();
}

static void rest_of_a_message(void)
{
	int sent, bad = 0;

	open_pipe(false, RING);
	is(big(1, 0), -ETIMEDOUT, "a long message begins");
	killed(start_receiver());
	while ((sent = big(1, 0)) == -ETIMEDOUT)
		bad += receive(0) != -ETIMEDOUT;
	is(sent, 0, "its receiver is killed half-way, and the rest is sent");
	is(bad, 0, "for nobody");
	while (send_number(7, 0) == -ETIMEDOUT)
		bad += receive(0) != -ETIMEDOUT;
	is(receive(0), 7, "an heir gets the next one");
	is(bad, 0, "and nothing else");
	close_pipe();
}

/* One after the other, all of one length, and the first call of each. */
static void same_length(void)
{
	int bad = 0;
	pid_t pid;

	open_pipe(false, RING);
	for (int i = 0; i < 5; i++) {
		pid = start(sends_big, i);
		bad += !receive_same(BIG, (unsigned)i, 1000 * MS);
		bad += end_of(pid) != 0;
	}
	is(bad, 0, "five processes, each sends a message of one length");
	close_pipe();
}

int main(void)
{
	mp_backstop_set(0);
	same_length();
	given_up();
	sender_killed();
	heir_of_sender();
	heir_of_receiver();
	rest_of_a_message();
	return tap_done();
}
