/* manager-verbs.c - the types that a server knows, and their operations.
 *
 * An operation's name comes with every request.  Types have some twenty, mostly
 * short ones: comparing eight bytes as a number finds one in a few nanoseconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mp/manager-own.h"

static const struct mp_kind *const kinds[] = {
	&mp_type_dict,          &mp_type_set,
	&mp_type_list,          &mp_type_namespace,
	&mp_type_value,         &mp_type_array,
	&mp_type_lock,          &mp_type_rlock,
	&mp_type_semaphore,     &mp_type_bounded_semaphore,
	&mp_type_condition,     &mp_type_event,
	&mp_type_barrier,       &mp_type_queue,
	&mp_type_joinable_queue
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint64_t start_of(const char *name, size_t length)
{
	uint64_t start = 0;

	if (length >= sizeof(start))
		memcpy(&start, name, sizeof(start));
	else
		for (size_t i = 0; i < length; i++)
			start |= (uint64_t)(unsigned char)name[i] << 8 * i;
	return start;
}

static int add(struct mp_verbs *v, const struct mp_type *type,
	       const struct mp_kind *kind)
{
	uint32_t n = 0;

	if (type->name == NULL || type->ops == NULL)
		return -EINVAL;
	while (type->ops[n].name != NULL)
		n++;
	*v = (struct mp_verbs){ .type = type, .kind = kind, .n = n };
	v->v = calloc(n + 1, sizeof(*v->v));
	if (v->v == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct mp_op *op = &type->ops[i];
		size_t length = strlen(op->name);

		v->v[i] = (struct mp_verb){ start_of(op->name, length),
					    (uint32_t)length, op };
	}
	return 0;
}

int mp_verbs_init(struct mp_server *s, const struct mp_type **types)
{
	uint32_t users = 0;
	int error = add(&s->own, &mp_manager_self, NULL);

	while (types != NULL && types[users] != NULL)
		users++;
	s->types = calloc(KINDS + users, sizeof(*s->types));
	if (error == 0 && s->types == NULL)
		error = -ENOMEM;
	for (uint32_t i = 0; error == 0 && i < KINDS + users; i++) {
		const struct mp_type *type =
			i < KINDS ? &kinds[i]->type : types[i - KINDS];

		if (type->name != NULL &&
		    mp_verbs_find(s, mp_any_str(type->name)) != NULL)
			error = -EINVAL;
		else
			error = add(&s->types[i], type,
				    i < KINDS ? kinds[i] : NULL);
		s->ntypes = i + 1;
	}
	return error;
}

void mp_verbs_end(struct mp_server *s)
{
	for (uint32_t i = 0; i < s->ntypes; i++)
		free(s->types[i].v);
	free(s->types);
	free(s->own.v);
}

const struct mp_verbs *mp_verbs_find(const struct mp_server *s,
				     struct mp_any type)
{
	for (uint32_t i = 0; i < s->ntypes; i++)
		if (mp_any_is(type, s->types[i].type->name))
			return &s->types[i];
	return NULL;
}

const struct mp_op *mp_verbs_op(const struct mp_verbs *v, struct mp_any name)
{
	uint64_t start = start_of(name.data, name.length);

	for (uint32_t i = 0; i < v->n; i++)
		if (v->v[i].start == start && v->v[i].length == name.length &&
		    (name.length <= sizeof(start) ||
		     memcmp(v->v[i].op->name, name.data, name.length) == 0))
			return v->v[i].op;
	return NULL;
}
