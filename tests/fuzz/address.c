/* Any text for an address: what is read is what was meant, and what is no
 * address is refused.
 *
 * The input: the text, up to its first NUL.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "mp/address.h"

#define TEXT_MAX 400

const struct fuzz_seed fuzz_seeds[] = {
	FUZZ_SEED("tcp:127.0.0.1:6000"),
	FUZZ_SEED("tcp:localhost:65535"),
	FUZZ_SEED("tcp:[::1]:6000"),
	FUZZ_SEED("tcp:[2001:db8::ff00:42:8329]:0"),
	FUZZ_SEED("tcp::80"),
	FUZZ_SEED("tcp:8080"),
	FUZZ_SEED("/tmp/rawmp-0123456789abcdef"),
	FUZZ_SEED("@rawmp"),
	{ NULL, 0 }
};

/* ---- the simple reading: its form first, then its numbers ---- */

static bool has_form(const char *text, const char *form, regmatch_t part[3])
{
	regex_t r;
	bool good;

	if (regcomp(&r, form, REG_EXTENDED) != 0)
		abort();
	good = regexec(&r, text, 3, part, 0) == 0;
	regfree(&r);
	return good;
}

/* The part of it between the brackets of the form. */
static const char *part_of(const char *text, const regmatch_t *part)
{
	static char copy[2][TEXT_MAX];
	static int turn;
	char *p = copy[turn++ % 2];
	size_t n = (size_t)(part->rm_eo - part->rm_so);

	memcpy(p, text + part->rm_so, n);
	p[n] = '\0';
	return p;
}

/* Also its host, as bytes, and its port. */
static bool is_tcp(const char *text, int *family, unsigned char host[16],
		   long *port)
{
	regmatch_t part[3];
	unsigned byte[4];

	*family = AF_INET;
	memcpy(host, "\177\0\0\1", 4);
	if (has_form(text, "^tcp:(()|:|localhost:)([0-9]{1,5})$", part)) {
		*port = atol(strrchr(text, ':') + 1);
	} else if (has_form(text, "^tcp:([0-9.]+):([0-9]{1,5})$", part)) {
		*port = atol(part_of(text, &part[2]));
		if (!has_form(text,
			      "^tcp:(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2}))"
			      "{3}:",
			      part) ||
		    sscanf(text, "tcp:%u.%u.%u.%u:", &byte[0], &byte[1],
			   &byte[2], &byte[3]) != 4)
			return false;
		for (int i = 0; i < 4; i++) {
			if (byte[i] > 255)
				return false;
			host[i] = (unsigned char)byte[i];
		}
	} else if (has_form(text, "^tcp:\\[([0-9a-fA-F:.]+)\\]:([0-9]{1,5})$",
			    part)) {
		*family = AF_INET6;
		*port = atol(part_of(text, &part[2]));
		if (inet_pton(AF_INET6, part_of(text, &part[1]), host) != 1)
			return false;
	} else {
		return false;
	}
	return *port <= 65535;
}

/* ---- the comparison ---- */

static void compare_tcp(const char *text, const struct mp_address *a, int error)
{
	char again[MP_LISTENER_ADDRESS_MAX];
	struct mp_address same;
	unsigned char host[16];
	long port = 0;
	int family;

	if (!is_tcp(text, &family, host, &port)) {
		agree(error, -EINVAL);
		return;
	}
	agree(error, 0);
	agree(a->any.sa_family, family);
	agree(mp_address_port(a), port);
	if (family == AF_INET)
		agree(memcmp(&a->in.sin_addr, host, 4), 0);
	else
		agree(memcmp(&a->in6.sin6_addr, host, 16), 0);
	mp_address_print(a, again);
	agree(mp_address_resolve(again, &same), 0);
	agree(memcmp(a, &same, sizeof(same)), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mp_listener_options o = { .authkey = "k",
					       .authkey_length = 1 };
	char text[TEXT_MAX + 1] = "";
	struct mp_address a;
	size_t length;
	int error;

	memcpy(text, data, size < TEXT_MAX ? size : TEXT_MAX);
	length = strlen(text);
	error = mp_address_resolve(text, &a);
	if (strncmp(text, "tcp:", 4) == 0) {
		compare_tcp(text, &a, error);
	} else if (length == 0 || strcmp(text, "@") == 0) {
		agree(error, -EINVAL);
	} else if (length >= sizeof(a.un.sun_path)) {
		agree(error, -ENAMETOOLONG);
	} else {
		agree(error, 0);
		agree(mp_address_is_tcp(&a), 0);
		agree(mp_address_is_path(&a), text[0] != '@');
		agree(memcmp(a.un.sun_path + 1, text + 1, length), 0);
		agree(a.size, offsetof(struct sockaddr_un, sun_path) + length);
	}
	/* Nothing but 127.0.0.0/8 and ::1 is free to all. */
	if (error == 0 && mp_address_is_tcp(&a)) {
		bool near = a.any.sa_family == AF_INET
				    ? *(uint8_t *)&a.in.sin_addr == 127
				    : memcmp(&a.in6.sin6_addr,
					     &in6addr_loopback, 16) == 0;

		agree(mp_address_check_options(&a, &o) == -EACCES, !near);
	}
	return 0;
}
