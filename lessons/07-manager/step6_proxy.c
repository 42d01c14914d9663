/* step6_proxy.c - a dict and a list that lie elsewhere: proxies.  [works]
 *
 * Build:  cc -O2 -o step6_proxy step6_proxy.c
 * New:    a proxy: functions like a dict's, and each of them is a request
 * Try:    ./step6_proxy
 * See:    what one client sets the other gets, and what it gets is a copy.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { A, B, CLIENTS, MOST = 8 };
enum op { SET, GET, APPEND, ALL };
struct request {
	enum op op;
	unsigned char key; /* one byte, so that it fits on a page */
	int value;
};
struct list {
	int length, item[MOST];
};
static int pair[CLIENTS][2]; /* ours, the server's; SEQPACKET: no halves */

static void answer(int fd, const struct request *r)
{
	static int dict[256];
	static struct list list;
	struct list result = { 1, { 0 } };

	if (r->op == SET)
		dict[r->key] = r->value;
	if (r->op == APPEND && list.length < MOST)
		list.item[list.length++] = r->value;
	result.item[0] = dict[r->key];
	send(fd, r->op == ALL ? &list : &result, sizeof(list), MSG_NOSIGNAL);
}

static void serve(void)
{
	struct pollfd p[] = { { pair[A][1], POLLIN, 0 },
			      { pair[B][1], POLLIN, 0 } };
	struct request r;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with its parent */
	while (poll(p, CLIENTS, -1) > 0)
		for (int i = 0; i < CLIENTS; i++)
			if (p[i].revents &&
			    recv(p[i].fd, &r, sizeof(r), 0) == sizeof(r))
				answer(p[i].fd, &r);
}

static struct list ask(int client, enum op op, unsigned char key, int value)
{
	struct request r = { op, key, value };
	struct list result;

	if (send(pair[client][0], &r, sizeof(r), MSG_NOSIGNAL) < 0 ||
	    recv(pair[client][0], &result, sizeof(result), 0) <= 0)
		err(1, "no answer");
	return result;
}
#define dict_set(client, key, value) ask(client, SET, key, value)
#define dict_get(client, key)        ask(client, GET, key, 0).item[0]
#define list_append(client, value)   ask(client, APPEND, 0, value)
#define list_all(client)             ask(client, ALL, 0, 0)

int main(void)
{
	struct list copy;

	for (int i = 0; i < CLIENTS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair[i]) < 0)
			err(1, "socketpair");
	if (fork() == 0)
		serve();
	dict_set(A, 'c', 3);
	list_append(A, 7);
	printf("A: d['c'] = 3, l.append(7)\n");
	copy = list_all(B);
	printf("B: d['c'] is %d, l is [%d]\n", dict_get(B, 'c'), copy.item[0]);
	copy.item[copy.length++] = 8;
	printf("B appends 8 to what it got: l has %d\n", list_all(A).length);
	list_append(B, 8);
	printf("B: l.append(8):             l has %d\n", list_all(A).length);
	return 0;
}
