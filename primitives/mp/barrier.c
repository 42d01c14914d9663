/* barrier.c - places for those who have come, and the number of the phase.
 *
 * Nothing counts who has come: the places say it, and the kernel marks the
 * place of a party that dies.  Opening is one store, of the next phase's number;
 * it makes all places of the phase before it old.
 */
#include "mp/barrier.h"

#include <errno.h>
#include <string.h>

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/shm.h"

/*  phase       meaning                          leaves by            to
 *  p           filling                          the last party       p+2
 *                                               timeout, abort,      p|BROKEN
 *                                               a party's death
 *                                               reset                p+2
 *  p|BROKEN    broken                           reset                p+2
 *
 *  p is a multiple of 2.  A waiter's ticket is the phase that it came for, plus
 *  HERE; ABSENT: entered, and not come; CANCELED: sent away by a reset.
 */
#define BROKEN   1u
#define NEXT     2u
#define ABSENT   0u
#define CANCELED 1u
#define HERE     2u

static uint32_t load(const struct mp_barrier *b)
{
	/* Pairs with the release in publish. */
	return atomic_load_explicit(&b->phase, memory_order_acquire);
}

/* The phase word is changed with the lock held. */
static void store(struct mp_barrier *b, uint32_t phase)
{
	mp_chaos();
	/* Pairs with the acquire in load. */
	atomic_store_explicit(&b->phase, phase, memory_order_release);
	mp_chaos();
}

static void wake(struct mp_barrier *b)
{
	mp_futex_wake(&b->phase, INT32_MAX, &b->counters);
}

static bool here(const struct mp_waiter *w, uint32_t phase)
{
	return mp_waiter_word(w) != 0 &&
	       w->ticket == (uint64_t)(phase & ~BROKEN) + HERE;
}

/* Has a party died, waiting in this phase or entered? */
static bool party_died(const struct mp_barrier *b, uint32_t phase)
{
	const struct mp_waiter *w = b->waiter;

	for (uint32_t i = 0; i < b->used; i++, w++)
		if ((mp_waiter_word(w) & MP_WAITER_DIED) &&
		    (here(w, phase) || w->stays))
			return true;
	return false;
}

/* Hold the lock, with the barrier broken if somebody has died. */
static int hold(struct mp_barrier *b, uint32_t *phase)
{
	int error = mp_lock_acquire(&b->lock, -1);

	if (error < 0)
		return error;
	*phase = load(b);
	if (!(*phase & BROKEN) &&
	    (error == MP_OWNER_DIED || party_died(b, *phase))) {
		*phase |= BROKEN;
		store(b, *phase);
		wake(b);
	}
	return 0;
}

static struct mp_waiter *find(struct mp_barrier *b)
{
	uint32_t tid = mp_owner_tid();

	for (uint32_t i = 0; i < b->used; i++)
		if (mp_waiter_word(&b->waiter[i]) == tid)
			return &b->waiter[i];
	return NULL;
}

static void clear(struct mp_waiter *w)
{
	w->stays = 0;
	mp_waiter_clear(w);
}

/* A place of its own for the calling thread.  Those who died on their way out
 * of an earlier phase were no party any more. */
static struct mp_waiter *place(struct mp_barrier *b)
{
	struct mp_waiter *w = b->waiter;

	for (uint32_t i = 0; i < b->used; i++, w++)
		if (mp_waiter_word(w) & MP_WAITER_DIED)
			clear(w);
	return mp_waiter_enter(b->waiter, 2 * MP_BARRIER_PARTIES, &b->used,
			       ABSENT);
}

/* The lowest index that nobody here has. */
static uint32_t free_index(const struct mp_barrier *b, uint32_t phase)
{
	bool taken[MP_BARRIER_PARTIES] = { false };
	uint32_t i;

	for (i = 0; i < b->used; i++)
		if (here(&b->waiter[i], phase))
			taken[b->waiter[i].index] = true;
	for (i = 0; taken[i]; i++)
		;
	return i;
}

/* What came of the wait for `phase`, which is over. */
static int outcome(const struct mp_waiter *w, uint32_t phase, uint32_t now)
{
	if (now == (phase | BROKEN) || w->ticket == CANCELED)
		return -ECANCELED;
	return (int)w->index;
}

/* Out of time, or interrupted: break the barrier, or go as if never come. */
static int give_up(struct mp_barrier *b, struct mp_waiter *w, uint32_t phase,
		   int why)
{
	uint32_t now;
	int error = hold(b, &now);

	if (error < 0)
		return error;
	if (now != phase) {
		why = outcome(w, phase, now);
	} else if (why == -EINTR) {
		w->ticket = ABSENT;
	} else {
		store(b, phase | BROKEN);
		wake(b);
	}
	mp_lock_release(&b->lock);
	return why;
}

static int sleep_in(struct mp_barrier *b, struct mp_waiter *w, uint32_t phase,
		    int64_t deadline)
{
	uint32_t now;
	int error = 0;

	while ((now = load(b)) == phase) {
		error = mp_backstop_wait(&b->phase, phase, deadline,
					 &b->counters);
		if (error < 0)
			return give_up(b, w, phase, error);
		/* hold breaks the barrier. */
		if (error == MP_BACKSTOP && party_died(b, phase) &&
		    hold(b, &now) == 0)
			mp_lock_release(&b->lock);
	}
	return outcome(w, phase, now);
}

/* With the lock held and all here: release it, and let them go on. */
static int open_phase(struct mp_barrier *b, uint32_t phase,
		      int (*action)(void *), void *arg, uint32_t index)
{
	int result = action != NULL ? action(arg) : 0;

	store(b, result < 0 ? phase | BROKEN : phase + NEXT);
	mp_lock_release(&b->lock);
	wake(b);
	return result < 0 ? result : (int)index;
}

int mp_barrier_init(struct mp_barrier *b, uint32_t parties)
{
	if (parties < 1 || parties > MP_BARRIER_PARTIES ||
	    mp_shm_check(b, sizeof(*b)) < 0)
		return -EINVAL;
	memset(b, 0, sizeof(*b));
	b->parties = parties;
	return 0;
}

int mp_barrier_wait(struct mp_barrier *b, int64_t timeout_ns)
{
	return mp_barrier_wait_action(b, NULL, NULL, timeout_ns);
}

int mp_barrier_wait_action(struct mp_barrier *b, int (*action)(void *),
			   void *arg, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_waiter *w;
	uint32_t phase;
	int result = hold(b, &phase);

	if (result < 0)
		return result;
	if (phase & BROKEN) {
		mp_lock_release(&b->lock);
		return -ECANCELED;
	}
	w = find(b);
	if (w == NULL)
		w = place(b);
	if (w == NULL) {
		mp_lock_release(&b->lock);
		return -ENOSPC;
	}
	w->index = free_index(b, phase);
	w->ticket = (uint64_t)phase + HERE;
	if (mp_barrier_waiting(b) == b->parties) {
		result = open_phase(b, phase, action, arg, w->index);
	} else {
		mp_lock_release(&b->lock);
		result = sleep_in(b, w, phase, deadline);
	}
	if (!w->stays)
		mp_waiter_leave(w);
	return result;
}

int mp_barrier_enter(struct mp_barrier *b)
{
	struct mp_waiter *w;
	uint32_t phase;
	int error = hold(b, &phase);

	if (error < 0)
		return error;
	if (find(b) != NULL) {
		error = -EALREADY;
	} else {
		w = place(b);
		if (w != NULL)
			w->stays = 1;
		else
			error = -ENOSPC;
	}
	mp_lock_release(&b->lock);
	return error;
}

int mp_barrier_leave(struct mp_barrier *b)
{
	struct mp_waiter *w;
	uint32_t phase;
	int error = hold(b, &phase);

	if (error < 0)
		return error;
	w = find(b);
	if (w != NULL) {
		w->stays = 0;
		mp_waiter_leave(w);
	}
	mp_lock_release(&b->lock);
	return w != NULL ? 0 : -EPERM;
}

int mp_barrier_abort(struct mp_barrier *b)
{
	uint32_t phase;
	int error = hold(b, &phase);

	if (error < 0)
		return error;
	store(b, phase | BROKEN);
	wake(b);
	return mp_lock_release(&b->lock);
}

int mp_barrier_reset(struct mp_barrier *b)
{
	struct mp_waiter *w = b->waiter;
	uint32_t phase;
	int error = mp_lock_acquire(&b->lock, -1);

	if (error < 0)
		return error;
	phase = load(b);
	for (uint32_t i = 0; i < b->used; i++, w++) {
		if (mp_waiter_word(w) & MP_WAITER_DIED)
			clear(w);
		else if (here(w, phase))
			w->ticket = CANCELED;
	}
	store(b, (phase & ~BROKEN) + NEXT);
	wake(b);
	return mp_lock_release(&b->lock);
}

int mp_barrier_broken(const struct mp_barrier *b)
{
	return load(b) & BROKEN;
}

uint32_t mp_barrier_parties(const struct mp_barrier *b)
{
	return b->parties;
}

uint32_t mp_barrier_waiting(const struct mp_barrier *b)
{
	uint32_t n = 0, phase = load(b);

	for (uint32_t i = 0; i < b->used; i++)
		n += here(&b->waiter[i], phase);
	return n;
}
