/* manager.c - a server's life as its starter sees it. */
#include "mp/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/manager-own.h"
#include "mp/proxy.h"

#define GRACE_NS INT64_C(1000000000)

/* ---- the server ---- */

struct birth {
	const struct mp_manager_options *options;
	int door[2]; /* the starter's, and all its children's; the server's */
};

/* Its first word: can it be used, and where? */
struct word {
	int32_t error;
	char address[MP_LISTENER_ADDRESS_MAX];
};

/* All signals are blocked, so that Ctrl-C is the starter's to decide. */
static void let_terminate(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
}

static int live(void *arg)
{
	const struct birth *b = arg;
	struct word w = { 0 };
	struct mp_server s;

	close(b->door[0]);
	let_terminate();
	w.error = mp_server_init(&s, b->options, b->door[1]);
	if (w.error == 0)
		memcpy(w.address, s.listener.address, sizeof(w.address));
	if (send(b->door[1], &w, sizeof(w), MSG_NOSIGNAL) < 0 || w.error < 0)
		return 1;
	mp_server_run(&s);
	mp_server_end(&s);
	return 0;
}

int mp_manager_serve(const struct mp_manager_options *o)
{
	struct mp_server s;
	int error;

	if (o == NULL || o->address == NULL)
		return -EINVAL;
	error = mp_server_init(&s, o, -1);
	if (error < 0)
		return error;
	mp_server_run(&s);
	mp_server_end(&s);
	return 0;
}

/* ---- the starter ---- */

static int reap(struct mp_manager *m)
{
	int error;

	while ((error = mp_process_join(&m->process, -1)) == -EINTR)
		;
	mp_process_close(&m->process);
	return error;
}

/* Its first word.  -EPIPE: it died before. */
static int await_word(int door, struct word *w)
{
	ssize_t n;

	while ((n = recv(door, w, sizeof(*w), 0)) < 0 && errno == EINTR)
		;
	return n == sizeof(*w) ? w->error : -EPIPE;
}

int mp_manager_start(struct mp_manager *m, const struct mp_manager_options *o)
{
	static const struct mp_manager_options none;
	struct mp_process_options p = { .name = "manager" };
	struct mp_manager_client way = { .server = -1 };
	struct birth b = { .options = o != NULL ? o : &none };
	struct word w;
	int error;

	*m = (struct mp_manager){ .client = NULL };
	if (b.options->name != NULL)
		p.name = b.options->name;
	error = mp_process_init(&m->process, live, &b, &p);
	if (error < 0)
		return error;
	m->process.service = true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b.door) < 0)
		return -errno;
	error = mp_process_start(&m->process);
	close(b.door[1]);
	if (error < 0) {
		close(b.door[0]);
		return error;
	}
	way.door = b.door[0];
	error = await_word(b.door[0], &w);
	if (error == 0) {
		memcpy(m->address, w.address, sizeof(m->address));
		error = mp_process_fd(&m->process);
	}
	if (error >= 0) {
		way.server = fcntl(error, F_DUPFD_CLOEXEC, 0);
		error = way.server < 0 ? -errno : 0;
	}
	if (error < 0)
		close(b.door[0]);
	else
		error = mp_channel_connect(m, &way, -1);
	if (error < 0) {
		mp_process_kill(&m->process);
		reap(m);
	}
	return error;
}

/* One that is asked answers before it ends; but it may be stopped. */
static int ask_to_end(struct mp_manager *m)
{
	struct mp_manager_client *c;
	int error = mp_channel_get(m, &c);

	if (error == 0)
		mp_channel_request(c, 0, "shutdown", NULL, 0, true);
	if (error == 0)
		error = mp_channel_flush(c);
	return error;
}

int mp_manager_shutdown(struct mp_manager *m)
{
	int error;

	if (m->process.started == NULL)
		return m->client == NULL ? 0 : -EPERM;
	error = mp_process_is_alive(&m->process);
	if (error == -EPERM)
		return error;
	if (m->client == NULL || ask_to_end(m) < 0 ||
	    mp_process_join(&m->process, GRACE_NS) != 0)
		mp_process_kill(&m->process);
	reap(m);
	mp_channel_close(m);
	return 0;
}

/* ---- other handles ---- */

int mp_manager_connect(struct mp_manager *m, const struct mp_manager_options *o,
		       int64_t timeout_ns)
{
	struct mp_manager_client way = { .door = -1, .server = -1 };

	*m = (struct mp_manager){ .client = NULL };
	if (o == NULL || o->address == NULL)
		return -EINVAL;
	if (strlen(o->address) >= sizeof(way.address))
		return -ENAMETOOLONG;
	strcpy(way.address, o->address);
	strcpy(m->address, o->address);
	way.remote = o->remote;
	way.key = (void *)(uintptr_t)o->authkey;
	way.key_length = o->authkey_length;
	return mp_channel_connect(m, &way, timeout_ns);
}

static int duplicate(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int mp_manager_attach(struct mp_manager *m, struct mp_manager *of)
{
	struct mp_manager_client way, *c;
	int error;

	*m = (struct mp_manager){ .client = NULL };
	error = mp_channel_get(of, &c);
	if (error < 0)
		return error;
	memcpy(m->address, of->address, sizeof(m->address));
	way = (struct mp_manager_client){ .door = duplicate(c->door),
					  .server = duplicate(c->server),
					  .number = c->number,
					  .remote = c->remote,
					  .key = c->key,
					  .key_length = c->key_length };
	memcpy(way.address, c->address, sizeof(way.address));
	if ((c->door >= 0 && way.door < 0) ||
	    (c->server >= 0 && way.server < 0)) {
		error = -errno;
		if (way.door >= 0)
			close(way.door);
		return error;
	}
	return mp_channel_connect(m, &way, -1);
}

int mp_manager_close(struct mp_manager *m)
{
	mp_channel_close(m);
	return 0;
}

int mp_manager_alive(struct mp_manager *m)
{
	return mp_manager_count(m) >= 0;
}

/* ---- objects ---- */

int64_t mp_manager_count(struct mp_manager *m)
{
	struct mp_any n;
	int error =
		mp_channel_call(m, 0, "count", NULL, 0, MP_CHANNEL_GO_ON, &n);

	return error < 0 ? error : n.i;
}

int mp_manager_create(struct mp_manager *m, struct mp_proxy *p,
		      const char *type, const struct mp_any *args, uint32_t n)
{
	struct mp_any all[MP_MANAGER_ARGS] = { mp_any_str(type) }, ref;
	int error;

	*p = (struct mp_proxy){ .manager = m };
	if (n >= MP_MANAGER_ARGS)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		all[i + 1] = args[i];
	error = mp_channel_call(m, 0, "create", all, n + 1, MP_CHANNEL_GO_ON,
				&ref);
	return error < 0 ? error : mp_proxy_open(p, m, ref);
}
