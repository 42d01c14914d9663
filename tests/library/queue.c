/* Queues: what goes in comes out, in this order, and what is refused. */
#include "mp/queue.h"

#include <sys/stat.h>

#include "queues.h"

static char out[4096], in[4096];

static void fill(size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		out[i] = (char)(seed >> 16);
	}
}

/* ---- the object ---- */

static void sizes(void)
{
	const size_t most = MP_QUEUE_BYTES_MAX;

	is(mp_queue_size(0, 1), 0, "no queue of 0 messages");
	is(mp_queue_size(1, 0), 0, "nor of 0 bytes");
	is(mp_queue_size(UINT32_MAX, 1), 0, "nor of 2^32 - 1 messages");
	is(mp_queue_size(MP_QUEUE_ITEMS_MAX + 1, 1), 0, "or one too many");
	is(mp_queue_size(1, most + 1), 0, "nor of a byte too many");
	is(mp_queue_size(1, SIZE_MAX), 0, "nor of 2^64 - 1");
	ok(mp_queue_size(1, 1) >= sizeof(struct mp_queue) + 1, "the smallest");
	ok(mp_queue_size(1, most) > most, "the one of most bytes");
	ok(mp_queue_size(1000, 1 << 20) > mp_queue_size(100, 1 << 20),
	   "more messages need more");
}

static void init(void)
{
	fresh(4, 32, 0);
	is(mp_queue_init(q, 0, 32, 0), -EINVAL, "init: 0 messages");
	is(mp_queue_init(q, 4, 0, 0), -EINVAL, "0 bytes");
	is(mp_queue_init(q, 4, SIZE_MAX, 0), -EINVAL, "too many bytes");
	is(mp_queue_init(q, 4, 32, 2), -EINVAL, "an unknown flag");
	is(mp_queue_init(q, 4, 32, UINT32_MAX), -EINVAL, "many");
	is(mp_queue_init(not_shared(), 4, 32, 0), -EINVAL,
	   "memory that is not shared");
	is(mp_queue_init(q, 4, (size_t)SPACE * 16, 0), -EINVAL,
	   "memory of which only the beginning is");
	put(7, 0);
	is(get(0), 7, "after all these the queue is as before");
	memset(q, 0xff, 4096);
	is(mp_queue_init(q, 4, 32, MP_QUEUE_LEASE), 0,
	   "init makes an empty one of anything");
	is(mp_queue_qsize(q), 0, "nothing is in it");
	ok(mp_queue_empty(q) && !mp_queue_full(q), "empty and not full");
	is(get(0), -ETIMEDOUT, "and nothing to get");
	is(put(1, 0), 0, "put works");
	is(get(0), 1, "and get");
	mp_queue_task_done(q); /* it lies in memory that is used again */
}

/* Only what is used is touched: a queue of 64 MB with one small message. */
static void untouched(void)
{
	size_t size = mp_queue_size(1 << 20, 1 << 26);
	struct mp_shm m;
	struct stat st;
	struct mp_queue *big;

	if (mp_shm_create(&m, NULL, size) < 0)
		errx(1, "mp_shm_create");
	big = m.addr;
	is(mp_queue_init(big, 1 << 20, 1 << 26, 0), 0, "a large queue");
	mp_queue_put(big, "hello", 5, 0);
	is(mp_queue_get(big, in, sizeof(in), 0, NULL), 0, "used once");
	fstat(m.fd, &st);
	ok(st.st_blocks * 512 <= 65536, "takes %ld of %zu bytes",
	   (long)st.st_blocks * 512, size);
	mp_shm_close(&m);
}

/* At two addresses in one process. */
static void any_address(void)
{
	size_t size = mp_queue_size(3, 300);
	struct mp_shm m;
	struct mp_queue *one, *two;

	mp_shm_create(&m, NULL, size);
	one = m.addr;
	two = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	mp_queue_init(one, 3, 300, MP_QUEUE_LEASE);
	mp_queue_put(one, "hello", 5, 0);
	is(mp_queue_get(two, in, sizeof(in), 0, NULL), 0,
	   "put at one address, got at another");
	ok(memcmp(in, "hello", 5) == 0, "it is the same");
	is(mp_queue_task_done(two), 0, "and done");
	is(mp_queue_join(one, 0), 0, "which is seen at the first");
	munmap(two, size);
	mp_shm_close(&m);
}

/* ---- messages ---- */

static void in_order(void)
{
	int bad = 0;

	fresh(100, 800, 0);
	put_all(0, 100);
	is(mp_queue_qsize(q), 100, "100 messages");
	for (int i = 0; i < 100; i++)
		bad += get(0) != i;
	is(bad, 0, "come in the order in which they were put");
	is(get(0), -ETIMEDOUT, "and then no more");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static void lengths(void)
{
	static const size_t of[] = { 0, 1, 7, 8, 9, 63, 64, 65, 999, 1000 };
	enum { N = sizeof(of) / sizeof(of[0]) };
	size_t length;
	int bad = 0;

	fresh(N, 4000, 0);
	q->bytes = 1000; /* the longest; room for all of them */
	for (int i = 0; i < N; i++) {
		fill(of[i], (unsigned)i);
		bad += mp_queue_put(q, out, of[i], 0) != 0;
	}
	is(bad, 0, "messages of 0 to 1000 bytes");
	for (int i = 0; i < N; i++) {
		fill(of[i], (unsigned)i);
		memset(in, 0x55, sizeof(in));
		bad += get_length(in, sizeof(in)) != (int)of[i] ||
		       memcmp(in, out, of[i]) != 0 || in[of[i]] != 0x55;
	}
	is(bad, 0, "are got as they were, and not a byte more");
	is(mp_queue_put(q, out, 1001, 0), -EMSGSIZE, "one longer than any");
	is(mp_queue_put(q, out, 1001, -1), -EMSGSIZE, "does not wait");
	is(mp_queue_put(q, out, SIZE_MAX, 0), -EMSGSIZE, "2^64 - 1 bytes");
	is(mp_queue_put(q, out, SIZE_MAX - 20, 0), -EMSGSIZE, "a few less");
	is(mp_queue_put(q, out, (size_t)1 << 32, 0), -EMSGSIZE, "2^32");
	is(mp_queue_qsize(q), 0, "nothing of them is in the queue");
	is(mp_queue_put(q, NULL, 0, 0), 0, "no bytes, from nowhere");
	is(mp_queue_get(q, NULL, 0, 0, &length), 0, "to nowhere");
	is((long long)length, 0, "have length 0");
}

static void too_small(void)
{
	size_t length = 99;

	fresh(4, 400, 0);
	mp_queue_put(q, "0123456789", 10, 0);
	mp_queue_put(q, "next", 4, 0);
	memset(in, 0x55, sizeof(in));
	is(mp_queue_get(q, in, 9, 0, &length), -EMSGSIZE, "10 bytes into 9");
	is((long long)length, 10, "the length is told");
	is(mp_queue_get(q, in, 0, -1, &length), -EMSGSIZE, "into none");
	is(mp_queue_get(q, in, 9, LONG, NULL), -EMSGSIZE, "length unasked");
	ok(in[0] == 0x55, "nothing was copied");
	is(mp_queue_qsize(q), 2, "it stays in the queue");
	is(get_length(in, 10), 10, "and is got into 10");
	ok(memcmp(in, "0123456789", 10) == 0, "whole");
	is(get_length(in, 10), 4, "the next one after it");
	length = 99;
	is(mp_queue_get(q, in, 10, 0, &length), -ETIMEDOUT, "an empty queue");
	is((long long)length, 99, "tells no length");
}

/* The number of a message has 32 bits. */
static void many(void)
{
	const uint64_t end = UINT32_MAX - 1;
	int bad = 0;

	fresh(3, 24, 0);
	atomic_store(&q->tail, end);
	atomic_store(&q->head, end);
	atomic_store(&q->done, (uint32_t)end);
	q->limit_seen = q->tail_seen = end;
	is(mp_queue_qsize(q), 0, "after 2^32 - 2 messages: none is there");
	for (int i = 0; i < 10; i++) {
		put_all(3 * i, 3 * i + 3);
		bad += !mp_queue_full(q) || put(0, 0) != -ETIMEDOUT ||
		       mp_queue_qsize(q) != 3 ||
		       mp_queue_join(q, 0) != -ETIMEDOUT;
		for (int k = 0; k < 3; k++)
			bad += get(0) != 3 * i + k ||
			       mp_queue_task_done(q) != 0;
		bad += mp_queue_join(q, 0) != 0 || !mp_queue_empty(q);
	}
	is(bad, 0, "and 30 more are as the first");
}

static int use(void *object)
{
	struct mp_queue *a = object;
	int result = mp_queue_init(a, 4, 64, MP_QUEUE_LEASE);

	result |= mp_queue_put(a, "hello", 5, -1);
	result |= mp_queue_get(a, in, sizeof(in), -1, NULL);
	result |= mp_queue_task_done(a);
	return result | mp_queue_join(a, -1);
}

int main(void)
{
	mp_backstop_set(0);
	sizes();
	init();
	untouched();
	any_address();
	in_order();
	lengths();
	too_small();
	many();
	is(left_of_10000(mp_queue_size(4, 64), use), 0,
	   "10,000 queues, and nothing of them is left");
	return tap_done();
}
