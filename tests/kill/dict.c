/* A process is killed at every instruction of what it does with a dict.  An
 * entry is as before or as after, whole; all others stay; those who look need
 * not wait for the victim, stopped or dead; and no place is lost.
 *
 * Or it stands there, in a look, while others change what it looks at, and then
 * goes on. */
#include "driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mp/dict-own.h"

#define CAPACITY 4
#define KEY      16
#define VALUE    64

enum { ABSENT, OLD, NEW, ADDED, TORN }; /* what a key has */

static struct mp_dict *d;

/* Keys of one chain, in the order in which they were set; and one of another
 * chain under the same lock. */
static char mine[KEY], before[KEY], behind[KEY], beside[KEY];

static const char *const values[] = {
	[OLD] = "old, and rather a long one that has several words",
	[NEW] = "new, and longer still: it has more words than the old one",
};

static struct mp_dict_key seek(const char *key)
{
	struct mp_dict_key k;

	if (mp_dict_seek(d, key, strlen(key), &k) < 0)
		k.stripe = NULL;
	return k;
}

/* A key that is not one of these, in the chain or only the stripe of mine. */
static void find_key(char *key, int same_chain, const char * not )
{
	struct mp_dict_key k, m = seek(mine);

	for (int i = 0;; i++) {
		snprintf(key, KEY, "key %d", i);
		k = seek(key);
		if (k.stripe == m.stripe && strcmp(key, mine) != 0 &&
		    strcmp(key, not ) != 0 &&
		    (mp_dict_head(k.stripe, k.hash) ==
		     mp_dict_head(m.stripe, m.hash)) == same_chain)
			return;
	}
}

static int set(const char *key, int value)
{
	return mp_dict_set(d, key, strlen(key), values[value],
			   strlen(values[value]));
}

/* ABSENT to TORN, or what get says. */
static int get(const char *key)
{
	char buf[VALUE];
	int64_t n;
	size_t length;
	int rc = mp_dict_get(d, key, strlen(key), buf, sizeof(buf), &length);

	if (rc == -ENOENT)
		return ABSENT;
	if (rc < 0)
		return rc;
	for (int v = OLD; v <= NEW; v++)
		if (length == strlen(values[v]) &&
		    memcmp(buf, values[v], length) == 0)
			return v;
	memcpy(&n, buf, sizeof(n));
	return length == 8 && (n == 5 || n == 12) ? ADDED + (n != 12) * 10
						  : TORN;
}

#define FIVE (ADDED + 10) /* the number before 7 was added */

/* ---- worlds */

static int others_there; /* beside mine */

static void empty(void)
{
	must(mp_dict_init(d, CAPACITY, KEY, VALUE) == 0, "init");
	others_there = 0;
}

/* Places that have been used; one is where mine will be. */
static void used(void)
{
	empty();
	for (int i = 0; i < 2; i++) {
		must(set(mine, OLD) == 0, "set");
		must(mp_dict_delete(d, mine, strlen(mine)) == 0, "delete");
	}
}

static void neighbours(void)
{
	empty();
	must(set(before, OLD) == 0 && set(beside, NEW) == 0 &&
		     set(behind, NEW) == 0,
	     "set");
	others_there = 3;
}

static void among_neighbours(void)
{
	empty();
	must(set(before, OLD) == 0 && set(beside, NEW) == 0 &&
		     set(mine, OLD) == 0 && set(behind, NEW) == 0,
	     "set");
	others_there = 3;
}

static void number(void)
{
	int64_t n = 5;

	neighbours();
	must(mp_dict_set(d, mine, strlen(mine), &n, sizeof(n)) == 0, "set");
}

/* Of all stripes but that of mine. */
static int fill(void)
{
	char key[24];
	int n = 0, rc = 0;

	for (int i = 0; rc == 0; i++) {
		snprintf(key, sizeof(key), "fill %d", i);
		if (seek(key).stripe == seek(mine).stripe)
			continue;
		rc = set(key, OLD);
		n += rc == 0;
	}
	return rc == -ENOSPC ? n : -EIO;
}

static void full(void)
{
	empty();
	must(fill() > 0, "filled");
	others_there = (int)d->entries;
}

/* ---- what the victim does */

static int set_new(void)
{
	return set(mine, NEW);
}

static int setdefault(void)
{
	return mp_dict_setdefault(d, mine, strlen(mine), values[NEW],
				  strlen(values[NEW]), NULL, 0, NULL);
}

static int add(void)
{
	return mp_dict_add(d, mine, strlen(mine), 7, NULL);
}

/* To none: the sum is 12 all the same. */
static int add_12(void)
{
	return mp_dict_add(d, mine, strlen(mine), 12, NULL);
}

static int exchange(void)
{
	return mp_dict_compare_exchange(d, mine, strlen(mine), values[OLD],
					strlen(values[OLD]), values[NEW],
					strlen(values[NEW]));
}

static int delete (void)
{
	return mp_dict_delete(d, mine, strlen(mine));
}

static int pop(void)
{
	char buf[VALUE];
	size_t length = 0;
	int rc = mp_dict_pop(d, mine, strlen(mine), buf, sizeof(buf), &length);

	return length == strlen(values[OLD]) ? rc : -EIO;
}

static int clear(void)
{
	return mp_dict_clear(d);
}

static int look(void)
{
	return get(mine);
}

static int count(void)
{
	return mp_dict_len(d);
}

static int visit(void)
{
	char key[KEY], value[VALUE];
	uint64_t cursor = 0;
	int n = 0, rc;

	while ((rc = mp_dict_next(d, &cursor, key, KEY, NULL, value, VALUE,
				  NULL)) == 0)
		n++;
	return rc == -ENOENT ? n : rc;
}

/* ---- those who died before */

/* The lock of mine is held, and this many steps of an insert are done. */
static int half_insert(int steps)
{
	struct mp_dict_key k = seek(mine);
	int64_t i;

	if (mp_dict_enter(d, k.stripe, -1) != 0)
		return -EIO;
	i = mp_dict_claim(d, &k);
	if (i < 0)
		return -EIO;
	if (steps == 0) /* no state yet */
		atomic_store(mp_dict_owner(d, (uint32_t)i),
			     mp_dict_name(d, k.stripe) | MP_DICT_NEW);
	if (steps >= 2)
		mp_dict_link(d, &k, (uint32_t)i);
	if (steps >= 3)
		mp_latch_put(mp_dict_latch(d, mp_dict_entry(d, (uint32_t)i)),
			     values[OLD], strlen(values[OLD]));
	return 0;
}

/* Likewise of a delete. */
static int half_remove(int steps)
{
	struct mp_dict_key k = seek(mine);
	struct mp_dict_entry *e;
	uint32_t i;

	if (mp_dict_enter(d, k.stripe, -1) != 0)
		return -EIO;
	e = mp_dict_find(d, &k);
	if (e == NULL)
		return -EIO;
	for (i = 0; mp_dict_entry(d, i) != e; i++)
		;
	atomic_store(&k.stripe->count, (k.stripe->count - 1) | ((uint64_t)i + 1)
								       << 32);
	if (steps >= 2)
		mp_latch_drop(mp_dict_latch(d, e));
	/* behind was set last, and leads to mine. */
	if (steps >= 3) {
		k = seek(behind);
		atomic_store(&mp_dict_find(d, &k)->next, atomic_load(&e->next));
	}
	return 0;
}

static int steps_done, (*half)(int steps);

static int dies(struct other *self)
{
	int rc = half(steps_done);

	other_at(self, rc == 0 ? 1 : 9);
	other_until(self, 2);
	return rc;
}

static void dead_one(int (*f)(int), int steps)
{
	half = f;
	steps_done = steps;
	other_start(0, dies);
	other_reach(0, 1);
	other_kill(0);
}

/* clang-format off */
static void died_new(void) { neighbours(); dead_one(half_insert, 0); }
static void died_claimed(void) { neighbours(); dead_one(half_insert, 1); }
static void died_linked(void) { neighbours(); dead_one(half_insert, 2); }
static void died_live(void) { neighbours(); dead_one(half_insert, 3); }
static void died_named(void) { among_neighbours(); dead_one(half_remove, 1); }
static void died_dropped(void) { among_neighbours(); dead_one(half_remove, 2); }
static void died_cut(void) { among_neighbours(); dead_one(half_remove, 3); }
/* clang-format on */

/* Full, but for what a dead one has taken. */
static void died_full(void)
{
	died_linked();
	must(mp_dict_clear(d) == 0, "clear");
	others_there = 0;
	dead_one(half_insert, 2);
	for (char key[KEY] = "a"; others_there + 1 < (int)d->entries;
	     key[0]++) {
		if (seek(key).stripe == seek(mine).stripe ||
		    strcmp(key, "x") == 0)
			continue;
		must(set(key, OLD) == 0, "set");
		others_there++;
	}
}

static int set_other(void)
{
	return set("x", NEW);
}

/* ---- what the others find */

/* What mine has; all else is as it was, and all ways to see it agree. */
static int reader(struct other *self)
{
	int rc = get(mine), n = others_there + (rc != ABSENT);

	(void)self;
	if (others_there == 3 &&
	    (get(before) != OLD || get(beside) != NEW || get(behind) != NEW))
		return -ESRCH;
	if (mp_dict_len(d) != n)
		return -ERANGE;
	if (visit() != n)
		return -EDOM;
	if (mp_dict_contains(d, mine, strlen(mine)) != (rc != ABSENT))
		return -EIO;
	return rc;
}

/* The dict works as a new one: no place is lost. */
static int user(struct other *self)
{
	uint32_t owner;
	int n;

	(void)self;
	if (mp_dict_len(d) == (int)d->entries && mp_dict_clear(d) != 0)
		return -1;
	if (set(mine, NEW) != 0 || get(mine) != NEW)
		return -1;
	if (mp_dict_delete(d, mine, strlen(mine)) != 0 || get(mine) != ABSENT)
		return -2;
	if (mp_dict_clear(d) != 0 || mp_dict_len(d) != 0 || visit() != 0)
		return -3;
	for (uint32_t i = 0; i < d->entries; i++) {
		owner = atomic_load(mp_dict_owner(d, i));
		if (owner != 0 && owner != MP_DICT_FREE)
			return -4;
	}
	n = fill();
	if (n != (int)d->entries || mp_dict_len(d) != n || visit() != n)
		return -5;
	if (mp_dict_clear(d) != 0 || mp_dict_len(d) != 0)
		return -6;
	return set(before, OLD) == 0 && set(mine, NEW) == 0 &&
			       get(mine) == NEW && get(before) == OLD
		       ? 0
		       : -7;
}

/* All other stripes fill up, and find the place that the victim had; then what
 * was filled in goes again. */
static int filler(struct other *self)
{
	int there = mp_dict_len(d), rc = fill();
	char key[24];

	(void)self;
	if (rc < 0)
		return rc;
	for (int i = 0; mp_dict_len(d) > there; i++) {
		snprintf(key, sizeof(key), "fill %d", i);
		mp_dict_delete(d, key, strlen(key));
	}
	return there + rc;
}

static int seen;

/* The victim is stopped, not yet dead: nobody waits for it. */
static void look_now(void)
{
	seen = other_run(reader);
}

static void settle(const struct point *p)
{
	int rc = other_run(reader);

	must(rc == seen, "killed, it is %d, and was %d", rc, seen);
	if (p->step % 3 == 0 && others_there < (int)d->entries) {
		rc = other_run(filler);
		must(rc == (int)d->entries, "%d places", rc);
	}
	rc = other_run(user);
	must(rc == 0, "it works: %d", rc);
}

static void check(const struct point *p, int old, int new, int result)
{
	must(seen == old || seen == new, "it is %d", seen);
	must(!p->over || (seen == new && p->result == result), "%d, %d, over",
	     seen, p->result);
	settle(p);
}

/* clang-format off */
static void check_set(const struct point *p) { check(p, ABSENT, NEW, 0); }
static void check_default(const struct point *p) { check(p, ABSENT, NEW, 1); }
static void check_change(const struct point *p) { check(p, OLD, NEW, 0); }
static void check_add(const struct point *p) { check(p, FIVE, ADDED, 0); }
static void check_first(const struct point *p) { check(p, ABSENT, ADDED, 0); }
static void check_delete(const struct point *p) { check(p, OLD, ABSENT, 0); }
static void check_look(const struct point *p) { check(p, OLD, OLD, OLD); }
static void check_four(const struct point *p) { check(p, OLD, OLD, 4); }
static void check_full(const struct point *p)
{
	check(p, ABSENT, ABSENT, -ENOSPC);
}
/* clang-format on */

/* Some are gone. */
static void check_clear(const struct point *p)
{
	int n = mp_dict_len(d);

	must(n >= 0 && n <= 4 && n == visit(), "%d entries", n);
	must(!p->over || (n == 0 && p->result == 0), "%d, over", n);
	n = other_run(user);
	must(n == 0, "it works: %d", n);
}

static int there_now(struct other *self)
{
	(void)self;
	return get("x") == NEW;
}

/* One more or not; the place of the dead was found or is still to be. */
static void check_found(const struct point *p)
{
	int there = other_run(there_now), rc;

	must(there >= 0, "get: %d", there);
	must(!p->over || (there == 1 && p->result == 0), "%d, over", there);
	must(mp_dict_len(d) == others_there + there, "%d", mp_dict_len(d));
	rc = other_run(user);
	must(rc == 0, "it works: %d", rc);
}

/* ---- the lock is held */

static int holds(struct other *self)
{
	struct mp_dict_key k = seek(mine);
	int rc = mp_dict_enter(d, k.stripe, -1);

	other_at(self, 1);
	other_until(self, 1);
	mp_lock_release(&k.stripe->lock);
	return rc;
}

static void held(void)
{
	among_neighbours();
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
	int rc = other_run(reader);

	must(seen == OLD || seen == NEW, "it is %d", seen);
	must(rc == OLD || rc == NEW, "it is %d", rc);
	must(!p->over || rc == NEW, "over");
	seen = rc;
	settle(p);
}

/* ---- others change what the victim looks at */

static int look_behind(void)
{
	return get(before); /* behind mine in the chain */
}

/* The neighbours are seen once each. */
static int visit_three(void)
{
	char key[KEY];
	uint64_t cursor = 0;
	size_t n;
	int times[3] = { 0 };

	while (mp_dict_next(d, &cursor, key, KEY, &n, NULL, 0, NULL) == 0) {
		times[0] += n == strlen(before) && memcmp(key, before, n) == 0;
		times[1] += n == strlen(beside) && memcmp(key, beside, n) == 0;
		times[2] += n == strlen(behind) && memcmp(key, behind, n) == 0;
	}
	return times[0] * 100 + times[1] * 10 + times[2];
}

/* Both copies. */
static int changes(struct other *self)
{
	(void)self;
	return set(mine, NEW) | set(mine, NEW);
}

/* The place of mine is another key's then, in another chain. */
static int reuses(struct other *self)
{
	(void)self;
	return mp_dict_delete(d, mine, strlen(mine)) | (fill() < 0);
}

static int comes_again(struct other *self)
{
	return reuses(self) | mp_dict_clear(d) | set(mine, NEW);
}

/* clang-format off */
static void change(void) { must(other_run(changes) == 0, "changed"); }
static void reuse(void) { must(other_run(reuses) == 0, "used again"); }
static void come_again(void) { must(other_run(comes_again) == 0, "again"); }
/* clang-format on */

static void check_whole(const struct point *p)
{
	must(p->over && (p->result == OLD || p->result == NEW), "found %d",
	     p->result);
}

static void check_gone(const struct point *p)
{
	must(p->over && (p->result == OLD || p->result == ABSENT), "found %d",
	     p->result);
}

static void check_any(const struct point *p)
{
	must(p->over && p->result >= ABSENT && p->result <= NEW, "found %d",
	     p->result);
}

static void check_behind(const struct point *p)
{
	must(p->over && p->result == OLD, "found %d", p->result);
}

static void check_three(const struct point *p)
{
	must(p->over && p->result == 111, "seen %d", p->result);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "dict: set a new key", .alone = 1, .world = neighbours,
	  .operation = set_new, .slip = look_now, .check = check_set },
	{ .what = "dict: set a new key in a used place", .alone = 1,
	  .world = used, .operation = set_new, .slip = look_now,
	  .check = check_set },
	{ .what = "dict: set, the first call in its process", .alone = 1,
	  .cold = 1, .ours = 1, .world = neighbours, .operation = set_new,
	  .slip = look_now, .check = check_set },
	{ .what = "dict: setdefault", .alone = 1, .world = neighbours,
	  .operation = setdefault, .slip = look_now,
	  .check = check_default },
	{ .what = "dict: add to none", .alone = 1, .world = neighbours,
	  .operation = add_12, .slip = look_now, .check = check_first },
	{ .what = "dict: change a value", .alone = 1,
	  .world = among_neighbours, .operation = set_new, .slip = look_now,
	  .check = check_change },
	{ .what = "dict: compare_exchange", .alone = 1,
	  .world = among_neighbours, .operation = exchange,
	  .slip = look_now, .check = check_change },
	{ .what = "dict: add", .alone = 1, .world = number, .operation = add,
	  .slip = look_now, .check = check_add },
	{ .what = "dict: delete", .alone = 1, .world = among_neighbours,
	  .operation = delete, .slip = look_now, .check = check_delete },
	{ .what = "dict: pop", .alone = 1, .world = among_neighbours,
	  .operation = pop, .slip = look_now, .check = check_delete },
	{ .what = "dict: clear", .alone = 1, .world = among_neighbours,
	  .operation = clear, .check = check_clear },
	{ .what = "dict: get", .alone = 1, .world = among_neighbours,
	  .operation = look, .slip = look_now, .check = check_look },
	{ .what = "dict: next", .alone = 1, .world = among_neighbours,
	  .operation = visit, .slip = look_now, .check = check_four },
	{ .what = "dict: len", .alone = 1, .world = among_neighbours,
	  .operation = count, .slip = look_now, .check = check_four },
	{ .what = "dict: set, full", .alone = 1, .world = full,
	  .operation = set_new, .slip = look_now, .check = check_full },
	{ .what = "dict: set, asleep at the lock", .ours = 1, .world = held,
	  .operation = set_new, .awaken = let_go, .slip = look_and_let_go,
	  .check = check_held },
	{ .what = "dict: get, while its value changes twice", .spare = 1,
	  .world = among_neighbours, .operation = look, .slip = change,
	  .check = check_whole },
	{ .what = "dict: get, while its place becomes another's", .spare = 1,
	  .world = among_neighbours, .operation = look, .slip = reuse,
	  .check = check_gone },
	{ .what = "dict: get, while its key goes and comes", .spare = 1,
	  .world = among_neighbours, .operation = look, .slip = come_again,
	  .check = check_any },
	{ .what = "dict: get, while the one before it becomes another's",
	  .spare = 1, .world = among_neighbours, .operation = look_behind,
	  .slip = reuse, .check = check_behind },
	{ .what = "dict: next, while others come and go", .spare = 1,
	  .world = among_neighbours, .operation = visit_three,
	  .slip = reuse, .check = check_three },
	/* Another one died in the middle, and the victim clears up. */
	{ .what = "dict: set after a death in an insert, no state yet",
	  .alone = 1, .world = died_new, .operation = set_new,
	  .slip = look_now, .check = check_set },
	{ .what = "dict: set after a death in an insert, place taken",
	  .alone = 1, .world = died_claimed, .operation = set_new,
	  .slip = look_now, .check = check_set },
	{ .what = "dict: set after a death in an insert, linked",
	  .alone = 1, .world = died_linked, .operation = set_new,
	  .slip = look_now, .check = check_set },
	{ .what = "dict: set after a death in an insert, there",
	  .alone = 1, .world = died_live, .operation = set_new,
	  .slip = look_now, .check = check_change },
	{ .what = "dict: delete after a death in a delete, announced",
	  .alone = 1, .world = died_named, .operation = delete,
	  .slip = look_now, .check = check_delete },
	{ .what = "dict: set after a death in a delete, gone",
	  .alone = 1, .world = died_dropped, .operation = set_new,
	  .slip = look_now, .check = check_set },
	{ .what = "dict: set after a death in a delete, unlinked",
	  .alone = 1, .world = died_cut, .operation = set_new,
	  .slip = look_now, .check = check_set },
	{ .what = "dict: set, the last place is a dead one's",
	  .alone = 1, .world = died_full, .operation = set_other,
	  .check = check_found },
};
/* clang-format on */

int main(int argc, char **argv)
{
	d = kill_world(mp_dict_size(CAPACITY, KEY, VALUE));
	if (mp_dict_init(d, CAPACITY, KEY, VALUE) != 0)
		return 1;
	strcpy(mine, "mine");
	find_key(before, 1, "");
	find_key(behind, 1, before);
	find_key(beside, 0, "");
	kill_counters(&seek(mine).stripe->lock.counters);
	return kill_main(argc, argv, stories, COUNT(stories));
}
