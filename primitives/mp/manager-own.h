/* manager-own - the server of a manager, and a client's end, inside.
 *
 * Internal to manager-*.c and proxy.c.  Floor 4.  Private memory, of the server
 * or of a client.
 *
 * A message of a connection (conn.h) holds one request or more, one behind the
 * other; each is some MessagePack values:
 *
 *	request  id handle operation n argument…	id 0: no answer wanted
 *	answer   id status value
 *
 * The answers to one message come together, in one; that to a request which had
 * to wait comes later, in its own.  Handle 0 is the server itself:
 *
 *	create type argument…      -> a reference
 *	hello version [parent]     -> [the client's number, message_max]; with
 *	                              the references of the client `parent`
 *	ref reference              one reference more
 *	drop reference [n]         n fewer
 *	cancel id                  if that request waits: it is -EINTR
 *	count                      -> objects
 *	shutdown, bye              the server ends; the connection does
 */
#ifndef MP_MANAGER_OWN_H
#define MP_MANAGER_OWN_H

#include <sys/types.h>

/* Without memory, uthash must not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "mp/any.h"
#include "mp/conn.h"
#include "mp/listener.h"
#include "mp/manager-type.h"
#include "mp/spin.h"

#define MP_MANAGER_VERSION 1
#define MP_UNDER_WAY       256 /* without an answer, then one is fetched */
#define MP_MANAGER_ARGS    16  /* of one request */

/* ---- the door: how a child of the starter comes in ---- */

/* What a client sends over a socket that it has inherited: its end of a pipe,
 * the server's, and a pidfd of itself, by which its death is seen even if a
 * child of its own has inherited the client's end. */
struct mp_door_letter {
	uint64_t size; /* of the memory */
};
enum {
	MP_DOOR_MEMORY,
	MP_DOOR_SOCKET,
	MP_DOOR_BELL_IN,
	MP_DOOR_BELL_OUT,
	MP_DOOR_PIDFD,
	MP_DOOR_FDS
};

/* ---- objects: manager-object.c ---- */

/*  handle = generation << 24 | place in the table.  A place is used again, with
 *  the next generation; so a handle is never another object's. */
#define MP_OBJECT_PLACES (UINT64_C(1) << 24)

struct mp_server;

struct mp_place {
	struct mp_object *object; /* NULL: free */
	uint64_t generation;
	uint64_t next_free; /* plus 1 */
};

/* The state of its type lies behind it. */
struct mp_object {
	uint64_t handle;
	struct mp_server *server;
	const struct mp_verbs *verbs;
	uint64_t held;   /* references of clients */
	uint64_t inside; /* references in values that other objects keep */
	uint64_t pins;   /* requests that wait, or are being served */
	bool made;       /* its init has succeeded */
	bool doomed;     /* on its way out */
	bool marked;     /* found from what is held */
	struct mp_object *next; /* doomed, or to be looked through */
	_Alignas(16) unsigned char state[];
};

struct mp_object *mp_object_of(void *state);

/* NULL: gone, or never there. */
struct mp_object *mp_object_find(struct mp_server *s, uint64_t handle);

/* NULL: no memory, or too many. */
struct mp_object *mp_object_make(struct mp_server *s,
				 const struct mp_verbs *verbs);

/* One of its counts went down: if all are 0, it is doomed. */
void mp_object_check(struct mp_object *o);

/* Free what is doomed, and what is doomed by that. */
void mp_object_sweep(struct mp_server *s);

/* Free what is referred to in circles only; when `now`, or when it pays. */
void mp_object_collect(struct mp_server *s, bool now);

/* All, at the end. */
void mp_object_end(struct mp_server *s);

/* ---- types: manager-verbs.c ---- */

/* An operation, found by comparing a number. */
struct mp_verb {
	uint64_t start; /* the first 8 bytes of its name */
	uint32_t length;
	const struct mp_op *op;
};

/* A type as the server has it. */
struct mp_verbs {
	const struct mp_type *type;
	const struct mp_kind *kind; /* NULL: a user's */
	struct mp_verb *v;
	uint32_t n;
};

/* -EINVAL: two of the same name, or a bad one.  -ENOMEM. */
int mp_verbs_init(struct mp_server *s, const struct mp_type **types);
void mp_verbs_end(struct mp_server *s);
const struct mp_verbs *mp_verbs_find(const struct mp_server *s,
				     struct mp_any type);
const struct mp_op *mp_verbs_op(const struct mp_verbs *v, struct mp_any name);

/* ---- clients: manager-client.c, manager-serve.c ---- */

struct mp_reference {
	uint64_t handle, n;
	UT_hash_handle hh;
};

/* An answer that found no room yet. */
struct mp_unsent {
	struct mp_pack message;
	struct mp_unsent *next;
};

/* What epoll tells of. */
enum mp_watch_kind {
	MP_WATCH_DOOR,
	MP_WATCH_LISTENER,
	MP_WATCH_BELL,   /* of rings: a message, after a sleep */
	MP_WATCH_SOCKET, /* of rings: the end; else a message */
	MP_WATCH_PROCESS /* its death */
};

struct mp_watch {
	enum mp_watch_kind kind;
	struct mp_client *client;
};

/*  state      its requests are served                  leaves by        to
 *  HOT        when the loop comes round: rings only    no message       COLD
 *                                                      no room          FULL
 *  COLD       when epoll tells; rings: bell armed      a bell, a death  HOT
 *                                                      no room          FULL
 *  FULL       not: an answer of it waits for room      room             HOT,
 *                                                                       COLD
 *  GONE       not: it is freed when the events at      -
 *             hand are done with
 */
enum mp_client_state {
	MP_CLIENT_COLD,
	MP_CLIENT_HOT,
	MP_CLIENT_FULL,
	MP_CLIENT_GONE
};

struct mp_client {
	struct mp_server *server;
	struct mp_conn conn;
	bool rings;
	bool dead;   /* no more will come than what lies in the rings */
	bool broken; /* it cannot be answered: it goes when its turn comes */
	int pidfd;   /* -1: a stranger's */
	uint64_t number;
	enum mp_client_state state;
	uint32_t idle; /* rounds without a message */
	struct mp_watch bell, socket, process;

	/* A stranger's message, while it comes. */
	unsigned char *in;
	size_t in_room;

	struct mp_pack out;       /* answers to the message at hand */
	struct mp_pack rest;      /* requests of it that are not served yet */
	struct mp_unsent *unsent; /* the oldest first */

	struct mp_reference *references; /* by handle */
	struct mp_parked *parked;
	uint32_t nparked;
	struct mp_hold *holds;

	struct mp_client *prev, *next;           /* all */
	struct mp_client *some_prev, *some_next; /* of the same state */
};

/* A request that is being served. */
struct mp_serving {
	struct mp_call call; /* first: what operations get */
	struct mp_client *client;
	struct mp_object *object;
	uint64_t id;
	struct mp_parked *parked;
	struct mp_object *fresh; /* just made; only the answer refers to it */
	struct mp_kept given; /* to be kept no more when the answer is packed */
};

struct mp_server {
	struct mp_listener listener;
	bool listens;
	int door, epoll; /* -1: none */
	size_t message_max;
	bool ended;
	int64_t alarm; /* no parked request's deadline is earlier */

	struct mp_client *clients, *hot, *full, *gone;
	int64_t full_ns;   /* until the next look at the full */
	uint64_t numbers;  /* clients ever */
	uint32_t last_cpu; /* of the client that was served last */

	struct mp_place *places;
	uint64_t nplaces, room;
	uint64_t free_place; /* plus 1; 0: none */
	uint64_t objects;
	struct mp_object *doomed, *self;
	uint64_t suspects; /* may be in circles, since the last collection */

	struct mp_verbs *types;
	uint32_t ntypes;
	struct mp_verbs own; /* of handle 0 */

	unsigned char *in; /* a message out of rings */
	size_t in_room;
	struct mp_pack nested; /* for results */
	struct mp_pack kept;   /* while a value is being kept */
};

/* Its connection is made; it is the server's from now on.  -ENOMEM. */
int mp_client_add(struct mp_server *s, struct mp_client *c);

/* Serve what has come, some messages at most; how many. */
int mp_client_serve(struct mp_client *c);

/* Send what waits for room.  1: all is gone.  0: not yet. */
int mp_client_flush(struct mp_client *c);

/* Send an answer, or let it wait.  The bytes are taken over.  Types may call
 * it: nobody goes in here. */
void mp_client_answer(struct mp_client *c, struct mp_pack *message);

void mp_client_state(struct mp_client *c, enum mp_client_state state);

/* One of rings has died, or closed its end. */
void mp_client_died(struct mp_client *c);

/* It has no locks, waits and references any more; it is freed later. */
void mp_client_gone(struct mp_client *c);
void mp_client_free(struct mp_client *c);

/* n references more, or fewer.  -ENOMEM; -ESTALE: it has not as many. */
int mp_client_refs(struct mp_client *c, struct mp_object *o, uint64_t n);
int mp_client_drop(struct mp_client *c, struct mp_object *o, uint64_t n);

/* The requests in a message, to c->out, as long as there is room for answers:
 * how many bytes are done with.  (manager-serve.c) */
size_t mp_serve_requests(struct mp_client *c, const void *data, size_t size);

/* The answer to one, behind those in *out. */
void mp_serve_answer(struct mp_client *c, struct mp_pack *out, uint64_t id,
		     int status, struct mp_any result, bool trusted);

/* What was no request: named by its id, if that could be read; else 0, which
 * is nobody's. */
void mp_serve_refuse(struct mp_client *c, uint64_t id, int error);

/* Operations of handle 0: manager-self.c */
extern const struct mp_type mp_manager_self;

/* ---- waiting: manager-park.c ---- */

/* Give up those whose time has come; when the next one's is. */
int64_t mp_park_look(struct mp_server *s);

/* The request of c with this id, if it waits. */
struct mp_parked *mp_park_find(struct mp_client *c, uint64_t id);
void mp_park_give_up(struct mp_parked *w, int why);

/* ---- coming in: manager-door.c ---- */

/* Let one in.  0: nobody stands there. */
int mp_door_step(struct mp_server *s);
void mp_door_listener(struct mp_server *s);

/* A client's end of a new channel; c is closed after an error. */
int mp_door_knock(struct mp_conn *c, int door);

/* ---- the loop: manager-loop.c ---- */

/* Set up; what fails is undone. */
int mp_server_init(struct mp_server *s, const struct mp_manager_options *o,
		   int door);
void mp_server_run(struct mp_server *s);
void mp_server_end(struct mp_server *s);

/* ---- a client's end: manager-channel.c, manager-ask.c ---- */

/* An answer that came before it was asked for. */
struct mp_early {
	uint64_t id;
	struct mp_pack answer; /* status, value */
	struct mp_early *next;
};

struct mp_manager_client {
	struct mp_conn conn;
	bool over;       /* the server is gone, or does not understand us */
	uint64_t user;   /* the id of the thread that used it last */
	pid_t pid;       /* whose connection it is */
	uint64_t number; /* at the server; at first its parent's, or 0 */
	size_t message_max;

	/* How to come in, again after a fork. */
	int door;   /* -1: by address */
	int server; /* its pidfd; -1: a stranger's server */
	char address[MP_LISTENER_ADDRESS_MAX];
	bool remote;
	void *key;
	size_t key_length;

	uint64_t last;      /* request */
	uint32_t under_way; /* requests without an answer: */
	uint64_t waited_for[MP_UNDER_WAY];
	struct mp_pack out; /* requests that were not sent yet */
	unsigned char *in;
	size_t in_room;
	struct mp_early *early;
	struct mp_pack result; /* of an early one, while it is read */
};

/* The channel of the calling process; connects it, after a fork.  Errors of
 * connecting; -EPIPE: it is closed, or the server gone. */
int mp_channel_get(struct mp_manager *m, struct mp_manager_client **c);

/* A request behind those that wait to be sent.  Its id, or an error.  silent:
 * no answer is wanted. */
int64_t mp_channel_request(struct mp_manager_client *c, uint64_t handle,
			   const char *op, const struct mp_any *args,
			   uint32_t n, bool silent);

int mp_channel_flush(struct mp_manager_client *c);

/* The answer to a request, and, after a signal handler: wait on; have the
 * request cancelled, if it waits; come back with -EINTR. */
enum mp_channel_signal {
	MP_CHANNEL_GO_ON,
	MP_CHANNEL_CANCEL,
	MP_CHANNEL_RETURN
};
int mp_channel_answer(struct mp_manager_client *c, uint64_t id,
		      enum mp_channel_signal then, struct mp_any *result);

/* All of it: channel, request, answer. */
int mp_channel_call(struct mp_manager *m, uint64_t handle, const char *op,
		    const struct mp_any *args, uint32_t n,
		    enum mp_channel_signal then, struct mp_any *result);

/* Make one: the way in, and the number, are those of `like`; the descriptors
 * belong to it from then on, also after an error. */
int mp_channel_connect(struct mp_manager *m, struct mp_manager_client *like,
		       int64_t timeout_ns);
void mp_channel_close(struct mp_manager *m);

#endif
