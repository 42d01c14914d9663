/* step10_barrier.c - nobody goes on before all are there.  [works]
 *
 * Build:  cc -O2 -o step10_barrier step10_barrier.c
 * New:    FUTEX_WAKE for all at once
 * Try:    ./step10_barrier
 * See:    whoever comes last opens the next phase.  The others wait for the
 *         phase to change, not for three to have arrived: that count starts
 *         again at 0 while they are still on their way out.
 */
#include <err.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARTIES 3

static atomic_uint *phase, *arrived, *done;

static void barrier_wait(void)
{
	unsigned now = atomic_load(phase);

	if (atomic_fetch_add(arrived, 1) == PARTIES - 1) {
		atomic_store(arrived, 0);
		atomic_store(phase, now + 1);
		syscall(SYS_futex, phase, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	while (atomic_load(phase) == now)
		syscall(SYS_futex, phase, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void worker(char name)
{
	for (int round = 1; round <= 2; round++) {
		atomic_fetch_add(&done[round], 1);
		barrier_wait();
		dprintf(1, "round %d: %c goes on, %u of %d are done\n", round,
			name, done[round], PARTIES);
	}
	_exit(0);
}

int main(void)
{
	phase = mmap(NULL, 64, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (phase == MAP_FAILED)
		err(1, "mmap");
	arrived = phase + 1, done = phase + 2;
	for (char name = 'A'; name < 'A' + PARTIES; name++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			worker(name);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
