/* listener.c - a socket with an address.  Who comes to it: knock.c. */
#include "mp/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mp/address.h"
#include "mp/clock.h"
#include "mp/knock.h"
#include "mp/poll.h"

#define BACKLOG 128

/* ---- the name ---- */

/* The mode of the socket is the mode of the file that bind makes, less the
 * umask: so the file is never open to others.  chmod puts back what the umask
 * took; nobody can connect before listen. */
static int bind_path(int fd, const char *path, const struct mp_address *a,
		     mode_t mode, struct mp_knocking *k)
{
	struct stat st;

	if (fchmod(fd, mode) < 0 || bind(fd, &a->any, a->size) < 0)
		return -errno;
	k->has_path = true;
	if (fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0 ||
	    lstat(path, &st) < 0) {
		int error = -errno;

		unlink(path);
		return error;
	}
	k->dev = st.st_dev;
	k->ino = st.st_ino;
	return 0;
}

/* The port is known only then. */
static int bind_tcp(struct mp_listener *l, struct mp_address *a)
{
	if (bind(l->fd, &a->any, a->size) < 0 ||
	    getsockname(l->fd, &a->any, &a->size) < 0)
		return -errno;
	mp_address_print(a, l->address);
	return 0;
}

static int bind_address(struct mp_listener *l, struct mp_address *a,
			mode_t mode)
{
	l->fd = mp_address_socket(a, SOCK_NONBLOCK);
	if (l->fd < 0)
		return l->fd;
	if (mp_address_is_tcp(a))
		return bind_tcp(l, a);
	if (mp_address_is_path(a))
		return bind_path(l->fd, l->address, a, mode, l->knocking);
	return bind(l->fd, &a->any, a->size) < 0 ? -errno : 0;
}

/* A name of 16 random digits, in the directory for such. */
static int fresh_path(char path[MP_LISTENER_ADDRESS_MAX])
{
	const char *directory = secure_getenv("TMPDIR");
	uint64_t number;
	int n;

	if (directory == NULL || directory[0] == '\0')
		directory = "/tmp";
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	/* In $TMPDIR, whatever it is called, it is a path. */
	n = snprintf(path, MP_LISTENER_ADDRESS_MAX, "%s%s/rawmp-%016llx",
		     directory[0] == '/' ? "" : "./", directory,
		     (unsigned long long)number);
	return n < MP_LISTENER_ADDRESS_MAX ? 0 : -ENAMETOOLONG;
}

/* The caller's, or one of our own. */
static int take_address(char to[MP_LISTENER_ADDRESS_MAX], const char *address)
{
	if (address == NULL)
		return fresh_path(to);
	if (strlen(address) >= MP_LISTENER_ADDRESS_MAX)
		return -ENAMETOOLONG;
	strcpy(to, address);
	return 0;
}

/* ---- init ---- */

static int copy_key(struct mp_knocking *k, const struct mp_listener_options *o)
{
	void *key;

	if (o->authkey == NULL)
		return 0;
	key = malloc(o->authkey_length);
	if (key == NULL)
		return -ENOMEM;
	memcpy(key, o->authkey, o->authkey_length);
	k->key = (struct mp_auth_key){ key, o->authkey_length };
	return 0;
}

int mp_listener_init(struct mp_listener *l, const char *address,
		     const struct mp_listener_options *o)
{
	static const struct mp_listener_options none;
	struct mp_knocking *k;
	struct mp_address a;
	int error;

	*l = (struct mp_listener){ .fd = -1 };
	if (o == NULL)
		o = &none;
	error = take_address(l->address, address);
	if (error == 0)
		error = mp_address_resolve(l->address, &a);
	if (error == 0)
		error = mp_address_check_options(&a, o);
	if (error < 0)
		return error;

	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->maker = k->owner = getpid();
	k->epoll = k->timer = -1;
	k->any_user = o->any_user || mp_address_is_tcp(&a);
	l->knocking = k;
	error = copy_key(k, o);
	if (error == 0)
		error = bind_address(l, &a, o->any_user ? 0666 : 0600);
	if (error == 0)
		error = mp_knock_watch(l);
	if (error == 0 && listen(l->fd, o->backlog ? o->backlog : BACKLOG) < 0)
		error = -errno;
	if (error < 0)
		mp_listener_close(l);
	return error;
}

int mp_listener_accept(struct mp_listener *l, struct mp_conn *c,
		       int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_knocking *k = l->knocking;
	int result, error = 0;

	*c = mp_conn_closed;
	if (k == NULL)
		return -EBADF;
	if (k->owner != getpid())
		error = mp_knock_watch(l);
	while (error == 0) {
		result = mp_knock_step(l, c);
		if (result != 0)
			return result < 0 ? result : 0;
		if (mp_clock_left(deadline) == 0)
			return -ETIMEDOUT;
		error = mp_poll(k->epoll, POLLIN, deadline);
	}
	return error;
}

int mp_listener_fileno(const struct mp_listener *l)
{
	return l->knocking != NULL ? l->knocking->epoll : -EBADF;
}

/* The path may meanwhile be another's, who unlinked ours. */
static void remove_path(const struct mp_listener *l)
{
	const struct mp_knocking *k = l->knocking;
	struct stat st;

	if (k->has_path && k->maker == getpid() &&
	    lstat(l->address, &st) == 0 && st.st_dev == k->dev &&
	    st.st_ino == k->ino)
		unlink(l->address);
}

int mp_listener_close(struct mp_listener *l)
{
	struct mp_knocking *k = l->knocking;

	if (k == NULL)
		return 0;
	remove_path(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	mp_knock_end(l);
	if (k->key.data != NULL)
		explicit_bzero((void *)(uintptr_t)k->key.data, k->key.length);
	free((void *)(uintptr_t)k->key.data);
	free(k);
	l->knocking = NULL;
	return 0;
}
