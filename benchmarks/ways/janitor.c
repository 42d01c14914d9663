/* See janitor.h. */
#include "ways/janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

struct janitor {
	int id;
	int end; /* of the pipe; open in all who use the object */
	pid_t pid;
};

static void take_away(enum janitor_kind kind, int id)
{
	if (kind == JANITOR_SEM)
		semctl(id, 0, IPC_RMID);
	else
		msgctl(id, IPC_RMID, NULL);
}

__attribute__((noreturn)) static void wait_for_the_end(int fd,
						       enum janitor_kind kind,
						       int id)
{
	char byte;

	setsid(); /* what is sent to the benchmark's group is not for it */
	for (int i = 0; i < 1024; i++)
		if (i != fd)
			close(i);
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	take_away(kind, id);
	_exit(0);
}

int janitor_keep(struct channel *c, enum janitor_kind kind, int id)
{
	struct janitor *j = malloc(sizeof(*j));
	int fd[2];

	if (j == NULL || pipe2(fd, O_CLOEXEC) < 0) {
		free(j);
		take_away(kind, id);
		return -ENOMEM;
	}
	*j = (struct janitor){ .id = id, .end = fd[1], .pid = fork() };
	if (j->pid == 0)
		wait_for_the_end(fd[0], kind, id);
	close(fd[0]);
	c->own = j;
	if (j->pid < 0) {
		take_away(kind, id);
		return -EAGAIN;
	}
	return 0;
}

int janitor_id(const struct channel *c)
{
	return ((const struct janitor *)c->own)->id;
}

void janitor_done(struct channel *c)
{
	struct janitor *j = c->own;

	if (j == NULL)
		return;
	close(j->end);
	if (j->pid > 0)
		while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(j);
	c->own = NULL;
}
