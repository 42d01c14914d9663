/* cpu.c - sysconf, sched_getaffinity and the cgroup files.
 *
 * /proc/self/cgroup names the group, /proc/self/mountinfo says where its tree
 * is mounted and which part of it (inside a container the mount's root is the
 * container's own group, and paths are relative to it).
 */
#include "mp/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tree {
	char group[PATH_MAX]; /* this process's group in the tree */
	char root[PATH_MAX];  /* the part of the tree that is mounted */
	char mount[PATH_MAX]; /* where */
};

/* A mask wider than cpu_set_t: the kernel says -EINVAL until it fits. */
static int affinity(void)
{
	size_t cpus;
	int count = -EINVAL;

	for (cpus = CPU_SETSIZE; count == -EINVAL && cpus < 1 << 20;
	     cpus *= 2) {
		size_t size = CPU_ALLOC_SIZE(cpus);
		cpu_set_t *set = CPU_ALLOC(cpus);

		if (set == NULL)
			return -ENOMEM;
		if (sched_getaffinity(0, size, set) == 0)
			count = CPU_COUNT_S(size, set);
		else
			count = -errno;
		CPU_FREE(set);
	}
	return count;
}

/* Is `word` one of the comma-separated words of `list`? */
static int has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list != '\0'; list += *list == ',') {
		size_t length = strcspn(list, ",");

		if (length == n && strncmp(list, word, n) == 0)
			return 1;
		list += length;
	}
	return 0;
}

/* A line of cgroup(7): "0::/group" for v2, "4:cpu,cpuacct:/group" for v1. */
static int find_group(const char *root, int v1, struct tree *t)
{
	char path[PATH_MAX], line[PATH_MAX + 64], *list, *group;
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		list = strchr(line, ':');
		group = list != NULL ? strchr(list + 1, ':') : NULL;
		if (group == NULL)
			continue;
		*group++ = '\0';
		list++;
		found = v1 ? has_word(list, "cpu") : *list == '\0';
		if (found)
			snprintf(t->group, sizeof(t->group), "%s", group);
	}
	fclose(f);
	return found;
}

/* A line of mountinfo: "… root mount options … - type source options". */
static int find_mount(const char *root, int v1, struct tree *t)
{
	char path[PATH_MAX], line[3 * PATH_MAX], type[32], options[PATH_MAX];
	char *tail;
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		tail = strstr(line, " - ");
		if (tail == NULL ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", t->root,
			   t->mount) != 2 ||
		    sscanf(tail, " - %31s %*s %4095s", type, options) != 2)
			continue;
		found = v1 ? strcmp(type, "cgroup") == 0 &&
					has_word(options, "cpu")
			   : strcmp(type, "cgroup2") == 0;
	}
	fclose(f);
	return found;
}

/* CPUs that the group in `directory` may use, rounded up; INT_MAX: no limit. */
static int group_limit(const char *directory, int v1)
{
	char path[3 * PATH_MAX];
	long long quota = -1, period = -1, cpus;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory,
		 v1 ? "cpu.cfs_quota_us" : "cpu.max");
	f = fopen(path, "re");
	if (f == NULL)
		return INT_MAX;
	if (fscanf(f, v1 ? "%lld" : "%lld %lld", &quota, &period) < 1)
		quota = -1; /* v2: "max" */
	fclose(f);
	if (v1) {
		snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", directory);
		f = fopen(path, "re");
		if (f == NULL)
			return INT_MAX;
		if (fscanf(f, "%lld", &period) != 1)
			period = -1;
		fclose(f);
	}
	if (quota <= 0 || period <= 0)
		return INT_MAX;
	cpus = quota / period + (quota % period != 0);
	return cpus < INT_MAX ? (int)cpus : INT_MAX;
}

/* The tightest limit from the group up to the root of the mount. */
static int tree_limit(const char *root, int v1)
{
	static const char up[] = "/..";
	struct tree *t = malloc(sizeof(*t));
	char path[2 * PATH_MAX + 64];
	const char *below;
	int limit = INT_MAX, here;
	size_t n, floor;

	if (t == NULL)
		return -ENOMEM;
	if (!find_group(root, v1, t) || !find_mount(root, v1, t))
		goto out;
	/* The group as seen from the mount; a group outside it: the mount. */
	below = t->group;
	n = strcmp(t->root, "/") == 0 ? 0 : strlen(t->root);
	if (strncmp(below, t->root, n) == 0)
		below += n;
	else
		below = "";
	if (strncmp(below, up, sizeof(up) - 1) == 0)
		below = "";
	floor = (size_t)snprintf(path, sizeof(path), "%s%s", root, t->mount);
	snprintf(path + floor, sizeof(path) - floor, "%s", below);
	for (;;) {
		here = group_limit(path, v1);
		if (here < limit)
			limit = here;
		if (strlen(path) <= floor)
			break;
		*strrchr(path, '/') = '\0';
	}
out:
	free(t);
	return limit;
}

int mp_cpu_quota(const char *root)
{
	int v1, limit = INT_MAX, here;

	for (v1 = 0; v1 <= 1; v1++) {
		here = tree_limit(root, v1);
		if (here < 0)
			return here;
		if (here < limit)
			limit = here;
	}
	return limit == INT_MAX ? -ENODATA : limit;
}

int mp_cpu_count(enum mp_cpu which)
{
	int online, mine, quota;

	switch (which) {
	case MP_CPU_ONLINE:
		online = (int)sysconf(_SC_NPROCESSORS_ONLN);
		return online > 0 ? online : 1;
	case MP_CPU_AFFINITY:
		return affinity();
	case MP_CPU_QUOTA:
		return mp_cpu_quota("");
	case MP_CPU_USABLE:
		online = mp_cpu_count(MP_CPU_ONLINE);
		mine = affinity();
		quota = mp_cpu_quota("");
		if (mine > 0 && mine < online)
			online = mine;
		return quota > 0 && quota < online ? quota : online;
	}
	return -EINVAL;
}
