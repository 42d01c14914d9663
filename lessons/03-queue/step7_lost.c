/* step7_lost.c - asleep beside a message, by script.  [shows a bug]
 *
 * Build:  cc -O2 -o step7_lost step7_lost.c
 * New:    nothing; the script of step 3 for the bell of step 6
 * Try:    ./step7_lost C.look P.put P.bell C.mark C.sleep
 * See:    C looks before it marks, and P comes in between: P sees no mark, C
 *         has seen no message.  With the mark first no order does that.
 */
#include <err.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK, MARK, SLEEP, TAKE, UNMARK, PUT, BELL, ERASE, POINTS };
static const char *points[] = { "C.look",   "C.mark", "C.sleep", "C.take",
				"C.unmark", "P.put",  "P.bell",  "P.unmark" };
static int order[32] = { LOOK, PUT, BELL, MARK, SLEEP }, n = 5, bell;
static struct shared {
	atomic_int turn, there, mark, rings, sleeps, since;
} * s;

static void read_script(int argc, char *argv[])
{
	n = argc > 1 ? argc - 1 : n;
	for (int p, i = 0; i < argc - 1; order[i++] = p) {
		for (p = 0; p < POINTS && strcmp(points[p], argv[i + 1]); p++)
			;
		if (p == POINTS || i == 32)
			errx(2, "'%s' cannot come here", argv[i + 1]);
	}
}

/* Do a point, then pass on the turn, then perhaps sleep. */
static void act(int p)
{
	static int empty = 1;
	uint64_t one = 1;

	empty = p == LOOK ? s->there == 0 : empty;
	if (p == MARK || p == UNMARK || p == ERASE)
		s->mark = p == MARK;
	s->there += (p == PUT) - (p == TAKE && s->there > 0);
	s->rings += p == BELL && s->mark && write(bell, &one, 8) > 0;
	s->since = p == SLEEP ? s->turn + 1 : (int)s->since;
	s->sleeps += p == SLEEP && empty; /* each uses up one ring */
	dprintf(1, "%-8s messages %d, mark %d\n", points[p], s->there, s->mark);
	s->turn++;
	syscall(SYS_futex, &s->turn, FUTEX_WAKE, 1);
	if (p == SLEEP && empty && read(bell, &one, 8) < 0)
		err(1, "read");
}

/* 1: it is the turn of point i.  0: it never will be, for C sleeps. */
static int wait_turn(int i)
{
	for (int now; (now = s->turn) != i;) {
		if (order[now] < PUT && s->sleeps > s->rings && now >= s->since)
			return 0;
		syscall(SYS_futex, &s->turn, FUTEX_WAIT, now, NULL);
	}
	return 1;
}

int main(int argc, char *argv[])
{
	pid_t pid;

	read_script(argc, argv);
	bell = eventfd(0, EFD_SEMAPHORE);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bell < 0 || s == MAP_FAILED || (pid = fork()) < 0)
		err(1, "eventfd, mmap or fork");
	for (int i = 0; i < n; i++)
		if ((order[i] >= PUT) == (pid > 0) && wait_turn(i))
			act(order[i]);
	if (pid == 0)
		_exit(0);
	wait_turn(n);
	printf("C %s, messages %d\n",
	       s->sleeps > s->rings ? "sleeps" : "is awake", s->there);
	kill(pid, SIGKILL);
	return 0;
}
