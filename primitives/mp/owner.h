/* owner - how the death of a holder becomes known: the robust list.
 *
 * Python: none; a lock whose holder was killed stays locked there for ever.
 * Floor 1.  Any process, any thread; not from a signal handler.
 *
 * The kernel keeps, for each thread, the address of a list of words that the
 * thread owns.  When the thread dies, by whatever means, the kernel walks the
 * list; each word that still holds the thread's id gets FUTEX_OWNER_DIED, and
 * one sleeper on it is woken.  So the holder must be named in the word itself,
 * by the one compare-and-swap that takes it; and the list must never be wrong,
 * not between any two instructions.  For that the list has one pending entry:
 *
 *	mp_owner_begin(node);			pending = node
 *	CAS(&node->word, 0, mp_owner_tid())	the word names us
 *	mp_owner_add(node);			in the list, pending = NULL
 *	...
 *	mp_owner_remove(node);			pending = node, out of the list
 *	xchg(&node->word, 0)			the word is free
 *	mp_owner_end();				pending = NULL
 *
 * Killed while pending: the kernel looks at the word; if it names the dead
 * thread it is treated as owned, if not it is left alone.
 *
 * There is one list for a thread, and glibc has it already, for its robust
 * mutexes.  Nodes of rawmp join that list, in glibc's own layout, so that both
 * are recovered; a list of our own would put glibc's out of use.  Where the
 * list does not have that layout, mp_owner_attach says -ENOTSUP.
 *
 * After fork the child's list is empty: it owns nothing, and its thread id is
 * its own.  Illegal: use in a child made by a raw clone(), which skips the
 * handlers of fork.
 *
 * Limits: the kernel walks at most 2048 entries and one pending.  Memory that
 * holds a node in the list must not be unmapped.
 *
 * Source: Linux, Documentation/locking/robust-futex-ABI.rst; glibc nptl.
 */
#ifndef MP_OWNER_H
#define MP_OWNER_H

#include "mp/api.h"

/* Lives in shared memory; all zero bytes are a free word in no list.  The
 * distances between the fields are those of glibc's pthread_mutex_t, because
 * one list has one distance from entry to word.  prev and next are addresses in
 * the holder's memory: they mean nothing to others and are never followed by
 * them. */
struct mp_owner_node {
	_Atomic uint32_t
		word;        /* thread id | FUTEX_WAITERS | FUTEX_OWNER_DIED */
	uint32_t spare[5];   /* for the object around it */
	uint64_t prev, next; /* changed by the holder only */
};

/* Find the calling thread's list.  Done by the other calls when needed; call it
 * to learn of -ENOTSUP (not the layout that rawmp knows). */
MP_API int mp_owner_attach(void);

/* The calling thread's id, from a cache that fork renews. */
MP_API uint32_t mp_owner_tid(void);

MP_API void mp_owner_begin(struct mp_owner_node *node);
MP_API void mp_owner_add(struct mp_owner_node *node);
MP_API void mp_owner_remove(struct mp_owner_node *node);
MP_API void mp_owner_end(void);

#endif
