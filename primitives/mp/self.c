/* self.c - the list of children, its end, and the creator. */
#include "mp/self.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/fork.h"
#include "mp/poll.h"
#include "mp/trace.h"

#define SECOND INT64_C(1000000000)

struct mp_me mp_me __attribute__((aligned(1024))) = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.self = { .name = "MainProcess" },
};
static_assert(sizeof(mp_me) <= 1024, "on one page");

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Children and creator of another process are nothing to this one, and a thread
 * that held the lock is not here.  A process that the program forked by itself
 * is found out at its first start.  (pthread_atfork would tell at once, and
 * cost every fork of the program 6 µs.) */
static void be_process(pid_t pid, pid_t parent_pid)
{
	int fd = atomic_exchange(&mp_me.parent_fd, 0) - 1;

	for (struct mp_started *s = mp_me.children; s != NULL; s = s->next)
		mp_child_close(&s->child);
	if (fd >= 0)
		close(fd);
	mp_me.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	mp_me.children = NULL;
	mp_me.pid = pid;
	mp_me.parent_pid = parent_pid;
}

static void wait_for(struct mp_started *s)
{
	while (mp_child_wait(&s->child, -1) == -EINTR)
		;
}

static void kill_and_wait(struct mp_started *s)
{
	mp_child_signal(&s->child, SIGKILL);
	wait_for(s);
}

/* Python's way at the creator's end: terminate the daemons, wait for the
 * others.  A daemon that survives SIGTERM does not keep its creator.  Fork
 * servers come last: their children need them. */
static void end_children(void)
{
	struct mp_started *s;

	if (mp_me.pid != getpid())
		return;
	pthread_mutex_lock(&mp_me.lock);
	for (s = mp_me.children; s != NULL; s = s->next)
		if (s->daemon)
			mp_child_signal(&s->child, SIGTERM);
	for (s = mp_me.children; s != NULL; s = s->next)
		if (!s->daemon && !s->service)
			wait_for(s);
	for (s = mp_me.children; s != NULL; s = s->next) {
		if (!s->daemon)
			continue;
		mp_child_wait(&s->child, SECOND);
		kill_and_wait(s);
	}
	for (s = mp_me.children; s != NULL; s = s->next)
		if (s->service)
			kill_and_wait(s);
	pthread_mutex_unlock(&mp_me.lock);
}

static void install(void)
{
	be_process(getpid(), 0);
	atexit(end_children);
}

pid_t mp_self_pid(void)
{
	pid_t pid = getpid();

	pthread_once(&once, install);
	if (mp_me.pid != pid)
		be_process(pid, 0);
	return pid;
}

int mp_self_fork_flags(const struct mp_process *p)
{
	return (p->outlive ? MP_FORK_OUTLIVE : 0) |
	       (p->no_interrupt ? MP_FORK_NO_INTERRUPT : 0) |
	       (p->service ? MP_FORK_BLOCKED : 0);
}

int mp_self_live(struct mp_process *p, pid_t creator)
{
	int code;

	mp_me.parent = mp_me.self;
	mp_me.self = *p;
	be_process(getpid(), creator);
	atomic_store_explicit(&mp_me.handles, 0, memory_order_relaxed);

	mp_trace_lane(p->name);
	mp_trace_begin(MP_TRACE_RUN, p->name);
	code = p->target(p->arg);
	mp_trace_end();
	if (mp_me.children != NULL)
		end_children();
	return code;
}

void mp_self_add(struct mp_started *s)
{
	pthread_mutex_lock(&mp_me.lock);
	s->next = mp_me.children;
	mp_me.children = s;
	pthread_mutex_unlock(&mp_me.lock);
}

void mp_self_remove(struct mp_started *s)
{
	struct mp_started **link;

	pthread_mutex_lock(&mp_me.lock);
	for (link = &mp_me.children; *link != NULL; link = &(*link)->next) {
		if (*link == s) {
			*link = s->next;
			break;
		}
	}
	pthread_mutex_unlock(&mp_me.lock);
}

void mp_self_end_served(struct mp_forkserver *server)
{
	struct mp_started *s;

	pthread_mutex_lock(&mp_me.lock);
	for (s = mp_me.children; s != NULL; s = s->next) {
		if (s->child.server != server)
			continue;
		if (!s->outlive)
			kill_and_wait(s);
		mp_child_lose(&s->child);
	}
	pthread_mutex_unlock(&mp_me.lock);
}

/* While the creator lives it is our parent; so if it still is our parent after
 * the open, the descriptor is its own and no later namesake's. */
int mp_self_parent_fd(void)
{
	int fd = atomic_load_explicit(&mp_me.parent_fd, memory_order_acquire) -
		 1;
	int none = 0;

	if (fd >= 0)
		return fd;
	fd = (int)syscall(SYS_pidfd_open, mp_me.parent_pid, 0);
	if (fd < 0)
		return -errno;
	if (getppid() != mp_me.parent_pid) {
		close(fd);
		return -ESRCH;
	}
	if (!atomic_compare_exchange_strong(&mp_me.parent_fd, &none, fd + 1)) {
		close(fd);
		fd = none - 1;
	}
	return fd;
}

/* The creator is nobody's child here: it can be watched, not reaped. */
int mp_self_join_parent(int64_t timeout_ns)
{
	int fd = mp_self_parent_fd();

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	return mp_poll(fd, POLLIN, mp_clock_deadline(timeout_ns));
}

struct mp_process *mp_current_process(void)
{
	return &mp_me.self;
}

struct mp_process *mp_parent_process(void)
{
	return mp_me.parent_pid == 0 || mp_me.pid != getpid() ? NULL
							      : &mp_me.parent;
}

int mp_active_children(struct mp_process **v, int n)
{
	int alive = 0;

	if (mp_me.pid != getpid())
		return 0;
	pthread_mutex_lock(&mp_me.lock);
	for (struct mp_started *s = mp_me.children; s != NULL; s = s->next) {
		if (s->service || mp_child_wait(&s->child, 0) != -ETIMEDOUT)
			continue;
		if (alive < n)
			v[alive] = s->handle;
		alive++;
	}
	pthread_mutex_unlock(&mp_me.lock);
	return alive;
}
