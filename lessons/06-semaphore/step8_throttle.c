/* step8_throttle.c - of six workers at most two are inside.  [works]
 *
 * Build:  cc -O2 -o step8_throttle step8_throttle.c
 * New:    nothing; the semaphore of step 3 put to use
 * Try:    ./step8_throttle
 * See:    the semaphore does not know who is inside, only how many may still
 *         come.  Each stays for 10 ms (or as many ms as the argument says).
 */
#include <err.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct semaphore {
	atomic_int value, waiters, inside, most, taken; /* as was seen */
};
static struct semaphore *s;

static void acquire(void)
{
	int old;

	do
		while ((old = atomic_load(&s->value)) == 0) {
			atomic_fetch_add(&s->waiters, 1);
			syscall(SYS_futex, &s->value, FUTEX_WAIT, 0, NULL);
			atomic_fetch_sub(&s->waiters, 1);
		}
	while (!atomic_compare_exchange_weak(&s->value, &old, old - 1));
}

static void release(void)
{
	atomic_fetch_add(&s->value, 1);
	if (atomic_load(&s->waiters) > 0)
		syscall(SYS_futex, &s->value, FUTEX_WAKE, 1);
}

static void keep_largest(atomic_int *largest, int n)
{
	int old = atomic_load(largest);

	while (n > old && !atomic_compare_exchange_weak(largest, &old, n))
		;
}

static void worker(long ms)
{
	acquire();
	keep_largest(&s->taken, 2 - s->value);
	keep_largest(&s->most, atomic_fetch_add(&s->inside, 1) + 1);
	while (s->most < 2) /* the first waits for company */
		sched_yield();
	usleep((unsigned)ms * 1000);
	atomic_fetch_sub(&s->inside, 1);
	release();
	_exit(0);
}

int main(int argc, char *argv[])
{
	long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
	pid_t pid;

	if (ms < 1 || ms > 60000)
		errx(2, "'%s': not 1 to 60000 ms", argv[1]);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	s->value = 2;
	for (int i = 0; i < 6; i++) {
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			worker(ms);
	}
	while (wait(NULL) > 0)
		;
	dprintf(1, "6 workers: at most %d inside; value 2, %d, %d\n", s->most,
		2 - s->taken, s->value);
	return 0;
}
