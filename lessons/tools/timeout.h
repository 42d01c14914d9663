/* timeout.h - does a call keep its timeout; changed by nobody.
 *
 * For an exercise with a call that waits at most so many nanoseconds (negative:
 * for ever, 0: not at all) and returns -ETIMEDOUT when they are up.  Its frame
 * includes this after stage.h.
 */
#ifndef TOOLS_TIMEOUT_H
#define TOOLS_TIMEOUT_H

#include <sys/resource.h>
#include "stage.h"

#define MS 1000000LL

/* A process that calls with -1, which now sleeps, or has computed for 50 ms, or
 * has ended. */
static inline pid_t new_waiter(int (*call)(int64_t), bool *sleeps)
{
	pid_t pid = new_process();
	char state;

	if (pid == 0)
		_exit(call(-1) != 0);
	do {
		usleep(1000);
		state = state_in_proc(pid);
	} while (state != 'S' && state != 'Z' && cpu_ms(pid) < 50);
	*sleeps = state == 'S';
	return pid;
}

/* It has ended, with its status.  false: not within so many ms. */
static inline bool ended(pid_t pid, int ms, int *status)
{
	for (int i = 0; i < ms; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	return false;
}

/* Call with so many ms, and print what came of it; how many it took. */
static inline int64_t tell_timeout(int (*call)(int64_t), int ms)
{
	int64_t used = now_ms();
	int rc = call(ms * MS);

	used = now_ms() - used;
	printf("%s, %s", error_name(rc),
	       used < ms - 1 || used > 1500 ? "at the wrong time" : "in time");
	return used;
}

/* Not at all, 50 ms, for ever: the waiter in the end. */
static inline pid_t tell_timeouts(int (*call)(int64_t))
{
	bool sleeps;
	pid_t pid;

	printf("not at all: %s\n50 ms: ", error_name(call(0)));
	tell_timeout(call, 50);
	printf("\n");
	fflush(stdout);
	pid = new_waiter(call, &sleeps);
	printf("for ever: %s\n", sleeps ? "asleep" : "not asleep");
	return pid;
}

static inline void ignore(int sig)
{
	(void)sig;
}

/* 100 ms under a signal each 10 ms, for 3 s at most. */
static inline void tell_storm(int (*call)(int64_t))
{
	struct sigaction sa = { .sa_handler = ignore };
	pid_t us = getpid(), storm;

	sigaction(SIGUSR1, &sa, NULL);
	storm = new_process();
	if (storm == 0) {
		for (int i = 0; i < 300; i++) {
			usleep(10000);
			kill(us, SIGUSR1);
		}
		_exit(0);
	}
	printf("100 ms under signals: ");
	printf(" (%lld ms)\n", (long long)tell_timeout(call, 100));
	end_process(storm);
}

/* How often we sleep in a call that waits for 100 ms. */
static inline void tell_sleeps(int (*call)(int64_t))
{
	struct rusage before, after;
	int rc;

	getrusage(RUSAGE_SELF, &before);
	rc = call(100 * MS);
	getrusage(RUSAGE_SELF, &after);
	if (rc == -ETIMEDOUT)
		printf("%ld\n", after.ru_nvcsw - before.ru_nvcsw);
	else
		printf("the result was %s\n", error_name(rc));
}

#endif
