/* step11_killed.c - the producer is killed: a whole message, or none.  [works]
 *
 * Build:  cc -O2 -o step11_killed step11_killed.c
 * New:    nothing; kill -9 between any two lines of put
 * Try:    ./step11_killed
 * Kill:   ./step11_killed kill
 * See:    one store publishes a message.  Before it there is none, after it
 *         all of it, and the next producer goes on.
 */
#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 4
#define BYTES 100000

static struct ring {
	atomic_uint head, tail;
	char slots[SLOTS][BYTES];
} * r;
static const char *where[] = { "amid the data", "before the index",
			       "after the index" };
#define KILL_HERE(place) (killed == place ? kill(getpid(), SIGKILL) : 0)

/* A message of one letter; killed: where, or -1.  Here it is never full. */
static void put(char letter, int killed)
{
	char *slot = r->slots[r->tail % SLOTS];

	memset(slot, letter, BYTES / 2);
	KILL_HERE(0);
	memset(slot + BYTES / 2, letter, BYTES / 2);
	KILL_HERE(1);
	atomic_fetch_add(&r->tail, 1);
	KILL_HERE(2);
}

/* The message's letter, if it is whole and there; 0 if nothing is there. */
static char get(void)
{
	char *message = r->slots[r->head % SLOTS];

	if (r->head == r->tail)
		return 0;
	atomic_fetch_add(&r->head, 1);
	return memcmp(message, message + 1, BYTES - 1) == 0 ? *message : '?';
}

/* A process puts the letters, and is killed in the last one. */
static void producer(const char *letters, int killed)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	for (; pid == 0 && *letters; letters++)
		put(*letters, letters[1] ? -1 : killed);
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "kill") != 0)
		errx(2, "'%s' is not kill", argv[1]);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		err(1, "mmap");
	if (argc > 1) {
		producer("AB", 2);
		producer("C", -1);
	}
	for (const char *c = "ABC"; argc > 1 && *c; c++)
		printf("%c: %s\n", *c, get() == *c ? "there" : "lost");
	for (int place = 0; argc == 1 && place < 3; place++) {
		producer("D", place);
		printf("killed %s: %s; ", where[place],
		       get() == 'D' ? "a whole message" : "no message");
		producer("N", -1);
		printf("the next one: %s\n", get() == 'N' ? "there" : "lost");
	}
	return 0;
}
