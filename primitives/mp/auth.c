/* auth.c - Python's challenge: random bytes, and an HMAC of them.
 *
 * The answer covers the name of the digest too, so nobody between the two can
 * talk them into a weaker one.  HMAC-MD5 is for Pythons before 3.12; what is
 * broken of MD5 does not break its HMAC.
 *
 * The exchange says nothing of who asks whom.  Somebody whom a client takes for
 * the listener could let a second client answer for him: it is the look at the
 * peer's user (address.c) that keeps others from standing there.  Over TCP
 * nothing does: see listener.h.
 */
#include "mp/auth.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "mp/stream.h"

#define PREFIX      "{sha256}"
#define PREFIX_SIZE 8

static const char challenge_is[] = "#CHALLENGE#";
static const char welcome[] = "#WELCOME#";
static const char failure[] = "#FAILURE#";

#define LENGTH(text) (sizeof(text) - 1)

/* ---- HMAC ---- */

#define SHA256     32
#define MD5        16
#define MD5_RANDOM 20 /* a challenge of this length is from before 3.12 */

#ifdef MP_NETTLE
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/version.h>

#if NETTLE_VERSION_MAJOR >= 4
#define DIGEST(hash, context, size, out) hash##_digest(context, out)
#else
#define DIGEST(hash, context, size, out) hash##_digest(context, size, out)
#endif

bool mp_auth_supported(void)
{
	return true;
}

static void sha256(const struct mp_auth_key *key, const void *data, size_t size,
		   unsigned char out[SHA256])
{
	struct hmac_sha256_ctx h;

	hmac_sha256_set_key(&h, key->length, key->data);
	hmac_sha256_update(&h, size, data);
	DIGEST(hmac_sha256, &h, SHA256, out);
	explicit_bzero(&h, sizeof(h));
}

static void md5(const struct mp_auth_key *key, const void *data, size_t size,
		unsigned char out[MD5])
{
	struct hmac_md5_ctx h;

	hmac_md5_set_key(&h, key->length, key->data);
	hmac_md5_update(&h, size, data);
	DIGEST(hmac_md5, &h, MD5, out);
	explicit_bzero(&h, sizeof(h));
}

/* In a time that does not tell how much of it is right. */
static bool equal(const void *a, const void *b, size_t size)
{
	return memeql_sec(a, b, size);
}
#else
bool mp_auth_supported(void)
{
	return false;
}

static void sha256(const struct mp_auth_key *key, const void *data, size_t size,
		   unsigned char out[SHA256])
{
	(void)key, (void)data, (void)size, (void)out;
}

static void md5(const struct mp_auth_key *key, const void *data, size_t size,
		unsigned char out[MD5])
{
	(void)key, (void)data, (void)size, (void)out;
}

static bool equal(const void *a, const void *b, size_t size)
{
	(void)a, (void)b, (void)size;
	return false;
}
#endif

/* ---- messages ---- */

static bool begins(const void *data, size_t size, const char *with, size_t n)
{
	return size >= n && memcmp(data, with, n) == 0;
}

int mp_auth_answer(const struct mp_auth_key *key, const void *message,
		   size_t length, unsigned char answer[MP_AUTH_ANSWER_MAX])
{
	const char *p = message;

	if (!mp_auth_supported())
		return -ENOTSUP;
	if (!begins(p, length, challenge_is, LENGTH(challenge_is)))
		return -EACCES;
	p += LENGTH(challenge_is);
	length -= LENGTH(challenge_is);
	if (length == MD5_RANDOM) {
		md5(key, p, length, answer);
		return MD5;
	}
	if (length < MD5_RANDOM || !begins(p, length, PREFIX, PREFIX_SIZE))
		return -EACCES;
	memcpy(answer, PREFIX, PREFIX_SIZE);
	sha256(key, p, length, answer + PREFIX_SIZE);
	return PREFIX_SIZE + SHA256;
}

bool mp_auth_check(const struct mp_auth_key *key,
		   const unsigned char challenge[MP_AUTH_CHALLENGE],
		   const void *answer, size_t length)
{
	unsigned char right[SHA256];

	if (length == MD5) {
		md5(key, challenge, MP_AUTH_CHALLENGE, right);
		return equal(right, answer, MD5);
	}
	if (length != PREFIX_SIZE + SHA256 ||
	    !begins(answer, length, PREFIX, PREFIX_SIZE))
		return false;
	sha256(key, challenge, MP_AUTH_CHALLENGE, right);
	return equal(right, (const char *)answer + PREFIX_SIZE, SHA256);
}

/* ---- the exchange ---- */

/* The socket is new, and all that is ever sent here fits into its buffer: a
 * peer that does not read cannot hold us up. */
static int say(struct mp_conn *c, const char *what, size_t length)
{
	return mp_stream_send(c, what, length, 0);
}

static int challenge(struct mp_auth *a, struct mp_conn *c)
{
	struct iovec v[2] = {
		{ (void *)(uintptr_t)challenge_is, LENGTH(challenge_is) },
		{ a->challenge, MP_AUTH_CHALLENGE },
	};

	memcpy(a->challenge, PREFIX, PREFIX_SIZE);
	if (getrandom(a->challenge + PREFIX_SIZE, MP_AUTH_RANDOM, 0) !=
	    MP_AUTH_RANDOM)
		return -errno;
	a->state = MP_AUTH_ANSWER;
	return mp_stream_sendv(c, v, 2, 0);
}

int mp_auth_begin(struct mp_auth *a, struct mp_conn *c, bool listener)
{
	a->listener = listener;
	if (listener)
		return challenge(a, c);
	a->state = MP_AUTH_CHALLENGED;
	return 0;
}

/* The three states: what came, the answer to it, and what comes next. */

static int judge(struct mp_auth *a, struct mp_conn *c,
		 const struct mp_auth_key *key, const void *message, size_t n)
{
	int error;

	if (!mp_auth_check(key, a->challenge, message, n)) {
		say(c, failure, LENGTH(failure));
		return -EACCES;
	}
	error = say(c, welcome, LENGTH(welcome));
	a->state = MP_AUTH_CHALLENGED;
	return error < 0 ? error : !a->listener;
}

static int answer(struct mp_auth *a, struct mp_conn *c,
		  const struct mp_auth_key *key, const void *message, size_t n)
{
	unsigned char bytes[MP_AUTH_ANSWER_MAX];
	int size = mp_auth_answer(key, message, n, bytes);

	if (size < 0)
		return size;
	a->state = MP_AUTH_VERDICT;
	return mp_stream_send(c, bytes, (size_t)size, 0);
}

static int verdict(struct mp_auth *a, struct mp_conn *c, const void *message,
		   size_t n)
{
	if (n != LENGTH(welcome) || memcmp(message, welcome, n) != 0)
		return -EACCES;
	return a->listener ? 1 : challenge(a, c);
}

int mp_auth_step(struct mp_auth *a, struct mp_conn *c,
		 const struct mp_auth_key *key, int64_t timeout_ns)
{
	char *message = a->message;
	size_t n;
	int error =
		mp_stream_recv(c, message, sizeof(a->message), timeout_ns, &n);

	if (error == -EMSGSIZE || error == -EBADMSG)
		return -EACCES;
	if (error < 0)
		return error;
	switch (a->state) {
	case MP_AUTH_ANSWER:
		return judge(a, c, key, message, n);
	case MP_AUTH_CHALLENGED:
		return answer(a, c, key, message, n);
	default:
		return verdict(a, c, message, n);
	}
}
