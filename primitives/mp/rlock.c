/* rlock.c - a lock and how often its holder has it; the word names the holder,
 * so only the holder finds itself there. */
#include "mp/rlock.h"

#include <errno.h>

int mp_rlock_init(struct mp_rlock *r)
{
	return mp_lock_init(&r->lock, 0);
}

int mp_rlock_acquire(struct mp_rlock *r, int64_t timeout_ns)
{
	int error;

	if (mp_lock_mine(&r->lock)) {
		if (r->lock.depth == UINT32_MAX)
			return -EOVERFLOW;
		r->lock.depth++;
		return 0;
	}
	error = mp_lock_acquire(&r->lock, timeout_ns);
	if (error >= 0)
		r->lock.depth = 1;
	return error;
}

int mp_rlock_release(struct mp_rlock *r)
{
	if (!mp_lock_mine(&r->lock))
		return -EPERM;
	if (r->lock.depth > 1) {
		r->lock.depth--;
		return 0;
	}
	return mp_lock_release(&r->lock);
}

int mp_rlock_locked(const struct mp_rlock *r)
{
	return mp_lock_locked(&r->lock);
}

uint32_t mp_rlock_depth(const struct mp_rlock *r)
{
	return mp_lock_mine(&r->lock) ? r->lock.depth : 0;
}
