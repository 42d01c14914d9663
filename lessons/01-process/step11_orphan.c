/* step11_orphan.c - the parent is killed; what becomes of the child?  [works]
 *
 * Build:  cc -O2 -o step11_orphan step11_orphan.c
 * New:    prctl(PR_SET_PDEATHSIG)
 * Try:    ./step11_orphan
 * See:    an orphan runs on under another parent, unless it asked the kernel
 *         for a signal at its parent's death.
 * Kill:   ./step11_orphan
 */
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child: reports its pid when it is ready, then does nothing for ever. */
static void child(bool tied, pid_t parent, int ready)
{
	pid_t self = getpid();

	if (tied) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) /* it died before we asked */
			_exit(1);
	}
	if (write(ready, &self, sizeof(self)) != sizeof(self))
		_exit(1);
	for (;;)
		pause();
}

/* Three generations: we, a parent that is killed, and its child. */
static void experiment(bool tied)
{
	int ready[2], status;
	pid_t parent, orphan;

	if (pipe(ready) < 0)
		err(1, "pipe");
	parent = fork();
	if (parent < 0)
		err(1, "fork");
	if (parent == 0) {
		pid_t self = getpid();

		if (fork() == 0)
			child(tied, self, ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &orphan, sizeof(orphan)) != sizeof(orphan))
		errx(1, "the child did not start");
	close(ready[0]);

	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	if (!tied && waitpid(orphan, &status, WNOHANG) == 0) {
		printf("parent killed: the child lives on\n");
		kill(orphan, SIGKILL); /* leave nothing behind */
	}
	waitpid(orphan, &status, 0);
	if (tied)
		printf("parent killed, PR_SET_PDEATHSIG: "
		       "the child is killed by signal %d\n",
		       WTERMSIG(status));
}

int main(void)
{
	/* Orphans become our children, not those of pid 1, so we can wait. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	experiment(false);
	experiment(true);
	return 0;
}
