/* step4_slow.c - a client that sends half a request.  [shows a bug]
 *
 * Build:  cc -O2 -o step4_slow step4_slow.c
 * New:    nothing; poll() and a loop around recv(), as in lesson 04
 * Try:    ./step4_slow
 * See:    B sends a whole request and gets no answer, as long as A likes.
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { A, B, CLIENTS, REQUEST = 4 }; /* a request: the word "add\n" */
static int ours[CLIENTS], theirs[CLIENTS], count;

static void answer(int fd)
{
	count++;
	if (send(fd, &count, sizeof(count), MSG_NOSIGNAL) < 0)
		err(1, "send");
}

static void serve(void)
{
	struct pollfd p[CLIENTS] = { { theirs[A], POLLIN, 0 },
				     { theirs[B], POLLIN, 0 } };
	char request[REQUEST];

	while (poll(p, CLIENTS, -1) > 0)
		for (int i = 0; i < CLIENTS; i++)
			if (p[i].revents) {
				if (recv(p[i].fd, request, REQUEST,
					 MSG_WAITALL) != REQUEST)
					_exit(1);
				answer(p[i].fd);
			}
}

static void say(int i, const char *bytes, size_t size)
{
	if (send(ours[i], bytes, size, MSG_NOSIGNAL) < 0)
		err(1, "send");
}

/* The answer, or -1: none has come for so many ms. */
static int hear(int i, int ms)
{
	struct pollfd p = { ours[i], POLLIN, 0 };
	int n;

	if (poll(&p, 1, ms) == 0)
		return -1;
	return recv(ours[i], &n, sizeof(n), 0) == sizeof(n) ? n : -1;
}

int main(void)
{
	pid_t server;

	for (int i = 0; i < CLIENTS; i++) {
		int end[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, end) < 0)
			err(1, "socketpair");
		ours[i] = end[0];
		theirs[i] = end[1];
	}
	if ((server = fork()) < 0)
		err(1, "fork");
	if (server == 0 && close(ours[A]) == 0 && close(ours[B]) == 0)
		serve();
	say(A, "ad", 2);
	printf("A has sent half a request\n");
	say(B, "add\n", 4);
	printf("B has sent a whole one\n");
	printf("B %s\n", hear(B, 100) < 0 ? "hears nothing" : "has its answer");
	say(A, "d\n", 2);
	printf("A has sent the other half\n");
	printf("A hears %d\n", hear(A, -1));
	printf("B hears %d\n", hear(B, -1));
	return 0;
}
