/* Python at the other end: its own Client and Listener, and the two forms of
 * their challenge, before 3.12 ("old") and since ("new"); over a Unix socket
 * and over TCP.
 *
 *	test-listener-python .../listener_peer.py
 */
#include "mp/listener.h"

#include "mp/auth.h"
#include "sockets.h"

#define NOT_HERE 77
#define REFUSED  3 /* by the challenge, says listener_peer.py */

static const struct mp_listener_options no_key,
	keyed = { .authkey = "peekaboo", .authkey_length = 8 };
static const struct mp_listener_options *o = &keyed;
static const char *script;
static char directory[64], path[96], message[3000000], buf[3000000];
static const char *where; /* to listen */

/* Run the script; it says "ready ADDRESS" (or its end) on *ready. */
static pid_t python(const char *side, const char *form, const char *address,
		    const char *key, int *ready)
{
	pid_t parent = getpid(), pid;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		err(1, "pipe2");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(fd[1], 1);
		execlp("python3", "python3", script, side, form, address, key,
		       NULL);
		_exit(NOT_HERE);
	}
	close(fd[1]);
	*ready = fd[0];
	return pid;
}

static int echo(struct mp_conn *c)
{
	size_t n;
	int error;

	do {
		error = mp_conn_recv(c, buf, sizeof(buf), LONG, &n);
		if (error == 0)
			error = mp_conn_send(c, buf, n, LONG);
	} while (error == 0);
	return error == -EPIPE ? 0 : error;
}

static int ask_for_echoes(struct mp_conn *c)
{
	static const size_t sizes[] = { 0, 1, 5, 20000, 0, sizeof(message) };
	size_t n;

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)(i * i >> 3);
	for (int i = 0; i < 6; i++)
		if (mp_conn_send(c, message, sizes[i], LONG) < 0 ||
		    mp_conn_recv(c, buf, sizeof(buf), LONG, &n) < 0 ||
		    n != sizes[i] || memcmp(buf, message, n) != 0)
			return -1;
	return 0;
}

static void as_client(const char *form, const char *key, int passes)
{
	struct mp_listener l;
	struct mp_conn c;
	int ready, error;
	pid_t pid;

	mp_listener_init(&l, where, o);
	pid = python("client", form, l.address, key, &ready);
	do
		error = mp_listener_accept(&l, &c, 100 * MS);
	while (error == -ETIMEDOUT && l.refused == 0 && tap_state(pid) != 'Z');
	if (passes)
		is(error == 0 ? echo(&c) : error, 0,
		   "a client, %s: its messages are received", form);
	else
		is((long long)l.refused, 1, "a client, %s, with another key",
		   form);
	is(end_of(pid), passes ? 0 : REFUSED, "%s",
	   passes ? "and the echoes are" : "knows it");
	mp_conn_close(&c);
	mp_listener_close(&l);
	close(ready);
}

static void as_listener(const char *form, const char *key, int passes)
{
	struct mp_conn c;
	char words[128] = "", address[128];
	int ready, error;
	pid_t pid = python("listener", form, where, key, &ready);

	if (read(ready, words, sizeof(words) - 1) <= 0 ||
	    sscanf(words, "ready %s", address) != 1)
		errx(1, "listener_peer.py listener %s: not ready", form);
	error = mp_client_connect(&c, address, o, LONG);
	if (passes)
		is(error == 0 ? ask_for_echoes(&c) : error, 0,
		   "a listener, %s: it echoes all messages", form);
	else
		is(error, -EACCES, "a listener, %s, with another key", form);
	mp_conn_close(&c);
	is(end_of(pid), passes ? 0 : REFUSED, "%s",
	   passes ? "and sees the end" : "knows it");
	close(ready);
}

/* Is there a Python that has what it takes? */
static int python_is_there(void)
{
	int ready;
	pid_t pid = python("probe", "python", path, NULL, &ready);

	close(ready);
	return end_of(pid) == 0;
}

static void as_both(const char *form)
{
	as_client(form, "peekaboo", 1);
	as_client(form, "Peekaboo", 0);
	as_listener(form, "peekaboo", 1);
	as_listener(form, "Peekaboo", 0);
}

int main(int argc, char **argv)
{
	static const char *const forms[] = { "python", "old", "new" };
	int before = tap_descriptors();

	if (argc != 2)
		errx(2, "usage: %s listener_peer.py", argv[0]);
	script = argv[1];
	snprintf(directory, sizeof(directory), "/tmp/rawmp-test-XXXXXX");
	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	snprintf(path, sizeof(path), "%s/socket", directory);
	if (!python_is_there()) {
		tap_skip("Python at the other end",
			 "no python3 with multiprocessing and MD5");
		rmdir(directory);
		return tap_done();
	}
	where = path;
	for (int i = 0; i < 3 && mp_auth_supported(); i++)
		as_both(forms[i]);
	where = "tcp:127.0.0.1:0";
	if (mp_auth_supported())
		as_both("python");
	where = path;
	o = &no_key;
	as_client("python", NULL, 1);
	as_listener("python", NULL, 1);
	is(rmdir(directory), 0, "no file is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
