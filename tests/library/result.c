/* Results: looked at, waited for, alone and many at once, cancelled. */
#include "mp/result.h"

#include "pools.h"

/* ---- one ---- */

static void life(void)
{
	struct mp_result r;
	int y = 0, code = 99;
	int64_t begin;

	submit(holds, 7, &y, NULL, &r);
	await(begun(7));
	is(mp_result_ready(&r), 0, "not ready");
	is(mp_result_successful(&r), -EBUSY, "nobody knows how it goes");
	is(mp_result_status(&r), -EBUSY, "no status");
	is(mp_result_size(&r), 0, "no size");
	is(mp_result_wait(&r, 0), -ETIMEDOUT, "not done");
	begin = mp_clock_now();
	is(mp_result_wait(&r, 5 * MS), -ETIMEDOUT, "nor in 5 ms");
	ok(mp_clock_now() - begin >= 5 * MS, "which it waits");
	is(mp_result_get(&r, 0), -ETIMEDOUT, "get has nothing");
	is(mp_result_get(&r, MS), -ETIMEDOUT, "for a while");
	is(mp_result_cancel(&r), -EBUSY, "too late to cancel");
	go_on(7);
	is(mp_result_wait(&r, -1), 0, "done");
	is(mp_result_ready(&r), 1, "ready");
	is(mp_result_successful(&r), 1, "and well");
	is(mp_result_status(&r), 0, "status 0");
	is((long)mp_result_size(&r), 4, "4 bytes");
	is(y, 49, "the square of 7");
	is(mp_result_get(&r, 0), 0, "get");
	is(mp_result_get(&r, -1), 0, "as often as you like");
	is(mp_result_wait(&r, 0), 0, "wait");
	is(mp_result_exitcode(&r, &code), -ENODATA, "nobody died");
	is(code, 99, "no code");
	is(mp_result_cancel(&r), -EALREADY, "nothing to cancel");
	is(submit(returns, -5, NULL, NULL, &r), 0, "the next one");
	is(mp_result_get(&r, LONG), -5, "fails");
	is(mp_result_wait(&r, LONG), 0, "was waited for");
	is(mp_result_ready(&r), 1, "is ready");
	is(mp_result_successful(&r), 0, "and not well");
	is(mp_result_status(&r), -5, "which is its status");
	is(submit(returns, -ETIMEDOUT, NULL, NULL, &r), 0, "one that fails so");
	is(mp_result_get(&r, LONG), -ETIMEDOUT, "cannot be told by get");
	is(mp_result_wait(&r, LONG), 0, "but by wait");
	is(mp_result_status(&r), -ETIMEDOUT, "and status");
	is(submit(returns, MP_CANCELLED, NULL, NULL, &r), 0, "or so");
	is(mp_result_get(&r, LONG), MP_CANCELLED, "is what it says");
}

/* It becomes ready while the creator looks and does nothing else. */
static void looked_at(void)
{
	struct mp_result r;
	int y;

	submit(square, 3, &y, NULL, &r);
	await(mp_result_ready(&r));
	is(y, 9, "ready by looking");
	submit(raises, SIGKILL, NULL, NULL, &r);
	await(mp_result_ready(&r));
	is(mp_result_status(&r), MP_LOST, "also when its worker dies");
}

static void exitcodes(void)
{
	static const struct {
		int (*fn)(struct mp_task *);
		int x, code;
		const char *what;
	} v[] = { { exits, 0, 0, "exit(0) in a task" },
		  { exits, 3, 3, "exit(3)" },
		  { exits, 255, 255, "exit(255)" },
		  { raises, SIGKILL, -SIGKILL, "SIGKILL" },
		  { raises, SIGSEGV, -SIGSEGV, "SIGSEGV" },
		  { raises, SIGABRT, -SIGABRT, "SIGABRT" },
		  { raises, SIGTERM, -SIGTERM, "SIGTERM" } };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct mp_result r;
		int code = 99;

		submit(v[i].fn, v[i].x, NULL, NULL, &r);
		is(mp_result_get(&r, LONG), MP_LOST, "%s: lost", v[i].what);
		is(mp_result_exitcode(&r, &code), 0, "its end is known");
		is(code, v[i].code, "exactly");
		is(mp_result_successful(&r), 0, "and not well");
		is((long)mp_result_size(&r), 0, "no result");
	}
	ok(works(), "the pool works");
}

static void cancel(void)
{
	struct mp_result first, r[5];
	int y[5], bad = 0, code;

	close_pool();
	open_pool(1, NULL);
	submit(holds, 0, NULL, NULL, &first);
	await(begun(0));
	for (int i = 0; i < 5; i++)
		submit(holds, i + 1, &y[i], NULL, &r[i]);
	is(mp_result_cancel(&r[1]), 0, "a task that waits is cancelled");
	is(mp_result_ready(&r[1]), 1, "and done at once");
	is(mp_result_status(&r[1]), MP_CANCELLED, "as cancelled");
	is(mp_result_get(&r[1], -1), MP_CANCELLED, "says get");
	is(mp_result_successful(&r[1]), 0, "not well");
	is(mp_result_exitcode(&r[1], &code), -ENODATA, "no death");
	is((long)mp_result_size(&r[1]), 0, "no bytes");
	is(mp_result_cancel(&r[1]), -EALREADY, "twice is too late");
	is(mp_result_cancel(&r[4]), 0, "the last one");
	is(mp_result_cancel(&first), -EBUSY, "what has begun goes on");
	submit(holds, 10, &y[1], NULL, &r[1]);
	go_on(ALL);
	for (int i = 0; i < 4; i++)
		bad += mp_result_get(&r[i], LONG) != 0;
	is(bad, 0, "the others are done, and one that took its place");
	ok(begun(1) == 1 && begun(2) == 0 && begun(3) == 1 && begun(5) == 0,
	   "the cancelled were never begun");
	is(y[1], 100, "and this is right");
	is(mp_result_cancel(&first), -EALREADY, "done");
	/* All room is used, cancelled, and there again. */
	for (int k = 0; k < 3; k++) {
		static struct mp_result v[256];
		struct mp_call nowait = { .nowait = true };
		int busy = 0;

		memset((void *)board, 0, sizeof(*board));
		for (int i = 0; i < 256; i++)
			bad += submit(holds, 0, NULL, &nowait, &v[i]) != 0;
		await(begun(0));
		for (int i = 0; i < 256; i++)
			busy += mp_result_cancel(&v[i]) == -EBUSY;
		go_on(ALL);
		for (int i = 0; i < 256; i++)
			busy -= mp_result_get(&v[i], LONG) == 0;
		bad += busy != 0 || begun(0) != 1;
	}
	is(bad, 0, "a full pool is cancelled, three times");
	ok(works(), "the pool works");
	close_pool();
	open_pool(3, NULL);
}

/* Workers take tasks as fast as they are cancelled. */
static void cancel_race(void)
{
	int bad = 0, cancelled = 0, late = 0;

	for (int i = 0; i < 3000; i++) {
		struct mp_result r;
		int y = -1, error;

		submit(square, 5, &y, NULL, &r);
		for (int k = 0; k < i % 30; k++)
			atomic_load(&board->n);
		error = mp_result_cancel(&r);
		if (mp_result_wait(&r, LONG) != 0)
			bad++;
		cancelled += error == 0;
		late += error != 0;
		if (error == 0)
			bad += mp_result_status(&r) != MP_CANCELLED || y != -1;
		else
			bad += (error != -EBUSY && error != -EALREADY) ||
			       mp_result_status(&r) != 0 || y != 25;
	}
	is(bad, 0, "%d cancelled as they were begun, %d too late", cancelled,
	   late);
}

static void interrupted(void)
{
	struct mp_result r, *v[] = { &r };
	int y = 0, error;

	memset((void *)board, 0, sizeof(*board));
	submit(holds, 8, &y, NULL, &r);
	signals(true);
	is(mp_result_wait(&r, -1), -EINTR, "a handler ends wait");
	is(mp_result_wait(&r, LONG), -EINTR, "with a timeout, too");
	is(mp_result_get(&r, -1), -EINTR, "and get");
	is(mp_result_wait_many(v, 1, MP_ALL_COMPLETED, -1), -EINTR,
	   "and wait_many");
	is(mp_result_as_completed(v, 1, LONG), -EINTR, "and as_completed");
	ok(v[0] == &r, "nothing was taken");
	go_on(ALL);
	do
		error = mp_result_get(&r, LONG);
	while (error == -EINTR);
	signals(false);
	is(error, 0, "later it is there");
	is(y, 64, "and right");
}

/* ---- many ---- */

static struct mp_result result[8], *all[8];

/* n tasks that hold on n workers. */
static void hold(int n)
{
	close_pool();
	open_pool(n, NULL);
	for (int i = 0; i < n; i++) {
		submit(holds, i, NULL, NULL, &result[i]);
		all[i] = &result[i];
	}
	for (int i = 0; i < n; i++)
		await(begun(i));
}

static void wait_many(void)
{
	struct mp_result fails;
	int64_t begin;
	int n;

	hold(4);
	is(mp_result_wait_many(all, 0, MP_ALL_COMPLETED, 0), -EINVAL,
	   "wait for none");
	is(mp_result_wait_many(all, -1, MP_ALL_COMPLETED, 0), -EINVAL, "-1");
	for (enum mp_result_when when = MP_FIRST_COMPLETED;
	     when <= MP_ALL_COMPLETED; when++)
		is(mp_result_wait_many(all, 4, when, 0), -ETIMEDOUT,
		   "none is done");
	begin = mp_clock_now();
	is(mp_result_wait_many(all, 4, MP_FIRST_COMPLETED, 5 * MS), -ETIMEDOUT,
	   "nor in 5 ms");
	ok(mp_clock_now() - begin >= 5 * MS, "which it waits");
	go_on(2);
	is(mp_result_wait_many(all, 4, MP_FIRST_COMPLETED, LONG), 1,
	   "one is done");
	ok(result[2].done && !result[0].done, "the right one");
	is(mp_result_wait_many(all, 4, MP_FIRST_COMPLETED, -1), 1, "still");
	is(mp_result_wait_many(all, 4, MP_FIRST_FAILED, MS), -ETIMEDOUT,
	   "none has failed");
	is(mp_result_wait_many(all, 4, MP_ALL_COMPLETED, MS), -ETIMEDOUT,
	   "not all are done");
	submit(returns, -EIO, NULL, NULL, &fails);
	all[4] = &fails;
	n = mp_result_wait_many(all, 5, MP_FIRST_FAILED, LONG);
	is(n, 2, "one fails");
	ok(mp_result_ready(&fails) == 1, "this one");
	go_on(ALL);
	is(mp_result_wait_many(all, 4, MP_FIRST_FAILED, LONG), 4,
	   "without a failure, when all are done");
	is(mp_result_wait_many(all, 5, MP_ALL_COMPLETED, LONG), 5, "all");
	is(mp_result_wait_many(all, 5, MP_ALL_COMPLETED, 0), 5, "at once");
	is(mp_result_wait_many(all, 1, MP_ALL_COMPLETED, 0), 1, "one");
}

static void completed(void)
{
	static const int order[] = { 2, 0, 3, 1 };
	int bad = 0;

	hold(4);
	is(mp_result_as_completed(all, 4, 0), -ETIMEDOUT, "none is done");
	is(mp_result_as_completed(all, 4, MS), -ETIMEDOUT, "nor in 1 ms");
	for (int i = 0; i < 4; i++) {
		go_on(order[i]);
		is(mp_result_as_completed(all, 4, LONG), order[i],
		   "as they are done: %d", order[i]);
		bad += all[order[i]] != NULL;
	}
	is(bad, 0, "each leaves its place");
	is(mp_result_as_completed(all, 4, LONG), -ENOENT, "all are gone");
	is(mp_result_as_completed(all, 4, -1), -ENOENT, "for ever");
	/* All are done, one by one, before the first is asked for. */
	hold(4);
	for (int i = 0; i < 4; i++) {
		go_on(order[i]);
		mp_result_wait(&result[order[i]], LONG);
	}
	for (int i = 0; i < 4; i++)
		bad += mp_result_as_completed(all, 4, 0) != order[i];
	is(bad, 0, "the order is kept");
	/* Maps, failures and the dead among them. */
	hold(2);
	submit(returns, 3, NULL, NULL, &result[2]);
	mp_result_cancel(&result[2]);
	mp_result_wait(&result[2], 0);
	strike(0);
	all[2] = NULL;
	all[3] = &result[3];
	go_on(ALL);
	mp_pool_map_async(pool, square, NULL, 0, 0, NULL, 0, NULL, &result[3]);
	for (int i = 0; i < 3; i++) {
		int place = mp_result_as_completed(all, 4, LONG);

		bad += place < 0 || place == 2;
	}
	is(bad, 0, "whatever they are");
	is(mp_result_as_completed(all, 4, LONG), -ENOENT, "and no more");
}

/* Everything at once, in any order. */
static void torrent(void)
{
	enum { N = 2000 };
	static struct mp_result r[N], *v[N];
	static int y[N];
	int bad = 0, place, first;

	close_pool();
	open_pool(3, NULL);
	for (int i = 0; i < N; i++) {
		submit(square, i, &y[i], NULL, &r[i]);
		v[i] = &r[i];
	}
	first = mp_result_wait_many(v, N, MP_FIRST_COMPLETED, LONG);
	ok(first >= 1, "%d of %d", first, N);
	for (int i = 0; i < N; i++) {
		place = mp_result_as_completed(v, N, LONG);
		bad += place < 0 || v[place] != NULL ||
		       y[place] != place * place;
		if (place < 0)
			break;
	}
	is(bad, 0, "each of %d once", N);
	is(rescues(), 0, "nothing was rescued");
}

/* Results outlive their pool. */
static void after_the_pool(void)
{
	struct mp_result done, waiting;
	int y;

	close_pool();
	open_pool(1, NULL);
	submit(square, 4, &y, NULL, &done);
	mp_result_wait(&done, LONG);
	submit(holds, 1, NULL, NULL, &waiting);
	await(begun(1));
	close_pool();
	is(mp_result_status(&done), 0, "a result after its pool's end");
	is(mp_result_status(&waiting), MP_CANCELLED, "one that was not done");
	ok(mp_result_ready(&done) == 1 && mp_result_successful(&done) == 1 &&
		   mp_result_get(&done, -1) == 0,
	   "ready, successful and get");
	ok(mp_result_ready(&waiting) == 1 && mp_result_wait(&waiting, 0) == 0 &&
		   mp_result_get(&waiting, 0) == MP_CANCELLED,
	   "need no pool");
	is((long)mp_result_size(&done), 4, "nor does size");
	open_pool(2, NULL);
}

int main(void)
{
	int before = tap_descriptors();
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	mp_backstop_set(0);
	board = share(sizeof(*board));
	open_pool(3, NULL);
	life();
	looked_at();
	exitcodes();
	cancel();
	cancel_race();
	interrupted();
	wait_many();
	completed();
	torrent();
	after_the_pool();
	close_pool();
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "nor a descriptor");
	return tap_done();
}
