/* list-item.c - one element: get takes no lock, set and add take its own. */
#include "mp/list-own.h"
#include "mp/spin.h"

#define LOOKS   32      /* then with the lock */
#define LOCK_NS 1000000 /* and if its holder is stopped, look again */

/* Others change it all the time: keep them out. */
static int look_long(struct mp_list *l, uint32_t i, void *buf, size_t size,
		     size_t *length)
{
	int error = -EAGAIN;

	while (error == -EAGAIN) {
		for (int n = 0; n < LOOKS && error == -EAGAIN; n++) {
			mp_spin_relax();
			error = mp_list_look(l, i, buf, size, length);
		}
		if (error != -EAGAIN)
			break;
		error = mp_list_enter(l, i, LOCK_NS);
		if (error == 0)
			error = mp_list_leave(
				l, i, mp_list_look(l, i, buf, size, length));
		else if (error == -ETIMEDOUT)
			error = -EAGAIN;
	}
	return error;
}

int mp_list_get(struct mp_list *l, uint32_t i, void *buf, size_t size,
		size_t *length)
{
	int error;

	if (!mp_list_ready(l, i))
		return -ENOENT;
	error = mp_list_look(l, i, buf, size, length);
	if (error == -EAGAIN)
		error = look_long(l, i, buf, size, length);
	return error;
}

/* ---- change ---- */

int mp_list_set(struct mp_list *l, uint32_t i, const void *value, size_t length)
{
	int error;

	if (length > l->value_max)
		return -EMSGSIZE;
	error = mp_list_enter(l, i, -1);
	if (error < 0)
		return error;
	if (!mp_list_live(l, i))
		return mp_list_leave(l, i, -ENOENT);
	mp_latch_put(mp_list_latch(l, i), value, length);
	return mp_list_leave(l, i, 0);
}

int mp_list_add(struct mp_list *l, uint32_t i, int64_t n, int64_t *result)
{
	int error = mp_list_enter(l, i, -1);

	if (error < 0)
		return error;
	if (!mp_list_live(l, i))
		return mp_list_leave(l, i, -ENOENT);
	return mp_list_leave(l, i,
			     mp_latch_add(mp_list_latch(l, i), n, result));
}
