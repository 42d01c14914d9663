/* One side of a connection over a socket is killed before and after each of its
 * system calls: while it connects or accepts, in the challenge, in the middle
 * of a message, between a message and its descriptor.  The other side gets what
 * was sent completely, then an error; it hangs nowhere, what it has can be
 * closed, and the listener serves the next client.
 *
 * The client sends a number, a long message and a descriptor; the server sends
 * a long one back; the client sends a last number. */
#include "mp/auth.h"
#include "mp/eventfd.h"
#include "mp/listener.h"
#include "stepper.h"
#include "tap.h"

#define BIG    (1 << 20) /* more than the socket takes at once */
#define LIMIT  LONG
#define STOPS  2000
#define WHOLE  5 /* steps of a conversation */
#define NUMBER 77
#define SHOWN  3

/* How far the first client and the next one are in their conversations, and how
 * far the server is with each: both sides have the same steps. */
enum { FIRST, NEXT };

struct shared {
	_Atomic int client[2], server[2];
	_Atomic int resets; /* messages that were cut off, at all stops */
};
static struct shared *s;

static struct mp_listener listener;
static char address[64];
static int with_key;

static const struct mp_listener_options *options(void)
{
	static const struct mp_listener_options o = { .authkey = "peekaboo",
						      .authkey_length = 8 };

	return with_key ? &o : NULL;
}

/* ---- messages: each side calls these in turn, 0 or an error ---- */

static unsigned char out[BIG], in[BIG];

static unsigned char byte_of(int message, int i)
{
	return (unsigned char)(message * 31 + i / 5);
}

/* Only who receives is told of a message that was cut off. */
static int sent(int error)
{
	return error == -ECONNRESET ? -EIO : error;
}

static int send_bytes(struct mp_conn *c, int message)
{
	for (int i = 0; i < BIG; i++)
		out[i] = byte_of(message, i);
	return sent(mp_conn_send(c, out, BIG, LIMIT));
}

static int recv_bytes(struct mp_conn *c, int message)
{
	size_t n = 0;
	int error = mp_conn_recv(c, in, sizeof(in), LIMIT, &n);

	if (error < 0)
		return error;
	for (int i = 0; i < BIG; i++)
		if (n != BIG || in[i] != byte_of(message, i))
			return -EIO;
	return 0;
}

static int send_descriptor(struct mp_conn *c)
{
	int fd = mp_eventfd_create(NUMBER, 0), error;

	if (fd < 0)
		return fd;
	error = sent(mp_conn_send_fd(c, fd, LIMIT));
	close(fd);
	return error;
}

static int recv_descriptor(struct mp_conn *c)
{
	int fd = mp_conn_recv_fd(c, LIMIT), error;
	uint64_t number = 0;

	if (fd < 0)
		return fd;
	error = mp_eventfd_wait(fd, 0, &number);
	close(fd);
	return error < 0 || number != NUMBER ? -EIO : 0;
}

/* ---- the two sides ---- */

static int note(_Atomic int *steps, int error)
{
	if (error == 0)
		atomic_fetch_add(steps, 1);
	return error;
}

static int send_who(struct mp_conn *c, int who)
{
	return sent(mp_conn_send(c, &who, sizeof(who), LIMIT));
}

static int as_client(struct mp_conn *c, int who)
{
	_Atomic int *steps = &s->client[who];
	int error;

	error = note(steps, send_who(c, who));
	if (error == 0)
		error = note(steps, send_bytes(c, 2));
	if (error == 0)
		error = note(steps, send_descriptor(c));
	if (error == 0)
		error = note(steps, recv_bytes(c, 4));
	if (error == 0)
		error = note(steps, send_who(c, who));
	return error;
}

/* *who is the one that spoke, if it did. */
static int as_server(struct mp_conn *c, int *who)
{
	int again = -1, error = mp_conn_recv(c, who, sizeof(*who), LIMIT, NULL);
	_Atomic int *steps = &s->server[*who];

	note(steps, error);
	if (error == 0)
		error = note(steps, recv_bytes(c, 2));
	if (error == 0)
		error = note(steps, recv_descriptor(c));
	if (error == 0)
		error = note(steps, send_bytes(c, 4));
	if (error == 0)
		error = mp_conn_recv(c, &again, sizeof(again), LIMIT, NULL);
	if (error == 0)
		error = note(steps, again == *who ? 0 : -EIO);
	return error;
}

static int is_end(int error)
{
	return error == -EPIPE || error == -ECONNRESET;
}

/* After an end: the end, as often as one asks. */
static int finish(struct mp_conn *c, int error)
{
	atomic_fetch_add(&s->resets, error == -ECONNRESET);
	for (int i = 0; i < 2 && is_end(error); i++)
		if (mp_conn_recv(c, in, sizeof(in), LIMIT, NULL) != -EPIPE ||
		    mp_conn_poll(c, 0) != 1)
			error = -EIO;
	mp_conn_close(c);
	return error;
}

/* ---- processes; what they end with ---- */

static int client(long who)
{
	struct mp_conn c;
	int before, error;

	mp_listener_close(&listener);
	before = tap_descriptors();
	error = mp_client_connect(&c, address, options(), LIMIT);
	if (error == 0)
		error = finish(&c, as_client(&c, (int)who));
	else if (error == -ECONNRESET)
		error = -EIO; /* -EPIPE is the word for it */
	return tap_descriptors() == before ? error : -EMFILE;
}

/* Until this one has been served. */
static int server(long last)
{
	int before = tap_descriptors(), error, who;
	struct mp_conn c;

	do {
		who = FIRST;
		error = mp_listener_accept(&listener, &c, LIMIT);
		if (error < 0)
			return -EIO;
		error = finish(&c, as_server(&c, &who));
	} while (is_end(error) || (error == 0 && who != last));
	if (error == 0 && listener.refused > 1)
		error = -ERANGE;
	mp_listener_close(&listener);
	return tap_descriptors() == before - 3 ? error : -EMFILE;
}

/* ---- the driver ---- */

static void make_listener(void)
{
	static int n;

	memset(s->client, 0, sizeof(s->client));
	memset(s->server, 0, sizeof(s->server));
	snprintf(address, sizeof(address), "@rawmp-kill-%d-%d", (int)getpid(),
		 n++);
	if (mp_listener_init(&listener, address, options()) < 0)
		errx(1, "mp_listener_init");
}

/* The victim, up to its n-th stop: before or after a system call, or asleep in
 * one.  Was that its end? */
static int run_to(struct stepper *v, int n)
{
	int rc = STEPPER_STOPPED;

	for (int i = 0; i < n && rc != STEPPER_ENDED; i++) {
		if (rc == STEPPER_ASLEEP) /* its peer wakes it */
			rc = stepper_settle(v, LIMIT) == -ESRCH
				     ? STEPPER_ENDED
				     : STEPPER_STOPPED;
		else
			rc = stepper_call(v);
	}
	return rc == STEPPER_ENDED;
}

static void client_lives(void *unused)
{
	(void)unused;
	client(FIRST);
}

static void server_lives(void *unused)
{
	(void)unused;
	server(FIRST);
}

static int bad, shown;

#define must(condition, ...)                                         \
	do {                                                         \
		if (!(condition) && bad++ == 0 && shown++ < SHOWN) { \
			printf("# killed at stop %d: ", stop);       \
			printf(__VA_ARGS__);                         \
			printf(" (%s)\n", #condition);               \
		}                                                    \
	} while (0)

/* The survivor has what the victim sent, and not much more. */
static void compare(int stop, int victims, int survivors)
{
	must(survivors >= victims, "%d steps of the dead, %d of the other",
	     victims, survivors);
	must(survivors <= victims + 2, "%d steps of the dead, %d of the other",
	     victims, survivors);
}

static int kill_client(int stop)
{
	struct stepper v;
	pid_t pid, next;
	int over, rc;

	make_listener();
	pid = start(server, NEXT);
	if (stepper_start(&v, client_lives, NULL) < 0)
		errx(1, "ptrace: no longer allowed");
	over = run_to(&v, stop);
	stepper_kill(&v);
	next = start(client, NEXT);
	rc = end_of(next);
	must(rc == 0, "the next client: %d", rc);
	rc = end_of(pid);
	must(rc == 0, "the server: %d", rc);
	must(s->server[NEXT] == WHOLE, "the next: %d steps", s->server[NEXT]);
	compare(stop, s->client[FIRST], s->server[FIRST]);
	must(!over || s->server[FIRST] == WHOLE, "all was served");
	mp_listener_close(&listener);
	return over;
}

static int kill_server(int stop)
{
	struct stepper v;
	int over, rc;
	pid_t pid;

	make_listener();
	if (stepper_start(&v, server_lives, NULL) < 0)
		errx(1, "ptrace: no longer allowed");
	pid = start(client, FIRST);
	mp_listener_close(&listener);
	over = run_to(&v, stop);
	stepper_kill(&v);
	rc = end_of(pid);
	must(is_end(rc) || rc == -ECONNREFUSED ||
		     (rc == 0 && s->client[FIRST] == WHOLE),
	     "the client: %d", rc);
	must(!over || rc == 0, "the client of one that ended: %d", rc);
	compare(stop, s->server[FIRST], s->client[FIRST]);
	rc = end_of(start(client, NEXT));
	must(rc == -ECONNREFUSED, "the next client: %d", rc);
	return over;
}

static void tell(const char *what, int key, int (*kill_at)(int stop))
{
	int64_t begin = mp_clock_now();
	int bad_stops = 0, stop = 0, over = 0;

	if (key && !mp_auth_supported()) {
		tap_skip(what, "built without nettle: no authkeys");
		return;
	}
	with_key = key;
	s->resets = 0;
	for (shown = 0; !over && stop < STOPS && bad_stops < SHOWN; stop++) {
		bad = 0;
		over = kill_at(stop);
		bad_stops += bad != 0;
	}
	ok(bad_stops == 0 && over, "%s", what);
	ok(s->resets > 0, "some messages were cut off");
	printf("# %d stops, %d messages cut off, %.2f s\n", stop, s->resets,
	       (double)(mp_clock_now() - begin) / 1e9);
	fflush(stdout);
}

int main(void)
{
	int before = tap_descriptors();

	s = share(sizeof(*s));
	stepper_one_cpu();
	if (stepper_allowed() < 0) {
		tap_skip("kill at every system call",
			 "no process may be traced here (ptrace)");
		return tap_done();
	}
	tell("the client is killed", 0, kill_client);
	tell("the server is killed", 0, kill_server);
	tell("the client is killed, with a challenge", 1, kill_client);
	tell("the server is killed, with a challenge", 1, kill_server);
	is(tap_descriptors(), before, "no descriptor is left");
	return tap_done();
}
