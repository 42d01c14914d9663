/* step6_spin.c - a lock: swap in a 1 until a 0 comes out.  [works]
 *
 * Build:  cc -O2 -o step6_spin step6_spin.c
 * New:    atomic_exchange()
 * Try:    ./step6_spin
 *         taskset -c 0 ./step6_spin
 * See:    nothing is lost.  But while the holder sleeps, the one who waits
 *         computes, for as long as it takes, and gets nowhere.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	atomic_uint word; /* 0 free, 1 held */
	volatile int counter;
};
static struct shared *s;

static void acquire(void)
{
	while (atomic_exchange(&s->word, 1) == 1)
		;
}

static void release(void)
{
	atomic_store(&s->word, 0);
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
	return 0;
}
