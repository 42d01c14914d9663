/* manager - a process that keeps objects for others.
 *
 * Python: multiprocessing.Manager, managers.BaseManager.  Floor 4.
 *
 *	struct mp_manager m;
 *	struct mp_proxy counts;
 *
 *	mp_manager_start(&m, NULL);
 *	mp_manager_create(&m, &counts, "dict", NULL, 0);
 *	...  processes started from here on use `counts`: proxy.h  ...
 *	mp_manager_shutdown(&m);
 *
 * The objects live in the server, a child of the process that started it, which
 * has what is open then, as every child has: start it early.  All others have
 * proxies and send requests.  One loop serves all, one request after the other,
 * so each is atomic; those that must wait (acquire, get of an empty queue …)
 * are parked and hold up nobody.
 *
 * Types: dict set list namespace value array, lock rlock semaphore
 * bounded_semaphore condition event barrier, queue joinable_queue, and those
 * of mp_manager_options.types.  What they can do: proxy.h.
 *
 * Ways in.  Children of the starter, and theirs, talk through shared memory:
 * while both sides run, a request and its answer cost no system call.
 * Strangers come by .address, which is one of listener.h: a Unix socket (same
 * user, and the authkey) or "tcp:…" (the authkey; loopback, or with .remote
 * anywhere, and then what travels is neither secret nor safe from changes).
 * The messages are described in primitives/README.md; with Python's
 * multiprocessing.connection and a MessagePack module, a Python program is a
 * client.
 *
 * Lives in: private memory.  A forked child uses its copy of the handle, and of
 * all proxies: with its first call it becomes a client of its own and gets a
 * reference of its own to whatever its parent had then.
 *
 * Who may call: any process, one thread at a time a handle.  Another thread
 * connects a handle of its own (mp_manager_attach).  Not from a signal handler.
 *
 * If a client is killed: its locks are free, and the next acquire says
 * MP_OWNER_DIED; its waiting requests are forgotten; a barrier in which it
 * waited is broken; its references are dropped.  What it had sent completely is
 * done.  If it took an item from a queue, or units of a semaphore, they are
 * gone with it.  A child is seen to be dead by its pidfd; another client when
 * nobody holds its socket any more.
 * If the server is killed, or shut down: every call, waiting or later, is
 * -EPIPE at once, and the objects are gone.
 * If the starter is killed, or its thread ends: so is the server.
 *
 * A client that does not read its answers is not read from either; it costs the
 * server the answers to at most MP_MANAGER_PARKED requests more.
 */
#ifndef MP_MANAGER_H
#define MP_MANAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "mp/any.h"
#include "mp/listener.h"
#include "mp/process.h"

#define MP_MANAGER_PARKED  64 /* waiting requests of one client */
#define MP_MANAGER_MESSAGE ((size_t)16 << 20) /* the default, bytes */

struct mp_manager_client; /* manager-own.h */
struct mp_proxy;          /* proxy.h */

/* ---- types of your own ---- */

/* A request, while it is served. */
struct mp_call {
	const struct mp_any *args;
	uint32_t n;
	struct mp_any result; /* to be set; nil at first */
	struct mp_pack *pack; /* memory for a nested result, empty at first */
};

/* One thing that an object can do.  self: its state.  The result is the status
 * of the request: 0, or -errno.  args, and what result points to, must live
 * until the answer is packed, which is when this returns.  It must not wait:
 * nobody else is served meanwhile. */
struct mp_op {
	const char *name;
	int (*call)(void *self, struct mp_call *c);
};

struct mp_type {
	const char *name;
	size_t size;             /* of the state, which is all zero at first */
	const struct mp_op *ops; /* the last has no name */

	/* With the arguments of create; an error is create's.  May be NULL. */
	int (*init)(void *self, struct mp_call *c);
	/* Nobody uses it any more.  Not called if init failed.  May be NULL. */
	void (*fini)(void *self);
};

/* ---- the server ---- */

struct mp_manager_options {
	const char *address; /* for strangers; NULL: none */
	const void *authkey; /* copied; must be given for "tcp:…" */
	size_t authkey_length;
	bool remote;                  /* listener.h */
	const struct mp_type **types; /* NULL at the end; or NULL */
	size_t message_max;           /* bytes; 0: MP_MANAGER_MESSAGE */
	const char *name;             /* of the process; NULL: default */
};

/* The handle. */
struct mp_manager {
	struct mp_process process; /* the starter's */
	char address[MP_LISTENER_ADDRESS_MAX];
	struct mp_manager_client *client;
};

/* Start a server.  Returns when it can be used; .address with port 0 or a fresh
 * path: m->address.  -EINVAL: options.  -EADDRINUSE and so on: listener.h.
 * -EAGAIN, -ENOMEM, -EMFILE. */
MP_API int mp_manager_start(struct mp_manager *m,
			    const struct mp_manager_options *o);

/* Be a server, in this process, until a client asks for shutdown: 0.
 * o->address must be given. */
MP_API int mp_manager_serve(const struct mp_manager_options *o);

/* Be a client of a server at o->address; o->authkey, as it is there.  Errors of
 * mp_client_connect. */
MP_API int mp_manager_connect(struct mp_manager *m,
			      const struct mp_manager_options *o,
			      int64_t timeout_ns);

/* A handle for another thread, for the server of `of`, which must not be used
 * meanwhile. */
MP_API int mp_manager_attach(struct mp_manager *m, struct mp_manager *of);

/* The starter: have the server end, and wait for it; one that does not answer
 * within a second is killed.  Others get -EPERM, and nothing happens.  The
 * handle is closed.  Twice: nothing. */
MP_API int mp_manager_shutdown(struct mp_manager *m);

/* Give up this process's connection, and its references.  The server goes on;
 * the starter's ends when the starter does. */
MP_API int mp_manager_close(struct mp_manager *m);

/* 1 the server answers, 0 it does not any more. */
MP_API int mp_manager_alive(struct mp_manager *m);

/* ---- objects ---- */

/* Make an object; args: proxy.h.  *p refers to it, until mp_proxy_close.
 * -ENOENT: no such type.  Errors of its type.  -EPIPE. */
MP_API int mp_manager_create(struct mp_manager *m, struct mp_proxy *p,
			     const char *type, const struct mp_any *args,
			     uint32_t n);

/* How many there are in the server now; those that only refer to each other are
 * freed first. */
MP_API int64_t mp_manager_count(struct mp_manager *m);

#endif
