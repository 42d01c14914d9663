/* redis-benchmark, Redis's own measuring program, as a yardstick beside our
 * clients: one process, which serves all its connections in turn. */
#include "managers/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "managers/server.h"
#include "managers/talk.h"
#include "mp/clock.h"

/* What it calls them; and the test's name in its table. */
static const struct {
	const char *test, *title;
} names[STORE_CASES] = {
	[STORE_GET] = { "get", "\"GET\"," },
	[STORE_SET] = { "set", "\"SET\"," },
	[STORE_APPEND] = { "rpush", "\"RPUSH\"," },
	[STORE_COUNTER] = { "incr", "\"INCR\"," },
};

/* It asks for this key: else it would only be told that there is none. */
static int make_key(const char *path)
{
	static const char request[] =
		"*3\r\n$3\r\nSET\r\n$16\r\nkey:__rand_int__\r\n$64\r\n"
		"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef\r\n";
	char answer[5];
	int fd = talk_connect(path), e;

	if (fd < 0)
		return fd;
	e = talk(fd, request, sizeof(request) - 1, answer, 5, "+OK\r\n");
	close(fd);
	return e;
}

__attribute__((noreturn)) static void become(enum place place, int out,
					     char *const *argv, pid_t parent)
{
	int nowhere = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	manager_move(place);
	dup2(nowhere, 0);
	dup2(out, 1);
	dup2(nowhere, 2);
	execvp(argv[0], argv);
	_exit(127);
}

/* Requests a second, out of a line "GET","12345.67",... */
static double rate_in(FILE *f, const char *title)
{
	char line[512];
	double rate = 0;

	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, title, strlen(title)) == 0)
			rate = strtod(line + strlen(title) + 1, NULL);
	return rate;
}

/* Run it to its end.  Its exit status, or -errno. */
static int run_it(enum place place, char *const *argv, const char *title,
		  double *rate)
{
	int out[2], status = 0;
	pid_t pid, parent = getpid();
	FILE *f;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(place, out[1], argv, parent);
	close(out[1]);
	f = fdopen(out[0], "r");
	*rate = f != NULL && pid > 0 ? rate_in(f, title) : 0;
	if (f != NULL)
		fclose(f);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 ? -EAGAIN : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void measure(struct gb_state *st, char *const *argv, long requests)
{
	const struct manager_user *u = gb_user(st);
	double rate = 0;
	int status =
		run_it(manager_place(st), argv, names[u->what].title, &rate);

	if (status == 127) {
		gb_skip(st, "peer missing: redis-benchmark; install it, if you "
			    "want it beside ours");
	} else if (status != 0 || rate <= 0) {
		gb_error(st, "redis-benchmark ended with %d", status);
	} else {
		gb_operations(st, (uint64_t)requests);
		gb_time(st, (int64_t)((double)requests / rate * 1e9));
	}
}

void manager_yardstick(struct gb_state *st)
{
	const struct manager_user *u = gb_user(st);
	int batch = u->store->batch > 0 ? u->store->batch : 1;
	/* Some times as long as the others: it reads a clock of ms. */
	long requests = 64 + (long)(manager_ns() / 5000) * batch;
	char n[24], clients[24], p[24];
	char *argv[] = { (char *)(uintptr_t) "redis-benchmark",
			 (char *)(uintptr_t) "-s",
			 manager_site.path,
			 (char *)(uintptr_t) "-t",
			 (char *)(uintptr_t)names[u->what].test,
			 (char *)(uintptr_t) "-d",
			 (char *)(uintptr_t) "64",
			 (char *)(uintptr_t) "-n",
			 n,
			 (char *)(uintptr_t) "-c",
			 clients,
			 (char *)(uintptr_t) "-P",
			 p,
			 (char *)(uintptr_t) "--csv",
			 NULL };

	snprintf(n, sizeof(n), "%ld", requests);
	snprintf(clients, sizeof(clients), "%d", manager_site.clients);
	snprintf(p, sizeof(p), "%d", batch);
	if (make_key(manager_site.path) < 0)
		gb_error(st, "redis-server does not answer");
	GB_LOOP(st)
	{
		measure(st, argv, requests);
		if (gb_failed(st))
			break;
	}
}
