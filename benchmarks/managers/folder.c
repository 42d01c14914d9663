/* See folder.h. */
#include "managers/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/rawmp-XXXXXX"
#define SOCKET "/socket"

static int end = -1; /* of the pipe; open in all who use the folder */
static pid_t janitor;

static void take_away(const char *path)
{
	char folder[128];

	unlink(path);
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	rmdir(folder);
}

__attribute__((noreturn)) static void wait_for_the_end(int fd, const char *path)
{
	char byte;

	setsid(); /* what is sent to the benchmark's group is not for it */
	for (int i = 0; i < 1024; i++)
		if (i != fd)
			close(i);
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	take_away(path);
	_exit(0);
}

static int make(char *path, size_t size)
{
	const char *in = getenv("TMPDIR");

	if (in == NULL || in[0] != '/' ||
	    strlen(in) + strlen(FOLDER SOCKET) >= size)
		in = "/tmp";
	snprintf(path, size, "%s" FOLDER, in);
	if (mkdtemp(path) == NULL)
		return -errno;
	memcpy(path + strlen(path), SOCKET, sizeof(SOCKET));
	return 0;
}

int folder_make(char *path, size_t size)
{
	int fd[2], e;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	e = make(path, size);
	janitor = e == 0 ? fork() : -1;
	if (janitor == 0)
		wait_for_the_end(fd[0], path);
	close(fd[0]);
	end = fd[1];
	if (janitor < 0 && e == 0) {
		take_away(path);
		e = -EAGAIN;
	}
	return e;
}

void folder_remove(void)
{
	if (end < 0)
		return;
	close(end);
	end = -1;
	if (janitor > 0)
		while (waitpid(janitor, NULL, 0) < 0 && errno == EINTR)
			;
	janitor = 0;
}
