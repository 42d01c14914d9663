/* A process is killed at every instruction of mp_wait, and a sender at every
 * instruction of sending to one who sleeps there.
 *
 * A waiter takes nothing: whoever has its ends after it finds all messages.
 * What it has armed costs those who send one post each, and its heir no sleep.
 * Others, that wait for other things, go on.  A sender that was killed is no
 * reason to sleep on.
 *
 * Two pipes and a connection over a socket: a[] receive, b[] send; and an
 * eventfd. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mp/bell.h"
#include "mp/clock.h"
#include "mp/eventfd.h"
#include "mp/pipe-ring.h"
#include "mp/pipe.h"
#include "mp/poll.h"
#include "mp/stream.h"
#include "mp/wait.h"

#define BYTES     MP_PIPE_BYTES_MIN
#define MINE      1000 /* what the victim sends */
#define HEIRS     2000
#define LONGER    (BYTES / 2) /* in several records */
#define RESET     (-1)        /* a message was cut off */
#define SECOND_NS INT64_C(1000000000)

enum { FIRST, OTHER, SOCKET, CONNS };
enum { PEER, WAITER };

struct world {
	int32_t seen[64]; /* what was received, in turn */
	_Atomic int n;
};
static struct world *w;

static struct mp_conn a[CONNS], b[CONNS];
static int fd;
static int of;         /* which connection the story is about */
static size_t size;    /* of the victim's message */
static uint64_t start; /* where the next record lies */

/* ---- messages: numbers, in as many bytes as they need ---- */

static unsigned char message[BYTES];

static int send_number(int i, int n, int64_t timeout_ns)
{
	int32_t number = n;

	memcpy(message, &number, sizeof(number));
	return mp_conn_send(&b[i], message, n == MINE ? size : sizeof(number),
			    timeout_ns);
}

static int recv_number(int i)
{
	int32_t n = 0;
	size_t length = 0;
	int rc = mp_conn_recv(&a[i], message, sizeof(message), 0, &length);

	memcpy(&n, message, sizeof(n));
	return rc < 0 ? rc : n;
}

static void note(int n)
{
	int i = atomic_fetch_add(&w->n, 1);

	if (i < COUNT(w->seen))
		w->seen[i] = n;
}

/* ---- waiting ---- */

static struct mp_waitable v[CONNS + 1];

static int wait_for(int conns, int64_t timeout_ns)
{
	int bits = 0, rc;

	for (int i = 0; i < conns; i++)
		v[i] = (struct mp_waitable){ .conn = &a[i] };
	v[conns] = (struct mp_waitable){ .fd = fd };
	rc = mp_wait(v, conns + 1, timeout_ns);
	for (int i = 0; i <= conns && rc > 0; i++)
		bits |= (v[i].ready != 0) << i;
	return rc < 0 ? rc : bits;
}

static void close_senders(void)
{
	for (int i = 0; i < CONNS; i++)
		mp_conn_close(&b[i]);
}

static void close_receivers(void)
{
	for (int i = 0; i < CONNS; i++)
		mp_conn_close(&a[i]);
}

/* ---- the victim ---- */

static int wait_try(void)
{
	return wait_for(1, 0);
}

static int wait_timed(void)
{
	return wait_for(1, NAP);
}

static int wait_long(void)
{
	return wait_for(1, -1);
}

static int wait_for_all(void)
{
	return wait_for(CONNS, -1);
}

/* Rings alone: it looks a while before it sleeps. */
static int wait_for_rings(void)
{
	v[0] = (struct mp_waitable){ .conn = &a[FIRST] };
	v[1] = (struct mp_waitable){ .conn = &a[OTHER] };
	return mp_wait(v, 2, -1) == 1 ? v[0].ready | v[1].ready << 1 : -EIO;
}

static int send_one(void)
{
	return send_number(of, MINE, -1);
}

static int close_one(void)
{
	return mp_conn_close(&b[of]);
}

/* ---- the others ---- */

/* Waits for all there is, and receives it, until the last connection ends. */
static int waiter(struct other *self)
{
	int open = CONNS, n = 0, rc;
	int ends[CONNS] = { 0 };

	close_senders();
	other_at(self, 1);
	while (open > 0) {
		n = 0;
		for (int i = 0; i < CONNS; i++)
			if (!ends[i])
				v[n++] = (struct mp_waitable){ .conn = &a[i] };
		if (mp_wait(v, n, -1) < 1)
			return -EIO;
		for (int k = 0; k < n; k++) {
			int i = (int)(v[k].conn - a);

			if (!v[k].ready)
				continue;
			rc = recv_number(i);
			if (rc == -ETIMEDOUT)
				continue; /* a part of it has come */
			if (rc == -EPIPE)
				ends[i] = 1, open--;
			else if (rc < 0 && rc != -ECONNRESET)
				return rc;
			else
				note(rc < 0 ? RESET : rc);
			if (rc == HEIRS)
				other_at(self, 2);
		}
	}
	return 0;
}

/* Waits for the other connection and the eventfd. */
static int other_waiter(struct other *self)
{
	struct mp_waitable mine[] = { { .conn = &a[OTHER] }, { .fd = fd } };
	int rc;

	close_senders();
	other_at(self, 1);
	rc = mp_wait(mine, 2, -1);
	return rc < 0 ? rc : mine[0].ready | mine[1].ready << 1;
}

static int holds_sender(struct other *self)
{
	close_receivers();
	other_at(self, 1);
	other_until(self, UINT32_MAX);
	return 0;
}

/* Another process with the victim's end. */
static int heir(struct other *self)
{
	(void)self;
	close_receivers();
	return send_number(of, HEIRS, -1);
}

/* A polled connection is readable, is received, and is not any more. */
static int polls(struct other *self)
{
	int poll_fd = mp_conn_fileno(&a[FIRST]), rc;

	(void)self;
	close_senders();
	rc = mp_poll(poll_fd, POLLIN, mp_clock_deadline(SECOND_NS));
	if (rc < 0)
		return rc;
	rc = recv_number(FIRST);
	if (recv_number(FIRST) != -ETIMEDOUT ||
	    mp_poll(poll_fd, POLLIN, 0) != -ETIMEDOUT)
		return -EIO;
	return rc;
}

/* ---- worlds ---- */

static void make(void)
{
	static int made;
	int fds[2];

	if (made++ != 0) {
		close_senders();
		close_receivers();
		close(fd);
	}
	for (int i = FIRST; i <= OTHER; i++)
		must(mp_pipe(&a[i], &b[i], false, BYTES) == 0, "mp_pipe");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 &&
		     mp_stream_open(&a[SOCKET], fds[0]) == 0 &&
		     mp_stream_open(&b[SOCKET], fds[1]) == 0,
	     "a socket");
	fd = mp_eventfd_create(0, 0);
	must(fd >= 0, "an eventfd");
	kill_counters_forget();
	for (int i = FIRST; i <= OTHER; i++)
		kill_counters((struct mp_counters *)(uintptr_t)mp_conn_counters(
			&a[i]));
	start = atomic_load(&a[FIRST].in->head);
	of = FIRST;
	size = sizeof(int32_t);
}

static void one_there(void)
{
	make();
	must(send_number(FIRST, 1, 0) == 0, "1 is sent");
}

static void polled(void)
{
	make();
	must(mp_conn_fileno(&a[FIRST]) >= 0, "mp_conn_fileno");
}

static void peer_holds(void)
{
	make();
	other_start(PEER, holds_sender);
	other_reach(PEER, 1);
}

static void another_waits(void)
{
	make();
	other_start(WAITER, other_waiter);
	other_reach(WAITER, 1);
	other_asleep(WAITER);
}

static void one_waits(void)
{
	make();
	other_start(WAITER, waiter);
	other_reach(WAITER, 1);
	other_asleep(WAITER);
}

static void one_waits_longer(void)
{
	one_waits();
	size = LONGER;
}

static void one_waits_at_socket(void)
{
	one_waits();
	of = SOCKET;
}

/* Nobody but the victim, or the peer, has that end. */
static void last_sender(void)
{
	mp_conn_close(&b[of]);
}

/* ---- the victim sleeps ---- */

static void send_to_it(int nth)
{
	if (nth == 0)
		must(send_number(FIRST, 1, 0) == 0, "1 is sent");
}

static void send_to_socket(int nth)
{
	if (nth == 0)
		must(send_number(SOCKET, 1, 0) == 0, "1 is sent");
}

static void post_it(int nth)
{
	if (nth == 0)
		must(mp_eventfd_post(fd, 1) == 0, "posted");
}

static void peer_dies(int nth)
{
	if (nth == 0)
		other_kill(PEER);
}

/* ---- checks ---- */

static int next;

static int comes(int n)
{
	if (next >= atomic_load(&w->n) || w->seen[next] != n)
		return 0;
	next++;
	return 1;
}

static void nothing_else(void)
{
	must(next == atomic_load(&w->n), "nothing else comes, but %d",
	     w->seen[next]);
}

/* Sleepers cost a post for a message: this many messages, how many posts? */
static int posts(int i)
{
	const struct mp_counters *c = mp_conn_counters(&a[i]);
	uint64_t before = mp_counters_get(c, MP_WAKES);

	for (int k = 0; k < 10; k++)
		must(send_number(i, 7, 0) == 0 && recv_number(i) == 7,
		     "a message comes");
	return (int)(mp_counters_get(c, MP_WAKES) - before);
}

/* Whoever waits next finds `there` messages; it sleeps when there is none, and
 * is woken. */
static void heir_waits(int there)
{
	uint64_t value;
	int rc;

	for (int i = 1; i <= there; i++)
		must(recv_number(FIRST) == i, "%d is still there", i);
	for (int i = FIRST; i <= OTHER; i++)
		must(posts(i) <= 1 && posts(i) == 0,
		     "nothing is armed any more");
	mp_eventfd_wait(fd, 0, &value);
	other_start(WAITER, waiter);
	other_reach(WAITER, 1);
	other_asleep(WAITER);
	must(send_number(OTHER, 2, 0) == 0, "2 is sent");
	close_senders();
	rc = other_result(WAITER);
	must(rc == 0, "who waits next: %d", rc);
	next = 0;
	must(comes(2), "2 comes");
	nothing_else();
}

static void check_nothing(const struct point *p)
{
	must(!p->over || p->result == 0, "waited: %d", p->result);
	heir_waits(0);
}

static void check_waited(const struct point *p)
{
	must(!p->over || p->result == 1 << FIRST, "waited: %d", p->result);
	must(atomic_load(&a[FIRST].in->head) == start, "nothing was received");
	heir_waits(atomic_load(mp_pipe_header(a[FIRST].in, start)) != 0);
}

static void check_waited_socket(const struct point *p)
{
	must(!p->over || p->result == 1 << SOCKET, "waited: %d", p->result);
	if (mp_conn_poll(&a[SOCKET], 0) == 1)
		must(recv_number(SOCKET) == 1, "1 is still there");
	heir_waits(0);
}

static void check_polled(const struct point *p)
{
	int rc;

	must(!p->over || p->result == 1 << FIRST, "waited: %d", p->result);
	if (atomic_load(mp_pipe_header(a[FIRST].in, start)) == 0)
		must(send_number(FIRST, 1, 0) == 0, "1 is sent");
	rc = other_run(polls);
	must(rc == 1, "who polls the connection: %d", rc);
}

static void check_end(const struct point *p)
{
	int rc;

	must(!p->over || p->result == 1 << FIRST, "waited: %d", p->result);
	other_kill(PEER);
	rc = recv_number(FIRST);
	must(rc == -EPIPE, "the end of file: %d", rc);
}

static void check_another(const struct point *p)
{
	int rc;

	must(!p->over || p->result == 2, "waited: %d", p->result);
	must(mp_eventfd_post(fd, 1) == 0, "posted");
	rc = other_result(WAITER);
	must(rc == 2, "another that waits: %d", rc);
}

static int sent; /* at the moment of the kill; -1: who received it knows */

static void look(void)
{
	struct mp_ring *r = a[FIRST].in;
	uint64_t at = start, header;

	sent = atomic_load(&r->head) > start || of != FIRST ? -1 : 0;
	while (sent >= 0 &&
	       (header = atomic_load(mp_pipe_header(r, at))) != 0) {
		sent += (header & MP_PIPE_LAST) != 0;
		at += mp_pipe_size(header);
	}
}

/* The message is there or it is not; then the end. */
static void check_told(const struct point *p)
{
	int mine, cut, rc;

	must(!p->over || p->result == 0, "sent: %d", p->result);
	close_senders();
	rc = other_result(WAITER);
	must(rc == 0, "who waits: %d", rc);
	next = 0;
	mine = comes(MINE);
	cut = !mine && size == LONGER && comes(RESET);
	must(!p->over || mine, "what was sent comes");
	must(sent < 0 || mine == sent, "it comes: %d, %d", mine, sent);
	must(!cut || !p->over, "cut off");
	nothing_else();
}

static void check_told_heir(const struct point *p)
{
	int mine, rc;

	must(!p->over || p->result == 0, "sent: %d", p->result);
	rc = other_run(heir);
	must(rc == 0, "the heir: %d", rc);
	other_reach(WAITER, 2); /* woken by it, not by the end */
	close_senders();
	rc = other_result(WAITER);
	must(rc == 0, "who waits: %d", rc);
	next = 0;
	mine = comes(MINE);
	must(!p->over || mine, "what was sent comes");
	must(sent < 0 || mine == sent, "it comes: %d, %d", mine, sent);
	must(comes(HEIRS), "the heir's comes");
	nothing_else();
}

static void check_closed(const struct point *p)
{
	int rc;

	must(!p->over || p->result == 0, "closed: %d", p->result);
	close_senders();
	rc = other_result(WAITER);
	must(rc == 0, "who waits: %d", rc);
	next = 0;
	nothing_else();
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "wait, nothing, tried", .ours = 1, .world = make,
	  .before = close_senders, .operation = wait_try,
	  .check = check_nothing },
	{ .what = "wait, nothing, timed out", .ours = 1, .world = make,
	  .before = close_senders, .operation = wait_timed,
	  .check = check_nothing },
	{ .what = "wait, a message is there", .ours = 1, .world = one_there,
	  .before = close_senders, .operation = wait_long,
	  .check = check_waited },
	{ .what = "wait, asleep, a message comes", .ours = 1, .world = make,
	  .before = close_senders, .operation = wait_long,
	  .awaken = send_to_it, .check = check_waited },
	{ .what = "wait, the first call in its process", .ours = 1, .cold = 1,
	  .world = make, .before = close_senders, .operation = wait_long,
	  .awaken = send_to_it, .check = check_waited },
	{ .what = "wait for pipes alone, asleep, a message comes", .ours = 1,
	  .world = make, .before = close_senders,
	  .operation = wait_for_rings, .awaken = send_to_it,
	  .check = check_waited },
	{ .what = "wait for all, asleep, a message comes by the socket",
	  .ours = 1, .world = make, .before = close_senders,
	  .operation = wait_for_all, .awaken = send_to_socket,
	  .check = check_waited_socket },
	{ .what = "wait, polled as well, a message comes", .ours = 1,
	  .world = polled, .before = close_senders, .operation = wait_long,
	  .awaken = send_to_it, .check = check_polled },
	{ .what = "wait, asleep, the peer dies", .ours = 1,
	  .world = peer_holds, .before = close_senders,
	  .others = last_sender, .operation = wait_long,
	  .awaken = peer_dies, .check = check_end },
	{ .what = "wait, asleep, another waits for the same", .ours = 1,
	  .alone = 1, .world = another_waits, .before = close_senders,
	  .operation = wait_long, .awaken = post_it,
	  .check = check_another },
	/* The sender.  No back-stop is needed. */
	{ .what = "send, the last sender, the peer waits", .alone = 1,
	  .world = one_waits, .before = close_receivers,
	  .others = last_sender, .operation = send_one, .slip = look,
	  .check = check_told },
	{ .what = "send, in pieces, the last sender, the peer waits",
	  .alone = 1, .ours = 1, .world = one_waits_longer,
	  .before = close_receivers, .others = last_sender,
	  .operation = send_one, .slip = look,
	  .check = check_told },
	{ .what = "send over the socket, the last sender, the peer waits",
	  .alone = 1, .ours = 1, .world = one_waits_at_socket,
	  .before = close_receivers, .others = last_sender,
	  .operation = send_one, .slip = look,
	  .check = check_told },
	{ .what = "send, an heir, the peer waits", .alone = 1,
	  .world = one_waits, .before = close_receivers,
	  .operation = send_one, .slip = look, .check = check_told_heir },
	{ .what = "close, the last sender, the peer waits", .alone = 1,
	  .ours = 1, .world = one_waits, .before = close_receivers,
	  .others = last_sender, .operation = close_one,
	  .check = check_closed },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	return kill_main(argc, argv, stories, COUNT(stories));
}
