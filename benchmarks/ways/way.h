/* way - one way to bring messages from a process to another: the kernel's, a
 * peer's, or ours.
 *
 * A way is written once, and used by the families latency (there and back),
 * throughput (from one to one) and queue (from many to many):
 *
 *	static int pipe_make(struct channel *c) { ... }
 *	static int pipe_send(struct channel *c, int side, const void *data,
 *			     size_t n) { ... }
 *	static int pipe_receive(struct channel *c, int side, void *data,
 *				size_t n) { ... }
 *	const struct way way_pipe = { "pipe", pipe_make, pipe_send,
 *				      pipe_receive };
 *
 * A channel has two sides.  In latency both send and receive; otherwise side 0
 * sends and side 1 receives.  All messages of a channel have the same length, a
 * multiple of 8.  Each process is a copy of the one that called make; it calls
 * enter before the first message and leave after the last.
 *
 * 0, or -errno.  make says in c->why what is missing: then the benchmark is
 * skipped, otherwise a failure is an error.
 */
#ifndef WAYS_WAY_H
#define WAYS_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct channel {
	/* What is wanted. */
	size_t bytes;   /* of a message */
	size_t buffer;  /* so far the sender may be ahead; 0: what is usual */
	uint32_t items; /* so many messages */
	bool both;      /* both sides send */
	bool many;      /* several processes on each side */

	/* What there is. */
	int fd[2][2]; /* of each side: to read, to write; -1 */
	void *memory; /* shared; all zero after make's channel_memory */
	size_t size;
	void *own;     /* the way's, in each process */
	char why[128]; /* it cannot be */
	char but[64];  /* it can, but not quite as wanted */
};

struct way {
	const char *name;
	int (*make)(struct channel *c);
	int (*send)(struct channel *c, int side, const void *data, size_t n);
	int (*receive)(struct channel *c, int side, void *data, size_t n);

	/* Those below may be NULL. */
	int (*enter)(struct channel *c, int side);
	int (*leave)(struct channel *c, int side);
	void (*done)(struct channel *c); /* what channel_done leaves */
	/* Where the next message of side 0 is to be written, for ways that send
	 * it from there; otherwise it may lie anywhere. */
	void *(*room)(struct channel *c);
	bool spins; /* for ever: two on one CPU would wait for their slices */
};

/* Before a message, wherever it lies, these bytes belong to the way. */
#define WAY_ROOM 64

/* The kernel's: descriptors. */
extern const struct way way_pipe, way_fifo, way_socketpair_stream,
	way_socketpair_seqpacket, way_socketpair_dgram, way_tcp, way_udp,
	way_eventfd;
/* The kernel's queues, and two that copy less. */
extern const struct way way_posix_mq, way_sysv_mq, way_vmsplice,
	way_process_vm_readv;
/* A word in shared memory, and who tells that it has changed. */
extern const struct way way_futex, way_posix_sem, way_sysv_sem, way_signal,
	way_spin, way_yield;
/* Rings in shared memory. */
extern const struct way way_memcpy, way_ring, way_slots, way_mutex_cond;
/* Ours, and what others have written: each says if it is not there. */
extern const struct way way_rawmp_pipe, way_rawmp_queue, way_boost, way_zeromq,
	way_nng;

/* ---- for families ---- */

/* Make a channel of what is wanted.  -errno; c->why is "" for a failure. */
int channel_make(struct channel *c, const struct way *way);
void channel_done(struct channel *c, const struct way *way);

/* ---- for ways ---- */

/* Zeroed memory that the processes share: c->memory.  -ENOMEM. */
int channel_memory(struct channel *c, size_t size);

/* error, and why. */
__attribute__((format(printf, 3, 4))) int channel_missing(struct channel *c,
							  int error,
							  const char *format,
							  ...);

/* How many messages the buffer holds, at least 1; usual are 64 KiB, and four.
 * -1, and why: none. */
int channel_slots(struct channel *c);

#ifdef __cplusplus
}
#endif

#endif
