/* type-event.c - event.
 *
 * set answers all who wait, so a clear right behind it takes nothing from them.
 */
#include "mp/type-own.h"

struct event {
	bool is_set;
	struct mp_parked *waiters;
};

static int set(void *self, struct mp_call *c)
{
	struct event *e = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	e->is_set = true;
	while (e->waiters != NULL)
		mp_unpark(e->waiters, 0, mp_any_nil());
	return 0;
}

static int clear(void *self, struct mp_call *c)
{
	struct event *e = self;
	int error = mp_args(c, 0, 0);

	if (error == 0)
		e->is_set = false;
	return error;
}

static int is_set(void *self, struct mp_call *c)
{
	struct event *e = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_bool(c, e->is_set);
}

static int wait(void *self, struct mp_call *c)
{
	struct event *e = self;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	if (error < 0 || e->is_set)
		return error;
	return mp_park(c, &e->waiters, timeout);
}

static int init(void *self, struct mp_call *c)
{
	(void)self;
	return mp_args(c, 0, 0);
}

static const struct mp_op ops[] = {
	{ "wait", wait },
	{ "is_set", is_set },
	{ "set", set },
	{ "clear", clear },
	{ 0 },
};

const struct mp_kind mp_type_event = {
	.type = { .name = "event",
		  .size = sizeof(struct event),
		  .ops = ops,
		  .init = init },
};
