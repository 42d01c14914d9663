/* See ours.h. */
#include "managers/ours.h"

#include <errno.h>
#include <string.h>

#define VALUE sizeof(struct store_value)

struct ours ours;

static int take(struct store_value *value, int e, const struct mp_any *got)
{
	if (e != 0)
		return e < 0 ? e : -EBADMSG;
	if (got->type != MP_ANY_BIN || got->length != VALUE)
		return -EBADMSG;
	memcpy(value, got->data, VALUE);
	return 0;
}

int ours_get(int key, int n, struct store_value *values)
{
	struct mp_any got;
	int e = mp_proxy_get(&ours.dict, ours.keys[key], &got);

	(void)n;
	return take(values, e, &got);
}

int ours_set(int key, int n, const struct store_value *values)
{
	(void)n;
	return mp_proxy_set(&ours.dict, ours.keys[key],
			    mp_any_bin(values, VALUE));
}

/* Sixteen requests, then sixteen answers; the first bad one is told. */
int ours_get_batch(int key, int n, struct store_value *values)
{
	int64_t number[STORE_BATCH];
	struct mp_any got;
	int e = 0, sent;

	for (sent = 0; sent < n; sent++) {
		number[sent] = mp_proxy_send(&ours.dict, "get",
					     &ours.keys[key + sent], 1);
		if (number[sent] < 0)
			return (int)number[sent];
	}
	for (int i = 0; e == 0 && i < n; i++) {
		e = mp_proxy_recv(ours.manager, number[i], &got);
		e = take(&values[i], e, &got);
	}
	return e;
}

int ours_set_batch(int key, int n, const struct store_value *values)
{
	int64_t number[STORE_BATCH];
	int e = 0;

	for (int i = 0; i < n; i++) {
		struct mp_any args[] = { ours.keys[key + i],
					 mp_any_bin(&values[i], VALUE) };

		number[i] = mp_proxy_send(&ours.dict, "set", args, 2);
		if (number[i] < 0)
			return (int)number[i];
	}
	for (int i = 0; e == 0 && i < n; i++)
		e = mp_proxy_recv(ours.manager, number[i], NULL);
	return e;
}

int ours_append(const struct store_value *value)
{
	return mp_proxy_append(&ours.list, mp_any_bin(value, VALUE));
}

int ours_length(uint64_t *n)
{
	int64_t found = mp_proxy_length(&ours.list);

	*n = found < 0 ? 0 : (uint64_t)found;
	return found < 0 ? (int)found : 0;
}

int ours_clear(void)
{
	return mp_proxy_call(&ours.list, "clear", NULL, 0, NULL);
}

int ours_add(void)
{
	return mp_proxy_add(&ours.dict, mp_any_str("counter"), 1, NULL);
}

int ours_total(uint64_t *n)
{
	int64_t sum = 0;
	int e = mp_proxy_add(&ours.dict, mp_any_str("counter"), 0, &sum);

	*n = (uint64_t)sum;
	return e;
}

int ours_acquire(void)
{
	int e = mp_proxy_acquire(&ours.lock, -1);

	return e > 0 ? -EBADMSG : e; /* nobody died */
}

int ours_release(void)
{
	return mp_proxy_release(&ours.lock);
}