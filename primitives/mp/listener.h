/* listener - connections between processes that are not related.
 *
 * Python: multiprocessing.connection.Listener and Client.  Floor 3.  Any
 * process, any thread; a listener by one thread at a time.
 *
 * A listener has an address; a client connects to it; both get a connection
 * (conn.h) over a Unix socket, or over TCP.
 *
 *	static const struct mp_listener_options o = {
 *		.authkey = "peekaboo", .authkey_length = 8 };
 *
 *	server:	mp_listener_init(&l, "/tmp/x", &o);
 *		mp_listener_accept(&l, &c, -1);
 *	client:	mp_client_connect(&c, "/tmp/x", &o, -1);
 *
 * Address: a path; "@name" for an abstract name (Linux: no file, gone with its
 * last user); "tcp:HOST:PORT" (below); NULL: a fresh path in $TMPDIR or /tmp.
 * A path is created 0600 (.any_user: 0666), and unlinked by close, in the
 * process that made it.  A listener that was killed leaves its path behind:
 * -EADDRINUSE for the next, as in Python, until somebody unlinks it.
 *
 * Who may connect: processes of the same user (SO_PEERCRED), unless
 * .any_user; a client looks at the listener's user in the same way.  And, with
 * an authkey, those that know it: each side asks the other to compute an HMAC
 * of a random challenge; the key itself never travels.
 *
 * TCP, Python's ("127.0.0.1", 6000): "tcp:127.0.0.1:6000", "tcp:[::1]:6000",
 * "tcp:localhost:6000", which is 127.0.0.1, as is no host at all: "tcp:6000".
 * Other names are not looked up, for nobody knows how long that takes: do it
 * before, with getaddrinfo.  Port 0: the kernel chooses one, and .address tells
 * it.  "[::]" is not for IPv4.  (A file called "tcp:x" is "./tcp:x".)
 *
 * Over TCP nobody's user is known, so only the authkey keeps strangers out: it
 * is required.  It says who is there when the connection begins.  What travels
 * afterwards is neither encrypted nor signed: who gets between the two may read
 * it, change it, and say what he likes in their names.  Within one machine root
 * may; and any user may take a port where nobody listens, and pass a client's
 * challenge on to another client who knows the answer.  So an address which
 * other machines can reach is refused (-EACCES), by both sides, unless .remote
 * says that the network between them is trusted like this machine; otherwise
 * use a tunnel (ssh -L), with both ends on loopback.
 *
 * A peer whose machine is gone, or the way to it, is noticed after a minute, as
 * an end of file: an idle connection asks after it (SO_KEEPALIVE).  So is one
 * that has taken nothing out of a full socket for a minute (TCP_USER_TIMEOUT).
 * An end that is closed before it has read all may take its own last messages
 * with it.  Small messages are sent at once (TCP_NODELAY), and a port is free
 * as soon as its listener is gone (SO_REUSEADDR).
 *
 * A client that fails, or hangs up, is cut off, costs the others nothing, and
 * is counted in `refused`.  One that connects and says nothing holds up nobody:
 * others are served meanwhile, and it is cut off after 10 s.  At most 64 that
 * have not passed are looked after; when there are so many, the rest wait in
 * the backlog, and the oldest is cut off after 1 s.  All this happens inside
 * accept, and costs no thread.
 *
 * Both sides need the key, or neither: one that has it waits for a word about
 * it, and one that has not takes that word for a message.
 *
 * Messages and challenges are those of Python's own Client and Listener
 * (send_bytes, recv_bytes), so the other side may be a Python program: a length
 * of 4 bytes, big-endian, or -1 and 8 bytes; HMAC-SHA256 as since Python 3.12,
 * HMAC-MD5 with older ones.
 *
 * What conn.h leaves open for a connection over a socket: poll says 1 when a
 * message has begun to come, so recv may still wait for its rest; recv with a
 * time limit bears with any peer.  After -EBADMSG for what was no message,
 * nothing more is received.  mp_conn_fileno is the socket, and nothing is read
 * ahead of what recv gives: one process may receive a message, and another,
 * that inherited the end, the next.
 *
 * If a process is killed: its peer sees the end of file; a listener sees it as
 * a client that hung up; clients of a killed listener get -EPIPE, and the next
 * ones -ECONNREFUSED.
 *
 * After fork: the child's copy of a listener may accept too (clients in the
 * middle of the challenge stay the parent's), and should be closed.
 */
#ifndef MP_LISTENER_H
#define MP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mp/conn.h"

#define MP_LISTENER_ADDRESS_MAX 108 /* bytes, the final NUL included */

struct mp_listener_options {
	const void *authkey; /* copied; NULL: none asked for */
	size_t authkey_length;
	int backlog; /* that wait to be accepted; 0: 128 */
	bool any_user;
	bool remote; /* TCP with other machines too: read above first */
};

struct mp_knocking; /* knock.c */

/* The handle; private memory. */
struct mp_listener {
	int fd;
	char address[MP_LISTENER_ADDRESS_MAX];
	uint64_t refused;
	struct mp_knocking *knocking; /* not yet passed, and what is private */
};

/* o may be NULL: no key, same user.  After an error the handle may be closed.
 * -EADDRINUSE.  -EINVAL: no address; an empty key, or none over TCP; a negative
 * backlog.  -ENAMETOOLONG.  -EACCES, -ENOENT: the path.  -EACCES: TCP that
 * other machines can reach, without .remote; a port that only root may have.
 * -EADDRNOTAVAIL: a host that is not this machine.  -EAFNOSUPPORT: no IPv6.
 * -ENOTSUP: an authkey, and rawmp was built without the library for it.
 * -EMFILE, -ENFILE, -ENOMEM. */
MP_API int mp_listener_init(struct mp_listener *l, const char *address,
			    const struct mp_listener_options *o);

/* The next client that passes.  -ETIMEDOUT.  -EINTR.  -EBADF: closed.
 * -EMFILE, -ENFILE: clients wait.  -ENOMEM: one was sent away.  A timeout of 0
 * never sleeps. */
MP_API int mp_listener_accept(struct mp_listener *l, struct mp_conn *c,
			      int64_t timeout_ns);

/* For poll: readable when accept has something to do, which may be a word of a
 * client that does not pass: accept with a timeout of 0.  Quiet otherwise; when
 * accept fails for want of descriptors or memory, quiet for 0.1 s.  It belongs
 * to the listener.  -EBADF: closed. */
MP_API int mp_listener_fileno(const struct mp_listener *l);

/* The pid of the process that connected, or listened.  Only to be shown: it may
 * have ended, or given the end away.  0: it is in another pid namespace.
 * -EBADF: closed, or of a pipe.  -EOPNOTSUPP: over TCP. */
MP_API int mp_conn_peer(const struct mp_conn *c);

/* Connections that were accepted stay.  Twice: nothing. */
MP_API int mp_listener_close(struct mp_listener *l);

/* Connect.  -ECONNREFUSED, -ENOENT: nobody listens.  -EACCES: another user's,
 * or the challenge was not passed, by this side or by the other.  -EPIPE: the
 * listener hung up, as it does on another user.  -ETIMEDOUT; over TCP also,
 * with any timeout, when a machine says nothing for a minute.  -EHOSTUNREACH,
 * -ENETUNREACH: no way there.  -EINTR.  After an error *c is closed.  Otherwise
 * as mp_listener_init. */
MP_API int mp_client_connect(struct mp_conn *c, const char *address,
			     const struct mp_listener_options *o,
			     int64_t timeout_ns);

#endif
