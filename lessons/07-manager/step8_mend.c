/* step8_mend.c - two ways to make the two requests one step.  [works]
 *
 * Build:  cc -O2 -o step8_mend step8_mend.c
 * New:    an operation of the server: add, compare and set
 * Try:    ./step8_mend
 * See:    A and B begin together, twice, and no update is lost.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { A, B, CLIENTS };
enum op { GET, ADD, CAS };
struct request {
	enum op op;
	int value, old;
};
static int pair[CLIENTS][2];

static void answer(int fd, const struct request *r)
{
	static int count; /* d['c'] */
	int result = count;

	if (r->op == ADD)
		result = count += r->value;
	if (r->op == CAS && count == r->old) /* the result is what it was */
		count = r->value;
	send(fd, &result, sizeof(result), MSG_NOSIGNAL);
}

static void serve(void)
{
	struct pollfd p[] = { { pair[A][1], POLLIN, 0 },
			      { pair[B][1], POLLIN, 0 } };
	struct request r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (poll(p, CLIENTS, -1) > 0)
		for (int i = 0; i < CLIENTS; i++)
			if (p[i].revents &&
			    recv(p[i].fd, &r, sizeof(r), 0) == sizeof(r))
				answer(p[i].fd, &r);
}

static int request(int client, enum op op, const char *name, int value, int old)
{
	struct request r = { op, value, old };
	int result;

	if (send(pair[client][0], &r, sizeof(r), MSG_NOSIGNAL) < 0 ||
	    recv(pair[client][0], &result, sizeof(result), 0) <= 0)
		err(1, "no answer");
	printf("  %-10s %d\n", name, result);
	return result;
}

#define ask(client, op, value, old) \
	request(client, op, #client "." #op, value, old)

int main(void)
{
	int old[CLIENTS], found;

	for (int i = 0; i < CLIENTS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair[i]) < 0)
			err(1, "socketpair");
	if (fork() == 0)
		serve();
	puts("an operation");
	ask(A, ADD, 1, 0);
	ask(B, ADD, 1, 0);
	puts("compare and set");
	old[A] = ask(A, GET, 0, 0);
	old[B] = ask(B, GET, 0, 0);
	ask(A, CAS, old[A] + 1, old[A]);
	found = ask(B, CAS, old[B] + 1, old[B]);
	if (found != old[B]) /* somebody was quicker: once more, from there */
		ask(B, CAS, found + 1, found);
	printf("four updates, the count is %d\n", ask(A, GET, 0, 0));
	return 0;
}
