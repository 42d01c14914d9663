/* eventfd.c - read first, sleep in poll only when there is nothing to read. */
#include "mp/eventfd.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/poll.h"

int mp_eventfd_create(uint32_t initial, int flags)
{
	int kernel_flags = EFD_CLOEXEC | EFD_NONBLOCK;
	int fd;

	if (flags & ~MP_EVENTFD_SEMAPHORE)
		return -EINVAL;
	if (flags & MP_EVENTFD_SEMAPHORE)
		kernel_flags |= EFD_SEMAPHORE;
	fd = eventfd(initial, kernel_flags);
	return fd < 0 ? -errno : fd;
}

int mp_eventfd_post(int fd, uint64_t n)
{
	if (n == 0 || n == UINT64_MAX)
		return -EINVAL;
	if (write(fd, &n, sizeof(n)) < 0)
		return errno == EAGAIN ? -EOVERFLOW : -errno;
	return 0;
}

int mp_eventfd_wait(int fd, int64_t timeout_ns, uint64_t *value)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	uint64_t taken;
	int error;

	/* Another reader may be quicker than us between poll and read. */
	while (read(fd, &taken, sizeof(taken)) < 0) {
		if (errno != EAGAIN)
			return -errno;
		error = mp_poll(fd, POLLIN, deadline);
		if (error < 0)
			return error;
	}
	if (value != NULL)
		*value = taken;
	return 0;
}
