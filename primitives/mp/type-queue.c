/* type-queue.c - queue and joinable_queue.
 *
 * Items, getters and putters each stand in a line.  An item and a getter never
 * both wait, nor do a putter and room: what comes goes to the one who waits
 * longest, and not to whom asks next.
 */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct item {
	struct mp_kept value;
	struct item *prev, *next;
};

/*  items    getters  putters   means
 *  0        any      0         empty
 *  1 … max  0        0         max: full
 *  max      0        any       full; w->value of a putter is its item
 */
struct queue {
	struct item *items;
	int64_t n, max; /* items; max 0: any number */
	struct mp_parked *getters, *putters, *joiners;
	int64_t unfinished; /* were put, and no task_done yet */
	bool shut_down;
};

static bool is_full(const struct queue *q)
{
	return q->max > 0 && q->n >= q->max;
}

static void add(struct queue *q, struct item *i, struct mp_kept *value)
{
	i->value = *value;
	*value = (struct mp_kept){ 0 };
	DL_APPEND(q->items, i);
	q->n++;
	q->unfinished++;
}

static struct item *take(struct queue *q)
{
	struct item *i = q->items;

	DL_DELETE(q->items, i);
	q->n--;
	return i;
}

static int put(void *self, struct mp_call *c)
{
	struct queue *q = self;
	struct mp_kept value;
	struct item *i;
	int64_t timeout;
	int error = mp_args(c, 1, 2);

	if (error == 0)
		error = mp_arg_int(c, 1, -1, &timeout);
	if (error == 0 && q->shut_down)
		error = -ESHUTDOWN;
	if (error == 0)
		error = mp_keep(c, c->args[0], &value);
	if (error < 0)
		return error;
	if (q->getters != NULL) {
		q->unfinished++;
		mp_unpark(q->getters, 0, mp_kept_any(&value));
		mp_unkeep(q, &value);
		return 0;
	}
	error = -ENOMEM;
	if (is_full(q)) {
		error = mp_park(c, &q->putters, timeout);
		if (error == MP_PARKED)
			mp_parked_last(c)->value = value;
	} else if ((i = malloc(sizeof(*i))) != NULL) {
		add(q, i, &value);
		return 0;
	}
	if (error < 0)
		mp_unkeep(q, &value);
	return error;
}

static int get(void *self, struct mp_call *c)
{
	struct queue *q = self;
	struct item *i;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	if (error == 0 && q->n == 0 && q->shut_down)
		error = -ESHUTDOWN;
	if (error < 0)
		return error;
	if (q->n == 0)
		return mp_park(c, &q->getters, timeout);
	i = take(q);
	mp_give(c, &i->value);
	if (q->putters != NULL) {
		/* There is room now for what it brought. */
		add(q, i, &q->putters->value);
		mp_unpark(q->putters, 0, mp_any_nil());
	} else {
		free(i);
	}
	return 0;
}

static int qsize(void *self, struct mp_call *c)
{
	struct queue *q = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_int(c, q->n);
}

static int empty(void *self, struct mp_call *c)
{
	struct queue *q = self;
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_bool(c, q->n == 0);
}

static int full(void *self, struct mp_call *c)
{
	int error = mp_args(c, 0, 0);

	return error < 0 ? error : mp_answer_bool(c, is_full(self));
}

/* Those who join still wait for what is left. */
static int shut_down(void *self, struct mp_call *c)
{
	struct queue *q = self;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	q->shut_down = true;
	while (q->getters != NULL)
		mp_unpark(q->getters, -ESHUTDOWN, mp_any_nil());
	while (q->putters != NULL)
		mp_unpark(q->putters, -ESHUTDOWN, mp_any_nil());
	return 0;
}

/* ---- joinable ---- */

static int task_done(void *self, struct mp_call *c)
{
	struct queue *q = self;
	int error = mp_args(c, 0, 0);

	if (error == 0 && q->unfinished == 0)
		error = -EINVAL;
	if (error < 0)
		return error;
	if (--q->unfinished == 0)
		while (q->joiners != NULL)
			mp_unpark(q->joiners, 0, mp_any_nil());
	return 0;
}

static int join(void *self, struct mp_call *c)
{
	struct queue *q = self;
	int64_t timeout;
	int error = mp_args(c, 0, 1);

	if (error == 0)
		error = mp_arg_int(c, 0, -1, &timeout);
	if (error < 0 || q->unfinished == 0)
		return error;
	return mp_park(c, &q->joiners, timeout);
}

/* ---- the types ---- */

static int init(void *self, struct mp_call *c)
{
	struct queue *q = self;
	int error = mp_args(c, 0, 1);

	return error < 0 ? error : mp_arg_int(c, 0, 0, &q->max);
}

static void fini(void *self)
{
	struct queue *q = self;
	struct item *i;

	while (q->items != NULL) {
		i = take(q);
		mp_unkeep(q, &i->value);
		free(i);
	}
}

static void visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		  void *arg)
{
	struct queue *q = self;
	struct mp_parked *w;
	struct item *i;

	DL_FOREACH (q->items, i)
		each(&i->value, arg);
	DL_FOREACH (q->putters, w)
		each(&w->value, arg);
}

static const struct mp_op ops[] = {
	{ "task_done", task_done },
	{ "join", join },
	/* What a plain queue has, too: */
	{ "put", put },
	{ "get", get },
	{ "qsize", qsize },
	{ "empty", empty },
	{ "full", full },
	{ "shutdown", shut_down },
	{ 0 },
};

const struct mp_kind mp_type_queue = {
	.type = { .name = "queue",
		  .size = sizeof(struct queue),
		  .ops = ops + 2,
		  .init = init,
		  .fini = fini },
	.visit = visit,
};

const struct mp_kind mp_type_joinable_queue = {
	.type = { .name = "joinable_queue",
		  .size = sizeof(struct queue),
		  .ops = ops,
		  .init = init,
		  .fini = fini },
	.visit = visit,
};
