/* step9_end.c - five messages, and one that says: no more.  [works]
 *
 * Build:  cc -O2 -o step9_end step9_end.c
 * New:    nothing; the end marker, a message that is none
 * Try:    ./step9_end
 * See:    the consumer ends by itself, after the last message.  Nobody kills
 *         it, and it has not been told before how many there will be.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 2
#define END   (-1)

static struct ring {
	atomic_uint head, tail;
	int slots[SLOTS];
} * r;
static int filled, spare; /* how many slots are; two semaphores */

static void take_one(int fd)
{
	uint64_t one;

	if (read(fd, &one, sizeof(one)) < 0)
		err(1, "read");
}

static void give_one(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		err(1, "write");
}

static void put(int message)
{
	take_one(spare);
	r->slots[r->tail % SLOTS] = message;
	atomic_fetch_add(&r->tail, 1);
	give_one(filled);
}

static int get(void)
{
	int message;

	take_one(filled);
	message = r->slots[r->head % SLOTS];
	atomic_fetch_add(&r->head, 1);
	give_one(spare);
	return message;
}

int main(void)
{
	int message, status;
	pid_t pid;

	filled = eventfd(0, EFD_SEMAPHORE);
	spare = eventfd(SLOTS, EFD_SEMAPHORE);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filled < 0 || spare < 0 || r == MAP_FAILED || (pid = fork()) < 0)
		err(1, "eventfd, mmap or fork");
	if (pid == 0) {
		while ((message = get()) != END)
			dprintf(1, "got message %d\n", message);
		dprintf(1, "got the end marker\n");
		_exit(0);
	}
	for (int i = 1; i <= 5; i++)
		put(i);
	put(END);
	waitpid(pid, &status, 0);
	printf("the consumer has ended, exit status %d\n", WEXITSTATUS(status));
	return 0;
}
