/* stream.h - read and write on a bad day: included ahead of your code.
 *
 * read, readv, write and writev are the kernel's, but they are counted, and a
 * scenario can have them take a few bytes only, or fail with EINTR.  All of
 * that the kernel does too, when it likes; here it happens each time.
 */
#ifndef STREAM_H
#define STREAM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST (1 << 20) /* bytes in a message, at most */

/* One end of a stream that carries messages. */
struct channel {
	int fd;
	bool has_next; /* the header of the next message has been read */
	uint32_t next; /* and this is its length */
};

static struct {
	size_t piece;   /* bytes that a call takes at most; 0: any number */
	bool random;    /* that many at most, or fewer */
	unsigned eintr; /* each which call is interrupted; 0: none */
	unsigned seed, calls;
	long reads, writes;
} day;

static bool interrupted(void)
{
	if (day.eintr == 0 || day.calls++ % day.eintr != 0)
		return false;
	errno = EINTR;
	return true;
}

/* How many bytes a call takes today, if it is given so many. */
static size_t today(size_t size)
{
	size_t most = day.piece;

	if (most == 0)
		return size;
	if (day.random) {
		day.seed = day.seed * 1103515245 + 12345;
		most = 1 + (day.seed >> 16) % most;
	}
	return size < most ? size : most;
}

/* The same for pieces: how many of them, and the last one perhaps shorter. */
static int first_pieces(struct iovec part[8], const struct iovec *v, int n)
{
	size_t left = today(SIZE_MAX);
	int i;

	for (i = 0; i < n && i < 8 && left > 0; i++) {
		part[i] = v[i];
		if (part[i].iov_len > left)
			part[i].iov_len = left;
		left -= part[i].iov_len;
	}
	return i;
}

static inline ssize_t day_read(int fd, void *buf, size_t size)
{
	day.reads++;
	return interrupted() ? -1 : read(fd, buf, today(size));
}

static inline ssize_t day_readv(int fd, const struct iovec *v, int n)
{
	struct iovec part[8];

	day.reads++;
	return interrupted() ? -1 : readv(fd, part, first_pieces(part, v, n));
}

static inline ssize_t day_write(int fd, const void *data, size_t size)
{
	day.writes++;
	return interrupted() ? -1 : write(fd, data, today(size));
}

static inline ssize_t day_writev(int fd, const struct iovec *v, int n)
{
	struct iovec part[8];

	day.writes++;
	return interrupted() ? -1 : writev(fd, part, first_pieces(part, v, n));
}

#define read   day_read
#define readv  day_readv
#define write  day_write
#define writev day_writev

#endif
