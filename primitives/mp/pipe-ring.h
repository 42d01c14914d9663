/* pipe-ring - one way of a pipe: one sender, one receiver, no lock.
 *
 * Internal to pipe.c, pipe-*.c and wait.c.  Floor 3.
 *
 * A record is a header of 8 bytes and the bytes of a message, rounded up to 8.
 * The sender writes the bytes, then 0 into the header that comes next, then
 * this header: by that store the message is sent, and the receiver, who looks
 * at the header, finds the first bytes of the message beside it.  So a small
 * message crosses to another CPU in one cache line.
 *
 * A message that is longer than a record can be goes in several: FIRST begins
 * with the length of the whole, LAST ends it.
 */
#ifndef MP_PIPE_RING_H
#define MP_PIPE_RING_H

#include <stdatomic.h>

#include "mp/conn.h"
#include "mp/gate.h"
#include "mp/ring.h"

/*  header                 what lies there
 *  0                      nothing yet
 *  SENT|FIRST|LAST|n      a message of n bytes
 *  SENT|FIRST|n           8 bytes: the length of the message; its first n
 *  SENT|n, SENT|LAST|n    its next n bytes, its last
 *  SENT|DESCRIPTOR|8      the number of a descriptor that the socket carries
 *
 *  12 bits of each tell on which CPU the sender was (spin.h), so that the
 *  receiver, while it waits, need not look at a line of the sender's.
 */
#define MP_PIPE_SENT       (UINT64_C(1) << 63)
#define MP_PIPE_FIRST      (UINT64_C(1) << 62)
#define MP_PIPE_LAST       (UINT64_C(1) << 61)
#define MP_PIPE_DESCRIPTOR (UINT64_C(1) << 60)
#define MP_PIPE_CPU_SHIFT  48
#define MP_PIPE_CPU        0xfffu
#define MP_PIPE_LENGTH     ((UINT64_C(1) << MP_PIPE_CPU_SHIFT) - 1)

#define MP_PIPE_HEADER sizeof(uint64_t)

/* How far somebody is in a message of several records.  Another thread that
 * takes the end over, because this one died, begins anew. */
struct mp_pipe_progress {
	uint64_t total, done;
	uint64_t id; /* the thread's; 0: between messages */
};

/* Positions count all bytes ever; modulo the size they are places. */
struct mp_ring {
	/* Constant. */
	_Alignas(64) uint64_t size; /* a power of two */
	uint64_t piece;             /* the longest record's message */
	/* Hardly ever written. */
	_Atomic uint32_t bell; /* states in bell.h */
	struct mp_gate room;   /* a sender sleeps here */
	struct mp_counters counters;

	/* The sender's. */
	_Alignas(64) _Atomic uint64_t tail;
	uint64_t freed_seen, look; /* as far as it may go without a look */
	struct mp_pipe_progress sending;
	uint64_t passed; /* descriptors */
	uint64_t sender; /* the id of the thread that sent last */

	/* The receiver's. */
	_Alignas(64) _Atomic uint64_t head;
	struct mp_pipe_progress receiving;
	uint32_t send_cpu; /* from the last header */

	_Alignas(64) _Atomic uint64_t freed; /* head, at times */
	_Atomic uint32_t recv_cpu;

	_Alignas(64) unsigned char data[];
};

static inline _Atomic uint64_t *mp_pipe_header(struct mp_ring *r, uint64_t at)
{
	return (_Atomic uint64_t *)(r->data + (at & (r->size - 1)));
}

static inline unsigned char *mp_pipe_bytes(struct mp_ring *r, uint64_t at)
{
	return r->data + (at & (r->size - 1)) + MP_PIPE_HEADER;
}

/* Bytes of the ring that a record takes. */
static inline uint64_t mp_pipe_size(uint64_t header)
{
	bool whole_length =
		(header & (MP_PIPE_FIRST | MP_PIPE_LAST)) == MP_PIPE_FIRST;

	return MP_PIPE_HEADER + (whole_length ? sizeof(uint64_t) : 0) +
	       mp_ring_round(header & MP_PIPE_LENGTH);
}

/* The record at the head; 0: nothing yet. */
static inline uint64_t mp_pipe_next(struct mp_ring *r)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	/* Pairs with the release in publish, pipe-send.c. */
	return atomic_load_explicit(mp_pipe_header(r, head),
				    memory_order_acquire);
}

static inline uint64_t mp_pipe_head(const struct mp_ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_relaxed);
}

/* ---- two ends: pipe.c ---- */

/* mp_pipe, and in *memory a descriptor of both rings, the caller's. */
int mp_pipe_open(struct mp_conn *a, struct mp_conn *b, bool duplex,
		 size_t bytes, int *memory);

/* In another process: the second end of a duplex pipe, of what it is made of,
 * memory of `space` bytes among it.  0, and the descriptors but `memory` belong
 * to it.  -EINVAL: that is no pipe. */
int mp_pipe_adopt(struct mp_conn *b, int memory, size_t space, int fd,
		  int bell_in, int bell_out);

/* Does nobody hold the other end any more? */
bool mp_pipe_gone(const struct mp_conn *c);

/* ---- the sender: pipe-send.c ---- */

/* Where the next record goes. */
uint64_t mp_pipe_tail(struct mp_ring *r);

/* Room for a record of `size` bytes there.  0, -EPIPE, -ETIMEDOUT, -EINTR. */
int mp_pipe_make_room(struct mp_conn *c, uint64_t tail, uint64_t size,
		      int64_t timeout_ns);

/* The record, whose bytes are written, is sent. */
void mp_pipe_publish(struct mp_conn *c, uint64_t tail, uint64_t header);

/* ---- the receiver: pipe-recv.c ---- */

/* Until a record is there.  *deadline is set by the first wait.  0, -EPIPE,
 * -ETIMEDOUT, -EINTR. */
int mp_pipe_wait(struct mp_conn *c, int64_t timeout_ns, int64_t *deadline);

/* The record at the head is received. */
void mp_pipe_advance(struct mp_ring *r, uint64_t header);

/* ---- the calls of conn.h ---- */

int mp_pipe_sendv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns);
int mp_pipe_recvv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns, size_t *length);
int mp_pipe_poll(struct mp_conn *c, int64_t timeout_ns);
int mp_pipe_send_fd(struct mp_conn *c, int fd, int64_t timeout_ns);
int mp_pipe_recv_fd(struct mp_conn *c, int64_t timeout_ns);
int mp_pipe_fileno(struct mp_conn *c);
int mp_pipe_close(struct mp_conn *c);

#endif
