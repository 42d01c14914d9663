/* Readings of an address with a fault, for fuzz-address to find: FAULT is
 * which.
 */
#define mp_address_resolve       right_resolve
#define mp_address_check_options right_check_options
#include "../../primitives/mp/address.c"
#undef mp_address_resolve
#undef mp_address_check_options

#include <stdlib.h>

int mp_address_resolve(const char *text, struct mp_address *a)
{
	const char *colon = strrchr(text, ':');
	int error = right_resolve(text, a);
	char other[500];
	int port;

	if (FAULT == 3 || error == 0 || colon == NULL)
		return error;
	port = atoi(colon + 1);
	if (FAULT == 1) /* a port is cut to 16 bits */
		port &= UINT16_MAX;
	else if (colon[1] < '0' || colon[1] > '9') /* 2: rubbish after it */
		return error;
	snprintf(other, sizeof(other), "%.*s:%d", (int)(colon - text), text,
		 port);
	return right_resolve(other, a);
}

int mp_address_check_options(const struct mp_address *a,
			     const struct mp_listener_options *o)
{
	if (FAULT == 3 && a->any.sa_family == AF_INET6) /* it is always near */
		return 0;
	return right_check_options(a, o);
}
