/* step11_claim.c - the claim names its claimer.  [works]
 *
 * Build:  cc -O2 -o step11_claim step11_claim.c
 * New:    atomic_compare_exchange_strong(): to claim and to sign are one
 * Try:    ./step11_claim
 * See:    the parent finds the name of the dead on task 2, and replaces it.
 */
#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS   5
#define WORKERS 2

enum { FREE, DONE = -1, LOST = -2 }; /* or the number of a worker, from 1 */
static struct shared {
	atomic_int next; /* a hint: all before it are taken */
	atomic_int state[TASKS];
	int out[TASKS], signal[TASKS];
} * s;
static pid_t pid[WORKERS + 1], ended;
static int started;

static int swap(atomic_int *word, int old, int new)
{
	return atomic_compare_exchange_strong(word, &old, new);
}

static int square(int x)
{
	return x == 2 ? raise(SIGKILL) : x * x;
}

static void work(int me)
{
	for (int i; (i = atomic_load(&s->next)) < TASKS;) {
		int mine = swap(&s->state[i], FREE, me);

		swap(&s->next, i, i + 1); /* whoever has i: go on */
		if (!mine)
			continue;
		s->out[i] = square(i);
		atomic_store(&s->state[i], DONE);
	}
	_exit(0);
}

static void start(int w)
{
	started++;
	pid[w] = fork();
	if (pid[w] == 0)
		work(w);
}

/* Worker w was killed: report what it had, and replace it. */
static void bury(int w, int sig)
{
	for (int i = 0; i < TASKS; i++)
		if (atomic_load(&s->state[i]) == w) {
			s->signal[i] = sig;
			atomic_store(&s->state[i], LOST);
		}
	start(w);
}

int main(void)
{
	int status;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int w = 1; w <= WORKERS; w++)
		start(w);
	while ((ended = waitpid(-1, &status, 0)) > 0)
		for (int w = 1; w <= WORKERS; w++)
			if (pid[w] == ended && WIFSIGNALED(status))
				bury(w, WTERMSIG(status));
	for (int i = 0; i < TASKS; i++)
		printf(s->state[i] == DONE ? "task %d: %d\n"
					   : "task %d: lost by signal %d\n",
		       i, s->state[i] == DONE ? s->out[i] : s->signal[i]);
	return printf("%d workers were started\n", started) < 0;
}
