/* step7_lost.c - to add 1 to an entry takes two requests.  [shows a bug]
 *
 * Build:  cc -O2 -o step7_lost step7_lost.c
 * New:    nothing; the script of lesson 05, with requests for loads and stores
 * Try:    ./step7_lost A.get B.get A.set B.set
 *         ./step7_lost A.get A.set B.get B.set
 * See:    each request by itself is served alone, and no other one comes in
 *         between.  Between two requests another client's can.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { A, B, CLIENTS };
enum op { GET, SET };
struct request {
	enum op op;
	int value;
};
static const char *points[] = { "A.get", "A.set", "B.get", "B.set" };
static const char *usual[] = { "A.get", "B.get", "A.set", "B.set" };
static int pair[CLIENTS][2], got[CLIENTS];

static void serve(void)
{
	struct pollfd p[] = { { pair[A][1], POLLIN, 0 },
			      { pair[B][1], POLLIN, 0 } };
	struct request r;
	int count = 0; /* d['c'] */

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (poll(p, CLIENTS, -1) > 0)
		for (int i = 0; i < CLIENTS; i++) {
			if (!p[i].revents ||
			    recv(p[i].fd, &r, sizeof(r), 0) != sizeof(r))
				continue;
			if (r.op == SET)
				count = r.value;
			send(p[i].fd, &count, sizeof(count), MSG_NOSIGNAL);
		}
}

static int ask(int client, enum op op, int value)
{
	struct request r = { op, value };
	int result;

	if (send(pair[client][0], &r, sizeof(r), MSG_NOSIGNAL) < 0 ||
	    recv(pair[client][0], &result, sizeof(result), 0) <= 0)
		err(1, "no answer");
	return result;
}

/* One point of the script: half of what a client does. */
static int step(const char *point)
{
	static int done[CLIENTS];
	int p = 0, i;

	while (p < 4 && strcmp(points[p], point) != 0)
		p++;
	i = p / 2;
	if (p == 4 || done[i]++ != p % 2)
		errx(2, "'%s' cannot come here", point);
	got[i] = p % 2 == 0 ? ask(i, GET, 0) : ask(i, SET, got[i] + 1);
	printf("%s  %d\n", point, got[i]);
	return got[i];
}

int main(int argc, char *argv[])
{
	int count = 0;

	if (argc != 1 && argc != 5)
		errx(2, "'%s': A.get A.set, mixed with B.get B.set", argv[1]);
	for (int i = 0; i < CLIENTS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair[i]) < 0)
			err(1, "socketpair");
	if (fork() == 0)
		serve();
	for (int i = 0; i < 4; i++)
		count = step(argc > 1 ? argv[1 + i] : usual[i]);
	puts(count == 2 ? "both have added" : "an update is lost");
	return 0;
}
