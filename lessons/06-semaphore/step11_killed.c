/* step11_killed.c - a killed holder takes its place with it.  [shows a bug]
 *
 * Build:  cc -O2 -o step11_killed step11_killed.c
 * New:    a timeout for FUTEX_WAIT
 * Try:    ./step11_killed
 * Kill:   ./step11_killed kill
 * See:    a semaphore knows how many are inside, not who.  If the parent holds
 *         for its child and releases when it has reaped it, no place is lost.
 */
#include <err.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int *value, *notified, *event, *sleeps;
static const struct timespec ms50 = { .tv_nsec = 50000000 };

/* -1: the word is not `old`, or it was too late. */
static long sleep_on(atomic_int *word, int old, const struct timespec *timeout)
{
	++*sleeps;
	return syscall(SYS_futex, word, FUTEX_WAIT, old, timeout, NULL, 0);
}

static void wake(atomic_int *word) /* release, notify, set */
{
	++*word;
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* A child takes a place, or none, or sleeps on a word; and it is killed. */
static void killed_child(int takes, atomic_int *word)
{
	int before = *sleeps;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		*value -= takes; /* others do not compete here */
		if (word)
			sleep_on(word, *word, NULL);
		kill(getpid(), SIGKILL);
	}
	while (word && *sleeps == before)
		sched_yield();
	if (word)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char *argv[])
{
	const char *how[] = { "condition, a waiter killed: notify",
			      "event, a waiter killed: set" };

	if (argc > 1 && strcmp(argv[1], "kill") != 0)
		errx(2, "'%s' is not kill", argv[1]);
	value = mmap(NULL, 16, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (value == MAP_FAILED)
		err(1, "mmap");
	notified = value + 1, event = value + 2, sleeps = value + 3;
	for (int i = 0; argc > 1 && i < 10; i++) {
		killed_child(0, i < 5 ? notified : event);
		wake(i < 5 ? notified : event);
		if (i % 5 == 4)
			printf("%s returns, 5 of 5\n", i < 5 ? how[0] : how[1]);
	}
	*value = 2;
	for (int i = 0; i < 2; i++) {
		killed_child(1, NULL);
		printf("a holder is killed: value %d of 2\n", *value);
	}
	printf("acquire, 50 ms: %s\n",
	       sleep_on(value, 0, &ms50) < 0 ? "timed out" : "woken");
	*value = 1; /* the parent has the other place */
	killed_child(0, NULL);
	wake(value);
	printf("the parent holds for its child: value %d of 2\n", *value);
	return 0;
}
