/* Maps: each item once, each result in its place, whatever the sizes. */
#include "mp/pool.h"

#include "pools.h"

enum { MANY = 100000, LARGE = 20000000 };

static _Atomic unsigned char *runs; /* how often item i was run */
static unsigned char *in, *out;     /* private */
static unsigned char *s_in, *s_out; /* shared */
static int32_t *status, *s_status;

/* ---- what workers run ---- */

static unsigned char byte_of(uint64_t index, const unsigned char *item,
			     size_t in_size, size_t k)
{
	return (unsigned char)(index * 31 + k +
			       (in_size == 0 ? 0 : item[k % in_size]));
}

/* Each byte of the result tells the item, and where it stands. */
static int stamps(struct mp_task *t)
{
	unsigned char *to = t->out;

	atomic_fetch_add(&runs[t->index], 1);
	for (size_t k = 0; k < t->out_size; k++)
		to[k] = byte_of(t->index, t->in, t->in_size, k);
	return 0;
}

/* 0 where the index is even. */
static int odd_fail(struct mp_task *t)
{
	static const int codes[] = { 7, -EIO, INT32_MAX, INT32_MIN };

	stamps(t);
	return t->index % 2 ? codes[t->index / 2 % 4] : 0;
}

static int tenth_fails(struct mp_task *t)
{
	stamps(t);
	return t->index == 10 ? -EIO : 0;
}

static int byte_out(struct mp_task *t)
{
	*(unsigned char *)t->out = (unsigned char)(t->index % 251);
	return 0;
}

static int too_long(struct mp_task *t)
{
	memset(t->out, 1, t->out_size);
	if (t->index == 3)
		t->out_size++;
	if (t->index == 4)
		t->out_size = SIZE_MAX;
	if (t->index == 5)
		t->out_size--;
	return 0;
}

/* Ends when as many as there are items have begun. */
static int meets(struct mp_task *t)
{
	int n;

	memcpy(&n, t->in, sizeof(n));
	atomic_fetch_add(&board->n, 1);
	for (int64_t end = mp_clock_deadline(LONG);
	     atomic_load(&board->n) < n;) {
		if (mp_clock_left(end) == 0)
			return 1;
		nap();
	}
	return 0;
}

static int naps(struct mp_task *t)
{
	stamps(t);
	usleep(1000);
	return 0;
}

static int aligned(struct mp_task *t)
{
	return (uintptr_t)t->in % 8 != 0 || (uintptr_t)t->out % 8 != 0;
}

struct triple {
	double x;
	int y;
	char name[5];
};

static int tells(struct mp_task *t)
{
	const struct triple *a = t->in;

	return snprintf(t->out, t->out_size, "%s %d %g", a->name, a->y, a->x) <
	       0;
}

/* ---- shapes ---- */

static void fill(unsigned char *p, size_t size)
{
	unsigned seed = 1;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (unsigned char)(seed >> 16);
	}
}

/* How many things are wrong after a map of n items with stamps. */
static long wrong(bool shared, size_t in_size, size_t n, size_t out_size)
{
	const unsigned char *from = shared ? s_in : in;
	const unsigned char *to = shared ? s_out : out;
	const int32_t *became = shared ? s_status : status;
	long bad = 0;

	for (size_t i = 0; i < n; i++) {
		bad += runs[i] != 1 || became[i] != 0;
		for (size_t k = 0; k < out_size; k++)
			bad += to[i * out_size + k] !=
			       byte_of(i, from + i * in_size, in_size, k);
	}
	for (size_t k = 0; k < 64; k++)
		bad += to[n * out_size + k] != 0x55;
	return bad + (runs[n] != 0) + (became[n] != 0x55555555);
}

static long shape(size_t chunk, bool shared, size_t in_size, size_t n,
		  size_t out_size)
{
	struct mp_call call = { .chunk = chunk,
				.shared = shared,
				.status = shared ? s_status : status };
	int failed;

	memset((void *)runs, 0, n + 1);
	memset(shared ? s_out : out, 0x55, n * out_size + 64);
	memset(call.status, 0x55, (n + 1) * sizeof(int32_t));
	fill(shared ? s_in : in, n * in_size);
	failed = mp_pool_map(
		pool, stamps, in_size == 0 ? NULL : (shared ? s_in : in),
		in_size, n, out_size == 0 ? NULL : (shared ? s_out : out),
		out_size, &call);
	if (failed != 0)
		printf("# map of %zu: %d\n", n, failed);
	return failed != 0 ? 1 : wrong(shared, in_size, n, out_size);
}

static void shapes(int workers)
{
	static const size_t items[] = { 0, 1, 5, 1000, MANY };
	static const size_t sizes[][2] = { { 4, 4 },  { 0, 4 },   { 4, 0 },
					   { 0, 0 },  { 3, 13 },  { 13, 3 },
					   { 1, 1 },  { 64, 80 }, { 8, 1 },
					   { 150, 7 } };
	long bad;

	for (int i = 0; i < 5; i++) {
		size_t chunks[] = { 0, 1, 7, items[i] + 1 };

		bad = 0;
		for (int c = 0; c < 4; c++)
			bad += shape(chunks[c], false, 4, items[i], 4) +
			       shape(chunks[c], true, 4, items[i], 4);
		is(bad, 0, "%d workers: %zu items, in chunks of 0, 1, 7, more",
		   workers, items[i]);
	}
	for (int i = 0; i < 10; i++) {
		bad = shape(0, false, sizes[i][0], 3000, sizes[i][1]) +
		      shape(0, true, sizes[i][0], 3000, sizes[i][1]) +
		      shape(3, false, sizes[i][0], 1001, sizes[i][1]);
		is(bad, 0, "items of %zu bytes, results of %zu", sizes[i][0],
		   sizes[i][1]);
	}
}

/* Everything that does not fit in goes in pieces. */
static void windows(void)
{
	static const size_t window[] = { 1, 4096, 5000, 65536 };
	long bad;

	is(shape(0, false, 150, MANY, 20), 0, "17 MB through 4 MiB");
	for (int i = 1; i < 4; i++) {
		close_pool();
		open_pool(2, &(struct mp_pool_options){ .window_bytes =
								window[i] });
		bad = shape(0, false, 40, 5000, 24) +
		      shape(1, false, 3, 5000, 13) +
		      shape(1000, false, 0, 30000, 1) +
		      shape(7, false, 1, 30000, 0) +
		      shape(0, false, 480, 100, 480) +
		      shape(0, true, 5000, 100, 5000);
		is(bad, 0, "through %zu bytes", window[i]);
	}
	close_pool();
	open_pool(2, &(struct mp_pool_options){ .window_bytes = 4096 });
	is(mp_pool_map(pool, stamps, in, 1 << 20, 3, NULL, 0, NULL), -EMSGSIZE,
	   "an item larger than the window");
	is(mp_pool_map(pool, stamps, NULL, 0, 3, out, 1 << 20, NULL), -EMSGSIZE,
	   "a result larger than it");
	is(mp_pool_map(pool, stamps, in, (size_t)1 << 40, 3, NULL, 0, NULL),
	   -EMSGSIZE, "much larger");
	is(shape(0, true, 1 << 20, 3, 1 << 20), 0,
	   "shared memory needs no window");
	ok(works(), "after which the pool works");
	close_pool();
	open_pool(2, NULL);
	is(shape(0, false, 500000, 9, 500000), 0, "items of half a MB");
	is(rescues(), 0, "nothing was rescued");
}

static void refused(void)
{
	struct mp_call shared = { .shared = true };
	struct mp_call state = { .status = status };
	struct mp_result r;

	is(mp_pool_map(pool, NULL, in, 4, 5, out, 4, NULL), -EINVAL,
	   "no function");
	is(mp_pool_map(pool, NULL, in, 4, 0, out, 4, NULL), -EINVAL,
	   "nor for nothing");
	is(mp_pool_map_async(pool, NULL, in, 4, 5, out, 4, NULL, &r), -EINVAL,
	   "nor to wait for later");
	is(mp_pool_map(pool, stamps, in, SIZE_MAX, 2, out, 4, NULL), -EINVAL,
	   "two items of 2^64 - 1 bytes");
	is(mp_pool_map(pool, stamps, in, 4, 2, out, SIZE_MAX, NULL), -EINVAL,
	   "or results");
	is(mp_pool_map(pool, stamps, in, 2, SIZE_MAX, out, 0, NULL), -EINVAL,
	   "2^64 - 1 items of two bytes");
	is(mp_pool_map(pool, stamps, in, 0, SIZE_MAX / 2, out, 4, NULL),
	   -EINVAL, "or 2^63 results of four");
	is(mp_pool_map(pool, stamps, in, 0, SIZE_MAX / 2, out, 0, &state),
	   -EINVAL, "or statuses");
	is(mp_pool_map(pool, stamps, NULL, 4, 2, out, 4, NULL), -EINVAL,
	   "items from nowhere");
	is(mp_pool_map(pool, stamps, in, 4, 2, NULL, 4, NULL), -EINVAL,
	   "results to nowhere");
	is(mp_pool_map(pool, stamps, in, 4, 5, s_out, 4, &shared), -EINVAL,
	   "shared, and `in` is not");
	is(mp_pool_map(pool, stamps, s_in, 4, 5, out, 4, &shared), -EINVAL,
	   "or `out`");
	shared.status = status;
	is(mp_pool_map(pool, stamps, s_in, 4, 5, s_out, 4, &shared), -EINVAL,
	   "or the statuses");
	ok(works(), "after which the pool works");
}

/* ---- failures ---- */

static void failures(void)
{
	for (int how = 0; how < 4; how++) {
		bool shared = how % 2;
		size_t n = how < 2 ? 1000 : MANY;
		int32_t *became = shared ? s_status : status;
		struct mp_call call = { .shared = shared, .status = became };
		long bad = 0;
		int failed;

		memset((void *)runs, 0, n);
		failed = mp_pool_map(pool, odd_fail, NULL, 0, n,
				     shared ? s_out : out, 4, &call);
		is(failed, (long)n / 2, "half of %zu items fail", n);
		for (size_t i = 0; i < n; i++) {
			bad += runs[i] != 1 || (became[i] != 0) != (i % 2);
			if (i % 8 == 1)
				bad += became[i] != 7;
			if (i % 8 == 3)
				bad += became[i] != -EIO;
			if (i % 8 == 5)
				bad += became[i] != INT32_MAX;
			if (i % 8 == 7)
				bad += became[i] != INT32_MIN;
		}
		is(bad, 0, "and each tells how");
	}
	is(mp_pool_map(pool, odd_fail, NULL, 0, 1001, out, 4, NULL), 500,
	   "nobody need ask");
}

/* A failure of one: what has begun ends, and nothing else begins. */
static void fail_fast(void)
{
	for (int how = 0; how < 4; how++) {
		bool shared = how % 2;
		int32_t *became = shared ? s_status : status;
		struct mp_call call = { .chunk = how < 2 ? 1 : 0,
					.shared = shared,
					.fail_fast = true,
					.status = became };
		long bad = 0, never = 0, failed, nonzero = 0;

		memset((void *)runs, 0, MANY);
		memset(became, 0x55, MANY * sizeof(int32_t));
		failed = mp_pool_map(pool, tenth_fails, NULL, 0, MANY,
				     shared ? s_out : out, 100, &call);
		for (int i = 0; i < MANY; i++) {
			bad += runs[i] != (became[i] != MP_CANCELLED);
			bad += became[i] != (i == 10 ? -EIO : 0) &&
			       became[i] != MP_CANCELLED;
			never += became[i] == MP_CANCELLED;
			nonzero += became[i] != 0;
		}
		is(bad, 0, "fail fast: each item was run or cancelled");
		is(became[10], -EIO, "one has failed");
		ok(never > MANY / 2, "%ld of %d were never begun", never, MANY);
		is(failed, nonzero, "the sum of both is told");
	}
	ok(works(), "the pool works");
}

static void results_too_long(void)
{
	struct mp_call call = { .status = status };
	int bad = 0;

	memset(out, 0x55, 100);
	is(mp_pool_map(pool, too_long, NULL, 0, 8, out, 5, &call), 2,
	   "two results longer than their room");
	for (int i = 0; i < 8; i++)
		bad += status[i] != (i == 3 || i == 4 ? -EMSGSIZE : 0);
	for (int i = 0; i < 40; i++)
		bad += i / 5 != 3 && i / 5 != 4 && i != 29 && out[i] != 1;
	is(bad + (out[40] != 0x55), 0, "have -EMSGSIZE, the others are right");
}

static void structs(void)
{
	struct triple v[3] = { { 1.5, 2, "one" },
			       { -3, 4, "two" },
			       { 0, -1, "six" } };
	char text[3][20];

	is(mp_pool_map(pool, tells, v, sizeof(v[0]), 3, text, 20, NULL), 0,
	   "several arguments are a struct");
	ok(strcmp(text[0], "one 2 1.5") == 0 &&
		   strcmp(text[1], "two 4 -3") == 0 &&
		   strcmp(text[2], "six -1 0") == 0,
	   "'%s', '%s', '%s'", text[0], text[1], text[2]);
	is(mp_pool_map(pool, aligned, in, 24, 1000, out, 8, NULL), 0,
	   "what is aligned to 8 stays so");
}

/* ---- all at once ---- */

static void together(int workers)
{
	int n[8];

	for (int i = 0; i < workers; i++)
		n[i] = workers;
	for (size_t chunk = 0; chunk < 2; chunk++) {
		struct mp_call call = { .chunk = chunk };

		atomic_store(&board->n, 0);
		is(mp_pool_map(pool, meets, n, sizeof(int), (size_t)workers,
			       NULL, 0, &call),
		   0, "%d items on %d workers run at the same time", workers,
		   workers);
	}
}

/* More than the ring of maps holds, and not in order. */
static void async(void)
{
	enum { MAPS = 30, N = 700 };
	static int from[MAPS][N], to[MAPS][N];
	struct mp_result r[MAPS], none;
	int bad = 0;

	for (int m = 0; m < MAPS; m++) {
		for (int i = 0; i < N; i++)
			from[m][i] = m * i;
		bad += mp_pool_map_async(
			       pool, square, from[m], sizeof(int), N, to[m],
			       sizeof(int),
			       &(struct mp_call){ .chunk = (size_t)m % 3 },
			       &r[m]) != 0;
	}
	is(bad, 0, "%d maps at once", MAPS);
	for (int m = MAPS - 1; m >= 0; m--) {
		bad += mp_result_get(&r[m], LONG) != 0 ||
		       mp_result_ready(&r[m]) != 1 ||
		       mp_result_successful(&r[m]) != 1;
		for (int i = 0; i < N; i++)
			bad += to[m][i] != m * i * m * i;
	}
	is(bad, 0, "are done, the last one first");
	is(mp_pool_map_async(pool, square, NULL, 4, 0, NULL, 4, NULL, &none), 0,
	   "one of nothing");
	is(mp_result_ready(&none), 1, "is done at once");
	is(mp_result_get(&none, 0), 0, "and well");
}

/* A large one, through the window, while tasks are run. */
static void mixed(void)
{
	struct mp_call call = { .status = status };
	struct mp_result r;
	int bad = 0, y;

	memset((void *)runs, 0, MANY + 1);
	fill(in, 150 * MANY);
	memset(out, 0x55, 20 * MANY + 64);
	memset(status, 0x55, (MANY + 1) * sizeof(int32_t));
	is(mp_pool_map_async(pool, stamps, in, 150, MANY, out, 20, &call, &r),
	   0, "a map that does not fit into the window");
	for (int i = 0; i < 100; i++)
		bad += apply(square, i, &y) != 0 || y != i * i;
	is(bad, 0, "tasks beside it");
	is(mp_result_get(&r, LONG), 0, "and it is done");
	is(wrong(false, 150, MANY, 20), 0, "right");
}

/* What was not begun is cancelled. */
static void cancelled(void)
{
	struct mp_call call = { .chunk = 1, .status = status };
	struct mp_result first, second;
	int done = 0, bad = 0;

	memset((void *)board, 0, sizeof(*board));
	mp_pool_map_async(pool, holds, NULL, 0, 100, NULL, 0, &call, &first);
	await(begun(0) && begun(1));
	mp_pool_map_async(pool, square, in, 4, 100, out, 4,
			  &(struct mp_call){ .status = status + 100 }, &second);
	is(mp_result_cancel(&second), 0, "a map of which nothing was begun");
	is(mp_result_wait(&second, LONG), 0, "is cancelled");
	is(mp_result_status(&second), 100, "all of it");
	for (int i = 100; i < 200; i++)
		bad += status[i] != MP_CANCELLED;
	is(bad, 0, "each item says so");
	is(mp_result_cancel(&first), 0, "one of which two were");
	is(mp_result_ready(&first), 0, "is not done until these are");
	is(mp_result_wait(&first, 2 * MS), -ETIMEDOUT, "so one can wait");
	go_on(ALL);
	is(mp_result_wait(&first, LONG), 0, "until they have ended");
	for (int i = 0; i < 100; i++) {
		done += status[i] == 0;
		bad += status[i] != (begun(i) ? 0 : MP_CANCELLED);
	}
	is(bad, 0, "the others were cancelled");
	is(done, 2, "all but two");
	is(mp_result_status(&first), 98, "which is told");
	is(mp_result_successful(&first), 0, "all is not well");
	is(mp_result_cancel(&first), -EALREADY, "it is done");
	ok(works(), "the pool works");
}

/* The same with a window through which only a piece goes at a time. */
static void cancelled_in_pieces(void)
{
	struct mp_call call = { .chunk = 1, .status = status };
	struct mp_result r;
	int bad = 0;

	close_pool();
	open_pool(2, &(struct mp_pool_options){ .window_bytes = 4096 });
	memset(status, 0x55, 10000 * sizeof(int32_t));
	mp_pool_map_async(pool, holds, in, 100, 10000, out, 100, &call, &r);
	await(begun(0) && begun(1));
	is(mp_result_cancel(&r), 0, "of many pieces");
	go_on(ALL);
	is(mp_result_wait(&r, LONG), 0, "cancelled");
	for (int i = 0; i < 10000; i++)
		bad += status[i] != (i < PLACES && begun(i) ? 0 : MP_CANCELLED);
	is(bad, 0, "each item knows");
	is(mp_result_status(&r), 9998, "and their number is right");
	ok(works(), "the pool works");
	close_pool();
	open_pool(2, NULL);
}

/* A handler ends a map; nothing of it is written later. */
static void interrupted(void)
{
	for (int how = 0; how < 2; how++) {
		bool shared = how % 2;
		int32_t *became = shared ? s_status : status;
		struct mp_call call = { .chunk = 1,
					.shared = shared,
					.status = became };
		long bad = 0, never = 0;
		int error;

		memset((void *)runs, 0, MANY);
		signals(true);
		error = mp_pool_map(pool, naps, NULL, 0, MANY,
				    shared ? s_out : out, 8, &call);
		signals(false);
		is(error, -EINTR, "a handler ends a map");
		memset(out, 0x55, 8 * MANY);
		for (int i = 0; i < MANY; i++) {
			never += runs[i] == 0;
			bad += runs[i] > 1;
		}
		ok(bad == 0 && never > MANY / 2,
		   "%ld of %d were never begun, the others once", never, MANY);
		ok(works(), "the pool works");
		bad = 0;
		for (int i = 0; i < 8 * MANY; i++)
			bad += out[i] != 0x55;
		is(bad, 0, "nothing came later");
		for (int i = 0; i < MANY; i++)
			never -= runs[i] == 0;
		ok(never <= 2, "nothing was begun later");
	}
}

static void ten_millions(void)
{
	enum { N = 10000000 };
	long bad = 0;

	is(mp_pool_map(pool, byte_out, NULL, 0, N, out, 1, NULL), 0,
	   "a map of 10 million");
	for (int i = 0; i < N; i++)
		bad += out[i] != i % 251;
	is(bad, 0, "is right");
}

static void on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
	open_pool(3, NULL);
	shapes(3);
	together(3);
	is(rescues(), 0, "on one CPU, nothing was rescued");
	close_pool();
}

int main(void)
{
	int descriptors;

	mp_backstop_set(0);
	board = share(sizeof(*board));
	runs = share(MANY + 1);
	s_in = share(LARGE);
	s_out = share(LARGE);
	s_status = share((MANY + 1) * sizeof(int32_t));
	in = malloc(LARGE);
	out = malloc(LARGE);
	status = malloc((MANY + 1) * sizeof(int32_t));
	if (in == NULL || out == NULL || status == NULL)
		err(1, "malloc");
	descriptors = tap_descriptors();
	for (int workers = 1; workers <= 5; workers += 2) {
		open_pool(workers, NULL);
		shapes(workers);
		together(workers);
		is(rescues(), 0, "nothing was rescued");
		close_pool();
	}
	open_pool(2, NULL);
	windows();
	refused();
	failures();
	fail_fast();
	results_too_long();
	structs();
	async();
	mixed();
	cancelled();
	cancelled_in_pieces();
	interrupted();
	ten_millions();
	close_pool();
	on_one_cpu();
	ok(childless(), "no process is left");
	is(tap_descriptors(), descriptors, "no descriptor");
	is(shared_mappings(), 0, "no shared memory");
	return tap_done();
}
