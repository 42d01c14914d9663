/* director.h - who takes the next step; changed by nobody.
 *
 * Up to three processes, A, B and C, acquire the lock, add 1 to a counter and
 * release the lock.  Each stops before each point until the director, which is
 * the main process, lets it go on, so a schedule is played exactly: on real
 * processes and the real futex, as often as one likes.
 *
 * The director waits after each point until that process stands at its next
 * one, has finished, or sleeps: asleep is what /proc says of it.
 */
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define MOST 10000 /* points of one schedule */

static const char *const op_names[OPS] = { "load", "store", "cas",  "xchg",
					   "add",  "wait",  "wake", "kill" };

struct shared {
	_Alignas(64) atomic_uint word;
	_Alignas(64) volatile unsigned counter;
	struct process p[3];
};
static struct shared *s;

/* What the director knows of A, B and C. */
struct actor {
	pid_t pid;
	bool asleep, dead;
	int rounds; /* that it has begun */
};
static struct actor actors[3];
static int n;

struct turn {
	int i;
	enum op op;
};
struct schedule {
	int length;
	struct turn turns[MOST];
};
static struct schedule played;
static bool loud;
static char fault[128]; /* why the schedule was given up */

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

static pid_t new_process(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void acquire(atomic_uint *word)
{
	if (lock_acquire(word) == -ENOSYS)
		errx(77, "not finished: a hole still returns -ENOSYS");
}

static void release(atomic_uint *word)
{
	if (lock_release(word) == -ENOSYS)
		errx(77, "not finished: a hole still returns -ENOSYS");
}

/* ---- what A, B and C do */

static void live(int i)
{
	for (self = &s->p[i];; stop_as(FINISHED)) {
		acquire(&s->word);
		self->inside = 1;
		s->counter++;
		self->leaving = 1; /* with the first point of release */
		release(&s->word);
		self->inside = self->leaving = 0;
	}
}

/* ---- the director */

static char state_in_proc(pid_t pid)
{
	char path[32], state = 'X';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f)
		fclose(f);
	return state;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The CPU time that a process has used. */
static int64_t cpu_ms(pid_t pid)
{
	struct timespec t = { 0, 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A line, or that the one before has come again. */
static void tell(const char *line)
{
	static char last[192];
	static int again;

	if (strcmp(line, last) == 0) {
		again++;
		return;
	}
	if (again > 0)
		printf("         ... and %d times more\n", again);
	again = 0;
	snprintf(last, sizeof(last), "%s", line);
	printf("%s\n", line);
}

static void tell_point(int i, enum op op, const char *said, const char *went)
{
	char line[96];

	snprintf(line, sizeof(line), "%c.%-6s %s%s", 'A' + i, op_names[op],
		 said, went);
	if (loud)
		tell(line);
}

static void give_up(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (!fault[0])
		vsnprintf(fault, sizeof(fault), format, list);
	va_end(list);
}

/* Wait until i stands at a point, has finished, or sleeps in futex_wait. */
static void settle(int i)
{
	struct actor *a = &actors[i];
	int64_t begin = now_ms(), used = cpu_ms(a->pid);

	for (a->asleep = false;; sched_yield()) {
		char state = state_in_proc(a->pid);

		if (atomic_load(&s->p[i].state) != RUNS)
			return;
		a->asleep = state == 'S' && s->p[i].op == WAIT;
		if (a->asleep)
			return;
		a->dead = state == 'Z' || state == 'X';
		if (a->dead) {
			give_up("%c has died", 'A' + i);
			return;
		}
		if (state == 'S' && now_ms() - begin > 500) {
			a->asleep = true;
			give_up("%c sleeps, but not in futex_wait", 'A' + i);
			return;
		}
		if (cpu_ms(a->pid) - used > 500) {
			give_up("%c computes without coming to a point",
				'A' + i);
			return;
		}
	}
}

static void let_run(int i)
{
	atomic_store(&s->p[i].state, RUNS);
	futex_call(&s->p[i].state, FUTEX_WAKE, 1);
	settle(i);
	for (int j = 0; j < n; j++) /* those that i has woken */
		if (actors[j].asleep)
			settle(j);
}

static bool stands(int i)
{
	return !actors[i].dead && !actors[i].asleep &&
	       atomic_load(&s->p[i].state) == AT_POINT;
}

static bool finished(int i)
{
	return !actors[i].dead && atomic_load(&s->p[i].state) == FINISHED;
}

/* Another round of acquire, add 1, release: up to its first point. */
static void begin_round(int i)
{
	actors[i].rounds++;
	let_run(i);
}

/* The point at which i stands is played. */
static void play(int i)
{
	struct process *p = &s->p[i];
	int before = p->inside, inside = 0;
	const char *went = "";
	enum op op = p->op;

	if (played.length == MOST) {
		give_up("no end after %d points", MOST);
		return;
	}
	played.turns[played.length++] = (struct turn){ i, op };
	let_run(i);
	if (p->inside != before)
		went = before ? ", outside" : ", inside";
	tell_point(i, op, p->said, went);
	for (int j = 0; j < n; j++)
		inside += s->p[j].inside && !actors[j].dead;
	if (inside > 1)
		give_up("%d processes are inside at the same time", inside);
}

/* Only while it is not reaped: later its pid may be a stranger's. */
static void end_process(struct actor *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		waitpid(a->pid, NULL, 0);
	}
	*a = (struct actor){ .dead = true };
}

static void kill_actor(int i)
{
	if (played.length < MOST)
		played.turns[played.length++] = (struct turn){ i, KILL };
	end_process(&actors[i]);
	tell_point(i, KILL, s->p[i].inside ? "inside" : "outside", "");
}

static void start_actors(int count)
{
	memset(s, 0, sizeof(*s));
	memset(actors, 0, sizeof(actors));
	fault[0] = '\0';
	played.length = 0;
	for (int i = 0; i < count; i++) {
		actors[i].pid = new_process();
		if (actors[i].pid == 0)
			live(i);
	}
	n = count;
	for (int i = 0; i < n; i++) {
		actors[i].rounds = 1;
		settle(i);
	}
}

static void stop_actors(void)
{
	for (int i = 0; i < n; i++)
		end_process(&actors[i]);
}

/* After the last point: whoever sleeps now sleeps for ever. */
static void nobody_stands(void)
{
	for (int i = 0; i < n && !fault[0]; i++)
		if (actors[i].asleep)
			give_up("nobody is left who could wake %c", 'A' + i);
}

static int report(void)
{
	char line[192] = "the end";

	if (fault[0])
		snprintf(line, sizeof(line), "given up: %s", fault);
	tell(line);
	for (int i = 0; i < n && fault[0]; i++) {
		struct process *p = &s->p[i];

		printf("  %c  ", 'A' + i);
		if (actors[i].dead)
			printf("is dead\n");
		else if (actors[i].asleep)
			printf("is asleep in %s\n", op_names[p->op]);
		else if (finished(i))
			printf("has finished\n");
		else if (stands(i))
			printf("stands before %s\n", op_names[p->op]);
		else
			printf("computes after %s\n", op_names[p->op]);
	}
	printf("the word is %u, the counter %u\n", s->word, s->counter);
	return fault[0] != '\0';
}
