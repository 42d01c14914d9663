/* Any bytes for a message of the challenge: only the right ones pass.
 *
 * The input: where the exchange is, and what the peer says then.
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "mp/auth.h"
#include "mp/stream.h"

/* Our challenge is {sha256} and the bytes 0 … 39.  These are the answers, as
 * Python's hmac computes them with the key "peekaboo". */
#define BY_SHA256                                                  \
	"{sha256}\355\243\050\222\176\245\206\176\127\065\176\222" \
	"\377\172\204\234\337\345\013\137\354\276\222\202\377\235" \
	"\143\360\376\166\260\266"
#define BY_MD5                                                     \
	"\037\261\103\112\014\057\165\052\265\146\231\220\064\074" \
	"\211\165"

#define TWENTY "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23"
/* and of these twenty by MD5 */
#define TWENTY_BY_MD5                                              \
	"\340\274\137\365\230\034\127\102\376\312\017\252\367\100" \
	"\217\231"

const struct fuzz_seed fuzz_seeds[] = {
	FUZZ_SEED("\0" BY_SHA256),
	FUZZ_SEED("\0" BY_MD5),
	FUZZ_SEED("\1#CHALLENGE#" TWENTY),
	FUZZ_SEED("\1#CHALLENGE#{sha256}" TWENTY TWENTY),
	FUZZ_SEED("\2#WELCOME#"),
	FUZZ_SEED("\2#FAILURE#"),
	{ NULL, 0 }
};

static const struct mp_auth_key key = { "peekaboo", 8 };

static bool is_text(const uint8_t *p, size_t n, const char *text, size_t size)
{
	return n == size && memcmp(p, text, size) == 0;
}

static bool is_answer(const uint8_t *p, size_t n)
{
	return is_text(p, n, BY_SHA256, sizeof(BY_SHA256) - 1) ||
	       is_text(p, n, BY_MD5, sizeof(BY_MD5) - 1);
}

/* How long the answer to it should be; -EACCES: it is no challenge. */
static int answer_size(const uint8_t *p, size_t n)
{
	if (n < 31 || !is_text(p, 11, "#CHALLENGE#", 11))
		return -EACCES;
	if (n == 31)
		return 16;
	return n > 19 && is_text(p + 11, 8, "{sha256}", 8) ? 40 : -EACCES;
}

/* The peer says it where the exchange is in this state. */
static void step(enum mp_auth_state state, bool listener, const uint8_t *p,
		 size_t n)
{
	struct mp_auth a = { .state = state, .listener = listener };
	struct mp_conn c, peer;
	int fd[2], expected = -EACCES, size = answer_size(p, n);

	memcpy(a.challenge, "{sha256}", 8);
	for (uint8_t i = 0; i < MP_AUTH_RANDOM; i++)
		a.challenge[8 + i] = i;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0 ||
	    mp_stream_open(&c, fd[0]) < 0 || mp_stream_open(&peer, fd[1]) < 0)
		err(1, "socketpair");
	agree(mp_stream_send(&peer, p, n, 0), 0);
	if (n > MP_AUTH_MESSAGE_MAX)
		expected = -EACCES;
	else if (state == MP_AUTH_ANSWER && is_answer(p, n))
		expected = !listener;
	else if (state == MP_AUTH_CHALLENGED && size > 0)
		expected = 0;
	else if (state == MP_AUTH_VERDICT && is_text(p, n, "#WELCOME#", 9))
		expected = listener;
	agree(mp_auth_step(&a, &c, &key, 0), expected);
	mp_stream_close(&c);
	mp_stream_close(&peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char challenge[MP_AUTH_CHALLENGE] = "{sha256}";
	unsigned char answer[MP_AUTH_ANSWER_MAX];
	int state;

	if (size < 1)
		return 0;
	state = data[0];
	data++;
	size--;
	for (uint8_t i = 0; i < MP_AUTH_RANDOM; i++)
		challenge[8 + i] = i;
	agree(mp_auth_check(&key, challenge, data, size),
	      is_answer(data, size));
	agree(mp_auth_answer(&key, data, size, answer),
	      answer_size(data, size));
	if (is_text(data, size, "#CHALLENGE#" TWENTY, 31))
		agree(memcmp(answer, TWENTY_BY_MD5, 16), 0);
	step((enum mp_auth_state)(state % 3), state & 4, data, size);
	return 0;
}
