/* step10_killed.c - a waiter is killed, and the holder.  [works]
 *
 * Build:  cc -O2 -o step10_killed step10_killed.c
 * New:    the end of file takes a client out of the queue
 * Try:    ./step10_killed
 * Kill:   ./step10_killed
 * See:    nobody passes the lock to the dead, and C is told of A's death.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pollfd client[3];       /* A, B, C: the server's ends */
static int clients, queue[3], length; /* queue[0] has the lock */
static pid_t pid[3];

static void answer(int i, int died)
{
	send(client[i].fd, &died, sizeof(died), MSG_NOSIGNAL);
}

/* Its place is free; if it was the first, the next one has the lock. */
static void leave(int i)
{
	int first = queue[0], kept = 0;

	for (int k = 0; k < length; k++)
		if (queue[k] != i)
			queue[kept++] = queue[k];
	length = kept;
	if (first == i && length > 0)
		answer(queue[0], 1);
}

/* Here the parent is the server: until so many have the lock or wait for it. */
static void serve_until(int n)
{
	char acquire;

	while (length != n && poll(client, (nfds_t)clients, -1) > 0)
		for (int i = 0; i < clients; i++) {
			if (client[i].revents == 0)
				continue;
			if (recv(client[i].fd, &acquire, 1, 0) == 1) {
				queue[length] = i;
				if (length++ == 0)
					answer(i, 0);
			} else { /* end of file: it has ended, however */
				leave(i);
				client[i].fd = -1;
			}
		}
}

static void start(void)
{
	int end[2], died = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, end) < 0 ||
	    (pid[clients] = fork()) < 0)
		err(1, "socketpair or fork");
	if (pid[clients] == 0) {
		send(end[0], "a", 1, MSG_NOSIGNAL); /* acquire */
		while (recv(end[0], &died, sizeof(died), 0) > 0 && !died)
			; /* A has it now, and keeps it */
		if (died)
			dprintf(1, "C has the lock: its holder has died\n");
		_exit(0);
	}
	close(end[0]); /* now only the client has it */
	client[clients++] = (struct pollfd){ end[1], POLLIN, 0 };
	serve_until(clients);
}

int main(void)
{
	while (clients < 3)
		start();
	dprintf(1, "A has the lock, B and C wait: %d\n", length);
	kill(pid[1], SIGKILL);
	serve_until(2);
	dprintf(1, "B is killed: %d; A is killed\n", length);
	kill(pid[0], SIGKILL);
	serve_until(0);
	dprintf(1, "C has ended: %d\n", length);
	return 0;
}
