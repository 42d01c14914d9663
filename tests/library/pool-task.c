/* Tasks: apply and submit, what is copied, how much fits, callbacks. */
#include "mp/pool.h"

#include "pools.h"

/* ---- what workers run ---- */

/* What it was given, as a text. */
static int tells(struct mp_task *t)
{
	int n = snprintf(t->out, t->out_size, "%zu %zu %d", t->in_size,
			 t->out_size, (int)t->index);

	t->out_size = (size_t)n + 1;
	return 0;
}

/* out_size becomes the number that it gets. */
static int sizes(struct mp_task *t)
{
	size_t size;

	memset(t->out, 1, t->out_size);
	memcpy(&size, t->in, sizeof(size));
	t->out_size = size;
	return 0;
}

static int sizes_and_fails(struct mp_task *t)
{
	sizes(t);
	return -EIO;
}

/* Each byte of the result is one more than that of the item. */
static int next_byte(struct mp_task *t)
{
	const unsigned char *in = t->in;
	unsigned char *out = t->out;

	for (size_t i = 0; i < t->out_size; i++)
		out[i] = (unsigned char)((t->in_size ? in[i % t->in_size] : 0) +
					 1);
	return (uintptr_t)in % 8 != 0 || (uintptr_t)out % 8 != 0;
}

/* The order in which tasks were begun. */
static int queues(struct mp_task *t)
{
	board->pid[place_of(t)] = atomic_fetch_add(&board->n, 1);
	return 0;
}

/* ---- apply ---- */

static void apply_one(void)
{
	struct mp_call zero = { 0 };
	char text[32] = "";
	int y = 0, x = 12;

	is(apply(square, 12, &y), 0, "apply");
	is(y, 144, "12 squared");
	is(mp_pool_apply(pool, square, &x, 4, &y, 4, &zero), 0,
	   "an empty call is none");
	is(apply(returns, 0, NULL), 0, "what a function returns");
	is(apply(returns, 7, NULL), 7, "is what apply does");
	is(apply(returns, -EIO, NULL), -EIO, "negative");
	is(apply(returns, INT32_MAX, NULL), INT32_MAX, "large");
	is(apply(returns, INT32_MIN, NULL), INT32_MIN, "or very small");
	is(mp_pool_apply(pool, tells, "abc", 3, text, sizeof(text), NULL), 0,
	   "an item of three bytes");
	ok(strcmp(text, "3 32 0") == 0, "knows its sizes, and is number 0");
	is(mp_pool_apply(pool, tells, NULL, 0, text, sizeof(text), NULL), 0,
	   "one of none");
	ok(strcmp(text, "0 32 0") == 0, "too");
	is(mp_pool_apply(pool, returns, &x, 4, NULL, 0, NULL), 12, "no result");
	is(mp_pool_apply(pool, NULL, &x, 4, NULL, 0, NULL), -EINVAL,
	   "no function");
	is(mp_pool_apply(pool, square, NULL, 4, &y, 4, NULL), -EINVAL,
	   "an item from nowhere");
	is(mp_pool_apply(pool, square, &x, 4, NULL, 4, NULL), -EINVAL,
	   "a result to nowhere");
	ok(works(), "the pool works");
}

/* ---- sizes ---- */

static int fits(size_t in_size, size_t out_size)
{
	static unsigned char in[20000], out[20001];
	int bad = 0;

	for (size_t i = 0; i < in_size; i++)
		in[i] = (unsigned char)(i * 7 + in_size);
	memset(out, 0x55, sizeof(out));
	bad += mp_pool_apply(pool, next_byte, in, in_size, out, out_size,
			     NULL) != 0;
	for (size_t i = 0; i < out_size; i++)
		bad += out[i] !=
		       (unsigned char)((in_size ? in[i % in_size] : 0) + 1);
	return bad == 0 && out[out_size] == 0x55;
}

static int refusal(size_t in_size, size_t out_size)
{
	struct mp_result r;
	char x = 0;

	return mp_pool_submit(pool, square, &x, in_size, &x, out_size, NULL,
			      &r);
}

static void how_much(size_t most)
{
	int bad = 0, error;

	ok(fits(0, 0) && fits(0, 1) && fits(1, 0) && fits(3, 9) && fits(9, 3),
	   "items and results of 0, 1, 3, 9 bytes");
	ok(fits(most, 0) && fits(0, most) && fits(most / 2, most / 2) &&
		   fits(7, most - 7) && fits(most - 9, 9),
	   "of together %zu", most);
	bad += refusal(most + 1, 0) != -EMSGSIZE;
	bad += refusal(0, most + 1) != -EMSGSIZE;
	bad += refusal(1, most) != -EMSGSIZE;
	bad += refusal(most, most) != -EMSGSIZE;
	bad += refusal((size_t)1 << 32, 0) != -EMSGSIZE;
	bad += refusal(0, (size_t)1 << 32) != -EMSGSIZE;
	is(bad, 0, "a byte more: -EMSGSIZE");
	for (size_t i = 0; i < 3; i++) {
		error = refusal(SIZE_MAX - i, i);
		bad += error != -EMSGSIZE && error != -EINVAL;
		error = refusal(i, SIZE_MAX - i);
		bad += error != -EMSGSIZE && error != -EINVAL;
		error = refusal(SIZE_MAX - i, i + 1);
		bad += error != -EMSGSIZE && error != -EINVAL;
		error = refusal(SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1 + i);
		bad += error != -EMSGSIZE && error != -EINVAL;
	}
	is(bad, 0, "sizes that overflow");
	ok(works(), "the pool works");
}

static void room(void)
{
	how_much(4032);
	close_pool();
	open_pool(2, &(struct mp_pool_options){ .task_bytes = 13 });
	how_much(13);
	close_pool();
	open_pool(2, &(struct mp_pool_options){ .task_bytes = 20000 });
	how_much(20000);
	close_pool();
	open_pool(2, NULL);
}

static void result_sizes(void)
{
	unsigned char out[100];
	struct mp_result r;
	size_t size;
	int bad = 0;

	for (size = 0; size <= 100; size++) {
		memset(out, 0x55, sizeof(out));
		mp_pool_submit(pool, sizes, &size, sizeof(size), out, 100, NULL,
			       &r);
		bad += mp_result_get(&r, LONG) != 0 ||
		       mp_result_size(&r) != size;
		for (size_t i = 0; i < size; i++)
			bad += out[i] != 1;
	}
	is(bad, 0, "results of 0 to 100 bytes tell their size");
	for (int i = 0; i < 4; i++) {
		static const size_t more[] = { 51, 100, 1 << 20, SIZE_MAX };

		size = more[i];
		memset(out, 0x55, sizeof(out));
		mp_pool_submit(pool, sizes, &size, sizeof(size), out, 50, NULL,
			       &r);
		bad += mp_result_get(&r, LONG) != -EMSGSIZE;
		for (int k = 50; k < 100; k++)
			bad += out[k] != 0x55;
		size = more[i];
		mp_pool_submit(pool, sizes_and_fails, &size, sizeof(size), out,
			       50, NULL, &r);
		mp_result_wait(&r, LONG);
		bad += mp_result_successful(&r) != 0;
	}
	is(bad, 0, "one longer than its room: -EMSGSIZE, nothing beyond it");
	ok(works(), "the pool works");
}

/* ---- submit ---- */

static void copied(void)
{
	int x = 3, y = 0;
	struct mp_result first, second;

	close_pool();
	open_pool(1, NULL);
	submit(holds, 0, NULL, NULL, &first);
	mp_pool_submit(pool, square, &x, 4, &y, 4, NULL, &second);
	x = 1000;
	go_on(0);
	is(mp_result_get(&second, LONG), 0, "an item that is changed later");
	is(y, 9, "was copied");
	is(mp_result_get(&first, 0), 0, "what stood before it is done");
}

static void in_turn(void)
{
	struct mp_result hold, r[PLACES];
	int bad = 0;

	memset((void *)board, 0, sizeof(*board));
	submit(holds, 0, NULL, NULL, &hold);
	for (int i = 0; i < PLACES; i++)
		submit(queues, i, NULL, NULL, &r[i]);
	go_on(0);
	for (int i = 0; i < PLACES; i++)
		bad += mp_result_get(&r[i], LONG) != 0;
	for (int i = 0; i < PLACES; i++)
		bad += board->pid[i] != i;
	is(bad, 0, "one worker takes tasks in the order of submit");
	close_pool();
	open_pool(2, NULL);
}

static int ends_soon(struct mp_task *t)
{
	begin(t);
	usleep(10000);
	return 0;
}

static void no_room(void)
{
	struct mp_call nowait = { .nowait = true };
	struct mp_result r[3], other;
	int x = 5, y, bad = 0;

	close_pool();
	open_pool(2, &(struct mp_pool_options){ .tasks = 3 });
	for (int i = 0; i < 3; i++)
		is(submit(holds, i, NULL, &nowait, &r[i]), 0, "there is room");
	is(mp_pool_submit(pool, square, &x, 4, &y, 4, &nowait, &other), -EAGAIN,
	   "and then there is not");
	signals(true);
	is(submit(square, 5, &y, NULL, &other), -EINTR, "one can wait for it");
	signals(false);
	go_on(ALL);
	is(submit(square, 5, &y, NULL, &other), 0, "until one is done");
	is(mp_result_get(&other, LONG), 0, "and is");
	for (int i = 0; i < 3; i++)
		bad += mp_result_get(&r[i], LONG) != 0;
	is(bad, 0, "so are they");
	close_pool();
	open_pool(2, &(struct mp_pool_options){ .tasks = 1 });
	submit(ends_soon, 0, NULL, NULL, &other);
	is(submit(square, 5, &y, &nowait, &r[0]), -EAGAIN, "room for one");
	is(apply(square, 6, &y), 0, "apply waits for it");
	is(y, 36, "and is right");
	ok(works(), "the pool works");
	close_pool();
	open_pool(2, NULL);
}

/* Far more than there is room for, each into its own place. */
static void many(uint32_t tasks, int workers)
{
	enum { N = 20000 };
	static struct mp_result r[N];
	static int out[N];
	int bad = 0;

	close_pool();
	open_pool(workers, &(struct mp_pool_options){ .tasks = tasks });
	for (int i = 0; i < N; i++)
		bad += submit(square, i, &out[i], NULL, &r[i]) != 0;
	for (int i = 0; i < N; i++)
		bad += mp_result_get(&r[i], LONG) != 0 || out[i] != i * i;
	is(bad, 0, "%d tasks, %u at a time, %d workers", N, tasks, workers);
	is(rescues(), 0, "nothing was rescued");
	for (int i = 0; i < N; i++) {
		submit(square, i, &out[0], NULL, &r[0]);
		bad += mp_result_get(&r[0], LONG) != 0 || out[0] != i * i;
		if (i % 4000 == 0)
			usleep(2000); /* they sleep */
	}
	is(bad, 0, "and one after the other");
	is(rescues(), 0, "nothing was rescued");
}

/* ---- collect ---- */

static void collect(void)
{
	struct mp_result r[3];
	int sum, y;
	int64_t begin;

	close_pool();
	open_pool(3, NULL);
	is(mp_pool_collect(pool, 0), 0, "nothing to collect");
	begin = mp_clock_now();
	is(mp_pool_collect(pool, 5 * MS), 0, "nor in 5 ms");
	for (int i = 0; i < 3; i++)
		submit(holds, i, NULL, NULL, &r[i]);
	await(begun(0) && begun(1) && begun(2));
	is(mp_pool_collect(pool, 0), 0, "nothing is done");
	begin = mp_clock_now();
	is(mp_pool_collect(pool, 5 * MS), 0, "nor in 5 ms");
	ok(mp_clock_now() - begin >= 5 * MS, "which it waits");
	go_on(1);
	is(mp_pool_collect(pool, LONG), 1, "one is done");
	is(r[1].done, true, "this one");
	is(mp_pool_collect(pool, 0), 0, "and counted once");
	go_on(ALL);
	sum = 0;
	while (sum < 2 && (y = mp_pool_collect(pool, LONG)) > 0)
		sum += y;
	is(sum, 2, "the others");
	signals(true);
	submit(holds, 4, NULL, NULL, &r[0]);
	atomic_store(&board->all, 0);
	submit(holds, 5, NULL, NULL, &r[1]);
	do
		y = mp_pool_collect(pool, LONG);
	while (y == 1);
	is(y, -EINTR, "a handler ends it");
	signals(false);
	go_on(ALL);
	mp_result_wait(&r[0], LONG);
	mp_result_wait(&r[1], LONG);
	/* Each is woken by what happens, not by the time. */
	for (int i = 0; i < 100; i++) {
		submit(square, 2, &y, NULL, &r[0]);
		if (mp_pool_collect(pool, -1) != 1 || !r[0].done)
			break;
		sum++;
	}
	is(sum, 102, "collect waits for ever");
}

/* ---- callbacks ---- */

static struct {
	int calls, errors, sum, pid, bad;
	int last;
	uint64_t order; /* of the last one */
	struct mp_result next[100], other;
	int y[100], x;
} told;

static void on_done(struct mp_result *r, void *arg)
{
	told.bad += r->order <= told.order;
	told.order = r->order;
	told.calls++;
	told.sum += *(int *)arg;
	told.bad += mp_result_ready(r) != 1 || mp_result_successful(r) != 1 ||
		    mp_result_status(r) != 0 || getpid() != told.pid;
}

static void on_error(struct mp_result *r, void *arg)
{
	told.errors++;
	told.last = mp_result_status(r);
	told.bad += mp_result_ready(r) != 1 || mp_result_successful(r) != 0 ||
		    getpid() != told.pid || arg != &told;
}

static void callbacks(void)
{
	struct mp_call call = { .callback = on_done,
				.error_callback = on_error };
	int in[50], y[50], one = 1, x;
	struct mp_result r[50];

	told.pid = getpid();
	call.arg = &one;
	for (int i = 0; i < 50; i++)
		submit(square, i, &y[i], &call, &r[i]);
	/* Many are done at once. */
	for (int i = 0; i < 2; i++)
		await(asleep(mp_pool_worker_pid(pool, i)));
	for (int i = 0; i < 50; i++)
		mp_result_wait(&r[i], LONG);
	is(told.calls, 50, "each of 50 callbacks is called once");
	call.arg = &told;
	x = -EIO;
	is(mp_pool_apply(pool, returns, &x, 4, NULL, 0, &call), -EIO,
	   "a task fails");
	is(told.errors, 1, "and error_callback is called");
	is(told.last, -EIO, "with the status");
	for (int i = 0; i < 50; i++)
		in[i] = i % 2;
	is(mp_pool_map(pool, returns, in, 4, 50, NULL, 0, &call), 25,
	   "a map of which half fails");
	is(told.errors, 2, "is one call");
	is(told.last, 25, "with its status");
	call.arg = &one;
	is(mp_pool_map(pool, square, in, 4, 50, y, 4, &call), 0, "a good one");
	is(told.calls, 51, "too");
	is(mp_pool_map(pool, square, in, 4, 0, y, 4, &call), 0, "of nothing");
	is(told.calls, 52, "too");
	call.callback = NULL;
	is(mp_pool_map(pool, square, in, 4, 50, y, 4, &call), 0, "none");
	call.error_callback = NULL;
	is(mp_pool_map(pool, returns, in, 4, 50, NULL, 0, &call), 25,
	   "need be there");
	is(told.calls + told.errors, 54, "none was called");
	is(told.bad, 0, "all was as it should be");
}

/* In the order in which they were done. */
static void notes(struct mp_result *r, void *arg)
{
	(void)r;
	told.y[told.calls++] = *(int *)arg;
}

static void in_order(void)
{
	static int number[3] = { 0, 1, 2 }, order[3] = { 1, 2, 0 };
	struct mp_call call = { .callback = notes };
	struct mp_result r[3];

	close_pool();
	open_pool(3, NULL);
	told.calls = 0;
	for (int i = 0; i < 3; i++) {
		call.arg = &number[i];
		submit(holds, i, NULL, &call, &r[i]);
	}
	await(begun(0) && begun(1) && begun(2));
	for (int i = 0; i < 3; i++) {
		go_on(order[i]);
		mp_pool_collect(pool, LONG);
	}
	is(told.calls, 3, "three callbacks");
	ok(told.y[0] == 1 && told.y[1] == 2 && told.y[2] == 0,
	   "in the order in which the tasks were done");
}

/* A chain: each submits the next, from its callback. */
static void submits(struct mp_result *r, void *arg)
{
	struct mp_call call = { .callback = submits };

	(void)r;
	(void)arg;
	if (++told.calls < 100)
		told.bad += submit(square, told.calls, &told.y[told.calls],
				   &call, &told.next[told.calls]) != 0;
}

static void waits(struct mp_result *r, void *arg)
{
	int y = 0;

	(void)arg;
	told.calls++;
	told.bad += mp_result_wait(r, -1) != 0;
	told.bad += mp_result_wait(&told.other, LONG) != 0;
	told.bad += apply(square, 11, &y) != 0 || y != 121;
	told.bad += !works();
	told.bad += mp_pool_collect(pool, 0) < 0;
}

static void tries_to_end(struct mp_result *r, void *arg)
{
	(void)r;
	(void)arg;
	told.calls++;
	told.bad += mp_pool_destroy(pool) != -EBUSY;
	told.bad += mp_pool_close(pool) != 0;
	told.bad += mp_pool_join(pool, -1) != -EDEADLK;
	told.bad += mp_pool_join(pool, 0) != -EDEADLK;
	told.bad += mp_pool_destroy(pool) != -EBUSY;
}

static void terminates(struct mp_result *r, void *arg)
{
	(void)r;
	(void)arg;
	told.calls++;
	told.bad += mp_pool_terminate(pool) != 0;
	told.bad += mp_result_status(&told.other) != MP_CANCELLED;
	told.bad += mp_pool_join(pool, -1) != -EDEADLK;
}

static void from_callbacks(void)
{
	struct mp_result r;
	int y;

	memset(&told, 0, sizeof(told));
	submits(NULL, NULL);
	while (told.calls < 100 && mp_pool_collect(pool, LONG) > 0)
		;
	is(told.calls, 100, "100 tasks, submitted by callbacks");
	is(told.bad, 0, "all are well");
	memset(&told, 0, sizeof(told));
	submit(ends_soon, 0, NULL, NULL, &told.other);
	submit(square, 1, &y, &(struct mp_call){ .callback = waits }, &r);
	is(mp_result_wait(&r, LONG), 0, "one that waits in its callback");
	ok(told.calls == 1 && told.bad == 0, "for others and for itself");
	submit(square, 1, &y, &(struct mp_call){ .callback = tries_to_end },
	       &r);
	is(mp_result_wait(&r, LONG), 0, "one that tries to end the pool");
	ok(told.calls == 2 && told.bad == 0, "may close it, and no more");
	is(mp_pool_join(pool, LONG), 0, "which then ends");
	close_pool();

	open_pool(2, NULL);
	memset(&told, 0, sizeof(told));
	submit(stays, 0, NULL, NULL, &told.other);
	submit(square, 1, &y, &(struct mp_call){ .callback = terminates }, &r);
	is(mp_result_wait(&r, LONG), 0, "one that terminates it");
	ok(told.calls == 1 && told.bad == 0, "does");
	is(mp_pool_join(pool, LONG), 0, "which then ends");
	close_pool();
	ok(childless(), "nobody is left");
	open_pool(2, NULL);
}

/* A callback for what was cancelled or forgotten, once. */
static void of_the_cancelled(void)
{
	struct mp_call call = { .callback = on_done,
				.error_callback = on_error,
				.arg = &told };
	struct mp_result hold, r;

	close_pool();
	open_pool(1, NULL);
	memset(&told, 0, sizeof(told));
	told.pid = getpid();
	submit(holds, 0, NULL, NULL, &hold);
	await(begun(0));
	submit(holds, 1, NULL, &call, &r);
	is(mp_result_cancel(&r), 0, "a task is cancelled");
	mp_pool_collect(pool, 0);
	is(told.errors, 1, "and its callback told");
	is(told.last, MP_CANCELLED, "why");
	submit(holds, 1, NULL, &call, &r);
	mp_pool_terminate(pool);
	is(mp_pool_join(pool, LONG), 0, "terminated");
	is(told.errors, 2, "its callback is told");
	is(told.last, MP_CANCELLED, "the same");
	is(told.calls + told.bad, 0, "and nothing else");
	close_pool();
	is(told.errors, 2, "ever");
	open_pool(2, NULL);
}

/* Interrupted before it was begun: never begun. */
static void interrupted(void)
{
	struct mp_result hold;
	int x = 1, y = 0;

	close_pool();
	open_pool(1, NULL);
	submit(holds, 0, NULL, NULL, &hold);
	await(begun(0));
	signals(true);
	is(mp_pool_apply(pool, holds, &x, 4, &y, 4, NULL), -EINTR,
	   "a handler ends apply");
	signals(false);
	go_on(ALL);
	is(mp_result_get(&hold, LONG), 0, "what was before it is done");
	ok(works(), "the pool works");
	is(begun(1), 0, "it was cancelled");
	atomic_store(&board->all, 0);
	signals(true);
	is(mp_pool_apply(pool, holds, &(int){ 2 }, 4, &y, 4, NULL), -EINTR,
	   "one that has begun, perhaps");
	signals(false);
	go_on(ALL);
	ok(works(), "the pool works");
	is(y, 0, "and nothing is written to where nobody waits");
	close_pool();
	open_pool(2, NULL);
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	board = share(sizeof(*board));
	open_pool(2, NULL);
	apply_one();
	room();
	result_sizes();
	copied();
	in_turn();
	no_room();
	many(1, 2);
	many(3, 1);
	many(0, 3);
	many(MP_POOL_TASKS_MAX, 2);
	collect();
	callbacks();
	in_order();
	from_callbacks();
	of_the_cancelled();
	interrupted();
	close_pool();
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "nor a descriptor");
	return tap_done();
}
