/* step9_poll.c - many at once: a pipe, an eventfd, a process.  [works]
 *
 * Build:  cc -O2 -o step9_poll step9_poll.c
 * New:    poll() on several descriptors, POLLHUP
 * Try:    ./step9_poll
 * See:    one call sleeps until a message, a bell or a death comes.  A killed
 *         child is seen twice: its pipe hangs up, and its pidfd is readable.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P_PIDFD_ 3 /* P_PIDFD, which older headers lack */
enum { PIPE, BELL, CHILD, ALL };

static void child(int fd, int bell)
{
	if (write(fd, "hello", 5) != 5 || eventfd_write(bell, 3) < 0)
		err(1, "write");
	for (;;)
		pause();
}

/* Nothing is to be expected from it any more: poll skips negative ones. */
static int leave_out(struct pollfd *p)
{
	close(p->fd);
	p->fd = -1;
	return 1;
}

int main(void)
{
	struct pollfd p[ALL] = { 0 };
	int fd[2], bell = eventfd(0, EFD_CLOEXEC), gone = 0;
	eventfd_t value;
	siginfo_t info;
	char buf[20];
	pid_t pid;

	if (bell < 0 || pipe2(fd, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		err(1, "eventfd, pipe2 or fork");
	if (pid == 0)
		child(fd[1], bell);
	close(fd[1]);
	p[PIPE].fd = fd[0];
	p[BELL].fd = bell;
	p[CHILD].fd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (int i = 0; i < ALL; i++)
		p[i].events = POLLIN;
	while (gone < 2) {
		if (poll(p, ALL, -1) < 0)
			err(1, "poll");
		if (p[PIPE].revents & POLLIN) {
			printf("pipe:    %zd bytes\n",
			       read(fd[0], buf, sizeof(buf)));
		} else if (p[PIPE].revents & POLLHUP) {
			printf("pipe:    end of file\n");
			gone += leave_out(&p[PIPE]);
		}
		if (p[BELL].revents && eventfd_read(bell, &value) == 0) {
			printf("eventfd: %d\n", (int)value);
			kill(pid, SIGKILL);
		}
		if (p[CHILD].revents) {
			waitid(P_PIDFD_, (id_t)p[CHILD].fd, &info, WEXITED);
			printf("pidfd:   killed by signal %d\n",
			       info.si_status);
			gone += leave_out(&p[CHILD]);
		}
	}
	return 0;
}
