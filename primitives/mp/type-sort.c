/* type-sort.c - the order of a list: numbers by their value, strings by their
 * bytes.
 *
 * Python compares the two of any two values that it comes across, and fails in
 * the middle when they cannot be compared; here all are looked at first.
 * qsort is not stable; equal values are told apart by where they stood.
 */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct item {
	struct mp_any v;
	struct mp_kept kept;
	size_t place;
};

static bool is_number(struct mp_any v)
{
	return v.type == MP_ANY_INT || v.type == MP_ANY_UINT ||
	       v.type == MP_ANY_FLOAT;
}

/* Holds each of the three exactly (x86: 64 bits and a sign; arm64: 113). */
static long double number(struct mp_any v)
{
	if (v.type == MP_ANY_FLOAT)
		return v.f;
	return v.type == MP_ANY_INT ? (long double)v.i : (long double)v.u;
}

/* What is no number (NaN) comes last: qsort needs an order of all. */
static int compare_numbers(long double a, long double b)
{
	bool no_a = a != a, no_b = b != b;

	if (no_a || no_b)
		return no_a - no_b;
	return (a > b) - (a < b);
}

static int compare_strings(struct mp_any a, struct mp_any b)
{
	uint32_t shorter = a.length < b.length ? a.length : b.length;
	int order = shorter != 0 ? memcmp(a.data, b.data, shorter) : 0;

	return order != 0 ? order
			  : (a.length > b.length) - (a.length < b.length);
}

static int compare(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	int order = is_number(a->v)
			    ? compare_numbers(number(a->v), number(b->v))
			    : compare_strings(a->v, b->v);

	return order != 0 ? order
			  : (a->place > b->place) - (a->place < b->place);
}

static bool comparable(struct mp_any a, struct mp_any b)
{
	if (is_number(a))
		return is_number(b);
	return a.type == MP_ANY_STR && b.type == MP_ANY_STR;
}

int mp_sequence_sort(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	struct item *items;
	size_t i;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	items = calloc(s->n + 1, sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	for (i = 0; i < s->n; i++) {
		items[i] = (struct item){ mp_kept_any(&s->at[i]), s->at[i], i };
		if (!comparable(items[0].v, items[i].v)) {
			free(items);
			return -EINVAL;
		}
	}
	qsort(items, s->n, sizeof(*items), compare);
	for (i = 0; i < s->n; i++)
		s->at[i] = items[i].kept;
	s->version++;
	free(items);
	return 0;
}

int mp_sequence_reverse(void *self, struct mp_call *c)
{
	struct mp_sequence *s = self;
	struct mp_kept k;
	int error = mp_args(c, 0, 0);

	if (error < 0)
		return error;
	for (size_t i = 0, j = s->n; i + 1 < j; i++) {
		j--;
		k = s->at[i];
		s->at[i] = s->at[j];
		s->at[j] = k;
	}
	s->version++;
	return 0;
}
