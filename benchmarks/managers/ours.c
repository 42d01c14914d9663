/* ours.c - our manager: by shared memory, as its children have it, by a Unix
 * socket and by TCP, as strangers do.
 *
 * mp_manager_p16 sends sixteen requests before it asks for an answer. */
#include "managers/store.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#ifdef HAVE_MANAGER
#include "managers/ours.h"

/* Of the starter; each client has a copy. */
static struct mp_manager server;
static struct mp_proxy objects[2 + STORE_CLIENTS]; /* dict, lock, lists */

/* Of this client. */
static struct mp_manager connected;
static char names[STORE_KEYS][STORE_KEY_BYTES + 1];

static int start(struct site *s, const struct mp_manager_options *o)
{
	int e = mp_manager_start(&server, o);

	if (e < 0)
		return e;
	for (int i = 0; e == 0 && i < 2 + STORE_CLIENTS; i++)
		e = mp_manager_create(&server, &objects[i],
				      i == 0   ? "dict"
				      : i == 1 ? "lock"
					       : "list",
				      NULL, 0);
	s->server = mp_process_pid(&server.process);
	if (e < 0)
		mp_manager_shutdown(&server);
	return e;
}

static const struct mp_manager_options by_unix = { .address = NULL };
static const struct mp_manager_options by_tcp = { .address = "tcp:127.0.0.1:0",
						  .authkey = "peekaboo",
						  .authkey_length = 8 };

static int memory_start(struct site *s)
{
	return start(s, &by_unix);
}

static int unix_start(struct site *s)
{
	struct mp_manager_options o = by_unix;
	char address[64];
	static unsigned number;

	snprintf(address, sizeof(address), "@rawmp-bench-%d-%u", getpid(),
		 number++);
	o.address = address; /* an abstract name: no file */
	return start(s, &o);
}

static int tcp_start(struct site *s)
{
	int e = start(s, &by_tcp);

	if (e == -ENOTSUP)
		snprintf(s->why, sizeof(s->why),
			 "built without authkeys, and TCP needs one: run make "
			 "setup, and build again");
	return e;
}

static void stop(struct site *s)
{
	if (s->server > 0)
		mp_manager_shutdown(&server);
	s->server = 0;
}

/* ---- a client ---- */

static void keys_of(int client)
{
	for (int i = 0; i < STORE_KEYS; i++) {
		store_key(names[i], client, i);
		ours.keys[i] = mp_any_str(names[i]);
	}
}

static int memory_enter(struct site *s, int client)
{
	(void)s;
	keys_of(client);
	ours.manager = &server;
	ours.dict = objects[0];
	ours.lock = objects[1];
	ours.list = objects[2 + client];
	return 0;
}

static int connect_by(const struct mp_manager_options *kind, int client)
{
	struct mp_manager_options o = *kind;
	struct mp_proxy *mine[] = { &ours.dict, &ours.lock, &ours.list };
	const struct mp_proxy *theirs[] = { &objects[0], &objects[1],
					    &objects[2 + client] };
	int e;

	keys_of(client);
	ours.manager = &connected;
	o.address = server.address;
	e = mp_manager_connect(&connected, &o, -1);
	for (int i = 0; e == 0 && i < 3; i++)
		e = mp_proxy_adopt(mine[i], &connected, theirs[i]->handle);
	return e;
}

static int unix_enter(struct site *s, int client)
{
	(void)s;
	return connect_by(&by_unix, client);
}

static int tcp_enter(struct site *s, int client)
{
	(void)s;
	return connect_by(&by_tcp, client);
}

static void leave(void)
{
	mp_manager_close(ours.manager);
}

#define OPERATIONS                                                         \
	.stop = stop, .leave = leave, .get = ours_get, .set = ours_set,    \
	.append = ours_append, .length = ours_length, .clear = ours_clear, \
	.add = ours_add, .total = ours_total, .acquire = ours_acquire,     \
	.release = ours_release

const struct store store_manager = { .name = "mp_manager",
				     .cases = STORE_ALL,
				     .start = memory_start,
				     .enter = memory_enter,
				     OPERATIONS };
const struct store store_manager_unix = { .name = "mp_manager_unix",
					  .cases = STORE_ALL,
					  .start = unix_start,
					  .enter = unix_enter,
					  OPERATIONS };
const struct store store_manager_tcp = { .name = "mp_manager_tcp",
					 .cases = STORE_ALL,
					 .start = tcp_start,
					 .enter = tcp_enter,
					 OPERATIONS };
const struct store store_manager_p16 = { .name = "mp_manager_p16",
					 .cases = STORE_DICT,
					 .batch = 16,
					 .start = memory_start,
					 .stop = stop,
					 .enter = memory_enter,
					 .leave = leave,
					 .get = ours_get_batch,
					 .set = ours_set_batch };

#else

static int missing(struct site *s)
{
	snprintf(s->why, sizeof(s->why),
		 "built without the manager: run make setup, and build again");
	return -ENOENT;
}

#define MISSING(what, can)                                                \
	{                                                                 \
		.name = "mp_manager" what, .cases = can, .start = missing \
	}

const struct store store_manager = MISSING("", STORE_ALL);
const struct store store_manager_unix = MISSING("_unix", STORE_ALL);
const struct store store_manager_tcp = MISSING("_tcp", STORE_ALL);
const struct store store_manager_p16 = MISSING("_p16", STORE_DICT);
#endif
