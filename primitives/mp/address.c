/* address.c - "/tmp/x" and "@x", and who is at the other end. */
#include "mp/address.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "mp/auth.h"

const struct mp_conn mp_conn_closed = {
	.fd = -1, .bell_in = -1, .bell_out = -1, .poll_fd = -1
};

bool mp_address_is_path(const char *address)
{
	return address[0] != '@';
}

int mp_address_resolve(const char *address, struct sockaddr_un *a,
		       socklen_t *size)
{
	size_t length = strlen(address);

	if (length == 0 || strcmp(address, "@") == 0)
		return -EINVAL;
	if (length >= MP_LISTENER_ADDRESS_MAX)
		return -ENAMETOOLONG;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, address, length);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (!mp_address_is_path(address))
		a->sun_path[0] = '\0';
	return 0;
}

int mp_listener_check_options(const struct mp_listener_options *o)
{
	if (o->backlog < 0 || (o->authkey != NULL && o->authkey_length == 0))
		return -EINVAL;
	if (o->authkey != NULL && !mp_auth_supported())
		return -ENOTSUP;
	return 0;
}

bool mp_address_same_user(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.uid == geteuid();
}
