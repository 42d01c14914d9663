/* framing.c - messages over a stream of bytes.
 *
 * Build:  cc -O2 -I../exercise -o framing framing.c
 * Try:    ./framing run glued
 *         ./framing run torn_reads
 *         ./framing count sends
 *
 * A message is its length, 4 bytes in network order (htonl, ntohl), and then so
 * many bytes.  Three functions have a hole; fill them in this order.  stream.h
 * has the channel, frame.h the main that tries them out.
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
	(void)c;
	(void)data;
	(void)length;
	return -ENOSYS;
	/* END 1 */
}

/* Read so many bytes.  How many; fewer only at the end of file; -errno. */
ssize_t read_all(int fd, void *buf, size_t size)
{
	/* HOLE 2: a read brings what is there, 1 byte perhaps; 0 is the end of
	 * file.  A call that a signal interrupted brought nothing. */
	(void)fd;
	(void)buf;
	(void)size;
	return -ENOSYS;
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
	(void)c;
	(void)buf;
	(void)size;
	(void)length;
	return -ENOSYS;
	/* END 3 */
}

#include "frame.h"
