/* Any bytes, in slices of any size, to a connection over a socket: it gives the
 * messages that are whole, and no other; then it says what is wrong.
 *
 * The input: how large the slices are, and what comes in them.
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "mp/stream.h"

#define ROOM 32 /* of the receiver; a longer message ends the run */

const struct fuzz_seed fuzz_seeds[] = {
	FUZZ_SEED("\1\0\0\0\5hello\0\0\0\0\0\0\0\1x"),
	FUZZ_SEED("\3\377\377\377\377\0\0\0\0\0\0\0\3xyz\0\0\0\2ab"),
	FUZZ_SEED("\7\0\0\0\40abcdefghijklmnopqrstuvwxyz012345\0\0\0\41"),
	FUZZ_SEED("\2\0\0\0\0\377\377\377\377\0\0\0\0\200\0\0\0"),
	FUZZ_SEED("\100\0\0\0\1x\377\377\377\377\177\377\377\377\377\377\377"),
	FUZZ_SEED("\20\377\377\377\377\0\0\0\0\0\0\0\0\377\377\377\376x"),
	FUZZ_SEED("\5\0\0\0\3abc\377\377\377\375"),
	{ NULL, 0 }
};

/* ---- the simple reading ---- */

enum kind { NOTHING, MESSAGE, TOO_LONG, DESCRIPTOR, RUBBISH };

struct frame {
	enum kind kind;
	uint64_t length;
	size_t head; /* bytes */
};

/* What begins at p; NOTHING if n bytes are too few to tell, or are not all. */
static struct frame read_frame(const uint8_t *p, size_t n)
{
	struct frame f = { .kind = NOTHING, .head = 4 };
	uint32_t first;
	uint64_t second;

	if (n < 4)
		return f;
	memcpy(&first, p, 4);
	f.length = be32toh(first);
	if (f.length == UINT32_MAX) {
		f.head = 12;
		if (n < 12)
			return f;
		memcpy(&second, p + 4, 8);
		f.length = be64toh(second);
		f.kind = f.length >> 63 ? RUBBISH : MESSAGE;
	} else if (f.length == UINT32_MAX - 1) {
		f.kind = DESCRIPTOR;
	} else {
		f.kind = f.length >> 31 ? RUBBISH : MESSAGE;
	}
	if (f.kind == MESSAGE && f.length > ROOM)
		f.kind = TOO_LONG;
	if (f.kind == MESSAGE && n < f.head + f.length)
		f.kind = NOTHING;
	return f;
}

/* ---- the comparison ---- */

/* Receive all that is in the n bytes at p; how many of them, and whether the
 * connection is good for more. */
static size_t compare(struct mp_conn *c, const uint8_t *p, size_t n, int *over)
{
	uint8_t buf[ROOM];
	struct frame f;
	size_t at = 0, length;
	int result;

	for (;;) {
		length = 0;
		f = read_frame(p + at, n - at);
		result = mp_stream_recv(c, buf, sizeof(buf), 0, &length);
		switch (f.kind) {
		case NOTHING:
			agree(result, -ETIMEDOUT);
			return at;
		case MESSAGE:
			agree(result, 0);
			agree(length, f.length);
			agree(memcmp(buf, p + at + f.head, length), 0);
			at += f.head + length;
			continue;
		case TOO_LONG:
			agree(result, -EMSGSIZE);
			agree(length, f.length);
			break;
		case RUBBISH:
			agree(result, -EBADMSG);
			agree(mp_stream_recv(c, buf, ROOM, 0, &length),
			      -EBADMSG);
			agree(mp_stream_poll(c, 0), 1);
			break;
		case DESCRIPTOR: /* none was attached */
			agree(result, -EBADMSG);
			result = mp_stream_recv_fd(c, 0);
			agree(result, n - at > 4 ? -EBADMSG : -ETIMEDOUT);
			break;
		}
		*over = 1;
		return at;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t slice, sent = 0, read = 0, n;
	struct mp_conn c;
	uint8_t rest[ROOM];
	int fd[2], over = 0;

	if (size < 1)
		return 0;
	slice = data[0] % 64 + 1U;
	data++;
	size--;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0 ||
	    mp_stream_open(&c, fd[0]) < 0)
		err(1, "socketpair");
	while (sent < size && !over) {
		n = size - sent < slice ? size - sent : slice;
		if (send(fd[1], data + sent, n, MSG_NOSIGNAL) != (ssize_t)n)
			err(1, "send");
		sent += n;
		read += compare(&c, data + read, sent - read, &over);
	}
	close(fd[1]);
	if (!over) {
		agree(mp_stream_recv(&c, rest, ROOM, 0, NULL),
		      read < size ? -ECONNRESET : -EPIPE);
		agree(mp_stream_recv(&c, rest, ROOM, 0, NULL), -EPIPE);
	}
	mp_stream_close(&c);
	return 0;
}
