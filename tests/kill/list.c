/* A process is killed at every instruction of what it does with a list.  An
 * element is as before or as after, whole; all others stay; and those who look
 * need not wait for the victim, stopped or dead.
 *
 * Or it stands there, in a look, while others change what it looks at, and then
 * goes on. */
#include "driver.h"

#include <errno.h>
#include <string.h>

#include "mp/list-own.h"

#define CAPACITY 4
#define VALUE    64

enum { ABSENT, OLD, NEW, TORN, NUMBER };

static struct mp_list *l;

static const char *const values[] = {
	[OLD] = "old, and rather a long one that has several words",
	[NEW] = "new, and longer still: it has more words than the old one",
};

static int append(int value)
{
	return mp_list_append(l, values[value], strlen(values[value]));
}

/* ABSENT to TORN, NUMBER + its value, or what get says. */
static int get(uint32_t i)
{
	char buf[VALUE];
	int64_t n;
	size_t length;
	int rc = mp_list_get(l, i, buf, sizeof(buf), &length);

	if (rc == -ENOENT)
		return ABSENT;
	if (rc < 0)
		return rc;
	for (int v = OLD; v <= NEW; v++)
		if (length == strlen(values[v]) &&
		    memcmp(buf, values[v], length) == 0)
			return v;
	memcpy(&n, buf, sizeof(n));
	return length == sizeof(n) && n >= 0 && n < 100 ? NUMBER + (int)n
							: TORN;
}

/* ---- worlds */

static int there; /* elements that all stories leave alone: OLD */

static void empty(void)
{
	must(mp_list_init(l, CAPACITY, VALUE) == 0, "init");
	there = 0;
}

static void two(void)
{
	empty();
	must(append(OLD) == 0 && append(OLD) == 0, "append");
	there = 2;
}

/* Its place has been used. */
static void used(void)
{
	two();
	must(append(NEW) == 0 && mp_list_clear(l) == 0, "used");
	must(append(OLD) == 0 && append(OLD) == 0, "append");
}

static void three(void)
{
	two();
	must(append(OLD) == 0, "append");
}

static void number(void)
{
	int64_t n = 5;

	two();
	must(mp_list_append(l, &n, sizeof(n)) == 0, "append");
}

static void full(void)
{
	empty();
	while (append(OLD) == 0)
		there++;
}

/* ---- what the victim does: to element `there`, or that one behind it */

static int append_new(void)
{
	return append(NEW);
}

static int set(void)
{
	return mp_list_set(l, (uint32_t)there, values[NEW],
			   strlen(values[NEW]));
}

static int add(void)
{
	return mp_list_add(l, (uint32_t)there, 7, NULL);
}

static int pop(void)
{
	char buf[VALUE];
	size_t length = 0;
	int rc = mp_list_pop(l, buf, sizeof(buf), &length);

	return length == strlen(values[OLD]) ? rc : -EIO;
}

static int clear(void)
{
	return mp_list_clear(l);
}

static int look(void)
{
	return get((uint32_t)there);
}

static int count(void)
{
	return mp_list_len(l);
}

/* ---- one who died before, after this many steps */

static int steps_done;

static int dies_appending(struct other *self)
{
	int rc = mp_lock_acquire(&l->lock, -1);
	uint32_t n = (uint32_t)there;

	atomic_store(&l->count, 2 * n + MP_LIST_BUSY);
	if (steps_done >= 2)
		mp_latch_put(mp_list_latch(l, n), values[OLD],
			     strlen(values[OLD]));
	other_at(self, rc == 0 ? 1 : 9);
	other_until(self, 2);
	return rc;
}

static int dies_popping(struct other *self)
{
	uint32_t n = (uint32_t)there;
	int rc = mp_lock_acquire(&l->lock, -1) | mp_list_enter(l, n, -1);

	atomic_store(&l->count, 2 * n + MP_LIST_BUSY);
	if (steps_done >= 2)
		mp_latch_drop(mp_list_latch(l, n));
	other_at(self, rc == 0 ? 1 : 9);
	other_until(self, 2);
	return rc;
}

static void dead_one(int (*f)(struct other *), int steps)
{
	steps_done = steps;
	other_start(0, f);
	other_reach(0, 1);
	other_kill(0);
}

/* clang-format off */
static void died_begun(void) { two(); dead_one(dies_appending, 1); }
static void died_appended(void) { two(); dead_one(dies_appending, 2); }
static void died_named(void) { three(); dead_one(dies_popping, 1); }
static void died_popped(void) { three(); dead_one(dies_popping, 2); }
/* clang-format on */

/* ---- what the others find */

/* What the element has; all others are as they were. */
static int reader(struct other *self)
{
	int rc = get((uint32_t)there);

	(void)self;
	for (int i = 0; i < there; i++)
		if (get((uint32_t)i) != OLD)
			return -ESRCH;
	if (get((uint32_t)there + 2) != ABSENT)
		return -EDOM;
	if (mp_list_len(l) !=
	    there + (rc != ABSENT) + (get((uint32_t)there + 1) != ABSENT))
		return -ERANGE;
	return rc;
}

/* The list works as a new one. */
static int user(struct other *self)
{
	char buf[VALUE];
	int n = mp_list_len(l), i;
	int64_t zero = 0;

	(void)self;
	for (i = 0; i < n; i++)
		if (mp_list_set(l, (uint32_t)i, &zero, sizeof(zero)) != 0 ||
		    mp_list_add(l, (uint32_t)i, i, NULL) != 0 ||
		    get((uint32_t)i) != NUMBER + i)
			return -1;
	if (mp_list_set(l, (uint32_t)n, "", 0) != -ENOENT)
		return -2;
	for (; n < CAPACITY; n++)
		if (append(NEW) != 0 || mp_list_len(l) != n + 1 ||
		    get((uint32_t)n) != NEW)
			return -3;
	if (append(NEW) != -ENOSPC)
		return -4;
	for (; n > 0; n--)
		if (mp_list_pop(l, buf, VALUE, NULL) != 0 ||
		    mp_list_len(l) != n - 1 || get((uint32_t)n - 1) != ABSENT)
			return -5;
	return mp_list_pop(l, buf, VALUE, NULL) == -ENOENT ? 0 : -6;
}

static int seen;

/* The victim is stopped, not yet dead: nobody waits for it. */
static void look_now(void)
{
	seen = other_run(reader);
}

static void check(const struct point *p, int old, int new, int result)
{
	int rc = other_run(reader);

	must(seen == old || seen == new, "it is %d", seen);
	must(!p->over || (seen == new && p->result == result), "%d, %d, over",
	     seen, p->result);
	must(rc == seen, "killed, it is %d, and was %d", rc, seen);
	rc = other_run(user);
	must(rc == 0, "it works: %d", rc);
}

/* clang-format off */
static void check_append(const struct point *p) { check(p, ABSENT, NEW, 0); }
static void check_set(const struct point *p) { check(p, OLD, NEW, 0); }
static void check_pop(const struct point *p) { check(p, OLD, ABSENT, 0); }
static void check_get(const struct point *p) { check(p, OLD, OLD, OLD); }
static void check_len(const struct point *p) { check(p, OLD, OLD, 3); }
static void check_old(const struct point *p) { check(p, OLD, OLD, 0); }
static void check_add(const struct point *p)
{
	check(p, NUMBER + 5, NUMBER + 12, 0);
}
static void check_full(const struct point *p)
{
	check(p, ABSENT, ABSENT, -ENOSPC);
}
/* clang-format on */

/* One behind another. */
static void check_second(const struct point *p)
{
	int first = get((uint32_t)there), next = get((uint32_t)there + 1);

	must(first == OLD, "the dead one's is there: %d", first);
	must(next == ABSENT || next == NEW, "the next: %d", next);
	must(!p->over || next == NEW, "over");
	check_old(&(struct point){ 0 });
}

/* Some at the end are gone. */
static void check_clear(const struct point *p)
{
	int n = mp_list_len(l), rc;

	must(n >= 0 && n <= 3, "%d are left", n);
	must(!p->over || (n == 0 && p->result == 0), "%d, over", n);
	for (int i = 0; i < 4; i++)
		must(get((uint32_t)i) == (i < n ? OLD : ABSENT), "%d of %d", i,
		     n);
	rc = other_run(user);
	must(rc == 0, "it works: %d", rc);
}

/* ---- a lock is held */

static int holds(struct other *self)
{
	int rc = mp_lock_acquire(&l->lock, -1);

	other_at(self, 1);
	other_until(self, 1);
	mp_lock_release(&l->lock);
	return rc;
}

static void held(void)
{
	two();
	other_start(0, holds);
	other_reach(0, 1);
}

static void let_go(int nth)
{
	(void)nth;
	other_go(0, 1);
}

static void look_and_let_go(void)
{
	look_now();
	other_go(0, 1);
	must(other_result(0) == 0, "the holder ends");
}

/* Asleep, the victim is not yet killed when the holder goes. */
static void check_held(const struct point *p)
{
	must(seen == ABSENT || seen == NEW, "it is %d", seen);
	look_now();
	check_append(p);
}

/* ---- others change what the victim looks at */

static int changes(struct other *self)
{
	(void)self;
	return set() | set(); /* both copies */
}

static int replaces(struct other *self)
{
	(void)self;
	return pop() | append(NEW);
}

/* clang-format off */
static void change(void) { must(other_run(changes) == 0, "changed"); }
static void replace(void) { must(other_run(replaces) == 0, "replaced"); }
/* clang-format on */

static void check_whole(const struct point *p)
{
	must(p->over && (p->result == OLD || p->result == NEW), "got %d",
	     p->result);
}

static void check_any(const struct point *p)
{
	must(p->over && p->result >= ABSENT && p->result <= NEW, "got %d",
	     p->result);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "list: the first append", .alone = 1, .world = empty,
	  .operation = append_new, .slip = look_now, .check = check_append },
	{ .what = "list: append", .alone = 1, .world = two,
	  .operation = append_new, .slip = look_now, .check = check_append },
	{ .what = "list: append in a used place", .alone = 1, .world = used,
	  .operation = append_new, .slip = look_now, .check = check_append },
	{ .what = "list: append, the first call in its process", .alone = 1,
	  .cold = 1, .ours = 1, .world = two, .operation = append_new,
	  .slip = look_now, .check = check_append },
	{ .what = "list: append, full", .alone = 1, .world = full,
	  .operation = append_new, .slip = look_now, .check = check_full },
	{ .what = "list: append, asleep at the lock", .ours = 1,
	  .world = held, .operation = append_new, .awaken = let_go,
	  .slip = look_and_let_go, .check = check_held },
	{ .what = "list: set", .alone = 1, .world = three, .operation = set,
	  .slip = look_now, .check = check_set },
	{ .what = "list: add", .alone = 1, .world = number, .operation = add,
	  .slip = look_now, .check = check_add },
	{ .what = "list: pop", .alone = 1, .world = three, .operation = pop,
	  .slip = look_now, .check = check_pop },
	{ .what = "list: clear", .alone = 1, .world = three,
	  .operation = clear, .check = check_clear },
	{ .what = "list: get", .alone = 1, .world = three, .operation = look,
	  .slip = look_now, .check = check_get },
	{ .what = "list: len", .alone = 1, .world = three,
	  .operation = count, .slip = look_now, .check = check_len },
	{ .what = "list: get, while it changes twice", .spare = 1,
	  .world = three, .operation = look, .slip = change,
	  .check = check_whole },
	{ .what = "list: get, while it goes and another one comes",
	  .spare = 1, .world = three, .operation = look, .slip = replace,
	  .check = check_any },
	/* Another one died in the middle. */
	{ .what = "list: append after a death in an append, not there",
	  .alone = 1, .world = died_begun, .operation = append_new,
	  .slip = look_now, .check = check_append },
	{ .what = "list: append after a death in an append, there",
	  .alone = 1, .world = died_appended, .operation = append_new,
	  .slip = look_now, .check = check_second },
	{ .what = "list: pop after a death in a pop, announced", .alone = 1,
	  .world = died_named, .operation = pop, .slip = look_now,
	  .check = check_pop },
	{ .what = "list: append after a death in a pop, gone", .alone = 1,
	  .world = died_popped, .operation = append_new, .slip = look_now,
	  .check = check_append },
};
/* clang-format on */

int main(int argc, char **argv)
{
	l = kill_world(mp_list_size(CAPACITY, VALUE));
	kill_counters(&l->lock.counters);
	kill_counters(&l->element[2].counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
