/* A server with an epoll loop of its own: no call waits, no descriptor is ready
 * for nothing, and half a message is kept until its other half.
 */
#include "mp/listener.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "mp/auth.h"
#include "sockets.h"

#define KEY "peekaboo"

static const struct mp_listener_options keyed = { .authkey = KEY,
						  .authkey_length =
							  sizeof(KEY) - 1 };
static char path[64], message[1 << 20], buf[1 << 20];
static struct mp_listener l;
static _Atomic int *step;

/* ---- the server: it sends back what comes ---- */

enum { GUESTS = 16 };

static struct guest {
	struct mp_conn c;
	char *data; /* of the message under way; NULL: none */
	size_t length;
	bool sending; /* back; else receiving */
} guests[GUESTS];

static int loop, open_guests, ended, answered, idle;

static void watch(struct guest *g, int how, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = g };
	int fd = g != NULL ? mp_conn_fileno(&g->c) : mp_listener_fileno(&l);

	if (epoll_ctl(loop, how, fd, &e) < 0)
		err(1, "epoll_ctl");
}

static void leave(struct guest *g)
{
	watch(g, EPOLL_CTL_DEL, 0);
	mp_conn_close(&g->c);
	free(g->data);
	g->data = NULL;
	g->sending = false;
	open_guests--;
	ended++;
}

/* How far the message under way is. */
static uint64_t so_far(const struct guest *g)
{
	const struct mp_stream *s = g->c.stream;

	return s->head_have + s->have + s->out_done + s->whole;
}

static void send_back(struct guest *g)
{
	int error = mp_conn_send(&g->c, g->data, g->length, 0);

	if (error == -ETIMEDOUT) {
		if (!g->sending)
			watch(g, EPOLL_CTL_MOD, EPOLLOUT);
		g->sending = true;
		return;
	}
	if (error < 0) {
		leave(g);
		return;
	}
	if (g->sending)
		watch(g, EPOLL_CTL_MOD, EPOLLIN);
	g->sending = false;
	free(g->data);
	g->data = NULL;
	answered++;
}

static void receive(struct guest *g)
{
	size_t n = 0;
	int error = 0;

	if (g->data == NULL) {
		error = mp_conn_recv(&g->c, NULL, 0, 0, &n);
		if (error == 0 || error == -EMSGSIZE) {
			if (n > sizeof(message)) {
				leave(g); /* nobody has so much to say */
				return;
			}
			g->length = n;
			g->data = malloc(n + 1);
		}
	}
	if (error == -EMSGSIZE || (error == 0 && g->length > 0))
		error = mp_conn_recv(&g->c, g->data, g->length, 0, &n);
	if (error == 0)
		send_back(g);
	else if (error != -ETIMEDOUT)
		leave(g);
}

/* All that wait to be let in. */
static int admit(void)
{
	struct guest *g = guests;
	int error;

	for (;;) {
		while (g->c.stream != NULL)
			g++;
		error = mp_listener_accept(&l, &g->c, 0);
		if (error < 0)
			return error;
		watch(g, EPOLL_CTL_ADD, EPOLLIN);
		open_guests++;
	}
}

/* Do what there is to do within this time; how many descriptors were ready. */
static int turn(int timeout_ms)
{
	struct epoll_event e[GUESTS + 1];
	int n = epoll_wait(loop, e, GUESTS + 1, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct guest *g = e[i].data.ptr;
		uint64_t before = g != NULL ? so_far(g) : 0;
		int left = ended + answered;

		if (g == NULL) {
			admit();
			continue;
		}
		if (g->sending)
			send_back(g);
		else
			receive(g);
		if (left == ended + answered && so_far(g) == before)
			idle++;
	}
	return n;
}

/* Is nothing ready, once all is done?  What comes over TCP may take a while. */
static int quiet(void)
{
	for (int i = 0; i < 100; i++)
		if (turn(20) == 0)
			return 1;
	return 0;
}

static void open_server(const char *where)
{
	is(mp_listener_init(&l, where, &keyed), 0, "a server at %s", where);
	for (int i = 0; i < GUESTS; i++)
		guests[i].c = (struct mp_conn){ .fd = -1 };
	loop = epoll_create1(EPOLL_CLOEXEC);
	watch(NULL, EPOLL_CTL_ADD, EPOLLIN);
	open_guests = ended = idle = 0;
	ok(quiet(), "quiet while nobody comes");
}

static void close_server(void)
{
	while (open_guests > 0)
		turn(1000);
	ok(quiet(), "quiet when all have left");
	is(idle, 0, "never ready for nothing");
	close(loop);
	mp_listener_close(&l);
}

#define serve_until(condition) await((turn(1), condition))

/* ---- clients ---- */

static int asks(long number)
{
	static const size_t sizes[] = { 0,    1,      5,
					4096, 300000, sizeof(message),
					0,    70000 };
	struct mp_conn c;
	int error = mp_client_connect(&c, l.address, &keyed, LONG);
	size_t n;

	for (long i = number; error == 0 && i < number + 8; i++) {
		error = mp_conn_send(&c, message, sizes[i % 8], LONG);
		if (error == 0)
			error = mp_conn_recv(&c, buf, sizeof(buf), LONG, &n);
		if (error == 0 &&
		    (n != sizes[i % 8] || memcmp(buf, message, n) != 0))
			error = 1;
	}
	mp_conn_close(&c);
	return error;
}

/* Says a message in three parts, each when it is told to. */
static int halting(long unused)
{
	struct mp_conn c;
	int error = mp_client_connect(&c, l.address, &keyed, LONG);
	size_t n;

	(void)unused;
	if (error < 0)
		return error;
	await(atomic_load(step) == 1);
	SAY(c.fd, "\0\0\0");
	atomic_store(step, 2);
	await(atomic_load(step) == 3);
	SAY(c.fd, "\11hel");
	atomic_store(step, 4);
	await(atomic_load(step) == 5);
	SAY(c.fd, "lo all");
	error = mp_conn_recv(&c, buf, sizeof(buf), LONG, &n);
	mp_conn_close(&c);
	return error != 0 || n != 9 || memcmp(buf, "hello all", 9) != 0;
}

/* Sends a lot, and reads what comes back only when told to. */
static int deaf(long unused)
{
	struct mp_conn c;
	int error = mp_client_connect(&c, l.address, &keyed, LONG), got;
	size_t n;

	(void)unused;
	while ((error == 0 || error == -ETIMEDOUT) && atomic_load(step) == 0)
		error = mp_conn_send(&c, message, sizeof(message), 20 * MS);
	while (error == -ETIMEDOUT) {
		got = mp_conn_recv(&c, buf, sizeof(buf), 20 * MS, &n);
		if (got == 0 &&
		    (n != sizeof(message) || memcmp(buf, message, n)))
			return 1;
		if (got != 0 && got != -ETIMEDOUT)
			return got;
		error = mp_conn_send(&c, message, sizeof(message), 20 * MS);
	}
	mp_conn_close(&c);
	return error;
}

/* ---- the tests ---- */

static void many_sizes(void)
{
	enum { N = 6 };
	pid_t pid[N];
	int bad = 0;

	for (int i = 0; i < N; i++)
		pid[i] = start(asks, i);
	serve_until(ended == N);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "%d clients are served", N);
}

static void half_and_half(void)
{
	pid_t pid, other;
	int before = ended;

	atomic_store(step, 0);
	pid = start(halting, 0);
	serve_until(open_guests == 1);
	ok(quiet(), "quiet while a client is silent");
	for (int i = 1; i <= 3; i += 2) {
		atomic_store(step, i);
		serve_until(atomic_load(step) == i + 1);
		ok(quiet(), "quiet with %d bytes of a message", i == 1 ? 3 : 7);
	}
	other = start(asks, 5);
	serve_until(ended == before + 1);
	is(end_of(other), 0, "another client is served meanwhile");
	atomic_store(step, 5);
	serve_until(ended == before + 2);
	is(end_of(pid), 0, "then it is, too");
}

static bool one_is_stuck(void)
{
	for (int i = 0; i < GUESTS; i++)
		if (guests[i].c.stream != NULL && guests[i].sending)
			return true;
	return false;
}

/* The answer does not go out: who waits for room is watched, and quiet. */
static void not_read(void)
{
	pid_t pid;
	int before = ended;

	atomic_store(step, 0);
	pid = start(deaf, 0);
	serve_until(one_is_stuck() && quiet() && one_is_stuck());
	ok(1, "quiet while a client does not read its answer");
	atomic_store(step, 1);
	serve_until(ended == before + 1);
	is(end_of(pid), 0, "then it reads all, and goes on");
}

static int speaks(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* What hangs about in the listener makes no noise either. */
static void at_the_door(void)
{
	struct rlimit old, none;
	uint64_t before = l.refused;
	int fd = bare_client(l.address), door = mp_listener_fileno(&l), error;
	int64_t begin;

	serve_until(speaks(fd));
	ok(quiet(), "quiet when one has been asked for the key");
	SAY(fd, "\0\0\0\50{sha");
	ok(quiet(), "with half an answer");
	close(fd);
	serve_until(l.refused == before + 1);
	ok(quiet(), "and when it is gone");

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	fd = bare_client(l.address);
	none.rlim_cur = 0;
	await(speaks(door));
	begin = mp_clock_now();
	setrlimit(RLIMIT_NOFILE, &none);
	error = admit();
	setrlimit(RLIMIT_NOFILE, &old);
	is(error, -EMFILE, "one comes, and no descriptor is free");
	ok(!speaks(door) || mp_clock_now() - begin >= 100 * MS,
	   "quiet, though it waits");
	await(speaks(door));
	ok(mp_clock_now() - begin >= 100 * MS, "for a tenth of a second");
	serve_until(speaks(fd));
	ok(1, "then it is asked for the key");
	close(fd);
	serve_until(l.refused == before + 2);
}

/* The length decides, before a byte of the message is read. */
static void too_long(void)
{
	struct mp_conn a, b;
	size_t n = 0;

	conn_pair(&a, &b);
	SAY(a.fd, "\377\377\377\377\177\377\377\377\377\377\377\377abc");
	for (int i = 0; i < 3; i++)
		is(mp_conn_recv(&b, buf, (size_t)i, 0, &n), -EMSGSIZE,
		   "a length of 2^63 - 1");
	is((long long)n, INT64_MAX, "is only told");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* What is there of a message may move with its buffer, and the pieces may be
 * cut in another way. */
static void other_buffers(void)
{
	struct iovec halves[2] = { { message, 300000 },
				   { message + 300000,
				     sizeof(message) - 300000 } };
	struct mp_conn a, b;
	int sent = -ETIMEDOUT, got = -ETIMEDOUT, turns = 0, bad = 0;
	char *p = malloc(sizeof(message));
	size_t n = 0;

	conn_pair(&a, &b);
	for (; got == -ETIMEDOUT && turns < 100000; turns++) {
		if (sent == -ETIMEDOUT)
			sent = turns % 2 ? mp_conn_sendv(&a, halves, 2, 0)
					 : mp_conn_send(&a, message,
							sizeof(message), 0);
		got = mp_conn_recv(&b, turns == 0 ? NULL : p,
				   turns == 0 ? 0 : sizeof(message), 0, &n);
		if (got == -EMSGSIZE && turns == 0)
			got = -ETIMEDOUT;
		bad += n != sizeof(message);
		p = realloc(p, sizeof(message) + (size_t)turns * 4096);
	}
	ok(sent == 0 && got == 0 && bad == 0 && turns > 3 &&
		   memcmp(p, message, sizeof(message)) == 0,
	   "a buffer that moves, pieces that change: the same message");
	free(p);
	mp_conn_close(&a);
	mp_conn_close(&b);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Who does not sleep is not interrupted. */
static void signals(void)
{
	static const struct itimerval often = { { 0, 50 }, { 0, 50 } }, never;
	struct mp_conn a, b;
	int bad = 0;
	size_t n;

	conn_pair(&a, &b);
	while (mp_conn_send(&a, message, sizeof(message), 0) == 0)
		;
	handle(SIGALRM, on_alarm, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 20000; i++) {
		bad += mp_conn_send(&a, message, sizeof(message), 0) !=
		       -ETIMEDOUT;
		bad += mp_conn_recv(&a, buf, sizeof(buf), 0, &n) != -ETIMEDOUT;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	is(bad, 0, "a timeout of 0 knows nothing of signals");
	mp_conn_close(&a);
	mp_conn_close(&b);
}

static void all(const char *where)
{
	open_server(where);
	many_sizes();
	half_and_half();
	not_read();
	at_the_door();
	close_server();
}

int main(void)
{
	int before = tap_descriptors();

	step = share(4096);
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)(i * i >> 3);
	too_long();
	other_buffers();
	signals();
	if (mp_auth_supported()) {
		snprintf(path, sizeof(path), "@rawmp-test-%d", (int)getpid());
		all(path);
		all("tcp:0");
	} else {
		tap_skip("a server", "built without nettle");
	}
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
