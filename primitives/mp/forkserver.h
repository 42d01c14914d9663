/* forkserver - children of a small process, for a creator that is large.
 *
 * Python: the "forkserver" start method.  Floor 3.  Any thread of the process
 * that started the server; not from a signal handler.
 *
 * fork copies the page tables of its caller: 1 GiB costs tens of milliseconds.
 * And in a program with threads the child inherits locks that somebody else
 * holds.  So, while the program is small and has one thread, it starts a server
 * that does nothing but fork when asked.
 *
 *	struct mp_forkserver s;
 *
 *	mp_forkserver_start(&s);		 first thing in main
 *	... memory, threads ...
 *	mp_process_init(&p, target, arg, &(struct mp_process_options){
 *						 .server = &s });
 *	mp_process_start(&p);
 *
 * Such a child is a copy of the *server*: it knows the program's functions, and
 * memory, descriptors, directory, limits and CPUs as they were when the server
 * began.  What came later it has only if the options name it (process.h): `shm`
 * is mapped at the same address, so arg may lie there, and takes the place of
 * whatever the server has there; `fds` have the same numbers.  A child that
 * cannot be given them ends with 255, before its target.
 *
 * mp_process_* work on it as on any child.  Its parent process, also in the
 * sense of mp_parent_process, is the server.  Its end sends no SIGCHLD here.
 *
 * The server keeps open what was open when it began, leaves Ctrl-C and its like
 * to the creator, and ends at SIGTERM.  mp_active_children does not count it.
 *
 * Death.  The server dies with the thread that started it, and the children
 * with the server, unless they outlive it.  If the server is killed, its
 * children are too; mp_process_start says -EPIPE; and how a child ended is not
 * known any more: join says -ECHILD, once it has ended.  (Killed while it
 * starts a child that is to outlive it, the server may leave one of which
 * nobody knows.)  If the creator is killed, server and children go with it.
 *
 * Illegal: mp_forkserver_stop while another thread uses the server or a child
 * of it; moving or freeing it between start and stop.
 *
 * Source: the zygote of Android, and of Chromium.
 */
#ifndef MP_FORKSERVER_H
#define MP_FORKSERVER_H

#include <pthread.h>

#include "mp/process.h"

struct mp_forkserver {
	struct mp_process process;
	int socket;           /* one request and its answer at a time, */
	pthread_mutex_t lock; /* guarded by this */
};

/* -EAGAIN: process limit.  -ENOMEM.  -EMFILE, -ENFILE: it takes two
 * descriptors. */
MP_API int mp_forkserver_start(struct mp_forkserver *s);

/* With a server mp_process_start says, too:
 * -EPIPE: the server is dead.  -EINVAL: it was never started, or was stopped;
 * shm is closed; too many fds.  -EBADF: one of them is not open.  -EPERM: it is
 * another process's server, which this one has inherited.  -EMFILE, -ENFILE: no
 * descriptor for the pidfd, here or in the server. */

/* End the server, and with it what it started: those children that still run
 * are killed, and reaped.  Handles are still to be closed; a child that
 * outlives the server is nobody's from now on (-ECHILD).
 * Twice, or before start, does nothing.  -EPERM: as above. */
MP_API int mp_forkserver_stop(struct mp_forkserver *s);

#endif
