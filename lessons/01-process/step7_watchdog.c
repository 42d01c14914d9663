/* step7_watchdog.c - a child beats while its parent computes.  [works]
 *
 * Build:  cc -O2 -o step7_watchdog step7_watchdog.c
 * New:    kill()
 * Try:    ./step7_watchdog
 *         ./step7_watchdog 200
 *         taskset -c 0 ./step7_watchdog
 * See:    a heartbeat each 20 ms (or as many ms as the argument says), the
 *         result after at least two of them, and the child's end.
 */
#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int *beats; /* on a page that fork does not copy */

static void heartbeat(long ms)
{
	struct timespec interval = { ms / 1000, ms % 1000 * 1000000 };

	for (int i = 0; i < 1000; i++) {
		nanosleep(&interval, NULL);
		dprintf(1, "heartbeat\n");
		atomic_fetch_add(beats, 1);
	}
	_exit(0);
}

static int primes_below(int n)
{
	int count = 0, d;

	for (int i = 2; i < n; i++) {
		for (d = 2; d * d <= i && i % d != 0; d++)
			;
		count += d * d > i;
	}
	return count;
}

int main(int argc, char *argv[])
{
	const char *unit = argc > 1 ? argv[1] : getenv("RAWMP_UNIT_MS");
	long ms = unit ? strtol(unit, NULL, 10) : 20;
	int status, primes;
	pid_t pid;

	if (ms < 1 || ms > 60000)
		errx(2, "interval '%s': not 1 to 60000 ms", unit);
	beats = mmap(NULL, sizeof(*beats), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (beats == MAP_FAILED)
		err(1, "mmap");

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		heartbeat(ms);

	do { /* the work, for as long as two beats take */
		primes = primes_below(100000);
		if (waitpid(pid, NULL, WNOHANG) != 0)
			errx(1, "the watchdog has died");
	} while (atomic_load(beats) < 2);

	if (kill(pid, SIGTERM) < 0 || waitpid(pid, &status, 0) < 0)
		err(1, "stopping the watchdog");
	dprintf(1, "result: %d primes below 100000\n", primes);
	dprintf(1, "watchdog ended by signal %d\n", WTERMSIG(status));
	return 0;
}
