/* Ways with a word in shared memory, and something that tells of it.
 *
 * One message at a time: only for round trips of 8 bytes.  The message is the
 * word; semaphores and the signal only say that it is there.
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/sem.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/spin.h"
#include "ways/janitor.h"
#include "ways/way.h"

/* What a side is brought. */
struct box {
	_Alignas(128) _Atomic uint64_t word;
	_Atomic uint32_t full; /* futex */
	sem_t sem;
	_Atomic pid_t pid; /* who receives: signal */
};

static struct box *box_of(const struct channel *c, int side)
{
	return (struct box *)c->memory + side;
}

static int words_make(struct channel *c)
{
	if (c->bytes != sizeof(uint64_t))
		return channel_missing(c, -EMSGSIZE, "it brings 8 bytes");
	return channel_memory(c, 2 * sizeof(struct box));
}

static void put(struct box *b, const void *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
#ifdef WAYS_FAULT /* for the tests: one is damaged */
	if (word == 3)
		word ^= 1;
#endif
	/* Pairs with the acquire in spin_receive; others need none. */
	atomic_store_explicit(&b->word, word, memory_order_release);
}

static int get(const struct box *b, void *data)
{
	uint64_t word = atomic_load_explicit(&b->word, memory_order_relaxed);

	memcpy(data, &word, sizeof(word));
	return 0;
}

/* ---- nobody tells: look until it is another one ---- */

static int spin_send(struct channel *c, int side, const void *data, size_t n)
{
	(void)n;
	put(box_of(c, 1 - side), data);
	return 0;
}

static int spin_receive(struct channel *c, int side, void *data, size_t n)
{
	static uint64_t last; /* of this process */
	struct box *b = box_of(c, side);
	uint64_t word;

	/* Pairs with the release in put. */
	while ((word = atomic_load_explicit(&b->word, memory_order_acquire)) ==
	       last)
		mp_spin_relax();
	last = word;
	memcpy(data, &word, n);
	return 0;
}

static int yield_receive(struct channel *c, int side, void *data, size_t n)
{
	static uint64_t last;
	struct box *b = box_of(c, side);
	uint64_t word;

	while ((word = atomic_load_explicit(&b->word, memory_order_acquire)) ==
	       last)
		sched_yield();
	last = word;
	memcpy(data, &word, n);
	return 0;
}

const struct way way_spin = { .name = "spin",
			      .make = words_make,
			      .send = spin_send,
			      .receive = spin_receive,
			      .spins = true };
const struct way way_yield = { .name = "yield",
			       .make = words_make,
			       .send = spin_send,
			       .receive = yield_receive };

/* ---- futex ---- */

static int futex_send(struct channel *c, int side, const void *data, size_t n)
{
	struct box *b = box_of(c, 1 - side);

	(void)n;
	put(b, data);
	/* Pairs with the acquire in futex_receive. */
	atomic_store_explicit(&b->full, 1, memory_order_release);
	return mp_futex_wake(&b->full, 1, NULL) < 0 ? -EINVAL : 0;
}

static int futex_receive(struct channel *c, int side, void *data, size_t n)
{
	struct box *b = box_of(c, side);

	(void)n;
	while (atomic_load_explicit(&b->full, memory_order_acquire) == 0)
		mp_futex_wait(&b->full, 0, MP_CLOCK_NEVER, NULL);
	atomic_store_explicit(&b->full, 0, memory_order_relaxed);
	return get(b, data);
}

const struct way way_futex = { .name = "futex",
			       .make = words_make,
			       .send = futex_send,
			       .receive = futex_receive };

/* ---- semaphores ---- */

static int posix_make(struct channel *c)
{
	int e = words_make(c);

	for (int i = 0; i < 2 && e == 0; i++)
		if (sem_init(&box_of(c, i)->sem, 1, 0) < 0)
			e = -errno;
	return e;
}

static int posix_send(struct channel *c, int side, const void *data, size_t n)
{
	struct box *b = box_of(c, 1 - side);

	(void)n;
	put(b, data);
	return sem_post(&b->sem) < 0 ? -errno : 0;
}

static int posix_receive(struct channel *c, int side, void *data, size_t n)
{
	struct box *b = box_of(c, side);

	(void)n;
	while (sem_wait(&b->sem) < 0)
		if (errno != EINTR)
			return -errno;
	return get(b, data);
}

const struct way way_posix_sem = { .name = "posix_sem",
				   .make = posix_make,
				   .send = posix_send,
				   .receive = posix_receive };

static int sysv_make(struct channel *c)
{
	union {
		int val;
		void *ptr; /* as wide as the kernel reads it */
	} zero = { .ptr = NULL };
	int id, e = words_make(c);

	if (e < 0)
		return e;
	id = semget(IPC_PRIVATE, 2, 0600);
	if (id < 0)
		return channel_missing(c, -errno, "no System V semaphores: %s",
				       strerror(errno));
	e = janitor_keep(c, JANITOR_SEM, id);
	if (e == 0 && (semctl(id, 0, SETVAL, zero) < 0 ||
		       semctl(id, 1, SETVAL, zero) < 0))
		e = -errno;
	return e;
}

static int sysv_change(const struct channel *c, int which, short by)
{
	struct sembuf op = { .sem_num = (unsigned short)which, .sem_op = by };

	while (semop(janitor_id(c), &op, 1) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int sysv_send(struct channel *c, int side, const void *data, size_t n)
{
	(void)n;
	put(box_of(c, 1 - side), data);
	return sysv_change(c, 1 - side, 1);
}

static int sysv_receive(struct channel *c, int side, void *data, size_t n)
{
	int e = sysv_change(c, side, -1);

	(void)n;
	return e < 0 ? e : get(box_of(c, side), data);
}

const struct way way_sysv_sem = { .name = "sysv_sem",
				  .make = sysv_make,
				  .send = sysv_send,
				  .receive = sysv_receive,
				  .done = janitor_done };

/* ---- signal: sigqueue, and sigwaitinfo ---- */

static int signal_enter(struct channel *c, int side)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	/* Pairs with the acquire in signal_send. */
	atomic_store_explicit(&box_of(c, side)->pid, getpid(),
			      memory_order_release);
	return 0;
}

static int signal_send(struct channel *c, int side, const void *data, size_t n)
{
	struct box *b = box_of(c, 1 - side);
	pid_t pid;

	(void)n;
	while ((pid = atomic_load_explicit(&b->pid, memory_order_acquire)) == 0)
		sched_yield();
	put(b, data);
	return kill(pid, SIGRTMIN) < 0 ? -errno : 0;
}

static int signal_receive(struct channel *c, int side, void *data, size_t n)
{
	sigset_t set;

	(void)n;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	while (sigwaitinfo(&set, NULL) < 0)
		if (errno != EINTR)
			return -errno;
	return get(box_of(c, side), data);
}

const struct way way_signal = { .name = "signal",
				.make = words_make,
				.send = signal_send,
				.receive = signal_receive,
				.enter = signal_enter };
