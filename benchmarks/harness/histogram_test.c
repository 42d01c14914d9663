/* The histogram's promises: at most 2 % off, exact when small, shared. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/gbench.h"
#include "harness/histogram.h"
#include "tap.h"

/* histogram_report is not tested here. */
void gb_counter(struct gb_state *st, const char *name, double value)
{
	(void)st;
	(void)name;
	(void)value;
}

void gb_attach(struct gb_state *st, const char *key, const char *json)
{
	(void)st;
	(void)key;
	(void)json;
}

/* The worst relative error of a value read back, over the whole range. */
static double worst_error(struct histogram *h)
{
	double worst = 0;

	for (double v = 1; v < 4e12; v *= 1.0007) {
		int64_t in = (int64_t)v, out;
		double error;

		histogram_reset(h);
		histogram_record(h, in);
		histogram_record(h, INT64_MAX); /* so that max is not in */
		out = histogram_at(h, 0.5);
		error = (double)llabs(out - in) / (double)in;
		worst = error > worst ? error : worst;
	}
	return worst;
}

static void test_edges(struct histogram *h)
{
	histogram_reset(h);
	is(histogram_count(h), 0, "an empty histogram counts 0");
	is(histogram_at(h, 0.5), 0, "and has no median");
	histogram_record(h, -5);
	is(histogram_at(h, 1), 0, "a negative time counts as 0");
	histogram_record(h, INT64_MAX);
	is(histogram_max(h), (1LL << 42) - 1, "a huge one as 2^42 - 1");
	is(histogram_count(h), 2, "and both are there");
}

static void test_ranks(struct histogram *h)
{
	histogram_reset(h);
	for (int i = 1; i <= 100; i++)
		histogram_record(h, i);
	is(histogram_at(h, 0.50), 50, "p50 of 1..100");
	is(histogram_at(h, 0.90), 90, "p90 of 1..100");
	is(histogram_at(h, 0.99), 99, "p99 of 1..100");
	is(histogram_at(h, 0.999), 100, "p99.9 of 1..100 is the largest");
	is(histogram_at(h, 0), 1, "p0 of 1..100 is the smallest");
	is(histogram_max(h), 100, "max of 1..100");
}

static void test_processes(struct histogram *h)
{
	histogram_reset(h);
	fflush(NULL);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int n = 0; n < 10000; n++)
				histogram_record(h, 1000 * (i + 1));
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	is(histogram_count(h), 40000, "four processes record, none is lost");
	is(histogram_max(h), 4000, "and the largest is exact");
}

int main(void)
{
	struct histogram *h = histogram_create();
	double worst = worst_error(h);

	ok(worst <= 0.02, "at most 2 %% off from 1 ns to an hour: %.2f %%",
	   100 * worst);
	test_edges(h);
	test_ranks(h);
	test_processes(h);
	histogram_destroy(h);
	return tap_done();
}
