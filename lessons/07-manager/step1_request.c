/* step1_request.c - one process has the data, the other one asks.  [works]
 *
 * Build:  cc -O2 -o step1_request step1_request.c
 * New:    a request and its answer, over socketpair(SOCK_SEQPACKET)
 * Try:    ./step1_request
 * See:    the count lies in the server only.  Each request is two messages,
 *         and the client sleeps between them.
 */
#include <err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GET, ADD };
struct request {
	int op, value;
};
static int count; /* a copy in each process; the server's is the one */

static int ask(int fd, int op, int value)
{
	struct request r = { op, value };
	int answer;

	if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) != sizeof(answer))
		err(1, "no answer");
	return answer;
}

static void serve(int fd)
{
	struct request r;
	int served = 0;

	while (recv(fd, &r, sizeof(r), 0) == sizeof(r)) {
		if (r.op == ADD)
			count += r.value;
		if (send(fd, &count, sizeof(count), MSG_NOSIGNAL) < 0)
			break;
		served++;
	}
	dprintf(1, "server: the client has gone, after %d requests\n", served);
}

int main(void)
{
	int end[2];
	pid_t server;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) < 0 ||
	    (server = fork()) < 0)
		err(1, "socketpair or fork");
	if (server == 0) {
		close(end[0]);
		serve(end[1]);
		_exit(0);
	}
	close(end[1]);
	dprintf(1, "client: get     %d\n", ask(end[0], GET, 0));
	dprintf(1, "client: add 3   %d\n", ask(end[0], ADD, 3));
	dprintf(1, "client: add 4   %d\n", ask(end[0], ADD, 4));
	dprintf(1, "client: its own %d\n", count);
	close(end[0]);
	waitpid(server, NULL, 0);
	return 0;
}
