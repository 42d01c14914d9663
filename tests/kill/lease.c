/* A process is killed at every instruction of get, lease and task_done of a
 * queue with leases.  What it had and was not done comes back, before newer
 * messages, as often as its holder dies; what was done does not.  So join ends
 * although workers die. */
#include "mp/queue-ends.h"
#include "queue.h"

enum { FIRST, SECOND };

static int there;      /* messages in the story */
static uint64_t first; /* where number 1 lies */
static int was_done;   /* number 1, at the moment of the kill */

/* ---- what the victim does */

static int get_one(void)
{
	return get(-1);
}

static int get_timed(void)
{
	return get(NAP);
}

static int get_several(void)
{
	static unsigned char message[2][BYTES];
	struct iovec v[2];

	for (int i = 0; i < 2; i++) {
		v[i].iov_base = message[i];
		v[i].iov_len = BYTES;
	}
	return mp_queue_get_many(q, v, 2, -1);
}

static int lease(void)
{
	const void *message;
	size_t length;
	int rc = mp_queue_lease(q, -1, &message, &length);

	return rc < 0 ? rc : read_message(message, length);
}

static int task_done(void)
{
	return mp_queue_task_done(q);
}

static int put_one(void)
{
	return put(MINE, -1);
}

static void has_one(void)
{
	get(-1);
}

static void has_two(void)
{
	get(-1);
	lease();
}

static void has_all(void)
{
	for (int i = 0; i < ITEMS; i++)
		get(-1);
}

/* ---- the others */

static int holder(struct other *self)
{
	int rc = get(-1);

	other_at(self, 1);
	other_until(self, 1);
	return done(rc);
}

/* ---- worlds */

static void leases(int n)
{
	new_queue(MP_QUEUE_LEASE, n);
	there = n;
	first = atomic_load(&q->head);
}

static void world_empty(void)
{
	mixed = 0;
	leases(0);
}

static void world_full(void)
{
	mixed = 0;
	leases(ITEMS);
}

static void world_one(void)
{
	mixed = 0;
	leases(1);
}

static void world_mixed(void)
{
	mixed = 1;
	leases(ITEMS);
}

static void start_worker(int i)
{
	other_start(i, worker);
	other_reach(i, 1);
	other_asleep(i);
}

static void workers_sleep(void)
{
	world_empty();
	start_worker(FIRST);
	start_worker(SECOND);
}

/* The first message has come back. */
static void first_died(void)
{
	world_full();
	other_start(FIRST, holder);
	other_reach(FIRST, 1);
	other_kill(FIRST);
}

/* Another one has the first message. */
static void first_holds(void)
{
	world_full();
	other_start(FIRST, holder);
	other_reach(FIRST, 1);
}

static void first_holds_all(void)
{
	world_one();
	other_start(FIRST, holder);
	other_reach(FIRST, 1);
}

static void joiner_sleeps(void)
{
	start_joiner(FIRST);
}

static void worker_sleeps(void)
{
	start_worker(FIRST);
}

static void putter_sleeps(void)
{
	start_putter(FIRST);
}

static void give_one(int nth)
{
	(void)nth;
	give(THEIRS + 10 + put_so_far());
}

/* The victim gets what its first getter dies with. */
static void kill_first(int nth)
{
	(void)nth;
	other_kill(FIRST);
}

/* ---- checks */

/* All that is not done is got and done by others, oldest first; then nobody has
 * anything, and the queue is as new. */
static void settle(void)
{
	int rc;

	drain();
	rc = mp_queue_leased(q);
	must(rc == 0, "%d are on lease", rc);
	rc = other_run(joiner);
	must(rc == 0, "join: %d", rc);
	as_new();
}

/* What the victim had comes back. */
static void check_get(const struct point *p)
{
	must(!p->over || p->result > 0, "got: %d", p->result);
	settle();
	due(1, there, 1);
}

/* Another one had it, and has died too. */
static void check_taken_over(const struct point *p)
{
	other_kill(FIRST);
	check_get(p);
}

static void check_get_in_vain(const struct point *p)
{
	must(!p->over || p->result == -ETIMEDOUT, "got: %d", p->result);
	settle();
	due(1, there, 1);
}

/* The queue was empty, and it slept. */
static void check_get_empty(const struct point *p)
{
	int n = put_so_far();

	must(!p->over || p->result == THEIRS + 10, "got: %d", p->result);
	settle();
	due(THEIRS + 10, n, 1);
}

static void look_done(void)
{
	look();
	was_done =
		atomic_load(&mp_queue_node(q, first)->word) == FUTEX_TID_MASK;
}

static void check_done(const struct point *p)
{
	must(!p->over || (p->result == 0 && was_done), "done: %d, %d",
	     p->result, was_done);
	settle();
	due(1, 1, !was_done);
	due(2, there - 1, 1);
}

/* It was the last one.  Somebody joins, and nobody else comes if it is done. */
static void check_done_joined(const struct point *p)
{
	int rc;

	must(!p->over || (p->result == 0 && was_done), "done: %d, %d",
	     p->result, was_done);
	if (!was_done) {
		rc = other_run(worker);
		must(rc == 1, "it comes back: %d", rc);
	}
	rc = other_result(FIRST);
	must(rc == 0, "who joined: %d", rc);
	settle();
	due(1, 1, 0);
}

/* It was the last one, and another waits for more. */
static void check_done_worker(const struct point *p)
{
	int rc;

	must(!p->over || (p->result == 0 && was_done), "done: %d, %d",
	     p->result, was_done);
	if (was_done)
		give(THEIRS);
	rc = other_result(FIRST);
	must(rc == (was_done ? THEIRS : 1), "who waited: %d", rc);
	settle();
}

/* A putter slept for the room. */
static void check_done_putter(const struct point *p)
{
	int rc;

	must(!p->over || (p->result == 0 && was_done), "done: %d, %d",
	     p->result, was_done);
	if (!was_done) {
		rc = other_run(worker);
		must(rc == 1, "it comes back: %d", rc);
	}
	rc = other_result(FIRST);
	must(rc == 0, "the putter: %d", rc);
	settle();
	due(2, there - 1, 1);
	due(THEIRS + FIRST, 1, 1);
}

/* A message was put while two slept, and the victim died. */
static void check_put_workers(const struct point *p)
{
	int mine = puts_by_then;

	must(!p->over || (p->result == 0 && mine == 1), "put: %d", p->result);
	for (int i = mine; i < 2; i++)
		give(THEIRS + i);
	collect(other_result(FIRST));
	collect(other_result(SECOND));
	settle();
	due(MINE, 1, mine);
	due(THEIRS + mine, 2 - mine, 1);
}

/* Another one holds the first message all the time. */
static void check_beside(const struct point *p)
{
	must(!p->over || p->result == 2, "got: %d", p->result);
	must(mp_queue_leased(q) == 1, "one is on lease");
	other_go(FIRST, 1);
	must(other_result(FIRST) == 1, "the other's is done");
	settle();
	due(1, 1, 0);
	due(2, there - 1, 1);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "get, nobody waits", .alone = 1, .world = world_full,
	  .operation = get_one, .check = check_get },
	{ .what = "get, messages of several lengths", .alone = 1,
	  .world = world_mixed, .operation = get_one, .check = check_get },
	{ .what = "get, has two already", .alone = 1, .world = world_full,
	  .before = has_two, .operation = get_one, .check = check_get },
	{ .what = "get, one has come back", .alone = 1, .world = first_died,
	  .operation = get_one, .check = check_get },
	{ .what = "get, empty, asleep", .ours = 1, .world = world_empty,
	  .operation = get_one, .awaken = give_one,
	  .check = check_get_empty },
	{ .what = "get, timed out", .ours = 1, .alone = 1,
	  .world = world_full, .before = has_all, .operation = get_timed,
	  .check = check_get_in_vain },
	{ .what = "get_many, has one already", .alone = 1,
	  .world = world_full, .before = has_one, .operation = get_several,
	  .check = check_get },
	{ .what = "lease, nobody waits", .alone = 1, .world = world_mixed,
	  .operation = lease, .check = check_get },
	{ .what = "lease, one has come back", .alone = 1,
	  .world = first_died, .operation = lease, .check = check_get },
	{ .what = "lease, another has one", .alone = 1,
	  .world = first_holds, .operation = lease,
	  .check = check_beside },
	{ .what = "lease, asleep, the holder dies", .ours = 1,
	  .victims_ns = NAP, .world = first_holds_all,
	  .operation = lease, .awaken = kill_first,
	  .check = check_taken_over },
	{ .what = "put, two workers sleep", .world = workers_sleep,
	  .operation = put_one, .slip = look, .check = check_put_workers },
	{ .what = "task_done, nobody waits", .alone = 1,
	  .world = world_full, .before = has_one, .operation = task_done,
	  .slip = look_done, .check = check_done },
	{ .what = "task_done, has two more", .alone = 1,
	  .world = world_mixed, .before = has_all, .operation = task_done,
	  .slip = look_done, .check = check_done },
	{ .what = "task_done, the last, one joins", .world = world_one,
	  .before = has_one, .others = joiner_sleeps,
	  .operation = task_done, .slip = look_done,
	  .check = check_done_joined },
	{ .what = "task_done, the last, a worker sleeps",
	  .world = world_one, .before = has_one, .others = worker_sleeps,
	  .operation = task_done, .slip = look_done,
	  .check = check_done_worker },
	{ .what = "task_done, a putter sleeps", .world = world_full,
	  .before = has_one, .others = putter_sleeps,
	  .operation = task_done, .slip = look_done,
	  .check = check_done_putter },
};
/* clang-format on */

int main(int argc, char **argv)
{
	return queue_main(argc, argv, stories, COUNT(stories));
}
