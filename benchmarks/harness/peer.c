/* See peer.h. */
#include "harness/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"

#ifndef PEERS
#error "PEERS: the folder of the peers' scripts"
#endif

static const char *python = "python3";

const char *peer_take_python(const char *path)
{
	if (*path == '\0')
		return "the path of a Python 3 is wanted";
	python = path;
	return NULL;
}

/* The child: becomes the peer, or tells errno and ends. */
__attribute__((noreturn)) static void become(const struct peer *p, int fd,
					     int trouble, pid_t parent)
{
	char script[4096];
	int e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(fd, 0);
	dup2(fd, 1);
	if (p->setting != NULL)
		putenv((char *)(uintptr_t)p->setting);
	if (p->program != NULL) {
		execl(p->program, p->program, (char *)NULL);
	} else {
		snprintf(script, sizeof(script), "%s/%s", PEERS, p->script);
		execlp(python, python, script, (char *)NULL);
	}
	e = errno;
	_exit(write(trouble, &e, sizeof(e)) == (ssize_t)sizeof(e) ? 127 : 126);
}

static void forget(struct peer *p)
{
	close(p->fd);
	close(p->pidfd);
	p->pid = 0;
}

static void end(struct peer *p)
{
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	forget(p);
}

/* fork and exec; the error of the exec comes back through a pipe. */
static int launch(struct peer *p)
{
	int pair[2], trouble[2], e = 0;
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (pipe2(trouble, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	p->pid = fork();
	if (p->pid == 0)
		become(p, pair[1], trouble[1], parent);
	close(pair[1]);
	close(trouble[1]);
	p->fd = pair[0];
	p->pidfd = p->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pid < 0 || p->pidfd < 0)
		e = errno;
	else if (read(trouble[0], &e, sizeof(e)) != (ssize_t)sizeof(e))
		e = 0;
	close(trouble[0]);
	if (e != 0 && p->pid > 0)
		end(p);
	return -e;
}

/* Who it is, in a sentence. */
static const char *name_of(const struct peer *p)
{
	const char *slash;

	if (p->program == NULL)
		return p->script;
	slash = strrchr(p->program, '/');
	return slash != NULL ? slash + 1 : p->program;
}

/* Read up to the newline, which becomes the end of the string. */
static int read_line(struct peer *p, int64_t deadline)
{
	size_t n = 0;

	for (;;) {
		struct pollfd fds[2] = { { p->fd, POLLIN, 0 },
					 { p->pidfd, POLLIN, 0 } };
		int64_t left = mp_clock_left(deadline) / 1000000;
		ssize_t got;

		if (p->size - n < 4096) {
			p->size = p->size * 2 + 8192;
			p->answer = realloc(p->answer, p->size);
			if (p->answer == NULL)
				return -ENOMEM;
		}
		if (poll(fds, 2, (int)left) == 0 || left == 0)
			return -ETIMEDOUT;
		if ((fds[0].revents & POLLIN) == 0 && fds[1].revents != 0)
			return -EPIPE;
		got = recv(p->fd, p->answer + n, p->size - n - 1, 0);
		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EINTR)
			return -errno;
		n += got > 0 ? (size_t)got : 0;
		if (n > 0 && p->answer[n - 1] == '\n') {
			p->answer[n - 1] = '\0';
			return 0;
		}
	}
}

static int hear(struct peer *p, char **answer)
{
	int64_t limit = PEER_TIMEOUT_S * 1000000000LL;
	int e = read_line(p, mp_clock_deadline(limit));

	if (e < 0) {
		snprintf(p->why, sizeof(p->why), "peer %s %s", name_of(p),
			 e == -ETIMEDOUT ? "is silent and was killed" : "died");
		end(p);
		return e;
	}
	if (strncmp(p->answer, "ok ", 3) != 0) {
		snprintf(p->why, sizeof(p->why), "peer %s: %.120s", name_of(p),
			 p->answer);
		return -EPROTO;
	}
	*answer = p->answer + 3;
	return 0;
}

/* why: of the exec, or NULL: it started, and was not what it should be. */
static void missing(struct peer *p, const char *why)
{
	if (p->program != NULL)
		snprintf(p->why, sizeof(p->why),
			 "peer missing: %s (%s); build it again: make",
			 name_of(p), why != NULL ? why : "it does not start");
	else if (why != NULL)
		snprintf(p->why, sizeof(p->why),
			 "peer missing: %s (%s); --python names another",
			 python, why);
	else
		snprintf(p->why, sizeof(p->why),
			 "peer missing: %s does not start under %s; "
			 "--python names another",
			 p->script, python);
}

int peer_start(struct peer *p)
{
	char *about;

	if (p->pid > 0)
		return 0;
	if (p->broken == 0)
		p->broken = launch(p);
	if (p->broken < 0 && p->why[0] == '\0')
		missing(p, strerror(-p->broken));
	if (p->broken < 0)
		return p->broken;
	p->broken = hear(p, &about); /* its first line says who it is */
	if (p->broken < 0) {
		missing(p, NULL);
		if (p->pid > 0)
			end(p);
		return p->broken;
	}
	snprintf(p->about, sizeof(p->about), "%s", about);
	return 0;
}

int peer_ask(struct peer *p, char **answer, const char *format, ...)
{
	char question[256];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(question, sizeof(question), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(question))
		return -EINVAL;
	if (send(p->fd, question, (size_t)n, MSG_NOSIGNAL) != n) {
		snprintf(p->why, sizeof(p->why), "peer %s died", name_of(p));
		end(p);
		return -EPIPE;
	}
	return hear(p, answer);
}

void peer_stop(struct peer *p)
{
	struct pollfd gone = { p->pidfd, POLLIN, 0 };

	if (p->pid <= 0)
		return;
	shutdown(p->fd, SHUT_RDWR); /* the end of its input */
	poll(&gone, 1, 2000);
	end(p);
	free(p->answer);
	p->answer = NULL;
	p->size = 0;
}
