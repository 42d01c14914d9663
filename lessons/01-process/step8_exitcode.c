/* step8_exitcode.c - exit status and signal in one number.  [works]
 *
 * Build:  cc -O2 -o step8_exitcode step8_exitcode.c
 * New:    WIFSIGNALED(), WTERMSIG()
 * Try:    ./step8_exitcode
 * See:    waitpid packs two things into one int: the low eight bits of what
 *         the child gave to _exit, or the signal that killed it.  Python's
 *         exitcode has both on one line of numbers: signals are negative.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* End with _exit(n), or by signal -n when n is negative. */
static void end(int n)
{
	if (n >= 0)
		_exit(n);
	kill(getpid(), -n);
	pause();
}

int main(void)
{
	static const int ends[] = { 0, 3, 256, -SIGTERM, -SIGKILL };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			end(ends[i]);
		if (waitpid(pid, &status, 0) < 0)
			err(1, "waitpid");
		dprintf(1, "%s %d: raw status %d, exit code %d\n",
			ends[i] < 0 ? "signal" : "_exit",
			ends[i] < 0 ? -ends[i] : ends[i], status,
			exit_code(status));
	}
	return 0;
}
