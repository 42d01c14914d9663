/* step5_epoll.c - take what is there, keep it, go on with the others.  [works]
 *
 * Build:  cc -O2 -o step5_epoll step5_epoll.c
 * New:    epoll_create1(), epoll_ctl(), epoll_wait()
 * Try:    ./step5_epoll
 * See:    the same two clients.  The server keeps A's half in a buffer of A's
 *         own, and B has its answer at once.
 */
#include <err.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { A, B, CLIENTS, REQUEST = 4 }; /* a request: the word "add\n" */
static int ours[CLIENTS], count;
static struct client {
	int fd, got;
	char request[REQUEST];
} clients[CLIENTS];

static void answer(int fd)
{
	count++;
	if (send(fd, &count, sizeof(count), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		err(1, "send");
}

static void serve(int ep)
{
	struct epoll_event e;

	while (epoll_wait(ep, &e, 1, -1) == 1) {
		struct client *c = e.data.ptr;
		ssize_t n = recv(c->fd, c->request + c->got,
				 (size_t)(REQUEST - c->got), MSG_DONTWAIT);

		if (n <= 0)
			_exit(1);
		c->got += (int)n;
		if (c->got == REQUEST) {
			c->got = 0;
			answer(c->fd);
		}
	}
}

static void say(int i, const char *bytes, size_t size)
{
	if (send(ours[i], bytes, size, MSG_NOSIGNAL) < 0)
		err(1, "send");
}

static int hear(int i)
{
	int n;

	return recv(ours[i], &n, sizeof(n), 0) == sizeof(n) ? n : -1;
}

int main(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), end[2];
	pid_t server;

	for (int i = 0; i < CLIENTS; i++) {
		struct epoll_event e = { EPOLLIN, { .ptr = &clients[i] } };

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, end) < 0 ||
		    epoll_ctl(ep, EPOLL_CTL_ADD, end[1], &e) < 0)
			err(1, "epoll_ctl or socketpair");
		ours[i] = end[0];
		clients[i].fd = end[1];
	}
	if ((server = fork()) < 0)
		err(1, "fork");
	if (server == 0 && close(ours[A]) == 0 && close(ours[B]) == 0)
		serve(ep);
	say(A, "ad", 2);
	printf("A has sent half a request\n");
	say(B, "add\n", 4);
	printf("B has sent a whole one\n");
	printf("B hears %d\n", hear(B));
	say(A, "d\n", 2);
	printf("A has sent the other half\n");
	printf("A hears %d\n", hear(A));
	return 0;
}
