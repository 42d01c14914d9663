/* step6_bell.c - a bell that is rung only if somebody sleeps.  [works]
 *
 * Build:  cc -O2 -o step6_bell step6_bell.c
 * New:    a mark in shared memory: the consumer sleeps, or is about to
 * Try:    ./step6_bell
 * See:    1000 messages without a system call; one for a sleeper with two.
 *         The order of marking and looking is what all depends on.
 */
#include <err.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 4

static struct ring {
	atomic_uint head, tail, asleep;
	atomic_uint writes, reads; /* the system calls so far */
	int slots[SLOTS];
} * r;
static int bell;

static void put(int message)
{
	uint64_t one = 1;

	r->slots[r->tail % SLOTS] = message; /* here never full */
	atomic_fetch_add(&r->tail, 1);
	if (atomic_load(&r->asleep)) {
		r->writes++;
		if (write(bell, &one, sizeof(one)) < 0)
			err(1, "write");
	}
}

static int get(void)
{
	uint64_t rung;
	int message;

	while (r->head == r->tail) {
		atomic_store(&r->asleep, 1);
		if (r->head == r->tail) { /* still empty, after the mark */
			r->reads++;
			if (read(bell, &rung, sizeof(rung)) < 0)
				err(1, "read");
		}
		atomic_store(&r->asleep, 0);
	}
	message = r->slots[r->head % SLOTS];
	atomic_fetch_add(&r->head, 1);
	return message;
}

int main(void)
{
	pid_t pid;

	bell = eventfd(0, 0);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bell < 0 || r == MAP_FAILED)
		err(1, "eventfd or mmap");
	for (int i = 0; i < 1000; i++) {
		put(i);
		if (get() != i)
			errx(1, "another message came out");
	}
	printf("1000 messages, nobody sleeps: writes %u, reads %u\n", r->writes,
	       r->reads);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		_exit(get() != 7);
	while (r->reads == 0) /* until it is on its way to sleep */
		sched_yield();
	put(7);
	waitpid(pid, NULL, 0);
	printf("1 message for a sleeper: writes %u, reads %u\n", r->writes,
	       r->reads);
	return 0;
}
