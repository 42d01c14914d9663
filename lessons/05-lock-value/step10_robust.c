/* step10_robust.c - the word names its holder, the kernel its death.  [works]
 *
 * Build:  cc -O2 -o step10_robust step10_robust.c
 * New:    set_robust_list()
 * Try:    ./step10_robust
 * See:    B is asleep when the holder dies.  The kernel puts a mark in place of
 *         the dead one's id and wakes B, who takes the lock and is told.
 */
#include <err.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	struct robust_list node; /* from here the kernel finds the word */
	atomic_uint word;        /* holder's id | FUTEX_WAITERS; 0: free */
};
static struct shared *s;
static struct robust_list_head mine = {
	.list = { &mine.list }, /* what this process holds: nothing yet */
	.futex_offset = offsetof(struct shared, word),
};

static int swap(unsigned old, unsigned new)
{
	return atomic_compare_exchange_strong(&s->word, &old, new);
}

/* We hold the lock now; not 0: its holder before us has died. */
static unsigned acquire(void)
{
	unsigned me = (unsigned)getpid(), slept = 0, old;

	mine.list_op_pending = &s->node; /* if I die, look at this word */
	for (;;) {
		old = atomic_load(&s->word); /* free, or holder died? */
		if ((old & FUTEX_TID_MASK) == 0) {
			if (swap(old, me | slept | (old & FUTEX_WAITERS)))
				return old & FUTEX_OWNER_DIED;
		} else if (swap(old, old | FUTEX_WAITERS)) {
			syscall(SYS_futex, &s->word, FUTEX_WAIT,
				old | FUTEX_WAITERS, NULL, NULL, 0);
			slept = FUTEX_WAITERS;
		}
	}
}

static void release(void)
{
	if (atomic_exchange(&s->word, 0) & FUTEX_WAITERS)
		syscall(SYS_futex, &s->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	mine.list_op_pending = NULL;
}

int main(void)
{
	pid_t a;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	a = fork();
	if (a < 0)
		err(1, "fork");
	if (syscall(SYS_set_robust_list, &mine, sizeof(mine)) < 0)
		err(1, "set_robust_list");
	if (a == 0) {
		acquire();
		while (!(atomic_load(&s->word) & FUTEX_WAITERS))
			sched_yield(); /* until B waits for it */
		raise(SIGKILL);
	}
	while (atomic_load(&s->word) == 0) /* until A has the lock */
		sched_yield();
	if (acquire() == 0)
		errx(1, "B was not told");
	waitpid(a, NULL, 0);
	printf("A took the lock and was killed\n");
	printf("B, who waited for it, has it now and is told\n");
	release();
	return 0;
}
