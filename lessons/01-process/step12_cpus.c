/* step12_cpus.c - how many processes are worth starting?  [works]
 *
 * Build:  cc -O2 -o step12_cpus step12_cpus.c
 * New:    sched_getaffinity()
 * Try:    ./step12_cpus
 *         taskset -c 0 ./step12_cpus
 * See:    three limits, set by three hands: the machine, taskset (or a
 *         cpuset), and the cgroup's quota, as docker run --cpus sets it.
 *         Without a quota its line repeats the first.
 */
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int affinity(void)
{
	cpu_set_t *set = CPU_ALLOC(8192); /* CPUs; plain cpu_set_t has 1024 */
	size_t size = CPU_ALLOC_SIZE(8192);
	int count;

	if (!set || sched_getaffinity(0, size, set) < 0)
		err(1, "sched_getaffinity");
	count = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return count;
}

/* The smallest "quota period" (microseconds) in the cpu.max of our cgroup and
 * of those above it, as CPUs, rounded up.  "max" is no limit.  cgroup v2. */
static int quota(int limit)
{
	char group[2048] = "", path[2100];
	FILE *f = fopen("/proc/self/cgroup", "r");
	long us, period;

	while (f && fgets(path, 2048, f))
		if (strncmp(path, "0::", 3) == 0)
			strcpy(group, path + 3);
	if (f)
		fclose(f);

	for (char *end = strchr(group, '\n'); end; end = strrchr(group, '/')) {
		*end = '\0';
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%ld %ld", &us, &period) == 2)
			if ((us + period - 1) / period < limit)
				limit = (int)((us + period - 1) / period);
		fclose(f);
	}
	return limit;
}

int main(void)
{
	int online = (int)sysconf(_SC_NPROCESSORS_ONLN);
	int allowed = affinity();
	int worth = quota(online);

	printf("online:                 %d\n", online);
	printf("allowed by affinity:    %d\n", allowed);
	printf("allowed by the quota:   %d\n", worth);
	printf("worth starting:         %d\n",
	       worth < allowed ? worth : allowed);
	return 0;
}
