/* step10_join.c - joined before anything was got.  [works]
 *
 * Build:  cc -O2 -o step10_join step10_join.c
 * New:    nothing; more bytes than a pipe holds, and two orders
 * Try:    ./step10_join get-first
 *         ./step10_join join-first
 * See:    both end at once.  What a put has returned from needs no sender any
 *         more, so the child can end before the first message is read.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 100
#define BYTES 1024 /* of a message; 100 of them, and a pipe holds 64 */

static struct ring {
	atomic_uint head, tail;
	char slots[SLOTS][BYTES];
} * r;
static int filled; /* an eventfd: the slots that are filled */

static void put(const char *message)
{
	uint64_t one = 1;

	memcpy(r->slots[r->tail % SLOTS], message, BYTES); /* never full */
	atomic_fetch_add(&r->tail, 1);
	if (write(filled, &one, sizeof(one)) < 0)
		err(1, "write");
}

static void get_all(void)
{
	char message[BYTES];
	uint64_t one;
	int whole = 0;

	for (int i = 0; i < 100; i++) {
		if (read(filled, &one, sizeof(one)) < 0)
			err(1, "read");
		memcpy(message, r->slots[r->head % SLOTS], BYTES);
		atomic_fetch_add(&r->head, 1);
		whole += message[0] == i && message[BYTES - 1] == i;
	}
	printf("got %d messages of %d bytes\n", whole, BYTES);
}

int main(int argc, char *argv[])
{
	int join_first = argc > 1 && strcmp(argv[1], "join-first") == 0;
	char message[BYTES];
	pid_t pid;

	if (argc > 1 && !join_first && strcmp(argv[1], "get-first") != 0)
		errx(2, "'%s' is not get-first or join-first", argv[1]);
	filled = eventfd(0, EFD_SEMAPHORE);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filled < 0 || r == MAP_FAILED || (pid = fork()) < 0)
		err(1, "eventfd, mmap or fork");
	for (int i = 0; pid == 0 && i < 100; i++)
		put(memset(message, i, BYTES));
	if (pid == 0)
		_exit(0);
	if (!join_first)
		get_all();
	waitpid(pid, NULL, 0);
	printf("the child has ended\n");
	if (join_first)
		get_all();
	return 0;
}
