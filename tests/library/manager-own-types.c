/* Types of the user's own: their states, operations, arguments, results, errors
 * and ends.
 */
#include "managers.h"

static struct board {
	_Atomic int made, ended;
	_Atomic int pid;
} * board;

/* ---- a counter, with a step ---- */

struct counter {
	int64_t n, step;
};

static int counter_init(void *self, struct mp_call *c)
{
	struct counter *s = self;

	atomic_fetch_add(&board->made, 1);
	atomic_store(&board->pid, getpid());
	if (s->n != 0 || s->step != 0)
		return -EBADMSG; /* was not zero */
	s->step = 1;
	if (c->n > 1)
		return -EINVAL;
	if (c->n == 1) {
		if (c->args[0].type != MP_ANY_INT)
			return -EDOM;
		s->step = c->args[0].i;
	}
	return 0;
}

static void counter_fini(void *self)
{
	struct counter *s = self;

	(void)s;
	atomic_fetch_add(&board->ended, 1);
}

static int counter_count(void *self, struct mp_call *c)
{
	struct counter *s = self;

	c->result = mp_any_int(s->n += s->step);
	return 0;
}

static int counter_fail(void *self, struct mp_call *c)
{
	(void)self;
	return c->n == 1 ? -(int)c->args[0].i : -EINVAL;
}

/* [n, step, what was given…] */
static int counter_list(void *self, struct mp_call *c)
{
	struct counter *s = self;

	mp_pack_array(c->pack, 2 + c->n);
	mp_pack_any(c->pack, mp_any_int(s->n));
	mp_pack_any(c->pack, mp_any_int(s->step));
	for (uint32_t i = 0; i < c->n; i++)
		mp_pack_any(c->pack, c->args[i]);
	c->result = mp_any_raw(c->pack->data, (uint32_t)c->pack->size);
	return c->pack->error;
}

/* What it says is no value. */
static int counter_lies(void *self, struct mp_call *c)
{
	(void)self;
	c->result = mp_any_raw("\x92\1", 2);
	return 0;
}

static const struct mp_op counter_ops[] = {
	{ "count", counter_count },
	{ "count_", counter_fail }, /* begins like another */
	{ "fail", counter_fail },
	{ "list", counter_list },
	{ "lies", counter_lies },
	{ "a name that is longer than eight letters", counter_count },
	{ "a name that is longer than eight lettuces", counter_list },
	{ 0 },
};
static const struct mp_type counter = { "counter", sizeof(struct counter),
					counter_ops, counter_init,
					counter_fini };

/* ---- one with as little as can be ---- */

static int echo(void *self, struct mp_call *c)
{
	(void)self;
	if (c->n > 0)
		c->result = c->args[c->n - 1];
	return 0;
}

static const struct mp_op plain_ops[] = { { "echo", echo }, { 0 } };
static const struct mp_type plain = { .name = "plain", .ops = plain_ops };

/* ---- a large one, with memory of its own ---- */

struct store {
	char text[100000];
	char *more;
};

static int store_init(void *self, struct mp_call *c)
{
	struct store *s = self;

	(void)c;
	s->more = calloc(1, 1000);
	return s->more != NULL ? 0 : -ENOMEM;
}

static void store_fini(void *self)
{
	struct store *s = self;

	free(s->more);
	atomic_fetch_add(&board->ended, 1);
}

static int store_set(void *self, struct mp_call *c)
{
	struct store *s = self;

	if (c->n != 1 || c->args[0].type != MP_ANY_STR ||
	    c->args[0].length >= sizeof(s->text))
		return -EINVAL;
	memcpy(s->text, c->args[0].data, c->args[0].length);
	s->text[c->args[0].length] = '\0';
	return 0;
}

static int store_get(void *self, struct mp_call *c)
{
	struct store *s = self;

	c->result = mp_any_str(s->text);
	return 0;
}

static const struct mp_op store_ops[] = { { "set", store_set },
					  { "get", store_get },
					  { 0 } };
static const struct mp_type store = { "store", sizeof(struct store), store_ops,
				      store_init, store_fini };

static const struct mp_type *const types[] = { &counter, &plain, &store, NULL };

/* ---- tests ---- */

static struct mp_proxy p;

static int counts(long times)
{
	int bad = 0;

	while (times-- > 0)
		bad += ask(&p, "count") != 0;
	return bad;
}

static void counters(void)
{
	struct mp_proxy q;

	make(&p, "counter");
	is(board->pid, server(), "it lives in the server");
	said(&p, "count -> 1");
	said(&p, "count -> 2");
	make(&q, "counter", I(10));
	said(&q, "count -> 10");
	said(&p, "count -> 3");
	said(&q, "list -> [10, 10]");
	said(&q, "list 1 'two' [3, [4]] nil -> [10, 10, 1, 'two', [3, [4]], "
		 "nil]");
	said(&q, "list -> [10, 10]");
	is(end_of(start(counts, 1000)) + end_of(start(counts, 1000)), 0,
	   "children use it");
	said(&p, "count -> 2004");
	mp_proxy_close(&q);
	mp_proxy_close(&p);
	is(mp_manager_count(&manager), 0, "both go");
	is(board->made, 2, "two were made");
	is(board->ended, 2, "two were ended");
}

static void errors(void)
{
	struct mp_proxy q;

	make(&p, "counter");
	said(&p, "fail 2 -> ENOENT");
	said(&p, "fail 34 -> ERANGE");
	said(&p, "fail -> EINVAL");
	is(ask(&p, "fail", I(EDOM)), -EDOM, "an error of its own");
	said(&p, "count_ 2 -> ENOENT");
	said(&p, "coun -> EOPNOTSUPP");
	said(&p, "count__ -> EOPNOTSUPP");
	said(&p, "counting -> EOPNOTSUPP");
	is(ask(&p, "a name that is longer than eight letters"), 0,
	   "a long name");
	is(answer.i, 1, "is that operation");
	is(ask(&p, "a name that is longer than eight lettuces"), 0, "another");
	is(answer.type, MP_ANY_RAW, "is the other");
	is(ask(&p, "a name that is longer than eight"), -EOPNOTSUPP,
	   "and the beginning of it is none");
	ok(ask(&p, "lies") < 0, "a result that is no value is an error");
	said(&p, "count -> 2");
	is(mp_manager_create(&manager, &q, "counter", ARGUMENTS(S("x"))), -EDOM,
	   "an error of create");
	is(mp_manager_create(&manager, &q, "counter", ARGUMENTS(I(1), I(2))),
	   -EINVAL, "another");
	is(mp_manager_count(&manager), 1, "leaves nothing");
	mp_proxy_close(&p);
	is(mp_manager_count(&manager), 0, "nothing is left");
	is(board->made - board->ended, 2, "what was not made is not ended");
}

static void plain_one(void)
{
	make(&p, "plain");
	said(&p, "echo -> nil");
	said(&p, "echo 1 2 -> 2");
	said(&p, "echo [1, {2: b'x'}] -> [1, {2: b'x'}]");
	said(&p, "echo 1.5 -> 1.5");
	said(&p, "set 1 -> EOPNOTSUPP");
	mp_proxy_close(&p);
}

static void large_one(void)
{
	static char text[100000];
	int before = board->ended;

	memset(text, 'x', sizeof(text) - 1);
	make(&p, "store");
	said(&p, "get -> ''");
	is(ask(&p, "set", S(text)), 0, "a state of 100 kB");
	ask(&p, "get");
	ok(mp_any_is(answer, text), "holds what is set");
	said(&p, "set 5 -> EINVAL");
	mp_proxy_close(&p);
	is(mp_manager_count(&manager), 0, "it goes");
	is(board->ended - before, 1, "and is ended");
	/* What is still there when the server ends. */
	for (int i = 0; i < 10; i++)
		make(&p, "store");
	make(&p, "counter");
}

/* Those of the library are there as before. */
static void others(void)
{
	struct mp_proxy d;

	make(&d, "dict");
	make(&p, "plain");
	is(mp_proxy_set(&d, S("x"), mp_proxy_any(&p)), 0,
	   "an object of one's own in a dict");
	mp_proxy_close(&p);
	is(mp_manager_count(&manager), 2, "is kept by it");
	mp_proxy_get(&d, S("x"), &answer);
	mp_proxy_open(&p, &manager, answer);
	said(&p, "echo 7 -> 7");
	mp_proxy_close(&p);
	mp_proxy_close(&d);
	is(mp_manager_count(&manager), 0, "and goes with it");
}

static int start_with(const struct mp_type *a, const struct mp_type *b)
{
	const struct mp_type *list[] = { a, b, NULL };
	struct mp_manager_options o = { .types = list };
	struct mp_manager m;
	int error = mp_manager_start(&m, &o);

	if (error == 0)
		mp_manager_shutdown(&m);
	return error;
}

static void wrong_types(void)
{
	const struct mp_type dict = { .name = "dict", .ops = plain_ops },
			     unnamed = { .ops = plain_ops };

	is(start_with(&plain, &plain), -EINVAL, "two of the same name");
	is(start_with(&plain, &dict), -EINVAL, "the name of a library's type");
	is(start_with(&plain, &unnamed), -EINVAL, "no name");
	is(start_with(NULL, NULL), 0, "an empty list");
	ok(childless(), "no process is left");
}

int main(void)
{
	struct mp_manager_options o = {
		.types = (const struct mp_type **)(uintptr_t)types
	};
	int before = tap_descriptors();

	mp_backstop_set(0);
	board = share(sizeof(*board));
	open_manager(&o);
	counters();
	errors();
	plain_one();
	others();
	large_one();
	atomic_store(&board->ended, 0);
	close_manager();
	is(board->ended, 11, "the server's end is theirs, too");
	wrong_types();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
