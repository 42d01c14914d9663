/* type-namespace.c - namespace: a dict whose keys are strings. */
#include "mp/type-own.h"

static int init(void *self, struct mp_call *c)
{
	struct mp_table *t = self;

	t->strings = true;
	return mp_args(c, 0, 0);
}

const struct mp_kind mp_type_namespace = {
	.type = { .name = "namespace",
		  .size = sizeof(struct mp_table),
		  .ops = mp_dict_ops,
		  .init = init,
		  .fini = mp_table_fini },
	.visit = mp_table_visit,
};
