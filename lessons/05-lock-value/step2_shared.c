/* step2_shared.c - one counter for all, used by one process at a time.  [works]
 *
 * Build:  cc -O2 -o step2_shared step2_shared.c
 * New:    shm_open(), and ftruncate(), mmap() and shm_unlink() on its result
 * Try:    ./step2_shared
 * See:    each child goes on from where the one before it stopped: 400000.
 *         The next child starts when the last has ended.  That matters.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int *counter;

/* Memory with a name.  It starts as zero bytes; the name goes at once, the
 * memory stays as long as a process maps it. */
static void *shared(size_t size)
{
	char name[32];
	void *memory;
	int fd;

	snprintf(name, sizeof(name), "/rawmp-step2-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		err(1, "shm_open");
	shm_unlink(name);
	if (ftruncate(fd, (off_t)size) < 0)
		err(1, "ftruncate");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	close(fd);
	return memory;
}

static void count(int times)
{
	for (int i = 0; i < times; i++)
		(*counter)++;
}

int main(void)
{
	counter = shared(sizeof(*counter));
	for (int i = 1; i <= 4; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			count(100000);
			_exit(0);
		}
		if (waitpid(pid, NULL, 0) < 0)
			err(1, "waitpid");
		dprintf(1, "after child %d: counter %d\n", i, *counter);
	}
	return 0;
}
