/* pipe.c - two ends: their memory, their descriptors.
 *
 * Both rings lie in one memory without a name.  Each end maps it for itself, so
 * that it can be closed by itself; forked processes inherit the mappings.
 */
#include "mp/pipe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mp/eventfd.h"
#include "mp/pipe-ring.h"
#include "mp/shm.h"

#define PIECE_MAX ((uint64_t)1 << 16)

static_assert(offsetof(struct mp_ring, tail) % 64 == 0 &&
		      offsetof(struct mp_ring, head) % 64 == 0 &&
		      offsetof(struct mp_ring, freed) % 64 == 0 &&
		      offsetof(struct mp_ring, data) % 64 == 0,
	      "a line for each");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "must work across address spaces");

static uint64_t ring_size(size_t bytes)
{
	uint64_t size = MP_PIPE_BYTES_MIN;

	while (size < bytes)
		size *= 2;
	return size;
}

static uint64_t piece(uint64_t size)
{
	return size / 4 < PIECE_MAX ? size / 4 : PIECE_MAX;
}

/* The longest record may begin at the ring's end. */
static uint64_t ring_space(uint64_t size)
{
	return (sizeof(struct mp_ring) + size + piece(size) + 127) &
	       ~UINT64_C(63);
}

static struct mp_ring *ring_at(void *map, uint64_t size, int which)
{
	return (struct mp_ring *)((char *)map +
				  (uint64_t)which * ring_space(size));
}

/* ---- one end ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void release(struct mp_conn *c)
{
	close_fd(&c->poll_fd);
	close_fd(&c->bell_in);
	close_fd(&c->bell_out);
	close_fd(&c->fd);
	/* A sender that waits for room learns of it now, not from a look. */
	if (c->in != NULL)
		mp_gate_wake(&c->in->room, INT_MAX, &c->in->counters);
	if (c->map != NULL)
		munmap(c->map, c->map_size);
	c->map = NULL;
	c->in = c->out = NULL;
}

int mp_pipe_close(struct mp_conn *c)
{
	if (c->map != NULL)
		release(c);
	return 0;
}

static int map(struct mp_conn *c, int fd, size_t size)
{
	void *addr =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		return -errno;
	c->map = addr;
	c->map_size = size;
	return 0;
}

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

/* A bell for what `from` sends to `to`. */
static int make_bell(struct mp_conn *from, struct mp_conn *to)
{
	to->bell_in = mp_eventfd_create(0, 0);
	if (to->bell_in < 0)
		return to->bell_in;
	from->bell_out = duplicate(to->bell_in);
	return from->bell_out < 0 ? from->bell_out : 0;
}

static void make_ring(struct mp_conn *from, struct mp_conn *to, uint64_t size,
		      int which)
{
	struct mp_ring *r = ring_at(to->map, size, which);

	r->size = size;
	r->piece = piece(size);
	to->in = r;
	from->out = ring_at(from->map, size, which);
}

/* ---- both ---- */

/* *memory: the descriptor of theirs, or NULL: not wanted. */
static int make(struct mp_conn *a, struct mp_conn *b, bool duplex,
		uint64_t size, int *memory)
{
	size_t space = (duplex ? 2 : 1) * ring_space(size);
	struct mp_shm m;
	int fds[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	a->fd = fds[0];
	b->fd = fds[1];
	error = make_bell(b, a);
	if (error == 0 && duplex)
		error = make_bell(a, b);
	if (error < 0)
		return error;
	error = mp_shm_create(&m, NULL, space);
	if (error < 0)
		return error;
	error = map(a, m.fd, space);
	if (error == 0)
		error = map(b, m.fd, space);
	if (error == 0 && memory != NULL)
		error = *memory = duplicate(m.fd);
	mp_shm_close(&m);
	if (error < 0)
		return error;
	make_ring(b, a, size, 0);
	if (duplex)
		make_ring(a, b, size, 1);
	return 0;
}

static const struct mp_conn closed = {
	.fd = -1, .bell_in = -1, .bell_out = -1, .poll_fd = -1
};

int mp_pipe_open(struct mp_conn *a, struct mp_conn *b, bool duplex,
		 size_t bytes, int *memory)
{
	int error;

	*a = *b = closed;
	if (bytes == 0)
		bytes = MP_PIPE_BYTES_DEFAULT;
	if (bytes < MP_PIPE_BYTES_MIN || bytes > MP_PIPE_BYTES_MAX)
		return -EINVAL;
	error = make(a, b, duplex, ring_size(bytes), memory);
	if (error < 0) {
		release(a);
		release(b);
	}
	return error < 0 ? error : 0;
}

int mp_pipe(struct mp_conn *a, struct mp_conn *b, bool duplex, size_t bytes)
{
	return mp_pipe_open(a, b, duplex, bytes, NULL);
}

int mp_pipe_adopt(struct mp_conn *b, int memory, size_t space, int fd,
		  int bell_in, int bell_out)
{
	uint64_t size = MP_PIPE_BYTES_MIN;
	struct stat st;
	int error;

	*b = closed;
	while (size < MP_PIPE_BYTES_MAX && 2 * ring_space(size) != space)
		size *= 2;
	if (fstat(memory, &st) < 0)
		return -errno;
	if (2 * ring_space(size) != space || (uint64_t)st.st_size < space)
		return -EINVAL;
	error = map(b, memory, space);
	if (error < 0)
		return error;
	if (ring_at(b->map, size, 0)->size != size ||
	    ring_at(b->map, size, 1)->size != size) {
		release(b);
		return -EINVAL;
	}
	b->out = ring_at(b->map, size, 0);
	b->in = ring_at(b->map, size, 1);
	b->fd = fd;
	b->bell_in = bell_in;
	b->bell_out = bell_out;
	return 0;
}
