/* barrier.c - places for those who have come, and the number of the phase.
 *
 * Nothing counts who has come: the places say it, and the kernel marks the
 * place of a party that dies.  Opening is one store, of the number of the next
 * phase; it makes all places of the phase before it old.
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

static uint32_t used(const struct mp_barrier *b)
{
	return atomic_load_explicit(&b->used, memory_order_relaxed);
}

/* What the places say, seen in one walk with the lock held. */
struct view {
	bool died;         /* a party, waiting in this phase or entered */
	uint32_t here;     /* how many have come */
	uint64_t taken[2]; /* their indices, as bits */
	int64_t mine;      /* the calling thread's place, or -1 */
};

static bool here(const struct mp_waiter *w, uint32_t phase)
{
	return w->ticket == (uint64_t)(phase & ~BROKEN) + HERE;
}

/* Was it a party that died here, in this phase or between its waits? */
static bool party_died(const struct mp_waiter *w, uint32_t phase)
{
	return (mp_waiter_word(w) & MP_WAITER_DIED) &&
	       (here(w, phase) || w->stays);
}

static struct view look(const struct mp_barrier *b, uint32_t phase)
{
	struct view v = { .mine = -1 };
	uint32_t tid = mp_owner_tid(), word;
	const struct mp_waiter *w = b->waiter;

	for (uint32_t i = 0; i < used(b); i++, w++) {
		word = mp_waiter_word(w);
		if (word == 0)
			continue;
		if (word == tid)
			v.mine = i;
		if (party_died(w, phase))
			v.died = true;
		if (here(w, phase)) {
			v.here++;
			v.taken[w->index / 64] |= UINT64_C(1) << w->index % 64;
		}
	}
	return v;
}

/* Hold the lock, with the barrier broken if somebody has died. */
static int hold(struct mp_barrier *b, uint32_t *phase, struct view *v)
{
	int error = mp_lock_acquire(&b->lock, -1);

	if (error < 0)
		return error;
	*phase = load(b);
	*v = look(b, *phase);
	if (!(*phase & BROKEN) && (error == MP_OWNER_DIED || v->died)) {
		*phase |= BROKEN;
		store(b, *phase);
		wake(b);
	}
	return 0;
}

/* A place of its own for the calling thread.  Those who died on their way out
 * of an earlier phase were no party any more. */
static struct mp_waiter *place(struct mp_barrier *b, uint32_t phase)
{
	struct mp_waiter *w = b->waiter;

	for (uint32_t i = 0; i < used(b); i++, w++)
		if ((mp_waiter_word(w) & MP_WAITER_DIED) &&
		    !party_died(w, phase))
			mp_waiter_clear(w);
	return mp_waiter_enter(b->waiter, 2 * MP_BARRIER_PARTIES, &b->used,
			       ABSENT);
}

/* The lowest index that nobody here has. */
static uint32_t free_index(const struct view *v)
{
	return v->taken[0] != UINT64_MAX
		       ? (uint32_t)__builtin_ctzll(~v->taken[0])
		       : 64 + (uint32_t)__builtin_ctzll(~v->taken[1]);
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
	struct view v;
	uint32_t now;
	int error = hold(b, &now, &v);

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
	struct view v;
	uint32_t now;
	int error = 0;

	while ((now = load(b)) == phase) {
		error = mp_backstop_wait(&b->phase, phase, deadline,
					 &b->counters);
		if (error < 0)
			return give_up(b, w, phase, error);
		if (error != MP_BACKSTOP)
			continue;
		if (load(b) != phase)
			mp_counters_add(&b->counters, MP_RESCUES);
		else if (hold(b, &now, &v) == 0) /* breaks it for the dead */
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
	struct view v;
	uint32_t phase;
	int result = hold(b, &phase, &v);

	if (result < 0)
		return result;
	if (phase & BROKEN) {
		mp_lock_release(&b->lock);
		return -ECANCELED;
	}
	w = v.mine >= 0 ? &b->waiter[v.mine] : place(b, phase);
	if (w == NULL) {
		mp_lock_release(&b->lock);
		return -ENOSPC;
	}
	w->index = free_index(&v);
	w->ticket = (uint64_t)phase + HERE;
	if (v.here + 1 == b->parties) {
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
	struct view v;
	uint32_t phase;
	int error = hold(b, &phase, &v);

	if (error < 0)
		return error;
	if (v.mine >= 0) {
		error = -EALREADY;
	} else {
		w = place(b, phase);
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
	struct view v;
	uint32_t phase;
	int error = hold(b, &phase, &v);

	if (error < 0)
		return error;
	if (v.mine >= 0) {
		b->waiter[v.mine].stays = 0;
		mp_waiter_leave(&b->waiter[v.mine]);
	}
	mp_lock_release(&b->lock);
	return v.mine >= 0 ? 0 : -EPERM;
}

int mp_barrier_abort(struct mp_barrier *b)
{
	struct view v;
	uint32_t phase;
	int error = hold(b, &phase, &v);

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
	for (uint32_t i = 0; i < used(b); i++, w++) {
		if (mp_waiter_word(w) & MP_WAITER_DIED) {
			w->stays = 0;
			mp_waiter_clear(w);
		} else if (mp_waiter_word(w) != 0 && here(w, phase)) {
			w->ticket = CANCELED;
		}
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

int mp_barrier_waiting(struct mp_barrier *b)
{
	struct view v;
	uint32_t phase;
	int error = hold(b, &phase, &v);

	if (error < 0)
		return error;
	mp_lock_release(&b->lock);
	return (int)v.here;
}
