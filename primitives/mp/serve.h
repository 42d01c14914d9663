/* serve - what a creator and its fork server say to each other.
 *
 * Internal to forkserver.c, the creator's side, and serve.c, the server's;
 * process.c and child.c ask through the first.  Floor 3.
 *
 * A socket pair of whole messages; one request, one answer.  Both are the same
 * program, so addresses of functions mean the same on both sides.
 *
 *	request		descriptors	answer
 *	BEAR		memory, fds	pid, or an error	pidfd
 *	REAP pid			end, -EAGAIN, -ECHILD
 *	UNDO pid			-
 *
 * The server reaps nobody unless it is asked to.  So a pid that it gave away
 * stays that child's, also while the pidfd is under way.
 */
#ifndef MP_SERVE_H
#define MP_SERVE_H

#include <stddef.h>
#include <sys/types.h>

#include "mp/child.h"
#include "mp/forkserver.h"

#define MP_SERVE_FDS (1 + MP_PROCESS_FDS_MAX)

enum { MP_SERVE_BEAR, MP_SERVE_REAP, MP_SERVE_UNDO };

struct mp_request {
	int32_t kind;
	pid_t pid;                   /* REAP: say how it ended; UNDO: kill it */
	struct mp_process process;   /* BEAR */
	void *shm;                   /* NULL, or where the first descriptor */
	size_t shm_size;             /* is mapped; */
	int fds[MP_PROCESS_FDS_MAX]; /* the numbers of the others */
	int nfds;
};

struct mp_answer {
	int32_t error; /* 0 or -errno */
	pid_t pid;
	int32_t end; /* as in child.h */
};

/* Whole messages with up to MP_SERVE_FDS descriptors, which come close-on-exec.
 * Both go on after a signal handler.  0 or the bytes received (0: end of file),
 * or -errno.  *nfds may be -EMFILE: there were descriptors, and no room for
 * them. */
int mp_serve_send(int socket, const void *data, size_t size, const int *fds,
		  int nfds);
ssize_t mp_serve_recv(int socket, void *data, size_t size, int *fds, int *nfds,
		      int flags);

/* The life of the server; arg are the two ends of the socket pair. */
int mp_serve(void *arg);

/* Of process.c: start p.  *c is a running child, or as before. */
int mp_forkserver_bear(struct mp_forkserver *s, const struct mp_process *p,
		       struct mp_child *c);

/* Of child.c: its pidfd is readable; find out how it has ended.  1: done; 0:
 * somebody else did; -EAGAIN: it cannot be reaped yet; -EPIPE: no server;
 * -ECHILD: the server does not know. */
int mp_forkserver_reap(struct mp_forkserver *s, struct mp_child *c);

#endif
