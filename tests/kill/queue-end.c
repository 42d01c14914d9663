/* A process is killed at every instruction of close, shutdown, task_done and
 * join of a queue.  Closed or not: all see the same, and who slept learns of
 * it.  A message is done or it is not, and those who join come back when all
 * are. */
#include "queue.h"

enum { FIRST, SECOND, THIRD, HOLDER };

/* ---- what the victim does */

static int shut(void)
{
	return mp_queue_close(q);
}

static int shutdown(void)
{
	return mp_queue_shutdown(q);
}

static int put_one(void)
{
	return put(MINE, -1);
}

static int get_one(void)
{
	return get(-1);
}

static int task_done(void)
{
	return mp_queue_task_done(q);
}

static int join(void)
{
	return mp_queue_join(q, -1);
}

static int join_timed(void)
{
	return mp_queue_join(q, NAP);
}

/* ---- the others */

static int closer(struct other *self)
{
	(void)self;
	return mp_queue_close(q);
}

static int ender(struct other *self)
{
	(void)self;
	return mp_queue_shutdown(q);
}

static int doer(struct other *self)
{
	(void)self;
	return mp_queue_task_done(q);
}

static int trier(struct other *self)
{
	(void)self;
	return put(THEIRS + 20, 0);
}

static int try_getter(struct other *self)
{
	(void)self;
	return get(0);
}

static int writer(struct other *self)
{
	void *place;
	int rc = mp_queue_reserve(q, length_of(THEIRS + HOLDER), -1, &place);

	if (rc == 0)
		write_message(place, THEIRS + HOLDER);
	other_at(self, 1);
	other_until(self, 1);
	return rc < 0 ? rc : mp_queue_commit(q, length_of(THEIRS + HOLDER));
}

/* ---- worlds */

static void getters_sleep(void)
{
	empty();
	start_getter(FIRST);
	start_getter(SECOND);
}

static void putters_sleep(void)
{
	full();
	start_putter(FIRST);
	start_putter(SECOND);
}

static void writer_holds(void)
{
	empty();
	other_start(HOLDER, writer);
	other_reach(HOLDER, 1);
}

/* Two messages were got, and one is done. */
static void one_to_do(void)
{
	mixed = 0;
	new_queue(0, 2);
	must(get(0) == 1 && get(0) == 2, "got");
	must(mp_queue_task_done(q) == 0, "done");
}

static void one_to_do_joined(void)
{
	one_to_do();
	start_joiner(FIRST);
	start_joiner(SECOND);
}

static void all_sleep(void)
{
	full();
	start_putter(FIRST);
	start_putter(SECOND);
	start_joiner(THIRD);
}

static void finish(int nth)
{
	(void)nth;
	other_go(HOLDER, 1);
	must(other_result(HOLDER) == 0, "the other commits");
}

static void kill_holder(int nth)
{
	(void)nth;
	other_kill(HOLDER);
}

static void close_queue(int nth)
{
	(void)nth;
	must(other_run(closer) == 0, "closed");
}

static void end_queue(int nth)
{
	(void)nth;
	must(other_run(ender) == 0, "shut down");
}

static void do_one(int nth)
{
	(void)nth;
	must(other_run(doer) == 0, "done");
}

/* ---- checks */

static int closed; /* at the moment of the kill */

static void look_closed(void)
{
	look();
	closed = atomic_load(&q->closed) != 0;
}

/* If the victim has not, somebody else does. */
static void end_it(const struct point *p, int (*f)(struct other *))
{
	int rc;

	must(!p->over || (p->result == 0 && closed), "ended: %d", p->result);
	if (!closed) {
		rc = other_run(f);
		must(rc == 0, "ended by another: %d", rc);
	}
	rc = other_run(trier);
	must(rc == -ESHUTDOWN, "nobody puts any more: %d", rc);
}

static void sleepers_end(int result)
{
	int rc;

	for (int i = FIRST; i <= THIRD; i++)
		if (other_started(i)) {
			rc = other_result(i);
			must(rc == result, "sleeper %d: %d", i, rc);
		}
}

static void check_close(const struct point *p)
{
	int n;

	end_it(p, closer);
	sleepers_end(-ESHUTDOWN);
	n = drain();
	due(1, n, 1);
	must(other_run(try_getter) == -ESHUTDOWN, "nothing will come");
	must(other_run(closer) == 0, "closed again");
	must(other_run(ender) == 0, "shut down after that");
}

/* Who has a message in place may finish. */
static void check_close_holder(const struct point *p)
{
	int lives = other_started(HOLDER), rc;

	if (lives) {
		other_go(HOLDER, 1);
		rc = other_result(HOLDER);
		must(rc == 0, "the other commits: %d", rc);
	}
	closed = atomic_load(&q->closed) != 0;
	end_it(p, closer);
	drain();
	due(THEIRS + HOLDER, lives, 1);
	must(other_run(try_getter) == -ESHUTDOWN, "nothing will come");
}

static void check_shutdown(const struct point *p)
{
	int there = mp_queue_qsize(q), rc;

	end_it(p, ender);
	sleepers_end(-ESHUTDOWN);
	must(mp_queue_qsize(q) == there, "what is there stays");
	rc = other_run(try_getter);
	must(rc == -ESHUTDOWN, "get: %d", rc);
	rc = other_run(joiner);
	must(rc == -ESHUTDOWN, "join: %d", rc);
}

/* A sleeper that is killed while it learns of the end. */
static void check_told(const struct point *p)
{
	must(!p->over || p->result == -ESHUTDOWN, "told: %d", p->result);
	closed = atomic_load(&q->closed) != 0;
	if (!closed)
		must(other_run(closer) == 0, "closed");
	must(other_run(trier) == -ESHUTDOWN, "nobody puts any more");
	must(put_so_far() == 0 && got_so_far() == 0, "nothing was put or got");
}

static int done_by_then;

static void look_done(void)
{
	done_by_then = (int)(passed(&q->tail) - atomic_load(&q->done)) == 0;
}

static void check_done(const struct point *p)
{
	int rc;

	must(!p->over || (p->result == 0 && done_by_then), "done: %d",
	     p->result);
	if (!done_by_then)
		must(other_run(doer) == 0, "done by another");
	sleepers_end(0);
	rc = other_run(doer);
	must(rc == -EINVAL, "nothing is left to be done: %d", rc);
	rc = other_run(joiner);
	must(rc == 0, "join: %d", rc);
	as_new();
}

/* Who joins changes nothing. */
static void check_join(const struct point *p)
{
	look_done();
	must(!p->over || (p->result == 0 && done_by_then), "joined: %d",
	     p->result);
	if (!done_by_then)
		do_one(0);
	must(other_run(joiner) == 0, "join");
	as_new();
}

static void check_join_timed(const struct point *p)
{
	must(!p->over || p->result == -ETIMEDOUT, "joined: %d", p->result);
	do_one(0);
	must(other_run(joiner) == 0, "join");
	as_new();
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "close, nobody waits", .alone = 1, .world = full,
	  .operation = shut, .slip = look_closed, .check = check_close },
	{ .what = "close, two getters sleep", .world = getters_sleep,
	  .operation = shut, .slip = look_closed, .check = check_close },
	{ .what = "close, two putters sleep", .world = putters_sleep,
	  .operation = shut, .slip = look_closed, .check = check_close },
	{ .what = "close, one has reserved, who commits", .ours = 1,
	  .alone = 1, .world = writer_holds, .operation = shut,
	  .awaken = finish, .check = check_close_holder },
	{ .what = "close, one has reserved, who dies", .ours = 1,
	  .alone = 1, .world = writer_holds, .operation = shut,
	  .awaken = kill_holder, .check = check_close_holder },
	{ .what = "shutdown, two getters sleep", .world = getters_sleep,
	  .operation = shutdown, .slip = look_closed,
	  .check = check_shutdown },
	{ .what = "shutdown, two putters and a joiner sleep",
	  .world = all_sleep, .operation = shutdown, .slip = look_closed,
	  .check = check_shutdown },
	{ .what = "put, asleep when the queue is closed", .ours = 1,
	  .world = full, .operation = put_one, .awaken = close_queue,
	  .check = check_told },
	{ .what = "get, asleep when the queue is closed", .ours = 1,
	  .world = empty, .operation = get_one, .awaken = close_queue,
	  .check = check_told },
	{ .what = "put, asleep when the queue is shut down", .ours = 1,
	  .world = full, .operation = put_one, .awaken = end_queue,
	  .check = check_told },
	{ .what = "task_done, nobody waits", .alone = 1, .world = one_to_do,
	  .operation = task_done, .slip = look_done, .check = check_done },
	{ .what = "task_done, two join", .world = one_to_do_joined,
	  .operation = task_done, .slip = look_done, .check = check_done },
	{ .what = "join, asleep", .ours = 1, .world = one_to_do,
	  .operation = join, .awaken = do_one, .check = check_join },
	{ .what = "join, timed out", .ours = 1, .alone = 1,
	  .world = one_to_do, .operation = join_timed,
	  .check = check_join_timed },
};
/* clang-format on */

int main(int argc, char **argv)
{
	return queue_main(argc, argv, stories, COUNT(stories));
}
