/* store - what keeps a dict, lists, a counter and a lock for several processes:
 * our manager, our dict in shared memory, or a peer.
 *
 * A store is a table of functions.  start and stop run in the benchmark's own
 * process; each client is a process of its own, forked after start, which calls
 * enter first, and leave at the end.  So what a client needs may stand in
 * static variables.  0, or -errno.
 *
 *	static int redis_get(int key, int n, struct store_value *values)
 *	{ ... }
 *	const struct store store_redis = { .name = "redis",
 *					   .cases = STORE_DICT,
 *					   .start = redis_start,
 *					   .get = redis_get, ... };
 *
 * start says in s->why what is missing: then the benchmark is skipped,
 * otherwise a failure is an error.
 */
#ifndef MANAGERS_STORE_H
#define MANAGERS_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORE_CLIENTS   16
#define STORE_KEYS      64 /* of each client; nobody else writes them */
#define STORE_KEY_BYTES 11
#define STORE_BATCH     16 /* requests at once, at most */

struct store_value { /* 64 bytes: ways/payload.h */
	uint64_t word[8];
};

enum store_case {
	STORE_GET,
	STORE_SET,
	STORE_APPEND,
	STORE_COUNTER,
	STORE_LOCK,
	STORE_CASES /* so many */
};

/* For .cases. */
#define STORE_CAN(what) (1u << (what))
#define STORE_DICT      (STORE_CAN(STORE_GET) | STORE_CAN(STORE_SET))
#define STORE_ALL       ((1u << STORE_CASES) - 1)

struct site { /* where a store is at work */
	int clients;
	pid_t server;   /* whose CPU time counts too; 0: none */
	char path[108]; /* of a peer's socket */
	char why[160];
};

struct store {
	const char *name;
	unsigned cases;
	bool quick; /* no server: reading the clock would be most of the time */
	int batch;  /* so many requests at once; 0: one */

	int (*start)(struct site *s);
	void (*stop)(struct site *s);
	int (*enter)(struct site *s, int client);
	void (*leave)(void);

	/* n keys of this client, from that one on; n is `batch`. */
	int (*get)(int key, int n, struct store_value *values);
	int (*set)(int key, int n, const struct store_value *values);
	/* A list of this client. */
	int (*append)(const struct store_value *value);
	int (*length)(uint64_t *n);
	int (*clear)(void);
	/* A counter, and a lock, of all clients. */
	int (*add)(void);
	int (*total)(uint64_t *n);
	int (*acquire)(void);
	int (*release)(void);
};

/* Ours: by shared memory, a Unix socket and TCP; without a server. */
extern const struct store store_manager, store_manager_unix, store_manager_tcp,
	store_manager_p16, store_dict, store_list, store_lock;
/* Peers; each says if it is not there. */
extern const struct store store_redis, store_redis_p16, store_hiredis,
	store_memcached, store_libmemcached;

/* "key:07:0042", with the final NUL. */
void store_key(char text[STORE_KEY_BYTES + 1], int client, int key);

#endif
