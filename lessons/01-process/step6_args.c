/* step6_args.c - a function, an argument, a process; six times.  [works]
 *
 * Build:  cc -O2 -o step6_args step6_args.c
 * New:    wait(), which takes the children in the order in which they end
 * Try:    ./step6_args
 * See:    six lines in any order, then the parent's.  An argument needs no
 *         system call: the pointer is good in the child because all of memory
 *         was copied.  ECHILD says that no child is left, not even a dead one.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int continent(void *arg)
{
	const char *name = arg ? arg : "Asia";

	dprintf(1, "the continent is %s\n", name);
	return 0;
}

static int greet(void *arg)
{
	dprintf(1, "hello, I am %s, pid %d\n", (const char *)arg, getpid());
	return 0;
}

static void start(int (*target)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		_exit(target(arg));
}

int main(void)
{
	int joined = 0, status;

	start(continent, NULL);
	start(continent, "America");
	start(continent, "Europe");
	start(continent, "Africa");
	start(greet, "Alice");
	start(greet, "Bob");

	while (wait(&status) > 0)
		joined++;
	if (errno != ECHILD)
		err(1, "wait");
	dprintf(1, "parent, pid %d: %d joined, none left\n", getpid(), joined);
	return 0;
}
