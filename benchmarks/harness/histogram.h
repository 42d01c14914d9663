/* histogram - times of single operations, for percentiles.
 *
 * Log-linear: each power of two is cut into 64 equal buckets, so a value read
 * back is at most 0.8 % off (values below 128 are exact).  Lives in shared
 * memory: any number of processes may record at the same time.  Values are
 * nanoseconds up to 2^42 (73 minutes); larger ones count as that.
 *
 *	struct histogram *h = histogram_create();
 *	histogram_record(h, ns);
 *	histogram_at(h, 0.99);
 */
#ifndef HARNESS_HISTOGRAM_H
#define HARNESS_HISTOGRAM_H

#include <stdint.h>

struct gb_state;
struct histogram;

struct histogram *histogram_create(void); /* exits when there is no memory */
void histogram_destroy(struct histogram *h);
void histogram_reset(struct histogram *h);

void histogram_record(struct histogram *h, int64_t ns); /* < 0 counts as 0 */

int64_t histogram_count(const struct histogram *h);
int64_t histogram_max(const struct histogram *h); /* exact; 0 when empty */

/* The smallest value that at least the share q (0..1) of all values does not
 * exceed: nearest rank, 0 when empty. */
int64_t histogram_at(const struct histogram *h, double q);

/* As counters p50 p90 p99 p99_9 max n, and the buckets beside the results.
 * With n values a percentile beyond (n-1)/n is the largest value. */
void histogram_report(const struct histogram *h, struct gb_state *st);

/* The same without p50, for what a mean tells better: run.py takes the median
 * operation as the time of a benchmark where it finds one. */
void histogram_report_tail(const struct histogram *h, struct gb_state *st);

#endif
