/* serve.c - the life of a fork server: receive, fork, answer.
 *
 * It has one thread, allocates nothing, and keeps nothing open of what goes
 * through it.  All signals but SIGTERM are blocked, so that Ctrl-C and the like
 * are left to the creator; a child begins with none blocked (fork.c).
 */
#include "mp/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/fork.h"
#include "mp/self.h"

/* What a child that cannot begin ends with. */
#define CANNOT_BEGIN 255

/* ---- messages ---- */

struct letter {
	struct iovec v;
	struct msghdr m;
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) *
						      MP_SERVE_FDS)];
};

static void wrap(struct letter *l, const void *data, size_t size, int nfds)
{
	memset(l, 0, sizeof(*l));
	l->v = (struct iovec){ (void *)(uintptr_t)data, size };
	l->m.msg_iov = &l->v;
	l->m.msg_iovlen = 1;
	if (nfds == 0)
		return;
	l->m.msg_control = l->room;
	l->m.msg_controllen = CMSG_LEN(sizeof(int) * (size_t)nfds);
}

int mp_serve_send(int socket, const void *data, size_t size, const int *fds,
		  int nfds)
{
	struct letter l;
	struct cmsghdr *h;

	wrap(&l, data, size, nfds);
	if (nfds > 0) {
		h = CMSG_FIRSTHDR(&l.m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = l.m.msg_controllen;
		memcpy(CMSG_DATA(h), fds, sizeof(int) * (size_t)nfds);
	}
	while (sendmsg(socket, &l.m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		close(fds[i]);
}

ssize_t mp_serve_recv(int socket, void *data, size_t size, int *fds, int *nfds,
		      int flags)
{
	struct letter l;
	struct cmsghdr *h;
	ssize_t n;

	wrap(&l, data, size, MP_SERVE_FDS);
	while ((n = recvmsg(socket, &l.m, flags | MSG_CMSG_CLOEXEC)) < 0)
		if (errno != EINTR)
			return -errno;
	*nfds = 0;
	h = CMSG_FIRSTHDR(&l.m);
	if (h != NULL && h->cmsg_type == SCM_RIGHTS) {
		*nfds = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(h), sizeof(int) * (size_t)*nfds);
	}
	if (l.m.msg_flags & MSG_CTRUNC) {
		close_all(fds, *nfds);
		*nfds = -EMFILE;
	}
	return n;
}

/* ---- a child ---- */

struct birth {
	struct mp_request *request;
	int socket, spare; /* the server's own */
	int fds[MP_SERVE_FDS], nfds;
};

/* Give each descriptor its number.  One that lies where another belongs is
 * moved out of the way first. */
static int renumber(int *fds, const int *to, int n)
{
	for (int i = 0; i < n; i++) {
		if (fds[i] == to[i])
			continue;
		for (int k = i + 1; k < n; k++) {
			if (fds[k] != to[i])
				continue;
			fds[k] = fcntl(fds[k], F_DUPFD_CLOEXEC, 0);
			if (fds[k] < 0)
				return -errno;
		}
		if (dup3(fds[i], to[i], O_CLOEXEC) < 0)
			return -errno;
		close(fds[i]);
	}
	return 0;
}

static int settle(struct birth *b)
{
	struct mp_request *r = b->request;
	int *fds = b->fds;

	close(b->socket);
	close(b->spare);
	if (r->shm != NULL) {
		if (mmap(r->shm, r->shm_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fds[0], 0) == MAP_FAILED)
			return -errno;
		close(*fds++);
	}
	return renumber(fds, r->fds, r->nfds);
}

static int live(void *birth)
{
	struct birth *b = birth;
	struct mp_process *p = &b->request->process;
	struct mp_started started = { .handle = p, .creator = mp_me.pid };

	if (settle(b) < 0)
		return CANNOT_BEGIN;
	p->started = &started;
	return mp_self_live(p, mp_me.pid);
}

/* ---- the server ---- */

static void undo(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The child runs as soon as it is there: what it needs must be there before.
 * The spare descriptor makes room for its pidfd. */
static void bear(struct birth *b, struct mp_answer *a, int *pidfd)
{
	if (b->nfds < 0) {
		a->error = b->nfds;
		return;
	}
	b->spare = fcntl(b->socket, F_DUPFD_CLOEXEC, 0);
	if (b->spare < 0) {
		a->error = -errno;
		return;
	}
	a->pid = mp_fork(live, b, mp_self_fork_flags(&b->request->process));
	close(b->spare);
	if (a->pid < 0) {
		a->error = a->pid;
		return;
	}
	*pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
	if (*pidfd < 0) { /* the system is out of memory, or of files */
		a->error = -errno;
		undo(a->pid);
	}
}

static void reap(pid_t pid, struct mp_answer *a)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG) < 0)
		a->error = -errno;
	else if (si.si_pid == 0)
		a->error = -EAGAIN;
	else
		a->end = mp_child_end(si.si_code, si.si_status);
}

static int answer(struct birth *b)
{
	struct mp_answer a = { 0 };
	int pidfd = -1, error;

	switch (b->request->kind) {
	case MP_SERVE_BEAR:
		bear(b, &a, &pidfd);
		break;
	case MP_SERVE_REAP:
		reap(b->request->pid, &a);
		break;
	case MP_SERVE_UNDO:
		undo(b->request->pid);
		break;
	}
	close_all(b->fds, b->nfds);
	error = mp_serve_send(b->socket, &a, sizeof(a), &pidfd, pidfd >= 0);
	if (pidfd >= 0)
		close(pidfd);
	return error;
}

int mp_serve(void *arg)
{
	const int *pair = arg;
	struct mp_request r;
	struct birth b = { .request = &r, .socket = pair[1] };
	sigset_t blocked;

	close(pair[0]);
	sigfillset(&blocked);
	sigdelset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	while (mp_serve_recv(b.socket, &r, sizeof(r), b.fds, &b.nfds, 0) ==
	       sizeof(r))
		if (answer(&b) < 0)
			break;
	return 0;
}
