/* process.c - fork, a pidfd for the end, PDEATHSIG for the other end.
 *
 * The pidfd of a child is opened by its creator after the fork: a child that has
 * not been reaped keeps its pid, so it cannot be the wrong one.  The other way
 * round, each creator opens a pidfd of itself once, and its children inherit it.
 *
 * A list of children, in memory of its own, outlives handles that a program
 * forgets: active_children and the exit handler work on it.
 *
 * What a child writes between fork and its target costs a page fault a page, of
 * the order of a microsecond: so all that changes lies together, in `me`.
 */
#include "mp/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/poll.h"
#include "mp/trace.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/*  end         meaning                          leaves by        to
 *  0           runs, or nobody has looked yet   a look           the others
 *  1 … 256     exit status + 1                  -
 *  -1 … -64    minus the signal                 -
 *  LOST        somebody else reaped it          -
 */
#define LOST INT32_MIN

struct mp_child {
	/* Constant. */
	struct mp_process *handle; /* dangling once a program drops it */
	pid_t pid;
	pid_t creator;
	int fd;
	bool daemon;

	_Atomic int32_t end;

	struct mp_child *next; /* guarded by me.lock */
};

/* The calling process. */
static struct {
	pthread_mutex_t lock;
	struct mp_child *children; /* guarded by lock */
	_Atomic uint32_t handles;  /* for default names */
	struct mp_process self, parent;
	struct mp_child self_child, parent_child;
} me __attribute__((aligned(1024))) = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.self = { .name = "MainProcess" },
	.self_child = { .fd = -1 },
	.parent_child = { .fd = -1 },
};
static_assert(sizeof(me) <= 1024, "on one page");

static pthread_once_t once = PTHREAD_ONCE_INIT;

static int pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* In a child: what the creator's children were to it, and its creator, are
 * nothing to us; what it was itself is our creator now. */
static void forget(void)
{
	for (struct mp_child *c = me.children; c != NULL; c = c->next)
		close(c->fd);
	me.children = NULL;
	if (me.parent_child.fd >= 0)
		close(me.parent_child.fd);
	me.parent = me.self;
	me.parent.child = NULL;
	me.parent_child = me.self_child;
	me.self_child.fd = -1;
	atomic_store_explicit(&me.handles, 0, memory_order_relaxed);
	pthread_mutex_unlock(&me.lock);
}

static void lock_children(void)
{
	pthread_mutex_lock(&me.lock);
}

static void unlock_children(void)
{
	pthread_mutex_unlock(&me.lock);
}

/* Who may wait for c, and is there anything to wait for? */
static int check(const struct mp_process *p)
{
	if (p->child == NULL)
		return -EINVAL;
	if (p->child == &me.self_child)
		return -EDEADLK;
	if (p->child != &me.parent_child && p->child->creator != getpid())
		return -EPERM;
	return 0;
}

static void trace_exit(const struct mp_child *c, int32_t end)
{
	char text[MP_TRACE_NAME_MAX];

	if (!mp_trace_on())
		return;
	if (end > 0)
		snprintf(text, sizeof(text), "exited (%d)", end - 1);
	else
		snprintf(text, sizeof(text), "killed (signal %d)", -end);
	mp_trace_exit(c->pid, text);
}

/* The child has ended: keep how, then reap it.  Looking (WNOWAIT) and reaping
 * are two steps so that two threads may join at once: both see the status, and
 * it does not matter which of them reaps.  0, or -EAGAIN if it runs. */
static int reap(struct mp_child *c, int options)
{
	siginfo_t si = { 0 };
	int32_t end = LOST, none = 0;

	if (atomic_load_explicit(&c->end, memory_order_acquire) != 0)
		return 0;
	if (waitid(P_PIDFD, (id_t)c->fd, &si, WEXITED | WNOWAIT | options) <
	    0) {
		if (errno != ECHILD)
			return -errno;
		/* Another thread was quicker, or somebody else reaped it. */
		atomic_compare_exchange_strong(&c->end, &none, LOST);
		return 0;
	}
	if (si.si_pid == 0)
		return -EAGAIN;
	end = si.si_code == CLD_EXITED ? si.si_status + 1 : -si.si_status;
	/* Stored before the reaping, so that ECHILD above finds it. */
	if (atomic_compare_exchange_strong(&c->end, &none, end))
		trace_exit(c, end);
	waitid(P_PIDFD, (id_t)c->fd, &si, WEXITED | WNOHANG);
	return 0;
}

static int wait_child(struct mp_child *c, int64_t timeout_ns)
{
	int error;

	/* The creator is nobody's child here: it can be watched, not reaped. */
	if (c == &me.parent_child)
		return mp_poll(c->fd, POLLIN, mp_clock_deadline(timeout_ns));
	if (timeout_ns < 0)
		return reap(c, 0);
	error = reap(c, WNOHANG);
	if (error != -EAGAIN || timeout_ns == 0)
		return error == -EAGAIN ? -ETIMEDOUT : error;
	error = mp_poll(c->fd, POLLIN, mp_clock_deadline(timeout_ns));
	return error < 0 ? error : reap(c, WNOHANG);
}

/* Python's way at the creator's end: terminate the daemons, wait for the
 * others.  A daemon that survives SIGTERM does not keep its creator. */
static void at_exit(void)
{
	struct mp_child *c;

	pthread_mutex_lock(&me.lock);
	for (c = me.children; c != NULL; c = c->next)
		if (c->daemon)
			syscall(SYS_pidfd_send_signal, c->fd, SIGTERM, NULL, 0);
	for (c = me.children; c != NULL; c = c->next)
		while (!c->daemon && wait_child(c, -1) == -EINTR)
			;
	for (c = me.children; c != NULL; c = c->next) {
		if (!c->daemon)
			continue;
		wait_child(c, 1000000000);
		syscall(SYS_pidfd_send_signal, c->fd, SIGKILL, NULL, 0);
		while (wait_child(c, -1) == -EINTR)
			;
	}
	pthread_mutex_unlock(&me.lock);
}

static void install(void)
{
	pthread_atfork(lock_children, unlock_children, forget);
	atexit(at_exit);
}

/* Handlers would run the creator's code in the child.  What the creator ignores
 * stays ignored, as over exec. */
static void reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &sa) < 0 || sa.sa_handler == SIG_DFL ||
		    sa.sa_handler == SIG_IGN)
			continue;
		sa.sa_handler = SIG_DFL;
		sa.sa_flags = 0;
		sigaction(sig, &sa, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_child(struct mp_process *p, pid_t creator)
{
	/* The creator may have died before the kernel was asked. */
	if (!p->outlive &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != creator))
		_exit(128 + SIGKILL);
	me.parent.child = &me.parent_child;
	me.parent_child.pid = creator;
	me.self = *p;
	reset_signals();
}

static _Noreturn void run_child(struct mp_process *p, pid_t creator)
{
	int code;

	become_child(p, creator);
	mp_trace_lane(p->name);
	mp_trace_begin(MP_TRACE_RUN, p->name);
	code = p->target(p->arg);
	mp_trace_end();
	if (me.children != NULL)
		at_exit();
	fflush(NULL);
	_exit(code);
}

int mp_process_init(struct mp_process *p, int (*target)(void *), void *arg,
		    const struct mp_process_options *o)
{
	const char *above = me.self.identity;
	uint32_t n;

	*p = (struct mp_process){ .target = target, .arg = arg };
	if (target == NULL)
		return -EINVAL;
	n = atomic_fetch_add_explicit(&me.handles, 1, memory_order_relaxed) + 1;
	if (above[0] == '\0')
		snprintf(p->identity, sizeof(p->identity), "Process-%u", n);
	else
		snprintf(p->identity, sizeof(p->identity), "%.20s:%u", above,
			 n);
	strcpy(p->name, p->identity);
	if (o == NULL)
		return 0;
	p->daemon = o->daemon;
	p->outlive = o->outlive;
	if (o->name != NULL) {
		if (strlen(o->name) >= sizeof(p->name))
			return -EINVAL;
		strcpy(p->name, o->name);
	}
	return 0;
}
static struct mp_child *new_child(struct mp_process *p)
{
	struct mp_child *c = calloc(1, sizeof(*c));

	if (c != NULL)
		*c = (struct mp_child){
			.handle = p,
			.creator = getpid(),
			.fd = -1,
			.daemon = p->daemon,
		};
	return c;
}

static void list_child(struct mp_child *c)
{
	pthread_mutex_lock(&me.lock);
	c->next = me.children;
	me.children = c;
	pthread_mutex_unlock(&me.lock);
}

static void unlist_child(struct mp_child *c)
{
	struct mp_child **link;

	pthread_mutex_lock(&me.lock);
	for (link = &me.children; *link != NULL; link = &(*link)->next) {
		if (*link == c) {
			*link = c->next;
			break;
		}
	}
	pthread_mutex_unlock(&me.lock);
}

/* The pidfd of the calling process, opened once, for its children. */
static int self_fd(void)
{
	int fd;

	pthread_mutex_lock(&me.lock);
	if (me.self_child.fd < 0)
		me.self_child.fd = pidfd_open(getpid());
	fd = me.self_child.fd;
	pthread_mutex_unlock(&me.lock);
	return fd;
}

/* Fork, with no signal handler of the creator running in the child. */
static int fork_child(struct mp_process *p, struct mp_child *c)
{
	sigset_t all, before;
	int error;

	fflush(NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->pid = fork();
	if (c->pid == 0)
		run_child(p, c->creator);
	error = c->pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int mp_process_start(struct mp_process *p)
{
	struct mp_child *c;
	int fd, error;

	if (p->child != NULL)
		return -EALREADY;
	pthread_once(&once, install);
	/* A place for the child's pidfd, while there is no child yet. */
	fd = self_fd();
	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return errno == EINVAL ? -EMFILE : -errno;
	c = new_child(p);
	error = c == NULL ? -ENOMEM : fork_child(p, c);
	close(fd);
	if (error == 0) {
		c->fd = pidfd_open(c->pid);
		if (c->fd < 0) {
			/* Another thread took the place. */
			error = c->fd;
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
	}
	if (error < 0) {
		free(c);
		return error;
	}
	p->child = c;
	list_child(c);
	return 0;
}

int mp_process_join(struct mp_process *p, int64_t timeout_ns)
{
	int error = check(p);

	if (error < 0)
		return error;
	error = wait_child(p->child, timeout_ns);
	if (error == 0 && p->child->end == LOST)
		return -ECHILD;
	return error;
}

int mp_process_exitcode(struct mp_process *p, int *code)
{
	int error;

	if (p->child == &me.parent_child)
		return -EPERM;
	error = mp_process_join(p, 0);
	if (error == -ETIMEDOUT)
		return 0;
	if (error < 0)
		return error;
	*code = p->child->end > 0 ? p->child->end - 1 : p->child->end;
	return 1;
}

int mp_process_is_alive(struct mp_process *p)
{
	int error = mp_process_join(p, 0);

	if (error == -ETIMEDOUT || error == -EDEADLK)
		return 1;
	return error;
}

int mp_process_signal(struct mp_process *p, int sig)
{
	int error = p->child == &me.parent_child ? -EPERM : check(p);

	if (error == -EDEADLK)
		return kill(getpid(), sig) < 0 ? -errno : 0;
	if (error < 0)
		return error;
	if (syscall(SYS_pidfd_send_signal, p->child->fd, sig, NULL, 0) < 0 &&
	    errno != ESRCH)
		return -errno;
	return 0;
}

int mp_process_terminate(struct mp_process *p)
{
	return mp_process_signal(p, SIGTERM);
}

int mp_process_kill(struct mp_process *p)
{
	return mp_process_signal(p, SIGKILL);
}

int mp_process_close(struct mp_process *p)
{
	struct mp_child *c = p->child;
	int error;

	if (c == NULL)
		return 0;
	error = check(p);
	if (error == 0)
		error = c == &me.parent_child ? -EPERM : wait_child(c, 0);
	if (error == -ETIMEDOUT)
		return -EBUSY;
	if (error < 0)
		return error;
	unlist_child(c);
	close(c->fd);
	free(c);
	p->child = NULL;
	return 0;
}

int mp_process_fd(const struct mp_process *p)
{
	return p->child == NULL || p->child->fd < 0 ? -EINVAL : p->child->fd;
}

pid_t mp_process_pid(const struct mp_process *p)
{
	return p->child == NULL ? 0 : p->child->pid;
}

const char *mp_process_name(const struct mp_process *p)
{
	return p->name;
}

struct mp_process *mp_current_process(void)
{
	me.self_child.pid = getpid();
	me.self.child = &me.self_child;
	return &me.self;
}

struct mp_process *mp_parent_process(void)
{
	return me.parent.child == NULL ? NULL : &me.parent;
}

int mp_active_children(struct mp_process **v, int n)
{
	int alive = 0;

	pthread_mutex_lock(&me.lock);
	for (struct mp_child *c = me.children; c != NULL; c = c->next) {
		if (reap(c, WNOHANG) != -EAGAIN)
			continue;
		if (alive < n)
			v[alive] = c->handle;
		alive++;
	}
	pthread_mutex_unlock(&me.lock);
	return alive;
}
