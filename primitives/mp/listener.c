/* listener.c - a Unix socket with a name.  Who comes to it: knock.c. */
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
static int bind_path(int fd, const char *path, const struct sockaddr_un *a,
		     socklen_t size, mode_t mode, struct mp_knocking *k)
{
	struct stat st;

	if (fchmod(fd, mode) < 0 ||
	    bind(fd, (const struct sockaddr *)a, size) < 0)
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

static int bind_address(struct mp_listener *l, mode_t mode)
{
	struct sockaddr_un a;
	socklen_t size;
	int error = mp_address_resolve(l->address, &a, &size);

	if (error < 0)
		return error;
	if (mp_address_is_path(l->address))
		return bind_path(l->fd, l->address, &a, size, mode,
				 l->knocking);
	return bind(l->fd, (struct sockaddr *)&a, size) < 0 ? -errno : 0;
}

/* A name that nobody has, in the directory for such. */
static int bind_fresh(struct mp_listener *l, mode_t mode)
{
	const char *directory = secure_getenv("TMPDIR");
	uint64_t number;
	int n, error;

	if (directory == NULL || directory[0] == '\0')
		directory = "/tmp";
	do {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return -errno;
		n = snprintf(l->address, sizeof(l->address), "%s/rawmp-%016llx",
			     directory, (unsigned long long)number);
		if (n >= (int)sizeof(l->address))
			return -ENAMETOOLONG;
		error = bind_address(l, mode);
	} while (error == -EADDRINUSE);
	return error;
}
/* ---- init ---- */

static int copy_options(struct mp_knocking *k,
			const struct mp_listener_options *o)
{
	void *key;

	k->any_user = o->any_user;
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
	mode_t mode;
	int error;

	*l = (struct mp_listener){ .fd = -1 };
	if (o == NULL)
		o = &none;
	error = mp_listener_check_options(o);
	if (error < 0)
		return error;
	if (address != NULL && strlen(address) >= sizeof(l->address))
		return -ENAMETOOLONG;

	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->maker = k->owner = getpid();
	k->epoll = k->timer = -1;
	l->knocking = k;
	error = copy_options(k, o);
	if (error < 0)
		goto out;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0) {
		error = -errno;
		goto out;
	}
	mode = o->any_user ? 0666 : 0600;
	if (address == NULL) {
		error = bind_fresh(l, mode);
	} else {
		strcpy(l->address, address);
		error = bind_address(l, mode);
	}
	if (error == 0)
		error = mp_knock_watch(l);
	if (error == 0 && listen(l->fd, o->backlog ? o->backlog : BACKLOG) < 0)
		error = -errno;
out:
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
