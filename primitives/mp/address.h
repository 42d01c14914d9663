/* address - what a listener and a client do alike: addresses, options, users.
 *
 * Internal to the library; the words are explained in listener.h.
 */
#ifndef MP_ADDRESS_H
#define MP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mp/listener.h"

/* A connection that is not open. */
extern const struct mp_conn mp_conn_closed;

/* Is it a path, with a file, or an abstract name? */
bool mp_address_is_path(const char *address);

/* The address as bind and connect want it.  -EINVAL: empty.  -ENAMETOOLONG. */
int mp_address_resolve(const char *address, struct sockaddr_un *a,
		       socklen_t *size);

/* -EINVAL, -ENOTSUP. */
int mp_listener_check_options(const struct mp_listener_options *o);

/* Does the process at the other end belong to the user of this one? */
bool mp_address_same_user(int fd);

#endif
