/* A process is killed at every instruction of writing a message into a queue in
 * place (reserve, commit, cancel) and of reading one there (peek, release,
 * keep).  Killed before commit, the message was never put; killed before
 * release, it stays; whoever waited for the place goes on. */
#include "queue.h"

enum { FIRST, SECOND, HOLDER };

static int there;

/* ---- what the victim does */

static void *place;

static int reserve(void)
{
	return mp_queue_reserve(q, length_of(MINE), -1, &place);
}

static int reserve_try(void)
{
	return mp_queue_reserve(q, length_of(MINE), 0, &place);
}

static void has_reserved(void)
{
	if (mp_queue_reserve(q, BYTES, -1, &place) == 0)
		write_message(place, MINE);
}

static int commit(void)
{
	return mp_queue_commit(q, length_of(MINE));
}

static int cancel(void)
{
	return mp_queue_cancel(q);
}

static int put_one(void)
{
	return put(MINE, -1);
}

static int get_one(void)
{
	return get(-1);
}

static int peek(void)
{
	const void *message;
	size_t length;
	int rc = mp_queue_peek(q, -1, &message, &length);

	return rc < 0 ? rc : read_message(message, length);
}

static void has_peeked(void)
{
	peek();
}

static int release(void)
{
	return mp_queue_release(q);
}

static int keep(void)
{
	return mp_queue_keep(q);
}

/* ---- the others */

/* Has a message in place, and finishes it when told to. */
static int writer(struct other *self)
{
	has_reserved();
	write_message(place, THEIRS + HOLDER);
	other_at(self, 1);
	other_until(self, 1);
	return mp_queue_commit(q, length_of(THEIRS + HOLDER));
}

static int reader(struct other *self)
{
	int n = peek(), rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = mp_queue_release(q);
	return rc < 0 ? rc : n;
}

static void start_holder(int (*f)(struct other *))
{
	other_start(HOLDER, f);
	other_reach(HOLDER, 1);
}

/* ---- worlds */

static void world_empty(void)
{
	empty();
	there = 0;
}

static void world_one(void)
{
	one();
	there = 1;
}

static void world_full(void)
{
	full();
	there = ITEMS;
}

static void world_mixed(void)
{
	mixed_empty();
	there = 0;
}

static void getter_sleeps(void)
{
	world_empty();
	start_getter(FIRST);
}

static void putter_sleeps(void)
{
	world_full();
	start_putter(FIRST);
}

static void writer_holds(void)
{
	world_empty();
	start_holder(writer);
}

static void reader_holds(void)
{
	world_one();
	start_holder(reader);
}

/* Others, who wait for the place that the victim has. */
static void putters_wait(void)
{
	start_putter(FIRST);
	start_putter(SECOND);
}

static void getters_wait(void)
{
	start_getter(FIRST);
	start_getter(SECOND);
}

static void take_one(int nth)
{
	(void)nth;
	take();
}

static void give_one(int nth)
{
	(void)nth;
	give(THEIRS + 10);
}

static void finish(int nth)
{
	(void)nth;
	other_go(HOLDER, 1);
	if (other_started(HOLDER))
		must(other_result(HOLDER) >= 0, "the holder finishes: %d",
		     other_result(HOLDER));
}

static void kill_holder(int nth)
{
	(void)nth;
	other_kill(HOLDER);
}

/* ---- checks */

static void settle(int mine)
{
	drain();
	due(MINE, mine, 1);
	as_new();
}

static int putters_end(void)
{
	int n = 0, rc;

	for (int i = FIRST; i <= SECOND; i++)
		if (other_started(i)) {
			rc = other_result(i);
			must(rc == 0, "putter %d: %d", i, rc);
			n++;
		}
	return n;
}

/* What is reserved and not committed does not exist. */
static void check_reserve(const struct point *p)
{
	must(!p->over || p->result == 0, "reserved: %d", p->result);
	must(puts_by_then == 0, "%d were put", puts_by_then);
	settle(0);
	due(1, there, 1);
}

static void check_reserve_holder(const struct point *p)
{
	int lives = other_started(HOLDER), rc;

	must(!p->over || p->result == 0, "reserved: %d", p->result);
	if (lives) {
		other_go(HOLDER, 1);
		rc = other_result(HOLDER);
		must(rc == 0, "the other commits: %d", rc);
	}
	must(put_so_far() == lives, "%d were put", put_so_far());
	settle(0);
	due(THEIRS + HOLDER, lives, 1);
}

static void check_busy(const struct point *p)
{
	int rc;

	must(!p->over || p->result == -EBUSY, "reserved: %d", p->result);
	other_go(HOLDER, 1);
	rc = other_result(HOLDER);
	must(rc == 0, "the other commits: %d", rc);
	settle(0);
	due(THEIRS + HOLDER, 1, 1);
}

/* A put that waited for the place. */
static void check_put_holder(const struct point *p)
{
	int lives = other_started(HOLDER), mine, rc;

	must(!p->over || p->result == 0, "put: %d", p->result);
	if (lives) {
		other_go(HOLDER, 1);
		rc = other_result(HOLDER);
		must(rc == 0, "the other commits: %d", rc);
	}
	mine = put_so_far() - lives;
	must(mine == 1 || (mine == 0 && !p->over), "%d were put", mine);
	settle(mine);
	due(THEIRS + HOLDER, lives, 1);
}

static void check_commit(const struct point *p)
{
	must(puts_by_then == 1 || (puts_by_then == 0 && !p->over),
	     "%d were put", puts_by_then);
	must(!p->over || p->result == 0, "committed: %d", p->result);
	settle(puts_by_then);
	due(1, there, 1);
}

static void check_commit_getter(const struct point *p)
{
	must(!p->over || p->result == 0, "committed: %d", p->result);
	if (puts_by_then == 0)
		give(THEIRS);
	collect(other_result(FIRST));
	settle(puts_by_then);
}

/* Others waited to put. */
static void check_commit_putters(const struct point *p)
{
	int n = putters_end(), mine;

	must(!p->over || p->result == 0, "committed: %d", p->result);
	mine = put_so_far() - n;
	must(mine == 1 || (mine == 0 && !p->over), "%d were put", mine);
	settle(mine);
	due(THEIRS, n, 1);
}

static void check_cancel(const struct point *p)
{
	int n = putters_end();

	must(!p->over || p->result == 0, "cancelled: %d", p->result);
	must(put_so_far() == n, "%d were put", put_so_far());
	settle(0);
	due(THEIRS, n, 1);
}

/* A message that was only looked at stays. */
static void check_peek(const struct point *p)
{
	int given = put_so_far();

	must(!p->over || p->result > 0, "peeked: %d", p->result);
	must(gets_by_then == 0, "%d were got", gets_by_then);
	must(mp_queue_qsize(q) == there + given, "%d in the queue",
	     mp_queue_qsize(q));
	settle(0);
	due(1, there, 1);
	due(THEIRS + 10, given, 1);
}

/* Another one had a message in place when it came. */
static void check_get_holder(const struct point *p)
{
	int lives = other_started(HOLDER), rc = 0, mine;

	must(!p->over || p->result > 0, "got: %d", p->result);
	if (lives) {
		other_go(HOLDER, 1);
		rc = other_result(HOLDER);
		must(rc == 1, "the other releases: %d", rc);
	}
	mine = got_so_far() - lives;
	must(mine == 0 || mine == 1, "%d were got", mine);
	must(!p->over || (mine == 1 && p->result == (lives ? THEIRS + 10 : 1)),
	     "got: %d", p->result);
	must(mp_queue_qsize(q) == 1 + put_so_far() - lives - mine,
	     "%d in the queue", mp_queue_qsize(q));
	settle(0);
}

static void check_release(const struct point *p)
{
	int n, took = gets_by_then;

	must(took == 1 || (took == 0 && !p->over), "%d were got", took);
	must(!p->over || p->result == 0, "released: %d", p->result);
	if (took == 0 && other_started(FIRST))
		take();
	n = putters_end();
	settle(0);
	due(1, took, 0);
	due(1 + took, there - took, 1);
	due(THEIRS, n, 1);
}

/* Two others waited to get; there are three messages. */
static void check_release_getters(const struct point *p)
{
	int took;

	must(!p->over || p->result == 0, "released: %d", p->result);
	collect(other_result(FIRST));
	collect(other_result(SECOND));
	took = got_so_far() - 2;
	must(took == 1 || (took == 0 && !p->over), "%d were got", took);
	settle(0);
	due(1, took, 0);
	due(1 + took, there - took, 1);
}

static void check_keep(const struct point *p)
{
	must(!p->over || p->result == 0, "kept: %d", p->result);
	for (int i = FIRST; i <= SECOND; i++)
		if (other_started(i))
			collect(other_result(i));
	settle(0);
	due(1, there, 1);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "reserve, nobody waits", .alone = 1, .world = world_one,
	  .operation = reserve, .slip = look, .check = check_reserve },
	{ .what = "reserve, full, asleep", .ours = 1, .world = world_full,
	  .operation = reserve, .awaken = take_one, .slip = look,
	  .check = check_reserve },
	{ .what = "reserve, another has, who commits", .ours = 1,
	  .alone = 1, .world = writer_holds, .operation = reserve,
	  .awaken = finish, .check = check_reserve_holder },
	{ .what = "reserve, another has, who dies", .ours = 1, .alone = 1,
	  .world = writer_holds, .operation = reserve,
	  .awaken = kill_holder, .check = check_reserve_holder },
	{ .what = "reserve, another has, tried", .ours = 1, .alone = 1,
	  .world = writer_holds, .operation = reserve_try,
	  .check = check_busy },
	{ .what = "put, another has reserved, who commits", .ours = 1,
	  .alone = 1, .world = writer_holds, .operation = put_one,
	  .awaken = finish, .check = check_put_holder },
	{ .what = "put, another has reserved, who dies", .ours = 1,
	  .alone = 1, .world = writer_holds, .operation = put_one,
	  .awaken = kill_holder, .check = check_put_holder },
	{ .what = "commit, nobody waits", .alone = 1, .world = world_one,
	  .before = has_reserved, .operation = commit, .slip = look,
	  .check = check_commit },
	{ .what = "commit, shorter than reserved", .alone = 1,
	  .world = world_mixed, .before = has_reserved,
	  .operation = commit, .slip = look, .check = check_commit },
	{ .what = "commit, a getter sleeps", .world = getter_sleeps,
	  .before = has_reserved, .operation = commit, .slip = look,
	  .check = check_commit_getter },
	{ .what = "commit, two putters wait", .world = world_empty,
	  .before = has_reserved, .others = putters_wait,
	  .operation = commit, .check = check_commit_putters },
	{ .what = "cancel, nobody waits", .alone = 1, .world = world_one,
	  .before = has_reserved, .operation = cancel,
	  .check = check_cancel },
	{ .what = "cancel, two putters wait", .world = world_empty,
	  .before = has_reserved, .others = putters_wait,
	  .operation = cancel, .check = check_cancel },
	{ .what = "peek, nobody waits", .alone = 1, .world = world_full,
	  .operation = peek, .slip = look, .check = check_peek },
	{ .what = "peek, empty, asleep", .ours = 1, .world = world_empty,
	  .operation = peek, .awaken = give_one, .slip = look,
	  .check = check_peek },
	{ .what = "get, another has peeked, who dies", .ours = 1,
	  .alone = 1, .world = reader_holds, .operation = get_one,
	  .awaken = kill_holder, .check = check_get_holder },
	{ .what = "release, nobody waits", .alone = 1, .world = world_full,
	  .before = has_peeked, .operation = release, .slip = look,
	  .check = check_release },
	{ .what = "release, a putter sleeps", .world = putter_sleeps,
	  .before = has_peeked, .operation = release, .slip = look,
	  .check = check_release },
	{ .what = "release, two getters wait", .world = world_full,
	  .before = has_peeked, .others = getters_wait,
	  .operation = release, .check = check_release_getters },
	{ .what = "keep, nobody waits", .alone = 1, .world = world_full,
	  .before = has_peeked, .operation = keep, .check = check_keep },
	{ .what = "keep, two getters wait", .world = world_full,
	  .before = has_peeked, .others = getters_wait, .operation = keep,
	  .check = check_keep },
};
/* clang-format on */

int main(int argc, char **argv)
{
	return queue_main(argc, argv, stories, COUNT(stories));
}
