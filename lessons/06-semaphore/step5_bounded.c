/* step5_bounded.c - one release too many is refused.  [works]
 *
 * Build:  cc -O2 -o step5_bounded step5_bounded.c
 * New:    a bound inside the compare-and-swap loop
 * Try:    ./step5_bounded
 * See:    check first, then add: two processes that have both checked are both
 *         let through.  With compare-and-swap the second has to look again.
 */
#include <err.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX 2

static atomic_int *value, *there; /* there: how many have looked */

/* Wait until both processes have looked at the value. */
static void meet(void)
{
	int n = atomic_fetch_add(there, 1) + 1;

	if (n == 2)
		syscall(SYS_futex, there, FUTEX_WAKE, 1, NULL, NULL, 0);
	for (; n < 2; n = atomic_load(there))
		syscall(SYS_futex, there, FUTEX_WAIT, n, NULL, NULL, 0);
}

static int check_then_add(void)
{
	if (atomic_load(value) == MAX)
		return 0;
	meet();
	atomic_fetch_add(value, 1);
	return 1;
}

static int compare_and_swap(void)
{
	int old = atomic_load(value);

	meet();
	do
		if (old == MAX)
			return 0;
	while (!atomic_compare_exchange_weak(value, &old, old + 1));
	return 1;
}

/* The value is one below its bound, and two processes release. */
static void both(const char *how, int (*release)(void))
{
	int status, accepted;
	pid_t pid;

	*value = MAX - 1;
	*there = 0;
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	accepted = release();
	if (pid == 0)
		_exit(accepted);
	waitpid(pid, &status, 0);
	accepted += WEXITSTATUS(status);
	printf("%s: %d of 2 accepted, value %d of %d\n", how, accepted, *value,
	       MAX);
}

int main(void)
{
	value = mmap(NULL, 8, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (value == MAP_FAILED)
		err(1, "mmap");
	there = value + 1;
	*value = MAX;
	*there = 1; /* alone: nobody to meet */
	printf("a release at %d of %d: %s\n", *value, MAX,
	       compare_and_swap() ? "accepted" : "refused");
	both("check, then add", check_then_add);
	both("compare and swap", compare_and_swap);
	return 0;
}
