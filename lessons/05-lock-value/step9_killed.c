/* step9_killed.c - the holder is killed, and the lock stays.  [shows a bug]
 *
 * Build:  cc -O2 -o step9_killed step9_killed.c
 * New:    the timeout of FUTEX_WAIT
 * Try:    ./step9_killed
 *         ./step9_killed 1000
 * See:    the 2 in the word says that the lock is held, but not by whom, so
 *         nobody can tell that the holder is dead.  Without the timeout (300
 *         ms, or as many as the argument says) the wait would never end.
 */
#include <err.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_uint *word; /* 0 free, 1 held, 2 held and somebody may sleep */

/* 0, or -ETIMEDOUT when the lock has not come within so many ms. */
static int acquire(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	unsigned old = 0;

	if (atomic_compare_exchange_strong(word, &old, 1))
		return 0;
	while (atomic_exchange(word, 2) != 0)
		if (syscall(SYS_futex, word, FUTEX_WAIT, 2, &t, NULL, 0) < 0 &&
		    errno == ETIMEDOUT)
			return -ETIMEDOUT;
	return 0;
}

int main(int argc, char *argv[])
{
	long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 300;
	pid_t a;

	if (ms < 1 || ms > 60000)
		errx(2, "timeout '%s': not 1 to 60000 ms", argv[1]);
	word = mmap(NULL, sizeof(*word), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (word == MAP_FAILED)
		err(1, "mmap");

	a = fork();
	if (a < 0)
		err(1, "fork");
	if (a == 0) {
		acquire(ms);
		for (;;)
			pause();
	}
	while (atomic_load(word) == 0) /* until A holds the lock */
		sched_yield();
	kill(a, SIGKILL);
	waitpid(a, NULL, 0);
	printf("A took the lock and was killed\n");
	if (acquire(ms) == -ETIMEDOUT)
		printf("B has waited %ld ms in vain\n", ms);
	return 0;
}
