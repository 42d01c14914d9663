/* shm.c - memfd without a name, a file linked into /dev/shm with one.
 *
 * Neither may ask for more memory than there is: the kernel would not refuse,
 * it would kill processes until the pages are found.  So that is asked first.
 *
 * A named object is made as an unnamed file in the directory that shm_open
 * uses (O_TMPFILE), given its size, and only then its name.  shm_open(O_CREAT)
 * would show an empty object first, and leave it for ever if killed there.
 */
#include "mp/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY    "/dev/shm"
#define NAME_MAX_SHM 250

static int check_name(const char *name)
{
	size_t length = strlen(name);

	if (name[0] != '/' || length < 2 || length > NAME_MAX_SHM + 1 ||
	    strchr(name + 1, '/') != NULL || strcmp(name, "/.") == 0 ||
	    strcmp(name, "/..") == 0)
		return -EINVAL;
	return 0;
}

/* Does the machine have so much memory and swap to give away now?  The answer
 * takes some 20 µs, so little is given without a question, as by malloc; and
 * without /proc nobody can tell. */
#define LITTLE ((size_t)16 << 20)

static int check_memory(size_t size)
{
	unsigned long long kib, sum = 0;
	char line[128];
	FILE *f = size <= LITTLE ? NULL : fopen("/proc/meminfo", "re");

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1 ||
		    sscanf(line, "SwapFree: %llu", &kib) == 1)
			sum += kib;
	fclose(f);
	return size / 1024 < sum ? 0 : -ENOMEM;
}

/* Reserve every page of a named object, whose directory has a limit of its own.
 * A signal makes tmpfs give the pages back: begin again. */
static int reserve(int fd, size_t size)
{
	int error;

	do
		error = posix_fallocate(fd, 0, (off_t)size);
	while (error == EINTR);
	return -error;
}

static int set_size(int fd, size_t size)
{
	if (ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	return 0;
}

static int map(struct mp_shm *m, int fd, size_t size)
{
	void *addr =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		return -errno;
	*m = (struct mp_shm){ .addr = addr, .size = size, .fd = fd };
	return 0;
}

static int publish(int fd, const char *name)
{
	char from[sizeof("/proc/self/fd/") + 10];
	char to[sizeof(DIRECTORY) + NAME_MAX_SHM + 1];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	snprintf(to, sizeof(to), DIRECTORY "%s", name);
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return 0;
}

int mp_shm_create(struct mp_shm *m, const char *name, size_t size)
{
	int fd, error;

	*m = (struct mp_shm){ .fd = -1 };
	if (size == 0 || (name != NULL && check_name(name) < 0))
		return -EINVAL;
	error = check_memory(size);
	if (error < 0)
		return error;

	if (name != NULL)
		fd = open(DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	else
		fd = memfd_create("rawmp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	error = name != NULL ? reserve(fd, size) : set_size(fd, size);
	if (error == 0)
		error = map(m, fd, size);
	if (error == 0 && name != NULL) {
		error = publish(fd, name);
		if (error < 0)
			munmap(m->addr, size);
	}
	if (error < 0) {
		close(fd);
		*m = (struct mp_shm){ .fd = -1 };
	}
	return error;
}

int mp_shm_open(struct mp_shm *m, const char *name)
{
	struct stat st;
	int fd, error;

	*m = (struct mp_shm){ .fd = -1 };
	if (check_name(name) < 0)
		return -EINVAL;
	fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		error = -errno;
	else if (st.st_size == 0)
		error = -EINVAL;
	else
		error = map(m, fd, (size_t)st.st_size);
	if (error < 0)
		close(fd);
	return error;
}

int mp_shm_close(struct mp_shm *m)
{
	if (m->addr != NULL) {
		munmap(m->addr, m->size);
		close(m->fd);
	}
	*m = (struct mp_shm){ .fd = -1 };
	return 0;
}

int mp_shm_unlink(const char *name)
{
	if (check_name(name) < 0)
		return -EINVAL;
	return shm_unlink(name) < 0 ? -errno : 0;
}

/* The list of mappings is in order: walk along it, through as many shared ones
 * as the range covers without a hole. */
int mp_shm_check(const void *addr, size_t size)
{
	uint64_t at = (uint64_t)addr, end, from, to;
	char line[512], shared;
	FILE *f;

	if (size == 0 || __builtin_add_overflow(at, size, &end))
		return -EINVAL;
	f = fopen("/proc/self/maps", "re");
	if (f == NULL)
		return 0;
	while (at < end && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c", &from, &to,
			   &shared) != 3 ||
		    to <= at)
			continue;
		if (from > at || shared != 's')
			break;
		at = to;
	}
	fclose(f);
	return at < end ? -EINVAL : 0;
}
