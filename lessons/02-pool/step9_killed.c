/* step9_killed.c - a worker is killed.  [hangs on purpose]
 *
 * Build:  cc -O2 -o step9_killed step9_killed.c
 * New:    nothing; kill -9 in the middle of a task
 * Try:    ./step9_killed
 * See:    three of four tasks are done.  The count of the fourth will never
 *         come, and nobody who could know that is awake.
 */
#include <err.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TASKS   4
#define WORKERS 2

static struct shared {
	atomic_int next;
	atomic_uint left; /* tasks that are not done */
	int out[TASKS];
} * s;

static void futex(int op, unsigned value)
{
	syscall(SYS_futex, &s->left, op, value, NULL, NULL, 0);
}

static int square(int x)
{
	if (x == 2) {
		dprintf(1, "task 2: its worker is killed\n");
		raise(SIGKILL);
	}
	return x * x;
}

static void work(void)
{
	for (int i; (i = atomic_fetch_add(&s->next, 1)) < TASKS;) {
		s->out[i] = square(i);
		if (atomic_fetch_sub(&s->left, 1) == 1)
			futex(FUTEX_WAKE, 1);
	}
}

int main(void)
{
	alarm(10); /* for whoever runs this without a time limit */
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	s->left = TASKS;
	for (int w = 0; w < WORKERS; w++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work();
			_exit(0);
		}
	}
	for (unsigned left; (left = atomic_load(&s->left)) > 0;)
		futex(FUTEX_WAIT, left);
	printf("%d squares\n", TASKS);
	return 0;
}
