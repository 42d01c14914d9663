/* See talk.h. */
#include "managers/talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int talk_connect(const char *path)
{
	struct timeval limit = { .tv_sec = TALK_LIMIT_S };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), e;

	if (fd < 0)
		return -errno;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	e = -errno;
	close(fd);
	return e;
}

static int send_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, data, n, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Some more behind the n bytes that are there: how many, or -errno. */
static ssize_t more(int fd, char *data, size_t n, size_t size)
{
	ssize_t got;

	do
		got = recv(fd, data + n, size - n, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return got > 0 ? got : -EPIPE;
}

int talk(int fd, const char *request, size_t n, char *answer, size_t want,
	 const char *begins)
{
	size_t head = strlen(begins), got = 0;
	int e = send_all(fd, request, n);

	if (e < 0)
		return e;
	while (got < want) {
		ssize_t k = more(fd, answer, got, want);

		if (k < 0)
			return (int)k;
		got += (size_t)k;
		if (got >= head && memcmp(answer, begins, head) != 0)
			return -EBADMSG;
	}
	return 0;
}

int talk_line(int fd, const char *request, size_t n, char *line, size_t size)
{
	size_t got = 0;
	int e = send_all(fd, request, n);

	if (e < 0)
		return e;
	do {
		ssize_t k = more(fd, line, got, size - 1);

		if (k < 0)
			return (int)k;
		got += (size_t)k;
	} while (line[got - 1] != '\n' && got < size - 1);
	line[got] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}
