/* pipe - two connected ends in shared memory.
 *
 * Python: multiprocessing.Pipe.  Floor 3.  Any process, any thread.
 *
 *	struct mp_conn a, b;
 *
 *	mp_pipe(&a, &b, true, 0);
 *	child:	mp_conn_close(&a); mp_conn_send(&b, "hello", 5, -1); ...
 *	parent:	mp_conn_close(&b); mp_conn_recv(&a, buf, sizeof(buf), -1, &n);
 *
 * A process that keeps the end that it does not use open keeps the peer from
 * ever seeing the end of file, as with pipe(2).
 *
 * While both sides run, a message costs no system call.  A receiver that finds
 * nothing looks for some fifty microseconds (it yields if the sender is
 * on its own CPU), then sleeps on an eventfd, which the sender posts; so both
 * can stand in one poll() beside sockets and pidfds (mp_conn_fileno, mp_wait).
 *
 * Each end holds one descriptor for each way, and a socket, which tells of the
 * peer's death and passes descriptors on.
 */
#ifndef MP_PIPE_H
#define MP_PIPE_H

#include <stdbool.h>

#include "mp/conn.h"

#define MP_PIPE_BYTES_DEFAULT ((size_t)1 << 18)
#define MP_PIPE_BYTES_MIN     ((size_t)1 << 12)
#define MP_PIPE_BYTES_MAX     ((size_t)1 << 34)

/* duplex: both ends send and receive.  Not duplex: a receives, b sends.
 * bytes: of the ring for each way, rounded up to a power of two; 0: the
 * default.  It is
 * how far the sender can be ahead, not the longest message; memory is taken
 * when it is first used.
 * -EINVAL: bytes out of range.  -EMFILE, -ENFILE, -ENOMEM: nothing is open. */
MP_API int mp_pipe(struct mp_conn *a, struct mp_conn *b, bool duplex,
		   size_t bytes);

#endif
