/* step1_fork.c - one call that returns twice.  [works]
 *
 * Build:  cc -O2 -o step1_fork step1_fork.c
 * New:    fork()
 * Try:    ./step1_fork
 * See:    both branches of one `if` ran.  In the parent fork returned the
 *         child's pid, in the child 0.  The lines come in either order, and
 *         the shell's prompt may come before the child's: nobody waits yet.
 */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		printf("child: fork returned 0, I am pid %d\n", getpid());
	else
		printf("parent: fork returned pid %d\n", pid);
	return 0;
}
