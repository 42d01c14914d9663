/* process - one child process that runs one function.
 *
 * Python: multiprocessing.Process, active_children, current_process,
 * parent_process.  Floor 3.
 *
 * Lives in: private memory of the process that starts the child (the creator).
 *
 * Who may call: any thread of the creator; two threads may join one handle at
 * the same time.  In every other process the functions that wait for or signal
 * a child answer -EPERM.  No function here may be called from a signal handler.
 *
 *	static int greet(void *name)
 *	{
 *		printf("hello %s\n", (char *)name);
 *		return 0;
 *	}
 *
 *	struct mp_process p;
 *	int code;
 *
 *	mp_process_init(&p, greet, "Alice", NULL);
 *	if (mp_process_start(&p) < 0)
 *		...
 *	mp_process_join(&p, -1);
 *	mp_process_exitcode(&p, &code);		 code == 0
 *	mp_process_close(&p);
 *
 * The child.  It is made by fork(), so it sees a copy of all the memory of its
 * creator and shares what was mapped MAP_SHARED.  The creator's handlers of
 * signals 1 to 31 are reset to their defaults (real-time signals keep theirs),
 * what it ignores stays ignored, and no signal is blocked.  When the target
 * returns, the child flushes stdio and leaves by _exit with the low eight bits
 * of the value returned: nothing of the creator's code runs after the target.
 * (A target that calls exit() itself runs the atexit handlers it inherited;
 * prefer return.)  A child may start children of its own, also when it is
 * daemonic.
 *
 * Death.  A child is signalled and, with a timeout, waited for through its
 * pidfd (one descriptor a handle, opened when first needed), so a signal can
 * never reach an unrelated process that got the same pid later.  When the
 * creator dies, by whatever means, the kernel kills the child at once
 * (PR_SET_PDEATHSIG), unless `outlive` was asked for.  The kernel ties this to
 * the creating *thread*: a child dies with the thread that started it.
 * Children of a creator that ends normally, by exit() or a return from main,
 * get what Python gives them: daemonic ones are terminated (killed, if they are
 * still there a second later), the others are waited for.
 *
 * Illegal: moving, copying or freeing a handle between mp_process_start and
 * mp_process_close, except by ending the process; SIGCHLD set to SIG_IGN, or a
 * wait for any child (waitpid(-1)) while children run: the exit status is lost,
 * and join says -ECHILD.
 */
#ifndef MP_PROCESS_H
#define MP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "mp/api.h"

#define MP_PROCESS_NAME_MAX 32 /* bytes, the final NUL included */
#define MP_PROCESS_FDS_MAX  8

struct mp_shm;        /* shm.h */
struct mp_forkserver; /* forkserver.h */

struct mp_process_options {
	const char *name; /* NULL: "Process-1", "Process-1:2", ... */
	bool daemon;      /* terminated, not awaited, when the creator exits */
	bool outlive;     /* stays when its creator is killed */

	/* Ignores SIGINT, from before its first instruction: Ctrl-C, which
	 * reaches all processes of a terminal, is for its creator to decide. */
	bool no_interrupt;

	/* Have it forked by a server (forkserver.h).  What such a child sees of
	 * memory and descriptors that came later: shm (or NULL), mapped at the
	 * same address, and up to MP_PROCESS_FDS_MAX descriptors, under the
	 * same numbers; -1 ends the list (or NULL).  Both must stay until
	 * start.  Without a server the child has them anyway. */
	struct mp_forkserver *server;
	const struct mp_shm *shm;
	const int *fds;
};

struct mp_process {
	/* Constant from init on. */
	int (*target)(void *);
	void *arg;
	char name[MP_PROCESS_NAME_MAX];
	char identity[MP_PROCESS_NAME_MAX]; /* the default name */
	bool daemon, outlive, no_interrupt;
	bool service; /* a helper of the library, and no child of the program */
	struct mp_forkserver *server;
	const struct mp_shm *shm;
	const int *fds;

	/* From start to close; see self.h. */
	struct mp_started *started;
};

/* Prepare a handle.  Starts nothing.
 * -EINVAL: no target, or a name that does not fit into MP_PROCESS_NAME_MAX. */
MP_API int mp_process_init(struct mp_process *p, int (*target)(void *),
			   void *arg, const struct mp_process_options *o);

/* Fork the child and run the target in it.  Flushes stdio first, so that the
 * child does not print the creator's pending output again.
 * -EALREADY: started before.  -EAGAIN: process limit.  -ENOMEM.  With a server,
 * also what forkserver.h says.
 * After an error there is no child and the handle can be started again. */
MP_API int mp_process_start(struct mp_process *p);

/* Wait until the child has ended and reap it.  May be called again and again.
 * 0: it has ended.  -ETIMEDOUT: it still runs.  -EINTR: a signal handler ran;
 * nothing changed, call again.  -EINVAL: not started.  -EPERM: not the
 * creator.  -EDEADLK: the calling process itself.  -ECHILD: somebody else
 * reaped it; its exit code is lost.  -EMFILE, -ENFILE: a timeout needs the
 * pidfd, and no descriptor is left; 0 and for ever need none. */
MP_API int mp_process_join(struct mp_process *p, int64_t timeout_ns);

/* 1 and *code once the child has ended: >= 0 its exit status, < 0 minus the
 * signal that killed it.  0: it still runs.  Errors as in join. */
MP_API int mp_process_exitcode(struct mp_process *p, int *code);

/* 1 it runs, 0 it has ended.  Errors as in join. */
MP_API int mp_process_is_alive(struct mp_process *p);

/* Send a signal; terminate sends SIGTERM, kill sends SIGKILL.  0 also when the
 * child has already ended.  -EINVAL: not started, or no such signal. */
MP_API int mp_process_signal(struct mp_process *p, int sig);
MP_API int mp_process_terminate(struct mp_process *p);
MP_API int mp_process_kill(struct mp_process *p);

/* Give back the pidfd and the place in the list.  The handle may be used for
 * another mp_process_init.  Closing twice, or before start, does nothing.
 * -EBUSY: the child still runs. */
MP_API int mp_process_close(struct mp_process *p);

/* The pidfd: poll() and epoll report it readable once the child has ended.
 * Opened by the first call; it belongs to the handle, do not close it.
 * -EINVAL: not started.  -ESRCH: it was joined before the first call.
 * -EMFILE, -ENFILE. */
MP_API int mp_process_fd(struct mp_process *p);

/* The pid; 0 before start. */
MP_API pid_t mp_process_pid(const struct mp_process *p);
MP_API const char *mp_process_name(const struct mp_process *p);

/* The calling process: its name ("MainProcess" in the first) and pid.  It is
 * alive; joining it is -EDEADLK. */
MP_API struct mp_process *mp_current_process(void);

/* The creator of the calling process; NULL in a process that was not started by
 * mp_process_start.  is_alive, join, fd, pid and name work on it; exitcode and
 * signals answer -EPERM.  With `outlive` this is how a child learns of its
 * creator's death. */
MP_API struct mp_process *mp_parent_process(void);

/* Children of the calling process that still run: the first n into v (NULL with
 * n 0), how many there are as the result.  Reaps those that have ended. */
MP_API int mp_active_children(struct mp_process **v, int n);

#endif
