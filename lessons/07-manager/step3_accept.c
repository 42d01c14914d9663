/* step3_accept.c - clients that are no children: who is it?  [works]
 *
 * Build:  cc -O2 -o step3_accept step3_accept.c
 * New:    bind(), listen(), accept(), connect(), SO_PEERCRED
 * Try:    ./step3_accept
 * See:    the client says that it is process 1.  The kernel knows better.  An
 *         address can be there without anybody who listens.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un address = { .sun_family = AF_UNIX };

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

/* A descriptor, or -1. */
static int try_connect(void)
{
	int fd = new_socket();

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}

static void client(void)
{
	static const char words[] = "I am process 1, let me in";
	int fd = try_connect();

	if (fd < 0 || send(fd, words, sizeof(words), MSG_NOSIGNAL) < 0)
		err(1, "connect or send");
}

int main(void)
{
	char folder[] = "/tmp/step3.XXXXXX", words[100] = "";
	int listener = new_socket(), fd;
	struct ucred who;
	socklen_t size = sizeof(who);
	struct stat s;
	pid_t pid;

	if (!mkdtemp(folder))
		err(1, "%s", folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	umask(0177); /* only this user may connect */
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0 || stat(address.sun_path, &s) < 0)
		err(1, "bind, listen or stat");
	dprintf(1, "a path in the file system, mode %o\n", s.st_mode & 0777);
	if ((pid = fork()) == 0) {
		client();
		_exit(0);
	}
	if (pid < 0 || (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0 ||
	    recv(fd, words, sizeof(words) - 1, 0) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		err(1, "fork, accept, recv or getsockopt");
	waitpid(pid, NULL, 0);
	dprintf(1, "the client says: %s\n", words);
	dprintf(1, "the kernel says: %s, of %s\n",
		who.pid == pid ? "it is the child" : "it is another",
		who.uid == getuid() ? "our user" : "another user");
	close(listener);
	dprintf(1, "nobody listens:  %s\n",
		try_connect() < 0 ? strerror(errno) : "connected");
	unlink(address.sun_path);
	dprintf(1, "no path:         %s\n",
		try_connect() < 0 ? strerror(errno) : "connected");
	rmdir(folder);
	return 0;
}
