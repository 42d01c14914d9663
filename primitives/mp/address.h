/* address - what a listener and a client do alike: addresses, options, users.
 *
 * Internal to the library; the words are explained in listener.h.
 */
#ifndef MP_ADDRESS_H
#define MP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mp/listener.h"

/* A connection that is not open. */
extern const struct mp_conn mp_conn_closed;

/* As bind and connect want it. */
struct mp_address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t size;
};

/* Read what the user wrote.  -EINVAL: no address.  -ENAMETOOLONG: no path. */
int mp_address_resolve(const char *text, struct mp_address *a);

/* Write it, of TCP, so that resolve reads the same. */
void mp_address_print(const struct mp_address *a,
		      char text[MP_LISTENER_ADDRESS_MAX]);

/* A path, with a file?  An abstract name is none. */
bool mp_address_is_path(const struct mp_address *a);

bool mp_address_is_tcp(const struct mp_address *a);

/* TCP's port; 0: the kernel should choose. */
unsigned mp_address_port(const struct mp_address *a);

/* -EINVAL, -EACCES, -ENOTSUP: see mp_listener_init. */
int mp_address_check_options(const struct mp_address *a,
			     const struct mp_listener_options *o);

/* A socket for it; flags as of socket(2).  -errno. */
int mp_address_socket(const struct mp_address *a, int flags);

/* Does the process at the other end belong to the user of this one?  For a Unix
 * socket. */
bool mp_address_same_user(int fd);

#endif
