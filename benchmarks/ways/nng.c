/* nng: a pair over ipc, which lives in threads: so each process makes its own
 * after the fork. */
#include "ways/way.h"

#include <errno.h>

#ifdef HAVE_NNG
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/futex.h"

static nng_socket joint; /* of this process */

/* Shared. */
struct place {
	char name[64];
	_Atomic uint32_t ready; /* side 1 listens */
	_Atomic uint32_t done;  /* and has had all */
};

static void tell(_Atomic uint32_t *word)
{
	atomic_store(word, 1);
	mp_futex_wake(word, 1, NULL);
}

static void await(_Atomic uint32_t *word)
{
	while (!atomic_load(word))
		mp_futex_wait(word, 0, MP_CLOCK_NEVER, NULL);
}

static int nng_make(struct channel *c)
{
	static unsigned number;
	struct place *p;
	int e = channel_memory(c, sizeof(*p));

	if (e < 0)
		return e;
	p = c->memory; /* an abstract name: no file */
	snprintf(p->name, sizeof(p->name), "abstract://rawmp-%d-%u",
		 (int)getpid(), number++);
	return 0;
}

static int nng_enter(struct channel *c, int side)
{
	struct place *p = c->memory;
	int e = nng_pair0_open(&joint);

	if (e != 0)
		return -EIO;
	nng_socket_set_int(joint, NNG_OPT_SENDBUF, 128);
	nng_socket_set_int(joint, NNG_OPT_RECVBUF, 128);
	if (side == 0)
		await(&p->ready);
	e = side == 1 ? nng_listen(joint, p->name, NULL, 0)
		      : nng_dial(joint, p->name, NULL, 0);
	if (side == 1) /* also when it failed: nobody waits for ever */
		tell(&p->ready);
	return e == 0 ? 0 : -EIO;
}

static int nng_put(struct channel *c, int side, const void *data, size_t n)
{
	(void)c;
	(void)side;
	return nng_send(joint, (void *)(uintptr_t)data, n, 0) == 0 ? 0 : -EIO;
}

static int nng_get(struct channel *c, int side, void *data, size_t n)
{
	size_t got = n;

	(void)c;
	(void)side;
	if (nng_recv(joint, data, &got, 0) != 0)
		return -EIO;
	return got == n ? 0 : -EBADMSG;
}

/* What a sender leaves unsent is lost: it stays until all has been received. */
static int nng_leave(struct channel *c, int side)
{
	struct place *p = c->memory;

	if (side == 1)
		tell(&p->done);
	await(&p->done);
	nng_close(joint);
	return 0;
}

const struct way way_nng = { .name = "nng",
			     .make = nng_make,
			     .enter = nng_enter,
			     .send = nng_put,
			     .receive = nng_get,
			     .leave = nng_leave };

#else

static int nng_make(struct channel *c)
{
	return channel_missing(
		c, -ENOENT,
		"peer missing: nng; install libnng-dev and build "
		"again");
}

const struct way way_nng = { .name = "nng", .make = nng_make };
#endif
