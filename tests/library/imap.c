/* Results one by one: in order or as they come, of sources that end, fail, or
 * never end. */
#include "mp/imap.h"

#include "pools.h"

/* What a source has given, and what was taken of it. */
static struct source {
	int next, end;  /* numbers from next to end; end < 0: for ever */
	int taken;      /* results, by the test */
	int most;       /* given and not taken, at any time */
	int error;      /* instead of the end */
	int asked_late; /* times after its end */
	bool ended;
} source;

static int gives(void *arg, void *in)
{
	struct source *s = arg;

	s->asked_late += s->ended;
	if (s->next == s->end) {
		s->ended = true;
		return s->error;
	}
	if (in != NULL)
		memcpy(in, &s->next, sizeof(int));
	s->next++;
	if (s->next - s->taken > s->most)
		s->most = s->next - s->taken;
	return 1;
}

/* ---- what workers run ---- */

/* Odd ones fail, with their number. */
static int odd_fail(struct mp_task *t)
{
	int x;

	square(t);
	memcpy(&x, t->in, sizeof(x));
	return x % 2 ? x : 0;
}

static int fifth_dies(struct mp_task *t)
{
	square(t);
	begin(t);
	if (t->index % 5 == 4 && begun((int)t->index) < 3)
		raise(SIGKILL);
	return 0;
}

static int fifth_stays(struct mp_task *t)
{
	square(t);
	begin(t);
	if (t->index % 5 == 4)
		wait_for_kill();
	return 0;
}

/* As many bytes as its number says. */
static int bytes(struct mp_task *t)
{
	memset(t->out, place_of(t), t->out_size);
	t->out_size = (size_t)place_of(t);
	return 0;
}

static int index_of(struct mp_task *t)
{
	int x = (int)t->index;

	memcpy(t->out, &x, sizeof(x));
	return t->in_size != 0;
}

/* ---- what the creator does ---- */

static struct mp_imap it;

static int open_imap(int (*fn)(struct mp_task *), int end,
		     const struct mp_imap_options *o)
{
	source = (struct source){ .end = end };
	return mp_imap_open(&it, pool, fn, gives, &source, sizeof(int),
			    sizeof(int), o);
}

static int next(int *y, int64_t timeout_ns)
{
	int more = mp_imap_next(&it, y, timeout_ns);

	source.taken += more == 1;
	return more;
}

/* All n squares, in order or not; what is wrong with them. */
static int squares(int n, bool unordered)
{
	static char had[100000];
	int y, more, bad = 0, count = 0;

	memset(had, 0, sizeof(had));
	while ((more = next(&y, LONG)) == 1) {
		int i = (int)it.index;

		if (i < 0 || i >= n)
			return 1000000;
		bad += it.status != 0 || it.size != sizeof(int) || y != i * i;
		bad += !unordered && i != count;
		bad += had[i]++;
		count++;
	}
	bad += more != 0 || count != n || source.asked_late;
	bad += mp_imap_next(&it, &y, -1) != 0 || mp_imap_next(&it, &y, 0) != 0;
	bad += mp_imap_close(&it) != 0 || mp_imap_close(&it) != 0;
	return bad;
}

static void shapes(int workers)
{
	static const int items[] = { 0, 1, 5, 3000 };
	struct mp_imap_options o = { 0 };
	int bad = 0;

	for (int i = 0; i < 16; i++) {
		int most;

		o.unordered = i / 4 % 2;
		o.call.chunk = i / 8 ? 7 : 0;
		o.window = 0;
		bad += open_imap(square, items[i % 4], &o) != 0;
		bad += squares(items[i % 4], o.unordered);
		most = (o.call.chunk ? 7 : 1) *
		       (64 * workers < 128 ? 64 * workers : 128);
		bad += source.most > most;
		bad += items[i % 4] == 3000 && source.most < most;
	}
	is(bad, 0, "%d workers: 0, 1, 5, 3000 items, in order or not, chunks",
	   workers);
	for (uint32_t window = 1; window <= 40; window += 13) {
		o = (struct mp_imap_options){ .window = window };
		bad += open_imap(square, 500, &o) != 0 || squares(500, false) ||
		       source.most > (int)window;
		o.unordered = true;
		bad += open_imap(square, 500, &o) != 0 || squares(500, true) ||
		       source.most > (int)window;
	}
	o = (struct mp_imap_options){ .window = 10, .call.chunk = 10 };
	bad += open_imap(square, 501, &o) != 0 || squares(501, false) ||
	       source.most > 10;
	o = (struct mp_imap_options){ .window = 100000 };
	bad += open_imap(square, 5000, &o) != 0 || squares(5000, false);
	is(bad, 0, "windows of 1 to 40, 10 with a chunk of 10, and any");
	bad += open_imap(square, 500, NULL) != 0 || squares(500, false);
	is(bad, 0, "no options");
	ok(works(), "the pool works");
}

static void refused(void)
{
	struct mp_imap_options o = { .window = 6, .call.chunk = 7 };
	int error;

	is(mp_imap_open(&it, pool, NULL, gives, &source, 4, 4, NULL), -EINVAL,
	   "no function");
	is(mp_imap_open(&it, pool, square, NULL, &source, 4, 4, NULL), -EINVAL,
	   "no source");
	is(open_imap(square, 5, &o), -EINVAL, "a window below the chunk");
	is(mp_imap_open(&it, pool, square, gives, &source, 5000, 4, NULL),
	   -EMSGSIZE, "an item larger than any task");
	is(mp_imap_open(&it, pool, square, gives, &source, 4, 5000, NULL),
	   -EMSGSIZE, "or a result");
	o = (struct mp_imap_options){ .call.chunk = 1000 };
	is(open_imap(square, 5, &o), -EMSGSIZE, "or a chunk of them");
	o.call.chunk = SIZE_MAX;
	error = open_imap(square, 5, &o);
	ok(error == -EMSGSIZE || error == -EINVAL, "a chunk of 2^64 - 1");
	error = mp_imap_open(&it, pool, square, gives, &source, SIZE_MAX, 4,
			     NULL);
	ok(error == -EMSGSIZE || error == -EINVAL, "items of 2^64 - 1 bytes");
	error = mp_imap_open(&it, pool, square, gives, &source, SIZE_MAX,
			     SIZE_MAX, NULL);
	ok(error == -EMSGSIZE || error == -EINVAL, "and results");
	is(source.next, 0, "no source was asked");
	ok(works(), "the pool works");
}

/* Only as far ahead as the window, however long it goes on. */
static void endless(void)
{
	struct mp_imap_options o = { .window = 12 };
	int y, bad = 0;

	for (int how = 0; how < 2; how++) {
		o.unordered = how;
		bad += open_imap(square, -1, &o) != 0;
		bad += source.next != 0; /* not before the first call */
		for (int i = 0; i < 20000; i++)
			bad += next(&y, LONG) != 1 || it.status != 0 ||
			       (unsigned)y !=
				       (unsigned)it.index * (unsigned)it.index;
		bad += mp_imap_close(&it) != 0;
		is(bad, 0, "an endless source, 20000 results%s",
		   how ? ", in any order" : "");
		ok(source.next <= 20012, "was asked %d times", source.next);
		is(source.most, 12, "never more than 12 ahead");
	}
	is(rescues(), 0, "nothing was rescued");
	ok(works(), "the pool works");
}

static void sizes(void)
{
	struct mp_imap_options o = { .call.chunk = 3 };
	unsigned char out[100];
	int bad = 0, x = 0, more;

	source = (struct source){ .end = 100 };
	mp_imap_open(&it, pool, bytes, gives, &source, sizeof(int), 100, NULL);
	for (int i = 0; i < 100; i++) {
		memset(out, 0x55, sizeof(out));
		bad += mp_imap_next(&it, out, LONG) != 1 || it.status != 0 ||
		       it.size != (size_t)i;
		for (int k = 0; k < i; k++)
			bad += out[k] != i;
	}
	is(bad + mp_imap_next(&it, out, LONG), 0, "results of 0 to 99 bytes");
	mp_imap_close(&it);
	source = (struct source){ .end = 100 };
	mp_imap_open(&it, pool, bytes, gives, &source, sizeof(int), 50, &o);
	for (int i = 0; i < 100; i++) {
		memset(out, 0x55, sizeof(out));
		bad += mp_imap_next(&it, out, LONG) != 1 ||
		       it.status != (i > 50 ? -EMSGSIZE : 0);
		bad += i <= 50 && it.size != (size_t)i && o.call.chunk == 0;
		bad += out[50] != 0x55;
	}
	is(bad, 0, "those that do not fit have -EMSGSIZE");
	mp_imap_close(&it);
	source = (struct source){ .end = 100 };
	mp_imap_open(&it, pool, index_of, gives, &source, 0, sizeof(int), &o);
	for (int i = 0; i < 100; i++)
		bad += mp_imap_next(&it, &x, LONG) != 1 || it.status != 0 ||
		       x != i;
	is(bad, 0, "items of 0 bytes");
	mp_imap_close(&it);
	source = (struct source){ .end = 100 };
	mp_imap_open(&it, pool, returns, gives, &source, sizeof(int), 0, &o);
	for (int i = 0; i < 100; i++)
		bad += mp_imap_next(&it, i % 2 ? out : NULL, LONG) != 1 ||
		       it.status != i || (int)it.index != i;
	is(bad, 0, "results of 0 bytes");
	mp_imap_close(&it);
	open_imap(square, 100, NULL);
	while ((more = next(NULL, LONG)) == 1)
		;
	is(source.taken, 100, "results that nobody wants to see");
	mp_imap_close(&it);
}

static void failures(void)
{
	int y, bad = 0;

	open_imap(odd_fail, 100, NULL);
	for (int i = 0; i < 100; i++) {
		y = -1;
		bad += next(&y, LONG) != 1 || it.status != (i % 2 ? i : 0) ||
		       (int)it.index != i || (i % 2 == 0 && y != i * i);
	}
	is(bad, 0, "items that fail stand where they stood");
	is(next(&y, LONG), 0, "and then there are no more");
	mp_imap_close(&it);
	/* The source fails: after what it gave. */
	for (int how = 0; how < 2; how++) {
		struct mp_imap_options o = { .unordered = how,
					     .call.chunk = 3 };

		open_imap(square, 50, &o);
		source.error = -EIO;
		for (int i = 0; i < 50; i++)
			bad += next(&y, LONG) != 1 || it.status != 0;
		is(bad, 0, "50 results");
		is(next(&y, LONG), -EIO, "and then the source's error");
		ok(next(&y, 0) <= 0 && source.asked_late == 0,
		   "it is not asked again");
		mp_imap_close(&it);
	}
	open_imap(square, 0, NULL);
	source.error = -ENOENT;
	is(next(&y, LONG), -ENOENT, "an error at once");
	mp_imap_close(&it);
	ok(works(), "the pool works");
}

/* ---- slow items ---- */

static void in_order(void)
{
	struct mp_imap_options o = { .window = 6 };
	int y = 0, bad = 0, error;
	int64_t start_of_wait;

	close_pool();
	open_pool(3, NULL);
	open_imap(holds, 6, &o);
	is(next(&y, 0), -ETIMEDOUT, "nothing is done");
	start_of_wait = mp_clock_now();
	is(next(&y, 5 * MS), -ETIMEDOUT, "nor in 5 ms");
	ok(mp_clock_now() - start_of_wait >= 5 * MS, "which it waits");
	await(begun(0) && begun(1) && begun(2));
	go_on(1);
	go_on(2);
	await(begun(3) && begun(4));
	is(next(&y, 2 * MS), -ETIMEDOUT, "the second and third may not pass");
	signals(true);
	is(next(&y, -1), -EINTR, "a handler ends it");
	is(next(&y, LONG), -EINTR, "with a timeout, too");
	go_on(ALL);
	for (int i = 0; i < 6; i++) {
		do
			error = next(&y, LONG);
		while (error == -EINTR);
		bad += error != 1 || (int)it.index != i || y != i * i;
	}
	signals(false);
	is(bad, 0, "they come in order, and none was lost");
	is(next(&y, LONG), 0, "all");
	mp_imap_close(&it);
}

static void as_they_come(void)
{
	struct mp_imap_options o = { .window = 6, .unordered = true };
	static const int order[] = { 2, 0, 3, 1, 5, 4 };
	int y = 0, bad = 0;

	close_pool();
	open_pool(6, NULL);
	open_imap(holds, 6, &o);
	is(next(&y, 0), -ETIMEDOUT, "nothing is done");
	for (int i = 0; i < 6; i++) {
		await(begun(i));
	}
	for (int i = 0; i < 6; i++) {
		go_on(order[i]);
		bad += next(&y, LONG) != 1 || (int)it.index != order[i] ||
		       y != order[i] * order[i];
	}
	is(bad, 0, "unordered: as they are done");
	is(next(&y, LONG), 0, "all");
	mp_imap_close(&it);
	close_pool();
	open_pool(2, NULL);
}

/* What was begun ends unseen, the rest is never begun. */
static void closed_early(void)
{
	struct mp_imap_options o = { .window = 20 };
	int y, begins = 0;

	memset((void *)board, 0, sizeof(*board));
	open_imap(holds, -1, &o);
	is(next(&y, 0), -ETIMEDOUT, "under way");
	await(begun(0) && begun(1));
	is(mp_imap_close(&it), 0, "closed early");
	is(mp_imap_close(&it), 0, "twice");
	go_on(ALL);
	ok(works(), "the pool works");
	for (int i = 0; i < 20; i++)
		begins += begun(i);
	is(begins, 2, "two were begun, and no more");
	ok(source.next <= 20, "the source was asked %d times", source.next);
	/* Nothing is used up by it. */
	for (int i = 0; i < 500; i++) {
		open_imap(square, -1, &o);
		next(&y, LONG);
		mp_imap_close(&it);
	}
	ok(works(), "after 500 of these, too");
	open_imap(square, 5, NULL);
	is(mp_imap_close(&it), 0, "closed before it began");
	is(source.next, 0, "the source was never asked");
}

static void several(void)
{
	struct mp_imap first, second;
	struct source s[2] = { { .end = -1 }, { .end = -1 } };
	int bad = 0, y;

	mp_imap_open(&first, pool, square, gives, &s[0], 4, 4, NULL);
	mp_imap_open(&second, pool, returns, gives, &s[1], 4, 0, NULL);
	for (int i = 0; i < 1000; i++) {
		bad += mp_imap_next(&first, &y, LONG) != 1 || y != i * i;
		bad += mp_imap_next(&second, NULL, LONG) != 1 ||
		       second.status != i;
		if (i % 100 == 0)
			bad += !works();
	}
	is(bad, 0, "two at once, and maps between them");
	mp_imap_close(&first);
	mp_imap_close(&second);
}

/* More windows than there is room for tasks. */
static void little_room(void)
{
	struct mp_imap_options o = { .window = 50 };
	struct mp_result r;
	int y;

	close_pool();
	open_pool(2, &(struct mp_pool_options){ .tasks = 1 });
	open_imap(square, 300, &o);
	is(squares(300, false), 0, "room for one task, a window of 50");
	o.unordered = true;
	open_imap(square, 300, &o);
	is(squares(300, true), 0, "in any order");
	/* All room is taken by others. */
	submit(holds, 3, &y, NULL, &r);
	open_imap(square, 10, &o);
	is(next(&y, 2 * MS), -ETIMEDOUT, "no room at all");
	go_on(ALL);
	is(squares(10, true), 0, "until there is");
	is(mp_result_get(&r, LONG), 0, "what took it is done");
	close_pool();
	open_pool(2, NULL);
}

/* All room is taken by results that only this process could take. */
static void untaken(void)
{
	struct mp_imap_options o = { .window = 2 };
	struct source s = { .end = -1 };
	struct mp_imap second;
	struct mp_result r;
	int y = 0;

	close_pool();
	open_pool(2, &(struct mp_pool_options){ .tasks = 2 });
	open_imap(holds, -1, &o);
	is(next(&y, 0), -ETIMEDOUT, "two items, and room for two tasks");
	mp_imap_open(&second, pool, square, gives, &s, 4, 4, &o);
	is(mp_imap_next(&second, &y, MS), -ETIMEDOUT, "no room for others");
	go_on(ALL);
	while (mp_pool_collect(pool, -1) > 0)
		;
	is(mp_imap_next(&second, &y, -1), -EDEADLK,
	   "they are done, and nobody takes them");
	is(submit(square, 3, &y, NULL, &r), -EDEADLK, "no room for a task");
	is(apply(square, 3, &y), -EDEADLK, "whoever gives it");
	is(next(&y, -1), 1, "one is taken");
	is(apply(square, 3, &y), 0, "and there is room");
	is(y, 9, "for that");
	mp_imap_close(&it);
	is(mp_imap_next(&second, &y, LONG), 1, "and for the other");
	mp_imap_close(&second);
	ok(works(), "the pool works");
	close_pool();
	open_pool(2, NULL);
}

/* ---- deaths ---- */

static void deaths(void)
{
	struct mp_imap_options o = { 0 };
	int y, bad = 0;

	for (int how = 0; how < 3; how++) {
		close_pool();
		open_pool(2, NULL);
		o.call.chunk = how == 1 ? 4 : 0;
		o.call.retries = how == 2 ? 2 : 0;
		open_imap(fifth_dies, 60, &o);
		for (int i = 0; i < 60; i++) {
			int lost = i % 5 == 4 && how < 2;

			bad += next(&y, LONG) != 1 || (int)it.index != i ||
			       it.status != (lost ? MP_LOST : 0) ||
			       (!lost && y != i * i);
			bad += begun(i) != (i % 5 == 4 && how == 2 ? 3 : 1);
		}
		bad += next(&y, LONG) != 0;
		is(bad, 0,
		   how == 2 ? "with 2 retries, all are well"
			    : "one of five kills its worker");
		mp_imap_close(&it);
		ok(works(), "the pool works");
	}
	close_pool();
	open_pool(2, NULL);
	o = (struct mp_imap_options){ .unordered = true,
				      .call.timeout_ns = 20 * MS,
				      .call.chunk = 3 };
	open_imap(fifth_stays, 30, &o);
	for (int i = 0; i < 30; i++) {
		bad += next(&y, LONG) != 1 ||
		       it.status != (it.index % 5 == 4 ? MP_TOO_LONG : 0);
		bad += begun((int)it.index) != 1;
	}
	is(bad, 0, "one of five never ends");
	is(next(&y, LONG), 0, "all");
	mp_imap_close(&it);
	open_imap(holds, 10, NULL);
	is(next(&y, 0), -ETIMEDOUT, "under way");
	strike(0);
	strike(1);
	go_on(ALL);
	for (int i = 0; i < 10; i++)
		bad += next(&y, LONG) != 1 || (int)it.index != i ||
		       (it.status != 0 && (it.status != MP_LOST || i > 1));
	is(bad, 0, "all workers are killed: at most what they ran is lost");
	mp_imap_close(&it);
}

/* Killed at any time. */
static void storm(bool unordered)
{
	struct mp_imap_options o = { .unordered = unordered,
				     .call.retries = 1000,
				     .window = 16 };
	int y, bad = 0, kills = 0, error;
	unsigned seed = 1;

	close_pool();
	open_pool(3, NULL);
	open_imap(square, 20000, &o);
	for (int i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16) % 200 == 0) {
			strike((int)(seed >> 24) % 3);
			kills++;
		}
		error = next(&y, LONG);
		bad += error != 1 || it.status != 0 ||
		       y != (int)(it.index * it.index) ||
		       (!unordered && (int)it.index != i);
	}
	is(bad + next(&y, LONG), 0, "%d kills, none is lost with retries",
	   kills);
	mp_imap_close(&it);
	ok(works(), "the pool works");
}

/* ---- from within, and at the end ---- */

static int asked, tried, y_of_callback;

static int source_that_asks(void *arg, void *in)
{
	int y;

	(void)arg;
	*(int *)in = 1;
	asked++;
	tried += mp_imap_next(&it, &y, 0) == -EDEADLK;
	return 1;
}

static void asks(struct mp_result *r, void *arg)
{
	int y;

	(void)r;
	(void)arg;
	tried += mp_imap_next(&it, &y, 0) == -EDEADLK;
}

static void from_within(void)
{
	struct mp_result r;
	int y;

	tried = 0;
	mp_imap_open(&it, pool, square, source_that_asks, NULL, 4, 4, NULL);
	is(mp_imap_next(&it, &y, LONG), 1, "a source that asks itself");
	ok(tried == asked && asked >= 64, "is refused, each of %d times",
	   asked);
	tried = 0;
	submit(square, 2, &y_of_callback, &(struct mp_call){ .callback = asks },
	       &r);
	is(mp_result_wait(&r, LONG), 0, "a callback that asks");
	is(tried, 1, "is refused");
	is(mp_imap_next(&it, &y, LONG), 1, "after which all is well");
	mp_imap_close(&it);
}

static void at_the_end(void)
{
	struct mp_imap_options o = { .window = 4 };
	int y, more, given, results = 0;
	struct mp_imap other;

	close_pool();
	open_pool(2, NULL);
	open_imap(holds, -1, &o);
	is(next(&y, 0), -ETIMEDOUT, "under way");
	await(begun(0) && begun(1));
	mp_pool_terminate(pool);
	while ((more = next(&y, LONG)) == 1) {
		results++;
		if (it.status != MP_CANCELLED || results > 4)
			break;
	}
	ok(more != 1 && results <= 4, "terminated: %d cancelled, and then %d",
	   results, more);
	ok(source.next <= 4, "the source was not asked again");
	is(mp_imap_close(&it), 0, "close");
	close_pool();
	open_pool(2, NULL);
	open_imap(square, 100, &o);
	next(&y, LONG);
	given = source.next;
	mp_pool_close(pool);
	is(mp_imap_open(&other, pool, square, gives, &source, 4, 4, NULL),
	   -ESHUTDOWN, "none is opened after close");
	while ((more = next(&y, LONG)) == 1)
		;
	is(more, 0, "one that is open comes to its end");
	is(source.next, given, "without asking any more");
	is(source.taken, given, "and nothing is lost");
	is(mp_imap_close(&it), 0, "close");
	is(mp_imap_next(&it, &y, 0), -EINVAL, "no next after it");
	close_pool();
	open_pool(2, NULL);
	open_imap(holds, 100, &o);
	next(&y, 0);
	mp_imap_close(&it);
	go_on(ALL);
	mp_pool_close(pool);
	is(mp_pool_join(pool, LONG), 0, "join after a close that was early");
	close_pool();
	open_pool(2, NULL);
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	board = share(sizeof(*board));
	for (int workers = 1; workers <= 4; workers += 3) {
		open_pool(workers, NULL);
		shapes(workers);
		is(rescues(), 0, "nothing was rescued");
		close_pool();
	}
	open_pool(2, NULL);
	refused();
	endless();
	sizes();
	failures();
	in_order();
	as_they_come();
	closed_early();
	several();
	little_room();
	untaken();
	deaths();
	storm(false);
	storm(true);
	from_within();
	at_the_end();
	close_pool();
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "nor a descriptor");
	return tap_done();
}
