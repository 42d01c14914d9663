/* type-value.c - value: one value, of the kind that its code names. */
#include "mp/type-own.h"

#include <errno.h>

struct value {
	struct mp_kept kept;
	char code;
};

static int get(void *self, struct mp_call *c)
{
	struct value *v = self;
	int error = mp_args(c, 0, 0);

	if (error == 0)
		c->result = mp_kept_any(&v->kept);
	return error;
}

static int set(void *self, struct mp_call *c)
{
	struct value *v = self;
	int error = mp_args(c, 1, 1);

	return error < 0 ? error
			 : mp_kept_set(v, c, &v->kept, v->code, c->args[0]);
}

static int add(void *self, struct mp_call *c)
{
	struct value *v = self;
	int error = mp_args(c, 1, 1);

	return error < 0 ? error
			 : mp_kept_add(v, c, &v->kept, v->code, c->args[0]);
}

static int compare_exchange(void *self, struct mp_call *c)
{
	struct value *v = self;
	int error = mp_args(c, 2, 2);

	return error < 0 ? error
			 : mp_kept_exchange(v, c, &v->kept, v->code, c->args[0],
					    c->args[1]);
}

static int init(void *self, struct mp_call *c)
{
	struct value *v = self;
	int error = mp_args(c, 2, 2);

	if (error == 0)
		error = mp_code_get(c, 0, &v->code);
	return error < 0 ? error
			 : mp_kept_set(v, c, &v->kept, v->code, c->args[1]);
}

static void fini(void *self)
{
	struct value *v = self;

	mp_unkeep(v, &v->kept);
}

static void visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		  void *arg)
{
	struct value *v = self;

	each(&v->kept, arg);
}

static const struct mp_op ops[] = {
	{ "get", get }, { "set", set },
	{ "add", add }, { "compare_exchange", compare_exchange },
	{ 0 },
};

const struct mp_kind mp_type_value = {
	.type = { .name = "value",
		  .size = sizeof(struct value),
		  .ops = ops,
		  .init = init,
		  .fini = fini },
	.visit = visit,
};
