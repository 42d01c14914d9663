/* address.c - "/tmp/x", "@x" and "tcp:127.0.0.1:6000", and who is at the other
 * end.
 */
#include "mp/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mp/auth.h"

#define TCP        "tcp:"
#define TCP_LENGTH 4

const struct mp_conn mp_conn_closed = {
	.fd = -1, .bell_in = -1, .bell_out = -1, .poll_fd = -1
};

/* ---- "tcp:HOST:PORT" ---- */

/* One to five digits, and no more.  -EINVAL. */
static int read_port(const char *text, in_port_t *port)
{
	unsigned value = 0;
	size_t n = strlen(text);

	if (n < 1 || n > 5 || strspn(text, "0123456789") != n)
		return -EINVAL;
	while (*text != '\0')
		value = 10 * value + (unsigned)(*text++ - '0');
	if (value > UINT16_MAX)
		return -EINVAL;
	*port = htons((uint16_t)value);
	return 0;
}

/* No name but one is looked up: that would take as long as it takes. */
static int read_host(const char *text, struct in_addr *host)
{
	if (*text == '\0' || strcmp(text, "localhost") == 0) {
		host->s_addr = htonl(INADDR_LOOPBACK);
		return 0;
	}
	return inet_pton(AF_INET, text, host) == 1 ? 0 : -EINVAL;
}

/* The colon before the port, and without its brackets a host of IPv6. */
static int read_tcp(const char *text, struct mp_address *a)
{
	char host[MP_LISTENER_ADDRESS_MAX];
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	const char *port = colon != NULL ? colon + 1 : text;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		a->in6.sin6_family = AF_INET6;
		a->size = sizeof(a->in6);
		if (inet_pton(AF_INET6, host + 1, &a->in6.sin6_addr) != 1)
			return -EINVAL;
		return read_port(port, &a->in6.sin6_port);
	}
	a->in.sin_family = AF_INET;
	a->size = sizeof(a->in);
	if (read_host(host, &a->in.sin_addr) < 0)
		return -EINVAL;
	return read_port(port, &a->in.sin_port);
}

/* ---- any ---- */

int mp_address_resolve(const char *text, struct mp_address *a)
{
	size_t length = strlen(text);

	memset(a, 0, sizeof(*a));
	if (strncmp(text, TCP, TCP_LENGTH) == 0)
		return read_tcp(text + TCP_LENGTH, a);
	if (length == 0 || strcmp(text, "@") == 0)
		return -EINVAL;
	if (length >= MP_LISTENER_ADDRESS_MAX)
		return -ENAMETOOLONG;
	a->un.sun_family = AF_UNIX;
	memcpy(a->un.sun_path, text, length);
	a->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (text[0] == '@')
		a->un.sun_path[0] = '\0';
	return 0;
}

void mp_address_print(const struct mp_address *a,
		      char text[MP_LISTENER_ADDRESS_MAX])
{
	char host[INET6_ADDRSTRLEN] = "";
	bool six = a->any.sa_family == AF_INET6;

	inet_ntop(a->any.sa_family,
		  six ? (const void *)&a->in6.sin6_addr : &a->in.sin_addr, host,
		  sizeof(host));
	snprintf(text, MP_LISTENER_ADDRESS_MAX,
		 six ? TCP "[%s]:%u" : TCP "%s:%u", host, mp_address_port(a));
}

bool mp_address_is_path(const struct mp_address *a)
{
	return a->any.sa_family == AF_UNIX && a->un.sun_path[0] != '\0';
}

bool mp_address_is_tcp(const struct mp_address *a)
{
	return a->any.sa_family != AF_UNIX;
}

unsigned mp_address_port(const struct mp_address *a)
{
	return ntohs(a->any.sa_family == AF_INET6 ? a->in6.sin6_port
						  : a->in.sin_port);
}

/* ---- options ---- */

/* Does it belong to this machine alone?  127.0.0.0/8, ::1. */
static bool is_loopback(const struct mp_address *a)
{
	if (a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
	return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int mp_address_check_options(const struct mp_address *a,
			     const struct mp_listener_options *o)
{
	bool tcp = mp_address_is_tcp(a);

	if (o->backlog < 0 || (o->authkey != NULL && o->authkey_length == 0))
		return -EINVAL;
	if (tcp && o->authkey == NULL)
		return -EINVAL;
	if (tcp && !o->remote && !is_loopback(a))
		return -EACCES;
	if (o->authkey != NULL && !mp_auth_supported())
		return -ENOTSUP;
	return 0;
}

/* ---- sockets ---- */

/* A machine that is gone says nothing.  An idle connection asks after it, and
 * one that waits for an answer waits no longer than that. */
#define GONE_S     60
#define ASK_IDLE_S 30
#define ASK_S      5

/* Those of a listening socket are also those of the accepted. */
static int set_up_tcp(int fd, const struct mp_address *a)
{
	const struct {
		int level, name, value;
	} t[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, ASK_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, ASK_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, (GONE_S - ASK_IDLE_S) / ASK_S },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 * GONE_S },
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	};
	size_t n = sizeof(t) / sizeof(t[0]) - (a->any.sa_family == AF_INET);

	for (size_t i = 0; i < n; i++)
		if (setsockopt(fd, t[i].level, t[i].name, &t[i].value,
			       sizeof(t[i].value)) < 0)
			return -errno;
	return 0;
}

int mp_address_socket(const struct mp_address *a, int flags)
{
	int fd =
		socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = mp_address_is_tcp(a) ? set_up_tcp(fd, a) : 0;
	if (error < 0) {
		close(fd);
		return error;
	}
	return fd;
}

bool mp_address_same_user(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.uid == geteuid();
}
