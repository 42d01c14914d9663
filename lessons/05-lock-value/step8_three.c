/* step8_three.c - the third state: somebody may sleep.  [works]
 *
 * Build:  cc -O2 -o step8_three step8_three.c
 * New:    atomic_compare_exchange_strong()
 * Try:    ./step8_three
 *         taskset -c 0 ./step8_three
 * See:    whoever waits sleeps, as before, but leaves a mark first.  A release
 *         that finds none has nobody to wake, and calls nobody.
 */
#include <err.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	atomic_uint word; /* 0 free, 1 held, 2 held and somebody may sleep */
	volatile int counter;
};
static struct shared *s;
static int calls; /* of this process */

static void futex(int what, unsigned value)
{
	calls++;
	syscall(SYS_futex, &s->word, what, value, NULL, NULL, 0);
}

static void acquire(void)
{
	unsigned old = 0;

	if (atomic_compare_exchange_strong(&s->word, &old, 1))
		return;
	while (atomic_exchange(&s->word, 2) != 0)
		futex(FUTEX_WAIT, 2); /* woken: again as 2, never as 1 */
}

static void release(void)
{
	if (atomic_exchange(&s->word, 0) == 2)
		futex(FUTEX_WAKE, 1);
}

static pid_t start(int times)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	for (int i = 0; i < times; i++) {
		acquire();
		s->counter++;
		release();
	}
	_exit(0);
}

int main(void)
{
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int i = 0; i < 4; i++)
		start(100000);
	while (wait(NULL) > 0)
		;
	dprintf(1, "lost %d of 400000\n", 400000 - s->counter);

	for (int i = 0; i < 1000; i++) {
		acquire();
		release();
	}
	dprintf(1, "alone: 1000 pairs, %d futex calls\n", calls);
	return 0;
}
