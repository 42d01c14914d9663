/* step1_eventfd.c - a semaphore that the kernel keeps.  [works]
 *
 * Build:  cc -O2 -o step1_eventfd step1_eventfd.c
 * New:    eventfd(EFD_SEMAPHORE)
 * Try:    ./step1_eventfd
 * See:    a count that parent and child share, since fork copies descriptors:
 *         read takes one and sleeps while it is 0, write adds one.  Each of
 *         both is a system call, also when nobody waits.
 */
#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd, reads, writes;

static void acquire(void)
{
	uint64_t one;

	reads++;
	if (read(fd, &one, sizeof(one)) < 0)
		err(1, "read");
}

static void release(void)
{
	uint64_t one = 1;

	writes++;
	if (write(fd, &one, sizeof(one)) < 0)
		err(1, "write");
}

static const char *state(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 ? "free" : "full";
}

int main(void)
{
	pid_t pid;

	fd = eventfd(2, EFD_SEMAPHORE);
	if (fd < 0)
		err(1, "eventfd");
	for (int i = 1; i <= 2; i++) {
		acquire();
		dprintf(1, "place %d of 2 taken: %s\n", i, state());
	}
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		acquire();
		dprintf(1, "child:  has a place\n");
		_exit(0);
	}
	dprintf(1, "parent: gives one back\n");
	release();
	waitpid(pid, NULL, 0);

	release();
	reads = writes = 0;
	for (int i = 0; i < 1000; i++)
		acquire(), release();
	dprintf(1, "1000 pairs alone: reads %d, writes %d\n", reads, writes);
	return 0;
}
