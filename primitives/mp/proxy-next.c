/* proxy-next.c - go through a container, an answer full of elements at a time.
 *
 * The server keeps nothing of it: an answer says where the next one goes on,
 * and that is part of the next request.
 */
#include <errno.h>
#include <string.h>

#include "mp/proxy.h"

void mp_proxy_stop(struct mp_proxy_iterator *it)
{
	mp_pack_free(&it->elements);
	mp_pack_free(&it->cursor);
	it->at = 0;
}

static int copy(struct mp_pack *p, struct mp_any v)
{
	mp_pack_clear(p);
	return mp_pack_any(p, v);
}

/* The next answer: [cursor, [element …]]; no cursor: it was the last. */
static int fetch(struct mp_proxy_iterator *it)
{
	struct mp_unpack u;
	struct mp_any cursor = mp_any_nil(), v;
	uint32_t n;
	int error;

	if (it->cursor.size != 0) {
		u.at = it->cursor.data;
		u.end = u.at + it->cursor.size;
		mp_unpack_any(&u, &cursor);
	}
	error = mp_proxy_call(it->proxy, "next", &cursor, 1, &v);
	if (error < 0)
		return error;
	u = mp_unpack_begin(v);
	if (mp_unpack_array(&u, &n) < 0 || n != 2 ||
	    mp_unpack_any(&u, &cursor) < 0 || mp_unpack_any(&u, &v) < 0 ||
	    v.type != MP_ANY_RAW)
		return -EBADMSG;
	it->last = cursor.type == MP_ANY_NIL;
	error = copy(&it->cursor, cursor);
	if (error < 0)
		return error;
	error = copy(&it->elements, v);
	u = (struct mp_unpack){ it->elements.data,
				it->elements.data + it->elements.size };
	if (error == 0)
		error = mp_unpack_array(&u, &n);
	it->at = (size_t)(u.at - it->elements.data);
	return error;
}

static bool used_up(const struct mp_proxy_iterator *it)
{
	return it->at == it->elements.size;
}

int mp_proxy_next(struct mp_proxy_iterator *it, struct mp_any *key,
		  struct mp_any *value)
{
	struct mp_unpack u;
	int error = 0;

	while (error == 0 && used_up(it) && !it->last)
		error = fetch(it);
	if (error < 0 || used_up(it)) {
		mp_proxy_stop(it);
		return error;
	}
	u = (struct mp_unpack){ it->elements.data + it->at,
				it->elements.data + it->elements.size };
	mp_unpack_any(&u, key);
	if (mp_unpack_any(&u, value) < 0)
		error = -EBADMSG;
	it->at = (size_t)(u.at - it->elements.data);
	return error < 0 ? error : 1;
}
