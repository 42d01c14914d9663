/* step4_busy.c - whoever looks and looks uses up a CPU.  [works]
 *
 * Build:  cc -O2 -o step4_busy step4_busy.c
 * New:    getrusage()
 * Try:    ./step4_busy
 *         taskset -c 0 ./step4_busy
 * See:    the consumer has computed for 50 ms, only to find nothing.  (The
 *         producer puts its message when the consumer has come so far.)
 */
#include <err.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 4

static struct ring {
	atomic_uint head, tail;
	int slots[SLOTS];
} * r;

static bool put(int message)
{
	unsigned tail = atomic_load(&r->tail);

	if (tail - atomic_load(&r->head) == SLOTS)
		return false;
	r->slots[tail % SLOTS] = message;
	atomic_store(&r->tail, tail + 1);
	return true;
}

static bool get(int *message)
{
	unsigned head = atomic_load(&r->head);

	if (head == atomic_load(&r->tail))
		return false;
	*message = r->slots[head % SLOTS];
	atomic_store(&r->head, head + 1);
	return true;
}

/* Milliseconds of CPU that this process has used. */
static long computed(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

int main(void)
{
	struct timespec used = { 0, 0 };
	clockid_t clock;
	int message;
	pid_t pid;

	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED || (pid = fork()) < 0)
		err(1, "mmap or fork");
	if (pid == 0) {
		while (!get(&message))
			;
		dprintf(1, "the message is %d; computed for it: %ld ms\n",
			message, computed());
		_exit(0);
	}
	if (clock_getcpuclockid(pid, &clock) != 0)
		errx(1, "the child has no clock");
	do {
		usleep(1000);
		clock_gettime(clock, &used);
	} while (used.tv_sec == 0 && used.tv_nsec < 50000000);
	put(7);
	waitpid(pid, NULL, 0);
	return 0;
}
