/* step2_ring.c - a ring: what goes in first comes out first.  [works]
 *
 * Build:  cc -O2 -o step2_ring step2_ring.c
 * New:    two counters in shared memory: messages put, messages got
 * Try:    ./step2_ring
 * See:    the order of the colours.  The child is the only one who writes tail,
 *         the parent the only one who writes head: nobody needs a lock.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 4

static struct ring {
	atomic_uint head, tail; /* got so far, put so far: they only grow */
	char slots[SLOTS][16];
} * r;

static bool put(const char *message)
{
	unsigned tail = atomic_load(&r->tail);

	if (tail - atomic_load(&r->head) == SLOTS)
		return false; /* full */
	strcpy(r->slots[tail % SLOTS], message);
	atomic_store(&r->tail, tail + 1);
	return true;
}

static bool get(char *message)
{
	unsigned head = atomic_load(&r->head);

	if (head == atomic_load(&r->tail))
		return false; /* empty */
	strcpy(message, r->slots[head % SLOTS]);
	atomic_store(&r->head, head + 1);
	return true;
}

int main(void)
{
	const char *colours[] = { "red", "green", "blue", "black" };
	char message[16];
	pid_t pid;

	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		err(1, "mmap");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		for (int i = 0; i < 4 && put(colours[i]); i++)
			dprintf(1, "put %d %s\n", i + 1, colours[i]);
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) < 0)
		err(1, "waitpid");
	for (int i = 1; get(message); i++)
		dprintf(1, "got %d %s\n", i, message);
	dprintf(1, "empty: %u put, %u got\n", r->tail, r->head);
	return 0;
}
