/* Checks of an answer with a fault, for fuzz-challenge to find: FAULT is
 * which.
 */
#define mp_auth_check right_check
#include "../../primitives/mp/auth.c"
#undef mp_auth_check

bool mp_auth_check(const struct mp_auth_key *key,
		   const unsigned char challenge_sent[MP_AUTH_CHALLENGE],
		   const void *answer_got, size_t length)
{
#if FAULT == 1 /* as much of the MAC as there is */
	unsigned char right[SHA256];

	if (length >= PREFIX_SIZE && length < PREFIX_SIZE + SHA256 &&
	    begins(answer_got, length, PREFIX, PREFIX_SIZE)) {
		sha256(key, challenge_sent, MP_AUTH_CHALLENGE, right);
		return memcmp(right, (const char *)answer_got + PREFIX_SIZE,
			      length - PREFIX_SIZE) == 0;
	}
#elif FAULT == 2 /* half of the MAC */
	unsigned char right[MD5];

	if (length == MD5) {
		md5(key, challenge_sent, MP_AUTH_CHALLENGE, right);
		return memcmp(right, answer_got, MD5 / 2) == 0;
	}
#endif
	return right_check(key, challenge_sent, answer_got, length);
}
