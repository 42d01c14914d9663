/* step7_futex.c - who cannot have the lock sleeps; two states.  [works]
 *
 * Build:  cc -O2 -o step7_futex step7_futex.c
 * New:    nothing; the futex of step 4 in the lock of step 6
 * Try:    ./step7_futex
 * See:    the one who waits computes nothing.  But no release knows whether
 *         somebody sleeps, so each one calls the kernel, mostly for nothing.
 */
#include <err.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	atomic_uint word; /* 0 free, 1 held */
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
	while (atomic_exchange(&s->word, 1) == 1)
		futex(FUTEX_WAIT, 1); /* sleep, if the word is still 1 */
}

static void release(void)
{
	atomic_store(&s->word, 0);
	futex(FUTEX_WAKE, 1); /* one of those who sleep, if any */
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
	struct rusage used;
	pid_t pid;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int i = 0; i < 4; i++)
		start(100000);
	while (wait(NULL) > 0)
		;
	dprintf(1, "lost %d of 400000\n", 400000 - s->counter);

	acquire();
	pid = start(1); /* who has to wait while we sleep */
	usleep(50000);
	release();
	wait4(pid, NULL, 0, &used);
	dprintf(1, "the holder slept 50 ms, the waiter computed %ld ms\n",
		(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000);

	calls = 0;
	for (int i = 0; i < 1000; i++) {
		acquire();
		release();
	}
	dprintf(1, "alone: 1000 pairs, %d futex calls\n", calls);
	return 0;
}
