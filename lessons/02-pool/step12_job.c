/* step12_job.c - all the ways to give work to a pool: mp_pool.  [works]
 *
 * Build:  cc -O2 -o step12_job step12_job.c $(pkg-config --cflags --libs rawmp)
 * New:    mp_pool_submit() and its result, mp_imap_next()
 * Try:    ./step12_job
 * See:    Python's names; an imap holds four inputs, however many there are.
 */
#include <err.h>
#include <errno.h>
#include <mp/imap.h>
#include <mp/pool.h>
#include <mp/result.h>
#include <stdio.h>
#include <string.h>
static const int in[] = { 1, 2, 3, 4, 5, 6 }, seven = 7, minus = -1;
static int out[8], taken, got, ahead;

static int square(struct mp_task *t)
{
	const int *x = t->in;

	*(int *)t->out = *x * *x;
	return *x < 0 ? -EDOM : 0;
}
static int area(struct mp_task *t) /* of two arguments: Python's starmap */
{
	const int *x = t->in;

	*(int *)t->out = x[0] * x[1];
	return 0;
}
static int source(void *unused, void *x) /* the inputs of an imap: 0 to 7 */
{
	(void)unused;
	if (taken == 8)
		return 0;
	*(int *)x = taken++;
	ahead = taken - got > ahead ? taken - got : ahead;
	return 1;
}
static void called(struct mp_result *r, void *what)
{
	printf("%s: %s\n", (char *)what, strerror(-mp_result_status(r)));
}
static void say(const char *what, int rc, int n)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
	printf("%s:", what);
	for (int i = 0; i < n; i++)
		printf(" %d", out[i]);
	printf("\n");
}

int main(void)
{
	struct mp_call call = { .callback = called, .error_callback = called };
	struct mp_imap_options ordered = { .window = 4 }, unordered = ordered;
	struct mp_pool *p;
	struct mp_result r;
	struct mp_imap it;
	int y, rc, sum = 0;

	if (mp_pool_create(&p, 4, NULL) < 0)
		errx(1, "no pool");
	say("apply", mp_pool_apply(p, square, &seven, 4, out, 4, NULL), 1);
	call.arg = "callback";
	mp_pool_submit(p, square, &seven, 4, out, 4, &call, &r);
	say("apply_async", mp_result_get(&r, -1), 1);
	call.arg = "error callback";
	mp_pool_submit(p, square, &minus, 4, &y, 4, &call, &r);
	printf("it failed: %s\n", strerror(-mp_result_get(&r, -1)));
	say("starmap", mp_pool_map(p, area, in, 8, 3, out, 4, NULL), 3);
	mp_pool_map_async(p, square, in, 4, 5, out, 4, NULL, &r);
	say("map_async", mp_result_get(&r, -1), 5);
	rc = mp_imap_open(&it, p, square, source, NULL, 4, 4, &ordered);
	while (rc == 0 && mp_imap_next(&it, &out[got], -1) == 1)
		got++;
	mp_imap_close(&it);
	say("imap", rc, got);
	unordered.unordered = true;
	taken = got = 0;
	rc = mp_imap_open(&it, p, square, source, NULL, 4, 4, &unordered);
	for (; rc == 0 && mp_imap_next(&it, &y, -1) == 1; got++)
		sum += y;
	mp_imap_close(&it);
	printf("imap_unordered, summed up: %d\n", sum);
	printf("imap took at most %d inputs ahead\n", ahead);
	return -mp_pool_destroy(p);
}
