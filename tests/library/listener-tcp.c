/* Listeners and clients over TCP: addresses, who may come, restarts, and
 * machines that are gone.  What strangers say: listener-hostile.c.
 */
#include "mp/listener.h"

#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "mp/auth.h"
#include "sockets.h"

#define KEY "peekaboo"

static const struct mp_listener_options keyed = { .authkey = KEY,
						  .authkey_length =
							  sizeof(KEY) - 1 };
static struct mp_listener l;
static char message[1 << 21], buf[1 << 21];

/* ---- a client and a server ---- */

static const char *address;

/* Connect, and hear one's own messages again. */
static int asks(long size)
{
	struct mp_conn c;
	int error = mp_client_connect(&c, address, &keyed, LONG);
	size_t n = 0;

	for (int i = 0; error == 0 && i < 3; i++) {
		error = mp_conn_send(&c, message, (size_t)size, LONG);
		if (error == 0)
			error = mp_conn_recv(&c, buf, sizeof(buf), LONG, &n);
		if (error == 0 &&
		    (n != (size_t)size || memcmp(buf, message, n)))
			error = 1;
	}
	mp_conn_close(&c);
	return error;
}

/* Send back what comes, until the end. */
static int echo(struct mp_conn *c)
{
	size_t n;
	int error;

	do {
		error = mp_conn_recv(c, buf, sizeof(buf), LONG, &n);
		if (error == 0)
			error = mp_conn_send(c, buf, n, LONG);
	} while (error == 0);
	mp_conn_close(c);
	return error == -EPIPE ? 0 : error;
}

static int serve(int clients)
{
	struct mp_conn c;
	int bad = 0;

	for (int i = 0; i < clients; i++)
		bad += mp_listener_accept(&l, &c, LONG) < 0 || echo(&c) < 0;
	return bad;
}

static int meet_at(const char *where, long size)
{
	pid_t pid;
	int bad;

	address = where;
	pid = start(asks, size);
	bad = serve(1);
	return bad != 0 ? bad : end_of(pid);
}

/* ---- addresses ---- */

static void good_addresses(void)
{
	static const struct {
		const char *asked, *got;
	} t[] = {
		{ "tcp:0", "tcp:127.0.0.1:" },
		{ "tcp::0", "tcp:127.0.0.1:" },
		{ "tcp:localhost:0", "tcp:127.0.0.1:" },
		{ "tcp:127.0.0.1:00000", "tcp:127.0.0.1:" },
		{ "tcp:127.0.0.2:0", "tcp:127.0.0.2:" },
		{ "tcp:[::1]:0", "tcp:[::1]:" },
	};
	char shorter[16];
	int error;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		error = mp_listener_init(&l, t[i].asked, &keyed);
		if (i == 5 &&
		    (error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT)) {
			tap_skip("IPv6", "none on this machine");
			continue;
		}
		is(error, 0, "listen at %s", t[i].asked);
		ok(strncmp(l.address, t[i].got, strlen(t[i].got)) == 0 &&
			   atoi(strrchr(l.address, ':') + 1) > 0,
		   "the real address is told: %s", l.address);
		is(meet_at(l.address, 5), 0, "a client finds it");
		mp_listener_close(&l);
	}
	mp_listener_init(&l, "tcp:0", &keyed);
	snprintf(shorter, sizeof(shorter), "tcp:%s",
		 strrchr(l.address, ':') + 1);
	is(meet_at(shorter, 5), 0, "a client with the port alone: %s", shorter);
	mp_listener_close(&l);
}

static void bad_addresses(void)
{
	static const char *const t[] = {
		"tcp:",
		"tcp::",
		"tcp:x",
		"tcp:-1",
		"tcp:+1",
		"tcp: 1",
		"tcp:1 ",
		"tcp:0x10",
		"tcp:65536",
		"tcp:000001",
		"tcp:18446744073709551617",
		"tcp:127.0.0.1",
		"tcp:127.1:5",
		"tcp:127.0.0.1 :5",
		"tcp:256.0.0.1:5",
		"tcp:1:2:3",
		"tcp:example.org:5",
		"tcp:LOCALHOST:5",
		"tcp:::1:5",
		"tcp:[::1]",
		"tcp:[::1]5",
		"tcp:[::1:5",
		"tcp:[]:5",
		"tcp:[127.0.0.1]:5",
		"tcp:[::1%lo]:5",
	};
	struct mp_conn c;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		is(mp_listener_init(&l, t[i], &keyed), -EINVAL, "\"%s\"", t[i]);
		is(mp_client_connect(&c, t[i], &keyed, 0), -EINVAL,
		   "nor for a client");
	}
	is(mp_client_connect(&c, "tcp:0", &keyed, 0), -EINVAL,
	   "a client needs to know the port");
	is(mp_listener_init(&l, "tcp:192.0.2.1:0",
			    &(struct mp_listener_options){ KEY, sizeof(KEY) - 1,
							   .remote = true }),
	   -EADDRNOTAVAIL, "another machine's address");
}

/* A file may have any name. */
static void not_tcp(void)
{
	char directory[] = "/tmp/rawmp-test-XXXXXX";

	if (mkdtemp(directory) == NULL || chdir(directory) < 0)
		err(1, "%s", directory);
	is(mp_listener_init(&l, "./tcp:0", NULL), 0, "a file called tcp:0");
	is(access("tcp:0", F_OK), 0, "is there");
	mp_listener_close(&l);
	is(mp_listener_init(&l, "Tcp:0", NULL), 0, "or Tcp:0");
	mp_listener_close(&l);
	setenv("TMPDIR", "tcp:", 1);
	is(mkdir("tcp:", 0700), 0, "a directory tcp:");
	is(mp_listener_init(&l, NULL, NULL), 0, "as $TMPDIR");
	mp_listener_close(&l);
	unsetenv("TMPDIR");
	rmdir("tcp:");
	is(chdir("/") | rmdir(directory), 0, "no file is left");
}

/* ---- who may come ---- */

static void options(void)
{
	static const char *const far[] = { "tcp:0.0.0.0:0",
					   "tcp:[::]:0",
					   "tcp:192.0.2.1:9",
					   "tcp:[2001:db8::1]:9",
					   "tcp:[::ffff:127.0.0.1]:9",
					   "tcp:128.0.0.1:9",
					   "tcp:126.0.0.1:9" };
	struct mp_listener_options any = { .any_user = true }, remote = keyed;
	struct mp_conn c;
	char near[32];

	is(mp_listener_init(&l, "tcp:0", NULL), -EINVAL, "no key, no TCP");
	is(mp_listener_init(&l, "tcp:0", &any), -EINVAL, "nor for any user");
	is(mp_client_connect(&c, "tcp:9", NULL, 0), -EINVAL, "nor a client");
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		is(mp_listener_init(&l, far[i], &keyed), -EACCES, "%s, unasked",
		   far[i]);
	is(mp_client_connect(&c, "tcp:192.0.2.1:9", &keyed, 0), -EACCES,
	   "a client there, unasked");
	remote.remote = true;
	is(mp_listener_init(&l, "tcp:0.0.0.0:0", &remote), 0,
	   "all of the machine's addresses, if asked for");
	ok(strncmp(l.address, "tcp:0.0.0.0:", 12) == 0, "is told as such");
	snprintf(near, sizeof(near), "tcp:%s", strrchr(l.address, ':') + 1);
	is(meet_at(near, 5), 0, "loopback is one of them");
	mp_listener_close(&l);
}

static int wrong_key(long unused)
{
	static const struct mp_listener_options wrong = { .authkey = "Peekaboo",
							  .authkey_length = 8 };
	struct mp_conn c;

	(void)unused;
	return mp_client_connect(&c, address, &wrong, LONG);
}

static void keys(void)
{
	struct mp_conn c;
	pid_t pid;

	mp_listener_init(&l, "tcp:0", &keyed);
	address = l.address;
	pid = start(wrong_key, 0);
	await(mp_listener_accept(&l, &c, 100 * MS) == 0 || l.refused > 0);
	is((long long)l.refused, 1, "another key is refused");
	is(end_of(pid), -EACCES, "and its client knows");
	is(meet_at(l.address, 5), 0, "the right one is not");
	mp_listener_close(&l);
}

/* ---- connections ---- */

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) < 0 ? -1 : value;
}

/* A connection; the other end is a child that runs f with it. */
static struct mp_conn theirs;
static int (*f_of_theirs)(void);

static int connects(long unused)
{
	int error = mp_client_connect(&theirs, l.address, &keyed, LONG);

	(void)unused;
	return error < 0 ? error : f_of_theirs();
}

static pid_t with(struct mp_conn *c, int (*f)(void))
{
	pid_t pid;

	f_of_theirs = f;
	pid = start(connects, 0);
	if (mp_listener_accept(&l, c, LONG) < 0)
		errx(1, "mp_listener_accept");
	return pid;
}

/* How many socket options are not as they should be. */
static int not_set(const struct mp_conn *c)
{
	return (option(c->fd, IPPROTO_TCP, TCP_NODELAY) != 1) +
	       (option(c->fd, SOL_SOCKET, SO_KEEPALIVE) != 1) +
	       (option(c->fd, IPPROTO_TCP, TCP_KEEPIDLE) != 30) +
	       (option(c->fd, IPPROTO_TCP, TCP_KEEPINTVL) != 5) +
	       (option(c->fd, IPPROTO_TCP, TCP_KEEPCNT) != 6) +
	       (option(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT) != 60000) +
	       !(fcntl(c->fd, F_GETFD) & FD_CLOEXEC);
}

static int tells_options(void)
{
	return not_set(&theirs);
}

static int hears_end(void)
{
	return mp_conn_recv(&theirs, buf, sizeof(buf), LONG, NULL);
}

static int sends_descriptor(void)
{
	SAY(theirs.fd, "\377\377\377\376");
	return hears_end();
}

static void connections(void)
{
	struct mp_conn c;
	pid_t pid;

	mp_listener_init(&l, "tcp:0", &keyed);
	pid = with(&c, tells_options);
	is(not_set(&c), 0, "all socket options are set here");
	is(end_of(pid), 0, "and there");
	mp_conn_close(&c);

	pid = with(&c, hears_end);
	is(mp_conn_peer(&c), -EOPNOTSUPP, "the peer has no pid");
	is(mp_conn_send_fd(&c, 0, 0), -EOPNOTSUPP, "no descriptor is sent");
	is(mp_conn_recv_fd(&c, 0), -EOPNOTSUPP, "nor received");
	ok(mp_conn_readable(&c) && mp_conn_writable(&c), "both ways");
	mp_conn_close(&c);
	is(end_of(pid), -EPIPE, "closed: the end of file");

	pid = with(&c, sends_descriptor);
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), -EBADMSG,
	   "the header of a descriptor is no message");
	is(mp_conn_recv(&c, buf, 10, 0, NULL), -EBADMSG, "for good");
	is(mp_conn_poll(&c, 0), 1, "poll says so");
	mp_conn_close(&c);
	ok(end_of(pid) != 0, "its sender sees the end");

	is(meet_at(l.address, 0), 0, "messages without bytes");
	is(meet_at(l.address, 70000), 0, "of 70,000");
	is(meet_at(l.address, sizeof(message)), 0, "of 2 MiB");
	mp_listener_close(&l);
}

static void many(void)
{
	enum { N = 60 };
	pid_t pid[N];
	int bad;

	mp_listener_init(&l, "tcp:0", &keyed);
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

/* ---- the end ---- */

static int sends_half(void)
{
	SAY(theirs.fd, "\0\0\0\5he");
	return wait_for_kill();
}

static int sends_half_and_resets(void)
{
	struct linger hard = { .l_onoff = 1 };

	SAY(theirs.fd, "\0\0\0\5he");
	setsockopt(theirs.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	return mp_conn_close(&theirs);
}

static void ends(void)
{
	struct mp_conn c;
	pid_t pid;

	mp_listener_init(&l, "tcp:0", &keyed);
	pid = with(&c, sends_half);
	is(mp_conn_recv(&c, buf, 10, MS, NULL), -ETIMEDOUT, "half a message");
	killed(pid);
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), -ECONNRESET,
	   "its sender is killed");
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), -EPIPE, "then the end");
	await(mp_conn_send(&c, "x", 1, 0) == -EPIPE);
	ok(1, "send is told too, without a signal");
	mp_conn_close(&c);

	pid = with(&c, sends_half_and_resets);
	is(end_of(pid), 0, "a peer that resets the connection");
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), -ECONNRESET,
	   "in the middle of a message");
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), -EPIPE, "then the end");
	mp_conn_close(&c);
	mp_listener_close(&l);
}

static int dies_listening(long unused)
{
	struct mp_conn c;

	(void)unused;
	mp_listener_accept(&l, &c, LONG);
	mp_conn_send(&c, "x", 1, LONG);
	return raise(SIGKILL);
}

/* Who closes first keeps the port busy for a minute, if one lets it. */
static void restarts(void)
{
	struct mp_listener second;
	char where[MP_LISTENER_ADDRESS_MAX];
	struct mp_conn c;
	pid_t pid;

	mp_listener_init(&l, "tcp:0", &keyed);
	strcpy(where, l.address);
	is(mp_listener_init(&second, where, &keyed), -EADDRINUSE, "taken");
	mp_listener_close(&second);
	pid = with(&c, hears_end);
	mp_conn_close(&c);
	end_of(pid);
	mp_listener_close(&l);
	is(mp_client_connect(&c, where, &keyed, LONG), -ECONNREFUSED, "gone");
	is(mp_listener_init(&l, where, &keyed), 0,
	   "a listener comes back to its port");
	is(meet_at(where, 5), 0, "and is found");
	pid = start(dies_listening, 0);
	is(mp_client_connect(&c, where, &keyed, LONG), 0, "one with a client");
	mp_listener_close(&l);
	end_of(pid);
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), 0, "is killed");
	is(mp_conn_recv(&c, buf, 10, LONG, NULL), -EPIPE, "its client knows");
	is(mp_listener_init(&l, where, &keyed), 0, "its port is free");
	mp_conn_close(&c);
	mp_listener_close(&l);
}

/* An even port, for the kernel gives clients such, that nobody has. */
static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd, port = 40000 + getpid() % 10000 * 2, error = -1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (; error != 0; port += 2) {
		a.sin_port = htons((uint16_t)port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		error = bind(fd, (struct sockaddr *)&a, sizeof(a));
		close(fd);
	}
	return port - 2;
}

/* So often that once the kernel would give a client this very port. */
static void nobody(void)
{
	int other = 0, port = free_port(), error;
	struct mp_conn c;
	char where[16];

	snprintf(where, sizeof(where), "tcp:%d", port);
	for (int i = 0; i < 40000; i++) {
		error = mp_client_connect(&c, where, &keyed, 0);
		other += error != -ECONNREFUSED;
		mp_conn_close(&c);
	}
	is(other, 0, "40,000 times nobody listens, not even oneself");
}

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

static void waiting(void)
{
	struct mp_listener_options few = keyed;
	struct mp_conn c;
	pid_t pid;

	handle(SIGUSR1, on_signal, SA_RESTART);
	few.backlog = 1;
	mp_listener_init(&l, "tcp:0", &few);
	for (int i = 0; i < 4; i++)
		is(mp_client_connect(&c, l.address, &keyed, 30 * MS),
		   -ETIMEDOUT,
		   i < 2 ? "a listener that does not accept"
			 : "and whose backlog is full");
	pid = start(interrupts, getpid());
	is(mp_client_connect(&c, l.address, &keyed, LONG), -EINTR,
	   "a signal handler ends connect");
	end_of(pid);
	mp_listener_close(&l);
}

/* ---- a machine that is gone ---- */

/* The network that this process has for itself: on or off. */
static int network(int on)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	r.ifr_flags = on ? IFF_UP : 0;
	error = ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return error;
}

/* A second and a bit, in place of a minute. */
static void hurry(const struct mp_conn *c)
{
	const int one = 1, limit = 1000;

	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one));
	setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
}

static int waits_idle(void)
{
	hurry(&theirs);
	mp_conn_send(&theirs, "x", 1, LONG);
	return hears_end();
}

static int without_network(long unused)
{
	struct mp_conn c;
	int error, other;
	pid_t pid;

	(void)unused;
	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 77;
	if (network(1) < 0 || mp_listener_init(&l, "tcp:0", &keyed) < 0)
		return 77;
	pid = with(&c, waits_idle);
	hurry(&c);
	mp_conn_recv(&c, buf, 10, LONG, NULL);
	network(0);
	error = mp_conn_send(&c, "lost", 4, LONG);
	if (error == 0)
		error = mp_conn_recv(&c, buf, 10, LONG, NULL);
	other = end_of(pid);
	return error != -EPIPE ? 1 : other != -EPIPE ? 2 : 0;
}

static void gone(void)
{
	int result = end_of(start(without_network, 0));

	if (result == 77)
		tap_skip("a machine that is gone", "no network of one's own");
	else
		is(result, 0,
		   "a machine that is gone is noticed, by those "
		   "who wait for an answer and by those who do not");
}

int main(void)
{
	int before = tap_descriptors();

	if (!mp_auth_supported()) {
		is(mp_listener_init(&l, "tcp:0", &keyed), -ENOTSUP,
		   "TCP needs a key, and there is no nettle");
		return tap_done();
	}
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)(i * i >> 3);
	good_addresses();
	bad_addresses();
	not_tcp();
	options();
	keys();
	connections();
	many();
	ends();
	restarts();
	nobody();
	waiting();
	gone();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
