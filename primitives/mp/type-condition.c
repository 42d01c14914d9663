/* type-condition.c - condition.
 *
 * Its hold is its own, an rlock's, or that of the lock it was made with, which
 * it keeps.  One who waits has let go of the hold, however deep; notify moves
 * it to the end of the hold's queue (type-lock.c), and it is answered when it
 * has the hold again, as deep as before.  One whose time is over, or who is
 * interrupted, goes the same way, with that as its status: Python's wait, too,
 * returns with the lock.
 */
#include "mp/type-own.h"

#include <errno.h>

/*  w stands in   w->why      because of
 *  waiters       its depth   wait
 *  hold->queue   its depth   wait, and notified, or given up (w->status)
 *  hold->queue   0           acquire
 */
struct condition {
	struct mp_hold *hold;
	struct mp_hold own;
	struct mp_kept lock; /* none: own */
	struct mp_parked *waiters;
};

static int acquire(void *self, struct mp_call *c)
{
	struct condition *k = self;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	return error < 0 ? error : mp_hold_acquire(c, k->hold, timeout);
}

static int release(void *self, struct mp_call *c)
{
	struct condition *k = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_hold_release(c, k->hold);
}

static bool mine(const struct condition *k, struct mp_call *c)
{
	return k->hold->owner == mp_call_client(c);
}

static int wait(void *self, struct mp_call *c)
{
	struct condition *k = self;
	struct mp_hold *h = k->hold;
	struct mp_parked *w;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	if (error == 0 && !mine(k, c))
		error = -EPERM;
	/* No time to wait: still, others who want the hold have it first. */
	if (error == 0 && timeout == 0 && h->queue == NULL)
		error = -ETIMEDOUT;
	if (error < 0)
		return error;
	error = mp_park(c, &k->waiters, timeout != 0 ? timeout : -1);
	if (error != MP_PARKED)
		return error;
	w = mp_parked_last(c);
	w->why = (int)h->depth;
	h->depth = 1;
	mp_hold_release(c, h);
	if (timeout == 0) {
		w->status = -ETIMEDOUT;
		mp_hold_pass(h, w, (uint32_t)w->why);
	}
	return MP_PARKED;
}

static void wake(struct condition *k, int64_t n)
{
	struct mp_parked *w;

	for (; n > 0 && (w = k->waiters) != NULL; n--)
		mp_hold_pass(k->hold, w, (uint32_t)w->why);
}

static int notify(void *self, struct mp_call *c)
{
	struct condition *k = self;
	int64_t n;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, 1, &n);
	if (error == 0 && n < 0)
		error = -EINVAL;
	if (error == 0 && !mine(k, c))
		error = -EPERM;
	if (error == 0)
		wake(k, n);
	return error;
}

static int notify_all(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 0);

	if (error == 0 && !mine(self, c))
		error = -EPERM;
	if (error == 0)
		wake(self, INT64_MAX);
	return error;
}

/* A client has died.  If it was notified, the next one is, instead. */
static void forget(struct condition *k, struct mp_parked *w)
{
	bool notified =
		w->queue != &k->waiters && w->why != 0 && w->status == 0;

	mp_unpark(w, -EPIPE, mp_any_nil());
	if (notified)
		wake(k, 1);
}

static void give_up(void *self, struct mp_parked *w, int why)
{
	struct condition *k = self;

	if (why == -EPIPE) {
		forget(k, w);
	} else if (w->queue == &k->waiters) {
		w->status = why;
		mp_hold_pass(k->hold, w, (uint32_t)w->why);
	} else if (w->why == 0) {
		mp_unpark(w, why, mp_any_nil());
	}
	/* else it is on its way back already. */
}

static int init(void *self, struct mp_call *c)
{
	static const char *const locks[] = { "lock", "rlock", NULL };
	struct condition *k = self;
	void *lock;
	int error = mp_args(c, 0, 1);

	k->own.recursive = true;
	k->hold = &k->own;
	if (error < 0 || !mp_given(c, 0))
		return error;
	error = mp_arg_object(c, 0, locks, &lock);
	if (error == 0)
		error = mp_keep(c, c->args[0], &k->lock);
	if (error == 0)
		k->hold = lock;
	return error;
}

static void fini(void *self)
{
	struct condition *k = self;

	mp_hold_forget(&k->own);
	mp_unkeep(k, &k->lock);
}

static void visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		  void *arg)
{
	struct condition *k = self;

	each(&k->lock, arg);
}

static const struct mp_op ops[] = {
	{ "acquire", acquire }, { "release", release },       { "wait", wait },
	{ "notify", notify },   { "notify_all", notify_all }, { 0 },
};

const struct mp_kind mp_type_condition = {
	.type = { .name = "condition",
		  .size = sizeof(struct condition),
		  .ops = ops,
		  .init = init,
		  .fini = fini },
	.visit = visit,
	.give_up = give_up,
};
