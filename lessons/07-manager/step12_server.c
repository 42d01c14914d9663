/* step12_server.c - the server is killed, or shut down.  [works]
 *
 * Build:  cc -O2 -o step12_server step12_server.c
 * New:    nothing; the end of file, seen from the other side
 * Try:    ./step12_server
 * See:    three clients wait, and each of them has an error at once.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 3 };
static struct sockaddr_un name;
static socklen_t size;

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

/* Nobody gets an answer.  It tells when all wait, and the next one ends it. */
static void serve(int listener, int all_wait)
{
	char request;

	for (int i = 0; i < CLIENTS; i++)
		recv(accept(listener, NULL, NULL), &request, 1, 0);
	if (write(all_wait, "", 1) == 1)
		accept(listener, NULL, NULL);
	_exit(0);
}

/* 0: it has an answer. */
static int client(void)
{
	int fd = new_socket();
	char c;

	if (connect(fd, (struct sockaddr *)&name, size) < 0)
		return errno;
	send(fd, "a", 1, MSG_NOSIGNAL);
	return recv(fd, &c, 1, 0) == 1 ? 0 : EPIPE;
}

static void try(const char *what, int kills)
{
	int listener = new_socket(), fd[2], status, errors = 0;
	pid_t server, pid[CLIENTS];
	char c;

	name.sun_family = AF_UNIX; /* without a path: the kernel finds a name */
	size = sizeof(name);
	if (bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)) < 0 ||
	    getsockname(listener, (struct sockaddr *)&name, &size) < 0 ||
	    listen(listener, 8) < 0 || pipe(fd) < 0)
		err(1, "bind, listen or pipe");
	if ((server = fork()) == 0)
		serve(listener, fd[1]);
	close(listener);
	for (int i = 0; i < CLIENTS; i++)
		if ((pid[i] = fork()) == 0)
			_exit(client());
	if (server < 0 || read(fd[0], &c, 1) != 1)
		err(1, "fork or read");
	if (!kills || kill(server, SIGKILL) < 0)
		client();
	for (int i = 0; i < CLIENTS; i++)
		errors += waitpid(pid[i], &status, 0) > 0 && status != 0;
	waitpid(server, NULL, 0); /* now its listener is closed, too */
	printf("%s: %d of 3 have an error, ", what, errors);
	printf("the next: %s\n", strerror(client()));
}

int main(void)
{
	try("the server is shut down", 0);
	try("the server is killed", 1);
	return 0;
}
