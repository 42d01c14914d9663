/* A message of more than 2^31 bytes, over a socket and through a pipe: its
 * length needs the long header, and no system call takes all of it.
 *
 * It costs little memory.  What is sent is a mapping of which only the marked
 * pages were ever written, what is received lies in a mapping of which most
 * parts are one and the same piece of memory. */
#include "mp/listener.h"
#include "mp/pipe.h"
#include "waiting.h"

#define PART   ((size_t)1 << 24)
#define LENGTH (((size_t)1 << 31) + 10)
#define PARTS  ((LENGTH + PART - 1) / PART)
#define ENOUGH (12 * LONG)

static unsigned char *from, *to;

/* ---- memory ---- */

/* The bytes that tell, from here on; all others are 0. */
static const size_t marks[] = { 0, ((size_t)1 << 30) + 5, LENGTH - 60 };

enum { MARKS = 3, MARK = 60 };

static int marked(size_t part)
{
	for (int i = 0; i < MARKS; i++)
		if (part == marks[i] / PART ||
		    part == (marks[i] + MARK - 1) / PART)
			return 1;
	return 0;
}

static void *space(void)
{
	void *p = mmap(NULL, PARTS * PART, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Every part that is not marked is the same 16 MiB. */
static int fold(void)
{
	int fd = memfd_create("giant", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)PART) < 0)
		err(1, "memfd_create");
	for (size_t i = 0; i < PARTS; i++)
		if (!marked(i) &&
		    mmap(to + i * PART, PART, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return 0;
	close(fd);
	return 1;
}

static unsigned char byte_of(int mark, int i)
{
	return (unsigned char)(mark * 67 + i * 3 + 1);
}

static void write_marks(void)
{
	for (int m = 0; m < MARKS; m++)
		for (int i = 0; i < MARK; i++)
			from[marks[m] + (size_t)i] = byte_of(m, i);
}

/* Bytes that are wrong, in the marked parts and in one of the others. */
static int wrong(void)
{
	int bad = 0;

	for (size_t i = 0; i < PARTS; i++)
		if (marked(i) || i == 1)
			for (size_t at = i * PART;
			     at < (i + 1) * PART && at < LENGTH; at++)
				bad += to[at] != from[at];
	return bad;
}

/* ---- both sides ---- */

static struct mp_conn a, b; /* a receives, b sends */
static struct mp_listener listener;

static int sends(void)
{
	int error = mp_conn_send(&b, from, LENGTH, ENOUGH);

	return error < 0 ? error : mp_conn_send(&b, "next", 4, ENOUGH);
}

static int client(long unused)
{
	int error = mp_client_connect(&b, listener.address, NULL, LONG);

	(void)unused;
	return error < 0 ? error : sends();
}

static int pipe_sender(long unused)
{
	(void)unused;
	mp_conn_close(&a);
	return sends();
}

/* Again and again with a short timeout: what has come stays. */
static void receives(const char *how, pid_t sender)
{
	size_t length = 0;
	char next[8] = "";
	int64_t begin = mp_clock_now();
	int error, turns = 0;

	is(mp_conn_recv(&a, to, LENGTH - 1, ENOUGH, &length), -EMSGSIZE,
	   "%s: a message of more than 2^31 bytes, no room for one of them",
	   how);
	ok(length == LENGTH, "its length is told");
	length = 0;
	do {
		error = mp_conn_recv(&a, to, LENGTH, 20 * MS, &length);
		turns++;
	} while (error == -ETIMEDOUT && mp_clock_now() - begin < ENOUGH);
	is(error, 0, "it is received");
	printf("# in %d turns\n", turns);
	ok(length == LENGTH, "whole");
	is(wrong(), 0, "as it was sent");
	is(mp_conn_recv(&a, next, sizeof(next), LONG, &length), 0,
	   "another behind it");
	ok(length == 4 && memcmp(next, "next", 5) == 0, "as it was sent");
	is(mp_conn_recv(&a, next, sizeof(next), LONG, NULL), -EPIPE,
	   "then the end");
	is(end_of(sender), 0, "all was sent");
	mp_conn_close(&a);
}

static void clear(void)
{
	for (size_t i = 0; i < PARTS; i++)
		if (marked(i) || i == 1)
			memset(to + i * PART, 0xff, PART);
}

int main(void)
{
	pid_t pid;

	from = space();
	to = space();
	if (from == NULL || to == NULL || !fold()) {
		tap_skip("messages of more than 2^31 bytes",
			 "no address space for them");
		return tap_done();
	}
	write_marks();

	clear();
	if (mp_listener_init(&listener, NULL, NULL) < 0)
		errx(1, "mp_listener_init");
	pid = start(client, 0);
	is(mp_listener_accept(&listener, &a, LONG), 0, "accepted");
	receives("over a socket", pid);
	mp_listener_close(&listener);

	clear();
	if (mp_pipe(&a, &b, false, 0) < 0)
		errx(1, "mp_pipe");
	pid = start(pipe_sender, 0);
	mp_conn_close(&b);
	receives("through a pipe", pid);
	return tap_done();
}
