/* type-lock.c - lock and rlock, and the hold that condition shares with them.
 *
 * A hold belongs to a client, not to a thread or a process: a forked child is
 * another client and does not own what its parent had.  It is handed over: the
 * release makes the one who waits longest the owner, before any later request
 * is looked at, so nobody is passed over.
 *
 * Each client's holds are in a list; when it dies, each goes to the next one,
 * who is told.
 */
#include <errno.h>
#include <limits.h>
#include <utlist.h>

#include "mp/lock.h"
#include "mp/type-own.h"

/*  owner  depth   queue     meaning
 *  NULL   0       empty     free; orphaned: the last owner died
 *  a      1       any       held
 *  a      n > 1   any       held by an rlock's owner, n times
 *
 *  In the queue, w->why tells how deep w will hold it: 0 for an acquire, which
 *  holds it once; n for the return from a wait in a condition.
 */

static void take(struct mp_hold *h, struct mp_client *client, uint32_t depth)
{
	h->owner = client;
	h->depth = depth;
	DL_APPEND(*mp_client_holds(client), h);
}

/* What the new owner is told: once. */
static int taken_status(struct mp_hold *h)
{
	int status = h->orphaned ? MP_OWNER_DIED : 0;

	h->orphaned = false;
	return status;
}

/* The answer comes last: after it h may be gone. */
static void grant(struct mp_hold *h, struct mp_parked *w)
{
	take(h, w->client, w->why > 0 ? (uint32_t)w->why : 1);
	mp_unpark(w, w->status != 0 ? w->status : taken_status(h),
		  mp_any_nil());
}

static void let_go(struct mp_hold *h)
{
	DL_DELETE(*mp_client_holds(h->owner), h);
	h->owner = NULL;
	h->depth = 0;
	if (h->queue != NULL)
		grant(h, h->queue);
}

int mp_hold_acquire(struct mp_call *c, struct mp_hold *h, int64_t timeout_ns)
{
	struct mp_client *client = mp_call_client(c);

	if (h->owner == NULL) {
		take(h, client, 1);
		return taken_status(h);
	}
	if (h->owner != client)
		return mp_park(c, &h->queue, timeout_ns);
	if (!h->recursive)
		return -EDEADLK;
	if (h->depth == INT_MAX)
		return -EOVERFLOW;
	h->depth++;
	return 0;
}

int mp_hold_release(struct mp_call *c, struct mp_hold *h)
{
	if (h->owner != mp_call_client(c))
		return -EPERM;
	if (h->depth > 1)
		h->depth--;
	else
		let_go(h);
	return 0;
}

void mp_hold_pass(struct mp_hold *h, struct mp_parked *w, uint32_t depth)
{
	w->why = (int)depth;
	if (h->owner == NULL)
		grant(h, w);
	else
		mp_repark(w, &h->queue);
}

void mp_hold_abandon(struct mp_hold *h)
{
	h->orphaned = true;
	let_go(h);
}

void mp_hold_forget(struct mp_hold *h)
{
	if (h->owner != NULL)
		DL_DELETE(*mp_client_holds(h->owner), h);
}

/* ---- the types: their state is a hold ---- */

static int init(void *self, struct mp_call *c)
{
	(void)self;
	return mp_args(c, 0, 0);
}

static int init_recursive(void *self, struct mp_call *c)
{
	struct mp_hold *h = self;

	h->recursive = true;
	return mp_args(c, 0, 0);
}

static void fini(void *self)
{
	mp_hold_forget(self);
}

static int acquire(void *self, struct mp_call *c)
{
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	return error < 0 ? error : mp_hold_acquire(c, self, timeout);
}

static int release(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_hold_release(c, self);
}

static int locked(void *self, struct mp_call *c)
{
	struct mp_hold *h = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_bool(c, h->owner != NULL);
}

static const struct mp_op ops[] = {
	{ "acquire", acquire },
	{ "release", release },
	{ "locked", locked },
	{ 0 },
};

const struct mp_kind mp_type_lock = {
	.type = { .name = "lock",
		  .size = sizeof(struct mp_hold),
		  .ops = ops,
		  .init = init,
		  .fini = fini },
};

const struct mp_kind mp_type_rlock = {
	.type = { .name = "rlock",
		  .size = sizeof(struct mp_hold),
		  .ops = ops,
		  .init = init_recursive,
		  .fini = fini },
};
