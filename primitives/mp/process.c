/* process.c - handles of children: how they are made, asked and given back.
 *
 * The list of children, and who we are ourselves, is self.c; the end of a child
 * is child.c, its birth fork.c, or, with a fork server, forkserver.c.
 */
#include "mp/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mp/fork.h"
#include "mp/self.h"
#include "mp/serve.h"

static int live(void *handle)
{
	struct mp_process *p = handle;

	return mp_self_live(p, p->started->creator);
}

int mp_process_init(struct mp_process *p, int (*target)(void *), void *arg,
		    const struct mp_process_options *o)
{
	const char *above = mp_me.self.identity;
	uint32_t n;

	*p = (struct mp_process){ .target = target, .arg = arg };
	if (target == NULL)
		return -EINVAL;
	n = atomic_fetch_add_explicit(&mp_me.handles, 1, memory_order_relaxed) +
	    1;
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
	p->no_interrupt = o->no_interrupt;
	p->server = o->server;
	p->shm = o->shm;
	p->fds = o->fds;
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
	pid_t pid;
	int error;

	if (p->started != NULL)
		return -EALREADY;
	pid = mp_self_pid();
	s = malloc(sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	*s = (struct mp_started){ .handle = p,
				  .creator = pid,
				  .daemon = p->daemon,
				  .outlive = p->outlive,
				  .service = p->service };
	p->started = s;
	if (p->server != NULL) {
		error = mp_forkserver_bear(p->server, p, &s->child);
	} else {
		error = mp_fork(live, p, mp_self_fork_flags(p));
		s->child.pid = error;
	}
	if (error < 0) {
		p->started = NULL;
		free(s);
		return error;
	}
	mp_self_add(s);
	return 0;
}

/* Is p a child of the calling process? */
static int check(const struct mp_process *p)
{
	if (p == &mp_me.self)
		return -EDEADLK;
	if (p == &mp_me.parent)
		return -EPERM;
	if (p->started == NULL)
		return -EINVAL;
	return p->started->creator == getpid() ? 0 : -EPERM;
}

int mp_process_join(struct mp_process *p, int64_t timeout_ns)
{
	int error = check(p);

	if (p == &mp_me.parent)
		return mp_self_join_parent(timeout_ns);
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
	mp_self_remove(s);
	mp_child_close(&s->child);
	free(s);
	p->started = NULL;
	return 0;
}

int mp_process_fd(struct mp_process *p)
{
	int error = check(p);

	if (p == &mp_me.parent)
		return mp_self_parent_fd();
	return error < 0 ? error : mp_child_fd(&p->started->child);
}

pid_t mp_process_pid(const struct mp_process *p)
{
	if (p == &mp_me.self)
		return getpid();
	if (p == &mp_me.parent)
		return mp_me.parent_pid;
	return p->started == NULL ? 0 : p->started->child.pid;
}

const char *mp_process_name(const struct mp_process *p)
{
	return p->name;
}
