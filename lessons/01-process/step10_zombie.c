/* step10_zombie.c - ended, but not yet joined.  [works]
 *
 * Build:  cc -O2 -o step10_zombie step10_zombie.c
 * New:    waitid(WNOWAIT), which looks without taking away
 * Try:    ./step10_zombie
 * See:    a zombie is an exit code that waits for its parent.  It runs
 *         nothing, owns no memory, and SIGKILL has nothing left to kill.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Print the state letter and the size that /proc has for a pid. */
static void look(const char *when, pid_t pid)
{
	char path[64], state;
	long pages;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f) {
		printf("%s: %s\n", when, strerror(errno));
		return;
	}
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		errx(1, "%s: not as expected", path);
	fclose(f);

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%ld", &pages) != 1)
		errx(1, "%s: not as expected", path);
	fclose(f);
	printf("%s: state %c, %ld pages of memory\n", when, state, pages);
}

int main(void)
{
	siginfo_t info;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		_exit(3);
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		err(1, "waitid");
	look("ended", pid);

	if (kill(pid, SIGKILL) < 0)
		err(1, "kill");
	look("after SIGKILL", pid);

	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	printf("joined: exit code %d\n", WEXITSTATUS(status));
	look("after join", pid);
	return 0;
}
