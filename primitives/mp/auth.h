/* auth - do both sides know the same key?
 *
 * Internal to the library.  The messages are those of Python's
 * multiprocessing.connection, as of 3.12 and as before:
 *
 *	listener                         client
 *	#CHALLENGE#{sha256}40 random
 *	                                 {sha256}HMAC of "{sha256}40 random"
 *	#WELCOME# or #FAILURE#
 *	                                 #CHALLENGE#{sha256}40 random
 *	{sha256}HMAC
 *	                                 #WELCOME# or #FAILURE#
 *
 * A Python before 3.12 challenges with 20 random bytes, and answers whatever it
 * gets with the bare HMAC-MD5 of it, 16 bytes.
 *
 * One exchange at a time is a step, which takes what has come: a listener
 * carries many clients on side by side.
 */
#ifndef MP_AUTH_H
#define MP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "mp/conn.h"

#define MP_AUTH_RANDOM      40
#define MP_AUTH_CHALLENGE   (8 + MP_AUTH_RANDOM) /* with {sha256} */
#define MP_AUTH_ANSWER_MAX  (8 + 32)
#define MP_AUTH_MESSAGE_MAX 256 /* a longer one is no part of this */

struct mp_auth_key {
	const void *data;
	size_t length;
};

enum mp_auth_state {
	MP_AUTH_ANSWER,     /* it should answer our challenge */
	MP_AUTH_CHALLENGED, /* it should challenge us */
	MP_AUTH_VERDICT     /* it should say whether our answer was right */
};

struct mp_auth {
	enum mp_auth_state state;
	bool listener;
	unsigned char challenge[MP_AUTH_CHALLENGE]; /* ours */
	char message[MP_AUTH_MESSAGE_MAX];          /* its, while it comes */
};

/* Was rawmp built with HMAC?  If not, all below is -ENOTSUP or false. */
bool mp_auth_supported(void);

/* Our side's first move.  Errors of mp_conn_send. */
int mp_auth_begin(struct mp_auth *a, struct mp_conn *c, bool listener);

/* Take the peer's next message and answer it.  1: both have passed.  0: more is
 * to come.  -EACCES: one has not.  Errors of mp_conn_send and mp_conn_recv,
 * but -EACCES for those that mean: this is no message of this exchange. */
int mp_auth_step(struct mp_auth *a, struct mp_conn *c,
		 const struct mp_auth_key *key, int64_t timeout_ns);

/* ---- what is in the messages ---- */

/* The answer to a message that should be a challenge: its size, or -EACCES. */
int mp_auth_answer(const struct mp_auth_key *key, const void *message,
		   size_t length, unsigned char answer[MP_AUTH_ANSWER_MAX]);

/* Is this the right answer to our challenge? */
bool mp_auth_check(const struct mp_auth_key *key,
		   const unsigned char challenge[MP_AUTH_CHALLENGE],
		   const void *answer, size_t length);

#endif
