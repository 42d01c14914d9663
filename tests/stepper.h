/* stepper.h - a child that its parent lets run bit by bit (ptrace).
 *
 *	struct stepper v;
 *
 *	if (stepper_allowed() < 0)
 *		...				no ptrace here: skip
 *	stepper_start(&v, f, arg);		stopped at the door of f
 *	while (stepper_step(&v) == STEPPER_STOPPED)
 *		...				one instruction each
 *	stepper_kill(&v);
 *
 * The child is a fork: it has the parent's memory and shares what is
 * MAP_SHARED, so the parent sees there how far it has come.  When it is stopped
 * it runs no instruction, and a kill finds it between two of its own.
 *
 * A step over a system call that sleeps does not end: STEPPER_ASLEEP is the
 * answer, and stepper_settle waits for the end after somebody has woken it.
 *
 * aarch64 without the LSE instructions cannot be stepped through an atomic
 * operation: the stop clears the reservation, and the loop never ends.
 */
#ifndef STEPPER_H
#define STEPPER_H

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "waiting.h"

enum { STEPPER_STOPPED, STEPPER_ASLEEP, STEPPER_ENDED };

struct stepper {
	pid_t pid;
	int running;   /* let go and not yet seen to stop */
	int status;    /* waitpid's last */
	int signal;    /* to be delivered when it goes on */
	int in_call;   /* stopped inside a system call, at its entry */
	uint64_t pc;   /* set by stepper_where */
	uint64_t call; /* number of the system call, where in_call */
	uint64_t args[6];
};

/* Has the child stopped or ended?  With WNOHANG look once. */
static inline int stepper_stopped(struct stepper *v, int options)
{
	pid_t pid = waitpid(v->pid, &v->status, options | __WALL);

	if (pid == 0)
		return 0;
	v->running = 0;
	v->signal = 0;
	if (pid < 0 || !WIFSTOPPED(v->status)) {
		v->pid = 0;
		return 1;
	}
	if ((WSTOPSIG(v->status) & ~0x80) != SIGTRAP &&
	    WSTOPSIG(v->status) != SIGSTOP)
		v->signal = WSTOPSIG(v->status);
	return 1;
}

/* Wait until it stops, as it does after an instruction that cannot sleep. */
static inline int stepper_block(struct stepper *v)
{
	stepper_stopped(v, 0);
	return v->pid == 0 ? STEPPER_ENDED : STEPPER_STOPPED;
}

/* Wait until it stops; STEPPER_ASLEEP once it is seen to sleep, or when
 * limit_ns have passed. */
static inline int stepper_wait(struct stepper *v, int64_t limit_ns,
			       int watch_sleep)
{
	int64_t end = 0;

	for (int i = 0; !stepper_stopped(v, WNOHANG); i++) {
		if (i % 8 == 7 && watch_sleep && asleep(v->pid))
			return STEPPER_ASLEEP;
		if (end == 0)
			end = mp_clock_now() + limit_ns;
		else if (i % 64 == 63 && mp_clock_now() > end)
			return STEPPER_ASLEEP;
		sched_yield();
	}
	return v->pid == 0 ? STEPPER_ENDED : STEPPER_STOPPED;
}

static inline int stepper_go(struct stepper *v, int request)
{
	if (v->pid == 0)
		return -1;
	if (ptrace((enum __ptrace_request)request, v->pid, 0L,
		   (long)v->signal) < 0) {
		if (errno == ESRCH) /* dead already: waitpid will tell */
			return 0;
		err(1, "ptrace");
	}
	v->running = 1;
	return 0;
}

/* Run to the next entry to or exit from a system call; see in_call and call. */
static inline int stepper_call(struct stepper *v)
{
	struct __ptrace_syscall_info info;
	int rc;

	if (!v->running && stepper_go(v, PTRACE_SYSCALL) < 0)
		return STEPPER_ENDED;
	rc = stepper_wait(v, LONG, 1);
	v->in_call = 0;
	if (rc != STEPPER_STOPPED || WSTOPSIG(v->status) != (SIGTRAP | 0x80))
		return rc;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, v->pid, sizeof(info), &info) < 0)
		err(1, "PTRACE_GET_SYSCALL_INFO");
	v->in_call = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (v->in_call) {
		v->call = info.entry.nr;
		memcpy(v->args, info.entry.args, sizeof(v->args));
	}
	return rc;
}

/* A sleeping step: wait for its end.  0, -ETIMEDOUT (it still sleeps), or
 * -ESRCH (it has ended). */
static inline int stepper_settle(struct stepper *v, int64_t limit_ns)
{
	if (!v->running)
		return v->pid == 0 ? -ESRCH : 0;
	switch (stepper_wait(v, limit_ns, 0)) {
	case STEPPER_STOPPED:
		return 0;
	case STEPPER_ENDED:
		return -ESRCH;
	default:
		return -ETIMEDOUT;
	}
}

/* Where it is stopped: the address of its next instruction. */
static inline uint64_t stepper_where(struct stepper *v)
{
	struct __ptrace_syscall_info info = { 0 };

	if (v->pid != 0 && !v->running)
		ptrace(PTRACE_GET_SYSCALL_INFO, v->pid, sizeof(info), &info);
	v->pc = info.instruction_pointer;
	return v->pc;
}

/* Is a system call the next instruction?  The child has its code where the
 * parent has it.  1 also on machines that are not known here. */
static inline int stepper_at_call(struct stepper *v)
{
	uint64_t pc = stepper_where(v);

#if defined(__x86_64__)
	return pc == 0 || memcmp((void *)pc, "\x0f\x05", 2) == 0;
#elif defined(__aarch64__)
	return pc == 0 || memcmp((void *)pc, "\x01\x00\x00\xd4", 4) == 0;
#else
	return 1;
#endif
}

/* Run one instruction.  A system call is one. */
static inline int stepper_step(struct stepper *v)
{
	int may_sleep = v->running || stepper_at_call(v);

	if (!v->running && stepper_go(v, PTRACE_SINGLESTEP) < 0)
		return STEPPER_ENDED;
	if (!may_sleep)
		return stepper_block(v);
	return stepper_wait(v, LONG, 1);
}

/* Let it run on by itself. */
static inline void stepper_free(struct stepper *v)
{
	if (v->pid != 0 && !v->running)
		ptrace(PTRACE_DETACH, v->pid, 0L, (long)v->signal);
}

static inline void stepper_kill(struct stepper *v)
{
	if (v->pid == 0)
		return;
	kill(v->pid, SIGKILL);
	while (waitpid(v->pid, &v->status, __WALL) == v->pid &&
	       WIFSTOPPED(v->status))
		;
	v->pid = 0;
}

/* Fork a child that will run f and then exit; it is stopped before f.
 * 0; -EPERM: ptrace is not allowed here. */
static inline int stepper_start(struct stepper *v, void (*f)(void *), void *arg)
{
	pid_t parent = getpid();

	*v = (struct stepper){ .pid = fork() };
	if (v->pid < 0)
		err(1, "fork");
	if (v->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent ||
		    ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		f(arg);
		_exit(0);
	}
	v->running = 1;
	if (stepper_settle(v, LONG) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, v->pid, NULL, PTRACE_O_TRACESYSGOOD) <
		    0) {
		stepper_kill(v);
		return -EPERM;
	}
	return 0;
}

/* All on the CPU where the caller is: nobody spins, and a step costs least. */
static inline void stepper_one_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static inline void stepper_nothing(void *unused)
{
	(void)unused;
}

/* 0 where a child can be single-stepped; -EPERM where it cannot (a container's
 * filter, kernel.yama.ptrace_scope, an emulator). */
static inline int stepper_allowed(void)
{
	struct stepper v;
	uint64_t before, after;
	int good = 0;

	if (stepper_start(&v, stepper_nothing, NULL) < 0)
		return -EPERM;
	before = stepper_where(&v);
	if (before != 0 && stepper_step(&v) == STEPPER_STOPPED) {
		after = stepper_where(&v);
		good = after != 0 && after != before;
	}
	stepper_kill(&v);
	return good ? 0 : -EPERM;
}

#endif
