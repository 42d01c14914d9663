/* A Python program is a client: multiprocessing.connection, and a MessagePack
 * module, nothing of ours.
 *
 *	test-manager-python .../manager_peer.py
 */
#include "managers.h"

#include <fcntl.h>

#include "mp/auth.h"

#define NOT_HERE 77

static const char *script, *python;
static char address[96], number[30];

/* Run the script: what it should do, and with which object; it says "ready", or
 * its end, on *ready. */
static pid_t peer(const char *what, const struct mp_proxy *p, int *ready)
{
	pid_t parent = getpid(), pid;
	int fd[2];

	snprintf(number, sizeof(number), "%" PRIu64, p != NULL ? p->handle : 0);
	if (pipe2(fd, O_CLOEXEC) < 0)
		err(1, "pipe2");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(fd[1], 1);
		execlp(python, python, script, what, address, "peekaboo",
		       number, NULL);
		_exit(NOT_HERE);
	}
	close(fd[1]);
	*ready = fd[0];
	return pid;
}

static int does(const char *what, const struct mp_proxy *p)
{
	int ready, status;
	pid_t pid = peer(what, p, &ready);

	status = end_of(pid);
	close(ready);
	return status;
}

/* A Python that has the module: that of the PATH, or the system's. */
static int find_python(void)
{
	static const char *const t[] = { "python3", "/usr/bin/python3" };
	const char *own = getenv("PYTHON");

	for (int i = own != NULL ? -1 : 0; i < 2; i++) {
		python = i < 0 ? own : t[i];
		if (does("probe", NULL) == 0)
			return 1;
	}
	return 0;
}

static void dicts(void)
{
	struct mp_proxy p;

	make(&p, "dict", any("{'a': 1, 'b': [1, 2.5, {'c': nil}]}"));
	is(does("dict", &p), 0, "Python reads and writes a dict of ours");
	said(&p, "get 'from python' -> [1, 'two', b'three', {4: [5, nil]}]");
	said(&p, "get 'a' -> 42");
	said(&p, "get 'big' -> 18446744073709551615");
	said(&p, "length -> 5");
	mp_proxy_close(&p);
	is(does("errors", NULL), 0, "it gets errors");
	is(does("pipelined", NULL), 0, "many requests in a message");
	is(mp_manager_count(&manager), 0, "it goes, and what it made");
}

/* It waits for what we put. */
static void queues(void)
{
	struct mp_proxy p;
	char word[8];
	int ready;
	pid_t pid;

	make(&p, "queue");
	pid = peer("queue", &p, &ready);
	if (read(ready, word, sizeof(word)) <= 0)
		errx(1, "manager_peer.py queue: not ready");
	await(tap_state(pid) == 'S' && idle());
	ok(1, "Python waits in a queue");
	said(&p, "put ['hello', 1]");
	is(end_of(pid), 0, "and gets what we put");
	said(&p, "get -> 'thanks'");
	close(ready);
	mp_proxy_close(&p);
}

/* It is killed while it holds a lock. */
static void locks(void)
{
	struct mp_proxy p;
	char word[8];
	int ready;
	pid_t pid;

	make(&p, "lock");
	pid = peer("lock", &p, &ready);
	if (read(ready, word, sizeof(word)) <= 0)
		errx(1, "manager_peer.py lock: not ready");
	is(mp_proxy_acquire(&p, 0), -ETIMEDOUT, "Python holds a lock");
	killed(pid);
	is(mp_proxy_acquire(&p, LONG), MP_OWNER_DIED,
	   "and is killed: the next is told");
	close(ready);
	mp_proxy_close(&p);
}

int main(int argc, char **argv)
{
	struct mp_manager_options o = { .address = address,
					.authkey = "peekaboo",
					.authkey_length = 8 };
	int before = tap_descriptors();

	if (argc != 2)
		errx(2, "usage: %s manager_peer.py", argv[0]);
	script = argv[1];
	if (!mp_auth_supported() || !find_python()) {
		tap_skip("Python as a client",
			 "no python3 with msgpack (python3-msgpack)");
		return tap_done();
	}
	snprintf(address, sizeof(address), "/tmp/rawmp-test-%d", (int)getpid());
	open_manager(&o);
	dicts();
	queues();
	locks();
	is(objects(), 0, "no object is left");
	close_manager();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
