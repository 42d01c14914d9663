/* See counters.h.
 *
 * Events count from the moment they are opened; start and stop only read them.
 * The counter of all system calls is read last at the start and first at the
 * stop, so that the one call too many it holds is its own last read.
 */
#include "harness/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOFTWARE(x) PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##x
#define HARDWARE(x) PERF_TYPE_HARDWARE, PERF_COUNT_HW_##x

static struct counter {
	const char *name;
	uint32_t type;
	uint64_t config;
	const char *tracepoint;
	int fd;
	uint64_t count, enabled, running; /* as read at the start */
	double value;
	char reason[160]; /* "": it counts */
} counters[] = {
	{ .name = "context_switches", SOFTWARE(CONTEXT_SWITCHES) },
	{ .name = "migrations", SOFTWARE(CPU_MIGRATIONS) },
	{ .name = "page_faults", SOFTWARE(PAGE_FAULTS) },
	{ .name = "task_clock_ns", SOFTWARE(TASK_CLOCK) },
	{ .name = "instructions", HARDWARE(INSTRUCTIONS) },
	{ .name = "cycles", HARDWARE(CPU_CYCLES) },
	{ .name = "cache_misses", HARDWARE(CACHE_MISSES) },
	{ .name = "branch_misses", HARDWARE(BRANCH_MISSES) },
	{ .name = "futexes",
	  .type = PERF_TYPE_TRACEPOINT,
	  .tracepoint = "syscalls/sys_enter_futex" },
	{ .name = "syscalls", /* last: see above */
	  .type = PERF_TYPE_TRACEPOINT,
	  .tracepoint = "raw_syscalls/sys_enter" },
};
#define NUMBER ((int)(sizeof(counters) / sizeof(counters[0])))

/* The first line of a small file.  Its number, or -1 with errno. */
static long number_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	saved = errno;
	close(fd);
	errno = saved;
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

/* The id of a tracepoint, or -1 and the reason. */
static long find_tracepoint(const char *name, char *reason, size_t size)
{
	static const char *const at[] = { "/sys/kernel/tracing",
					  "/sys/kernel/debug/tracing" };
	char path[128];
	int worst = ENOENT;

	for (int i = 0; i < 2; i++) {
		long id;

		snprintf(path, sizeof(path), "%s/events/%s/id", at[i], name);
		id = number_in(path);
		if (id >= 0)
			return id;
		if (errno == EACCES || errno == EPERM)
			worst = errno;
	}
	if (worst == ENOENT)
		snprintf(reason, size,
			 "no tracefs, or no %s in it; as root: mount -t "
			 "tracefs tracefs /sys/kernel/tracing",
			 name);
	else
		snprintf(reason, size,
			 "tracefs is closed to this user; run as "
			 "root, or count with strace -f -c");
	return -1;
}

/* What an errno of perf_event_open means, and the remedy. */
static void explain(struct counter *c, int error)
{
	long paranoid = number_in("/proc/sys/kernel/perf_event_paranoid");

	if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV)
		snprintf(c->reason, sizeof(c->reason),
			 "no PMU here; run on a "
			 "machine, not a virtual one");
	else if (error == ENOSYS)
		snprintf(c->reason, sizeof(c->reason),
			 "this kernel has no "
			 "perf_event_open; use another kernel");
	else if ((error == EACCES || error == EPERM) && paranoid > 1)
		snprintf(c->reason, sizeof(c->reason),
			 "kernel.perf_event_"
			 "paranoid=%ld; sudo sysctl kernel.perf_event_"
			 "paranoid=%d",
			 paranoid, c->type == PERF_TYPE_TRACEPOINT ? -1 : 1);
	else if (error == EACCES || error == EPERM)
		snprintf(c->reason, sizeof(c->reason),
			 "blocked (%s); in a "
			 "container: --cap-add PERFMON",
			 strerror(error));
	else
		snprintf(c->reason, sizeof(c->reason),
			 "perf_event_open: %s; "
			 "none known",
			 strerror(error));
}

static void open_one(struct counter *c)
{
	struct perf_event_attr a = {
		.size = sizeof(a),
		.type = c->type,
		.config = c->config,
		.inherit = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};

	c->fd = -1;
	if (c->type == PERF_TYPE_TRACEPOINT) {
		long id = find_tracepoint(c->tracepoint, c->reason,
					  sizeof(c->reason));

		if (id < 0)
			return;
		a.config = (uint64_t)id;
	}
	/* exclude_kernel stays 0: see the header. */
	c->fd = (int)syscall(SYS_perf_event_open, &a, 0, -1, -1,
			     PERF_FLAG_FD_CLOEXEC);
	if (c->fd < 0)
		explain(c, errno);
}

/* Some virtual machines have a PMU that opens and never moves. */
static void try_out(struct counter *c)
{
	uint64_t v[3] = { 1 };

	for (volatile int i = 0; i < 100000; i++)
		;
	if (read(c->fd, v, sizeof(v)) == (ssize_t)sizeof(v) &&
	    (v[0] == 0 || v[2] == 0))
		snprintf(c->reason, sizeof(c->reason),
			 "the PMU here counts "
			 "nothing; run on a machine, not a virtual one");
}

void counters_open(void)
{
	for (int i = 0; i < NUMBER; i++) {
		open_one(&counters[i]);
		if (counters[i].type == PERF_TYPE_HARDWARE &&
		    counters[i].config < PERF_COUNT_HW_CACHE_REFERENCES &&
		    counters[i].fd >= 0)
			try_out(&counters[i]);
	}
}

int counters_number(void)
{
	return NUMBER;
}

const char *counters_name(int i)
{
	return counters[i].name;
}

const char *counters_reason(int i)
{
	return counters[i].reason[0] != '\0' ? counters[i].reason : NULL;
}

int counters_work(const char *name)
{
	for (int i = 0; i < NUMBER; i++)
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].fd > 0 && counters_reason(i) == NULL;
	return 0;
}

/* count, time enabled, time running */
static void look(struct counter *c, uint64_t v[3])
{
	v[0] = v[1] = v[2] = 0;
	if (c->fd >= 0 && read(c->fd, v, 3 * sizeof(v[0])) < 0)
		snprintf(c->reason, sizeof(c->reason), "read: %s; none known",
			 strerror(errno));
}

void counters_start(void)
{
	for (int i = 0; i < NUMBER; i++) {
		uint64_t v[3];

		look(&counters[i], v);
		counters[i].count = v[0];
		counters[i].enabled = v[1];
		counters[i].running = v[2];
	}
}

void counters_stop(void)
{
	for (int i = NUMBER - 1; i >= 0; i--) {
		struct counter *c = &counters[i];
		uint64_t v[3], enabled, running;

		look(c, v);
		enabled = v[1] - c->enabled;
		running = v[2] - c->running;
		c->value = (double)(v[0] - c->count);
		if (i == NUMBER - 1)
			c->value -= 1;
		/* More events than the PMU has registers: they took turns. */
		if (running == 0 && enabled > 0)
			c->value = NAN;
		else if (running < enabled)
			c->value *= (double)enabled / (double)running;
	}
}

double counters_value(int i)
{
	return counters[i].value;
}
