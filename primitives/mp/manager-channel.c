/* manager-channel.c - a client's connection: how it begins and ends.
 *
 * A forked child has its parent's connection, which it must not use: with its
 * first call it lets go of it, makes one of its own, and names its parent,
 * whose references it then has too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mp/address.h"
#include "mp/manager-own.h"
#include "mp/owner.h"

/* ---- connecting ---- */

static void forget_early(struct mp_manager_client *c)
{
	struct mp_early *e;

	while ((e = c->early) != NULL) {
		LL_DELETE(c->early, e);
		mp_pack_free(&e->answer);
		free(e);
	}
}

static int connect_client(struct mp_manager_client *c, bool remote,
			  int64_t timeout_ns)
{
	struct mp_listener_options o = { .authkey = c->key,
					 .authkey_length = c->key_length,
					 .remote = remote };
	struct mp_any args[] = { mp_any_int(MP_MANAGER_VERSION),
				 mp_any_uint(c->number) };
	struct mp_any v;
	struct mp_unpack u;
	uint32_t n = 0;
	int64_t id;
	int error;

	error = c->door >= 0 ? mp_door_knock(&c->conn, c->door)
			     : mp_client_connect(&c->conn, c->address, &o,
						 timeout_ns);
	if (error < 0)
		return error;
	c->pid = getpid();
	c->user = mp_owner_get()->id;
	c->under_way = 0;
	c->over = false;
	mp_pack_clear(&c->out);
	forget_early(c);
	id = mp_channel_request(c, 0, "hello", args, 2, false);
	error = id < 0 ? (int)id
		       : mp_channel_answer(c, (uint64_t)id, MP_CHANNEL_GO_ON,
					   &v);
	if (error < 0)
		return error;
	u = mp_unpack_begin(v);
	if (mp_unpack_array(&u, &n) < 0 || n != 2 || mp_unpack_any(&u, &v) < 0)
		return -EBADMSG;
	c->number = v.u;
	if (mp_unpack_any(&u, &v) < 0)
		return -EBADMSG;
	c->message_max = v.u;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int mp_channel_connect(struct mp_manager *m, struct mp_manager_client *like,
		       int64_t timeout_ns)
{
	struct mp_manager_client *c = calloc(1, sizeof(*c));
	int error = 0;

	if (c == NULL) {
		close_fd(&like->door);
		close_fd(&like->server);
		return -ENOMEM;
	}
	*c = *like;
	c->key = NULL;
	c->conn = mp_conn_closed;
	if (like->key != NULL) {
		c->key = malloc(like->key_length);
		if (c->key == NULL)
			error = -ENOMEM;
		else
			memcpy(c->key, like->key, like->key_length);
	}
	if (error == 0)
		error = connect_client(c, like->remote, timeout_ns);
	m->client = c;
	if (error < 0)
		mp_channel_close(m);
	return error;
}

void mp_channel_close(struct mp_manager *m)
{
	struct mp_manager_client *c = m->client;

	if (c == NULL)
		return;
	m->client = NULL;
	if (c->conn.fd >= 0 && c->pid == getpid()) {
		mp_channel_request(c, 0, "bye", NULL, 0, true);
		mp_channel_flush(c);
	}
	mp_conn_close(&c->conn);
	close_fd(&c->door);
	close_fd(&c->server);
	forget_early(c);
	mp_pack_free(&c->out);
	mp_pack_free(&c->result);
	free(c->in);
	if (c->key != NULL)
		explicit_bzero(c->key, c->key_length);
	free(c->key);
	free(c);
}

int mp_channel_get(struct mp_manager *m, struct mp_manager_client **client)
{
	struct mp_manager_client *c = m->client;

	if (c == NULL)
		return -EPIPE;
	*client = c;
	if (__builtin_expect(c->user == mp_owner_get()->id, 1))
		return c->over ? -EPIPE : 0;
	if (c->pid == getpid()) {
		c->user = mp_owner_self.id;
		return c->over ? -EPIPE : 0;
	}
	mp_conn_close(&c->conn);
	return connect_client(c, c->remote, -1);
}
