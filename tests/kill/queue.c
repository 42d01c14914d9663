/* A process is killed at every instruction of put and get, of one message and
 * of several.  A message is in the queue or it is not; one that the victim had
 * taken died with it; no other is lost or doubled, and nobody sleeps on while
 * there is something for him. */
#include "queue.h"

enum { FIRST, SECOND, SLIPPER };

static int there; /* messages before the story */

/* ---- what the victim does */

static int put_one(void)
{
	return put(MINE, -1);
}

static int put_timed(void)
{
	return put(MINE, NAP);
}

static int put_try(void)
{
	return put(MINE, 0);
}

static int put_several(void)
{
	static unsigned char message[3][BYTES];
	struct iovec v[3];

	for (int i = 0; i < 3; i++) {
		write_message(message[i], MINE + i);
		v[i].iov_base = message[i];
		v[i].iov_len = length_of(MINE + i);
	}
	return mp_queue_put_many(q, v, 3, -1);
}

static int get_one(void)
{
	return get(-1);
}

static int get_timed(void)
{
	return get(NAP);
}

static int get_try(void)
{
	return get(0);
}

static int get_small(void)
{
	unsigned char message[4];
	size_t length = 0;
	int rc = mp_queue_get(q, message, sizeof(message), -1, &length);

	return length == length_of(1) ? rc : -EIO;
}

/* The number of the first, if it were all right. */
static int get_several(void)
{
	static unsigned char message[2][BYTES];
	struct iovec v[2];
	int rc, first;

	for (int i = 0; i < 2; i++) {
		v[i].iov_base = message[i];
		v[i].iov_len = BYTES;
	}
	rc = mp_queue_get_many(q, v, 2, -1);
	if (rc <= 0)
		return rc;
	first = read_message(message[0], v[0].iov_len);
	for (int i = 1; i < rc; i++)
		if (read_message(message[i], v[i].iov_len) != first + i)
			return -EIO;
	return first * 10 + rc;
}

/* ---- the others */

/* Gets when told to, if something is there. */
static int slipping_getter(struct other *self)
{
	int rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = get(0);
	other_at(self, 2);
	return rc;
}

static int slipping_putter(struct other *self)
{
	int rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = put(THEIRS + SLIPPER, 0);
	other_at(self, 2);
	return rc;
}

static void start_slipper(int (*f)(struct other *))
{
	other_start(SLIPPER, f);
	other_reach(SLIPPER, 1);
}

static void let_slip(void)
{
	look();
	other_go(SLIPPER, 1);
	other_reach(SLIPPER, 2);
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

static void world_mixed_empty(void)
{
	mixed_empty();
	there = 0;
}

static void world_mixed_full(void)
{
	mixed_full();
	there = ITEMS;
}

static void getter_sleeps(void)
{
	world_empty();
	start_getter(FIRST);
}

static void getters_sleep(void)
{
	getter_sleeps();
	start_getter(SECOND);
}

static void getters_sleep_one_slips(void)
{
	getters_sleep();
	start_slipper(slipping_getter);
}

static void putter_sleeps(void)
{
	world_full();
	start_putter(FIRST);
}

static void putters_sleep(void)
{
	putter_sleeps();
	start_putter(SECOND);
}

static void mixed_putters_sleep(void)
{
	world_mixed_full();
	start_putter(FIRST);
	start_putter(SECOND);
}

static void putters_sleep_one_slips(void)
{
	putters_sleep();
	start_slipper(slipping_putter);
}

/* The victim sleeps, another one behind it; there is one for the two. */
static void take_for_two(int nth)
{
	if (nth == 0)
		start_putter(FIRST);
	take();
}

static void take_one(int nth)
{
	(void)nth;
	take();
}

/* The victim's own look ends its first sleep. */
static void take_later(int nth)
{
	if (nth != 0)
		take();
}

static void give_later(int nth)
{
	if (nth != 0)
		give(THEIRS + 10 + put_so_far());
}

static void give_for_two(int nth)
{
	if (nth == 0)
		start_getter(FIRST);
	give(THEIRS + 10 + put_so_far());
}

static void give_one(int nth)
{
	(void)nth;
	give(THEIRS + 10 + put_so_far());
}

/* ---- checks */

/* All that was put has been got; then the queue is as new. */
static void settle(int mine)
{
	drain();
	due(MINE, mine, 1);
	due(MINE + mine, 3 - mine, 0);
	as_new();
}

/* A batch is in the queue as a whole or not at all. */
static void check_put_of(const struct point *p, int n, int result)
{
	must(puts_by_then == 0 || puts_by_then == n, "%d were put",
	     puts_by_then);
	must(!p->over || (p->result == result && puts_by_then == n),
	     "put: %d, %d were put", p->result, puts_by_then);
	must(mp_queue_qsize(q) == there + puts_by_then, "%d in the queue",
	     mp_queue_qsize(q));
	settle(puts_by_then);
	due(1, there, 1);
}

static void check_put(const struct point *p)
{
	check_put_of(p, 1, 0);
}

static void check_put_several(const struct point *p)
{
	check_put_of(p, 3, 3);
}

/* Each getter has one in the end, of the victim's or of those put now. */
static void check_put_getters(const struct point *p)
{
	int n = 1 + other_started(SECOND), mine = puts_by_then;

	must(!p->over || p->result >= 0, "put: %d", p->result);
	if (other_started(SLIPPER)) {
		int rc = other_result(SLIPPER);

		must(rc == -ETIMEDOUT || rc == MINE, "slipped in: %d", rc);
		if (rc > 0) {
			collect(rc);
			n++;
		}
	}
	for (int i = mine; i < n; i++)
		give(THEIRS + i);
	for (int i = FIRST; i < SLIPPER; i++)
		if (other_started(i))
			collect(other_result(i));
	settle(mine);
	due(THEIRS + mine, n > mine ? n - mine : 0, 1);
}

/* The queue was full, and the victim slept. */
static void check_put_full(const struct point *p)
{
	int rc, mine;

	must(!p->over || p->result == 0, "put: %d", p->result);
	if (other_started(FIRST)) {
		if (mp_queue_full(q) && !other_done(FIRST))
			take();
		rc = other_result(FIRST);
		must(rc == 0, "the other putter: %d", rc);
	}
	mine = put_so_far() - other_started(FIRST);
	must(mine == 0 || mine == 1, "%d were put", mine);
	must(!p->over || mine == 1, "put");
	settle(mine);
	due(1, ITEMS, 1);
	if (other_started(FIRST))
		due(THEIRS + FIRST, 1, 1);
}

static void check_put_in_vain(const struct point *p)
{
	must(puts_by_then == 0, "%d were put", puts_by_then);
	must(!p->over || p->result == -ETIMEDOUT, "put: %d", p->result);
	settle(0);
	due(1, ITEMS, 1);
}

/* What was taken by the victim died with it. */
static void check_get_of(const struct point *p, int n, int result)
{
	must(gets_by_then == 0 || gets_by_then == n, "%d were got",
	     gets_by_then);
	must(!p->over || (p->result == result && gets_by_then == n),
	     "got: %d, %d were got", p->result, gets_by_then);
	must(mp_queue_qsize(q) == there - gets_by_then, "%d in the queue",
	     mp_queue_qsize(q));
	settle(0);
	due(1, gets_by_then, 0);
	due(1 + gets_by_then, there - gets_by_then, 1);
}

static void check_get(const struct point *p)
{
	check_get_of(p, 1, 1);
}

static void check_get_several(const struct point *p)
{
	check_get_of(p, 2, 12);
}

static void check_get_putters(const struct point *p)
{
	int n = 1 + other_started(SECOND), rc, room = gets_by_then;

	must(!p->over || p->result > 0, "got: %d", p->result);
	if (other_started(SLIPPER)) {
		rc = other_result(SLIPPER);
		must(rc == -ETIMEDOUT || rc == 0, "slipped in: %d", rc);
		n += rc == 0;
	}
	for (; room < n; room++)
		take();
	for (int i = FIRST; i < SLIPPER; i++)
		if (other_started(i)) {
			rc = other_result(i);
			must(rc == 0, "putter %d: %d", i, rc);
			n--;
		}
	settle(0);
	due(1, gets_by_then, 0);
	due(1 + gets_by_then, ITEMS - gets_by_then, 1);
	due(THEIRS + FIRST, 1, 1);
	due(THEIRS + SECOND, other_started(SECOND), 1);
	due(THEIRS + SLIPPER, n, 1);
}

/* The queue was empty, and the victim slept. */
static void check_get_empty(const struct point *p)
{
	int given = put_so_far(), died;

	must(!p->over || p->result > 0, "got: %d", p->result);
	if (other_started(FIRST)) {
		if (mp_queue_empty(q) && !other_done(FIRST)) {
			give(THEIRS + 10 + given);
			given++;
		}
		collect(other_result(FIRST));
	}
	died = got_so_far() - other_started(FIRST);
	must(died == 0 || died == 1, "%d were got by the victim", died);
	must(!p->over || died == 1, "got");
	drain();
	for (int i = 0, lost = 0; i < given; i++) {
		int n = THEIRS + 10 + i;

		lost += got[n] == 0;
		must(got[n] <= 1 && lost <= died, "number %d: %d times", n,
		     got[n]);
		must(!p->over || p->result != n || got[n] == 0, "twice");
	}
	as_new();
}

static void check_get_in_vain(const struct point *p)
{
	must(gets_by_then == 0, "%d were got", gets_by_then);
	must(!p->over || p->result == -ETIMEDOUT, "got: %d", p->result);
	settle(0);
}

static void check_get_small(const struct point *p)
{
	must(gets_by_then == 0, "%d were got", gets_by_then);
	must(!p->over || p->result == -EMSGSIZE, "got: %d", p->result);
	settle(0);
	due(1, there, 1);
}

/* ---- the victim lives, and one that it wakes is killed */

static void kill_first(void)
{
	other_kill(FIRST);
}

static void check_put_second(const struct point *p)
{
	int rc;

	must(p->over && p->result == 0, "put: %d", p->result);
	/* The dead one may have died with the message. */
	if (mp_queue_empty(q) && !other_done(SECOND))
		give(THEIRS);
	rc = other_result(SECOND);
	must(rc == MINE || rc == THEIRS, "the second getter: %d", rc);
	other_run(drainer);
	as_new();
}

static void check_get_second(const struct point *p)
{
	int rc;

	must(p->over && p->result == 1, "got: %d", p->result);
	if (mp_queue_full(q) && !other_done(SECOND))
		take();
	rc = other_result(SECOND);
	must(rc == 0, "the second putter: %d", rc);
	drain();
	due(2, ITEMS - 1, 1);
	due(THEIRS + SECOND, 1, 1);
	must(got[THEIRS + FIRST] <= 1, "the dead one's");
	as_new();
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "put, nobody waits", .alone = 1, .world = world_one,
	  .operation = put_one, .slip = look, .check = check_put },
	{ .what = "put, the first call in its process", .alone = 1,
	  .cold = 1, .ours = 1, .world = world_one, .operation = put_one,
	  .slip = look, .check = check_put },
	{ .what = "put, messages of several lengths", .alone = 1,
	  .world = world_mixed_empty, .operation = put_one, .slip = look,
	  .check = check_put },
	{ .what = "put, a getter sleeps", .world = getter_sleeps,
	  .operation = put_one, .slip = look, .check = check_put_getters },
	{ .what = "put, two getters sleep", .world = getters_sleep,
	  .operation = put_one, .slip = look, .check = check_put_getters },
	{ .what = "put, two getters sleep, another slips in",
	  .world = getters_sleep_one_slips, .operation = put_one,
	  .slip = let_slip, .check = check_put_getters },
	{ .what = "put, two getters sleep, while the first dies", .spare = 1,
	  .world = getters_sleep, .operation = put_one, .slip = kill_first,
	  .check = check_put_second },
	{ .what = "put, full, asleep", .ours = 1, .world = world_full,
	  .operation = put_one, .awaken = take_one, .slip = look,
	  .check = check_put_full },
	{ .what = "put, full, asleep, looking by itself", .ours = 1,
	  .victims_ns = NAP, .world = world_full, .operation = put_one,
	  .awaken = take_later, .slip = look, .check = check_put_full },
	{ .what = "put, full, asleep, another sleeps behind", .ours = 1,
	  .world = world_full, .operation = put_one,
	  .awaken = take_for_two, .slip = look, .check = check_put_full },
	{ .what = "put, full, timed out", .ours = 1, .alone = 1,
	  .world = world_full, .operation = put_timed, .slip = look,
	  .check = check_put_in_vain },
	{ .what = "put, full, tried", .alone = 1, .world = world_full,
	  .operation = put_try, .slip = look, .check = check_put_in_vain },
	{ .what = "put_many, nobody waits", .alone = 1,
	  .world = world_mixed_empty, .operation = put_several,
	  .slip = look, .check = check_put_several },
	{ .what = "put_many, two getters sleep", .world = getters_sleep,
	  .operation = put_several, .slip = look,
	  .check = check_put_getters },
	{ .what = "get, nobody waits", .alone = 1, .world = world_full,
	  .operation = get_one, .slip = look, .check = check_get },
	{ .what = "get, the first call in its process", .alone = 1,
	  .cold = 1, .ours = 1, .world = world_full, .operation = get_one,
	  .slip = look, .check = check_get },
	{ .what = "get, messages of several lengths", .alone = 1,
	  .world = world_mixed_full, .operation = get_one, .slip = look,
	  .check = check_get },
	{ .what = "get, a putter sleeps", .world = putter_sleeps,
	  .operation = get_one, .slip = look, .check = check_get_putters },
	{ .what = "get, two putters sleep", .world = putters_sleep,
	  .operation = get_one, .slip = look, .check = check_get_putters },
	{ .what = "get, two putters with several lengths sleep",
	  .world = mixed_putters_sleep, .operation = get_one,
	  .slip = look, .check = check_get_putters },
	{ .what = "get, two putters sleep, another slips in",
	  .world = putters_sleep_one_slips, .operation = get_one,
	  .slip = let_slip, .check = check_get_putters },
	{ .what = "get, two putters sleep, while the first dies", .spare = 1,
	  .world = putters_sleep, .operation = get_one, .slip = kill_first,
	  .check = check_get_second },
	{ .what = "get, empty, asleep", .ours = 1, .world = world_empty,
	  .operation = get_one, .awaken = give_one, .slip = look,
	  .check = check_get_empty },
	{ .what = "get, empty, asleep, looking by itself", .ours = 1,
	  .victims_ns = NAP, .world = world_empty, .operation = get_one,
	  .awaken = give_later, .slip = look, .check = check_get_empty },
	{ .what = "get, empty, asleep, another sleeps behind", .ours = 1,
	  .world = world_empty, .operation = get_one,
	  .awaken = give_for_two, .slip = look, .check = check_get_empty },
	{ .what = "get, empty, timed out", .ours = 1, .alone = 1,
	  .world = world_empty, .operation = get_timed, .slip = look,
	  .check = check_get_in_vain },
	{ .what = "get, empty, tried", .alone = 1, .world = world_empty,
	  .operation = get_try, .slip = look, .check = check_get_in_vain },
	{ .what = "get, too small a buffer", .alone = 1, .world = world_full,
	  .operation = get_small, .slip = look, .check = check_get_small },
	{ .what = "get_many, nobody waits", .alone = 1,
	  .world = world_mixed_full, .operation = get_several,
	  .slip = look, .check = check_get_several },
	{ .what = "get_many, two putters sleep", .world = putters_sleep,
	  .operation = get_several, .slip = look,
	  .check = check_get_putters },
};
/* clang-format on */

int main(int argc, char **argv)
{
	return queue_main(argc, argv, stories, COUNT(stories));
}
