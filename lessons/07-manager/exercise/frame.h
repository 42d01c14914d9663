/* frame.h - what judges dict_do, feed, ask and proxy_update: included at the
 * end, changed by nobody.
 *
 * Server and clients are in one process, but for `two`: while a client waits
 * for its answer, the server has its turn (wire.h).  So nothing depends on who
 * is quicker.  Each scenario prints what came of it; check.bats knows what it
 * should print.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* From here on the kernel's own. */
#undef recv
#undef send
#undef read
#undef write

enum { CLIENTS = 3 };

static struct dict dict;
static struct client client[CLIENTS]; /* the server's ends; fd -1: closed */
static struct proxy proxy[CLIENTS];   /* the clients' */
static int fed[CLIENTS];              /* what feed said last */

static const char *name(int rc)
{
	static char number[16];

	switch (-rc) {
	case 0:
		return "0";
	case EPIPE:
		return "-EPIPE";
	case EBADMSG:
		return "-EBADMSG";
	case EAGAIN:
		return "-EAGAIN";
	case ENOENT:
		return "-ENOENT";
	case ENOSPC:
		return "-ENOSPC";
	case ERANGE:
		return "-ERANGE";
	case EINVAL:
		return "-EINVAL";
	case EINTR:
		return "-EINTR";
	case ECONNRESET:
		return "-ECONNRESET";
	case EOPNOTSUPP:
		return "-EOPNOTSUPP";
	}
	snprintf(number, sizeof(number), "%d", rc);
	return number;
}

/* The server's turn: whatever has come from anybody. */
static void turn(void)
{
	day.serves = true;
	for (int i = 0; i < CLIENTS; i++) {
		struct pollfd p = { .fd = client[i].fd, .events = POLLIN };

		for (int k = 0;
		     k < 1000 && client[i].fd >= 0 && poll(&p, 1, 0) > 0; k++) {
			fed[i] = feed(&dict, &client[i]);
			if (fed[i] < 0) {
				close(client[i].fd);
				client[i].fd = -1;
			}
		}
	}
	day.serves = false;
}

static void connect_all(void)
{
	int end[2];

	memset(&day, 0, sizeof(day));
	memset(&dict, 0, sizeof(dict));
	memset(fed, 0, sizeof(fed));
	for (int i = 0; i < CLIENTS; i++) {
		if (proxy[i].fd > 0)
			close(proxy[i].fd);
		if (client[i].fd > 0)
			close(client[i].fd);
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) < 0)
			err(1, "socketpair");
		proxy[i].fd = end[0];
		memset(&client[i], 0, sizeof(client[i]));
		client[i].fd = end[1];
	}
	day.turn = turn;
	day.alone = true;
}

/* ---- what the frame does by itself, beside the functions above */

static struct request the(enum op op, const char *key, int64_t value)
{
	struct request r = { .op = op, .value = value };

	r.key_length = strlen(key);
	memcpy(r.key, key, r.key_length);
	return r;
}

/* Put a value there, or find it, behind the functions' back. */
static int64_t *place(const char *key)
{
	struct request r = the(GET, key, 0);
	struct entry *e = find(&dict, &r);

	if (!e) {
		e = find_free(&dict);
		e->key_length = r.key_length;
		memcpy(e->key, r.key, r.key_length);
	}
	return &e->value;
}

/* So many bytes of a request, or all. */
static size_t raw(int i, struct request r, size_t from, size_t to)
{
	unsigned char bytes[REQUEST_MOST];
	size_t size = put_request(bytes, &r);

	if (to > size)
		to = size;
	if (send(proxy[i].fd, bytes + from, to - from, MSG_NOSIGNAL) < 0)
		err(1, "send");
	return size;
}

/* The answer that lies there for a client, or "nothing". */
static void hear(int i)
{
	unsigned char bytes[ANSWER];
	int64_t n;
	ssize_t got = recv(proxy[i].fd, bytes, ANSWER, MSG_DONTWAIT);

	if (got == ANSWER) {
		int rc = get_answer(bytes, &n);

		printf("%s, %lld\n", name(rc), (long long)n);
	} else {
		printf("%s\n", got < 0 ? "nothing" : got == 0 ? "end" : "part");
	}
	fflush(stdout);
}

static void say(const char *what, int rc, int64_t result)
{
	if (rc == 0 || rc == -EAGAIN)
		printf("%s: %s, %lld\n", what, name(rc), (long long)result);
	else
		printf("%s: %s\n", what, name(rc));
	fflush(stdout);
}

/* ---- correct: hole 1 */

static void do_one(const char *what, enum op op, const char *key, int64_t value,
		   int64_t old)
{
	struct request r = the(op, key, value);
	int64_t result = 0;
	int rc;

	r.old = old;
	rc = dict_do(&dict, &r, &result);
	say(what, rc, op == SET ? 0 : result);
}

static void run_dict(void)
{
	do_one("get a", GET, "a", 0, 0);
	do_one("a = 5", SET, "a", 5, 0);
	do_one("ab = 6", SET, "ab", 6, 0);
	do_one("a = 7", SET, "a", 7, 0);
	do_one("get a", GET, "a", 0, 0);
	do_one("pop a", POP, "a", 0, 0);
	do_one("pop a", POP, "a", 0, 0);
	do_one("get ab", GET, "ab", 0, 0);
	do_one("a 99th operation", 99, "ab", 0, 0);
}

static void run_add(void)
{
	do_one("add 1 to nothing", ADD, "a", 1, 0);
	do_one("get a", GET, "a", 0, 0);
	do_one("a = 5", SET, "a", 5, 0);
	do_one("add 3", ADD, "a", 3, 0);
	do_one("add -10", ADD, "a", -10, 0);
	do_one("a = the most", SET, "a", INT64_MAX, 0);
	do_one("add 1", ADD, "a", 1, 0);
	do_one("get a", GET, "a", 0, 0);
}

static void run_cas(void)
{
	do_one("from 0, nothing there", CAS, "a", 1, 0);
	do_one("get a", GET, "a", 0, 0);
	do_one("a = 5", SET, "a", 5, 0);
	do_one("from 5 to 6", CAS, "a", 6, 5);
	do_one("from 5 to 7", CAS, "a", 7, 5);
	do_one("get a", GET, "a", 0, 0);
}

static void run_full(void)
{
	char key[8];
	int64_t result;
	struct request r;

	for (int i = 0; i < ENTRIES; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		r = the(SET, key, i);
		if (dict_do(&dict, &r, &result) < 0) {
			printf("%d places, and no more\n", i);
			return;
		}
	}
	do_one("one more", SET, "more", 1, 0);
	do_one("k7 = 70", SET, "k7", 70, 0);
	do_one("pop k9", POP, "k9", 0, 0);
	do_one("one more", SET, "more", 1, 0);
	do_one("get k7", GET, "k7", 0, 0);
}

/* ---- correct: holes 2 and 3 */

static const char long_key[] =
	"a key of 64 bytes, which is as long as a key may be, ends here: ";

/* Some requests of one client, one after the other. */
static bool conversation(void)
{
	static const struct {
		enum op op;
		const char *key;
		int64_t value, expect;
		int rc;
	} v[] = {
		{ GET, "a", 0, 0, -ENOENT },
		{ SET, "a", 5, 5, 0 },
		{ SET, long_key, -1234567890123, 0, 0 },
		{ ADD, "a", 37, 42, 0 },
		{ GET, long_key, 0, -1234567890123, 0 },
		{ POP, "a", 0, 42, 0 },
		{ ADD, "a", 1, 0, -ENOENT },
	};
	int64_t result;
	int rc;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		result = 0;
		rc = proxy_do(&proxy[0], v[i].op, v[i].key, v[i].value,
			      &result);
		if (rc == v[i].rc &&
		    (rc < 0 || v[i].op == SET || result == v[i].expect))
			continue;
		printf("request %zu: %s, %lld instead of %s, %lld\n", i + 1,
		       name(rc), (long long)result, name(v[i].rc),
		       (long long)v[i].expect);
		return false;
	}
	return true;
}

static void run_talk(void)
{
	if (conversation())
		printf("7 requests: right\n");
}

/* The same with small pieces and interruptions. */
static bool torn(size_t piece, unsigned eintr)
{
	bool good;

	connect_all();
	day.piece = piece;
	day.eintr = eintr;
	day.sends_turn = true;
	good = conversation();
	if (!good)
		printf("with calls that take %zu bytes%s\n", piece,
		       eintr ? ", and interruptions" : "");
	return good;
}

static void run_torn(void)
{
	for (size_t piece = 1; piece <= 30; piece++)
		if (!torn(piece, 0))
			return;
	printf("calls that take 1 to 30 bytes: right\n");
}

static void run_interrupted(void)
{
	if (torn(0, 2) && torn(0, 3) && torn(7, 2))
		printf("interrupted calls: right\n");
}

/* Ten requests and a half, at once. */
static void run_glued(void)
{
	*place("a") = 0;
	for (int i = 1; i <= 10; i++)
		raw(0, the(ADD, "a", i), 0, SIZE_MAX);
	raw(0, the(ADD, "a", -1000), 0, 10);
	turn();
	for (int i = 1; i <= 11; i++)
		hear(0);
	raw(0, the(ADD, "a", -1000), 10, SIZE_MAX);
	turn();
	hear(0);
}

/* Half a request of one; the others are served. */
static void run_halves(void)
{
	*place("a") = 0;
	raw(0, the(ADD, "a", 1), 0, 3);
	turn();
	raw(1, the(ADD, "a", 1), 0, 22);
	turn();
	raw(2, the(ADD, "a", 1), 0, 7);
	turn();
	raw(0, the(ADD, "a", 1), 3, 15);
	turn();
	for (int i = 0; i < CLIENTS; i++)
		hear(i);
	raw(2, the(ADD, "a", 1), 7, SIZE_MAX);
	turn();
	raw(0, the(ADD, "a", 1), 15, SIZE_MAX);
	turn();
	for (int i = 0; i < CLIENTS; i++)
		hear(i);
}

static void run_nonsense(void)
{
	static const unsigned char bytes[][30] = { { 0, 0, 0, 0 },
						   { 0, 0, 0, HEAD - 4 },
						   { 255, 255, 255, 255 } };

	*place("a") = 5;
	for (int i = 0; i < 3; i++) {
		connect_all();
		*place("a") = 5;
		raw(0, the(GET, "a", 0), 0, SIZE_MAX);
		if (send(proxy[0].fd, bytes[i], sizeof(bytes[i]), 0) < 0)
			err(1, "send");
		turn();
		printf("feed: %s\n", name(fed[0]));
		raw(1, the(GET, "a", 0), 0, SIZE_MAX);
		turn();
		hear(1);
	}
}

/* A client goes: with nothing open, in a request, and ahead of its answer. */
static void run_gone(void)
{
	*place("a") = 5;
	shutdown(proxy[0].fd, SHUT_RDWR);
	turn();
	printf("after nothing: %s\n", name(fed[0]));
	raw(1, the(ADD, "a", 1), 0, 10);
	turn();
	close(proxy[1].fd);
	turn();
	proxy[1].fd = -1;
	printf("in a request: %s\n", name(fed[1]));
	fflush(stdout);
	raw(2, the(ADD, "a", 1), 0, SIZE_MAX);
	close(proxy[2].fd);
	proxy[2].fd = -1;
	turn();
	printf("ahead of its answer: %s\n", name(fed[2]));
	printf("a is %lld\n", (long long)*place("a"));
}

static void run_deaf(void)
{
	*place("a") = 5;
	day.full = true;
	raw(0, the(GET, "a", 0), 0, SIZE_MAX);
	turn();
	printf("feed: %s\n", name(fed[0]));
	day.full = false;
	raw(1, the(GET, "a", 0), 0, SIZE_MAX);
	turn();
	hear(1);
}

/* The server goes, with a request unread, or read, or answered in part. */
static int read_by_server, answered;

static void server_goes(void)
{
	unsigned char bytes[REQUEST_MOST] = { 0 };

	if (client[0].fd < 0)
		return;
	if (read_by_server && recv(client[0].fd, bytes, sizeof(bytes), 0) < 0)
		err(1, "recv");
	memset(bytes, 0, sizeof(bytes));
	if (answered && send(client[0].fd, bytes, 5, MSG_NOSIGNAL) < 0)
		err(1, "send");
	close(client[0].fd);
	client[0].fd = -1;
}

static void run_dead(void)
{
	static const char *const what[] = { "with the request unread",
					    "ahead of the answer",
					    "in the answer" };
	int64_t result = 0;

	server_goes();
	say("before the request", proxy_do(&proxy[0], GET, "a", 0, &result), 0);
	for (int i = 0; i < 3; i++) {
		connect_all();
		read_by_server = i > 0;
		answered = i > 1;
		day.turn = server_goes;
		say(what[i], proxy_do(&proxy[0], GET, "a", 0, &result), 0);
	}
}

/* ---- correct: hole 4 */

static int asked;  /* requests so far */
static int rivals; /* the requests from the second on that come too late */

static void rival(void)
{
	if (++asked > 1 && asked <= 1 + rivals)
		*place("a") += 10;
}

static int64_t twice(int64_t n)
{
	return 2 * n;
}

static void run_update(void)
{
	int64_t result = 0;
	int rc;

	rc = proxy_update(&proxy[0], "a", twice, &result);
	say("nothing there", rc, result);
	*place("a") = 21;
	rc = proxy_update(&proxy[0], "a", twice, &result);
	say("21, twice", rc, result);
	say("then", proxy_do(&proxy[0], GET, "a", 0, &result), result);
	server_goes();
	rc = proxy_update(&proxy[0], "a", twice, &result);
	say("the server has gone", rc, result);
}

/* The number of its requests, if it came to the expected value. */
static int update_against(int how_many, int64_t from, int64_t expect)
{
	int64_t result = 0;
	int rc;

	connect_all();
	*place("a") = from;
	asked = 0;
	rivals = how_many;
	day.rival = rival;
	rc = proxy_update(&proxy[0], "a", twice, &result);
	day.rival = NULL;
	if (rc == 0 && result == expect && *place("a") == expect)
		return asked;
	printf("1 at first, %d times 10 more in between: %s, %lld; "
	       "in the dict: %lld\n",
	       how_many, name(rc), (long long)result, (long long)*place("a"));
	return -1;
}

static void run_rivals(void)
{
	if (update_against(0, 1, 2) > 0 && update_against(1, 1, 22) > 0 &&
	    update_against(3, 1, 62) > 0)
		printf("0, 1 and 3 rivals: right\n");
}

static int64_t one_more(int64_t n)
{
	return n + 1;
}

/* 300 updates and 300 additions, on a bad day. */
static int a_client(int i)
{
	int64_t result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int k = 0; k < CLIENTS; k++) {
		close(client[k].fd);
		if (k != i)
			close(proxy[k].fd);
	}
	for (int k = 0; k < 300; k++)
		if (proxy_update(&proxy[i], "a", one_more, &result) < 0 ||
		    proxy_do(&proxy[i], ADD, "a", 1, &result) < 0)
			return 1;
	return 0;
}

static void run_two(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), left = 2;
	struct epoll_event e;

	*place("a") = 0;
	day.turn = NULL;
	day.alone = false;
	day.piece = 9;
	day.eintr = 5;
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			_exit(a_client(i));
		e = (struct epoll_event){ EPOLLIN, { .u32 = (uint32_t)i } };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, client[i].fd, &e) < 0)
			err(1, "epoll_ctl");
	}
	for (int i = 0; i < 2; i++)
		close(proxy[i].fd);
	day.serves = true;
	while (left > 0 && epoll_wait(ep, &e, 1, -1) > 0)
		if (feed(&dict, &client[e.data.u32]) < 0) {
			close(client[e.data.u32].fd);
			left--;
		}
	while (wait(NULL) > 0)
		;
	printf("two processes, 600 times 1 more each: %lld\n",
	       (long long)*place("a"));
}

/* ---- counted */

static void thousand(void)
{
	int64_t result;

	*place("a") = 0;
	for (int i = 0; i < 1000; i++)
		if (proxy_do(&proxy[0], ADD, "a", 1, &result) < 0 ||
		    result != i + 1) {
			printf("the result was wrong\n");
			exit(0);
		}
}

static void count_client(void)
{
	thousand();
	printf("%ld %ld\n", day.sends[0], day.receives[0]);
}

static void count_server(void)
{
	thousand();
	printf("%ld %ld\n", day.receives[1], day.sends[1]);
}

static void count_together(void)
{
	*place("a") = 0;
	for (int i = 1; i <= 10; i++)
		raw(0, the(ADD, "a", i), 0, SIZE_MAX);
	turn();
	printf("%ld %ld\n", day.receives[1], day.sends[1]);
}

static void count_update(void)
{
	int alone = update_against(0, 1, 2), beside = update_against(1, 1, 22);

	if (alone > 0 && beside > 0)
		printf("%d %d\n", alone, beside);
}

/* Sleeps, and calls of recv, when the answer comes in 100 ms. */
static void wait_for_answer(bool sleeps)
{
	struct rusage before, after;
	int64_t result = 0;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		unsigned char bytes[REQUEST_MOST];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (recv(client[0].fd, bytes, sizeof(bytes), 0) <= 0)
			_exit(1);
		usleep(100000);
		put_answer(bytes, 0, 42);
		_exit(send(client[0].fd, bytes, ANSWER, 0) != ANSWER);
	}
	day.turn = NULL;
	day.alone = false;
	getrusage(RUSAGE_SELF, &before);
	if (proxy_do(&proxy[0], GET, "a", 0, &result) < 0 || result != 42)
		printf("the result was wrong\n");
	getrusage(RUSAGE_SELF, &after);
	printf("%ld\n",
	       sleeps ? after.ru_nvcsw - before.ru_nvcsw : day.receives[0]);
	waitpid(pid, NULL, 0);
}

static void count_sleeps(void)
{
	wait_for_answer(true);
}

static void count_looks(void)
{
	wait_for_answer(false);
}

/* ---- fast */

static void my_turn(void)
{
	day.serves = true;
	feed(&dict, &client[0]);
	day.serves = false;
}

/* The reference: nothing comes in pieces, and nothing fails. */
static void reference_turn(void)
{
	unsigned char bytes[ROOM];
	struct request r;
	struct entry *e;

	day.serves = true;
	if (day_recv(client[0].fd, bytes, ROOM, MSG_DONTWAIT) <= 0 ||
	    get_request(bytes, ROOM, &r) <= 0 || !(e = find(&dict, &r)))
		errx(1, "no request");
	e->value += r.value;
	put_answer(bytes, 0, e->value);
	day_send(client[0].fd, bytes, ANSWER, MSG_DONTWAIT | MSG_NOSIGNAL);
	day.serves = false;
}

static int64_t reference_add(void)
{
	unsigned char bytes[REQUEST_MOST];
	struct request r = the(ADD, "a", 1);
	int64_t result = 0;

	day_send(proxy[0].fd, bytes, put_request(bytes, &r), MSG_NOSIGNAL);
	if (day_recv(proxy[0].fd, bytes, ANSWER, 0) == ANSWER)
		get_answer(bytes, &result);
	return result;
}

/* Nanoseconds for 100 additions. */
static void bench(bool mine, int rounds)
{
	struct timespec begin, end;
	int64_t result = 0;

	connect_all();
	*place("a") = 0;
	day.alone = false;
	day.turn = mine ? my_turn : reference_turn;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < rounds * 100; i++)
		if (mine && proxy_do(&proxy[0], ADD, "a", 1, &result) < 0)
			break;
		else if (!mine)
			result = reference_add();
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (result != rounds * 100)
		errx(1, "the result was wrong");
	printf("%lld\n", ((end.tv_sec - begin.tv_sec) * 1000000000LL +
			  end.tv_nsec - begin.tv_nsec) /
				 rounds);
}

/* ---- the command line */

static const struct {
	const char *mode, *name;
	void (*function)(void);
} scenarios[] = {
	{ "run", "dict", run_dict },
	{ "run", "add", run_add },
	{ "run", "cas", run_cas },
	{ "run", "full", run_full },
	{ "run", "talk", run_talk },
	{ "run", "torn", run_torn },
	{ "run", "interrupted", run_interrupted },
	{ "run", "glued", run_glued },
	{ "run", "halves", run_halves },
	{ "run", "nonsense", run_nonsense },
	{ "run", "gone", run_gone },
	{ "run", "deaf", run_deaf },
	{ "run", "dead", run_dead },
	{ "run", "update", run_update },
	{ "run", "rivals", run_rivals },
	{ "run", "two", run_two },
	{ "count", "client", count_client },
	{ "count", "server", count_server },
	{ "count", "together", count_together },
	{ "count", "update", count_update },
	{ "count", "sleeps", count_sleeps },
	{ "count", "looks", count_looks },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

int main(int argc, char *argv[])
{
	int rounds = argc > 3 ? atoi(argv[3]) : 1000;

	if (argc > 2 && strcmp(argv[1], "--bench") == 0 && rounds > 0 &&
	    (!strcmp(argv[2], "mine") || !strcmp(argv[2], "reference"))) {
		bench(argv[2][0] == 'm', rounds);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < SCENARIOS; i++)
		if (strcmp(argv[1], scenarios[i].mode) == 0 &&
		    strcmp(argv[2], scenarios[i].name) == 0) {
			connect_all();
			scenarios[i].function();
			return 0;
		}
	fprintf(stderr, "usage: %s --bench mine|reference [ROUNDS]\n", argv[0]);
	for (size_t i = 0; i < SCENARIOS; i++)
		fprintf(stderr, "       %s %s %s\n", argv[0], scenarios[i].mode,
			scenarios[i].name);
	return 2;
}
