/* Clients that say anything, half of it, too much, or do not listen: each gets
 * an error or is cut off, the server stays small, and another client is served
 * meanwhile.
 */
#include "managers.h"

#include <sys/socket.h>

#define KEY "peekaboo"

static const struct mp_listener_options keyed = { .authkey = KEY,
						  .authkey_length =
							  sizeof(KEY) - 1 };
static char address[64];
static struct mp_proxy dict; /* of the honest client */
static int64_t turns;

/* Is an honest one served as if nobody else were there? */
static int honest(void)
{
	int64_t n;

	return mp_proxy_add(&dict, S("n"), 1, &n) == 0 && n == ++turns;
}

/* ---- a stranger who passes the challenge ---- */

static struct mp_conn enter(void)
{
	struct mp_conn c;
	int error = mp_client_connect(&c, address, &keyed, LONG);

	if (error < 0)
		errx(1, "connect: %s", strerror(-error));
	return c;
}

/* Bytes as they stand, without a frame around them. */
static void say(struct mp_conn *c, const void *data, size_t size)
{
	const char *s = data;
	ssize_t n;

	for (; size > 0; s += n, size -= (size_t)n) {
		n = send(mp_conn_fileno(c), s, size, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return; /* it has been cut off */
		if (n < 0)
			n = 0;
	}
}

/* A request's bytes. */
static void add_request(struct mp_pack *k, uint64_t id, uint64_t handle,
			const char *op, const struct mp_any *args, size_t n)
{
	mp_pack_any(k, mp_any_uint(id));
	mp_pack_any(k, mp_any_uint(handle));
	mp_pack_any(k, S(op));
	mp_pack_any(k, mp_any_uint(n));
	for (size_t i = 0; i < n; i++)
		mp_pack_any(k, args[i]);
}

/* Its next answer's status; 1000: it was cut off. */
static int hear(struct mp_conn *c, uint64_t *id)
{
	static unsigned char buf[2 << 20];
	struct mp_any v[3];
	struct mp_unpack u;
	size_t n;
	int error = mp_conn_recv(c, buf, sizeof(buf), LONG, &n);

	if (error == -EPIPE || error == -ECONNRESET)
		return 1000;
	if (error < 0)
		return error - 1000;
	u = (struct mp_unpack){ buf, buf + n };
	for (int i = 0; i < 3; i++)
		if (mp_unpack_any(&u, &v[i]) < 0)
			return 1001;
	if (id != NULL)
		*id = v[0].u;
	return (int)v[1].i;
}

/* The answers in the next message, which should be those to *id, *id + 1 … */
static int hear_all(struct mp_conn *c, int *id)
{
	static unsigned char buf[4 << 20];
	struct mp_any v[3];
	struct mp_unpack u;
	size_t n;

	if (mp_conn_recv(c, buf, sizeof(buf), LONG, &n) != 0)
		errx(1, "no answer to %d", *id);
	u = (struct mp_unpack){ buf, buf + n };
	while (u.at != u.end) {
		for (int i = 0; i < 3; i++)
			if (mp_unpack_any(&u, &v[i]) < 0)
				return 1;
		if (v[0].i != *id || v[1].i != 0)
			return 2;
		++*id;
	}
	return 0;
}

/* A request and its answer, to see that this client is served. */
static int served(struct mp_conn *c)
{
	struct mp_pack k = { 0 };
	uint64_t id = 0;
	int status;

	add_request(&k, 4242, dict.handle, "length", NULL, 0);
	mp_conn_send(c, k.data, k.size, LONG);
	do
		status = hear(c, &id);
	while (status < 1000 && status > -1000 && id != 4242);
	mp_pack_free(&k);
	return status;
}

/* ---- garbage in a message ---- */

static void garbage(void)
{
#define TEXT(what, bytes)                      \
	{                                      \
		what, bytes, sizeof(bytes) - 1 \
	}
	static const struct {
		const char *what, *bytes;
		size_t size;
	} t[] = {
		TEXT("text", "GET / HTTP/1.0\r\n\r\n"),
		TEXT("a byte that is no type", "\xc1"),
		TEXT("a number", "\1"),
		TEXT("two numbers", "\1\2"),
		TEXT("no operation", "\1\0"),
		TEXT("no number of arguments", "\1\0\xa5"
					       "count"),
		TEXT("fewer arguments than it says", "\1\0\xa5"
						     "count\3\1\2"),
		TEXT("2^32 - 1 arguments", "\1\0\xa5"
					   "count\xce\xff\xff\xff\xff\1"),
		TEXT("2^64 - 1 arguments",
		     "\1\0\xa5"
		     "count\xcf\xff\xff\xff\xff\xff\xff\xff\xff\1"),
		TEXT("-1 arguments", "\1\0\xa5"
				     "count\xff"),
		TEXT("an operation that is a number", "\1\0\7\0"),
		TEXT("an operation that is bytes", "\1\0\xc4\5count\0"),
		TEXT("an operation of 2^32 - 1 letters",
		     "\1\0\xdb\xff\xff\xff\xff"
		     "count"),
		TEXT("a handle that is a string", "\1\xa1x\xa5"
						  "count\0"),
		TEXT("a handle of -1", "\1\xff\xa5"
				       "count\0"),
		TEXT("an id that is a string", "\xa1x\0\xa5"
					       "count\0"),
		TEXT("an id of -5", "\xfb\0\xa5"
				    "count\0"),
		TEXT("a list for a request", "\x94\1\0\xa5"
					     "count\0"),
		TEXT("a list of 2^32 - 1", "\1\0\xa6"
					   "create\1\xdd\xff\xff\xff\xff"),
		TEXT("a map of 2^32 - 1", "\1\0\xa6"
					  "create\1\xdf\xff\xff\xff\xff"),
		TEXT("a string of 2^32 - 1", "\1\0\xa6"
					     "create\1\xdb\xff\xff\xff\xff"),
		TEXT("bytes of 2^31", "\1\0\xa6"
				      "create\1\xc6\x80\0\0\0"),
		TEXT("an extension of 2^32 - 1",
		     "\1\0\xa6"
		     "create\1\xc9\xff\xff\xff\xff\1"),
		TEXT("lists of 2^32 - 1 in lists",
		     "\1\0\xa6"
		     "create\1\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff"),
		TEXT("nothing", ""),
	};
	long before = memory_of(server());
	struct mp_pack k = { 0 };
	struct mp_conn c;
	int bad;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int status;

		c = enter();
		mp_conn_send(&c, t[i].bytes, t[i].size, LONG);
		status = served(&c);
		/* It is served, or was cut off. */
		ok((status == 0 || status == 1000) && honest(), "%s",
		   t[i].what);
		mp_conn_close(&c);
	}
	/* Each behind a request that is good. */
	add_request(&k, 7, dict.handle, "length", ARGUMENTS());
	bad = 0;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct iovec both[] = { { k.data, k.size },
					{ (void *)(uintptr_t)t[i].bytes,
					  t[i].size } };
		uint64_t id = 0;

		c = enter();
		mp_conn_sendv(&c, both, 2, LONG);
		bad += hear(&c, &id) != 0 || id != 7 || !honest();
		mp_conn_close(&c);
	}
	is(bad, 0, "behind a good request, which is served");
	mp_pack_free(&k);
	if (MEMORY_TELLS)
		ok(memory_of(server()) - before < 4096,
		   "no lie has cost memory (%ld kB)",
		   memory_of(server()) - before);
}

/* ---- well-formed, and wrong ---- */

static int answer_to(struct mp_conn *c, uint64_t handle, const char *op,
		     const struct mp_any *args, size_t n)
{
	struct mp_pack k = { 0 };
	uint64_t id = 0;
	int status;

	add_request(&k, 99, handle, op, args, n);
	mp_conn_send(c, k.data, k.size, LONG);
	status = hear(c, &id);
	mp_pack_free(&k);
	return id == 99 || status >= 1000 ? status : -999;
}

static void wrong_requests(void)
{
	static char name[100000];
	struct mp_conn c = enter();
	struct mp_any many[5000];

	memset(name, 'x', sizeof(name) - 1);
	for (int i = 0; i < 5000; i++)
		many[i] = I(i);
	is(answer_to(&c, 0, "fly", ARGUMENTS()), -EOPNOTSUPP,
	   "an unknown operation of the server");
	is(answer_to(&c, dict.handle, "fly", ARGUMENTS()), -EOPNOTSUPP,
	   "of an object");
	is(answer_to(&c, dict.handle, "", ARGUMENTS()), -EOPNOTSUPP,
	   "an empty one");
	is(answer_to(&c, dict.handle, name, ARGUMENTS()), -EOPNOTSUPP,
	   "one of 100 kB");
	is(answer_to(&c, 77777777, "get", ARGUMENTS(I(1))), -ESTALE,
	   "an unknown handle");
	is(answer_to(&c, UINT64_MAX, "get", ARGUMENTS(I(1))), -ESTALE,
	   "and the last");
	is(answer_to(&c, 0, "create", ARGUMENTS(S("thing"))), -ENOENT,
	   "an unknown type");
	is(answer_to(&c, 0, "create", ARGUMENTS(S(name))), -ENOENT,
	   "of 100 kB");
	is(answer_to(&c, 0, "create", ARGUMENTS()), -EINVAL, "no type");
	is(answer_to(&c, 0, "create", ARGUMENTS(I(5))), -EINVAL,
	   "a type that is a number");
	is(answer_to(&c, 0, "drop", ARGUMENTS(I(5))), -EINVAL,
	   "drop what is no reference");
	is(answer_to(&c, 0, "drop", ARGUMENTS(mp_any_ref(5555))), -ESTALE,
	   "drop what is not there");
	is(answer_to(&c, 0, "drop", ARGUMENTS(mp_any_ref(dict.handle))),
	   -ESTALE, "drop what is another's");
	is(answer_to(&c, 0, "drop",
		     ARGUMENTS(mp_any_ref(dict.handle), I(INT64_MAX))),
	   -ESTALE, "very often");
	is(answer_to(&c, 0, "drop", ARGUMENTS(mp_any_ref(dict.handle), I(-1))),
	   -EINVAL, "-1 times");
	ok(honest(), "which keeps it");
	is(answer_to(&c, 0, "ref", ARGUMENTS(mp_any_ref(5555))), -ESTALE,
	   "ref what is not there");
	is(answer_to(&c, 0, "ref", ARGUMENTS(mp_any_ref(dict.handle))), 0,
	   "ref what is");
	is(answer_to(&c, 0, "drop", ARGUMENTS(mp_any_ref(dict.handle), I(2))),
	   -ESTALE, "drop it twice");
	is(answer_to(&c, 0, "drop", ARGUMENTS(mp_any_ref(dict.handle))), 0,
	   "once");
	is(answer_to(&c, 0, "cancel", ARGUMENTS(I(12345))), 0,
	   "cancel what does not wait");
	ok(answer_to(&c, 0, "hello", ARGUMENTS(I(1000))) < 0,
	   "another version");
	is(answer_to(&c, 0, "hello", ARGUMENTS(I(1), I(-1))), 0,
	   "a parent that never was");
	ok(answer_to(&c, dict.handle, "length", many, 5000) < 0,
	   "5000 arguments");
	ok(honest(), "an honest client is served");
	mp_conn_close(&c);
}

/* No answer is wanted, and none comes, whatever is asked. */
static void no_answer(void)
{
	struct mp_conn c = enter();
	struct mp_pack k = { 0 };
	uint64_t id = 0;

	add_request(&k, 0, dict.handle, "set", ARGUMENTS(S("quiet"), I(1)));
	add_request(&k, 0, dict.handle, "fly", ARGUMENTS());
	add_request(&k, 0, 123456, "get", ARGUMENTS());
	add_request(&k, 0, dict.handle, "get", ARGUMENTS(S("quiet")));
	mp_conn_send(&c, k.data, k.size, LONG);
	mp_pack_clear(&k);
	add_request(&k, 5, dict.handle, "get", ARGUMENTS(S("quiet")));
	mp_conn_send(&c, k.data, k.size, LONG);
	is(hear(&c, &id), 0, "requests that want no answer");
	is((long long)id, 5, "get none");
	is(mp_proxy_delete(&dict, S("quiet")), 0, "and were done");
	/* One that waits, and is forgotten with its client. */
	mp_pack_clear(&k);
	add_request(&k, 9, 0, "create", ARGUMENTS(S("queue")));
	mp_conn_send(&c, k.data, k.size, LONG);
	hear(&c, NULL);
	mp_pack_free(&k);
	mp_conn_close(&c);
}

/* Two requests with one id, one of which waits. */
static void same_id(void)
{
	struct mp_proxy q;
	struct mp_conn c = enter();
	struct mp_pack k = { 0 };
	uint64_t id[3] = { 0 };
	int status[3];

	make(&q, "queue");
	for (int i = 0; i < 2; i++)
		add_request(&k, 3, q.handle, "get", ARGUMENTS());
	add_request(&k, 3, dict.handle, "length", ARGUMENTS());
	mp_conn_send(&c, k.data, k.size, LONG);
	status[0] = hear(&c, &id[0]);
	mp_proxy_put(&q, I(1), 0);
	status[1] = hear(&c, &id[1]);
	mp_proxy_put(&q, I(2), 0);
	status[2] = hear(&c, &id[2]);
	ok(status[0] == 0 && status[1] == 0 && status[2] == 0 && id[0] == 3 &&
		   id[1] == 3 && id[2] == 3,
	   "three requests of one number: three answers");
	ok(honest(), "an honest client is served");
	mp_pack_free(&k);
	mp_conn_close(&c);
	mp_proxy_close(&q);
}

/* ---- frames ---- */

static void frames(void)
{
	static const struct {
		const char *what, *bytes;
		size_t size;
	} t[] = {
		TEXT("a length of 2^31 - 1", "\177\377\377\377x"),
		TEXT("a length of 100 MB", "\5\365\341\0xxxxxxxxxxxxxxxxxxxxx"),
		TEXT("a length of 2^63 - 1",
		     "\377\377\377\377\177\377\377\377\377\377\377\377x"),
		TEXT("a length of 2^63", "\377\377\377\377\200\0\0\0\0\0\0\0x"),
		TEXT("a length of 2^64 - 1",
		     "\377\377\377\377\377\377\377\377\377\377\377\377x"),
		TEXT("a length of -3", "\377\377\377\375x"),
		TEXT("a descriptor", "\377\377\377\376x"),
	};
	long before = memory_of(server());
	int status;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mp_conn c = enter();

		say(&c, t[i].bytes, t[i].size);
		status = hear(&c, NULL);
		if (status == -EMSGSIZE) /* it may be told why */
			status = hear(&c, NULL);
		ok(status == 1000 && honest(), "%s: cut off", t[i].what);
		mp_conn_close(&c);
	}
	if (MEMORY_TELLS)
		ok(memory_of(server()) - before < 4096,
		   "without memory for it (%ld kB)",
		   memory_of(server()) - before);
}

/* Half a frame, and then silence, or the end. */
static void halves(void)
{
	struct mp_conn c[20];
	struct mp_pack k = { 0 };
	unsigned char frame[200];
	int bad = 0;

	add_request(&k, 5, dict.handle, "length", ARGUMENTS());
	memset(frame, 0, 4);
	frame[3] = (unsigned char)k.size;
	memcpy(frame + 4, k.data, k.size);
	for (int i = 0; i < 20; i++) {
		c[i] = enter();
		say(&c[i], frame, (size_t)i % (k.size + 3) + 1);
	}
	for (int i = 0; i < 100; i++)
		bad += !honest();
	is(bad, 0, "20 that stop in the middle of a frame");
	for (int i = 0; i < 20; i += 2)
		mp_conn_close(&c[i]);
	for (int i = 1; i < 20; i += 2) {
		size_t n = (size_t)i % (k.size + 3) + 1;

		say(&c[i], frame + n, k.size + 4 - n);
		bad += hear(&c[i], NULL) != 0;
		mp_conn_close(&c[i]);
	}
	is(bad, 0, "half of them go, and half go on");
	c[0] = enter();
	for (size_t i = 0; i < k.size + 4; i++) {
		say(&c[0], frame + i, 1);
		bad += !honest();
	}
	bad += hear(&c[0], NULL) != 0;
	is(bad, 0, "byte by byte");
	mp_conn_close(&c[0]);
	mp_pack_free(&k);
}

static _Atomic int *ready;

static int dies_half_way(long n)
{
	static const unsigned char frame[] = { 0, 0, 1, 0, 1, 2, 3, 4 };
	struct mp_conn c = enter();

	say(&c, frame, (size_t)n);
	atomic_store(ready, 1);
	return wait_for_kill();
}

static void killed_half_way(void)
{
	int bad = 0, before;

	await(idle());
	before = descriptors_of(server());
	for (int n = 0; n <= 8; n++) {
		pid_t pid;

		atomic_store(ready, 0);
		pid = start(dies_half_way, n);
		await(atomic_load(ready));
		bad += !honest();
		killed(pid);
		bad += !honest();
	}
	is(bad, 0, "killed after 0 to 8 bytes of a frame");
	await(descriptors_of(server()) == before);
	ok(1, "and nothing of them is left in the server");
}

static void wrong_key(void)
{
	struct mp_listener_options wrong = keyed;
	struct mp_conn c;

	wrong.authkey = "Peekaboo";
	is(mp_client_connect(&c, address, &wrong, LONG), -EACCES,
	   "a wrong key");
	mp_conn_close(&c);
	ok(honest(), "an honest client is served");
}

/* ---- those that do not listen ---- */

/* kB that the server may hold for one that does not read: the answers to
 * MP_MANAGER_PARKED requests, and what lies in buffers. */
enum { MIB = 1024, PIECE = 256 };
#define LIMIT ((long)(MP_MANAGER_PARKED * PIECE + 16 * MIB))

static struct mp_proxy heavy; /* its get is an answer of PIECE kB */

static void make_heavy(void)
{
	static char bytes[PIECE * 1024];

	make(&heavy, "list");
	mp_proxy_append(&heavy, mp_any_bin(bytes, sizeof(bytes)));
}

static void add_gets(struct mp_pack *k, int n)
{
	mp_pack_clear(k);
	for (int i = 0; i < n; i++)
		add_request(k, (uint64_t)i + 1, heavy.handle, "get",
			    ARGUMENTS(I(0)));
}

/* Send as long as it takes anything; how many messages went. */
static int stuff(struct mp_conn *c, const struct mp_pack *k, int n)
{
	int sent = 0;

	while (sent < n && mp_conn_send(c, k->data, k->size, 50 * MS) == 0)
		sent++;
	return sent;
}

static void slow_reader(int messages, int requests)
{
	struct mp_conn c = enter();
	struct mp_pack k = { 0 };
	long before = memory_of(server()), grown;
	int bad = 0, sent;

	add_gets(&k, requests);
	sent = stuff(&c, &k, messages);
	for (int i = 0; i < 100; i++)
		bad += !honest();
	await(idle());
	grown = memory_of(server()) - before;
	is(bad, 0, "one that does not read: %d messages of %d requests (%d MB)",
	   sent, requests, (int)((int64_t)sent * requests * PIECE / 1024));
	if (MEMORY_TELLS)
		ok(grown < LIMIT, "the server grows by %ld kB", grown);
	mp_conn_close(&c);
	ok(honest(), "it goes, and another is served");
	await(idle());
	grown = memory_of(server()) - before;
	if (MEMORY_TELLS)
		ok(grown < 4 * MIB, "and the memory is back (%ld kB)", grown);
	mp_pack_free(&k);
}

/* It reads at last: all answers are there, in order. */
static void late_reader(int messages, int requests)
{
	struct mp_conn c = enter();
	struct mp_pack k = { 0 };
	int sent, bad = 0, n = 0;

	add_gets(&k, requests);
	sent = stuff(&c, &k, messages);
	for (int i = 0; i < sent; i++)
		for (int r = 1; r <= requests; n++)
			bad += hear_all(&c, &r) != 0;
	is(bad, 0, "one that reads late has its %d answers (%d messages)",
	   sent * requests, n);
	is(served(&c), 0, "and is served");
	mp_conn_close(&c);
	mp_pack_free(&k);
}

/* Many of them. */
static void slow_readers(void)
{
	enum { N = 10 };
	struct mp_conn c[N];
	struct mp_pack k = { 0 };
	int bad = 0;

	add_gets(&k, 1);
	for (int i = 0; i < N; i++) {
		c[i] = enter();
		stuff(&c[i], &k, 50);
	}
	for (int i = 0; i < 1000; i++)
		bad += !honest();
	is(bad, 0, "%d that do not read, and one is served 1000 times", N);
	for (int i = 0; i < N; i++)
		mp_conn_close(&c[i]);
	mp_pack_free(&k);
}

/* Answers that come later, to one that does not read: so many as may wait. */
static void parked_reader(void)
{
	struct mp_conn c = enter();
	struct mp_pack k = { 0 };
	struct mp_proxy q;
	static char bytes[PIECE * 1024];
	long before = memory_of(server());
	int bad = 0;

	make(&q, "queue");
	for (int i = 0; i < 2 * MP_MANAGER_PARKED; i++)
		add_request(&k, (uint64_t)i + 1, q.handle, "get", ARGUMENTS());
	mp_conn_send(&c, k.data, k.size, LONG);
	await(idle());
	for (int i = 0; i < MP_MANAGER_PARKED; i++)
		bad += mp_proxy_put(&q, mp_any_bin(bytes, sizeof(bytes)), 0);
	is(bad, 0, "items for %d that wait", MP_MANAGER_PARKED);
	ok(honest(), "an honest client is served");
	if (MEMORY_TELLS)
		ok(memory_of(server()) - before < LIMIT,
		   "the server grows by %ld kB", memory_of(server()) - before);
	mp_conn_close(&c);
	mp_proxy_close(&q);
	mp_pack_free(&k);
}

/* ---- others ---- */

/* One who takes references, as often as it can. */
static void greedy(void)
{
	struct mp_conn c = enter();
	struct mp_pack k = { 0 };
	struct mp_proxy list, same;
	int bad = 0;

	make(&list, "list");
	same = list;
	for (int i = 0; i < 1000; i++)
		add_request(&k, 0, 0, "ref",
			    ARGUMENTS(mp_any_ref(list.handle)));
	for (int i = 0; i < 100; i++)
		bad += mp_conn_send(&c, k.data, k.size, LONG) != 0;
	bad += served(&c) != 0;
	is(bad, 0, "one takes 100000 references to another's object");
	mp_proxy_close(&list);
	is(ask(&same, "length"), 0, "which keep it");
	mp_conn_close(&c);
	await(ask(&same, "length") == -ESTALE);
	ok(1, "until it goes");
	mp_pack_free(&k);
}

/* Any bytes, as messages. */
static void random_messages(void)
{
	unsigned char b[60];
	unsigned seed = 7;
	int bad = 0;

	for (int i = 0; i < 60; i++) {
		struct mp_conn c = enter();

		for (int k = 0; k < 50; k++) {
			size_t n = 1;

			for (; n < sizeof(b); n++) {
				seed = seed * 1103515245 + 12345;
				b[n] = (unsigned char)(seed >> 16);
			}
			n = (seed >> 8) % sizeof(b);
			/* Half begin like a request. */
			b[0] = (unsigned char)k;
			if (k % 2)
				memcpy(b,
				       "\1\0\xa6"
				       "create",
				       9);
			if (mp_conn_send(&c, b, n, 0) != 0)
				break;
		}
		mp_conn_close(&c);
		bad += !honest();
	}
	ok(bad == 0 && mp_manager_alive(&manager) == 1,
	   "3000 messages of any bytes");
}

int main(void)
{
	struct mp_manager_options o = { .address = address,
					.authkey = KEY,
					.authkey_length = sizeof(KEY) - 1 };
	int before = tap_descriptors();

	mp_backstop_set(0);
	ready = share(sizeof(*ready));
	snprintf(address, sizeof(address), "@rawmp-hostile-%d", (int)getpid());
	open_manager(&o);
	make(&dict, "dict");
	make_heavy();
	ok(honest(), "an honest client");
	garbage();
	wrong_requests();
	no_answer();
	same_id();
	frames();
	halves();
	killed_half_way();
	wrong_key();
	greedy();
	random_messages();
	slow_reader(1000, 1);
	slow_reader(1, 1000);
	slow_reader(100, 30);
	late_reader(400, 1);
	late_reader(1, 400);
	late_reader(20, 20);
	slow_readers();
	parked_reader();
	ok(honest(), "an honest client at the end");
	await(mp_manager_count(&manager) == 2);
	ok(1, "two objects are left: its own");
	close_manager();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
