/* See server.h. */
#include "managers/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "managers/folder.h"
#include "managers/talk.h"
#include "mp/clock.h"

#define WORDS    24
#define LIMIT_NS 30000000000 /* for it to answer */

/* The child: becomes the server, or tells errno and ends. */
__attribute__((noreturn)) static void become(const struct site *s,
					     const char *const *argv,
					     int trouble, pid_t parent)
{
	char *word[WORDS + 1];
	int nowhere = open("/dev/null", O_RDWR), e, n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (int i = 0; i < 3; i++)
		dup2(nowhere, i);
	for (; argv[n] != NULL && n < WORDS; n++)
		word[n] = strcmp(argv[n], SERVER_SOCKET) == 0
				  ? (char *)(uintptr_t)s->path
				  : (char *)(uintptr_t)argv[n];
	word[n] = NULL;
	execvp(word[0], word);
	e = errno;
	_exit(write(trouble, &e, sizeof(e)) == (ssize_t)sizeof(e) ? 127 : 126);
}

/* fork and exec; the error of the exec comes back through a pipe. */
static int launch(struct site *s, const char *const *argv)
{
	int trouble[2], e = 0;
	pid_t parent = getpid();

	if (pipe2(trouble, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	s->server = fork();
	if (s->server == 0)
		become(s, argv, trouble[1], parent);
	close(trouble[1]);
	if (s->server < 0)
		e = errno;
	else if (read(trouble[0], &e, sizeof(e)) != (ssize_t)sizeof(e))
		e = 0;
	close(trouble[0]);
	return -e;
}

/* Until somebody can connect. */
static int await(struct site *s, const char *name)
{
	int64_t limit = mp_clock_deadline(LIMIT_NS);
	struct pollfd gone = { .events = POLLIN };
	int fd = -1;

	gone.fd = (int)syscall(SYS_pidfd_open, s->server, 0);
	while (gone.fd >= 0 && mp_clock_left(limit) > 0) {
		fd = talk_connect(s->path);
		if (fd >= 0 || poll(&gone, 1, 1) != 0)
			break;
	}
	if (gone.fd >= 0)
		close(gone.fd);
	if (fd >= 0)
		close(fd);
	else
		snprintf(s->why, sizeof(s->why),
			 "peer missing: %s does not start; try it by hand",
			 name);
	return fd >= 0 ? 0 : -ECONNREFUSED;
}

int server_start(struct site *s, const char *const *argv)
{
	int e = folder_make(s->path, sizeof(s->path));

	if (e == 0)
		e = launch(s, argv);
	if (e == -ENOENT)
		snprintf(s->why, sizeof(s->why),
			 "peer missing: %s; install it, if you want it beside "
			 "ours",
			 argv[0]);
	if (e == 0)
		e = await(s, argv[0]);
	if (e < 0)
		server_stop(s);
	return e;
}

void server_stop(struct site *s)
{
	if (s->server > 0) {
		kill(s->server, SIGKILL);
		while (waitpid(s->server, NULL, 0) < 0 && errno == EINTR)
			;
	}
	s->server = 0;
	folder_remove();
}

/* ---- which ---- */

int redis_start(struct site *s)
{
	static const char *const argv[] = {
		"redis-server", "--port",      "0",
		"--unixsocket", SERVER_SOCKET, "--unixsocketperm",
		"700",          "--save",      "",
		"--appendonly", "no",          NULL
	};

	return server_start(s, argv);
}

int memcached_start(struct site *s)
{
	static const char *const plain[] = { "memcached", "-s",  SERVER_SOCKET,
					     "-a",        "700", "-t",
					     "1",         "-m",  "64",
					     NULL };
	/* It insists on being told as whom to run. */
	static const char *const root[] = { "memcached", "-s",   SERVER_SOCKET,
					    "-a",        "700",  "-t",
					    "1",         "-m",   "64",
					    "-u",        "root", NULL };

	return server_start(s, geteuid() == 0 ? root : plain);
}
