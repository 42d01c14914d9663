/* See histogram.h.
 *
 * A value v with its highest bit at position e >= 6 falls into bucket
 * (e - 6) * 64 + (v >> (e - 6)): 64 buckets for each e, one value wide at
 * e = 6.  Smaller values are their own bucket.
 */
#include "harness/histogram.h"

#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "harness/gbench.h"

#define BITS    6
#define PARTS   (1 << BITS)
#define TOP     42 /* values below 2^TOP */
#define BUCKETS ((TOP - BITS + 1) * PARTS)

struct histogram {
	_Atomic int64_t count, max;
	_Atomic uint32_t bucket[BUCKETS];
};

static int bucket_of(int64_t v)
{
	int shift;

	if (v < PARTS)
		return (int)v;
	shift = 63 - __builtin_clzll((uint64_t)v) - BITS;
	return shift * PARTS + (int)(v >> shift);
}

/* The middle of a bucket. */
static int64_t value_of(int i)
{
	int shift = i < PARTS ? 0 : i / PARTS - 1;
	int64_t low = (int64_t)(i - shift * PARTS) << shift;

	return low + (((int64_t)1 << shift) - 1) / 2;
}

static uint32_t in_bucket(const struct histogram *h, int i)
{
	return atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
}

struct histogram *histogram_create(void)
{
	void *h = mmap(NULL, sizeof(struct histogram), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (h == MAP_FAILED)
		err(2, "memory for a histogram");
	return h;
}

void histogram_destroy(struct histogram *h)
{
	munmap(h, sizeof(*h));
}

void histogram_reset(struct histogram *h)
{
	for (int i = 0; i < BUCKETS; i++)
		atomic_store_explicit(&h->bucket[i], 0, memory_order_relaxed);
	atomic_store_explicit(&h->count, 0, memory_order_relaxed);
	atomic_store_explicit(&h->max, 0, memory_order_relaxed);
}

void histogram_record(struct histogram *h, int64_t ns)
{
	int64_t max;

	if (ns < 0)
		ns = 0;
	if (ns >= (int64_t)1 << TOP)
		ns = ((int64_t)1 << TOP) - 1;
	atomic_fetch_add_explicit(&h->bucket[bucket_of(ns)], 1,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
	max = atomic_load_explicit(&h->max, memory_order_relaxed);
	while (ns > max && !atomic_compare_exchange_weak_explicit(
				   &h->max, &max, ns, memory_order_relaxed,
				   memory_order_relaxed))
		;
}

int64_t histogram_count(const struct histogram *h)
{
	return atomic_load_explicit(&h->count, memory_order_relaxed);
}

int64_t histogram_max(const struct histogram *h)
{
	return atomic_load_explicit(&h->max, memory_order_relaxed);
}

int64_t histogram_at(const struct histogram *h, double q)
{
	int64_t n = histogram_count(h), max = histogram_max(h), seen = 0;
	double rank = (q - 1e-9) * (double)n;

	for (int i = 0; n > 0 && i < BUCKETS; i++) {
		seen += in_bucket(h, i);
		if (seen > 0 && (double)seen >= rank)
			return value_of(i) < max && seen < n ? value_of(i)
							     : max;
	}
	return max;
}

/* [[value, how many], ...] of the buckets in use */
static void attach(const struct histogram *h, struct gb_state *st)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	const char *comma = "";

	if (f == NULL)
		err(2, "memory for a histogram");
	putc('[', f);
	for (int i = 0; i < BUCKETS; i++) {
		if (in_bucket(h, i) == 0)
			continue;
		fprintf(f, "%s[%lld,%u]", comma, (long long)value_of(i),
			in_bucket(h, i));
		comma = ",";
	}
	putc(']', f);
	fclose(f);
	gb_attach(st, "histogram", text);
	free(text);
}

void histogram_report(const struct histogram *h, struct gb_state *st)
{
	gb_counter(st, "p50", (double)histogram_at(h, 0.5));
	histogram_report_tail(h, st);
}

void histogram_report_tail(const struct histogram *h, struct gb_state *st)
{
	gb_counter(st, "p90", (double)histogram_at(h, 0.9));
	gb_counter(st, "p99", (double)histogram_at(h, 0.99));
	gb_counter(st, "p99_9", (double)histogram_at(h, 0.999));
	gb_counter(st, "max", (double)histogram_max(h));
	gb_counter(st, "n", (double)histogram_count(h));
	attach(h, st);
}
