/* proxy.c - calls on objects of a server. */
#include "mp/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mp/manager-own.h"

/* A proxy that was closed is nobody's; handle 0 would be the server. */
static int call(struct mp_proxy *p, const char *op, const struct mp_any *args,
		uint32_t n, enum mp_channel_signal then, struct mp_any *result)
{
	if (p->handle == 0)
		return -ESTALE;
	return mp_channel_call(p->manager, p->handle, op, args, n, then,
			       result);
}

/* As all locks here: who wants one gets it, whatever signals come. */
static enum mp_channel_signal then_of(const char *op)
{
	return strcmp(op, "acquire") == 0 ? MP_CHANNEL_GO_ON
					  : MP_CHANNEL_CANCEL;
}

int mp_proxy_call(struct mp_proxy *p, const char *op, const struct mp_any *args,
		  uint32_t n, struct mp_any *result)
{
	return call(p, op, args, n, then_of(op), result);
}

int64_t mp_proxy_send(struct mp_proxy *p, const char *op,
		      const struct mp_any *args, uint32_t n)
{
	struct mp_manager_client *c;
	int error = p->handle != 0 ? mp_channel_get(p->manager, &c) : -ESTALE;

	return error < 0 ? error
			 : mp_channel_request(c, p->handle, op, args, n, false);
}

int mp_proxy_recv(struct mp_manager *m, int64_t request, struct mp_any *result)
{
	struct mp_manager_client *c;
	int error = mp_channel_get(m, &c);

	if (error < 0)
		return error;
	return mp_channel_answer(c, (uint64_t)request, MP_CHANNEL_RETURN,
				 result);
}

/* ---- the common ones ---- */

static int call1(struct mp_proxy *p, const char *op, struct mp_any a,
		 struct mp_any *result)
{
	return call(p, op, &a, 1, MP_CHANNEL_CANCEL, result);
}

static int call2(struct mp_proxy *p, const char *op, struct mp_any a,
		 struct mp_any b, struct mp_any *result)
{
	struct mp_any args[] = { a, b };

	return call(p, op, args, 2, MP_CHANNEL_CANCEL, result);
}

/* args[0] is the key, which is left out if it is nil. */
static int call_key(struct mp_proxy *p, const char *op,
		    const struct mp_any *args, uint32_t n,
		    struct mp_any *result)
{
	uint32_t without = args[0].type == MP_ANY_NIL;

	return call(p, op, args + without, n - without, MP_CHANNEL_CANCEL,
		    result);
}

int mp_proxy_get(struct mp_proxy *p, struct mp_any key, struct mp_any *result)
{
	return call_key(p, "get", &key, 1, result);
}

int mp_proxy_set(struct mp_proxy *p, struct mp_any key, struct mp_any value)
{
	struct mp_any args[] = { key, value };

	return call_key(p, "set", args, 2, NULL);
}

int mp_proxy_delete(struct mp_proxy *p, struct mp_any key)
{
	return call1(p, "delete", key, NULL);
}

int mp_proxy_append(struct mp_proxy *p, struct mp_any value)
{
	return call1(p, "append", value, NULL);
}

int mp_proxy_pop(struct mp_proxy *p, struct mp_any key, struct mp_any *result)
{
	return call_key(p, "pop", &key, 1, result);
}

int mp_proxy_add(struct mp_proxy *p, struct mp_any key, int64_t n,
		 int64_t *result)
{
	struct mp_any args[] = { key, mp_any_int(n) }, sum;
	int error = call_key(p, "add", args, 2, &sum);

	if (error == 0 && result != NULL) {
		if (sum.type != MP_ANY_INT)
			return -EINVAL;
		*result = sum.i;
	}
	return error;
}

/* A bool, or what went wrong. */
static int truth(int error, struct mp_any v)
{
	return error < 0 ? error : v.type == MP_ANY_BOOL && v.boolean;
}

int mp_proxy_compare_exchange(struct mp_proxy *p, struct mp_any key,
			      struct mp_any expected, struct mp_any value)
{
	struct mp_any args[] = { key, expected, value }, v = { 0 };
	int error = call_key(p, "compare_exchange", args, 3, &v);

	return truth(error, v);
}

int mp_proxy_contains(struct mp_proxy *p, struct mp_any key)
{
	struct mp_any v = { 0 };
	int error = call1(p, "contains", key, &v);

	return truth(error, v);
}

static int64_t number(int error, struct mp_any v)
{
	if (error < 0)
		return error;
	return v.type == MP_ANY_INT ? v.i : 0;
}

int64_t mp_proxy_length(struct mp_proxy *p)
{
	struct mp_any v = { 0 };
	int error = call(p, "length", NULL, 0, MP_CHANNEL_CANCEL, &v);

	return number(error, v);
}

int mp_proxy_acquire(struct mp_proxy *p, int64_t timeout_ns)
{
	struct mp_any t = mp_any_int(timeout_ns);

	return call(p, "acquire", &t, 1, MP_CHANNEL_GO_ON, NULL);
}

int mp_proxy_release(struct mp_proxy *p)
{
	return call(p, "release", NULL, 0, MP_CHANNEL_CANCEL, NULL);
}

int mp_proxy_wait(struct mp_proxy *p, int64_t timeout_ns)
{
	struct mp_any v = { 0 };
	int error = call1(p, "wait", mp_any_int(timeout_ns), &v);

	if (error > 0)
		return error;
	return (int)number(error, v);
}

int mp_proxy_put(struct mp_proxy *p, struct mp_any value, int64_t timeout_ns)
{
	return call2(p, "put", value, mp_any_int(timeout_ns), NULL);
}

int mp_proxy_take(struct mp_proxy *p, struct mp_any *result, int64_t timeout_ns)
{
	return call1(p, "get", mp_any_int(timeout_ns), result);
}

/* ---- references ---- */

struct mp_any mp_proxy_any(const struct mp_proxy *p)
{
	return mp_any_ref(p->handle);
}

int mp_proxy_open(struct mp_proxy *p, struct mp_manager *m,
		  struct mp_any reference)
{
	*p = (struct mp_proxy){ .manager = m };
	if (reference.type != MP_ANY_REF)
		return -EINVAL;
	p->handle = reference.handle;
	return 0;
}

int mp_proxy_adopt(struct mp_proxy *p, struct mp_manager *m, uint64_t handle)
{
	struct mp_any ref = mp_any_ref(handle);
	int error =
		mp_channel_call(m, 0, "ref", &ref, 1, MP_CHANNEL_GO_ON, NULL);

	*p = (struct mp_proxy){ .manager = m };
	if (error == 0)
		p->handle = handle;
	return error;
}

static int drop(struct mp_manager *m, uint64_t handle)
{
	struct mp_any args[] = { mp_any_ref(handle) };
	struct mp_manager_client *c;
	int64_t id;
	int error = mp_channel_get(m, &c);

	if (error < 0)
		return error;
	id = mp_channel_request(c, 0, "drop", args, 1, true);
	return id < 0 ? (int)id : mp_channel_flush(c);
}

int mp_proxy_forget(struct mp_manager *m, struct mp_any value)
{
	struct mp_unpack u = mp_unpack_begin(value);
	uint64_t handle;
	int error = 0;

	if (value.type == MP_ANY_REF)
		return drop(m, value.handle);
	while (error == 0 && mp_unpack_ref(&u, &handle) > 0)
		error = drop(m, handle);
	return error;
}

int mp_proxy_close(struct mp_proxy *p)
{
	int error = p->handle != 0 ? drop(p->manager, p->handle) : 0;

	p->handle = 0;
	return error;
}
