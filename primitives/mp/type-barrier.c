/* type-barrier.c - barrier.
 *
 * Those who have come are its queue.  The last one opens it: all get a number
 * in the order in which they came, and it is empty again, so the next phase
 * needs no waiting for the stragglers of this one.
 */
#include "mp/type-own.h"

#include <errno.h>

/*  broken  queue       leaves by
 *  no      0 … n-1     wait of the last one         to: no, 0
 *                      timeout, death, abort        to: broken, 0
 *                      interruption of one          to: no, one less
 *                      reset                        to: no, 0
 *  yes     0           reset                        to: no, 0
 */
struct barrier {
	int64_t parties, waiting;
	bool broken;
	struct mp_parked *waiters;
};

static void send_away(struct barrier *b)
{
	b->waiting = 0;
	while (b->waiters != NULL)
		mp_unpark(b->waiters, -ECANCELED, mp_any_nil());
}

static void break_it(struct barrier *b)
{
	b->broken = true;
	send_away(b);
}

static int wait(void *self, struct mp_call *c)
{
	struct barrier *b = self;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	if (error == 0 && b->broken)
		error = -ECANCELED;
	if (error < 0)
		return error;
	if (b->waiting + 1 == b->parties) {
		b->waiting = 0;
		for (int64_t i = 0; b->waiters != NULL; i++)
			mp_unpark(b->waiters, 0, mp_any_int(i));
		return mp_answer_int(c, b->parties - 1);
	}
	error = mp_park(c, &b->waiters, timeout);
	if (error == MP_PARKED)
		b->waiting++;
	else if (error == -ETIMEDOUT)
		break_it(b);
	return error;
}

/* Interrupted: as if never come. */
static void give_up(void *self, struct mp_parked *w, int why)
{
	struct barrier *b = self;

	b->waiting--;
	mp_unpark(w, why, mp_any_nil());
	if (why != -EINTR)
		break_it(b);
}

static int abort_it(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 0);

	if (error == 0)
		break_it(self);
	return error;
}

static int reset(void *self, struct mp_call *c)
{
	struct barrier *b = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	b->broken = false;
	send_away(b);
	return 0;
}

static int parties(void *self, struct mp_call *c)
{
	struct barrier *b = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_int(c, b->parties);
}

static int n_waiting(void *self, struct mp_call *c)
{
	struct barrier *b = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_int(c, b->waiting);
}

static int broken(void *self, struct mp_call *c)
{
	struct barrier *b = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_bool(c, b->broken);
}

static int init(void *self, struct mp_call *c)
{
	struct barrier *b = self;
	int error = mp_args(c, 1, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, 0, &b->parties);
	return error == 0 && b->parties < 1 ? -EINVAL : error;
}

static const struct mp_op ops[] = {
	{ "wait", wait },
	{ "abort", abort_it },
	{ "reset", reset },
	{ "parties", parties },
	{ "n_waiting", n_waiting },
	{ "broken", broken },
	{ 0 },
};

const struct mp_kind mp_type_barrier = {
	.type = { .name = "barrier",
		  .size = sizeof(struct barrier),
		  .ops = ops,
		  .init = init },
	.give_up = give_up,
};
