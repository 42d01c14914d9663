/* frame.h - what judges send_message and receive_message: included at the end,
 * changed by nobody.
 *
 * Each scenario sends and receives by the functions above, and prints what came
 * of it; check.bats knows what it should print.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* From here on the kernel's own. */
#undef read
#undef readv
#undef write
#undef writev

enum { LONG = 300 }; /* bytes of a message that is long, but fits into a pipe */

static struct channel to, from; /* the two ends of a pipe */
static char data[MOST + 1], buf[MOST + 1];

static void open_pipe(void)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		err(1, "pipe2");
	from = (struct channel){ .fd = fd[0] };
	to = (struct channel){ .fd = fd[1] };
	memset(&day, 0, sizeof(day));
}

static void close_pipe(void)
{
	close(from.fd);
	close(to.fd);
}

static const char *name(int rc)
{
	static char number[16];

	switch (-rc) {
	case 0:
		return "0";
	case EPIPE:
		return "-EPIPE";
	case ECONNRESET:
		return "-ECONNRESET";
	case EMSGSIZE:
		return "-EMSGSIZE";
	case EBADMSG:
		return "-EBADMSG";
	case EINTR:
		return "-EINTR";
	case EAGAIN:
		return "-EAGAIN";
	}
	snprintf(number, sizeof(number), "%d", rc);
	return number;
}

/* What a pipe holds, taken out of it. */
static size_t drain(char *bytes, size_t size)
{
	int there = 0;
	ssize_t n;

	if (ioctl(from.fd, FIONREAD, &there) < 0 || there == 0)
		return 0;
	n = read(from.fd, bytes, size);
	return n < 0 ? 0 : (size_t)n;
}

/* Receive into size bytes, and print the result. */
static void receive(size_t size)
{
	size_t length = 12345;
	int rc;

	memset(buf, '#', sizeof(buf));
	rc = receive_message(&from, buf, size, &length);
	if (rc == -EMSGSIZE)
		printf("%s, %zu bytes\n", name(rc), length);
	else if (rc < 0)
		printf("%s\n", name(rc));
	else if (length == LONG)
		printf("0, %zu bytes: %s\n", length,
		       memcmp(buf, data, LONG) == 0 ? "right" : "wrong");
	else
		printf("0, %zu bytes: %.*s\n", length,
		       length < 100 ? (int)length : 0, buf);
	for (size_t i = size; i < sizeof(buf); i++)
		if (buf[i] != '#') {
			printf("bytes were written behind the buffer\n");
			break;
		}
	fflush(stdout);
}

/* ---- correct */

static void run_wire(void)
{
	size_t n;

	send_message(&to, "hello", 5);
	n = drain(buf, sizeof(buf));
	printf("sent:");
	for (size_t i = 0; i < n; i++)
		printf(" %02x", (unsigned char)buf[i]);
	printf("\nreceived: ");
	if (write(to.fd, "\0\0\0\3hey", 7) != 7)
		err(1, "write");
	receive(100);
}

static void run_glued(void)
{
	send_message(&to, "hello", 5);
	send_message(&to, "", 0);
	send_message(&to, data, LONG);
	send_message(&to, "hey", 3);
	for (int i = 0; i < 4; i++)
		receive(1000);
}

static const char *const text[] = { "hello", "", "hey" };

/* Receive the three texts, with so small pieces and so many interruptions. */
static bool torn_read(size_t piece, unsigned eintr)
{
	size_t length = 12345;
	int rc = 0, i;

	for (i = 0; i < 3; i++)
		send_message(&to, text[i], strlen(text[i]));
	day.piece = piece;
	day.eintr = eintr;
	for (i = 0; i < 3; i++) {
		rc = receive_message(&from, buf, 1000, &length);
		if (rc < 0 || length != strlen(text[i]) ||
		    memcmp(buf, text[i], length) != 0)
			break;
	}
	memset(&day, 0, sizeof(day));
	if (i < 3)
		printf("reads of at most %zu bytes: message %d: %s, "
		       "%zu bytes: %.*s\n",
		       piece, i + 1, name(rc), length,
		       length < 100 ? (int)length : 0, buf);
	return i == 3;
}

static void run_torn_reads(void)
{
	for (size_t piece = 1; piece <= 12; piece++)
		if (!torn_read(piece, 0))
			return;
	printf("reads of at most 1 to 12 bytes: right\n");
}

/* Send a text, and compare what is on its way with the same on a good day. */
static bool torn_write(size_t piece, unsigned eintr)
{
	char good[100], bad[100];
	size_t n, m;
	int rc;

	for (int i = 0; i < 3; i++) {
		send_message(&to, text[i], strlen(text[i]));
		n = drain(good, sizeof(good));
		day.piece = piece;
		day.eintr = eintr;
		rc = send_message(&to, text[i], strlen(text[i]));
		memset(&day, 0, sizeof(day));
		m = drain(bad, sizeof(bad));
		if (rc == 0 && m == n && memcmp(good, bad, n) == 0)
			continue;
		printf("writes of at most %zu bytes: message %d: %s, "
		       "%zu bytes instead of %zu%s\n",
		       piece, i + 1, name(rc), m, n,
		       m == n ? ", and others" : "");
		return false;
	}
	return true;
}

static void run_torn_writes(void)
{
	for (size_t piece = 1; piece <= 12; piece++)
		if (!torn_write(piece, 0))
			return;
	printf("writes of at most 1 to 12 bytes: right\n");
}

static void run_interrupted(void)
{
	if (torn_write(0, 2) && torn_write(3, 2))
		printf("interrupted writes: right\n");
	drain(buf, sizeof(buf));
	if (torn_read(0, 2) && torn_read(3, 2))
		printf("interrupted reads: right\n");
}

static void run_end(void)
{
	send_message(&to, "hello", 5);
	close(to.fd);
	for (int i = 0; i < 3; i++)
		receive(100);
}

/* The end of file behind each byte of a message but the last. */
static void run_cut(void)
{
	char bytes[100];
	size_t length, n;
	int rc;

	send_message(&to, "hello", 5);
	n = drain(bytes, sizeof(bytes));
	for (size_t cut = 1; cut < n; cut++) {
		close_pipe();
		open_pipe();
		if (write(to.fd, bytes, cut) != (ssize_t)cut)
			err(1, "write");
		close(to.fd);
		rc = receive_message(&from, buf, 100, &length);
		if (rc != -ECONNRESET) {
			printf("the end after %zu of %zu bytes: %s\n", cut, n,
			       name(rc));
			return;
		}
	}
	printf("the end after 1 to %zu of %zu bytes: -ECONNRESET\n", n - 1, n);
}

static void run_too_long(void)
{
	send_message(&to, data, LONG);
	send_message(&to, "hello", 5);
	receive(10);
	receive(LONG - 1);
	receive(LONG);
	receive(10);
}

static void run_nonsense(void)
{
	static const unsigned char header[][4] = {
		{ 0xff, 0xff, 0xff, 0xff },
		{ 0, MOST >> 16, 0, 1 },
		{ 0, MOST >> 16, 0, 0 },
	};

	for (int i = 0; i < 3; i++) {
		close_pipe();
		open_pipe();
		if (write(to.fd, header[i], 4) != 4)
			err(1, "write");
		close(to.fd);
		printf("header %02x%02x%02x%02x: ", header[i][0], header[i][1],
		       header[i][2], header[i][3]);
		receive(1000);
	}
}

static void run_too_much(void)
{
	int rc, there = -1;

	fcntl(to.fd, F_SETFL, O_NONBLOCK);
	rc = send_message(&to, data, sizeof(data));
	ioctl(from.fd, FIONREAD, &there);
	printf("%d bytes too many: %s, %s was sent\n",
	       (int)(sizeof(data) - MOST), name(rc),
	       there == 0 ? "nothing" : "something");
}

/* The reader goes: before a message, and in the middle of one. */
static void run_gone(void)
{
	pid_t pid;

	close(from.fd);
	printf("before: %s\n", name(send_message(&to, "hello", 5)));
	close(to.fd);
	open_pipe();
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		close(to.fd);
		if (read(from.fd, buf, 10) != 10)
			_exit(1);
		_exit(0);
	}
	close(from.fd);
	printf("in the middle: %s\n", name(send_message(&to, data, MOST)));
	waitpid(pid, NULL, 0);
}

static void ignore(int sig)
{
	(void)sig;
}

/* Message number i of the many: its length, and what it is full of. */
static size_t pattern(int i, char *bytes)
{
	size_t length = (size_t)i * 7919 % 20000;

	memset(bytes, 'a' + i % 26, length);
	return length;
}

static void bad_day(unsigned seed)
{
	day.piece = 5000;
	day.random = true;
	day.eintr = 3;
	day.seed = seed;
}

/* Two processes, a small pipe, small pieces, and real signals. */
static void run_two(void)
{
	struct sigaction sa = { .sa_handler = ignore };
	pid_t us = getpid(), pid;
	int right = 0, rc;
	size_t length;

	sigaction(SIGUSR1, &sa, NULL);
	fcntl(to.fd, F_SETPIPE_SZ, 4096);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	bad_day(pid == 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 300; i++) {
			kill(us, SIGUSR1);
			if (send_message(&to, data, pattern(i, data)) < 0)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		kill(pid, SIGUSR1);
		length = 12345;
		rc = receive_message(&from, buf, sizeof(buf), &length);
		if (rc < 0 || length != pattern(i, data) ||
		    memcmp(buf, data, length) != 0) {
			printf("message %d: %s, %zu bytes\n", i, name(rc),
			       length);
			break;
		}
		right++;
	}
	printf("%d of 300 messages right\n", right);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- counted */

static void count_sends(void)
{
	for (int i = 0; i < 1000; i++) {
		send_message(&to, data, 64);
		drain(buf, sizeof(buf));
	}
	printf("%ld\n", day.writes);
}

static void count_receives(void)
{
	size_t length;

	for (int i = 0; i < 1000; i++) {
		send_message(&to, data, 64);
		if (receive_message(&from, buf, 100, &length) < 0) {
			printf("the result was wrong\n");
			return;
		}
	}
	printf("%ld\n", day.reads);
}

/* How often it slept, and called read, when the message comes in 100 ms. */
static void wait_for_message(bool sleeps)
{
	struct rusage before, after;
	size_t length;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		usleep(100000);
		_exit(send_message(&to, "hello", 5) < 0);
	}
	getrusage(RUSAGE_SELF, &before);
	if (receive_message(&from, buf, 100, &length) < 0)
		printf("the result was wrong\n");
	getrusage(RUSAGE_SELF, &after);
	printf("%ld\n", sleeps ? after.ru_nvcsw - before.ru_nvcsw : day.reads);
	waitpid(pid, NULL, 0);
}

static void count_sleeps(void)
{
	wait_for_message(true);
}

static void count_looks(void)
{
	wait_for_message(false);
}

/* ---- fast */

/* Nanoseconds for 100 messages of 64 bytes through a pipe; reference: one
 * writev and two reads of lengths that are known. */
static void bench(bool mine, int rounds)
{
	uint32_t header = htonl(64);
	struct iovec v[] = { { &header, sizeof(header) }, { data, 64 } };
	struct timespec begin, end;
	size_t length = 64;
	bool good = true;

	open_pipe();
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < rounds * 100 && good; i++) {
		if (mine)
			good = send_message(&to, data, 64) == 0 &&
			       receive_message(&from, buf, 100, &length) == 0;
		else
			good = writev(to.fd, v, 2) == 68 &&
			       read(from.fd, &header, 4) == 4 &&
			       read(from.fd, buf, 64) == 64;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!good || length != 64)
		errx(1, "the result was wrong");
	printf("%lld\n", ((end.tv_sec - begin.tv_sec) * 1000000000LL +
			  end.tv_nsec - begin.tv_nsec) /
				 rounds);
}

/* ---- the command line */

static const struct {
	const char *mode, *name;
	void (*function)(void);
} scenarios[] = {
	{ "run", "wire", run_wire },
	{ "run", "glued", run_glued },
	{ "run", "torn_reads", run_torn_reads },
	{ "run", "torn_writes", run_torn_writes },
	{ "run", "interrupted", run_interrupted },
	{ "run", "end", run_end },
	{ "run", "cut", run_cut },
	{ "run", "too_long", run_too_long },
	{ "run", "nonsense", run_nonsense },
	{ "run", "too_much", run_too_much },
	{ "run", "gone", run_gone },
	{ "run", "two", run_two },
	{ "count", "sends", count_sends },
	{ "count", "receives", count_receives },
	{ "count", "sleeps", count_sleeps },
	{ "count", "looks", count_looks },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

int main(int argc, char *argv[])
{
	int rounds = argc > 3 ? atoi(argv[3]) : 1000;

	signal(SIGPIPE, SIG_IGN); /* as Python does */
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + i / 256);
	if (argc > 2 && strcmp(argv[1], "--bench") == 0 && rounds > 0 &&
	    (!strcmp(argv[2], "mine") || !strcmp(argv[2], "reference"))) {
		bench(argv[2][0] == 'm', rounds);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < SCENARIOS; i++)
		if (strcmp(argv[1], scenarios[i].mode) == 0 &&
		    strcmp(argv[2], scenarios[i].name) == 0) {
			open_pipe();
			scenarios[i].function();
			return 0;
		}
	fprintf(stderr, "usage: %s --bench mine|reference [ROUNDS]\n", argv[0]);
	for (size_t i = 0; i < SCENARIOS; i++)
		fprintf(stderr, "       %s %s %s\n", argv[0], scenarios[i].mode,
			scenarios[i].name);
	return 2;
}
