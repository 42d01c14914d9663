/* proxy - use an object that lives in a manager's server.
 *
 * Python: multiprocessing.managers.BaseProxy, DictProxy, ListProxy …  Floor 4.
 * Who may call, and what deaths do: manager.h.
 *
 *	struct mp_any n;
 *
 *	mp_proxy_set(&counts, mp_any_str("red"), mp_any_int(1));
 *	mp_proxy_add(&counts, mp_any_str("red"), 1, NULL);
 *	mp_proxy_get(&counts, mp_any_str("red"), &n);	 n.i == 2
 *
 * Each call is one request and one answer.  A get and a set are two, and
 * another client may come between: to change what is there, use add,
 * compare_exchange or update, or hold a lock of the manager meanwhile.
 *
 * Objects within objects: a proxy as a value, mp_proxy_any(&p), is stored as a
 * reference.  A reference in an answer is one more of this client, and the
 * caller's to give back: mp_proxy_open makes a proxy of it, mp_proxy_forget
 * gives back all in a value.  An object goes when no client and no object in
 * use refers to it; then its handle is -ESTALE.
 *
 * Keys are compared by their MessagePack bytes: 1, 1.0 and "1" are three keys.
 *
 * Errors of every call: -EPIPE: the server is gone.  -ESTALE: the object is.
 * -EOPNOTSUPP: its type has no such operation.  -EINVAL: too few or too many
 * arguments, or of the wrong kind.  -EMSGSIZE: request or answer longer than
 * the server takes (the answer: what was asked for is done).  -EBADMSG: a value
 * that is none.  -ENOMEM.  -EAGAIN: MP_MANAGER_PARKED requests wait already.
 */
#ifndef MP_PROXY_H
#define MP_PROXY_H

#include <stdbool.h>

#include "mp/any.h"
#include "mp/lock.h" /* MP_OWNER_DIED */
#include "mp/manager.h"

/* The handle; private memory. */
struct mp_proxy {
	struct mp_manager *manager;
	uint64_t handle;
};

/* What types can do: create(arguments), operations.  [x]: may be left out; t: a
 * timeout in nanoseconds.  -> what the answer is, if not nil.
 *
 * dict([map])  get key -> value; set key value; setdefault key value -> value;
 *	delete key; pop key [default] -> value; popitem -> [key, value];
 *	contains key -> bool; length; add key number -> the new one (what is not
 *	there counts as 0); compare_exchange key expected value -> bool; update
 *	map; clear; copy -> map; keys, values, items -> lists; next cursor ->
 *	[cursor, [key, value, …]], see mp_proxy_next.
 *	-ENOENT: no such key; popitem, which takes the youngest: none at all.
 * set([list])  add value; discard value; remove value; contains value -> bool;
 *	pop -> value, the oldest; length; clear; copy -> list; update list;
 *	next: the keys, with nil.  -ENOENT: no such value; pop: none at all.
 * list([list])  get i -> value; set i value; append value; extend list;
 *	insert i value; pop [i] -> value; delete i; remove value; index value;
 *	count value; contains value -> bool; length; add i number -> the new
 *	one; compare_exchange i expected value -> bool; reverse; sort; slice i
 *	j -> list; clear; copy -> list; next.  i < 0 counts from the end.
 *	-ERANGE: no such index; pop: none at all.  -ENOENT: no such value.
 *	sort: numbers, or strings; others, or both, are -EINVAL.
 * namespace()  as dict; keys are strings.
 * value(code, value)  get -> value; set value; add number -> the new one;
 *	compare_exchange expected value -> bool.  code: "i" any integer, "d" a
 *	float, also made of an integer, "c" a string, "b" bool, "any"; other
 *	values are -EINVAL.
 * array(code, list or length)  get i; set i value; add i number; length; copy;
 *	slice i j; next.
 * lock(), rlock()  acquire [t] -> status 0, or 1 (MP_OWNER_DIED); release;
 *	locked -> bool.  Release is by the client that acquired: -EPERM.
 *	-EDEADLK: a lock, acquired twice.
 * semaphore(n), bounded_semaphore(n)  acquire [t]; release [n]; value -> n.
 *	-EOVERFLOW: bounded, released too often.
 * condition([lock])  acquire [t], release; wait [t]; notify [n]; notify_all.
 *	-EPERM: without the lock.  Status of acquire and wait as a lock's.  wait
 *	has the lock again when it ends, as deep as before, however it ends.
 * event()  set; clear; is_set -> bool; wait [t].
 * barrier(n)  wait [t] -> which one, 0 … n-1; abort; reset; parties;
 *	n_waiting; broken -> bool.  -EPIPE is the server's; broken: -ECANCELED.
 *	A timeout, or the death of one who waits, breaks it.
 * queue([max]), joinable_queue([max])  put value [t]; get [t] -> value; qsize;
 *	empty; full -> bool; shutdown; joinable: task_done; join [t].
 *	-ESHUTDOWN: it is shut down (and, for get, empty); join goes on.
 *	-EINVAL: task_done for more than was put.
 *
 * add: an integer and a float make a float.  -EINVAL: not two numbers.
 * -EOVERFLOW: no MessagePack integer is that big.
 *
 * All that wait: -ETIMEDOUT; -EINTR, after a signal handler, but for acquire,
 * which goes on; after both, the request has left no trace.
 */

/* One request, one answer.  The status as the result: 0, MP_OWNER_DIED, or an
 * error.  *result, which may be NULL, points into memory of the manager's
 * handle, good until the next call with it. */
MP_API int mp_proxy_call(struct mp_proxy *p, const char *op,
			 const struct mp_any *args, uint32_t n,
			 struct mp_any *result);

/* ---- many requests, one way ---- */

/* Put a request on the way and do not wait.  Its number (> 0), for
 * mp_proxy_recv.  Requests are collected, sent together when an answer is asked
 * for or 16 KiB are full, and served in their order; those that travel together
 * without anybody else's between, as long as none waits and there is room for
 * their answers. */
MP_API int64_t mp_proxy_send(struct mp_proxy *p, const char *op,
			     const struct mp_any *args, uint32_t n);

/* The answer to one of them; each once, in any order.  -EINTR: it still comes.
 * -ENOENT: no such request. */
MP_API int mp_proxy_recv(struct mp_manager *m, int64_t request,
			 struct mp_any *result);

/* ---- the common ones ----
 *
 * A nil key is left out: for a value, which has none.  (A dict's nil key takes
 * mp_proxy_call.) */

MP_API int mp_proxy_get(struct mp_proxy *p, struct mp_any key,
			struct mp_any *result);
MP_API int mp_proxy_set(struct mp_proxy *p, struct mp_any key,
			struct mp_any value);
MP_API int mp_proxy_delete(struct mp_proxy *p, struct mp_any key);
MP_API int mp_proxy_append(struct mp_proxy *p, struct mp_any value);
/* Of a list, key nil: the last. */
MP_API int mp_proxy_pop(struct mp_proxy *p, struct mp_any key,
			struct mp_any *result);
/* Atomic; *result, which may be NULL, is the new value; -EINVAL: which is a
 * float. */
MP_API int mp_proxy_add(struct mp_proxy *p, struct mp_any key, int64_t n,
			int64_t *result);
/* 1: it was `expected` and is `value` now; 0: it was another. */
MP_API int mp_proxy_compare_exchange(struct mp_proxy *p, struct mp_any key,
				     struct mp_any expected,
				     struct mp_any value);
MP_API int mp_proxy_contains(struct mp_proxy *p, struct mp_any key);
MP_API int64_t mp_proxy_length(struct mp_proxy *p);

MP_API int mp_proxy_acquire(struct mp_proxy *p, int64_t timeout_ns);
MP_API int mp_proxy_release(struct mp_proxy *p);
/* Of an event, a condition, a barrier, where the result is which one. */
MP_API int mp_proxy_wait(struct mp_proxy *p, int64_t timeout_ns);
MP_API int mp_proxy_put(struct mp_proxy *p, struct mp_any value,
			int64_t timeout_ns);
MP_API int mp_proxy_take(struct mp_proxy *p, struct mp_any *result,
			 int64_t timeout_ns);

/* Go through a dict, set, list or array, some hundred elements a request:
 *
 *	struct mp_proxy_iterator it = { .proxy = &p };
 *
 *	while ((error = mp_proxy_next(&it, &key, &value)) > 0)
 *
 * 1: an element; key: a list's is its index, a set's its value.  0: no more.
 * -ESTALE: the object is gone.  -EBUSY: elements came or went meanwhile. */
struct mp_proxy_iterator {
	struct mp_proxy *proxy;
	/* All below: private, 0 at first. */
	struct mp_pack elements;
	size_t at;
	struct mp_pack cursor;
	bool last;
};
MP_API int mp_proxy_next(struct mp_proxy_iterator *it, struct mp_any *key,
			 struct mp_any *value);
/* Before the end: give its memory back. */
MP_API void mp_proxy_stop(struct mp_proxy_iterator *it);

/* ---- references ---- */

/* This proxy as a value. */
MP_API struct mp_any mp_proxy_any(const struct mp_proxy *p);

/* A proxy of a reference that came in an answer, which is its from then on.
 * -EINVAL: no reference. */
MP_API int mp_proxy_open(struct mp_proxy *p, struct mp_manager *m,
			 struct mp_any reference);

/* A proxy of a handle that came by another way.  -ESTALE. */
MP_API int mp_proxy_adopt(struct mp_proxy *p, struct mp_manager *m,
			  uint64_t handle);

/* Give back all references in a value that came in an answer. */
MP_API int mp_proxy_forget(struct mp_manager *m, struct mp_any value);

/* Give the reference back.  Twice: nothing. */
MP_API int mp_proxy_close(struct mp_proxy *p);

#endif
