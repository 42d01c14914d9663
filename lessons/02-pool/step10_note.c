/* step10_note.c - a note of what one has drawn, and its gap.  [shows a bug]
 *
 * Build:  cc -O2 -o step10_note step10_note.c
 * New:    nothing; step 9 with a note, and a parent that waits for deaths
 * Try:    ./step10_note
 * See:    between the draw and the note a task belongs to nobody.  The parent
 *         knows who died, but not with what.
 */
#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 4

enum status { NOTHING, DONE, LOST };
enum place { DRAWN, NOTED, HALF, STORED, PLACES };
static const char *const places[] = { "after the draw", "after the note",
				      "in the task", "after the task" };
static struct shared {
	atomic_int next;
	int note; /* the task that the worker has, + 1; 0: none */
	int out[TASKS], status[TASKS];
} * s;
#define KILL_HERE(place) (i == 1 && killed == place ? raise(SIGKILL) : 0)

static void work(int killed)
{
	for (int i; (i = atomic_fetch_add(&s->next, 1)) < TASKS;) {
		KILL_HERE(DRAWN);
		s->note = i + 1;
		KILL_HERE(NOTED);
		s->out[i] = i * i;
		KILL_HERE(HALF);
		s->status[i] = DONE;
		KILL_HERE(STORED);
		s->note = 0;
	}
	_exit(0);
}

/* Start a worker, wait for its end, and look at its note.  false: it died. */
static int work_in_a_process(int killed)
{
	int status, i;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		work(killed);
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	i = s->note - 1;
	if (i >= 0 && s->status[i] == NOTHING)
		s->status[i] = LOST;
	s->note = 0;
	return WIFEXITED(status);
}

int main(void)
{
	static const char *const words[] = { "nobody has it", "done", "lost" };

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	for (int place = DRAWN; place < PLACES; place++) {
		*s = (struct shared){ 0 };
		if (!work_in_a_process(place))
			work_in_a_process(-1); /* it is replaced */
		printf("killed %s:", places[place]);
		for (int i = 0; i < TASKS; i++)
			printf(" %s%s", words[s->status[i]],
			       i < TASKS - 1 ? "," : "\n");
	}
	return 0;
}
