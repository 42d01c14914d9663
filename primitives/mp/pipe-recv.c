/* pipe-recv.c - the receiver's side of a ring. */
#include <errno.h>
#include <string.h>

#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/owner.h"
#include "mp/pipe-bell.h"
#include "mp/pipe-ring.h"
#include "mp/spin.h"

static bool something(struct mp_ring *r)
{
	return mp_pipe_next(r) != 0;
}

/* ---- what has been read is room again ---- */

static void free_up(struct mp_ring *r)
{
	uint64_t head = mp_pipe_head(r);

	if (atomic_load_explicit(&r->freed, memory_order_relaxed) == head)
		return;
	atomic_store_explicit(&r->recv_cpu, mp_spin_cpu(),
			      memory_order_relaxed);
	mp_chaos();
	/* Pairs with the acquire in has_room, pipe-send.c; and is the fence
	 * that mp_gate_open wants. */
	atomic_exchange_explicit(&r->freed, head, memory_order_seq_cst);
	mp_gate_open(&r->room, 1, &r->counters);
}

void mp_pipe_advance(struct mp_ring *r, uint64_t header)
{
	uint64_t head = mp_pipe_head(r) + mp_pipe_size(header);

	r->send_cpu = header >> MP_PIPE_CPU_SHIFT & MP_PIPE_CPU;
	mp_chaos();
	atomic_store_explicit(&r->head, head, memory_order_relaxed);
	if (head - atomic_load_explicit(&r->freed, memory_order_relaxed) >=
	    r->size / 8)
		free_up(r);
}

/* ---- waiting ---- */

static inline __attribute__((always_inline)) int wait_for(struct mp_conn *c,
							  int64_t timeout_ns,
							  int64_t *deadline)
{
	struct mp_ring *r = c->in;
	struct mp_spin spin = { 0 };
	int error = 0;

	if (something(r))
		return 0;
	free_up(r);
	if (timeout_ns == 0) {
		if (!mp_pipe_gone(c))
			return something(r) ? 0 : -ETIMEDOUT;
		return something(r) ? 0 : -EPIPE;
	}
	if (*deadline == 0)
		*deadline = mp_clock_deadline(timeout_ns);
	while (!something(r) && error == 0) {
		if (mp_spin(&spin, r->send_cpu, *deadline))
			continue;
		error = mp_pipe_sleep(c, *deadline);
		spin = (struct mp_spin){ 0 };
	}
	return error;
}

int mp_pipe_wait(struct mp_conn *c, int64_t timeout_ns, int64_t *deadline)
{
	return wait_for(c, timeout_ns, deadline);
}

/* ---- messages ---- */

/* Copy `size` bytes into the pieces of v, from `skip` on. */
static void scatter(const struct iovec *v, uint64_t skip,
		    const unsigned char *from, uint64_t size)
{
	uint64_t n;

	for (; size != 0; v++) {
		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		n = v->iov_len - skip < size ? v->iov_len - skip : size;
		memcpy((char *)v->iov_base + skip, from, n);
		from += n;
		size -= n;
		skip = 0;
	}
}

/* One record for the message in hand.  0: that was its last.  -EAGAIN: go on.
 * Errors as mp_conn_recv. */
static int take(struct mp_ring *r, uint64_t header, const struct iovec *v,
		uint64_t room, uint64_t *total)
{
	struct mp_pipe_progress *p = &r->receiving;
	const unsigned char *bytes = mp_pipe_bytes(r, mp_pipe_head(r));
	uint64_t size = header & MP_PIPE_LENGTH;
	bool mine = p->id != 0 && p->id == mp_owner_get()->id;

	if (mine && header & (MP_PIPE_FIRST | MP_PIPE_DESCRIPTOR)) {
		p->id = 0;
		return -ECONNRESET;
	}
	if (header & MP_PIPE_DESCRIPTOR)
		return -EBADMSG;
	if (!mine && !(header & MP_PIPE_FIRST)) {
		/* The rest of a message whose receiver has died. */
		mp_pipe_advance(r, header);
		return -EAGAIN;
	}
	*total = mine ? p->total : size;
	if (!mine && !(header & MP_PIPE_LAST)) {
		memcpy(total, bytes, sizeof(*total));
		bytes += sizeof(*total);
	}
	if (*total > room)
		return -EMSGSIZE;
	if (header & MP_PIPE_FIRST)
		*p = (struct mp_pipe_progress){ .total = *total };
	scatter(v, p->done, bytes, size);
	p->done += size;
	p->id = header & MP_PIPE_LAST ? 0 : mp_owner_get()->id;
	mp_pipe_advance(r, header);
	return header & MP_PIPE_LAST ? 0 : -EAGAIN;
}

int mp_pipe_recvv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns, size_t *length)
{
	uint64_t room = 0, total = 0;
	struct mp_ring *r = c->in;
	int64_t deadline = 0;
	int error;

	if (r == NULL)
		return -EBADF;
	for (int i = 0; i < n; i++)
		if (__builtin_add_overflow(room, v[i].iov_len, &room))
			room = UINT64_MAX;
	do {
		error = wait_for(c, timeout_ns, &deadline);
		if (error == 0)
			error = take(r, mp_pipe_next(r), v, room, &total);
	} while (error == -EAGAIN);
	if (error == -EPIPE && r->receiving.id == mp_owner_get()->id) {
		r->receiving.id = 0;
		error = -ECONNRESET;
	}
	if (length != NULL && (error == 0 || error == -EMSGSIZE))
		*length = total;
	mp_pipe_settle(c);
	return error;
}

int mp_pipe_poll(struct mp_conn *c, int64_t timeout_ns)
{
	int64_t deadline = 0;
	int error;

	if (c->in == NULL)
		return -EBADF;
	error = mp_pipe_wait(c, timeout_ns, &deadline);
	mp_pipe_settle(c);
	if (error == 0 || error == -EPIPE)
		return 1;
	return error == -ETIMEDOUT ? 0 : error;
}
