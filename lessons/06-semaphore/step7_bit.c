/* step7_bit.c - one bit instead of a count: somebody may sleep.  [works]
 *
 * Build:  cc -O2 -o step7_bit step7_bit.c
 * New:    what FUTEX_WAKE returns: how many it has woken
 * Try:    ./step7_bit
 * See:    a killed waiter leaves the bit on.  The next release makes one call
 *         for nobody, is told so, and switches the bit off.
 */
#include <err.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define cas      atomic_compare_exchange_strong
#define SLEEPERS 0x80000000u /* somebody may sleep; the rest is the value */

static atomic_uint *word, *waits, *wakes;

static long futex(int op, unsigned value)
{
	atomic_fetch_add(op == FUTEX_WAIT ? waits : wakes, 1);
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void acquire(void)
{
	unsigned old = atomic_load(word), slept = 0;

	for (;;) {
		if (old & ~SLEEPERS) {
			if (cas(word, &old, (old - 1) | slept))
				break;
		} else if (old == SLEEPERS || cas(word, &old, SLEEPERS)) {
			futex(FUTEX_WAIT, SLEEPERS);
			old = atomic_load(word);
			slept = SLEEPERS; /* others may sleep still */
		}
	}
	if (slept && (old & ~SLEEPERS) > 1)
		futex(FUTEX_WAKE, 1); /* one is left: for the next */
}

static void release(void)
{
	unsigned new, old = atomic_load(word);

	do
		new = old + 1;
	while (!cas(word, &old, new));
	if (old & SLEEPERS && futex(FUTEX_WAKE, 1) == 0)
		cas(word, &new, new & ~SLEEPERS); /* nobody sleeps */
}

int main(void)
{
	pid_t child[2];

	word = mmap(NULL, 12, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (word == MAP_FAILED)
		err(1, "mmap");
	waits = word + 1, wakes = word + 2;
	for (unsigned i = 0; i < 2; i++) {
		child[i] = fork();
		if (child[i] < 0)
			err(1, "fork");
		if (child[i] == 0)
			acquire(), _exit(0);
		while (atomic_load(waits) == i)
			sched_yield();
	}
	printf("two wait: bit %u\n", *word / SLEEPERS);
	kill(child[0], SIGKILL);
	waitpid(child[0], NULL, 0);
	release();
	waitpid(child[1], NULL, 0);
	printf("one killed, one served: bit %u\n", *word / SLEEPERS);
	*wakes = 0;
	for (int i = 0; i < 1000; i++)
		release(), acquire();
	printf("1000 pairs alone: wakes %u, bit %u\n", *wakes,
	       *word / SLEEPERS);
	return 0;
}
