/* list - elements in a row in shared memory, with no server.
 *
 * Python: a multiprocessing.Manager's list, as far as it grows and shrinks at
 * its end.  Floor 3.  Any process, any thread; not from a signal handler.
 *
 * Lives in: memory that its users share (shm.h), at any address in each:
 * mp_list_size bytes of it, of which little more than what is used is ever
 * touched.
 *
 *	mp_shm_create(&m, NULL, mp_list_size(1000, 64));
 *	l = m.addr;
 *	mp_list_init(l, 1000, 64);
 *
 *	mp_list_append(l, "hello", 5);
 *	mp_list_get(l, 0, buf, sizeof(buf), &length);		 length == 5
 *	for (uint32_t i = 0; mp_list_get(l, i, ...) == 0; i++)
 *		...						 all of them
 *
 * An element is any number of bytes up to value_max; 0 … len - 1 are there.
 * Each call happens at one moment between its begin and its end, but for clear,
 * which is many pops.
 *
 * append and pop take the lock of the list; set, add and pop take that of the
 * element, which it shares with three others, far away: two clients with
 * elements of their own hardly ever meet.  get and len take none, write
 * nothing, and wait for nobody: each element lies there in two copies, and the
 * one that counts is never written to.  Where it changes faster than it can be
 * read, get takes its lock after some looks.  No call makes a system call
 * unless it finds a lock held.
 *
 * If a user is killed: its change has happened if it came to the one store that
 * publishes, and has not if it did not come that far.  Nobody is held up; the
 * next who appends or pops counts what the dead did not come to count.
 * If one is stopped (SIGSTOP) in a change: get and len are not held up; who
 * needs the same lock waits for it, as it may go on.
 *
 * Illegal: unmapping the memory while a thread is in a call.
 *
 * Source: as dict.h; the mark in `count` that something is going on is a log of
 * one entry: Gray and Reuter, "Transaction Processing", 1993, write-ahead log.
 */
#ifndef MP_LIST_H
#define MP_LIST_H

#include <stddef.h>

#include "mp/lock.h"

#define MP_LIST_CAPACITY_MAX (UINT32_C(1) << 28)
#define MP_LIST_VALUE_MAX    ((size_t)1 << 30)

/* What lies ahead of the elements. */
struct mp_list {
	/* Constant after init. */
	_Alignas(64) uint64_t value_max;
	uint64_t first;  /* the elements, in bytes from here */
	uint64_t stride; /* from one to the next */
	uint32_t capacity;
	uint32_t locks;
	/* Hardly ever written; guarded by lock.  Elements below it have a
	 * state. */
	_Atomic uint32_t ready;

	/* Guarded by lock.  States in list-own.h. */
	_Alignas(64) _Atomic uint64_t count;
	struct mp_lock lock;
	/* Guard the elements: number i is under element[i % locks]. */
	struct mp_lock element[];
};

/* The bytes of shared memory that a list needs.  0: capacity is 0, or one is
 * more than MP_LIST_CAPACITY_MAX, MP_LIST_VALUE_MAX. */
MP_API size_t mp_list_size(uint32_t capacity, size_t value_max);

/* An empty list.  -EINVAL: as above, or memory that is not shared. */
MP_API int mp_list_init(struct mp_list *l, uint32_t capacity, size_t value_max);

/* All of these say -EINVAL if the memory holds what no state of a lock is. */

/* l[i]: copy it out; *length, which may be NULL, is how long it is.
 * -ENOENT: it is not there.  -EMSGSIZE: longer than size, and *length tells.
 * After an error buf may have been written to, here and in pop. */
MP_API int mp_list_get(struct mp_list *l, uint32_t i, void *buf, size_t size,
		       size_t *length);

/* len(l): old news at once; exact when nobody changes l, even if somebody was
 * killed in the middle of a change. */
MP_API int mp_list_len(const struct mp_list *l);

/* l.append(value).  -ENOSPC: it has `capacity` elements.  -EMSGSIZE: longer
 * than value_max. */
MP_API int mp_list_append(struct mp_list *l, const void *value, size_t length);

/* l[i] = value.  -ENOENT.  -EMSGSIZE: longer than value_max. */
MP_API int mp_list_set(struct mp_list *l, uint32_t i, const void *value,
		       size_t length);

/* l[i] += n, of an int64_t; *result, which may be NULL, is the sum.  -ENOENT.
 * -EINVAL: it is not 8 bytes long.  -ERANGE: the sum is beyond an int64_t;
 * nothing changed. */
MP_API int mp_list_add(struct mp_list *l, uint32_t i, int64_t n,
		       int64_t *result);

/* l.pop(): the last one, out of the list.  -ENOENT: it is empty.
 * -EMSGSIZE: longer than size, and *length tells; it stays. */
MP_API int mp_list_pop(struct mp_list *l, void *buf, size_t size,
		       size_t *length);

/* l.clear(): pop them all; nobody appends meanwhile.  Killed in it: some at the
 * end are gone. */
MP_API int mp_list_clear(struct mp_list *l);

#endif
