/* type-semaphore.c - semaphore and bounded_semaphore.
 *
 * Units are handed over: while somebody waits there are none, and a release
 * gives its units to those who wait longest.
 */
#include "mp/type-own.h"

#include <errno.h>

struct semaphore {
	int64_t value, bound; /* if anybody waits, value is 0 */
	struct mp_parked *waiters;
};

static int acquire(void *self, struct mp_call *c)
{
	struct semaphore *s = self;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	if (error < 0)
		return error;
	if (s->value == 0)
		return mp_park(c, &s->waiters, timeout);
	s->value--;
	return 0;
}

static int release(void *self, struct mp_call *c)
{
	struct semaphore *s = self;
	int64_t n;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, 1, &n);
	if (error == 0 && n < 1)
		error = -EINVAL;
	if (error == 0 && n > s->bound - s->value)
		error = -EOVERFLOW;
	if (error < 0)
		return error;
	for (; n > 0 && s->waiters != NULL; n--)
		mp_unpark(s->waiters, 0, mp_any_nil());
	s->value += n;
	return 0;
}

static int value(void *self, struct mp_call *c)
{
	struct semaphore *s = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_int(c, s->value);
}

static int init(void *self, struct mp_call *c)
{
	struct semaphore *s = self;
	int error = mp_args(c, 1, 1);

	s->bound = INT64_MAX;
	if (error == 0)
		error = mp_arg_int(c, 0, -1, &s->value);
	return error == 0 && s->value < 0 ? -EINVAL : error;
}

static int init_bounded(void *self, struct mp_call *c)
{
	struct semaphore *s = self;
	int error = init(self, c);

	s->bound = s->value;
	return error;
}

static const struct mp_op ops[] = {
	{ "acquire", acquire },
	{ "release", release },
	{ "value", value },
	{ 0 },
};

const struct mp_kind mp_type_semaphore = {
	.type = { .name = "semaphore",
		  .size = sizeof(struct semaphore),
		  .ops = ops,
		  .init = init },
};

const struct mp_kind mp_type_bounded_semaphore = {
	.type = { .name = "bounded_semaphore",
		  .size = sizeof(struct semaphore),
		  .ops = ops,
		  .init = init_bounded },
};
