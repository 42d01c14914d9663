/* type-array.c - array: a sequence (type-sequence.c) of one length for ever, of
 * values of one kind.
 *
 * Made by a length, it keeps nothing yet: what is not there is 0.
 */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>

static int zeros(struct mp_sequence *s, int64_t n)
{
	if (n < 0)
		return -EINVAL;
	s->at = calloc((size_t)n + 1, sizeof(*s->at));
	if (s->at == NULL)
		return -ENOMEM;
	s->n = s->room = (size_t)n;
	return 0;
}

static int init(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	int error = mp_args(c, 2, 2);

	if (error == 0)
		error = mp_code_get(c, 0, &s->code);
	if (error < 0)
		return error;
	if (c->args[1].type == MP_ANY_INT)
		return zeros(s, c->args[1].i);
	error = mp_sequence_extend(s, c, c->args[1]);
	if (error < 0)
		free(s->at);
	return error;
}

static const struct mp_op ops[] = {
	{ "get", mp_sequence_get },     { "set", mp_sequence_set },
	{ "add", mp_sequence_add },     { "length", mp_sequence_length },
	{ "slice", mp_sequence_slice }, { "copy", mp_sequence_copy },
	{ "next", mp_sequence_next },   { 0 },
};

const struct mp_kind mp_type_array = {
	.type = { .name = "array",
		  .size = sizeof(struct mp_sequence),
		  .ops = ops,
		  .init = init,
		  .fini = mp_sequence_fini },
	.visit = mp_sequence_visit,
};
