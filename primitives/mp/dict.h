/* dict - keys and values in shared memory, with no server.
 *
 * Python: a multiprocessing.Manager's dict, which lives in a process of its
 * own: a get there is two messages and two switches.  Here it is a look into
 * memory.  Floor 3.  Any process, any thread; not from a signal handler.
 *
 * Lives in: memory that its users share (shm.h), at any address in each:
 * mp_dict_size bytes of it, of which little more than what is used is ever
 * touched.
 *
 *	size_t size = mp_dict_size(1000, 16, 64);
 *
 *	mp_shm_create(&m, NULL, size);
 *	d = m.addr;
 *	mp_dict_init(d, 1000, 16, 64);
 *
 *	mp_dict_set(d, "ann", 3, "hello", 5);
 *	mp_dict_get(d, "ann", 3, buf, sizeof(buf), &length);	 length == 5
 *	mp_dict_add(d, "visits", 6, 1, NULL);			 from 0 to 1
 *
 * Keys are any number of bytes up to key_max, values up to value_max; none is a
 * number too.  `capacity` entries always fit; of more, some may.  Two keys are
 * the same if their bytes are.  (For numbers and more put MessagePack in.)
 *
 * Each call happens at one moment between its begin and its end, but for clear,
 * which is many deletes, and len, which is many looks.  Python's d[k] += 1 on a
 * manager's dict is a get and a set, and loses updates; add and
 * compare_exchange are one.
 *
 * Who changes an entry takes a lock; there is one for some eight entries, and
 * at least 64, so two clients with keys of their own hardly ever meet.  Who
 * only looks (get, contains, next, len) takes none, writes nothing, and waits
 * for nobody: each value lies there in two copies, and the one that counts is
 * never written to.  Where it changes faster than it can be read, get and next
 * take the lock after some looks.  No call makes a system call unless it finds
 * a lock held.
 *
 * If a user is killed: what it was changing has changed if it came to the one
 * store that publishes, and has not if it did not come that far.  Nobody is
 * held up: the next who needs the lock gets it (lock.h), takes an entry that
 * was half made or half deleted out of its chain, and goes on.  No room is
 * lost.  If one is stopped (SIGSTOP) in a change: who looks is not held up; who
 * changes an entry under the same lock waits for it, as it may go on.
 *
 * Illegal: unmapping the memory while a thread is in a call; keys chosen by an
 * enemy, who can find many that share a chain, which is slow, not wrong.
 *
 * Source: a lock for some of the chains: Herlihy and Shavit, "The Art of
 * Multiprocessor Programming", 2008, chapter 13, striped hash set; two copies:
 * latch.h; "stay in the chain or begin again": Linux,
 * Documentation/RCU/rculist_nulls.rst; the hash: mum-hash (Makarov, 2016), as
 * in wyhash (Wang, 2019).
 */
#ifndef MP_DICT_H
#define MP_DICT_H

#include <stddef.h>

#include "mp/lock.h"

#define MP_DICT_CAPACITY_MAX (UINT32_C(1) << 28)
#define MP_DICT_KEY_MAX      ((size_t)1 << 20)
#define MP_DICT_VALUE_MAX    ((size_t)1 << 30)

#define MP_DICT_CHAINS 12 /* of one stripe */

/* Some of the chains, and the lock for changes to them.  Who only looks reads
 * the first line, which changes when an entry comes or goes. */
struct mp_dict_stripe {
	/* Guarded by lock.  States in dict-own.h. */
	_Alignas(64) _Atomic uint64_t count;
	_Atomic uint64_t cuts; /* goes on by 1 when an entry leaves a chain */
	_Atomic uint32_t heads[MP_DICT_CHAINS]; /* first entry + 1; 0: none */
	struct mp_lock lock;
};

/* What lies ahead of the stripes; after them, whose is which entry, and the
 * entries. */
struct mp_dict {
	/* Constant after init. */
	_Alignas(64) uint64_t value_max;
	uint64_t owners; /* where they begin, in bytes from here */
	uint64_t first;  /* the entries, likewise */
	uint64_t stride; /* from one entry to the next */
	uint64_t copies; /* of the value, in bytes from its entry */
	uint32_t key_max;
	uint32_t entries; /* more than capacity */
	uint32_t stripes;
	uint32_t capacity;
	_Alignas(64) struct mp_dict_stripe stripe[];
};

/* The bytes of shared memory that a dict needs.  0: capacity or key_max is 0,
 * or one of the three is more than MP_DICT_CAPACITY_MAX, MP_DICT_KEY_MAX,
 * MP_DICT_VALUE_MAX. */
MP_API size_t mp_dict_size(uint32_t capacity, size_t key_max, size_t value_max);

/* An empty dict.  -EINVAL: as above, or memory that is not shared. */
MP_API int mp_dict_init(struct mp_dict *d, uint32_t capacity, size_t key_max,
			size_t value_max);

/* ---- look ----
 *
 * These and the changes below say -EMSGSIZE to a key that is longer than
 * key_max, and -EINVAL if the memory holds what no state of a lock is. */

/* d[key]: copy the value out; *length, which may be NULL, is how long it is.
 * -ENOENT: no such key.  -EMSGSIZE: longer than size, and *length tells.
 * After an error buf may have been written to, here and below. */
MP_API int mp_dict_get(struct mp_dict *d, const void *key, size_t key_length,
		       void *buf, size_t size, size_t *length);

/* key in d: 1 or 0. */
MP_API int mp_dict_contains(struct mp_dict *d, const void *key,
			    size_t key_length);

/* len(d): how many entries: the sum of what each stripe had when it was looked
 * at, one after the other.  Exact when nobody inserts or deletes, even if
 * somebody was killed in the middle of that.  Some microseconds for 10,000. */
MP_API int mp_dict_len(const struct mp_dict *d);

/* for key, value in d.items(): the next entry.  *cursor is 0 at first.
 * -ENOENT: that was all.  -EMSGSIZE: key or value is too long for its buffer;
 * the lengths tell, and the same entry comes again.  key or value may be NULL:
 * not wanted; so may the lengths.
 * An entry that is there from the first call to the last is seen once; one that
 * comes or goes meanwhile may be seen, or not.  There is no order. */
MP_API int mp_dict_next(struct mp_dict *d, uint64_t *cursor, void *key,
			size_t key_size, size_t *key_length, void *value,
			size_t value_size, size_t *value_length);

/* ---- change ---- */

/* d[key] = value.  -EMSGSIZE also: longer than value_max.  -ENOSPC: a new key,
 * and no place is free: this takes a look at all. */
MP_API int mp_dict_set(struct mp_dict *d, const void *key, size_t key_length,
		       const void *value, size_t value_length);

/* d.setdefault(key, value): 1: there was none, and now it is this value.
 * 0: there was one, which is copied to buf as by get.  -EMSGSIZE, -ENOSPC. */
MP_API int mp_dict_setdefault(struct mp_dict *d, const void *key,
			      size_t key_length, const void *value,
			      size_t value_length, void *buf, size_t size,
			      size_t *length);

/* d[key] = d.get(key, 0) + n, of an int64_t; *result, which may be NULL, is the
 * sum.  -EINVAL: the value is not 8 bytes long.  -ERANGE: the sum is beyond an
 * int64_t; nothing changed.  -EMSGSIZE: value_max is less than 8.  -ENOSPC. */
MP_API int mp_dict_add(struct mp_dict *d, const void *key, size_t key_length,
		       int64_t n, int64_t *result);

/* if d[key] == old: d[key] = new.  0.  -EAGAIN: it is another value now.
 * -ENOENT: no such key (see setdefault).  -EMSGSIZE: new is too long. */
MP_API int mp_dict_compare_exchange(struct mp_dict *d, const void *key,
				    size_t key_length, const void *old,
				    size_t old_length, const void *new,
				    size_t new_length);

/* d.pop(key): get and delete.  -ENOENT.  -EMSGSIZE: the entry stays. */
MP_API int mp_dict_pop(struct mp_dict *d, const void *key, size_t key_length,
		       void *buf, size_t size, size_t *length);

/* del d[key].  -ENOENT. */
MP_API int mp_dict_delete(struct mp_dict *d, const void *key,
			  size_t key_length);

/* d.clear(): delete every entry that is there when its turn comes.  Killed in
 * it: some are gone, the others not. */
MP_API int mp_dict_clear(struct mp_dict *d);

#endif
