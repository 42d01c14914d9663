/* Any bytes as the answers of a server, to a client that has asked for a few:
 * each request gets the answer with its number, in whatever order they
 * come and are asked for, or an error; and the client never waits for what
 * cannot come.
 *
 * The input: how many requests, and which are asked for, in turn; then
 * messages, each with its length in a byte before.
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "mp/manager-own.h"
#include "mp/proxy.h"
#include "mp/owner.h"
#include "mp/stream.h"

#define ASKED 8 /* requests at most */

#define TEN "\221\221\221\221\221\221\221\221\221\221"

const struct fuzz_seed fuzz_seeds[] = {
	FUZZ_SEED("\3\0\11\1\0\1\2\0\2\3\0\3"),
	FUZZ_SEED("\3\210\3\1\0\1\3\3\0\3\3\2\0\2"),
	FUZZ_SEED("\2\10\6\2\0\241b\1\3\300\3\1\0\300"),
	FUZZ_SEED("\1\0\14\1\1\327\1\0\0\0\0\1\0\0\2"),
	FUZZ_SEED("\4\33\15\4\0\223\1\2\3\3\0\201\241a\300\4\2\0\300\1"),
	FUZZ_SEED("\2\0\4\1\377\300\0\3\0\0\0"),
	FUZZ_SEED("\2\20\0\5\1\0\304\1x\3\2\376\300"),
	FUZZ_SEED("\2\1\3\2\0\300\3\2\0\1\3\1\0\2"),
	FUZZ_SEED("\1\0\50\2\0" TEN TEN TEN "\221\221\221\221\1\1\0\1"),
	{ NULL, 0 }
};

/* ---- the simple reading: what is in a message ---- */

struct told {
	uint64_t id;
	int status;
	struct mp_any value;
};

struct book {
	const uint8_t *at, *end; /* messages that were not received yet */
	struct told kept[ASKED + 1];
	int here[ASKED + 1];    /* came, and was not asked for yet */
	int waiting[ASKED + 1]; /* has not come */
	int over;               /* the server makes no sense, or is gone */
};

static int read_answer(struct mp_unpack *u, struct told *t)
{
	struct mp_any id, status;

	if (mp_unpack_any(u, &id) < 0 || mp_unpack_any(u, &status) < 0 ||
	    mp_unpack_any(u, &t->value) < 0 ||
	    (id.type != MP_ANY_INT && id.type != MP_ANY_UINT) ||
	    status.type != MP_ANY_INT)
		return 0;
	t->id = id.u;
	t->status = (int)status.i;
	return 1;
}

/* The next message.  0: there is none, or it makes no sense. */
static int next_message(struct book *b)
{
	struct mp_unpack u;
	struct told a;

	if (b->at == b->end)
		return 0;
	u = (struct mp_unpack){ b->at + 1, b->at + 1 + *b->at };
	b->at = u.end;
	while (u.at != u.end) {
		if (!read_answer(&u, &a) || a.id == 0 || a.id > ASKED ||
		    !b->waiting[a.id])
			return 0;
		b->waiting[a.id] = 0;
		b->here[a.id] = 1;
		b->kept[a.id] = a;
	}
	return 1;
}

static int look_up(struct book *b, int id, struct told *t)
{
	if (b->over)
		return -EPIPE;
	while (!b->here[id]) {
		if (!b->waiting[id])
			return -ENOENT;
		if (!next_message(b)) {
			b->over = 1;
			return -EPIPE;
		}
	}
	b->here[id] = 0;
	*t = b->kept[id];
	return 1;
}

/* ---- the comparison ---- */

static int same(struct mp_any a, struct mp_any b)
{
	if (a.type != b.type)
		return 0;
	if (a.type == MP_ANY_STR || a.type == MP_ANY_BIN ||
	    a.type == MP_ANY_RAW)
		return a.length == b.length &&
		       (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
	return a.type == MP_ANY_NIL ||
	       (a.type == MP_ANY_BOOL ? a.boolean == b.boolean : a.u == b.u);
}

static void send_all(int fd, const uint8_t *at, const uint8_t *end)
{
	uint32_t head;

	for (; at != end; at += 1 + *at) {
		head = htobe32(*at);
		if (send(fd, &head, sizeof(head), MSG_NOSIGNAL) < 0 ||
		    (*at > 0 && send(fd, at + 1, *at, MSG_NOSIGNAL) < 0))
			err(1, "send");
	}
	shutdown(fd, SHUT_WR);
}

/* Whole messages only: that others are refused is tested by fuzz-frames. */
static const uint8_t *whole(const uint8_t *at, const uint8_t *end)
{
	while (at < end && at + 1 + *at <= end)
		at += 1 + *at;
	return at;
}

static void compare(struct mp_manager *m, struct book *b, int id)
{
	struct mp_any v = mp_any_nil();
	struct told t = { 0 };
	uint32_t waiting = 0;
	int expected, status;

	expected = look_up(b, id, &t);
	status = mp_proxy_recv(m, id, &v);
	agree(status, expected < 0 ? expected : t.status);
	for (int i = 1; i <= ASKED; i++)
		waiting += b->waiting[i] != 0;
	if (!b->over)
		agree(m->client->under_way, waiting);
	if (expected > 0)
		agree(same(v, t.value), 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mp_manager_client c = { .door = -1, .server = -1 };
	struct mp_manager m = { .client = &c };
	struct mp_proxy any_object = { .manager = &m, .handle = 1 };
	struct book b = { .over = 0 };
	int fd[2], n, first;

	if (size < 2)
		return 0;
	n = data[0] % ASKED + 1;
	first = data[1];
	b.at = data + 2;
	b.end = whole(b.at, data + size);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0 ||
	    mp_stream_open(&c.conn, fd[0]) < 0)
		err(1, "socketpair");
	c.user = mp_owner_get()->id;
	for (int i = 0; i < n; i++) {
		agree(mp_proxy_send(&any_object, "length", NULL, 0), i + 1);
		b.waiting[i + 1] = 1;
	}
	send_all(fd[1], b.at, b.end);
	for (int i = 0; i < n + 1; i++)
		compare(&m, &b, (i * (first % 7 + 1) + first / 7) % n + 1);
	close(fd[1]);
	/* What mp_channel_close does, but this one is not on the heap. */
	mp_conn_close(&c.conn);
	while (c.early != NULL) {
		struct mp_early *e = c.early;

		c.early = e->next;
		mp_pack_free(&e->answer);
		free(e);
	}
	mp_pack_free(&c.out);
	mp_pack_free(&c.result);
	free(c.in);
	return 0;
}
