/* fork.c - what has to happen before, between and after.
 *
 * Before: stdio is flushed, or the child would print the creator's output once
 * more.  Between: no handler of the creator runs in the child, and the child
 * dies with its creator.  After: the child flushes and leaves by _exit, so that
 * no line of the creator's runs in it.
 */
#include "mp/fork.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
/* glibc's list of open streams; not declared, so perhaps not for ever. */
extern FILE *_IO_list_all __attribute__((weak));
#endif

/* Does any stream hold output?  fflush(NULL) would answer too, but it locks
 * every stream, and each lock is a page that a child must copy first. */
static bool stdio_pending(void)
{
#if __has_include(<sys/single_threaded.h>)
	if (!__libc_single_threaded || &_IO_list_all == NULL)
		return true;
	for (FILE *f = _IO_list_all; f != NULL; f = f->_chain)
		if (f->_IO_write_ptr > f->_IO_write_base || f->_mode > 0)
			return true;
	return false;
#else
	return true;
#endif
}

static void flush_stdio(void)
{
	if (stdio_pending())
		fflush(NULL);
}

/* Handlers would run the creator's code in the child.  What the creator ignores
 * stays ignored, as over exec.  The real-time signals, to which nothing here
 * and no terminal ever leads, would double the price of the look. */
static void reset_signals(int flags)
{
	struct sigaction sa;
	sigset_t none;

	for (int sig = 1; sig <= SIGSYS; sig++) {
		if (sigaction(sig, NULL, &sa) < 0 || sa.sa_handler == SIG_DFL ||
		    sa.sa_handler == SIG_IGN)
			continue;
		sa.sa_handler = SIG_DFL;
		sa.sa_flags = 0;
		sigaction(sig, &sa, NULL);
	}
	if (flags & MP_FORK_NO_INTERRUPT)
		signal(SIGINT, SIG_IGN);
	if (flags & MP_FORK_BLOCKED)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run(int (*body)(void *), void *arg, pid_t creator,
			  int flags)
{
	int code;

	/* The creator may have died before the kernel was asked. */
	if (!(flags & MP_FORK_OUTLIVE) &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != creator))
		_exit(128 + SIGKILL);
	reset_signals(flags);
	code = body(arg);
	flush_stdio();
	_exit(code);
}

pid_t mp_fork(int (*body)(void *), void *arg, int flags)
{
	pid_t creator = getpid(), pid;
	sigset_t all, before;

	flush_stdio();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run(body, arg, creator, flags);
	if (pid < 0)
		pid = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}
