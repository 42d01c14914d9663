/* Queues: closed, shut down, and all that was put is done. */
#include "mp/queue.h"

#include "queues.h"

enum { N = 3 };

static int ends_all(pid_t *pid, int result)
{
	int bad = 0;

	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != result;
	return bad;
}

static void start_all(pid_t *pid, int (*f)(long))
{
	for (int i = 0; i < N; i++)
		pid[i] = start_asleep(f, LONG);
}

/* ---- close ---- */

static void closed(void)
{
	const void *seen;
	void *where;
	struct iovec v = { &where, 8 };

	fresh(5, 40, 0);
	put_all(0, 2);
	is(mp_queue_close(q), 0, "closed with two messages");
	for (int64_t t = -1; t < 2; t++)
		is(put(9, t), -ESHUTDOWN, "no put");
	is(mp_queue_put_many(q, &v, 1, -1), -ESHUTDOWN, "no put_many");
	is(mp_queue_reserve(q, 8, -1, &where), -ESHUTDOWN, "no reserve");
	is(mp_queue_put(q, "", 41, -1), -EMSGSIZE, "too long is too long");
	is(mp_queue_qsize(q), 2, "the messages are there");
	is(mp_queue_close(q), 0, "closed again");
	is(get(-1), 0, "get the first");
	is(mp_queue_peek(q, -1, &seen, NULL), 0, "see the second");
	is(mp_queue_release(q), 0, "take it");
	for (int64_t t = -1; t < 2; t++)
		is(get(t), -ESHUTDOWN, "then the end");
	is(mp_queue_peek(q, -1, &seen, NULL), -ESHUTDOWN, "for peek too");
	is(mp_queue_close(q), 0, "closed a third time");
	is(get(-1), -ESHUTDOWN, "nothing changes");
	is(mp_queue_join(q, 0), -ETIMEDOUT, "two are not done");
	is(mp_queue_task_done(q) | mp_queue_task_done(q), 0, "two done");
	is(mp_queue_join(q, -1), 0, "all done, though closed");
}

static void close_with_sleepers(void)
{
	pid_t pid[N];

	fresh(2, 16, 0);
	start_all(pid, gets);
	mp_queue_close(q);
	is(ends_all(pid, -ESHUTDOWN), 0, "%d getters that sleep learn of it",
	   N);
	fresh(2, 16, 0);
	put_all(0, 2);
	start_all(pid, puts_50);
	mp_queue_close(q);
	is(ends_all(pid, -ESHUTDOWN), 0, "%d putters that sleep", N);
	is(get(0) + get(0), 1, "the messages are there");
	is(get(0), -ESHUTDOWN, "and nothing of the putters");
	fresh(2, 16, 0);
	put_all(0, 2);
	start_all(pid, joins);
	mp_queue_close(q);
	mp_queue_task_done(q);
	mp_queue_task_done(q);
	is(ends_all(pid, 0), 0, "%d that join wait until all is done", N);
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- shutdown ---- */

static void shut_down(void)
{
	const void *seen;
	void *where;
	struct iovec v = { &where, 8 };

	fresh(5, 40, 0);
	put_all(0, 2);
	is(mp_queue_shutdown(q), 0, "shut down with two messages");
	for (int64_t t = -1; t < 2; t++) {
		is(put(9, t), -ESHUTDOWN, "no put");
		is(get(t), -ESHUTDOWN, "no get");
		is(mp_queue_join(q, t), -ESHUTDOWN, "no join");
	}
	is(mp_queue_put_many(q, &v, 1, -1), -ESHUTDOWN, "no put_many");
	is(mp_queue_get_many(q, &v, 1, -1), -ESHUTDOWN, "no get_many");
	is(mp_queue_reserve(q, 8, -1, &where), -ESHUTDOWN, "no reserve");
	is(mp_queue_peek(q, -1, &seen, NULL), -ESHUTDOWN, "no peek");
	is(mp_queue_qsize(q), 2, "what was in the queue stays there");
	is(mp_queue_shutdown(q), 0, "shut down again");
	is(mp_queue_close(q), 0, "closed afterwards");
	is(get(0), -ESHUTDOWN, "is as before");
	fresh(5, 40, 0);
	put_all(0, 2);
	mp_queue_close(q);
	is(mp_queue_shutdown(q), 0, "shut down when closed");
	is(get(-1), -ESHUTDOWN, "no get any more");
	fresh(5, 40, MP_QUEUE_LEASE);
	put(1, 0);
	mp_queue_shutdown(q);
	is(mp_queue_lease(q, -1, &seen, NULL), -ESHUTDOWN, "no lease");
	is(get(-1), -ESHUTDOWN, "no get with leases");
}

static void shutdown_with_sleepers(void)
{
	pid_t getter[N], putter[N], joiner[N];

	fresh(2, 16, 0);
	start_all(getter, gets);
	mp_queue_shutdown(q);
	is(ends_all(getter, -ESHUTDOWN), 0, "%d getters that sleep", N);
	fresh(2, 16, 0);
	put_all(0, 2);
	start_all(putter, puts_50);
	start_all(joiner, joins);
	mp_queue_shutdown(q);
	is(ends_all(putter, -ESHUTDOWN), 0, "%d putters", N);
	is(ends_all(joiner, -ESHUTDOWN), 0, "and %d that join", N);
	is(mp_queue_qsize(q), 2, "the messages stay");
	fresh(2, 16, MP_QUEUE_LEASE);
	put_all(0, 2);
	get(0);
	start_all(putter, puts_50);
	start_all(joiner, joins);
	get(0);
	start_all(getter, gets);
	mp_queue_shutdown(q);
	is(ends_all(getter, -ESHUTDOWN) + ends_all(putter, -ESHUTDOWN) +
		   ends_all(joiner, -ESHUTDOWN),
	   0, "all of them at once, with leases");
	is(mp_queue_task_done(q) | mp_queue_task_done(q), 0,
	   "what is on lease can still be done");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- who closes while others come and go ---- */

static int puts_until_closed(long unused)
{
	int n = 0, error;

	(void)unused;
	while ((error = put(1, LONG)) == 0)
		n++;
	return error == -ESHUTDOWN ? n % 100 : error;
}

static int gets_until_closed(long unused)
{
	int n = 0, error;

	(void)unused;
	while ((error = get(LONG)) > 0) {
		n++;
		mp_queue_task_done(q);
	}
	return error == -ESHUTDOWN ? n % 100 : error;
}

/* What was put before the end is got, and nobody stays behind. */
static void any_time(uint32_t flags, const char *how)
{
	int bad = 0, sum, result;
	pid_t pid[4];

	for (int i = 0; i < 60; i++) {
		fresh((uint32_t)i % 3 + 1, 64, flags);
		sum = 0;
		for (int k = 0; k < 4; k++)
			pid[k] = start(k < 2 ? puts_until_closed
					     : gets_until_closed,
				       0);
		for (int k = 0; k < i; k++)
			sched_yield();
		mp_queue_close(q);
		for (int k = 0; k < 4; k++) {
			result = end_of(pid[k]);
			bad += result < 0 || result > 99;
			sum += k < 2 ? result : -result;
		}
		bad += sum % 100 != 0 || !mp_queue_empty(q) ||
		       mp_queue_join(q, 0) != 0;
	}
	is(bad, 0, "closed at any time%s: all that was put is got", how);
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

static int puts_one_and_closes(long number)
{
	int error = put(number, -1);

	return error < 0 ? error : mp_queue_close(q);
}

/* "Closed and empty" is never said while a message is there. */
static void last_message(void)
{
	int bad = 0;
	pid_t pid;

	for (int i = 0; i < 300; i++) {
		fresh(1, 8, 0);
		pid = start(puts_one_and_closes, 7);
		bad += get(LONG) != 7 || get(LONG) != -ESHUTDOWN;
		bad += end_of(pid) != 0;
	}
	is(bad, 0, "a last message, then close: it is got, then the end");
}

/* ---- task_done and join ---- */

static int done(long n)
{
	int error = 0;

	while (n-- > 0 && error == 0)
		error = mp_queue_task_done(q);
	return error;
}

static void join(void)
{
	pid_t pid[N];
	int bad = 0;

	fresh(10, 80, 0);
	is(mp_queue_join(q, -1), 0, "join: nothing was ever put");
	is(mp_queue_task_done(q), -EINVAL, "nothing can be done");
	put_all(0, 2);
	is(mp_queue_join(q, 0), -ETIMEDOUT, "two put");
	get(0);
	get(0);
	is(mp_queue_join(q, 5 * MS), -ETIMEDOUT, "and got are not done");
	is(mp_queue_task_done(q), 0, "one is");
	is(mp_queue_join(q, 0), -ETIMEDOUT, "the other not");
	start_all(pid, joins);
	is(end_of(start(done, 1)), 0, "any process may say so");
	is(ends_all(pid, 0), 0, "all %d that join come back", N);
	is(mp_queue_task_done(q), -EINVAL, "more often than messages were put");
	is(mp_queue_join(q, 0), 0, "which changes nothing");
	put(1, 0);
	is(mp_queue_join(q, 0), -ETIMEDOUT, "one more message");
	is(mp_queue_task_done(q), 0, "done before it was got");
	is(mp_queue_join(q, 0), 0, "is done");
	is(get(0), 1, "though it is there");

	for (int i = 0; i < 200; i++) {
		bad += put(1, 0) != 0;
		pid[0] = start(done, 1);
		bad += mp_queue_join(q, LONG) != 0;
		bad += end_of(pid[0]) != 0 || get(0) != 1;
	}
	is(bad, 0, "join and task_done at one time");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

/* ---- how many ---- */

static int puts_and_gets(long n)
{
	int bad = 0;

	for (long i = 0; i < n; i++)
		bad += put(1, LONG) != 0 || get(LONG) != 1;
	return bad != 0;
}

/* The figures are right while others put and get. */
static void figures(void)
{
	int bad = 0, n;
	pid_t pid[2];

	fresh(3, 24, 0);
	for (int i = 0; i < 2; i++)
		pid[i] = start(puts_and_gets, 100000);
	for (int i = 0; i < 500000; i++) {
		n = mp_queue_qsize(q);
		bad += n < 0 || n > 2; /* of two processes with one each */
		bad += mp_queue_full(q);
		bad += (mp_queue_empty(q) & ~1) != 0;
	}
	is(bad, 0, "never less than 0 messages, more than are there, or full");
	is(end_of(pid[0]) | end_of(pid[1]), 0, "all were put and got");
	is(count(MP_RESCUES), 0, "nothing was rescued");
}

int main(void)
{
	mp_backstop_set(0);
	closed();
	close_with_sleepers();
	shut_down();
	shutdown_with_sleepers();
	any_time(0, "");
	any_time(MP_QUEUE_LEASE, ", with leases");
	last_message();
	join();
	figures();
	return tap_done();
}
