/* Listeners and clients that mean well; the others: listener-hostile.c. */
#include "mp/listener.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "mp/auth.h"
#include "sockets.h"
#include "stepper.h"

#define KEY "peekaboo"

static const struct mp_listener_options plain,
	keyed = { .authkey = KEY, .authkey_length = sizeof(KEY) - 1 };
static const struct mp_listener_options *o; /* the one in use */
static char directory[64], path[96];
static struct mp_listener l;

static int mode_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? -errno : (int)(st.st_mode & 0777);
}

/* ---- children ---- */

static const char *address;

/* Connect, say a number, and hear one more. */
static int asks(long number)
{
	struct mp_conn c;
	int error = mp_client_connect(&c, address, o, LONG), got = 0;

	if (error == 0)
		error = mp_conn_send(&c, &number, sizeof(number), LONG);
	if (error == 0)
		error = mp_conn_recv(&c, &got, sizeof(got), LONG, NULL);
	mp_conn_close(&c);
	return error < 0 ? error : got != (int)number + 1;
}

static int answer(struct mp_conn *c)
{
	long number;
	int next, error;

	error = mp_conn_recv(c, &number, sizeof(number), LONG, NULL);
	next = (int)number + 1;
	if (error == 0)
		error = mp_conn_send(c, &next, sizeof(next), LONG);
	mp_conn_close(c);
	return error;
}

static int serve(int clients)
{
	struct mp_conn c;
	int bad = 0;

	for (int i = 0; i < clients; i++)
		if (mp_listener_accept(&l, &c, LONG) < 0 || answer(&c) < 0)
			bad++;
	return bad;
}

static int meet(void)
{
	pid_t pid;
	int bad;

	address = l.address;
	pid = start(asks, 41);
	bad = serve(1);
	return bad || end_of(pid) != 0 ? -1 : 0;
}

/* ---- addresses ---- */

static void paths(void)
{
	struct mp_listener second;
	mode_t old;
	int fd;

	old = umask(0);
	is(mp_listener_init(&l, path, &plain), 0, "a path");
	is(mode_of(path), 0600, "for this user only, whatever the umask");
	ok(strcmp(l.address, path) == 0, "the address is told");
	is(meet(), 0, "a client finds it");
	is(mp_listener_init(&second, path, &plain), -EADDRINUSE, "taken");
	is(mp_listener_close(&second), 0, "what failed may be closed");
	is(mode_of(path), 0600, "the path is still there");
	is(mp_listener_close(&l), 0, "closed");
	is(mode_of(path), -ENOENT, "it is gone");
	is(mp_listener_close(&l), 0, "closing twice does nothing");

	umask(0777);
	mp_listener_init(&l, path, &plain);
	is(mode_of(path), 0600, "for this user at least, whatever the umask");
	mp_listener_close(&l);
	mp_listener_init(&l, path,
			 &(struct mp_listener_options){ .any_user = true });
	is(mode_of(path), 0666, "for any user if asked");
	mp_listener_close(&l);
	umask(old);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	is(mp_listener_init(&l, path, &plain), -EADDRINUSE, "a file is there");
	is(mode_of(path), 0600, "it stays");
	unlink(path);
}

static void listens(void *unused)
{
	(void)unused;
	umask(0);
	mp_listener_init(&l, path, &plain);
}

/* A look after each of its system calls. */
static void never_open(void)
{
	int there = 0, wide = 0;
	struct stepper v;

	if (stepper_start(&v, listens, NULL) < 0) {
		tap_skip("a path that is never open to others",
			 "ptrace is not allowed here");
		return;
	}
	while (stepper_call(&v) != STEPPER_ENDED) {
		there += mode_of(path) >= 0;
		wide += mode_of(path) >= 0 && mode_of(path) & 077;
	}
	stepper_kill(&v);
	unlink(path);
	ok(there > 1, "a path is looked at while it is made (%d times)", there);
	is(wide, 0, "at no time is it open to others");
}

static int dies_listening(long unused)
{
	(void)unused;
	mp_listener_init(&l, path, &plain);
	return raise(SIGKILL);
}

static int closes_copy(long unused)
{
	(void)unused;
	return mp_listener_close(&l);
}

static void whose_path(void)
{
	struct mp_conn c;
	int fd;

	end_of(start(dies_listening, 0));
	is(mode_of(path), 0600, "a killed listener leaves its path");
	is(mp_client_connect(&c, path, &plain, LONG), -ECONNREFUSED,
	   "where nobody listens");
	is(mp_listener_init(&l, path, &plain), -EADDRINUSE, "it is in use");
	unlink(path);
	is(mp_client_connect(&c, path, &plain, LONG), -ENOENT, "gone");
	is(mp_listener_init(&l, path, &plain), 0, "and free");
	is(end_of(start(closes_copy, 0)), 0, "a child closes its copy");
	is(mode_of(path), 0600, "the path stays");
	is(meet(), 0, "and the listener");
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	close(fd);
	mp_listener_close(&l);
	is(mode_of(path), 0640, "what another put there is not unlinked");
	unlink(path);
}

static void other_addresses(void)
{
	char name[64], longest[MP_LISTENER_ADDRESS_MAX + 1];
	struct mp_listener second;
	struct mp_conn c;

	snprintf(name, sizeof(name), "@rawmp-test-%d", (int)getpid());
	is(mp_listener_init(&l, name, &plain), 0, "an abstract name");
	is(meet(), 0, "a client finds it");
	is(mp_listener_init(&second, name, &plain), -EADDRINUSE, "taken");
	mp_listener_close(&l);
	is(mp_client_connect(&c, name, &plain, LONG), -ECONNREFUSED, "gone");

	setenv("TMPDIR", directory, 1);
	is(mp_listener_init(&l, NULL, &plain), 0, "a fresh path");
	ok(strncmp(l.address, directory, strlen(directory)) == 0,
	   "in $TMPDIR: %s", l.address);
	is(mode_of(l.address), 0600, "for this user only");
	is(mp_listener_init(&second, NULL, &plain), 0, "another");
	ok(strcmp(l.address, second.address) != 0, "is another");
	is(meet(), 0, "a client finds it");
	mp_listener_close(&l);
	mp_listener_close(&second);
	unsetenv("TMPDIR");
	mp_listener_init(&l, NULL, NULL);
	ok(strncmp(l.address, "/tmp/", 5) == 0, "without it in /tmp");
	mp_listener_close(&l);

	is(mp_listener_init(&l, "", &plain), -EINVAL, "an empty address");
	is(mp_listener_init(&l, "@", &plain), -EINVAL, "an empty name");
	is(mp_client_connect(&c, "", &plain, 0), -EINVAL, "nor for a client");
	is(mp_client_connect(&c, NULL, &plain, 0), -EINVAL, "nor none");
	memset(longest, 'x', sizeof(longest));
	longest[0] = '@';
	longest[sizeof(longest) - 1] = '\0';
	is(mp_listener_init(&l, longest, &plain), -ENAMETOOLONG, "too long");
	is(mp_client_connect(&c, longest, &plain, 0), -ENAMETOOLONG,
	   "here too");
	longest[sizeof(longest) - 2] = '\0';
	is(mp_listener_init(&l, longest, &plain), 0, "the longest");
	is(meet(), 0, "works");
	mp_listener_close(&l);
	is(mp_listener_init(&l, "/nowhere/x", &plain), -ENOENT, "no directory");
	is(mp_client_connect(&c, "/nowhere/x", &plain, 0), -ENOENT, "here too");
}

static void options(void)
{
	struct mp_listener_options bad = { .authkey = "", .backlog = 0 };
	struct mp_conn c;

	is(mp_listener_init(&l, path, &bad), -EINVAL, "an empty key");
	is(mp_client_connect(&c, path, &bad, 0), -EINVAL, "for a client");
	bad = (struct mp_listener_options){ .backlog = -1 };
	is(mp_listener_init(&l, path, &bad), -EINVAL, "a negative backlog");
	is(mode_of(path), -ENOENT, "nothing was made");
	is(mp_listener_accept(&l, &c, 0), -EBADF, "accept of what is not open");
	is(mp_listener_fileno(&l), -EBADF, "its descriptor");
	is(mp_conn_peer(&c), -EBADF, "nor has it a peer");
	is(mp_conn_close(&c), 0, "its result may be closed");
}

/* ---- keys ---- */

static int wrong_key(long unused)
{
	static const struct mp_listener_options wrong = { .authkey = "Peekaboo",
							  .authkey_length = 8 };

	(void)unused;
	o = &wrong;
	return asks(0);
}

static int longer_key(long unused)
{
	static const struct mp_listener_options wrong = { .authkey = KEY "!",
							  .authkey_length =
								  sizeof(KEY) };

	(void)unused;
	o = &wrong;
	return asks(0);
}

static void keys(void)
{
	struct mp_conn c;
	pid_t pid, other;

	o = &keyed;
	is(mp_listener_init(&l, path, &keyed), 0, "a listener with a key");
	is(meet(), 0, "a client with the same");
	pid = start(wrong_key, 0);
	is(mp_listener_accept(&l, &c, 500 * MS), -ETIMEDOUT,
	   "one with another");
	is(end_of(pid), -EACCES, "is told that it did not pass");
	is((long long)l.refused, 1, "and counted");
	pid = start(longer_key, 0);
	other = start(asks, 6);
	is(serve(1) + end_of(other), 0, "one passes where another does not");
	await(mp_listener_accept(&l, &c, 0) < 0 && l.refused == 2);
	is(end_of(pid), -EACCES, "a key that is longer is another");
	mp_listener_close(&l);
	o = &plain;
}

static int with_binary_key(long length)
{
	static char key[1000];
	struct mp_listener_options any = { .authkey = key,
					   .authkey_length = (size_t)length };

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (char)(i * 7);
	o = &any;
	if (mp_listener_init(&l, path, &any) < 0)
		return -1;
	if (meet() < 0)
		return -1;
	return mp_listener_close(&l);
}

static void many_keys(void)
{
	static const int lengths[] = { 1, 63, 64, 65, 1000 };

	for (int i = 0; i < 5; i++)
		is(with_binary_key(lengths[i]), 0, "a key of %d bytes",
		   lengths[i]);
	o = &plain;
}

/* ---- many, and none ---- */

static void two_hundred(const char *what)
{
	enum { N = 200 };
	pid_t pid[N];
	int bad;

	is(mp_listener_init(&l, path, o), 0, "%s:", what);
	address = l.address;
	for (int i = 0; i < N; i++)
		pid[i] = start(asks, i);
	bad = serve(N);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]) != 0;
	is(bad, 0, "%d clients at once, each is served", N);
	is((long long)l.refused, 0, "none is refused");
	mp_listener_close(&l);
}

static void no_descriptor_leaked(const char *what, int n)
{
	int before = tap_descriptors(), bad = 0;
	struct mp_conn a, b;

	mp_listener_init(&l, path, o);
	for (int i = 0; i < n; i++) {
		/* Without a key connect does not wait for accept. */
		bad += mp_client_connect(&a, path, o, LONG) != 0;
		bad += mp_listener_accept(&l, &b, LONG) != 0;
		mp_conn_send(&a, "x", 1, -1);
		bad += mp_conn_send_fd(&a, 1, -1) != 0;
		if (i % 2)
			mp_conn_close(&b); /* before it was read */
		mp_conn_close(&a);
		mp_conn_close(&b);
	}
	mp_listener_close(&l);
	is(bad, 0, "%d connections %s", n, what);
	is(tap_descriptors(), before, "leave no descriptor");
}

static int connects(long n)
{
	struct mp_conn c;
	int bad = 0;

	for (long i = 0; i < n; i++) {
		bad += mp_client_connect(&c, address, o, LONG) != 0;
		mp_conn_close(&c);
	}
	return bad != 0;
}

static void no_descriptor_leaked_with_key(int n)
{
	int before = tap_descriptors(), bad = 0;
	struct mp_conn c;
	pid_t pid;

	o = &keyed;
	mp_listener_init(&l, path, o);
	address = path;
	pid = start(connects, n);
	for (int i = 0; i < n; i++) {
		bad += mp_listener_accept(&l, &c, LONG) != 0;
		mp_conn_close(&c);
	}
	bad += end_of(pid) != 0;
	mp_listener_close(&l);
	is(bad, 0, "%d connections with a key", n);
	is(tap_descriptors(), before, "leave no descriptor");
	o = &plain;
}

static void no_descriptor_free(void)
{
	struct rlimit old, none;
	struct mp_listener second;
	struct mp_conn a, b;

	mp_listener_init(&l, path, &plain);
	mp_client_connect(&a, path, &plain, LONG);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	is(mp_listener_accept(&l, &b, 0), -EMFILE, "accept: no descriptor");
	is(mp_client_connect(&b, path, &plain, 0), -EMFILE, "connect");
	is(mp_listener_init(&second, "@x", &plain), -EMFILE, "init");
	setrlimit(RLIMIT_NOFILE, &old);
	is(mp_listener_accept(&l, &b, 0), 0, "once there is one, it goes on");
	mp_conn_close(&a);
	mp_conn_close(&b);
	mp_listener_close(&l);
}

/* ---- waiting ---- */

static void on_signal(int sig)
{
	(void)sig;
}

static int interrupts(long parent)
{
	await(asleep((int)parent));
	kill((pid_t)parent, SIGUSR1);
	return 0;
}

static _Atomic int *ready;

static int connects_in_vain(long unused)
{
	struct mp_conn c;

	(void)unused;
	handle(SIGUSR1, on_signal, SA_RESTART);
	atomic_store(ready, 1);
	return mp_client_connect(&c, path, o, -1);
}

/* A child that waits in connect for something that does not come. */
static int interrupted_connect(void)
{
	pid_t pid;

	atomic_store(ready, 0);
	pid = start(connects_in_vain, 0);
	await(atomic_load(ready) == 1 && tap_state(pid) == 'S');
	kill(pid, SIGUSR1);
	return end_of(pid);
}

static void waiting(void)
{
	static const struct mp_listener_options few = { .backlog = 1 };
	struct mp_conn c, waits[8];
	int64_t begin;
	pid_t pid;
	int n = 0, error;

	handle(SIGUSR1, on_signal, SA_RESTART);
	mp_listener_init(&l, path, &few);
	is(mp_listener_accept(&l, &c, 0), -ETIMEDOUT, "nobody comes");
	begin = mp_clock_now();
	is(mp_listener_accept(&l, &c, 30 * MS), -ETIMEDOUT, "for a while");
	ok(mp_clock_now() - begin >= 30 * MS, "it waited");
	pid = start(interrupts, getpid());
	is(mp_listener_accept(&l, &c, LONG), -EINTR, "a signal handler runs");
	end_of(pid);

	do
		error = mp_client_connect(&waits[n], path, &few, 0);
	while (error == 0 && ++n < 8);
	is(error, -ETIMEDOUT, "the backlog is full (%d)", n);
	begin = mp_clock_now();
	is(mp_client_connect(&c, path, &few, 30 * MS), -ETIMEDOUT, "for long");
	ok(mp_clock_now() - begin >= 30 * MS, "it waited");
	is(interrupted_connect(), -EINTR, "a signal handler runs meanwhile");
	while (n > 0)
		mp_conn_close(&waits[--n]);
	mp_listener_close(&l);

	o = &keyed;
	mp_listener_init(&l, path, o);
	is(mp_client_connect(&c, path, o, 30 * MS), -ETIMEDOUT,
	   "a listener that does not accept asks nothing");
	is(interrupted_connect(), -EINTR, "a signal handler runs meanwhile");
	mp_listener_close(&l);
	o = &plain;
}

/* A program with a poll of its own: accept is called when the descriptor is
 * readable, and never waits. */
static void with_poll(void)
{
	struct pollfd p = { .events = POLLIN };
	struct mp_conn c;
	int error = -ETIMEDOUT, calls = 0;
	pid_t pid;

	o = &keyed;
	mp_listener_init(&l, path, o);
	p.fd = mp_listener_fileno(&l);
	is(poll(&p, 1, 0), 0, "not readable while nobody comes");
	address = path;
	pid = start(asks, 1);
	while (error == -ETIMEDOUT && poll(&p, 1, 10000) == 1) {
		error = mp_listener_accept(&l, &c, 0);
		calls++;
	}
	ok(error == 0 && calls > 1, "a client passes in %d calls", calls);
	is(poll(&p, 1, 0), 0, "not readable after it");
	answer(&c);
	is(end_of(pid), 0, "it is served");
	mp_listener_close(&l);
	o = &plain;
}

/* ---- forks ---- */

static int serves_as_child(long unused)
{
	int number = mp_listener_fileno(&l);

	(void)unused;
	return serve(1) || mp_listener_fileno(&l) != number ||
	       mp_listener_close(&l);
}

static int looks_as_child(long unused)
{
	struct mp_conn c;
	int bad = 0;

	(void)unused;
	for (int i = 0; i < 3; i++)
		bad += mp_listener_accept(&l, &c, 0) != -ETIMEDOUT;
	return bad || mp_listener_close(&l);
}

static int lives_on(long unused)
{
	(void)unused;
	return wait_for_kill();
}

/* How much there is to read; -1: nothing, 0: the end. */
static int heard(int fd, unsigned char buf[100])
{
	return (int)recv(fd, buf, 100, MSG_DONTWAIT);
}

static void forked(void)
{
	static const struct mp_auth_key key = { KEY, sizeof(KEY) - 1 };
	unsigned char asked[100], right[4 + MP_AUTH_ANSWER_MAX] = { 0 };
	struct mp_conn c;
	pid_t client, server;
	int knocks, bad;

	o = &keyed;
	mp_listener_init(&l, path, o);
	address = path;
	knocks = bare_client(path);
	mp_listener_accept(&l, &c, 0);
	is(heard(knocks, asked), 63, "one is asked by the parent");
	right[3] =
		(unsigned char)mp_auth_answer(&key, asked + 4, 59, right + 4);
	say(knocks, right, 4U + right[3]);
	is(end_of(start(closes_copy, 0)), 0, "a child closes its copy");
	is(end_of(start(looks_as_child, 0)), 0, "another looks who is there");
	is(heard(knocks, asked), -1, "the one is none of their business");
	server = start(serves_as_child, 0);
	client = start(asks, 2);
	is(end_of(server), 0, "a child accepts with its parent's listener");
	is(end_of(client), 0, "its client is served");
	is(heard(knocks, asked), -1, "the one still waits for the parent");
	client = start(asks, 3);
	bad = serve(1) + (end_of(client) != 0);
	is(bad, 0, "the parent goes on");
	is(heard(knocks, asked), 13, "and welcomes the one");
	is(mode_of(path), 0600, "it has its path");
	server = start(lives_on, 0);
	mp_listener_close(&l);
	is(heard(knocks, asked), 0,
	   "closed: who knocks sees the end, though a child has a copy");
	close(knocks);
	killed(server);
	o = &plain;
}

static int all_cloexec(void)
{
	int bad = 0;

	for (int fd = 3; fd < 100; fd++) {
		int flags = fcntl(fd, F_GETFD);

		bad += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	return bad;
}

static void the_rest(void)
{
	int before = all_cloexec();
	struct mp_conn a, b;

	mp_listener_init(&l, path, &plain);
	mp_client_connect(&a, path, &plain, LONG);
	mp_listener_accept(&l, &b, LONG);
	is(mp_conn_peer(&a), getpid(), "the listener's pid");
	is(mp_conn_peer(&b), getpid(), "the client's");
	is(all_cloexec(), before, "all is close-on-exec");
	mp_listener_close(&l);
	mp_conn_send(&a, "stay", 4, -1);
	is(mp_conn_recv(&b, (char[4]){ 0 }, 4, LONG, NULL), 0,
	   "connections outlive their listener");
	mp_conn_close(&a);
	is(mp_conn_recv(&b, NULL, 0, LONG, NULL), -EPIPE, "and end");
	mp_conn_close(&b);
}

int main(void)
{
	int before = tap_descriptors();

	snprintf(directory, sizeof(directory), "/tmp/rawmp-test-XXXXXX");
	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	snprintf(path, sizeof(path), "%s/socket", directory);
	ready = share(4096);
	o = &plain;
	paths();
	never_open();
	whose_path();
	other_addresses();
	options();
	two_hundred("without a key");
	no_descriptor_leaked("without a key", 10000);
	no_descriptor_free();
	the_rest();
	if (mp_auth_supported()) {
		keys();
		many_keys();
		o = &keyed;
		two_hundred("with a key");
		no_descriptor_leaked_with_key(2000);
		waiting();
		with_poll();
		forked();
	} else {
		is(mp_listener_init(&l, path, &keyed), -ENOTSUP,
		   "a key, and no nettle");
		is(mp_client_connect(&(struct mp_conn){ 0 }, path, &keyed, 0),
		   -ENOTSUP, "for a client");
		tap_skip("keys", "built without nettle");
	}
	is(rmdir(directory), 0, "no file is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
