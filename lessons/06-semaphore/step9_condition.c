/* step9_condition.c - wait until something has happened.  [works]
 *
 * Build:  cc -O2 -o step9_condition step9_condition.c
 * New:    FUTEX_WAIT on a number that says only: there was a notify
 * Try:    ./step9_condition
 * See:    a notify that finds nobody is forgotten, unlike a release.  Whoever
 *         is woken looks again: another may have taken the item.
 */
#include <err.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define futex(word, op, n) syscall(SYS_futex, word, op, n, NULL, NULL, 0)

static atomic_uint *lock, *notified, *items, *waits;

static void acquire(void) /* lesson 05 with two states, to be short */
{
	while (atomic_exchange(lock, 1) != 0)
		futex(lock, FUTEX_WAIT, 1);
}

static void release(void)
{
	atomic_store(lock, 0);
	futex(lock, FUTEX_WAKE, 1);
}

static void condition_wait(void) /* with the lock held */
{
	unsigned before = *notified;

	++*waits;
	release();
	futex(notified, FUTEX_WAIT, before);
	acquire();
}

static void put(unsigned n, int clients)
{
	acquire();
	*items += n;
	++*notified;
	futex(notified, FUTEX_WAKE, clients);
	release();
}

int main(void)
{
	pid_t pid;

	lock = mmap(NULL, 16, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lock == MAP_FAILED)
		err(1, "mmap");
	notified = lock + 1, items = lock + 2, waits = lock + 3;
	put(0, INT_MAX);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (pid == 0) { /* a client */
			acquire();
			while (*items == 0)
				condition_wait();
			--*items;
			release();
			_exit(0);
		}
	}
	while (*waits < 2) /* until both wait */
		sched_yield();
	dprintf(1, "1 notify, then 2 clients: %u have waited\n", *waits);
	put(1, INT_MAX);
	wait(NULL);
	while (*waits < 3)
		sched_yield();
	dprintf(1, "1 item, notify all: 1 has it, %u waits\n", *waits - 2);
	put(1, 1);
	wait(NULL);
	dprintf(1, "1 item, notify 1: the other has it, %u left\n", *items);
	return 0;
}
