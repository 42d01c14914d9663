/* Queues: what fits, wherever the ring begins, and what does not. */
#include "mp/queue.h"

#include "queues.h"

static char out[4096], in[4096];

static void fill(size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		out[i] = (char)(seed >> 16);
	}
}

/* ---- how much fits ---- */

static void one_slot(void)
{
	fresh(1, 1, 0);
	for (int i = 0; i < 300; i++) {
		char c = (char)i, d = 0;
		int good = mp_queue_put(q, &c, 1, 0) == 0 && mp_queue_full(q) &&
			   mp_queue_put(q, &c, 1, 0) == -ETIMEDOUT &&
			   mp_queue_put(q, &c, 0, 0) == -ETIMEDOUT &&
			   mp_queue_get(q, &d, 1, 0, NULL) == 0 && d == c &&
			   mp_queue_empty(q) &&
			   mp_queue_get(q, &d, 1, 0, NULL) == -ETIMEDOUT;

		if (!good || i == 299) {
			ok(good, "one message of one byte, %d times", i + 1);
			break;
		}
	}
	is(count(MP_RESCUES) + count(MP_SLEEPS), 0, "a try never sleeps");
}

/* 1: what full says is what put does. */
static int full_is_true(void)
{
	int full = mp_queue_full(q);

	return full == (mp_queue_put(q, NULL, 0, 0) == -ETIMEDOUT);
}

/* `items` messages of together `bytes` bytes, wherever the ring begins: one is
 * as long as it can be, and the others share what is left. */
static int always_fits(uint32_t items, size_t bytes, uint32_t flags)
{
	size_t left, length;
	int bad = 0, n;

	fresh(items, bytes, flags);
	for (uint32_t lap = 0; lap < 300; lap++) {
		left = bytes;
		for (uint32_t i = 0; i < items; i++) {
			length = i == lap % items ? left
						  : left / (items - i) / 2;
			if (i + 1 == items)
				length = left;
			fill(length, lap + i);
			bad += mp_queue_put(q, out, length, 0) != 0;
			left -= length;
		}
		bad += !full_is_true() || mp_queue_qsize(q) != (int)items;
		left = bytes;
		for (uint32_t i = 0; i < items; i++) {
			n = get_length(in, sizeof(in));
			fill(n < 0 ? 0 : (size_t)n, lap + i);
			bad += n < 0 || memcmp(in, out, (size_t)n) != 0;
			if (flags & MP_QUEUE_LEASE)
				bad += mp_queue_task_done(q) != 0;
			left -= (size_t)n;
		}
		bad += left != 0 || !mp_queue_empty(q);
		/* Begin elsewhere next time. */
		mp_queue_put(q, out, lap % (bytes + 1), 0);
		get_length(in, sizeof(in));
		mp_queue_task_done(q);
	}
	return bad;
}

static void fitting(void)
{
	static const uint32_t items[] = { 1, 2, 3, 7, 20 };
	static const size_t bytes[] = { 1, 5, 8, 9, 24, 100, 1000 };
	int bad = 0;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		for (size_t j = 0; j < sizeof(bytes) / sizeof(bytes[0]); j++)
			bad += always_fits(items[i], bytes[j], 0) +
			       always_fits(items[i], bytes[j], MP_QUEUE_LEASE);
	is(bad, 0, "`items` messages of together `bytes` always fit");
}

/* Full is also when not even an empty message fits any more. */
static void full(void)
{
	int bad = 0, n = 0;

	fresh(1000, 64, 0);
	while (mp_queue_put(q, out, 64, 0) == 0)
		n++;
	bad += mp_queue_full(q);
	for (; n < 1000 && !mp_queue_full(q); n++)
		bad += !full_is_true();
	is(bad, 0, "what full says is what put does (%d messages)", n);
	is(mp_queue_put(q, NULL, 0, 0), -ETIMEDOUT, "full: no room for one");
	is(mp_queue_qsize(q), n, "all are there");
	get_length(in, sizeof(in));
	is(mp_queue_full(q), 0, "one got: no longer full");
}

/* Any lengths, any number: beside a list of what should be in there. */
static void random_lengths(uint32_t items, size_t bytes, uint32_t flags)
{
	enum { LAST = 20 };
	size_t used = 0, length[LAST], n;
	unsigned first = 0, last = 0, seed = 1;
	int bad = 0, refused = 0, error;

	fresh(items, bytes, flags);
	for (int i = 0; i < 40000; i++) {
		seed = seed * 1103515245 + 12345;
		n = (seed >> 16) % (bytes + 1) >> (seed >> 8 & 3);
		if (seed >> 30 & 1) {
			fill(n, last);
			error = mp_queue_put(q, out, n, 0);
			refused += error != 0;
			/* (It may hold a little more than `bytes`.) */
			bad += error != 0 && last - first < items &&
			       used + n <= bytes;
			bad += error == 0 && last - first >= items;
			if (error == 0) {
				used += n;
				length[last++ % LAST] = n;
			}
		} else {
			error = get_length(in, sizeof(in));
			if (first == last) {
				bad += error != -ETIMEDOUT;
				continue;
			}
			n = length[first % LAST];
			fill(n, first++);
			bad += error != (int)n || memcmp(in, out, n) != 0;
			used -= n;
			if (flags & MP_QUEUE_LEASE)
				bad += mp_queue_task_done(q) != 0;
		}
		bad += mp_queue_qsize(q) != (int)(last - first);
	}
	ok(bad == 0 && refused > 0,
	   "%u messages, %zu bytes%s: 40,000 puts and gets (%d refused)", items,
	   bytes, flags ? ", leases" : "", refused);
}

int main(void)
{
	mp_backstop_set(0);
	one_slot();
	fitting();
	full();
	random_lengths(1, 16, 0);
	random_lengths(3, 100, 0);
	random_lengths(20, 200, 0);
	random_lengths(5, 4000, MP_QUEUE_LEASE);
	return tap_done();
}
