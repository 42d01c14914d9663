/* visit - what a client does with a store, again and again, and whether the
 * answers were right.
 *
 *	visit_begin(&v, &site, store, STORE_GET, 0);
 *	while (...)
 *		visit_once(&v);
 *	visit_end(&v);
 *
 *	get	each value is the one that was set
 *	set	after the last one all keys have the values set last
 *	append	the list has as many as were appended (it is emptied when it has
 *		VISIT_LIST)
 *	counter	it is the sum of what all clients have added: visit_believe
 *	lock	a plain counter, which it guards, has lost nothing: the same
 */
#ifndef MANAGERS_VISIT_H
#define MANAGERS_VISIT_H

#include <stdatomic.h>

#include "managers/store.h"

#define VISIT_LIST 1024

/* Shared by the clients; all zero when the store has been started. */
struct visit_board {
	_Alignas(128) uint64_t guarded;     /* by the store's lock */
	_Alignas(128) _Atomic uint64_t sum; /* of all that ended orderly */
};

struct visit {
	const struct store *store;
	struct visit_board *board;
	enum store_case what;
	int client;
	uint64_t done;                /* operations */
	uint32_t version[STORE_KEYS]; /* of the value set last */
	uint32_t length;              /* of the list */
};

/* -EBADMSG: an answer is not what it must be. */
int visit_begin(struct visit *v, struct site *s, const struct store *store,
		enum store_case what, int client);
int visit_once(struct visit *v);
int visit_end(struct visit *v);

/* In a process of its own, when all clients have ended.  0; or -errno, and what
 * there is and what there must be. */
int visit_believe(struct site *s, const struct store *store,
		  enum store_case what, const struct visit_board *board,
		  uint64_t found[2]);

#endif
