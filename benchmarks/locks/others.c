/* What else can keep two processes apart: a semaphore of one, and two that are
 * a system call each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "locks/kind.h"

/* ---- sem_t ---- */

#define SEM(a) ((sem_t *)(void *)(a)->lock)

static int sem_start(struct arena *a)
{
	return sem_init(SEM(a), 1, 1) < 0 ? -errno : 0;
}

static inline int sem_acquire(struct arena *a)
{
	return sem_wait(SEM(a));
}

static inline int sem_release(struct arena *a)
{
	return sem_post(SEM(a));
}

KIND_SECTION(sem)
KIND(sem, .init = sem_start)

/* ---- eventfd ---- */

static int eventfd_start(struct arena *a)
{
	a->fd = eventfd(1, EFD_SEMAPHORE | EFD_CLOEXEC);
	return a->fd < 0 ? -errno : 0;
}

static void eventfd_end(struct arena *a)
{
	close(a->fd);
}

static inline int eventfd_acquire(struct arena *a)
{
	uint64_t one;

	return read(a->fd, &one, sizeof(one)) != (ssize_t)sizeof(one);
}

static inline int eventfd_release(struct arena *a)
{
	uint64_t one = 1;

	return write(a->fd, &one, sizeof(one)) != (ssize_t)sizeof(one);
}

KIND_SECTION(eventfd)
KIND(eventfd, .init = eventfd_start, .destroy = eventfd_end)

/* ---- flock: of a file, so each process opens it for itself ---- */

static int own_fd = -1;

static int flock_start(struct arena *a)
{
	a->fd = memfd_create("flock", MFD_CLOEXEC);
	return a->fd < 0 ? -errno : 0;
}

static int flock_attach(struct arena *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->fd);
	own_fd = open(path, O_RDWR | O_CLOEXEC);
	return own_fd < 0 ? -errno : 0;
}

static void flock_end(struct arena *a)
{
	if (own_fd >= 0)
		close(own_fd);
	own_fd = -1;
	close(a->fd);
}

static inline int flock_acquire(struct arena *a)
{
	(void)a;
	return flock(own_fd, LOCK_EX);
}

static inline int flock_release(struct arena *a)
{
	(void)a;
	return flock(own_fd, LOCK_UN);
}

KIND_SECTION(flock)
KIND(flock, .init = flock_start, .attach = flock_attach, .destroy = flock_end,
     KIND_BOTH(flock))
