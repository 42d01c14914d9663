/* Ways that copy once: pages lent to a pipe, and a read of another's memory.
 *
 * The sender writes a message where it is then taken from, and must not touch
 * it before it has been received.  A benchmark that sends the same page again
 * and again measures nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mp/spin.h"
#include "ways/way.h"

#define PAGE 4096

/* The sender's memory, written in turn. */
struct turns {
	char *at; /* private; at this address in both processes */
	size_t size, next;
	uint64_t seen; /* process_vm_readv: how many were received */
	uint64_t mine; /* sent, or received */
};

static int turns_make(struct channel *c, size_t size)
{
	struct turns *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	c->own = t;
	t->size = (size + PAGE - 1) / PAGE * PAGE;
	t->at = mmap(NULL, t->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->at != MAP_FAILED)
		return 0;
	t->at = NULL;
	return -ENOMEM;
}

static void turns_done(struct channel *c)
{
	struct turns *t = c->own;

	if (t != NULL && t->at != NULL)
		munmap(t->at, t->size);
	free(t);
	c->own = NULL;
}

/* ---- vmsplice ---- */

static int splice_make(struct channel *c)
{
	int e = way_pipe.make(c);

	/* What is not the pipe's any more is older than the pipe is long. */
	return e < 0 ? e : turns_make(c, 2 * (c->buffer + c->bytes));
}

static void *splice_room(struct channel *c)
{
	struct turns *t = c->own;

	if (t->next + c->bytes > t->size)
		t->next = 0;
	return t->at + t->next;
}

static int splice_send(struct channel *c, int side, const void *data, size_t n)
{
	struct turns *t = c->own;
	struct iovec v = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };

	while (v.iov_len > 0) {
		ssize_t done = vmsplice(c->fd[side][1], &v, 1, 0);

		if (done < 0 && errno != EINTR)
			return -errno;
		v.iov_base = (char *)v.iov_base + (done > 0 ? done : 0);
		v.iov_len -= done > 0 ? (size_t)done : 0;
	}
	t->next += n;
	return 0;
}

static int splice_receive(struct channel *c, int side, void *data, size_t n)
{
	return way_pipe.receive(c, side, data, n);
}

const struct way way_vmsplice = { .name = "vmsplice",
				  .make = splice_make,
				  .send = splice_send,
				  .receive = splice_receive,
				  .done = turns_done,
				  .room = splice_room };

/* ---- process_vm_readv ---- */

struct counts {
	_Alignas(128) _Atomic uint64_t sent;
	_Atomic pid_t pid; /* of the sender */
	_Alignas(128) _Atomic uint64_t received;
};

static int reads_make(struct channel *c)
{
	int n = channel_slots(c), e;

	if (n < 1)
		return -EMSGSIZE;
	e = channel_memory(c, sizeof(struct counts));
	return e < 0 ? e : turns_make(c, (size_t)n * c->bytes);
}

static int reads_enter(struct channel *c, int side)
{
	struct counts *counts = c->memory;

	if (side == 1)
		return 0;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* where Yama asks for it */
	atomic_store_explicit(&counts->pid, getpid(), memory_order_relaxed);
	return 0;
}

/* Until the word has passed `old`; soon, or the other one needs this CPU. */
static uint64_t await(const _Atomic uint64_t *word, uint64_t old)
{
	uint64_t new;

	/* Pairs with the releases of `sent` and `received`. */
	for (int i = 0;
	     (new = atomic_load_explicit(word, memory_order_acquire)) == old;
	     i++)
		if (i < 1000)
			mp_spin_relax();
		else
			sched_yield();
	return new;
}

static void *reads_room(struct channel *c)
{
	struct counts *counts = c->memory;
	struct turns *t = c->own;
	uint64_t slots = (uint64_t)channel_slots(c);

	if (t->mine - t->seen == slots)
		t->seen = await(&counts->received, t->seen);
	return t->at + t->mine % slots * c->bytes;
}

static int reads_send(struct channel *c, int side, const void *data, size_t n)
{
	struct counts *counts = c->memory;
	struct turns *t = c->own;

	(void)side;
	(void)data;
	(void)n;
	atomic_store_explicit(&counts->sent, ++t->mine, memory_order_release);
	return 0;
}

static int reads_receive(struct channel *c, int side, void *data, size_t n)
{
	struct counts *counts = c->memory;
	struct turns *t = c->own;
	struct iovec here = { data, n }, there;
	uint64_t slots = (uint64_t)channel_slots(c);
	ssize_t got;

	(void)side;
	if (t->seen == t->mine)
		t->seen = await(&counts->sent, t->seen);
	there = (struct iovec){ t->at + t->mine % slots * c->bytes, n };
	got = process_vm_readv(
		atomic_load_explicit(&counts->pid, memory_order_relaxed), &here,
		1, &there, 1, 0);
	if (got < 0)
		return -errno;
	atomic_store_explicit(&counts->received, ++t->mine,
			      memory_order_release);
	return got == (ssize_t)n ? 0 : -EBADMSG;
}

/* Whose memory it is stays until all of it has been read. */
static int reads_leave(struct channel *c, int side)
{
	struct counts *counts = c->memory;
	struct turns *t = c->own;

	while (side == 0 && t->seen != t->mine)
		t->seen = await(&counts->received, t->seen);
	return 0;
}

const struct way way_process_vm_readv = { .name = "process_vm_readv",
					  .make = reads_make,
					  .enter = reads_enter,
					  .send = reads_send,
					  .receive = reads_receive,
					  .leave = reads_leave,
					  .done = turns_done,
					  .room = reads_room };
