/* rlock - a lock that its holder may acquire again.
 *
 * Python: multiprocessing.RLock.  Floor 2.  Any process, any thread; not from a
 * signal handler.
 *
 * Lives in: shared memory; all zero bytes are an unlocked one.  The holder is a
 * thread: a child forked by it does not hold the lock.  It is free again when
 * it was released as often as acquired.
 *
 *	mp_rlock_acquire(&s->lock, -1);
 *	total(s);			 acquires and releases s->lock itself
 *	mp_rlock_release(&s->lock);
 *
 * If the holder is killed, at whatever depth: as with lock.h, the next acquire
 * returns MP_OWNER_DIED, at depth 1.
 */
#ifndef MP_RLOCK_H
#define MP_RLOCK_H

#include "mp/lock.h"

struct mp_rlock {
	struct mp_lock lock; /* for a condition: &r->lock */
};

/* -EINVAL: memory that is not shared. */
MP_API int mp_rlock_init(struct mp_rlock *r);

/* As mp_lock_acquire, but 0 at once for the holder.  -EOVERFLOW: acquired
 * UINT32_MAX times. */
MP_API int mp_rlock_acquire(struct mp_rlock *r, int64_t timeout_ns);

/* Undo one acquire.  -EPERM: this thread does not hold it. */
MP_API int mp_rlock_release(struct mp_rlock *r);

MP_API int mp_rlock_locked(const struct mp_rlock *r);

/* How often the calling thread has acquired it; 0: not the holder. */
MP_API uint32_t mp_rlock_depth(const struct mp_rlock *r);

#endif
