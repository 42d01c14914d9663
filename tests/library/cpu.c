/* CPU counts against the tools of the system, and quotas of made-up cgroups. */
#include "mp/cpu.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char root[] = "/tmp/rawmp-cpu-XXXXXX";

static int number(const char *command)
{
	FILE *f = popen(command, "r");
	int n = -1;

	if (f == NULL || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f != NULL)
		pclose(f);
	return n;
}

/* A file below root, with the directories on its way. */
static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + sizeof(root); (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF)
		err(1, "%s", full);
}

static void quota_v2(void)
{
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/proc/self/mountinfo",
	    "22 1 0:20 / /proc rw - proc proc rw\n"
	    "30 1 0:27 / /cg rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
	is(mp_cpu_quota(root), -ENODATA, "v2: no cpu.max, no quota");
	put("/cg/a/b/cpu.max", "max 100000\n");
	is(mp_cpu_quota(root), -ENODATA, "v2: \"max\" is no quota");
	put("/cg/a/b/cpu.max", "250000 100000\n");
	is(mp_cpu_quota(root), 3, "v2: 2.5 CPUs are 3");
	put("/cg/a/cpu.max", "100000 100000\n");
	is(mp_cpu_quota(root), 1, "v2: the parent's quota is tighter");
	put("/cg/a/cpu.max", "10000 100000\n");
	is(mp_cpu_quota(root), 1, "v2: a tenth of a CPU is 1");
	put("/cg/a/cpu.max", "rubbish\n");
	put("/cg/a/b/cpu.max", "-5 0\n");
	is(mp_cpu_quota(root), -ENODATA, "v2: nonsense is no quota");
	put("/cg/a/b/cpu.max", "99999999999999 1\n");
	is(mp_cpu_quota(root), -ENODATA, "v2: a huge quota is none");
}

static void quota_in_container(void)
{
	put("/proc/self/cgroup", "0::/\n");
	put("/proc/self/mountinfo",
	    "30 1 0:27 / /in rw - cgroup2 cgroup2 rw\n");
	put("/in/cpu.max", "200000 100000\n");
	is(mp_cpu_quota(root), 2, "a cgroup namespace: the mount is the group");
	put("/proc/self/cgroup", "0::/docker/1234\n");
	put("/proc/self/mountinfo",
	    "30 1 0:27 /docker/1234 /in rw - cgroup2 cgroup2 rw\n");
	is(mp_cpu_quota(root), 2, "a bind mount: the path is relative to it");
	put("/proc/self/cgroup", "0::/../../elsewhere\n");
	put("/proc/self/mountinfo",
	    "30 1 0:27 / /in rw - cgroup2 cgroup2 rw\n");
	is(mp_cpu_quota(root), 2, "a group outside the mount: the mount's own");
}

static void quota_v1(void)
{
	put("/proc/self/cgroup", "5:cpuset:/x\n4:cpuacct,cpu:/job\n");
	put("/proc/self/mountinfo",
	    "40 1 0:28 / /cs rw - cgroup cgroup rw,cpuset\n"
	    "41 1 0:29 / /v1 rw - cgroup cgroup rw,cpu,cpuacct\n");
	put("/v1/job/cpu.cfs_quota_us", "-1\n");
	put("/v1/job/cpu.cfs_period_us", "100000\n");
	is(mp_cpu_quota(root), -ENODATA, "v1: -1 is no quota");
	put("/v1/job/cpu.cfs_quota_us", "400000\n");
	is(mp_cpu_quota(root), 4, "v1: quota over period");
}

static void follows_affinity(void)
{
	cpu_set_t old, one;
	size_t cpu = 0;

	sched_getaffinity(0, sizeof(old), &old);
	while (!CPU_ISSET(cpu, &old))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	is(mp_cpu_count(MP_CPU_AFFINITY), 1, "pinned to one CPU there is one");
	is(mp_cpu_count(MP_CPU_USABLE), 1, "of which one is usable");
	ok(mp_cpu_count(MP_CPU_ONLINE) >= 1, "the others are still online");
	sched_setaffinity(0, sizeof(old), &old);
}

int main(void)
{
	char clean[64];

	is(mp_cpu_count(MP_CPU_ONLINE), number("getconf _NPROCESSORS_ONLN"),
	   "online CPUs as getconf counts them");
	is(mp_cpu_count(MP_CPU_AFFINITY),
	   number("env -u OMP_NUM_THREADS nproc"),
	   "allowed CPUs as nproc counts them");
	follows_affinity();
	is(mp_cpu_count((enum mp_cpu)9), -EINVAL, "another count is refused");

	if (mkdtemp(root) == NULL)
		err(1, "%s", root);
	is(mp_cpu_quota(root), -ENODATA, "without /proc there is no quota");
	quota_v2();
	quota_in_container();
	quota_v1();
	snprintf(clean, sizeof(clean), "rm -r %s", root);
	is(system(clean), 0, "cleaned up");
	return tap_done();
}
