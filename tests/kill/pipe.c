/* A process is killed at every instruction of sending and of receiving through
 * a pipe.  A message was sent or it was not.  Either nobody else has the dead
 * one's end: the peer gets what was sent, and then the end of file.  Or another
 * process goes on with that end, and each of its messages arrives.
 *
 * The pipe has one way: a receives, b sends.  1, 2, ... are sent before; the
 * victim sends 1000, its heir 2000, and the last word is 2500. */
#include "driver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mp/eventfd.h"
#include "mp/pipe-ring.h"
#include "mp/pipe.h"

#define BYTES     MP_PIPE_BYTES_MIN
#define MINE      1000
#define HEIRS     2000
#define LAST_WORD 2500
#define RESET     (-1) /* a message was cut off */

#define LONGER   (BYTES / 2) /* in several records */
#define ENDLESS  (2 * BYTES) /* more than the ring takes */
#define NUMBERED 8

struct world {
	int32_t seen[512]; /* what receivers got, in turn */
	_Atomic int n;
};
static struct world *w;

static struct mp_conn a, b;
static int fd_mine, fd_heirs; /* eventfds that tell whose they are */
static size_t size;           /* of the victim's message */
static uint64_t start;        /* where the story's first record lies */

/* ---- messages */

static size_t length_of(int n)
{
	return n == MINE ? size : NUMBERED;
}

static unsigned char message[ENDLESS];

static void write_message(int n)
{
	int32_t number = n;

	for (size_t i = 0; i < length_of(n); i++)
		message[i] = (unsigned char)(n + (int)(i / 7));
	if (length_of(n) != 0)
		memcpy(message, &number, sizeof(number));
}

static int send_message(int n, int64_t timeout_ns)
{
	write_message(n);
	return mp_conn_send(&b, message, length_of(n), timeout_ns);
}

/* The number, by its first bytes, or an error. */
static int recv_number(int64_t timeout_ns, size_t *length)
{
	int32_t n = MINE;
	int rc = mp_conn_recv(&a, message, sizeof(message), timeout_ns, length);

	if (rc == 0 && *length != 0)
		memcpy(&n, message, sizeof(n));
	return rc < 0 ? rc : n;
}

/* The number, or an error; -EIO: not what was sent. */
static int recv_message(int64_t timeout_ns)
{
	size_t length = 0;
	int n = recv_number(timeout_ns, &length);

	if (n < 0)
		return n;
	if (n == 0 || length != length_of(n))
		return -EIO;
	for (size_t i = sizeof(int32_t); i < length; i++)
		if (message[i] != (unsigned char)(n + (int)(i / 7)))
			return -EIO;
	return n;
}

/* Whose descriptor is it? */
static int recv_descriptor(int64_t timeout_ns)
{
	int fd = mp_conn_recv_fd(&a, timeout_ns), rc;
	uint64_t whose = 0;

	if (fd < 0)
		return fd;
	rc = mp_eventfd_wait(fd, 0, &whose);
	close(fd);
	return rc < 0 ? -EIO : (int)whose;
}

/* ---- what the victim does */

/* It has its own end only. */
static void as_sender(void)
{
	mp_conn_close(&a);
	write_message(MINE);
}

static void as_receiver(void)
{
	mp_conn_close(&b);
}

static int send_one(void)
{
	return mp_conn_send(&b, message, size, -1);
}

static int send_timed(void)
{
	return mp_conn_send(&b, message, size, NAP);
}

static int send_try(void)
{
	return mp_conn_send(&b, message, size, 0);
}

static int send_descriptor(void)
{
	return mp_conn_send_fd(&b, fd_mine, -1);
}

static int close_sender(void)
{
	return mp_conn_close(&b);
}

static int recv_one(void)
{
	size_t length;

	return recv_number(-1, &length);
}

static int recv_timed(void)
{
	size_t length;

	return recv_number(NAP, &length);
}

static int recv_try(void)
{
	size_t length;

	return recv_number(0, &length);
}

static int recv_small(void)
{
	size_t length = 0;
	int rc = mp_conn_recv(&a, message, 4, -1, &length);

	return length == length_of(1) ? rc : -EIO;
}

static int recv_fd(void)
{
	return recv_descriptor(-1);
}

static int poll_one(void)
{
	return mp_conn_poll(&a, -1);
}

static int close_receiver(void)
{
	return mp_conn_close(&a);
}

/* ---- the others */

static void note(int n)
{
	int i = atomic_fetch_add(&w->n, 1);

	if (i < COUNT(w->seen))
		w->seen[i] = n;
}

/* Until the last word or the end of file. */
static int receiver(struct other *self)
{
	int rc;

	as_receiver();
	other_at(self, 1);
	for (;;) {
		rc = recv_message(-1);
		if (rc == LAST_WORD || rc == -EPIPE)
			return 0;
		if (rc < 0 && rc != -ECONNRESET)
			return rc;
		note(rc < 0 ? RESET : rc);
	}
}

static int receiver_of_fd(struct other *self)
{
	int rc;

	as_receiver();
	other_at(self, 1);
	for (;;) {
		rc = recv_descriptor(-1);
		if (rc == -EPIPE)
			return 0;
		if (rc == -EBADMSG)
			rc = recv_message(-1);
		if (rc == LAST_WORD)
			return 0;
		if (rc < 0)
			return rc;
		note(rc);
	}
}

/* Receives as many as it is told to, one for each go. */
static int one_by_one(struct other *self)
{
	int rc;

	as_receiver();
	for (uint32_t i = 1;; i++) {
		other_at(self, i);
		other_until(self, i);
		rc = recv_message(-1);
		if (rc == LAST_WORD || rc == -EPIPE)
			return 0;
		if (rc < 0 && rc != -ECONNRESET)
			return rc;
		note(rc < 0 ? RESET : rc);
	}
}

/* Another process with the victim's end. */
static int heir(struct other *self)
{
	int rc;

	as_sender();
	other_at(self, 1);
	rc = send_message(HEIRS, -1);
	return rc < 0 ? rc : send_message(LAST_WORD, -1);
}

static int heir_of_fd(struct other *self)
{
	int rc = mp_conn_send_fd(&b, fd_heirs, -1);

	(void)self;
	return rc < 0 ? rc : send_message(LAST_WORD, -1);
}

static int one_sender(struct other *self)
{
	as_sender();
	other_at(self, 1);
	other_until(self, 1);
	return send_message(HEIRS, -1);
}

/* Until nobody receives any more. */
static int sender_to_nobody(struct other *self)
{
	int rc;

	as_sender();
	other_at(self, 1);
	do
		rc = send_message(HEIRS, -1);
	while (rc == 0);
	return rc;
}

static int last_word(struct other *self)
{
	(void)self;
	as_sender();
	return send_message(LAST_WORD, -1);
}

/* ---- worlds */

enum { PEER, SECOND };

static int there; /* messages before the story */

static void count_in(const struct mp_conn *c)
{
	kill_counters_forget();
	kill_counters((struct mp_counters *)(uintptr_t)mp_conn_counters(c));
}

static void make_pipe(int n)
{
	static int made;

	if (made++ != 0) {
		mp_conn_close(&a);
		mp_conn_close(&b);
		close(fd_mine);
		close(fd_heirs);
	}
	must(mp_pipe(&a, &b, false, BYTES) == 0, "mp_pipe");
	fd_mine = mp_eventfd_create(MINE, 0);
	fd_heirs = mp_eventfd_create(HEIRS, 0);
	must(fd_mine >= 0 && fd_heirs >= 0, "eventfds");
	count_in(&a);
	/* The next record begins in the last bytes of the ring. */
	for (size_t i = 0; i < BYTES / 8 - 1; i++)
		must(mp_conn_send(&b, NULL, 0, 0) == 0 &&
			     mp_conn_recv(&a, NULL, 0, 0, NULL) == 0,
		     "turned");
	there = n;
	start = atomic_load(&a.in->head);
	for (int i = 1; i <= n; i++)
		must(send_message(i, 0) == 0, "number %d is sent", i);
}

static void empty_for(size_t victims)
{
	size = victims;
	make_pipe(0);
}

static void none(void)
{
	empty_for(NUMBERED);
}

static void none_zero(void)
{
	empty_for(0);
}

static void none_longer(void)
{
	empty_for(LONGER);
}

static void three(void)
{
	size = NUMBERED;
	make_pipe(3);
}

/* A long one, and two more. */
static void longer_first(void)
{
	none_longer();
	must(send_message(MINE, 0) == 0, "the long one");
	must(send_message(1, 0) == 0 && send_message(2, 0) == 0, "two more");
	there = 2;
}

static void full(void)
{
	none();
	while (send_message(there + 1, 0) == 0)
		there++;
}

static void two_descriptors(void)
{
	none();
	must(mp_conn_send_fd(&b, fd_mine, 0) == 0 &&
		     mp_conn_send_fd(&b, fd_heirs, 0) == 0,
	     "two descriptors");
}

static void start_peer(int (*f)(struct other *))
{
	other_start(PEER, f);
	other_reach(PEER, 1);
	other_asleep(PEER);
}

static void peer_receives(void)
{
	none();
	start_peer(receiver);
}

static void peer_receives_zero(void)
{
	none_zero();
	start_peer(receiver);
}

static void peer_receives_longer(void)
{
	none_longer();
	start_peer(receiver);
}

static void peer_receives_endless(void)
{
	empty_for(ENDLESS);
	start_peer(receiver);
}

static void peer_receives_fd(void)
{
	none();
	start_peer(receiver_of_fd);
}

static void full_peer_receives(void)
{
	full();
	other_start(PEER, one_by_one);
	other_reach(PEER, 1);
}

static void longer_peer_receives(void)
{
	full();
	size = LONGER;
	other_start(PEER, one_by_one);
	other_reach(PEER, 1);
}

static void full_peer_sends(void)
{
	full();
	start_peer(sender_to_nobody);
}

static void peer_sends(void)
{
	none();
	other_start(PEER, one_sender);
	other_reach(PEER, 1);
}

/* ---- before the victim begins: the driver gives up the victim's end, so that
 * nobody else has it */

static void last_sender(void)
{
	mp_conn_close(&b);
}

static void last_receiver(void)
{
	mp_conn_close(&a);
	count_in(&b);
}

/* Its next message makes an eighth of the ring free. */
static void has_received_much(void)
{
	as_receiver();
	for (size_t i = 0; i < BYTES / 8 / 16 - 1; i++)
		recv_one();
}

/* ---- the victim sleeps */

#define SOME 40 /* messages, more than an eighth of the ring */

static void receive_some(int nth)
{
	uint32_t n = SOME * ((uint32_t)nth + 1);

	other_go(PEER, n);
	other_reach(PEER, n + 1);
}

static void peer_sends_one(int nth)
{
	if (nth == 0)
		other_go(PEER, 1);
}

static void peer_dies(int nth)
{
	if (nth == 0)
		other_kill(PEER);
}

/* ---- checks */

static int sent, cut; /* at the moment of the kill: whole ones; a part */
static int moved;     /* something was received */

static struct mp_ring *ring(void)
{
	return a.in != NULL ? a.in : b.out;
}

static void look(void)
{
	uint64_t at = start, header;

	sent = -there;
	cut = 0;
	moved = atomic_load(&ring()->head) != start;
	while ((header = atomic_load(mp_pipe_header(ring(), at))) != 0) {
		cut = (header & (MP_PIPE_LAST | MP_PIPE_DESCRIPTOR)) == 0;
		sent += !cut;
		at += mp_pipe_size(header);
	}
}

static int next; /* of what was seen */

static int comes(int n)
{
	if (next >= atomic_load(&w->n) || w->seen[next] != n)
		return 0;
	next++;
	return 1;
}

/* What was seen: first to last, then what `optional` says, then `heirs`. */
static void seen(int first, int mine, int resets, int heirs)
{
	next = 0;
	for (int i = first; i <= there; i++)
		must(comes(i), "%d comes", i);
	must(comes(MINE) == mine, "the victim's comes: %d", mine);
	must(comes(RESET) == resets, "a message is cut off: %d", resets);
	must(comes(HEIRS) == heirs, "the heir's comes: %d", heirs);
	must(next == atomic_load(&w->n), "nothing else comes, but %d",
	     w->seen[next]);
}

/* The receiver comes to its end. */
static void peer_ends(int (*f)(struct other *))
{
	int rc;

	if (!other_started(PEER))
		other_start(PEER, f);
	other_go(PEER, UINT32_MAX);
	rc = other_result(PEER);
	must(rc == 0, "the receiver: %d", rc);
}

static void heir_sends(int (*f)(struct other *))
{
	int rc;

	other_start(SECOND, f);
	if (!other_started(PEER))
		other_start(PEER, receiver);
	other_go(PEER, UINT32_MAX);
	rc = other_result(SECOND);
	must(rc == 0, "the heir: %d", rc);
}

static void check_sent(const struct point *p)
{
	must(sent == 0 || sent == 1, "%d were sent", sent);
	must(!p->over || (p->result == 0 && sent == 1), "sent: %d, %d",
	     p->result, sent);
}

/* The end of file comes after what was sent. */
static void check_end(const struct point *p)
{
	check_sent(p);
	peer_ends(receiver);
	seen(1, sent, cut, 0);
}

static void check_end_fd(const struct point *p)
{
	check_sent(p);
	peer_ends(receiver_of_fd);
	seen(1, sent, 0, 0);
}

static void check_heir(const struct point *p)
{
	check_sent(p);
	heir_sends(heir);
	peer_ends(receiver);
	seen(1, sent, cut, 1);
}

static void check_heir_fd(const struct point *p)
{
	check_sent(p);
	if (!other_started(PEER))
		other_start(PEER, receiver_of_fd);
	heir_sends(heir_of_fd);
	peer_ends(receiver_of_fd);
	seen(1, sent, 0, 1);
}

/* More went through the ring than it takes: the peer tells what was sent. */
static void tell(void)
{
	int n = atomic_load(&w->n);

	sent = cut = 0;
	for (int i = 0; i < n; i++) {
		sent += w->seen[i] == MINE;
		cut += w->seen[i] == RESET;
	}
	must(sent + cut <= 1, "%d sent, %d cut off", sent, cut);
}

static void check_some_end(const struct point *p)
{
	peer_ends(receiver);
	tell();
	must(!p->over || (p->result == 0 && sent == 1), "sent: %d, %d",
	     p->result, sent);
	seen(1, sent, cut, 0);
}

static void check_some_heir(const struct point *p)
{
	heir_sends(heir);
	peer_ends(receiver);
	tell();
	must(!p->over || (p->result == 0 && sent == 1), "sent: %d, %d",
	     p->result, sent);
	seen(1, sent, cut, 1);
}

static void check_in_vain(const struct point *p)
{
	must(!p->over || p->result == -ETIMEDOUT, "sent: %d", p->result);
	heir_sends(heir);
	peer_ends(receiver);
	seen(1, 0, 0, 1);
}

static void check_nobody(const struct point *p)
{
	must(!p->over || p->result == -EPIPE, "sent: %d", p->result);
}

static void check_closed(const struct point *p)
{
	must(!p->over || p->result == 0, "closed: %d", p->result);
	peer_ends(receiver);
	seen(1, 0, 0, 0);
}

/* Another process receives the rest. */
static void rest(void)
{
	int rc;

	other_start(SECOND, last_word);
	if (other_started(PEER))
		other_kill(PEER);
	peer_ends(receiver);
	rc = other_result(SECOND);
	must(rc == 0, "the last word: %d", rc);
}

/* What it had received died with it. */
static void check_received(const struct point *p)
{
	must(!p->over || (p->result == 1 && moved), "received: %d", p->result);
	rest();
	seen(1 + moved, 0, 0, 0);
}

/* A long one is gone from its first record on. */
static void check_received_longer(const struct point *p)
{
	must(!p->over || (p->result == MINE && moved), "received: %d",
	     p->result);
	rest();
	next = 0;
	must(comes(MINE) == !moved, "the long one: %d", !moved);
	must(comes(1) && comes(2) && next == atomic_load(&w->n),
	     "the two behind it");
}

static void check_received_one(const struct point *p)
{
	int came;

	must(!p->over || (p->result == HEIRS && moved), "received: %d",
	     p->result);
	came = other_started(PEER) && atomic_load(&ring()->tail) != start;
	rest();
	seen(1, 0, 0, came && !moved);
}

static void check_not_received(const struct point *p, int result)
{
	must(!p->over || p->result == result, "received: %d", p->result);
	must(!moved, "nothing was received");
	rest();
	seen(1, 0, 0, 0);
}

static void check_small(const struct point *p)
{
	check_not_received(p, -EMSGSIZE);
}

static void check_received_none(const struct point *p)
{
	check_not_received(p, -ETIMEDOUT);
}

static void check_received_end(const struct point *p)
{
	must(!p->over || p->result == -EPIPE, "received: %d", p->result);
	must(!moved, "nothing was received");
}

/* One that was fetched died with its receiver; the other one comes. */
static void check_received_fd(const struct point *p)
{
	int mine;

	must(!p->over || (p->result == MINE && moved), "received: %d",
	     p->result);
	other_start(SECOND, last_word);
	peer_ends(receiver_of_fd);
	must(other_result(SECOND) == 0, "the last word");
	next = 0;
	mine = comes(MINE);
	next = 0;
	must(!mine || !moved, "the first one twice");
	seen(1, mine, 0, 1);
}

static void check_polled(const struct point *p)
{
	must(!p->over || p->result == 1, "polled: %d", p->result);
	must(!moved, "nothing was received");
	rest();
	seen(1, 0, 0, sent);
}

/* Who sends, or waits for room, learns that nobody receives any more. */
static void check_sender_learns(const struct point *p)
{
	int rc;

	must(!p->over || p->result >= 0, "received: %d", p->result);
	if (!other_started(PEER))
		other_start(PEER, sender_to_nobody);
	rc = other_result(PEER);
	must(rc == -EPIPE, "who sends: %d", rc);
}

/* clang-format off */
static const struct story stories[] = {
	/* Nobody else has the sender's end. */
	{ .what = "send, the last sender", .world = three,
	  .before = as_sender, .others = last_sender, .operation = send_one,
	  .slip = look, .check = check_end },
	{ .what = "send, the last sender, the peer sleeps",
	  .world = peer_receives, .before = as_sender,
	  .others = last_sender, .operation = send_one, .slip = look,
	  .check = check_end },
	{ .what = "send, nothing, the peer sleeps",
	  .world = peer_receives_zero, .before = as_sender,
	  .others = last_sender, .operation = send_one, .slip = look,
	  .check = check_end },
	{ .what = "send, in pieces, the last sender", .ours = 1,
	  .world = none_longer, .before = as_sender,
	  .others = last_sender, .operation = send_one, .slip = look,
	  .check = check_end },
	{ .what = "send, in pieces, the peer sleeps", .ours = 1,
	  .world = peer_receives_longer, .before = as_sender,
	  .others = last_sender, .operation = send_one, .slip = look,
	  .check = check_end },
	{ .what = "send, longer than the ring", .ours = 1,
	  .world = peer_receives_endless, .before = as_sender,
	  .others = last_sender, .operation = send_one,
	  .check = check_some_end },
	{ .what = "send, full, asleep", .ours = 1,
	  .world = full_peer_receives, .before = as_sender,
	  .others = last_sender, .operation = send_one,
	  .awaken = receive_some, .check = check_some_end },
	{ .what = "send, full, asleep, in pieces", .ours = 1,
	  .world = longer_peer_receives, .before = as_sender,
	  .others = last_sender, .operation = send_one,
	  .awaken = receive_some, .check = check_some_end },
	{ .what = "send_fd, the last sender", .world = none,
	  .before = as_sender, .others = last_sender,
	  .operation = send_descriptor, .slip = look,
	  .check = check_end_fd },
	{ .what = "send_fd, the peer sleeps", .world = peer_receives_fd,
	  .before = as_sender, .others = last_sender,
	  .operation = send_descriptor, .slip = look,
	  .check = check_end_fd },
	{ .what = "close, the last sender, the peer sleeps",
	  .world = peer_receives, .before = as_sender,
	  .others = last_sender, .operation = close_sender,
	  .check = check_closed },
	/* Another process goes on with it. */
	{ .what = "send, an heir", .alone = 1, .world = three,
	  .before = as_sender, .operation = send_one, .slip = look,
	  .check = check_heir },
	{ .what = "send, the first call in its process, an heir",
	  .alone = 1, .cold = 1, .ours = 1, .world = none,
	  .before = as_sender, .operation = send_one, .slip = look,
	  .check = check_heir },
	{ .what = "send, an heir, the peer sleeps", .world = peer_receives,
	  .before = as_sender, .operation = send_one, .slip = look,
	  .check = check_heir },
	{ .what = "send, in pieces, an heir", .ours = 1, .alone = 1,
	  .world = none_longer, .before = as_sender,
	  .operation = send_one, .slip = look, .check = check_heir },
	{ .what = "send, in pieces, an heir, the peer sleeps", .ours = 1,
	  .world = peer_receives_longer, .before = as_sender,
	  .operation = send_one, .slip = look, .check = check_heir },
	{ .what = "send, full, asleep, an heir", .ours = 1,
	  .world = full_peer_receives, .before = as_sender,
	  .operation = send_one, .awaken = receive_some,
	  .check = check_some_heir },
	{ .what = "send, full, timed out", .ours = 1, .world = full,
	  .before = as_sender, .operation = send_timed,
	  .check = check_in_vain },
	{ .what = "send, full, tried", .world = full, .before = as_sender,
	  .operation = send_try, .check = check_in_vain },
	{ .what = "send_fd, an heir", .world = none, .before = as_sender,
	  .operation = send_descriptor, .slip = look,
	  .check = check_heir_fd },
	/* The receiver. */
	{ .what = "recv, an heir", .alone = 1, .world = three,
	  .before = as_receiver, .operation = recv_one, .slip = look,
	  .check = check_received },
	{ .what = "recv, the first call in its process, an heir",
	  .alone = 1, .cold = 1, .ours = 1, .world = three,
	  .operation = recv_one, .slip = look, .check = check_received },
	{ .what = "recv, in pieces, an heir", .ours = 1, .alone = 1,
	  .world = longer_first, .before = as_receiver,
	  .operation = recv_one, .slip = look,
	  .check = check_received_longer },
	{ .what = "recv, too small a buffer, an heir", .alone = 1,
	  .world = three, .before = as_receiver, .operation = recv_small,
	  .slip = look, .check = check_small },
	{ .what = "recv, empty, asleep, an heir", .ours = 1,
	  .world = peer_sends, .before = as_receiver,
	  .operation = recv_one, .awaken = peer_sends_one, .slip = look,
	  .check = check_received_one },
	{ .what = "recv, empty, timed out, an heir", .ours = 1,
	  .world = none, .before = as_receiver, .operation = recv_timed,
	  .slip = look, .check = check_received_none },
	{ .what = "recv, empty, tried, an heir", .world = none,
	  .before = as_receiver, .operation = recv_try, .slip = look,
	  .check = check_received_none },
	{ .what = "recv, asleep, the peer dies", .ours = 1,
	  .world = peer_sends, .before = as_receiver,
	  .others = last_sender, .operation = recv_one,
	  .awaken = peer_dies, .slip = look,
	  .check = check_received_end },
	{ .what = "recv, the last receiver", .world = three,
	  .before = as_receiver, .others = last_receiver,
	  .operation = recv_one, .check = check_sender_learns },
	{ .what = "recv, the last receiver, the peer waits for room",
	  .world = full_peer_sends, .before = has_received_much,
	  .others = last_receiver, .operation = recv_one,
	  .check = check_sender_learns },
	{ .what = "recv_fd, an heir", .world = two_descriptors,
	  .before = as_receiver, .operation = recv_fd, .slip = look,
	  .check = check_received_fd },
	{ .what = "poll, asleep, an heir", .ours = 1, .world = peer_sends,
	  .before = as_receiver, .operation = poll_one,
	  .awaken = peer_sends_one, .slip = look, .check = check_polled },
	{ .what = "close, the last receiver, the peer waits for room",
	  .world = full_peer_sends, .before = as_receiver,
	  .others = last_receiver, .operation = close_receiver,
	  .check = check_sender_learns },
	/* A sender that waits, while its peer dies. */
	{ .what = "send, full, asleep, the peer dies", .ours = 1,
	  .victims_ns = NAP, .world = full_peer_receives,
	  .before = as_sender, .others = last_receiver,
	  .operation = send_one, .awaken = peer_dies,
	  .check = check_nobody },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	return kill_main(argc, argv, stories, COUNT(stories));
}
