/* See ballast.h. */
#include "harness/ballast.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SPARE 256 /* MiB */
#define PAGE  4096

static char *memory;
static size_t held; /* bytes */

/* "MemAvailable:  123 kB" */
static int64_t available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	long long kb = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %lld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb / 1024;
}

static int64_t bytes_in(const char *group, const char *file)
{
	char path[512];
	long long v = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", group, file);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	if (fscanf(f, "%lld", &v) != 1) /* "max" */
		v = -1;
	fclose(f);
	return v;
}

/* What this process's own cgroup (v2) leaves, or -1: no limit. */
static int64_t cgroup_room(void)
{
	char line[400], *end;
	FILE *f = fopen("/proc/self/cgroup", "re");
	int64_t max = -1, now = -1;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		max = bytes_in(line + 3, "memory.max");
		now = bytes_in(line + 3, "memory.current");
	}
	if (f != NULL)
		fclose(f);
	return max < 0 || now < 0 ? -1 : (max - now) >> 20;
}

int64_t ballast_room(void)
{
	int64_t room = available(), limit = cgroup_room();

	if (limit >= 0 && limit < room)
		room = limit;
	return room > SPARE ? room - SPARE : 0;
}

static void drop(void)
{
	if (memory != NULL)
		munmap(memory, held);
	memory = NULL;
	held = 0;
}

int ballast_hold(int64_t mebibytes)
{
	size_t size = (size_t)mebibytes << 20;
	void *m;

	if (size == held)
		return 0;
	drop();
	if (size == 0)
		return 0;
	if (mebibytes > ballast_room())
		return -ENOMEM;
	m = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return -ENOMEM;
	memory = m;
	held = size;
	madvise(memory, held, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < held; i += PAGE)
		memory[i] = 1;
	return 0;
}
