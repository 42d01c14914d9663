/* manager-door.c - how clients come in: children by the door, strangers by the
 * listener.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mp/manager-own.h"
#include "mp/pipe-ring.h"
#include "mp/serve.h"

static struct mp_client *new_client(void)
{
	struct mp_client *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->pidfd = -1;
	return c;
}

static void close_all(int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Make a client of what came through the door.  A client that could take pages
 * of its memory away again would kill the server with them. */
static int let_in(struct mp_server *s, const struct mp_door_letter *letter,
		  int *fds)
{
	int seals = fcntl(fds[MP_DOOR_MEMORY], F_GET_SEALS);
	struct mp_client *c;
	int error;

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EINVAL;
	c = new_client();
	if (c == NULL)
		return -ENOMEM;
	c->rings = true;
	error = mp_pipe_adopt(&c->conn, fds[MP_DOOR_MEMORY], letter->size,
			      fds[MP_DOOR_SOCKET], fds[MP_DOOR_BELL_IN],
			      fds[MP_DOOR_BELL_OUT]);
	if (error < 0) {
		free(c); /* nothing belongs to it yet */
		return error;
	}
	fds[MP_DOOR_SOCKET] = fds[MP_DOOR_BELL_IN] = fds[MP_DOOR_BELL_OUT] = -1;
	c->pidfd = fds[MP_DOOR_PIDFD];
	fds[MP_DOOR_PIDFD] = -1;
	error = mp_client_add(s, c);
	if (error < 0)
		mp_client_free(c);
	return error;
}

/* One that cannot be let in sees its end closed. */
int mp_door_step(struct mp_server *s)
{
	struct mp_door_letter letter;
	int fds[MP_SERVE_FDS], nfds;
	ssize_t n = mp_serve_recv(s->door, &letter, sizeof(letter), fds, &nfds,
				  MSG_DONTWAIT);

	if (n < 0)
		return 0;
	if (n == sizeof(letter) && nfds == MP_DOOR_FDS)
		let_in(s, &letter, fds);
	close_all(fds, nfds);
	return 1;
}

void mp_door_listener(struct mp_server *s)
{
	struct mp_client *c;
	int error;

	do {
		c = new_client();
		if (c == NULL)
			return;
		error = mp_listener_accept(&s->listener, &c->conn, 0);
		if (error < 0)
			free(c);
		else if (mp_client_add(s, c) < 0)
			mp_client_free(c);
	} while (error == 0);
}

/* ---- the client's side ---- */

int mp_door_knock(struct mp_conn *c, int door)
{
	int fds[MP_DOOR_FDS] = { -1, -1, -1, -1, -1 }, error;
	struct mp_door_letter letter;
	struct mp_conn server;

	error = mp_pipe_open(c, &server, true, 0, &fds[MP_DOOR_MEMORY]);
	if (error < 0)
		return error;
	letter.size = server.map_size;
	fds[MP_DOOR_SOCKET] = server.fd;
	fds[MP_DOOR_BELL_IN] = server.bell_in;
	fds[MP_DOOR_BELL_OUT] = server.bell_out;
	fds[MP_DOOR_PIDFD] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	error = fds[MP_DOOR_PIDFD] < 0 ? -errno : 0;
	if (error == 0)
		error = mp_serve_send(door, &letter, sizeof(letter), fds,
				      MP_DOOR_FDS);
	if (fds[MP_DOOR_PIDFD] >= 0)
		close(fds[MP_DOOR_PIDFD]);
	close(fds[MP_DOOR_MEMORY]);
	mp_conn_close(&server);
	if (error < 0)
		mp_conn_close(c);
	return error == -ECONNREFUSED || error == -ECONNRESET ? -EPIPE : error;
}
