/* process.c - handles of children, the list of them, and who we are ourselves.
 *
 * A list of children, in memory of its own, outlives handles that a program
 * forgets: active_children and the exit handler work on it.
 *
 * What a child writes costs it a page fault a page, of the order of a
 * microsecond: so all that changes lies together, in `me`.
 */
#include "mp/process.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mp/child.h"
#include "mp/clock.h"
#include "mp/fork.h"
#include "mp/poll.h"
#include "mp/trace.h"

struct mp_started {
	/* Constant. */
	struct mp_process *handle; /* dangling once a program drops it */
	pid_t creator;             /* who may wait */
	bool daemon;

	struct mp_child child;

	struct mp_started *next; /* guarded by me.lock */
};

/* The calling process. */
static struct {
	pthread_mutex_t lock;
	struct mp_started *children; /* guarded by lock */
	_Atomic uint32_t handles;    /* for default names */
	struct mp_process self, parent;
	pid_t pid;             /* which process this is true of */
	pid_t parent_pid;      /* 0: not started by mp_process_start */
	_Atomic int parent_fd; /* pidfd + 1; 0: not opened yet */
} me __attribute__((aligned(1024))) = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.self = { .name = "MainProcess" },
};
static_assert(sizeof(me) <= 1024, "on one page");

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Children and creator of another process are nothing to this one, and a thread
 * that held the lock is not here.  A process that the program forked by itself
 * is found out at its first start.  (pthread_atfork would tell at once, and
 * cost every fork of the program 6 µs.) */
static void be_process(pid_t pid, pid_t parent_pid)
{
	int fd = atomic_exchange(&me.parent_fd, 0) - 1;

	for (struct mp_started *s = me.children; s != NULL; s = s->next)
		mp_child_close(&s->child);
	if (fd >= 0)
		close(fd);
	me.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	me.children = NULL;
	me.pid = pid;
	me.parent_pid = parent_pid;
}

/* Python's way at the creator's end: terminate the daemons, wait for the
 * others.  A daemon that survives SIGTERM does not keep its creator. */
static void end_children(void)
{
	struct mp_started *s;

	if (me.pid != getpid())
		return;
	pthread_mutex_lock(&me.lock);
	for (s = me.children; s != NULL; s = s->next)
		if (s->daemon)
			mp_child_signal(&s->child, SIGTERM);
	for (s = me.children; s != NULL; s = s->next)
		while (!s->daemon && mp_child_wait(&s->child, -1) == -EINTR)
			;
	for (s = me.children; s != NULL; s = s->next) {
		if (!s->daemon)
			continue;
		mp_child_wait(&s->child, 1000000000);
		mp_child_signal(&s->child, SIGKILL);
		while (mp_child_wait(&s->child, -1) == -EINTR)
			;
	}
	pthread_mutex_unlock(&me.lock);
}

static void install(void)
{
	be_process(getpid(), 0);
	atexit(end_children);
}

/* The life of a child. */
static int live(void *handle)
{
	struct mp_process *p = handle;
	pid_t creator = p->started->creator;
	int code;

	me.parent = me.self;
	me.self = *p;
	be_process(getpid(), creator);
	atomic_store_explicit(&me.handles, 0, memory_order_relaxed);

	mp_trace_lane(p->name);
	mp_trace_begin(MP_TRACE_RUN, p->name);
	code = p->target(p->arg);
	mp_trace_end();
	if (me.children != NULL)
		end_children();
	return code;
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

int mp_process_start(struct mp_process *p)
{
	struct mp_started *s;
	pid_t pid = getpid();

	if (p->started != NULL)
		return -EALREADY;
	pthread_once(&once, install);
	if (me.pid != pid)
		be_process(pid, 0);
	s = malloc(sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	*s = (struct mp_started){ .handle = p,
				  .creator = pid,
				  .daemon = p->daemon };
	p->started = s;
	pid = mp_fork(live, p, p->outlive);
	if (pid < 0) {
		p->started = NULL;
		free(s);
		return pid;
	}
	s->child.pid = pid;
	pthread_mutex_lock(&me.lock);
	s->next = me.children;
	me.children = s;
	pthread_mutex_unlock(&me.lock);
	return 0;
}

static void unlist(struct mp_started *s)
{
	struct mp_started **link;

	pthread_mutex_lock(&me.lock);
	for (link = &me.children; *link != NULL; link = &(*link)->next) {
		if (*link == s) {
			*link = s->next;
			break;
		}
	}
	pthread_mutex_unlock(&me.lock);
}

/* Is p a child of the calling process? */
static int check(const struct mp_process *p)
{
	if (p == &me.self)
		return -EDEADLK;
	if (p == &me.parent)
		return -EPERM;
	if (p->started == NULL)
		return -EINVAL;
	return p->started->creator == getpid() ? 0 : -EPERM;
}

/* The creator's pidfd.  While it lives it is our parent; so if it still is our
 * parent after the open, the descriptor is its own and no later namesake's. */
static int parent_fd(void)
{
	int fd = atomic_load_explicit(&me.parent_fd, memory_order_acquire) - 1;
	int none = 0;

	if (fd >= 0)
		return fd;
	fd = (int)syscall(SYS_pidfd_open, me.parent_pid, 0);
	if (fd < 0)
		return -errno;
	if (getppid() != me.parent_pid) {
		close(fd);
		return -ESRCH;
	}
	if (!atomic_compare_exchange_strong(&me.parent_fd, &none, fd + 1)) {
		close(fd);
		fd = none - 1;
	}
	return fd;
}

/* The creator is nobody's child here: it can be watched, not reaped. */
static int join_parent(int64_t timeout_ns)
{
	int fd = parent_fd();

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	return mp_poll(fd, POLLIN, mp_clock_deadline(timeout_ns));
}

int mp_process_join(struct mp_process *p, int64_t timeout_ns)
{
	int error = check(p);

	if (p == &me.parent)
		return join_parent(timeout_ns);
	if (error == 0)
		error = mp_child_wait(&p->started->child, timeout_ns);
	if (error == 0 && p->started->child.end == MP_CHILD_LOST)
		return -ECHILD;
	return error;
}

int mp_process_exitcode(struct mp_process *p, int *code)
{
	int error = check(p), end;

	if (error == 0)
		error = mp_process_join(p, 0);
	if (error == -ETIMEDOUT)
		return 0;
	if (error < 0)
		return error;
	end = p->started->child.end;
	*code = end > 0 ? end - 1 : end;
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
	int error = check(p);

	if (error == -EDEADLK)
		return kill(getpid(), sig) < 0 ? -errno : 0;
	return error < 0 ? error : mp_child_signal(&p->started->child, sig);
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
	struct mp_started *s = p->started;
	int error = check(p);

	if (error == 0)
		error = mp_child_wait(&s->child, 0);
	if (error == -EINVAL)
		return 0;
	if (error < 0)
		return error == -ETIMEDOUT ? -EBUSY : error;
	unlist(s);
	mp_child_close(&s->child);
	free(s);
	p->started = NULL;
	return 0;
}

int mp_process_fd(struct mp_process *p)
{
	int error = check(p);

	if (p == &me.parent)
		return parent_fd();
	return error < 0 ? error : mp_child_fd(&p->started->child);
}

pid_t mp_process_pid(const struct mp_process *p)
{
	if (p == &me.self)
		return getpid();
	if (p == &me.parent)
		return me.parent_pid;
	return p->started == NULL ? 0 : p->started->child.pid;
}

const char *mp_process_name(const struct mp_process *p)
{
	return p->name;
}

struct mp_process *mp_current_process(void)
{
	return &me.self;
}

struct mp_process *mp_parent_process(void)
{
	return me.parent_pid == 0 || me.pid != getpid() ? NULL : &me.parent;
}

int mp_active_children(struct mp_process **v, int n)
{
	int alive = 0;

	if (me.pid != getpid())
		return 0;
	pthread_mutex_lock(&me.lock);
	for (struct mp_started *s = me.children; s != NULL; s = s->next) {
		if (mp_child_wait(&s->child, 0) != -ETIMEDOUT)
			continue;
		if (alive < n)
			v[alive] = s->handle;
		alive++;
	}
	pthread_mutex_unlock(&me.lock);
	return alive;
}
