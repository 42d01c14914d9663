/* self - who the calling process is: its name, its creator, its children.
 *
 * Internal to process.c, forkserver.c and serve.c.  Floor 3.  Private memory.
 *
 * A list of children, in memory of its own, outlives handles that a program
 * forgets: active_children and the exit handler work on it.
 *
 * What a child writes costs it a page fault a page, of the order of a
 * microsecond: so all that changes lies together, in `mp_me`.
 */
#ifndef MP_SELF_H
#define MP_SELF_H

#include <pthread.h>
#include <stdatomic.h>

#include "mp/child.h"
#include "mp/process.h"

/* A child, from start to close. */
struct mp_started {
	/* Constant. */
	struct mp_process *handle; /* dangling once a program drops it */
	pid_t creator;             /* who may wait */
	bool daemon, outlive, service;

	struct mp_child child;

	struct mp_started *next; /* guarded by mp_me.lock */
};

extern struct mp_me {
	pthread_mutex_t lock;
	struct mp_started *children; /* guarded by lock */
	_Atomic uint32_t handles;    /* for default names */
	struct mp_process self, parent;
	pid_t pid;             /* which process this is true of */
	pid_t parent_pid;      /* 0: not started by mp_process_start */
	_Atomic int parent_fd; /* pidfd + 1; 0: not opened yet */
} mp_me;

/* The calling process's pid.  To be called before mp_me is changed: what lies
 * there may still be that of the process which forked this one. */
pid_t mp_self_pid(void);

/* For mp_fork: as p is to be. */
int mp_self_fork_flags(const struct mp_process *p);

/* The life of a child: be p, with this creator, until its target returns. */
int mp_self_live(struct mp_process *p, pid_t creator);

/* The list. */
void mp_self_add(struct mp_started *s);
void mp_self_remove(struct mp_started *s);

/* A fork server is about to end: kill and reap its children.  Those that
 * outlive it are nobody's from now on. */
void mp_self_end_served(struct mp_forkserver *server);

/* The creator's pidfd; -ESRCH: it is dead. */
int mp_self_parent_fd(void);

/* Wait for the creator's end.  0, -ETIMEDOUT, -EINTR, -EMFILE, -ENFILE. */
int mp_self_join_parent(int64_t timeout_ns);

#endif
