/* conn - one end of a connection: whole messages, one way or both.
 *
 * Python: multiprocessing.connection.Connection.  Floor 3.
 *
 * Lives in: private memory.  mp_pipe (pipe.h) makes two ends that lie in shared
 * memory, for a process and its children; mp_listener_accept and
 * mp_client_connect (listener.h) make them from sockets, for strangers.  All
 * calls here are for both.
 *
 * Who may call: one thread of one process at a time sends through an end, and
 * one receives.  A process inherits the ends that are open at its fork; each
 * process closes those that it does not use.  Not from a signal handler.
 *
 *	mp_conn_send(&c, "hello", 5, -1);
 *	mp_conn_recv(&c, buf, sizeof(buf), -1, &length);	 length == 5
 *
 * A message has any length, 0 too; one that is longer than the ring (or the
 * socket's buffer) goes through it in pieces, while the other side reads.
 *
 * If the peer is killed: its descriptors are closed by the kernel, and when no
 * other process holds its end, it is the end of file: recv gives what was sent
 * completely and then -EPIPE; a receiver that sleeps learns at once.  A message
 * that was cut off by its death is dropped, with -ECONNRESET.  A sender learns
 * after at most an eighth of the ring, or, while it waits for room, at most a
 * tenth of a second later (backstop.h); no signal is raised.
 *
 * A signal handler or a timeout in the middle of a long message (-EINTR,
 * -ETIMEDOUT): what has been sent is sent, what has been received lies in buf.
 * Call again with the same message (the same buf) to go on.  A sender that
 * gives up instead sends something shorter, and the peer gets -ECONNRESET for
 * the first.
 *
 * Illegal: moving or copying a struct mp_conn after it was opened; two threads
 * or processes that send (or receive) through one end at a time.
 */
#ifndef MP_CONN_H
#define MP_CONN_H

#include <stddef.h>
#include <sys/uio.h>

#include "mp/counters.h"

struct mp_ring;   /* pipe-ring.h */
struct mp_stream; /* stream.h */

/* The handle; private memory.  Descriptors of -1, and NULL: closed. */
struct mp_conn {
	struct mp_ring *in, *out; /* of a pipe; NULL: not for this way */
	struct mp_stream *stream; /* of a socket */
	void *map;                /* of a pipe: both rings */
	size_t map_size;
	int fd;       /* the socket; of a pipe: tells that the peer is gone */
	int bell_in;  /* eventfd: a message came in */
	int bell_out; /* the peer's */
	int poll_fd;  /* mp_conn_fileno; -1: not asked for */
};

/* Send one message, whole; v: from n pieces.
 * 0: the peer can receive it.  -ETIMEDOUT: no room.  -EINTR.  -EPIPE: nobody
 * holds the other end.  -EBADF: this end only receives, or is closed.
 * -EMSGSIZE: pieces of 2^48 bytes together, or more.  -EINVAL: over a socket,
 * while another message is under way (see above). */
MP_API int mp_conn_send(struct mp_conn *c, const void *data, size_t length,
			int64_t timeout_ns);
MP_API int mp_conn_sendv(struct mp_conn *c, const struct iovec *v, int n,
			 int64_t timeout_ns);

/* Receive one message; v: into n pieces, one after the other.  *length, which
 * may be NULL, is how long it is.
 * -ETIMEDOUT.  -EINTR.  -EMSGSIZE: longer than the space given; it stays, and
 * *length tells.  -EPIPE: end of file.  -ECONNRESET: its sender died in the
 * middle of a message.  -EBADMSG: a descriptor comes first; from a socket: what
 * came is no message.  -EBADF: this end only sends, or is closed. */
MP_API int mp_conn_recv(struct mp_conn *c, void *buf, size_t size,
			int64_t timeout_ns, size_t *length);
MP_API int mp_conn_recvv(struct mp_conn *c, const struct iovec *v, int n,
			 int64_t timeout_ns, size_t *length);

/* 1: recv has something to tell, a message or an end of file.  0: not within
 * this time.  -EINTR.  -EBADF. */
MP_API int mp_conn_poll(struct mp_conn *c, int64_t timeout_ns);

/* Give the peer a descriptor of its own for what fd is open on.
 * -EBADF: also when fd is not open.  -EOPNOTSUPP: over TCP.
 * -ETOOMANYREFS: more are on the way than this user may have open.
 * Otherwise as send. */
MP_API int mp_conn_send_fd(struct mp_conn *c, int fd, int64_t timeout_ns);

/* The result is a descriptor, close-on-exec: close() it.  -EBADMSG: a message
 * comes first.  -EMFILE.  -EOPNOTSUPP: over TCP.  Otherwise as recv. */
MP_API int mp_conn_recv_fd(struct mp_conn *c, int64_t timeout_ns);

/* A descriptor for poll, select or epoll, readable when mp_conn_poll says 1.
 * Once in a while it is readable and recv finds nothing: use a timeout of 0.
 * It belongs to the handle: do not read, do not close it.  A process that goes
 * on with the end of one that was killed calls this again.  -EMFILE, -ENFILE.
 * -EBADF: this end only sends, or is closed. */
MP_API int mp_conn_fileno(struct mp_conn *c);

/* Can this end receive, or send?  1 or 0; 0 when closed. */
MP_API int mp_conn_readable(const struct mp_conn *c);
MP_API int mp_conn_writable(const struct mp_conn *c);

/* What a pipe counts for the way in, or, if this end only sends, the way out;
 * NULL for a socket or when closed. */
MP_API const struct mp_counters *mp_conn_counters(const struct mp_conn *c);

/* Close this end in this process.  The peer sees the end of file when no other
 * process holds it.  Closing twice does nothing. */
MP_API int mp_conn_close(struct mp_conn *c);

#endif
