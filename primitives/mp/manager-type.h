/* manager-type - what the types of a manager's objects are made of.
 *
 * Internal to type-*.c and manager-*.c.  Floor 4.  Private memory of the
 * server, which has one thread: nothing here needs a lock.
 *
 * A type is a table of operations (manager.h).  Those of the library may also
 * keep values that refer to other objects, and make a request wait.
 *
 *	static int pop(void *self, struct mp_call *c)
 *	{
 *		...
 *		if (nothing there)
 *			return mp_park(c, &q->getters, t, 0);
 *		return mp_give(c, &value);
 *	}
 */
#ifndef MP_MANAGER_TYPE_H
#define MP_MANAGER_TYPE_H

#include "mp/manager.h"

struct mp_client; /* manager-own.h */
struct mp_object; /* manager-own.h */

/* A type of the library.  Its state begins as all zero bytes. */
struct mp_parked;
struct mp_kept;
struct mp_kind {
	struct mp_type type;

	/* Call each(k, arg) for every value that is kept.  NULL: keeps none. */
	void (*visit)(void *self, void (*each)(struct mp_kept *k, void *arg),
		      void *arg);

	/* A request that waits is given up: -ETIMEDOUT, -EINTR, or -EPIPE when
	 * its client is gone (an answer goes nowhere then).  To end with
	 * mp_unpark, now or later.  NULL: at once, with `why` as the status. */
	void (*give_up)(void *self, struct mp_parked *w, int why);
};

/* ---- arguments ---- */

/* 0, or -EINVAL: not between min and max of them. */
int mp_args(const struct mp_call *c, uint32_t min, uint32_t max);

/* Argument i as an integer, a string, a timeout; -EINVAL: another kind.
 * If it was left out or nil: `otherwise`.  The string is not copied. */
int mp_arg_int(const struct mp_call *c, uint32_t i, int64_t otherwise,
	       int64_t *n);

/* ---- values that are kept ---- */

/* All zero: none. */
struct mp_kept {
	unsigned char *data; /* MessagePack, one value */
	uint32_t size;
	uint32_t refs; /* references within */
};

/* Keep a copy, which counts for the objects that it refers to.
 * -ESTALE: one of them is gone.  -ENOMEM. */
int mp_keep(struct mp_call *c, struct mp_any v, struct mp_kept *k);

/* Do not keep it any more; *k is none.  self: the object's state. */
void mp_unkeep(void *self, struct mp_kept *k);

/* As a value, good while it is kept. */
struct mp_any mp_kept_any(const struct mp_kept *k);

/* Answer with what was kept, and keep it no more (what pop does): the bytes
 * live until the answer is packed.  0. */
int mp_give(struct mp_call *c, struct mp_kept *k);

/* ---- requests that wait ---- */

#define MP_PARKED 2 /* a result of an operation: the answer comes later */

/* A request that waits, in one queue of one object. */
struct mp_parked {
	struct mp_client *client;
	struct mp_object *object;
	uint64_t id;
	int64_t deadline;
	int why;                       /* the type's own */
	int status;                    /* the type's own; 0 at first */
	struct mp_kept value;          /* the type's own: what put brought */
	struct mp_parked **queue;      /* where it stands */
	struct mp_parked *prev, *next; /* in the queue: utlist */
	struct mp_parked *client_prev, *client_next; /* of the client */
};

/* Have this request wait at the end of *queue.  The result of the operation:
 * MP_PARKED; -ETIMEDOUT: timeout_ns is 0; -EAGAIN: too many of this client
 * wait; -ENOMEM.  mp_parked_last: the one that was just parked, in order to set
 * its own fields. */
int mp_park(struct mp_call *c, struct mp_parked **queue, int64_t timeout_ns);
struct mp_parked *mp_parked_last(struct mp_call *c);

/* To the end of another queue. */
void mp_repark(struct mp_parked *w, struct mp_parked **queue);

/* Answer, and forget it; what w->value keeps is kept no more. */
void mp_unpark(struct mp_parked *w, int status, struct mp_any result);

/* ---- locks ---- */

/* One holder, a client; others wait in turn.  In lock, rlock, condition. */
struct mp_hold {
	struct mp_client *owner;     /* NULL: free */
	uint32_t depth;              /* how often it has acquired */
	bool recursive;              /* an rlock */
	bool orphaned;               /* the last owner died; the next is told */
	struct mp_parked *queue;     /* they want it */
	struct mp_hold *prev, *next; /* of the owner's: utlist */
};

/* All in type-lock.c.  acquire: for an operation, a result of it; the hold
 * lies in the object of the call, or in one that lives as long. */
int mp_hold_acquire(struct mp_call *c, struct mp_hold *h, int64_t timeout_ns);
int mp_hold_release(struct mp_call *c, struct mp_hold *h);

/* w, who waits somewhere, gets the hold, or waits for it now; `depth` deep.
 * Its answer will be w->status if that is not 0, else whether it was orphaned.
 */
void mp_hold_pass(struct mp_hold *h, struct mp_parked *w, uint32_t depth);

/* The owner has died. */
void mp_hold_abandon(struct mp_hold *h);

/* The holds of a client, for type-lock.c. */
struct mp_hold **mp_client_holds(struct mp_client *client);
struct mp_client *mp_call_client(struct mp_call *c);

/* The state of another object that an argument refers to, if its type is one of
 * these (NULL at the end); it is pinned by mp_keep of the same argument.
 * -EINVAL: no reference, or of another type.  -ESTALE. */
int mp_arg_object(struct mp_call *c, uint32_t i, const char *const *types,
		  void **state);

/* ---- the types: type-*.c; NULL at the end ---- */

extern const struct mp_kind mp_type_dict, mp_type_set, mp_type_namespace,
	mp_type_list, mp_type_value, mp_type_array, mp_type_lock, mp_type_rlock,
	mp_type_semaphore, mp_type_bounded_semaphore, mp_type_condition,
	mp_type_event, mp_type_barrier, mp_type_queue, mp_type_joinable_queue;

#endif
