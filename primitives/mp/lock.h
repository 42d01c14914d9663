/* lock - one process at a time, even if the one inside is killed.
 *
 * Python: multiprocessing.Lock.  Floor 2.  Any process, any thread; not from a
 * signal handler.
 *
 * Lives in: memory that its users share (shm.h), at any address in each.  All
 * zero bytes are an unlocked lock; init is needed for options only.
 *
 *	switch (mp_lock_acquire(&s->lock, -1)) {
 *	case MP_OWNER_DIED:
 *		repair(s);		 its holder was killed half-way
 *	case 0:
 *		s->balance += 1;
 *		mp_lock_release(&s->lock);
 *	}
 *
 * If the holder is killed: one sleeper is woken by the kernel, and the next
 * acquire returns MP_OWNER_DIED.  It holds the lock as after 0, and knows that
 * the data may be half-changed.  If it is killed too, the next one is told.
 * If a waiter is killed: nobody notices.  A holder that is stopped (SIGSTOP) is
 * not dead; nothing is taken from it.  A thread that ends, or calls exec, while
 * it holds a lock counts as dead.
 *
 * Release is by the thread that acquired: the kernel keeps, for each thread,
 * the list of what it holds (owner.h), and nobody else can change that list.
 * MP_LOCK_ANY gives Python's rule instead, release by anybody, at a price:
 *   - no list.  A dead holder is noticed by a sleeper's look, at most a tenth
 *     of a second late (backstop.h), not at all while nobody sleeps, and later
 *     still when a new thread has got the dead one's id;
 *   - whoever acquired must live until somebody releases;
 *   - acquire and release are calls, with no inline path.
 *
 * Without contention an acquire or a release is one atomic instruction and no
 * system call.  With it, a process spins for some microseconds if it may run on
 * more than one CPU, and then sleeps.  Nobody is served in turn: a process that
 * runs may overtake one that is waking up, which is what makes it fast.
 *
 * Illegal: unmapping, or using for something else, memory with a lock that is
 * held or waited for; copying a lock; sharing one between PID namespaces.
 *
 * Source: Drepper, "Futexes Are Tricky", 2011, for the sleepers' mark; Linux,
 * Documentation/locking/robust-futexes.rst, for the death.
 */
#ifndef MP_LOCK_H
#define MP_LOCK_H

#include "mp/api.h"
#include "mp/counters.h"
#include "mp/owner.h"

#define MP_OWNER_DIED 1 /* held, and its last holder died */

enum mp_lock_flags {
	MP_LOCK_ANY = 1 /* anybody may release */
};

/* The word ends the first cache line, so that those who wait for it do not
 * disturb the holder, who writes to the second.  flags and turns are on the
 * first one: who looks at the word sees them too, and the holder has that line
 * anyway. */
struct mp_lock {
	_Alignas(64) uint32_t unused[8];
	uint32_t flags;            /* constant after init */
	_Atomic uint32_t turns;    /* goes on by 1 with each acquire: a hint */
	struct mp_owner_node node; /* the word: states in lock.c */
	/* Changed by the holder only, but for counts of sleeps and wakes. */
	uint32_t depth; /* for rlock.h */
	struct mp_counters counters;
};

/* An unlocked lock.  flags: 0 or MP_LOCK_ANY.
 * -EINVAL: other flags, or memory that is not shared. */
MP_API int mp_lock_init(struct mp_lock *l, uint32_t flags);

/* Wait for at most timeout_ns (negative: for ever, 0: try), then hold the lock.
 * Goes on after a signal handler.
 * 0; MP_OWNER_DIED; -ETIMEDOUT; -EDEADLK: this thread holds it (with
 * MP_LOCK_ANY it waits: somebody else may release); -EINVAL: no lock, the word
 * holds what no state is. */
MP_API inline int mp_lock_acquire(struct mp_lock *l, int64_t timeout_ns);

/* Free the lock and wake a sleeper, if there is one.
 * -EPERM: this thread does not hold it (with MP_LOCK_ANY: nobody does).
 * -EINVAL: freed, but the word held what no state is. */
MP_API inline int mp_lock_release(struct mp_lock *l);

/* 1: somebody holds it; 0: nobody does, or a dead thread.  Old news at once. */
MP_API int mp_lock_locked(const struct mp_lock *l);

/* 1: the calling thread holds it. */
MP_API int mp_lock_mine(const struct mp_lock *l);

/* ---- inline paths; lock.c exports the same, and these ---- */

MP_API int mp_lock_acquire_slow(struct mp_lock *l, int64_t timeout_ns,
				uint32_t sleepers);
MP_API int mp_lock_release_slow(struct mp_lock *l);
MP_API int mp_lock_release_wake(struct mp_lock *l, uint32_t old);

/* After the list: a store to the first line amid those to the second costs
 * 1 ns.  Only the holder writes it, so an ordinary addition will do.  If it is
 * killed before, one turn is missing and nobody cares. */
MP_API inline void mp_lock_turn(struct mp_lock *l)
{
	uint32_t n = atomic_load_explicit(&l->turns, memory_order_relaxed);

	atomic_store_explicit(&l->turns, n + 1, memory_order_relaxed);
}

inline int mp_lock_acquire(struct mp_lock *l, int64_t timeout_ns)
{
	uint32_t free = 0;

	mp_owner_begin(&l->node);
	/* Pairs with the release in mp_lock_release. */
	if (__builtin_expect(!atomic_compare_exchange_strong_explicit(
				     &l->node.word, &free, mp_owner_self.tid,
				     memory_order_acquire,
				     memory_order_relaxed),
			     0))
		return mp_lock_acquire_slow(l, timeout_ns, 0);
	mp_owner_add(&l->node);
	mp_lock_turn(l);
	return 0;
}

inline int mp_lock_release(struct mp_lock *l)
{
	uint32_t old;

	/* The last one taken is the first in the list; else look for it. */
	if (__builtin_expect((uint64_t)mp_owner_get()->head->list.next !=
				     (uint64_t)&l->node.next,
			     0))
		return mp_lock_release_slow(l);
	mp_owner_remove(&l->node);
	/* Pairs with the acquire in mp_lock_acquire. */
	old = atomic_exchange_explicit(&l->node.word, 0, memory_order_release);
	if (__builtin_expect(old != mp_owner_self.tid, 0))
		return mp_lock_release_wake(l, old);
	mp_owner_end();
	return 0;
}

#endif
