/* A pipe with two ways: one end is killed at every instruction of sending and
 * of receiving.  The other way is none the worse: what was sent is received,
 * then comes the end of file.  Or another process goes on with the end of the
 * dead, and finds what had been sent to it.
 *
 * 1, 2, 3 were sent by the victim's end before, 11, 12, 13 to it; the victim
 * sends 1000, its heir 2000.  pipe.c has one way in all situations. */
#include "driver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mp/pipe-ring.h"
#include "mp/pipe.h"

#define BYTES  MP_PIPE_BYTES_MIN
#define BEFORE 3
#define THEIRS 10 /* the first but one that was sent to the victim */
#define MINE   1000
#define HEIRS  2000
#define RESET  (-1)        /* a message was cut off */
#define LONGER (BYTES / 2) /* in several records */

enum { PEER, HEIR };

struct book {
	int32_t seen[512]; /* what was received, in turn */
	_Atomic int n;
};
struct world {
	struct book book[2]; /* of the peer, of the heir */
};
static struct world *w;

static struct mp_conn end[2];
static int mine, theirs; /* which of the two is the victim's, the peer's */
static size_t size;      /* of the long messages */
static uint64_t out_start, in_start; /* where the story's records begin */
static int there; /* messages that were sent by the victim's end before */

/* ---- messages: numbers; 1000 and 11 may be long ---- */

static unsigned char message[LONGER];

static size_t length_of(int n)
{
	return n == MINE || n == THEIRS + 1 ? size : sizeof(int32_t);
}

static void write_number(int n)
{
	int32_t number = n;

	memset(message, n, sizeof(message));
	memcpy(message, &number, sizeof(number));
}

static int send_number(int which, int n, int64_t timeout_ns)
{
	write_number(n);
	return mp_conn_send(&end[which], message, length_of(n), timeout_ns);
}

/* The number, or an error; -EIO: not what was sent. */
static int recv_number(int which, int64_t timeout_ns)
{
	size_t length = 0;
	int32_t n = 0;
	int rc = mp_conn_recv(&end[which], message, sizeof(message), timeout_ns,
			      &length);

	if (rc < 0)
		return rc;
	memcpy(&n, message, sizeof(n));
	if (n == 0 || length != length_of(n))
		return -EIO;
	for (size_t i = sizeof(n); i < length; i++)
		if (message[i] != (unsigned char)n)
			return -EIO;
	return n;
}

static void note(int whose, int n)
{
	struct book *b = &w->book[whose];
	int i = atomic_fetch_add(&b->n, 1);

	if (i < COUNT(b->seen))
		b->seen[i] = n;
}

/* ---- the victim: no more instructions than needed ---- */

static void as_victim(void)
{
	mp_conn_close(&end[theirs]);
	write_number(MINE);
}

static int send_one(void)
{
	return mp_conn_send(&end[mine], message, size, -1);
}

static int recv_one(void)
{
	int rc = mp_conn_recv(&end[mine], message, sizeof(message), -1, NULL);
	int32_t n;

	memcpy(&n, message, sizeof(n));
	return rc < 0 ? rc : n;
}

static int round_trip(void)
{
	int rc = send_one();

	return rc < 0 ? rc : recv_one();
}

static int close_end(void)
{
	return mp_conn_close(&end[mine]);
}

/* ---- the others ---- */

/* All that comes, until the end. */
static int receive_all(int which, int whose)
{
	int rc;

	for (;;) {
		rc = recv_number(which, -1);
		if (rc == -EPIPE)
			return 0;
		if (rc < 0 && rc != -ECONNRESET)
			return rc;
		note(whose, rc < 0 ? RESET : rc);
	}
}

static int send_to_nobody(void)
{
	int rc;

	do
		rc = send_number(theirs, THEIRS, -1);
	while (rc == 0);
	return rc == -EPIPE ? 0 : rc;
}

static int receiving_peer(struct other *self)
{
	int rc;

	mp_conn_close(&end[mine]);
	other_at(self, 1);
	rc = receive_all(theirs, PEER);
	return rc < 0 ? rc : send_to_nobody();
}

/* Answers the first message. */
static int answering_peer(struct other *self)
{
	int rc;

	mp_conn_close(&end[mine]);
	other_at(self, 1);
	rc = recv_number(theirs, -1);
	if (rc > 0) {
		note(PEER, rc);
		rc = send_number(theirs, THEIRS + 1, -1);
	}
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
		return rc;
	return receive_all(theirs, PEER);
}

/* Sends until nobody is there any more, then receives. */
static int sending_peer(struct other *self)
{
	int rc;

	mp_conn_close(&end[mine]);
	other_at(self, 1);
	rc = send_to_nobody();
	return rc < 0 ? rc : receive_all(theirs, PEER);
}

/* Receives as many as it is told to, then all. */
static int slow_peer(struct other *self)
{
	uint32_t n = 0;
	int rc;

	mp_conn_close(&end[mine]);
	for (;;) {
		other_at(self, ++n);
		other_until(self, n);
		rc = recv_number(theirs, -1);
		if (rc == -EPIPE)
			return 0;
		if (rc < 0)
			return rc;
		note(PEER, rc);
	}
}

/* Takes over: receives what is there, and sends. */
static int heir(struct other *self)
{
	int rc;

	(void)self;
	mp_conn_close(&end[theirs]);
	while ((rc = recv_number(mine, 0)) > 0)
		note(HEIR, rc);
	return rc == -ETIMEDOUT ? send_number(mine, HEIRS, -1) : rc;
}

/* ---- worlds ---- */

static void make(int victims)
{
	static int made;

	if (made++ != 0) {
		mp_conn_close(&end[0]);
		mp_conn_close(&end[1]);
	}
	mine = victims;
	theirs = 1 - victims;
	size = sizeof(int32_t);
	there = 0;
	must(mp_pipe(&end[0], &end[1], true, BYTES) == 0, "mp_pipe");
	kill_counters_forget();
	kill_counters(&end[theirs].in->counters);
	kill_counters(&end[theirs].out->counters);
}

static void fill(void)
{
	for (int i = 1; i <= BEFORE; i++)
		must(send_number(mine, i, 0) == 0 &&
			     send_number(theirs, THEIRS + i, 0) == 0,
		     "messages both ways");
	there = BEFORE;
	out_start = atomic_load(&end[theirs].in->tail);
	in_start = atomic_load(&end[theirs].out->head);
}

static void both(void)
{
	make(1);
	fill();
}

/* The same for the end that was made first. */
static void both_first(void)
{
	make(0);
	fill();
}

static void both_longer(void)
{
	make(1);
	size = LONGER;
	fill();
}

static void start_peer(int (*f)(struct other *))
{
	out_start = atomic_load(&end[theirs].in->tail);
	in_start = atomic_load(&end[theirs].out->head);
	other_start(PEER, f);
	other_reach(PEER, 1);
}

static void peer_receives(void)
{
	make(1);
	start_peer(receiving_peer);
	other_asleep(PEER);
}

static void peer_receives_first(void)
{
	make(0);
	start_peer(receiving_peer);
	other_asleep(PEER);
}

static void peer_answers(void)
{
	make(1);
	start_peer(answering_peer);
	other_asleep(PEER);
}

static void peer_waits_for_room(void)
{
	both();
	other_start(PEER, sending_peer);
	other_reach(PEER, 1);
	other_asleep(PEER);
}

static void full(void)
{
	both();
	while (send_number(mine, there + 1, 0) == 0)
		there++;
	out_start = atomic_load(&end[theirs].in->tail);
	other_start(PEER, slow_peer);
	other_reach(PEER, 1);
}

/* Nobody but the victim has its end. */
static void last_one(void)
{
	mp_conn_close(&end[mine]);
}

/* ---- the victim sleeps ---- */

static void send_to_it(int nth)
{
	if (nth == 0)
		must(send_number(theirs, THEIRS + 1, 0) == 0, "11 is sent");
}

static void receive_some(int nth)
{
	uint32_t n = 80 * ((uint32_t)nth + 1); /* an eighth of the ring */

	other_go(PEER, n);
	other_reach(PEER, n + 1);
}

/* ---- checks ---- */

static int taken, sent, cut; /* at the moment of the kill */

static void look(void)
{
	struct mp_ring *out = end[theirs].in;
	uint64_t at = out_start, header;

	sent = cut = 0;
	taken = atomic_load(&end[theirs].out->head) != in_start;
	if (atomic_load(&out->head) > out_start) {
		sent = -1; /* who has received it knows */
		return;
	}
	while ((header = atomic_load(mp_pipe_header(out, at))) != 0) {
		cut = !(header & MP_PIPE_LAST);
		sent += !cut;
		at += mp_pipe_size(header);
	}
}

static int next;

static int comes(int whose, int n)
{
	const struct book *b = &w->book[whose];

	if (next >= atomic_load(&b->n) || b->seen[next] != n)
		return 0;
	next++;
	return 1;
}

static void nothing_else(int whose)
{
	const struct book *b = &w->book[whose];

	must(next == atomic_load(&b->n), "nothing else comes, but %d",
	     b->seen[next]);
}

static void peer_ends(int (*f)(struct other *))
{
	int rc;

	if (!other_started(PEER))
		other_start(PEER, f);
	other_go(PEER, UINT32_MAX);
	rc = other_result(PEER);
	must(rc == 0, "the peer: %d", rc);
}

/* What came to the peer: what was sent before, and the victim's if it was
 * sent. */
static void peer_saw(const struct point *p, int sends, int heirs)
{
	int came;

	next = 0;
	for (int i = 1; i <= there; i++)
		must(comes(PEER, i), "%d comes", i);
	came = comes(PEER, MINE);
	must(!came || sends, "the victim's comes");
	must(came || !sends || !p->over, "the victim's does not come");
	must(sent < 0 || came == sent, "the victim's comes: %d, %d", came,
	     sent);
	must(comes(PEER, RESET) == cut, "a message is cut off: %d", cut);
	must(comes(PEER, HEIRS) == heirs, "the heir's comes: %d", heirs);
	nothing_else(PEER);
}

static void check_sent(const struct point *p)
{
	must(!p->over || p->result == 0, "sent: %d", p->result);
	peer_ends(receiving_peer);
	peer_saw(p, 1, 0);
}

static void check_received(const struct point *p)
{
	must(!p->over || p->result == THEIRS + 1, "received: %d", p->result);
	peer_ends(receiving_peer);
	peer_saw(p, 0, 0);
}

static void check_round_trip(const struct point *p)
{
	must(!p->over || p->result == THEIRS + 1, "received: %d", p->result);
	sent = -1;
	cut = 0;
	peer_ends(answering_peer);
	peer_saw(p, 1, 0);
}

static void check_told(const struct point *p)
{
	must(!p->over || p->result == 0, "sent: %d", p->result);
	peer_ends(sending_peer);
	peer_saw(p, 1, 0);
}

static void check_closed(const struct point *p)
{
	must(!p->over || p->result == 0, "closed: %d", p->result);
	peer_ends(receiving_peer);
	peer_saw(p, 0, 0);
}

/* The heir gets what the victim had not taken; the peer what both sent. */
static void check_heir(const struct point *p, int sends, int came,
		       int (*f)(struct other *))
{
	int rc;

	other_start(HEIR, heir);
	if (!other_started(PEER))
		other_start(PEER, f);
	other_go(PEER, UINT32_MAX);
	rc = other_result(HEIR);
	must(rc == 0, "the heir: %d", rc);
	mp_conn_close(&end[mine]); /* the heir has ended: nobody has it */
	peer_ends(f);
	peer_saw(p, sends, 1);
	next = 0;
	for (int i = 1 + taken; i <= came; i++)
		must(comes(HEIR, THEIRS + i), "%d comes to the heir",
		     THEIRS + i);
	nothing_else(HEIR);
}

static void check_sent_heir(const struct point *p)
{
	must(!p->over || p->result == 0, "sent: %d", p->result);
	must(!taken, "nothing was received");
	check_heir(p, 1, BEFORE, receiving_peer);
}

static void check_sent_full_heir(const struct point *p)
{
	must(!p->over || p->result == 0, "sent: %d", p->result);
	check_heir(p, 1, BEFORE, slow_peer);
}

static void check_received_heir(const struct point *p)
{
	must(!p->over || (p->result == THEIRS + 1 && taken), "received: %d",
	     p->result);
	check_heir(p, 0, BEFORE, receiving_peer);
}

/* One came, if the victim had got as far as to its sleep. */
static void check_came_heir(const struct point *p)
{
	int came = atomic_load(&end[theirs].out->tail) != in_start;

	must(!p->over || (p->result == THEIRS + 1 && taken), "received: %d",
	     p->result);
	check_heir(p, 0, came, receiving_peer);
}

/* clang-format off */
static const struct story stories[] = {
	/* Nobody else has the victim's end. */
	{ .what = "send, the last one", .world = both, .before = as_victim,
	  .others = last_one, .operation = send_one, .slip = look,
	  .check = check_sent },
	{ .what = "send by the first end, the last one", .world = both_first,
	  .before = as_victim, .others = last_one, .operation = send_one,
	  .slip = look, .check = check_sent },
	{ .what = "send, in pieces, the last one", .ours = 1,
	  .world = both_longer, .before = as_victim, .others = last_one,
	  .operation = send_one, .slip = look, .check = check_sent },
	{ .what = "send, the last one, the peer sleeps", .alone = 1,
	  .world = peer_receives, .before = as_victim, .others = last_one,
	  .operation = send_one, .slip = look, .check = check_sent },
	{ .what = "recv, the last one", .world = both, .before = as_victim,
	  .others = last_one, .operation = recv_one, .slip = look,
	  .check = check_received },
	{ .what = "recv by the first end, the last one", .world = both_first,
	  .before = as_victim, .others = last_one, .operation = recv_one,
	  .slip = look, .check = check_received },
	{ .what = "recv, asleep, the last one, the peer sleeps", .ours = 1,
	  .alone = 1, .world = peer_receives, .before = as_victim,
	  .others = last_one, .operation = recv_one,
	  .awaken = send_to_it, .slip = look, .check = check_received },
	{ .what = "a round trip, the last one", .ours = 1, .alone = 1,
	  .world = peer_answers, .before = as_victim, .others = last_one,
	  .operation = round_trip, .check = check_round_trip },
	{ .what = "send, the last one, the peer waits for room", .ours = 1,
	  .world = peer_waits_for_room, .before = as_victim,
	  .others = last_one, .operation = send_one, .slip = look,
	  .check = check_told },
	{ .what = "close, the last one", .world = both, .before = as_victim,
	  .others = last_one, .operation = close_end, .slip = look,
	  .check = check_closed },
	{ .what = "close, the last one, the peer sleeps", .alone = 1,
	  .world = peer_receives, .before = as_victim, .others = last_one,
	  .operation = close_end, .slip = look, .check = check_closed },
	/* Another process goes on with it. */
	{ .what = "send, an heir", .world = both, .before = as_victim,
	  .operation = send_one, .slip = look, .check = check_sent_heir },
	{ .what = "send by the first end, an heir", .world = both_first,
	  .before = as_victim, .operation = send_one, .slip = look,
	  .check = check_sent_heir },
	{ .what = "send, in pieces, an heir", .ours = 1,
	  .world = both_longer, .before = as_victim,
	  .operation = send_one, .slip = look, .check = check_sent_heir },
	{ .what = "send, full, asleep, an heir", .ours = 1, .world = full,
	  .before = as_victim, .operation = send_one,
	  .awaken = receive_some, .slip = look,
	  .check = check_sent_full_heir },
	{ .what = "recv, an heir", .world = both, .before = as_victim,
	  .operation = recv_one, .slip = look,
	  .check = check_received_heir },
	{ .what = "recv, in pieces, an heir", .ours = 1,
	  .world = both_longer, .before = as_victim,
	  .operation = recv_one, .slip = look,
	  .check = check_received_heir },
	{ .what = "recv by the first end, asleep, an heir, the peer sleeps",
	  .ours = 1, .world = peer_receives_first, .before = as_victim,
	  .operation = recv_one, .awaken = send_to_it, .slip = look,
	  .check = check_came_heir },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	return kill_main(argc, argv, stories, COUNT(stories));
}
