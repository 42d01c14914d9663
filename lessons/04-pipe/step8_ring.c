/* step8_ring.c - a ring in shared memory, and a bell for who waits.  [works]
 *
 * Build:  cc -O2 -o step8_ring step8_ring.c
 * New:    an eventfd that is written only if somebody waits
 * Try:    ./step8_ring
 * See:    three messages and no system call; one bell for one who waits.  And
 *         a ring holds so much and no more, as a pipe does.
 */
#include <err.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 16 };
static struct ring {
	atomic_uint tail, head; /* messages put, messages got */
	atomic_int waits;       /* the getter sleeps, or is about to */
	int bells, slot[SLOTS];
} * ring;
static int bell; /* for the getter */

static int put(int value) /* -1: no room */
{
	unsigned tail = ring->tail;

	if (tail - ring->head == SLOTS)
		return -1;
	ring->slot[tail % SLOTS] = value;
	ring->tail = tail + 1;
	if (ring->waits) { /* looked at after the message is there */
		ring->waits = 0;
		ring->bells++;
		eventfd_write(bell, 1);
	}
	return 0;
}

static int get(void)
{
	unsigned head = ring->head;
	eventfd_t n;

	while (ring->tail == head) {
		ring->waits = 1;
		if (ring->tail == head) /* still nothing: sleep */
			eventfd_read(bell, &n);
	}
	int value = ring->slot[head % SLOTS];
	ring->head = head + 1;
	return value;
}

int main(void)
{
	int status, sum = 0, n = 0;
	pid_t pid;

	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bell = eventfd(0, EFD_CLOEXEC);
	if (ring == MAP_FAILED || bell < 0 || (pid = fork()) < 0)
		err(1, "mmap, eventfd or fork");
	if (pid == 0)
		_exit(put(1) + put(2) + put(3));
	wait(NULL);
	for (int i = 0; i < 3; i++)
		sum += get();
	dprintf(1, "3 messages, nobody waits: sum %d, bells %d\n", sum,
		ring->bells);

	if ((pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0)
		_exit(get());
	while (!ring->waits)
		sched_yield();
	put(42);
	wait(&status);
	dprintf(1, "1 message, somebody waits: %d, bells %d\n",
		WEXITSTATUS(status), ring->bells);

	while (n < 20 && put(n) == 0)
		n++;
	dprintf(1, "20 are put before anybody gets: %d fit\n", n);
	return 0;
}
