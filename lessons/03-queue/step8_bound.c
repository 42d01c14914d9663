/* step8_bound.c - a full ring makes its producer wait.  [works]
 *
 * Build:  cc -O2 -o step8_bound step8_bound.c
 * New:    poll() with a timeout, on an eventfd that counts the free slots
 * Try:    ./step8_bound
 * See:    a third message for two slots is refused at once, or after 50 ms, or
 *         waits until one has been taken: back-pressure.
 */
#include <err.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 2

static struct ring {
	atomic_uint head, tail, waits;
	int slots[SLOTS];
} * r;
static int filled, spare; /* how many slots are; two semaphores */

/* Put within so many ms (0: not at all, -1: for ever). */
static const char *put(int message, int ms)
{
	struct pollfd p = { .fd = spare, .events = POLLIN };
	uint64_t one = 1;

	if (poll(&p, 1, 0) == 0) {
		r->waits++;
		if (poll(&p, 1, ms) == 0)
			return "full";
	}
	if (read(spare, &one, sizeof(one)) < 0)
		err(1, "read");
	r->slots[r->tail % SLOTS] = message;
	atomic_fetch_add(&r->tail, 1);
	if (write(filled, &one, sizeof(one)) < 0)
		err(1, "write");
	return "in";
}

static int get(void)
{
	uint64_t one;
	int message;

	if (read(filled, &one, sizeof(one)) < 0)
		err(1, "read");
	message = r->slots[r->head % SLOTS];
	atomic_fetch_add(&r->head, 1);
	if (write(spare, &one, sizeof(one)) < 0)
		err(1, "write");
	return message;
}

int main(void)
{
	int status;
	pid_t pid;

	filled = eventfd(0, EFD_SEMAPHORE);
	spare = eventfd(SLOTS, EFD_SEMAPHORE);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filled < 0 || spare < 0 || r == MAP_FAILED)
		err(1, "eventfd or mmap");
	dprintf(1, "put 1: %s\n", put(1, -1));
	dprintf(1, "put 2: %s\n", put(2, -1));
	dprintf(1, "put 3, at once: %s\n", put(3, 0));
	dprintf(1, "put 3, within 50 ms: %s\n", put(3, 50));
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		_exit(strcmp(put(3, -1), "in"));
	while (r->waits < 3) /* until the child waits */
		sched_yield();
	dprintf(1, "put 3, for ever: waits\n");
	dprintf(1, "got %d; ", get());
	waitpid(pid, &status, 0);
	dprintf(1, "put 3: %s\n", status == 0 ? "in" : "failed");
	return 0;
}
