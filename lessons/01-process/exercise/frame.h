/* frame.h - what judges a join_timeout: included at its end, changed by nobody.
 *
 * Each scenario makes children, joins them with the join_timeout above, and
 * prints what came of it; check.bats knows what it should print.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS      1000000LL
#define RUNS_ON 1000 /* for start: a child that ends only by a signal */

static const char *name(int rc)
{
	static char number[16];

	switch (-rc) {
	case 0:
		return "0";
	case ETIMEDOUT:
		return "-ETIMEDOUT";
	case ECHILD:
		return "-ECHILD";
	case ESRCH:
		return "-ESRCH";
	case EINTR:
		return "-EINTR";
	}
	snprintf(number, sizeof(number), "%d", rc);
	return number;
}

/* A child that ends by _exit(end), by signal -end, or not by itself. */
static pid_t start(int end)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (end >= 0 && end < RUNS_ON)
		_exit(end);
	if (end < 0) {
		signal(-end, SIG_DFL);
		kill(getpid(), -end);
	}
	for (;;)
		pause();
}

/* Wait until it is a zombie, and leave it one. */
static pid_t ended(pid_t pid)
{
	siginfo_t info;

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		err(1, "waitid");
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* join_timeout, unless there is still a hole in it. */
static int join(pid_t pid, int64_t timeout_ns, int *code)
{
	int rc = join_timeout(pid, timeout_ns, code);

	if (rc == -ENOSYS || (rc == 0 && *code == -ENOSYS))
		errx(77, "not finished: a hole still returns -ENOSYS");
	return rc;
}

static void join_and_print(const char *what, pid_t pid, int64_t timeout_ns)
{
	int code = 12345, rc = join(pid, timeout_ns, &code);

	if (rc == 0)
		printf("%s: 0, code %d\n", what, code);
	else if (code == 12345)
		printf("%s: %s\n", what, name(rc));
	else
		printf("%s: %s, but code was written\n", what, name(rc));
	fflush(stdout);
}

static void run_status(void)
{
	join_and_print("exit 0", ended(start(0)), 5000 * MS);
	join_and_print("exit 3", ended(start(3)), 5000 * MS);
	join_and_print("exit 255", start(255), 5000 * MS);
}

static void run_signal(void)
{
	join_and_print("SIGTERM", ended(start(-SIGTERM)), 5000 * MS);
	join_and_print("SIGKILL", start(-SIGKILL), 5000 * MS);
}

static void run_try(void)
{
	pid_t pid = start(RUNS_ON);

	join_and_print("running", pid, 0);
	kill(pid, SIGKILL);
	join_and_print("ended", ended(pid), 0);
}

/* A helper kills the child as soon as /proc says that we sleep. */
static void run_forever(void)
{
	pid_t us = getpid(), pid = start(RUNS_ON), helper = fork();
	char path[64], state = '?';

	if (helper < 0)
		err(1, "fork");
	if (helper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(path, sizeof(path), "/proc/%d/stat", us);
		for (int i = 0; i < 2000 && state != 'S'; i++) {
			FILE *f = fopen(path, "r");

			if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
				state = '?';
			if (f)
				fclose(f);
			usleep(1000);
		}
		kill(pid, SIGTERM);
		for (;;)
			pause();
	}
	join_and_print("until it ends", pid, -1);
	stop(pid);
	stop(helper);
}

/* 100 ms under a signal each 10 ms, for 3 s at most. */
static void run_storm(void)
{
	struct sigaction sa = { .sa_handler = ignore };
	pid_t pid = start(RUNS_ON), us = getpid(), storm;
	int code, rc;
	int64_t ms;

	sigaction(SIGUSR1, &sa, NULL);
	storm = fork();
	if (storm < 0)
		err(1, "fork");
	if (storm == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 300; i++) {
			usleep(10000);
			kill(us, SIGUSR1);
		}
		for (;;)
			pause();
	}
	ms = now();
	rc = join(pid, 100 * MS, &code);
	ms = (now() - ms) / MS;
	printf("100 ms under signals: %s, %s (%lld ms)\n", name(rc),
	       ms < 100 || ms > 1500 ? "at the wrong time" : "in time",
	       (long long)ms);
	stop(storm);
	stop(pid);
}

static void run_zombie(void)
{
	siginfo_t info;
	pid_t pid = ended(start(0));

	join_and_print("ended", pid, 5000 * MS);
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0)
		printf("a zombie is left\n");
	else
		printf("nothing is left\n");
}

static int descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void run_descriptors(void)
{
	pid_t pid = start(RUNS_ON);
	int before = descriptors(), code;

	join(pid, 5 * MS, &code);
	printf("timeout: %d left open\n", descriptors() - before);
	before = descriptors();
	join(getppid(), 5 * MS, &code);
	printf("not ours: %d left open\n", descriptors() - before);
	before = descriptors();
	kill(pid, SIGKILL);
	join(pid, 5000 * MS, &code);
	printf("success: %d left open\n", descriptors() - before);
	stop(pid);
}

static void run_other(void)
{
	pid_t other = ended(start(7)), pid = ended(start(0));

	join_and_print("the second child", pid, 5000 * MS);
	if (waitpid(other, NULL, WNOHANG) == other)
		printf("the first child can still be joined\n");
	else
		printf("the first child is gone\n");
}

static void run_foreign(void)
{
	pid_t pid = ended(start(3));

	waitpid(pid, NULL, 0);
	join_and_print("our parent", getppid(), 50 * MS);
	join_and_print("reaped before", pid, 50 * MS);
}

/* A program may have an alarm of its own. */
static void run_alarm(void)
{
	struct sigaction sa = { .sa_handler = ignore };
	pid_t pid = start(RUNS_ON);
	int code;

	sigaction(SIGALRM, &sa, NULL);
	alarm(1000);
	join(pid, 50 * MS, &code);
	sigaction(SIGALRM, NULL, &sa);
	printf("the caller's handler: %s\n",
	       sa.sa_handler == ignore ? "as before" : "replaced");
	printf("the caller's alarm: %s\n", alarm(0) ? "as before" : "gone");
	stop(pid);
}

/* Let a traced process run to its next SIGSTOP: how often it stopped at a
 * system call on the way, or -1 if it ended instead. */
static int to_stop(pid_t tracee, bool calls)
{
	int status, stops = 0;

	while (waitpid(tracee, &status, 0) == tracee && WIFSTOPPED(status)) {
		long sig = WSTOPSIG(status);

		if (sig == SIGSTOP)
			return stops;
		if (sig == (SIGTRAP | 0x80)) {
			stops++;
			sig = 0;
		}
		ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, tracee, NULL, sig);
	}
	return -1;
}

/* The system calls of one join, counted between two SIGSTOPs by ptrace. */
static void count_calls(int end, int64_t timeout_ns, int expected)
{
	int status, stops, code;
	pid_t pid, self, tracee = fork();

	if (tracee < 0)
		err(1, "fork");
	if (tracee == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		self = getpid();
		pid = start(end);
		if (end != RUNS_ON)
			ended(pid);
		kill(self, SIGSTOP);
		code = join_timeout(pid, timeout_ns, &code);
		kill(self, SIGSTOP);
		stop(pid);
		_exit(code == expected ? 0 : 1);
	}
	if (to_stop(tracee, false) < 0) {
		printf("n/a (ptrace is not allowed here)\n");
		return;
	}
	ptrace(PTRACE_SETOPTIONS, tracee, NULL, PTRACE_O_TRACESYSGOOD);
	ptrace(PTRACE_SYSCALL, tracee, NULL, NULL);
	stops = to_stop(tracee, true);
	ptrace(PTRACE_DETACH, tracee, NULL, NULL);
	if (stops < 0 || waitpid(tracee, &status, 0) < 0 || status != 0)
		printf("the result was wrong\n");
	else /* an entry and an exit each; the last call is the second kill */
		printf("%d\n", stops / 2 - 1);
}

static void count_ended(void)
{
	count_calls(0, 5000 * MS, 0);
}

static void count_waiting(void)
{
	count_calls(RUNS_ON, 100 * MS, -ETIMEDOUT);
}

/* How often the process went to sleep while it waited 100 ms. */
static void count_sleeps(void)
{
	struct rusage before, after;
	pid_t pid = start(RUNS_ON);
	int code, rc;

	getrusage(RUSAGE_SELF, &before);
	rc = join(pid, 100 * MS, &code);
	getrusage(RUSAGE_SELF, &after);
	if (rc == -ETIMEDOUT)
		printf("%ld\n", after.ru_nvcsw - before.ru_nvcsw);
	else
		printf("the result was wrong\n");
	stop(pid);
}

/* Nanoseconds for fork, _exit and join; reference: a plain waitpid. */
static void bench(bool mine, int rounds)
{
	int64_t begin = now();

	for (int i = 0; i < rounds; i++) {
		int code = -1;
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			_exit(0);
		if (!mine)
			waitpid(pid, &code, 0);
		else if (join(pid, 10000 * MS, &code) < 0)
			errx(1, "join_timeout failed");
		if (code != 0)
			errx(1, "wrong exit code");
	}
	printf("%lld\n", (long long)(now() - begin) / rounds);
}

static const struct {
	const char *mode, *name;
	void (*function)(void);
} scenarios[] = {
	{ "run", "status", run_status },
	{ "run", "signal", run_signal },
	{ "run", "try", run_try },
	{ "run", "forever", run_forever },
	{ "run", "storm", run_storm },
	{ "run", "zombie", run_zombie },
	{ "run", "descriptors", run_descriptors },
	{ "run", "other", run_other },
	{ "run", "foreign", run_foreign },
	{ "run", "alarm", run_alarm },
	{ "count", "ended", count_ended },
	{ "count", "waiting", count_waiting },
	{ "count", "sleeps", count_sleeps },
};

int main(int argc, char *argv[])
{
	size_t n = sizeof(scenarios) / sizeof(scenarios[0]);
	int rounds = argc > 3 ? atoi(argv[3]) : 1000;

	if (argc > 2 && strcmp(argv[1], "--bench") == 0 && rounds > 0 &&
	    (!strcmp(argv[2], "mine") || !strcmp(argv[2], "reference"))) {
		bench(argv[2][0] == 'm', rounds);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < n; i++) {
		if (strcmp(argv[1], scenarios[i].mode) == 0 &&
		    strcmp(argv[2], scenarios[i].name) == 0) {
			scenarios[i].function();
			return 0;
		}
	}
	fprintf(stderr, "usage: %s --bench mine|reference [ROUNDS]\n", argv[0]);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "       %s %s %s\n", argv[0], scenarios[i].mode,
			scenarios[i].name);
	return 2;
}
