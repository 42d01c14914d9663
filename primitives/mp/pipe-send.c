/* pipe-send.c - the sender's side of a ring. */
#include <errno.h>
#include <string.h>

#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/fence.h"
#include "mp/pipe-bell.h"
#include "mp/pipe-ring.h"
#include "mp/poll.h"
#include "mp/spin.h"

bool mp_pipe_gone(const struct mp_conn *c)
{
	/* POLLHUP and POLLERR count too. */
	return mp_poll(c->fd, POLLRDHUP, 0) == 0;
}

/* ---- room ---- */

static uint64_t tail_of(const struct mp_ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

struct room {
	const struct mp_conn *c;
	uint64_t end; /* behind the record and the header that comes next */
};

static bool has_room(const void *arg)
{
	const struct room *w = arg;
	const struct mp_ring *r = w->c->out;

	/* Pairs with the exchange in free_up, pipe-recv.c. */
	return w->end <=
	       r->size + atomic_load_explicit(&r->freed, memory_order_acquire);
}

static bool has_room_or_end(const void *arg)
{
	return has_room(arg) || mp_pipe_gone(((const struct room *)arg)->c);
}

static int wait_for_room(struct mp_conn *c, struct room *w, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_ring *r = c->out;
	struct mp_spin spin = { 0 };
	int error = 0;

	mp_counters_add(&r->counters, MP_CONTENDED);
	while (!has_room(w)) {
		if (timeout_ns != 0 &&
		    mp_spin(&spin,
			    atomic_load_explicit(&r->recv_cpu,
						 memory_order_relaxed),
			    deadline))
			continue;
		if (mp_pipe_gone(c))
			return -EPIPE;
		if (timeout_ns == 0)
			return -ETIMEDOUT;
		error = mp_gate_wait(&r->room, has_room_or_end, w, deadline,
				     &r->counters);
		if (error < 0)
			return error;
		spin = (struct mp_spin){ 0 };
	}
	return 0;
}

/* The receiver's line is looked at once in an eighth of the ring; and if
 * nothing has moved there since, so is the receiver. */
int mp_pipe_make_room(struct mp_conn *c, uint64_t tail, uint64_t size,
		      int64_t timeout_ns)
{
	struct mp_ring *r = c->out;
	struct room w = { .c = c, .end = tail + size + MP_PIPE_HEADER };
	uint64_t freed;
	int error;

	if (w.end <= r->look)
		return 0;
	if (!has_room(&w)) {
		error = wait_for_room(c, &w, timeout_ns);
		if (error < 0)
			return error;
	}
	freed = atomic_load_explicit(&r->freed, memory_order_acquire);
	if (freed == r->freed_seen && freed != tail && mp_pipe_gone(c))
		return -EPIPE;
	r->freed_seen = freed;
	r->look = w.end + r->size / 8;
	if (r->look > freed + r->size)
		r->look = freed + r->size;
	return 0;
}

/* ---- records ---- */

/* One that was killed, and whose end this thread has now, may have sent a
 * record and not moved the tail.  The header at the tail is 0 otherwise.  (To
 * look each time would cost as much as all the rest: the line is at the
 * receiver.) */
uint64_t mp_pipe_tail(struct mp_ring *r)
{
	uint64_t tail = tail_of(r), header;

	if (r->sender == mp_owner_get()->id)
		return tail;
	while ((header = atomic_load_explicit(mp_pipe_header(r, tail),
					      memory_order_relaxed)) != 0)
		tail += mp_pipe_size(header);
	atomic_store_explicit(&r->tail, tail, memory_order_relaxed);
	r->sender = mp_owner_self.id;
	return tail;
}

void mp_pipe_publish(struct mp_conn *c, uint64_t tail, uint64_t header)
{
	struct mp_ring *r = c->out;
	uint64_t next = tail + mp_pipe_size(header);

	header |= (uint64_t)(mp_spin_cpu() & MP_PIPE_CPU) << MP_PIPE_CPU_SHIFT;
	atomic_store_explicit(mp_pipe_header(r, next), 0, memory_order_relaxed);
	mp_chaos();
	/* Pairs with the acquire in mp_pipe_next: it is sent. */
	atomic_store_explicit(mp_pipe_header(r, tail), header,
			      memory_order_release);
	mp_chaos();
	atomic_store_explicit(&r->tail, next, memory_order_relaxed);
	mp_fence_light();
	if (mp_bell_listens(&r->bell))
		mp_bell_ring(&r->bell, c->bell_out, &r->counters);
	/* The line behind the next header: without this every message whose
	 * header comes next on a new line took twice as long. */
	mp_ring_fetch(r->data + ((next + 64) & (r->size - 1)));
}

/* Copy `size` bytes, from `skip` on, out of the pieces of v. */
static void gather(unsigned char *to, const struct iovec *v, uint64_t skip,
		   uint64_t size)
{
	uint64_t n;

	for (; size != 0; v++) {
		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		n = v->iov_len - skip < size ? v->iov_len - skip : size;
		memcpy(to, (const char *)v->iov_base + skip, n);
		to += n;
		size -= n;
		skip = 0;
	}
}

/* A message that needs several records, or the rest of it. */
static int send_pieces(struct mp_conn *c, uint64_t tail, const struct iovec *v,
		       uint64_t total, int64_t timeout_ns)
{
	struct mp_ring *r = c->out;
	struct mp_pipe_progress *p = &r->sending;
	int64_t deadline = mp_clock_deadline(timeout_ns);
	uint64_t header, extra;
	int error;

	if (p->id != mp_owner_self.id || p->total != total)
		*p = (struct mp_pipe_progress){ .total = total };
	while (p->done < total) {
		header = MP_PIPE_SENT;
		if (p->done == 0)
			header |= MP_PIPE_FIRST;
		if (total - p->done <= r->piece)
			header |= MP_PIPE_LAST | (total - p->done);
		else
			header |= r->piece;
		error = mp_pipe_make_room(
			c, tail, mp_pipe_size(header),
			timeout_ns == 0 ? 0 : mp_clock_left(deadline));
		if (error < 0)
			return error;
		extra = p->done == 0 ? sizeof(total) : 0;
		memcpy(mp_pipe_bytes(r, tail), &total, extra);
		gather(mp_pipe_bytes(r, tail) + extra, v, p->done,
		       header & MP_PIPE_LENGTH);
		mp_pipe_publish(c, tail, header);
		tail += mp_pipe_size(header);
		p->id = mp_owner_self.id;
		p->done += header & MP_PIPE_LENGTH;
	}
	p->id = 0;
	return 0;
}

int mp_pipe_sendv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns)
{
	uint64_t total = 0, tail, header;
	struct mp_ring *r = c->out;
	int error;

	if (r == NULL)
		return -EBADF;
	for (int i = 0; i < n; i++)
		if (__builtin_add_overflow(total, v[i].iov_len, &total) ||
		    total > MP_PIPE_LENGTH)
			return -EMSGSIZE;
	tail = mp_pipe_tail(r);
	if (total > r->piece)
		return send_pieces(c, tail, v, total, timeout_ns);
	r->sending.id = 0;
	header = MP_PIPE_SENT | MP_PIPE_FIRST | MP_PIPE_LAST | total;
	error = mp_pipe_make_room(c, tail, mp_pipe_size(header), timeout_ns);
	if (error < 0)
		return error;
	gather(mp_pipe_bytes(r, tail), v, 0, total);
	mp_pipe_publish(c, tail, header);
	return 0;
}
