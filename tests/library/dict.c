/* Dicts: what each call does, when there is no room, what those see who look
 * while others change, and who is killed or stopped in the middle. */
#include "mp/dict.h"

#include <linux/seccomp.h>

#include "mp/backstop.h"
#include "mp/dict-own.h"
#include "stepper.h"

#define CAPACITY 100
#define KEY      24
#define VALUE    1000

struct shared {
	_Atomic int ready, stop, n;
	_Atomic long looks;
	_Alignas(64) unsigned char dict[];
};
static struct shared *s;
static struct mp_dict *d;

/* A new one, in memory that has been used. */
static void fresh(void)
{
	memset(s, 0, sizeof(*s));
	memset(d, 0xff, mp_dict_size(CAPACITY, KEY, VALUE));
	if (mp_dict_init(d, CAPACITY, KEY, VALUE) != 0)
		errx(1, "mp_dict_init");
}

/* With keys that are C strings. */
static int set(const char *key, const char *value)
{
	return mp_dict_set(d, key, strlen(key), value, strlen(value));
}

static int get(const char *key)
{
	char buf[VALUE];
	size_t length = 12345;
	int error = mp_dict_get(d, key, strlen(key), buf, sizeof(buf), &length);

	return error < 0 ? error : (int)length;
}

static int has(const char *key, const char *value)
{
	char buf[VALUE];
	size_t n = 0;

	return mp_dict_get(d, key, strlen(key), buf, sizeof(buf), &n) == 0 &&
	       n == strlen(value) && memcmp(buf, value, n) == 0;
}

static int del(const char *key)
{
	return mp_dict_delete(d, key, strlen(key));
}

/* Key number i. */
static const char *name(int i)
{
	static char text[KEY];

	snprintf(text, sizeof(text), "key %d", i);
	return text;
}

/* ---- one process ---- */

static void sizes(void)
{
	size_t size = mp_dict_size(CAPACITY, KEY, VALUE);

	is(mp_dict_size(0, KEY, VALUE), 0, "no capacity");
	is(mp_dict_size(MP_DICT_CAPACITY_MAX + 1, KEY, VALUE), 0, "too much");
	is(mp_dict_size(CAPACITY, 0, VALUE), 0, "no keys");
	is(mp_dict_size(CAPACITY, MP_DICT_KEY_MAX + 1, VALUE), 0, "too long");
	is(mp_dict_size(CAPACITY, KEY, MP_DICT_VALUE_MAX + 1), 0, "values too");
	ok(mp_dict_size(MP_DICT_CAPACITY_MAX, MP_DICT_KEY_MAX,
			MP_DICT_VALUE_MAX) > (size_t)1 << 58,
	   "the greatest of all three");
	ok(mp_dict_size(1, 1, 0) > 0, "values of no bytes");
	is(mp_dict_init(d, 0, KEY, VALUE), -EINVAL, "init says the same");
	is(mp_dict_init(d, CAPACITY, KEY, SIZE_MAX), -EINVAL, "of all");
	is(mp_dict_init(not_shared(), 1, 1, 1), -EINVAL,
	   "not in memory that is not shared");
	ok(size > CAPACITY * (KEY + 2 * VALUE) &&
		   size < CAPACITY * (KEY + 2 * VALUE) * 2,
	   "%zu bytes", size);
}

static void words(void)
{
	char buf[VALUE];
	size_t length = 77;

	fresh();
	is(mp_dict_len(d), 0, "a new one is empty");
	is(get("a"), -ENOENT, "get");
	is(del("a"), -ENOENT, "delete");
	is(mp_dict_contains(d, "a", 1), 0, "contains");
	is(set("a", "apple"), 0, "set");
	ok(has("a", "apple"), "and get");
	is(set("a", "apricot"), 0, "another value");
	ok(has("a", "apricot"), "is there instead");
	is(set("b", ""), 0, "no bytes");
	is(get("b"), 0, "are a value");
	is(mp_dict_set(d, NULL, 0, "none", 4), 0, "and a key");
	ok(has("", "none"), "which has one");
	is(set(name(1), "1"), 0, "a longer key");
	is(mp_dict_len(d), 4, "four entries");
	is(mp_dict_contains(d, "a", 1), 1, "one of them");
	is(mp_dict_contains(d, "a\0", 2), 0, "a NUL makes it another one");
	is(mp_dict_get(d, "a", 1, buf, 6, &length), -EMSGSIZE, "too small");
	is(length, 7, "which tells how long it is");
	is(mp_dict_get(d, "a", 1, buf, 7, NULL), 0, "just right, unasked");
	is(del("a"), 0, "delete");
	is(get("a"), -ENOENT, "gone");
	is(del("a"), -ENOENT, "once");
	is(mp_dict_len(d), 3, "three are left");
	is(set("a", "again"), 0, "the key comes again");
	ok(has("a", "again"), "with its new value");
	length = 77;
	is(mp_dict_pop(d, "a", 1, buf, 4, &length), -EMSGSIZE,
	   "pop, too small");
	is(length, 5, "tells");
	ok(has("a", "again"), "and it stays");
	is(mp_dict_pop(d, "a", 1, buf, 5, &length), 0, "pop");
	ok(length == 5 && memcmp(buf, "again", 5) == 0, "the value");
	is(mp_dict_pop(d, "a", 1, buf, 5, &length), -ENOENT, "once");
	is(mp_dict_clear(d), 0, "clear");
	is(mp_dict_len(d), 0, "leaves nothing");
	is(get(name(1)), -ENOENT, "at all");
	is(mp_dict_clear(d), 0, "clear what is empty");
}

static void too_long(void)
{
	char key[KEY + 1] = "", value[VALUE + 1] = "";
	size_t n;
	int64_t sum;

	fresh();
	is(mp_dict_set(d, key, KEY, value, VALUE), 0, "the longest of both");
	is(mp_dict_get(d, key, KEY, value, VALUE, &n), 0, "get");
	is(n, VALUE, "all of it");
	is(mp_dict_set(d, key, KEY + 1, value, 1), -EMSGSIZE, "key too long");
	is(mp_dict_set(d, key, SIZE_MAX, value, 1), -EMSGSIZE, "far too long");
	is(mp_dict_get(d, key, KEY + 1, value, 1, &n), -EMSGSIZE, "get");
	is(mp_dict_pop(d, key, KEY + 1, value, 1, &n), -EMSGSIZE, "pop");
	is(mp_dict_delete(d, key, KEY + 1), -EMSGSIZE, "delete");
	is(mp_dict_contains(d, key, KEY + 1), -EMSGSIZE, "contains");
	is(mp_dict_add(d, key, KEY + 1, 1, &sum), -EMSGSIZE, "add");
	is(mp_dict_set(d, "a", 1, value, VALUE + 1), -EMSGSIZE, "value");
	is(mp_dict_set(d, key, KEY, value, SIZE_MAX), -EMSGSIZE, "far");
	is(mp_dict_setdefault(d, "a", 1, value, VALUE + 1, NULL, 0, NULL),
	   -EMSGSIZE, "setdefault");
	is(mp_dict_compare_exchange(d, key, KEY, "", 0, value, VALUE + 1),
	   -EMSGSIZE, "compare_exchange");
	is(mp_dict_len(d), 1, "nothing came of that");
	if (mp_dict_init(d, CAPACITY, KEY, 7) != 0)
		errx(1, "mp_dict_init");
	is(mp_dict_add(d, "a", 1, 1, NULL), -EMSGSIZE, "no room for a sum");
}

static void one_step(void)
{
	char buf[VALUE];
	size_t n = 77;
	int64_t sum = 77;

	fresh();
	is(mp_dict_setdefault(d, "a", 1, "one", 3, buf, 0, &n), 1, "a default");
	is(n, 77, "is one's own");
	is(mp_dict_setdefault(d, "a", 1, "two", 3, buf, 2, &n), -EMSGSIZE,
	   "there is one: too small");
	is(mp_dict_setdefault(d, "a", 1, "2", 1, buf, 3, &n), 0, "it comes");
	ok(n == 3 && memcmp(buf, "one", 3) == 0 && has("a", "one"), "stays");
	is(mp_dict_compare_exchange(d, "a", 1, "one", 3, "two", 3), 0, "swap");
	ok(has("a", "two"), "done");
	is(mp_dict_compare_exchange(d, "a", 1, "one", 3, "x", 1), -EAGAIN,
	   "no");
	is(mp_dict_compare_exchange(d, "a", 1, "tw", 2, "x", 1), -EAGAIN, "no");
	is(mp_dict_compare_exchange(d, "a", 1, "two ", 4, "x", 1), -EAGAIN,
	   "no");
	ok(has("a", "two"), "not done");
	is(mp_dict_compare_exchange(d, "b", 1, "", 0, "x", 1), -ENOENT, "none");
	is(mp_dict_add(d, "n", 1, 5, &sum), 0, "add to nothing");
	is(sum, 5, "5");
	is(mp_dict_add(d, "n", 1, -7, NULL), 0, "unasked");
	is(mp_dict_add(d, "n", 1, 0, &sum), 0, "nothing");
	is(sum, -2, "-2");
	is(mp_dict_add(d, "n", 1, INT64_MIN, &sum), -ERANGE, "beyond");
	is(sum, -2, "untold");
	is(mp_dict_get(d, "n", 1, &sum, sizeof(sum), &n), 0, "a value");
	ok(sum == -2 && n == 8, "as any other, and unchanged");
	is(mp_dict_add(d, "a", 1, 1, &sum), -EINVAL, "\"two\" is no number");
	set("a", "nine bytes");
	is(mp_dict_add(d, "a", 1, 1, &sum), -EINVAL, "nor is this");
	ok(has("a", "nine bytes"), "nor does it change");
}

/* Every length of both, at every alignment; nothing is written behind. */
static void lengths(void)
{
	unsigned char keys[KEY + 8], values[VALUE + 8], buf[VALUE + 16];
	int bad = 0;
	size_t n;

	for (size_t i = 0; i < sizeof(keys); i++)
		keys[i] = (unsigned char)(i * 37 + 1);
	for (size_t i = 0; i < sizeof(values); i++)
		values[i] = (unsigned char)(i * 41 + 3);
	fresh();
	for (size_t k = 0; k <= KEY; k++)
		for (size_t v = 0; v <= VALUE; v++) {
			unsigned char *to = buf + v % 8;

			bad += mp_dict_set(d, keys + v % 8, k, values + k % 8,
					   v) != 0;
			memset(buf, 0xee, sizeof(buf));
			bad += mp_dict_get(d, keys + v % 8, k, to, v, &n) != 0;
			bad += n != v || memcmp(to, values + k % 8, v) != 0;
			bad += to[v] != 0xee;
			bad += mp_dict_delete(d, keys + v % 8, k) != 0;
		}
	is(bad, 0, "every length of a key with every length of a value");
	is(mp_dict_len(d), 0, "all deleted");
}

static void full(void)
{
	int n = 0, again, bad = 0;
	int64_t sum;

	fresh();
	while (set(name(n), "x") == 0)
		n++;
	ok(n >= CAPACITY && n < 2 * CAPACITY, "%d entries are too many", n);
	is(set(name(n), "x"), -ENOSPC, "full");
	is(mp_dict_add(d, "sum", 3, 1, &sum), -ENOSPC, "for add");
	is(mp_dict_setdefault(d, "a", 1, "", 0, NULL, 0, NULL), -ENOSPC,
	   "for setdefault");
	is(mp_dict_len(d), n, "they are all there");
	for (int i = 0; i < n; i++)
		bad += get(name(i)) != 1 || set(name(i), "yy") != 0;
	is(bad, 0, "and can be changed");
	for (int i = 0; i < n; i++)
		bad += !has(name(i), "yy");
	is(bad, 0, "each");
	is(del(name(n / 2)), 0, "delete one");
	is(set("new", "z"), 0, "there is room for one");
	is(set("newer", "z"), -ENOSPC, "not for two");
	for (int round = 0; round < 20; round++) {
		bad += mp_dict_clear(d) != 0 || mp_dict_len(d) != 0;
		for (again = 0; set(name(again + round), "x") == 0;)
			again++;
		bad += again != n;
	}
	is(bad, 0, "cleared and filled 20 times: no place is lost");
}

/* ---- iteration ---- */

static int seen[3 * CAPACITY];

/* Visit all: how many. */
static int visit(void)
{
	char key[KEY + 1];
	uint64_t cursor = 0;
	size_t n, v;
	int i, all = 0, error;

	memset(seen, 0, sizeof(seen));
	while ((error = mp_dict_next(d, &cursor, key, KEY, &n, NULL, 0, &v)) ==
	       0) {
		key[n] = '\0';
		if (sscanf(key, "key %d", &i) == 1 && i < 3 * CAPACITY)
			seen[i]++;
		all++;
	}
	return error == -ENOENT ? all : error;
}

static void iteration(void)
{
	char key[KEY], value[VALUE];
	uint64_t cursor = 0;
	size_t k = 0, v = 0;
	int bad = 0;

	fresh();
	is(visit(), 0, "nothing to visit");
	for (int i = 0; i < CAPACITY; i++)
		set(name(i), name(i));
	is(visit(), CAPACITY, "all");
	for (int i = 0; i < CAPACITY; i++)
		bad += seen[i] != 1;
	is(bad, 0, "once");
	is(mp_dict_next(d, &cursor, key, 2, &k, value, VALUE, &v), -EMSGSIZE,
	   "too small for the key");
	ok(k >= 5 && v == k, "which tells the lengths");
	is(mp_dict_next(d, &cursor, key, KEY, &k, value, 2, &v), -EMSGSIZE,
	   "too small for the value");
	is(mp_dict_next(d, &cursor, key, KEY, &k, value, VALUE, &v), 0, "both");
	ok(k == v && memcmp(key, value, k) == 0, "the same that was too long");
	is(mp_dict_next(d, &cursor, NULL, 0, NULL, value, VALUE, NULL), 0,
	   "only values, unasked");
	cursor = UINT64_MAX;
	is(mp_dict_next(d, &cursor, key, KEY, &k, value, VALUE, &v), -ENOENT,
	   "behind the end");
	fresh();
	mp_dict_set(d, "", 0, "", 0);
	cursor = 0;
	is(mp_dict_next(d, &cursor, NULL, 0, &k, NULL, 0, &v), 0,
	   "an empty key with an empty value");
	ok(k == 0 && v == 0, "is one entry");
}

/* ---- several processes ---- */

#define WRITERS 3
#define ROUNDS  20000

/* A value that tells whether it is whole: its number, then bytes that follow
 * from it, and so does its length. */
static size_t make(unsigned char *value, uint32_t n)
{
	size_t length = 8 + n % (VALUE - 8);

	memcpy(value, &n, sizeof(n));
	for (size_t i = sizeof(n); i < length; i++)
		value[i] = (unsigned char)(n * 31 + i);
	return length;
}

static int whole(const unsigned char *value, size_t length)
{
	unsigned char expected[VALUE];
	uint32_t n;

	if (length < sizeof(n))
		return 0;
	memcpy(&n, value, sizeof(n));
	return make(expected, n) == length &&
	       memcmp(value, expected, length) == 0;
}

/* Sets one key, deletes it at times. */
static int writes(long which)
{
	unsigned char value[VALUE];
	char key[] = "key 0";
	uint32_t n = 0;

	key[4] = (char)('0' + which);
	atomic_fetch_add(&s->ready, 1);
	for (; !atomic_load(&s->stop); n++) {
		size_t length = make(value, n);
		int error = n % 16 == 15
				    ? mp_dict_delete(d, key, 5)
				    : mp_dict_set(d, key, 5, value, length);

		if (error != 0 && error != -ENOENT)
			return 1;
	}
	return 0;
}

/* Looks at that key, and all: is what it finds whole? */
static int reads(long which)
{
	unsigned char value[VALUE], key[KEY];
	size_t n, k;
	int error;

	atomic_fetch_add(&s->ready, 1);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t cursor = 0;

		snprintf((char *)key, sizeof(key), "key %ld", which);
		error = mp_dict_get(d, key, 5, value, VALUE, &n);
		if (error == 0 ? !whole(value, n) : error != -ENOENT)
			return 1;
		while (i % 16 == 0 &&
		       (error = mp_dict_next(d, &cursor, key, KEY, &k, value,
					     VALUE, &n)) == 0)
			if (!whole(value, n))
				return 2;
		if (i % 64 == 0)
			sched_yield();
	}
	return error == 0 || error == -ENOENT ? 0 : 3;
}

static void together(int keys, const char *what)
{
	pid_t pid[WRITERS + 2];

	fresh();
	for (long i = 0; i < WRITERS; i++)
		pid[i] = start(writes, i % keys);
	for (long i = WRITERS; i < WRITERS + 2; i++)
		pid[i] = start(reads, i % keys);
	for (int i = WRITERS; i < WRITERS + 2; i++)
		is(end_of(pid[i]), 0, "%s: nothing torn", what);
	atomic_store(&s->stop, 1);
	for (int i = 0; i < WRITERS; i++)
		is(end_of(pid[i]), 0, "%s: nor refused", what);
	ok(mp_dict_len(d) == visit() && mp_dict_len(d) <= keys,
	   "%s: %d are left", what, mp_dict_len(d));
}

/* Inserts and deletes keys of its own, which go through all chains and places:
 * the two keep the dict nearly full. */
static int churns(long which)
{
	unsigned char value[VALUE];
	char key[KEY];
	int first = 1000 * (int)which, n = 0;

	atomic_fetch_add(&s->ready, 1);
	for (; !atomic_load(&s->stop); n = (n + 1) % 500) {
		int k = snprintf(key, sizeof(key), "own %d", first + n);

		if (mp_dict_set(d, key, (size_t)k, value, make(value, 1)) != 0)
			return 1;
		k = snprintf(key, sizeof(key), "own %d",
			     first + (n + 480) % 500);
		if (mp_dict_delete(d, key, (size_t)k) == -EINVAL)
			return 2;
	}
	return 0;
}

/* What stays there is seen once in each pass, and found always. */
static void while_others_change(void)
{
	pid_t a, b;
	int bad = 0, missed = 0, few = 0, passes = 0;

	fresh();
	for (int i = 0; i < CAPACITY / 2; i++)
		set(name(i), "stays");
	a = start(churns, 1);
	b = start(churns, 2);
	await(atomic_load(&s->ready) == 2);
	for (; passes < 2000; passes++) {
		few += mp_dict_len(d) < CAPACITY / 2;
		visit();
		for (int i = 0; i < CAPACITY / 2; i++) {
			bad += seen[i] != 1;
			missed += !has(name(i), "stays");
		}
		if (passes % 16 == 0)
			sched_yield();
	}
	atomic_store(&s->stop, 1);
	is(end_of(a) + end_of(b), 0, "two insert and delete");
	is(bad, 0, "the others' entries are seen once in each pass");
	is(missed, 0, "and found by get");
	is(few, 0, "and counted by len");
}

static int adds(long n)
{
	while (n-- > 0)
		if (mp_dict_add(d, "n", 1, 1, NULL) != 0)
			return 1;
	return 0;
}

/* The same by a loop. */
static int exchanges(long n)
{
	int64_t x, y;
	int error = 0;

	while (n-- > 0)
		do {
			if (mp_dict_get(d, "x", 1, &x, 8, NULL) != 0)
				return 1;
			y = x + 1;
			error = mp_dict_compare_exchange(d, "x", 1, &x, 8, &y,
							 8);
		} while (error == -EAGAIN);
	return error;
}

/* Who is the first? */
static int firsts(long n)
{
	int won = 0;

	for (int i = 0; i < n; i++) {
		const char *key = name(i);
		size_t length = strlen(key);
		char buf[KEY];

		won += mp_dict_setdefault(d, key, length, "mine", 4, buf,
					  sizeof(buf), NULL);
	}
	return won;
}

static int pops(long n)
{
	int won = 0;
	char buf[8];

	for (int i = 0; i < n; i++) {
		const char *key = name(i);

		won += mp_dict_pop(d, key, strlen(key), buf, 8, NULL) == 0;
	}
	return won;
}

static int four(int (*f)(long), long n)
{
	pid_t pid[4];
	int sum = 0;

	for (int i = 0; i < 4; i++)
		pid[i] = start(f, n);
	for (int i = 0; i < 4; i++)
		sum += end_of(pid[i]);
	return sum;
}

static void in_one_step(void)
{
	int64_t n = 0;

	fresh();
	is(four(adds, 10000), 0, "four add 1 each 10,000 times");
	mp_dict_get(d, "n", 1, &n, 8, NULL);
	is(n, 40000, "and lose nothing");
	n = 0;
	mp_dict_set(d, "x", 1, &n, 8);
	is(four(exchanges, 5000), 0, "four exchange 5000 times");
	mp_dict_get(d, "x", 1, &n, 8, NULL);
	is(n, 20000, "and lose nothing");
	is(four(firsts, CAPACITY - 2), CAPACITY - 2,
	   "each default is set once");
	is(mp_dict_len(d), CAPACITY, "all are there");
	is(four(pops, CAPACITY - 2), CAPACITY - 2, "each is popped once");
	is(mp_dict_len(d), 2, "and gone");
}

/* ---- who dies, who stands still ---- */

/* Takes the lock of "a", half writes a value, and stays there. */
static int halts(long unused)
{
	struct mp_dict_key k;
	struct mp_latch t;
	struct mp_copy *c;

	(void)unused;
	if (mp_dict_seek(d, "a", 1, &k) != 0 ||
	    mp_dict_enter(d, k.stripe, -1) != 0)
		return 1;
	t = mp_dict_latch(d, mp_dict_find(d, &k));
	c = mp_latch_copy(t, mp_latch_state(t.state) + 2);
	atomic_store(&c->length, VALUE);
	memset(c->words, 0xaa, VALUE / 2);
	atomic_store(&s->ready, 1);
	return wait_for_kill();
}

static int sets(long unused)
{
	(void)unused;
	return set("a", "new");
}

static void stopped(void)
{
	int64_t begin;
	pid_t pid, other;

	fresh();
	set("a", "old");
	pid = start(halts, 0);
	await(atomic_load(&s->ready) == 1);
	stop(pid);
	begin = mp_clock_now();
	is(has("a", "old"), 1, "its writer is stopped: get has the old value");
	is(mp_dict_contains(d, "a", 1), 1, "contains");
	is(mp_dict_len(d), 1, "len");
	is(visit(), 1, "next");
	ok(mp_clock_now() - begin < LONG, "at once");
	other = start(sets, 0);
	await(asleep(other));
	ok(has("a", "old"), "another one that sets it waits");
	killed(pid);
	is(end_of(other), 0, "until the first is killed");
	ok(has("a", "new"), "and sets it");
}

/* What looks at "a": 5 if it found all five bytes of it. */
static int looks_get(void)
{
	return get("a");
}

static int looks_contains(void)
{
	return mp_dict_contains(d, "a", 1) == 1 ? 5 : -1;
}

static int looks_next(void)
{
	uint64_t cursor = 0;
	char value[VALUE];
	size_t n = 0;
	int error = mp_dict_next(d, &cursor, NULL, 0, NULL, value, VALUE, &n);

	return error < 0 ? error : (int)n;
}

static void look_once(void *f)
{
	s->n = ((int (**)(void))f)[0]();
}

/* Holds the lock of "a". */
static int holds(long unused)
{
	struct mp_dict_key k;

	(void)unused;
	if (mp_dict_seek(d, "a", 1, &k) != 0 ||
	    mp_dict_enter(d, k.stripe, -1) != 0)
		return 1;
	atomic_store(&s->ready, 1);
	return wait_for_kill();
}

/* After every few of its instructions the value is another one, until the
 * reader has got the lock; or, if somebody holds that, has waited for it. */
static void changing(int (*f)(void), int held, const char *what)
{
	struct mp_dict_key k = { 0 };
	uint32_t word, locked = 0;
	int steps = 0, rc = 0;
	struct mp_latch t;
	struct stepper v;
	pid_t holder = 0;

	fresh();
	set("a", "value");
	mp_dict_seek(d, "a", 1, &k);
	t = mp_dict_latch(d, mp_dict_find(d, &k));
	if (held) {
		holder = start(holds, 0);
		await(atomic_load(&s->ready) == 1);
	}
	if (stepper_start(&v, look_once, &f) < 0)
		errx(1, "ptrace: no longer allowed");
	while (rc != STEPPER_ENDED) {
		rc = stepper_step(&v);
		if (rc == STEPPER_ASLEEP)
			stepper_settle(&v, LONG);
		word = atomic_load(&k.stripe->lock.node.word);
		locked |= held ? word & FUTEX_WAITERS : word;
		if (!locked && ++steps % 16 == 0)
			mp_latch_put(t, "other", 5);
	}
	is(s->n, 5, "%s: a value that changes all the time is read", what);
	ok(locked != 0, "%s: it %s the lock", what,
	   held ? "has waited for" : "took");
	if (held)
		killed(holder);
}

/* Who looks tries again, then takes the lock; but if that is not to be had,
 * looks again. */
static void always_changing(void)
{
	if (stepper_allowed() < 0) {
		tap_skip("values that change all the time",
			 "no process may be single-stepped here (ptrace)");
		return;
	}
	stepper_one_cpu();
	changing(looks_get, 0, "get");
	changing(looks_get, 1, "get, its lock held");
	changing(looks_contains, 0, "contains");
	changing(looks_next, 0, "next");
	changing(looks_next, 1, "next, its lock held");
}

/* Takes a place in a stripe, gives it a key, and stays there. */
static int begins(long n)
{
	struct mp_dict_key k;
	int64_t i;

	if (mp_dict_seek(d, name((int)n), strlen(name((int)n)), &k) != 0 ||
	    mp_dict_enter(d, k.stripe, -1) != 0)
		return 1;
	i = mp_dict_claim(d, &k);
	if (i < 0)
		return 2;
	if (n % 2 == 0)
		mp_dict_link(d, &k, (uint32_t)i);
	atomic_fetch_add(&s->ready, 1);
	return wait_for_kill();
}

/* What the dead had taken is found when it is needed; in memory full of what
 * was there before, and in places that have been used. */
static void no_room_lost(int used)
{
	enum { DEAD = 10 };
	int all, n = 0;
	pid_t pid;

	fresh();
	all = (int)d->entries;
	while (used && set(name(n), "x") == 0)
		n++;
	is(n, used ? all : 0, "%d places have been used", n);
	mp_dict_clear(d);
	for (int i = 0; i < DEAD; i++) {
		pid = start(begins, i);
		await(atomic_load(&s->ready) == i + 1);
		killed(pid);
	}
	is(mp_dict_len(d), 0, "what ten who died began is not there");
	is(visit(), 0, "nor seen");
	is(get(name(0)), -ENOENT, "nor found");
	for (n = 0; set(name(1000 + n), "x") == 0;)
		n++;
	is(n, all, "their room is found");
	is(mp_dict_len(d), all, "and counted right");
}

/* ---- the rest ---- */

/* Two views of the same memory. */
static void anywhere(void)
{
	size_t size = mp_dict_size(10, KEY, VALUE), n = 0;
	struct mp_dict *one, *other;
	struct mp_shm m;
	char buf[VALUE];

	if (mp_shm_create(&m, NULL, size) < 0)
		errx(1, "mp_shm_create");
	one = m.addr;
	other = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	is(mp_dict_init(one, 10, KEY, VALUE), 0,
	   "memory seen at two addresses");
	is(mp_dict_set(one, "a", 1, "apple", 5), 0, "set here");
	is(mp_dict_get(other, "a", 1, buf, VALUE, &n), 0, "get there");
	is(n, 5, "it is the same");
	munmap(other, size);
	mp_shm_close(&m);
}

static void works(int rounds)
{
	char buf[VALUE];

	for (int i = 0; i < rounds; i++) {
		const char *key = name(i % 40);
		size_t n = strlen(key);
		uint64_t cursor = 0;
		int64_t x = i;

		mp_dict_set(d, key, n, &x, sizeof(x));
		mp_dict_get(d, key, n, buf, VALUE, NULL);
		mp_dict_contains(d, key, n);
		mp_dict_add(d, key, n, 1, &x);
		mp_dict_compare_exchange(d, key, n, &x, 8, &i, 4);
		mp_dict_setdefault(d, key, n, "", 0, buf, VALUE, NULL);
		mp_dict_next(d, &cursor, buf, VALUE, NULL, NULL, 0, NULL);
		mp_dict_len(d);
		if (i % 3 == 0)
			mp_dict_delete(d, key, n);
		if (i % 100 == 99)
			mp_dict_clear(d);
	}
}

/* From here on, any other call than write or exit kills the caller. */
static int calls_nothing(long rounds)
{
	works(10);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		return 2;
	works((int)rounds);
	syscall(SYS_exit, 0);
	return 1;
}

static int calls_something(long unused)
{
	(void)unused;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		return 2;
	syscall(SYS_getppid);
	syscall(SYS_exit, 0);
	return 1;
}

static void no_calls(void)
{
	const char *what = "1000 rounds of all make no system call";
	int rc;

	fresh();
#ifdef MP_CHAOS
	tap_skip(what, "a chaos build yields");
	return;
#endif
	rc = end_of(start(calls_something, 0));
	if (rc == 2) {
		tap_skip(what, "no seccomp here");
		return;
	}
	is(rc, 1000 + SIGKILL, "a system call would be noticed");
	is(end_of(start(calls_nothing, 1000)), 0, "%s", what);
}

static int use(void *object)
{
	struct mp_dict *o = object;

	return mp_dict_init(o, 2, 8, 8) | mp_dict_add(o, "n", 1, 1, NULL) |
	       mp_dict_delete(o, "n", 1);
}

int main(void)
{
	s = share(sizeof(*s) + mp_dict_size(CAPACITY, KEY, VALUE));
	d = (struct mp_dict *)s->dict;
	mp_backstop_set(0);
	sizes();
	words();
	too_long();
	one_step();
	lengths();
	full();
	iteration();
	together(1, "one key");
	together(WRITERS, "a key each");
	while_others_change();
	in_one_step();
	stopped();
	no_room_lost(0);
	no_room_lost(1);
	anywhere();
	no_calls();
	is(left_of_10000(mp_dict_size(2, 8, 8), use), 0,
	   "10,000 dicts, and nothing of them is left");
	always_changing();
	return tap_done();
}
