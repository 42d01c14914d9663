/* stream - a connection (conn.h) over a stream socket, Unix or TCP.
 *
 * Internal to the library: mp_conn_* calls mp_stream_* with the same arguments
 * when c->stream is not NULL, and what conn.h says holds.  Framing: frame.h.
 */
#ifndef MP_STREAM_H
#define MP_STREAM_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "mp/conn.h"
#include "mp/frame.h"

/* How far the two messages under way are: between messages all 0. */
struct mp_stream {
	bool tcp; /* carries no descriptors; constant */

	/* The receiver's. */
	unsigned char head[MP_FRAME_HEAD_MAX];
	size_t head_have; /* bytes of the header that have come */
	bool whole;       /* the header is; it says: */
	uint64_t length;  /* of the message, or MP_FRAME_DESCRIPTOR */
	uint64_t have;    /* bytes of the message that have come */
	bool bad;         /* what came was no header; for ever */

	/* The sender's. */
	uint64_t out_length;
	uint64_t out_done; /* bytes of header and message that are gone */
};

/* Make a connection of a connected socket, which belongs to it from then on.
 * -ENOMEM: fd is still the caller's. */
int mp_stream_open(struct mp_conn *c, int fd);

int mp_stream_send(struct mp_conn *c, const void *data, size_t length,
		   int64_t timeout_ns);
int mp_stream_sendv(struct mp_conn *c, const struct iovec *v, int n,
		    int64_t timeout_ns);
int mp_stream_recv(struct mp_conn *c, void *buf, size_t size,
		   int64_t timeout_ns, size_t *length);
int mp_stream_recvv(struct mp_conn *c, const struct iovec *v, int n,
		    int64_t timeout_ns, size_t *length);
int mp_stream_poll(struct mp_conn *c, int64_t timeout_ns);
int mp_stream_send_fd(struct mp_conn *c, int fd, int64_t timeout_ns);
int mp_stream_recv_fd(struct mp_conn *c, int64_t timeout_ns);
int mp_stream_fileno(struct mp_conn *c);
int mp_stream_close(struct mp_conn *c);

/* ---- for stream.c and stream-fd.c ---- */

/* One system call's worth, as soon as it is possible.  recv: 0 is the end. */
ssize_t mp_stream_send_some(int fd, const struct msghdr *m, int64_t deadline);
ssize_t mp_stream_recv_some(int fd, struct msghdr *m, int64_t deadline);

/* Wait for the header of the next message, if it is not here yet. */
int mp_stream_header(struct mp_conn *c, int64_t deadline);

/* The message that was received, or cut off, is done with. */
void mp_stream_next(struct mp_stream *s);

/* The end of file: -EPIPE, or -ECONNRESET in the middle of a message. */
int mp_stream_ended(struct mp_stream *s);

/* What comes is no message, and nobody can tell where one would begin.  From
 * now on the socket is readable, and its sender gets an error, over TCP once it
 * is closed.  -EBADMSG. */
int mp_stream_bad(struct mp_conn *c);

#endif
