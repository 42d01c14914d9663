/* ZeroMQ: a PAIR over ipc, which lives in threads: so each process makes its
 * own after the fork.  Its limit is a number of messages, not of bytes. */
#include "ways/way.h"

#include <errno.h>

#ifdef HAVE_ZEROMQ
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

#include "mp/clock.h"
#include "mp/futex.h"

static void *context, *joint; /* of this process */

/* Shared. */
struct place {
	char name[64];
	_Atomic uint32_t ready; /* side 1 is bound */
};

static int zeromq_make(struct channel *c)
{
	static unsigned number;
	struct place *p;
	int e = channel_memory(c, sizeof(*p));

	if (e < 0)
		return e;
	p = c->memory; /* an abstract name: no file */
	snprintf(p->name, sizeof(p->name), "ipc://@rawmp-%d-%u", (int)getpid(),
		 number++);
	return 0;
}

static int zeromq_enter(struct channel *c, int side)
{
	int most = c->buffer > 0 ? (int)(c->buffer / c->bytes) : 1000;
	struct place *p = c->memory;
	int e;

	most = most < 2 ? 2 : most;
	context = zmq_ctx_new();
	joint = context != NULL ? zmq_socket(context, ZMQ_PAIR) : NULL;
	if (joint == NULL ||
	    zmq_setsockopt(joint, ZMQ_SNDHWM, &most, sizeof(most)) < 0 ||
	    zmq_setsockopt(joint, ZMQ_RCVHWM, &most, sizeof(most)) < 0)
		return -zmq_errno();
	while (side == 0 && !atomic_load(&p->ready))
		mp_futex_wait(&p->ready, 0, MP_CLOCK_NEVER, NULL);
	e = side == 1 ? zmq_bind(joint, p->name) : zmq_connect(joint, p->name);
	e = e < 0 ? -zmq_errno() : 0;
	if (side == 1) { /* also when it failed: nobody waits for ever */
		atomic_store(&p->ready, 1);
		mp_futex_wake(&p->ready, 1, NULL);
	}
	return e;
}

static int zeromq_send(struct channel *c, int side, const void *data, size_t n)
{
	(void)c;
	(void)side;
	while (zmq_send(joint, data, n, 0) < 0)
		if (zmq_errno() != EINTR)
			return -zmq_errno();
	return 0;
}

static int zeromq_receive(struct channel *c, int side, void *data, size_t n)
{
	int got;

	(void)c;
	(void)side;
	while ((got = zmq_recv(joint, data, n, 0)) < 0)
		if (zmq_errno() != EINTR)
			return -zmq_errno();
	return got == (int)n ? 0 : -EBADMSG;
}

/* Ends when all has been sent. */
static int zeromq_leave(struct channel *c, int side)
{
	(void)c;
	(void)side;
	zmq_close(joint);
	zmq_ctx_term(context);
	return 0;
}

const struct way way_zeromq = { .name = "zeromq",
				.make = zeromq_make,
				.enter = zeromq_enter,
				.send = zeromq_send,
				.receive = zeromq_receive,
				.leave = zeromq_leave };

#else

static int zeromq_make(struct channel *c)
{
	return channel_missing(c, -ENOENT,
			       "peer missing: ZeroMQ; install libzmq3-dev and "
			       "build again");
}

const struct way way_zeromq = { .name = "zeromq", .make = zeromq_make };
#endif
