/* The counter of an eventfd: taken whole, or one at a time. */
#include "mp/eventfd.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "tap.h"

static int fd;

static void on_alarm(int sig)
{
	(void)sig;
}

static void post_from_handler(int sig)
{
	(void)sig;
	mp_eventfd_post(fd, 3);
}

static void counts(void)
{
	uint64_t value = 0;

	fd = mp_eventfd_create(2, 0);
	ok(fd >= 0, "an eventfd opens");
	is(mp_eventfd_post(fd, 3), 0, "3 are posted to 2");
	is(mp_eventfd_wait(fd, 0, &value), 0, "a wait that need not sleep");
	is(value, 5, "takes all 5");
	is(mp_eventfd_wait(fd, 0, &value), -ETIMEDOUT, "then it is empty");
	is(mp_eventfd_wait(fd, 5000000, NULL), -ETIMEDOUT,
	   "and a sleep ends at its timeout");
	is(mp_eventfd_post(fd, 0), -EINVAL, "posting 0 is refused");
	is(mp_eventfd_post(fd, UINT64_MAX), -EINVAL, "so is 2^64 - 1");
	is(mp_eventfd_post(fd, UINT64_MAX - 1), 0, "2^64 - 2 fill it");
	is(mp_eventfd_post(fd, 1), -EOVERFLOW, "one more does not fit");
	close(fd);
}

static void semaphore(void)
{
	uint64_t value = 0;

	fd = mp_eventfd_create(0, MP_EVENTFD_SEMAPHORE);
	mp_eventfd_post(fd, 2);
	mp_eventfd_wait(fd, 0, &value);
	is(value, 1, "a semaphore gives one at a time");
	is(mp_eventfd_wait(fd, 0, NULL), 0, "and the second");
	is(mp_eventfd_wait(fd, 0, NULL), -ETIMEDOUT, "and no third");
	close(fd);
}

static void between_processes(void)
{
	uint64_t value = 0;
	pid_t pid;

	fd = mp_eventfd_create(0, 0);
	pid = fork();
	if (pid == 0)
		_exit(mp_eventfd_post(fd, 42) != 0);
	is(mp_eventfd_wait(fd, -1, &value), 0, "a child's post ends the wait");
	is(value, 42, "with the child's value");
	waitpid(pid, NULL, 0);
	close(fd);
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 5000 };
	uint64_t value = 0;

	fd = mp_eventfd_create(0, 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	is(mp_eventfd_wait(fd, -1, NULL), -EINTR, "a handler ends the wait");
	sa.sa_handler = post_from_handler;
	sigaction(SIGALRM, &sa, NULL);
	raise(SIGALRM);
	mp_eventfd_wait(fd, 0, &value);
	is(value, 3, "a handler may post");
	close(fd);
}

int main(void)
{
	int before = tap_descriptors();

	counts();
	semaphore();
	between_processes();
	signals();
	is(mp_eventfd_create(0, 64), -EINVAL, "unknown flags are refused");
	is(mp_eventfd_post(fd, 1), -EBADF, "a closed descriptor is named");
	is(mp_eventfd_wait(fd, 0, NULL), -EBADF, "in a wait too");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
