/* A manager: start, objects of each type, shutdown, and all that is wrong with
 * a request.
 */
#include "managers.h"

#include <sys/stat.h>

static struct mp_proxy p;

/* ---- start, shutdown ---- */

static const char *const types[] = {
	"dict",      "set",   "list",    "namespace", "value",
	"array",     "lock",  "rlock",   "semaphore", "bounded_semaphore",
	"condition", "event", "barrier", "queue",     "joinable_queue",
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static int make_any(const char *type, struct mp_proxy *q)
{
	if (strcmp(type, "value") == 0)
		return mp_manager_create(&manager, q, type,
					 ARGUMENTS(S("i"), I(1)));
	if (strcmp(type, "array") == 0)
		return mp_manager_create(&manager, q, type,
					 ARGUMENTS(S("i"), I(1)));
	if (strstr(type, "semaphore") != NULL || strcmp(type, "barrier") == 0)
		return mp_manager_create(&manager, q, type, ARGUMENTS(I(1)));
	return mp_manager_create(&manager, q, type, NULL, 0);
}

static void first(void)
{
	struct mp_proxy all[TYPES];

	is(mp_manager_start(&manager, NULL), 0, "start");
	is(mp_manager_alive(&manager), 1, "it is alive");
	is(mp_manager_count(&manager), 0, "no object is there");
	for (int i = 0; i < TYPES; i++)
		is(make_any(types[i], &all[i]), 0, "a %s", types[i]);
	is(mp_manager_count(&manager), TYPES, "all are there");
	for (int i = 0; i < TYPES; i++)
		for (int k = 0; k < i; k++)
			if (all[i].handle == all[k].handle)
				errx(1, "one handle twice");
	for (int i = 0; i < TYPES; i++)
		mp_proxy_close(&all[i]);
	is(mp_proxy_close(&all[0]), 0, "closed twice: nothing");
	is(mp_manager_count(&manager), 0, "and gone");
	is(mp_manager_shutdown(&manager), 0, "shutdown");
	is(mp_manager_shutdown(&manager), 0, "twice: nothing");
	is(mp_manager_alive(&manager), 0, "it is not alive");
	ok(childless(), "no process is left");
}

static void again(void)
{
	int descriptors = 0, maps = 0;

	for (int i = 0; i < 20; i++) {
		open_manager(NULL);
		make(&p, "dict");
		mp_proxy_set(&p, I(1), I(1));
		/* What is not closed goes with the handle. */
		if (i % 2)
			mp_proxy_close(&p);
		close_manager();
		if (i == 2) {
			descriptors = tap_descriptors();
			maps = mappings();
		}
	}
	is(tap_descriptors(), descriptors, "20 managers: no descriptor,");
	is(mappings(), maps, "no mapping,");
	is(names(), 0, "no name in /dev/shm is left");
	ok(childless(), "and no process");
}

/* Two at a time have nothing to do with each other. */
static void two(void)
{
	struct mp_manager second;
	struct mp_proxy q;

	open_manager(NULL);
	is(mp_manager_start(&second, NULL), 0, "a second manager");
	make(&p, "dict");
	mp_proxy_set(&p, I(1), I(1));
	mp_manager_create(&second, &q, "dict", NULL, 0);
	mp_proxy_set(&q, I(1), I(2));
	mp_proxy_get(&p, I(1), &answer);
	is(answer.i, 1, "each has its own");
	is(mp_manager_count(&second), 1, "objects");
	is(mp_manager_shutdown(&second), 0, "one is shut down");
	is(mp_proxy_get(&q, I(1), NULL), -EPIPE, "its objects are gone");
	is(mp_proxy_get(&p, I(1), &answer), 0, "the other's are not");
	close_manager();
}

static void after_shutdown(void)
{
	struct mp_proxy q;

	open_manager(NULL);
	make(&p, "lock");
	close_manager();
	is(mp_proxy_acquire(&p, -1), -EPIPE, "acquire, after a shutdown");
	is(mp_manager_create(&manager, &q, "dict", NULL, 0), -EPIPE, "create");
	is(mp_manager_count(&manager), -EPIPE, "count");
	is(mp_proxy_send(&p, "release", NULL, 0) < 0 ||
		   mp_proxy_recv(&manager, 1, NULL) < 0,
	   1, "send");
	ok(mp_proxy_close(&p) == -EPIPE, "close");
	is(mp_manager_close(&manager), 0, "and close the manager");
}

static void closed(void)
{
	struct mp_manager m = { 0 };

	is(mp_manager_shutdown(&m), 0, "shutdown of what never was: nothing");
	is(mp_manager_close(&m), 0, "close of it: nothing");
	is(mp_manager_alive(&m), 0, "it is not alive");
}

/* ---- who may shut it down ---- */

static int shuts_down(long unused)
{
	(void)unused;
	return mp_manager_shutdown(&manager);
}

static int uses(long n)
{
	if (mp_proxy_add(&p, S("n"), n, NULL) != 0)
		return 1;
	return mp_manager_close(&manager);
}

static void children(void)
{
	int64_t n;

	open_manager(NULL);
	make(&p, "dict");
	is(end_of(start(shuts_down, 0)), -EPERM,
	   "a child may not shut it down");
	is(mp_manager_alive(&manager), 1, "it lives");
	for (int i = 1; i <= 10; i++)
		if (end_of(start(uses, i)) != 0)
			errx(1, "a child cannot use it");
	mp_proxy_add(&p, S("n"), 0, &n);
	is(n, 55, "10 children add to a number");
	is(mp_manager_count(&manager), 1, "nothing else is there");
	close_manager();
}

static int grandchild(long depth)
{
	if (mp_proxy_add(&p, S("n"), 1, NULL) != 0)
		return 1;
	return depth > 0 ? end_of(start(grandchild, depth - 1)) : 0;
}

static void descendants(void)
{
	int64_t n;

	open_manager(NULL);
	make(&p, "dict");
	is(end_of(start(grandchild, 4)), 0, "children of children use it");
	mp_proxy_add(&p, S("n"), 0, &n);
	is(n, 5, "each has added");
	close_manager();
}

/* ---- threads ---- */

static int in_a_thread(long unused)
{
	struct mp_manager mine;
	struct mp_proxy q;
	int bad = 0;

	(void)unused;
	/* main waits in end_of_thread and does not use its handle */
	if (mp_manager_attach(&mine, &manager) != 0)
		return 1;
	bad += mp_proxy_adopt(&q, &mine, p.handle) != 0;
	for (int i = 0; i < 100; i++)
		bad += mp_proxy_add(&q, S("n"), 1, NULL) != 0;
	mp_proxy_close(&q);
	bad += mp_manager_close(&mine) != 0;
	return bad;
}

static struct mp_manager handles[4];

static int adds(long i)
{
	struct mp_proxy q;
	int bad = mp_proxy_adopt(&q, &handles[i], p.handle) != 0;

	for (int k = 0; k < 1000; k++)
		bad += mp_proxy_add(&q, S("n"), 1, NULL) != 0;
	mp_proxy_close(&q);
	return bad + (mp_manager_close(&handles[i]) != 0);
}

static void threads(void)
{
	struct call c[4];
	int64_t n;
	int bad = 0;

	open_manager(NULL);
	make(&p, "dict");
	is(in_thread(in_a_thread, 0), 0, "a thread has a handle of its own");
	for (int i = 0; i < 4; i++)
		bad += mp_manager_attach(&handles[i], &manager) != 0;
	for (int i = 0; i < 4; i++)
		start_thread(&c[i], adds, i);
	for (int i = 0; i < 4; i++)
		bad += end_of_thread(&c[i]);
	is(bad, 0, "four threads at a time");
	mp_proxy_add(&p, S("n"), 0, &n);
	is(n, 4100, "all is added");
	close_manager();
}

/* ---- wrong requests ---- */

static void no_such(void)
{
	struct mp_proxy q;

	open_manager(NULL);
	is(mp_manager_create(&manager, &q, "dictionary", NULL, 0), -ENOENT,
	   "create: no such type");
	is(mp_manager_create(&manager, &q, "", NULL, 0), -ENOENT,
	   "without a name");
	is(mp_manager_create(&manager, &q, "barrier", NULL, 0), -EINVAL,
	   "an argument is missing");
	make(&p, "dict");
	is(ask(&p, "fly"), -EOPNOTSUPP, "no such operation");
	is(ask(&p, ""), -EOPNOTSUPP, "without a name");
	is(ask(&p, "acquire"), -EOPNOTSUPP, "another type's");
	is(ask(&p, "get"), -EINVAL, "too few arguments");
	is(ask(&p, "get", I(1), I(2), I(3), I(4)), -EINVAL, "too many");
	is(ask(&p, "get", S("a")), -ENOENT, "no such key");
	q = (struct mp_proxy){ &manager, p.handle + 1000 };
	is(ask(&q, "get", S("a")), -ESTALE, "no such handle");
	q.handle = UINT64_MAX;
	is(ask(&q, "get", S("a")), -ESTALE, "nor this one");
	is(mp_proxy_adopt(&q, &manager, p.handle + 1000), -ESTALE,
	   "adopt: no such handle");
	is(mp_proxy_adopt(&q, &manager, 0), -ESTALE, "nor 0");
	is(mp_proxy_open(&q, &manager, I(5)), -EINVAL,
	   "open what is no reference");
	is(mp_proxy_open(&q, &manager, NIL), -EINVAL, "or nothing");
	is(mp_proxy_set(&p, S("a"), mp_any_ref(p.handle + 77)), -ESTALE,
	   "a value with a reference to nothing");
	is(mp_proxy_get(&p, S("a"), NULL), -ENOENT, "is not kept");
	is(mp_manager_count(&manager), 1, "nothing came of all that");
	mp_proxy_close(&p);
	is(ask(&p, "length"), -ESTALE, "a closed proxy");
	close_manager();
}

static void too_deep(void)
{
	struct mp_pack v = { 0 };

	open_manager(NULL);
	make(&p, "list");
	for (int i = 0; i < MP_ANY_DEPTH_MAX; i++)
		mp_pack_array(&v, 1);
	mp_pack_any(&v, I(1));
	is(mp_proxy_append(&p, mp_any_raw(v.data, (uint32_t)v.size)), 0,
	   "%d lists in lists", MP_ANY_DEPTH_MAX);
	is(mp_proxy_get(&p, I(0), &answer), 0, "come back");
	ok(answer.length == v.size && memcmp(answer.data, v.data, v.size) == 0,
	   "as they are");
	/* In an answer they are one deeper. */
	ok(ask(&p, "copy") != 0 || answer.length == v.size + 1,
	   "a copy is an error or right");
	mp_pack_clear(&v);
	for (int i = 0; i < MP_ANY_DEPTH_MAX + 1; i++)
		mp_pack_array(&v, 1);
	mp_pack_any(&v, I(1));
	is(mp_proxy_append(&p, mp_any_raw(v.data, (uint32_t)v.size)), -EBADMSG,
	   "one more is too deep");
	is(mp_proxy_append(&p, mp_any_raw("\x92\1", 2)), -EBADMSG,
	   "half a list");
	is(mp_proxy_append(&p, mp_any_raw("\1\2", 2)), -EBADMSG, "two values");
	is(mp_proxy_length(&p), 1, "are not there");
	mp_pack_free(&v);
	close_manager();
}

static void too_large(void)
{
	struct mp_manager_options o = { .message_max = 100000 };
	static char bytes[200000];
	int64_t n;

	open_manager(&o);
	make(&p, "list");
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	is(mp_proxy_append(&p, mp_any_bin(bytes, 90000)), 0, "90000 bytes");
	is(mp_proxy_append(&p, mp_any_bin(bytes, 100000)), -EMSGSIZE,
	   "more than 100000");
	is(mp_proxy_append(&p, mp_any_bin(bytes, 200000)), -EMSGSIZE,
	   "much more");
	is(n = mp_proxy_length(&p), 1, "are not there");
	is(mp_proxy_get(&p, I(0), &answer), 0, "what is there");
	ok(answer.length == 90000 && memcmp(answer.data, bytes, 90000) == 0,
	   "comes back");
	is(mp_proxy_append(&p, mp_any_bin(bytes, 90000)), 0, "once more");
	is(ask(&p, "copy"), -EMSGSIZE, "an answer of 180000 bytes");
	is(mp_proxy_pop(&p, NIL, &answer), 0, "others follow");
	is(answer.length, 90000, "whole");
	close_manager();
	open_manager(NULL);
	make(&p, "dict");
	for (int i = 0; i < 100; i++)
		mp_proxy_set(&p, I(i), mp_any_bin(bytes, 100000));
	is(ask(&p, "copy"), 0, "by default 10 MB come");
	ok(answer.length > 10000000, "whole (%u)", answer.length);
	for (int i = 100; i < 200; i++)
		mp_proxy_set(&p, I(i), mp_any_bin(bytes, 100000));
	is(ask(&p, "copy"), -EMSGSIZE, "20 MB do not");
	is(mp_proxy_length(&p), 200, "and nothing is broken");
	close_manager();
}

/* Long ones pass in pieces, both ways. */
static void large(void)
{
	enum { N = 8 << 20 };
	unsigned char *bytes = malloc(N);
	int bad = 0;

	for (size_t i = 0; i < N; i++)
		bytes[i] = (unsigned char)(i * i >> 5);
	open_manager(NULL);
	make(&p, "dict");
	for (uint32_t n = 1; n <= N; n = n * 3 + 1) {
		bad += mp_proxy_set(&p, I(0), mp_any_bin(bytes, n)) != 0;
		bad += mp_proxy_get(&p, I(0), &answer) != 0 ||
		       answer.length != n || memcmp(answer.data, bytes, n) != 0;
	}
	is(bad, 0, "bytes of 1 to %d go and come", N);
	close_manager();
	free(bytes);
}

/* ---- strangers ---- */

static char directory[64], path[96];
static struct mp_manager_options keyed;

static int connects(long what)
{
	struct mp_manager_options o = keyed;
	struct mp_manager m;
	struct mp_proxy q;
	int error;

	if (what == 1)
		o.authkey = "Peekaboo";
	if (what == 2)
		o.address = "/nowhere/at/all";
	if (what == 4 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 99;
	error = mp_manager_connect(&m, &o, LONG);
	if (error < 0)
		return error;
	error = mp_proxy_adopt(&q, &m, p.handle);
	if (error == 0)
		error = mp_proxy_add(&q, S("n"), 1, NULL);
	if (what == 3 && error == 0)
		error = mp_manager_shutdown(&m);
	mp_proxy_close(&q);
	mp_manager_close(&m);
	return error;
}

static void strangers(void)
{
	struct stat st;
	int64_t n;

	keyed = (struct mp_manager_options){ .address = path,
					     .authkey = "peekaboo",
					     .authkey_length = 8 };
	open_manager(&keyed);
	is(strcmp(manager.address, path), 0, "the address is known");
	make(&p, "dict");
	is(end_of(start(connects, 0)), 0, "a stranger, by the address");
	is(end_of(start(connects, 1)), -EACCES, "with another key");
	is(end_of(start(connects, 2)), -ENOENT, "at another address");
	is(end_of(start(connects, 3)), -EPERM, "it may not shut it down");
	if (geteuid() == 0)
		is(end_of(start(connects, 4)), -EACCES, "another user");
	mp_proxy_add(&p, S("n"), 0, &n);
	is(n, 2, "what they should do, they did");
	close_manager();
	ok(stat(path, &st) < 0, "the socket is gone");
	keyed.address = NULL;
	keyed.authkey = NULL;
	open_manager(&keyed);
	is(strcmp(manager.address, ""), 0, "without an address there is none");
	close_manager();
}

static int serves(long unused)
{
	(void)unused;
	return mp_manager_serve(&keyed);
}

/* A server that was not started by those who use it. */
static void serving(void)
{
	struct mp_manager_options o = { .address = path };
	struct mp_manager m;
	struct mp_proxy q;
	pid_t pid;
	int error;

	is(mp_manager_serve(&(struct mp_manager_options){ 0 }), -EINVAL,
	   "serve: without an address");
	keyed = o;
	pid = start(serves, 0);
	while ((error = mp_manager_connect(&m, &o, LONG)) == -ENOENT ||
	       error == -ECONNREFUSED)
		sched_yield();
	is(error, 0, "connect to it");
	is(mp_manager_alive(&m), 1, "it is alive");
	is(mp_manager_create(&m, &q, "list", NULL, 0), 0, "a list");
	is(mp_proxy_append(&q, I(5)), 0, "of one");
	is(mp_manager_count(&m), 1, "object");
	is(mp_manager_close(&m), 0, "close");
	is(mp_manager_connect(&m, &o, LONG), 0, "it goes on");
	is(mp_manager_count(&m), 0, "and the list is gone");
	is(mp_manager_shutdown(&m), -EPERM,
	   "who has not started it cannot shut it down");
	is(mp_manager_close(&m), 0, "close");
	killed(pid);
	unlink(path);
}

static void wrong_options(void)
{
	struct mp_manager m;

	is(mp_manager_start(&m, &(struct mp_manager_options){ .address = "" }),
	   -EINVAL, "start: an empty address");
	is(mp_manager_start(&m,
			    &(struct mp_manager_options){
				    .address = "/no/such/directory/x" }),
	   -ENOENT, "no such directory");
	is(mp_manager_start(&m,
			    &(struct mp_manager_options){
				    .address = "tcp:127.0.0.1:0" }),
	   -EINVAL, "TCP without a key");
	is(mp_manager_start(
		   &m, &(struct mp_manager_options){ .address = path,
						     .authkey = "",
						     .authkey_length = 0 }),
	   -EINVAL, "an empty key");
	ok(childless(), "no process is left");
	is(mp_manager_connect(&m, &(struct mp_manager_options){ 0 }, 0),
	   -EINVAL, "connect: without an address");
	is(mp_manager_connect(
		   &m, &(struct mp_manager_options){ .address = path }, 0),
	   -ENOENT, "where nobody is");
}

/* The same over all ways: a door of shared memory, Unix, TCP. */
static void over(const char *how, const struct mp_manager_options *o)
{
	struct mp_manager_options there = *o;
	struct mp_manager m;
	struct mp_proxy q;
	int bad = 0;

	open_manager(o);
	make(&p, "dict");
	there.address = manager.address;
	is(mp_manager_connect(&m, &there, LONG), 0, "connect over %s", how);
	is(mp_proxy_adopt(&q, &m, p.handle), 0, "adopt");
	for (int i = 0; i < 1000; i++)
		bad += mp_proxy_add(&q, S("n"), 1, NULL) != 0;
	bad += mp_proxy_get(&p, S("n"), &answer) != 0 || answer.i != 1000;
	is(bad, 0, "1000 requests");
	is(mp_manager_close(&m), 0, "close");
	close_manager();
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	snprintf(directory, sizeof(directory), "/tmp/rawmp-test-XXXXXX");
	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	snprintf(path, sizeof(path), "%s/socket", directory);
	first();
	again();
	two();
	after_shutdown();
	closed();
	children();
	descendants();
	threads();
	no_such();
	too_deep();
	too_large();
	large();
	strangers();
	serving();
	wrong_options();
	over("a Unix socket", &(struct mp_manager_options){ .address = path });
	over("a fresh path",
	     &(struct mp_manager_options){ .address = "@rawmp-test-manager" });
	over("TCP", &(struct mp_manager_options){ .address = "tcp:127.0.0.1:0",
						  .authkey = "peekaboo",
						  .authkey_length = 8 });
	is(rmdir(directory), 0, "no file is left");
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
