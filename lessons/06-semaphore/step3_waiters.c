/* step3_waiters.c - without a waiter, release is silent.  [works]
 *
 * Build:  cc -O2 -o step3_waiters step3_waiters.c
 * New:    a second word: how many are about to sleep
 * Try:    ./step3_waiters
 * See:    no system call at all while nobody waits; one each when one does.
 *         Who will sleep says so first; who gives back looks afterwards.
 */
#include <err.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct semaphore {
	atomic_int value, waiters; /* free places; who sleeps or is about to */
	atomic_int waits, wakes;   /* system calls, for the report */
};
static struct semaphore *s;

static void futex(atomic_int *word, int op, int value)
{
	atomic_fetch_add(op == FUTEX_WAIT ? &s->waits : &s->wakes, 1);
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void acquire(void)
{
	int old;

	do
		while ((old = atomic_load(&s->value)) == 0) {
			atomic_fetch_add(&s->waiters, 1);
			futex(&s->value, FUTEX_WAIT, 0);
			atomic_fetch_sub(&s->waiters, 1);
		}
	while (!atomic_compare_exchange_weak(&s->value, &old, old - 1));
}

static void release(void)
{
	atomic_fetch_add(&s->value, 1);
	if (atomic_load(&s->waiters) > 0)
		futex(&s->value, FUTEX_WAKE, 1);
}

int main(void)
{
	pid_t pid;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	s->value = 1;
	for (int i = 0; i < 1000; i++)
		acquire(), release();
	printf("1000 pairs alone: waits %d, wakes %d\n", s->waits, s->wakes);

	acquire();
	s->waits = s->wakes = 0;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		acquire();
		_exit(0);
	}
	while (atomic_load(&s->waits) == 0) /* until the child goes to sleep */
		sched_yield();
	release();
	waitpid(pid, NULL, 0);
	printf("and one sleeper: waits %d, wakes %d\n", s->waits, s->wakes);
	return 0;
}
