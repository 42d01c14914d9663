/* References: objects within objects, who keeps what, cycles, children that
 * inherit, and handles of what is gone.
 */
#include "managers.h"

static struct board {
	_Atomic int go, ready;
	_Atomic uint64_t handle;
} * board;

static int64_t count(void)
{
	return objects();
}

static void put(struct mp_proxy *in, int64_t key, const struct mp_proxy *what)
{
	if (mp_proxy_set(in, I(key), mp_proxy_any(what)) != 0)
		errx(1, "set");
}

/* ---- objects within objects ---- */

static void nested(void)
{
	struct mp_proxy outer, inner, got;

	make(&outer, "dict");
	make(&inner, "list");
	mp_proxy_append(&inner, I(7));
	put(&outer, 1, &inner);
	is(mp_proxy_close(&inner), 0, "a list in a dict, its proxy closed");
	is(count(), 2, "both are there");
	is(ask(&inner, "length"), -ESTALE, "but not for who gave it back");
	is(mp_proxy_get(&outer, I(1), &answer), 0, "it is got from the dict");
	is(answer.type, MP_ANY_REF, "as a reference");
	is(mp_proxy_open(&got, &manager, answer), 0, "which is opened");
	mp_proxy_get(&got, I(0), &answer);
	is(answer.i, 7, "and is the list");
	is(mp_proxy_delete(&outer, I(1)), 0, "deleted from the dict");
	is(count(), 2, "it stays, as it is used");
	is(mp_proxy_append(&got, I(8)), 0, "it works");
	is(mp_proxy_close(&got), 0, "closed");
	is(count(), 1, "it goes");
	mp_proxy_close(&outer);
	is(count(), 0, "and the dict");
}

static void popped(void)
{
	struct mp_proxy outer, inner;

	make(&outer, "list");
	make(&inner, "dict");
	mp_proxy_set(&inner, S("a"), I(5));
	mp_proxy_append(&outer, mp_proxy_any(&inner));
	mp_proxy_close(&inner);
	is(mp_proxy_pop(&outer, NIL, &answer), 0, "a dict popped from a list");
	is(count(), 2, "is the caller's");
	is(mp_proxy_open(&inner, &manager, answer), 0, "opened");
	mp_proxy_get(&inner, S("a"), &answer);
	is(answer.i, 5, "it is the dict");
	mp_proxy_close(&inner);
	is(count(), 1, "closed: it goes");

	make(&inner, "dict");
	mp_proxy_append(&outer, mp_proxy_any(&inner));
	mp_proxy_close(&inner);
	mp_proxy_pop(&outer, NIL, &answer);
	is(mp_proxy_forget(&manager, answer), 0, "popped, and forgotten");
	is(count(), 1, "it goes");
	mp_proxy_close(&outer);
}

/* References at any depth of a value count. */
static void deep(void)
{
	struct mp_proxy outer, in[3], got;
	struct mp_pack v = { 0 };
	struct mp_unpack u;
	uint64_t handle, handles[3];
	int n = 0;

	make(&outer, "dict");
	for (int i = 0; i < 3; i++)
		make(&in[i], "list");
	/* { 'x': [0, [1, {1: 2}]] } with three lists */
	mp_pack_map(&v, 1);
	mp_pack_any(&v, S("x"));
	mp_pack_array(&v, 2);
	mp_pack_any(&v, mp_proxy_any(&in[0]));
	mp_pack_array(&v, 2);
	mp_pack_any(&v, mp_proxy_any(&in[1]));
	mp_pack_map(&v, 1);
	mp_pack_any(&v, I(1));
	mp_pack_any(&v, mp_proxy_any(&in[2]));
	is(mp_proxy_set(&outer, I(0), mp_any_raw(v.data, (uint32_t)v.size)), 0,
	   "three lists, deep in a value");
	for (int i = 0; i < 3; i++)
		mp_proxy_close(&in[i]);
	is(count(), 4, "are kept by it");
	mp_proxy_get(&outer, I(0), &answer);
	u = (struct mp_unpack){
		answer.data, (const unsigned char *)answer.data + answer.length
	};
	while (n < 3 && mp_unpack_ref(&u, &handle) == 1)
		handles[n++] = handle;
	is(n, 3, "got: three references");
	is(mp_proxy_set(&outer, I(0), I(1)), 0, "overwritten");
	is(count(), 4, "they stay, for the answer has given them");
	got = (struct mp_proxy){ &manager, handles[1] };
	is(ask(&got, "length"), 0, "and can be used");
	for (int i = 0; i < 3; i++) {
		got = (struct mp_proxy){ &manager, handles[i] };
		mp_proxy_close(&got);
	}
	is(count(), 1, "given back: they go");
	mp_pack_free(&v);
	mp_proxy_close(&outer);
}

static void forgotten(void)
{
	struct mp_proxy outer, inner;

	make(&outer, "list");
	for (int i = 0; i < 10; i++) {
		make(&inner, "dict");
		mp_proxy_append(&outer, mp_proxy_any(&inner));
		mp_proxy_close(&inner);
	}
	is(ask(&outer, "copy"), 0, "a copy with 10 references");
	is(mp_proxy_forget(&manager, answer), 0, "forgotten");
	ask(&outer, "clear");
	is(count(), 1, "the list cleared: all go");
	is(mp_proxy_forget(&manager, I(5)), 0, "a value without any");
	is(mp_proxy_forget(&manager, any("[1, {2: 3}]")), 0, "and a list");
	mp_proxy_close(&outer);
}

/* One value may refer to the same object twice, and so may two. */
static void several(void)
{
	struct mp_proxy a, b, x;
	struct mp_pack v = { 0 };

	make(&a, "list");
	make(&b, "dict");
	make(&x, "event");
	mp_pack_array(&v, 3);
	for (int i = 0; i < 3; i++)
		mp_pack_any(&v, mp_proxy_any(&x));
	mp_proxy_append(&a, mp_any_raw(v.data, (uint32_t)v.size));
	put(&b, 1, &x);
	/* The key of a dict may be one. */
	mp_proxy_set(&b, mp_proxy_any(&x), I(2));
	mp_proxy_close(&x);
	is(count(), 3, "five references to an event, in two objects");
	mp_proxy_delete(&b, I(1));
	is(count(), 3, "one less");
	ask(&a, "clear");
	is(count(), 3, "three less");
	ask(&b, "clear");
	is(count(), 2, "the last");
	mp_pack_free(&v);
	mp_proxy_close(&a);
	mp_proxy_close(&b);
}

/* All types that keep values. */
static void every_type(void)
{
	static const struct {
		const char *type, *add, *clear;
	} t[] = {
		{ "list", "append", "clear" },
		{ "set", "add", "clear" },
		{ "queue", "put", "get" },
		{ "value 'any'", "set", NULL },
		{ "joinable_queue", "put", "get" },
	};
	struct mp_proxy outer, x;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (t[i].clear == NULL)
			make(&outer, "value", S("any"), NIL);
		else
			make(&outer, t[i].type);
		make(&x, "dict");
		ask(&outer, t[i].add, mp_proxy_any(&x));
		mp_proxy_close(&x);
		is(count(), 2, "a %s keeps what is in it", t[i].type);
		if (t[i].clear == NULL)
			ask(&outer, "set", NIL);
		else
			ask(&outer, t[i].clear);
		if (strcmp(t[i].clear ? t[i].clear : "", "get") == 0)
			mp_proxy_forget(&manager, answer);
		is(count(), 1, "until it is taken out");
		make(&x, "dict");
		ask(&outer, t[i].add, mp_proxy_any(&x));
		mp_proxy_close(&x);
		mp_proxy_close(&outer);
		is(count(), 0, "or goes itself");
	}
}

/* What waits to be put keeps its references, and what was overwritten, popped
 * or compared does not. */
static void replaced(void)
{
	struct mp_proxy outer, x;

	make(&outer, "dict");
	for (int i = 0; i < 50; i++) {
		make(&x, "dict");
		put(&outer, 1, &x);
		mp_proxy_close(&x);
	}
	is(count(), 2, "50 times overwritten: the last is there");
	make(&x, "dict");
	is(mp_proxy_compare_exchange(&outer, I(1), I(5), mp_proxy_any(&x)), 0,
	   "not exchanged");
	mp_proxy_close(&x);
	is(count(), 2, "the other is not kept");
	make(&x, "dict");
	is(ask(&outer, "setdefault", I(1), mp_proxy_any(&x)), 0, "setdefault");
	mp_proxy_forget(&manager, answer);
	mp_proxy_close(&x);
	is(count(), 2, "nor is the default");
	ask(&outer, "copy");
	mp_proxy_forget(&manager, answer);
	ask(&outer, "popitem");
	mp_proxy_forget(&manager, answer);
	is(count(), 1, "the item popped");
	is(ask(&outer, "update", any("{1: 2, 3: 4}")), 0, "update");
	is(ask(&outer, "update", any("{1: 2, 3: @999999999}")), -ESTALE,
	   "a value with one that is not there");
	is(count(), 1, "leaves nothing");
	mp_proxy_close(&outer);
}

/* A value is kept whole or not at all. */
static void half_good(void)
{
	struct mp_pack v = { 0 };
	struct mp_proxy a, b;

	make(&a, "list");
	make(&b, "dict");
	mp_pack_array(&v, 3);
	mp_pack_any(&v, mp_proxy_any(&b));
	mp_pack_any(&v, mp_proxy_any(&b));
	mp_pack_any(&v, mp_any_ref(99999999));
	is(mp_proxy_append(&a, mp_any_raw(v.data, (uint32_t)v.size)), -ESTALE,
	   "two references that are good, and one that is not");
	mp_proxy_close(&b);
	is(count(), 1, "none is kept");
	mp_pack_free(&v);
	mp_proxy_close(&a);
}

/* Nobody has it but itself, and a request that waits in it. */
static void waited_in(void)
{
	struct mp_proxy q, same, circle;
	uint64_t handle;
	int64_t id;

	make(&q, "queue", I(1));
	handle = q.handle;
	mp_proxy_put(&q, mp_proxy_any(&q), 0);
	id = mp_proxy_send(&q, "put", ARGUMENTS(I(5)));
	is(mp_proxy_close(&q), 0, "a queue in itself, closed");
	/* Something to be looked for. */
	make(&circle, "list");
	mp_proxy_append(&circle, mp_proxy_any(&circle));
	mp_proxy_close(&circle);
	is(count(), 1, "is there while somebody waits in it");
	is(mp_proxy_adopt(&same, &manager, handle), 0, "for others, too");
	is(mp_proxy_take(&same, &answer, 0), 0, "who take it out of itself");
	mp_proxy_forget(&manager, answer);
	is(mp_proxy_recv(&manager, id, NULL), 0, "and end the wait");
	mp_proxy_take(&same, &answer, 0);
	is(answer.i, 5, "of a put");
	mp_proxy_close(&same);
	is(count(), 0, "then it goes");
}

static int puts_a_dict(long unused)
{
	struct mp_proxy x;

	(void)unused;
	make(&x, "dict");
	return mp_proxy_put(&(struct mp_proxy){ &manager, board->handle },
			    mp_proxy_any(&x), LONG);
}

static void parked_value(void)
{
	struct mp_proxy q;
	pid_t pid;

	make(&q, "queue", I(1));
	mp_proxy_put(&q, I(1), 0);
	atomic_store(&board->handle, q.handle);
	pid = start_parked(puts_a_dict, 0);
	is(count(), 2, "a dict that waits to be put");
	mp_proxy_take(&q, NULL, 0);
	is(end_of(pid), 0, "is put, and its maker has ended");
	await(idle());
	is(count(), 2, "the queue keeps it");
	mp_proxy_take(&q, &answer, 0);
	mp_proxy_forget(&manager, answer);
	is(count(), 1, "until it is taken");
	mp_proxy_put(&q, I(1), 0);
	pid = start_parked(puts_a_dict, 0);
	strike(pid);
	is(count(), 1, "one whose maker is killed while it waits goes");
	mp_proxy_close(&q);
}

/* ---- cycles ---- */

static void cycles(void)
{
	enum { N = 100 };
	struct mp_proxy a, b, all[N];

	make(&a, "list");
	mp_proxy_append(&a, mp_proxy_any(&a));
	is(count(), 1, "a list in itself");
	mp_proxy_close(&a);
	is(count(), 0, "goes");

	make(&a, "dict");
	make(&b, "list");
	put(&a, 1, &b);
	mp_proxy_append(&b, mp_proxy_any(&a));
	mp_proxy_close(&a);
	is(count(), 2, "two in each other, one in use");
	is(mp_proxy_length(&b), 1, "both can be used");
	is(mp_proxy_get(&b, I(0), &answer), 0, "from one to the other");
	mp_proxy_forget(&manager, answer);
	mp_proxy_close(&b);
	is(count(), 0, "both go");

	for (int i = 0; i < N; i++)
		make(&all[i], i % 2 ? "dict" : "list");
	for (int i = 0; i < N; i++) {
		struct mp_proxy *next = &all[(i + 1) % N];

		if (i % 2)
			put(&all[i], 1, next);
		else
			mp_proxy_append(&all[i], mp_proxy_any(next));
	}
	for (int i = 1; i < N; i++)
		mp_proxy_close(&all[i]);
	is(count(), N, "a ring of %d, one in use", N);
	mp_proxy_close(&all[0]);
	is(count(), 0, "goes");
}

/* A cycle that hangs from something in use stays. */
static void cycles_in_use(void)
{
	struct mp_proxy root, a, b;

	make(&root, "dict");
	make(&a, "list");
	make(&b, "list");
	mp_proxy_append(&a, mp_proxy_any(&b));
	mp_proxy_append(&b, mp_proxy_any(&a));
	put(&root, 1, &a);
	mp_proxy_close(&a);
	mp_proxy_close(&b);
	is(count(), 3, "a cycle in a dict in use");
	mp_proxy_get(&root, I(1), &answer);
	is(mp_proxy_open(&a, &manager, answer), 0, "can be used");
	ask(&root, "clear");
	is(count(), 3, "from inside, too");
	is(mp_proxy_length(&a), 1, "it works");
	mp_proxy_close(&a);
	is(count(), 1, "and goes then");
	mp_proxy_close(&root);
}

/* Without count: the server looks by itself, now and then. */
static void many_cycles(void)
{
	struct mp_proxy a;
	long before, grown;

	for (int i = 0; i < 1000; i++) {
		make(&a, "list");
		mp_proxy_append(&a, mp_proxy_any(&a));
		mp_proxy_close(&a);
	}
	before = memory_of(server());
	for (int i = 0; i < 40000; i++) {
		make(&a, "list");
		mp_proxy_append(&a, mp_proxy_any(&a));
		mp_proxy_close(&a);
	}
	grown = memory_of(server()) - before;
	if (MEMORY_TELLS)
		ok(grown < 4096, "40000 cycles: the server has grown by %ld kB",
		   grown);
	is(count(), 0, "none is left");
}

/* A long chain goes at once: no call a link. */
static void chain(void)
{
	enum { N = 50000 };
	struct mp_proxy a, b;

	make(&a, "list");
	for (int i = 0; i < N; i++) {
		make(&b, "list");
		mp_proxy_append(&b, mp_proxy_any(&a));
		mp_proxy_close(&a);
		a = b;
	}
	is(count(), N + 1, "a chain of %d lists", N);
	mp_proxy_close(&a);
	is(count(), 0, "goes");
}

/* ---- clients ---- */

static int makes_many(long how)
{
	struct mp_proxy x, y;

	for (int i = 0; i < 100; i++) {
		make(&x, "list");
		make(&y, "dict");
		mp_proxy_append(&x, mp_proxy_any(&y));
	}
	if (how == 0)
		return 0;
	if (how == 1) {
		mp_manager_close(&manager);
		return 0;
	}
	raise(SIGKILL);
	return 1;
}

static void of_clients(void)
{
	is(end_of(start(makes_many, 0)), 0, "a client with 200 objects ends");
	await(idle());
	is(count(), 0, "they go");
	is(end_of(start(makes_many, 1)), 0, "one closes its manager");
	await(idle());
	is(count(), 0, "they go");
	is(end_of(start(makes_many, 2)), 1000 + SIGKILL, "one is killed");
	await(idle());
	is(count(), 0, "they go");
}

/* A forked child has what its parent had then. */
static struct mp_proxy shared;

static int inherits(long unused)
{
	int bad = 0;

	(void)unused;
	bad += mp_proxy_set(&shared, S("child"), I(1)) != 0;
	atomic_store(&board->ready, 1);
	await(atomic_load(&board->go));
	/* The parent has given its own back meanwhile. */
	bad += mp_proxy_get(&shared, S("child"), &answer) != 0 || answer.i != 1;
	bad += mp_proxy_close(&shared) != 0;
	bad += ask(&shared, "length") != -ESTALE;
	atomic_store(&board->ready, 2);
	await(atomic_load(&board->go) == 2);
	return bad;
}

static void children(void)
{
	pid_t pid;

	atomic_store(&board->go, 0);
	atomic_store(&board->ready, 0);
	make(&shared, "dict");
	pid = start(inherits, 0);
	await(atomic_load(&board->ready) == 1);
	is(mp_proxy_close(&shared), 0, "the parent closes, its child uses it");
	is(count(), 1, "it is there");
	atomic_store(&board->go, 1);
	await(atomic_load(&board->ready) == 2);
	is(count(), 0, "the child closes: it goes");
	atomic_store(&board->go, 2);
	is(end_of(pid), 0, "the child saw that");
}

/* And it may close what its parent goes on using. */
static int closes(long unused)
{
	(void)unused;
	return mp_proxy_close(&shared);
}

static int closes_only_manager(long unused)
{
	(void)unused;
	return mp_manager_close(&manager);
}

static int grandchild(long depth)
{
	if (depth > 0)
		return end_of(start(grandchild, depth - 1));
	return mp_proxy_add(&shared, S("n"), 1, NULL);
}

static void more_children(void)
{
	make(&shared, "dict");
	is(end_of(start(closes, 0)), 0, "a child closes its copy");
	is(mp_proxy_set(&shared, I(1), I(1)), 0, "the parent's is good");
	is(end_of(start(closes_only_manager, 0)), 0, "or its manager");
	is(mp_proxy_set(&shared, I(1), I(1)), 0, "the parent's is good");
	is(end_of(start(grandchild, 3)), 0,
	   "a great-grandchild, whose parents never called");
	mp_proxy_close(&shared);
	is(count(), 0, "nothing is left");
}

/* ---- handles of what is gone ---- */

static void stale(void)
{
	struct mp_proxy a, b, old;
	int bad = 0;

	make(&a, "dict");
	old = a;
	mp_proxy_close(&a);
	is(ask(&old, "length"), -ESTALE, "a handle whose object is gone");
	is(mp_proxy_adopt(&b, &manager, old.handle), -ESTALE, "adopt");
	make(&a, "list");
	is(mp_proxy_append(&a, mp_proxy_any(&old)), -ESTALE, "in a value");
	is(mp_proxy_length(&a), 0, "nothing was appended");
	for (int i = 0; i < 1000; i++) {
		make(&b, "dict");
		bad += b.handle == old.handle;
		bad += ask(&old, "length") != -ESTALE;
		mp_proxy_close(&b);
	}
	is(bad, 0, "1000 objects later it is no other's");
	mp_proxy_close(&a);
}

/* An object that others have, but not this client. */
static int makes_one(long unused)
{
	struct mp_proxy x;

	(void)unused;
	make(&x, "dict");
	mp_proxy_set(&x, I(1), I(77));
	atomic_store(&board->handle, x.handle);
	await(atomic_load(&board->go));
	return 0;
}

static void adopted(void)
{
	struct mp_proxy x;
	pid_t pid;

	atomic_store(&board->go, 0);
	atomic_store(&board->handle, 0);
	pid = start(makes_one, 0);
	await(atomic_load(&board->handle));
	is(mp_proxy_adopt(&x, &manager, board->handle), 0,
	   "a handle that came by another way");
	atomic_store(&board->go, 1);
	end_of(pid);
	await(idle());
	mp_proxy_get(&x, I(1), &answer);
	is(answer.i, 77, "keeps the object when its maker has ended");
	mp_proxy_close(&x);
	is(count(), 0, "until it is closed");
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	board = share(sizeof(*board));
	open_manager(NULL);
	nested();
	popped();
	deep();
	forgotten();
	several();
	every_type();
	replaced();
	half_good();
	waited_in();
	parked_value();
	cycles();
	cycles_in_use();
	many_cycles();
	chain();
	of_clients();
	children();
	more_children();
	stale();
	adopted();
	is(count(), 0, "no object is left");
	close_manager();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
