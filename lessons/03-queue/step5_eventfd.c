/* step5_eventfd.c - asleep until there is something.  [works]
 *
 * Build:  cc -O2 -o step5_eventfd step5_eventfd.c
 * New:    eventfd()
 * Try:    ./step5_eventfd
 * See:    the squares that the child has put, printed by the parent, which has
 *         slept meanwhile: it has computed for 0 ms.  Each message has cost two
 *         system calls.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 4

static struct ring {
	atomic_uint head, tail, writes, reads;
	int slots[SLOTS];
} * r;
static int filled; /* an eventfd: the slots that are filled */

static void put(int message)
{
	uint64_t one = 1;

	r->slots[r->tail % SLOTS] = message; /* here never full */
	atomic_fetch_add(&r->tail, 1);
	if (write(filled, &one, sizeof(one)) < 0)
		err(1, "write");
	r->writes++;
}

static int get(void)
{
	uint64_t one;
	int message;

	if (read(filled, &one, sizeof(one)) < 0)
		err(1, "read");
	r->reads++;
	message = r->slots[r->head % SLOTS];
	atomic_fetch_add(&r->head, 1);
	return message;
}

static long computed(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

int main(void)
{
	int squares[4];
	long before;
	pid_t pid;

	filled = eventfd(0, EFD_SEMAPHORE);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filled < 0 || r == MAP_FAILED || (pid = fork()) < 0)
		err(1, "eventfd, mmap or fork");
	if (pid == 0) {
		usleep(50000); /* it thinks */
		for (int i = 1; i <= 4; i++)
			put(i * i);
		_exit(0);
	}
	before = computed();
	for (int i = 0; i < 4; i++)
		squares[i] = get();
	printf("%d %d %d %d\n", squares[0], squares[1], squares[2], squares[3]);
	printf("%s\n", r->head == r->tail ? "empty" : "not empty");
	waitpid(pid, NULL, 0);
	printf("4 messages: writes %u, reads %u\n", r->writes, r->reads);
	printf("slept for 50 ms, computed for %ld ms\n", computed() - before);
	return 0;
}
