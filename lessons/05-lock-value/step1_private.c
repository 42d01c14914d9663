/* step1_private.c - four processes count, each for itself.  [works]
 *
 * Build:  cc -O2 -o step1_private step1_private.c
 * New:    nothing; fork() and waitpid() as in lesson 01
 * Try:    ./step1_private
 * See:    the variable has one address and five values: each child counted its
 *         own copy to 100000, the parent's copy is still 0.
 */
#include <err.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* volatile: each `counter++` is a load, an addition and a store.  Without it
 * the compiler makes one `counter += 100000` of the whole loop. */
static volatile int counter;

static void count(int times)
{
	for (int i = 0; i < times; i++)
		counter++;
}

int main(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			count(100000);
			dprintf(1, "child:  counter %d\n", counter);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	dprintf(1, "parent: counter %d\n", counter);
	return 0;
}
