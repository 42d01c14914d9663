/* forkserver.c - the creator's side: start, ask, stop.
 *
 * Nobody asks while another's answer is under way, so an answer is always that
 * of the last request.  Where that could fail, the server is killed: then it is
 * gone for all, and nothing is half said.
 */
#include "mp/forkserver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/poll.h"
#include "mp/self.h"
#include "mp/serve.h"
#include "mp/shm.h"

/* Does it run, or did it, for this process? */
static int check(const struct mp_forkserver *s)
{
	if (s->process.started == NULL)
		return -EINVAL;
	return s->process.started->creator == getpid() ? 0 : -EPERM;
}

/* Sleep until there is an answer or no server.  An end of file would tell, too,
 * if it could not be that another child has inherited the server's end. */
static void await_answer(struct mp_forkserver *s)
{
	struct pollfd v[] = {
		{ .fd = s->socket, .events = POLLIN },
		{ .fd = mp_process_fd(&s->process), .events = POLLIN },
	};

	while (mp_poll_many(v, 2, MP_CLOCK_NEVER) == -EINTR)
		;
}

/* One request and its answer; *fd is the descriptor that came with it, or -1,
 * or -EMFILE; spare is one to be closed for it.  An error of the exchange is
 * -EPIPE, or one that kept the request from being sent; a->error is the
 * server's. */
static int ask(struct mp_forkserver *s, const struct mp_request *r,
	       const int *fds, int nfds, int spare, struct mp_answer *a,
	       int *fd)
{
	int got[MP_SERVE_FDS], ngot, error;

	error = mp_serve_send(s->socket, r, sizeof(*r), fds, nfds);
	if (error == 0)
		await_answer(s);
	if (spare >= 0)
		close(spare);
	if (error < 0)
		return error == -ECONNRESET ? -EPIPE : error;
	if (mp_serve_recv(s->socket, a, sizeof(*a), got, &ngot, MSG_DONTWAIT) !=
	    sizeof(*a)) {
		mp_process_kill(&s->process);
		return -EPIPE;
	}
	if (fd != NULL)
		*fd = ngot > 0 ? got[0] : ngot < 0 ? ngot : -1;
	return 0;
}

/* What p's child needs, as a request and its descriptors; their number. */
static int compose(const struct mp_process *p, struct mp_request *r, int *fds)
{
	int n = 0;

	*r = (struct mp_request){ .kind = MP_SERVE_BEAR, .process = *p };
	if (p->shm != NULL) {
		if (p->shm->addr == NULL)
			return -EINVAL;
		r->shm = p->shm->addr;
		r->shm_size = p->shm->size;
		fds[n++] = p->shm->fd;
	}
	for (const int *fd = p->fds; fd != NULL && *fd >= 0; fd++) {
		if (r->nfds == MP_PROCESS_FDS_MAX)
			return -EINVAL;
		r->fds[r->nfds++] = *fd;
		fds[n++] = *fd;
	}
	return n;
}

/* The spare keeps room for the pidfd.  If another thread is quicker to take it,
 * the child is undone, after it has begun to run. */
int mp_forkserver_bear(struct mp_forkserver *s, const struct mp_process *p,
		       struct mp_child *c)
{
	int fds[MP_SERVE_FDS], nfds, spare, fd = -1, error = check(s);
	struct mp_request r;
	struct mp_answer a = { 0 };

	if (error < 0)
		return error;
	nfds = compose(p, &r, fds);
	if (nfds < 0)
		return nfds;
	spare = fcntl(s->socket, F_DUPFD_CLOEXEC, 0);
	if (spare < 0)
		return -errno;
	pthread_mutex_lock(&s->lock);
	error = ask(s, &r, fds, nfds, spare, &a, &fd);
	if (error == 0 && a.error == 0 && fd < 0) {
		r = (struct mp_request){ .kind = MP_SERVE_UNDO, .pid = a.pid };
		error = ask(s, &r, NULL, 0, -1, &a, NULL);
		if (error == 0)
			error = -EMFILE;
	}
	pthread_mutex_unlock(&s->lock);
	if (error == 0)
		error = a.error;
	if (error < 0)
		return error;
	c->pid = a.pid;
	c->server = s;
	atomic_store_explicit(&c->fd, fd + 1, memory_order_relaxed);
	return 0;
}

int mp_forkserver_reap(struct mp_forkserver *s, struct mp_child *c)
{
	struct mp_request r = { .kind = MP_SERVE_REAP, .pid = c->pid };
	struct mp_answer a = { 0 };
	int error = 0;

	pthread_mutex_lock(&s->lock);
	if (atomic_load_explicit(&c->end, memory_order_relaxed) == 0) {
		error = ask(s, &r, NULL, 0, -1, &a, NULL);
		if (error == 0)
			error = a.error;
		if (error == 0) {
			/* Pairs with the acquire in child.c. */
			atomic_store_explicit(&c->end, a.end,
					      memory_order_release);
			error = 1;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return error;
}

int mp_forkserver_start(struct mp_forkserver *s)
{
	int pair[2] = { -1, -1 }, error;

	*s = (struct mp_forkserver){ .socket = -1,
				     .lock = PTHREAD_MUTEX_INITIALIZER,
				     .process = { .target = mp_serve,
						  .arg = pair,
						  .name = "forkserver",
						  .service = true } };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	error = mp_process_start(&s->process);
	close(pair[1]);
	if (error < 0) {
		close(pair[0]);
		return error;
	}
	s->socket = pair[0];
	error = mp_process_fd(&s->process);
	if (error >= 0)
		return 0;
	mp_forkserver_stop(s);
	return error;
}

int mp_forkserver_stop(struct mp_forkserver *s)
{
	int error = check(s);

	if (error < 0)
		return error == -EINVAL ? 0 : error;
	mp_self_end_served(s);
	mp_process_kill(&s->process);
	while (mp_process_join(&s->process, -1) == -EINTR)
		;
	mp_process_close(&s->process);
	close(s->socket);
	s->socket = -1;
	pthread_mutex_destroy(&s->lock);
	return 0;
}
