/* reads_ahead.c - wrong framing.
 *
 * Mistake: it reads all that is there and looks at the first message; what
 *         came behind it is lost.
 * Caught by: "correct: four messages in the pipe come out as four",
 *            "correct: reads that bring little",
 *            "correct: a call that a signal interrupts is made again",
 *            "correct: two processes, 300 messages, a small pipe",
 *            "correct: a message that is longer than the buffer"
 *
 * Build:  cc -O2 -I../exercise -o reads_ahead reads_ahead.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include "stream.h"

/* Send one message, whole.  0; -EMSGSIZE: more than MOST bytes, and nothing was
 * sent; -EPIPE and the like: what the stream says. */
int send_message(struct channel *c, const void *data, size_t length)
{
	/* HOLE 1: header and bytes by one writev, as two pieces.  It may take
	 * fewer bytes than there are, and stop anywhere, in the header too: go
	 * on from there.  A call that a signal interrupts (EINTR) takes
	 * nothing. */
	uint32_t header = htonl((uint32_t)length);
	size_t sent = 0;

	if (length > MOST)
		return -EMSGSIZE;
	while (sent < sizeof(header) + length) {
		size_t h = sent < sizeof(header) ? sent : sizeof(header);
		struct iovec v[] = {
			{ (char *)&header + h, sizeof(header) - h },
			{ (char *)data + (sent - h), length - (sent - h) },
		};
		ssize_t n = writev(c->fd, v, 2);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
	/* END 1 */
}

/* Read so many bytes.  How many; fewer only at the end of file; -errno. */
ssize_t read_all(int fd, void *buf, size_t size)
{
	/* HOLE 2: a read brings what is there, 1 byte perhaps; 0 is the end of
	 * file.  A call that a signal interrupted brought nothing. */
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, (char *)buf + got, size - got);

		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)got;
	/* END 2 */
}

/* Receive one message.  0, and *length is how long it is.
 * -EPIPE: end of file, and no message has begun.  -ECONNRESET: end of file in
 * the middle of a message.  -EMSGSIZE: it is longer than size; *length tells,
 * and the next call gets it, if there is room.  -EBADMSG: no sender of ours
 * makes such a header. */
int receive_message(struct channel *c, void *buf, size_t size, size_t *length)
{
	/* HOLE 3: the header by read_all, unless c->has_next; a message whose
	 * header has been read and whose bytes have not is kept in c.  Then
	 * the bytes. */
	static char all[4 + MOST];
	size_t got = 0, need = 4;
	ssize_t n;

	while (got < need) {
		n = read(c->fd, all + got, sizeof(all) - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : got > 0 ? -ECONNRESET : -EPIPE;
		got += (size_t)n;
		if (got < 4)
			continue;
		memcpy(&c->next, all, 4);
		c->next = ntohl(c->next);
		if (c->next > MOST)
			return -EBADMSG;
		need = 4 + c->next;
		*length = c->next;
		if (c->next > size)
			return -EMSGSIZE;
	}
	memcpy(buf, all + 4, c->next);
	return 0;
	/* END 3 */
}

#include "frame.h"
