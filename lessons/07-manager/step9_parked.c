/* step9_parked.c - a lock in the server: whoever waits is parked.  [works]
 *
 * Build:  cc -O2 -o step9_parked step9_parked.c
 * New:    a request that is answered later
 * Try:    ./step9_parked
 * See:    B's request has no answer yet, and C is served meanwhile.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { A, B, C, CLIENTS };
enum op { ACQUIRE, RELEASE, QUEUED };
static int pair[CLIENTS][2];

static void answer(int client, int result)
{
	send(pair[client][1], &result, sizeof(result), MSG_NOSIGNAL);
}

static void handle(int client, enum op op)
{
	static int queue[CLIENTS];
	static unsigned head, tail; /* queue[head] has it, the others wait */

	if (op == ACQUIRE) {
		queue[tail++ % CLIENTS] = client;
		if (tail - head > 1)
			return; /* parked: a release will answer */
	}
	if (op == RELEASE && ++head < tail)
		answer(queue[head % CLIENTS], 1);
	answer(client, (int)(tail - head));
}

static void serve(void)
{
	struct pollfd p[CLIENTS];
	enum op op;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < CLIENTS; i++)
		p[i] = (struct pollfd){ pair[i][1], POLLIN, 0 };
	while (poll(p, CLIENTS, -1) > 0)
		for (int i = 0; i < CLIENTS; i++)
			if (p[i].revents &&
			    recv(p[i].fd, &op, sizeof(op), 0) == sizeof(op))
				handle(i, op);
}

static int ask(int client, enum op op)
{
	int result;

	if (send(pair[client][0], &op, sizeof(op), MSG_NOSIGNAL) < 0 ||
	    recv(pair[client][0], &result, sizeof(result), 0) <= 0)
		err(1, "no answer");
	return result;
}

int main(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair[i]) < 0)
			err(1, "socketpair");
	if (fork() == 0)
		serve();
	ask(A, ACQUIRE);
	dprintf(1, "A has the lock\n");
	if (fork() == 0) {
		ask(B, ACQUIRE);
		dprintf(1, "B has the lock\n");
		ask(B, RELEASE);
		_exit(0);
	}
	while (ask(C, QUEUED) < 2)
		; /* until B's request has come */
	dprintf(1, "B waits, C has an answer: %d at the lock\n",
		ask(C, QUEUED));
	dprintf(1, "A releases it\n");
	ask(A, RELEASE);
	wait(NULL); /* for B; the server never ends */
	dprintf(1, "C has an answer: %d at the lock\n", ask(C, QUEUED));
	return 0;
}
