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
 * list does not have that layout, mp_owner_attach says -ENOTSUP: the calls work
 * all the same, but the kernel does not know, and only mp_owner_gone tells.
 *
 * After fork the child's list is empty: it owns nothing, and its thread id is
 * its own.  Illegal: use in a child made by a raw clone(), which skips the
 * handlers of fork; processes of two PID namespaces on one word, where two
 * threads may have the same id.
 *
 * Limits: the kernel walks at most 2048 entries and one pending.  Memory that
 * holds a node in the list must not be unmapped.
 *
 * Source: Linux, Documentation/locking/robust-futex-ABI.rst; glibc nptl.
 */
#ifndef MP_OWNER_H
#define MP_OWNER_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>

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

/* What a thread knows of itself.  Private; in the header for the inline paths
 * only. */
struct mp_owner_self {
	uint32_t tid;  /* 0: not attached */
	int32_t cpus;  /* how many this thread may run on, when it attached */
	int32_t fence; /* for fence.h */
	uint64_t
		id; /* of this thread; a thread id comes again, this does not */
	struct robust_list_head *head; /* glibc's; or else unknown, below */
	uint64_t unknown_prev;         /* 8 bytes before the list, as glibc's */
	struct robust_list_head unknown;
};
extern MP_API _Thread_local struct mp_owner_self mp_owner_self
	__attribute__((tls_model("initial-exec")));

/* Find the calling thread's list.  Done by the other calls when needed; call it
 * to learn of -ENOTSUP (not the layout that rawmp knows). */
MP_API int mp_owner_attach(void);

/* The calling thread's id, from a cache that fork renews. */
MP_API uint32_t mp_owner_tid(void);

/* The steps above.  node must be in no list (begin, add) or in the calling
 * thread's (remove). */
MP_API inline void mp_owner_begin(struct mp_owner_node *node);
MP_API inline void mp_owner_add(struct mp_owner_node *node);
MP_API inline void mp_owner_remove(struct mp_owner_node *node);
MP_API inline void mp_owner_end(void);

/* Is node in the calling thread's list?  1 or 0. */
MP_API int mp_owner_holds(const struct mp_owner_node *node);

/* Is there no such thread any more, or only its zombie?  1 or 0; 0 also when
 * nobody can tell.  What the kernel marks needs no such question; it is for
 * words in no list.  A new thread with the same id counts as the old one.
 * Costs a few microseconds and a look into /proc. */
MP_API int mp_owner_gone(uint32_t tid);

/* ---- inline paths; owner.c exports the same ---- */

MP_API inline struct mp_owner_self *mp_owner_get(void)
{
	if (__builtin_expect(mp_owner_self.tid == 0, 0))
		mp_owner_attach();
	return &mp_owner_self;
}

/* A kill stops a thread between two of its own instructions, and what it stored
 * before is stored; so only the compiler must be kept from moving stores. */
MP_API inline void mp_owner_point(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* The field before an entry: of a node, or of the head itself.  (Bit 0 of an
 * entry of glibc's marks a mutex with priority inheritance.) */
MP_API inline uint64_t *mp_owner_prev_of(uint64_t entry)
{
	return (uint64_t *)((entry & ~UINT64_C(1)) - 8);
}

inline void mp_owner_begin(struct mp_owner_node *node)
{
	mp_owner_get()->head->list_op_pending =
		(struct robust_list *)&node->next;
	mp_owner_point();
}

inline void mp_owner_end(void)
{
	mp_owner_point();
	mp_owner_get()->head->list_op_pending = NULL;
}

inline void mp_owner_add(struct mp_owner_node *node)
{
	struct robust_list_head *head = mp_owner_get()->head;
	uint64_t first = (uint64_t)head->list.next;

	mp_owner_point();
	node->next = first;
	node->prev = (uint64_t)&head->list;
	*mp_owner_prev_of(first) = (uint64_t)&node->next;
	mp_owner_point();
	head->list.next = (struct robust_list *)&node->next;
	mp_owner_end();
}

inline void mp_owner_remove(struct mp_owner_node *node)
{
	mp_owner_begin(node);
	*mp_owner_prev_of(node->next) = node->prev;
	*(uint64_t *)(node->prev & ~UINT64_C(1)) = node->next;
	mp_owner_point();
}

#endif
