/* See place.h. */
#include "harness/place.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const place_labels[] = { "same", "cross", "free" };

static cpu_set_t allowed;
static int first = -1, other = -1; /* CPUs; other -1: there is only one */
static bool other_core;

/* Which core a CPU belongs to: its siblings, as the kernel lists them. */
static bool core_of(int cpu, char *text, size_t size)
{
	char path[96];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool same_core(int a, int b)
{
	char x[256], y[256];

	return core_of(a, x, sizeof(x)) && core_of(b, y, sizeof(y)) &&
	       strcmp(x, y) == 0;
}

static void look_around(void)
{
	if (first >= 0)
		return;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		err(2, "sched_getaffinity");
	for (int i = 0; i < CPU_SETSIZE && !other_core; i++) {
		if (!CPU_ISSET((size_t)i, &allowed))
			continue;
		if (first < 0) {
			first = i;
		} else if (!same_core(first, i)) {
			other = i;
			other_core = true;
		} else if (other < 0) {
			other = i;
		}
	}
}

int place_parent(enum place p)
{
	cpu_set_t one;

	look_around();
	if (p == PLACE_CROSS && other < 0)
		return -ENODEV;
	if (p == PLACE_FREE) {
		place_reset();
		return 0;
	}
	CPU_ZERO(&one);
	CPU_SET((size_t)first, &one);
	return sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
}

int place_parent_cpu(enum place p)
{
	look_around();
	return p == PLACE_FREE ? -1 : first;
}

int place_child_cpu(enum place p)
{
	look_around();
	return p == PLACE_CROSS ? other : -1;
}

void place_child(int cpu)
{
	cpu_set_t one;

	if (cpu < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	syscall(SYS_sched_setaffinity, 0, sizeof(one), &one);
}

int place_spread_cpu(int i)
{
	int cpu = -1;

	look_around();
	i %= CPU_COUNT(&allowed);
	while (i >= 0)
		i -= CPU_ISSET((size_t)++cpu, &allowed) ? 1 : 0;
	return cpu;
}

void place_reset(void)
{
	look_around();
	sched_setaffinity(0, sizeof(allowed), &allowed);
}

const char *place_description(void)
{
	static char text[96];

	look_around();
	if (other < 0)
		snprintf(text, sizeof(text),
			 "same: CPU %d; cross: no other "
			 "CPU is allowed",
			 first);
	else
		snprintf(text, sizeof(text),
			 "same: CPU %d; cross: CPU %d and "
			 "%d (%s core)",
			 first, first, other,
			 other_core ? "another" : "the same");
	return text;
}
