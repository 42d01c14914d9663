/* process - family process: one child, from start to ended and reaped.
 *
 * The operation is the same for all: make a child, let it end at once with 0,
 * wait for it and read its exit status.  What differs is how the child is made
 * and how big the parent is: fork copies page tables, so its cost grows with
 * the memory touched; vfork, posix_spawn and threads share it; a fork server is
 * another, small process that forks for us.
 *
 * posix_spawn has to run a program: it runs `tiny` (harness/tiny.c), which has
 * no libc; /bin/true stands in where tiny cannot be built, and the label says
 * which.  Python measures in itself (peers/process_peer.py).
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/ballast.h"
#include "harness/gbench.h"
#include "harness/histogram.h"
#include "harness/peer.h"
#include "harness/place.h"
#include "mp/clock.h"
#include "mp/forkserver.h"
#include "mp/process.h"

#ifndef TINY
#define TINY "/bin/true"
#endif

static struct histogram *histogram;
static struct peer python = { .script = "process_peer.py" };

/* The exit status of a child; 0 is what it should be, < 0 an error. */
static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

static int by_fork(int cpu)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		place_child(cpu);
		_exit(0);
	}
	return reap(pid);
}

/* The parent stands still until the child, in the parent's memory, has left. */
static int by_vfork(int cpu)
{
	pid_t pid = vfork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		place_child(cpu);
		_exit(0);
	}
	return reap(pid);
}

/* fork without glibc's handlers: what the kernel alone costs. */
static int by_clone3(int cpu)
{
	struct clone_args a = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		place_child(cpu);
		syscall(SYS_exit_group, 0);
	}
	return reap((pid_t)pid);
}

static int by_posix_spawn(int cpu)
{
	char name[] = TINY, number[12], *argv[] = { name, NULL, NULL };
	char *env[] = { NULL };
	pid_t pid;
	int e;

	if (cpu >= 0) {
		snprintf(number, sizeof(number), "%d", cpu);
		argv[1] = number;
	}
	e = posix_spawn(&pid, TINY, NULL, NULL, argv, env);
	return e != 0 ? -e : reap(pid);
}

static void *thread_main(void *cpu)
{
	place_child(*(int *)cpu);
	return NULL;
}

static int by_thread(int cpu)
{
	pthread_t thread;
	int e = pthread_create(&thread, NULL, thread_main, &cpu);

	return e != 0 ? -e : -pthread_join(thread, NULL);
}

static int mp_main(void *cpu)
{
	place_child(*(int *)cpu);
	return 0;
}

static int start_and_join(int (*target)(void *), void *arg,
			  const struct mp_process_options *o)
{
	struct mp_process p;
	int e, code = 0;

	e = mp_process_init(&p, target, arg, o);
	if (e == 0)
		e = mp_process_start(&p);
	if (e < 0)
		return e;
	e = mp_process_join(&p, -1);
	if (e == 0 && mp_process_exitcode(&p, &code) == 1)
		e = code;
	mp_process_close(&p);
	return e;
}

static int by_mp_process(int cpu)
{
	return start_and_join(mp_main, &cpu, NULL);
}

/* The server's children do not see our stack: the CPU is the argument itself,
 * plus 1. */
static int served_main(void *cpu_plus_1)
{
	place_child((int)(intptr_t)cpu_plus_1 - 1);
	return 0;
}

static struct mp_forkserver servers[PLACE_FREE + 1];
static struct mp_forkserver *server; /* of the place that is measured */

static int by_mp_forkserver(int cpu)
{
	return start_and_join(served_main, (void *)((intptr_t)cpu + 1),
			      &(struct mp_process_options){ .server = server });
}

/* Its children begin on the CPUs that it began on: so each place has one.  It
 * is started while this process is small. */
static int prepare_server(enum place place)
{
	server = &servers[place];
	if (mp_process_pid(&server->process) > 0)
		return 0;
	ballast_hold(0);
	return mp_forkserver_start(server);
}

static const struct how {
	const char *name;
	int (*once)(int cpu); /* NULL: Python */
} hows[] = {
	{ "fork", by_fork },
	{ "vfork", by_vfork },
	{ "clone3", by_clone3 },
	{ "posix_spawn", by_posix_spawn },
	{ "mp_process", by_mp_process },
	{ "mp_forkserver", by_mp_forkserver },
	{ "python_process", NULL },
	{ "python_fork", NULL },
	{ "python_forkserver", NULL },
	/* Last: a process that has had a thread forks slower from then on. */
	{ "thread", by_thread },
};

static void measure(struct gb_state *st, const struct how *how, int cpu)
{
	/* What its children cost is the server's, and not known here. */
	if (how->once == by_mp_forkserver)
		gb_usage(st, &(struct usage){ -1, -1, -1, -1 });
	GB_LOOP(st)
	{
		int64_t begin = mp_clock_now(), ns;
		int e = how->once(cpu);

		ns = mp_clock_now() - begin;
		if (e != 0) {
			if (e < 0)
				gb_error(st, "%s: %s", how->name, strerror(-e));
			else
				gb_error(st, "%s: the child's status is %#x",
					 how->name, (unsigned)e);
			break;
		}
		gb_time(st, ns);
		histogram_record(histogram, ns);
	}
}

/* "usage usage usage usage time time time ..." */
static char *take_usage(struct gb_state *st, char *answer)
{
	struct usage u;

	u.cpu_ns = strtoll(answer, &answer, 10);
	u.voluntary = strtoll(answer, &answer, 10);
	u.involuntary = strtoll(answer, &answer, 10);
	u.faults = strtoll(answer, &answer, 10);
	gb_usage(st, &u);
	return answer;
}

/* All iterations are one question, asked on the first of them. */
static void ask_python(struct gb_state *st)
{
	char *answer = NULL;

	GB_LOOP(st)
	{
		int64_t ns;

		if (answer == NULL) {
			if (peer_ask(&python, &answer, "run %lld\n",
				     (long long)gb_iterations(st)) < 0) {
				gb_error(st, "%s", python.why);
				break;
			}
			answer = take_usage(st, answer);
		}
		ns = strtoll(answer, &answer, 10);
		gb_time(st, ns);
		histogram_record(histogram, ns);
	}
}

static void run(struct gb_state *st)
{
	const struct how *how = gb_user(st);
	enum place place = (enum place)gb_argument(st, 1);

	histogram_reset(histogram);
	if (how->once == NULL)
		ask_python(st);
	else
		measure(st, how, place_child_cpu(place));
	if (gb_failed(st))
		return;
	histogram_report(histogram, st);
	if (how->once == by_posix_spawn)
		gb_label(st, "runs %s",
			 strcmp(TINY, "/bin/true") == 0
				 ? "/bin/true"
				 : "a program without libc");
}

static void prepare_python(struct gb_state *st, const char *how, int64_t mib,
			   enum place place)
{
	char *answer;

	if (peer_start(&python) < 0)
		gb_skip(st, "%s", python.why);
	else if (mib > ballast_room())
		gb_skip(st, "the machine has not %lld MiB to spare",
			(long long)mib);
	else if (peer_ask(&python, &answer, "prepare %s %lld %d %d\n", how,
			  (long long)mib, place_parent_cpu(place),
			  place_child_cpu(place)) < 0)
		gb_error(st, "%s", python.why);
	if (gb_failed(st))
		return;
	gb_discount_begin(st);
	if (peer_ask(&python, &answer, "run 0\n") < 0)
		gb_error(st, "%s", python.why);
	gb_discount_end(st);
}

static void setup(struct gb_state *st)
{
	const struct how *how = gb_user(st);
	int64_t mib = gb_argument(st, 0);
	enum place place = (enum place)gb_argument(st, 1);
	int e = 0;

	if (place_parent(place) < 0)
		gb_skip(st, "one CPU is allowed, cross needs two");
	else if (how->once == by_posix_spawn && place == PLACE_CROSS &&
		 strcmp(TINY, "/bin/true") == 0)
		gb_skip(st, "/bin/true does not move to another CPU");
	else if (how->once == NULL)
		prepare_python(st, how->name, mib, place);
	else if (how->once == by_mp_forkserver &&
		 (e = prepare_server(place)) < 0)
		gb_error(st, "fork server: %s", strerror(-e));
	else if (ballast_hold(mib) < 0)
		gb_skip(st, "the machine has not %lld MiB to spare",
			(long long)mib);
}

static void teardown(struct gb_state *st)
{
	(void)st;
	place_reset();
}

static void prepare(void)
{
	static const struct gb_argument arguments[] = {
		{ "parent_MiB", NULL }, { "place", place_labels }
	};
	static const int64_t rows[][GB_ARGUMENTS] = {
		{ 0, PLACE_SAME },   { 0, PLACE_CROSS },   { 0, PLACE_FREE },
		{ 128, PLACE_SAME }, { 1024, PLACE_SAME },
	};
	static const int64_t smoke_rows[][GB_ARGUMENTS] = {
		{ 0, PLACE_SAME },
		{ 0, PLACE_CROSS },
		{ 0, PLACE_FREE },
		{ 2, PLACE_SAME },
	};

	histogram = histogram_create();
	gb_context("place", place_description());
	gb_context("posix_spawn", TINY);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "process/%s", hows[i].name);
		gb_register(&(struct gb_benchmark){
			.name = name,
			.run = run,
			.setup = setup,
			.teardown = teardown,
			.arguments = arguments,
			.narguments = 2,
			.rows = gb_smoke() ? smoke_rows : rows,
			.nrows = gb_smoke() ? 4 : 5,
			.unit = GB_US,
			.clock = GB_MANUAL_TIME,
			.user = &hows[i],
		});
	}
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "python", "PATH", "the Python 3 to measure beside ours",
		  peer_take_python },
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "One child, from start to ended and reaped.",
		.prepare = prepare,
		.options = options,
	};
	int status = gb_main(argc, argv, &program);

	peer_stop(&python);
	for (int i = 0; i <= PLACE_FREE; i++)
		mp_forkserver_stop(&servers[i]);
	return status;
}
