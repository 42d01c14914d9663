/* The kernel's message queues: POSIX and System V.
 *
 * Both have limits of the system's administrator; root may pass the first's.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ways/janitor.h"
#include "ways/way.h"

/* ---- POSIX ---- */

/* Without a name as soon as it is open. */
static int mq_one(struct channel *c, struct mq_attr *a, int from, int to)
{
	static unsigned number;
	char name[64];
	mqd_t q;

	snprintf(name, sizeof(name), "/rawmp-%d-%u", (int)getpid(), number++);
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, a);
	if (q == (mqd_t)-1)
		return -errno;
	mq_unlink(name);
	c->fd[from][1] = q;
	c->fd[to][0] = dup(q);
	return c->fd[to][0] < 0 ? -errno : 0;
}

static int mq_make(struct channel *c)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int n = c->items > 0 ? (int)c->items : 10, e;
	struct mq_attr a = { .mq_maxmsg = n, .mq_msgsize = (long)c->bytes };

	setrlimit(RLIMIT_MSGQUEUE, &all); /* helps root only */
	e = mq_one(c, &a, 0, 1);
	if (e == -EINVAL && c->items == 16) {
		a.mq_maxmsg = 10; /* what everybody may have */
		snprintf(c->but, sizeof(c->but),
			 "10 messages: fs.mqueue.msg_max");
		e = mq_one(c, &a, 0, 1);
	}
	if (e == 0 && c->both)
		e = mq_one(c, &a, 1, 0);
	if (e == -EINVAL || e == -EMFILE || e == -ENOSPC)
		return channel_missing(c, e,
				       "more than fs.mqueue.msg_max, "
				       "msgsize_max or ulimit -q allow");
	if (e == -ENOSYS || e == -EACCES || e == -EPERM)
		return channel_missing(c, e, "no POSIX message queues here: %s",
				       strerror(-e));
	return e;
}

static int mq_put(struct channel *c, int side, const void *data, size_t n)
{
	while (mq_send(c->fd[side][1], data, n, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int mq_get(struct channel *c, int side, void *data, size_t n)
{
	ssize_t got;

	while ((got = mq_receive(c->fd[side][0], data, n, NULL)) < 0)
		if (errno != EINTR)
			return -errno;
	return got == (ssize_t)n ? 0 : -EBADMSG;
}

const struct way way_posix_mq = {
	.name = "posix_mq", .make = mq_make, .send = mq_put, .receive = mq_get
};

/* ---- System V: the type says for whom it is ---- */

static int msg_make(struct channel *c)
{
	struct msqid_ds d;
	int id = msgget(IPC_PRIVATE, 0600), e;

	if (id < 0)
		return channel_missing(c, -errno, "no System V queues here: %s",
				       strerror(errno));
	e = janitor_keep(c, JANITOR_MSG, id);
	if (e < 0)
		return e;
	if (c->buffer > 0 && msgctl(id, IPC_STAT, &d) == 0) {
		d.msg_qbytes = c->buffer;
		msgctl(id, IPC_SET, &d); /* beyond kernel.msgmnb: for root */
	}
	return 0;
}

static int msg_put(struct channel *c, int side, const void *data, size_t n)
{
	char *message = (char *)(uintptr_t)data - sizeof(long);
	long type = 2 - side;

	memcpy(message, &type, sizeof(type));
	while (msgsnd(janitor_id(c), message, n, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int msg_get(struct channel *c, int side, void *data, size_t n)
{
	char *message = (char *)data - sizeof(long);
	ssize_t got;

	while ((got = msgrcv(janitor_id(c), message, n, side + 1, 0)) < 0)
		if (errno != EINTR)
			return -errno;
	return got == (ssize_t)n ? 0 : -EBADMSG;
}

static int msg_make_checked(struct channel *c)
{
	FILE *f = fopen("/proc/sys/kernel/msgmax", "re");
	unsigned long max = 8192;

	if (f != NULL) {
		if (fscanf(f, "%lu", &max) != 1)
			max = 8192;
		fclose(f);
	}
	if (c->bytes > max)
		return channel_missing(c, -EMSGSIZE,
				       "a message of %zu bytes is more than "
				       "kernel.msgmax allows",
				       c->bytes);
	return msg_make(c);
}

const struct way way_sysv_mq = { .name = "sysv_mq",
				 .make = msg_make_checked,
				 .send = msg_put,
				 .receive = msg_get,
				 .done = janitor_done };
