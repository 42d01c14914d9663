/* Lists: what each call does, when there is no room, what those see who look
 * while others change, and who is killed or stopped in the middle. */
#include "mp/list.h"

#include <linux/seccomp.h>

#include "mp/backstop.h"
#include "mp/list-own.h"
#include "stepper.h"

#define CAPACITY 200
#define VALUE    1000

struct shared {
	_Atomic int ready, stop;
	_Alignas(64) unsigned char list[];
};
static struct shared *s;
static struct mp_list *l;

/* A new one, in memory that has been used. */
static void fresh(void)
{
	memset(s, 0, sizeof(*s));
	memset(l, 0xff, mp_list_size(CAPACITY, VALUE));
	if (mp_list_init(l, CAPACITY, VALUE) != 0)
		errx(1, "mp_list_init");
}

static int append(const char *value)
{
	return mp_list_append(l, value, strlen(value));
}

static int set(uint32_t i, const char *value)
{
	return mp_list_set(l, i, value, strlen(value));
}

static int has(uint32_t i, const char *value)
{
	char buf[VALUE];
	size_t n = 0;

	return mp_list_get(l, i, buf, sizeof(buf), &n) == 0 &&
	       n == strlen(value) && memcmp(buf, value, n) == 0;
}

static int pop(void)
{
	char buf[VALUE];
	size_t n = 0;
	int error = mp_list_pop(l, buf, sizeof(buf), &n);

	return error < 0 ? error : (int)n;
}

/* ---- one process ---- */

static void sizes(void)
{
	is(mp_list_size(0, VALUE), 0, "no capacity");
	is(mp_list_size(MP_LIST_CAPACITY_MAX + 1, VALUE), 0, "too much");
	is(mp_list_size(1, MP_LIST_VALUE_MAX + 1), 0, "too long");
	ok(mp_list_size(MP_LIST_CAPACITY_MAX, MP_LIST_VALUE_MAX) >
		   (size_t)1 << 58,
	   "the greatest of both");
	ok(mp_list_size(1, 0) > 0, "values of no bytes");
	is(mp_list_init(l, 0, VALUE), -EINVAL, "init says the same");
	is(mp_list_init(l, 1, SIZE_MAX), -EINVAL, "of both");
	is(mp_list_init(not_shared(), 1, 1), -EINVAL,
	   "not in memory that is not shared");
}

static void words(void)
{
	char buf[VALUE];
	size_t length = 77;

	fresh();
	is(mp_list_len(l), 0, "a new one is empty");
	is(mp_list_get(l, 0, buf, VALUE, &length), -ENOENT, "get");
	is(mp_list_get(l, UINT32_MAX, buf, VALUE, &length), -ENOENT, "far");
	is(set(0, "x"), -ENOENT, "set");
	is(mp_list_add(l, 0, 1, NULL), -ENOENT, "add");
	is(pop(), -ENOENT, "pop");
	is(append("zero"), 0, "append");
	is(append("one"), 0, "append");
	is(append(""), 0, "append no bytes");
	is(mp_list_len(l), 3, "three");
	ok(has(0, "zero") && has(1, "one") && has(2, ""), "in their order");
	is(mp_list_get(l, 3, buf, VALUE, &length), -ENOENT, "no fourth");
	is(set(3, "x"), -ENOENT, "nor to set");
	is(set(1, "uno"), 0, "set");
	ok(has(0, "zero") && has(1, "uno"), "that one");
	is(mp_list_get(l, 0, buf, 3, &length), -EMSGSIZE, "too small");
	is(length, 4, "which tells how long it is");
	is(mp_list_get(l, 0, buf, 4, NULL), 0, "just right, unasked");
	is(pop(), 0, "pop the last");
	is(mp_list_pop(l, buf, 2, &length), -EMSGSIZE, "too small");
	ok(length == 3 && has(1, "uno") && mp_list_len(l) == 2, "it stays");
	is(mp_list_pop(l, buf, 3, &length), 0, "pop");
	ok(length == 3 && memcmp(buf, "uno", 3) == 0, "the value");
	is(mp_list_get(l, 1, buf, VALUE, &length), -ENOENT, "gone");
	is(set(1, "x"), -ENOENT, "not to be set");
	is(append("new"), 0, "append");
	ok(has(0, "zero") && has(1, "new"), "in its place");
	is(mp_list_clear(l), 0, "clear");
	is(mp_list_len(l), 0, "leaves nothing");
	is(mp_list_get(l, 0, buf, VALUE, &length), -ENOENT, "at all");
	is(mp_list_clear(l), 0, "clear what is empty");
}

static void numbers(void)
{
	unsigned char value[VALUE + 1] = { 0 };
	int64_t n = 5, sum = 77;

	fresh();
	mp_list_append(l, &n, 8);
	append("text");
	is(mp_list_add(l, 0, 2, &sum), 0, "add");
	is(sum, 7, "7");
	is(mp_list_add(l, 0, INT64_MAX, &sum), -ERANGE, "beyond");
	is(mp_list_add(l, 1, 1, &sum), -EINVAL, "no number");
	is(mp_list_get(l, 0, &n, 8, NULL), 0, "get");
	ok(n == 7 && sum == 7 && has(1, "text"), "unchanged");
	is(mp_list_append(l, value, VALUE + 1), -EMSGSIZE, "too long");
	is(mp_list_set(l, 0, value, SIZE_MAX), -EMSGSIZE, "far too long");
	is(mp_list_set(l, 0, value, VALUE), 0, "the longest");
	is(mp_list_len(l), 2, "two");
}

static void full(void)
{
	int n, bad = 0;
	char text[16];

	for (int round = 0; round < 3; round++) {
		fresh();
		for (n = 0; append("x") == 0; n++)
			;
		bad += n != CAPACITY || append("x") != -ENOSPC;
		for (int i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "%d", i);
			bad += set((uint32_t)i, text) != 0;
		}
		for (int i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "%d", i);
			bad += !has((uint32_t)i, text);
		}
		bad += set(CAPACITY, "x") != -ENOENT;
		bad += pop() != 3 || append("x") != 0;
		bad += append("x") != -ENOSPC;
		if (round == 0)
			bad += mp_list_clear(l) != 0;
		while (round != 0 && pop() >= 0)
			;
		bad += mp_list_len(l) != 0;
	}
	is(bad, 0, "full with its capacity, and empty again");
}

/* Every length, at every alignment; nothing is written behind. */
static void lengths(void)
{
	unsigned char values[VALUE + 8], buf[VALUE + 16];
	int bad = 0;
	size_t n;

	for (size_t i = 0; i < sizeof(values); i++)
		values[i] = (unsigned char)(i * 41 + 3);
	fresh();
	for (size_t v = 0; v < CAPACITY; v++)
		bad += mp_list_append(l, values + v % 8, v) != 0;
	for (size_t v = 0; v < CAPACITY; v++) {
		unsigned char *to = buf + (v + 3) % 8;

		memset(buf, 0xee, sizeof(buf));
		bad += mp_list_get(l, (uint32_t)v, to, v, &n) != 0;
		bad += n != v || memcmp(to, values + v % 8, v) != 0;
		bad += to[v] != 0xee;
	}
	is(bad, 0, "every length");
}

/* ---- several processes ---- */

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

/* Sets one element, appends and pops behind it. */
static int writes(long i)
{
	unsigned char value[VALUE];
	size_t length;
	uint32_t n = 0;

	atomic_fetch_add(&s->ready, 1);
	for (; !atomic_load(&s->stop); n++) {
		length = make(value, n);
		if (mp_list_set(l, (uint32_t)i, value, length) != 0)
			return 1;
		if (n % 4 == 0 && mp_list_append(l, value, length) != 0)
			return 2;
		if (n % 4 == 1 && (mp_list_pop(l, value, VALUE, &length) != 0 ||
				   !whole(value, length)))
			return 3;
		/* The one at the end may be popped meanwhile. */
		if (n % 4 == 2 &&
		    mp_list_set(l, 3 + n / 4 % 3, value, length) == -EINVAL)
			return 4;
	}
	return 0;
}

/* Looks at that element and at those that come and go. */
static int reads(long which)
{
	unsigned char value[VALUE];
	size_t n;
	int error;

	atomic_fetch_add(&s->ready, 1);
	for (uint32_t i = 0; i < 50000; i++) {
		if (mp_list_get(l, (uint32_t)which, value, VALUE, &n) != 0 ||
		    !whole(value, n))
			return 1;
		error = mp_list_get(l, i % 8, value, VALUE, &n);
		if (error == 0 ? !whole(value, n)
			       : error != -ENOENT || i % 8 < 3)
			return 2;
		if (mp_list_len(l) < 3 || mp_list_len(l) > 6)
			return 3;
		if (i % 64 == 0)
			sched_yield();
	}
	return 0;
}

/* Three elements stay; each of three writers has at most one more. */
static void together(long elements, const char *what)
{
	unsigned char value[VALUE];
	pid_t pid[5];

	fresh();
	for (int i = 0; i < 3; i++)
		mp_list_append(l, value, make(value, 1));
	for (long i = 0; i < 3; i++)
		pid[i] = start(writes, i % elements);
	for (long i = 3; i < 5; i++)
		pid[i] = start(reads, i % elements);
	for (int i = 3; i < 5; i++)
		is(end_of(pid[i]), 0, "%s: nothing torn", what);
	atomic_store(&s->stop, 1);
	for (int i = 0; i < 3; i++)
		is(end_of(pid[i]), 0, "%s: nor refused", what);
}

static int adds(long n)
{
	for (uint32_t i = 0; i < n; i++)
		if (mp_list_add(l, i % 2, 1, NULL) != 0)
			return 1;
	return 0;
}

/* Appends its numbers. */
static int appends(long first)
{
	for (int64_t i = first; i < first + CAPACITY / 4; i++)
		if (mp_list_append(l, &i, 8) != 0)
			return 1;
	return 0;
}

static int pops(long unused)
{
	int64_t i;
	int n = 0;

	(void)unused;
	while (mp_list_pop(l, &i, 8, NULL) == 0)
		n++;
	return n;
}

static int four(int (*f)(long), long arg, long step)
{
	pid_t pid[4];
	int sum = 0;

	for (int i = 0; i < 4; i++)
		pid[i] = start(f, arg + i * step);
	for (int i = 0; i < 4; i++)
		sum += (unsigned char)end_of(pid[i]);
	return sum;
}

static void in_one_step(void)
{
	int seen[CAPACITY] = { 0 }, bad = 0;
	int64_t n = 0, m = 0, last[4] = { -1, -1, -1, -1 };

	fresh();
	mp_list_append(l, &n, 8);
	mp_list_append(l, &n, 8);
	is(four(adds, 10000, 0), 0, "four add 1 each 10,000 times, in turn");
	mp_list_get(l, 0, &n, 8, NULL);
	mp_list_get(l, 1, &m, 8, NULL);
	ok(n == 20000 && m == 20000, "to two elements, and lose nothing");
	mp_list_clear(l);
	is(four(appends, 0, CAPACITY / 4), 0, "four append");
	for (uint32_t i = 0; i < CAPACITY; i++) {
		bad += mp_list_get(l, i, &n, 8, NULL) != 0;
		seen[n % CAPACITY]++;
		bad += n <= last[n / (CAPACITY / 4) % 4];
		last[n / (CAPACITY / 4) % 4] = n;
	}
	for (int i = 0; i < CAPACITY; i++)
		bad += seen[i] != 1;
	is(bad, 0, "all is there once, what one appended in its order");
	is(four(pops, 0, 0), CAPACITY, "and is popped once");
	is(mp_list_len(l), 0, "and gone");
}

/* ---- who dies, who stands still ---- */

/* Takes element 0's lock, half writes a value, and stays there. */
static int halts(long unused)
{
	struct mp_latch t = mp_list_latch(l, 0);
	struct mp_copy *c = mp_latch_copy(t, mp_latch_state(t.state) + 2);

	(void)unused;
	if (mp_list_enter(l, 0, -1) != 0)
		return 1;
	atomic_store(&c->length, VALUE);
	memset(c->words, 0xaa, VALUE / 2);
	atomic_store(&s->ready, 1);
	return wait_for_kill();
}

static int sets(long unused)
{
	(void)unused;
	return set(0, "new");
}

static void stopped(void)
{
	pid_t pid, other;

	fresh();
	append("old");
	pid = start(halts, 0);
	await(atomic_load(&s->ready) == 1);
	stop(pid);
	ok(has(0, "old"), "its writer is stopped: get has the old value");
	is(append("more"), 0, "others append");
	ok(mp_list_len(l) == 2 && pop() == 4, "and pop");
	other = start(sets, 0);
	await(asleep(other));
	ok(has(0, "old"), "another one that sets it waits");
	killed(pid);
	is(end_of(other), 0, "until the first is killed");
	ok(has(0, "new"), "and sets it");
}

static void look_once(void *unused)
{
	char buf[VALUE];
	size_t n = 0;
	int error = mp_list_get(l, 0, buf, VALUE, &n);

	(void)unused;
	s->ready = error < 0 ? error : (int)n;
}

static int holds(long unused)
{
	(void)unused;
	if (mp_list_enter(l, 0, -1) != 0)
		return 1;
	atomic_store(&s->ready, 1);
	return wait_for_kill();
}

/* After every few of its instructions the element is another one, until the
 * reader has got the lock; or, if somebody holds that, has waited for it. */
static void changing(int held, const char *what)
{
	uint32_t word, locked = 0;
	int steps = 0, rc = 0;
	struct mp_latch t;
	struct stepper v;
	pid_t holder = 0;

	fresh();
	append("value");
	t = mp_list_latch(l, 0);
	if (held) {
		holder = start(holds, 0);
		await(atomic_load(&s->ready) == 1);
	}
	if (stepper_start(&v, look_once, NULL) < 0)
		errx(1, "ptrace: no longer allowed");
	while (rc != STEPPER_ENDED) {
		rc = stepper_step(&v);
		if (rc == STEPPER_ASLEEP)
			stepper_settle(&v, LONG);
		word = atomic_load(&l->element[0].node.word);
		locked |= held ? word & FUTEX_WAITERS : word;
		if (!locked && ++steps % 16 == 0)
			mp_latch_put(t, "other", 5);
	}
	is(s->ready, 5, "%s: an element that changes all the time is read",
	   what);
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
		tap_skip("elements that change all the time",
			 "no process may be single-stepped here (ptrace)");
		return;
	}
	stepper_one_cpu();
	changing(0, "get");
	changing(1, "get, its lock held");
}

/* ---- the rest ---- */

static void works(uint32_t rounds)
{
	char buf[VALUE];
	int64_t x;

	for (uint32_t i = 0; i < rounds; i++) {
		x = i;
		mp_list_append(l, &x, sizeof(x));
		mp_list_get(l, i % 100, buf, VALUE, NULL);
		mp_list_set(l, i % 100, &x, sizeof(x));
		mp_list_add(l, i % 100, 1, &x);
		mp_list_len(l);
		if (i % 3 == 0)
			mp_list_pop(l, buf, VALUE, NULL);
		if (i % 100 == 99)
			mp_list_clear(l);
	}
}

/* From here on, any other call than write or exit kills the caller. */
static int calls_nothing(long rounds)
{
	works(10);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		return 2;
	works((uint32_t)rounds);
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
	rc = end_of(start(calls_nothing, 1000));
	if (rc == 2)
		tap_skip(what, "no seccomp here");
	else
		is(rc, 0, "%s", what);
}

static int use(void *object)
{
	struct mp_list *o = object;
	char buf[8];

	return mp_list_init(o, 2, 8) | mp_list_append(o, "n", 1) |
	       mp_list_pop(o, buf, 8, NULL);
}

int main(void)
{
	s = share(sizeof(*s) + mp_list_size(CAPACITY, VALUE));
	l = (struct mp_list *)s->list;
	mp_backstop_set(0);
	sizes();
	words();
	numbers();
	full();
	lengths();
	together(1, "one element");
	together(3, "an element each");
	in_one_step();
	stopped();
	no_calls();
	is(left_of_10000(mp_list_size(2, 8), use), 0,
	   "10,000 lists, and nothing of them is left");
	always_changing();
	return tap_done();
}
