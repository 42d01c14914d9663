/* Connections: descriptors that are handed to another process. */
#include "mp/conn.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "pipes.h"

static _Atomic int *ready;

/* A file of its own with this content. */
static int file_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "memfd");
	return fd;
}

static int send_fd(int fd)
{
	return mp_conn_send_fd(&b, fd, 0);
}

static int recv_fd(int64_t timeout_ns)
{
	return mp_conn_recv_fd(&a, timeout_ns);
}

/* Does fd have this content?  Closes it. */
static int content_is(int fd, const char *text)
{
	char buf[32] = "";
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	close(fd);
	return n == (ssize_t)strlen(text) && strcmp(buf, text) == 0;
}

/* Send a file of which only the number is in it. */
static int send_file(int number)
{
	char text[16];
	int fd, error;

	snprintf(text, sizeof(text), "%d", number);
	fd = file_with(text);
	error = send_fd(fd);
	close(fd);
	return error;
}

/* Receive it: the number, or an error. */
static int receive_file(int64_t timeout_ns)
{
	char text[16] = "";
	int fd = recv_fd(timeout_ns);

	if (fd < 0)
		return fd;
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		text[0] = '\0';
	close(fd);
	return atoi(text);
}

/* ---- here and there ---- */

static void here(void)
{
	int before = tap_descriptors(), fd, got;
	struct stat one, two;

	open_pipe(false, RING);
	fd = file_with("hello");
	is(send_fd(fd), 0, "a descriptor is sent");
	is(mp_conn_poll(&a, 0), 1, "poll sees it");
	got = recv_fd(-1);
	ok(got >= 0 && got != fd, "another one is received");
	fstat(fd, &one);
	fstat(got, &two);
	ok(one.st_dev == two.st_dev && one.st_ino == two.st_ino,
	   "open on the same");
	is(fcntl(got, F_GETFD), FD_CLOEXEC, "close-on-exec");
	is(lseek(fd, 3, SEEK_SET), 3, "what is done to one");
	is(lseek(got, 0, SEEK_CUR), 3, "is done to the other");
	close(fd);
	ok(content_is(got, "hello"), "and it outlives the other");
	is(send_file(7), 0, "closed by its sender before it is received");
	is(receive_file(0), 7, "it comes");
	is(recv_fd(0), -ETIMEDOUT, "then there is none");
	close_pipe();
	is(tap_descriptors(), before, "nothing is left");
}

static int receives_file(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	mp_conn_close(&b);
	return timely(begin, receive_file(timeout_ns));
}

static int answers_with_file(long unused)
{
	int fd, error;

	(void)unused;
	mp_conn_close(&a);
	fd = mp_conn_recv_fd(&b, LONG);
	if (!content_is(fd, "question"))
		return 1;
	fd = file_with("answer");
	error = mp_conn_send_fd(&b, fd, LONG);
	close(fd);
	return error;
}

static void there(void)
{
	int fd, bad = 0;
	pid_t pid;

	open_pipe(false, RING);
	pid = start_asleep(receives_file, LONG);
	send_file(42);
	is(end_of(pid), 42, "to a child that sleeps");
	for (int i = 0; i < 30; i++)
		bad += send_file(i) != 0;
	pid = start(receives_file, LONG);
	is(end_of(pid), 0, "to one that comes later: the oldest");
	for (int i = 1; i < 30; i++)
		bad += receive_file(0) != i;
	is(bad, 0, "29 more, in order");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();

	open_pipe(true, RING);
	pid = start(answers_with_file, 0);
	fd = file_with("question");
	is(mp_conn_send_fd(&a, fd, LONG), 0, "duplex: one way");
	close(fd);
	ok(content_is(recv_fd(LONG), "answer"), "and the other");
	is(end_of(pid), 0, "by another process");
	close_pipe();
}

/* ---- among messages ---- */

static void order(void)
{
	int bad = 0;

	open_pipe(false, 1 << 16);
	send_file(1);
	send_number(2, 0);
	is(receive(0), -EBADMSG, "a descriptor comes first: no message");
	is(receive(-1), -EBADMSG, "it stays");
	is(receive_file(0), 1, "and is received");
	is(recv_fd(0), -EBADMSG, "a message comes first: no descriptor");
	is(recv_fd(-1), -EBADMSG, "it stays");
	is(receive(0), 2, "and is received");
	for (int i = 0; i < 60; i++)
		bad += i % 3 ? send_file(i) : send_number(i, 0);
	for (int i = 0; i < 60; i++)
		bad += (i % 3 ? receive_file(0) : receive(0)) != i;
	is(bad, 0, "60 of both kinds, in order");
	close_pipe();
}

/* ---- refused ---- */

static void bad_descriptors(void)
{
	int before, fd = file_with("x");

	open_pipe(false, RING);
	before = tap_descriptors();
	close(fd);
	is(send_fd(fd), -EBADF, "one that is not open");
	is(send_fd(-1), -EBADF, "-1");
	is(send_fd(INT32_MAX), -EBADF, "2^31 - 1");
	is(mp_conn_send_fd(&a, 0, 0), -EBADF, "through an end that receives");
	is(mp_conn_recv_fd(&b, 0), -EBADF, "from one that sends");
	is(mp_conn_poll(&a, 0), 0, "nothing was sent");
	is(send_number(3, 0), 0, "then a message");
	is(receive(0), 3, "comes");
	is(send_file(4), 0, "and a descriptor");
	is(receive_file(0), 4, "too");
	is(tap_descriptors(), before - 1, "nothing is left");
	close_pipe();
}

static void no_descriptors(void)
{
	struct rlimit old, few;
	int bad = 0;

	open_pipe(false, RING);
	send_file(5);
	send_file(6);
	send_number(7, 0);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &few);
	for (int i = 0; i < 10; i++)
		bad += recv_fd(i & 1 ? 0 : -1) != -EMFILE;
	setrlimit(RLIMIT_NOFILE, &old);
	is(bad, 0, "no descriptor left here: -EMFILE");
	is(mp_conn_poll(&a, 0), 1, "it stays");
	is(receive_file(0), 5, "and is received later");
	is(receive_file(0), 6, "the next one after it");
	is(receive(0), 7, "and a message");
	close_pipe();
}

/* More than the kernel keeps on the way. */
static void too_many(void)
{
	int before, n = 0, error, bad = 0;

	open_pipe(false, 1 << 20);
	before = tap_descriptors();
	while ((error = send_file(n)) == 0 && n < 100000)
		n++;
	ok(error == -ETIMEDOUT || error == -ETOOMANYREFS,
	   "%d descriptors on the way: no room", n);
	is(send_number(77, 0), 0, "a message is no descriptor");
	for (int i = 0; i < n; i++)
		bad += receive_file(0) != i;
	is(bad, 0, "all come, in order");
	is(receive(0), 77, "and the message");
	is(recv_fd(0), -ETIMEDOUT, "nothing of the one refused");
	is(send_file(8), 0, "then there is room again");
	is(receive_file(0), 8, "for the next");
	is(tap_descriptors(), before, "nothing is left");
	close_pipe();
}

/* ---- the end ---- */

static int sends_file_and_ends(long number)
{
	mp_conn_close(&a);
	return send_file((int)number);
}

static int sends_file_and_stays(long number)
{
	mp_conn_close(&a);
	send_file((int)number);
	return wait_for_kill();
}

static int receives_one_and_stays(long unused)
{
	(void)unused;
	mp_conn_close(&b);
	if (receive_file(LONG) != 1)
		return 1;
	atomic_store(ready, 1);
	return wait_for_kill();
}

static void ends(void)
{
	pid_t pid;

	open_pipe(false, RING);
	pid = start(sends_file_and_ends, 9);
	mp_conn_close(&b);
	is(end_of(pid), 0, "a sender sends one and ends");
	is(receive_file(LONG), 9, "it comes");
	is(recv_fd(LONG), -EPIPE, "then the end");
	close_pipe();

	open_pipe(false, RING);
	pid = start(sends_file_and_stays, 9);
	mp_conn_close(&b);
	is(mp_conn_poll(&a, LONG), 1, "one that is killed");
	killed(pid);
	is(receive_file(LONG), 9, "it comes");
	is(recv_fd(LONG), -EPIPE, "then the end");
	close_pipe();

	open_pipe(false, RING);
	for (int i = 1; i < 4; i++)
		send_file(i);
	pid = start(receives_one_and_stays, 0);
	await(atomic_load(ready));
	killed(pid);
	is(receive_file(0), 2,
	   "a receiver killed after one: an heir gets the "
	   "next");
	is(receive_file(0), 3, "and the last");
	close_pipe();

	open_pipe(false, RING);
	mp_conn_close(&a);
	is(send_file(1), -EPIPE, "nobody holds the other end");
	close_pipe();
	open_pipe(false, RING);
	send_file(1);
	is(mp_conn_close(&a) | mp_conn_close(&b), 0,
	   "closed with one on the way");
}

int main(void)
{
	int before = tap_descriptors();

	ready = share(sizeof(*ready));
	mp_backstop_set(0);
	here();
	there();
	order();
	bad_descriptors();
	no_descriptors();
	too_many();
	ends();
	is(tap_descriptors(), before, "no descriptor is left");
	return tap_done();
}
