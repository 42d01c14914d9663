/* Messages at every place of a small ring: each position where a record can
 * begin, and each length, up to exactly full.  Nothing behind the object is
 * touched. */
#include "mp/pipe.h"
#include "mp/queue.h"
#include "waiting.h"

#define GUARD 64 /* bytes behind the object, which must stay as they are */

static unsigned char byte_of(size_t length, size_t i)
{
	return (unsigned char)(length * 7 + i * 13 + i / 256 + 1);
}

static void fill(unsigned char *p, size_t length)
{
	for (size_t i = 0; i < length; i++)
		p[i] = byte_of(length, i);
}

static int same(const unsigned char *p, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (p[i] != byte_of(length, i))
			return 0;
	return 1;
}

/* ---- queue */

static struct mp_queue *q;
static size_t q_size;

static uint64_t queue_at(void)
{
	return atomic_load(&q->tail) >> 32 << 3;
}

static int put(size_t length)
{
	unsigned char message[512];

	fill(message, length);
	return mp_queue_put(q, message, length, 0);
}

static int got(size_t length)
{
	unsigned char message[512];
	size_t n = 0;

	return mp_queue_get(q, message, sizeof(message), 0, &n) == 0 &&
	       n == length && same(message, n) && mp_queue_task_done(q) == 0;
}

static int new_queue(uint32_t items, size_t bytes, uint32_t flags)
{
	q_size = mp_queue_size(items, bytes);
	q = share(q_size + GUARD);
	memset((char *)q + q_size, 0xa5, GUARD);
	return mp_queue_init(q, items, bytes, flags);
}

static int guarded(void)
{
	for (int i = 0; i < GUARD; i++)
		if (((unsigned char *)q)[q_size + (size_t)i] != 0xa5)
			return 0;
	return 1;
}

/* Go round by messages of no bytes. */
static int go_to(uint64_t at)
{
	for (int i = 0; queue_at() != at; i++)
		if (i == 10000 || put(0) < 0 || !got(0))
			return 0;
	return 1;
}

/* A message of each length, and then as many as go in.  1: all well. */
static int lengths_from(uint64_t at)
{
	int n, rc, bad = 0;

	for (size_t length = 0; length <= q->bytes && !bad; length++) {
		bad |= !go_to(at) || put(length) < 0 || !got(length);
		bad |= !go_to(at);
		for (n = 0; (rc = put(length)) == 0; n++)
			;
		bad |= rc != -ETIMEDOUT || n < 1 || n > (int)q->items;
		/* What the header promises to fit. */
		bad |= n < (int)q->items && length * (q->items) <= q->bytes;
		bad |= mp_queue_qsize(q) != n;
		for (int i = 0; i < n; i++)
			bad |= !got(length);
		bad |= !mp_queue_empty(q);
		if (bad)
			printf("# at %d, %zu bytes: %d went in, %d\n", (int)at,
			       length, n, rc);
	}
	return !bad;
}

static void queue_wraps(uint32_t items, size_t bytes, uint32_t flags)
{
	int places = 0, good = 1;
	uint64_t first, at;

	is(new_queue(items, bytes, flags), 0, "queue of %u and %zu bytes%s",
	   items, bytes, flags ? ", leases" : "");
	/* All places that there are: those of the empty messages. */
	at = first = queue_at();
	do {
		good &= lengths_from(at) && go_to(at) && put(0) == 0 && got(0);
		at = queue_at();
		places++;
	} while (good && at != first && places < 1000);
	ok(good && guarded(), "each length at each of %d places", places);
	munmap(q, q_size + GUARD);
}

/* Exactly `bytes` together: always. */
static void queue_full(void)
{
	size_t length[] = { 1, 63, 7, 25, 32 };
	int good = 1;

	is(new_queue(5, 128, 0), 0, "queue of 5 and 128 bytes");
	for (int turn = 0; turn < 1000 && good; turn++) {
		for (int i = 0; i < 5; i++)
			good &= put(length[(i + turn) % 5]) == 0;
		good &= mp_queue_full(q) && put(0) == -ETIMEDOUT;
		for (int i = 0; i < 5; i++)
			good &= got(length[(i + turn) % 5]);
		good &= put(0) == 0 && got(0);
	}
	ok(good && guarded(), "5 messages of together 128 bytes fit, anywhere");
	is(put(129), -EMSGSIZE, "129 bytes");
	munmap(q, q_size + GUARD);
}

/* ---- pipe */

#define RING MP_PIPE_BYTES_MIN

static struct mp_conn a, b;
static unsigned char out[4 * RING], in[4 * RING];

static int sent(size_t length)
{
	fill(out, length);
	return mp_conn_send(&b, out, length, 0) == 0;
}

static int received(size_t length)
{
	size_t n = 0;

	return mp_conn_recv(&a, in, sizeof(in), 0, &n) == 0 && n == length &&
	       same(in, n);
}

/* At each place one message of each length of a record; the ring is as long as
 * it is, so the place after it is known. */
static void pipe_wraps(void)
{
	int good = mp_pipe(&a, &b, false, RING) == 0, places = 0;
	size_t longest = RING / 4, step;

	/* After each message a short one, so that its end is seen too. */
	for (size_t length = 0; length <= longest && good; length++) {
		step = 8 + (length + 7) / 8 * 8 + 16;
		for (size_t at = 0; at < RING && good; at += 8) {
			good &= sent(length) && sent(8);
			good &= received(length) && received(8);
			/* On to the next place. */
			for (size_t left = (RING - step % RING + 8) % RING;
			     left != 0 && good;) {
				size_t n = left > 1024 ? 1024 - 8 : left - 8;

				good &= sent(n) && received(n);
				left -= 8 + n;
			}
			places++;
		}
		if (!good)
			printf("# %zu bytes, the %d-th\n", length, places);
	}
	ok(good, "pipe: each length up to %zu at each place", longest);
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* As many as go in, at each place; what was refused has left no trace. */
static void pipe_full(void)
{
	static const size_t length[] = { 0, 8, 24, 56, 1000, 1024 };
	int good = mp_pipe(&a, &b, false, RING) == 0, n;

	for (size_t i = 0; i < sizeof(length) / sizeof(length[0]); i++)
		for (size_t at = 0; at < RING && good; at += 8) {
			for (n = 0; sent(length[i]); n++)
				;
			good &= n >= (int)(RING / (16 + length[i])) - 1;
			while (n-- > 0)
				good &= received(length[i]);
			good &= mp_conn_poll(&a, 0) == 0;
			good &= sent(0) && received(0);
		}
	ok(good, "pipe: full at each place");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* Longer than a record, and than the ring: somebody must receive. */
static int echo(long longest)
{
	size_t n = 0;

	mp_conn_close(&b);
	for (size_t length = 0; length <= (size_t)longest; length += 97)
		if (mp_conn_recv(&a, in, sizeof(in), LONG, &n) < 0 ||
		    n != length || !same(in, n))
			return 1;
	return 0;
}

static void pipe_long(void)
{
	int good = mp_pipe(&a, &b, false, RING) == 0;
	pid_t pid = start(echo, 4 * RING);

	for (size_t length = 0; length <= 4 * RING && good; length += 97) {
		fill(out, length);
		good &= mp_conn_send(&b, out, length, LONG) == 0;
	}
	ok(good, "pipe: lengths up to four rings are sent");
	is(end_of(pid), 0, "and received");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* A long one is given up half-way; a short one comes, and then another long one
 * of the same length, half of it at a time. */
static void pipe_given_up(void)
{
	int good = mp_pipe(&a, &b, false, RING) == 0;
	size_t n = 0;

	memset(out, 0xee, RING);
	good &= mp_conn_send(&b, out, RING, 0) == -ETIMEDOUT;
	good &= mp_conn_recv(&a, in, sizeof(in), 0, &n) == -ETIMEDOUT;
	good &= sent(8);
	good &= mp_conn_recv(&a, in, sizeof(in), 0, &n) == -ECONNRESET;
	good &= received(8);
	ok(good, "pipe: a message that is given up is cut off");
	fill(out, RING);
	good &= mp_conn_send(&b, out, RING, 0) == -ETIMEDOUT;
	good &= mp_conn_recv(&a, in, sizeof(in), 0, &n) == -ETIMEDOUT;
	good &= mp_conn_send(&b, out, RING, 0) == 0;
	good &= mp_conn_recv(&a, in, sizeof(in), 0, &n) == 0;
	ok(good && n == RING && same(in, RING), "pipe: and the next is whole");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

int main(void)
{
	queue_wraps(1, 1, 0);
	queue_wraps(1, 64, 0);
	queue_wraps(4, 40, 0);
	queue_wraps(7, 129, 0);
	queue_wraps(3, 33, MP_QUEUE_LEASE);
	queue_full();
	pipe_wraps();
	pipe_full();
	pipe_long();
	pipe_given_up();
	return tap_done();
}
